"""What a network says of rows with labels, block by block."""

import numpy as np


def error_rate(network, rows, n_jobs=None):
    """Weighted share of rows on which another label activates most."""
    found = label_energies(network, rows, n_jobs=n_jobs).argmax(axis=1)
    return float(np.average(found != rows.labels, weights=rows.weight))


def label_energies(network, rows, index=None, *, score=None, n_jobs=None):
    """``score`` of rows, or of those at ``index``, with every label, block by block.

    ``score`` is a function like ``network.label_energies``, the default.
    """
    score = score or network.label_energies
    index = np.arange(len(rows)) if index is None else index
    n_columns = rows.n_labels * max(W.shape[1] for W in network.coefs)
    found = rows.map_blocks(lambda part: score(rows.data(part)), n_columns, n_jobs, index)
    return np.concatenate(list(found))
