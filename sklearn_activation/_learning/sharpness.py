"""Probabilities from activations: p(c | x) proportional to exp(a ||y(x, c)||^2)."""

import numpy as np
from scipy.special import logsumexp, softmax


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
