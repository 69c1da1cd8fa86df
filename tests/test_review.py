"""Faults that a review found, each with the test that would have shown it."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.metrics import roc_auc_score

from sklearn_activation import (
    ActivationAnomalyDetector,
    ActivationLearningClassifier,
    CompetitiveHebbianTransformer,
)
from sklearn_activation._blocks import map_blocks
from sklearn_activation._learning.moments import Moments


@pytest.fixture(scope="module")
def digits():
    return load_digits(return_X_y=True)


@pytest.mark.parametrize("epsilon", [0.1, 0.5, 0.9])
def test_automatic_times_are_positive_for_every_start(epsilon):
    X, y = load_breast_cancer(return_X_y=True)
    detector = ActivationAnomalyDetector(
        n_frequencies=64, init_activation=epsilon, random_state=0
    ).fit(X[y == 1][:200])
    assert (detector.learning_times_ > 0).all()
    assert roc_auc_score(y, detector.score_samples(X)) > 0.9


@pytest.mark.parametrize("layer_sizes", [(64, 64), (128, 128)])
def test_false_alarms_of_several_layers(layer_sizes):
    """Hidden layers saw the training rows, too."""
    X, y = load_breast_cancer(return_X_y=True)
    benign = np.random.default_rng(0).permutation(X[y == 1])
    detector = ActivationAnomalyDetector(layer_sizes, n_frequencies=64, random_state=0)
    detector.fit(benign[:250])
    assert np.mean(detector.predict(benign[250:]) == -1) < 0.06


def test_merging_layers_with_other_rotations_is_refused(digits):
    X, _ = digits
    one, other = (CompetitiveHebbianTransformer((8, 8), random_state=s).fit(X) for s in (0, 1))
    with pytest.raises(ValueError, match="random_state"):
        one.merge(other)


def test_merge_chooses_learning_times_and_sharpness_again(digits):
    X, y = digits
    options = {"layer_sizes": 64, "encoding": "unit", "random_state": 0}
    halves = [ActivationLearningClassifier(**options).fit(X[k::2], y[k::2]) for k in (0, 1)]
    whole = ActivationLearningClassifier(**options).partial_fit(X, y, classes=np.unique(y))
    merged = halves[0].merge(halves[1])
    np.testing.assert_allclose(merged.learning_times_, whole.learning_times_)
    np.testing.assert_allclose(merged.predict_proba(X), whole.predict_proba(X), atol=1e-8)


def test_rounding_in_float32_is_no_direction():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 5)) @ rng.normal(size=(5, 50))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    for dtype in (np.float64, np.float32):
        values, _ = Moments(50).add(X.astype(dtype)).spectrum()
        assert len(values) == 5


def test_sharpness_is_fitted_to_few_rows_as_well(digits):
    X, y = digits
    few = np.concatenate([np.flatnonzero(y == c)[:15] for c in range(10)])
    classifier = ActivationLearningClassifier(128, encoding="unit", random_state=0)
    p = classifier.fit(X[few], y[few]).predict_proba(X)
    assert p.max(axis=1).mean() > 0.4


@pytest.mark.parametrize("scale", [1e300, 1e-300])
def test_float32_models_take_float64_rows_of_any_size(digits, scale):
    X, _ = digits
    transformer = CompetitiveHebbianTransformer(8, random_state=0).fit(X.astype(np.float32))
    np.testing.assert_allclose(
        transformer.score_samples(X[1:50] * scale), transformer.score_samples(X[1:50]), atol=1e-5
    )


@pytest.mark.parametrize("learning_time", ["auto", 1e4])
def test_divergence_is_an_error_that_names_the_rate(digits, learning_time):
    """Both numbers that are not finite, and weights that one large step left too long."""
    X, _ = digits
    options = {"learning_rate": 50.0, "learning_time": learning_time}
    with pytest.raises(ValueError, match="learning_rate=50"):
        CompetitiveHebbianTransformer(8, solver="hebbian", **options).fit(X)


@pytest.mark.parametrize("bandwidth", [1e-310, 1e300])
def test_extreme_bandwidths_give_finite_scores(digits, bandwidth):
    X, _ = digits
    detector = ActivationAnomalyDetector(n_frequencies=16, bandwidth=bandwidth, random_state=0)
    assert np.isfinite(detector.fit(X).score_samples(X)).all()


def test_large_columns_without_standardising_are_told_apart():
    rng = np.random.default_rng(0)
    X = 5e7 + 1e7 * rng.normal(size=(300, 2))
    detector = ActivationAnomalyDetector(
        bandwidth=1e7, standardize=False, n_frequencies=64, random_state=0
    ).fit(X)
    assert detector.score_samples(X).min() > detector.score_samples(3 * X).max()


def test_partial_fit_refuses_another_activation_or_encoding(digits):
    X, y = digits
    classifier = ActivationLearningClassifier(16, encoding="unit", random_state=0).fit(X, y)
    for change in ({"activation": "abs"}, {"encoding": "fourier"}):
        changed = ActivationLearningClassifier(16, encoding="unit", random_state=0).fit(X, y)
        with pytest.raises(ValueError, match=next(iter(change))):
            changed.set_params(**change).partial_fit(X, y)
    classifier.set_params(solver="hebbian", warm_start=True, max_iter=1)
    with pytest.raises(ValueError, match="classes"):
        classifier.fit(X, y + 1)


def test_identical_rows_are_inliers():
    X = np.ones((50, 3))
    detector = ActivationAnomalyDetector(n_frequencies=32, random_state=0).fit(X)
    assert (detector.predict(X) == 1).all()
    assert (detector.predict(X[:1]) == 1).all()


def test_blocks_wait_for_their_consumer():
    done = []
    blocks = map_blocks(lambda block: done.append(block) or block, list(range(50)), 2)
    assert next(blocks) == 0
    assert len(done) <= 4
    assert list(blocks) == list(range(1, 50))


def test_wide_rows_stay_cheap():
    """Fewer rows than columns never become a square matrix of columns."""
    X = np.random.default_rng(0).normal(size=(30, 3000))
    detector = ActivationAnomalyDetector(10, encoding="unit", random_state=0).fit(X)
    assert detector._state["moments"][0]["gram"] is None
