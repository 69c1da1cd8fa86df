"""Missing entries of rows, filled from the training rows that are nearest on the known entries."""

import numpy as np

from .._blocks import map_blocks
from .sample import even_keys
from .scales import PAIR

# Number of rows from which a detector fills gaps.
N_DONORS = 512

# Number of nearest donors whose mean fills a gap, except in a detector's training.
N_NEAREST = 5

# In a detector's training, one donor fills a gap, drawn from this number of nearest donors.
N_DRAWN = 20


def fill_from_donors(X, donors, encoding, *, drawn, share=None, n_jobs=None):
    """Return rows whose NaN are filled from the nearest donors that know the entry.

    Entries that no donor knows stay NaN, and the encoding takes NaN for the mean of the column.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
        Rows with NaN for missing entries.
    donors : ndarray of shape (n_donors, n_features)
        Rows from which gaps are filled, and which may have gaps, too.
    encoding : FourierEncoding
        The scales of the encoding measure distances. Two different categories are as far apart as
        a typical pair of numbers.
    drawn : bool
        If True, a gap gets the entry of one donor, drawn from the ``N_DRAWN`` nearest donors. A
        detector's training needs this, so that filled rows spread as complete rows do. If False, a
        gap gets the mean of the ``N_NEAREST`` nearest donors, or their most frequent category. A
        row is then judged by its known entries.
    share : ndarray of shape (n_features,), default=None
        Weight of each column in the mean over columns that defines the distance. None weighs all
        columns alike.
    n_jobs : int or None

    Returns
    -------
    X : ndarray of shape (n_rows, n_features)
        A copy without gaps, except in columns that no donor knows. The precision is the higher one
        of ``X`` and the donors.
    """
    X = X.astype(np.result_type(X, donors), copy=False)
    gaps = np.isnan(X) & ~np.isnan(donors).all(axis=0)
    rows = np.flatnonzero(gaps.any(axis=1))
    result, keys = X.copy(), even_keys(X) if drawn else np.zeros(len(X), dtype=np.uint64)
    if drawn:  # the order of donors at equal distance depends on their values only
        donors = donors[np.argsort(even_keys(donors), kind="stable")]

    def complete(part):
        at = rows[part]
        return at, _complete_block(X[at], gaps[at], donors, encoding, drawn, keys[at], share)

    for at, found in map_blocks(complete, len(rows), len(donors), n_jobs):
        result[at] = found
    return result


def _complete_block(X, gaps, donors, encoding, drawn, keys, share):
    """Return a block of rows with gaps filled. The ``keys`` of the rows seed the draws."""
    distances = _distances(X, donors, encoding, share)
    if drawn:
        # Several donors are often equally far, for instance in columns of categories. A small
        # random part of the squared distance gives each row its own order of these donors.
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
    """Return the most frequent value of each row, or the first of several such values."""
    votes = (values[:, :, None] == values[:, None, :]).sum(axis=2)
    return values[np.arange(len(values)), votes.argmax(axis=1)]


def _means(values):
    """Return the mean of each row, which is finite for finite entries of any magnitude."""
    with np.errstate(over="ignore"):
        means = values.mean(axis=1)
    return np.clip(means, values.min(axis=1), values.max(axis=1))


def _distances(X, donors, encoding, share):
    """Return the mean squared distance of rows and donors over the entries that both know."""
    known, theirs = ~np.isnan(X), ~np.isnan(donors)
    weighed = known * (1.0 if share is None else share)
    # The standardised value of NaN and of categories is 0, so both add nothing to the products.
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
    """Return a pseudorandom number in [0, 1) for each key (uint64)."""
    bits = keys * np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    return (bits >> np.uint64(11)) * 2.0**-53
