"""Which columns an activation was lost by (Shapley values by sampling)."""

import numpy as np

from .._rows.scales import PAIR


def nearest_references(model, X, candidates, *, n_references=5, far=2.0):
    """Typical rows near each row of ``X``, (n_rows, n_references, n_columns).

    Parameters
    ----------
    model : DetectorModel
    X : ndarray of shape (n_rows, n_columns)
    candidates : ndarray of shape (n_candidates, n_columns)
    n_references : int
    far : float
        Columns that are more deviations apart than this count as equally far.
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
    """Mean rise of activation when a column becomes that of a reference, its turn at random.

    Shapley values by sampling, in random orders and their reverse (Strumbelj & Kononenko 2014).

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_columns)
    missing : ndarray of bool of shape (n_rows, n_columns)
        Entries that stay as they are, and contribute nothing.
    references : ndarray of shape (n_rows, n_references, n_columns)
    n_features : int
        Columns of a row; windows have several stamps of them, one after the other.
    score : callable
        It scores as many rows as ``X``, each in the place of one of them.
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
