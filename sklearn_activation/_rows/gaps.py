"""Rows with gaps, completed from the rows that are nearest on what is known."""

import numpy as np

from .._blocks import map_blocks
from .sample import even_keys
from .scales import PAIR

# Gaps are filled in from this number of rows.
N_DONORS = 512

# The mean of this number of donors fills a gap, except in a detector's training.
N_NEAREST = 5

# One donor, drawn from this number of nearest ones, fills a gap in training.
N_DRAWN = 20


def fill_from_donors(X, donors, encoding, *, drawn, share=None, n_jobs=None):
    """Rows whose NaN are filled in from the nearest donors that know the entry.

    Entries that no donor knows stay NaN, which the encoding takes for the column's mean.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
        Rows, whose gaps are NaN.
    donors : ndarray of shape (n_donors, n_features)
        Rows that may have gaps of their own.
    encoding : FourierEncoding
        Its scales measure distances; two categories are as far apart as a typical pair of numbers.
    drawn : bool
        A detector's training needs completed rows that spread as complete ones do: with True,
        a gap gets the entry of one donor, drawn from the ``N_DRAWN`` nearest ones. With False it
        gets the mean of the ``N_NEAREST`` nearest ones, or the category that most of them have,
        and the row is judged by what is known of it.
    share : ndarray of shape (n_features,), default=None
        What an entry of each column weighs in the mean over entries that a distance is; None
        takes all alike.
    n_jobs : int or None

    Returns
    -------
    X : ndarray of shape (n_rows, n_features)
        A copy without gaps, except in columns that no donor knows, in a precision that holds
        the donors' entries.
    """
    X = X.astype(np.result_type(X, donors), copy=False)
    gaps = np.isnan(X) & ~np.isnan(donors).all(axis=0)
    rows = np.flatnonzero(gaps.any(axis=1))
    result, keys = X.copy(), even_keys(X) if drawn else np.zeros(len(X), dtype=np.uint64)
    if drawn:  # which of donors that are equally far comes first is a matter of their values
        donors = donors[np.argsort(even_keys(donors), kind="stable")]

    def complete(part):
        at = rows[part]
        return at, _complete_block(X[at], gaps[at], donors, encoding, drawn, keys[at], share)

    for at, found in map_blocks(complete, len(rows), len(donors), n_jobs):
        result[at] = found
    return result


def _complete_block(X, gaps, donors, encoding, drawn, keys, share):
    """A block of rows, completed. Rows draw donors by their ``keys``."""
    distances = _distances(X, donors, encoding, share)
    if drawn:
        # Donors are often equally far, in columns of categories for instance. A random part of
        # this squared distance then gives every row an order of its own.
        tie = 1e-9
        distances += tie * _uniform(keys[:, None] + np.arange(len(donors), dtype=np.uint64))
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
            result[rows, j] = _vote(values) if codes[j] else _means(values)
    return result


def _vote(values):
    """The most frequent value of every row, the first among equals."""
    votes = (values[:, :, None] == values[:, None, :]).sum(axis=2)
    return values[np.arange(len(values)), votes.argmax(axis=1)]


def _means(values):
    """Mean of every row, however large its entries are."""
    with np.errstate(over="ignore"):
        means = values.mean(axis=1)
    return np.clip(means, values.min(axis=1), values.max(axis=1))


def _distances(X, donors, encoding, share):
    """Mean squared distance of rows and donors over the entries that both know."""
    known, theirs = ~np.isnan(X), ~np.isnan(donors)
    weighed = known * (1.0 if share is None else share)
    # NaN and categories have a standardised value of 0, so they add nothing to the products.
    Z, D = encoding.standardise(X), encoding.standardise(donors)
    both = weighed @ theirs.T
    total = (Z * Z) @ theirs.T - 2 * (Z @ D.T) + known.astype(np.float64) @ (D * D).T
    if encoding.categories is not None:
        width = np.median(encoding.categories["widths"])
        for column in encoding.categories["columns"]:
            differ = X[:, column][:, None] != donors[:, column]
            differ &= known[:, column][:, None] & theirs[:, column]
            total += (PAIR / width) ** 2 * differ
    return np.where(both > 0, total / np.where(both > 0, both, 1), np.inf)


def _uniform(keys):
    """A number in [0, 1) for every key (uint64), as good as random."""
    bits = keys * np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    return (bits >> np.uint64(11)) * 2.0**-53
