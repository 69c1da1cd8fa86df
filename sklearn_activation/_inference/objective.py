"""Objectives of inference: functions of raw rows that ascent or random walks use.

The objectives are based on the output activation (paper, eq. 10 to 17).
"""

import numpy as np


class Objective:
    """The output activation of raw rows with labels, minus a multiple of the L1 norm of the rows.

    Parameters
    ----------
    network : Network
    encoding : an instance from ``ENCODINGS``
    n_labels : int
        Width of the label block, or 0 if rows have no labels.
    sharpness : float, default=0.0
        Factor beta of the L1 norm of the row, in units of the encoding (paper, eq. 15).
    """

    def __init__(self, network, encoding, n_labels=0, sharpness=0.0):
        self.network = network
        self.encoding = encoding
        self.n_labels = n_labels
        self.sharpness = sharpness
        self.dtype = network.coefs[0].dtype
        self.n_inputs = encoding.n_outputs + n_labels

    def __call__(self, X, labels=None, gains=None):
        """Return the objective (n_rows,) and its gradient by the rows (n_rows, n_features).

        ``labels`` (n_rows,) are the numbers of the labels. ``gains`` (n_rows, n_units) multiply
        the squared outputs (paper, eq. 16).
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
    """Minus the activation that a row loses on its way through the network.

    Consider a row of squared length s, with a label block as long as its data block. The input
    activation of the row is 2 s, or s without labels. The activation functions keep lengths, so
    the output activation is s ||y||^2, where y is the output for the encoded row. The loss is the
    input activation minus the output activation. If known entries are held, a missing entry that
    the network cannot explain costs its own squared value. The paper's eq. 17 takes the activation
    of the jointly normalised row instead. With eq. 17, missing entries that the network cannot
    explain would outweigh the known entries. For one layer the loss is x^T (I - P) x with P = W
    W^T, and the conditional mean minimises it.
    """

    def __call__(self, X, labels=None, gains=None):
        value, slope = super().__call__(X, labels, gains)
        lost = 1 + bool(self.n_labels) - value
        energy, energy_slope = self.encoding.energy(X)
        return -energy * lost, energy[:, None] * slope - lost[:, None] * energy_slope
