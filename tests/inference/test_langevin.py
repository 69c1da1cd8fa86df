"""Rows drawn at random: the walk leaves its density as it is."""

from types import SimpleNamespace

import numpy as np
import pytest

from sklearn_activation._inference.langevin import sample_langevin


@pytest.mark.parametrize("loss_ratio", [1.0, 1.5, 2.5])
def test_the_walk_leaves_the_density_as_it_is(loss_ratio):
    """Metropolis: rows from the density stay so, along a column of a known density.

    Where the loss is quadratic, rows that were not trained on lose ``loss_ratio`` times as much as
    the kept ones if they vary by so many times the variance.
    """

    class Quadratic:
        encoding = SimpleNamespace(unit=1.0, size=lambda X: np.linalg.norm(X, axis=1))

        def __call__(self, X, labels=None, gains=None):
            return -((X - 1) ** 2).sum(axis=1), -2 * (X - 1)

    rng = np.random.default_rng(0)
    kept = 1 + rng.normal(size=(500, 2))
    free = np.array([True, True])
    share = np.full(500, 1 / 500)
    start = np.zeros((3000, 2))
    found, acceptance = sample_langevin(
        Quadratic(), kept, share, start, free, loss_ratio, rng, n_steps=90
    )
    assert acceptance == pytest.approx(0.574, abs=0.08)
    np.testing.assert_allclose(found.mean(axis=0), 1, atol=0.08)
    expected = np.sqrt(loss_ratio) * kept.std(axis=0)
    np.testing.assert_allclose(found.std(axis=0), expected, rtol=0.1)


@pytest.mark.parametrize("n_columns", [1, 3])
def test_walks_stay_within_twice_the_range_of_the_kept_rows(n_columns):
    """Where the density says nothing, all of it is reached and nothing beyond."""

    class Flat:
        encoding = SimpleNamespace(unit=1.0, size=lambda X: np.linalg.norm(X, axis=1))

        def __call__(self, X, labels=None, gains=None):
            return np.zeros(len(X)), np.zeros(X.shape)

    rng = np.random.default_rng(0)
    kept = rng.uniform(2, 4, size=(400, n_columns))
    free, share = np.ones(n_columns, dtype=bool), np.full(400, 1 / 400)
    start = np.zeros((500, n_columns))
    found, _ = sample_langevin(Flat(), kept, share, start, free, 1.0, rng, n_steps=150)
    assert found.min() > 1 - 0.02 and found.max() < 5 + 0.02
    assert found.min() < 1.5 and found.max() > 4.5
