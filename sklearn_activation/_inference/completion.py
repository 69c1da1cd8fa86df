"""Rows made for a label, and rows with gaps completed."""

import numpy as np

from .._rows.scales import column_scales
from .ascent import _by_blocks, maximise, maximise_blocks

N_NEAREST = 5  # kept rows that a completion starts from


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
