"""The record of the latest stamps: batches, several series, and its limit."""

import numpy as np

from sklearn_activation._series import record as module
from sklearn_activation._series.record import Record


def record(n, *first, n_channels=2, start=0):
    X = start + np.arange(n * n_channels, dtype=float).reshape(n, n_channels)
    return Record(X, np.array(first or [0]))


def test_stamps_without_weight_are_unknown():
    X = np.ones((3, 2))
    found = Record.of(X, np.array([1.0, 0.0, 2.0]), [(0, 2), (2, 3)])
    np.testing.assert_array_equal(np.isnan(found.X).all(axis=1), [False, True, False])
    assert found.bounds == [(0, 2), (2, 3)]
    assert not np.isnan(X).any() and found.X is not X


def test_stamps_that_the_index_lacks_are_unknown():
    X = np.arange(6.0)[:, None]
    missing = np.array([0, 2, 0, 0, 1, 0])
    found = Record.of(X, np.ones(6), [(0, 3), (3, 6)], missing)
    nan = np.nan
    np.testing.assert_array_equal(found.X[:, 0], [0, nan, nan, 1, 2, 3, nan, 4, 5])
    assert found.bounds == [(0, 5), (5, 9)]


def test_later_stamps_continue_the_last_series_or_begin_another():
    one, other = record(5, 0, 3), record(4, 0, 2)
    assert one.then(other).bounds == [(0, 3), (3, 5), (5, 7), (7, 9)]
    assert one.then(other, continues=True).bounds == [(0, 3), (3, 7), (7, 9)]
    np.testing.assert_array_equal(one.then(other).X, np.concatenate([one.X, other.X]))


def test_the_latest_stamps_are_kept():
    found = record(10, 0, 4, 8).latest(5)
    np.testing.assert_array_equal(found.X, record(10).X[5:])
    assert found.bounds == [(0, 3), (3, 5)]
    assert record(10, 0, 4).latest(6).bounds == [(0, 6)]
    assert record(3).latest(9).bounds == [(0, 3)]


def test_two_records_share_the_space(monkeypatch):
    monkeypatch.setattr(module, "RECORD_ENTRIES", 20)  # ten stamps of two channels
    ours, theirs = record(8), record(8, start=100)
    found = ours.beside(theirs, 1)
    np.testing.assert_array_equal(found.X, np.concatenate([theirs.X[3:], ours.X[3:]]))
    assert found.bounds == [(0, 5), (5, 10)]
    found = record(2).beside(theirs, 1)
    np.testing.assert_array_equal(found.X, np.concatenate([theirs.X, record(2).X]))
    assert ours.most_stamps(7) == 28  # a record holds four windows at least
