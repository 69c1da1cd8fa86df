"""Rows with gaps, completed from the rows that are nearest on what is known."""

import numpy as np

from .sample import even_keys
from .scales import PAIR

N_DONORS = 512  # rows that gaps are completed from
N_NEAREST = 5  # donors whose mean fills a gap
N_DRAWN = 20  # donors of which one fills it, in training
TIE = 1e-9  # squared distance by which donors that are equally far are told apart


def completed(X, donors, encoding, *, drawn):
    """Rows whose NaN are filled in from the nearest donors that know the entry.

    If ``drawn``, an entry is that of one of ``N_DRAWN`` donors, so that completed rows spread as
    complete ones do: this is what training needs. Otherwise it is the mean of ``N_NEAREST``, or
    for categories the nearest donor's, and the row is judged by what is known. Entries that no
    donor knows stay NaN, which the encoding takes for the column's mean.

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
    result, keys = X.copy(), even_keys(X) if drawn else np.zeros(len(X), dtype=np.uint64)
    step = max(1, (1 << 22) // len(donors))
    for start in range(0, len(rows), step):
        block = rows[start : start + step]
        result[block] = _completed(X[block], gaps[block], donors, encoding, drawn, keys[block])
    return result


def _completed(X, gaps, donors, encoding, drawn, keys):
    distances = _distances(X, donors, encoding)
    if drawn:  # among donors that are equally far, every row draws its own
        distances += TIE * _uniform(keys[:, None] + np.arange(len(donors), dtype=np.uint64))
    codes = np.zeros(X.shape[1], dtype=bool)
    if encoding.categories is not None:
        codes[encoding.categories["columns"]] = True
    result = X.copy()
    for j in np.flatnonzero(gaps.any(axis=0)):
        rows, known = np.flatnonzero(gaps[:, j]), np.flatnonzero(~np.isnan(donors[:, j]))
        if not len(known):
            continue
        n = min(N_DRAWN if drawn else N_NEAREST, len(known))
        near = distances[np.ix_(rows, known)]
        nearest = np.argpartition(near, n - 1, axis=1)[:, :n]
        order = np.argsort(np.take_along_axis(near, nearest, axis=1), axis=1, kind="stable")
        values = donors[known[np.take_along_axis(nearest, order, axis=1)], j]
        if drawn:
            pick = (_uniform(keys[rows] ^ np.uint64(j)) * n).astype(np.intp)
            result[rows, j] = values[np.arange(len(rows)), pick]
        else:
            result[rows, j] = values[:, 0] if codes[j] else values.mean(axis=1)
    return result


def _distances(X, donors, encoding):
    """Mean squared distance over the entries that both know."""
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
    return np.where(both > 0, total / np.maximum(both, 1), np.inf)


def _uniform(keys):
    """A number in [0, 1) for every key, as good as random."""
    bits = keys * np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    return (bits >> np.uint64(11)) * 2.0**-53
