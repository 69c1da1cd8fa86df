"""Samples of rows that depend on the rows alone, not on where they stand.

Every row gets a hash of its values. The rows with the smallest hashes are a
uniform sample of the distinct rows (bottom-k sampling, Cohen & Kaplan 2007), and
the hash assigns folds. Shuffling rows, cutting them into batches, or repeating a
row instead of weighting it changes neither the sample nor the folds, and copies of
a row never stand on both sides of a held-out split.
"""

from dataclasses import dataclass

import numpy as np

from .._blocks import map_blocks
from ..kernels import rows as kernels


@dataclass
class Sample:
    """Distinct rows in the order of their hashes, copies merged into their weight.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
    labels : ndarray of shape (n_rows,)
        Zeros if rows have no labels.
    weight : ndarray of shape (n_rows,)
    hashes : ndarray of uint64 of shape (n_rows,)
        Hashes that `hash_rows` gives for rows and labels.
    """

    X: np.ndarray
    labels: np.ndarray
    weight: np.ndarray
    hashes: np.ndarray

    @classmethod
    def of(cls, X, labels, weight, size):
        """The ``size`` rows with the smallest hashes among the distinct rows of ``X``."""
        labels = np.zeros(len(X), dtype=np.intp) if labels is None else labels
        return cls(X, labels, weight, hash_rows(X, labels)).smallest(size)

    def smallest(self, size):
        """Merge copies, and keep the rows of the ``size`` smallest hashes."""
        if len(self.hashes) > 4 * size:
            # Sorting all hashes would be most of the work, so the smallest are picked first.
            few = np.partition(self.hashes, 2 * size)[2 * size]
            candidates = self._at(np.flatnonzero(self.hashes <= few))
            if len(np.unique(candidates.hashes)) >= size:
                return candidates._merge_copies(size)
        return self._merge_copies(size)

    def _merge_copies(self, size):
        """Sort all rows by their hashes, merge copies, and keep the first ``size``."""
        hashes, first, copy_of = np.unique(self.hashes, return_index=True, return_inverse=True)
        weight = np.bincount(copy_of, weights=self.weight)[:size]
        first = first[:size]
        return Sample(self.X[first], self.labels[first], weight, hashes[:size])

    def joined(self, other, size):
        """The sample of both samples' rows."""
        return Sample(
            *(
                np.concatenate([getattr(self, name), getattr(other, name)])
                for name in ("X", "labels", "weight", "hashes")
            )
        ).smallest(size)

    def heaviest(self, size):
        """The ``size`` rows of most weight."""
        kept = np.sort(np.argsort(-self.weight, kind="stable")[:size])
        return self._at(kept)

    def without(self, share):
        """The sample without the ``share`` of the rows that `is_picked` names."""
        return self._at(~is_picked(self.hashes, share))

    def _at(self, index):
        """The rows at an index, or in a mask."""
        return Sample(self.X[index], self.labels[index], self.weight[index], self.hashes[index])

    def stratified_folds(self, n_folds=5, few_rows=50):
        """Fold of every row, each with the same share of every label.

        Rows are in the sample because of small hashes, so folds go by the mixed ones. Of
        ``few_rows`` or less, each row is a fold of its own.
        """
        if len(self.X) <= few_rows:
            return np.arange(len(self.X))
        order = np.lexsort((mix_hashes(self.hashes), self.labels))
        fold_of = np.empty(len(self.X), dtype=np.intp)
        fold_of[order] = np.arange(len(self.X)) % n_folds
        return fold_of


def draw_evenly(X, size):
    """Ascending index of ``size`` rows: a uniform sample, whatever the order of the rows."""
    if len(X) <= size:
        return np.arange(len(X))
    return np.sort(np.argpartition(even_keys(X), size - 1)[:size])


def space_evenly(n, size):
    """At most ``size`` of the places 0 to n - 1, evenly spaced, ascending."""
    return np.unique(np.linspace(0, n - 1, min(size, n)).astype(np.intp))


def even_keys(X):
    """Key of every row: a hash of its values in single precision, different for each copy."""
    with np.errstate(over="ignore"):
        hashes = hash_rows(X.astype(np.float32), np.zeros(len(X)))
    order = np.argsort(hashes, kind="stable")
    ascending = hashes[order]
    first = np.flatnonzero(np.concatenate([[True], ascending[1:] != ascending[:-1]]))
    copy = np.arange(len(X)) - np.repeat(first, np.diff(np.append(first, len(X))))
    keys = np.empty_like(hashes)
    keys[order] = ascending + copy.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    keys *= np.uint64(0xD1342543DE82EF95)
    return keys ^ (keys >> np.uint64(32))


def is_picked(hashes, share):
    """Whether each row is among a ``share`` of all rows, picked by its hash."""
    return mix_hashes(hashes) < np.uint64(share * 2**31)


def mix_hashes(hashes):
    """31 bits of every hash, mixed anew: they do not tell how small the hash is."""
    return (hashes * np.uint64(0xD1342543DE82EF95)) >> np.uint64(33)


def hash_rows(X, labels):
    """64-bit hash of every row of ``X`` and its label, shape (n_rows,)."""
    hashes = np.empty(len(X), dtype=np.uint64)

    def hash_block(block):
        values = np.empty((block.stop - block.start, X.shape[1] + 1))
        values[:, :-1] = X[block]
        values[:, -1] = labels[block]
        values += 0.0  # This turns -0.0, which is the same value, into 0.0.
        values[np.isnan(values)] = np.nan  # All NaN get the same bits.
        # Products of hashes wrap around, of which NumPy warns with NUMBA_DISABLE_JIT=1.
        with np.errstate(over="ignore"):
            kernels.hashes(values.view(np.uint64), hashes[block])

    # A quarter of a block's entries, copied, are 8 MiB.
    for _ in map_blocks(hash_block, len(X), 4 * X.shape[1], n_jobs=1):
        pass
    return hashes
