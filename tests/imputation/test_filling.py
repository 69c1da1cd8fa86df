"""Gaps filled from the nearest rows, and categories by what activates most."""

import numpy as np
import pytest
from sklearn.impute import KNNImputer

from sklearn_activation._imputation.columns import Columns
from sklearn_activation._imputation.filling import Filler, fill_from_nearest
from sklearn_activation._imputation.layer import Learned, fit_encoding
from sklearn_activation._learning.time_rules import GivenTimes

from ..tables import correlated


def columns_of(kept, categorical=()):
    mask = np.zeros(kept.shape[1], dtype=bool)
    mask[list(categorical)] = True
    return Columns.fitted_to(kept, mask)


def test_nearest_rows_are_those_of_scikit_learn():
    X = correlated(200)
    gaps = np.where(np.random.default_rng(0).random(X.shape) < 0.2, np.nan, X)
    gaps = gaps[~np.isnan(gaps).all(axis=1)]
    columns = columns_of(gaps)
    columns.trust[:] = 1.0  # which differs a little from column to column
    Z = columns.read(gaps)
    expected = KNNImputer(n_neighbors=5).fit_transform(Z)
    np.testing.assert_allclose(fill_from_nearest(Z, Z, columns), expected, atol=1e-9)


def test_rows_of_which_nothing_is_known_get_what_is_usual():
    kept = np.column_stack([correlated(40, 2), np.full(40, np.nan), [3.0] * 10 + [8.0] * 30])
    columns = columns_of(kept, [3])
    Z = columns.read(kept)
    rows = np.full((2, 4), np.nan)
    rows[1, 2] = 1.0  # of a column that training never knew
    found = columns.write(fill_from_nearest(columns.read(rows), Z, columns))
    np.testing.assert_allclose(found[0], [*kept[:, :2].mean(axis=0), 0, 8], atol=1e-9)
    np.testing.assert_allclose(found[1, [0, 1, 3]], found[0, [0, 1, 3]])


@pytest.fixture(scope="module")
def categories():
    """Rows on a circle with the quarter that they lie in, and a layer that has learned them."""
    angle = np.random.default_rng(0).uniform(0, 2 * np.pi, 400)
    quarter = np.floor(angle / (np.pi / 2)) * 11
    X = np.column_stack([np.cos(angle), np.sin(angle), quarter])
    columns = columns_of(X, [2])
    Z = columns.read(X)
    options = {"bandwidth": 0.7, "n_frequencies": 128, "seed": 0}
    learned = Learned(Z, np.ones(400), fit_encoding(Z, np.ones(400), columns, **options), 0.1)
    return Filler(learned.objective(GivenTimes([3000.0])), Z, columns, None), Z


def test_the_category_that_activates_most_is_chosen(categories):
    filler, Z = categories
    start, missing = Z.copy(), np.zeros(Z.shape, dtype=bool)
    missing[:, 2] = True
    start[:, 2] = (Z[:, 2] + 1) % 4  # wrong throughout
    found = filler.fill(start, missing, 0)
    assert (found[:, 2] == Z[:, 2]).mean() > 0.9
    np.testing.assert_array_equal(found[:, :2], Z[:, :2])
    energies = []
    for place in range(4):
        start[:, 2] = place
        energies.append(filler.objective(start)[0])
    # Of two that are as good as equal either will do.
    best = np.max(energies, axis=0)
    chosen = np.take_along_axis(np.array(energies), found[None, :, 2].astype(int), axis=0)[0]
    np.testing.assert_allclose(chosen, best, atol=1e-5)


def test_votes_and_rows_without_anything_known_stay(categories):
    filler, Z = categories
    start, missing = Z.copy(), np.zeros(Z.shape, dtype=bool)
    missing[:, 2] = True
    start[:, 2] = (Z[:, 2] + 1) % 4
    np.testing.assert_array_equal(filler.fill(start, missing, 9, voted=(2,)), start)
    missing[:] = True
    np.testing.assert_array_equal(filler.fill(start, missing, 9), start)


def test_numbers_and_categories_are_found_together(categories):
    filler, Z = categories
    start, missing = Z.copy(), np.zeros(Z.shape, dtype=bool)
    missing[:, 1:] = True
    start[:, 1], start[:, 2] = 0.1, (Z[:, 2] + 1) % 4
    found = filler.fill(start, missing, 60)
    assert (filler.objective(found)[0] >= filler.objective(start)[0] - 1e-6).all()
    # Of a cosine alone the half is unknown: the quarter is one of two.
    right = np.isin(found[:, 2], [0, 3]) == (Z[:, 0] > 0)
    assert right.mean() > 0.9
