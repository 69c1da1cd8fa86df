"""Forecasts: what must hold for any series, and the formulas one by one."""

import pickle

import numpy as np
import pandas as pd
import polars
import pytest
import skops.io
from sklearn.exceptions import NotFittedError

from sklearn_activation import ActivationAnomalyDetector
from sklearn_activation._series import forecast
from sklearn_activation._series.forecast import (
    Fan,
    _distances,
    choose_past,
    correct,
    draw_windows,
    open_fan,
    roughness,
    spread_weights,
)
from sklearn_activation._series.record import Record

from .. import naive

pytestmark = pytest.mark.filterwarnings("ignore:.*too few for a threshold:UserWarning")

LEVELS = (0.1, 0.5, 0.9)


def detector_of(X, window=30, **options):
    """A fitted detector; its network is small, because forecasts do not use it."""
    options = {"n_frequencies": 6, "random_state": 0, **options}
    return ActivationAnomalyDetector(window=window, **options).fit(X)


def waves(n, seed=0):
    """Two channels with a period of 25 time steps."""
    t = np.arange(n)[:, None] + np.array([0, 6])
    noise = np.random.default_rng(seed).normal(size=(n, 2))
    return np.sin(2 * np.pi * t / 25) + 0.1 * noise


def autoregressive(n, seed=0, coefficient=0.8):
    noise = np.random.default_rng(seed).normal(size=n)
    x = np.zeros(n)
    for t in range(1, n):
        x[t] = coefficient * x[t - 1] + noise[t]
    return x[:, None]


@pytest.fixture(scope="module")
def fitted():
    return detector_of(waves(800), window=50)


# -- what is forecast ----------------------------------------------------------------------


def test_a_noisy_wave_goes_on(fitted):
    X = waves(900, seed=1)
    found = fitted.forecast_quantiles(X[:850], 20)
    assert found.shape == (3, 20, 2)
    assert (np.diff(found, axis=0) >= 0).all()
    future = X[850:870]
    assert np.abs(found[1] - future).mean() < 0.15
    assert ((found[0] <= future) & (future <= found[2])).mean() > 0.6
    assert (found[2] - found[0]).mean() < 0.6
    paths = fitted.sample_future(X[:850], 20, 30, random_state=0)
    assert paths.shape == (30, 20, 2) and paths.dtype == np.float64


@pytest.mark.parametrize("horizon", [1, 10, 35, 49])
def test_a_clean_wave_goes_on_exactly(horizon):
    x = np.sin(2 * np.pi * np.arange(700) / 20)[:, None]
    detector = detector_of(x[:600], window=50)
    found = detector.forecast_quantiles(x[:633], horizon)
    np.testing.assert_allclose(found[1], x[633 : 633 + horizon], atol=0.02)


def test_a_trend_goes_on():
    x = 0.1 * np.arange(700.0) + np.random.default_rng(0).normal(0, 0.3, 700)
    found = detector_of(x[:600, None]).forecast_quantiles(x[:650, None], 20)
    np.testing.assert_allclose(found[1, :, 0], 0.1 * np.arange(650, 670), atol=0.5)


@pytest.mark.filterwarnings("ignore:The latest values")
def test_a_new_level_goes_on():
    """The record knows no step like this one, so nothing draws the forecast back."""
    X = waves(900)
    X[850:] += 50
    found = detector_of(X[:800], window=50).forecast_quantiles(X[:860], 10)
    np.testing.assert_allclose(found[1], X[860:870], atol=1.0)


@pytest.mark.filterwarnings("ignore:The latest values")
@pytest.mark.parametrize("n_odd", [1, 2])
def test_outliers_at_the_end_are_no_new_level(n_odd):
    X = waves(860)
    detector = detector_of(X[:800], window=50)
    expected = detector.forecast_quantiles(X, 10)[1]
    X[-n_odd:] += 50
    assert np.abs(detector.forecast_quantiles(X, 10)[1] - expected).mean() < 25


def test_a_random_walk_stays_and_spreads():
    x = np.cumsum(np.random.default_rng(0).normal(size=3000))[:, None]
    found = detector_of(x[:2500]).forecast_quantiles(x, 20)[:, :, 0]
    assert np.abs(found[1] - x[-1]).max() < 2
    width = found[2] - found[0]
    assert 3 < width[19] / width[0] < 6.5  # the root of 20 is 4.5


def test_intervals_hold_what_they_promise():
    X = autoregressive(5000)
    detector, inside = detector_of(X[:3000]), []
    for end in range(3000, 4980, 40):
        low, high = detector.forecast_quantiles(X[:end], 10, (0.1, 0.9))
        inside.append((low <= X[end : end + 10]) & (X[end : end + 10] <= high))
    assert 0.74 < np.mean(inside) < 0.86


def test_counts_are_not_negative_and_balances_may_be():
    x = np.random.default_rng(0).poisson(0.3, (600, 1)).astype(float)
    assert detector_of(x).forecast_quantiles(x, 5, (0.01, 0.5)).min() >= 0
    assert detector_of(x).sample_future(x, 5, 50, random_state=0).min() >= 0
    assert detector_of(x - 1).forecast_quantiles(x - 1, 5, (0.01, 0.5)).min() < 0
    below = detector_of(x).forecast_quantiles(x - 1, 5, (0.01, 0.5))
    assert below.min() < 0  # the past at hand was negative


def test_a_constant_series_stays():
    x = np.full((300, 1), 5.0)
    assert (detector_of(x).forecast_quantiles(x, 4) == 5).all()
    assert (detector_of(x).forecast_quantiles(x + 2, 4) == 7).all()


@pytest.mark.filterwarnings("ignore:A forecast compares pieces")
def test_a_series_that_is_hardly_longer_than_a_window():
    """All its windows overlap, and its semivariogram is hardly known."""
    t = np.arange(60)
    for seed in range(5):
        noise = np.random.default_rng(seed).normal(0, 0.1, 60)
        x = (0.1 * t + np.sin(2 * np.pi * t / 12) + noise)[:, None]
        detector = detector_of(x[:36], window=20)
        found = np.array([detector.forecast_quantiles(x[:end], 6) for end in range(36, 54)])
        future = np.array([x[end : end + 6] for end in range(36, 54)])
        assert np.abs(found[:, 1] - future).mean() < 0.4
        assert ((found[:, 0] <= future) & (future <= found[:, 2])).mean() > 0.5


def test_intervals_without_windows_to_compare_are_warned_of():
    x = waves(90)
    with pytest.warns(UserWarning, match="pieces of 30 time steps.*only 59 time steps in a row"):
        detector_of(x[:59]).forecast_quantiles(x[:59], 6)
    detector_of(x[:60]).forecast_quantiles(x[:60], 6)  # a warning would be an error here


# -- what must not matter ------------------------------------------------------------------


def test_levels_scales_and_the_order_of_channels_carry_over(fitted):
    X, other = waves(800), waves(900, seed=2)[:870]
    found = fitted.forecast_quantiles(other, 10)
    shift, scale = np.array([1e4, -30]), np.array([1e-6, 1e5])
    changed = detector_of(X * scale + shift * scale, window=50)
    again = changed.forecast_quantiles((other + shift) * scale, 10) / scale - shift
    np.testing.assert_allclose(again, found, atol=1e-6)
    permuted = detector_of(X[:, ::-1], window=50).forecast_quantiles(other[:, ::-1], 10)
    np.testing.assert_allclose(permuted[:, :, ::-1], found, atol=1e-10)


@pytest.mark.filterwarnings("ignore:The latest values")
def test_a_level_of_the_past_alone_carries_over(fitted):
    X = waves(900, seed=2)[:870]
    found = fitted.forecast_quantiles(X, 10)
    np.testing.assert_allclose(fitted.forecast_quantiles(X + 7, 10), found + 7, atol=1e-10)


def test_only_the_latest_time_steps_matter(fitted):
    X = waves(870)
    found = fitted.forecast_quantiles(X, 10)
    np.testing.assert_array_equal(fitted.forecast_quantiles(X[-40:], 10), found)
    assert (fitted.forecast_quantiles(X[-39:], 10) != found).any()


def test_the_solver_and_the_encoding_do_not_matter(fitted):
    X = waves(800)
    found = fitted.forecast_quantiles(X, 10)
    for options in ({"encoding": "unit"}, {"random_state": 3}, {"relative_to": None}):
        again = detector_of(X, window=50, **options).forecast_quantiles(X, 10)
        np.testing.assert_array_equal(again, found)


def test_inputs_of_other_kinds(fitted):
    X = waves(870).astype(np.float32)
    found = fitted.forecast_quantiles(X, 10)
    frozen = X.copy()
    frozen.setflags(write=False)
    for other in (frozen, np.asfortranarray(X), X.astype(float), X.tolist()):
        np.testing.assert_array_equal(fitted.forecast_quantiles(other, 10), found)
    single = detector_of(waves(800).astype(np.float32), window=50).forecast_quantiles(X, 10)
    np.testing.assert_allclose(single, found, atol=1e-4)
    learned = waves(800)
    detector = detector_of(learned, window=50)
    learned[:] = 0  # the record is no view of the user's array
    np.testing.assert_array_equal(detector.forecast_quantiles(X, 10), found)


def test_frames_of_pandas_and_polars():
    X = waves(800)
    for frame in (pd.DataFrame(X, columns=["a", "b"]), polars.DataFrame(X, schema=["a", "b"])):
        detector = detector_of(frame, window=50)
        expected = detector_of(X, window=50).forecast_quantiles(X, 10)
        np.testing.assert_array_equal(detector.forecast_quantiles(frame, 10), expected)


# -- gaps ----------------------------------------------------------------------------------


def test_gaps_of_the_past_hardly_matter(fitted):
    X = waves(870, seed=4)
    found = fitted.forecast_quantiles(X, 10)
    gaps = X.copy()
    gaps[850:854, 0] = gaps[833:840] = gaps[868:, 1] = np.nan
    again = fitted.forecast_quantiles(gaps, 10)
    np.testing.assert_allclose(again[1], found[1], atol=0.25)
    assert (again[1] != found[1]).any()


def test_gaps_of_the_record_hardly_matter(fitted):
    X = waves(800)
    X[np.random.default_rng(0).random(X.shape) < 0.1] = np.nan
    X[300:340] = np.nan
    past = waves(870, seed=4)
    again = detector_of(X, window=50).forecast_quantiles(past, 10)
    np.testing.assert_allclose(again[1], fitted.forecast_quantiles(past, 10)[1], atol=0.25)


def test_one_time_step_is_enough(fitted):
    found = fitted.forecast_quantiles([[0.9, np.nan]], 10)
    assert np.isfinite(found).all()
    assert np.abs(found[1, 0, 0] - 0.9) < 0.3
    high, low = np.quantile(waves(800)[:, 1], (0.9, 0.1))
    np.testing.assert_allclose(found[2, :, 1], high, atol=0.15)
    np.testing.assert_allclose(found[0, :, 1], low, atol=0.15)


def test_a_channel_of_which_nothing_is_known():
    X = waves(400)
    X[:, 1] = np.nan
    found = detector_of(X, window=50).forecast_quantiles(X, 10)
    assert np.isfinite(found[:, :, 0]).all() and np.isnan(found[:, :, 1]).all()
    alone = detector_of(X[:, :1], window=50).forecast_quantiles(X[:, :1], 10)
    np.testing.assert_allclose(found[:, :, 0], alone[:, :, 0])
    # A present value alone does not tell how the channel changes.
    now = np.nan_to_num(X)
    assert np.isnan(detector_of(X, window=50).forecast_quantiles(now, 10)[:, :, 1]).all()


def test_kriging_looks_at_the_latest_known_time_steps(monkeypatch):
    X = waves(600)
    monkeypatch.setattr(forecast, "MOST_KNOWN", 12)
    detector = detector_of(X, window=50)
    longer = detector.forecast_quantiles(X, 10)
    X[:-12] = np.nan
    np.testing.assert_allclose(detector.forecast_quantiles(X, 10), longer)


def test_times_that_the_index_lacks_are_unknown(fitted):
    X = waves(870)
    times = pd.date_range("2026-01-01", periods=870, freq="h")
    gaps = X.copy()
    gaps[[850, 851, 860]] = np.nan
    expected = fitted.forecast_quantiles(gaps, 10)
    frame = pd.DataFrame(X, index=times).drop(times[[850, 851, 860]])
    np.testing.assert_array_equal(fitted.forecast_quantiles(frame, 10), expected)
    later = pd.DataFrame(X, index=times).drop(times[100:860])
    gaps[:860] = np.nan
    gaps[860] = X[860]
    np.testing.assert_array_equal(
        fitted.forecast_quantiles(later, 10), fitted.forecast_quantiles(gaps, 10)
    )
    # The past of a long horizon is longer than a window, and so is this gap.
    gaps = X.copy()
    gaps[790:860] = np.nan
    later = pd.DataFrame(X, index=times).drop(times[790:860])
    np.testing.assert_array_equal(
        fitted.forecast_quantiles(later, 45), fitted.forecast_quantiles(gaps, 45)
    )
    with pytest.raises(ValueError, match="does not increase at row 1"):
        fitted.forecast_quantiles(frame.iloc[[5, 5, 6]], 10)


# -- streams, series and copies ------------------------------------------------------------


def records_equal(one, other):
    np.testing.assert_array_equal(one._record["X"], other._record["X"])
    np.testing.assert_array_equal(one._record["first"], other._record["first"])


def hourly(n, step="h"):
    """A daily pattern with dates."""
    t = np.arange(n)
    noise = np.random.default_rng(0).normal(0, 0.2, n)
    index = pd.date_range("2025-01-01", periods=n, freq=step)
    return pd.DataFrame({"kWh": 50 + 20 * np.sin(2 * np.pi * t / 24) + noise}, index=index)


@pytest.mark.filterwarnings("ignore:The index lacks", "ignore:.*steps of the index are unequal")
@pytest.mark.parametrize("share", [0.05, 0.12, 0.25])
@pytest.mark.parametrize("of", ["fit", "past", "stream"])
def test_rows_missing_at_random_do_not_shift_the_pattern(share, of):
    """Neither in the record nor in the past at hand."""
    frame = hourly(1224)
    past, future = frame[:1200], frame[1200:].to_numpy()
    kept = np.random.default_rng(1).random(1200) > share
    kept[-1] = True
    detector = detector_of(past if of == "past" else past[kept][:700], window=96)
    if of == "stream":
        detector.partial_fit(past[kept][700:])
    found = detector.forecast_quantiles(past[kept] if of == "past" else past, 24)[1]
    assert np.abs(found - future).mean() < 1.5


def test_weekends_do_not_shift_a_pattern_of_days():
    t = np.arange(700)
    frame = hourly(700, "B") - 20 * np.sin(2 * np.pi * t / 24)[:, None]
    frame["kWh"] += 10.0 * (t % 5)
    with pytest.warns(UserWarning, match="closed up"):
        detector = detector_of(frame[:600], window=60)
    found = detector.forecast_quantiles(frame[:690], 10)[1]
    assert np.abs(found - frame[690:].to_numpy()).mean() < 1


def test_other_steps_and_sentinels_are_warned_of():
    frame = hourly(900)
    detector = detector_of(frame[:800], window=72)
    with pytest.warns(UserWarning, match=r"step of X is 900 s.*steps of 3600 s"):
        detector.forecast_quantiles(hourly(900, "15min"), 12)
    for n_odd in (1, 3):
        odd = frame.copy()
        odd.iloc[-n_odd:] = -999.0
        with pytest.warns(UserWarning, match=r"-999 of kWh, learned 2.* to 7.*by NaN"):
            detector.forecast_quantiles(odd, 12)
    values = frame.to_numpy()
    with pytest.warns(UserWarning, match="5000 of 0, learned"):
        detector_of(values).forecast_quantiles(np.append(values, 5000)[:, None], 12)


def test_a_stream_forecasts_as_one_fit():
    X = waves(800)
    whole = detector_of(X, window=50)
    stream = ActivationAnomalyDetector(window=50, n_frequencies=6, random_state=0)
    for first, end in ((0, 300), (300, 310), (310, 311), (311, 640), (640, 800)):
        stream.partial_fit(X[first:end])
    records_equal(stream, whole)
    past = waves(870, seed=4)
    np.testing.assert_array_equal(
        stream.forecast_quantiles(past, 10), whole.forecast_quantiles(past, 10)
    )


def test_batches_with_a_long_gap_are_two_series():
    X = waves(600)
    times = pd.date_range("2026-01-01", periods=900, freq="h")
    frame = pd.DataFrame(X, index=times[:300].append(times[600:]))
    with pytest.warns(UserWarning, match="cut at gaps: 1"):
        whole = detector_of(frame, window=50)
    stream = ActivationAnomalyDetector(window=50, n_frequencies=6, random_state=0)
    stream.partial_fit(frame[:300]).partial_fit(frame[300:])
    records_equal(stream, whole)
    assert whole._record["first"].tolist() == [0, 300]


def test_a_record_is_bounded_and_forgets():
    X = waves(200)
    stream = ActivationAnomalyDetector(window=20, n_frequencies=6, random_state=0)
    stream.partial_fit(X)
    n = (1 << 17) // 2
    stream.partial_fit(waves(n))
    assert stream._record["X"].shape == (n, 2)
    stream.partial_fit(X + 5)
    np.testing.assert_array_equal(stream._record["X"][-200:], X + 5)


def test_weights_of_zero_leave_time_steps_out():
    X, weight = waves(600), np.ones(600)
    X[100:300] += 1000
    weight[100:300] = 0
    detector = ActivationAnomalyDetector(window=50, n_frequencies=6, random_state=0)
    detector.fit(X, sample_weight=weight)
    gaps = X.copy()
    gaps[100:300] = np.nan
    past = waves(870, seed=4)
    found = detector.forecast_quantiles(past, 10)
    np.testing.assert_array_equal(found, detector_of(gaps, window=50).forecast_quantiles(past, 10))
    assert np.abs(found).max() < 3


def test_series_do_not_mix():
    """Two series far apart are as one series of either level."""
    X = waves(800)
    groups = np.repeat(["a", "b"], 400)
    apart = X + np.where(groups == "a", 0, 1e3)[:, None]
    detector = ActivationAnomalyDetector(window=50, n_frequencies=6, random_state=0)
    found = detector.fit(apart, groups=groups).forecast_quantiles(apart, 10) - 1e3
    expected = detector.fit(X, groups=groups).forecast_quantiles(X, 10)
    np.testing.assert_allclose(found[1], expected[1], atol=0.05)


def test_merged_detectors_know_both_series():
    options = {"standardize": False, "bandwidth": 1.0, "learning_time": 9.0}
    X, other = waves(400), waves(500, seed=3)
    ours, theirs = (detector_of(part, window=50, **options) for part in (X, other))
    ours.merge(theirs)
    np.testing.assert_array_equal(ours._record["X"], np.concatenate([other, X]))
    assert ours._record["first"].tolist() == [0, 500]
    ours.partial_fit(waves(60))
    assert ours._record["first"].tolist() == [0, 500] and len(ours._record["X"]) == 960


def test_copies_forecast_alike(fitted, tmp_path):
    X = waves(870)
    found = fitted.forecast_quantiles(X, 10)
    paths = fitted.sample_future(X, 10, 5, random_state=0)
    skops.io.dump(fitted, tmp_path / "detector.skops")
    trusted = skops.io.get_untrusted_types(file=tmp_path / "detector.skops")
    assert trusted == ["sklearn_activation._detector.ActivationAnomalyDetector"]
    loaded = skops.io.load(tmp_path / "detector.skops", trusted=trusted)
    pickled = pickle.loads(pickle.dumps(fitted))
    for copy in (loaded, pickled, pickle.loads(pickle.dumps(fitted)).compact()):
        np.testing.assert_array_equal(copy.forecast_quantiles(X, 10), found)
        np.testing.assert_array_equal(copy.sample_future(X, 10, 5, random_state=0), paths)


# -- the formulas --------------------------------------------------------------------------


def small_fan(seed=0, n=7):
    rng = np.random.default_rng(seed)
    return Fan(
        middle=rng.normal(size=(3, 2)),
        errors=rng.normal(size=(n, 3, 2)),
        weight=rng.dirichlet(np.ones(n)),
        starts=np.array([0, 1, 2, 5, 6, 9, 10])[:n],
        level=np.array([5.0, -1.0]),
        scale=np.array([2.0, 10.0]),
        least=np.array([0.0, -np.inf]),
    )


def test_quantiles_are_those_of_weighted_errors():
    fan = small_fan()
    found = fan.quantiles(np.array(LEVELS))
    for k, level in enumerate(LEVELS):
        for i, j in np.ndindex(3, 2):
            n = naive.effective_number(fan.starts, fan.weight, i + 1)
            # The level among the errors alone of which the share among n + 1 is ``level``.
            level_of_old = (level * (1 + 1 / n)) - 1 / (2 * n)
            error = naive.weighted_quantile(fan.errors[:, i, j], fan.weight, level_of_old)
            expected = fan.level[j] + fan.scale[j] * (fan.middle[i, j] + error)
            assert found[k, i, j] == pytest.approx(max(expected, fan.least[j]))


def test_new_errors_lie_below_a_quantile_with_its_probability():
    """Ranks are i / (n + 1) if n errors are independent and have equal weights."""
    rng, n, levels = np.random.default_rng(0), 9, np.array([0.1, 0.35, 0.9])
    errors = rng.normal(size=(n + 1, 4000, 1))
    fan = Fan(
        middle=np.zeros((4000, 1)),
        errors=errors[:n],
        weight=np.full(n, 1 / n),
        starts=10_000 * np.arange(n),
        level=np.zeros(1),
        scale=np.ones(1),
        least=np.array([-np.inf]),
    )
    found = fan.quantiles(levels)
    np.testing.assert_allclose(found, np.quantile(errors[:n], levels, axis=0, method="weibull"))
    below = (errors[n] < found).mean(axis=(1, 2))
    np.testing.assert_allclose(below, levels, atol=0.02)


def test_errors_of_overlapping_forecasts_count_as_one():
    """Forecasts h stamps ahead that are less than h stamps apart miss the same values."""
    fan = small_fan()
    expected = [naive.effective_number(fan.starts, fan.weight, h) for h in (1, 2, 3)]
    np.testing.assert_allclose(fan.effective_numbers(), expected)
    assert expected[0] == pytest.approx(1 / (fan.weight @ fan.weight))


def test_paths_have_the_weights_of_their_windows():
    fan = small_fan()
    paths = fan.paths(20_000, np.random.default_rng(0))
    whole = np.maximum(fan.level + fan.scale * (fan.middle + fan.errors), fan.least)
    kinds = [np.all(paths == path, axis=(1, 2)).mean() for path in whole]
    np.testing.assert_allclose(kinds, fan.weight, atol=0.015)


def test_paths_have_the_quantiles(fitted):
    X = waves(870)
    paths = fitted.sample_future(X, 10, 5000, random_state=0)
    expected = fitted.forecast_quantiles(X, 10)
    found = np.quantile(paths, LEVELS, axis=0)
    np.testing.assert_allclose(found, expected, atol=0.04)


@pytest.mark.parametrize("n", [4, 200])  # four windows overlap one another
def test_errors_are_corrected_by_windows_that_do_not_overlap(n):
    rng = np.random.default_rng(0)
    errors, place = rng.normal(size=(n, 3, 2)), rng.normal(size=(n, 1))
    errors[:, :, 1] = np.sin(9 * place) + 0.1 * errors[:, :, 1]
    between = ((place[:, None] - place) ** 2).sum(axis=2)
    own, starts = between[0], 3 * np.arange(n)
    expected, left = correct(errors, between, own, starts, 10)
    for j in range(2):
        tried = [
            naive.corrected_errors(errors[:, :, j], between, starts, 10, reach)
            for reach in (1e9, 0.7, 0.35, 0.175)
        ]
        best = int(np.argmin([np.abs(one).mean() for one in tried]))
        assert best == (3 if n == 200 and j == 1 else 0)
        np.testing.assert_allclose(left[:, :, j], tried[best], atol=1e-7)
        reach = (1e9, 0.7, 0.35, 0.175)[best]
        weight = np.exp(-own / (2 * reach**2))
        np.testing.assert_allclose(
            expected[:, j], weight @ errors[:, :, j] / weight.sum(), atol=1e-7
        )


def test_distances_count_all_channels_alike():
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(41, 5)), 1e3 * rng.normal(size=(41, 3))
    still = np.full((41, 2), 1e-15)
    between, own = _distances([one, other, still], 40)
    expected = 0
    for part in (one, other):
        squares = ((part[:, None] - part) ** 2).sum(axis=2)
        expected = expected + squares / squares[1:, 1:].mean() / 2
    np.testing.assert_allclose(between, expected[1:, 1:], atol=1e-12)
    np.testing.assert_allclose(own, expected[0, 1:])
    assert between.mean() == pytest.approx(1)
    assert not np.any(_distances([still], 40)[0])


def test_the_spread_is_that_of_similar_pasts():
    """Values scatter after a rise and not after a fall; both are equally rough."""
    rng = np.random.default_rng(0)
    blocks = []
    for _ in range(60):
        up = np.arange(10.0)
        blocks += [up, [9 + rng.normal(0, 3)], up[::-1], [rng.normal(0, 0.1)]]
    x = np.concatenate(blocks)[:, None]
    record, widths = Record(x, np.array([0])), []
    for past in (up, up[::-1]):
        low, high = open_fan(record, past[:, None], 1).quantiles([0.1, 0.9])
        widths.append((high - low).item())
    assert widths[0] > 1.6 * widths[1]


@pytest.mark.parametrize("n", [3, 20, 500])
def test_the_spread_never_hangs_on_few_windows(n):
    far = np.arange(n) * 10.0  # one window is much nearer than all others
    weight = spread_weights(far)
    assert weight.sum() == pytest.approx(1) and (np.diff(weight) <= 0).all()
    assert 1 / (weight @ weight) >= min(n / 2, 20) * (1 - 1e-6)
    near = np.linspace(0, 1e-3, n)
    expected = np.exp(-near / (2 * 0.35**2))
    np.testing.assert_allclose(spread_weights(near), expected / expected.sum())


def test_roughness_is_that_of_neighbours():
    X = np.array([[0.0, 3.0, 7.0, 6.0], [1.0, 1.0, 1.0, 1.0]])
    found = roughness(X, np.array([0, 1, 5, 6]))
    np.testing.assert_allclose(found, [np.sqrt((9 + 1) / 2) + 1e-3, 1e-3])
    np.testing.assert_array_equal(roughness(X, np.array([0, 2, 4, 6])), 1)


def test_a_rougher_past_has_a_wider_fan():
    x = np.cumsum(np.random.default_rng(0).normal(size=500))[:, None]
    record, past = Record(x, np.array([0])), x[-20:]
    calm, wild = past[-1] + 0.5 * (past - past[-1]), past
    widths = []
    for own in (calm, wild):
        low, high = open_fan(record, own, 5).quantiles([0.1, 0.9])
        widths.append((high - low).mean())
    assert 1.15 < widths[1] / widths[0] < 1.8


def test_bursts_after_flat_lines_do_not_grow_without_bound():
    """The past has changes, and the pasts before most bursts have none."""
    rng = np.random.default_rng(0)
    x = np.zeros((4000, 1))
    for first in rng.integers(0, 3950, 12):
        x[first : first + 15, 0] = rng.uniform(0, 100, 15)
    past = np.zeros((24, 1))
    past[:5, 0] = rng.uniform(0, 100, 5)
    high = open_fan(Record(x, np.array([0])), past, 12).quantiles([0.99])
    assert high.max() < 400


def test_windows_lie_within_series_and_avoid_long_gaps():
    X = np.arange(120.0)[:, None]
    X[50:60] = np.nan
    starts, windows = draw_windows(X, [(0, 90), (90, 120)], 10, np.array([True]))
    assert set(starts) == {*range(41), *range(60, 81), *range(90, 111)}
    np.testing.assert_array_equal(windows[:, :, 0], starts[:, None] + np.arange(10))
    starts, windows = draw_windows(X, [(0, 90), (90, 120)], 10, np.array([True]), most=40)
    assert len(windows) == 40 and starts[0] == 0 and starts[-1] == 110
    few = draw_windows(X, [(0, 90)], 10, np.array([True]), most_entries=1, fewest=5)[1]
    assert len(few) == 5


def test_windows_that_lack_a_channel_are_left_out_if_there_are_others():
    X = np.random.default_rng(0).normal(size=(100, 2))
    X[:50, 1] = np.nan
    starts, _ = draw_windows(X, [(0, 50), (50, 100)], 10, np.array([True, True]))
    assert starts.min() == 50
    starts, windows = draw_windows(X, [(0, 50)], 10, np.array([True, True]))
    assert starts.min() == 0 and (windows[:, :, 1] == 0).all()


def test_a_single_window_without_a_gap_does_not_stand_for_all():
    """The spread of one window is zero."""
    x = np.random.default_rng(0).normal(size=(2000, 1))
    gaps = x.copy()
    for first in range(42, 2000, 40):
        gaps[first : first + 12] = np.nan
    fan = open_fan(Record(gaps, np.array([0])), x[-30:], 12)
    low, high = fan.quantiles([0.1, 0.9])
    assert 1.5 < (high - low).mean() < 3.5  # 2.56 by the normal law


@pytest.mark.parametrize(
    "n_stamps, width, horizon, expected",
    [
        (500, 100, 24, 76),
        (500, 100, 80, 160),
        (500, 100, 99, 151),
        (500, 6, 2, 24),
        (36, 3, 2, 16),
        (30, 30, 10, 20),
        (30, 30, 29, 1),
    ],
)
def test_the_past_is_long_enough_for_the_horizon(n_stamps, width, horizon, expected):
    record = Record(np.zeros((n_stamps + 5, 1)), np.array([0, 5]))
    assert choose_past(record, width, horizon) == expected


# -- bad questions -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda d, X: d.sample_future(X, 20), "horizon=20 must be less than the window of 20"),
        (lambda d, X: d.forecast_quantiles(X, 99), "horizon=99 must be less than the window"),
        (lambda d, X: d.sample_future(X, 0), "horizon=0"),
        (lambda d, X: d.forecast_quantiles(X, 2.5), "horizon=2.5"),
        (lambda d, X: d.forecast_quantiles(X, "day"), "horizon='day'"),
        (lambda d, X: d.sample_future(X, 3, 0), "n_samples=0"),
        (lambda d, X: d.sample_future(X, 3, "many"), "n_samples='many'"),
        (lambda d, X: d.forecast_quantiles(X, 3, (0.5, 1)), "between 0 and 1"),
        (lambda d, X: d.forecast_quantiles(X, 3, (0, 0.5)), "between 0 and 1"),
        (lambda d, X: d.forecast_quantiles(X, 3, ()), "between 0 and 1"),
        (lambda d, X: d.forecast_quantiles(X, 3, ("low",)), "quantiles=.*low"),
        (lambda d, X: d.forecast_quantiles(X, 3, [np.nan]), "quantiles=.*nan"),
        (lambda d, X: d.forecast_quantiles(X[:0], 3), "0 sample"),
        (lambda d, X: d.forecast_quantiles(X[:, :1], 3), "1 features, but .* 2 features"),
        (lambda d, X: d.forecast_quantiles(X[:, 0], 3), "2D array"),
        (lambda d, X: d.forecast_quantiles(X * np.inf, 3), "infinity"),
        (lambda d, X: d.forecast_quantiles([["a", "b"]], 3), "'a'"),
    ],
)
def test_bad_questions(call, message):
    X = waves(200)
    with pytest.raises(ValueError, match=message):
        call(detector_of(X, window=20), X)


def test_detectors_that_do_not_forecast():
    X = waves(100)
    table = ActivationAnomalyDetector(n_frequencies=6, random_state=0)
    for call in ("sample_future", "forecast_quantiles"):
        with pytest.raises(NotFittedError):
            getattr(table, call)(X, 3)
    table.fit(X)
    for call in ("sample_future", "forecast_quantiles"):
        with pytest.raises(ValueError, match=f"{call} needs a detector with window"):
            getattr(table, call)(X, 3)


def test_a_record_of_short_series_says_what_to_do():
    record = Record(np.zeros((90, 1)), np.arange(0, 90, 10))
    with pytest.raises(ValueError, match=r"latest 90 time steps .* hold no series of window=20"):
        choose_past(record, 20, 5)
