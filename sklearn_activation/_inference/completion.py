"""Generation of rows for a label, and completion of rows with missing entries."""

import numpy as np

from .._rows.scales import row_norms
from .ascent import join_blocks, maximise, maximise_blocks


def generate_rows(objective, sample, labels, gains, rng, *, bounds, n_jobs):
    """Generate rows of given labels by ascent from random starts (paper, eq. 15 and 16).

    The start of a row is a kept training row of its label, plus half the difference of two other
    kept rows of the label. If the encoding ignores lengths, a generated row gets the mean length
    of the label's kept rows.

    Parameters
    ----------
    objective : Objective
    sample : Sample
        Kept training rows.
    labels : ndarray of int of shape (n_rows,)
        Number of the label of each row.
    gains : ndarray of shape (n_rows, n_units) or None
        Factors of the squared outputs (paper, eq. 16).
    rng : numpy Generator
    bounds : (low, high), each broadcast to the shape of the rows
    n_jobs : int or None

    Returns
    -------
    X : ndarray of shape (n_rows, n_features)
    """
    start, lengths = np.empty((len(labels), sample.X.shape[1])), np.empty(len(labels))
    for label in np.unique(labels):
        kept = np.nan_to_num(_of_label(sample, label)[0].astype(np.float64))
        index = np.flatnonzero(labels == label)
        i, j, k = rng.integers(len(kept), size=(3, len(index)))
        with np.errstate(over="ignore"):
            start[index] = np.clip(kept[i] + 0.5 * (kept[j] - kept[k]), *bounds)
        lengths[index] = (row_norms(kept) / len(kept)).sum()
    free = np.ones(start.shape, dtype=bool)
    X, _ = maximise_blocks(
        objective, start, free, labels=labels, gains=gains, bounds=bounds, n_jobs=n_jobs
    )
    return objective.encoding.with_lengths(X, lengths)


def complete_rows(objective, sample, X, labels, *, bounds, n_jobs, max_iter=300, n_nearest=5):
    """Fill the NaN of rows so that the rows lose the least activation (paper, eq. 17).

    The ascent starts from the mean of the kept training rows of the same label that are nearest on
    the known entries.

    Parameters
    ----------
    objective : LostActivation
        The objective. The docstring of ``LostActivation`` states how the objective differs from
        eq. 17.
    sample : Sample
        Kept training rows.
    X : ndarray of shape (n_rows, n_features)
        Rows with NaN.
    labels : ndarray of int of shape (n_rows,)
        Number of the label of each row.
    bounds : (low, high), each broadcast to the shape of ``X``
    n_jobs : int or None
    max_iter : int, default=300
        Maximum number of steps uphill.
    n_nearest : int, default=5
        Number of kept rows whose mean is the start of the ascent.

    Returns
    -------
    X : ndarray of shape (n_rows, n_features)
    value : ndarray of shape (n_rows,)
        The objective: minus the activation that each row loses.
    """

    def complete_block(block):
        of_row, missing = labels[block], np.isnan(X[block])
        start = np.nan_to_num(X[block].astype(np.float64))
        for label in np.unique(of_row):
            index, kept = np.flatnonzero(of_row == label), _of_label(sample, label)
            guess = _nearest_mean(*kept, start[index], ~missing[index], objective, n_nearest)
            start[index] = np.where(missing[index], guess, start[index])
        start = np.where(missing, np.clip(start, *bounds), start)
        options = {"labels": of_row, "bounds": bounds, "max_iter": max_iter}
        return maximise(objective, start, missing, **options)

    return join_blocks(complete_block, len(X), objective, n_jobs)


def column_ranges(X):
    """Return the least and largest known entry of each column.

    A column without known entries gets 0 and 0.
    """
    low, high = np.fmin.reduce(X, axis=0), np.fmax.reduce(X, axis=0)
    return np.nan_to_num(low.astype(np.float64)), np.nan_to_num(high.astype(np.float64))


def _of_label(sample, label):
    """Return the kept rows of a label and their weights.

    A label without rows takes all kept rows.
    """
    of_label = sample.labels == label
    if not of_label.any():
        return sample.X, sample.weight
    return sample.X[of_label], sample.weight[of_label]


def _nearest_mean(kept, weight, X, known, objective, n_nearest):
    """Return the mean of the ``n_nearest`` nearest kept rows, for each row of ``X``.

    Distances count the known entries only. Each kept row is multiplied by the factor that brings
    it nearest.
    """
    kept = np.nan_to_num(kept.astype(np.float64))
    distance, factor = objective.encoding.distances(X, known, kept, weight)
    n = min(n_nearest, len(kept))
    nearest = np.argpartition(distance, n - 1, axis=1)[:, :n]
    factor = np.take_along_axis(factor, nearest, axis=1)
    factor = np.where(factor > 0, factor, 1)
    return np.einsum("ij,ijk->ik", factor, kept[nearest]) / n
