"""Answers of a fitted estimator for Dask collections, computed when they are needed."""

import warnings
from uuid import uuid4

import dask
import numpy as np
from sklearn.utils.validation import _num_samples, check_is_fitted

from .._imputer import ActivationImputer
from .._threads import one_blas_thread
from .pieces import errors_name, refuse_lone_delayed
from .training import refuse_windows


def answer(estimator, method, X):
    """Return a method's result for a Dask collection as a Dask collection.

    Parameters
    ----------
    estimator : fitted estimator
    method : str
    X : Dask array, Dask data frame, or list of Delayed
    """
    check_is_fitted(estimator)
    refuse_lone_delayed("X", X)
    getattr(estimator, method)  # an estimator without the method raises an AttributeError here
    refuse_windows(getattr(estimator, "window_", None))
    if hasattr(X, "map_partitions"):
        light = without_statistics(estimator, "pandas")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about made-up rows
            meta = answer_piece(made_up_rows(X), light, method).iloc[:0]
        return X.map_partitions(answer_piece, once(light), method, meta=meta)
    if hasattr(X, "map_blocks") and hasattr(X, "numblocks"):
        return _answer_array(without_statistics(estimator, "default"), method, X)
    if isinstance(X, (list, tuple)):
        model, call = once(without_statistics(estimator)), dask.delayed(answer_piece, pure=True)
        return [call(part, model, method, number=i) for i, part in enumerate(X)]
    raise ValueError(
        f"X is of type {type(X).__name__}, but a Dask array, a Dask data frame or a list of "
        f"delayed blocks is needed. For rows in memory, call {type(estimator).__name__}.{method}."
    )


def made_up_rows(X):
    """Return rows with the columns and types of a Dask data frame.

    Each string is "0", because a column of strings may have been learned as numbers.
    """
    import pandas as pd

    rows = X._meta_nonempty.copy()
    for j, kind in enumerate(rows.dtypes if rows.ndim == 2 else ()):
        if pd.api.types.is_string_dtype(kind):
            rows.isetitem(j, pd.Series("0", index=rows.index, dtype=kind))
    return rows


def once(model):
    """Return a model as one key of Dask's graph, which each worker gets once."""
    return dask.delayed(model, name=f"{type(model).__name__}-{uuid4().hex}", traverse=False)


def _answer_array(estimator, method, X):
    X = one_block_wide(X)
    width = X.shape[1]
    if not np.isnan(width) and width != estimator.n_features_in_:
        raise ValueError(
            f"X has {width} columns, but {type(estimator).__name__} was fitted to "
            f"{estimator.n_features_in_} columns."
        )
    nothing = answer_nothing(estimator, method, X.dtype)
    columns = {"drop_axis": 1}
    if nothing.ndim == 2:
        columns = {"chunks": (X.chunks[0], nothing.shape[1:])}
    return X.map_blocks(
        answer_piece,
        estimator=once(estimator),
        method=method,
        meta=nothing,
        dtype=nothing.dtype,
        **columns,
    )


def one_block_wide(X):
    """Return a Dask array in which each block has all columns."""
    if X.ndim != 2:
        raise ValueError(f"X has {X.ndim} axes, but a table with rows and columns is needed.")
    return X.rechunk({1: -1}) if X.numblocks[1] > 1 else X


def without_statistics(estimator, container=None):
    """Return a copy of an estimator that can answer with one thread, but cannot learn more.

    ``container`` is the kind of table that ``transform`` returns. None leaves the kind as the user
    has set it.
    """
    light = object.__new__(type(estimator))
    light.__dict__ = vars(estimator).copy()
    if "n_jobs" in vars(light):
        light.n_jobs = None  # Each worker thread has a piece of its own.
    if "_state" in vars(light):
        light._state = {}
    if "training_scores_" in vars(light):
        light.training_scores_ = np.empty(0)
    if container is not None and hasattr(light, "transform"):
        light._sklearn_output_config = vars(light).get("_sklearn_output_config", {}).copy()
        light.set_output(transform=container)
    return light


def answer_piece(X, estimator, method, number=None, partition_info=None, block_id=None):
    """Return a method's result for the rows of one piece, as a frame if the piece is a frame.

    Errors name the number of the piece. Dask gives it as ``partition_info`` for a frame, and as
    ``block_id`` for an array.
    """
    if partition_info is not None:
        number = partition_info["number"]
    elif block_id is not None:
        number = block_id[0]
    is_frame = hasattr(X, "iloc")
    if _num_samples(X):
        with one_blas_thread(), errors_name(number):
            found = getattr(estimator, method)(X)
    elif is_frame and isinstance(estimator, ActivationImputer):
        return X.copy()
    else:
        types = [getattr(X, "dtype", None)] if not is_frame else X.dtypes
        single = all(kind == np.float32 for kind in types)
        found = answer_nothing(estimator, method, np.float32 if single else np.float64)
    if not is_frame:
        return found
    import pandas as pd

    if hasattr(found, "iloc"):
        return found.set_axis(X.index, axis=0)
    if found.ndim == 1:
        return pd.Series(found, index=X.index, name=method)
    named = method in ("predict_proba", "decision_function")
    columns = estimator.classes_ if named else estimator.get_feature_names_out()
    return pd.DataFrame(found, index=X.index, columns=columns)


def answer_nothing(estimator, method, dtype):
    """Return a method's result for no rows of ``dtype``, ndarray."""
    nameless = without_statistics(estimator, "default")
    vars(nameless).pop("feature_names_in_", None)
    # An estimator needs a row to say of which type its results are.
    row = np.zeros((1, estimator.n_features_in_), dtype=dtype)
    return getattr(nameless, method)(row)[:0]
