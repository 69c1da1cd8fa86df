"""Columns of tables as numbers: codes of categories, and what is refused."""

import datetime

import numpy as np
import pandas as pd
import pytest

from sklearn_activation._rows.columns import columns_of, read_table, refuse_unfit_columns

from ..tables import CITIES, KINDS, people

# -- codes -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_codes_are_the_same_in_every_kind_of_table(kind):
    """Strings, category types and booleans have codes; numbers stay what they are."""
    frame = people(60)
    expected, codes = read_table(frame, "from_dtype")
    assert codes.tolist() == [False, False, True, True, True]
    np.testing.assert_array_equal(expected[:, :2], frame[["height", "rent"]])
    found, same = read_table(KINDS[kind](frame), "from_dtype")
    np.testing.assert_array_equal(same, codes)
    np.testing.assert_array_equal(found, expected)


def test_codes_belong_to_values_whatever_else_there_is():
    """A batch of one row has the codes that it has among others."""
    frame = people(60)
    whole, codes = read_table(frame, "from_dtype")
    for i in (0, 17, 59):
        alone, _ = read_table(frame.iloc[i : i + 1], None, codes)
        np.testing.assert_array_equal(alone[0], whole[i])


def test_codes_are_whole_numbers_that_tell_values_apart():
    """Below 2^52, which a double holds exactly; 1 is not "1", and a missing value has none."""
    frame = pd.DataFrame({"x": ["1", "a", "b", None, "", "x" * 99]})
    found, _ = read_table(frame, "from_dtype")
    known = found[~np.isnan(found)]
    assert np.isnan(found[3, 0]) and len(np.unique(known)) == 5
    assert ((known >= 0) & (known < 2**52) & (known == np.rint(known))).all()
    number, _ = read_table(pd.DataFrame({"x": [1.0]}), [0])
    assert number[0, 0] != found[0, 0]


def test_equal_numbers_have_equal_codes_whatever_their_type():
    found = [
        read_table(pd.DataFrame({"x": np.array([3, 4], dtype)}), [0])[0]
        for dtype in (np.int8, np.float32, np.float64, object)
    ]
    for other in found[1:]:
        np.testing.assert_array_equal(other, found[0])


@pytest.mark.parametrize(
    "declared",
    [[2, 3], ["city", "plan"], [False, False, True, True, False], [-3, "plan"][:1] + [3]],
)
def test_declared_columns_are_categories(declared):
    frame = people(20).assign(member=0.0)
    _, codes = read_table(frame, declared)
    assert codes.tolist() == [False, False, True, True, False]


def test_booleans_are_numbers_where_they_are_asked_to_be():
    frame = people(20)[["height", "member"]]
    found, codes = read_table(frame, "from_dtype", booleans_are_numbers=True)
    assert codes is None
    np.testing.assert_array_equal(found[:, 1], frame["member"])


def test_plain_numbers_come_back_as_they_are():
    X = np.random.default_rng(0).normal(size=(5, 2))
    for table in (X, pd.DataFrame(X), X.tolist()):
        found, codes = read_table(table, "from_dtype")
        assert found is table and codes is None
        assert columns_of(table) is None


# -- refused by name ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "value, message",
    [
        (datetime.date(2024, 1, 1), "holds dates or times"),
        (pd.Timestamp("2024"), "holds dates or times"),
        (pd.Timedelta("1h"), "holds dates or times"),
        (pd.Period("2024"), "holds dates or times"),
        (np.datetime64("2024"), "holds dates or times"),
        ("high", "holds strings such as 'high'"),
        (b"high", "holds strings such as b'high'"),
        ("1_000", "holds strings such as '1_000'"),
    ],
)
def test_unfit_columns_are_refused_by_name(value, message):
    frame = pd.DataFrame({"fine": [1.0, 2.0], "odd": [None, value]})
    with pytest.raises(ValueError, match=f"Column 'odd' {message}"):
        refuse_unfit_columns(frame)
    with pytest.raises(ValueError, match=f"Column 1 {message}"):
        refuse_unfit_columns(frame.astype(object).to_numpy())


@pytest.mark.parametrize(
    "X",
    [
        [[1.0, 2.0]],
        [["1.5", 2]],
        [[None, 2.0]],
        np.ones((2, 2), dtype=bool),
        pd.DataFrame({"a": [1, 2], "b": [True, False]}),
        pd.DataFrame({"a": pd.array([1, None], dtype="Int64")}),
        "not a table",
        [[1.0], [1.0, 2.0]],
    ],
    ids=str,
)
def test_numbers_and_what_is_no_table_are_for_others_to_check(X):
    assert refuse_unfit_columns(X) is None


def test_names_of_cities_are_no_numbers():
    with pytest.raises(ValueError, match=f"holds strings such as '{CITIES[0]}'"):
        read_table(pd.DataFrame({"a": [1.0], "city": CITIES[:1]}), None)


# -- missing entries and names -----------------------------------------------------------


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT])
@pytest.mark.parametrize("kind", ["array", "frame", "list"])
def test_missing_entries_of_any_kind_are_nan(kind, missing):
    table = np.array([[1, 2.5], [missing, 3], [4, 5]], dtype=object)
    table = {"array": table, "frame": pd.DataFrame(table), "list": table.tolist()}[kind]
    refuse_unfit_columns(table)
    found, codes = read_table(table, None)
    np.testing.assert_array_equal(found, [[1, 2.5], [np.nan, 3], [4, 5]])
    assert codes is None


@pytest.mark.parametrize("values", [[1.5, 2], ["1.5", "2"], [True, False], [1, None]])
def test_columns_of_the_same_name_are_told_apart(values):
    """A second column "a" is read by itself, whatever the first one holds."""
    frame = pd.DataFrame({"a": [3.0, 4.0], "b": np.array(values, dtype=object)})
    frame.columns = ["a", "a"]
    refuse_unfit_columns(frame)
    found, _ = read_table(frame, None)
    np.testing.assert_array_equal(found[:, 0], [3, 4])
    np.testing.assert_array_equal(found[:, 1], pd.to_numeric(frame.iloc[:, 1]).astype(float))
    frame.isetitem(0, ["x", "y"])
    with pytest.raises(ValueError, match="Column 'a' holds strings such as 'x'"):
        refuse_unfit_columns(frame)
