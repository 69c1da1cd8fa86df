"""Contributions of columns to the activation that a row lost: Shapley values by sampling."""

import numpy as np

from .._rows.scales import PAIR


def nearest_references(model, X, candidates, *, n_references=5, far=2.0):
    """Return the nearest candidates of each row, (n_rows, n_references, n_columns).

    Parameters
    ----------
    model : DetectorModel
    X : ndarray of shape (n_rows, n_columns)
    candidates : ndarray of shape (n_candidates, n_columns)
        Typical rows.
    n_references : int
        Number of candidates per row.
    far : float
        In each column, distances are cut at this many deviations.
    """
    codes = model.is_categorical
    if codes is None:
        codes = np.zeros(X.shape[1], dtype=bool)
    Z, of_X = (model.encoding.in_deviations(rows, model.sample) for rows in (candidates, X))
    n_references = min(n_references, len(candidates))
    chosen = np.empty((len(X), n_references), dtype=np.intp)
    for i, x in enumerate(of_X):
        distance = np.nan_to_num(np.abs(Z - x), nan=0.0)
        distance[:, codes] = PAIR * (candidates[:, codes] != X[i, codes])
        distance = np.minimum(distance, far) ** 2
        chosen[i] = np.argsort(distance.sum(axis=1), kind="stable")[:n_references]
    return candidates[chosen]


def attribute_loss(X, missing, references, n_features, score, rng):
    """Return the mean rise of activation when a column takes the values of a reference row.

    The columns change one after the other, in random orders and in the reverse of each order. The
    results are Shapley values by sampling (Strumbelj & Kononenko 2014).

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_columns)
    missing : ndarray of bool of shape (n_rows, n_columns)
        Entries that never change, and so contribute nothing.
    references : ndarray of shape (n_rows, n_references, n_columns)
    n_features : int
        Number of features. A window holds all features of its first time step, then all features
        of its second time step, and so on.
    score : callable
        Function that scores an array of the shape of ``X``. Row i of the array stands in for row i
        of ``X``.
    rng : numpy Generator

    Returns
    -------
    contributions : ndarray of shape (n_rows, n_features)
    """
    column = np.arange(X.shape[1]) % n_features
    result, own = np.zeros((len(X), n_features)), score(X)
    for r in range(references.shape[1]):
        order = rng.permutation(n_features)
        target = np.where(missing, X, references[:, r])
        for turn in (order, order[::-1]):
            current, before = X.copy(), own
            for j in turn:
                current[:, column == j] = target[:, column == j]
                after = score(current)
                result[:, j] += after - before
                before = after
    return result / (2 * references.shape[1])
