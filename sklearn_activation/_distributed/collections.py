"""Dask collections as pieces of a table."""

import numpy as np
from dask.delayed import Delayed

from .pieces import Pieces, refuse_lone_delayed, send
from .scoring import one_block_wide
from .training import refuse_parameters


def pieces_of(estimator, X, y, sample_weight):
    """Return the ``Pieces`` of rows, labels and weights.

    Raise a ValueError if the collections do not suit the estimator, or each other.
    """
    if not hasattr(estimator, "_learn_pieces"):
        raise ValueError(
            f"{type(estimator).__name__} cannot learn pieces of a table. Give a detector, "
            "classifier, imputer or CompetitiveHebbianTransformer of sklearn_activation. For a "
            "pipeline, transform the collection first, and give the last step. If the estimator "
            "has partial_fit, learn one piece after another."
        )
    estimator._validate_params()
    refuse_parameters(estimator)
    if not hasattr(estimator, "score_samples") and sample_weight is not None:
        raise ValueError(f"{type(estimator).__name__} takes no sample_weight. Leave it out.")
    refuse_lone_delayed("X", X)
    if hasattr(X, "map_blocks"):
        X = one_block_wide(X)
    sizes = X.chunks[0] if hasattr(X, "chunks") else None
    rows = parts_of("X", X)
    takes_labels = hasattr(estimator, "predict_proba")
    if takes_labels and y is None:
        raise ValueError("y is missing, but the classifier needs a label for each row.")
    labels = beside("y", y if takes_labels else None, rows, sizes)
    weights = beside("sample_weight", sample_weight, rows, sizes)
    return Pieces(list(zip(rows, labels, weights, strict=True)))


def parts_of(name, values):
    """Return the pieces of a Dask collection, or of a list of Delayed, as a list of Delayed."""
    if hasattr(values, "to_delayed"):
        # Dask reads several Parquet files as one piece if few columns are asked for. X, y and
        # weights of one data frame would then have different pieces, so frames stay as they are.
        is_frame = hasattr(values, "divisions")
        parts = values.to_delayed(optimize_graph=not is_frame)
        parts = np.ravel(np.array(parts, dtype=object)).tolist()
    elif isinstance(values, (list, tuple)) and all(isinstance(v, Delayed) for v in values):
        parts = list(values)
    else:
        kind = f"of type {type(values).__name__}"
        if isinstance(values, (list, tuple)):
            others = sorted({type(v).__name__ for v in values if not isinstance(v, Delayed)})
            kind = f"a list that holds {' and '.join(others)}"
        raise ValueError(
            f"{name} is {kind}, but a Dask array, a Dask data frame or a list of delayed blocks "
            "is needed. For rows in memory, call fit of the estimator."
        )
    if not parts:
        raise ValueError(f"{name} has no partitions.")
    return parts


def beside(name, values, rows, sizes):
    """Return the pieces of labels or weights, one for each piece of the rows.

    ``sizes`` are the numbers of rows of the pieces, or None if nobody knows. An array in memory is
    cut at these numbers.
    """
    if values is None:
        return [None] * len(rows)
    if isinstance(values, str):
        raise ValueError(f"{name} is {values!r}. Give the column itself, such as df[{values!r}].")
    refuse_lone_delayed(name, values)
    known = sizes is not None and not np.isnan(np.array(sizes, dtype=float)).any()
    if not hasattr(values, "to_delayed") and not _is_delayed(values):
        if not known:
            raise ValueError(
                f"{name} is in memory, and the numbers of rows of the partitions of X are "
                f"unknown. Give {name} as a Dask collection with the same partitions as X."
            )
        values = np.asarray(values)
        if not values.ndim:
            raise ValueError(f"{name} is {values}, but one entry for each row is needed.")
        if len(values) != sum(sizes):
            raise ValueError(f"{name} has {len(values)} entries, but X has {sum(sizes)} rows.")
        return send(np.split(values, np.cumsum(sizes)[:-1]), name)
    if known and hasattr(values, "rechunk"):
        if not np.isnan(values.shape[0]) and values.shape[0] == sum(sizes):
            values = values.rechunk({0: sizes})
    parts = parts_of(name, values)
    if len(parts) != len(rows):
        raise ValueError(
            f"{name} has {len(parts)} partitions, but X has {len(rows)}. Cut X and {name} at the "
            f"same rows, for instance with {name}.repartition or {name}.rechunk."
        )
    return parts


def _is_delayed(values):
    return isinstance(values, (list, tuple)) and any(isinstance(v, Delayed) for v in values)
