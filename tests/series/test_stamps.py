"""From activations of windows to scores of stamps, against plain NumPy."""

import numpy as np
import pytest

from sklearn_activation._series.calibration import SeriesCalibration
from sklearn_activation._series.stamps import (
    find_evidence,
    measure_deviations,
    measure_nearness_to_end,
    score_newest_stamp,
    score_stamps,
    smooth_activation,
    start_around,
)
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
    found = find_evidence(windows, activation)
    for stamp in range(90):
        values = np.sort(activation[covering(windows, stamp)])[::-1]
        expected = values[len(values) // 10] if len(values) else np.nan
        np.testing.assert_equal(found[stamp], expected)


def test_nearness_to_an_end_counts_windows(scored):
    windows, _ = scored
    found = measure_nearness_to_end(windows)
    for stamp in range(90):
        n = covering(windows, stamp).sum()
        np.testing.assert_allclose(found[stamp], 1 - (n - 1) / 11 if n else np.nan)


@pytest.mark.parametrize("n, width", [(90, 12), (91, 13), (5000, 40)])
def test_smooth_means_have_hann_weights(n, width):
    bounds = [(0, n)] if n == 5000 else [(0, 30), (30, 34), (34, n)]
    windows = Windows(np.zeros((n, 1)), bounds, width)
    activation = np.random.default_rng(0).uniform(size=len(windows))
    found = smooth_activation(windows, activation)
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


# -- scores ------------------------------------------------------------------------------


def known(gate=0.6, edge=0.1, typical=None, deviation=1.0):
    """What is known of normal series, of which scores ask only for this."""
    empty = np.empty((4, 0))
    return SeriesCalibration(*empty, gate=gate, edge=edge, typical=typical, deviation=deviation)


class Plain:
    """An encoding that compares windows as they are."""

    def standardise(self, X):
        return np.asarray(X)


def judged(n=120, width=12, seed=0):
    """A quiet series with a fault, what its windows activate, and typical windows."""
    rng = np.random.default_rng(seed)
    X = 0.1 * rng.normal(size=(n, 2))
    X[50:55, 1] += 5
    windows = Windows(X, [(0, n)], width)
    hit = (windows.starts < 55) & (windows.starts + width > 50)
    activation = np.where(hit, 0.3, 0.9) + 0.02 * rng.uniform(size=len(windows))
    typical = np.asarray(windows[~hit])[::9]
    return windows, activation, typical


def test_deviations_are_those_from_the_nearest_typical_windows():
    """The median, over the five nearest, of the largest channel's deviation."""
    windows, _, typical = judged()
    rows = windows[np.arange(0, 109, 12)]
    found = measure_deviations(rows, typical, Plain())
    for i, window in enumerate(np.asarray(rows)):
        change = np.abs(typical - window)
        near = np.argsort((np.minimum(change, 2) ** 2).sum(axis=1), kind="stable")[:5]
        for stamp in range(12):
            expected = np.median(change[near][:, 2 * stamp : 2 * stamp + 2].max(axis=1))
            assert found[i, stamp] == pytest.approx(expected)


def test_scores_are_below_the_gate_exactly_where_the_evidence_is():
    windows, activation, typical = judged()
    calibration = known(typical=typical)
    scores = score_stamps(windows, activation, calibration, Plain())
    evidence = find_evidence(windows, activation)
    low = evidence + calibration.edge * measure_nearness_to_end(windows) < calibration.gate
    assert 0 < low.sum() < 30
    np.testing.assert_array_equal(scores < calibration.gate, low)
    smooth = smooth_activation(windows, activation)
    expected = calibration.gate + (1 - calibration.gate) * np.clip(smooth, 0, 1)
    np.testing.assert_allclose(scores[~low], expected[~low])
    assert ((scores >= 0) & (scores <= 1)).all()


def test_the_stamps_that_deviate_score_lowest():
    windows, activation, typical = judged()
    scores = score_stamps(windows, activation, known(typical=typical), Plain())
    assert set(np.argsort(scores)[:5]) == set(range(50, 55))


def test_dead_stamps_score_0():
    windows, activation, typical = judged()
    dead = np.zeros(120, dtype=bool)
    dead[[3, 52]] = True
    scores = score_stamps(windows, activation, known(typical=typical), Plain(), dead)
    np.testing.assert_array_equal(scores == 0, dead)


@pytest.mark.parametrize("n", [30, 52, 60, 66, 120])
def test_the_newest_score_is_that_of_the_last_stamp(n):
    """Of a log that ends there: quiet, with a fault at its end, or some stamps after one."""
    windows, activation, typical = judged()
    log = Windows(windows.X[:n], [(0, n)], 12)
    activation = activation[: len(log)]
    calibration = known(gate=0.7, typical=typical)
    expected = score_stamps(log, activation, calibration, Plain())[-1]
    latest = slice(-23, None)  # windows that two widths of stamps hold
    stamps = log.X[-(2 * 12 - 1) :]
    own = Windows(stamps, [(0, len(stamps))], 12)
    found = score_newest_stamp(own, activation[latest][-len(own) :], calibration, Plain())
    assert found == pytest.approx(expected, abs=1e-12)


def test_the_window_around_a_stamp_stays_in_its_series():
    windows = Windows(np.zeros((90, 1)), BOUNDS[::2], 12)
    stamps = np.array([0, 15, 29, 34, 60, 89])
    start, first, end = start_around(windows, stamps)
    np.testing.assert_array_equal(first, [0, 0, 0, 34, 34, 34])
    np.testing.assert_array_equal(end, [30, 30, 30, 90, 90, 90])
    np.testing.assert_array_equal(start, [0, 9, 18, 34, 54, 78])
