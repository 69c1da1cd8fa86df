"""From activations of windows to scores of stamps, against plain NumPy."""

import numpy as np
import pytest

from sklearn_activation import ActivationAnomalyDetector
from sklearn_activation._detection.threshold import ROUNDING
from sklearn_activation._series.calibration import (
    MOST_ALARMS,
    SPREADS,
    SeriesCalibration,
    calibration_of,
    gate_of,
)
from sklearn_activation._series.stamps import evidence_of, nearness_to_end, smoothed
from sklearn_activation._series.windows import Windows

BOUNDS = [(0, 30), (30, 34), (34, 90)]


@pytest.fixture
def scored():
    windows = Windows(np.zeros((90, 1)), BOUNDS, 12)
    return windows, np.random.default_rng(0).uniform(size=len(windows))


def covering(windows, stamp):
    return (windows.starts <= stamp) & (stamp < windows.starts + windows.width)


def test_evidence_is_what_a_tenth_of_the_windows_exceed(scored):
    windows, activation = scored
    found = evidence_of(windows, activation)
    for stamp in range(90):
        values = np.sort(activation[covering(windows, stamp)])[::-1]
        expected = values[len(values) // 10] if len(values) else np.nan
        np.testing.assert_equal(found[stamp], expected)


def test_nearness_to_an_end_counts_windows(scored):
    windows, _ = scored
    found = nearness_to_end(windows)
    for stamp in range(90):
        n = covering(windows, stamp).sum()
        np.testing.assert_allclose(found[stamp], 1 - (n - 1) / 11 if n else np.nan)


@pytest.mark.parametrize("n, width", [(90, 12), (91, 13), (5000, 40)])
def test_smooth_means_have_hann_weights(n, width):
    bounds = [(0, n)] if n == 5000 else [(0, 30), (30, 34), (34, n)]
    windows = Windows(np.zeros((n, 1)), bounds, width)
    activation = np.random.default_rng(0).uniform(size=len(windows))
    found = smoothed(windows, activation)
    for stamp in range(0, n, 97 if n == 5000 else 1):
        first, end = next((a, b) for a, b in bounds if a <= stamp < b)
        inside = (windows.starts >= first) & (windows.starts < end)
        distance = windows.starts[inside] + width // 2 - stamp
        weight = np.cos(np.pi * distance / (2 * width + 2)) ** 2 * (np.abs(distance) <= width)
        if inside.any():
            expected = weight @ activation[inside] / weight.sum()
            np.testing.assert_allclose(found[stamp], expected, rtol=1e-9)
        else:
            assert np.isnan(found[stamp])


def test_the_gate_looks_at_quiet_blocks():
    rng = np.random.default_rng(0)
    evidence = rng.normal(0.9, 0.01, size=4000)
    low = np.array([np.quantile(part, 0.01) for part in np.array_split(evidence, 20)])
    above = low[low >= np.median(low)] - np.median(low)
    naive = np.median(low) - SPREADS * np.sqrt(np.mean(above**2) * 1.05) - ROUNDING
    assert naive < np.quantile(evidence, MOST_ALARMS)
    np.testing.assert_allclose(gate_of(evidence, 20), naive)
    for at in (500, 900, 1700, 2500, 3900):  # events of the series itself
        evidence[at : at + 20] = 0.2
    assert abs(gate_of(evidence, 20) - naive) < 0.02
    assert abs((evidence < gate_of(evidence, 20, contamination=0.1)).mean() - 0.1) < 0.001


def noisy(n=1500, seed=0):
    rng = np.random.default_rng(seed)
    return (np.sin(np.arange(n) * 2 * np.pi / 25) + 0.2 * rng.normal(size=n))[:, None]


@pytest.mark.parametrize("encoding", ["fourier", "unit"])
def test_scores_are_below_the_threshold_where_the_evidence_is(encoding):
    detector = ActivationAnomalyDetector(window=25, encoding=encoding, random_state=0)
    X = noisy(1000, seed=1)
    X[400:410] += 4
    detector.fit(noisy())
    windows = Windows(X, [(0, 1000)], 25)
    activation = detector._score(windows)
    gate, edge = detector._series["gate"], detector._series["edge"]
    scores = detector.score_samples(X)
    assert gate == detector.offset_
    inner = slice(24, -24)
    low = evidence_of(windows, activation) + edge * nearness_to_end(windows) < gate
    np.testing.assert_array_equal((scores < gate)[inner], low[inner])
    assert low[400:410].all()
    smooth = smoothed(windows, activation)
    np.testing.assert_allclose(scores[~low], (gate + (1 - gate) * smooth)[~low])
    np.testing.assert_array_equal(scores - detector.offset_, detector.decision_function(X))


def test_blocks_are_scored_without_themselves():
    X, given = noisy(700), {"bandwidth": 3.0, "standardize": False, "learning_time": 20.0}
    detector = ActivationAnomalyDetector(window=25, n_frequencies=32, random_state=0, **given).fit(
        X
    )
    windows = Windows(X, [(0, 700)], 25)
    held = detector._score(windows)  # recognised
    part = np.array_split(np.arange(len(windows)), 6)[2]
    assert 676 // 100 == 6
    kept = np.r_[0 : part[0] - 24, part[-1] + 25 : len(windows)]
    rows = np.asarray(windows)
    rows = rows - rows.mean(axis=1, keepdims=True)
    twin = ActivationAnomalyDetector(n_frequencies=32, random_state=0, **given).fit(rows[kept])
    np.testing.assert_allclose(held[part], twin._energies(rows[part]), rtol=1e-5)


def test_the_training_series_is_recognised():
    X = noisy(800)
    detector = ActivationAnomalyDetector(window=25, random_state=0).fit(X)
    np.testing.assert_allclose(detector.score_samples(X), detector.training_scores_)
    np.testing.assert_array_equal(
        detector.predict(X),
        ActivationAnomalyDetector(window=25, random_state=0).fit_predict(X),
    )


@pytest.mark.parametrize("contamination", [0.01, 0.05])
def test_a_stated_share_holds_for_later_series(contamination):
    detector = ActivationAnomalyDetector(
        window=25, contamination=contamination, random_state=0
    ).fit(noisy(4000))
    assert abs((detector.training_scores_ < detector.offset_).mean() - contamination) < 0.006
    assert (detector.predict(noisy(4000, seed=5)) == -1).mean() < 2.5 * contamination


def test_p_values_follow_the_training_stamps():
    detector = ActivationAnomalyDetector(window=25, random_state=0).fit(noisy(4000))
    calibration = calibration_of(SeriesCalibration(**detector._series))
    assert calibration.threshold == detector.offset_
    assert (detector.p_values(noisy(4000, seed=5)) <= 0.05).mean() < 0.15


# -- streams ---------------------------------------------------------------------------


def test_a_stream_is_judged_before_it_is_learned():
    X = noisy(2000)
    detector = ActivationAnomalyDetector(window=25, random_state=0).partial_fit(X[:1000])
    expected = detector._score(Windows(X[976:1500], [(0, 524)], 25))
    detector.partial_fit(X[1000:1500])
    np.testing.assert_allclose(detector._series["newest"][-500:], expected, rtol=1e-12)


@pytest.mark.parametrize("size", [1, 10, 100])
def test_stamps_count_once_however_a_stream_is_cut(size):
    X, later = noisy(1000), noisy(200, seed=1)
    given = {"bandwidth": 3.0, "standardize": False, "n_frequencies": 32, "random_state": 0}
    whole = ActivationAnomalyDetector(window=20, **given).partial_fit(X).partial_fit(later)
    parts = ActivationAnomalyDetector(window=20, **given).partial_fit(X)
    for start in range(0, 200, size):
        parts.partial_fit(later[start : start + size])
    for name in ("evidence", "smooth", "end"):
        assert len(parts._series[name]) == 1200 - 19
    assert len(parts._series["newest"]) == 1200 - 19
    assert abs(parts.offset_ - whole.offset_) < 2e-3
    np.testing.assert_allclose(parts.coefs_[0], whole.coefs_[0], atol=1e-6)


def test_thresholds_draw_on_all_recent_batches():
    detector, offsets = ActivationAnomalyDetector(window=25, random_state=0), []
    X = noisy(4000)
    for start in range(0, 4000, 400):
        detector.partial_fit(X[start : start + 400])
        offsets.append(detector.offset_)
    assert np.ptp(offsets[4:]) < 0.02
    assert (detector.predict(noisy(2000, seed=3)) == -1).mean() < 0.04


@pytest.mark.parametrize("p", [0.002, 0.01, 0.05])
def test_a_chosen_rate_keeps_alarms_at_the_fault(p):
    X, later = noisy(4000), noisy(1000, seed=1)
    detector = ActivationAnomalyDetector(window=25, random_state=0).fit(X)
    automatic = detector.offset_
    detector.set_threshold(p=p)
    assert abs((detector.predict(X) == -1).mean() - p) < 0.002
    clean = detector.predict(later) == -1
    later[500] += 4
    low = (detector.predict(later) == -1) & ~clean
    assert low[500]
    assert low[:494].sum() + low[507:].sum() <= 6
    detector.partial_fit(noisy(500, seed=2))
    assert detector.offset_ != automatic
    assert abs((detector._series["evidence"] < detector.offset_).mean() - p) < 0.002
    assert detector.set_threshold()._chosen_threshold == {}


def test_p_values_of_stamps_end_at_those_of_the_training_stamps():
    detector = ActivationAnomalyDetector(window=25, random_state=0).fit(noisy(2000))
    later = noisy(300, seed=1)
    later[150:170] += 50
    assert detector.p_values(later).min() == 1 / 2001


@pytest.mark.parametrize("seed", range(3))
def test_monitors_raise_few_false_alarms(seed):
    X = noisy(5000, seed)
    detector = ActivationAnomalyDetector(window=25, random_state=0).fit(X[:3500])
    assert detector.monitor(X[3400:3500]).update(X[3500:])["alarm"].mean() < 0.04


@pytest.mark.parametrize("length", [25, 40, 400])
def test_a_stated_share_holds_for_short_series(length):
    n = 4000 // length * length
    groups = np.arange(n) // length
    detector = ActivationAnomalyDetector(window=20, contamination=0.05, random_state=0)
    labels = detector.fit_predict(noisy(n), groups=groups)
    assert 0.03 <= (labels == -1).mean() <= 0.06


def test_dead_sensors_are_outliers_whatever_the_threshold():
    walk = np.cumsum(np.random.default_rng(0).normal(size=60))[:, None]
    detector = ActivationAnomalyDetector(window=20, random_state=0)
    with pytest.warns(UserWarning, match="60 time stamps are too few"):
        detector.fit(walk)
    later = np.concatenate([walk, np.full((40, 1), np.nan), walk])
    with pytest.warns(UserWarning, match="40 of 160 time stamps are NaN"):
        assert (detector.predict(later)[60:100] == -1).all()


def test_the_gate_is_below_nearly_all_stamps_of_the_series():
    rng = np.random.default_rng(0)
    evidence = rng.normal(0.9, 0.001, size=4000)
    for block in range(0, 4000, 1000):  # rare but regular, in fewer than half of the blocks
        evidence[block : block + 60] -= 0.01
    assert (evidence < gate_of(evidence, 20)).mean() <= MOST_ALARMS
