"""Windows of series: cutting, widths, gaps, times, and how a detector learns them."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from sklearn_activation import ActivationAnomalyDetector
from sklearn_activation._series.cutting import cut_at_gaps, series_bounds, time_of, without_gaps
from sklearn_activation._series.width import automatic_width
from sklearn_activation._series.windows import Windows

SMALL = {"n_frequencies": 32, "random_state": 0}


def series(n=600, n_channels=2, seed=0):
    rng = np.random.default_rng(seed)
    t = np.arange(n)[:, None] + np.array([0, 5, 9])[:n_channels]
    return np.sin(t * 2 * np.pi / 25) + 0.1 * rng.normal(size=(n, n_channels))


def clone_of(detector):
    return ActivationAnomalyDetector(**detector.get_params())


# -- cutting ---------------------------------------------------------------------------


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


def test_bounds_of_groups():
    assert series_bounds(None, 4) == [(0, 4)]
    assert series_bounds(["x", "x", "y", "z"], 4) == [(0, 2), (2, 3), (3, 4)]


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


# -- widths ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "period, expected", [(25, 100), (40, 120), (99, 198), (100, 100), (130, 130)]
)
def test_automatic_width_is_a_multiple_of_the_period(period, expected):
    t = np.arange(4000)
    X = np.sin(2 * np.pi * t / period)[:, None]
    assert automatic_width(X, [(0, len(X))])[0] == expected


def test_automatic_width_looks_at_every_channel_and_past_gaps():
    wave = np.sin(2 * np.pi * np.arange(4000) / 130)
    gaps = np.where(np.random.default_rng(0).random(4000) < 0.01, np.nan, wave + 1000)
    tiny = np.column_stack([1e-10 * wave, np.ones(4000)])
    assert automatic_width(gaps[:, None], [(0, 4000)])[0] == 130
    assert automatic_width(tiny, [(0, 4000)])[0] == 130


def test_automatic_width_without_a_period():
    noise = np.random.default_rng(0).normal(size=(3000, 1))
    assert automatic_width(noise, [(0, 3000)])[0] == 100
    assert automatic_width(noise[:300], [(0, 300)])[0] == 30
    assert automatic_width(np.ones((2000, 1)), [(0, 2000)])[0] == 100
    assert automatic_width(np.full((2000, 1), np.nan), [(0, 2000)])[0] == 100


def test_automatic_width_prefers_a_day_to_a_week():
    t = np.arange(6000)
    weekend = (t // 24) % 7 >= 5
    X = (np.sin(2 * np.pi * t / 24) * np.where(weekend, 0.6, 1.0))[:, None]
    assert automatic_width(X, [(0, len(X))])[0] == 120


def test_verbose_says_which_width_and_why(capsys):
    ActivationAnomalyDetector(window="auto", verbose=1, **SMALL).fit(series(1200))
    assert "window=100: the period is 25 (autocorrelation" in capsys.readouterr().out


# -- gaps and times --------------------------------------------------------------------


def test_gaps_are_crossed_by_straight_lines():
    X = np.arange(20.0)[:, None] * [1.0, 10.0]
    X[3:5, 0] = X[8:14, 0] = X[9:13, 1] = X[18:, 1] = np.nan
    filled, long, dead = without_gaps(X, [(0, 20)], 3)
    np.testing.assert_allclose(filled[:, 0], np.arange(20.0))
    np.testing.assert_allclose(filled[:18, 1], 10 * np.arange(18.0))
    np.testing.assert_allclose(filled[18:, 1], 170)
    assert np.flatnonzero(long).tolist() == list(range(8, 14))
    assert np.flatnonzero(dead).tolist() == list(range(9, 13))


def test_gaps_are_not_filled_across_series_and_unknown_channels_stay():
    X = np.array([[1.0, np.nan], [np.nan, np.nan], [np.nan, 5.0], [7.0, 6.0]])
    filled, long, dead = without_gaps(X, [(0, 2), (2, 4)], 3)
    np.testing.assert_array_equal(filled, [[1, np.nan], [1, np.nan], [7, 5], [7, 6]])
    assert not long.any()
    assert not dead.any()


def dated(n=600, step="h"):
    index = pd.date_range("2024-01-01", periods=n, freq=step)
    return pd.DataFrame(series(n), index=index, columns=["a", "b"])


@pytest.mark.parametrize("step", ["h", "7min", "D"])
def test_missing_time_stamps_cut_the_series(step):
    time = time_of(dated(step=step))
    with pytest.warns(UserWarning, match="cut at 1 gaps, and 1 gaps of 3 stamps or fewer"):
        bounds = cut_at_gaps([(0, 590)], np.delete(time, [*range(100, 108), 300, 301]), 3)
    assert bounds == [(0, 100), (100, 590)]


def test_indices_of_other_kinds_hold_time_or_not():
    hours = pd.timedelta_range(0, periods=9, freq="h")
    np.testing.assert_array_equal(np.diff(time_of(pd.DataFrame(series(9), hours))), 3600 * 10**9)
    days = pd.period_range("2024", periods=9, freq="D")
    assert (np.diff(time_of(pd.DataFrame(series(9), days))) == 86400 * 10**9).all()
    for other in (series(9), pd.DataFrame(series(9)), pd.DataFrame(series(9), list("abcdefghi"))):
        assert time_of(other) is None


def test_a_clock_that_changes_to_summer_time_has_equal_steps():
    spring = pd.date_range("2024-03-30", periods=48, freq="h", tz="Europe/Vienna")
    assert (np.diff(time_of(pd.DataFrame(series(48), spring))) == 3600 * 10**9).all()


def test_an_index_with_a_missing_time_is_refused():
    index = pd.DatetimeIndex([*pd.date_range("2024", periods=99), pd.NaT])
    detector = ActivationAnomalyDetector(window=20, **SMALL)
    with pytest.raises(ValueError, match="lacks a time at row 99"):
        detector.fit(pd.DataFrame(series(100), index))


def test_unequal_steps_warn_and_unsorted_ones_are_refused():
    log = dated()
    jitter = pd.to_timedelta(np.random.default_rng(0).integers(0, 1500, len(log)), unit="s")
    uneven = log.set_index(log.index + jitter)
    detector = ActivationAnomalyDetector(window=20, **SMALL)
    with pytest.warns(UserWarning, match="steps of the index are unequal"):
        detector.fit(uneven)
    with pytest.raises(ValueError, match="does not increase at row 1"):
        detector.fit(log[::-1])
    twice = pd.concat([log[:50], log[49:]])
    with pytest.raises(ValueError, match="does not increase at row 50"):
        detector.fit(twice)


def test_no_window_crosses_a_gap_of_the_index():
    log = dated().drop(dated().index[200:260])
    detector = ActivationAnomalyDetector(window=20, **SMALL)
    with pytest.warns(UserWarning, match="cut at 1 gaps"):
        scores = detector.fit(log).score_samples(log)
    groups = np.arange(len(log)) >= 200
    twin = clone_of(detector).fit(log.to_numpy(), groups=groups)
    np.testing.assert_allclose(scores, twin.score_samples(log.to_numpy(), groups))


def test_series_shorter_than_a_window_are_named_and_left_out():
    X, groups = series(600), np.repeat([0, 1, 2], [400, 15, 185])
    detector = ActivationAnomalyDetector(window=20, **SMALL)
    with pytest.warns(UserWarning, match="1 series are shorter .* time stamps 400 to 414"):
        labels = detector.fit_predict(X, groups=groups)
    assert np.isnan(detector.training_scores_[400:415]).all()
    assert np.isfinite(detector.training_scores_).sum() == 585
    assert (labels[400:415] == 1).all()
    with pytest.warns(UserWarning, match="shorter than window=20"):
        assert np.isnan(detector.score_samples(X, groups)[400:415]).all()


# -- learning --------------------------------------------------------------------------


@pytest.mark.parametrize("contamination", ["auto", 0.1])
def test_windows_are_learned_as_their_columns(contamination):
    """The network is that of a detector of rows which are given the windows' columns."""
    X, width = series(2300, 1), 20
    given = {"bandwidth": 3.0, "standardize": False, "learning_time": 50.0, **SMALL}
    detector = ActivationAnomalyDetector(window=width, contamination=contamination, **given).fit(X)
    cut = np.lib.stride_tricks.sliding_window_view(X[:, 0], width)
    rows = cut - cut.mean(axis=1, keepdims=True)
    twin = ActivationAnomalyDetector(contamination=contamination, **given).fit(rows)
    found = detector._energies(Windows(X, [(0, len(X))], width))
    np.testing.assert_allclose(found, twin._energies(rows), rtol=1e-6)
    assert detector.window_ == width
    assert detector.n_features_in_ == 1


def test_series_too_short_to_hold_windows_out_warn():
    X = series(150)
    with pytest.warns(UserWarning, match="150 time stamps .* window=100.* 900 stamps"):
        ActivationAnomalyDetector(window=100, **SMALL).fit(X)


def test_merged_windows_compare_with_the_stamps_of_both():
    given = {"bandwidth": 3.0, "standardize": False, "window": 20, **SMALL}
    ours = ActivationAnomalyDetector(**given).fit(series(600))
    theirs = ActivationAnomalyDetector(**given).fit(series(400, seed=1))
    new = series(900, seed=2)
    ours.merge(theirs)
    assert len(ours._calibration["scores"]) == 1000
    assert (ours.predict(new) == -1).mean() < 0.1
    assert 0.0 <= (ours.p_values(new) < 0.05).mean() < 0.15


@pytest.mark.parametrize("n_channels", [1, 2])
def test_finds_a_disturbed_stretch(n_channels):
    X = series(1000, n_channels)
    new = series(500, n_channels, seed=1)
    new[300:320] = 0
    detector = ActivationAnomalyDetector(window="auto", random_state=0).fit(X)
    assert detector.window_ == 100
    assert 290 <= detector.score_samples(new).argmin() < 330
    assert (detector.predict(new)[300:320] == -1).all()
    assert (detector.predict(new)[:200] == -1).mean() < 0.1
    assert detector.score_samples(new).shape == (500,)
    assert detector.score_samples(new[:100]).shape == (100,)


def test_contamination_is_the_share_of_stamps():
    X = series()
    labels = ActivationAnomalyDetector(window=20, contamination=0.1, **SMALL).fit_predict(X)
    assert abs((labels == -1).mean() - 0.1) < 0.02


def test_groups_are_separate_series():
    X = series(400)
    groups = np.repeat(["b", "a"], [150, 250])
    detector = ActivationAnomalyDetector(window=20, **SMALL).fit(X, groups=groups)
    scores = detector.score_samples(X, groups)
    np.testing.assert_allclose(scores[:150], detector.score_samples(X[:150]), rtol=1e-12)
    np.testing.assert_allclose(scores[150:], detector.score_samples(X[150:]), rtol=1e-12)
    assert not np.array_equal(scores, detector.score_samples(X))
    np.testing.assert_array_equal(
        detector.predict(X, groups), clone_of(detector).fit_predict(X, groups=groups)
    )


@pytest.mark.parametrize(
    "make",
    {
        "constant": lambda: np.ones((300, 2)),
        "constant stretch": lambda: np.vstack([series(200), np.zeros((100, 2))]),
        "channel all NaN": lambda: np.hstack([series(300), np.full((300, 1), np.nan)]),
        "gaps": lambda: np.where(np.arange(300)[:, None] % 7 == 0, np.nan, series(300)),
        "huge beside tiny": lambda: series(300) * np.array([1e300, 1e-300]),
        "just one window": lambda: series(20),
    }.items(),
    ids=lambda item: item[0],
)
@pytest.mark.filterwarnings("ignore:.* too few for a threshold")
@pytest.mark.parametrize("encoding", ["fourier", "unit"])
def test_odd_series_have_finite_scores(make, encoding):
    X = make[1]()
    detector = ActivationAnomalyDetector(window=20, encoding=encoding, **SMALL).fit(X)
    assert np.isfinite(detector.score_samples(X)).all()
    assert np.isfinite(detector.p_values(X)).all()
    assert np.isfinite(detector.explain(X)).all()


def test_window_may_not_change_in_a_stream():
    detector = ActivationAnomalyDetector(window=20, **SMALL).partial_fit(series())
    with pytest.raises(ValueError, match="window=30 differs from the 20"):
        detector.set_params(window=30).partial_fit(series())
    assert detector.window_ == 20
    detector.set_params(window="auto").partial_fit(series())
    assert detector.window_ == 20


def test_a_stream_of_rows_may_not_become_one_of_windows():
    detector = ActivationAnomalyDetector(**SMALL).partial_fit(series())
    with pytest.raises(ValueError, match="window='auto' differs from the None"):
        detector.set_params(window="auto").partial_fit(series())


def test_batches_of_a_stream_continue_across_their_border():
    X = series(500)
    given = {"window": 10, "bandwidth": 3.0, "standardize": False, "learning_time": 50.0, **SMALL}
    whole = ActivationAnomalyDetector(**given).fit(X)
    parts = ActivationAnomalyDetector(**given).partial_fit(X[:250])
    for stamp in range(250, 260):
        parts.partial_fit(X[stamp : stamp + 1])
    parts.partial_fit(X[260:])
    np.testing.assert_allclose(whole.coefs_[0], parts.coefs_[0], atol=1e-8)
    assert len(parts.training_scores_) == 240


def test_batches_with_groups_are_series_of_their_own():
    X = series(500)
    groups = np.arange(500) // 250
    given = {"window": 10, "bandwidth": 3.0, "standardize": False, "learning_time": 50.0, **SMALL}
    whole = ActivationAnomalyDetector(**given).fit(X, groups=groups)
    parts = ActivationAnomalyDetector(**given)
    for group in (0, 1):
        parts.partial_fit(X[groups == group], groups=groups[groups == group])
    np.testing.assert_allclose(whole.coefs_[0], parts.coefs_[0], atol=1e-8)


def test_a_stream_goes_on_after_a_gap_stamp_by_stamp():
    log = dated(300)
    detector = ActivationAnomalyDetector(window=20, **SMALL).partial_fit(log[:150])
    seen = detector._n_seen
    for row in range(200, 219):
        detector.partial_fit(log[row : row + 1])
        assert np.isnan(detector.training_scores_).all()
    assert detector._n_seen == seen
    for row in range(219, 260):
        detector.partial_fit(log[row : row + 1])
        assert np.isfinite(detector.training_scores_).all()
    np.testing.assert_allclose(detector._n_seen - seen, 41)


def test_no_window_of_a_stream_crosses_two_series():
    X = np.concatenate([series(600), 50 + series(10, seed=1)])
    detector = ActivationAnomalyDetector(window=20, **SMALL)
    with pytest.warns(UserWarning, match="shorter than window=20"):
        detector.fit(X, groups=np.arange(610) >= 600)
    seen = detector._n_seen
    detector.partial_fit(50 + series(9, seed=2))
    assert detector._n_seen == seen
    detector.partial_fit(50 + series(1, seed=3))
    np.testing.assert_allclose(detector._n_seen, seen + 1)


def test_an_array_may_be_followed_by_a_frame_with_times():
    detector = ActivationAnomalyDetector(window=20, **SMALL).partial_fit(series(300))
    log = pd.DataFrame(series(60), pd.date_range("2024", periods=60, freq="h"))
    assert np.isfinite(detector.partial_fit(log).training_scores_).all()
    late = log.set_axis(log.index + pd.Timedelta("60h"))
    late.index = late.index[:5].append(late.index[4:-1])
    with pytest.raises(ValueError, match="does not increase at row 5"):
        detector.partial_fit(late)


def test_nothing_of_windows_is_kept_by_a_fit_to_rows():
    detector = ActivationAnomalyDetector(window=20, **SMALL).fit(series())
    assert "_tail" not in vars(pickle.loads(pickle.dumps(detector.compact())))
    detector.set_params(window=None).fit(series())
    assert not {"_tail", "_series"} & set(vars(detector))


def test_merging_what_cannot_be_merged_says_so():
    detector = ActivationAnomalyDetector(window=20, **SMALL).fit(series())
    with pytest.raises(NotFittedError):
        detector.merge(ActivationAnomalyDetector(window=20, **SMALL))
    with pytest.raises(ValueError, match="Cannot merge"):
        detector.merge(ActivationAnomalyDetector(**SMALL).fit(series()))
    with pytest.raises(ValueError, match="windows are of 20 and 30 time stamps"):
        detector.merge(ActivationAnomalyDetector(window=30, **SMALL).fit(series()))
