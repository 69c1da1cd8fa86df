"""Scorers of outlier detectors: their signs, labels, weights, and label-free criteria."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import SGDOneClassSVM
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_activation import ActivationAnomalyDetector
from sklearn_activation.metrics import make_outlier_scorer

LABELLED = ["roc_auc", "average_precision", "f1", "precision", "recall", "balanced_accuracy"]
LABEL_FREE = ["excess_mass", "mass_volume"]


class Radius(BaseEstimator):
    """Detector of a blob at the origin, or of its opposite, by ``decision_function`` only."""

    def __init__(self, sign=1):
        self.sign = sign

    def fit(self, X, y=None):
        return self

    def decision_function(self, X):
        return self.sign * (3 - np.linalg.norm(X, axis=1))

    def predict(self, X):
        return np.where(self.decision_function(X) < 0, -1, 1)


class First(BaseEstimator):
    """The first column is the score; a second method would give it away if called."""

    def __init__(self, sign=1):
        self.sign = sign

    def score_samples(self, X):
        return self.sign * np.asarray(X)[:, 0]

    def decision_function(self, X):
        raise AssertionError("score_samples goes first")


def _rows(n_columns=2, n_outliers=20, seed=0):
    rng = np.random.default_rng(seed)
    normal = rng.normal(size=(200, n_columns)) / np.sqrt(n_columns)
    outliers = rng.normal(size=(n_outliers, n_columns))
    outliers *= 6 / np.linalg.norm(outliers, axis=1)[:, None]
    return np.r_[normal, outliers], np.r_[np.ones(200, int), -np.ones(n_outliers, int)]


@pytest.mark.parametrize("metric", LABELLED)
@pytest.mark.parametrize("normal, outlier", [(1, -1), (-1, 1), (0, 1), ("in", "out"), (1, 0)])
def test_signs_whatever_the_labels(metric, normal, outlier):
    X, y = _rows()
    labels = np.where(y == -1, outlier, normal)
    scorer = make_outlier_scorer(metric, outlier_label=outlier)
    worst = {"average_precision": 0.1, "balanced_accuracy": 0.01}.get(metric, 0)
    assert scorer(Radius(), X, labels) == 1
    assert scorer(Radius(-1), X, labels) <= worst
    assert scorer(Radius(), X, pd.Series(labels, dtype=object)) == 1


@pytest.mark.parametrize("metric", LABELLED)
def test_other_label_kinds(metric):
    X, y = _rows()
    assert make_outlier_scorer(metric, outlier_label=True)(Radius(), X, y == -1) == 1
    three = np.where(y == -1, "odd", np.where(X[:, 0] > 0, "a", "b"))
    assert make_outlier_scorer(metric, outlier_label="odd")(Radius(), X, three) == 1


def test_weights_reach_the_metric():
    rng = np.random.default_rng(1)
    X, y, weight = rng.normal(size=(80, 2)) * 3, rng.choice([-1, 1], 80), rng.uniform(size=80)
    score = np.linalg.norm(X, axis=1)
    seen = {}

    def own(is_outlier, score, **weight):
        seen.update(weight, is_outlier=is_outlier, score=score)
        return 0.5

    for metric, expected in {
        "roc_auc": roc_auc_score(y == -1, score, sample_weight=weight),
        "average_precision": average_precision_score(y == -1, score, sample_weight=weight),
        "f1": f1_score(y == -1, score > 3, sample_weight=weight),
        own: 0.5,
    }.items():
        scorer = make_outlier_scorer(metric)
        assert scorer(Radius(), X, y, sample_weight=weight) == pytest.approx(expected)
        if metric is not own:
            assert scorer(Radius(), X, y) != pytest.approx(expected)
    assert seen["sample_weight"] is weight
    np.testing.assert_array_equal(seen["is_outlier"], y == -1)
    np.testing.assert_allclose(seen["score"], score - 3)
    seen.clear()
    make_outlier_scorer(own)(Radius(), X, y)
    assert seen.keys() == {"is_outlier", "score"}


@pytest.mark.parametrize("metric", [*LABELLED, roc_auc_score])
@pytest.mark.parametrize(
    "labels, outlier, message",
    [
        ([1, 1, 1], -1, r"normal: \[1\]"),
        ([-1, -1, -1], -1, r"outliers: \[-1\]"),
        (["a", "b", "a"], "c", r"normal: \['a', 'b'\]"),
        ([0, 1, 0], "out", r"normal: \[0, 1\]"),
        (None, -1, "needs y"),
    ],
)
def test_one_class_only(metric, labels, outlier, message):
    scorer = make_outlier_scorer(metric, outlier_label=outlier)
    with pytest.raises(ValueError, match=message):
        scorer(Radius(), np.zeros((3, 2)), labels)


@pytest.mark.parametrize("metric", [*LABELLED, *LABEL_FREE, roc_auc_score])
def test_pickling_and_repr(metric):
    X, y = _rows()
    y = np.where(y == -1, "out", "in")
    scorer = make_outlier_scorer(metric, outlier_label="out", random_state=3)
    copy = pickle.loads(pickle.dumps(scorer))
    assert copy(Radius(), X, y) == scorer(Radius(), X, y)
    name = repr(metric) if isinstance(metric, str) else "roc_auc_score"
    expected = f"make_outlier_scorer({name}, outlier_label='out', random_state=3)"
    assert repr(copy) == repr(scorer) == expected


@pytest.mark.parametrize("metric", ["roc_auc", "f1", "mass_volume"])
@pytest.mark.parametrize(
    "detector, grid",
    [
        (IsolationForest(n_estimators=20, random_state=0), {"max_samples": [2, 64]}),
        (ActivationAnomalyDetector(random_state=0), {"n_frequencies": [1, 64]}),
    ],
)
def test_grid_search(metric, detector, grid):
    X, y = _rows()
    search = GridSearchCV(
        make_pipeline(StandardScaler(), detector),
        {f"{type(detector).__name__.lower()}__{name}": v for name, v in grid.items()},
        scoring=make_outlier_scorer(metric),
        cv=StratifiedKFold(3),
        n_jobs=2,
        error_score="raise",
    ).fit(X, y)
    assert search.best_index_ == 1
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_grid_search_without_labels():
    X, _ = _rows(n_outliers=0)
    for metric in LABEL_FREE:
        scorer = make_outlier_scorer(metric)
        search = GridSearchCV(Radius(), {"sign": [-1, 1]}, scoring=scorer, error_score="raise")
        assert search.fit(X).best_params_ == {"sign": 1}


def test_decision_function_only_in_a_pipeline():
    class OnlyDecisions(SGDOneClassSVM):
        score_samples = property()  # hasattr is False

    X, y = _rows()
    model = make_pipeline(StandardScaler(), OnlyDecisions(random_state=0)).fit(X)
    assert not hasattr(model, "score_samples")
    expected = roc_auc_score(y == -1, -model.decision_function(X))
    assert make_outlier_scorer("roc_auc")(model, X, y) == pytest.approx(expected)
    with pytest.raises(TypeError, match="neither score_samples nor decision_function"):
        make_outlier_scorer("roc_auc")(StandardScaler(), X, y)


def test_score_samples_go_first():
    X, y = _rows()
    expected = roc_auc_score(y == -1, -X[:, 0])
    assert make_outlier_scorer("roc_auc")(First(), X, y) == pytest.approx(expected)


def test_predictions_of_a_classifier_are_refused():
    class Classifier(Radius):
        def predict(self, X):
            return (super().predict(X) == -1).astype(int)

    X, y = _rows()
    with pytest.raises(ValueError, match="something else than -1 and 1"):
        make_outlier_scorer("f1")(Classifier(), X, y)


@pytest.mark.parametrize("metric", LABEL_FREE)
@pytest.mark.parametrize("n_columns", [1, 2, 5, 6, 20])
def test_label_free_criteria_know_the_sign(metric, n_columns):
    X, _ = _rows(n_columns, n_outliers=10)
    scorer = make_outlier_scorer(metric)
    good, inverted = scorer(Radius(), X), scorer(Radius(-1), X)
    assert good - inverted > 0.2 * abs(inverted)
    assert good == scorer(Radius(), X, np.zeros(210))  # y is ignored, uniform rows are fixed
    assert good != make_outlier_scorer(metric, random_state=1)(Radius(), X)


def test_label_free_criteria_of_a_known_density():
    """p(x) = 2 x on [0, 1] and scores +-x: masses 1 - u^2 and u^2, volumes 1 - u and u."""
    X = np.sqrt(np.linspace(0, 1, 4001))[:, None]
    excess_mass, mass_volume = map(make_outlier_scorer, LABEL_FREE)
    assert excess_mass(First(), X) == pytest.approx(2 / 3 * (1 - 0.9**1.5), rel=0.02)
    assert excess_mass(First(-1), X) == pytest.approx(0.095, rel=0.01)
    assert mass_volume(First(), X) == pytest.approx(2 / 3 * 0.1**1.5 - 0.1, rel=0.02)
    assert mass_volume(First(-1), X) == pytest.approx(2 / 3 * (0.9**1.5 - 1), rel=0.02)


@pytest.mark.parametrize("metric", LABEL_FREE)
def test_label_free_weights_are_repetitions(metric):
    X, _ = _rows()
    times = np.random.default_rng(2).integers(0, 3, len(X))
    scorer = make_outlier_scorer(metric)
    repeated = scorer(Radius(), np.repeat(X, times, axis=0))
    assert scorer(Radius(), X, sample_weight=times) == pytest.approx(repeated, rel=1e-9)
    assert scorer(Radius(), X) != pytest.approx(repeated, rel=1e-3)
    for bad in (np.zeros(len(X)), -np.ones(len(X))):
        with pytest.raises(ValueError, match=r"(?i)sample.weight"):
            scorer(Radius(), X, sample_weight=bad)


@pytest.mark.parametrize("metric", LABEL_FREE)
@pytest.mark.parametrize("n_columns", [2, 7])
def test_label_free_criteria_keep_column_names(metric, n_columns, recwarn):
    pl = pytest.importorskip("polars")
    X, _ = _rows(n_columns)
    names = [f"c{i}" for i in range(n_columns)]
    scorer, values = make_outlier_scorer(metric), []
    for frame in (X, pd.DataFrame(X, columns=names), pl.DataFrame(X, schema=names)):
        values.append(scorer(IsolationForest(n_estimators=10, random_state=0).fit(frame), frame))
    assert values[0] == values[1] == values[2]
    assert not [w for w in recwarn if "feature names" in str(w.message)]


def test_other_columns_are_those_of_rows():
    seen = []

    class Spy(Radius):
        def decision_function(self, X):
            seen.append(np.array(X))
            return super().decision_function(X)

    X, _ = _rows(8)
    weight = np.r_[450, np.ones(149), np.zeros(70)]
    make_outlier_scorer("excess_mass")(Spy(), X, sample_weight=weight)
    rows, *uniform = seen
    np.testing.assert_array_equal(rows, X)
    assert [U.shape for U in uniform] == [(2000, 8)] * 10
    subsets = set()
    for U in uniform:
        real = np.array([np.isin(u, x).all() for u, x in zip(U.T, X[:150].T, strict=True)])
        assert real.sum() == 3
        subsets.add(tuple(real))
        index = [np.argmax(U[:, [j]] == X[:, j], axis=1) for j in np.flatnonzero(real)]
        assert (index[0] == index[1]).all() and (index[0] == index[2]).all()
        assert np.mean(index[0] == 0) == pytest.approx(450 / 599, abs=0.05)
        assert (U >= X[:150].min(axis=0)).all() and (U <= X[:150].max(axis=0)).all()
    assert len(subsets) > 5


@pytest.mark.parametrize(
    "bad",
    [
        {"metric": "accuracy"},
        {"metric": None},
        {"metric": 3},
        {"outlier_label": None},
        {"outlier_label": [-1]},
        {"random_state": None},
        {"random_state": -1},
        {"random_state": 0.5},
        {"random_state": np.random.RandomState(0)},
    ],
    ids=str,
)
def test_bad_parameters(bad):
    parameters = {"metric": "roc_auc", **bad}
    with pytest.raises(ValueError, match=f"'{next(iter(bad))}' parameter"):
        make_outlier_scorer(parameters.pop("metric"), **parameters)


@pytest.mark.parametrize("metric", LABEL_FREE)
@pytest.mark.parametrize("X", [[["a"], ["b"]], [[np.nan], [1.0]], [[np.inf], [1.0]]], ids=str)
def test_label_free_criteria_need_finite_numbers(metric, X):
    with pytest.raises(ValueError):
        make_outlier_scorer(metric)(First(), X)
