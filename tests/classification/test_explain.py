"""What speaks for the predicted label, against finite differences all the way to the row."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits, load_iris

from sklearn_activation import ActivationLearningClassifier
from sklearn_activation._classification.explain import last_change_of_sign

from .. import naive
from ..tables import blobs, people
from ..tasks import encoding_of, explained_ways, gaps_of_labels, nearest_rows, network_of

OPTIONS = {"n_frequencies": 24, "learning_time": 60.0, "random_state": 0}


def gap_on_way(classifier, start, end, labels):
    """The gap of two labels as a function of how far each column has come."""
    network, encoding = network_of(classifier), encoding_of(classifier)
    n_labels = len(classifier.classes_)
    if encoding.name == "fourier":
        before, after = naive.column_phases(np.stack([start, end]), **encoding.state)

    def gap(shares):
        if encoding.name == "unit":
            z = naive.scale_to_unit((start + shares * (end - start))[None], len(start))
        else:
            z = naive.waves((before + shares[:, None] * (after - before)).sum(axis=0)[None])
        energies = naive.label_energies(network, z, n_labels)[0]
        return energies[labels[0]] - energies[labels[1]]

    return gap


def assert_explained(classifier, X, rtol=0.01):
    """Contributions are those of a fine integration of central differences."""
    found = classifier.explain(X)
    for row, start, end, *labels in zip(found, *explained_ways(classifier, X), strict=True):
        expected = naive.contributions(gap_on_way(classifier, start, end, labels), len(row))
        assert_allclose(row, expected, atol=rtol * np.abs(expected).max())
    return found


def assert_adds_up(classifier, X, contributions):
    """Rows add up to the gap of the two labels that activate most."""
    gaps = gaps_of_labels(classifier, X)
    assert_allclose(contributions.sum(axis=1), gaps, atol=1e-6)
    assert (gaps > 0).mean() > 0.9


@pytest.mark.parametrize("encoding", ["unit", "fourier"])
@pytest.mark.parametrize("layer_sizes", [16, (14, 10)])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_contributions_equal_their_twin(n_classes, layer_sizes, encoding):
    X, y = blobs(60, 4, n_classes)
    classifier = ActivationLearningClassifier(layer_sizes, encoding=encoding, **OPTIONS)
    classifier.fit(X, y)
    assert_adds_up(classifier, X, classifier.explain(X))
    assert_explained(classifier, X[:2])


@pytest.mark.parametrize("encoding", ["unit", "fourier"])
def test_gaps_are_filled_before_rows_are_explained(encoding):
    """The entries that fill them speak for a label, too."""
    X, y = blobs(60, 4)
    classifier = ActivationLearningClassifier(16, encoding=encoding, **OPTIONS).fit(X, y)
    gaps = X[:30].copy()
    gaps[np.arange(30), np.arange(30) % 4] = np.nan
    assert_adds_up(classifier, gaps, classifier.explain(gaps))
    assert_explained(classifier, gaps[:2])


def test_categories_speak_for_labels_as_well():
    frame = people(120)
    y = np.where((frame["city"] == "Wien") | frame["member"], "yes", "no")
    frame.loc[3, "city"] = frame.loc[4, "height"] = None
    classifier = ActivationLearningClassifier(24, **OPTIONS).fit(frame, y)
    assert encoding_of(classifier).categories["columns"].tolist() == [2, 3, 4]
    found = classifier.explain(frame)
    assert_adds_up(classifier, frame, found)
    assert_explained(classifier, frame[3:5])
    means = pd.Series(np.abs(found).mean(axis=0), frame.columns)
    assert means[["city", "member"]].min() > 3 * means[["height", "plan"]].max()


def test_explanations_begin_where_both_labels_activate_alike():
    """By lines between places; from the start, or from nowhere, if there is no such place."""
    values = np.array(
        [[-1, 1, -1, 1, -2, 0, 3], [1, 2, 1, -3, -1, 0, 0], [3, 1, -1, -1, -3, 0, 1.0]]
    )
    expected = [0.25, 0, 0.75, 0.125, 0, 1, 0.5]
    assert_allclose(last_change_of_sign(values), expected)


def test_a_label_that_no_kept_row_has_begins_at_the_nearest_of_all():
    X, y = blobs(60, 4)
    classifier = ActivationLearningClassifier(16, **OPTIONS).fit(X, y)
    kept = np.array([0, 1, 1, 0])
    found = nearest_rows(classifier, X[:3], np.array([1, 0, 2]), X[[7, 9, 1, 2]], kept)
    assert_array_equal(found[2], X[2])
    assert any((found[0] == row).all() for row in X[[9, 1]])
    assert any((found[1] == row).all() for row in X[[7, 2]])


@pytest.mark.parametrize("n", [150, 600])
def test_columns_that_the_label_hangs_on_speak_for_it(n):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 6))
    y = (X[:, 1] + X[:, 4] > 0).astype(int)
    classifier = ActivationLearningClassifier(n_frequencies=64, feedback=False, random_state=0)
    sizes = np.abs(classifier.fit(X, y).explain(X)).mean(axis=0)
    assert sizes[[1, 4]].min() > 3 * sizes[[0, 2, 3, 5]].max()


@pytest.mark.parametrize("encoding", ["unit", "fourier"])
def test_a_column_of_which_training_knew_nothing_contributes_nothing(encoding):
    X, y = load_iris(return_X_y=True)
    unknown = X.copy()
    unknown[:, 1] = np.nan
    classifier = ActivationLearningClassifier(16, encoding=encoding, **OPTIONS).fit(unknown, y)
    found = classifier.explain(X)
    assert np.abs(found[:, 1]).max() < 1e-9 * np.abs(found).max()
    assert_allclose(found, classifier.explain(unknown), atol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("load", [load_iris, load_digits])
def test_rows_are_explained_each_on_its_own(load, dtype):
    """In any batch, in either precision, and of any kind of rows."""
    X, y = load(return_X_y=True)
    X, y = X[::8].astype(dtype), y[::8]
    classifier = ActivationLearningClassifier(64, **OPTIONS).fit(X, y)
    found = classifier.explain(X)
    assert found.dtype == np.float64 and found.shape == X.shape
    assert_adds_up(classifier, X, found)
    assert_allclose(classifier.explain(X[5:8]), found[5:8], atol=1e-5)
    assert_allclose(classifier.set_params(n_jobs=2).explain(X), found, atol=1e-6)


@pytest.mark.parametrize("encoding", ["unit", "fourier"])
def test_any_row_is_explained(encoding):
    """Of zeros, without a known entry, far away, and a row that was learned."""
    X, y = blobs(60, 4)
    classifier = ActivationLearningClassifier(16, encoding=encoding, **OPTIONS).fit(X, y)
    rows = np.vstack([np.zeros(4), np.full(4, np.nan), np.full(4, 1e300), X[0], 1e-300 * X[1]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = classifier.explain(rows)
    assert np.isfinite(found).all()
    assert_array_equal(found[1], np.zeros(4))


@pytest.mark.parametrize("encoding", ["unit", "fourier"])
def test_gaps_of_kept_rows_do_not_matter(encoding):
    """A stream learns a column later than others, and a row of which nothing is known."""
    X, y = blobs(120, 4)
    gaps = X.copy()
    gaps[:60, 2], gaps[5] = np.nan, np.nan
    classifier = ActivationLearningClassifier(16, encoding=encoding, **OPTIONS)
    for part in (slice(60), slice(60, None)):
        classifier.partial_fit(gaps[part], y[part], classes=[0, 1, 2])
    found = classifier.explain(X)
    assert np.isfinite(found).all()
    assert_adds_up(classifier, X, found)
