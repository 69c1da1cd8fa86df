"""Thresholds and p-values, and the tail that they follow."""

import numpy as np
import pytest
from scipy.stats import genpareto

from sklearn_activation._detection.threshold import (
    ROUNDING,
    Calibration,
    pareto_fit,
    share_threshold,
)


def test_calibration_is_ascending():
    found = Calibration.of(np.array([0.9, 0.2, 0.4]), np.array([2.0, 1.0, 3.0]))
    np.testing.assert_array_equal(found.scores, [0.2, 0.4, 0.9])
    np.testing.assert_array_equal(found.mass, [1, 3, 2])


def test_p_values_count_mass_below():
    found = Calibration.of(np.array([0.9, 0.2, 0.4]), np.array([2.0, 1.0, 3.0]))
    p = found.p_values(np.array([1.0, 0.9, 0.5, 0.4, 0.2]))
    np.testing.assert_allclose(p, np.array([7, 7, 5, 5, 2]) / 7)
    assert 0 < found.p_values(np.array([0.1]))[0] <= 1 / 7


@pytest.mark.parametrize("n", [12, 40, 99, 300, 5000])
@pytest.mark.parametrize("level", [0.001, 0.01, 0.05, 0.5])
def test_threshold_and_p_values_agree(n, level):
    found = Calibration.of(np.random.default_rng(n).beta(20, 2, size=n), np.ones(n))
    threshold = found.score_at(level)
    if threshold > found.scores[0] / 2:  # not the least that there is
        assert found.p_values(np.array([threshold - ROUNDING]))[0] <= level * (1 + 1e-3)
    assert found.p_values(np.array([threshold + 3 * ROUNDING]))[0] >= level * (1 - 1e-3)


@pytest.mark.parametrize("n", [99, 199, 999])
def test_thresholds_do_not_hang_on_how_a_share_is_rounded(n):
    """0.29 * 100 is less than 29, but as many rows are below."""
    scores = np.linspace(0.1, 0.9, n)
    found = Calibration.of(scores, np.ones(n))
    for k in range(2, n, n // 33):
        assert (scores < found.score_at((k + 1) / (n + 1))).sum() == k


def test_repeated_scores_are_those_of_more_mass():
    rng = np.random.default_rng(0)
    scores, mass = rng.beta(20, 2, size=60), rng.integers(1, 4, size=60)
    ours = Calibration.of(scores, mass.astype(float))
    repeated = Calibration.of(np.repeat(scores, mass), np.ones(mass.sum()))
    at = np.concatenate([scores, [0.1, 0.3, 0.5]])
    np.testing.assert_allclose(ours.p_values(at), repeated.p_values(at), rtol=1e-9)
    for level in (0.001, 0.01, 0.05):
        assert ours.score_at(level) == pytest.approx(repeated.score_at(level), abs=1e-12)


@pytest.mark.parametrize("shape", [-0.3, 0.0, 0.3])
def test_pareto_fit_finds_shape_and_scale(shape):
    found = []
    for seed in range(30):
        excess = genpareto.rvs(shape, scale=2.0, size=400, random_state=seed)
        found.append(pareto_fit(np.sort(excess), np.ones(400)))
    np.testing.assert_array_less(np.abs(np.mean(found, axis=0) - [shape, 2.0]), [0.05, 0.15])


@pytest.mark.parametrize("level", [0.002, 0.005])
def test_tail_is_valid_beyond_the_rows_there_are(level):
    """Of 100 rows the least p without a tail is 1/101; with one, small levels hold."""
    rates = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        calibration = Calibration.of(-rng.exponential(size=100), np.ones(100))
        rates.append((calibration.p_values(-rng.exponential(size=1000)) <= level).mean())
    assert 0.3 * level < np.mean(rates) < 2 * level


@pytest.mark.parametrize("shape", [0.2, 0.5, 1.0])
def test_tails_begin_at_the_lowest_score(shape):
    """A Pareto law beyond a level is one beyond any lower level, with a larger scale."""
    scales = []
    for seed in range(60):
        excess = genpareto.rvs(shape, size=1000, random_state=seed)
        found = Calibration.of(-excess, np.ones(1000))
        scales.append(found.tail()[0] / (1 + shape * excess.max()))
    assert np.median(scales) == pytest.approx(1, rel=0.3)


@pytest.mark.parametrize("n", [2, 5, 10, 30])
def test_rows_unlike_all_others_are_below_any_threshold(n):
    found = Calibration.of(np.random.default_rng(n).beta(9, 2, size=n), np.ones(n), least=0.1)
    assert 0.1 < found.score_at(0.0001) < found.scores[0]


def test_equal_scores_promise_nothing_beyond_their_number():
    found = Calibration.of(np.full(50, 0.9), np.ones(50))
    np.testing.assert_allclose(found.p_values(np.array([0.2, 0.9])), [1 / 51, 1])
    assert found.score_at(0.01) < 0.9


@pytest.mark.parametrize(
    "counts, share, expected",
    [
        ((1, 1, 1, 1, 1, 1, 1, 1, 1, 1), 0.3, 3),
        ((1, 2, 7), 0.1, 1),
        ((1, 2, 7), 0.26, 3),
        ((3, 7), 0.1, 0),
        ((3, 7), 0.16, 3),
        ((10,), 0.1, 0),
    ],
)
def test_share_below_is_the_nearest_that_equal_scores_allow(counts, share, expected):
    scores = np.repeat(np.linspace(0.2, 0.8, len(counts)), counts)
    threshold = share_threshold(scores, np.ones(len(scores)), share)
    assert (scores < threshold).sum() == expected
