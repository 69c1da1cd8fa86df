"""Where series begin, end and have gaps."""

import numpy as np
import pandas as pd
import pytest

from sklearn_activation._series.cutting import (
    bridge_gaps,
    check_lengths,
    cut_at_gaps,
    find_series,
    guess_times_before,
    read_times,
    take_latest,
)
from sklearn_activation._validation import check_groups

from ..tables import dated, series


def test_bounds_of_groups():
    assert find_series(None, 4) == [(0, 4)]
    assert find_series(["x", "x", "y", "z"], 4) == [(0, 2), (2, 3), (3, 4)]


# -- gaps ------------------------------------------------------------------------------


def test_gaps_are_crossed_by_straight_lines():
    X = np.arange(20.0)[:, None] * [1.0, 10.0]
    X[3:5, 0] = X[8:14, 0] = X[9:13, 1] = X[18:, 1] = np.nan
    filled, long, dead = bridge_gaps(X, [(0, 20)], 3)
    np.testing.assert_allclose(filled[:, 0], np.arange(20.0))
    np.testing.assert_allclose(filled[:18, 1], 10 * np.arange(18.0))
    np.testing.assert_allclose(filled[18:, 1], 170)
    assert np.flatnonzero(long).tolist() == list(range(8, 14))
    assert np.flatnonzero(dead).tolist() == list(range(9, 13))


def test_gaps_are_not_filled_across_series_and_unknown_channels_stay():
    X = np.array([[1.0, np.nan], [np.nan, np.nan], [np.nan, 5.0], [7.0, 6.0]])
    filled, long, dead = bridge_gaps(X, [(0, 2), (2, 4)], 3)
    np.testing.assert_array_equal(filled, [[1, np.nan], [1, np.nan], [7, 5], [7, 6]])
    assert not long.any()
    assert not dead.any()


# -- times -----------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["h", "7min", "D"])
def test_missing_time_stamps_cut_the_series(step):
    time = read_times(dated(step=step))
    with pytest.warns(UserWarning, match="cut at gaps: 1. Gaps of 3 .* closed up: 1"):
        bounds = cut_at_gaps([(0, 590)], np.delete(time, [*range(100, 108), 300, 301]), 3)
    assert bounds == [(0, 100), (100, 590)]


def test_the_latest_time_steps_have_nan_where_the_index_has_gaps():
    X = np.arange(40.0).reshape(20, 2)
    time = np.arange(20)
    time[15:] += 3
    time[19] += 10**15
    expected = np.full((5, 2), np.nan)
    expected[-1] = X[19]
    np.testing.assert_array_equal(take_latest(X, time, 1, 5), expected)
    expected = np.full((9, 2), np.nan)
    expected[[0, 1, 5, 6, 7, 8]] = X[13:19]
    np.testing.assert_array_equal(take_latest(X[:19], time[:19], 1, 9), expected)
    np.testing.assert_array_equal(take_latest(X, None, 1, 9), X[11:])
    np.testing.assert_array_equal(take_latest(X[:1], time[:1], 1, 2), [[np.nan] * 2, X[0]])


def test_a_step_shorter_than_the_usual_one_is_no_gap():
    time = 60 * np.arange(10)
    time[5:] -= 50
    np.testing.assert_array_equal(
        take_latest(np.arange(10.0)[:, None], time, 2, 10), np.arange(10.0)[:, None]
    )


def test_indices_of_other_kinds_hold_time_or_not():
    hours = pd.timedelta_range(0, periods=9, freq="h")
    np.testing.assert_array_equal(
        np.diff(read_times(pd.DataFrame(series(9), hours))), 3600 * 10**9
    )
    days = pd.period_range("2024", periods=9, freq="D")
    assert (np.diff(read_times(pd.DataFrame(series(9), days))) == 86400 * 10**9).all()
    for other in (series(9), pd.DataFrame(series(9)), pd.DataFrame(series(9), list("abcdefghi"))):
        assert read_times(other) is None


def test_a_clock_that_changes_to_summer_time_has_equal_steps():
    spring = pd.date_range("2024-03-30", periods=48, freq="h", tz="Europe/Vienna")
    assert (np.diff(read_times(pd.DataFrame(series(48), spring))) == 3600 * 10**9).all()


def test_times_before_a_batch_are_at_equal_steps_unless_they_are_known():
    time = np.array([100, 110, 120, 140])
    np.testing.assert_array_equal(guess_times_before(time, 3, None), [70, 80, 90])
    np.testing.assert_array_equal(guess_times_before(time, 3, np.array([1, 2, 3])), [1, 2, 3])
    np.testing.assert_array_equal(guess_times_before(time[:1], 2, None), [98, 99])


def test_gaps_of_the_batch_before_were_told_before():
    time = np.delete(np.arange(0, 500, 10), [5, 6, 7, 8, 30])
    with pytest.warns(UserWarning, match="cut at gaps: 1. .* closed up: 1"):
        whole = cut_at_gaps([(0, len(time))], time, 2)
    with pytest.warns(UserWarning, match="cut at gaps: 1.$"):
        assert cut_at_gaps([(0, len(time))], time, 2, n_before=30) == whole
    assert whole == [(0, 5), (5, 45)]


# -- lengths and groups ------------------------------------------------------------------


def test_short_series_are_named_by_the_stamps_of_the_batch():
    check_lengths([(0, 20), (20, 60)], 20)
    with pytest.warns(UserWarning, match="2 series are shorter .* 0 to 9, 10 to 18"):
        check_lengths([(5, 15), (15, 24), (24, 60)], 20, n_before=5)
    with pytest.warns(UserWarning, match="5 series .* and 2 more"):
        check_lengths([(k, k + 2) for k in range(0, 10, 2)] + [(10, 30)], 20)
    with pytest.raises(ValueError, match=r"window=20 is longer .* has 12 sample"):
        check_lengths([(0, 10), (10, 22)], 20)


@pytest.mark.parametrize(
    "groups, message",
    [
        ([1, 2], "groups has shape .2,., but X has 3 rows"),
        ([1, None, 2], r"groups\[1\] is missing.*for every row to which group"),
        ([1.0, np.nan, 2.0], r"groups\[1\] is missing"),
        (np.array([1.0, 2.0, np.nan]), r"groups\[2\] is missing"),
        (["a", "b", np.nan], r"groups\[2\] is missing"),
        (["a", None, None], r"groups\[1\] is missing"),
        ([1, 2, pd.NA], r"groups\[2\] is missing"),
        (pd.array(["a", pd.NA, "b"], dtype="string"), r"groups\[1\] is missing"),
        (pd.Series([1, 2, None], dtype="Int64"), r"groups\[2\] is missing"),
        (pd.Series(["a", None, "b"], dtype="category"), r"groups\[1\] is missing"),
        (pd.to_datetime(["2026", "2027", None]), r"groups\[2\] is missing"),
        ([pd.Timestamp(2026, 1, 1), pd.NaT, pd.NaT], r"groups\[1\] is missing"),
        (np.array(["NaT", "2026", "2027"], dtype="datetime64[ns]"), r"groups\[0\] is missing"),
        (["a", 1, "b"], "both strings and entries of other types"),
    ],
)
def test_bad_groups_are_refused(groups, message):
    with pytest.raises(ValueError, match=message):
        check_groups(groups, 3, "row", "group")
    assert check_groups(["a", "b", "a"], 3, "row", "group").tolist() == ["a", "b", "a"]


def test_stamps_of_a_series_must_stand_together():
    with pytest.raises(ValueError, match="time steps of a series must stand together"):
        find_series(["x", "y", "x"], 3)
