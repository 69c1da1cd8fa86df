"""The encoding "unit": rows scaled to norm 1."""

import numpy as np

from ..kernels import rows as kernels
from .encoding import ROUNDED, Encoding, known_products
from .scales import row_norms


class UnitEncoding(Encoding):
    """The encoding that scales each row to norm 1. Rows of zeros stay zero."""

    name = "unit"
    keeps_columns = True
    # Steps of inference have this unit in each column.
    unit = 1.0
    largest = 1e100

    def __init__(self, n_outputs):
        self.n_outputs = n_outputs

    @property
    def n_columns(self):
        return self.n_outputs

    @property
    def state(self):
        return {"n_outputs": self.n_outputs}

    @classmethod
    def fitted_to(cls, sample, **_):
        return cls(sample.X.shape[1])

    @classmethod
    def robustly_fitted_to(cls, X, weight, **_):
        return cls(X.shape[1])

    @classmethod
    def suits(cls, sample, categorical, least_share=0.25):
        """Whether enough columns share the length of the rows, as columns of one unit do.

        The participation ratio of the columns' mean squares counts the columns that matter. At
        least ``least_share`` of the columns must matter. A table with a single column never suits,
        because a single entry has no proportions.
        """
        if categorical is not None or sample.X.shape[1] == 1:
            return False
        X = np.nan_to_num(sample.X / cls(0).magnitude(sample.X))
        squares = sample.weight @ (X * X)
        total = (squares**2).sum()
        return total == 0 or squares.sum() ** 2 >= least_share * len(squares) * total

    def write(self, X, out):
        """Encode ``X`` into the leading columns of ``out``."""
        X = np.asarray(X)
        if X.dtype != out.dtype:  # float32 may not hold the entries of a row
            largest = np.fmax.reduce(np.abs(X), axis=1, keepdims=True)
            X = X / np.where(largest > 0, largest, 1)
        out[:, : self.n_outputs] = X
        kernels.scale_to_unit(out, self.n_outputs)  # missing entries become 0

    def rounded(self, X):
        """Return rows that are equal if their encoded rows agree up to rounding."""
        out = np.array(X, dtype=np.float64)
        kernels.scale_to_unit(out, self.n_outputs)
        return np.rint(out * ROUNDED)

    def standardise(self, X):
        """Return rows of norm 1."""
        out = np.array(X, dtype=np.float64)
        kernels.scale_to_unit(out, self.n_outputs)
        return out

    def pull_back(self, X, Z, G):
        """Return the gradient by rows ``X``, from the gradient ``G`` by the encoded rows ``Z``."""
        norms = row_norms(X)[:, None]
        norms = np.where(norms > 0, np.maximum(norms, 1e-100), 1)  # keeps slopes finite
        return (G - np.einsum("ij,ij->i", Z, G)[:, None] * Z) / norms

    def length(self, X):
        """Return the L1 norm of the encoded rows, and its gradient by ``X``."""
        Z = X / np.maximum(row_norms(X), 1e-300)[:, None]
        return np.abs(Z).sum(axis=1), self.pull_back(X, Z, np.sign(Z))

    def size(self, X):
        """Return the norm of the rows, in the ``unit`` of each column."""
        return row_norms(X)

    def energy(self, X):
        """Return the squared norm of the rows before they are encoded, and its gradient."""
        return np.einsum("ij,ij->i", X, X), 2 * X

    def magnitude(self, X):
        """Return a power of two by which rows can be divided to have entries of order 1.

        Division by a power of two is exact and can be undone.
        """
        largest = np.fmax.reduce(np.abs(X), axis=None).astype(np.float64)
        return 2.0 ** np.floor(np.log2(largest)) if largest > 0 else 1.0

    def with_lengths(self, X, lengths):
        """Return rows with the given norms. Encoded rows do not determine norms."""
        return X * (lengths / np.maximum(np.linalg.norm(X, axis=1), 1e-300))[:, None]

    def distances(self, X, known, kept, weight):
        """Return squared distances from each row to the nearest multiple of each kept row.

        Only the known entries of a row count. The second result is the factor of the nearest
        multiple. Rows therefore count as alike whatever their lengths are. A term that is the same
        for all kept rows is left out.
        """
        product, squares = known_products(X, known, kept)
        factor = np.maximum(product, 0) / np.where(squares > 0, squares, 1)
        return factor * (factor * squares - 2 * product), factor
