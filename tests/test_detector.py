"""The detector: windows of series, p-values, explanations, missing entries, forgetting."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.exceptions import NotFittedError

from sklearn_activation import ActivationAnomalyDetector
from sklearn_activation._detector import N_REFERENCES, RATE

SMALL = {"n_frequencies": 32, "random_state": 0}


def series(n=600, n_channels=2, seed=0):
    rng = np.random.default_rng(seed)
    t = np.arange(n)[:, None] + np.array([0, 5, 9])[:n_channels]
    return np.sin(t * 2 * np.pi / 25) + 0.1 * rng.normal(size=(n, n_channels))


# -- rows ----------------------------------------------------------------------------


def test_forgetting_calibrates_with_the_latest_rows():
    rng = np.random.default_rng(0)
    detector = ActivationAnomalyDetector(forget=0.01, bandwidth=2.0, standardize=False, **SMALL)
    for _ in range(10):
        detector.partial_fit(rng.normal(size=(1500, 3)))
    assert detector._calibration["mass"].sum() > 150  # 2 / forget rows count
    assert 0.02 < (detector.p_values(rng.normal(size=(2000, 3))) < 0.05).mean() < 0.1


def test_columns_never_known_count_for_nothing():
    X = np.random.default_rng(0).normal(size=(300, 3))
    train = X.copy()
    train[:, 1] = np.nan
    detector = ActivationAnomalyDetector(**SMALL).fit(train)
    np.testing.assert_allclose(detector.score_samples(X), detector.score_samples(train))
    assert np.isfinite(detector.explain(X[:3])).all()


def test_columns_of_dates_are_refused_by_name():
    X = pd.DataFrame({"a": np.arange(9.0), "when": pd.date_range("2020", periods=9)})
    for frame in (X, X[["when"]]):
        with pytest.raises(ValueError, match="'when' holds dates"):
            ActivationAnomalyDetector().fit(frame)


def clone_of(detector):
    return ActivationAnomalyDetector(**detector.get_params())


@pytest.mark.parametrize(
    "parameters, call, message",
    [
        ({"window": 50}, lambda d: d.fit(series(49)), "window=50 .* 49 time stamps"),
        ({"window": 1}, lambda d: d.fit(series()), "window"),
        ({"window": 2.5}, lambda d: d.fit(series()), "window"),
        ({"window": 20}, lambda d: d.fit(series()).score_samples(series(19)), "20 .* 19"),
        ({"window": 20}, lambda d: d.fit(series(), groups=np.zeros(3)), r"\(3,\).* 600"),
        (
            {"window": 20},
            lambda d: d.fit(series(), groups=np.arange(600) // 100 % 2),
            "stand together",
        ),
        ({"window": 20}, lambda d: d.fit(series(), groups=np.arange(600)), "1 time stamps"),
        ({}, lambda d: d.fit(series(), groups=np.zeros(600)), "one unit only"),
        ({}, lambda d: d.fit(series(), groups=np.zeros(5)), r"\(5,\).* 600"),
        ({}, lambda d: d.fit(series(), groups=[None] * 600), "missing entries"),
        ({}, lambda d: d.partial_fit(series(), groups=np.arange(600)), "need fit"),
        ({}, lambda d: d.fit(series()[:1]), "1 sample"),
        ({}, lambda d: d.fit(series()).set_threshold(0.5, p=0.01), "not both"),
        ({}, lambda d: d.fit(series()).set_threshold(p=1.0), "between 0 and 1"),
        ({}, lambda d: d.fit(series()).set_threshold(np.inf), "finite"),
        ({}, lambda d: d.fit(np.full((9, 2), np.nan)), "every entry is NaN"),
        ({"forget": 1.0}, lambda d: d.fit(series()), "forget"),
        (
            {"forget": 0.1, "solver": "hebbian"},
            lambda d: d.partial_fit(series()),
            "solver='flow'",
        ),
    ],
)
def test_bad_parameters(parameters, call, message):
    detector = ActivationAnomalyDetector(**parameters, **SMALL)
    with pytest.raises(ValueError, match=message):
        call(detector)


def test_failed_fit_leaves_nothing():
    detector = ActivationAnomalyDetector(window=700, **SMALL)
    with pytest.raises(ValueError, match="700"):
        detector.fit(series())
    with pytest.raises(NotFittedError):
        detector.score_samples(series())


# -- p-values --------------------------------------------------------------------------


@pytest.mark.parametrize("layer_sizes", [None, (48, 48)])
def test_p_values_are_valid(layer_sizes):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(5000, 4)) @ rng.normal(size=(4, 4))
    detector = ActivationAnomalyDetector(layer_sizes, **SMALL).fit(X[:1500])
    p = detector.p_values(X[1500:])
    for alpha, margin in ((0.05, 0.015), (0.2, 0.03)):
        assert abs((p < alpha).mean() - alpha) < margin
    far = detector.p_values(X[1500:1600] + 50)
    assert (far < 0.01).all()
    assert (p > 0).all()
    assert (p <= 1).all()
    order = np.argsort(detector.score_samples(X[1500:]))
    assert (np.diff(p[order]) >= 0).all()


def test_scores_of_the_training_rows_do_not_flatter():
    """A quantile of the training rows' scores is a threshold for rows to come."""
    X = np.random.default_rng(0).normal(size=(1200, 8))
    detector = ActivationAnomalyDetector(random_state=0).fit(X[:200])
    for level in (0.05, 0.2):
        edge = np.quantile(detector.score_samples(X[:200]), level)
        assert 0.5 * level < (detector.score_samples(X[200:]) < edge).mean() < 1.8 * level
    assert 0.03 < (detector.p_values(X[:200]) <= 0.05).mean() <= 0.05


# -- explanations ----------------------------------------------------------------------

TABLES = {
    "iris": load_iris,
    "wine": load_wine,
    "breast cancer": load_breast_cancer,
    "diabetes": load_diabetes,
    "digits": load_digits,
}


@pytest.mark.parametrize("name", TABLES)
def test_explain_finds_the_corrupted_column(name):
    X = TABLES[name]().data
    rng = np.random.default_rng(0)
    X = X[rng.permutation(len(X))][:, X.std(axis=0) > 0.5 * np.median(X.std(axis=0))]
    train, rows = X[: len(X) // 2], X[len(X) // 2 :][:40].copy()
    column = rng.integers(X.shape[1], size=len(rows))
    sign = rng.choice([-1, 1], size=len(rows))
    corrupted = train.mean(axis=0)[column] + sign * 6 * train.std(axis=0)[column]
    rows[np.arange(len(rows)), column] = corrupted
    detector = ActivationAnomalyDetector(random_state=0).fit(train)
    found = detector.explain(rows).argmax(axis=1)
    assert (found == column).mean() >= 0.9


@pytest.mark.parametrize("parameters", [{}, {"encoding": "unit"}, {"layer_sizes": (40, 40)}])
def test_explanations_add_up_to_what_was_lost(parameters):
    X = np.random.default_rng(0).normal(size=(200, 5))
    detector = ActivationAnomalyDetector(**SMALL, **parameters).fit(X[:150])
    rows = X[150:]
    references = detector._references(rows, detector._typical_rows())
    assert references.shape == (50, N_REFERENCES, 5)
    of_references = detector._score(references.reshape(-1, 5)).reshape(50, -1)
    lost = of_references.mean(axis=1) - detector.score_samples(rows)
    np.testing.assert_allclose(detector.explain(rows).sum(axis=1), lost, atol=1e-6)
    assert set(map(tuple, references.reshape(-1, 5))) <= set(map(tuple, X[:150]))


def test_missing_entries_explain_nothing():
    X = np.random.default_rng(0).normal(size=(200, 5))
    detector = ActivationAnomalyDetector(**SMALL).fit(X)
    X[:, 2] = np.nan
    assert (detector.explain(X)[:, 2] == 0).all()


def test_explain_series_by_channel():
    X, new = series(800, 3), series(300, 3, seed=1)
    new[150:170, 1] += 4
    detector = ActivationAnomalyDetector(window=25, random_state=0).fit(X)
    contributions = detector.explain(new)
    assert contributions.shape == (300, 3)
    assert (contributions[150:170].argmax(axis=1) == 1).all()


# -- missing entries -------------------------------------------------------------------


def test_missing_entries_are_scored_on_what_is_known():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1000, 6))
    X[rng.random(X.shape) < 0.1] = np.nan
    detector = ActivationAnomalyDetector(random_state=0).fit(X[:600])
    assert detector.__sklearn_tags__().input_tags.allow_nan
    unseen = rng.normal(size=(2000, 6))
    assert 0.03 < (detector.p_values(unseen) < 0.05).mean() < 0.07
    gappy = np.where(rng.random(unseen.shape) < 0.1, np.nan, unseen)
    assert 0.01 < (detector.p_values(gappy) < 0.05).mean() < 0.07  # gaps hide what is unusual
    far = X[600:].copy()
    far[:, 0] = 9
    assert (detector.p_values(far) < 0.05).all()


def test_missing_units_of_unit_rows_are_zero():
    X = np.random.default_rng(0).uniform(size=(100, 5))
    detector = ActivationAnomalyDetector(encoding="unit", random_state=0).fit(X)
    gone = X.copy()
    gone[:, 3] = np.nan
    X[:, 3] = 0
    np.testing.assert_array_equal(detector.score_samples(gone), detector.score_samples(X))


# -- forgetting ------------------------------------------------------------------------

STREAM = {"bandwidth": 3.0, "standardize": False, "learning_time": 30.0, "forget": 0.01, **SMALL}


def test_forgetting_is_exponential_weights_however_batches_are_cut():
    X = np.random.default_rng(0).normal(size=(300, 3))
    weight = 0.99 ** np.arange(299, -1, -1)
    given = {**STREAM, "forget": 0.0}
    expected = ActivationAnomalyDetector(**given).partial_fit(X, sample_weight=weight)
    for cut in ([150], [40, 130, 220], [299]):
        detector = ActivationAnomalyDetector(**STREAM)
        for batch in np.split(X, cut):
            detector.partial_fit(batch)
        np.testing.assert_allclose(detector.score_samples(X), expected.score_samples(X), atol=1e-8)


def test_forgetting_follows_a_drift():
    rng = np.random.default_rng(0)
    before, after = rng.normal(size=(500, 3)), rng.normal(5, 1, size=(500, 3))
    keeps = ActivationAnomalyDetector(**{**STREAM, "forget": 0.0}).partial_fit(before)
    forgets = ActivationAnomalyDetector(**STREAM).partial_fit(before)
    for detector in (keeps, forgets):
        detector.partial_fit(after)
    old = [detector.score_samples(before).mean() for detector in (keeps, forgets)]
    assert old[1] < old[0] - 0.05


# -- tables that nobody has sorted ---------------------------------------------------------


def alarms(detector, X):
    return (detector.predict(X) == -1).mean()


def gaussian(n, d, rng):
    return rng.normal(size=(n, d)), rng.normal(size=(1000, d))


def factors(n, d, rng):
    mixing = rng.normal(size=(5, d))
    rows = [rng.normal(size=(m, 5)) @ mixing + 0.5 * rng.normal(size=(m, d)) for m in (n, 1000)]
    return rows


def digits_of(label, rng):
    X, y = load_digits(return_X_y=True)
    X = rng.permutation(X[y == label])
    return X[:90], X[90:]


@pytest.mark.parametrize(
    "make, n_seeds",
    [
        (lambda rng: gaussian(50, 2, rng), 8),
        (lambda rng: gaussian(200, 30, rng), 6),
        (lambda rng: gaussian(100, 200, rng), 6),
        (lambda rng: gaussian(100, 1000, rng), 4),
        (lambda rng: factors(200, 50, rng), 6),
        (lambda rng: digits_of(0, rng), 8),
        (lambda rng: digits_of(8, rng), 8),
    ],
    ids=["50x2", "200x30", "100x200", "100x1000", "factors", "digit 0", "digit 8"],
)
def test_alarms_at_the_promised_rate(make, n_seeds):
    rates = []
    for seed in range(n_seeds):
        X, new = make(np.random.default_rng(seed))
        detector = ActivationAnomalyDetector(random_state=seed).fit(X)
        p = detector.p_values(new)
        rates.append([alarms(detector, new), (p <= 0.05).mean(), (p <= 0.2).mean()])
        assert alarms(detector, X) <= 0.01
    rates = np.mean(rates, axis=0)
    assert rates[0] <= 0.025
    assert 0.02 < rates[1] < 0.075
    assert 0.13 < rates[2] < 0.27


@pytest.mark.parametrize("n", [2, 10, 29])
def test_too_few_rows_warn(n):
    X = np.random.default_rng(0).normal(size=(n, 2))
    with pytest.warns(UserWarning, match=f"{n} independent rows are too few"):
        detector = ActivationAnomalyDetector(**SMALL).fit(X)
    assert 0 <= detector.offset_ <= 1
    with pytest.warns(UserWarning, match="2 independent units are too few"):
        ActivationAnomalyDetector(**SMALL).fit(X, groups=np.arange(n) % 2)


@pytest.mark.parametrize("junk", [1e3, -9999.0, 1e6, 1e300])
@pytest.mark.parametrize("contamination", ["auto", 0.01])
@pytest.mark.parametrize("n_junk", [1, 3, 60])
def test_junk_does_not_blind_a_column(n_junk, contamination, junk):
    rng = np.random.default_rng(0)
    X, odd = rng.normal(size=(1000, 3)), rng.normal(size=(300, 3))
    odd[:, 2] = 6
    X[:n_junk, 2] = junk
    detector = ActivationAnomalyDetector(contamination=contamination, random_state=0).fit(X)
    found = detector.p_values(odd) <= max(0.01, n_junk / 1000)
    assert found.mean() > (0.9 if n_junk <= 3 else 0.5)
    assert detector.explain(odd[:30]).argmax(axis=1).tolist() == [2] * 30


def test_rarer_patterns_go_first():
    rng = np.random.default_rng(104)
    B = (rng.random((1000, 3)) < 0.1) * 1.0
    patterns, at, counts = np.unique(B, axis=0, return_inverse=True, return_counts=True)
    at = at.ravel()
    for share in (0.01, 0.03, 0.1, 0.2):
        labels = ActivationAnomalyDetector(contamination=share, random_state=0).fit_predict(B)
        flagged = np.array([(labels[at == k] == -1).all() for k in range(len(patterns))])
        assert counts[flagged].max(initial=0) <= counts[~flagged].min()
        sums = np.concatenate([[0], np.cumsum(np.sort(counts))]) / 1000
        assert np.abs((labels == -1).mean() - share) == pytest.approx(np.abs(sums - share).min())


@pytest.mark.parametrize("n_rare", [1, 30, 200])
def test_two_values_are_told_by_how_often_they_occur(n_rare):
    x = np.r_[np.zeros(1000 - n_rare), np.ones(n_rare)][:, None]
    labels = ActivationAnomalyDetector(contamination=n_rare / 1000, random_state=0).fit_predict(x)
    assert (labels[-n_rare:] == -1).all() and (labels == -1).sum() == n_rare


def test_new_units_raise_the_promised_alarms():
    rates = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        X = np.repeat(rng.normal(size=(50, 4)), 20, axis=0) + rng.normal(0, 0.05, (1000, 4))
        unit = np.repeat([f"machine {i}" for i in range(50)], 20)
        new = rng.normal(size=(400, 4))
        blind = ActivationAnomalyDetector(random_state=seed).fit(X)
        told = ActivationAnomalyDetector(random_state=seed).fit(X, groups=unit)
        assert alarms(blind, new) > 0.9
        rates.append([alarms(told, new), (told.p_values(new) <= 0.05).mean()])
    assert np.mean(rates, axis=0)[0] < 0.03
    assert np.mean(rates, axis=0)[1] < 0.08
    labels = ActivationAnomalyDetector(random_state=0).fit_predict(X, groups=unit)
    assert (labels == -1).mean() < 0.05


@pytest.mark.parametrize(
    "value, change", [(1000.0, 300.0), (1000.0, 0.1), (0.0, 1e-6), (-2e-5, 1e-6)]
)
def test_change_of_a_constant_column_is_new(value, change):
    rng = np.random.default_rng(0)
    X = np.c_[rng.normal(size=(1000, 3)), np.full(1000, value)]
    new = np.c_[rng.normal(size=(300, 3)), np.full(300, value + change)]
    detector = ActivationAnomalyDetector(random_state=0).fit(X)
    assert alarms(detector, new) == 1
    same = np.c_[new[:, :3], np.full(300, value)]
    assert alarms(detector, same) < 0.05
    assert (detector.explain(new[:9]).argmax(axis=1) == 3).all()


@pytest.mark.parametrize("contamination", ["auto", 0.05])
def test_labels_do_not_hang_on_the_last_bits(contamination):
    rng = np.random.default_rng(0)
    X, new = rng.normal(size=(500, 4)), rng.normal(size=(3000, 4)) * 1.5
    X[::7, 1] = np.nan
    detector = ActivationAnomalyDetector(contamination=contamination, random_state=0)
    labels, scores = detector.fit(X).predict(new), detector.score_samples(new)
    own = detector.predict(X)
    detector.fit(X + 1e-12 * rng.normal(size=X.shape))
    np.testing.assert_allclose(detector.score_samples(new), scores, atol=1e-6)
    assert (labels != detector.predict(new)).sum() <= (
        np.abs(scores - detector.offset_) < 1e-6
    ).sum()
    np.testing.assert_array_equal(detector.predict(X), own)


def test_anomalies_among_the_training_rows_are_explained():
    """A row that was learned is explained as if it had not been."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 4))
    X[:2, 2] = 15, -15
    detector = ActivationAnomalyDetector(random_state=0).fit(X)
    assert set(np.argsort(detector.training_scores_)[:2]) == {0, 1}
    assert (detector.explain(X[:2]).argmax(axis=1) == 2).all()


def test_threshold_of_ones_own_stays():
    X, new = gaussian(600, 3, np.random.default_rng(0))
    detector = ActivationAnomalyDetector(**SMALL).partial_fit(X[:300])
    automatic = detector.offset_
    assert detector.set_threshold(0.5).offset_ == 0.5
    detector.partial_fit(X[300:])
    assert pickle.loads(pickle.dumps(detector)).offset_ == 0.5
    detector.set_threshold(p=0.1)
    np.testing.assert_array_equal(detector.predict(new) == -1, detector.p_values(new) <= 0.1)
    stricter = detector.offset_
    detector.partial_fit(new)
    assert detector.offset_ != stricter
    assert abs((detector.p_values(X) <= 0.1).mean() - alarms(detector, X)) < 0.01
    assert detector.set_threshold().offset_ == detector._calibration["threshold"]
    assert detector.fit(X[:300]).offset_ == pytest.approx(automatic, abs=0.1) != 0.5


def test_compact_models_judge_and_no_longer_learn():
    X, new = gaussian(500, 5, np.random.default_rng(0))
    detector = ActivationAnomalyDetector(random_state=0).fit(X)
    assert len(pickle.dumps(detector)) < 3 * 2**20
    before = detector.score_samples(new), detector.explain(new[:5]), len(pickle.dumps(detector))
    assert detector.compact() is detector
    np.testing.assert_array_equal(detector.score_samples(new), before[0])
    np.testing.assert_array_equal(detector.explain(new[:5]), before[1])
    assert len(pickle.dumps(detector)) < 0.7 * before[2]
    detector.sample(2, n_steps=9)
    other = ActivationAnomalyDetector(random_state=0).fit(X)
    for call in (detector.partial_fit, lambda X: detector.merge(other), other.merge):
        with pytest.raises(ValueError, match="statistics"):
            call(detector if call == other.merge else X)
    detector.fit(X).partial_fit(new)


def test_several_layers_average_the_last():
    X = np.random.default_rng(0).normal(size=(200, 3))
    detector = ActivationAnomalyDetector((40, 30), **SMALL).fit(X)
    assert detector.learning_times_[1] == pytest.approx(1 / RATE)
    assert detector.learning_times_[0] < 1000
    told = ActivationAnomalyDetector(contamination=0.2, **SMALL).fit(X)
    assert told.learning_times_[0] == pytest.approx(50)
    assert ActivationAnomalyDetector(learning_time=7.0, **SMALL).fit(X).learning_times_[0] == 7


# -- discrete tables -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["strings", "integers"])
@pytest.mark.parametrize("gaps", [0.0, 0.3])
def test_alarms_on_discrete_tables(kind, gaps):
    """A new row that equals an old one is no row that was learned."""
    rates = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        X, new = rng.integers(4, size=(1000, 4)), rng.integers(4, size=(3000, 4))
        if kind == "strings":
            X, new = (np.array(list("abcd"), dtype=object)[table] for table in (X, new))
        X = np.where(rng.random(X.shape) < gaps, np.nan, X)
        detector = ActivationAnomalyDetector(random_state=seed).fit(X)
        rates.append([alarms(detector, new), (detector.p_values(new) <= 0.05).mean()])
    rates = np.mean(rates, axis=0)
    assert rates[0] < 0.03
    assert rates[1] < 0.09 if gaps else rates[1] < 0.075


def test_gaps_of_equal_rows_are_filled_as_often_as_entries_occur():
    rng = np.random.default_rng(0)
    a = rng.integers(2, size=2000)
    b = (rng.random(2000) < np.where(a == 1, 0.9, 0.15)).astype(float)
    X = np.c_[a, np.where(rng.random(2000) < 0.3, np.nan, b)].astype(float)
    detector = ActivationAnomalyDetector(random_state=0)
    detector.is_categorical_, detector._seed = None, 0
    filled = detector._completed_for_training(X, np.ones(2000), False)
    missing = np.isnan(X[:, 1])
    for value, share in ((0, 0.15), (1, 0.9)):
        assert filled[missing & (a == value), 1].mean() == pytest.approx(share, abs=0.08)


def test_kinds_of_columns_stay_those_of_training():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=300), "on": rng.integers(2, size=300) * 1.0})
    detector = ActivationAnomalyDetector(**SMALL).fit(X)
    booleans = X.assign(on=X["on"] == 1)
    np.testing.assert_array_equal(detector.score_samples(booleans), detector.score_samples(X))
    for call in (detector.score_samples, detector.partial_fit):
        with pytest.raises(ValueError, match="'on' holds strings such as 'yes'"):
            call(X.assign(on="yes"))
    objects = X.astype({"on": object})
    named = ActivationAnomalyDetector(**SMALL).fit(objects)
    assert list(named.feature_names_in_) == ["a", "on"]
    with pytest.raises(ValueError, match="feature names"):
        named.score_samples(objects[["on", "a"]])


def test_streams_of_units_are_refused():
    X, _ = gaussian(300, 3, np.random.default_rng(0))
    detector = ActivationAnomalyDetector(**SMALL).fit(X, groups=np.arange(300) // 5)
    with pytest.raises(ValueError, match="fitted with groups"):
        detector.partial_fit(X)
    with pytest.raises(ValueError, match="fitted with groups"):
        detector.merge(ActivationAnomalyDetector(**SMALL).fit(X))
    ActivationAnomalyDetector(**SMALL).fit(X).partial_fit(X)


def test_copies_of_a_stream_are_counted():
    X = np.repeat(np.random.default_rng(0).normal(size=(100, 3)), 2, axis=0)
    given = {"standardize": False, "bandwidth": 2.0, **SMALL}
    whole, stream = ActivationAnomalyDetector(**given), ActivationAnomalyDetector(**given)
    assert whole.fit(X).offset_ == pytest.approx(stream.partial_fit(X).offset_, abs=1e-9)
    forgetful = ActivationAnomalyDetector(forget=0.5, **given).partial_fit(X[::2])
    assert forgetful._calibration["mass"].sum() < 5
    assert alarms(forgetful, X + 50) == 1


def test_explanations_of_suspects_start_from_their_scores():
    X, _ = gaussian(300, 4, np.random.default_rng(0))
    X[:15] += 6
    for parameters in ({}, {"contamination": 0.05}):
        detector = ActivationAnomalyDetector(random_state=0, **parameters).fit(X)
        own = detector._score_of_others(X)(X)
        assert np.quantile(np.abs(own - detector.training_scores_), 0.98) < 0.02


def test_postcodes_are_categories():
    X = pd.DataFrame({"code": ["02139", "90210", "10115"] * 50, "size": ["8", "10", "12"] * 50})
    detector = ActivationAnomalyDetector(**SMALL).fit(X)
    np.testing.assert_array_equal(detector.is_categorical_, [True, False])


def test_categories_need_the_fourier_map():
    with pytest.raises(ValueError, match="encoding='fourier'"):
        ActivationAnomalyDetector(encoding="unit", categorical_features=[0]).fit(series())


@pytest.mark.parametrize("n_columns, n_odd", [(3, 20), (8, 20), (8, 50)])
def test_outliers_in_one_direction_do_not_hide_each_other(n_columns, n_odd):
    X = np.random.default_rng(0).normal(size=(5000, n_columns))
    X[:n_odd] += np.linspace(6, 60, n_odd)[:, None]
    detector = ActivationAnomalyDetector(random_state=0).fit(X)
    assert (detector.predict(X)[:n_odd] == -1).mean() > 0.5
    assert np.isin(np.argsort(detector.training_scores_)[:n_odd], np.arange(n_odd)).mean() >= 0.7
