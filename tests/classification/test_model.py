"""What a classifier says of rows that are known in part, or unlike all it has learned."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_iris, load_wine

from sklearn_activation import ActivationLearningClassifier
from sklearn_activation._classification.model import fill_from_sample, hardly_known
from sklearn_activation._rows.sample import Sample

from ..tables import blobs, people
from ..tasks import familiarity_of

ENCODINGS = ["unit", "fourier"]


def small(encoding="auto", **options):
    usual = {"n_frequencies": 48, "feedback": False, "random_state": 0}
    return ActivationLearningClassifier(encoding=encoding, **{**usual, **options})


def halves_of_iris():
    X, y = load_iris(return_X_y=True)
    return X[::2], y[::2], X[1::2], y[1::2]


# -- columns ------------------------------------------------------------------------------


@pytest.mark.parametrize("column", range(4))
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_column_of_which_training_knew_nothing_counts_for_nothing(encoding, column):
    X, y, X_new, y_new = halves_of_iris()
    X[:, column] = np.nan
    classifier = small(encoding).fit(X, y)
    hidden = X_new.copy()
    hidden[:, column] = np.nan
    assert_array_equal(classifier.predict_proba(X_new), classifier.predict_proba(hidden))
    alone = small(encoding).fit(np.delete(X, column, 1), y)
    without = alone.score(np.delete(X_new, column, 1), y_new)
    assert classifier.score(X_new, y_new) > without - 0.05


@pytest.mark.parametrize("n_known", [1, 2, 4])
@pytest.mark.parametrize("column", [0, 3])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_column_that_was_hardly_known_does_no_harm_later(encoding, column, n_known):
    """If its few entries filled its gaps, real ones would be unlike all of them."""
    X, y, X_new, y_new = halves_of_iris()
    X[np.random.default_rng(0).permutation(75)[n_known:], column] = np.nan
    classifier = small(encoding).fit(X, y)
    hidden = X_new.copy()
    hidden[:, column] = np.nan
    known, unknown = classifier.score(X_new, y_new), classifier.score(hidden, y_new)
    assert min(known, unknown) > 0.87 and abs(known - unknown) < 0.02


@pytest.mark.parametrize(
    "n_known, hardly", [((0, 75, 75), 1), ((9, 75, 99), 1), ((9, 60, 80), 0), ((10, 300, 300), 0)]
)
def test_columns_are_hardly_known_beside_others(n_known, hardly):
    """In few rows, by their number and by their share of what is known of another column."""
    X = np.full((300, 3), np.nan)
    for j, n in enumerate(n_known):
        X[np.random.default_rng(j).permutation(300)[:n], j] = np.arange(n)
    sample = Sample.of(X, np.arange(300), np.ones(300), 300)
    assert hardly_known(sample).tolist() == [bool(hardly), False, False]
    # Copies of a row are no more rows than one, and a factor of weights changes nothing.
    for factor in (7.0, 1e-10):
        sample = Sample.of(
            np.tile(X, (2, 1)), np.tile(np.arange(300), 2), np.full(600, factor), 300
        )
        assert hardly_known(sample).tolist() == [bool(hardly), False, False]


def test_a_table_of_which_little_is_known_is_learned():
    """Of every column as much as of the others: a tenth."""
    X, y = blobs(120, 12)
    X[np.random.default_rng(0).random(X.shape) < 0.9] = np.nan
    classifier = small().fit(X, y)
    known = ~np.isnan(X).all(axis=1)
    assert classifier.score(X[known], y[known]) > 0.6


@pytest.mark.parametrize("relevances", ["auto", None])
@pytest.mark.parametrize("kind", ["category", "number"])
def test_a_column_without_entries_may_hold_anything_later(kind, relevances):
    frame = people(100)
    y = np.where(frame["rent"] > 600, "dear", "cheap")
    if kind == "category":
        empty, later = pd.Series([None] * 100, dtype="object").astype("category"), "new"
    else:
        empty, later = np.nan, 7.0
    classifier = small(relevances=relevances).fit(frame.assign(more=empty), y)
    expected = classifier.predict_proba(frame.assign(more=empty))
    later = pd.Series([later] * 100)
    if kind == "category":
        later = later.astype("category")
    found = classifier.predict_proba(frame.assign(more=later))
    assert_array_equal(found, expected)
    assert classifier.score(frame.assign(more=later), y) > 0.85


@pytest.mark.parametrize("value", [0.0, 3.0, -1e6])
@pytest.mark.parametrize("standardize", [True, False])
def test_a_constant_column_may_hold_anything_later(standardize, value):
    X, y, X_new, _ = halves_of_iris()
    with_column = np.column_stack([X, np.full(75, value)])
    classifier = small("fourier", standardize=standardize).fit(with_column, y)
    assert classifier.relevances_[4] == 0 and classifier.relevances_[:4].max() > 1
    one, other = (np.column_stack([X_new, np.full(75, value) + by]) for by in (0, np.arange(75)))
    assert_array_equal(classifier.predict_proba(one), classifier.predict_proba(other))


# -- gaps ----------------------------------------------------------------------------------


def iris_with_gaps(share=0.1):
    X, y = load_iris(return_X_y=True)
    rng = np.random.default_rng(1)
    gaps = X.copy()
    gaps[rng.random(X.shape) < share] = np.nan
    return gaps, y, X, rng


@pytest.mark.parametrize("encoding", ["auto", *ENCODINGS])
def test_the_order_of_rows_with_gaps_does_not_matter(encoding):
    gaps, y, X, rng = iris_with_gaps()
    order = rng.permutation(150)
    ours, theirs = (small(encoding).fit(gaps[o], y[o]) for o in (np.arange(150), order))
    for rows in (X, gaps):
        assert_allclose(ours.predict_proba(rows), theirs.predict_proba(rows), atol=1e-9)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("factor", [1.0, 2.0**-22])
def test_weights_of_rows_with_gaps_are_repetitions(encoding, factor):
    gaps, y, X, rng = iris_with_gaps()
    times = rng.integers(1, 4, 150)
    rows = np.repeat(np.arange(150), times)
    ours = small(encoding).fit(gaps, y, sample_weight=factor * times)
    theirs = small(encoding).fit(gaps[rows], y[rows])
    assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-9)


@pytest.mark.parametrize("encoding", ["auto", *ENCODINGS])
def test_rows_are_classified_in_spite_of_gaps(encoding):
    gaps, y, X, _ = iris_with_gaps(0.3)
    classifier = small(encoding).fit(gaps[::2], y[::2])
    whole = small(encoding).fit(X[::2], y[::2])
    assert classifier.score(X[1::2], y[1::2]) > whole.score(X[1::2], y[1::2]) - 0.05
    assert classifier.score(gaps[1::2], y[1::2]) > 0.85


def test_rows_are_filled_up_as_far_as_the_sample_knows_columns():
    """Rows of which nothing is known stay, and so does a column that nobody knows."""
    X = iris_with_gaps()[0]
    X[:, 2] = np.nan
    sample = Sample.of(X, None, np.ones(150), 100)
    rows = load_iris().data[:20].copy()
    rows[3], rows[4, 0], rows[5, 2] = np.nan, np.nan, np.nan
    found = fill_from_sample(rows, sample, None)
    assert np.isnan(found[3]).all() and np.isnan(found[5, 2])
    assert 4.3 <= found[4, 0] <= 5.8
    others = np.ones(rows.shape, dtype=bool)
    others[4, 0] = False
    assert_array_equal(found[others], rows[others])


# -- unknown rows -----------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["auto", *ENCODINGS])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_row_of_which_nothing_is_known_has_the_probabilities_of_training(encoding, weighted):
    """And the others of its batch have those that they have without it."""
    X, y = load_wine(return_X_y=True)
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y)) if weighted else np.ones(len(y))
    classifier = small(encoding).fit(X, y, sample_weight=weight)
    unknown = X[:20].copy()
    unknown[[3, 7]] = np.nan
    found = classifier.predict_proba(unknown)
    share = np.bincount(y, weight) / weight.sum()
    assert_allclose(found[[3, 7]], np.tile(share, (2, 1)), rtol=1e-6)
    rest = np.setdiff1d(np.arange(20), [3, 7])
    assert_allclose(found[rest], classifier.predict_proba(X[:20])[rest], rtol=1e-6)
    assert_array_equal(classifier.predict(unknown)[[3, 7]], np.argmax(share))
    assert (classifier.score_samples(unknown)[[3, 7]] < 1e-5).all()


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_row_that_is_known_where_training_knew_nothing_is_unknown(encoding):
    X, y, *_ = halves_of_iris()
    X[:, 1] = np.nan
    classifier = small(encoding).fit(X, y)
    only = np.full((2, 4), np.nan)
    only[0, 1] = 3.0
    assert_allclose(classifier.predict_proba(only), 1 / 3, rtol=1e-6)
    assert not classifier.explain(only).any()


def test_training_rows_of_which_nothing_is_known_are_learned():
    X, y, X_new, y_new = halves_of_iris()
    expected = [small(e).fit(X, y).score(X_new, y_new) for e in ENCODINGS]
    X[::10] = np.nan
    found = [small(e).fit(X, y).score(X_new, y_new) for e in ENCODINGS]
    assert_allclose(found, expected, atol=0.06)


# -- unfamiliar rows ----------------------------------------------------------------------------


@pytest.mark.parametrize("n_classes", [2, 4])
def test_rows_far_from_all_others_tend_to_the_probabilities_of_training(n_classes):
    X, y = blobs(300, 6, n_classes)
    keep = (y > 0) | (np.arange(300) % 3 == 0)  # a class is rare
    X, y = X[keep], y[keep]
    classifier = small("fourier").fit(X, y)
    share = np.bincount(y) / len(y)
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(200, 6))
    distance = []
    for size in (0.0, 30.0, 1e3, 1e6):
        p = classifier.predict_proba(X[:200] + size * directions)
        distance.append(np.abs(p - share).sum(axis=1).mean())
    assert distance[0] > 0.5 and max(distance[2:]) < 0.4 * distance[0]
    assert distance[0] > distance[1] > distance[2]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("seed", [0, 1])
def test_a_cluster_without_any_label_is_not_certain(encoding, seed):
    """Probabilities of its rows are near those of all training rows."""
    rng = np.random.default_rng(seed)
    centers = 6 * np.linalg.qr(rng.normal(size=(10, 10)))[0][:5]
    y = np.arange(500) % 5
    X = centers[y] + rng.normal(scale=0.5, size=(500, 10))
    learned = y < 4
    classifier = small(encoding).fit(X[learned], y[learned])
    assert classifier.score(X[learned], y[learned]) > 0.98
    p = classifier.predict_proba(X[~learned])
    assert p.max(axis=1).mean() < 0.55
    assert classifier.predict_proba(X[learned]).max(axis=1).mean() > 0.9
    familiar = familiarity_of(classifier, X)
    assert (familiar[learned] == 1).mean() > 0.9 and familiar[~learned].mean() < 0.5
    assert familiar.min() >= 0


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_an_unlabelled_cluster_does_not_become_certain(encoding):
    """Its rows have no label in training either: the network labels them itself."""
    rng = np.random.default_rng(2)
    centers = 6 * np.linalg.qr(rng.normal(size=(10, 10)))[0][:4]
    y = np.arange(400) % 4
    X = centers[y] + rng.normal(scale=0.5, size=(400, 10))
    labels = np.where((y == 3) | (np.arange(400) > 200), -1, y)
    classifier = small(encoding, missing_label=-1).fit(X, labels)
    assert classifier.score(X[y < 3], y[y < 3]) > 0.98
    p = classifier.predict_proba(X[y == 3])
    assert p.max(axis=1).mean() < 0.7
