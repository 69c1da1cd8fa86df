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
    low, high = (-np.inf, np.inf) if bounds is None else bounds
    low, high = np.broadcast_to(low, X.shape), np.broadcast_to(high, X.shape)

    def of(rows, index):
        return objective(
            rows,
            None if labels is None else labels[index],
            None if gains is None else gains[index],
        )

    active = np.flatnonzero(free.any(axis=1))
    value = np.empty(len(X))
    value[:], G = of(X, np.arange(len(X)))
    G = np.where(free, G, 0.0)[active]
    length = np.linalg.norm(G, axis=1)
    step = FIRST_STEP * np.linalg.norm(X[active], axis=1) / np.where(length > 0, length, 1)
    idle = np.zeros(len(active), dtype=int)
    for _ in range(max_iter):
        if not len(active):
            break
        before, mask = X[active], free[active]
        after = np.where(
            mask, np.clip(before + step[:, None] * G, low[active], high[active]), before
        )
        found, slope = of(after, active)
        slope = np.where(mask, slope, 0.0)
        gain = found - value[active]
        better = gain >= 0
        X[active[better]], value[active[better]] = after[better], found[better]
        moved, turned = after - before, G - slope
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
    widest = max(objective.n_inputs, *(W.shape[1] for W in objective.network.coefs))

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

    found = list(map_blocks(part, block_slices(len(X), 4 * widest), n_jobs))
    return tuple(np.concatenate(parts) for parts in zip(*found, strict=True))


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
    if objective.encoding.name == "unit":
        X *= (lengths / np.maximum(np.linalg.norm(X, axis=1), 1e-300))[:, None]
    return X


def completed(objective, sample, X, labels, *, bounds, n_jobs, max_iter=300):
    """Rows whose NaN are filled so that least activation is lost, and minus that loss.

    The search starts from the mean of the ``N_NEAREST`` kept training rows of the label that
    are nearest on the known entries.
    """
    missing = np.isnan(X)
    start = np.nan_to_num(X.astype(np.float64))
    for label in np.unique(labels):
        index = np.flatnonzero(labels == label)
        guess = _nearest_mean(*_of_label(sample, label), start[index], ~missing[index], objective)
        start[index] = np.where(missing[index], guess, start[index])
    start = np.where(missing, np.clip(start, *bounds), start)
    return maximise_blocks(
        objective,
        start,
        missing,
        labels=labels,
        gains=None,
        bounds=bounds,
        n_jobs=n_jobs,
        max_iter=max_iter,
    )


def _of_label(sample, label):
    """Kept rows of a label and their weights; all of them if there are none."""
    of_label = sample.labels == label
    if not of_label.any():
        return sample.X, sample.weight
    return sample.X[of_label], sample.weight[of_label]


def _nearest_mean(kept, weight, X, known, objective):
    """Mean of the kept rows nearest to each of ``X`` on the known entries."""
    kept = np.nan_to_num(kept.astype(np.float64))
    scales = column_scales(kept, weight)[1] if objective.encoding.name == "fourier" else 1.0
    S, V, mask = kept / scales, np.where(known, X / scales, 0), known.astype(np.float64)
    product, squares = V @ S.T, mask @ (S * S).T
    factor = np.ones_like(product)
    if objective.encoding.name == "unit":  # rows are alike whatever their length
        factor = np.maximum(product, 0) / np.where(squares > 0, squares, 1)
    distance = factor * (factor * squares - 2 * product)
    n = min(N_NEAREST, len(kept))
    nearest = np.argpartition(distance, n - 1, axis=1)[:, :n]
    factor = np.take_along_axis(factor, nearest, axis=1)
    factor = np.where(factor > 0, factor, 1)
    return np.einsum("ij,ijk->ik", factor, kept[nearest]) / n
