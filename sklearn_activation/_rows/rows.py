"""The rows of a training, with labels and weights, as arrays in memory."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from .._blocks import block_slices
from .encoded import EncodedRows
from .sample import Sample, hash_rows


@dataclass(frozen=True)
class Rows:
    """Rows of numbers with labels and weights.

    ``_distributed.rows.RowsInPieces`` has the same methods for rows that are not in memory.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features), or Windows
        Any object that has a length and returns rows for slices and index arrays.
    labels : ndarray of int of shape (n_rows,), or None
        Labels of the rows, or None if rows have no labels.
    weight : ndarray of shape (n_rows,)
    unfilled : Rows, default=None
        The rows before gaps were filled, by whose hashes rows are sampled. None stands for the
        rows themselves.
    """

    X: np.ndarray
    labels: np.ndarray | None
    weight: np.ndarray
    unfilled: "Rows | None" = None

    @property
    def n_columns(self):
        return self.X.shape[1]

    @property
    def dtype(self):
        return self.X.dtype

    @property
    def total_weight(self):
        return self.weight.sum()

    @cached_property
    def hashes(self):
        """Hashes of the rows, before gaps were filled, with their labels."""
        if self.unfilled is not None:
            return self.unfilled.hashes
        return hash_rows(self.X, self.labels)

    @property
    def has_gaps(self):
        """Whether an entry may be missing."""
        return has_gaps(self.X)

    def filled(self, fill):
        """Return the same rows with the gaps filled by the function ``fill`` of rows."""
        return replace(self, X=fill(self.X), unfilled=self)

    def sample(self, size):
        """Return the ``Sample`` of the ``size`` rows with the smallest hashes."""
        labels = np.zeros(len(self.X), dtype=np.intp) if self.labels is None else self.labels
        return Sample(self.X, labels, self.weight, self.hashes).smallest(size)

    def encoded(self, encoding, n_labels, dtype):
        """Return the rows as input of a network."""
        return EncodedRows(
            self.X,
            encoding,
            labels=self.labels,
            n_labels=n_labels,
            weight=self.weight,
            dtype=dtype,
        )


def has_gaps(X):
    """Whether an entry of ``X`` is NaN. No array of the size of ``X`` is made."""
    return bool(len(X) and np.isnan(X.min()))


def unknown_rows(X):
    """Return the mask of the rows without known entries. No array of the size of ``X`` is made."""
    unknown = np.zeros(len(X), dtype=bool)
    if has_gaps(X):
        for block in block_slices(*X.shape):
            unknown[block] = np.isnan(X[block]).all(axis=1)
    return unknown
