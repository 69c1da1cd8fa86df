"""Estimators that several test files fit, and what they ask of them."""

import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer

from sklearn_activation import (
    ActivationAnomalyDetector,
    ActivationLearningClassifier,
    CompetitiveHebbianTransformer,
)

SMALL = {"n_frequencies": 32, "random_state": 0}
EXACT = {"rtol": 1e-8, "atol": 1e-8}

# One layer and given learning times: closed-form statistics are all there is.
ONE_LAYER = {
    "transformer": CompetitiveHebbianTransformer(5, learning_time=20.0, random_state=0),
    "transformer-wide": CompetitiveHebbianTransformer(9, learning_time=20.0, random_state=0),
    "transformer-auto": CompetitiveHebbianTransformer(5, random_state=0),
    "classifier-unit": ActivationLearningClassifier(
        12, encoding="unit", learning_time=50.0, random_state=0
    ),
    "detector-unit": ActivationAnomalyDetector(
        encoding="unit", learning_time=20.0, contamination=0.1, random_state=0
    ),
    "detector-fourier": ActivationAnomalyDetector(
        encoding="fourier",
        bandwidth=1.0,
        standardize=False,
        n_frequencies=20,
        learning_time=100.0,
        contamination=0.1,
        random_state=0,
    ),
}
TWO_LAYERS = {
    "transformer": CompetitiveHebbianTransformer((6, 5), random_state=0),
    "classifier": ActivationLearningClassifier((24, 16), n_frequencies=20, random_state=0),
    "classifier-unit": ActivationLearningClassifier(
        (24, 16), encoding="unit", learning_time=(30.0, 100.0), random_state=0
    ),
    "detector": ActivationAnomalyDetector((30, 20), n_frequencies=20, random_state=0),
    "detector-share": ActivationAnomalyDetector(
        (30, 20), n_frequencies=20, contamination=0.1, random_state=0
    ),
}
HEBBIAN = {
    "transformer": CompetitiveHebbianTransformer(
        5, solver="hebbian", max_iter=6, batch_size=16, random_state=0
    ),
    "classifier": ActivationLearningClassifier(
        (16, 12),
        solver="hebbian",
        n_frequencies=20,
        max_iter=6,
        batch_size=16,
        random_state=0,
    ),
    "detector": ActivationAnomalyDetector(
        solver="hebbian", n_frequencies=20, max_iter=6, batch_size=16, random_state=0
    ),
}
ALL = [
    pytest.param(estimator, id=f"{group}-{name}")
    for group, members in (("one", ONE_LAYER), ("two", TWO_LAYERS), ("hebbian", HEBBIAN))
    for name, estimator in members.items()
]


def cases(estimators):
    """Parameters of a test, named after the estimators."""
    return [pytest.param(estimator, id=name) for name, estimator in estimators.items()]


def learn(estimator, X, y, partial=False, **options):
    """Fit, or learn one batch of a stream of three classes."""
    if not partial:
        return estimator.fit(X, y, **options)
    if isinstance(estimator, ActivationLearningClassifier):
        options["classes"] = [0, 1, 2]
    return estimator.partial_fit(X, y, **options)


def scores(estimator, X):
    """The continuous answer that everything else follows from."""
    if isinstance(estimator, ActivationLearningClassifier):
        return estimator.decision_function(X)
    return estimator.score_samples(X)


def answers(estimator, X):
    """What every method says that the estimator has."""
    methods = "transform", "predict", "predict_proba", "decision_function", "score_samples"
    return {name: getattr(estimator, name)(X) for name in methods if hasattr(estimator, name)}


def assert_same_answers(ours, theirs, X, **tolerance):
    expected = answers(theirs, X)
    for name, values in answers(ours, X).items():
        if tolerance:
            assert_allclose(values, expected[name], err_msg=name, **tolerance)
        else:
            assert_array_equal(values, expected[name], err_msg=name)


def assert_same_projection(ours, theirs):
    """P = W W^T, which the activation depends on, and W itself."""
    for W, V in zip(ours.coefs_, theirs.coefs_, strict=True):
        assert_allclose(W @ W.T, V @ V.T, **EXACT)
        assert_allclose(W, V, **EXACT)


def unit_classifier(**parameters):
    """A classifier with feedback, of one layer of 32 units on rows of norm 1."""
    defaults = {"layer_sizes": 32, "encoding": "unit", "feedback": True, "random_state": 0}
    return ActivationLearningClassifier(**{**defaults, **parameters})


def linear_model(X, y, scaler=None):
    """Logistic regression on rows of norm 1, or scaled otherwise: what floors are set by."""
    scaler = Normalizer() if scaler is None else scaler
    return make_pipeline(scaler, LogisticRegression(C=100, max_iter=2000)).fit(X, y)


def small_classifier(encoding, activation, layers, X, y):
    """A fitted classifier of few frequencies."""
    return ActivationLearningClassifier(
        layers, encoding=encoding, activation=activation, n_frequencies=24, random_state=0
    ).fit(X, y)


class IdleCallback:
    """What scikit-learn asks of a callback, but for the end of a task: it does nothing."""

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass
