"""Sliding windows of series, against rows that are cut out by hand."""

import numpy as np

from sklearn_activation._series.windows import Windows

from ..tables import series


def test_windows_are_rows_of_the_series():
    X, bounds = series(50, 3), [(0, 20), (20, 50)]
    windows = Windows(X, bounds, 7)
    naive = [X[i : i + 7].ravel() for a, b in bounds for i in range(a, b - 6)]
    assert windows.shape == (len(naive), 21)
    np.testing.assert_array_equal(np.asarray(windows), naive)
    np.testing.assert_array_equal(np.asarray(windows[[3, 15]]), [naive[3], naive[15]])
    np.testing.assert_array_equal(np.asarray(windows[[2, 30]][1]), naive[30:31])


def test_stamps_get_the_mean_over_their_windows():
    X, bounds, width = series(40, 1), [(0, 12), (12, 40)], 5
    windows = Windows(X, bounds, width)
    values = np.random.default_rng(0).normal(size=(len(windows), 2))
    found = windows.to_stamps(values)
    for stamp in range(40):
        covering = (windows.starts <= stamp) & (stamp < windows.starts + width)
        np.testing.assert_allclose(found[stamp], values[covering].mean(axis=0), atol=1e-12)
    stamps = np.arange(40.0)
    np.testing.assert_allclose(
        windows.mean_of_stamps(stamps), [stamps[i : i + width].mean() for i in windows.starts]
    )


def test_stamps_without_windows_are_nan():
    windows = Windows(series(20), [(0, 20)], 4)[np.arange(10, 17)]
    found = windows.to_stamps(np.ones(7))
    assert np.isnan(found[:10]).all()
    assert (found[10:] == 1).all()


class Plain:
    """An encoding that takes stamps as they are."""

    def to_hash(self, X):
        return X


def test_windows_hash_alike_wherever_they_stand():
    X = series(60)
    X[40:50] = X[10:20]
    hashes = Windows(X, [(0, 60)], 5).hashes(Plain())
    rows = np.asarray(Windows(X, [(0, 60)], 5))
    equal = (rows[:, None] == rows).all(axis=2)
    np.testing.assert_array_equal(hashes[:, None] == hashes, equal)
    assert equal.sum() == 56 + 2 * 6


def test_consecutive_windows_are_a_stretch_of_the_series():
    X = series(30)
    windows = Windows(X, [(0, 12), (12, 30)], 5)
    np.testing.assert_array_equal(windows[np.arange(3, 8)].stretch(), X[3:12])
    np.testing.assert_array_equal(windows[4].stretch(), X[4:9])
    assert windows[[3, 5]].stretch() is None
    assert windows.stretch() is None  # no window begins at the border of two series


def test_some_windows_know_all_and_an_even_choice_of_themselves():
    windows = Windows(series(60), [(0, 25), (25, 60)], 5)
    some = windows[np.arange(10)]
    np.testing.assert_array_equal(some.all().starts, windows.starts)
    places = windows.evenly(6)
    assert len(places) == 6 and (places[0], places[-1]) == (0, len(windows) - 1)
    assert len(set(np.diff(places))) <= 2
