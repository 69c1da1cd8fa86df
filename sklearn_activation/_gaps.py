"""Rows with gaps, completed from the rows that are nearest on what is known."""

import numpy as np

from ._encoding import PAIR

N_DONORS = 512  # rows that gaps are completed from
N_NEAREST = 5


def completed(X, donors, encoding, *, drawn):
    """Rows of which NaN are filled in from the nearest donors that know the entry.

    ``drawn`` takes the entry of one of the ``N_NEAREST``, so that completed rows spread as
    complete ones do: what training needs. Otherwise it is their mean, or for categories the
    nearest's: the row is then judged by what is known. Entries that no donor knows stay NaN.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
    donors : ndarray of shape (n_donors, n_features)
        Rows that may have gaps of their own.
    encoding : FourierEncoding
        Its scales measure distances; two categories are as far apart as a typical pair of numbers.
    drawn : bool
    """
    gaps = np.isnan(X)
    rows = np.flatnonzero(gaps.any(axis=1))
    result = X.copy()
    step = max(1, (1 << 22) // len(donors))
    for start in range(0, len(rows), step):
        block = rows[start : start + step]
        result[block] = _completed(X[block], gaps[block], donors, encoding, drawn)
    return result


def _completed(X, gaps, donors, encoding, drawn):
    distances, Z = _distances(X, donors, encoding)
    codes = np.zeros(X.shape[1], dtype=bool)
    if encoding.categories is not None:
        codes[encoding.categories["columns"]] = True
    # Which of the nearest to take: as good as random, but the same for the same row.
    pick = np.floor(1000 * np.abs(Z).sum(axis=1)).astype(np.int64)
    result = X.copy()
    for j in np.flatnonzero(gaps.any(axis=0)):
        rows, known = np.flatnonzero(gaps[:, j]), np.flatnonzero(~np.isnan(donors[:, j]))
        if not len(known):
            continue
        n = min(N_NEAREST, len(known))
        near = distances[np.ix_(rows, known)]
        nearest = np.argpartition(near, n - 1, axis=1)[:, :n]
        order = np.argsort(np.take_along_axis(near, nearest, axis=1), axis=1, kind="stable")
        values = donors[known[np.take_along_axis(nearest, order, axis=1)], j]
        if drawn:
            result[rows, j] = values[np.arange(len(rows)), (pick[rows] + j) % n]
        else:
            result[rows, j] = values[:, 0] if codes[j] else values.mean(axis=1)
    return result


def _distances(X, donors, encoding):
    """Mean squared distance over the entries that both know, and the standardised rows."""
    known, theirs = ~np.isnan(X), ~np.isnan(donors)
    Z, D = encoding.standardise(X), encoding.standardise(donors)  # 0 for NaN and categories
    both = known.astype(np.float64) @ theirs.T
    total = (Z * Z) @ theirs.T - 2 * (Z @ D.T) + known.astype(np.float64) @ (D * D).T
    if encoding.categories is not None:
        width = np.median(encoding.categories["widths"])
        for column in encoding.categories["columns"]:
            differ = X[:, column][:, None] != donors[:, column]
            differ &= known[:, column][:, None] & theirs[:, column]
            total += (PAIR / width) ** 2 * differ
    return np.where(both > 0, total / np.maximum(both, 1), np.inf), Z
