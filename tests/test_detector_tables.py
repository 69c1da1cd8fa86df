"""The detector of tables: categories, dates, gaps, junk, discrete columns."""

import datetime
import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse

from sklearn_activation import ActivationAnomalyDetector

from .cases import SMALL
from .tables import KINDS, alarms, arrow, as_polars, correlated, line, people, series
from .tasks import filled_for_training

FEW = {"n_frequencies": 64, "random_state": 0}


# -- categories ------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:X (has|does not have valid) feature names")
@pytest.mark.parametrize("kind", KINDS)
def test_categories_go_in_as_they_are(kind):
    frame, new = people(), people(50, seed=1)
    expected = ActivationAnomalyDetector(**FEW).fit(frame)
    np.testing.assert_array_equal(expected.is_categorical_, [False, False, True, True, True])
    found = ActivationAnomalyDetector(**FEW).fit(KINDS[kind](frame))
    np.testing.assert_array_equal(found.is_categorical_, expected.is_categorical_)
    np.testing.assert_allclose(found.training_scores_, expected.training_scores_, rtol=1e-9)
    np.testing.assert_allclose(
        found.score_samples(KINDS[kind](new)), expected.score_samples(new), rtol=1e-9
    )
    np.testing.assert_allclose(
        expected.score_samples(KINDS[kind](new)), expected.score_samples(new), rtol=1e-9
    )


@pytest.mark.parametrize(
    "declared",
    [[2, 3, 4], ["city", "plan", "member"], [False, False, True, True, True], (-3, 3, 4)],
)
def test_declared_categories(declared):
    frame = people()
    expected = ActivationAnomalyDetector(**FEW).fit(frame)
    found = ActivationAnomalyDetector(categorical_features=declared, **FEW).fit(frame)
    np.testing.assert_array_equal(found.training_scores_, expected.training_scores_)


def test_numbers_can_be_declared_categories():
    X = np.random.default_rng(0).integers(5, size=(300, 2)).astype(float)
    codes = ActivationAnomalyDetector(categorical_features=[0, 1], **FEW).fit(X)
    assert codes.is_categorical_.all()
    order = np.array([3.0, 0, 4, 1, 2])  # their order says nothing
    other = ActivationAnomalyDetector(categorical_features=[0, 1], **FEW).fit(order[X.astype(int)])
    np.testing.assert_allclose(codes.training_scores_, other.training_scores_, atol=0.12)
    assert (
        ActivationAnomalyDetector(categorical_features=None, **FEW).fit(X).is_categorical_ is None
    )


@pytest.mark.parametrize(
    "declared, message",
    [
        (["town"], "'town'"),
        ([7], "7"),
        ([True, False], "2 columns, but X has 5"),
        ([[1]], "2 axes"),
        ([1.5], "1.5"),
    ],
)
def test_bad_declarations(declared, message):
    with pytest.raises(ValueError, match=message):
        ActivationAnomalyDetector(categorical_features=declared).fit(people())


def test_unknown_categories_are_unlike_any():
    frame = people()
    detector = ActivationAnomalyDetector(random_state=0).fit(frame)
    usual = frame.head(50).assign(height=170.5)
    strange = detector.score_samples(usual.assign(city="Bregenz"))
    assert (strange < detector.score_samples(usual)).all()
    other_city = np.where(usual["city"] == "Wien", "Graz", "Wien")  # with another city's rent
    assert strange.mean() < detector.score_samples(usual.assign(city=other_city)).mean() + 0.02


def test_missing_categories_are_missing():
    frame, new = people(), people(200, seed=1)
    detector = ActivationAnomalyDetector(random_state=0).fit(frame)
    gone = new.assign(city=None)
    assert (detector.predict(gone) == 1).mean() > 0.97
    assert (detector.explain(gone.head(5))[:, 2] == 0).all()
    gaps = frame.assign(city=frame["city"].where(np.arange(400) % 3 > 0, None))
    trained = ActivationAnomalyDetector(random_state=0).fit(gaps)
    assert (trained.predict(new) == -1).mean() < 0.04
    assert (trained.p_values(new) <= 0.05).mean() < 0.1


def test_wrong_combination_is_found_and_explained():
    frame = people(1000)
    odd = frame.head(60).assign(height=170.0, plan="basic")
    odd["city"] = np.where(odd["rent"] > 750, "Graz", np.where(odd["rent"] > 450, "Graz", "Wien"))
    detector = ActivationAnomalyDetector(random_state=0).fit(frame)
    assert (detector.p_values(odd) <= 0.05).mean() > 0.9
    blamed = detector.explain(odd).argmax(axis=1)
    assert np.isin(blamed, [1, 2]).mean() > 0.9


@pytest.mark.parametrize("n_levels", [1, 400])
def test_one_category_and_as_many_as_rows(n_levels):
    frame = people().assign(city=[f"city {i % n_levels}" for i in range(400)])
    detector = ActivationAnomalyDetector(**FEW).fit(frame)
    assert np.isfinite(detector.training_scores_).all()
    assert (detector.predict(frame) == -1).mean() < 0.03


def test_categories_in_streams_merges_and_pickles():
    frame, given = people(), {"standardize": False, "bandwidth": 40.0, **FEW}
    whole = ActivationAnomalyDetector(**given).fit(frame)
    stream = ActivationAnomalyDetector(**given).partial_fit(frame[:150]).partial_fit(frame[150:])
    new = people(30, seed=2).assign(city="new to all")
    np.testing.assert_allclose(stream.score_samples(new), whole.score_samples(new), atol=1e-8)
    halves = [ActivationAnomalyDetector(**given).fit(part) for part in (frame[:150], frame[150:])]
    merged = halves[0].merge(halves[1])
    np.testing.assert_allclose(merged.score_samples(new), whole.score_samples(new), atol=1e-8)
    stored = pickle.loads(pickle.dumps(whole))
    np.testing.assert_array_equal(stored.score_samples(new), whole.score_samples(new))


def test_windows_take_booleans_for_numbers_and_refuse_strings():
    rng = np.random.default_rng(0)
    log = pd.DataFrame({"level": rng.normal(size=300), "on": rng.random(300) < 0.5})
    detector = ActivationAnomalyDetector(window=10, **FEW).fit(log)
    assert detector.is_categorical_ is None
    with pytest.raises(ValueError, match="categories"):
        ActivationAnomalyDetector(window=10, **FEW).fit(log.assign(state="open"))


def test_sampling_refuses_categories():
    with pytest.raises(ValueError, match="categories"):
        ActivationAnomalyDetector(**FEW).fit(people()).sample(3)


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


def test_postcodes_are_categories():
    X = pd.DataFrame({"code": ["02139", "90210", "10115"] * 50, "size": ["8", "10", "12"] * 50})
    detector = ActivationAnomalyDetector(**SMALL).fit(X)
    np.testing.assert_array_equal(detector.is_categorical_, [True, False])


def test_categories_need_the_fourier_map():
    with pytest.raises(ValueError, match="encoding='fourier'"):
        ActivationAnomalyDetector(encoding="unit", categorical_features=[0]).fit(series())


# -- refused by name -------------------------------------------------------------------


WHEN = {
    "datetime64": pd.date_range("2024", periods=400),
    "with a zone": pd.date_range("2024", periods=400, tz="UTC"),
    "timedelta": pd.to_timedelta(np.arange(400), "h"),
    "period": pd.period_range("2024", periods=400, freq="D"),
    "dates": [datetime.date(2024, 1, 1)] * 400,
    "times": [datetime.time(12, 0)] * 400,
}


@pytest.mark.parametrize("kind", WHEN)
def test_dates_are_refused_with_advice(kind):
    with pytest.raises(ValueError, match=r"'when' holds dates.*hour, the weekday"):
        ActivationAnomalyDetector().fit(people().assign(when=WHEN[kind]))


@pytest.mark.parametrize("kind", ["Date", "Datetime", "Duration", "Time"])
def test_dates_of_polars_are_refused(kind):
    polars = pytest.importorskip("polars")
    values = polars.Series(np.arange(400)).cast(getattr(polars, kind)())
    with pytest.raises(ValueError, match="'when' holds dates"):
        ActivationAnomalyDetector().fit(as_polars(people()).with_columns(values.alias("when")))


def test_dates_of_arrow_and_numpy_are_refused():
    pyarrow = arrow()
    table = pyarrow.table({"a": [1.0] * 9, "when": pyarrow.array([datetime.date(2024, 1, 1)] * 9)})
    with pytest.raises(ValueError, match="'when' holds dates"):
        ActivationAnomalyDetector().fit(table)
    with pytest.raises(ValueError, match="Column 0 holds dates"):
        ActivationAnomalyDetector().fit(np.full((9, 2), "2024-01-01", dtype="datetime64[D]"))


@pytest.mark.parametrize("junk", ["?", "n/a", "unknown"])
def test_numbers_with_some_strings_are_no_category(junk):
    values = people()["height"].astype(object)
    values.iloc[[3, 8]] = junk
    with pytest.raises(ValueError, match="'height' holds numbers, and strings such as"):
        ActivationAnomalyDetector().fit(people().assign(height=values))


def test_strings_where_training_had_numbers():
    detector = ActivationAnomalyDetector(**FEW).fit(people())
    with pytest.raises(ValueError, match="'rent' holds strings such as 'high'"):
        detector.score_samples(people().assign(rent="high"))


def test_numeric_strings_are_numbers():
    frame = people()
    strings = frame.assign(rent=frame["rent"].astype(str))
    ours, theirs = (ActivationAnomalyDetector(**FEW).fit(table) for table in (frame, strings))
    np.testing.assert_allclose(ours.training_scores_, theirs.training_scores_, rtol=1e-9)


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csr_array, sparse.coo_array])
def test_sparse_input_is_told_what_to_do(kind):
    with pytest.raises(TypeError, match="sparse_output=False"):
        ActivationAnomalyDetector().fit(kind(np.eye(30)))


def test_unit_rows_take_numbers_only():
    with pytest.raises(ValueError, match="'city' holds strings"):
        ActivationAnomalyDetector(encoding="unit").fit(people())


def test_other_columns_than_in_training():
    detector = ActivationAnomalyDetector(**FEW).fit(people())
    with pytest.raises(ValueError, match="feature names"):
        detector.score_samples(people()[["city", "rent"]])
    with pytest.raises(ValueError, match="5 features"):
        detector.score_samples(people().astype(object).to_numpy()[:, :4])


def test_columns_of_dates_are_refused_by_name():
    X = pd.DataFrame({"a": np.arange(9.0), "when": pd.date_range("2020", periods=9)})
    for frame in (X, X[["when"]]):
        with pytest.raises(ValueError, match="'when' holds dates"):
            ActivationAnomalyDetector().fit(frame)


# -- missing entries -------------------------------------------------------------------


def test_columns_never_known_count_for_nothing():
    X = np.random.default_rng(0).normal(size=(300, 3))
    train = X.copy()
    train[:, 1] = np.nan
    detector = ActivationAnomalyDetector(**SMALL).fit(train)
    np.testing.assert_allclose(detector.score_samples(X), detector.score_samples(train))
    assert np.isfinite(detector.explain(X[:3])).all()


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


def test_gaps_of_equal_rows_are_filled_as_often_as_entries_occur():
    rng = np.random.default_rng(0)
    a = rng.integers(2, size=2000)
    b = (rng.random(2000) < np.where(a == 1, 0.9, 0.15)).astype(float)
    X = np.c_[a, np.where(rng.random(2000) < 0.3, np.nan, b)].astype(float)
    detector = ActivationAnomalyDetector(random_state=0)
    filled = filled_for_training(detector, X)
    missing = np.isnan(X[:, 1])
    for value, share in ((0, 0.15), (1, 0.9)):
        assert filled[missing & (a == value), 1].mean() == pytest.approx(share, abs=0.08)


@pytest.mark.parametrize("correlated", [False, True])
@pytest.mark.parametrize("missing", [0.1, 0.5])
def test_alarms_after_training_with_gaps(missing, correlated):
    rates = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        mixing = rng.normal(size=(5, 5)) if correlated else np.eye(5)
        X, new = rng.normal(size=(1000, 5)) @ mixing, rng.normal(size=(1500, 5)) @ mixing
        X[rng.random(X.shape) < missing] = np.nan
        gaps = np.where(rng.random(new.shape) < missing, np.nan, new)
        gaps = gaps[~np.isnan(gaps).all(axis=1)]
        detector = ActivationAnomalyDetector(random_state=seed).fit(X)
        for rows in (new, gaps):
            p = detector.p_values(rows)
            rates.append([(detector.predict(rows) == -1).mean(), (p <= 0.05).mean()])
    complete, with_gaps = np.mean(rates[::2], axis=0), np.mean(rates[1::2], axis=0)
    assert complete[0] < 0.02 and 0.02 < complete[1] < 0.07
    assert with_gaps[0] < 0.015 and with_gaps[1] < 0.06


def test_correlations_are_seen_through_gaps():
    rng = np.random.default_rng(0)
    X = line(800)
    X[rng.random(X.shape) < 0.3] = np.nan
    X = X[~np.isnan(X).all(axis=1)]
    detector = ActivationAnomalyDetector(random_state=0).fit(X)
    wrong = np.array([[1.0, -2.0, np.nan], [np.nan, 2.0, 1.0], [1.0, -2.0, 1.0]])
    right = np.array([[1.0, 2.0, np.nan], [np.nan, 2.0, -1.0], [1.0, 2.0, -1.0]])
    assert (detector.predict(wrong) == -1).all()
    assert (detector.predict(right) == 1).all()


def test_rows_of_which_nothing_is_known_are_not_typical():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    X[7] = np.nan
    detector = ActivationAnomalyDetector(random_state=0).fit(X)
    assert detector.training_scores_[7] == 0
    nothing = np.full((2, 3), np.nan)
    with pytest.warns(UserWarning, match="2 of 2 rows are NaN throughout"):
        assert (detector.score_samples(nothing) == 0).all()
    with pytest.warns(UserWarning):
        assert (detector.predict(nothing) == -1).all()
    with pytest.warns(UserWarning):
        assert (detector.p_values(nothing) <= 1 / 300).all()
    assert (detector.explain(nothing) == 0).all()


def test_order_of_rows_does_not_matter_with_gaps():
    rng = np.random.default_rng(0)
    X = line(900)
    X[rng.random(X.shape) < 0.2] = np.nan
    X = X[~np.isnan(X).all(axis=1)]
    order = rng.permutation(len(X))
    ours = ActivationAnomalyDetector(random_state=0).fit(X)
    theirs = ActivationAnomalyDetector(random_state=0).fit(X[order])
    np.testing.assert_allclose(theirs.training_scores_, ours.training_scores_[order], atol=1e-9)


# -- junk and discrete columns ---------------------------------------------------------


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
    assert found.mean() > 0.98  # 1 of three seeds, as without any junk
    assert detector.explain(odd[:30]).argmax(axis=1).tolist() == [2] * 30


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


# -- columns of which training knew nothing ------------------------------------------------


@pytest.fixture(params=["fourier", "unit"])
def blind(request):
    """A detector that never saw the second of four columns, and rows that have it."""
    X = correlated(300, 4)
    gaps = X.copy()
    gaps[:, 1] = np.nan
    detector = ActivationAnomalyDetector(
        encoding=request.param, n_frequencies=24, contamination=0.05, random_state=0
    )
    return detector.fit(gaps), gaps, X


def test_a_column_that_was_never_known_counts_for_nothing(blind):
    detector, gaps, X = blind
    new = X[:50] + 0.01
    blank = new.copy()
    blank[:, 1] = np.nan
    for rows, without in ((X, gaps), (new, blank), (new * [1, -1e6, 1, 1], blank)):
        assert_array_equal(detector.score_samples(rows), detector.score_samples(without))
        assert_array_equal(detector.p_values(rows), detector.p_values(without))
    found = detector.explain(new[:9])
    assert (found[:, 1] == 0).all() and (found[:, [0, 2, 3]] != 0).any(axis=0).all()
    assert_array_equal(found, detector.explain(blank[:9]))
    with pytest.warns(UserWarning, match="1 of 2 rows are NaN throughout"):
        scores = detector.score_samples([[np.nan, 1.0, np.nan, np.nan], X[0]])
    assert scores[0] == 0 < scores[1]


def test_a_column_that_later_batches_know_counts_from_then_on():
    """With the Fourier encoding the first batch fixes the scales, and so what counts."""
    X = correlated(300, 4)
    first = np.where(np.arange(4) == 1, np.nan, X[:150])
    detector = ActivationAnomalyDetector(encoding="unit", contamination=0.05, random_state=0)
    stream = detector.partial_fit(first).partial_fit(X[150:])
    new = X[:50] + 0.01
    assert (stream.score_samples(new) != stream.score_samples(new * [1, -5, 1, 1])).any()


def test_samples_keep_a_column_that_was_never_known():
    X = correlated(200, 4)
    X[:, 1] = np.nan
    detector = ActivationAnomalyDetector(n_frequencies=24, random_state=0).fit(X)
    options = {"n_samples": 20, "n_steps": 30, "random_state": 0}
    given, unknown = np.full((2, 4), np.nan)
    given[[0, 1]], unknown[0] = [3.0, 7.0], 3.0
    with_it, without = (detector.sample(given=row, **options) for row in (given, unknown))
    assert (with_it[:, 1] == 7).all() and (without[:, 1] == 0).all()
    assert_array_equal(with_it[:, [0, 2, 3]], without[:, [0, 2, 3]])
