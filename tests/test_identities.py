"""What answers of one estimator have to do with each other, to the last bit."""

import numpy as np
import pytest
from scipy.special import logsumexp

from sklearn_activation import ActivationAnomalyDetector, ActivationLearningClassifier

from .tasks import sharpen

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*too few for a threshold:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*hardly any row:UserWarning"),
]

N = 60
ROWS = np.random.default_rng(0).normal(size=(N, 3)) + 1
OTHERS = np.concatenate([ROWS[:9], 4 * ROWS[9:20], np.full((1, 3), 2.0)])
GAPS = np.where(np.eye(21, 3, dtype=bool), np.nan, OTHERS)
UNITS = np.arange(N) % 6
SMALL = {"n_frequencies": 8, "random_state": 0}

# Name: a detector, what it learns, and what it is asked, as arguments of its methods.
DETECTORS = {
    "table": (ActivationAnomalyDetector(**SMALL), {"X": ROWS}, {"X": OTHERS}),
    "single precision": (
        ActivationAnomalyDetector(**SMALL),
        {"X": ROWS.astype(np.float32)},
        {"X": OTHERS.astype(np.float32)},
    ),
    "asked in single": (
        ActivationAnomalyDetector(**SMALL),
        {"X": ROWS},
        {"X": OTHERS.astype(np.float32)},
    ),
    "unit": (ActivationAnomalyDetector(encoding="unit", random_state=0), {"X": ROWS}, {"X": GAPS}),
    "gaps": (ActivationAnomalyDetector(**SMALL), {"X": ROWS}, {"X": GAPS}),
    "share": (ActivationAnomalyDetector(contamination=0.2, **SMALL), {"X": ROWS}, {"X": ROWS}),
    "units": (ActivationAnomalyDetector(**SMALL), {"X": ROWS, "groups": UNITS}, {"X": OTHERS}),
    "layers": (ActivationAnomalyDetector((9, 6), **SMALL), {"X": ROWS}, {"X": OTHERS}),
    "series": (ActivationAnomalyDetector(window=6, **SMALL), {"X": ROWS}, {"X": ROWS}),
    "series, share": (
        ActivationAnomalyDetector(window=6, contamination=0.2, **SMALL),
        {"X": ROWS},
        {"X": OTHERS},
    ),
    "series, single": (
        ActivationAnomalyDetector(window=6, **SMALL),
        {"X": ROWS.astype(np.float32)},
        {"X": OTHERS.astype(np.float32)},
    ),
    "several series": (
        ActivationAnomalyDetector(window=6, **SMALL),
        {"X": ROWS, "groups": np.arange(N) // 30},
        {"X": OTHERS, "groups": [0] * 9 + [1] * 12},
    ),
}
THRESHOLDS = {
    "automatic": lambda detector: detector,
    "score": lambda detector: detector.set_threshold(0.8),
    "rate": lambda detector: detector.set_threshold(p=0.2),
}


@pytest.mark.parametrize("threshold", THRESHOLDS)
@pytest.mark.parametrize("name", DETECTORS)
def test_a_decision_is_the_score_less_the_threshold(name, threshold):
    """Bit for bit; the other way round up to rounding, and exactly where the two are near."""
    kind, learned, asked = DETECTORS[name]
    detector = type(kind)(**kind.get_params()).fit(**learned)
    detector = THRESHOLDS[threshold](detector)
    scores, decision = detector.score_samples(**asked), detector.decision_function(**asked)
    offset = detector.offset_
    assert scores.dtype == decision.dtype == np.float64
    np.testing.assert_array_equal(scores - offset, decision)
    known = ~np.isnan(scores)
    assert known.any()
    np.testing.assert_allclose(
        (decision + offset)[known], scores[known], rtol=0, atol=np.spacing(1.0)
    )
    # A difference of numbers within a factor of 2 of each other has no rounding (Sterbenz).
    near = known & (scores >= offset / 2) & (scores <= 2 * offset)
    assert near.any()
    np.testing.assert_array_equal((decision + offset)[near], scores[near])
    np.testing.assert_array_equal(detector.predict(**asked), np.where(decision < 0, -1, 1))
    np.testing.assert_array_equal(detector.predict(**asked)[known] == 1, decision[known] >= 0)


@pytest.mark.parametrize("name", DETECTORS)
def test_fit_predict_decides_by_the_training_scores(name):
    kind, learned, _ = DETECTORS[name]
    detector = type(kind)(**kind.get_params())
    found = detector.fit_predict(**learned)
    decision = detector.training_scores_ - detector.offset_
    np.testing.assert_array_equal(found, np.where(decision < 0, -1, 1))


# -- logarithms of probabilities -------------------------------------------------------------


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("encoding", ["unit", "fourier"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_logarithms_are_those_of_the_probabilities(encoding, n_classes, dtype):
    y = np.arange(N) % n_classes
    classifier = ActivationLearningClassifier(8, encoding=encoding, **SMALL)
    classifier.fit(ROWS.astype(dtype), y)
    for X in (OTHERS.astype(dtype), GAPS.astype(dtype)):
        logs, p = classifier.predict_log_proba(X), classifier.predict_proba(X)
        assert logs.shape == p.shape == (len(X), n_classes) and logs.dtype == np.float64
        np.testing.assert_allclose(logs, np.log(p), rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(logsumexp(logs, axis=1), 0, atol=1e-14)
        np.testing.assert_array_equal(logs.argmax(axis=1), p.argmax(axis=1))


def test_logarithms_are_finite_where_probabilities_are_zero():
    """Two classes that are far apart, and a model that has every reason to be sure."""
    X = np.repeat(np.eye(2), 300, axis=0) + 1e-3 * np.random.default_rng(0).normal(size=(600, 2))
    y = np.repeat([0, 1], 300)
    classifier = ActivationLearningClassifier(8, encoding="unit", random_state=0).fit(X, y)
    sharpen(classifier, 1e5)
    p, logs = classifier.predict_proba(X), classifier.predict_log_proba(X)
    assert (p == 0).any()
    assert np.isfinite(logs).all() and (logs[p == 0] < -700).all()


# -- rows with gaps ---------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["unit", "fourier"])
def test_activations_of_rows_with_gaps_lie_between_0_and_2(encoding):
    """However little is known of a row, and of whatever size."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(200, 5)) * [0.01, 1, 10, 1, 1]
    y = np.arange(200) % 3
    classifier = ActivationLearningClassifier(8, encoding=encoding, **SMALL).fit(X, y)
    hidden = rng.random(X.shape) < 0.7
    asked = np.where(hidden, np.nan, X * rng.choice([1e-3, 1, 30], (200, 1)))
    asked = asked[~hidden.all(axis=1)]
    scores = classifier.score_samples(asked)
    assert (scores >= 0).all() and (scores <= 2 + 1e-6).all()
    assert (classifier.layer_activations(asked) >= 0).all()


@pytest.mark.parametrize("encoding", ["unit", "fourier"])
def test_rows_that_lack_nothing_are_complete(encoding):
    y = np.arange(N) % 2
    classifier = ActivationLearningClassifier(8, encoding=encoding, **SMALL).fit(ROWS, y)
    for labels in (None, y[:21]):
        np.testing.assert_array_equal(classifier.complete(OTHERS, labels), OTHERS)
    kept = OTHERS.copy()
    classifier.complete(kept)[:] = 0
    np.testing.assert_array_equal(kept, OTHERS)
