"""Beliefs that spread along a graph of neighbours, beside a dense graph and the exact solution."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_activation._classification.neighbours import NeighbourGraph

from ..naive import neighbour_edges


def points(n_rows, n_columns=3, seed=0):
    rng = np.random.default_rng(seed)
    hashes = rng.integers(2**62, size=n_rows).astype(np.uint64)
    return rng.normal(size=(n_rows, n_columns)).astype(np.float32), hashes


@pytest.mark.parametrize("n_neighbors", [1, 4, 10])
def test_graph_is_that_of_all_distances(n_neighbors):
    Z, hashes = points(80)
    graph = NeighbourGraph(lambda index: Z[index], hashes, n_neighbors=n_neighbors)
    assert_allclose(graph.edges.toarray(), neighbour_edges(Z, n_neighbors), rtol=1e-6)


@pytest.mark.parametrize("share", [0.3, 0.8])
def test_beliefs_are_the_solution_of_the_linear_system(share):
    Z, hashes = points(60)
    beliefs = np.random.default_rng(1).random((60, 4))
    graph = NeighbourGraph(lambda index: Z[index], hashes)
    found = graph.spread(beliefs, share=share, n_steps=100)
    system = np.eye(60) - share * neighbour_edges(Z, 10)
    assert_allclose(found, (1 - share) * np.linalg.solve(system, beliefs), rtol=1e-4)


def test_groups_have_no_edge_in_common_and_follow_from_hashes():
    Z, hashes = points(100)
    graph = NeighbourGraph(lambda index: Z[index], hashes, most_rows=40)
    group_of = np.empty(100, dtype=int)
    for group, index in enumerate(np.array_split(np.argsort(hashes), 3)):
        group_of[index] = group
    start, end = graph.edges.nonzero()
    assert_array_equal(group_of[start], group_of[end])
    assert np.diff(graph.edges.indptr).min() >= 10
    order = np.random.default_rng(0).permutation(100)
    other = NeighbourGraph(lambda index: Z[order][index], hashes[order], most_rows=40)
    assert_allclose(other.edges.toarray(), graph.edges.toarray()[order][:, order])


@pytest.mark.parametrize("n_rows", [1, 2, 5])
def test_few_rows_have_as_many_neighbours_as_there_are(n_rows):
    Z, hashes = points(n_rows)
    graph = NeighbourGraph(lambda index: Z[index], hashes)
    assert graph.edges.nnz == n_rows * (n_rows - 1)
    assert np.isfinite(graph.spread(np.ones((n_rows, 2)))).all()


def test_rows_are_reached_from_rows_of_their_own_part():
    Z, hashes = points(60)
    Z[40:] += 100
    graph = NeighbourGraph(lambda index: Z[index], hashes)
    assert_array_equal(graph.reach([3]), np.arange(60) < 40)
    assert graph.reach([3, 50]).all()
