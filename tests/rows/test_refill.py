"""Tables with gaps filled, of the kind and the types that came."""

import numpy as np
import pandas as pd
import pytest

from sklearn_activation._rows.columns import columns_of, read_table, values_of
from sklearn_activation._rows.refill import refill, values_by_code

from ..tables import KINDS, people

MISSING = [("city", 3), ("city", 8), ("plan", 5), ("rent", 2), ("member", 7)]


def gappy(frame):
    """A frame without some entries; columns of booleans become objects."""
    frame = frame.astype({"member": "boolean"})
    for name, row in MISSING:
        frame.loc[row, name] = None
    return frame


def types_of(table):
    """The types of columns, or of an array."""
    if hasattr(table, "schema"):
        return str(table.schema)
    return [str(t) for t in getattr(table, "dtypes", [getattr(table, "dtype", "")])]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "lists"])
def test_tables_keep_their_kind_types_and_known_entries(kind):
    full, X = people(12).astype({"member": "boolean"}), gappy(people(12))
    if kind.startswith("polars"):  # it knows None only
        X = X.astype(object).where(X.notna(), None)
    full, X = KINDS[kind](full), KINDS[kind](X)
    codes, is_categorical = read_table(full, "from_dtype")
    numbers, _ = read_table(X, "from_dtype", is_categorical)
    gaps = np.isnan(numbers)
    assert np.count_nonzero(gaps) == len(MISSING)
    by_code = values_by_code(full, codes, is_categorical)
    found = refill(X, gaps, codes, by_code)
    assert type(found) is type(X) and types_of(found) == types_of(X)
    for (name, column), (_, expected) in zip(
        columns_of(found, always=True), columns_of(full, always=True), strict=True
    ):
        assert values_of(column).tolist() == values_of(expected).tolist(), name
    np.testing.assert_array_equal(read_table(X, "from_dtype", is_categorical)[0], numbers)


def test_rows_in_lists_and_frames_become_objects():
    frame = gappy(people(12))
    codes, is_categorical = read_table(people(12), "from_dtype")
    gaps = np.isnan(read_table(frame, "from_dtype", is_categorical)[0])
    by_code = values_by_code(people(12), codes, is_categorical)
    expected = people(12).astype(object).to_numpy()
    lists = frame.astype(object).to_numpy().tolist()
    for found in (
        refill(lists, gaps, codes, by_code),
        refill(frame, gaps, codes, by_code, as_objects=True),
    ):
        assert found.dtype == object
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("dtype", ["Int64", "int8[pyarrow]", "Int16"])
def test_whole_numbers_are_rounded(dtype):
    if "pyarrow" in dtype:
        pytest.importorskip("pyarrow", exc_type=ImportError)  # it may ask for a newer NumPy
    frame = pd.DataFrame({"n": pd.array([1, None, 3, None], dtype=dtype)})
    filled = np.array([[1.0], [1.6], [3], [2.4]])
    found = refill(frame, frame.isna().to_numpy(), filled, {})
    assert found["n"].tolist() == [1, 2, 3, 2] and str(found["n"].dtype) == dtype


def test_a_category_that_the_type_lacks_is_added():
    """The rows to fill have fewer categories in their type than those of training."""
    trained = pd.DataFrame({"c": pd.Categorical(["a", "b", "c"])})
    codes, is_categorical = read_table(trained, "from_dtype")
    by_code = values_by_code(trained, codes, is_categorical)
    frame = pd.DataFrame({"c": pd.Categorical(["a", None, "a"])})
    gaps = np.array([[False], [True], [False]])
    found = refill(frame, gaps, codes, by_code)
    assert found["c"].tolist() == ["a", "b", "a"]
    assert found["c"].cat.categories.tolist() == ["a", "b"]
    polars = pytest.importorskip("polars")
    series = polars.Series("c", ["a", None, "a"], dtype=polars.Enum(["a"]))
    found = refill(polars.DataFrame([series]), gaps, codes, by_code)
    assert found["c"].to_list() == ["a", "b", "a"]


def test_columns_of_the_same_name_are_told_apart():
    frame = pd.DataFrame([[1.0, 2.0], [np.nan, 4.0]], columns=["x", "x"])
    found = refill(frame, frame.isna().to_numpy(), np.array([[0, 0], [7.0, 0]]), {})
    assert found.to_numpy().tolist() == [[1, 2], [7, 4]]
    assert np.isnan(frame.iloc[1, 0])  # as it was
