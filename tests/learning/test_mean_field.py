"""The mean field of the rule with weights fixed at zero, against a plain integration."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_activation._learning.mean_field import LARGEST_EXPONENT, N_STEPS, MeanFieldLayer
from sklearn_activation._learning.moments import Moments
from sklearn_activation._learning.time_rules import kaiser_time
from sklearn_activation._local import Grid

from .. import naive

GRID = Grid(4, 5, 2, (3, 3), 2, n_labels=3)
CONNECTED = naive.connections(4, 5, 2, (3, 3), 2, 3)


def rows(n=90, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, GRID.n_inputs)) * np.linspace(0.1, 2, GRID.n_inputs)
    return X / np.linalg.norm(X, axis=1, keepdims=True)


def layer_of(X, grid=GRID, weight=None):
    moments = Moments(grid.n_inputs).add(X, weight)
    return MeanFieldLayer(moments, grid, 0.1, (0, 0), np.dtype(float))


def start(grid=GRID):
    return grid.random(0.1, np.random.default_rng((0, 0)), np.float64).toarray()


@pytest.mark.parametrize("t", [3.0, 300.0])
@pytest.mark.parametrize("n", [20, 90])
def test_weights_follow_the_masked_mean_of_the_rule(t, n):
    X = rows(n)
    C = naive.second_moments(X)
    layer = layer_of(X)
    W = layer.weights(t).toarray()
    expected = naive.mean_field(C, start(), CONNECTED, t, N_STEPS, LARGEST_EXPONENT / t)
    assert_allclose(W, expected, atol=1e-10)
    curve = layer.curve(t)
    assert len(curve) == N_STEPS
    assert_allclose(curve[-1], np.trace(W.T @ C @ W))
    assert (np.diff(curve) > 0).all()


def test_short_times_are_the_rule_with_small_rates():
    """The mean of the masked rule over the rows is the slope of the mean field."""
    X, t = rows(), 1e-3
    W = start()
    step = naive.masked_step(X, np.full(len(X), t / len(X)), W, CONNECTED)
    assert_allclose(layer_of(X).weights(t).toarray() - W, step, atol=1e-3 * np.abs(step).max())


def test_steps_are_fine_enough():
    """The steps end where a hundred times as many steps end."""
    X, t = rows(), 100.0
    C = naive.second_moments(X)
    fine = naive.mean_field(C, start(), CONNECTED, t, 100 * N_STEPS, LARGEST_EXPONENT / t)
    W = layer_of(X).weights(t).toarray()
    assert np.linalg.norm(W - fine) < 0.02 * np.linalg.norm(fine)


def test_fields_beyond_the_whole_image_learn_what_full_layers_learn():
    """Full layers have a closed form, also from any start."""
    grid = Grid(3, 3, 1, (5, 5), 4)
    rng = np.random.default_rng(1)
    X = rng.normal(size=(400, 9)) * 0.5 ** np.arange(9)
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    t = 30.0
    W = layer_of(X, grid).weights(t).toarray()
    expected = naive.projector(naive.second_moments(X), start(grid), t)
    assert np.linalg.eigvalsh(expected)[[2, -1]] @ [1, -1] < -0.9
    assert_allclose(W @ W.T, expected, atol=0.02)


def test_copies_of_rows_equal_weights():
    X, weight = rows(60), np.resize([1.0, 2.0, 3.0], 60)
    once = layer_of(X, weight=weight)
    copies = layer_of(np.repeat(X, weight.astype(int), axis=0))
    assert_allclose(once.weights(50.0).toarray(), copies.weights(50.0).toarray(), atol=1e-9)


def test_own_time_is_that_of_the_mean_eigenvalue():
    X = rows()
    assert layer_of(X).own_time() == kaiser_time(Moments(GRID.n_inputs).add(X))
