"""Columns in deviations: junk, what is trusted, categories by their places."""

import warnings

import numpy as np
import pytest

from sklearn_activation._imputation.columns import FARTHEST, Columns, trust_in

from ..tables import correlated


def columns_of(kept, categorical=None):
    mask = np.zeros(kept.shape[1], dtype=bool)
    mask[[] if categorical is None else categorical] = True
    return Columns.fitted_to(kept, mask)


def test_rows_are_read_in_deviations_and_written_back():
    X = correlated(300)
    columns = columns_of(X)
    Z = columns.read(X)
    np.testing.assert_allclose(Z.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(Z.std(axis=0), 1, atol=1e-6)
    np.testing.assert_allclose(columns.write(Z), X, rtol=1e-9)


@pytest.mark.parametrize("wild", [1e5, -1e12, 1e300])
def test_junk_moves_neither_scales_nor_range(wild):
    X = correlated(300)
    plain = columns_of(X)
    X[::30, 2] = wild
    columns = columns_of(X)
    assert columns.scale[2] == pytest.approx(plain.scale[2], rel=0.6)
    for bound in (columns.low, columns.high):
        assert np.abs(bound - columns.location)[2] <= 1.0001 * FARTHEST * columns.scale[2]
    assert np.abs(columns.read(X)).max() == FARTHEST
    np.testing.assert_array_equal(np.delete(columns.scale, 2), np.delete(plain.scale, 2))


def test_columns_are_trusted_by_what_is_known_of_them():
    X = correlated(300, 6)
    X[:, 1], X[1:, 2], X[4:, 3], X[:, 4] = np.nan, np.nan, np.nan, 7.0
    trust = columns_of(X).trust
    assert trust[1] == trust[2] == trust[4] == 0  # nothing known, one entry, a constant
    of_few = (4 / 24) / (300 / 320)
    np.testing.assert_allclose(trust[[3, 0]], [of_few, 1])
    spread = columns_of(X).spread(2.0)
    assert np.isinf(spread[[1, 2, 4]]).all()
    assert spread[3] == pytest.approx(2 / of_few)
    assert np.diff(trust_in(np.arange(50))).min() > 0
    assert trust_in(np.array([1000, 10**6]))[0] > 0.98
    assert (trust_in(np.zeros(2)) == 0).all() and (trust_in(np.ones(2)) == 1).all()


def test_categories_have_places_and_new_ones_the_one_after_the_last():
    kept = np.array([[30.0, np.nan], [10, np.nan], [np.nan, np.nan], [30, np.nan]])
    columns = columns_of(kept, [0, 1])
    found = columns.read(np.array([[10.0, 5], [30, np.nan], [20, 1], [99, 1], [np.nan, 1]]))
    np.testing.assert_array_equal(found[:, 0], [0, 1, 2, 2, np.nan])
    assert np.isnan(found[:, 1]).all()  # never known, so nothing to compare with
    np.testing.assert_array_equal(columns.write(found[:2])[:, 0], [10, 30])
    assert np.isnan(columns.write(found[:2])[:, 1]).all()


@pytest.mark.parametrize("size", [1e-310, 1e-300, 1e300, 1.7e308])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_any_magnitude_is_finite(size, dtype):
    kept = correlated(60) / 10 * size
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        columns = columns_of(kept)
        for rows in (kept, np.full((2, 5), 3e38, dtype), np.full((2, 5), -1e-38, dtype)):
            Z = columns.read(rows)
            assert np.isfinite(Z).all() and np.isfinite(columns.write(Z)).all()
