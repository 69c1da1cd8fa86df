"""Rows that were learned are recognised by their hashes."""

import numpy as np

from sklearn_activation._detection.memory import Memory


def test_rows_are_found_where_they_stand():
    hashes = np.array([7, 3, 9, 1], dtype=np.uint64)
    memory = Memory.of(hashes, np.ones(4), np.array([0.7, 0.3, 0.9, 0.1]))
    rows, at = memory.find(np.array([9, 2, 1, 10**18], dtype=np.uint64))
    assert rows.tolist() == [0, 2]
    np.testing.assert_array_equal(memory.scores[at], [0.9, 0.1])


def test_copies_of_a_row_have_its_least_score():
    hashes = np.array([*range(100), 5], dtype=np.uint64)
    scores = np.append(np.full(100, 0.5), 0.2)
    memory = Memory.of(hashes, np.ones(101), scores)
    assert len(memory) == 100
    _, at = memory.find(np.array([5], dtype=np.uint64))
    assert memory.scores[at] == 0.2


def test_tables_of_copies_are_not_remembered():
    """A new row is then as likely to equal an old one as the old ones are to equal each other."""
    hashes = np.repeat(np.arange(50, dtype=np.uint64), 2)
    memory = Memory.of(hashes, np.ones(100), np.zeros(100))
    assert len(memory) == 0
    rows, at = memory.find(hashes)
    assert len(rows) == len(at) == 0


def test_weights_that_count_copies_are_copies():
    hashes = np.arange(20, dtype=np.uint64)
    assert len(Memory.of(hashes, np.ones(20), np.zeros(20))) == 20
    assert len(Memory.of(hashes, np.full(20, 3.0), np.zeros(20))) == 20  # all weigh the same
    counts = np.where(hashes < 10, 1.0, 2.0)
    assert len(Memory.of(hashes, counts, np.zeros(20))) == 0
