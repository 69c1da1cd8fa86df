"""Answers of a fitted estimator for Dask collections, computed when they are needed."""

import warnings

import dask
import numpy as np
from sklearn.utils.validation import check_is_fitted

from .threads import one_blas_thread
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
    getattr(estimator, method)  # an estimator without the method raises an AttributeError here
    refuse_windows(getattr(estimator, "window_", None))
    # The model is one key of the graph, which each worker gets once.
    model = dask.delayed(without_statistics(estimator), traverse=False)
    if hasattr(X, "map_partitions"):
        meta = answer_piece(X._meta_nonempty, estimator, method, quiet=True).iloc[:0]
        return X.map_partitions(answer_piece, model, method, meta=meta)
    if hasattr(X, "map_blocks"):
        return _answer_array(estimator, model, method, X)
    if isinstance(X, (list, tuple)):
        call = dask.delayed(answer_piece, pure=True)
        return [call(part, model, method) for part in X]
    raise ValueError(
        f"X is of type {type(X).__name__}, but a Dask array, a Dask data frame or a list of "
        f"delayed blocks is needed. For rows in memory, call {type(estimator).__name__}.{method}."
    )


def _answer_array(estimator, model, method, X):
    X = one_block_wide(X)
    row = np.zeros((1, estimator.n_features_in_), dtype=X.dtype)
    found = answer_piece(row, estimator, method, quiet=True)
    columns = {"drop_axis": 1} if found.ndim == 1 else {"chunks": (X.chunks[0], found.shape[1:])}
    return X.map_blocks(
        answer_piece, estimator=model, method=method, meta=found[:0], dtype=found.dtype, **columns
    )


def one_block_wide(X):
    """Return a Dask array in which each block has all columns."""
    if X.ndim != 2:
        raise ValueError(f"X has {X.ndim} axes, but a table with rows and columns is needed.")
    return X.rechunk({1: -1}) if X.numblocks[1] > 1 else X


def without_statistics(estimator):
    """Return a copy of an estimator that can answer, but cannot learn more."""
    light = object.__new__(type(estimator))
    light.__dict__ = vars(estimator).copy()
    if "_state" in vars(light):
        light._state = {}
    if "training_scores_" in vars(light):
        light.training_scores_ = np.empty(0)
    return light


def answer_piece(X, estimator, method, quiet=False):
    """Return a method's result for the rows of one piece, as a frame if the piece is a frame."""
    is_frame = hasattr(X, "iloc")
    if not len(X):
        # An estimator needs a row to say of which type its results are.
        row = X.reindex([0]) if is_frame else np.zeros((1, *X.shape[1:]), dtype=X.dtype)
        return answer_piece(row.astype(X.dtypes) if is_frame else row, estimator, method, True)[:0]
    with one_blas_thread(), warnings.catch_warnings():
        if quiet:
            warnings.simplefilter("ignore")
        found = getattr(estimator, method)(X)
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
