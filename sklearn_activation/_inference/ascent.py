"""Free entries of rows that go uphill."""

import numpy as np

from .._blocks import map_blocks

TOLERANCE = 1e-5  # of the objective: a row that gains less in PATIENCE steps is done
PATIENCE = 5
FIRST_STEP = 0.1  # of the row's norm


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
    found = list(map_blocks(part, n_rows, 4 * widest, n_jobs))
    return tuple(np.concatenate(arrays) for arrays in zip(*found, strict=True))
