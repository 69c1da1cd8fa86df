"""The detector of series: windows that are learned, stamps that are judged, streams."""

import pickle
import warnings
from copy import deepcopy

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score

from sklearn_activation import ActivationAnomalyDetector
from sklearn_activation._series.calibration import SeriesCalibration
from sklearn_activation._series.calibration import calibration_of as calibration_of_stamps
from sklearn_activation._series.stamps import (
    find_evidence,
    measure_nearness_to_end,
    smooth_activation,
)
from sklearn_activation._series.windows import Windows

from .cases import SMALL, IdleCallback
from .tables import dated, noisy, series
from .tasks import activation_of, calibration_of, scores_of_rows, series_of, weight_seen

# -- windows that are learned ----------------------------------------------------------


@pytest.mark.parametrize("contamination", ["auto", 0.1])
def test_windows_are_learned_as_their_columns(contamination):
    """The network is that of a detector of rows which are given the windows' columns."""
    X, width = series(2300, 1), 20
    given = {"bandwidth": 3.0, "standardize": False, "learning_time": 50.0, **SMALL}
    detector = ActivationAnomalyDetector(window=width, contamination=contamination, **given).fit(X)
    cut = np.lib.stride_tricks.sliding_window_view(X[:, 0], width)
    rows = cut - cut.mean(axis=1, keepdims=True)
    twin = ActivationAnomalyDetector(contamination=contamination, **given).fit(rows)
    found = activation_of(detector, Windows(X, [(0, len(X))], width))
    np.testing.assert_allclose(found, activation_of(twin, rows), rtol=1e-6)
    assert detector.window_ == width
    assert detector.n_features_in_ == 1


def test_verbose_says_which_width_and_why(capsys):
    ActivationAnomalyDetector(window="auto", verbose=1, **SMALL).fit(series(1200))
    assert "window=100: the period is 25 (autocorrelation" in capsys.readouterr().out


def test_series_too_short_to_hold_windows_out_warn():
    X = series(150)
    with pytest.warns(UserWarning, match="150 time steps .* window=100.* 900 time steps"):
        ActivationAnomalyDetector(window=100, **SMALL).fit(X)


def test_merged_windows_compare_with_the_stamps_of_both():
    given = {"bandwidth": 3.0, "standardize": False, "window": 20, **SMALL}
    ours = ActivationAnomalyDetector(**given).fit(series(600))
    theirs = ActivationAnomalyDetector(**given).fit(series(400, seed=1))
    new = series(900, seed=2)
    ours.merge(theirs)
    assert len(calibration_of(ours)["scores"]) == 1000
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


def clone_of(detector):
    return ActivationAnomalyDetector(**detector.get_params())


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


def test_nothing_of_windows_is_kept_by_a_fit_to_rows():
    detector = ActivationAnomalyDetector(window=20, **SMALL).fit(series())
    assert "_tail" not in vars(pickle.loads(pickle.dumps(detector.compact())))
    detector.set_params(window=None).fit(series())
    assert detector._tail is None and detector._series is None


def test_merging_what_cannot_be_merged_says_so():
    detector = ActivationAnomalyDetector(window=20, **SMALL).fit(series())
    with pytest.raises(NotFittedError):
        detector.merge(ActivationAnomalyDetector(window=20, **SMALL))
    with pytest.raises(ValueError, match="Cannot merge"):
        detector.merge(ActivationAnomalyDetector(**SMALL).fit(series()))
    with pytest.raises(ValueError, match="windows are of 20 and 30 time steps"):
        detector.merge(ActivationAnomalyDetector(window=30, **SMALL).fit(series()))


def test_explain_series_by_channel():
    X, new = series(800, 3), series(300, 3, seed=1)
    new[150:170, 1] += 4
    detector = ActivationAnomalyDetector(window=25, random_state=0).fit(X)
    contributions = detector.explain(new)
    assert contributions.shape == (300, 3)
    assert (contributions[150:170].argmax(axis=1) == 1).all()


# -- times and gaps --------------------------------------------------------------------


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
    with pytest.warns(UserWarning, match="cut at gaps: 1"):
        scores = detector.fit(log).score_samples(log)
    groups = np.arange(len(log)) >= 200
    twin = clone_of(detector).fit(log.to_numpy(), groups=groups)
    np.testing.assert_allclose(scores, twin.score_samples(log.to_numpy(), groups))


def test_series_shorter_than_a_window_are_named_and_left_out():
    X, groups = series(600), np.repeat([0, 1, 2], [400, 15, 185])
    detector = ActivationAnomalyDetector(window=20, **SMALL)
    with pytest.warns(UserWarning, match="1 series are shorter .* time steps 400 to 414"):
        labels = detector.fit_predict(X, groups=groups)
    assert np.isnan(detector.training_scores_[400:415]).all()
    assert np.isfinite(detector.training_scores_).sum() == 585
    assert (labels[400:415] == 1).all()
    with pytest.warns(UserWarning, match="shorter than window=20"):
        assert np.isnan(detector.score_samples(X, groups)[400:415]).all()


# -- stamps that are judged ------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["fourier", "unit"])
def test_scores_are_below_the_threshold_where_the_evidence_is(encoding):
    detector = ActivationAnomalyDetector(window=25, encoding=encoding, random_state=0)
    X = noisy(1000, seed=1)
    X[400:410] += 4
    detector.fit(noisy())
    windows = Windows(X, [(0, 1000)], 25)
    activation = scores_of_rows(detector, windows)
    gate, edge = series_of(detector)["gate"], series_of(detector)["edge"]
    scores = detector.score_samples(X)
    assert gate == detector.offset_
    inner = slice(24, -24)
    low = find_evidence(windows, activation) + edge * measure_nearness_to_end(windows) < gate
    np.testing.assert_array_equal((scores < gate)[inner], low[inner])
    assert low[400:410].all()
    smooth = smooth_activation(windows, activation)
    np.testing.assert_allclose(scores[~low], (gate + (1 - gate) * smooth)[~low])
    np.testing.assert_array_equal(scores - detector.offset_, detector.decision_function(X))


def test_blocks_are_scored_without_themselves():
    X, given = noisy(700), {"bandwidth": 3.0, "standardize": False, "learning_time": 20.0}
    detector = ActivationAnomalyDetector(window=25, n_frequencies=32, random_state=0, **given).fit(
        X
    )
    windows = Windows(X, [(0, 700)], 25)
    held = scores_of_rows(detector, windows)  # recognised
    part = np.array_split(np.arange(len(windows)), 6)[2]
    assert 676 // 100 == 6
    kept = np.r_[0 : part[0] - 24, part[-1] + 25 : len(windows)]
    rows = np.asarray(windows)
    rows = rows - rows.mean(axis=1, keepdims=True)
    twin = ActivationAnomalyDetector(n_frequencies=32, random_state=0, **given).fit(rows[kept])
    np.testing.assert_allclose(held[part], activation_of(twin, rows[part]), rtol=1e-5)


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


@pytest.mark.parametrize("length", [25, 40, 400])
def test_a_stated_share_holds_for_short_series(length):
    n = 4000 // length * length
    groups = np.arange(n) // length
    detector = ActivationAnomalyDetector(window=20, contamination=0.05, random_state=0)
    labels = detector.fit_predict(noisy(n), groups=groups)
    assert 0.03 <= (labels == -1).mean() <= 0.06


def test_stated_contamination_of_a_series():
    rng = np.random.default_rng(0)
    t = np.arange(3000)
    X = np.sin(t / 4)[:, None] + 0.1 * rng.normal(size=(3000, 1))
    X[1000:1150] = rng.normal(size=(150, 1))
    y = (t >= 1000) & (t < 1150)
    detector = ActivationAnomalyDetector(
        window=20, n_frequencies=64, contamination=0.05, random_state=0
    ).fit(X)
    assert roc_auc_score(y, -detector.score_samples(X)) > 0.999  # as PCA of windows, of four seeds
    assert abs((detector.predict(X) == -1).mean() - 0.05) < 0.005


def test_p_values_follow_the_training_stamps():
    detector = ActivationAnomalyDetector(window=25, random_state=0).fit(noisy(4000))
    calibration = calibration_of_stamps(SeriesCalibration(**series_of(detector)))
    assert calibration.threshold == detector.offset_
    assert (detector.p_values(noisy(4000, seed=5)) <= 0.05).mean() < 0.15


def test_p_values_of_stamps_end_at_those_of_the_training_stamps():
    detector = ActivationAnomalyDetector(window=25, random_state=0).fit(noisy(2000))
    later = noisy(300, seed=1)
    later[150:170] += 50
    assert detector.p_values(later).min() == 1 / 2001


@pytest.mark.parametrize("p", [0.002, 0.01, 0.05])
def test_a_chosen_rate_keeps_alarms_at_the_fault(p):
    X, later = noisy(4000), noisy(1000, seed=1)
    detector = ActivationAnomalyDetector(window=25, random_state=0).fit(X)
    automatic, twin = detector.offset_, deepcopy(detector)
    detector.set_threshold(p=p)
    assert abs((detector.predict(X) == -1).mean() - p) < 0.002
    clean = detector.predict(later) == -1
    later[500] += 4
    low = (detector.predict(later) == -1) & ~clean
    assert low[500]
    assert low[:494].sum() + low[507:].sum() <= 6
    detector.partial_fit(noisy(500, seed=2))
    assert detector.offset_ != automatic
    assert abs((series_of(detector)["evidence"] < detector.offset_).mean() - p) < 0.002
    twin.partial_fit(noisy(500, seed=2))
    assert detector.set_threshold().offset_ == twin.offset_


@pytest.mark.parametrize("seed", range(3))
def test_monitors_raise_few_false_alarms(seed):
    X = noisy(5000, seed)
    detector = ActivationAnomalyDetector(window=25, n_frequencies=48, random_state=0).fit(X[:3500])
    assert detector.monitor(X[3400:3500]).update(X[3500:])["alarm"].mean() < 0.04


def test_a_low_threshold_is_said_in_numbers_that_differ():
    rng = np.random.default_rng(0)
    x = np.sin(np.arange(400) / 4) + 0.05 * rng.normal(size=400)
    for i in np.flatnonzero(rng.random(400) < 0.02):
        x[i : i + 5] += 3 * rng.normal(size=len(x[i : i + 5]))
    with pytest.warns(UserWarning, match="threshold is low: it lies 0.3 below the usual .* 0.99"):
        ActivationAnomalyDetector(window=20, random_state=0).fit(x[:, None])


def test_dead_sensors_are_outliers_whatever_the_threshold():
    walk = np.cumsum(np.random.default_rng(0).normal(size=60))[:, None]
    detector = ActivationAnomalyDetector(window=20, random_state=0)
    with pytest.warns(UserWarning, match="60 time steps are too few"):
        detector.fit(walk)
    later = np.concatenate([walk, np.full((40, 1), np.nan), walk])
    with pytest.warns(UserWarning, match="40 of 160 time steps are NaN"):
        assert (detector.predict(later)[60:100] == -1).all()


# -- streams ---------------------------------------------------------------------------


def test_a_stream_is_judged_before_it_is_learned():
    X = noisy(2000)
    detector = ActivationAnomalyDetector(window=25, random_state=0).partial_fit(X[:1000])
    expected = scores_of_rows(detector, Windows(X[976:1500], [(0, 524)], 25))
    detector.partial_fit(X[1000:1500])
    np.testing.assert_allclose(series_of(detector)["newest"][-500:], expected, rtol=1e-12)


@pytest.mark.parametrize("size", [1, 10, 40])
def test_stamps_count_once_however_a_stream_is_cut(size):
    X, later = noisy(1000), noisy(80, seed=1)
    given = {"bandwidth": 3.0, "standardize": False, "n_frequencies": 32, "random_state": 0}
    whole = ActivationAnomalyDetector(window=20, **given).partial_fit(X).partial_fit(later)
    parts = ActivationAnomalyDetector(window=20, **given).partial_fit(X)
    for start in range(0, 80, size):
        parts.partial_fit(later[start : start + size])
    for name in ("evidence", "smooth", "end"):
        assert len(series_of(parts)[name]) == 1080 - 19
    assert len(series_of(parts)["newest"]) == 1080 - 19
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


def test_window_may_not_change_in_a_stream():
    detector = ActivationAnomalyDetector(window=20, **SMALL).partial_fit(series())
    with pytest.raises(ValueError, match="window=30 differs from window=20"):
        detector.set_params(window=30).partial_fit(series())
    assert detector.window_ == 20
    detector.set_params(window="auto").partial_fit(series())
    assert detector.window_ == 20


def test_a_stream_of_rows_may_not_become_one_of_windows():
    detector = ActivationAnomalyDetector(**SMALL).partial_fit(series())
    with pytest.raises(ValueError, match="window='auto' differs from window=None"):
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
    seen = weight_seen(detector)
    for row in range(200, 219):
        detector.partial_fit(log[row : row + 1])
        assert np.isnan(detector.training_scores_).all()
    assert weight_seen(detector) == seen
    for row in range(219, 260):
        detector.partial_fit(log[row : row + 1])
        assert np.isfinite(detector.training_scores_).all()
    np.testing.assert_allclose(weight_seen(detector) - seen, 41)


def test_no_window_of_a_stream_crosses_two_series():
    X = np.concatenate([series(600), 50 + series(10, seed=1)])
    detector = ActivationAnomalyDetector(window=20, **SMALL)
    with pytest.warns(UserWarning, match="shorter than window=20"):
        detector.fit(X, groups=np.arange(610) >= 600)
    seen = weight_seen(detector)
    detector.partial_fit(50 + series(9, seed=2))
    assert weight_seen(detector) == seen
    detector.partial_fit(50 + series(1, seed=3))
    np.testing.assert_allclose(weight_seen(detector), seen + 1)


def test_an_array_may_be_followed_by_a_frame_with_times():
    detector = ActivationAnomalyDetector(window=20, **SMALL).partial_fit(series(300))
    log = pd.DataFrame(series(60), pd.date_range("2024", periods=60, freq="h"))
    assert np.isfinite(detector.partial_fit(log).training_scores_).all()
    late = log.set_axis(log.index + pd.Timedelta("60h"))
    late.index = late.index[:5].append(late.index[4:-1])
    with pytest.raises(ValueError, match="does not increase at row 5"):
        detector.partial_fit(late)


# -- models as values --------------------------------------------------------------------


def waves(n=600, n_channels=2, seed=0):
    rng = np.random.default_rng(seed)
    return np.sin(np.arange(n) / 4)[:, None] + 0.1 * rng.normal(size=(n, n_channels))


def test_a_merged_model_keeps_no_more_windows_than_one_fit():
    """Entries are limited, not windows: the model does not grow with every merge."""
    options = {
        "window": 200,
        "n_frequencies": 8,
        "standardize": False,
        "bandwidth": 20.0,
        "random_state": 0,
    }
    parts = [ActivationAnomalyDetector(**options).fit(waves(1000, 4, seed)) for seed in range(3)]
    kept = len(parts[0]._sample["X"])
    parts[0].merge(parts[1]).merge(parts[2])
    assert len(parts[0]._sample["X"]) == kept < 2048


class _Asks(IdleCallback):
    """A callback that wants a whole detector in every epoch."""

    def on_fit_task_end(self, estimator, context, *, X, metadata, fitted_estimator):
        if metadata is not None:
            self.n_rows = len(X), len(metadata["sample_weight"])


def test_callbacks_do_not_repeat_warnings():
    detector = ActivationAnomalyDetector(
        window=20, solver="hebbian", learning_time=1.0, max_iter=4, n_frequencies=8, random_state=0
    )
    if not hasattr(detector, "set_callbacks"):
        pytest.skip("before scikit-learn 1.9")
    callback = _Asks()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        detector.set_callbacks(callback).fit(waves(100))
    messages = [str(w.message) for w in caught]
    assert len(messages) == len(set(messages))
    assert any("too few for a threshold" in message for message in messages)
    assert callback.n_rows == (100, 100)


@pytest.mark.parametrize("n_stamps", [5, 100])
def test_a_compact_detector_takes_no_batch_however_short(n_stamps):
    detector = ActivationAnomalyDetector(window=40, n_frequencies=8, random_state=0)
    detector.fit(waves()).compact()
    with pytest.raises(ValueError, match="compact"):
        detector.partial_fit(waves(n_stamps))


@pytest.mark.parametrize("ours, theirs", [(20, None), (None, 20), (20, 30)])
def test_windows_that_differ_are_not_merged(ours, theirs):
    one, other = (
        ActivationAnomalyDetector(window=w, n_frequencies=8, random_state=0).fit(waves())
        for w in (ours, theirs)
    )
    with pytest.raises(ValueError, match=f"windows are of {ours} and {theirs}"):
        one.merge(other)


def test_the_rule_begins_anew_where_the_weights_before_do_not_fit():
    """Other widths, other columns, another encoding: there is nothing to go on from."""
    options = {"solver": "hebbian", "warm_start": True, "max_iter": 2, "n_frequencies": 8}
    detector = ActivationAnomalyDetector(window=20, random_state=0, **options).fit(waves())
    for changes, X in (
        ({"window": 30}, waves()),
        ({}, waves(n_channels=3)),
        ({"encoding": "unit"}, waves(n_channels=3) + 3),
        ({"window": None}, waves()),
    ):
        detector.set_params(**changes)
        anew = clone(detector).fit(X).score_samples(X)
        np.testing.assert_array_equal(detector.fit(X).score_samples(X), anew)


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_a_threshold_may_be_set_after_a_batch_without_a_window():
    detector = ActivationAnomalyDetector(window=20, n_frequencies=16, random_state=0)
    detector.fit(waves(200))
    before = detector.offset_
    detector.partial_fit(waves(5), groups=[0] * 5)
    assert detector.set_threshold(before / 2).offset_ == before / 2
