"""What fills gaps best, chosen by entries that are hidden."""

import numpy as np
import pytest

from sklearn_activation._imputation import choice as module
from sklearn_activation._imputation.choice import choose, row_weights
from sklearn_activation._imputation.columns import Columns
from sklearn_activation._imputation.filling import fill_from_nearest
from sklearn_activation._imputation.layer import fit_encoding
from sklearn_activation._learning.time_rules import GivenTimes, MeanEigenvalue

from ..tables import correlated


def chosen(X, fixed=(False, False), n_frequencies=64, categorical=(), rule=MeanEigenvalue):
    mask = np.zeros(X.shape[1], dtype=bool)
    mask[list(categorical)] = True
    columns = Columns.fitted_to(X, mask)
    kept = columns.read(X)
    filled, weight = fill_from_nearest(kept, kept, columns), row_weights(kept)
    options = {"bandwidth": "auto", "n_frequencies": n_frequencies, "seed": 0}
    encoding = fit_encoding(filled, weight, columns, **options)
    return choose(kept, columns, encoding, 0.1, rule, fixed, 0, None)


def test_halving_finds_what_comparing_all_does(monkeypatch):
    X = correlated(400)
    halved = chosen(X)
    monkeypatch.setattr(module, "ROUNDS", ((24, 10**9, 40),))
    whole = chosen(X)
    assert halved.error == pytest.approx(whole.error, rel=0.05)
    assert whole.n_steps == halved.n_steps == 100


def test_one_frequency_is_worse_than_the_nearest_rows():
    found = chosen(correlated(500), n_frequencies=1)
    assert found.n_steps == 0
    assert 0 < found.error < 1


def test_a_vote_stays_where_the_network_is_no_better():
    """One frequency tells next to nothing of a category that lies in a column; nothing beats a
    vote that is always right."""
    X = correlated(300, 3)
    X = np.column_stack([X, np.full(300, 5.0), np.floor(X[:, 0])])
    assert chosen(X, categorical=(3, 4), n_frequencies=1).voted == (3, 4)
    assert chosen(X, categorical=(3, 4)).voted[0] == 3


def test_nothing_to_choose():
    X = correlated(60)
    assert np.isnan(chosen(X, (True, True), rule=lambda _: GivenTimes([50.0])).error)
    assert chosen(X, (True, True), rule=lambda _: GivenTimes([50.0])).factor == 1
    alone = np.where(np.arange(60)[:, None] % 5 == np.arange(5), X, np.nan)
    assert np.isnan(chosen(alone).error)  # a row of one entry has none left when it is hidden


def test_rows_weigh_by_the_square_of_what_is_known():
    Z = np.ones((4, 4))
    Z[1, :2], Z[2, :3], Z[3] = np.nan, np.nan, np.nan
    np.testing.assert_allclose(row_weights(Z), [1, 0.25, 0.0625, 0.05**2])
