"""What is known of normal series: the gate of their stamps."""

import numpy as np
import pytest

from sklearn_activation._detection.threshold import ROUNDING
from sklearn_activation._series.calibration import (
    SeriesCalibration,
    count_blocks,
    find_gate,
    find_outlying,
    find_typical,
)
from sklearn_activation._series.windows import Windows


def test_the_gate_looks_at_quiet_blocks():
    rng = np.random.default_rng(0)
    evidence = rng.normal(0.9, 0.01, size=4000)
    low = np.array([np.quantile(part, 0.01) for part in np.array_split(evidence, 20)])
    above = low[low >= np.median(low)] - np.median(low)
    naive = np.median(low) - 3 * np.sqrt(np.mean(above**2) * 1.05) - ROUNDING
    assert naive < np.quantile(evidence, 0.02)
    np.testing.assert_allclose(find_gate(evidence, 20), naive)
    for at in (500, 900, 1700, 2500, 3900):  # events of the series itself
        evidence[at : at + 20] = 0.2
    assert abs(find_gate(evidence, 20) - naive) < 0.02
    assert abs((evidence < find_gate(evidence, 20, contamination=0.1)).mean() - 0.1) < 0.001


def test_the_gate_is_below_nearly_all_stamps_of_the_series():
    rng = np.random.default_rng(0)
    evidence = rng.normal(0.9, 0.001, size=4000)
    for block in range(0, 4000, 1000):  # rare but regular, in fewer than half of the blocks
        evidence[block : block + 60] -= 0.01
    assert (evidence < find_gate(evidence, 20)).mean() <= 0.02


@pytest.mark.parametrize(
    "n, width, expected", [(4000, 20, 20), (4000, 100, 10), (700, 25, 7), (300, 25, 5), (3, 20, 3)]
)
def test_blocks_have_four_widths_of_windows(n, width, expected):
    """No fewer than five blocks and no more than 20, if there are as many stamps."""
    assert count_blocks(n, width) == expected


def test_evidence_far_below_all_other_is_outlying():
    evidence = np.random.default_rng(1).normal(0.9, 0.01, 2000)
    limit = find_outlying(evidence)
    assert 0.74 < limit < 0.79  # 20 lower quartiles, of 0.0067 each
    assert (evidence > limit).all()
    evidence[:100] = 0.2
    assert (evidence < find_outlying(evidence)).sum() == 100


def calibration_of_noise(n=3000, seed=2):
    rng = np.random.default_rng(seed)
    evidence = rng.normal(0.9, 0.01, n)
    end = np.where(np.arange(n) < 50, 0.5, 0.0)
    return SeriesCalibration(evidence - 0.02 * end, evidence, end, evidence - 0.05)


@pytest.mark.parametrize("contamination", ["auto", 0.05])
def test_the_gate_counts_stamps_at_the_ends_as_if_all_windows_covered_them(contamination):
    """What the newest window lacks, single windows at an end of a series lack, too."""
    series = calibration_of_noise().with_gate(20, contamination)
    assert series.edge == pytest.approx(0.05, abs=0.01)
    raised = series.evidence + series.edge * series.end
    assert series.gate == find_gate(raised, 20, contamination)
    if contamination != "auto":
        assert (raised < series.gate).mean() == pytest.approx(0.05, abs=0.001)


def test_a_stream_goes_on_with_the_latest_stamps():
    """50,000 of them at most; the gate waits until it is looked for."""
    before, after = calibration_of_noise(40_000), calibration_of_noise(15_000, seed=3)
    both = after.after(before)
    expected = np.concatenate([before.evidence, after.evidence])[-50_000:]
    np.testing.assert_array_equal(both.evidence, expected)
    assert all(len(getattr(both, name)) == 50_000 for name in ("smooth", "end", "newest"))
    assert (both.gate, both.edge) == (after.gate, after.edge)


def test_typical_windows_are_of_the_better_half():
    rng = np.random.default_rng(4)
    X = 0.1 * rng.normal(size=(2000, 1))
    X[500:520] += 5
    windows = Windows(X, [(0, 2000)], 20)
    activation = np.where(np.abs(np.asarray(windows)).max(axis=1) > 2, 0.1, 0.9)
    activation += 0.01 * rng.uniform(size=len(windows))
    typical, deviation = find_typical(windows, activation, Plain())
    rows = np.asarray(windows[activation >= np.median(activation)])
    assert 16 <= len(typical) <= 256 and all((rows == t).all(axis=1).any() for t in typical)
    # Normal stamps deviate by a few of their deviations; the fault does by far more.
    assert 0.2 < deviation < 1


class Plain:
    """An encoding that compares windows as they are."""

    def standardise(self, X):
        return np.asarray(X)
