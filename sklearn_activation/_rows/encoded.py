"""Rows of a table as network input. Blocks of rows are encoded when they are needed."""

import numpy as np

from .._blocks import block_slices, map_blocks


class EncodedRows:
    """Rows of ``X`` with labels and weights, as input of a network.

    A block of rows is encoded when it is asked for, so that a large encoded table is never held
    whole. A table that fits in one block is encoded once and kept.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features), or Windows
        Any object that has a length and returns rows for slices and index arrays.
    encoding : an instance from ``ENCODINGS``
    labels : ndarray of int of shape (n_rows,), or None
        A row with label c has a 1 at input ``encoding.n_outputs + c``.
    n_labels : int
        Width of the label block, or 0 if rows have no labels.
    weight : ndarray of shape (n_rows,), or None
    dtype : numpy dtype of encoded rows
    """

    def __init__(self, X, encoding, *, labels=None, n_labels=0, weight=None, dtype=np.float64):
        self.X = X
        self.encoding = encoding
        self.labels = labels
        self.n_labels = n_labels
        self.weight = np.ones(len(X)) if weight is None else weight
        self.dtype = dtype
        self.n_data = encoding.n_outputs
        self.n_inputs = self.n_data + n_labels
        self._kept = None

    @classmethod
    def of_sample(cls, sample, encoding, n_labels, dtype):
        """Return the rows of a ``Sample``."""
        return cls(
            sample.X,
            encoding,
            labels=sample.labels,
            n_labels=n_labels,
            weight=sample.weight,
            dtype=dtype,
        )

    def __len__(self):
        return len(self.X)

    def take(self, index):
        """Return the rows at ``index``."""
        return EncodedRows(
            self.X[index],
            self.encoding,
            labels=None if self.labels is None else self.labels[index],
            n_labels=self.n_labels,
            weight=self.weight[index],
            dtype=self.dtype,
        )

    def of(self, X):
        """Return the rows ``X`` with the same encoding and with weight 1."""
        return EncodedRows(X, self.encoding, n_labels=self.n_labels, dtype=self.dtype)

    def data(self, index=slice(None), rng=None):
        """Return encoded data blocks without labels, ndarray of shape (n_rows, n_data).

        With a NumPy generator ``rng``, the rows are random views, if the encoding has an
        augmentation. Without ``rng``, the rows are those that a prediction sees.
        """
        X = self.encoding.view(self.X[index], rng)
        Z = np.empty((len(X), self.n_data), dtype=self.dtype)
        self.encoding.write(X, Z)
        return Z

    def encode(self, index=slice(None), rng=None):
        """Return encoded rows with label blocks, ndarray of shape (n_rows, n_inputs).

        ``rng`` is that of ``data``. The caller must not change the result, which may be a view of
        rows that are kept.
        """
        if rng is not None and self.encoding.augment is not None:
            return self._encode(index, rng)
        if not self.fit_in_block(self.n_inputs):
            return self._encode(index)
        if self._kept is None:
            self._kept = self._encode(slice(None))
        return self._kept[index]

    def _encode(self, index, rng=None):
        if not self.n_labels:
            return self.data(index, rng)
        X = self.encoding.view(self.X[index], rng)
        Z = np.zeros((len(X), self.n_inputs), dtype=self.dtype)
        self.encoding.write(X, Z)
        Z[np.arange(len(Z)), self.n_data + self.labels[index]] = 1
        return Z

    def fit_in_block(self, n_columns):
        """Whether all rows are one block, if rows have ``n_columns`` entries where widest."""
        return len(block_slices(len(self), n_columns)) <= 1

    def reduce(self, function, merge, name, n_jobs=None):
        """Return ``function(rows, n_jobs=n_jobs)``.

        ``_distributed.rows.EncodedPieces`` has the same method: there ``merge`` merges the
        results of two pieces, and ``name`` names the pass.
        """
        return function(self, n_jobs=n_jobs)

    def map_blocks(self, function, n_columns, n_jobs=None, index=None):
        """Yield ``function(places)`` for each block of rows, in the order of the rows.

        ``places`` is a slice or an index array of the rows in a block. ``n_columns`` is the number
        of entries of a row at the step where rows are widest. The argument ``index`` restricts the
        rows.
        """
        if index is None:
            return map_blocks(function, len(self), n_columns, n_jobs)
        return map_blocks(lambda block: function(index[block]), len(index), n_columns, n_jobs)
