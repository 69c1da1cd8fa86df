"""Rows that are encoded block by block, when they are needed."""

import numpy as np

from .._blocks import map_blocks


class EncodedRows:
    """Rows of ``X`` with their labels and weights, encoded block by block on demand.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features), or Windows
        Whatever has a length and gives rows by slices and index arrays.
    encoding : an instance from ``ENCODINGS``
    labels : ndarray of int of shape (n_rows,), or None
        Class c lights unit ``encoding.n_outputs + c``.
    n_labels : int
        Width of the label block, 0 for none.
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

    @classmethod
    def of_sample(cls, sample, encoding, n_labels, dtype):
        """The rows of a ``Sample``."""
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
        """The rows at ``index``."""
        return EncodedRows(
            self.X[index],
            self.encoding,
            labels=None if self.labels is None else self.labels[index],
            n_labels=self.n_labels,
            weight=self.weight[index],
            dtype=self.dtype,
        )

    def of(self, X):
        """Other rows, encoded alike, of weight 1."""
        return EncodedRows(X, self.encoding, n_labels=self.n_labels, dtype=self.dtype)

    def data(self, index=slice(None)):
        """Encoded data blocks, ndarray of shape (n_rows, n_data)."""
        X = self.X[index]
        Z = np.empty((len(X), self.n_data), dtype=self.dtype)
        self.encoding.write(X, Z)
        return Z

    def encode(self, index=slice(None)):
        """Encoded rows with their label blocks, ndarray of shape (n_rows, n_inputs)."""
        if not self.n_labels:
            return self.data(index)
        X = self.X[index]
        Z = np.zeros((len(X), self.n_inputs), dtype=self.dtype)
        self.encoding.write(X, Z)
        Z[np.arange(len(Z)), self.n_data + self.labels[index]] = 1
        return Z

    def map_blocks(self, function, n_columns, n_jobs=None, index=None):
        """Yield ``function`` of the places of the rows in each block, ``index`` alone if given.

        ``n_columns`` is how many entries a row has where it is widest on its way.
        """
        if index is None:
            return map_blocks(function, len(self), n_columns, n_jobs)
        return map_blocks(lambda block: function(index[block]), len(index), n_columns, n_jobs)
