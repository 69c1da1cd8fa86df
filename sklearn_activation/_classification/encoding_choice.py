"""The choice of a classifier's encoding and number of layers, by held-out rows."""

from dataclasses import replace

import numpy as np

from .._learning.held_out import PATH, choose_hidden_times, choose_last_time, cross_validate
from .._rows.encoded import EncodedRows
from .._rows.encodings import ENCODINGS


def choose_encoding(training, sample, seed):
    """Return the encoding and the number of layers, as given or as chosen by held-out rows.

    Parameters
    ----------
    training : ClassifierTraining
    sample : Sample
    seed : int

    Returns
    -------
    encoding : Encoding
    n_layers : int
    """
    parameters, categorical = training.estimator, training.estimator.is_categorical_
    relevances = read_relevances(parameters.relevances, sample.X.shape[1])
    if training.given_encoding is not None:
        kinds = [ENCODINGS[training.given_encoding]]
    elif parameters.receptive_field is not None:
        kinds = [k for k in ENCODINGS.values() if k.suits_fields(parameters.receptive_field)]
    else:
        kinds = [kind for kind in ENCODINGS.values() if kind.suits(sample, categorical)]
    if isinstance(relevances, np.ndarray):
        kinds = [kind for kind in kinds if kind.takes_relevances]
        if not kinds and parameters.receptive_field is not None:
            raise ValueError(
                f"relevances has numbers for {len(relevances)} columns, but the layers of "
                f"receptive_field={parameters.receptive_field!r} cannot weigh columns. Leave "
                "relevances at 'auto', or set receptive_field=None."
            )
        if not kinds:
            able = " or ".join(repr(n) for n, kind in ENCODINGS.items() if kind.takes_relevances)
            raise ValueError(
                f"relevances has numbers for {len(relevances)} columns, but encoding="
                f"{parameters.encoding!r} cannot weigh columns. Set encoding={able}, or leave "
                "relevances at 'auto' or None."
            )
    candidates = []
    for kind in kinds:
        encoding = kind.fitted_to_labels(
            sample,
            training.n_labels,
            categorical=categorical,
            bandwidth=parameters.bandwidth,
            n_frequencies=parameters.n_frequencies,
            standardize=parameters.standardize,
            relevances=relevances,
            seed=seed,
        )
        candidates += [(encoding, n) for n in training.depths_to_try(kind.depths)]
    if len(candidates) == 1 or np.bincount(sample.labels).max() < 2:
        return candidates[0]
    return min(candidates, key=lambda c: held_out_loss(training, *c, sample, seed))


def read_relevances(relevances, n_features):
    """Return given relevances as an array, and "auto" and None unchanged."""
    if relevances is None or isinstance(relevances, str):
        return relevances
    try:
        found = np.asarray(relevances, dtype=np.float64)
    except (TypeError, ValueError):
        found = np.array(np.nan)
    if found.shape != (n_features,) or not (np.isfinite(found) & (found >= 0)).all():
        raise ValueError(
            f"relevances={relevances!r} must be 'auto', None, or {n_features} finite numbers of 0 "
            "or more, one for each column."
        )
    return found


def held_out_loss(
    training, encoding, n_layers, sample, seed, *, n_rows=1000, width=256, hidden_time=300.0
):
    """Return the held-out log-loss of sampled rows for an encoding and a number of layers.

    ``n_rows`` rows are sampled. Layers have at most ``width`` units. Hidden layers learn for
    ``hidden_time``, and the last layer for its best time.
    """
    sample = sample.smallest(n_rows)
    rows = EncodedRows.of_sample(
        sample, encoding.narrowed(width // 2), training.n_labels, np.dtype(np.float32)
    )
    task = training.make_task(rows, seed)
    sizes = [min(size, width) for size in training.choose_sizes(rows.n_inputs, n_layers)]
    task = replace(task, sizes=sizes)
    folds = cross_validate(rows, sample.stratified_folds(), task)
    _, folds = choose_hidden_times(folds, task, [hidden_time] * n_layers)
    # With many labels, fewer candidate times are enough to compare encodings.
    return choose_last_time(folds, PATH[:: 1 + training.n_labels // 100])[1]
