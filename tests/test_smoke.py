"""Whether the installation works: each estimator does its job once, and comes back from a file."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sklearn_activation import (
    ActivationAnomalyDetector,
    ActivationImputer,
    ActivationLearningClassifier,
    CompetitiveHebbianTransformer,
)


def from_file(estimator, folder):
    """The estimator after a round trip through a file."""
    path = folder / "estimator.pickle"
    path.write_bytes(pickle.dumps(estimator))
    return pickle.loads(path.read_bytes())


def test_odd_rows_of_a_table(tmp_path):
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    benign, malignant = X[y == 1], X[y == 0]
    detector = ActivationAnomalyDetector(random_state=0).fit(benign[:250])
    assert np.mean(detector.predict(benign[250:]) == -1) < 0.05
    assert np.mean(detector.p_values(malignant) <= 0.05) > 0.7
    worst = malignant.iloc[[detector.p_values(malignant).argmin()]]
    assert detector.explain(worst).shape == (1, X.shape[1])
    loaded = from_file(detector, tmp_path)
    assert_array_equal(loaded.score_samples(malignant), detector.score_samples(malignant))


def test_events_of_a_log():
    rng = np.random.default_rng(0)
    times = pd.date_range("2026-01-01", periods=1500, freq="h")
    day = 2 * np.pi * np.arange(len(times)) / 24
    log = pd.DataFrame(
        {"flow": np.sin(day) + rng.normal(0, 0.1, 1500), "heat": np.cos(day)}, index=times
    )
    log["heat"] += rng.normal(0, 0.1, 1500)
    log.iloc[1200:1224, 1] = 0.0  # stuck
    detector = ActivationAnomalyDetector(window=48, random_state=0).fit(log[:1000])
    events = detector.events(log[1000:])
    event = events.loc[events["score"].idxmin()]
    assert times[1200] <= event["peak"] < times[1224]
    assert event["channels"][0] == "heat"


def test_labels_of_a_messy_table(tmp_path):
    X, y = load_wine(return_X_y=True, as_frame=True)
    X = X.mask(np.random.default_rng(0).random(X.shape) < 0.1)
    X["colour"] = np.where(X["color_intensity"] > 5, "dark", "light")
    X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
    classifier = ActivationLearningClassifier(random_state=0).fit(X_train, y_train)
    assert classifier.score(X_test, y_test) > 0.85
    assert_allclose(classifier.predict_proba(X_test).sum(axis=1), 1)
    loaded = from_file(classifier, tmp_path)
    assert_array_equal(loaded.predict_proba(X_test), classifier.predict_proba(X_test))


def test_gaps():
    X = load_wine().data
    known = np.random.default_rng(0).random(X.shape) > 0.1
    filled = ActivationImputer(random_state=0).fit_transform(np.where(known, X, np.nan))
    assert_array_equal(filled[known], X[known])
    error = np.abs(filled - X) / X.std(axis=0)
    of_means = np.abs(X.mean(axis=0) - X) / X.std(axis=0)
    assert error[~known].mean() < 0.8 * of_means[~known].mean()


def test_features_in_a_grid_search():
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, train_size=500, random_state=0)
    features = CompetitiveHebbianTransformer(128, activation="square", random_state=0)
    linear = make_pipeline(
        MinMaxScaler(), features, StandardScaler(), LogisticRegression(max_iter=1000)
    )
    search = GridSearchCV(linear, {"logisticregression__C": [0.01, 0.1]}, cv=3)
    assert search.fit(X_train, y_train).score(X_test, y_test) > 0.93


def test_batches_add_up():
    X = load_wine().data
    whole, parts = (
        CompetitiveHebbianTransformer(learning_time=10.0, random_state=0) for _ in range(2)
    )
    whole.fit(X)
    for rows in np.split(X, [50, 100]):
        parts.partial_fit(rows)
    assert_allclose(parts.transform(X), whole.transform(X), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("solver", ["flow", "hebbian"])
def test_both_solvers_learn(solver):
    X, y = load_digits(return_X_y=True)
    classifier = ActivationLearningClassifier(
        128, encoding="unit", solver=solver, learning_time=20.0, random_state=0
    )
    assert classifier.fit(X[:1000], y[:1000]).score(X[1000:], y[1000:]) > 0.8
