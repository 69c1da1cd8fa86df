"""A stack of layers: forward pass, output activation, gradient."""

from itertools import pairwise

import numpy as np

from .kernels import activations, rows

# Each activation function has a forward kernel and a gradient kernel. The module docstring of
# kernels/activations.py states what both kernels read and write.
ACTIVATIONS = {
    "abs": (activations.abs_forward, activations.abs_gradient),
    "std_abs": (activations.std_abs_forward, activations.std_abs_gradient),
    "layer_std_abs": (
        activations.layer_std_abs_forward,
        activations.layer_std_abs_gradient,
    ),
    "square": (activations.square_forward, activations.square_gradient),
}

# ``product_energies`` cuts a triangular matrix into this number of strips of columns.
N_STRIPS = 4


class Network:
    """Layers of weights with an activation function between them.

    A ``Network`` is built when a forward pass needs it. Estimators store the weights and moments
    as plain arrays.

    Parameters
    ----------
    coefs : list of ndarray of shape (n_inputs, n_units)
    activation : str, a key of ``ACTIVATIONS``
    standards : list of (mean, variance), each an ndarray of shape (n_units,)
        Mean and variance of \\|y\\| for each unit of each layer. Only ``std_abs`` reads these
        moments.
    """

    def __init__(self, coefs, activation, standards):
        self.coefs = coefs
        self.activation = activation
        self.standards = standards

    def __len__(self):
        return len(self.coefs)

    def copy(self, dtype):
        """Return the same network on new arrays of type ``dtype``."""
        return Network(
            [W.astype(dtype, order="C", copy=True) for W in self.coefs],
            self.activation,
            [tuple(moment.astype(dtype) for moment in pair) for pair in self.standards],
        )

    def without_last(self):
        """Return the network without its last layer, on the same arrays."""
        return Network(self.coefs[:-1], self.activation, self.standards)

    def activate(self, layer, A, B=None):
        """Apply the activation function of a layer to all sums ``A[i] + B[c]``.

        Parameters
        ----------
        layer : int
        A : ndarray of shape (n_rows, n_units)
        B : ndarray of shape (n_labels, n_units), default=None
            Products of each label with the layer's weights. None stands for a single row of zeros.

        Returns
        -------
        out : ndarray of shape (n_rows * n_labels, n_units)
        energy : ndarray of shape (n_rows * n_labels,)
            Squared norm of each sum ``A[i] + B[c]``.
        """
        if B is None:
            B = np.zeros((1, A.shape[1]), dtype=A.dtype)
        forward, _ = ACTIVATIONS[self.activation]
        out = np.empty((A.shape[0] * B.shape[0], A.shape[1]), dtype=A.dtype)
        energy = np.empty(len(out), dtype=A.dtype)
        forward(A, B, *self.standard(layer, A.dtype), out, energy)
        return out, energy

    def hidden(self, Z, n_layers):
        """Return rows ``Z`` after the first ``n_layers`` layers and their activation functions."""
        for layer in range(n_layers):
            Z, _ = self.activate(layer, Z @ self.coefs[layer])
        return Z

    def layer_energies(self, Z):
        """Return the activation of every layer, ndarray of shape (n_rows, n_layers).

        Column l is ||x||^2 h_1(x) ... h_l(x), where h_l is the activation filter of layer l
        (paper, eq. 9).
        """
        result = np.empty((len(Z), len(self)), dtype=Z.dtype)
        for layer in range(len(self) - 1):
            Z, result[:, layer] = self.activate(layer, Z @ self.coefs[layer])
        result[:, -1] = row_energies(Z @ self.coefs[-1])
        return result

    def energies(self, Z):
        """Return the output activation ||y||^2 of encoded rows, shape (n_rows,)."""
        return product_energies(self.hidden(Z, len(self) - 1), self.coefs[-1])

    def candidates(self, Z):
        """Return the second layer's input for each row with each label.

        ``Z`` (n_rows, n_data) holds the data block alone, without a label block. The label of
        class c is input number n_data + c of the first layer. The result has shape (n_rows *
        n_labels, n_units).
        """
        W = self.coefs[0]
        return self.activate(0, Z @ W[: Z.shape[1]], W[Z.shape[1] :])[0]

    def label_rows(self, Z):
        """Return the input of the layer above this network, for each row with each label.

        The result has shape (n_rows * n_labels, n_units): it is ``candidates`` after the remaining
        layers.
        """
        H = self.candidates(Z)
        for layer in range(1, len(self)):
            H, _ = self.activate(layer, H @ self.coefs[layer])
        return H

    def label_energies(self, Z):
        """Return the output activation of each data row with each label, (n_rows, n_labels).

        Entry (i, c) is ||y(a_i, z_c)||^2. The label with the largest activation is the predicted
        label of a row (paper, eq. 10).
        """
        W, n_data = self.coefs[0], Z.shape[1]
        labels = W[n_data:]
        if len(self) == 1:
            # ||a + b||^2 = ||a||^2 + 2 a b + ||b||^2, so a single layer needs no array of all
            # pairs.
            A = Z @ W[:n_data]
            result = A @ (2 * labels.T)
            result += row_energies(A)[:, None]
            result += row_energies(labels)
            return result
        energies = row_energies(self.without_last().label_rows(Z) @ self.coefs[-1])
        return energies.reshape(len(Z), len(labels))

    def energies_and_gradient(self, Z, gains=None):
        """Return the output activation of encoded rows and its gradient by these rows.

        The gradient treats the moments of ``std_abs`` as constants. ``gains`` (n_rows, n_units)
        multiply the squared outputs (paper, eq. 16).
        """
        outputs = []
        for layer in range(len(self) - 1):
            outputs.append(Z @ self.coefs[layer])
            Z, _ = self.activate(layer, outputs[-1])
        W = self.coefs[-1]
        Y = Z @ W
        # With gains 1 + delta_i the activation is the sum of (1 + delta_i) y_i^2 (paper, eq. 16).
        scaled = Y if gains is None else gains * Y
        energies = row_energies(Y) if gains is None else np.einsum("ij,ij->i", scaled, Y)
        G = 2 * scaled @ W.T
        _, backward = ACTIVATIONS[self.activation]
        for layer in reversed(range(len(self) - 1)):
            out = np.empty_like(G)
            backward(outputs[layer], G, *self.standard(layer, G.dtype), out)
            G = out @ self.coefs[layer].T
        return energies, G

    def standard(self, layer, dtype):
        """Return the mean of |y| and the reciprocal deviation of |y| for the units of a layer.

        The reciprocal deviation is 0 for a unit whose |y| never varied. Both arrays are new: the
        arrays of a model that is mapped from disk are read-only, and Numba would compile each
        kernel again for read-only arrays.
        """
        mean, variance = self.standards[layer]
        varies = variance > 1e-12 * (variance.max() + mean.max() ** 2)
        scale = np.zeros(mean.shape, dtype=dtype)
        scale[varies] = 1 / np.sqrt(variance[varies])
        return mean.astype(dtype), scale


def row_energies(Y):
    """Return the squared norm of each row of ``Y``."""
    out = np.empty(len(Y), dtype=Y.dtype)
    rows.energies(np.ascontiguousarray(Y), out)
    return out


def product_energies(H, W):
    """Return the squared norm of each row of ``H @ W``.

    If ``W`` is lower triangular, the product skips most of the zeros of ``W``.
    """
    n = W.shape[1]
    is_square = isinstance(W, np.ndarray) and W.shape[0] == n
    if not is_square or len(H) < n or n < N_STRIPS or np.count_nonzero(W[0, 1:]):
        return row_energies(H @ W)
    edges = np.linspace(0, n, N_STRIPS + 1).astype(int)
    if any(W[:first, first:].any() for first in edges[1:-1]):
        return row_energies(H @ W)
    total = np.zeros(len(H), dtype=H.dtype)
    for first, end in pairwise(edges):
        total += row_energies(H[:, first:] @ W[first:, first:end])
    return total
