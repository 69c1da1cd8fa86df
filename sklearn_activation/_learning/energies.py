"""Activations of rows with each label, and the error rate, computed block by block."""

import numpy as np


def error_rate(network, rows, n_jobs=None):
    """Return the weighted share of rows on which a wrong label activates most."""
    found = label_energies(network, rows, n_jobs=n_jobs).argmax(axis=1)
    return float(np.average(found != rows.labels, weights=rows.weight))


def label_energies(network, rows, index=None, *, score=None, n_jobs=None):
    """Return the activation of rows with each label, ndarray of shape (n_rows, n_labels).

    ``index`` selects rows, and None takes all rows. ``score`` is a function of encoded data rows
    that returns their activations with each label. The default is ``network.label_energies``.
    """
    score = score or network.label_energies
    index = np.arange(len(rows)) if index is None else index
    n_columns = rows.n_labels * max(W.shape[1] for W in network.coefs)
    found = rows.map_blocks(lambda part: score(rows.data(part)), n_columns, n_jobs, index)
    return np.concatenate(list(found))
