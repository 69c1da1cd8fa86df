"""The classifier of tables: few rows, rare and many classes, categories, data frames."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import (
    load_breast_cancer,
    load_digits,
    load_iris,
    load_wine,
    make_blobs,
)
from sklearn.metrics import balanced_accuracy_score, log_loss

from sklearn_activation import ActivationLearningClassifier

from .tables import KINDS, as_polars, as_polars_enum, people


def small(**options):
    usual = {"n_frequencies": 48, "feedback": False, "random_state": 0}
    return ActivationLearningClassifier(**{**usual, **options})


# -- few rows --------------------------------------------------------------------------


def test_probabilities_by_few_rows_are_never_far_too_certain():
    """By 40 rows of 569: log-losses of five draws 0.14 to 0.33, of a mean of 0.21."""
    X, y = load_breast_cancer(return_X_y=True)
    losses, least = [], []
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(len(y))
        train, test = order[:40], order[40:]
        p = small().fit(X[train], y[train]).predict_proba(X[test])
        losses.append(log_loss(y[test], p))
        least.append(p[np.arange(len(test)), y[test]].min())
    assert np.mean(losses) < 0.25
    assert min(least) > 1e-6


@pytest.mark.parametrize("load", [load_iris, load_wine, load_breast_cancer, load_digits])
@pytest.mark.parametrize("encoding", ["auto", "unit", "fourier"])
def test_one_row_a_class_is_learned(encoding, load):
    """Each is more likely of its own label than a guess, and not certain."""
    X, y = load(return_X_y=True)
    rows = np.unique(y, return_index=True)[1]
    p = small(encoding=encoding).fit(X[rows], y[rows]).predict_proba(X[rows])
    assert p.argmax(axis=1).tolist() == list(range(len(rows)))
    assert np.diag(p).min() > 1 / 3
    # Beside as many rows of an unknown label, half the probability is shared among all labels.
    assert np.diag(p).mean() < (1 + 1 / len(rows)) / 2 + 0.02


@pytest.mark.parametrize("n_rows", [2, 5])
def test_few_rows_a_class_may_have_gaps(n_rows):
    X, y = load_iris(return_X_y=True)
    rows = np.concatenate([np.flatnonzero(y == c)[:n_rows] for c in range(3)])
    gaps = X[rows].copy()
    gaps[0, 0] = gaps[-1, 3] = np.nan
    classifier = small().fit(gaps, y[rows])
    assert classifier.score(X, y) > 0.8
    assert classifier.predict_proba(X).max() < 1 - 1e-6


# -- rare and many classes -------------------------------------------------------------


def rare(n, distance, seed):
    """Rows of which one in 26 has the other label, at a distance."""
    y = (np.arange(n) % 26 == 0).astype(int)
    X = np.random.default_rng(seed).normal(size=(n, 4))
    X[:, :2] += y[:, None] * [distance, distance / 2]
    return X, y


@pytest.mark.parametrize("encoding", ["unit", "fourier"])
@pytest.mark.parametrize("distance", [1.0, 2.5])
def test_probabilities_of_a_rare_class_are_as_rare(distance, encoding):
    """Of nine seeds 0.79 to 1.21 of the share, and with less log-loss than by the share alone."""
    X, y = rare(1040, distance, seed=0)
    X_new, y_new = rare(2600, distance, seed=1)
    classifier = small(encoding=encoding).fit(X, y)
    p = classifier.predict_proba(X_new)[:, 1]
    assert p.mean() * 26 == pytest.approx(1, abs=0.3)
    assert log_loss(y_new, p) < 0.95 * log_loss(y_new, np.full(2600, 1 / 26))
    balanced = small(encoding=encoding, class_weight="balanced").fit(X, y)
    plain, raised = (
        balanced_accuracy_score(y_new, c.predict(X_new)) for c in (classifier, balanced)
    )
    assert raised > plain + 0.08


def test_a_hundred_classes_are_learned_from_rows_with_gaps():
    """Of two rows a class, more than half with a gap; without gaps 0.9 are right."""
    X, y = make_blobs(400, 8, centers=100, cluster_std=0.5, random_state=0)
    gaps = X.copy()
    gaps[np.random.default_rng(0).random(X.shape) < 0.1] = np.nan
    classifier = small(encoding="fourier", n_frequencies=192).fit(gaps[::2], y[::2])
    assert len(classifier.classes_) > 90
    p = classifier.predict_proba(gaps[1::2])
    assert_allclose(p.sum(axis=1), 1)
    assert classifier.score(X[1::2], y[1::2]) > 0.7
    assert np.isfinite(classifier.explain(gaps[1:6:2])).all()


# -- categories ----------------------------------------------------------------------------


def dear_people(n=120, seed=0):
    """People, and whether they are members or live where rents are high."""
    frame = people(n, seed)
    return frame, np.where(frame["member"] | (frame["city"] == "Wien"), "yes", "no")


@pytest.mark.filterwarnings("ignore:X (has|does not have valid) feature names")
@pytest.mark.parametrize("kind", KINDS)
def test_tables_of_every_kind_have_the_same_answers(kind):
    frame, y = dear_people()
    new, _ = dear_people(40, seed=1)
    expected = small().fit(frame, y)
    assert_array_equal(expected.is_categorical_, [False, False, True, True, True])
    found = small().fit(KINDS[kind](frame), y)
    assert_array_equal(found.is_categorical_, expected.is_categorical_)
    assert_allclose(found.relevances_, expected.relevances_, rtol=1e-6)
    for classifier in (found, expected):
        p = classifier.predict_proba(KINDS[kind](new))
        assert_allclose(p, expected.predict_proba(new), rtol=1e-6)


@pytest.mark.parametrize(
    "declared", [[2, 3, 4], ["city", "plan", "member"], [False, False, True, True, True]]
)
def test_declared_categories(declared):
    frame, y = dear_people()
    expected = small().fit(frame, y).predict_proba(frame)
    found = small(categorical_features=declared).fit(frame, y)
    assert_array_equal(found.predict_proba(frame), expected)
    with pytest.raises(ValueError, match="encoding='fourier'"):
        small(encoding="unit", categorical_features=declared).fit(frame, y)


@pytest.mark.parametrize("seed", [0, 1])
def test_categories_count_as_far_as_they_say_what_label_rows_have(seed):
    """Neither of two says it alone."""
    frame = people(300, seed).drop(columns="rent")
    noise = np.random.default_rng(seed).integers(3, size=(300, 4)).astype(str)
    frame[["a", "b", "c", "d"]] = noise
    y = (frame["city"] == "Wien") ^ frame["member"]
    classifier = small(n_frequencies=128).fit(frame[:200], y[:200])
    assert classifier.score(frame[200:], y[200:]) > 0.95
    relevances = dict(zip(frame, classifier.relevances_, strict=True))
    assert min(relevances["city"], relevances["member"]) > 1.1
    assert max(relevances[name] for name in ["height", "a", "b", "c", "d"]) < 0.6


def test_a_category_that_training_never_had_is_far_from_all():
    """Rows that have one are less certain, and those of other columns still count."""
    frame, y = dear_people()
    classifier = small().fit(frame, y)
    usual = classifier.predict_proba(frame)
    never = frame.assign(city="Rome")
    found = classifier.predict_proba(never)
    assert np.isfinite(found).all()
    assert found.max(axis=1).mean() < usual.max(axis=1).mean() - 0.03
    members = frame["member"].to_numpy()
    assert found[members, 1].mean() > found[~members, 1].mean() + 0.1
    # Names that were never seen are not alike, either.
    other = classifier.predict_proba(frame.assign(city="Bern"))
    assert np.abs(other - found).max() > 1e-3


def test_booleans_are_categories_in_frames_and_numbers_in_arrays():
    X = np.random.default_rng(0).random((100, 4)) < 0.5
    y = (X[:, 0] ^ X[:, 1]).astype(int)
    frame = small().fit(pd.DataFrame(X, columns=list("abcd")), y)
    assert frame.is_categorical_.all()
    assert frame.score(pd.DataFrame(X, columns=list("abcd")), y) > 0.95
    array = small(encoding="fourier").fit(X, y)
    assert array.is_categorical_ is None
    assert_array_equal(array.predict_proba(X.astype(float)), array.predict_proba(X))
    assert array.score(X, y) > 0.95


@pytest.mark.parametrize("kind", [lambda frame: frame, as_polars, as_polars_enum])
def test_columns_in_another_order_are_refused(kind):
    frame, y = dear_people()
    classifier = small().fit(kind(frame), y)
    assert list(classifier.feature_names_in_) == list(frame)
    moved = kind(frame[["rent", "height", "city", "plan", "member"]])
    for call in (classifier.predict_proba, classifier.explain, classifier.score_samples):
        with pytest.raises(ValueError, match="feature names"):
            call(moved)
    with pytest.raises(ValueError, match="feature names"):
        classifier.partial_fit(moved, y)


def test_kinds_of_columns_do_not_change_after_training():
    frame, y = dear_people()
    classifier = small().fit(frame, y)
    for call in (
        classifier.predict_proba,
        classifier.explain,
        lambda X: classifier.partial_fit(X, y),
    ):
        with pytest.raises(ValueError, match="'rent' holds strings such as 'high'"):
            call(frame.assign(rent="high"))
    with pytest.raises(ValueError, match="'when' holds dates"):
        small().fit(frame.assign(when=pd.date_range("2024", periods=len(frame))), y)


@pytest.mark.parametrize("share", [0.1, 0.4])
def test_gaps_among_categories_are_filled(share):
    frame, y = dear_people(200)
    rng = np.random.default_rng(0)
    gaps = frame.astype(object).mask(rng.random(frame.shape) < share)
    gaps = gaps.astype({"height": float, "rent": float})
    classifier = small().fit(gaps, y)
    assert classifier.is_categorical_.tolist() == [False, False, True, True, True]
    order = rng.permutation(200)
    again = small().fit(gaps.iloc[order], y[order])
    assert_allclose(again.predict_proba(frame), classifier.predict_proba(frame), atol=1e-9)
    assert classifier.score(frame, y) > 0.85
