"""Rows drawn at random from what is typical."""

import numpy as np

from .._rows.scales import column_scales
from .ascent import maximise

N_LOSSES = 200  # kept rows that the sharpness of sampling is fitted to
MARGIN = 0.5  # of a column's range, on either side: draws stay within
LONGEST_DRIFT = 2.0  # over that of a Gaussian's typical rows: far ones would overshoot
RIDGE = 1e-3  # of the variance of columns that others are regressed on
FLOOR = 1e-6  # of a column's variance, left by the others
BEST_ACCEPTANCE = 0.574  # of Langevin proposals (Roberts & Rosenthal 1998)


def sampled(objective, kept, share, X, free, loss_ratio, rng, *, n_steps):
    """Draws of the free entries from p(x) proportional to exp(-a lost(x)), the others held.

    A Metropolis-adjusted Langevin walk a row (Roberts & Tweedie 1996) within twice the range
    of ``kept``, whitened by what the other entries leave of the free ones' covariance in a
    linear regression on ``kept``. It starts from that regression's prediction and noise, from
    ``kept`` rows if all entries are free. The drift of rows far from all others is cut
    (Roberts & Tweedie's truncated walk).
    ``a`` has rows that were not trained on lose 1 / (2 a) for each free entry more than they
    would with the best free entries: the maximum-likelihood fit where the loss is quadratic.

    Parameters
    ----------
    objective : LostActivation
    kept : ndarray of shape (n_kept, n_features)
        Training rows without NaN. Where all are the same a column is not sampled.
    share : ndarray of shape (n_kept,)
        Their weights, which add up to 1.
    X : ndarray of shape (n_rows, n_features)
        Where to start from; free entries are ignored.
    free : ndarray of bool of shape (n_features,)
    loss_ratio : float
        How much more activation rows lose that were not trained on.
    rng : numpy Generator
    n_steps : int
        The first two thirds settle the step size.

    Returns
    -------
    X : ndarray of shape (n_rows, n_features)
    acceptance : float
        Share of the last third of the proposals.
    """
    X = np.array(X, dtype=np.float64)
    constant = np.ptp(kept, axis=0) == 0
    X[:, free & constant] = kept[0, free & constant]
    free = free & ~constant
    n_free = np.count_nonzero(free)
    if not n_free:
        return X, 1.0
    rows = kept[rng.choice(len(kept), min(len(kept), N_LOSSES), replace=False, p=share)]
    _, best = maximise(objective, rows, np.broadcast_to(free, rows.shape), max_iter=30)
    lost, least = -objective(rows)[0].mean(), -best.mean()
    # Rows not trained on: what they lose at best is between least and loss_ratio * least.
    gap = np.sqrt(loss_ratio * max(lost - least, 0) * (loss_ratio * lost - least))
    sharpness = n_free / (2 * max(gap, 1e-9))
    location, scale = column_scales(kept, share)
    kept = (kept - location) / scale
    slope, root = _regression(kept, share, free)
    if (free | constant).all():
        U = kept[rng.choice(len(kept), len(X), p=share)]
    else:
        U = (X - location) / scale
        U[:, free] = U[:, ~free] @ slope + rng.normal(size=(len(U), n_free)) @ root.T
    low, high = kept.min(axis=0)[free], kept.max(axis=0)[free]
    low, high = low - MARGIN * (high - low), high + MARGIN * (high - low)
    U[:, free] = np.clip(U[:, free], low, high)
    size = n_free ** (-1 / 6)
    accepted = []

    def rows_of(U):
        return np.where(free, U * scale + location, X)

    def ascent(U):
        value, slope = objective(rows_of(U))
        drift = sharpness * (slope * scale)[:, free] @ root
        length = np.linalg.norm(drift, axis=1, keepdims=True)
        longest = LONGEST_DRIFT * np.sqrt(n_free)
        return sharpness * value, drift * (longest / np.maximum(length, longest))

    value, drift = ascent(U)
    for step in range(n_steps):
        move = 0.5 * size**2 * drift + size * rng.normal(size=drift.shape)
        proposed = U.copy()
        proposed[:, free] += move @ root.T
        inside = ((proposed[:, free] >= low) & (proposed[:, free] <= high)).all(axis=1)
        new_value, new_drift = ascent(proposed)
        forth = ((move - 0.5 * size**2 * drift) ** 2).sum(axis=1)
        back = ((-move - 0.5 * size**2 * new_drift) ** 2).sum(axis=1)
        odds = new_value - value + (forth - back) / (2 * size**2)
        taken = inside & (np.log(rng.random(len(U))) < odds)
        U[taken], value[taken], drift[taken] = proposed[taken], new_value[taken], new_drift[taken]
        accepted.append(taken.mean())
        if 3 * step < 2 * n_steps:
            size *= np.exp(0.3 * (accepted[-1] - BEST_ACCEPTANCE))
    return rows_of(U), float(np.mean(accepted[-(-2 * n_steps // 3) :]))


def _regression(kept, share, free):
    """Slopes of free columns on the others, and a root of the covariance that they leave.

    Columns are centred.
    """
    known, target = kept[:, ~free], kept[:, free]
    gram = known.T @ (share[:, None] * known)
    slope = np.linalg.solve(gram + RIDGE * np.eye(len(gram)), known.T @ (share[:, None] * target))
    rest = target - known @ slope
    covariance = rest.T @ (share[:, None] * rest)
    return slope, np.linalg.cholesky(covariance + FLOOR * np.eye(len(covariance)))
