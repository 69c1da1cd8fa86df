"""Categories as they are, in every kind of table; dates, junk and sparse input refused by name."""

import datetime
import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sklearn_activation import ActivationAnomalyDetector
from sklearn_activation._rows.columns import read_table
from sklearn_activation._rows.scales import PAIR

from .encodings import fourier_encoding

FEW = {"n_frequencies": 64, "random_state": 0}
CITIES = np.array(["Graz", "Linz", "Wien"], dtype=object)


def people(n=400, seed=0):
    """Two numbers and three categories, one of which belongs to the number."""
    rng = np.random.default_rng(seed)
    city = rng.integers(3, size=n)
    return pd.DataFrame(
        {
            "height": rng.normal(170, 8, n),
            "rent": 300 * (1 + city) + rng.normal(0, 20, n),
            "city": CITIES[city],
            "plan": pd.Categorical.from_codes(rng.choice(2, n, p=(0.9, 0.1)), ["basic", "plus"]),
            "member": rng.random(n) < 0.5,
        }
    )


def as_polars(frame):
    polars = pytest.importorskip("polars")
    return polars.DataFrame(
        {name: frame[name].astype(frame[name].dtype).tolist() for name in frame}
    )


def as_polars_enum(frame):
    polars = pytest.importorskip("polars")
    return as_polars(frame).with_columns(
        polars.col("plan").cast(polars.Categorical),
        polars.col("city").cast(polars.Enum(list(CITIES))),
    )


def arrow():
    """The package, skipped where it cannot be imported beside an old NumPy."""
    try:
        import pyarrow
    except ImportError as reason:
        pytest.skip(str(reason))
    return pyarrow


KINDS = {
    "pandas": lambda frame: frame,
    "pandas object": lambda frame: frame.astype({"city": object, "member": object}),
    "pandas arrow": lambda frame: arrow() and frame.convert_dtypes(dtype_backend="pyarrow"),
    "pandas nullable": lambda frame: frame.convert_dtypes(),
    "polars": as_polars,
    "polars categories": as_polars_enum,
    "arrow": lambda frame: arrow().Table.from_pandas(frame),
    "objects": lambda frame: frame.astype(object).to_numpy(),
    "lists": lambda frame: frame.astype(object).to_numpy().tolist(),
}


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


def test_categories_are_a_typical_pair_apart():
    """phi(x).phi(x') = exp(-d^2 / (2 bandwidth^2)) with d = PAIR, however rare either is."""
    codes, _ = read_table(pd.DataFrame({"c": ["a"] * 97 + ["b"] * 2 + ["c"]}), "from_dtype")
    options = {"bandwidth": 1.3, "n_frequencies": 40_000, "categorical": np.array([True])}
    encoding = fourier_encoding(codes, **options)
    rows = np.vstack([codes[[0, 97, 99]], [[12345.0]], [[np.nan]]])
    Z = np.empty((5, 80_000))
    encoding.write(rows, Z)
    squared = np.full((5, 5), PAIR**2)
    squared[4, :] = squared[:, 4] = PAIR**2 / 2  # missing: half as far
    np.fill_diagonal(squared, 0)
    np.testing.assert_allclose(Z @ Z.T, np.exp(-squared / (2 * 1.3**2)), atol=0.02)


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


# -- refused by name -----------------------------------------------------------------------

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
