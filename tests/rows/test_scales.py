"""Where columns lie and how far they spread, junk among their entries or not."""

import numpy as np
import pytest

from sklearn_activation._rows.scales import (
    PAIR,
    column_scales,
    robust_scales,
    row_norms,
    weighted_quantiles,
)

from ..tables import normal

# -- scales that survive junk --------------------------------------------------------------


@pytest.mark.parametrize("junk", [-9999.0, 1e6, 1e300, np.nan])
@pytest.mark.parametrize("share", [0.005, 0.1])
def test_a_tenth_of_junk_leaves_scales_alone(junk, share):
    X = normal()
    X[: int(share * len(X))] = junk
    found = robust_scales(X, np.ones(len(X)))
    assert found["location"][0] == pytest.approx(5, abs=1.5)
    assert 1.8 < found["scale"][0] < 4.5
    assert found["varies"][0]


def test_scales_of_mostly_constant_columns():
    """Sentinels do not blind the few entries that say something."""
    rng = np.random.default_rng(0)
    X = np.zeros((2000, 1))
    X[:120, 0] = rng.uniform(1, 5, 120)
    clean = robust_scales(X, np.ones(2000))["scale"][0]
    X[-20:] = 1e6
    assert robust_scales(X, np.ones(2000))["scale"][0] < 5 * clean


@pytest.mark.parametrize("share", [0.001, 0.02, 0.5])
def test_two_values_are_no_further_apart_than_a_typical_pair(share):
    X = (np.arange(4000) < share * 4000).astype(float)[:, None] * 7 + 3
    scale = robust_scales(X, np.ones(4000))["scale"][0]
    assert 7 / scale <= PAIR + 1e-9
    assert 7 / scale == pytest.approx(PAIR)


@pytest.mark.parametrize("value", [0.0, 1000.0, -3e-7, 1e200])
def test_constant_columns_tell_any_change(value):
    X = np.full((50, 1), value)
    for lone in (False, True):
        if lone:
            X[3] = value + 5 if value != 1e200 else 2e200
        found = robust_scales(X, np.ones(50))
        assert not found["varies"][0]
        change = max(abs(value) * 1e-4, 1e-12)
        assert change / found["scale"][0] > 50
        assert abs(value) * 1e-9 / found["scale"][0] < 0.01


@pytest.mark.parametrize("weight", [0.25, 3.0])
def test_one_row_that_differs_is_one_whatever_it_weighs(weight):
    X = np.full((50, 1), 2.0)
    X[3] = 9.0
    found = robust_scales(X, np.full(50, weight))
    assert not found["varies"][0]
    assert found["scale"][0] == robust_scales(X, np.ones(50))["scale"][0]


def test_decades_are_read_as_logarithms():
    rng = np.random.default_rng(0)
    X = np.exp(rng.normal(3, 1.5, size=(3000, 1)))
    found = robust_scales(X, np.ones(3000))
    assert np.isfinite(found["decades"][0])
    logs = np.arcsinh(X / found["decades"][0])
    assert found["location"][0] == pytest.approx(logs.mean(), abs=0.05)
    assert found["scale"][0] == pytest.approx(logs.std(), rel=0.05)
    for other in (np.abs(normal()), -X, np.where(np.arange(3000)[:, None] < 3, 0, X)):
        assert np.isinf(robust_scales(other, np.ones(len(other)))["decades"][0])
    assert np.isinf(robust_scales(X, np.ones(3000), decades=False)["decades"][0])


@pytest.mark.parametrize("weights", ["repeats", "equal"])
def test_weights_are_repeats(weights):
    rng = np.random.default_rng(0)
    X = np.hstack([normal(60), rng.lognormal(0, 3, (60, 1)), rng.integers(2, size=(60, 1))])
    weight = rng.integers(1, 4, 60) if weights == "repeats" else np.full(60, 2)
    ours = robust_scales(X, weight.astype(float))
    repeated = np.repeat(X, weight, axis=0)
    theirs = robust_scales(repeated, np.ones(len(repeated)))
    for name, values in ours.items():
        np.testing.assert_allclose(values, theirs[name], rtol=1e-10, err_msg=name)


@pytest.mark.parametrize("n", [1, 7, 100])
def test_quantiles_are_entries(n):
    rng = np.random.default_rng(0)
    x = rng.normal(size=n)
    levels = (0.05, 0.25, 0.5, 0.95)
    expected = np.quantile(x, levels, method="inverted_cdf")
    np.testing.assert_array_equal(weighted_quantiles(x, np.ones(n), levels), expected)
    weight = rng.integers(1, 5, n)
    repeated = np.quantile(np.repeat(x, weight), levels, method="inverted_cdf")
    np.testing.assert_array_equal(weighted_quantiles(x, weight.astype(float), levels), repeated)


# -- means, deviations, distances ----------------------------------------------------------


def test_column_scales_are_weighted_moments_of_known_entries():
    rng = np.random.default_rng(0)
    X, weight = rng.normal(size=(60, 3)) * [1, 100, 0.01] + [0, 5, -3], rng.integers(1, 5, 60)
    X[rng.random(X.shape) < 0.3] = np.nan
    location, scale = column_scales(X, weight.astype(float))
    for j in range(3):
        known = ~np.isnan(X[:, j])
        repeated = np.repeat(X[known, j], weight[known])
        assert location[j] == pytest.approx(repeated.mean(), rel=1e-12)
        assert scale[j] == pytest.approx(repeated.std(), rel=1e-10)


@pytest.mark.parametrize("n_tiny", [1, 3, 19])
def test_column_scales_of_the_least_numbers_are_not_zero(n_tiny):
    X = np.where(np.arange(20) < n_tiny, 5e-324, 0)[:, None]
    location, scale = column_scales(X, np.ones(20))
    assert 0 <= location[0] <= 5e-324 and scale[0] > 0


@pytest.mark.parametrize("magnitude", [1e300, 1e-300, 1e-320])
def test_column_scales_are_finite_at_any_magnitude(magnitude):
    x = np.array([1.0, 2, 4, 5])
    location, scale = column_scales(magnitude * x[:, None], np.ones(4))
    np.testing.assert_allclose(location / magnitude, 3, rtol=1e-3)
    np.testing.assert_allclose(scale / magnitude, x.std(), rtol=1e-3)


def test_constant_columns_have_a_scale_of_their_magnitude():
    location, scale = column_scales(np.array([[7.0, 0.0]] * 5), np.ones(5))
    np.testing.assert_array_equal(location, [7, 0])
    np.testing.assert_array_equal(scale, [7, 1])


@pytest.mark.parametrize("value", [0.1, 1 / 3, -1e7 / 3, 1e-310])
def test_columns_that_are_constant_but_for_rounding_have_no_tiny_scale(value):
    """Sums of weights that are no binary fractions, and last bits that differ, spread nothing."""
    rng = np.random.default_rng(0)
    x = np.full(50, value)
    x[::3] = np.nextafter(value, 0)
    X = np.column_stack([np.full(50, value), x, np.where(rng.random(50) < 0.3, np.nan, value)])
    location, scale = column_scales(X, rng.uniform(0.1, 3, 50))
    np.testing.assert_allclose(location, value, rtol=1e-12)
    np.testing.assert_allclose(scale, abs(value), rtol=1e-12)


def test_columns_of_which_nothing_is_known_count_for_nothing():
    location, scale = column_scales(np.full((5, 1), np.nan), np.ones(5))
    assert location[0] == 0 and np.isinf(scale[0])


@pytest.mark.parametrize("magnitude", [1.0, 1e300, 1e-300])
def test_norms_of_rows_are_finite_at_any_magnitude(magnitude):
    X = np.array([[3.0, 4.0], [0.0, 0.0], [-5.0, 12.0]])
    np.testing.assert_allclose(row_norms(magnitude * X) / magnitude, [5, 0, 13])


@pytest.mark.parametrize("size", [5e-324, 1e-322, 1e-310])
def test_deviations_of_the_tiniest_numbers_do_not_vanish(size):
    X = np.random.default_rng(0).integers(3, size=(40, 2)) * size
    location, scale = column_scales(X, np.ones(40))
    assert (scale > 0).all() and np.isfinite((X - location) / scale).all()
