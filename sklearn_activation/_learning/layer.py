"""One layer in closed form: its weights after any learning time."""

from functools import lru_cache

import numpy as np

# A rotation with at most this many entries is kept for the next training. The kept rotations take
# 32 MiB at most.
KEPT_ROTATION_ENTRIES = 1 << 20


def logistic_filter(eigenvalues, t, epsilon):
    """Return f(lambda) of the flow after learning time ``t``, in [epsilon, 1) (paper, eq. 20)."""
    decay = np.exp(-2 * np.maximum(eigenvalues, 0) * t)
    return epsilon / (epsilon + (1 - epsilon) * decay)


def averaged_filter(eigenvalues, t, epsilon):
    """Return the share that the averaged flow passes of each eigenvalue, in [epsilon, 1).

    The share is 1 - (1 - epsilon) mu / (lambda + mu) with mu = 1 / t, which is Tikhonov's filter.
    The share is the mean of the linear flow's share over random stopping times of mean ``t``. The
    distance of the share from 1 falls only as 1 / lambda. Of two directions that are both well
    learned, the rarer one therefore still passes less. The filter of the stopped flow passes
    nearly the same share of both directions.
    """
    eigenvalues = np.maximum(eigenvalues, 0)
    return (eigenvalues * t + epsilon) / (eigenvalues * t + 1)


def random_rotation(n_inputs, n_units, seed, dtype):
    """Return a random matrix with orthonormal rows, or orthonormal columns if units are fewer.

    The result is read-only. The last few small results are kept, because each batch of a stream
    asks for the same rotations.

    Parameters
    ----------
    n_inputs, n_units : int
        Shape of the matrix.
    seed : tuple of int
    dtype : numpy dtype of the matrix
    """
    make = _kept_rotation if n_inputs * n_units <= KEPT_ROTATION_ENTRIES else _make_rotation
    return make(n_inputs, n_units, seed, np.dtype(dtype))


def _make_rotation(n_inputs, n_units, seed, dtype):
    rng = np.random.default_rng(seed)
    tall = rng.normal(size=(max(n_inputs, n_units), min(n_inputs, n_units)))
    Q, R = np.linalg.qr(tall.astype(dtype))
    Q *= np.sign(np.diag(R))  # makes the distribution uniform (Mezzadri 2007)
    Q = np.ascontiguousarray(Q.T if n_units > n_inputs else Q)
    Q.flags.writeable = False
    return Q


_kept_rotation = lru_cache(maxsize=4)(_make_rotation)


class Spectrum:
    """The eigenvalues and eigenvectors of a layer's inputs, from which any learning time follows.

    Parameters
    ----------
    values : ndarray of shape (n_values,)
        Eigenvalues of the mean of x x^T, descending.
    vectors : ndarray of shape (n_inputs, n_values)
        Eigenvectors, one in each column.
    n_units : int
        Units of the layer.
    epsilon : float
        The layer starts from W W^T = epsilon I.
    averaged : bool
        Whether the flow is averaged over learning times.
    """

    def __init__(self, values, vectors, n_units, epsilon, averaged=False):
        self.values = values
        self.vectors = vectors
        self.n_inputs = vectors.shape[0]
        self.n_units = n_units
        self.epsilon = epsilon
        self.averaged = averaged

    def filter(self, eigenvalues, t):
        """Return the share of activation that each eigenvalue passes after time ``t``."""
        function = averaged_filter if self.averaged else logistic_filter
        return function(eigenvalues, t, self.epsilon)

    def weights(self, t, Q):
        """Return W(t) for the start sqrt(epsilon) Q, in the precision of ``Q``.

        A layer with fewer units than inputs starts from the leading eigenvectors instead.
        Directions in which no row has energy are left out.
        """
        if self.n_units < self.n_inputs:
            V = self.vectors[:, : self.n_units]
            root = np.sqrt(self.filter(self.values[: self.n_units], t))
            # left @ right is the orthogonal matrix nearest to V^T Q, so the signs of V cancel.
            left, _, right = np.linalg.svd(V.T @ Q, full_matrices=False)
            return ((V * root) @ (left @ right)).astype(Q.dtype)
        V = self.vectors.astype(Q.dtype)
        start = float(np.sqrt(self.epsilon))  # a NumPy scalar would widen float32 arrays
        root = np.sqrt(self.filter(self.values, t)) - start
        return start * Q + (V * root.astype(Q.dtype)) @ (V.T @ Q)

    @property
    def is_triangular(self):
        """Whether ``ClosedLayer`` takes the triangular root of W W^T as weights."""
        return self.averaged and self.n_units == self.n_inputs and self.epsilon > 1e-12

    def triangular_weights(self, t):
        """Return a triangular W(t) of the averaged flow, in double precision.

        The layer has as many units as inputs. W(t) is defined up to a rotation of the units. No
        activation function follows the last layer, so any rotation gives the same activation.
        """
        return self.triangular(self.filter(self.values, t), self.epsilon)

    def triangular(self, shares, beside):
        """Return a lower triangular L with L L^T = V diag(shares) V^T + beside (I - V V^T).

        The shares must all be at least ``beside``, or all be at most ``beside``. L is V
        diag(sqrt(shares)) times a rotation, for eigenvectors V that span the space. A
        product with L takes half the time of a full product (``_network.product_energies``).
        """
        more = shares - beside
        sign = 1.0 if more.sum() >= 0 else -1.0
        root = self.vectors * np.sqrt(np.maximum(sign * more, 0))
        # For a matrix and its own transpose, BLAS computes half of the product.
        P = root @ root.T
        P *= sign
        P[np.diag_indices_from(P)] += beside
        return np.linalg.cholesky(P)

    def energies(self, Z, times):
        """Return the activation of rows ``Z`` after each of ``times``, (n_rows, n_times).

        One matrix product serves all times: ||y||^2 = eps ||z||^2 + sum_j (f_j - eps) (v_j.z)^2.
        """
        n = min(self.n_units, len(self.values))
        base = self.epsilon if self.n_units >= self.n_inputs else 0.0
        projected = Z @ self.vectors[:, :n].astype(Z.dtype)
        projected *= projected
        filters = np.stack([self.filter(self.values[:n], t) - base for t in times], axis=1)
        result = projected @ filters.astype(Z.dtype)
        if base:
            result += base * np.einsum("ij,ij->i", Z, Z)[:, None]
        return result


class ClosedLayer:
    """A layer in closed form, whose weights follow from the statistics of its inputs.

    The solver, the folds of a cross-validation and the leave-one-out scores all make their layers
    by this class.

    Parameters
    ----------
    spectrum : Spectrum
    rotate : callable
        Function without arguments that returns the random rotation Q from which the layer starts.
        The function is called only if the weights depend on Q.
    dtype : numpy dtype of the weights
    """

    def __init__(self, spectrum, rotate, dtype):
        self.spectrum = spectrum
        self.rotate = rotate
        self.dtype = dtype

    def weights(self, t):
        """Return W(t), ndarray of shape (n_inputs, n_units): the paper's eq. 20, integrated."""
        if self.spectrum.is_triangular:
            return self.spectrum.triangular_weights(t).astype(self.dtype)
        return self.spectrum.weights(t, self.rotate())

    def curve(self, t):
        """Return the mean activation of the training rows at 20 times up to ``t``."""
        return activation_curve(self.spectrum, t)


def activation_curve(spectrum, t, n_points=20):
    """Return the mean activation of the training rows at ``n_points`` times up to ``t``."""
    times = t * np.linspace(0, 1, n_points + 1)[1:]
    values = spectrum.values[: spectrum.n_units]
    return np.array([spectrum.filter(values, s) @ values for s in times])
