"""Semivariograms by Fourier transforms, and the weights of kriging."""

import numpy as np
import pytest
from scipy.fft import next_fast_len

from sklearn_activation._series import variogram as module
from sklearn_activation._series.variogram import kriging_weights, semivariogram

from .. import naive

BOUNDS = [(0, 40), (40, 47), (47, 90)]


def stamps(seed=0):
    rng = np.random.default_rng(seed)
    return np.cumsum(rng.normal(size=(90, 2)), axis=0)


@pytest.mark.parametrize("share", [0.0, 0.2])
def test_semivariogram_is_the_mean_over_pairs_of_a_series(share):
    X = stamps()
    X[np.random.default_rng(1).random(X.shape) < share] = np.nan
    found = semivariogram(X, BOUNDS, 20)
    for j in range(2):
        expected = naive.semivariogram(X[:, j], BOUNDS, 20)
        np.testing.assert_allclose(found[:, j], expected, rtol=1e-9, atol=1e-12)


def test_short_series_do_not_take_the_space_of_long_ones(monkeypatch):
    """The transforms of 300 pairs of stamps and of a long series have 3,000 entries or so."""
    X = np.cumsum(np.random.default_rng(0).normal(size=(1200, 1)), axis=0)
    bounds = [*((first, first + 2) for first in range(0, 600, 2)), (600, 1200)]
    lengths = []
    monkeypatch.setattr(
        module, "next_fast_len", lambda n, real: lengths.append(n) or next_fast_len(n, real=real)
    )
    found = semivariogram(X, bounds, 500)
    assert sum(lengths) < 3000
    expected = naive.semivariogram(X[:, 0], bounds, 500)
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-9, atol=1e-12)


def test_a_lag_without_a_pair_is_between_its_neighbours():
    X = stamps()[:12]
    X[[t for t in range(12) if t % 3]] = np.nan  # known at 0, 3, 6 and 9
    found = semivariogram(X, [(0, 12)], 12)
    for j in range(2):
        known = naive.semivariogram(X[::3, j], [(0, 4)], 4)
        np.testing.assert_allclose(found[:, j], np.interp(np.arange(12), [0, 3, 6, 9], known))


def test_a_channel_that_never_changes_is_taken_for_a_random_walk():
    X = np.column_stack([np.full(30, 0.3), np.full(30, np.nan)])
    np.testing.assert_array_equal(
        semivariogram(X, [(0, 30)], 5), np.repeat(np.arange(5), 2).reshape(5, 2)
    )


@pytest.mark.parametrize("known", [[0, 1, 2, 3, 4], [0, 3, 4], [2]])
def test_kriging_weights_solve_the_system_with_a_multiplier(known):
    gamma = naive.semivariogram(stamps()[:, 0], BOUNDS, 9)
    ahead = np.array([5, 6, 8])
    found = kriging_weights(gamma, np.array(known), ahead, 0.05)
    for place, weights in zip(ahead, found.T, strict=True):
        expected = naive.kriging_weights(gamma, known, place, 0.05 * gamma.mean())
        np.testing.assert_allclose(weights, expected, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(found.sum(axis=0), 1)


def test_a_random_walk_is_continued_by_its_last_stamp():
    weights = kriging_weights(np.arange(12.0), np.arange(8), np.arange(8, 12), 1e-9)
    np.testing.assert_allclose(weights[-1], 1, atol=1e-6)
    np.testing.assert_allclose(weights[:-1], 0, atol=1e-6)


def test_a_semivariogram_of_no_series_gets_a_larger_nugget():
    gamma = np.array([0.0, 4.0, 0.1, 4.0, 9.0, 0.1, 4.0])
    places = np.arange(4)
    to_last = gamma[4 - places]
    inner = to_last[:, None] + to_last - gamma[np.abs(places[:, None] - places)]
    assert np.linalg.eigvalsh(inner).min() < -1
    nugget = 1e-6
    while np.linalg.eigvalsh(inner + nugget * gamma.mean() * (1 + np.eye(4))).min() < 0:
        nugget *= 10
    found = kriging_weights(gamma, np.arange(5), np.array([5, 6]), 1e-6)
    expected = kriging_weights(gamma, np.arange(5), np.array([5, 6]), nugget)
    np.testing.assert_allclose(found, expected)
