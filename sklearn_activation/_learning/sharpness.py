"""Probabilities from activations: p(c | x) is proportional to exp(a ||y(x, c)||^2)."""

from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp, softmax

from .._rows.scales import weighted_quantiles


class Certainty(NamedTuple):
    """Numbers, fitted to held-out rows, by which activations become probabilities."""

    # The factor ``a`` of the paper's eq. 8.
    sharpness: float
    # The activation that nearly all held-out rows reach with their most active label.
    typical: float = -np.inf

    @classmethod
    def of(cls, energies, weight, sharpness, share=0.02):
        """Return the ``Certainty`` for held-out activations of shape (n_rows, n_labels).

        The share ``share`` of the held-out rows lies below ``typical``.
        """
        typical = weighted_quantiles(energies.max(axis=1), weight, [share])[0]
        return cls(float(sharpness), float(typical))


def fit_certainty(energies, labels, weight, unknown_rows=1.0):
    """Return the ``Certainty`` that follows from activations of held-out rows with each label."""
    sharpness, _ = fit_sharpness(energies, labels, weight, unknown_rows=unknown_rows)
    return Certainty.of(energies, weight, sharpness)


def fit_sharpness(energies, labels, weight, n_iter=12, unknown_rows=1.0):
    """Fit the factor ``a`` of eq. 8 to held-out rows, and return it with the log-loss.

    ``a`` maximises the likelihood of the held-out labels under a prior. The prior acts like
    ``unknown_rows`` additional rows whose labels are drawn at random. The prior keeps ``a``
    finite, and its influence falls with the number of held-out rows.

    Parameters
    ----------
    energies : ndarray of shape (n_rows, n_labels, ...)
        Activations of held-out rows with each label. Trailing axes hold independent problems,
        which are solved together.
    labels : ndarray of int of shape (n_rows,)
    weight : ndarray of shape (n_rows,)
    n_iter : int
        Number of Newton steps.
    unknown_rows : float
        Number of rows that the prior stands for.

    Returns
    -------
    a, loss : ndarray of shape (...)
        The factor, and the log-loss of the held-out rows without the prior.
    """
    energies = np.asarray(energies, dtype=np.float64)
    gap = energies - energies[np.arange(len(labels)), labels][:, None]
    share = weight / weight.sum()
    # Rows of unequal weights count as a smaller number of equal rows: as many as give the same
    # variance of the mean.
    unknown = unknown_rows / (unknown_rows + 1 / (share @ share))
    share = share.reshape((-1,) + (1,) * (gap.ndim - 2))
    pull = unknown * (share * gap.mean(axis=1)).sum(axis=0)
    a = 1 / np.maximum(np.sqrt((share * (gap**2).mean(axis=1)).sum(axis=0)), 1e-9)
    # The loss is convex in a. No Newton step changes a by more than a factor of 4.
    for _ in range(n_iter):
        p = softmax(a * gap, axis=1)
        mean = (p * gap).sum(axis=1)
        variance = (p * gap**2).sum(axis=1) - mean**2
        slope = (share * mean).sum(axis=0) - pull
        curvature = np.maximum((share * variance).sum(axis=0), 1e-300)
        a = np.clip(a - slope / curvature, a / 4, a * 4)
        a = np.minimum(a, 1e8)  # rows that all activate alike have no finite optimum
    return a, (share * logsumexp(a * gap, axis=1)).sum(axis=0)


def log_losses(a, energies, labels):
    """Return -log p(label | row) of each row, for probabilities with the factor ``a``."""
    energies = np.asarray(energies, dtype=np.float64)
    gap = energies - energies[np.arange(len(labels)), labels][:, None]
    return logsumexp(a * gap, axis=1)  # the gap of the right label is 0
