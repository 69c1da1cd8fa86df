"""The row-by-row rule against its plain twin."""

import numpy as np
import pytest

from sklearn_activation.kernels.online import learn_rows

from .. import naive

SHAPES = [(5, 1), (5, 16), (10, 5), (15, 16), (20, 33)]


def _problem(shape, dtype, n_rows=6, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, shape[0]))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    W = rng.normal(size=shape) / np.sqrt(shape[0])
    return X.astype(dtype), W.astype(dtype)


def _learned(X, rates, W):
    W, Y = W.copy(), np.full((len(X) + 2, W.shape[1]), np.nan, W.dtype)
    learn_rows(X, rates.astype(W.dtype), W, Y)
    return W, Y[:-2]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("sign", ["learn", "unlearn", "both", "none"])
def test_learn_rows_equals_twin(shape, dtype, sign):
    X, W = _problem(shape, dtype)
    rates = np.linspace(0.05, 0.3, len(X))
    rates *= {"learn": 1, "unlearn": -1, "both": [1, -1] * 3, "none": 0}[sign]
    learned, _ = _learned(X, rates, W)
    tolerance = 1e-12 if dtype is np.float64 else 1e-5
    expected = naive.learn_rows(X, rates.astype(dtype), W)
    np.testing.assert_allclose(learned, expected, rtol=tolerance, atol=tolerance)
    assert np.array_equal(learned, W) == (sign == "none")


def test_outputs_are_those_before_each_update():
    X, W = _problem((10, 5), np.float64)
    rates = np.full(len(X), 0.1)
    _, Y = _learned(X, rates, W)
    for row in range(len(X)):
        before = naive.learn_rows(X[:row], rates[:row], W)
        np.testing.assert_allclose(Y[row], X[row] @ before, rtol=1e-12)


@pytest.mark.parametrize("quiet", [slice(0, 5), slice(2, 8), slice(5, 15), slice(0, 15)])
def test_inputs_of_zero_unlearn_their_weights(quiet):
    """They add nothing to the output, but the feedback is taken from them."""
    X, W = _problem((15, 7), np.float64)
    X[:, quiet] = 0
    rates = np.full(len(X), 0.2)
    learned, _ = _learned(X, rates, W)
    np.testing.assert_allclose(learned, naive.learn_rows(X, rates, W), rtol=1e-12, atol=1e-14)


def test_padding_stays_zero():
    """Zero inputs with zero weights, and units without weights, change nothing else."""
    X, W = _problem((10, 5), np.float64)
    padded_X, padded_W = np.zeros((len(X), 15)), np.zeros((15, 16))
    padded_X[:, :10], padded_W[:10, :5] = X, W
    rates = np.full(len(X), 0.2)
    learned, _ = _learned(X, rates, W)
    padded, _ = _learned(padded_X, rates, padded_W)
    np.testing.assert_allclose(padded[:10, :5], learned, rtol=1e-13)
    padded[:10, :5] = 0
    assert not padded.any()


def test_learning_raises_and_unlearning_lowers_a_rows_activation():
    X, W = _problem((10, 5), np.float64, n_rows=1)
    W *= 0.3 / np.linalg.norm(W)
    before = naive.energies(X @ W)
    for rate in (0.05, -0.05):
        learned, _ = _learned(X, np.array([rate]), W)
        assert np.sign(naive.energies(X @ learned) - before) == np.sign(rate)


def test_repeating_a_row_converges_to_full_activation():
    X, W = _problem((10, 5), np.float64, n_rows=1)
    learned, Y = _learned(np.repeat(X, 500, axis=0), np.full(500, 0.1), 0.1 * W)
    assert abs(Y[-1] @ Y[-1] - 1) < 1e-8
    np.testing.assert_allclose(learned @ (learned.T @ X[0]), X[0], atol=1e-8)
