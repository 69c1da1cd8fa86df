"""Rows made for a label, and rows with gaps completed: where they start, and what they keep."""

import numpy as np
import pytest
from sklearn.datasets import load_iris

from sklearn_activation._inference.completion import (
    column_ranges,
    complete_rows,
    generate_rows,
)
from sklearn_activation._inference.objective import LostActivation, Objective
from sklearn_activation._rows.encodings import ENCODINGS
from sklearn_activation._rows.sample import Sample

from ..cases import small_classifier
from ..tables import line
from ..tasks import encoding_of, network_of

# -- ranges and means ----------------------------------------------------------------------


def test_ranges_are_those_of_known_entries():
    X = np.array([[1.0, np.nan, -3], [np.nan, np.nan, 5], [4, np.nan, 0]], np.float32)
    low, high = column_ranges(X)
    np.testing.assert_array_equal(low, [1, 0, -3])
    np.testing.assert_array_equal(high, [4, 0, 5])


# -- searches ------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=ENCODINGS)
def iris(request):
    """A network of iris, its sample, and what is known of its rows."""
    X, y = load_iris(return_X_y=True)
    classifier = small_classifier(request.param, "abs", (24,), X, y)
    sample = Sample.of(X, y, np.ones(len(X)), 2048)
    network, encoding = network_of(classifier), encoding_of(classifier)
    bounds = (X.min(axis=0), X.max(axis=0))
    return (
        LostActivation(network, encoding, 3),
        Objective(network, encoding, 3),
        sample,
        X,
        y,
        bounds,
    )


def test_completed_rows_keep_what_is_known_and_stay_in_range(iris):
    lost, _, sample, X, y, (low, high) = iris
    gaps = np.where(np.random.default_rng(0).random(X.shape) < 0.3, np.nan, X)
    gaps[np.isnan(gaps).all(axis=1), 0] = 5.0
    found, value = complete_rows(lost, sample, gaps, y, bounds=(low, high), n_jobs=None)
    known = ~np.isnan(gaps)
    np.testing.assert_array_equal(found[known], gaps[known])
    assert ((found >= low) & (found <= high))[~known].all()
    np.testing.assert_allclose(value, lost(found, y)[0], rtol=1e-6, atol=1e-9)
    # Filled with the label's means, rows lose more.
    of_label = np.stack([np.nanmean(gaps[y == label], axis=0) for label in range(3)])
    means = np.where(known, gaps, of_label[y])
    assert value.mean() > lost(means, y)[0].mean()
    error, of_means = (np.abs(A - X)[~known].mean() for A in (found, means))
    assert error < of_means


def test_completion_starts_from_the_nearest_kept_rows(iris):
    """With no steps at all, gaps get the mean of the five rows nearest in what is known."""
    lost, _, sample, X, y, bounds = iris
    gaps = X[:30:3].copy()
    gaps[:, 2] = np.nan
    labels = y[:30:3]
    found, _ = complete_rows(lost, sample, gaps, labels, bounds=bounds, n_jobs=None, max_iter=0)
    kept = sample.X[sample.labels == 0]
    known = ~np.isnan(gaps)
    weight = sample.weight[sample.labels == 0]
    distance, factor = lost.encoding.distances(np.nan_to_num(gaps), known, kept, weight)
    ascending = np.sort(distance, axis=1)
    told_apart = np.flatnonzero(ascending[:, 5] - ascending[:, 4] > 1e-9)
    assert len(told_apart) > len(gaps) / 2
    for i in told_apart:
        nearest = np.argsort(distance[i])[:5]
        expected = np.mean(factor[i, nearest] * kept[nearest, 2])
        assert found[i, 2] == pytest.approx(np.clip(expected, bounds[0][2], bounds[1][2]))


@pytest.mark.parametrize("mean", [[1e9, 3e9, 2e9], [0, 1e9, 0], [0, 0, -1e9]], ids=str)
def test_the_nearest_kept_rows_are_near_wherever_columns_lie(mean):
    """A mean of 1e9 deviations tells nothing of rows that all have it."""
    X, y = line(120) + mean, np.zeros(120, dtype=int)
    y[::2] = 1
    classifier = small_classifier("fourier", "abs", (24,), X, y)
    lost = LostActivation(network_of(classifier), encoding_of(classifier), 2)
    gaps = X.copy()
    gaps[np.arange(120), np.arange(120) % 3] = np.nan
    sample = Sample.of(X, y, np.ones(120), 2048)
    bounds = column_ranges(X)
    found, _ = complete_rows(lost, sample, gaps, y, bounds=bounds, n_jobs=None, max_iter=0)
    assert np.abs(found - X)[np.isnan(gaps)].mean() < 0.2  # of columns that spread by 1 and 2


def test_generated_rows_activate_and_have_the_lengths_of_their_label(iris):
    _, objective, sample, X, y, (low, high) = iris
    labels = np.repeat([0, 1, 2], 6)
    rng = np.random.default_rng(0)
    found = generate_rows(objective, sample, labels, None, rng, bounds=(low, high), n_jobs=None)
    value, of_rows = objective(found, labels)[0], objective(X, y)[0]
    for label in range(3):
        assert value[labels == label].min() >= of_rows[y == label].mean()
    if objective.encoding.name == "unit":
        kept = np.linalg.norm(X, axis=1)
        for label in range(3):
            np.testing.assert_allclose(
                np.linalg.norm(found[labels == label], axis=1),
                np.linalg.norm(sample.X[sample.labels == label], axis=1).mean(),
            )
        assert kept.min() < np.linalg.norm(found, axis=1).min()
    else:
        assert ((found >= low) & (found <= high)).all()


def test_blocks_do_not_change_what_is_found(iris, monkeypatch):
    lost, _, sample, X, y, bounds = iris
    gaps = np.where(np.arange(4) == 2, np.nan, X)
    options = {"bounds": bounds, "max_iter": 20}
    whole, _ = complete_rows(lost, sample, gaps, y, n_jobs=None, **options)
    monkeypatch.setattr("sklearn_activation._blocks.BLOCK_ENTRIES", 3000)
    cut, _ = complete_rows(lost, sample, gaps, y, n_jobs=2, **options)
    np.testing.assert_allclose(cut, whole, atol=0.02)
