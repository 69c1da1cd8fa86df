"""Objectives of inference: the output activation of raw rows (paper, eq. 10 to 17)."""

import numpy as np


class Objective:
    """Output activation of raw rows with their labels, less a multiple of their L1 norm.

    Parameters
    ----------
    network : Network
    encoding : an instance from ``ENCODINGS``
    n_labels : int
        Width of the label block, 0 for none.
    sharpness : float, default=0.0
        Factor beta of the row's L1 norm, in the encoding's units (paper, eq. 15).
    """

    def __init__(self, network, encoding, n_labels=0, sharpness=0.0):
        self.network = network
        self.encoding = encoding
        self.n_labels = n_labels
        self.sharpness = sharpness
        self.dtype = network.coefs[0].dtype
        self.n_inputs = encoding.n_outputs + n_labels

    def __call__(self, X, labels=None, gains=None):
        """Value (n_rows,) and gradient (n_rows, n_features).

        ``labels`` (n_rows,) are the places of the labels' units, and ``gains`` (n_rows, n_units)
        multiply the squared outputs (paper, eq. 16).
        """
        n = self.encoding.n_outputs
        Z = np.zeros((len(X), self.n_inputs), dtype=self.dtype)
        self.encoding.write(X, Z)
        if self.n_labels:
            Z[np.arange(len(Z)), n + labels] = 1
        value, gradient = self.network.energies_and_gradient(Z, gains)
        slope = self.encoding.pull_back(X, Z[:, :n], gradient[:, :n])
        value = value.astype(np.float64)
        if self.sharpness:
            # The objective is ||y(a, z)||^2 - beta ||z||_1 (paper, eq. 15).
            length, length_slope = self.encoding.length(X)
            value -= self.sharpness * length
            slope -= self.sharpness * length_slope
        return value, slope


class LostActivation(Objective):
    """Minus the activation that the network loses of a row that keeps its length.

    A row of squared length s whose label block is as long as its data has the input
    activation 2 s (or s without labels), of which the network passes on s ||y||^2, since its
    activation functions keep lengths. With the known entries held, missing ones that the
    network cannot explain cost their own energy. The activation of the jointly normalised row
    (paper, eq. 17) would have them outweigh the known ones instead. For one layer the loss is
    x^T (I - P) x, which the conditional mean minimises.
    """

    def __call__(self, X, labels=None, gains=None):
        value, slope = super().__call__(X, labels, gains)
        lost = 1 + bool(self.n_labels) - value
        energy, energy_slope = self.encoding.energy(X)
        return -energy * lost, energy[:, None] * slope - lost[:, None] * energy_slope
