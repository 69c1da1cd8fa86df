"""Products with local weights against dense products with most weights zero."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_activation.kernels import local as kernels

from .. import naive

# Height, width, channels, field, units: groups of three inputs and units fit, or leave one or two
# over, and fields reach beyond all sides of the image.
GRIDS = [
    (5, 7, 3, (3, 5), 3),
    (6, 4, 1, (5, 3), 4),
    (1, 9, 2, (1, 3), 5),
    (4, 4, 3, (1, 1), 1),
    (3, 3, 2, (3, 3), 2),
]


def arrays(grid, n_rows=11, dtype=np.float64):
    """Inputs, outputs and weights in the shapes of the kernels, and the weights as a matrix."""
    height, width, channels, field, n_units = grid
    rng = np.random.default_rng(0)
    X = rng.normal(size=(height, width * channels, n_rows)).astype(dtype)
    Y = rng.normal(size=(height, width, n_units, n_rows)).astype(dtype)
    connected = naive.connections(*grid)
    dense = np.where(connected, rng.normal(size=connected.shape), 0).astype(dtype)
    W = np.zeros((height, width, n_units, field[0], field[1] * channels), dtype=dtype)
    kernels.pick(dense, W)
    return X, Y, W, dense, connected


def flat(A):
    return A.reshape(-1, A.shape[-1])


@pytest.mark.parametrize("grid", GRIDS)
def test_products_are_those_of_the_dense_matrix(grid):
    X, Y, W, dense, _ = arrays(grid)
    forwards, back = np.full_like(Y, np.nan), np.full_like(X, np.nan)
    kernels.multiply(X, forwards, W)
    kernels.multiply_back(back, Y, W)
    assert_allclose(flat(forwards), dense.T @ flat(X), atol=1e-12)
    assert_allclose(flat(back), dense @ flat(Y), atol=1e-12)


@pytest.mark.parametrize("grid", GRIDS)
def test_products_of_rows_are_added_where_connected(grid):
    X, Y, W, dense, connected = arrays(grid)
    height = grid[0]
    for first, end in ((0, 1), (1, height)):
        kernels.add_products(X, Y, first, end, W)
    expected = np.zeros_like(W)
    kernels.pick(np.where(connected, dense + flat(X) @ flat(Y).T, 0), expected)
    assert_allclose(W, expected, atol=1e-12)


@pytest.mark.parametrize("grid", GRIDS)
def test_picked_weights_are_all_connections_and_nothing_else(grid):
    connected = naive.connections(*grid)
    numbers = np.arange(1.0, connected.size + 1).reshape(connected.shape)
    W = arrays(grid)[2]
    W[:] = 0
    kernels.pick(numbers, W)
    assert_array_equal(np.sort(W[W > 0]), np.sort(numbers[connected]))


def test_single_precision_stays():
    X, Y, W, dense, _ = arrays(GRIDS[0], dtype=np.float32)
    kernels.multiply(X, Y, W)
    assert Y.dtype == np.float32
    assert_allclose(flat(Y), dense.T @ flat(X), atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 1), (16, 16), (17, 40), (5, 33)])
def test_turn_is_the_transpose(shape):
    X = np.random.default_rng(0).normal(size=shape)
    out = np.empty(shape[::-1])
    kernels.turn(X, out)
    assert_array_equal(out, X.T)
