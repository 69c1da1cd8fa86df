"""Rows that are drawn from pieces are the rows that are drawn from the whole table."""

import dask
import numpy as np
import pytest

from sklearn_activation._distributed.draw import (
    Candidates,
    choose_candidates,
    fetch,
    find_candidates,
    join_candidates,
    join_fetched,
    weigh,
)
from sklearn_activation._distributed.pieces import FAN_IN, Pieces
from sklearn_activation._distributed.rows import RowsInPieces
from sklearn_activation._rows.rows import Rows
from sklearn_activation._rows.sample import draw_evenly, hash_rows, uniform_of


def read(piece):
    """The rows of a piece, or None for a piece without rows."""
    return Rows(piece.X, None, piece.weight) if len(piece.X) else None


def in_pieces(X, weight, cuts):
    """Rows that are cut at some places."""
    parts = [
        (dask.delayed(rows), None, of_rows)
        for rows, of_rows in zip(np.split(X, cuts), np.split(weight, cuts), strict=True)
    ]
    return RowsInPieces(Pieces(parts), read, len(X), X.shape[1], X.dtype, weight.sum())


def drawn(X, weight, cuts, size):
    """The rows that are drawn from pieces."""
    with dask.config.set(scheduler="synchronous"):
        return in_pieces(X, weight, cuts).draw(size)


def distinct(n, seed=0):
    return np.random.default_rng(seed).normal(size=(n, 3))


def copied(n, n_distinct, seed=0):
    """Rows of which a few have many copies."""
    rng = np.random.default_rng(seed)
    of = np.minimum(rng.geometric(3 / n_distinct, n), n_distinct) - 1
    return distinct(n_distinct, seed)[of]


def by_value(X):
    return X[np.lexsort(X.T)]


def one_copy_a_piece(n_pieces, n_a_piece):
    """The same rows in each piece, in front of rows that stand in this piece only."""
    shared = distinct(n_a_piece // 4)
    own = [distinct(n_a_piece - len(shared), 1 + i) for i in range(n_pieces)]
    return np.concatenate([np.concatenate([shared, rows]) for rows in own])


def even_cuts(n, n_pieces):
    return np.linspace(0, n, n_pieces + 1).astype(int)[1:-1]


ONES, RANDOM = "ones", "random"
HEAVY, ZEROS = "one heavy row", "zeros"
WEIGHTS = {
    ONES: np.ones,
    RANDOM: lambda n: np.random.default_rng(5).gamma(0.5, size=n),
    HEAVY: lambda n: np.where(np.arange(n) == n // 2, 3.0 * n, 1.0),
    ZEROS: lambda n: (np.arange(n) % 3 > 0).astype(float),
}
TABLES = {
    "distinct": lambda: distinct(1000),
    "copies": lambda: copied(1000, 40),
    "sorted copies": lambda: by_value(copied(1000, 40)),
    "one copy a piece": lambda: one_copy_a_piece(10, 100),
    "all alike": lambda: np.ones((1000, 3)),
    "gaps": lambda: np.where(copied(1000, 60) > 1, np.nan, copied(1000, 60)),
    "single precision": lambda: copied(1000, 60).astype(np.float32),
}
CUTS = {
    "one piece": [],
    "ten": even_cuts(1000, 10),
    "unequal": [0, 0, 1, 3, 700, 700, 990],
    "everything in one": [0, 0, 0, 1000, 1000],
}


@pytest.mark.parametrize("cuts", CUTS)
@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("table", TABLES)
def test_pieces_draw_what_the_table_draws(table, weights, cuts):
    X = TABLES[table]()
    weight = WEIGHTS[weights](len(X))
    for size in (7, 150):
        found, total, n_rows = drawn(X, weight, CUTS[cuts], size)
        np.testing.assert_array_equal(found, X[draw_evenly(X, size, weight)])
        assert total == pytest.approx(weight.sum())
        assert n_rows == len(X)


@pytest.mark.parametrize("table", ["sorted copies", "gaps"])
def test_a_hundred_pieces_draw_what_the_table_draws(table):
    X, weight = TABLES[table](), WEIGHTS[RANDOM](1000)
    found, _, _ = drawn(X, weight, even_cuts(1000, 100), 60)
    np.testing.assert_array_equal(found, X[draw_evenly(X, 60, weight)])


def rising(n_pieces, size, total=1000.0, share=0.98):
    """Rows whose weights rise from piece to piece, so that each join knows too little of them.

    A choice after each of the joins of a task would leave the rows out.
    """
    special, rest = distinct(8), distinct(n_pieces, 1)
    slack = Pieces([None] * n_pieces).n_levels
    least = uniform_of(hash_rows(special, np.zeros(len(special)))) * total / (slack * size)
    pieces = []
    for i in range(n_pieces):
        weight = share * least * (i % FAN_IN + 1) * (i % FAN_IN > 0)
        pieces.append((np.vstack([special, rest[i]]), np.append(weight, total - weight.sum())))
    X, weight = (np.concatenate([piece[k] for piece in pieces]) for k in (0, 1))
    return X, weight, np.arange(1, n_pieces) * (len(special) + 1)


@pytest.mark.parametrize("n_pieces", [8, 16, 64])
def test_rows_whose_weights_rise_from_piece_to_piece_are_drawn(n_pieces):
    X, weight, cuts = rising(n_pieces, 20)
    found, _, _ = drawn(X, weight, cuts, 20)
    np.testing.assert_array_equal(found, X[draw_evenly(X, 20, weight)])


@pytest.mark.parametrize("seed", range(6))
def test_random_cuts_and_copies_draw_the_same(seed):
    rng = np.random.default_rng(seed)
    X = copied(600, int(rng.integers(3, 200)), seed)
    weight = rng.pareto(1.0, len(X))
    cuts = np.sort(rng.integers(0, len(X), rng.integers(1, 70)))
    size = int(rng.integers(1, 300))
    found, _, _ = drawn(X, weight, cuts, size)
    np.testing.assert_array_equal(found, X[draw_evenly(X, size, weight)])


def test_a_table_of_few_rows_is_not_drawn():
    X = distinct(10)
    assert drawn(X, np.ones(10), [4], 10) == (None, 10.0, 10)


def test_no_rows_at_all():
    assert drawn(distinct(0), np.ones(0), [0, 0], 10) == (None, 0.0, 0)


# -- the parts of a draw -------------------------------------------------------------------


def test_candidates_are_few():
    found = choose_candidates(find_candidates(read_all(distinct(5000))), 100)
    assert 50 < len(found.hashes) < 200
    assert (np.diff(found.hashes.astype(float)) > 0).all()


def test_candidates_may_be_none():
    nothing = Candidates(np.empty(0, np.uint64), np.empty(0), 3.0, 3)
    found = choose_candidates(join_candidates(nothing, nothing), 1)
    assert (len(found.hashes), found.total, found.n_rows) == (0, 6.0, 6)


def read_all(X):
    return Rows(X, None, np.ones(len(X)))


def test_weights_of_rows_that_are_not_there_are_zero():
    X = copied(100, 5)
    hashes = np.unique(hash_rows(np.vstack([X, distinct(3, 9)]), np.zeros(103)))
    copies = {h: 0 for h in hashes.tolist()}
    for h in hash_rows(X, np.zeros(100)).tolist():
        copies[h] += 1
    np.testing.assert_array_equal(weigh(read_all(X), hashes), list(copies.values()))


def test_rows_are_fetched_once():
    X = copied(100, 5)
    hashes = np.unique(hash_rows(X, np.zeros(100)))
    found, rows = join_fetched(fetch(read_all(X[:50]), hashes), fetch(read_all(X[50:]), hashes))
    np.testing.assert_array_equal(found, np.arange(len(hashes)))
    np.testing.assert_array_equal(hash_rows(rows, np.zeros(len(rows))), hashes)
