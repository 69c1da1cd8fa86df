"""Samples of rows that depend on the values of the rows, and not on their order.

Each row has a hash of its values. The rows with the smallest hashes are a uniform sample of the
distinct rows (bottom-k sampling, Cohen & Kaplan 2007). Hashes also assign rows to folds. Neither
the sample nor the folds change if rows are shuffled, cut into batches, or repeated instead of
weighted. Copies of a row never stand on both sides of a held-out split.
"""

from dataclasses import dataclass

import numpy as np

from .._blocks import map_blocks
from ..kernels import rows as kernels
from ..kernels._jit import read_only


@dataclass
class Sample:
    """Distinct rows in the order of their hashes. A row's weight includes its copies.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
    labels : ndarray of shape (n_rows,)
        Labels of the rows, or zeros if rows have no labels.
    weight : ndarray of shape (n_rows,)
    hashes : ndarray of uint64 of shape (n_rows,)
        Hashes of rows and labels by `hash_rows`.
    """

    X: np.ndarray
    labels: np.ndarray
    weight: np.ndarray
    hashes: np.ndarray

    @classmethod
    def of(cls, X, labels, weight, size):
        """Return the ``size`` rows with the smallest hashes among the distinct rows of ``X``."""
        labels = np.zeros(len(X), dtype=np.intp) if labels is None else labels
        return cls(X, labels, weight, hash_rows(X, labels)).smallest(size)

    def smallest(self, size):
        """Merge copies, and return the ``size`` rows with the smallest hashes."""
        if len(self.hashes) > 4 * size:
            # A sort of all hashes would take most of the time, so the smallest are selected first.
            few = np.partition(self.hashes, 2 * size)[2 * size]
            candidates = self._at(np.flatnonzero(self.hashes <= few))
            if len(np.unique(candidates.hashes)) >= size:
                return candidates._merge_copies(size)
        return self._merge_copies(size)

    def _merge_copies(self, size):
        """Sort all rows by their hashes, merge copies, and return the first ``size`` rows."""
        hashes, first, copy_of = np.unique(self.hashes, return_index=True, return_inverse=True)
        weight = np.bincount(copy_of, weights=self.weight)[:size]
        first = first[:size]
        return Sample(self.X[first], self.labels[first], weight, hashes[:size])

    def joined(self, other, size):
        """Return the sample of the rows of both samples."""
        return Sample(
            *(
                np.concatenate([getattr(self, name), getattr(other, name)])
                for name in ("X", "labels", "weight", "hashes")
            )
        ).smallest(size)

    def heaviest(self, size):
        """Return the ``size`` rows with the largest weights."""
        kept = np.sort(np.argsort(-self.weight, kind="stable")[:size])
        return self._at(kept)

    def without(self, share):
        """Return the sample without the ``share`` of rows that `is_picked` selects."""
        return self._at(~is_picked(self.hashes, share))

    def _at(self, index):
        """Return the rows at an index array, or in a mask."""
        return Sample(self.X[index], self.labels[index], self.weight[index], self.hashes[index])

    def stratified_folds(self, n_folds=5, few_rows=50):
        """Return the number of each row's fold. Each fold has about the same share of each label.

        The hashes of a sample are all small, so folds follow from mixed hashes. With ``few_rows``
        rows or fewer, each row is a fold of its own. With more, copies of a row share a fold.
        """
        if len(self.X) <= few_rows:
            return np.arange(len(self.X))
        order = np.lexsort((mix_hashes(self.hashes), self.labels))
        fold_of = np.empty(len(self.X), dtype=np.intp)
        hashes = self.hashes[order]
        is_new = np.concatenate([[True], hashes[1:] != hashes[:-1]])
        fold_of[order] = (np.cumsum(is_new) - 1) % n_folds
        return fold_of


def draw_evenly(X, size, weight=None):
    """Return the places of about ``size`` rows, drawn in proportion to their weights.

    The drawn rows do not depend on the order of the rows: see ``n_copies``. A row that is drawn
    several times, or that has copies, may have several entries. The places stand in the order of
    the rows' hashes. If ``X`` has no more than ``size`` rows, the result has all places.
    """
    if len(X) <= size:
        return np.arange(len(X))
    hashes = hash_rows(X)
    distinct, mass = add_copies(hashes, weight)
    copies = n_copies(distinct, mass, size / mass.sum())
    _, rows = find_rows(hashes, distinct[copies > 0])
    return np.repeat(rows, copies[copies > 0])


def add_copies(hashes, weight=None):
    """Return distinct hashes, ascending, and the weight of all rows that have each hash.

    Without ``weight``, each row weighs 1.
    """
    alike = weight is None or np.ptp(weight) == 0
    order = None if alike else np.argsort(hashes)
    ascending = np.sort(hashes) if alike else hashes[order]  # a sort alone is five times faster
    is_first = np.concatenate([[True], ascending[1:] != ascending[:-1]])
    one = 1.0 if weight is None else weight[0]
    if alike and is_first.all():
        return ascending, np.full(len(hashes), one)
    first = np.flatnonzero(is_first)
    if alike:
        return ascending[first], np.diff(np.append(first, len(hashes))) * one
    return ascending[first], np.add.reduceat(weight[order], first)


def n_copies(hashes, mass, rate):
    """Return how many times each distinct row is drawn, ndarray of int.

    The expected number is ``mass`` times ``rate``. The whole part of this number is certain, and
    the hash of the row decides about the fraction. A draw therefore depends on the rows alone, and
    neither on their order nor on the number of places at which copies of a row stand.
    """
    expected = mass * rate
    whole = np.floor(expected)
    return (whole + (uniform_of(hashes) < expected - whole)).astype(np.intp)


def uniform_of(hashes):
    """Return a pseudorandom number in [0, 1) for each hash."""
    return ((hashes * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(11)) * 2.0**-53


def find_rows(hashes, wanted):
    """Return the first row that has each of the hashes ``wanted``, which are ascending.

    Returns
    -------
    found : ndarray of int of shape (n_found,)
        Places in ``wanted`` of the hashes that a row has, ascending.
    rows : ndarray of int of shape (n_found,)
        The place of a row for each of them.
    """
    rows, at = match_hashes(hashes, wanted)
    found, first = np.unique(at, return_index=True)
    return found, rows[first]


def match_hashes(hashes, wanted, *, n_bits=20):
    """Return the rows whose hash is among the hashes ``wanted``, which are ascending.

    Of many rows, a table of the leading ``n_bits`` bits first excludes most.

    Returns
    -------
    rows, at : ndarray of int of shape (n_found,)
        The places of the rows, and the places of their hashes in ``wanted``.
    """
    if not len(wanted):
        return np.empty((2, 0), dtype=np.intp)
    rows = None
    if len(hashes) > 2**n_bits > 4 * len(wanted):
        shift = np.uint64(64 - n_bits)
        occurs = np.zeros(2**n_bits, dtype=bool)
        occurs[wanted >> shift] = True
        rows = np.flatnonzero(occurs[hashes >> shift])
        hashes = hashes[rows]
    at = np.searchsorted(wanted, hashes)
    at[at == len(wanted)] = 0
    found = np.flatnonzero(wanted[at] == hashes)
    return found if rows is None else rows[found], at[found]


def space_evenly(n, size):
    """Return at most ``size`` of the places 0 to n - 1, evenly spaced and ascending."""
    return np.unique(np.linspace(0, n - 1, min(size, n)).astype(np.intp))


def even_keys(X):
    """Return a key for each row: a hash of its values in single precision.

    Copies of a row have different keys.
    """
    with np.errstate(over="ignore"):
        hashes = hash_rows(X.astype(np.float32, copy=False))
    order = np.argsort(hashes, kind="stable")
    ascending = hashes[order]
    first = np.flatnonzero(np.concatenate([[True], ascending[1:] != ascending[:-1]]))
    copy = np.arange(len(X)) - np.repeat(first, np.diff(np.append(first, len(X))))
    keys = np.empty_like(hashes)
    keys[order] = ascending + copy.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    keys *= np.uint64(0xD1342543DE82EF95)
    return keys ^ (keys >> np.uint64(32))


def is_picked(hashes, share):
    """Whether each row belongs to a pseudorandom ``share`` of the rows, by its hash."""
    return mix_hashes(hashes) < np.uint64(share * 2**31)


def mix_hashes(hashes):
    """Return 31 mixed bits of each hash. The result does not depend on how small the hash is."""
    return (hashes * np.uint64(0xD1342543DE82EF95)) >> np.uint64(33)


def hash_rows(X, labels=None):
    """Return a 64-bit hash of each row of ``X`` with its label, shape (n_rows,).

    Rows without labels have the label 0.
    """
    labels = np.zeros(len(X)) if labels is None else labels
    hashes = np.empty(len(X), dtype=np.uint64)

    def hash_block(block):
        rows, of_rows = read_only(X[block]), labels[block].astype(np.float64)
        # Products of hashes overflow on purpose. With NUMBA_DISABLE_JIT=1, NumPy would warn of
        # them.
        with np.errstate(over="ignore"):
            kernels.hashes(rows, of_rows, hashes[block])

    # The blocks have a quarter of the usual entries. If a block has to be copied in double
    # precision, the copy takes 8 MiB.
    for _ in map_blocks(hash_block, len(X), 4 * X.shape[1]):
        pass
    return hashes
