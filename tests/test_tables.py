"""Columns of dates, and missing entries of every kind, in tables of every kind."""

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from sklearn_activation import (
    ActivationAnomalyDetector,
    ActivationImputer,
    ActivationLearningClassifier,
    CompetitiveHebbianTransformer,
)

from .tables import arrow

N = 40
ROWS = np.random.default_rng(0).normal(size=(N, 3))
LABELS = np.arange(N) % 2
TIMES = [datetime(2026, 1, 1) + timedelta(hours=i) for i in range(N)]
LASTING = [timedelta(hours=i) for i in range(N)]
SMALL = {"n_frequencies": 6, "random_state": 0}
FITTED = {
    "transformer": CompetitiveHebbianTransformer(3, random_state=0),
    "codes": CompetitiveHebbianTransformer(3, output="linear", random_state=0),
    "classifier": ActivationLearningClassifier(6, encoding="fourier", **SMALL),
    "classifier, unit": ActivationLearningClassifier(6, encoding="unit", random_state=0),
    "detector": ActivationAnomalyDetector(**SMALL),
    "detector, unit": ActivationAnomalyDetector(encoding="unit", random_state=0),
    "series": ActivationAnomalyDetector(window=6, **SMALL),
    "imputer": ActivationImputer(bandwidth=1.0, learning_time=9.0, **SMALL),
}
NO_GAPS = "transformer", "codes"
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*too few for a threshold:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*feature names:UserWarning"),
]


def fitted(name, X):
    return clone(FITTED[name]).fit(X, LABELS[: len(X)])


def answer(estimator, X):
    return (estimator.transform if hasattr(estimator, "transform") else estimator.predict)(X)


# -- dates -------------------------------------------------------------------------------


def in_pandas(values):
    return pd.DataFrame({"a": ROWS[:, 0], "b": ROWS[:, 1], "when": values})


def in_polars(values):
    polars = pytest.importorskip("polars")
    return polars.DataFrame({"a": ROWS[:, 0], "b": ROWS[:, 1], "when": values})


def in_arrow(values):
    return arrow().table({"a": ROWS[:, 0], "b": ROWS[:, 1], "when": values})


def in_objects(values):
    table = ROWS.astype(object)
    table[:, 2] = values
    return table


DAYS, CLOCK = [t.date() for t in TIMES], [t.time() for t in TIMES]
DATED = {
    "NumPy times": lambda: np.array(TIMES, dtype="datetime64[s]")[:, None].repeat(3, axis=1),
    "NumPy durations": lambda: np.arange(3 * N).astype("timedelta64[s]").reshape(N, 3),
    **{
        f"{place.__name__} {name}": lambda place=place, values=values: place(values)
        for place in (in_polars, in_arrow, in_objects, in_pandas)
        for name, values in {
            "times": TIMES,
            "dates": DAYS,
            "hours": CLOCK,
            "durations": LASTING,
        }.items()
    },
    "lists": lambda: in_objects(TIMES).tolist(),
    "pandas times": lambda: in_pandas(pd.to_datetime(TIMES)),
    "pandas zone": lambda: in_pandas(pd.to_datetime(TIMES).tz_localize("UTC")),
    "pandas durations": lambda: in_pandas(pd.to_timedelta(LASTING)),
    "pandas periods": lambda: in_pandas(pd.period_range("2026", periods=N, freq="D")),
    "periods as objects": lambda: in_pandas(
        pd.period_range("2026", periods=N, freq="D").astype(object)
    ),
    "pandas Arrow": lambda: in_pandas(
        pd.Series(TIMES).astype(pd.ArrowDtype(arrow().timestamp("us")))
    ),
    "pandas Arrow dates": lambda: in_pandas(
        pd.Series(DAYS).astype(pd.ArrowDtype(arrow().date32()))
    ),
    "one date among numbers": lambda: in_objects([*ROWS[1:, 2], TIMES[0]]),
}


@pytest.mark.parametrize("kind", DATED)
def test_dates_are_refused_by_the_name_of_their_column(kind):
    table = DATED[kind]()
    for name in FITTED:
        for call in (
            lambda n=name: fitted(n, table),
            lambda n=name: answer(fitted(n, ROWS), table),
        ):
            with pytest.raises(ValueError, match=r"Column ('when'|0|2) holds dates or times"):
                call()


DOORS = {
    "given": lambda row: fitted("detector", ROWS).sample(given=row, n_steps=3),
    "monitor, a stamp": lambda row: fitted("series", ROWS).monitor().update(row),
    "monitor": lambda row: fitted("series", ROWS).monitor().update(row[None]),
    "inverse_transform": lambda row: fitted("codes", ROWS).inverse_transform(row[None]),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    "row, message",
    [
        (np.array([1.0, np.nan, TIMES[0]], dtype=object), "Column 2 holds dates"),
        (np.array(TIMES[:3], dtype="datetime64[s]"), "Column 0 holds dates"),
        (np.array([1.0, "x", None], dtype=object), "Column 1 holds strings such as 'x'"),
    ],
)
def test_rows_that_come_by_other_doors_are_read_alike(door, row, message):
    with pytest.raises(ValueError, match=message):
        DOORS[door](row)


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
def test_gaps_that_come_by_other_doors_are_gaps(missing):
    row = np.array([0.1, missing, 0.2], dtype=object)
    drawn = fitted("detector", ROWS).sample(given=row, n_steps=3, random_state=0)
    assert np.isfinite(drawn).all() and drawn[0, 0] == 0.1
    judged = fitted("series", ROWS).monitor(ROWS).update(row)
    assert np.isfinite(judged["score"]).all()


# -- missing entries -----------------------------------------------------------------------


def lacking(kind):
    """Tables that lack the entry of row 3 and column "b", or 1, which is a column of objects."""
    table = ROWS.astype(object)
    table[3, 1] = pd.NA if "NA" in kind else None
    if "list" in kind:
        return table.tolist()
    return pd.DataFrame(table, columns=list("abc")) if "frame" in kind else table


@pytest.mark.parametrize(
    "kind", [f"{t}, {m}" for t in ("array", "frame", "list") for m in ("NA", "None")]
)
@pytest.mark.parametrize("name", FITTED)
def test_missing_entries_are_read_or_named(name, kind):
    table, gaps = lacking(kind), ROWS.copy()
    gaps[3, 1] = np.nan
    if name in NO_GAPS:
        for call in (lambda: fitted(name, table), lambda: answer(fitted(name, ROWS), table)):
            with pytest.raises(ValueError, match=r"NaN, None or NA in column ('b'|1).*Imputer"):
                call()
        return
    found = fitted(name, table)
    expected = fitted(name, pd.DataFrame(gaps, columns=list("abc")) if "frame" in kind else gaps)
    np.testing.assert_array_equal(answer(found, table), answer(expected, gaps))


# -- names -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FITTED)
@pytest.mark.parametrize("dtype", [float, object])
def test_columns_of_the_same_name_hold_no_strings(name, dtype):
    """scikit-learn takes them or says that names must be unique; none of them holds strings."""
    table = pd.DataFrame(ROWS, columns=["a", "b", "c"]).astype({"c": dtype})
    table.columns = ["a", "b", "a"]
    try:
        found = answer(fitted(name, table), table)
    except ValueError as error:
        assert "unique" in str(error) and "strings" not in str(error)
    else:
        np.testing.assert_array_equal(found, answer(fitted(name, ROWS), ROWS))


# -- identifiers, and rows that are no tables -------------------------------------------------

TAKE_CATEGORIES = "classifier", "detector", "imputer"


def texts(n_values, n=200):
    """A table with a column of strings that has so many different values."""
    rng = np.random.default_rng(1)
    names = [f"order {i % n_values}" for i in range(n)]
    return pd.DataFrame({"order": names, "a": rng.normal(size=n)})


@pytest.mark.parametrize("name", TAKE_CATEGORIES)
@pytest.mark.parametrize("n_values, warns", [(200, True), (190, True), (150, False), (3, False)])
def test_identifiers_are_named(name, n_values, warns, recwarn):
    X = texts(n_values)
    clone(FITTED[name]).fit(X, np.arange(len(X)) % 2)
    told = [str(w.message) for w in recwarn if "different values" in str(w.message)]
    assert len(told) == warns
    assert not told or told[0].startswith(f"Column 'order' holds {n_values} different values")


@pytest.mark.parametrize("name", [*TAKE_CATEGORIES, "transformer"])
@pytest.mark.parametrize(
    "row, remedy",
    [
        (lambda X: X.iloc[0], r"is a Series.*table.iloc\[\[i\]\]"),
        (lambda X: X["a"], r"is a Series.*X.to_frame\(\)"),
        (lambda X: X.iloc[0].to_dict(), r"is a dict.*pd.DataFrame\(\[X\]\)"),
        (lambda X: [X.iloc[0].to_dict()], r"is a list of dicts.*pd.DataFrame\(X\)"),
    ],
)
def test_lone_rows_are_refused_with_the_way_out(name, row, remedy):
    X = texts(3) if name in TAKE_CATEGORIES else texts(3)[["a"]].assign(b=ROWS[0, 0])
    estimator = clone(FITTED[name])
    with pytest.raises(ValueError, match=remedy):
        estimator.fit(row(X), np.arange(len(X)) % 2)
    estimator.fit(X, np.arange(len(X)) % 2)
    with pytest.raises(ValueError, match=remedy):
        answer(estimator, row(X))
