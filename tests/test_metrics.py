"""Scorers of outlier detectors: signs, labels, weights, searches, and criteria without labels."""

import copy
import doctest
import functools
import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
from numpydoc.docscrape import FunctionDoc
from scipy import sparse
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import SGDOneClassSVM
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    f1_score,
    precision_score,
    recall_score,
    roc_auc_score,
)
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_activation import ActivationAnomalyDetector, metrics
from sklearn_activation.metrics import excess_mass_score, make_outlier_scorer, mass_volume_loss

RANKINGS = {"roc_auc": roc_auc_score, "average_precision": average_precision_score}
DECISIONS = {
    "f1": f1_score,
    "precision": precision_score,
    "recall": recall_score,
    "balanced_accuracy": balanced_accuracy_score,
}
LABELLED = [*RANKINGS, *DECISIONS]
LABEL_FREE = ["excess_mass", "mass_volume"]
N_NORMAL, N_OUTLIERS = 120, 15


class Ball(OutlierMixin, BaseEstimator):
    """Finds rows far from the origin; ``sign=-1`` gets everything wrong."""

    def __init__(self, sign=1):
        self.sign = sign

    def fit(self, X, y=None, sample_weight=None):
        return self

    def score_samples(self, X):
        return -self.sign * np.linalg.norm(np.asarray(X), axis=1)

    def predict(self, X):
        return np.where(self.score_samples(X) < -3 * self.sign, -1, 1)


class Scores:
    """Whatever a function says, by a method of any name."""

    def __init__(self, function, name="score_samples"):
        setattr(self, name, function)


def absolute_error(is_outlier, score):
    return -np.abs(is_outlier - score).mean()


def rows(n_columns=2, n_outliers=N_OUTLIERS, seed=0):
    """A Gaussian blob within 3 of the origin, then outliers 6 away from it; labels +-1."""
    X = np.random.default_rng(seed).normal(size=(N_NORMAL + n_outliers, n_columns))
    norm = np.linalg.norm(X, axis=1)[:, None]
    X[:N_NORMAL] *= np.minimum(1, 2.9 / norm[:N_NORMAL])
    X[N_NORMAL:] *= 6 / norm[N_NORMAL:]
    return X, np.repeat([1, -1], [N_NORMAL, n_outliers])


# -- with labels -------------------------------------------------------------------------


@pytest.mark.parametrize("metric", [*LABELLED, roc_auc_score])
@pytest.mark.parametrize(
    "normal, outlier",
    [(1, -1), (-1, 1), (0, 1), (1, 0), (False, True), (True, False), ("fine", "anomaly")],
)
def test_outliers_are_positive_whatever_their_label(metric, normal, outlier):
    X, y = rows()
    labels = np.where(y == -1, outlier, normal)
    scorer = make_outlier_scorer(metric, outlier_label=outlier)
    for given in (labels, labels.tolist(), pd.Series(labels), labels.astype(object)):
        assert scorer(Ball(), X, given) == pytest.approx(1, abs=1e-12)
    assert scorer(Ball(-1), X, labels) < 0.1  # average precision of the worst order
    swapped = make_outlier_scorer(metric, outlier_label=normal)
    assert swapped(Ball(-1), X, labels) == pytest.approx(1, abs=1e-12)


def test_label_minus_one_is_the_default():
    X, y = rows()
    assert make_outlier_scorer("roc_auc")(Ball(), X, y) == 1
    assert make_outlier_scorer("roc_auc")(Ball(), X, -y) == 0


def test_several_kinds_of_normal_rows():
    X, y = rows()
    labels = np.where(y == -1, "odd", np.where(X[:, 0] > 0, "a", "b"))
    for metric in LABELLED:
        assert make_outlier_scorer(metric, outlier_label="odd")(Ball(), X, labels) == 1


@pytest.mark.parametrize("metric", LABELLED)
@pytest.mark.parametrize("weighted", [False, True])
def test_values_are_those_of_scikit_learn(metric, weighted):
    rng = np.random.default_rng(1)
    X, y = 3 * rng.normal(size=(80, 2)), rng.choice([-1, 1], 80)
    weight = {"sample_weight": rng.uniform(size=80)} if weighted else {}
    radius = np.linalg.norm(X, axis=1)
    if metric in RANKINGS:
        expected = RANKINGS[metric](y == -1, radius, **weight)
    else:
        expected = DECISIONS[metric](y == -1, radius > 3, **weight)
    result = make_outlier_scorer(metric)(Ball(), X, y, **weight)
    assert type(result) is float and result == pytest.approx(expected, rel=1e-12)
    if weighted:
        assert result != pytest.approx(make_outlier_scorer(metric)(Ball(), X, y), rel=1e-6)


def test_own_metric_gets_outliers_as_one_and_anomaly_scores():
    X, y = rows()
    seen = []

    def metric(is_outlier, score, sample_weight=None):
        seen.append((is_outlier, score, sample_weight))
        return np.float32(0.5)

    scorer = make_outlier_scorer(metric)
    assert type(scorer(Ball(), X, y)) is float
    scorer(Ball(), X, y, np.arange(len(y)))
    for is_outlier, score, _ in seen:
        assert is_outlier.tolist() == (y == -1).astype(int).tolist()
        np.testing.assert_array_equal(score, np.linalg.norm(X, axis=1))
    assert seen[0][2] is None
    np.testing.assert_array_equal(seen[1][2], np.arange(len(y)))


def test_own_metric_may_be_a_partial_or_unhashable():
    class Unhashable:
        __hash__ = None

        def __call__(self, is_outlier, score):
            return roc_auc_score(is_outlier, score)

    X, y = rows()
    for metric in (functools.partial(roc_auc_score, max_fpr=0.1), Unhashable()):
        scorer = make_outlier_scorer(metric)
        assert scorer(Ball(), X, y) == 1
        assert repr(scorer).startswith("make_outlier_scorer(")


@pytest.mark.parametrize("metric", [*LABELLED, roc_auc_score])
@pytest.mark.parametrize(
    "labels, outlier, message",
    [
        ([1, 1, 1], -1, r"outlier_label=-1, but its labels are 1\."),
        ([-1, -1, -1], -1, r"labels are -1\."),
        (["a", "b", "a"], "c", r"outlier_label='c', but its labels are 'a', 'b'\."),
        (["-1", "1", "1"], -1, r"labels are '-1', '1'\."),
        ([0, 1, 0], "anomaly", r"labels are 0, 1\."),
        ([True, True, True], True, r"labels are True\."),
        (None, -1, r"needs labels y\. .* 'excess_mass' and 'mass_volume', which need no"),
    ],
)
def test_one_class_only(metric, labels, outlier, message):
    with pytest.raises(ValueError, match=message):
        make_outlier_scorer(metric, outlier_label=outlier)(Ball(), np.eye(3), labels)


def test_many_labels_are_cut_short_in_the_message():
    with pytest.raises(ValueError, match=r"labels are 0\.0, 1\.0.*9\.0 and 40 others\."):
        make_outlier_scorer("f1")(Ball(), np.ones((50, 1)), np.arange(50.0))


@pytest.mark.parametrize("metric", LABELLED)
def test_rows_without_weight_are_no_class(metric):
    X, y = rows()
    with pytest.raises(ValueError, match=r"weights above 0, but its labels are 1, -1\."):
        make_outlier_scorer(metric)(Ball(), X, y, sample_weight=(y == 1).astype(float))


@pytest.mark.parametrize("metric", [*LABELLED, *LABEL_FREE])
@pytest.mark.parametrize("weight", [np.zeros, lambda n: -np.ones(n), lambda n: np.ones(n + 1)])
def test_bad_weights(metric, weight):
    X, y = rows()
    with pytest.raises(ValueError, match=r"(?i)sample.?weight"):
        make_outlier_scorer(metric)(Ball(), X, y, sample_weight=weight(len(y)))


def test_labels_of_another_length():
    X, y = rows()
    for metric in LABELLED:
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            make_outlier_scorer(metric)(Ball(), X, y[1:])


# -- estimators --------------------------------------------------------------------------


def test_score_samples_go_before_decision_function():
    X, y = rows()
    detector = Scores(lambda X: X[:, 0])
    detector.decision_function = lambda X: X[:, 1]
    expected = roc_auc_score(y == -1, -X[:, 0])
    assert make_outlier_scorer("roc_auc")(detector, X, y) == pytest.approx(expected)
    del detector.score_samples
    expected = roc_auc_score(y == -1, -X[:, 1])
    assert make_outlier_scorer("roc_auc")(detector, X, y) == pytest.approx(expected)


@pytest.mark.parametrize("metric", [*RANKINGS, "excess_mass", roc_auc_score])
def test_estimators_without_scores(metric):
    X, y = rows()
    scorer = make_outlier_scorer(metric)
    with pytest.raises(TypeError, match=r"StandardScaler\(\) has neither score_samples nor"):
        scorer(StandardScaler(), X, y)
    for function in (lambda X: X, lambda X: X[:, 0] * np.nan):
        with pytest.raises(ValueError, match=r"decision_function of .* one number a row"):
            scorer(Scores(function, "decision_function"), X, y)


def test_pipeline_around_a_detector_with_decision_function_only():
    class OnlyDecisions(SGDOneClassSVM):
        score_samples = property()  # hasattr is False

    X, y = rows()
    model = make_pipeline(StandardScaler(), OnlyDecisions(random_state=0)).fit(X)
    assert not hasattr(model, "score_samples")
    expected = roc_auc_score(y == -1, -model.decision_function(X))
    assert make_outlier_scorer("roc_auc")(model, X, y) == pytest.approx(expected)


@pytest.mark.parametrize("metric", DECISIONS)
def test_predictions_other_than_one_and_minus_one_are_refused(metric):
    X, y = rows()
    detector = Scores(lambda X: np.zeros(len(X), int), "predict")
    with pytest.raises(ValueError, match="predicts something other than -1 and 1"):
        make_outlier_scorer(metric)(detector, X, y)


@pytest.mark.parametrize("metric", ["f1", "precision", "recall"])
def test_no_alarms_score_zero_without_a_warning(metric, recwarn):
    X, y = rows()
    detector = Scores(lambda X: np.ones(len(X), int), "predict")
    assert make_outlier_scorer(metric)(detector, X, y) == 0
    assert not recwarn.list


# -- as scikit-learn's objects -----------------------------------------------------------


@pytest.mark.parametrize("metric", [*LABELLED, *LABEL_FREE, roc_auc_score])
@pytest.mark.parametrize("copied", [lambda s: pickle.loads(pickle.dumps(s)), copy.deepcopy])
def test_copies(metric, copied):
    X, y = rows()
    labels = np.where(y == -1, "odd", "fine")
    scorer = make_outlier_scorer(metric, outlier_label="odd", random_state=3)
    assert copied(scorer)(Ball(), X, labels) == scorer(Ball(), X, labels)
    assert repr(copied(scorer)) == repr(scorer)


@pytest.mark.parametrize(
    "scorer, text",
    [
        (make_outlier_scorer("f1"), "make_outlier_scorer('f1', outlier_label=-1)"),
        (
            make_outlier_scorer(roc_auc_score, outlier_label="odd"),
            "make_outlier_scorer(roc_auc_score, outlier_label='odd')",
        ),
        (
            make_outlier_scorer("mass_volume", random_state=7),
            "make_outlier_scorer('mass_volume', random_state=7)",
        ),
    ],
)
def test_repr(scorer, text):
    assert repr(scorer) == text


@pytest.mark.parametrize("metric", ["average_precision", "balanced_accuracy", "mass_volume"])
@pytest.mark.parametrize(
    "detector, name, values",
    [
        (IsolationForest(n_estimators=20, random_state=0), "max_samples", [2, 64]),
        (ActivationAnomalyDetector(contamination=0.1, random_state=0), "bandwidth", [0.01, 1.0]),
    ],
    ids=["forest", "activation"],
)
def test_grid_search_of_pipelines_with_two_jobs(metric, detector, name, values):
    X, y = rows()
    labels = np.where(y == -1, "odd", "fine")
    search = GridSearchCV(
        make_pipeline(StandardScaler(), detector),
        {f"{type(detector).__name__.lower()}__{name}": values},
        scoring=make_outlier_scorer(metric, outlier_label="odd"),
        cv=StratifiedKFold(3, shuffle=True, random_state=0),
        n_jobs=2,
        error_score="raise",
    ).fit(X, labels)
    assert search.best_index_ == 1
    assert search.best_estimator_[-1].get_params()[name] == values[1]  # refitted
    assert roc_auc_score(y == -1, -search.score_samples(X)) > 0.9
    assert search.score(X, labels) == search.scorer_(search.best_estimator_, X, labels)


@pytest.mark.parametrize("metric", LABEL_FREE)
def test_grid_search_without_labels(metric):
    X, _ = rows(n_outliers=0)
    search = GridSearchCV(
        Ball(), {"sign": [-1, 1]}, scoring=make_outlier_scorer(metric), error_score="raise"
    ).fit(X)
    assert search.best_params_ == {"sign": 1}
    assert np.isfinite(cross_val_score(Ball(), X, scoring=make_outlier_scorer(metric))).all()


def test_search_says_what_folds_lack():
    X, y = rows()  # sorted: folds that are not stratified lack outliers
    scorer = make_outlier_scorer("roc_auc")
    search = GridSearchCV(Ball(), {"sign": [1]}, scoring=scorer, error_score="raise")
    with pytest.raises(ValueError, match="but its labels are 1"):
        search.fit(X, y)


def _weighted_search(scoring, routed=False):
    """Scores of a search with weights that leave all misjudged rows out."""
    X, y = rows()
    y = y.copy()
    y[::10] *= -1
    weight = np.where(np.arange(len(y)) % 10 == 0, 0.0, 1.0)
    search = GridSearchCV(
        Ball().set_fit_request(sample_weight=True) if routed else Ball(),
        {"sign": [1]},
        scoring=scoring,
        refit=False,
        cv=StratifiedKFold(3, shuffle=True, random_state=0),
        error_score="raise",
    ).fit(X, y, sample_weight=weight)
    return {k: v[0] for k, v in search.cv_results_.items() if k.startswith("mean_test")}


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.mark.parametrize("metric", [*LABELLED, roc_auc_score])
def test_metadata_routing_of_weights(metric, routing):
    scorer = make_outlier_scorer(metric)
    asked = copy.deepcopy(scorer).set_score_request(sample_weight=True)
    refused = copy.deepcopy(scorer).set_score_request(sample_weight=False)
    assert _weighted_search(asked, routed=True) == {"mean_test_score": 1}
    assert _weighted_search(refused, routed=True)["mean_test_score"] < 0.9
    for copied in (
        copy.deepcopy(asked),
        pickle.loads(pickle.dumps(asked)),
        sklearn.clone(GridSearchCV(Ball(), {}, scoring=asked)).scoring,
    ):
        assert _weighted_search(copied, routed=True) == {"mean_test_score": 1}
    two = {"a": asked, "b": refused}
    results = _weighted_search(two, routed=True)
    assert results["mean_test_a"] == 1 and results["mean_test_b"] < 0.9
    with pytest.raises(ValueError, match="sample_weight"):  # neither asked nor refused
        _weighted_search(scorer, routed=True)
    for name in ("groups", "estimator", "X", "y"):
        with pytest.raises(TypeError, match=name):
            scorer.set_score_request(**{name: True})


def test_requests_need_metadata_routing():
    with pytest.raises(RuntimeError, match="when metadata routing is enabled"):
        make_outlier_scorer("f1").set_score_request(sample_weight=True)


def test_weights_in_searches_of_several_metrics_without_routing(recwarn):
    """scikit-learn 1.9 passes them on to scorers that take them; before, it does not."""
    scorers = {metric: make_outlier_scorer(metric) for metric in [*LABELLED, *LABEL_FREE]}
    results = _weighted_search(scorers)
    assert len(results) == len(scorers)
    one = _weighted_search(make_outlier_scorer("roc_auc"))["mean_test_score"]
    assert one == pytest.approx(results["mean_test_roc_auc"])
    assert not [w for w in recwarn if "support sample_weight" in str(w.message)]
    _weighted_search({"own": make_outlier_scorer(absolute_error)})


# -- criteria ----------------------------------------------------------------------------


def naive_curves(scores, uniform_scores, weight, min_mass):
    """Both areas by their definitions, on grids, every level set on its own."""
    uniform_scores = np.broadcast_to(uniform_scores, (len(scores), np.shape(uniform_scores)[-1]))
    volume = [
        (1 + np.sum(u >= s)) / (1 + len(u)) for s, u in zip(scores, uniform_scores, strict=True)
    ]
    sets = [(weight[volume <= v].sum() / weight.sum(), v) for v in volume]
    last = max((m - min_mass) / v for m, v in sets)
    t = np.linspace(0, last, 20_001)
    curve = np.max([m - t * v for m, v in sets], axis=0)
    assert curve[0] == pytest.approx(1) and curve[-1] == pytest.approx(min_mass)
    a = min_mass + (1 - min_mass) * (np.arange(20_000) + 0.5) / 20_000
    needed = np.array(sets)
    needed = needed[np.argsort(needed[:, 1])]
    smallest = needed[np.searchsorted(needed[:, 0], a - 1e-12), 1]
    return (curve[:-1] + curve[1:]).mean() / 2 * last, smallest.mean() * (1 - min_mass)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("own", [False, True], ids=["one box", "slices"])
@pytest.mark.parametrize("min_mass", [0.9, 0.3])
def test_criteria_equal_their_definitions(seed, own, min_mass):
    rng = np.random.default_rng(seed)
    scores = rng.normal(1, 1, 40).round(seed)  # ties
    uniform_scores = rng.normal(size=(40, 30) if own else 30).round(seed)
    weight = rng.integers(0, 4, 40)
    weight[0] = 1
    options = {"sample_weight": weight, "min_mass": min_mass}
    kept = weight > 0
    expected = naive_curves(
        scores[kept], uniform_scores[kept] if own else uniform_scores, weight[kept], min_mass
    )
    result = excess_mass_score(scores, uniform_scores, **options)
    assert result == pytest.approx(expected[0], rel=1e-3)
    result = mass_volume_loss(scores, uniform_scores, **options)
    assert result == pytest.approx(expected[1], rel=1e-3)
    repeated = np.repeat(scores, weight)
    uniform_scores = np.repeat(uniform_scores, weight, axis=0) if own else uniform_scores
    for criterion in (excess_mass_score, mass_volume_loss):
        assert criterion(scores, *_own(own, uniform_scores, weight), **options) == pytest.approx(
            criterion(repeated, uniform_scores, min_mass=min_mass), rel=1e-12
        )


def _own(own, repeated, weight):
    """Undo the repetition of uniform scores; rows of weight 0 get any."""
    if not own:
        return (repeated,)
    first = np.minimum(np.cumsum(weight) - weight, len(repeated) - 1)
    return (repeated[first],)


@pytest.mark.parametrize("share", [0.2, 0.5, 1.0])
def test_criteria_of_a_uniform_density(share):
    """Mass m of rows takes volume m share: EM(t) = 1 - t share, up to t = 1 / share."""
    n, n_uniform = 10_000, 100_000
    scores = (np.arange(n) + 0.5) / n
    uniform_scores = 1 - (np.arange(n_uniform) + 0.5) / n_uniform / share
    excess, volume = (1 - 0.9**2) / 2 / share, share * (1 - 0.9**2) / 2
    assert excess_mass_score(scores, uniform_scores) == pytest.approx(excess, rel=1e-3)
    assert mass_volume_loss(scores, uniform_scores) == pytest.approx(volume, rel=1e-3)


def test_criteria_of_a_known_density():
    """p(x) = 2 x on [0, 1], scores +-x: masses 1 - u^2 and u^2, volumes 1 - u and u."""
    x = np.sqrt((np.arange(20_000) + 0.5) / 20_000)
    uniform = (np.arange(50_000) + 0.5) / 50_000
    # MV(a) = 1 - sqrt(1 - a); EM(t) = (1 - t / 2)^2, 0.9 at t = 2 (1 - sqrt(0.9))
    assert excess_mass_score(x, uniform) == pytest.approx(2 / 3 * (1 - 0.9**1.5), rel=1e-3)
    assert mass_volume_loss(x, uniform) == pytest.approx(0.1 - 2 / 3 * 0.1**1.5, rel=1e-3)
    # MV(a) = sqrt(a); u^2 - t u is greatest at u = 1
    assert excess_mass_score(-x, -uniform) == pytest.approx(0.095, rel=1e-3)
    assert mass_volume_loss(-x, -uniform) == pytest.approx(2 / 3 * (1 - 0.9**1.5), rel=1e-3)


@pytest.mark.parametrize("min_mass", [0.9, 0.5])
def test_criteria_of_equal_scores(min_mass):
    for uniform_scores in (np.zeros(20), np.zeros((7, 20)), np.ones(3)):
        excess = excess_mass_score(np.zeros(7), uniform_scores, min_mass=min_mass)
        assert excess == pytest.approx((1 - min_mass**2) / 2)
        volume = mass_volume_loss(np.zeros(7), uniform_scores, min_mass=min_mass)
        assert volume == pytest.approx(1 - min_mass)


@pytest.mark.parametrize("criterion", [excess_mass_score, mass_volume_loss])
def test_only_the_order_of_scores_counts(criterion):
    rng = np.random.default_rng(0)
    scores, uniform_scores = rng.normal(1, 1, 50), rng.normal(size=60)
    expected = criterion(scores, uniform_scores)
    assert criterion(np.exp(scores), np.exp(uniform_scores)) == expected
    assert criterion(scores.tolist(), uniform_scores.tolist()) == expected
    assert criterion(scores, np.tile(uniform_scores, (50, 1))) == expected
    least = np.r_[np.full(40, -np.inf), uniform_scores]
    assert criterion(scores, least) == criterion(scores, np.r_[np.full(40, -99), uniform_scores])
    slices = rng.normal(size=(50, 1))  # what is added to whole slices makes no difference
    assert criterion(scores + slices[:, 0], uniform_scores + slices) == expected


@pytest.mark.parametrize("criterion", [excess_mass_score, mass_volume_loss])
@pytest.mark.parametrize(
    "scores, uniform_scores, options, message",
    [
        ([], [1.0], {}, r"\(0,\) and \(1,\)"),
        ([1.0], [], {}, r"\(1,\) and \(0,\)"),
        ([1.0], [[[1.0]]], {}, r"\(1, 1, 1\)"),
        ([[1.0, 2.0]], [1.0], {}, "1d array"),
        ([1.0, 2.0], [[1.0]], {}, "inconsistent numbers of samples"),
        ([np.nan], [1.0], {}, "NaN"),
        ([1.0], [np.nan], {}, "NaN"),
        ([1.0], [1.0], {"sample_weight": [0.0]}, "(?i)sample.?weight"),
        ([1.0], [1.0], {"sample_weight": [-1.0]}, "sample_weight"),
        ([1.0], [1.0], {"min_mass": 0}, "'min_mass' parameter"),
        ([1.0], [1.0], {"min_mass": 1.0}, "'min_mass' parameter"),
        ([1.0], [1.0], {"min_mass": "0.9"}, "'min_mass' parameter"),
        (1.0, [1.0], {}, "'score_samples' parameter"),
        ([1.0], None, {}, "'uniform_scores' parameter"),
    ],
)
def test_bad_input_of_criteria(criterion, scores, uniform_scores, options, message):
    with pytest.raises(ValueError, match=message):
        criterion(scores, uniform_scores, **options)


# -- label-free scorers ------------------------------------------------------------------


@pytest.mark.parametrize("metric", LABEL_FREE)
@pytest.mark.parametrize("n_columns", [1, 2, 5, 6, 20])
def test_good_detectors_beat_random_ones_and_those_beat_inverted_ones(metric, n_columns):
    X, _ = rows(n_columns, n_outliers=3)
    scorer = make_outlier_scorer(metric)
    rng = np.random.default_rng(5)
    guess = Scores(lambda X: rng.normal(size=len(X)))
    good, chance, wrong = (scorer(detector, X) for detector in (Ball(), guess, Ball(-1)))
    assert good > chance + 0.02 and chance > wrong - 1e-12
    equal = {"excess_mass": 0.095, "mass_volume": -0.1}[metric]
    assert scorer(Scores(lambda X: np.zeros(len(X))), X) == pytest.approx(equal)
    assert wrong == pytest.approx(equal, abs=0.005)


@pytest.mark.parametrize("metric", LABEL_FREE)
@pytest.mark.parametrize("n_columns", [2, 8])
def test_labels_are_ignored_and_uniform_rows_are_fixed(metric, n_columns):
    X, y = rows(n_columns)
    scorer = make_outlier_scorer(metric)
    value = scorer(Ball(), X)
    assert type(value) is float
    assert value == scorer(Ball(), X, None) == scorer(Ball(), X, y) == scorer(Ball(), X, y[1:])
    other = make_outlier_scorer(metric, random_state=1)(Ball(), X)
    assert other != value


def test_rows_in_few_columns_meet_one_box():
    """Both criteria of a scorer are those of the plain functions."""
    seen = []

    def function(X):
        seen.append(X)
        return X[:, 0]

    X = np.sqrt(np.random.default_rng(0).random((300, 5)))
    X[:, 3] = 7  # does not vary
    weight = np.random.default_rng(1).integers(0, 3, 300)
    for metric, criterion in ("excess_mass", excess_mass_score), ("mass_volume", mass_volume_loss):
        value = make_outlier_scorer(metric)(Scores(function), X, sample_weight=weight)
        given, box = seen[-2:]
        assert given is X and box.shape == (10_000, 5)
        kept = X[weight > 0]
        assert (box >= kept.min(axis=0)).all() and (box <= kept.max(axis=0)).all()
        middle = (kept.min(axis=0) + kept.max(axis=0)) / 2
        np.testing.assert_allclose(box.mean(axis=0), middle, atol=0.02)
        expected = criterion(X[:, 0], box[:, 0], sample_weight=weight)
        assert value == pytest.approx(expected * (-1 if metric == "mass_volume" else 1))
        again = make_outlier_scorer(metric)(Scores(function), np.repeat(X, weight, axis=0))
        assert again == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("n_rows", [150, 900])
def test_rows_in_many_columns_meet_copies_of_themselves(n_rows, monkeypatch):
    seen = []

    def function(X):
        seen.append(X)
        return X @ np.arange(9.0)

    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 9))
    X[:, 4] = 7  # does not vary
    weight = rng.integers(0, 3, n_rows)
    value = make_outlier_scorer("excess_mass")(Scores(function), X, sample_weight=weight)
    given, copies = seen
    assert given is X and copies.shape[1] == 9
    copies = copies.reshape(-1, 100, 9)
    kept = X[weight > 0]
    assert len(copies) == min(500, len(kept))
    assert (copies >= kept.min(axis=0)).all() and (copies <= kept.max(axis=0)).all()
    copied = (copies == copies[:, :1]).all(axis=1)
    assert copied[:, 4].all() and (copied.sum(axis=1) == 4).all()
    assert len(np.unique(copied, axis=0)) > 30
    assert not copied[:, np.arange(9) != 4].all(axis=0).any()
    source = [
        np.flatnonzero((X[:, c] == C[0, c]).all(axis=1))
        for C, c in zip(copies, copied, strict=True)
    ]
    assert all(len(s) == 1 for s in source)
    source = np.concatenate(source)
    assert len(np.unique(source)) == len(source) and (weight[source] > 0).all()
    scores = function(X[source]), function(copies.reshape(-1, 9)).reshape(-1, 100)
    assert value == excess_mass_score(*scores, sample_weight=weight[source])
    monkeypatch.setattr("sklearn_activation._blocks.BLOCK_ENTRIES", 5000)
    again = make_outlier_scorer("excess_mass")(Scores(function), X, sample_weight=weight)
    assert again == value


@pytest.mark.parametrize("metric", LABEL_FREE)
def test_no_scores_beat_the_density_in_many_columns(metric):
    """Two correlated blobs: the unvaried columns tell how dense a whole slice is."""
    rng = np.random.default_rng(0)
    covariance = np.full((8, 8), 0.3) + 0.7 * np.eye(8)
    X = rng.multivariate_normal(np.zeros(8), covariance, 1500)
    X[:750] = 3 * X[:750] + 6

    def gaussian(precision, mean=0, scale=1):
        def log_density(X):
            Z = (X - mean) / scale
            return -0.5 * ((Z @ precision) * Z).sum(axis=1) - 8 * np.log(scale)

        return log_density

    def mixture(precision):
        narrow, wide = gaussian(precision), gaussian(precision, 6, 3)
        return lambda X: np.logaddexp(narrow(X), wide(X))

    precision = np.linalg.inv(covariance)
    density = mixture(precision)
    scorer = make_outlier_scorer(metric)
    best = scorer(Scores(density), X)
    for other in (
        gaussian(precision),
        gaussian(np.eye(8)),
        mixture(np.eye(8)),
        lambda X: -np.abs(X).max(axis=1),
    ):
        assert scorer(Scores(other), X) < best - 1e-3
    # what is known about a slice as a whole adds nothing, and takes nothing away
    assert scorer(Scores(lambda X: np.exp(density(X))), X) == pytest.approx(best)


@pytest.mark.parametrize("metric", LABEL_FREE)
@pytest.mark.parametrize("n_columns", [2, 7])
def test_column_names_are_kept(metric, n_columns, recwarn):
    pl = pytest.importorskip("polars")
    X, _ = rows(n_columns)
    names = [f"c{i}" for i in range(n_columns)]
    values = [
        make_outlier_scorer(metric)(IsolationForest(n_estimators=5, random_state=0).fit(F), F)
        for F in (
            X,
            pd.DataFrame(X, columns=names, index=range(9, 9 + len(X))),
            pl.DataFrame(X, names),
        )
    ]
    assert values[0] == values[1] == values[2]
    assert not [w for w in recwarn if "feature names" in str(w.message)]


@pytest.mark.parametrize("metric", LABEL_FREE)
@pytest.mark.parametrize("n_columns", [2, 8])
@pytest.mark.parametrize(
    "change",
    [
        lambda X: X[:1],
        lambda X: np.tile(X[:1], (9, 1)),
        lambda X: X * np.logspace(-300, 300, X.shape[1]),
        lambda X: 1e-310 * X,
        lambda X: X.astype(np.float32),
        lambda X: np.asfortranarray(X),
        lambda X: np.sign(X).astype(int),
        lambda X: X > 0,
    ],
)
def test_unusual_input_gives_finite_values(metric, n_columns, change):
    X = change(rows(n_columns)[0])
    before = X.copy()
    value = make_outlier_scorer(metric)(Scores(lambda X: -np.max(np.abs(1.0 * X), axis=1)), X)
    assert np.isfinite(value)
    np.testing.assert_array_equal(X, before)


def test_uniform_values_are_within_any_bounds():
    share = np.random.default_rng(0).random((1000, 3))
    low, high = np.array([-1.7e308, 0.1, -5e-324]), np.array([1.7e308, 0.1, 5e-324])
    values = metrics._between(low, high, share)
    assert (values >= low).all() and (values <= high).all() and (values[:, 1] == 0.1).all()
    np.testing.assert_allclose(values[:, 0] / 1.7e308, 2 * share[:, 0] - 1, atol=1e-12)


@pytest.mark.parametrize("metric", LABEL_FREE)
@pytest.mark.parametrize(
    "X, error, message",
    [
        ([["a"], ["b"]], ValueError, "could not convert"),
        ([[np.inf], [1.0]], ValueError, "infinity"),
        ([1.0, 2.0], ValueError, "2D array"),
        (sparse.csr_array(np.eye(3)), TypeError, "dense"),
    ],
)
def test_label_free_scorers_need_dense_finite_numbers(metric, X, error, message):
    with pytest.raises(error, match=message):
        make_outlier_scorer(metric)(Ball(), X)


@pytest.mark.parametrize("metric", LABEL_FREE)
@pytest.mark.parametrize("n_columns", [2, 9])
def test_label_free_scorers_pass_missing_entries_on(metric, n_columns):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, n_columns))
    X[rng.random(X.shape) < 0.1] = np.nan
    detector = ActivationAnomalyDetector(n_frequencies=32, random_state=0).fit(X)
    worse = ActivationAnomalyDetector(n_frequencies=32, random_state=0).fit(X + 9)
    scorer = make_outlier_scorer(metric)
    assert np.isfinite(scorer(detector, X))
    assert scorer(detector, X) > scorer(worse, X)


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
    ids=lambda bad: ", ".join(f"{name}: {type(value).__name__}" for name, value in bad.items()),
)
def test_bad_parameters(bad):
    parameters = {"metric": "roc_auc", **bad}
    with pytest.raises(ValueError, match=f"'{next(iter(bad))}' parameter"):
        make_outlier_scorer(parameters.pop("metric"), **parameters)


@pytest.mark.parametrize("name", metrics.__all__)
def test_docstrings(name):
    function = getattr(metrics, name)
    code = function.__wrapped__.__code__
    arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    assert [p.name for p in FunctionDoc(function)["Parameters"]] == list(arguments)
    runner = doctest.DocTestRunner()
    (test,) = doctest.DocTestFinder().find(function, name, module=False, globs={})
    assert test.examples and runner.run(test).failed == 0
