"""Local weights in the place of an array, and the parameters that lay them out."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from threadpoolctl import threadpool_limits

from sklearn_activation._local import (
    Grid,
    arrays_of,
    empty_like,
    lay_out_grids,
    turned,
    write_products,
)

from . import naive

GRIDS = [Grid(5, 7, 3, (3, 5), 2), Grid(5, 7, 3, (3, 5), 2, n_labels=4), Grid(1, 9, 2, (1, 3), 5)]


def parts(grid, n_rows=23, dtype=np.float64):
    """Weights, the same weights as an array, rows of inputs and rows of outputs."""
    rng = np.random.default_rng(0)
    W = grid.random(0.1, rng, dtype)
    X = rng.normal(size=(n_rows, grid.n_inputs)).astype(dtype)
    return W, W.toarray(), X, rng.normal(size=(n_rows, grid.n_outputs)).astype(dtype)


def connected(grid):
    values = grid.height, grid.width, grid.channels, grid.field, grid.n_units, grid.n_labels
    return naive.connections(*values)


@pytest.mark.parametrize("grid", GRIDS)
def test_weights_stand_for_an_array(grid):
    W, dense, X, Y = parts(grid)
    assert_array_equal(dense != 0, connected(grid))
    assert W.shape == dense.shape and len(W) == len(dense) and W.dtype == dense.dtype
    assert W.grid == grid
    assert_allclose(X @ W, X @ dense, atol=1e-12)
    assert_allclose(X[0] @ W, X[0] @ dense, atol=1e-12)
    assert_allclose(Y @ W.T, Y @ dense.T, atol=1e-12)
    assert_allclose(Y[0] @ W.T @ W, Y[0] @ dense.T @ dense, atol=1e-12)
    again = pickle.loads(pickle.dumps(W))
    assert_array_equal(again.toarray(), dense)
    narrow = W.astype(np.float32, copy=True)
    assert narrow.dtype == np.float32
    assert (X.astype(np.float32) @ narrow).dtype == np.float32


@pytest.mark.parametrize("grid", GRIDS)
def test_products_of_rows_are_kept_at_connections(grid):
    W, dense, X, Y = parts(grid)
    step = empty_like(W)
    write_products(X, Y, step)
    assert_allclose(step.toarray(), np.where(connected(grid), X.T @ Y, 0), atol=1e-12)
    step *= 2
    W += step
    assert_allclose(W.toarray(), dense + 2 * np.where(connected(grid), X.T @ Y, 0), atol=1e-12)
    assert_allclose(grid.pick(X.T @ Y).toarray(), np.where(connected(grid), X.T @ Y, 0))


def test_slices_of_a_first_layer_are_its_data_and_its_labels():
    W, dense, _, _ = parts(GRIDS[1])
    n = GRIDS[1].n_data
    assert_array_equal(W[:n].toarray(), dense[:n])
    assert_array_equal(W[n:], dense[n:])
    with pytest.raises(IndexError, match=r"Only \[:105\] and \[105:\]"):
        W[1:]


@pytest.mark.parametrize("n_rows", [0, 1, 40, 300, 600])
def test_blocks_and_threads_do_not_change_products(n_rows):
    W, dense, X, Y = parts(GRIDS[1], n_rows)
    step, alone = empty_like(W), empty_like(W)
    write_products(X, Y, step)
    with threadpool_limits(1):
        assert_allclose(X @ W, X @ dense, atol=1e-12)
        write_products(X, Y, alone)
    assert_allclose(X @ W, X @ dense, atol=1e-12)
    assert_allclose(step.toarray(), alone.toarray(), atol=1e-10)


def test_arrays_of_both_kinds_of_weights():
    W, dense, _, _ = parts(GRIDS[1])
    assert [A.shape for A in arrays_of(W)] == [(5, 7, 2, 3, 15), (4, 70)]
    assert arrays_of(dense) == [dense]
    assert empty_like(dense).shape == dense.shape


def test_random_weights_keep_epsilon_of_inputs_far_from_the_border():
    grid = Grid(12, 12, 2, (5, 5), 6, n_labels=20)
    dense = grid.random(0.1, np.random.default_rng(0), np.float64).toarray()
    kept = (dense**2).sum(axis=1)
    inner = kept[: grid.n_data].reshape(12, 12, 2)[2:-2, 2:-2]
    assert_allclose([inner.mean(), kept[grid.n_data :].mean()], 0.1, rtol=0.02)
    corner = kept[: grid.n_data].reshape(12, 12, 2)[0, 0]
    assert_allclose(corner.mean() / 0.1, 9 / 25, rtol=0.3)


def test_turned_rows_in_either_order():
    X = np.random.default_rng(0).normal(size=(7, 30))
    for rows in (X, X[:3], np.asfortranarray(X), X.T[4:9]):
        found = turned(rows)
        assert_array_equal(found, rows.T)
        assert found.flags.c_contiguous


# -- parameters ------------------------------------------------------------------------


def test_grids_of_a_network():
    grids = lay_out_grids((8, 6, 2), 3, 2, [3, 5, 100], 10)
    assert grids == [Grid(8, 6, 2, (3, 3), 3, 10), Grid(8, 6, 3, (3, 3), 5), None]
    grids = lay_out_grids((1, 30, 2), (7, None), 2, [3, 5, 9], 0)
    assert grids == [Grid(1, 30, 2, (1, 7), 3), None, None]


@pytest.mark.parametrize("height", [1, 2, 3, 4, 5])
def test_fields_on_low_images_reach_as_far_as_on_high_ones(height):
    (grid,) = lay_out_grids((height, 9, 1), 7, 1, [2], 0)
    assert_array_equal(connected(grid), naive.connections(height, 9, 1, (7, 7), 2))
    assert grid.field == (min(7, 2 * height - 1), 7)


@pytest.mark.parametrize(
    "field, message",
    [
        (4, "must hold odd numbers"),
        ((3, 0), "odd numbers of 1 or more"),
        ((3, 2.0), "holds 2.0"),
        (9, "a field of 9 x 9 is larger than the image of 8 x 6"),
        ((3,), "has 1 entries, but 2 of the layers"),
        ((None, 3), "follows a full layer"),
    ],
)
def test_wrong_fields_are_refused(field, message):
    with pytest.raises(ValueError, match=message):
        lay_out_grids((8, 6, 2), field, 2, [3, 5, 100], 10)
