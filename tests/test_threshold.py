"""Statistics without some rows, rounds of leaving out suspects, thresholds."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score

from sklearn_activation import ActivationAnomalyDetector, _flow
from sklearn_activation._encoding import EncodedRows, UnitEncoding
from sklearn_activation._network import Network
from sklearn_activation._threshold import Calibration, Statistics, _folds, _stretches
from sklearn_activation._training import Solution
from sklearn_activation._windows import Windows


def solved(X, weight, n_units, t=3.0, epsilon=0.1):
    """A single layer's solution, without weights."""
    moments = _flow.Moments(X.shape[1]).add(X, weight)
    return Solution(
        network=Network([], "abs", []),
        times=[t],
        n_iter=1,
        curve=np.empty(0),
        state={"moments": [moments.state]},
        spectrum=_flow.Spectrum(*moments.spectrum(), n_units, epsilon),
    )


class Quiet:
    sizes, n_jobs = [8], None


@pytest.mark.parametrize("n_rows, n_units", [(6, 8), (6, 12), (200, 5), (200, 8), (200, 12)])
def test_statistics_without_rows_are_those_of_the_others(n_units, n_rows):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 8)) @ np.diag([9, 8, 7, 6, 5, 1e-5, 1e-6, 0])
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    weight = rng.uniform(0.5, 2, size=n_rows)
    rows = EncodedRows(X, UnitEncoding(8), weight=weight)
    out = np.arange(0, n_rows, 3)
    rest = np.setdiff1d(np.arange(n_rows), out)
    found = Statistics.of(solved(X, weight, n_units)).without(rows, out)
    expected = solved(X[rest], weight[rest], n_units).spectrum
    np.testing.assert_allclose(found.weight, weight[rest].sum())
    np.testing.assert_allclose(
        found.scores(rows, Quiet), expected.energies(X, [3.0])[:, 0], atol=1e-8
    )
    np.testing.assert_array_equal(
        found.scores(rows, Quiet, out[:2]), found.scores(rows, Quiet)[out[:2]]
    )


def test_statistics_of_no_rows_stay_those_of_all():
    X = np.eye(8)
    everything = Statistics.of(solved(X, np.ones(8), 8))
    rows = EncodedRows(X, UnitEncoding(8))
    assert everything.without(rows, np.arange(8)) is everything
    assert everything.without(rows, np.arange(0)) is everything


def test_folds_hold_out_a_tenth_of_all_rows_or_of_the_sample():
    X = np.random.default_rng(0).normal(size=(2000, 3))
    rows = EncodedRows(X, UnitEncoding(3))
    for weight, n_folds in ((2000, 10), (4100, 5), (20_000, 1), (200_000, 1)):
        moments = {"weight": weight}
        folds = _folds(rows, type("Everything", (), moments))
        assert len(folds) == n_folds
        assert (sum(held.astype(int) for held, _ in folds) == 1).all()
        assert max(held.sum() for held, _ in folds) < 1.2 * 2000 / n_folds


def test_stretches_leave_out_what_overlaps_them():
    windows = Windows(np.zeros((50, 1)), [(0, 20), (20, 50)], 4)
    folds = _stretches(windows)
    assert (sum(held.astype(int) for held, _ in folds) == 1).all()
    for held, out in folds:
        stamps = {s for w in windows.starts[held] for s in range(w, w + 4)}
        overlaps = [bool(stamps & set(range(w, w + 4))) for w in windows.starts]
        np.testing.assert_array_equal(out, overlaps)


def mixture(n, share=0.1, spread=1.5, seed=0):
    """Normal rows, and a cloud of outliers beside them."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 6))
    y = np.zeros(n, dtype=int)
    y[: int(share * n)] = 1
    X[y == 1] = 3 + spread * rng.normal(size=(y.sum(), 6))
    order = rng.permutation(n)
    return X[order], y[order]


@pytest.mark.parametrize("n", [500, 3000])
@pytest.mark.parametrize("spread, parameters", [(1.5, {}), (1.0, {"learning_time": 50.0})])
def test_stated_contamination_keeps_outliers_from_being_learned(n, spread, parameters):
    """By a shorter learning time, and by rounds if the time is given."""
    X, y = mixture(n, spread=spread)
    taken_as_normal, told = (
        ActivationAnomalyDetector(
            n_frequencies=128, contamination=share, random_state=0, **parameters
        ).fit(X)
        for share in ("auto", 0.1)
    )
    missed = [1 - roc_auc_score(y, -d.score_samples(X)) for d in (taken_as_normal, told)]
    assert missed[1] < 0.2 * missed[0]
    assert abs((told.predict(X) == -1).mean() - 0.1) < 0.002
    new, _ = mixture(2000, share=0, seed=1)
    assert abs((told.p_values(new) < 0.05).mean() - 0.05) < 0.03
    assert (told.p_values(X[y == 1]) < 0.05).mean() > 0.8
    assert (told.learning_times_ < taken_as_normal.learning_times_) == (not parameters)


def test_stated_contamination_of_a_series():
    rng = np.random.default_rng(0)
    t = np.arange(3000)
    X = np.sin(t / 4)[:, None] + 0.1 * rng.normal(size=(3000, 1))
    X[1000:1150] = rng.normal(size=(150, 1))
    y = (t >= 1000) & (t < 1150)
    detector = ActivationAnomalyDetector(
        window=20, n_frequencies=64, contamination=0.05, random_state=0
    ).fit(X)
    assert roc_auc_score(y, -detector.score_samples(X)) > 0.98
    assert abs((detector.predict(X) == -1).mean() - 0.05) < 0.005


@pytest.mark.parametrize("n", [1000, 3000])
@pytest.mark.parametrize("contamination", ["auto", 0.05])
def test_batches_have_the_threshold_of_all_rows(n, contamination):
    X, _ = mixture(n, share=0.02)
    given = {"bandwidth": 1.0, "standardize": False, "n_frequencies": 32, "random_state": 0}
    whole = ActivationAnomalyDetector(contamination=contamination, **given).fit(X)
    batches = ActivationAnomalyDetector(contamination=contamination, **given)
    for batch in np.array_split(X, 4):
        batches.partial_fit(batch)
    share = 0.01 if contamination == "auto" else 0.05
    assert abs((batches.predict(X) == -1).mean() - share) < 0.012
    if n < 2048 or contamination == "auto":  # otherwise fit looked at all rows, twice
        np.testing.assert_allclose(
            batches.score_samples(X), whole.score_samples(X), rtol=1e-8, atol=1e-10
        )
        assert batches.offset_ == pytest.approx(whole.offset_, abs=1e-8)


def test_calibration_is_ascending():
    found = Calibration.of(0.5, np.array([0.9, 0.2, 0.4]), np.array([2.0, 1.0, 3.0]))
    np.testing.assert_array_equal(found.scores, [0.2, 0.4, 0.9])
    np.testing.assert_array_equal(found.weight, [0.5, 1.5, 1.0])


@pytest.mark.parametrize("learning_time", ["auto", 2.0])
@pytest.mark.parametrize("n_units", [40, 256])
def test_p_values_hold_with_fewer_units_than_directions(n_units, learning_time):
    """What is left of a fold must not be looked for along the fold's own directions."""
    X = np.random.default_rng(0).permutation(load_digits().data)
    detector = ActivationAnomalyDetector(
        n_units, n_frequencies=128, learning_time=learning_time, random_state=0
    ).fit(X[:900])
    assert np.linalg.matrix_rank(detector.coefs_[0]) == n_units
    assert 0.02 < (detector.p_values(X[900:]) < 0.05).mean() < 0.08
