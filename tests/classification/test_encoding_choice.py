"""Which encoding a classifier takes, and how far columns count in it."""

import pickle
from copy import deepcopy

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris, load_wine

from sklearn_activation import ActivationLearningClassifier

from ..cases import assert_same_answers
from ..tables import blobs, people

SMALL = {"n_frequencies": 48, "feedback": False, "random_state": 0}


def few_rows(load, n_rows, seed):
    """That many training rows of each class, and the others."""
    X, y = load(return_X_y=True)
    rng = np.random.default_rng(seed)
    picked = np.concatenate(
        [rng.permutation(np.flatnonzero(y == c))[:n_rows] for c in np.unique(y)]
    )
    rest = np.setdiff1d(np.arange(len(y)), picked)
    return X[picked], y[picked], X[rest], y[rest]


def score(encoding, X, y, X_new, y_new):
    classifier = ActivationLearningClassifier(encoding=encoding, **SMALL)
    return classifier.fit(X, y).score(X_new, y_new)


# -- the encoding ------------------------------------------------------------------------


@pytest.mark.parametrize("n_rows", [1, 3, 12])
@pytest.mark.parametrize("load, taken", [(load_wine, "fourier"), (load_digits, "unit")])
def test_an_encoding_is_taken_that_suits_the_columns(load, taken, n_rows):
    """Lengths of wine's rows are those of one column; digits are pictures."""
    for seed in range(2):
        X, y, *_ = few_rows(load, n_rows, seed)
        assert ActivationLearningClassifier(**SMALL).fit(X, y).encoding_ == taken


@pytest.mark.parametrize("n_rows", [2, 30, 300])
def test_one_column_is_not_scaled_to_norm_one(n_rows):
    X, y = np.random.default_rng(0).normal(size=(n_rows, 1)), np.arange(n_rows) % 2
    classifier = ActivationLearningClassifier(**SMALL).fit(X + y[:, None], y)
    assert classifier.encoding_ == "fourier"


def test_tables_with_categories_are_not_scaled_to_norm_one():
    frame = people(60)
    y = (frame["city"] == "Wien").to_numpy()
    assert ActivationLearningClassifier(**SMALL).fit(frame, y).encoding_ == "fourier"


@pytest.mark.parametrize("load, best", [(load_wine, "fourier"), (load_digits, "unit")])
def test_few_rows_are_classified_as_with_the_encoding_that_suits_them(load, best):
    ours, theirs = np.transpose(
        [
            [score(encoding, *few_rows(load, 3, seed)) for encoding in ("auto", best)]
            for seed in range(3)
        ]
    )
    assert ours.mean() > theirs.mean() - 0.02
    assert ours.min() > 0.6


# -- relevances ----------------------------------------------------------------------------


@pytest.mark.parametrize("given", [[1.0, 0.0, 2.0, 3.0], np.arange(4), (True, True, False, True)])
def test_given_relevances_are_taken(given):
    X, y = load_iris(return_X_y=True)
    classifier = ActivationLearningClassifier(encoding="fourier", relevances=given, **SMALL)
    classifier.fit(X, y)
    assert classifier.relevances_.dtype == np.float64
    assert_array_equal(classifier.relevances_, given)
    assert classifier.score(X, y) > 0.9
    changed = np.where(classifier.relevances_ == 0, -7.0, X)
    assert_array_equal(classifier.predict_proba(changed), classifier.predict_proba(X))


@pytest.mark.parametrize("encoding", ["fourier", "unit", "auto"])
@pytest.mark.parametrize(
    "given", [[1.0, 2.0], [[1.0] * 4], [1, 1, 1, -1], [1, 1, 1, np.nan], [1, 1, 1, np.inf], "abcd"]
)
def test_relevances_that_cannot_be_are_refused(given, encoding):
    X, y = load_iris(return_X_y=True)
    given = list(given)
    classifier = ActivationLearningClassifier(encoding=encoding, relevances=given, **SMALL)
    with pytest.raises(ValueError, match=r"relevances=\[.* must be .* 4 finite numbers"):
        classifier.fit(X, y)
    with pytest.raises(ValueError, match="relevances"):
        classifier.set_params(relevances="none").fit(X, y)


def test_unit_rows_refuse_relevances_that_are_given():
    X, y = load_iris(return_X_y=True)
    unit = ActivationLearningClassifier(encoding="unit", relevances=[1, 2, 0, 1], **SMALL)
    with pytest.raises(ValueError, match=r"for 4 columns, but encoding='unit' .*'fourier'"):
        unit.fit(X, y)
    with pytest.raises(ValueError, match="Set encoding='fourier'"):
        unit.partial_fit(X, y, classes=[0, 1, 2])
    for relevances in ("auto", None):
        assert unit.set_params(relevances=relevances).fit(X, y).relevances_ is None
    given = unit.set_params(encoding="auto", relevances=[1, 2, 0, 1]).fit(X, y)
    assert given.encoding_ == "fourier"
    assert_array_equal(given.relevances_ > 0, [True, True, False, True])


def test_columns_that_count_alike_have_no_relevances():
    X, y = load_iris(return_X_y=True)
    plain = ActivationLearningClassifier(encoding="fourier", relevances=None, **SMALL).fit(X, y)
    assert plain.relevances_ is None
    ones = ActivationLearningClassifier(encoding="fourier", relevances=[1] * 4, **SMALL).fit(X, y)
    assert_allclose(ones.predict_proba(X), plain.predict_proba(X), atol=1e-5)
    unit = ActivationLearningClassifier(encoding="unit", **SMALL).fit(X, y)
    assert unit.relevances_ is None


def noisy_columns(n=120):
    """Clusters in three columns, and three columns of noise."""
    X, y = blobs(n, 3)
    return np.hstack([X, 5 * np.random.default_rng(0).normal(size=(n, 3))]), y


def test_columns_of_noise_count_for_little():
    X, y = noisy_columns()
    relevances = ActivationLearningClassifier(**SMALL).fit(X, y).relevances_
    assert relevances[:3].max() > 1 > 2 * relevances[3:].max()


def test_a_stream_keeps_the_relevances_of_its_first_batch():
    X, y = noisy_columns()
    classifier = ActivationLearningClassifier(encoding="fourier", **SMALL)
    classifier.partial_fit(X[:60], y[:60], classes=[0, 1, 2])
    first = classifier.relevances_.copy()
    assert first[:3].max() > 1
    classifier.partial_fit(X[60:, ::-1], y[60:])
    assert_array_equal(classifier.relevances_, first)
    other = ActivationLearningClassifier(encoding="fourier", **SMALL)
    other.partial_fit(X[:60], y[:60], classes=[0, 1, 2]).partial_fit(X[60:], y[60:])
    assert_array_equal(classifier.merge(other).relevances_, first)
    different = ActivationLearningClassifier(encoding="fourier", **SMALL).fit(X[60:], y[60:])
    with pytest.raises(ValueError, match="Fourier maps are not the same"):
        classifier.merge(different)


@pytest.mark.parametrize("given", ["auto", None, [1.0, 2, 0, 1, 0, 1]])
def test_relevances_are_saved_and_cloned(given):
    X, y = noisy_columns()
    classifier = ActivationLearningClassifier(encoding="fourier", relevances=given, **SMALL)
    classifier.fit(X, y)
    assert clone(classifier).get_params()["relevances"] == given
    assert not hasattr(clone(classifier), "relevances_")
    for copy in (deepcopy(classifier), pickle.loads(pickle.dumps(classifier))):
        assert_array_equal(copy.relevances_, classifier.relevances_)
        assert_same_answers(copy, classifier, X)
        assert_array_equal(copy.explain(X[:5]), classifier.explain(X[:5]))


@pytest.mark.parametrize("relevances", ["auto", None])
def test_relevances_are_saved_by_skops(relevances):
    io = pytest.importorskip("skops.io")
    frame = people(80)
    y = np.where(frame["rent"] > 600, "dear", "cheap")
    classifier = ActivationLearningClassifier(relevances=relevances, **SMALL).fit(frame, y)
    saved = io.dumps(classifier)
    loaded = io.loads(saved, trusted=io.get_untrusted_types(data=saved))
    assert len(io.get_untrusted_types(data=saved)) == 1
    assert_same_answers(loaded, classifier, frame)
    assert_array_equal(loaded.explain(frame[:5]), classifier.explain(frame[:5]))
