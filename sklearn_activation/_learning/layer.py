"""One layer in closed form."""

import numpy as np


def logistic_filter(eigenvalues, t, epsilon):
    """f(lambda) of the flow (paper, eq. 20) after learning time ``t``, in [epsilon, 1)."""
    decay = np.exp(-2 * np.maximum(eigenvalues, 0) * t)
    return epsilon / (epsilon + (1 - epsilon) * decay)


def averaged_filter(eigenvalues, t, epsilon):
    """Mean of the linear flow's share over stopping times of mean ``t``, in [epsilon, 1).

    1 - (1 - epsilon) mu / (lambda + mu) with mu = 1 / t: Tikhonov's filter. Unlike the stopped
    flow's, its distance from 1 falls with lambda only as 1 / lambda, so that of two directions
    that are both well learned the rarer one still passes less.
    """
    eigenvalues = np.maximum(eigenvalues, 0)
    return (eigenvalues * t + epsilon) / (eigenvalues * t + 1)


def random_rotation(n_inputs, n_units, seed, dtype):
    """Random matrix with orthonormal rows, or columns if there are fewer units."""
    rng = np.random.default_rng(seed)
    tall = rng.normal(size=(max(n_inputs, n_units), min(n_inputs, n_units)))
    Q, R = np.linalg.qr(tall.astype(dtype))
    Q *= np.sign(np.diag(R))  # makes the distribution uniform (Mezzadri 2007)
    return np.ascontiguousarray(Q.T if n_units > n_inputs else Q)


class Spectrum:
    """A layer's eigenvalues and eigenvectors, ready for any learning time."""

    def __init__(self, values, vectors, n_units, epsilon, averaged=False):
        self.values = values
        self.vectors = vectors
        self.n_inputs = vectors.shape[0]
        self.n_units = n_units
        self.epsilon = epsilon
        self.averaged = averaged

    def filter(self, eigenvalues, t):
        """Share of activation that directions pass after learning time ``t``."""
        function = averaged_filter if self.averaged else logistic_filter
        return function(eigenvalues, t, self.epsilon)

    def weights(self, t, Q):
        """W(t) from the start sqrt(epsilon) Q, in the precision of ``Q``.

        Fewer units than inputs start from the leading eigenvectors instead, and leave
        out directions in which no row has energy.
        """
        if self.n_units < self.n_inputs:
            V = self.vectors[:, : self.n_units]
            root = np.sqrt(self.filter(self.values[: self.n_units], t))
            # The orthogonal matrix nearest to V^T Q: signs of V cancel.
            left, _, right = np.linalg.svd(V.T @ Q, full_matrices=False)
            return ((V * root) @ (left @ right)).astype(Q.dtype)
        V = self.vectors.astype(Q.dtype)
        start = float(np.sqrt(self.epsilon))  # a NumPy scalar would widen float32
        root = np.sqrt(self.filter(self.values, t)) - start
        return start * Q + (V * root.astype(Q.dtype)) @ (V.T @ Q)

    @property
    def is_triangular(self):
        """Whether the weights come in the rotation in which they are triangular."""
        return self.averaged and self.n_units == self.n_inputs and self.epsilon > 1e-12

    def triangular_weights(self, t):
        """W(t) of the averaged flow, as wide as its inputs, in double precision.

        It comes in the rotation in which it is triangular: no activation function follows that
        would ask for a random one.
        """
        return self.triangular(self.filter(self.values, t), self.epsilon)

    def triangular(self, shares, beside):
        """Lower triangular L with L L^T = V diag(shares) V^T, and ``beside`` times I beside V.

        That is V diag(sqrt(shares)) times a rotation. Products with L take half the time
        (``_network.product_energies``).
        """
        P = (self.vectors * (shares - beside)) @ self.vectors.T
        P[np.diag_indices_from(P)] += beside
        return np.linalg.cholesky(P)

    def energies(self, Z, times):
        """Activation of rows ``Z`` after each of ``times``, (n_rows, n_times).

        One product serves all times: ||y||^2 = eps ||z||^2 + sum_j (f_j - eps) (v_j.z)^2.
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
    """A layer in closed form: weights for any learning time, from the statistics of its inputs.

    This is the one step that the solver, folds and scores without some rows take.

    Parameters
    ----------
    spectrum : Spectrum
    rotate : callable
        It makes the random rotation Q that the layer starts from, when weights need one.
    dtype : numpy dtype of the weights
    """

    def __init__(self, spectrum, rotate, dtype):
        self.spectrum = spectrum
        self.rotate = rotate
        self.dtype = dtype

    def weights(self, t):
        """W(t), ndarray of shape (n_inputs, n_units) (the paper's eq. 20, integrated)."""
        if self.spectrum.is_triangular:
            return self.spectrum.triangular_weights(t).astype(self.dtype)
        return self.spectrum.weights(t, self.rotate())


def activation_curve(spectrum, t, n_points=20):
    """Mean activation of the training rows at ``n_points`` times up to ``t``."""
    times = t * np.linspace(0, 1, n_points + 1)[1:]
    values = spectrum.values[: spectrum.n_units]
    return np.array([spectrum.filter(values, s) @ values for s in times])
