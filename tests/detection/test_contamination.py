"""Training rows scored without themselves, suspects among them left out."""

import numpy as np
import pytest

from sklearn_activation._detection.threshold import Calibration
from sklearn_activation._rows.encoded import EncodedRows

from ..encodings import fourier_encoding
from ..tasks import activation_without, calibrated

T, N_UNITS = 10.0, 80


def table(n=80, n_odd=0):
    """Encoded rows of a normal law; the first ones lie far from all others."""
    X = np.random.default_rng(0).normal(size=(n, 3))
    X[:n_odd] += 5 * np.sign(X[:n_odd])
    options = {"bandwidth": 2.0, "n_frequencies": 40, "standardize": False, "bent": False}
    return EncodedRows(X, fourier_encoding(X, **options))


def test_scores_are_those_of_networks_without_the_row():
    rows = table()
    _, calibration, scores = calibrated(rows, T, "auto", [N_UNITS])
    for i in range(0, 80, 9):
        out = (np.arange(80) == i) * 1.0
        expected = activation_without(rows, N_UNITS, T, True, out, i)
        assert scores[i] == pytest.approx(expected, abs=1e-8)
    np.testing.assert_array_equal(calibration.scores, np.sort(scores))
    np.testing.assert_array_equal(calibration.mass, 1)


def test_automatic_thresholds_have_the_promised_p_value():
    rows = table(400)
    _, calibration, scores = calibrated(rows, T, "auto", [N_UNITS])
    assert calibration.threshold == calibration.score_at(Calibration.false_alarms)
    below = scores < calibration.threshold
    assert (calibration.p_values(scores[below]) <= Calibration.false_alarms).all()


@pytest.mark.parametrize("share", [0.05, 0.1])
def test_suspects_leave_the_network_and_the_threshold_has_their_share(share):
    """The weights are those of the other rows alone, which the first scores have found."""
    rows, n_odd = table(100, n_odd=5), round(100 * share)
    _, _, plain = calibrated(rows, T, "auto", [N_UNITS])
    suspects = np.zeros(100, dtype=bool)
    suspects[np.argsort(plain)[:n_odd]] = True
    solution, calibration, scores = calibrated(rows, T, share, [N_UNITS])
    twin, _, _ = calibrated(rows.take(~suspects), T, "auto", [N_UNITS])
    W, V = solution.network.coefs[0], twin.network.coefs[0]
    np.testing.assert_allclose(W @ W.T, V @ V.T, atol=1e-8)
    assert (scores < calibration.threshold).sum() == n_odd
    assert suspects[:5].all() and (scores[:5] < calibration.threshold).all()
    np.testing.assert_array_equal(
        calibration.scores, np.sort(scores[scores >= calibration.threshold])
    )


def test_far_rows_that_are_near_each_other_score_lower_once_some_have_left():
    """As long as they are learned, each speaks for the others."""
    rows = table(100)
    rows.X[:6] = [4, 4, 4] + 0.5 * np.random.default_rng(1).normal(size=(6, 3))
    _, _, plain = calibrated(rows, T, "auto", [N_UNITS])
    _, _, told = calibrated(rows, T, 0.06, [N_UNITS])
    gap = [scores[6:].mean() - scores[:6].mean() for scores in (plain, told)]
    assert gap[1] > gap[0] + 0.02


def test_weights_that_count_copies_count_as_rows():
    rows = table(60)
    times = np.random.default_rng(2).integers(1, 4, 60)
    weighted = EncodedRows(rows.X, rows.encoding, weight=times.astype(float))
    repeated = EncodedRows(np.repeat(rows.X, times, axis=0), rows.encoding)
    ours, theirs = (calibrated(r, T, "auto", [N_UNITS]) for r in (weighted, repeated))
    np.testing.assert_allclose(np.repeat(ours[2], times), theirs[2], atol=1e-8)
    assert ours[1].threshold == pytest.approx(theirs[1].threshold, abs=1e-6)
    assert ours[1].mass.sum() == times.sum()


def test_units_are_left_out_whole():
    """Then the calibration counts units, not rows."""
    rows, units = table(60), np.arange(60) // 6
    _, calibration, scores = calibrated(rows, T, "auto", [N_UNITS], of_rows=units)
    assert calibration.mass.sum() == pytest.approx(10)
    for i in range(0, 60, 13):
        out = (units == units[i]) * 1.0
        expected = activation_without(rows, N_UNITS, T, True, out, i)
        assert scores[i] == pytest.approx(expected, abs=1e-8)
