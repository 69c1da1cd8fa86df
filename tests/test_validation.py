"""Checks of what users give."""

import dask
import dask.array as da
import numpy as np
import pytest

from sklearn_activation import (
    ActivationAnomalyDetector,
    CompetitiveHebbianTransformer,
    _validation,
)


def test_rows_without_weight_are_left_out():
    X, y, weight = np.arange(8).reshape(4, 2), np.arange(4), np.array([1.0, 0, 2, 0])
    rows, labels, others = _validation.leave_out_weightless(weight, X, y)
    assert rows.tolist() == [[0, 1], [4, 5]]
    assert labels.tolist() == [0, 2] and others.tolist() == [1, 2]
    (same, ones) = _validation.leave_out_weightless(np.ones(4), X)
    assert same is X and (ones == 1).all()


@pytest.mark.parametrize("value", [0, -1, 2.0, "3", None, np.nan])
def test_counts_are_integers_of_a_least_size(value):
    with pytest.raises(ValueError, match="n_samples="):
        _validation.check_count("n_samples", value, 1)
    _validation.check_count("n_samples", np.int32(1), 1)


@pytest.mark.parametrize(
    "weight, message",
    [([-1.0, 1, 1], "(?i)negative.*sample_weight"), ([1.0, 1], "sample_weight")],
)
def test_bad_weights_are_refused(weight, message):
    with pytest.raises(ValueError, match=message):
        _validation.check_weight(np.ones((3, 1)), weight)


def test_what_is_wholly_unknown_is_refused():
    with pytest.raises(ValueError, match="every entry is NaN"):
        _validation.refuse_nothing_known(np.full((3, 2), np.nan))
    _validation.refuse_nothing_known(np.array([[np.nan, 1.0]]))


def test_dictionaries_are_equal_entry_by_entry():
    one = {"a": np.arange(3), "b": {"c": None}}
    assert _validation.are_equal(one, {"a": np.arange(3), "b": {"c": None}})
    assert not _validation.are_equal(one, {"a": np.arange(3)})
    assert not _validation.are_equal(one, {"a": np.arange(3), "b": {"c": 1}})


def fail(block=None):
    raise AssertionError("A lazy table was computed.")


@pytest.mark.parametrize("method", ["fit", "partial_fit", "score_samples", "transform"])
@pytest.mark.parametrize("new", [ActivationAnomalyDetector, CompetitiveHebbianTransformer])
def test_dask_collections_are_refused_before_they_are_computed(new, method):
    X = np.random.default_rng(0).normal(size=(60, 3))
    lazy = da.from_array(X, chunks=(20, 3)).map_blocks(fail, dtype=X.dtype, meta=X[:0])
    estimator = new().fit(X)
    for rows in (lazy, dask.delayed(fail)()):
        if hasattr(estimator, method):
            with pytest.raises(ValueError, match=r"sklearn_activation\.dask.*X\.compute\(\)"):
                getattr(estimator, method)(rows)


@pytest.mark.parametrize(
    "given, shape",
    [((8, 6, 3), (8, 6, 3)), ([8, 6], (8, 6, 1)), ((9,), (1, 9, 1)), ((1, 9, 2), (1, 9, 2))],
)
def test_image_shapes(given, shape):
    assert _validation.read_image_shape(given) == shape


@pytest.mark.parametrize("given", [(), (8, 0), (8.0, 8), "88", (1, 2, 3, 4), 64, (8, None)])
def test_wrong_image_shapes_are_refused(given):
    with pytest.raises(ValueError, match="tuple of positive integers"):
        _validation.read_image_shape(given)
