"""Thresholds, p-values and what a stated contamination does."""

import numpy as np
import pytest
from scipy.stats import genpareto
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score

from sklearn_activation import ActivationAnomalyDetector
from sklearn_activation._detection.threshold import (
    ROUNDING,
    Calibration,
    pareto_fit,
    share_threshold,
)

# -- Calibration -------------------------------------------------------------------------


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


# -- contamination -----------------------------------------------------------------------


def mixture(n, share=0.1, spread=1.5, seed=0):
    """Normal rows, and a cloud of outliers beside them."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 6))
    y = np.zeros(n, dtype=int)
    y[: int(share * n)] = 1
    X[y == 1] = 3 + spread * rng.normal(size=(y.sum(), 6))
    order = rng.permutation(n)
    return X[order], y[order]


@pytest.mark.parametrize("n", [500, 3000])
@pytest.mark.parametrize("spread, parameters", [(1.5, {}), (1.0, {"learning_time": 50.0})])
def test_stated_contamination_keeps_outliers_from_being_learned(n, spread, parameters):
    """By a shorter learning time, and by rounds if the time is given."""
    X, y = mixture(n, spread=spread)
    taken_as_normal, told = (
        ActivationAnomalyDetector(
            n_frequencies=128, contamination=share, random_state=0, **parameters
        ).fit(X)
        for share in ("auto", 0.1)
    )
    less = 0.7 if parameters else 0.2
    missed = [1 - roc_auc_score(y, -d.score_samples(X)) for d in (taken_as_normal, told)]
    assert missed[1] < less * missed[0]
    assert abs((told.predict(X) == -1).mean() - 0.1) < 0.002
    new, _ = mixture(2000, share=0, seed=1)
    assert abs((told.p_values(new) < 0.05).mean() - 0.05) < (0.08 if parameters else 0.03)
    assert (told.p_values(X[y == 1]) < 0.05).mean() > (0.5 if parameters else 0.8)
    assert (told.learning_times_ < taken_as_normal.learning_times_) == (not parameters)


def test_stated_contamination_of_a_series():
    rng = np.random.default_rng(0)
    t = np.arange(3000)
    X = np.sin(t / 4)[:, None] + 0.1 * rng.normal(size=(3000, 1))
    X[1000:1150] = rng.normal(size=(150, 1))
    y = (t >= 1000) & (t < 1150)
    detector = ActivationAnomalyDetector(
        window=20, n_frequencies=64, contamination=0.05, random_state=0
    ).fit(X)
    assert roc_auc_score(y, -detector.score_samples(X)) > 0.98
    assert abs((detector.predict(X) == -1).mean() - 0.05) < 0.005


@pytest.mark.parametrize("n", [1000, 3000])
@pytest.mark.parametrize("contamination", ["auto", 0.05])
def test_batches_have_the_threshold_of_all_rows(n, contamination):
    X, _ = mixture(n, share=0.02)
    given = {"bandwidth": 1.0, "standardize": False, "n_frequencies": 32, "random_state": 0}
    whole = ActivationAnomalyDetector(contamination=contamination, **given).fit(X)
    batches = ActivationAnomalyDetector(contamination=contamination, **given)
    for batch in np.array_split(X, 4):
        batches.partial_fit(batch)
    share = 0.01 if contamination == "auto" else 0.05
    assert abs((batches.predict(X) == -1).mean() - share) < 0.012
    new, _ = mixture(500, share=0.02, seed=1)
    if n < 2048 or contamination == "auto":  # otherwise only fit leaves rows out
        np.testing.assert_allclose(
            batches.score_samples(new), whole.score_samples(new), rtol=1e-8, atol=1e-10
        )
    if n < 2048:
        np.testing.assert_allclose(
            batches.score_samples(X), whole.score_samples(X), rtol=1e-8, atol=1e-10
        )
        assert batches.offset_ == pytest.approx(whole.offset_, abs=1e-8)


@pytest.mark.parametrize("learning_time", ["auto", 2.0])
@pytest.mark.parametrize("n_units", [40, 256])
def test_p_values_hold_with_fewer_units_than_directions(n_units, learning_time):
    """What is left of a fold must not be looked for along the fold's own directions."""
    X = np.random.default_rng(0).permutation(load_digits().data)
    detector = ActivationAnomalyDetector(
        n_units, n_frequencies=128, learning_time=learning_time, random_state=0
    ).fit(X[:900])
    assert np.linalg.matrix_rank(detector.coefs_[0]) == n_units
    assert 0.02 < (detector.p_values(X[900:]) < 0.05).mean() < 0.08
