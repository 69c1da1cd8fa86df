"""Gaps of rows are filled from the nearest rows that know the entry."""

import numpy as np
import pytest

from sklearn_activation._rows.gaps import N_DRAWN, N_NEAREST, fill_from_donors

from ..encodings import fourier_encoding
from ..tables import line


def scaled(X):
    return fourier_encoding(X, n_frequencies=4)


@pytest.mark.parametrize("drawn", [False, True])
def test_gaps_are_filled_from_the_nearest_that_know(drawn):
    donors, X = line(), line(40, seed=1)
    donors[::3, 2] = np.nan
    full = X.copy()
    X[:, 2] = np.nan
    X[0] = [np.nan, 1.0, np.nan]
    encoding = scaled(donors)
    found = fill_from_donors(X, donors, encoding, drawn=drawn)
    np.testing.assert_array_equal(found[:, :2][1:], full[1:, :2])
    assert np.abs(found[1:, 2] - full[1:, 2]).max() < 1.0
    Z, D = encoding.standardise(X), encoding.standardise(donors)
    for i in range(1, 40):
        known = np.flatnonzero(~np.isnan(donors[:, 2]))
        nearest = known[
            np.argsort(((Z[i, :2] - D[known, :2]) ** 2).sum(axis=1))[
                : N_DRAWN if drawn else N_NEAREST
            ]
        ]
        if drawn:
            assert found[i, 2] in donors[nearest, 2]
        else:
            assert found[i, 2] == pytest.approx(donors[nearest, 2].mean())


def test_entries_that_no_donor_knows_stay_missing():
    donors, X = line(20), line(5, seed=1)
    donors[:, 1] = np.nan
    X[:, 1] = np.nan
    found = fill_from_donors(X, donors, scaled(donors), drawn=False)
    assert np.isnan(found[:, 1]).all() and not np.isnan(found[:, [0, 2]]).any()


@pytest.mark.parametrize("share", [0.3, 0.6])
@pytest.mark.parametrize("n_values", [2, 4])
def test_order_of_donors_that_are_equally_far_does_not_matter(n_values, share):
    """In columns of few values many donors are, and one of them is drawn."""
    rng = np.random.default_rng(0)
    X = rng.integers(n_values, size=(80, 3)).astype(float)
    donors = np.where(rng.random(X.shape) < share, np.nan, X)
    gaps = np.where(rng.random(X.shape) < share, np.nan, X)
    encoding = scaled(X)
    found = fill_from_donors(gaps, donors, encoding, drawn=True)
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(donors))
        again = fill_from_donors(gaps, donors[order], encoding, drawn=True)
        np.testing.assert_array_equal(again, found)


def test_the_nearest_are_those_of_the_least_mean_distance():
    """Donors that know one of two columns are not nearer for that."""
    fewer, more = [0.9, np.nan, -1.0], [0.75, 0.75, 1.0]
    donors = np.array([fewer] * N_NEAREST + [more] * N_NEAREST)
    encoding = scaled(np.random.default_rng(0).normal(size=(500, 3)))
    found = fill_from_donors(np.array([[0.0, 0.0, np.nan]]), donors, encoding, drawn=False)
    assert found[0, 2] == 1


@pytest.mark.parametrize("drawn", [False, True])
def test_donors_of_the_same_category_are_nearer(drawn):
    rng = np.random.default_rng(0)
    codes = rng.integers(3, size=300)
    donors = np.column_stack([codes, 100.0 * codes + rng.normal(size=300)])
    encoding = fourier_encoding(
        donors, n_frequencies=4, categorical=np.array([True, False]), bandwidth="auto"
    )
    X = np.column_stack([np.repeat([0.0, 1.0, 2.0], 20), np.full(60, np.nan)])
    found = fill_from_donors(X, donors, encoding, drawn=drawn)
    assert np.abs(found[:, 1] - 100 * X[:, 0]).max() < 10


def test_columns_weigh_what_they_are_given():
    """A column of no weight has no say in who is near, and half a weight is half a say."""
    rng = np.random.default_rng(0)
    donors, X = rng.normal(size=(60, 3)), rng.normal(size=(20, 3))
    X[:, 2] = np.nan
    share = np.array([1.0, 0.0, 1.0])
    encoding = scaled(donors)
    encoding.scale[1] = np.inf
    donors[::2, 1] = np.nan  # knowing the column is no merit
    found = fill_from_donors(X, donors, encoding, drawn=False, share=share)
    blind = fill_from_donors(
        X[:, [0, 2]], donors[:, [0, 2]], scaled(donors[:, [0, 2]]), drawn=False
    )
    np.testing.assert_allclose(found[:, 2], blind[:, 1])


def test_categories_are_what_most_of_the_nearest_have():
    """The nearest of all has 7, and three of the other four have 9."""
    donors = np.array([[0.0, 7], [0.1, 9], [0.2, 9], [0.3, 8], [0.4, 9], [5, 8], [6, 8], [7, 8]])
    encoding = scaled(donors)
    encoding.categories = {"columns": np.array([1]), "widths": np.ones(4), "seed": 0}
    encoding.scale[1] = np.inf
    found = fill_from_donors(np.array([[0.0, np.nan]]), donors, encoding, drawn=False)
    assert found[0, 1] == 9
    donors[[1, 2, 4], 1] = [1, 2, 3]  # one vote each
    found = fill_from_donors(np.array([[0.0, np.nan]]), donors, encoding, drawn=False)
    assert found[0, 1] == 7


def test_blocks_and_threads_do_not_matter(monkeypatch):
    donors, X = line(), line(60, seed=1)
    X[::2, 2] = np.nan
    whole = fill_from_donors(X, donors, scaled(donors), drawn=False)
    monkeypatch.setattr("sklearn_activation._blocks.BLOCK_ENTRIES", 3000)
    cut = fill_from_donors(X, donors, scaled(donors), drawn=False, n_jobs=2)
    np.testing.assert_allclose(cut, whole)
