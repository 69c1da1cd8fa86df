"""Which encoding a classifier takes: the one with less held-out log-loss on some rows."""

import numpy as np

from .._learning.held_out import N_FOLDS, choose_hidden_times, choose_last_time, cross_validate
from .._rows.encoded import EncodedRows
from .._rows.encodings import ENCODINGS


def choose_encoding(training, sample, seed, factors=(2.0, 1.0)):
    """The encoding that the parameters ask for, or the best on held-out rows.

    Parameters
    ----------
    training : ClassifierTraining
    sample : Sample
    seed : int
    factors : tuple of float
        Bandwidths to try, over the automatic one: half the median distance of rows.
    """
    names = ENCODINGS if training.given_encoding is None else [training.given_encoding]
    parameters = training.estimator
    tried = []
    for name in names:
        several = ENCODINGS[name].has_bandwidth and parameters.bandwidth == "auto"
        for factor in factors if several else [1.0]:
            encoding = ENCODINGS[name].fitted_to(
                sample,
                bandwidth=parameters.bandwidth,
                n_frequencies=parameters.n_frequencies,
                standardize=parameters.standardize,
                factors=(factor,),
                seed=seed,
            )
            tried.append(encoding)
    if len(tried) == 1:
        return tried[0]
    return min(tried, key=lambda encoding: held_out_loss(training, encoding, sample, seed))


def held_out_loss(training, encoding, sample, seed, n_rows=1000, hidden_time=300.0):
    """Held-out log-loss of ``n_rows`` sampled rows in this encoding.

    Hidden layers take ``hidden_time`` meanwhile, and the last one its best time.
    """
    sample = sample.smallest(n_rows)
    rows = EncodedRows.of_sample(sample, encoding, training.n_labels, sample.X.dtype)
    if len(rows) < N_FOLDS * rows.n_labels:
        return np.inf  # too few of a class to hold any out: the first encoding stays
    task = training.make_task(rows, seed)
    folds = cross_validate(rows, sample.folds(N_FOLDS), task)
    _, folds = choose_hidden_times(folds, task, [hidden_time] * len(task.sizes))
    return choose_last_time(folds)[1]
