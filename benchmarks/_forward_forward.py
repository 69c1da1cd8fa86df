"""Hinton's Forward-Forward algorithm (arXiv:2212.13345) in plain NumPy, in single precision.

A layer of rectified units has a goodness, the mean of its squared outputs. Each layer learns by
itself: positive rows get a goodness above a threshold, and negative rows a goodness below. A row
is scaled to a mean square of 1 before a layer reads it, so that a layer learns nothing from the
goodness of the layer below.
"""

from itertools import pairwise

import numpy as np
from _backprop import TINY, Adam, Linear, chances, normal

THRESHOLD = 2.0


def to_unit_squares(X):
    """Scale each row to a mean square of 1. Rows of zeros stay zero."""
    squares = np.einsum("ij,ij->i", X, X)[:, None]
    return X * np.sqrt(np.float32(X.shape[1]) / np.maximum(squares, TINY))


def goodness_of(H):
    """Mean of the squared outputs of each row."""
    return np.einsum("ij,ij->i", H, H) / H.shape[1]


class Layer:
    """Rectified units, whose goodness tells positive rows from negative ones.

    The chance of being positive is 1 / (1 + exp(-sharpness * (goodness - threshold))).
    """

    def __init__(self, n_inputs, n_units, rng, rate, sharpness):
        self.W = normal(n_inputs, n_units, 1 / n_inputs, rng)
        self.b = np.zeros(n_units, np.float32)
        self.adam = Adam([self.W, self.b], rate)
        self.sharpness = np.float32(sharpness)

    def forward(self, X):
        H = X @ self.W
        H += self.b
        return np.maximum(H, 0, out=H)

    def gradient(self, H, is_positive):
        """Gradient of the summed log-loss by the outputs before they are rectified."""
        G = goodness_of(H)
        sign = np.where(is_positive, np.float32(1), np.float32(-1))
        wrong = 1 / (1 + np.exp(np.clip(sign * self.sharpness * (G - THRESHOLD), -60, 60)))
        return H * (-sign * wrong * self.sharpness * 2 / H.shape[1])[:, None]

    def learn(self, X, H, is_positive):
        D = self.gradient(H, is_positive)
        D *= np.float32(2 / len(X))  # the mean over pairs
        self.adam.step([X.T @ D, D.sum(axis=0)])


class ForwardForward:
    """Layers of ``Layer``, each of which learns by itself.

    Parameters
    ----------
    n_inputs : int
    sizes : tuple of int
        Units of each layer.
    n_labels : int, default=0
        Width of the block of labels beside the rows. 0 means rows without labels.
    label_norm : float, default=1.0
        Norm of the block of labels; that of the block of data is 1.
    rate, sharpness : float
        Rate of Adam, and slope of a layer's log-loss.
    """

    def __init__(
        self, n_inputs, sizes, n_labels=0, label_norm=1.0, rate=1e-3, sharpness=1, seed=0
    ):
        self.rng = np.random.default_rng(seed)
        self.n_labels, self.label_norm, self.rate = n_labels, np.float32(label_norm), rate
        widths = [n_inputs + n_labels, *sizes]
        self.layers = [Layer(*pair, self.rng, rate, sharpness) for pair in pairwise(widths)]
        self.adams = [layer.adam for layer in self.layers]
        if n_labels:
            self.head = Linear.random(sum(sizes[1:]), n_labels, self.rng)
            self.head_adam = Adam(self.head.parameters, rate)
            self.adams.append(self.head_adam)

    # -- forward ---------------------------------------------------------------

    def with_labels(self, X, block):
        """Rows of length 1 beside a block of labels, scaled to a mean square of 1."""
        return to_unit_squares(np.hstack([X, self.label_norm * block]))

    def outputs(self, Z):
        """Inputs and outputs of every layer."""
        found = []
        for layer in self.layers:
            H = layer.forward(Z)
            found.append((Z, H))
            Z = to_unit_squares(H)
        return found

    def layer_goodness(self, X, labels=None):
        """Goodness of each layer for rows with their labels, shape (n_rows, n_layers)."""
        Z = to_unit_squares(X) if labels is None else self.with_labels(X, self.one_hot(labels))
        return np.stack([goodness_of(H) for _, H in self.outputs(Z)], axis=1)

    def one_hot(self, labels):
        return np.eye(self.n_labels, dtype=np.float32)[labels]

    def label_goodness(self, X, n_rows=1000):
        """Summed goodness of all layers but the first, of each row with each label.

        The product of a row with the weights of the first layer is computed once for all labels.
        """
        first = self.layers[0]
        W, labels = first.W[: X.shape[1]], self.label_norm * first.W[X.shape[1] :]
        found = np.zeros((len(X), self.n_labels), np.float32)
        for start in range(0, len(X), n_rows):
            block = X[start : start + n_rows]
            squares = np.einsum("ij,ij->i", block, block)[:, None] + self.label_norm**2
            factor = np.sqrt(np.float32(len(first.W)) / squares)
            A = block @ W
            for c, label in enumerate(labels):
                H = np.maximum(factor * (A + label) + first.b, 0)
                for layer in self.layers[1:]:
                    H = layer.forward(to_unit_squares(H))
                    found[start : start + n_rows, c] += goodness_of(H)
        return found

    def predict(self, X):
        return self.label_goodness(X).argmax(axis=1)

    # -- learning --------------------------------------------------------------

    def set_share(self, share):
        """Use a share of the rate from now on."""
        for adam in self.adams:
            adam.rate = self.rate * share

    def learn(self, positive, negative=None):
        """One step of every layer on rows that are ready for the first layer."""
        n = len(positive)
        Z = positive if negative is None else np.concatenate([positive, negative])
        is_positive = np.arange(len(Z)) < n
        for (inputs, H), layer in zip(self.outputs(Z), self.layers, strict=True):
            layer.learn(inputs, H, is_positive)

    def learn_labelled(self, X, y):
        """One step on rows with their labels, and with wrong labels that the network likes.

        The network reads a row with all labels alike. A softmax of the outputs of all layers but
        the first then gives chances of the labels, of which the wrong one is drawn.
        """
        neutral = np.full((len(X), self.n_labels), self.n_labels**-0.5, np.float32)
        found = self.outputs(self.with_labels(X, neutral))
        F = np.hstack([to_unit_squares(H) for _, H in found[1:]])
        P = chances(self.head.forward(F))
        each = np.arange(len(X))
        drawn = P.copy()
        drawn[each, y] = 0
        drawn += np.float32(1e-6) * (np.arange(self.n_labels) != y[:, None])
        below = drawn.cumsum(axis=1)
        at = self.rng.random(len(X), dtype=np.float32)[:, None] * below[:, -1:]
        wrong = np.minimum((below <= at).sum(axis=1), self.n_labels - 1)
        P[each, y] -= 1
        P /= len(X)
        self.head_adam.step(self.head.backward(P, inputs=False)[0])
        self.learn(self.with_labels(X, self.one_hot(y)), self.with_labels(X, self.one_hot(wrong)))

    def fit_epoch(self, X, y, batch_size=100):
        order = self.rng.permutation(len(X))
        for start in range(0, len(X), batch_size):
            rows = order[start : start + batch_size]
            self.learn_labelled(X[rows], y[rows])


def share_of_rate(epoch, n_epochs):
    """The rate stays for half of the epochs, and then falls in a straight line."""
    return min(1.0, 2 * (1 - epoch / n_epochs))
