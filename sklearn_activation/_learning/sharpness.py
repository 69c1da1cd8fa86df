"""Probabilities from activations: p(c | x) proportional to exp(a ||y(x, c)||^2)."""

import numpy as np
from scipy.special import logsumexp, softmax


def fit_sharpness(energies, labels, weight, n_iter=12):
    """Maximum-likelihood ``a`` of eq. 8 for held-out rows, and its log-loss.

    Parameters
    ----------
    energies : ndarray of shape (n_rows, n_labels, ...)
        Trailing axes are independent problems, solved together.
    labels : ndarray of int of shape (n_rows,)
    weight : ndarray of shape (n_rows,)

    Returns
    -------
    a, loss : ndarray of shape (...)
    """
    energies = np.asarray(energies, dtype=np.float64)
    gap = energies - energies[np.arange(len(labels)), labels][:, None]
    share = (weight / weight.sum()).reshape((-1,) + (1,) * (gap.ndim - 2))
    a = 1 / np.maximum(np.sqrt((share * (gap**2).mean(axis=1)).sum(axis=0)), 1e-9)
    for _ in range(n_iter):  # the loss is convex in a: Newton steps, kept within a factor 4
        p = softmax(a * gap, axis=1)
        mean = (p * gap).sum(axis=1)
        variance = (p * gap**2).sum(axis=1) - mean**2
        slope = (share * mean).sum(axis=0)
        curvature = np.maximum((share * variance).sum(axis=0), 1e-300)
        a = np.clip(a - slope / curvature, a / 4, a * 4)
        a = np.minimum(a, 1e8)  # separable rows have no finite optimum
    return a, (share * logsumexp(a * gap, axis=1)).sum(axis=0)


def log_losses(a, energies, labels):
    """-log p(label | row) of every row, by probabilities of sharpness ``a``."""
    energies = np.asarray(energies, dtype=np.float64)
    gap = energies - energies[np.arange(len(labels)), labels][:, None]
    return logsumexp(a * gap, axis=1)  # the right label's gap is 0
