"""Events of a series and monitors of a log: what someone with sensors asks for."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from sklearn_activation import ActivationAnomalyDetector
from sklearn_activation._series.events import find_runs


def noise(n, rho, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    for i in range(1, n):
        x[i] = rho * x[i - 1] + np.sqrt(1 - rho**2) * x[i]
    return x


# -- faults ----------------------------------------------------------------------------


@pytest.mark.parametrize("rho", [0.0, 0.7, 0.95])
@pytest.mark.parametrize("value", [0.1, 1.0])
def test_a_frozen_sensor_is_found(rho, value):
    x = noise(3000, rho, 0)
    detector = ActivationAnomalyDetector(window=20, random_state=0).fit(x[:2000, None])
    y = x[2000:].copy()
    y[500:600] = value
    low = detector.score_samples(y[:, None]) < detector.offset_
    assert low[520:600].mean() > 0.98  # 1 of three seeds
    assert low[450:495].sum() + low[605:650].sum() <= 10


def test_a_sensor_whose_noise_dies_is_found():
    x = noise(3000, 0.5, 1)
    detector = ActivationAnomalyDetector(window=20, random_state=0).fit(x[:2000, None])
    y = x[2000:].copy()
    y[500:600] *= 0.05
    found = (detector.predict(y[:, None])[520:600] == -1).mean()
    assert found > 0.8  # of three seeds 0.86 to 0.94


def test_a_sensor_that_always_repeats_values_is_not_frozen():
    x = np.repeat(np.round(noise(600, 0.5, 0), 1), 5)
    detector = ActivationAnomalyDetector(window=20, random_state=0).fit(x[:2000, None])
    assert (detector.predict(x[2000:, None]) == -1).mean() < 0.03


@pytest.mark.parametrize("length, least_recall", [(1, 1.0), (20, 0.9), (60, 0.9)])
@pytest.mark.parametrize("at", [500, 930])
def test_alarms_point_at_the_fault(length, least_recall, at):
    t, rng = np.arange(4000), np.random.default_rng(4)
    x = np.sin(2 * np.pi * t / 50) + 0.1 * rng.normal(size=4000)
    detector = ActivationAnomalyDetector(window=50, random_state=0).fit(x[:3000, None])
    clean = detector.predict(x[3000:, None]) == -1
    y = x[3000:].copy()
    y[at : at + length] += 1.2 if length == 1 else rng.normal(0, 0.6, length)
    low = detector.predict(y[:, None]) == -1
    assert low[at : at + length].mean() >= least_recall
    low &= ~clean
    assert low[at - 50 : at].sum() <= 12
    assert low[at + length : at + length + 50].sum() <= 13
    assert clean.mean() < 0.03


@pytest.mark.parametrize("at", [300, 970, 990, 998])
def test_the_lowest_score_is_at_the_spike(at):
    r = np.random.default_rng(0)
    x = np.sin(np.arange(3000) * 2 * np.pi / 50) + r.normal(0, 0.1, 3000)
    detector = ActivationAnomalyDetector(window=50, random_state=0).fit(x[:2000, None])
    y = x[2000:].copy()
    y[at] += 1.2
    assert abs(detector.score_samples(y[:, None]).argmin() - at) <= 1


def test_a_constant_series_is_normal_until_it_moves(recwarn):
    detector = ActivationAnomalyDetector(window=20, random_state=0).fit(np.full((300, 2), 7.0))
    later = np.full((200, 2), 7.0)
    assert (detector.predict(later) == 1).all()
    later[150:, 1] = 7.5
    low = detector.predict(later) == -1
    assert low[149:151].all()
    assert not low[:145].any()
    assert not recwarn


def log(n=3000, seed=0):
    """Three channels with a season of 24 stamps."""
    t = np.arange(n)
    season = np.sin(2 * np.pi * t / 24)
    channels = [(k + 1) * season + 0.5 * noise(n, 0.5, 10 * seed + k) for k in range(3)]
    index = pd.date_range("2024-01-01", periods=n, freq="h")
    return pd.DataFrame(np.column_stack(channels), index=index, columns=["a", "b", "c"])


@pytest.fixture(scope="module")
def fitted():
    return ActivationAnomalyDetector(window=48, random_state=0).fit(log())


def test_a_level_shift_is_an_event_and_not_an_alarm_for_ever(fitted):
    later = log(seed=1)
    later.iloc[1500:, 1] += 8
    low = fitted.predict(later) == -1
    assert low[1495:1505].any()
    assert low[1560:].mean() < 0.05
    kept = ActivationAnomalyDetector(window=48, relative_to=None, random_state=0).fit(log())
    assert (kept.predict(later)[1560:] == -1).mean() > 0.98  # a level that is learned stays odd


def test_a_trend_raises_no_alarm(fitted):
    later = log(seed=1) + np.linspace(0, 30, 3000)[:, None]
    assert (fitted.predict(later) == -1).mean() < 0.03


@pytest.mark.parametrize("n_gone, found", [(2, False), (30, True), (200, True)])
def test_stretches_of_nothing_are_found(fitted, n_gone, found):
    later = log(seed=1)
    later.iloc[1000 : 1000 + n_gone] = np.nan
    if found:
        with pytest.warns(UserWarning, match=f"{n_gone} of 3000 time steps are NaN throughout"):
            scores = fitted.score_samples(later)
        assert (scores[1000 : 1000 + n_gone] == 0).all()
    else:
        scores = fitted.score_samples(later)
    low = scores < fitted.offset_
    assert low[1000 : 1000 + n_gone].all() == found
    assert low[900:980].sum() + low[1020 + n_gone : 1100 + n_gone].sum() <= 8


def test_a_channel_that_falls_silent_is_to_blame(fitted):
    later = log(seed=1)
    later.iloc[1000:1100, 2] = np.nan
    events = fitted.events(later)
    hit = events[(events.start <= later.index[1050]) & (events.end >= later.index[1050])]
    assert [row.channels[0] for row in hit.itertuples()] == ["c"]


# -- events ----------------------------------------------------------------------------


def test_near_alarms_are_joined_within_a_series():
    alarm = np.zeros(40, dtype=bool)
    alarm[[3, 4, 7, 15, 19, 20, 39]] = True
    assert find_runs(alarm, [(0, 20), (20, 40)], 2) == [
        (3, 7),
        (15, 15),
        (19, 19),
        (20, 20),
        (39, 39),
    ]
    assert find_runs(alarm, [(0, 40)], 0) == [(3, 4), (7, 7), (15, 15), (19, 20), (39, 39)]


def test_events_of_a_frame_have_its_times_and_channels(fitted):
    later = log(seed=1)
    later.iloc[700:720, 1] += 6
    later.iloc[2000, 0] += 12
    events = fitted.events(later)
    assert events.columns.tolist() == ["start", "end", "peak", "score", "p", "channels"]
    for at, channel in ((710, "b"), (2000, "a")):
        time = later.index[at]
        hit = events[(events.start <= time) & (events.end >= time)]
        assert len(hit) == 1
        assert hit.channels.iloc[0][0] == channel
        assert abs(hit.peak.iloc[0] - time) <= pd.Timedelta(hours=12)
    assert len(events) <= 5
    scores = fitted.score_samples(later)
    np.testing.assert_allclose(events.score, scores[later.index.get_indexer(events.peak)])
    np.testing.assert_allclose(
        events.p, fitted.p_values(later)[later.index.get_indexer(events.peak)]
    )


def test_events_of_an_array_are_a_structured_array(fitted):
    later = log(seed=1).to_numpy(copy=True)
    later[700:720, 1] += 6
    detector = ActivationAnomalyDetector(window=48, random_state=0).fit(log().to_numpy())
    events = detector.events(later)
    hit = events[(events["start"] <= 710) & (events["end"] >= 710)]
    assert hit["channels"][0][0] == 1
    assert events.dtype.names == ("start", "end", "peak", "score", "p", "channels")
    one = ActivationAnomalyDetector(window=48, random_state=0).fit(later[:, :1])
    assert {tuple(channels) for channels in one.events(later[:, :1])["channels"]} <= {(0,)}


def test_all_channels_that_fail_are_blamed(fitted):
    later = log(seed=1)
    later.iloc[700:710] += 9
    events = fitted.events(later)
    hit = events[(events.start <= later.index[705]) & (events.end >= later.index[705])]
    assert set(hit.channels.iloc[0]) == {"a", "b", "c"}


def test_events_of_groups_and_of_numbered_columns_say_which():
    train = log().set_axis([10, 20, 30], axis=1)
    detector = ActivationAnomalyDetector(window=48, random_state=0).fit(train)
    later = log(400, seed=1).set_axis([10, 20, 30], axis=1)
    later.iloc[300:306, 1] += 12
    groups = np.repeat(["x", "y"], 200)
    for X, column in ((later, 20), (later.to_numpy(), 1)):
        events = detector.events(X, groups)
        worst = np.argmin(events["score"])
        assert np.asarray(events["group"])[worst] == "y"
        assert list(events["channels"])[worst][0] == column


def test_a_few_obvious_faults_do_not_hide_themselves():
    hour, rng = np.arange(3360), np.random.default_rng(0)
    X = np.column_stack(
        [
            50 + 10 * np.sin(2 * np.pi * hour / 24) + rng.normal(0, 1, 3360),
            20 + 5 * np.cos(2 * np.pi * hour / 24) + rng.normal(0, 1, 3360),
        ]
    )
    at = [300, 1111, 1999, 3050]
    for start in at:
        X[start : start + 5] = 0
    events = ActivationAnomalyDetector(window="auto", random_state=0).fit(X).events(X)
    for start in at:
        assert ((events["start"] <= start) & (events["end"] >= start)).any()


def test_arrays_go_to_a_monitor_of_a_frame_without_a_warning(fitted, recwarn):
    monitor = fitted.monitor(log(100, seed=1).to_numpy())
    monitor.update([[0.0, 1.0, 2.0]])
    assert not [w for w in recwarn if "feature names" in str(w.message)]
    with pytest.raises(ValueError, match="2 channels"):
        monitor.update([[0.0, 1.0]])


def test_channels_are_blamed_within_their_own_series(fitted):
    later = log(400, seed=1).to_numpy(copy=True)
    detector = ActivationAnomalyDetector(window=48, random_state=0).fit(log().to_numpy())
    later[200:206, 2] += 12
    events = detector.events(later, np.arange(400) // 200)
    hit = events[(events["start"] <= 203) & (events["end"] >= 203)]
    assert hit["channels"][0][0] == 2


@pytest.mark.parametrize("max_gap", [-1, "x", 1.5])
def test_gaps_between_alarms_are_counted(fitted, max_gap):
    with pytest.raises(ValueError, match="max_gap"):
        fitted.events(log(200), max_gap=max_gap)


def test_a_quiet_series_has_no_events(fitted):
    assert len(fitted.events(log(200, seed=4))) == 0
    assert fitted.events(log(200, seed=4)).columns[0] == "start"


@pytest.mark.parametrize("method", ["events", "monitor"])
def test_rows_have_no_events(method):
    detector = ActivationAnomalyDetector(n_frequencies=16, random_state=0).fit(log())
    with pytest.raises(ValueError, match=f"{method} needs a detector with window"):
        getattr(detector, method)(log())


# -- monitors --------------------------------------------------------------------------


def test_a_monitor_scores_as_the_end_of_the_log(fitted):
    later = log(seed=1)
    later.iloc[130, 1] += 12
    later.iloc[160:164, 0] = np.nan
    monitor = fitted.monitor()
    judged = monitor.update(later[:200])
    assert np.isnan(judged["score"][:47]).all()
    assert not judged["alarm"][:47].any()
    for end in (48, 60, 131, 133, 150, 163, 199):
        first = max(0, end - 95)
        expected = fitted.score_samples(later[first:end])[-1]
        np.testing.assert_allclose(judged["score"][end - 1], expected, rtol=1e-6)
        np.testing.assert_allclose(judged["p"][end - 1], fitted.p_values(later[first:end])[-1])
    np.testing.assert_array_equal(judged["alarm"], judged["score"] < fitted.offset_)


def test_a_monitor_goes_on_where_the_log_stood(fitted):
    later = log(seed=1)
    whole = fitted.monitor(later[:500]).update(later[500:520])
    monitor = pickle.loads(pickle.dumps(fitted.monitor(later[:500])))
    single = np.concatenate([monitor.update(later[i : i + 1]) for i in range(500, 520)])
    np.testing.assert_array_equal(whole, single)
    assert monitor.n_stamps_ == 96 + 20


def test_stamps_of_one_row_are_taken_as_they_are():
    X = log().to_numpy()
    detector = ActivationAnomalyDetector(window=48, random_state=0).fit(X)
    assert detector.monitor(X[:200]).update(X[200]).shape == (1,)


@pytest.mark.parametrize("channel", [0, 1, 2])
def test_alerts_come_within_stamps_of_a_spike_and_do_not_stay(fitted, channel):
    later = log(seed=2)
    clean = fitted.monitor(later[:300]).update(later[300:600])["alarm"]
    later.iloc[400, channel] += 14
    alarm = fitted.monitor(later[:300]).update(later[300:600])["alarm"]
    assert alarm[100:103].any()
    assert clean.mean() < 0.03
    assert (alarm & ~clean)[:100].sum() == 0
    assert (alarm & ~clean)[115:].sum() <= 3


def test_a_log_that_goes_dead_alarms(fitted):
    later = log(seed=2)[:200]
    later.iloc[150:] = np.nan
    judged = fitted.monitor().update(later)
    assert (judged["score"][158:] == 0).all()
    assert judged["alarm"][158:].all()


# -- monitors with a clock ---------------------------------------------------------------


def dated(n, seed):
    """A log with an hourly index."""
    return log(n, seed=seed).set_axis(pd.date_range("2026-01-01", periods=n, freq="h"))


def assert_same(judged, expected):
    for name in ("score", "p", "alarm"):
        assert_array_equal(judged[name], expected[name])


@pytest.mark.parametrize("gone", [[310], [310, 311], [*range(310, 313), 340]])
def test_a_monitor_fills_short_gaps_of_the_index(fitted, gone):
    later = dated(600, seed=1)
    known = np.setdiff1d(np.arange(300, 600), gone)
    empty = later.copy()
    empty.iloc[gone] = np.nan
    expected = fitted.monitor(later[:300]).update(empty[300:])[known - 300]
    monitor = fitted.monitor(later[:300])
    assert_same(monitor.update(later.iloc[known]), expected)
    one_by_one = fitted.monitor(later[:300])
    for i, row in zip(known[:20], expected[:20], strict=True):
        assert_same(one_by_one.update(later.iloc[[i]]), row)


def test_weekends_are_closed_up_by_a_monitor_as_in_training():
    rng = np.random.default_rng(0)
    days = pd.date_range("2020-01-01", periods=1200, freq="D")
    days = days[days.day_of_week < 5]
    sales = pd.DataFrame({"sold": days.day_of_week + rng.normal(0, 0.3, len(days))}, index=days)
    with pytest.warns(UserWarning, match="closed up"):
        detector = ActivationAnomalyDetector(window=20, random_state=0).fit(sales[:700])
    dated_rows = detector.monitor(sales[650:700]).update(sales[700:])
    rows = detector.monitor(sales[650:700].to_numpy()).update(sales[700:].to_numpy())
    assert_same(dated_rows, rows)


def test_a_monitor_begins_anew_after_a_long_gap(fitted):
    later = dated(600, seed=1)
    monitor = fitted.monitor(later[:300])
    with pytest.warns(UserWarning, match="100 time steps are missing.*no scores for"):
        judged = monitor.update(later[400:])
    assert np.isnan(judged["score"][: fitted.window_ - 1]).all()
    assert_same(judged, fitted.monitor().update(later[400:]))


@pytest.mark.parametrize(
    "rows", [slice(299, 300), slice(100, 101), [300, 301, 301], [301, 300]], ids=str
)
def test_a_monitor_refuses_times_that_do_not_increase(fitted, rows):
    later = dated(600, seed=1)
    monitor = fitted.monitor(later[:300])
    with pytest.raises(ValueError, match=r"Row [0-2] of X is not later than the row before"):
        monitor.update(later.iloc[rows])
    again = fitted.monitor(later[:300])
    assert_same(monitor.update(later[300:310]), again.update(later[300:310]))


# -- long gaps in training -----------------------------------------------------------------


def test_p_values_ignore_time_steps_beside_long_gaps():
    history = dated(1500, seed=0)
    odd = dated(300, seed=1)
    odd.iloc[150:160] += 9.0
    least = []
    for gone in (slice(0, 0), slice(600, 660)):
        gappy = history.copy()
        gappy.iloc[gone] = np.nan
        detector = ActivationAnomalyDetector(window=48, random_state=0).fit(gappy)
        least.append(np.nanmin(detector.p_values(odd)))
    assert least[1] < 1.5 * least[0]
