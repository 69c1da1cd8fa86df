"""Probabilities from activations: p(c | x) proportional to exp(a ||y(x, c)||^2)."""

from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp, softmax

from .._rows.scales import weighted_quantiles


class Certainty(NamedTuple):
    """What held-out rows say of probabilities."""

    # ``a`` of eq. 8.
    sharpness: float
    # Nearly all held-out rows activate the network by this or more, with one label or another.
    typical: float = -np.inf

    @classmethod
    def of(cls, energies, weight, sharpness, share=0.02):
        """For held-out activations (n_rows, n_labels), of which ``share`` are not typical."""
        typical = weighted_quantiles(energies.max(axis=1), weight, [share])[0]
        return cls(float(sharpness), float(typical))


def fit_certainty(energies, labels, weight, unknown_rows=1.0):
    """The ``Certainty`` by activations of held-out rows with every label."""
    sharpness, _ = fit_sharpness(energies, labels, weight, unknown_rows=unknown_rows)
    return Certainty.of(energies, weight, sharpness)


def fit_sharpness(energies, labels, weight, n_iter=12, unknown_rows=1.0):
    """``a`` of eq. 8 that held-out rows and a prior make most likely, and its log-loss.

    The prior is that of ``unknown_rows`` more rows like those held out, with labels drawn at
    random: it keeps ``a`` finite, and counts for less the more rows there are.

    Parameters
    ----------
    energies : ndarray of shape (n_rows, n_labels, ...)
        Trailing axes are independent problems, solved together.
    labels : ndarray of int of shape (n_rows,)
    weight : ndarray of shape (n_rows,)
    n_iter : int
        Newton steps.
    unknown_rows : float

    Returns
    -------
    a, loss : ndarray of shape (...)
        The log-loss is that of the held-out rows alone.
    """
    energies = np.asarray(energies, dtype=np.float64)
    gap = energies - energies[np.arange(len(labels)), labels][:, None]
    share = weight / weight.sum()
    # Rows of unequal weights count as the number of equal ones whose mean is as certain.
    unknown = unknown_rows / (unknown_rows + 1 / (share @ share))
    share = share.reshape((-1,) + (1,) * (gap.ndim - 2))
    pull = unknown * (share * gap.mean(axis=1)).sum(axis=0)
    a = 1 / np.maximum(np.sqrt((share * (gap**2).mean(axis=1)).sum(axis=0)), 1e-9)
    for _ in range(n_iter):  # the loss is convex in a: Newton steps, kept within a factor 4
        p = softmax(a * gap, axis=1)
        mean = (p * gap).sum(axis=1)
        variance = (p * gap**2).sum(axis=1) - mean**2
        slope = (share * mean).sum(axis=0) - pull
        curvature = np.maximum((share * variance).sum(axis=0), 1e-300)
        a = np.clip(a - slope / curvature, a / 4, a * 4)
        a = np.minimum(a, 1e8)  # rows that all activate alike have no finite optimum
    return a, (share * logsumexp(a * gap, axis=1)).sum(axis=0)


def log_losses(a, energies, labels):
    """-log p(label | row) of every row, by probabilities of sharpness ``a``."""
    energies = np.asarray(energies, dtype=np.float64)
    gap = energies - energies[np.arange(len(labels)), labels][:, None]
    return logsumexp(a * gap, axis=1)  # the right label's gap is 0
