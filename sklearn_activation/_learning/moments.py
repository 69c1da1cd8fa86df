"""Second moments of rows, and moments of the outputs of units."""

from copy import deepcopy

import numpy as np

from ..kernels.rows import absolute_sums


class Moments:
    """The weighted sum of x x^T over rows, and the sum of the weights of these rows.

    ``Moments`` keeps the rows themselves while there are no more rows than columns. ``state`` is a
    dictionary of arrays and numbers, from which the moments can be restored.
    """

    def __init__(self, n_inputs, *, weight=0.0, rows=None, gram=None, precision=0.0):
        self.n_inputs = n_inputs
        self.weight = weight
        # The rounding error (eps) of the least precise product in ``gram``.
        self.precision = precision
        self.rows = np.empty((0, n_inputs)) if rows is None and gram is None else rows
        self.gram = gram

    @property
    def state(self):
        return {
            "n_inputs": self.n_inputs,
            "weight": self.weight,
            "rows": self.rows,
            "gram": self.gram,
            "precision": self.precision,
        }

    def add(self, Z, weight=None):
        """Add rows ``Z`` (n_rows, n_inputs). Products are computed in the precision of ``Z``."""
        if weight is None:
            self.weight += len(Z)
        else:
            self.weight += weight.sum(dtype=np.float64)
            if not (weight == 1).all():
                Z = Z * np.sqrt(weight)[:, None].astype(Z.dtype)
        if self.gram is None:
            if len(self.rows) + len(Z) <= self.n_inputs:
                self.rows = np.concatenate([self.rows, Z], dtype=np.float64)
                return self
            self._condense()
        self.precision = max(self.precision, float(np.finfo(Z.dtype).eps))
        # For a matrix and its own transpose, BLAS computes half of the product.
        self.gram += Z.T @ Z
        return self

    def merge(self, other):
        """Add the rows that ``other``, a ``Moments`` object, has seen."""
        weight = self.weight + other.weight
        if other.gram is None:
            self.add(other.rows)
        else:
            self._condense()
            self.gram += other.gram
        self.precision = max(self.precision, other.precision)
        self.weight = weight
        return self

    def without(self, other):
        """Return the moments without the rows of ``other``, which must have been added before."""
        rest = Moments(self.n_inputs).merge(self)
        rest._condense()
        rest.gram = rest.gram - (other.rows.T @ other.rows if other.gram is None else other.gram)
        rest.weight -= other.weight
        return rest

    def scaled(self, factor):
        """Return the moments of the same rows, with each weight multiplied by ``factor``."""
        state = self.state
        state["weight"] = factor * self.weight
        if self.gram is None:
            state["rows"] = np.sqrt(factor) * self.rows
        else:
            state["gram"] = factor * self.gram
        return Moments(**state)

    def _condense(self):
        if self.gram is None:
            self.gram = self.rows.T @ self.rows
            self.rows = None

    def trace(self):
        """Return the mean squared norm of the rows, and the number of inputs that are in use.

        An input is in use if it is non-zero in at least one row.
        """
        if self.gram is None:
            energy = np.einsum("ij,ij->j", self.rows, self.rows)
        else:
            energy = np.diag(self.gram)
        return energy.sum() / self.weight, np.count_nonzero(energy > 0)

    def mean(self):
        """Return the mean of x x^T, ndarray of shape (n_inputs, n_inputs)."""
        gram = self.rows.T @ self.rows if self.gram is None else self.gram
        return gram / self.weight

    def decompose(self):
        """Return the eigenvalues of the mean of x x^T, descending, and its eigenvectors.

        The eigenvectors are columns. Directions in which the rows have no energy beyond rounding
        are left out.
        """
        if self.gram is None:
            kernel = self.rows @ self.rows.T / self.weight
            values, U = np.linalg.eigh(kernel)
        else:
            values, V = np.linalg.eigh(self.gram / self.weight)
        precision = max(self.precision, float(np.finfo(np.float64).eps))
        floor = max(values[-1], 0) * np.sqrt(self.n_inputs) * precision
        keep = np.flatnonzero(values > floor)[::-1]
        values = values[keep]
        if self.gram is None:
            V = self.rows.T @ (U[:, keep] / np.sqrt(values * self.weight))
            return values, V
        return values, V[:, keep]


def absolute_moments(Y, weight):
    """Return the weighted mean and variance of |y| for each unit, in the precision of ``Y``."""
    return mean_and_variance(absolute_sums_of(Y, weight), Y.dtype)


def absolute_sums_of(Y, weight):
    """Return sums over rows ``Y`` (n_rows, n_units): of |y|, of y^2 and of the weights.

    The result has shape (3, n_units). Sums of different rows can be added.
    """
    sums = np.zeros((3, Y.shape[1]))
    absolute_sums(Y, weight, sums[0], sums[1])
    sums[2] = weight.sum()
    return sums


def mean_and_variance(sums, dtype):
    """Return the mean and variance that follow from the result of ``absolute_sums_of``."""
    mean, squares = sums[:2] / sums[2]
    return mean.astype(dtype), np.maximum(squares - mean**2, 0).astype(dtype)


def merge_states(ours, theirs):
    """Return the statistics of two disjoint sets of rows together."""
    pairs = zip(deepcopy(ours["moments"]), theirs["moments"], strict=True)
    return {"moments": [Moments(**m).merge(Moments(**other)).state for m, other in pairs]}


def scale_states(state, factor):
    """Return the statistics with the weight of each row multiplied by ``factor``."""
    return {"moments": [Moments(**m).scaled(factor).state for m in state["moments"]]}
