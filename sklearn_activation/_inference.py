"""Inference: free entries of rows that raise the output activation (paper, eq. 10 to 17).

Entries are those of raw rows. Where the encoding scales rows to norm 1, the activation does
not change with a row's length, so there is no sphere to stay on.
"""

import numpy as np

from ._encoding import column_scales
from ._network import block_slices
from ._parallel import map_blocks

TOLERANCE = 1e-5  # of the objective: a row that gains less in PATIENCE steps is done
PATIENCE = 5
FIRST_STEP = 0.1  # of the row's norm
N_LOSSES = 200  # kept rows that the sharpness of sampling is fitted to
MARGIN = 0.5  # of a column's range, on either side: draws stay within
LONGEST_DRIFT = 2.0  # over that of a Gaussian's typical rows: far ones would overshoot
RIDGE = 1e-3  # of the variance of columns that others are regressed on
FLOOR = 1e-6  # of a column's variance, left by the others
BEST_ACCEPTANCE = 0.574  # of Langevin proposals (Roberts & Rosenthal 1998)
N_NEAREST = 5  # kept rows that a completion starts from


class Objective:
    """Output activation of raw rows with their labels, less a multiple of their L1 norm.

    Parameters
    ----------
    network : Network
    encoding : an instance from ``ENCODINGS``
    n_labels : int
        Width of the label block, 0 for none.
    sharpness : float
        beta of eq. 15: what the L1 norm of the row in the encoding's units costs.
    """

    def __init__(self, network, encoding, n_labels=0, sharpness=0.0):
        self.network = network
        self.encoding = encoding
        self.n_labels = n_labels
        self.sharpness = sharpness
        self.dtype = network.coefs[0].dtype
        self.n_inputs = encoding.n_outputs + n_labels

    def __call__(self, X, labels=None, gains=None):
        """Value (n_rows,) and gradient (n_rows, n_features).

        ``gains`` (n_rows, n_units) multiply the squared outputs (eq. 16).
        """
        n = self.encoding.n_outputs
        Z = np.zeros((len(X), self.n_inputs), dtype=self.dtype)
        self.encoding.write(X, Z)
        if self.n_labels:
            Z[np.arange(len(Z)), n + labels] = 1
        value, gradient = self.network.energies_and_gradient(Z, gains)
        value, slope = value.astype(np.float64), self.encoding.pull_back(X, gradient[:, :n])
        if self.sharpness:
            length, length_slope = self.encoding.length(X)
            value -= self.sharpness * length
            slope -= self.sharpness * length_slope
        return value, slope


class LostActivation(Objective):
    """What the network loses of a row that keeps its length, negative.

    A row of squared length s whose label block is as long as its data has the input
    activation 2 s (or s without labels), of which the network passes on s ||y||^2: its
    activations keep lengths. With the known entries held, missing ones that the network
    cannot explain cost their own energy; the activation of the normalised row (eq. 17)
    would have them outweigh the known ones instead. For one layer it is the conditional
    mean's objective, x^T (I - P) x.
    """

    def __call__(self, X, labels=None, gains=None):
        value, slope = super().__call__(X, labels, gains)
        lost = 1 + bool(self.n_labels) - value
        energy, energy_slope = self.encoding.energy(X)
        return -energy * lost, energy[:, None] * slope - lost[:, None] * energy_slope


def maximise(objective, X, free, *, labels=None, gains=None, bounds=None, max_iter=300):
    """Raise the objective of every row by projected gradient steps of its own length.

    A step (Barzilai & Borwein 1988) that would lower a row's value is cut, so that no value
    ever falls. Rows that gain no more leave the batch.

    Parameters
    ----------
    objective : Objective
    X : ndarray of shape (n_rows, n_features)
        Where to start from.
    free : ndarray of bool of shape (n_rows, n_features)
        Entries that may change.
    labels : ndarray of int of shape (n_rows,), or None
    gains : ndarray of shape (n_rows, n_units), or None
    bounds : (low, high), each broadcast to the shape of ``X``, or None
    max_iter : int

    Returns
    -------
    X : ndarray of shape (n_rows, n_features)
    value : ndarray of shape (n_rows,)
    """
    X = np.array(X, dtype=np.float64)
    unit = objective.encoding.unit  # steps are taken in columns of like scale
    low, high = (-np.inf, np.inf) if bounds is None else bounds
    low, high = np.broadcast_to(low, X.shape), np.broadcast_to(high, X.shape)

    def of(rows, index):
        value, slope = objective(
            rows,
            None if labels is None else labels[index],
            None if gains is None else gains[index],
        )
        return value, slope * unit

    active = np.flatnonzero(free.any(axis=1))
    value = np.empty(len(X))
    value[:], G = of(X, np.arange(len(X)))
    G = np.where(free, G, 0.0)[active]
    length = np.linalg.norm(G, axis=1)
    step = FIRST_STEP * objective.encoding.size(X[active]) / np.where(length > 0, length, 1)
    idle = np.zeros(len(active), dtype=int)
    for _ in range(max_iter):
        if not len(active):
            break
        before, mask = X[active], free[active]
        after = np.where(
            mask, np.clip(before + step[:, None] * G * unit, low[active], high[active]), before
        )
        found, slope = of(after, active)
        slope = np.where(mask, slope, 0.0)
        gain = found - value[active]
        better = gain >= 0
        X[active[better]], value[active[better]] = after[better], found[better]
        moved, turned = (after - before) / unit, G - slope
        curvature = np.einsum("ij,ij->i", moved, turned)
        distance = np.einsum("ij,ij->i", moved, moved)
        ratio = distance / np.where(curvature > 0, curvature, np.inf)
        step = np.where(
            better,
            np.where(curvature > 0, np.clip(ratio, step / 10, step * 10), 4 * step),
            step / 4,
        )
        G = np.where(better[:, None], slope, G)
        idle = np.where(gain > TOLERANCE, 0, idle + 1)
        going = (idle < PATIENCE) & (distance > 0)
        active, G, step, idle = active[going], G[going], step[going], idle[going]
    return X, value


def maximise_blocks(objective, X, free, *, labels, gains, bounds, n_jobs, **options):
    """``maximise`` block by block, in threads."""

    def part(block):
        return maximise(
            objective,
            X[block],
            free[block],
            labels=None if labels is None else labels[block],
            gains=None if gains is None else gains[block],
            bounds=bounds,
            **options,
        )

    return _by_blocks(part, len(X), objective, n_jobs)


def _by_blocks(part, n_rows, objective, n_jobs):
    """Arrays that ``part`` returns for blocks of rows, put together."""
    widest = max(objective.n_inputs, *(W.shape[1] for W in objective.network.coefs))
    found = list(map_blocks(part, block_slices(n_rows, 4 * widest), n_jobs))
    return tuple(np.concatenate(arrays) for arrays in zip(*found, strict=True))


def generated(objective, sample, labels, gains, rng, *, bounds, n_jobs):
    """Rows of given labels that activate most near where they start from.

    They start from kept training rows of the label, each moved by half the difference of two
    others, and get the mean length of those rows where the encoding ignores lengths.
    """
    start, lengths = np.empty((len(labels), sample.X.shape[1])), np.empty(len(labels))
    for label in np.unique(labels):
        kept = np.nan_to_num(_of_label(sample, label)[0].astype(np.float64))
        index = np.flatnonzero(labels == label)
        i, j, k = rng.integers(len(kept), size=(3, len(index)))
        start[index] = np.clip(kept[i] + 0.5 * (kept[j] - kept[k]), *bounds)
        lengths[index] = np.linalg.norm(kept, axis=1).mean()
    free = np.ones(start.shape, dtype=bool)
    X, _ = maximise_blocks(
        objective, start, free, labels=labels, gains=gains, bounds=bounds, n_jobs=n_jobs
    )
    return objective.encoding.with_lengths(X, lengths)


def completed(objective, sample, X, labels, *, bounds, n_jobs, max_iter=300):
    """Rows whose NaN are filled so that least activation is lost, and minus that loss.

    The search starts from the mean of the ``N_NEAREST`` kept training rows of the label that
    are nearest on the known entries.
    """

    def part(block):
        of_row, missing = labels[block], np.isnan(X[block])
        start = np.nan_to_num(X[block].astype(np.float64))
        for label in np.unique(of_row):
            index, kept = np.flatnonzero(of_row == label), _of_label(sample, label)
            guess = _nearest_mean(*kept, start[index], ~missing[index], objective)
            start[index] = np.where(missing[index], guess, start[index])
        start = np.where(missing, np.clip(start, *bounds), start)
        options = {"labels": of_row, "bounds": bounds, "max_iter": max_iter}
        return maximise(objective, start, missing, **options)

    return _by_blocks(part, len(X), objective, n_jobs)


def column_ranges(X):
    """Least and largest known entry of every column, 0 where nothing is known."""
    low, high = np.fmin.reduce(X, axis=0), np.fmax.reduce(X, axis=0)
    return np.nan_to_num(low.astype(np.float64)), np.nan_to_num(high.astype(np.float64))


def with_means(X, labels):
    """Rows with the mean of known entries of their label for NaN; 0 if none are known."""
    filled = X.copy()
    for label in np.unique(labels):
        rows = X[labels == label]
        mean, _ = column_scales(rows, np.ones(len(rows)))
        filled[labels == label] = np.where(np.isnan(rows), mean.astype(X.dtype), rows)
    return filled


def _of_label(sample, label):
    """Kept rows of a label and their weights; all of them if there are none."""
    of_label = sample.labels == label
    if not of_label.any():
        return sample.X, sample.weight
    return sample.X[of_label], sample.weight[of_label]


def _nearest_mean(kept, weight, X, known, objective):
    """Mean of the kept rows nearest to each of ``X`` on the known entries."""
    kept = np.nan_to_num(kept.astype(np.float64))
    distance, factor = objective.encoding.distances(X, known, kept, weight)
    n = min(N_NEAREST, len(kept))
    nearest = np.argpartition(distance, n - 1, axis=1)[:, :n]
    factor = np.take_along_axis(factor, nearest, axis=1)
    factor = np.where(factor > 0, factor, 1)
    return np.einsum("ij,ijk->ik", factor, kept[nearest]) / n


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
