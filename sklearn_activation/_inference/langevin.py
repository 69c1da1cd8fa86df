"""Random draws of rows from the density that the network defines."""

import numpy as np

from .._rows.encoding import CLIP
from .._rows.scales import column_scales
from .ascent import maximise


def sample_langevin(objective, kept, share, X, free, loss_ratio, rng, *, n_steps, n_losses=200):
    """Draw the free entries of rows from p(x) proportional to exp(-a lost(x)).

    The other entries are held. The density is that of the paper's eq. 8 with one change: the
    activation that a row loses takes the place of the activation that it keeps. Each row walks
    independently: see `_Walk`.

    The factor a is chosen so that new rows lose 1 / (2 a) per free entry more than with their best
    free entries. This choice is the maximum-likelihood fit if the loss is quadratic.

    Parameters
    ----------
    objective : LostActivation
    kept : ndarray of shape (n_kept, n_features)
        Training rows without NaN. Constant columns are not sampled.
    share : ndarray of shape (n_kept,)
        Weights of the kept rows, which add up to 1.
    X : ndarray of shape (n_rows, n_features)
        Rows whose entries are held unless they are free.
    free : ndarray of bool of shape (n_features,)
    loss_ratio : float
        Activation that new rows lose, divided by the activation that training rows lose.
    rng : numpy Generator
    n_steps : int
        Number of steps of each walk. The first two thirds adapt the step size.
    n_losses : int, default=200
        Number of kept rows to which the factor a is fitted.

    Returns
    -------
    X : ndarray of shape (n_rows, n_features)
    acceptance : float
        Share of accepted proposals in the last third of the steps.
    """
    X = np.array(X, dtype=np.float64)
    constant = np.ptp(kept, axis=0) == 0
    X[:, free & constant] = kept[0, free & constant]
    everything, free = (free | constant).all(), free & ~constant
    if not free.any():
        return X, 1.0
    rows = kept[rng.choice(len(kept), min(len(kept), n_losses), replace=False, p=share)]
    sharpness = _fit_sharpness(objective, rows, free, loss_ratio)
    walk = _Walk(objective, sharpness, X, free, kept, share)
    walk.start(rng, everything)
    acceptance, n_settling = [], -(-2 * n_steps // 3)
    for step in range(n_steps):
        acceptance.append(walk.accept(*walk.propose(rng), rng))
        if step < n_settling:
            walk.adapt(acceptance[-1])
    return walk.rows(), float(np.mean(acceptance[n_settling:]))


def _fit_sharpness(objective, rows, free, loss_ratio):
    """Return the factor a of the density exp(-a lost(x)), fitted to training rows."""
    _, best = maximise(objective, rows, np.broadcast_to(free, rows.shape), max_iter=30)
    lost, least = -objective(rows)[0].mean(), -best.mean()
    # New rows lose ``loss_ratio * lost``. The least that new rows can lose is not known, but it
    # lies between ``least`` and ``loss_ratio * least``. Each bound gives a gap between the two
    # losses. The estimate is the geometric mean of both gaps.
    gap = np.sqrt(loss_ratio * max(lost - least, 0) * (loss_ratio * lost - least))
    return np.count_nonzero(free) / (2 * max(gap, 1e-9))


class _Walk:
    """Metropolis-adjusted Langevin walks, one for each row (Roberts & Tweedie 1996).

    A proposal is x' = x + h^2 / 2 grad log p(x) + h z, with z standard normal. The proposal is
    made in whitened free entries. A linear regression on ``kept`` gives the covariance of the free
    entries for known other entries. In each free column, a walk may leave the range of ``kept`` by
    half of this range on each side.

    Parameters
    ----------
    objective : LostActivation
    sharpness : float
        The factor a: log p is ``sharpness`` times the objective.
    X : ndarray of shape (n_rows, n_features)
        Rows whose entries are held unless they are free.
    free : ndarray of bool of shape (n_features,)
    kept : ndarray of shape (n_kept, n_features)
        Training rows.
    share : ndarray of shape (n_kept,)
        Weights of the kept rows, which add up to 1.
    """

    # A walk may leave the range of a column of ``kept`` by this share of the range, on each side.
    margin = 0.5

    # The drift is cut to this multiple of its length for typical rows of a Gaussian, as in the
    # truncated walk of Roberts & Tweedie. Otherwise steps from remote rows would overshoot.
    longest_drift = 2.0

    # Slopes are clipped here, so that the sum of their squares stays finite.
    steepest = 1e100

    # The walk moves fastest if this share of the proposals is accepted (Roberts & Rosenthal 1998).
    best_acceptance = 0.574

    # The logarithm of the step size changes by this factor times the excess over
    # ``best_acceptance``.
    rate = 0.3

    def __init__(self, objective, sharpness, X, free, kept, share):
        self._objective, self._sharpness = objective, sharpness
        self._X, self._free, self._share = X, free, share
        self._location, self._scale = column_scales(kept, share)
        self._kept = (kept - self._location) / self._scale
        self._slope, self._root = _regression(self._kept, share, free)
        low, high = self._kept.min(axis=0)[free], self._kept.max(axis=0)[free]
        reach = self.margin * (high - low)
        self._low, self._high = low - reach, high + reach
        self._size = np.count_nonzero(free) ** (-1 / 6)

    def start(self, rng, everything):
        """Draw start rows.

        If all entries are free, the start is a kept row. If some entries are held, the regression
        draws the free entries.
        """
        free = self._free
        if everything:
            self._U = self._kept[rng.choice(len(self._kept), len(self._X), p=self._share)]
        else:
            with np.errstate(over="ignore"):  # held entries may be far from the kept rows
                self._U = np.clip((self._X - self._location) / self._scale, -CLIP, CLIP)
            noise = rng.normal(size=(len(self._U), np.count_nonzero(free)))
            self._U[:, free] = self._U[:, ~free] @ self._slope + noise @ self._root.T
        self._U[:, free] = np.clip(self._U[:, free], self._low, self._high)
        self._value, self._drift = self._log_density(self._U)

    def propose(self, rng):
        """Return rows after a random step, and the step in whitened entries."""
        noise = rng.normal(size=self._drift.shape)
        move = 0.5 * self._size**2 * self._drift + self._size * noise
        proposed = self._U.copy()
        proposed[:, self._free] += move @ self._root.T
        return proposed, move

    def accept(self, proposed, move, rng):
        """Take the proposals that pass the Metropolis test, and return their share."""
        entries = proposed[:, self._free]
        inside = ((entries >= self._low) & (entries <= self._high)).all(axis=1)
        value, drift = self._log_density(proposed)
        # A proposal x' is accepted with the probability (Hastings 1970)
        #     min(1, p(x') q(x | x') / (p(x) q(x' | x))).
        # The density q of proposals follows from (Roberts & Tweedie 1996)
        #     log q(x' | x) = -|x' - x - h^2 / 2 drift(x)|^2 / (2 h^2) + constant.
        # ``odds`` is the logarithm of the ratio. ``forth`` and ``back`` are the squared norms in
        # q(x' | x) and q(x | x').
        forth = ((move - 0.5 * self._size**2 * self._drift) ** 2).sum(axis=1)
        back = ((-move - 0.5 * self._size**2 * drift) ** 2).sum(axis=1)
        odds = value - self._value + (forth - back) / (2 * self._size**2)
        taken = inside & (np.log(rng.random(len(proposed))) < odds)
        self._U[taken], self._value[taken] = proposed[taken], value[taken]
        self._drift[taken] = drift[taken]
        return taken.mean()

    def adapt(self, acceptance):
        """Move the step size towards the best share of accepted proposals."""
        self._size *= np.exp(self.rate * (acceptance - self.best_acceptance))

    def rows(self):
        """Return the current rows."""
        return self._to_rows(self._U)

    def _to_rows(self, U):
        """Return rows with the free entries of the standardised rows ``U``."""
        return np.where(self._free, U * self._scale + self._location, self._X)

    def _log_density(self, U):
        """Return log p of standardised rows up to a constant, and the drift.

        The drift is the gradient of log p in whitened entries, cut to a greatest length.
        """
        value, slope = self._objective(self._to_rows(U))
        with np.errstate(over="ignore"):  # the drift is cut below
            slope = np.clip(self._sharpness * slope * self._scale, -self.steepest, self.steepest)
        drift = slope[:, self._free] @ self._root
        length = np.linalg.norm(drift, axis=1, keepdims=True)
        longest = self.longest_drift * np.sqrt(drift.shape[1])
        return self._sharpness * value, drift * (longest / np.maximum(length, longest))


def _regression(kept, share, free, ridge=1e-3, floor=1e-6):
    """Regress the free columns on the other columns.

    Parameters
    ----------
    kept : ndarray of shape (n_kept, n_features)
        Standardised training rows.
    share : ndarray of shape (n_kept,)
        Weights of the rows, which add up to 1.
    free : ndarray of bool of shape (n_features,)
    ridge : float, default=1e-3
        Ridge penalty, as a share of the variance of the other columns.
    floor : float, default=1e-6
        Variance that is added to the residuals, as a share of the variance of the free columns.

    Returns
    -------
    slope : ndarray of shape (n_others, n_free)
        Coefficients of the other columns.
    root : ndarray of shape (n_free, n_free)
        Lower triangular matrix. ``root @ root.T`` is the covariance of the residuals.
    """
    known, target = kept[:, ~free], kept[:, free]
    gram = known.T @ (share[:, None] * known)
    slope = np.linalg.solve(gram + ridge * np.eye(len(gram)), known.T @ (share[:, None] * target))
    rest = target - known @ slope
    covariance = rest.T @ (share[:, None] * rest)
    return slope, np.linalg.cholesky(covariance + floor * np.eye(len(covariance)))
