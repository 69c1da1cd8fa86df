"""Scales that survive junk, and the Fourier map against its formula."""

import numpy as np
import pytest

from sklearn_activation._rows.fourier import BEND, FourierEncoding
from sklearn_activation._rows.frequencies import orthogonal_frequencies
from sklearn_activation._rows.scales import PAIR, robust_scales, weighted_quantiles

from . import naive


def encoding_of(X, *, weight=None, bandwidth=1.0, standardize=True, bent=True, n_frequencies=8):
    return FourierEncoding.robustly_fitted_to(
        X,
        np.ones(len(X)) if weight is None else weight,
        bandwidth=bandwidth,
        n_frequencies=n_frequencies,
        standardize=standardize,
        factors=(0.5, 1.0, 2.0, 4.0) if bandwidth == "auto" else (1.0,),
        seed=0,
        bent=bent,
        categorical=None,
    )


def normal(n=2000, seed=0):
    return np.random.default_rng(seed).normal(5, 2, size=(n, 1))


# -- scales ------------------------------------------------------------------------------


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


def test_columns_without_known_entries_count_for_nothing():
    X = np.hstack([normal(50), np.full((50, 1), np.nan)])
    assert np.isinf(robust_scales(X, np.ones(50))["scale"][1])
    encoding = encoding_of(X)
    other = X.copy()
    other[:, 1] = 12.0
    np.testing.assert_array_equal(encoding.standardise(X), encoding.standardise(other))
    np.testing.assert_array_equal(encoding.rounded(X), encoding.rounded(other))


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


# -- the map -----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_map_equals_its_twin(dtype):
    rng = np.random.default_rng(0)
    X = np.hstack([rng.normal(size=(200, 2)), rng.lognormal(0, 3, (200, 1)), np.ones((200, 1))])
    X[0, 0], X[1, 1], X[2, 3] = 60.0, np.nan, 1.5
    encoding = encoding_of(X, bandwidth="auto")
    Z = np.empty((200, 16), dtype)
    encoding.write(X.astype(dtype), Z)
    expected = naive.fourier(X.astype(dtype), **encoding.state)
    rows = np.arange(200) != 2  # a change of the constant column has any phase
    np.testing.assert_allclose(Z[rows], expected[rows], atol=3e-4 if dtype is np.float32 else 1e-5)
    np.testing.assert_allclose(np.linalg.norm(Z, axis=1), 1, atol=1e-6)


def test_products_are_the_gaussian_kernel():
    X = normal(40)
    encoding = encoding_of(X, bandwidth=0.7, bent=False, n_frequencies=50_000)
    Z = np.empty((40, 100_000))
    encoding.write(X, Z)
    z = (X - encoding.location) / encoding.scale
    np.testing.assert_allclose(Z @ Z.T, np.exp(-((z - z.T) ** 2) / 2), atol=0.02)


def test_far_entries_are_bent():
    X = normal()
    encoding = encoding_of(X)
    deviations = np.array([0.0, 1, BEND, 10, 100, 1e4])[:, None]
    rows = encoding.location + np.vstack([deviations, -deviations]) * encoding.scale
    far = np.maximum(deviations, BEND)
    expected = np.minimum(deviations, BEND) + 3 * BEND * ((far / BEND) ** (1 / 3) - 1)
    np.testing.assert_allclose(encoding.standardise(rows), np.vstack([expected, -expected]))
    plain = encoding_of(X, bent=False).standardise(rows)
    np.testing.assert_allclose(plain, np.vstack([deviations, -deviations]))


def test_gradient_through_bend_and_logarithm():
    rng = np.random.default_rng(0)
    X = np.hstack([normal(300), rng.lognormal(0, 3, (300, 1))])
    encoding = encoding_of(X, bandwidth=2.0)
    rows = X[:20].copy()
    rows[:4, 0] = encoding.location[0] + np.array([4, -4, 9, -9]) * encoding.scale[0] * 2
    G = rng.normal(size=(20, 16))
    found, Z = encoding.pull_back(rows, G), np.empty((2, 20, 16))
    for j in range(2):
        step = 1e-3 * np.where(j == 0, 1, np.abs(rows[:, j]))
        for side, sign in enumerate((1, -1)):
            moved = rows.copy()
            moved[:, j] += sign * step
            encoding.write(moved, Z[side])
        slope = ((Z[0] - Z[1]) * G).sum(axis=1) / (2 * step)
        np.testing.assert_allclose(found[:, j], slope, rtol=2e-2, atol=2e-3)


@pytest.mark.parametrize("n_features", [1, 3, 40])
def test_frequencies_are_orthogonal_and_as_long_as_normal_ones(n_features):
    factors = np.repeat([0.5, 2.0], 30)
    found = orthogonal_frequencies(n_features, factors, np.random.default_rng(0))
    assert found.shape == (n_features, 60)
    n = min(30, n_features)
    gram = found[:, :n].T @ found[:, :n]
    np.testing.assert_allclose(gram, np.diag(np.diag(gram)), atol=1e-9)
    many = orthogonal_frequencies(n_features, np.ones(5000), np.random.default_rng(0))
    assert (many**2).sum(axis=0).mean() == pytest.approx(n_features, rel=0.1)


def test_automatic_bandwidth_is_half_the_root_mean_squared_distance():
    X = np.random.default_rng(0).normal(size=(300, 5))
    encoding = encoding_of(X, bandwidth="auto", bent=False)
    Z = (X - encoding.location) / encoding.scale * encoding.bandwidth
    squared = ((Z[:, None] - Z[None]) ** 2).sum(axis=2)
    assert encoding.bandwidth == pytest.approx(0.5 * np.sqrt(squared.mean()), rel=1e-9)


@pytest.mark.parametrize("bandwidth", [1e-310, 1e300])
def test_extreme_bandwidths_are_finite(bandwidth):
    X = normal(50)
    Z = np.empty((50, 16))
    encoding_of(X, bandwidth=bandwidth).write(X, Z)
    assert np.isfinite(Z).all()
