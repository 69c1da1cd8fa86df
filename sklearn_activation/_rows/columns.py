"""Columns of tables as numbers. Categories become codes, and dates are refused.

The code of a category is a hash of its value. The same value therefore has the same code in each
batch, on each machine and in each kind of data frame. A value that training has not seen has a
code that no other value has.
"""

from dataclasses import dataclass
from datetime import date, time, timedelta
from hashlib import blake2b
from numbers import Number

import numpy as np
from scipy.sparse import issparse
from sklearn.utils._missing import is_pandas_na, is_scalar_nan


def read_table(X, declared, is_categorical=None, *, booleans_are_numbers=False):
    """Return ``X`` with categories replaced by codes, and a mask of the columns of categories.

    Parameters
    ----------
    X : array-like or data frame (pandas, polars, Arrow) of shape (n_rows, n_columns)
    declared : "from_dtype", None, or array-like of bool, int or str
        The columns of categories. "from_dtype" selects columns of strings, of a category type and
        of booleans.
    is_categorical : ndarray of bool of shape (n_columns,), default=None
        The columns that held categories in training. With None, ``declared`` selects the columns.
    booleans_are_numbers : bool, default=False
        Whether "from_dtype" reads booleans as the numbers 0 and 1.

    Returns
    -------
    X : ndarray of float64
        The table as numbers, or ``X`` itself if it holds plain numbers.
    is_categorical : ndarray of bool or None
        The columns of categories, or None if there are none.
    """
    if issparse(X):
        raise TypeError(
            "Sparse data was passed, but dense data is required. Pass X.toarray(), or let the "
            "step before return dense columns, for instance OneHotEncoder(sparse_output=False)."
        )
    given = declared is not None and not isinstance(declared, str)
    fitted = is_categorical is not None
    columns = columns_of(X, always=is_categorical.any() if fitted else given)
    if columns is None:
        return X, is_categorical if fitted and is_categorical.any() else None
    names = [name for name, _ in columns]
    if not fitted and declared is not None:
        if isinstance(declared, str):
            kinds = column_kinds(columns)
            is_categorical = choose_categories(kinds, booleans_are_numbers)
        else:
            is_categorical = read_declared(declared, names)
    if is_categorical is not None and not is_categorical.any():
        is_categorical = None
    kinds = np.zeros(len(names), bool) if is_categorical is None else is_categorical
    if len(kinds) != len(names):
        # A later check of the number of columns raises a better error.
        return X, is_categorical
    found = [
        _encode_categories(name, column) if is_code else read_numbers(name, column)
        for (name, column), is_code in zip(columns, kinds, strict=True)
    ]
    if any(column is None for column in found):
        # An entry cannot be read, for instance a list. NumPy raises the best error later.
        return X, is_categorical
    return np.stack(found, axis=1), is_categorical


def refuse_unfit_columns(X):
    """Raise a ValueError that names the first column of dates or of text.

    Strings that can be read as numbers are no text.
    """
    for name, column in columns_of(X) or []:
        _refuse_dates(name, column)
        if _kind(column) not in "biuf":
            for value in values_of(column):
                if isinstance(value, (str, bytes)) and not _is_number(value):
                    raise ValueError(
                        f"Column {name!r} holds strings such as {value!r}. Encode the column "
                        "first, for instance with sklearn.preprocessing.OneHotEncoder."
                    )


def refuse_gaps(X, table, taker):
    """Raise a ValueError that names the first column of ``X`` with a missing entry.

    ``table`` is ``X`` as numbers. ``taker`` names the estimator or setting that accepts no missing
    entries.
    """
    gaps = np.isnan(table).any(axis=0)
    if gaps.any():
        name, _ = columns_of(X, always=True)[gaps.argmax()]
        raise ValueError(
            f"Input X contains NaN, None or NA in column {name!r}, but {taker} accepts no missing "
            "entries. Drop the rows with missing entries, or fill the entries, for instance with "
            "ActivationImputer or sklearn.impute.SimpleImputer."
        )


def columns_of(X, always=False):
    """Return the columns of a table as pairs of name and column.

    Unless ``always`` is true, the result is None for a table that holds only numbers.
    """
    if hasattr(X, "column_names") and hasattr(X, "schema"):  # The table is an Arrow table.
        return [(name, X.column(j)) for j, name in enumerate(X.column_names)]
    if hasattr(X, "columns") and hasattr(X, "dtypes"):
        if hasattr(X, "iloc"):  # In pandas, several columns may have the same name.
            columns = [(name, X.iloc[:, j]) for j, name in enumerate(X.columns)]
        else:
            columns = [(name, X[name]) for name in X.columns]
        plain = all(_kind(column) in "iuf" for _, column in columns)
        return None if plain and not always else columns
    array = X
    if isinstance(X, (list, tuple)):
        try:
            array = np.asarray(X)
        except ValueError:  # The rows have different lengths.
            return None
        if array.dtype.kind in "OUS":
            array = np.array(X, dtype=object)
    if isinstance(array, np.ndarray) and array.ndim == 2:
        if always or array.dtype.kind in "OUSmM":
            return [(j, array[:, j]) for j in range(array.shape[1])]
    return None


def _kind(column):
    """Return the kind of a column by NumPy's letters, or "O" if the values must be looked at."""
    dtype = getattr(column, "dtype", None)
    if dtype is None:  # The column belongs to an Arrow table.
        name = str(column.type)
        if name.startswith(("int", "uint", "float", "double", "half")):
            return "f"
        is_temporal = name.startswith(("date", "time", "timestamp", "duration", "month"))
        return {"bool": "b"}.get(name, "M" if is_temporal else "O")
    if hasattr(dtype, "is_temporal"):  # The column is a polars series.
        if dtype.is_temporal():
            return "M"
        return "f" if dtype.is_numeric() else "O"
    return getattr(dtype, "kind", "O")


def is_category_type(column):
    """Whether a column of pandas, polars or Arrow has a type for categories."""
    dtype = getattr(column, "dtype", getattr(column, "type", None))
    return str(dtype).lower().startswith(("category", "categorical", "enum", "dictionary"))


def values_of(column):
    """Return a column as an array of Python objects."""
    if isinstance(column, np.ndarray):
        return column
    if hasattr(column, "to_pylist"):
        values = column.to_pylist()
    elif hasattr(column, "iloc"):
        return column.to_numpy(dtype=object)
    else:
        values = column.to_list()
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out


def _refuse_dates(name, column):
    """Raise a ValueError if the column holds dates or times."""
    found = _kind(column) in "mM" and not is_category_type(column)
    if not found and _kind(column) == "O":
        found = any(_is_date(value) for value in values_of(column))
    if found:
        raise ValueError(
            f"Column {name!r} holds dates or times. Drop the column or make it the index, or "
            "replace it by numbers with a meaning: the time elapsed since an event, the hour, "
            "the weekday. Do not turn each time step into a category."
        )


def _is_date(value):
    """Whether a value is a date, a time or a duration."""
    dates = (date, time, timedelta, np.datetime64, np.timedelta64)
    # NaT of pandas, which differs from itself, stands for a missing value.
    if isinstance(value, date) and value != value:
        return False
    # The type Period is recognised by its name, because pandas may not be installed.
    return isinstance(value, dates) or type(value).__name__ == "Period"


def is_missing(value):
    """Whether an entry of a column stands for a missing value: None, NaN, NA or NaT."""
    if isinstance(value, (str, bytes, np.bool_)):
        return False
    if isinstance(value, Number):
        return is_scalar_nan(value)
    if isinstance(value, date):
        return value != value  # among dates, only pandas' NaT differs from itself
    return value is None or is_pandas_na(value)


@dataclass
class Kind:
    """What the type and the values of a column say about whether it holds categories.

    Parameters
    ----------
    name : str or int
        Name of the column.
    answer : bool or None
        What the type of the column says, or None if the values decide.
    n_values : int
        Number of known entries.
    n_booleans, n_others : int
        Number of entries that are booleans, and of entries that are no numbers.
    other : str or None
        The first entry that is no number.
    has_codes : bool
        Whether an entry is a string of digits that starts with a zero, such as a postcode.
    is_readable : bool
        Whether each entry is a number, a string or a boolean.
    """

    name: str | int
    answer: bool | None = None
    n_values: int = 0
    n_booleans: int = 0
    n_others: int = 0
    other: str | None = None
    has_codes: bool = False
    is_readable: bool = True

    @classmethod
    def of(cls, name, column):
        """Return the kind of a column of pandas, polars, Arrow or NumPy."""
        if is_category_type(column):
            return cls(name, True)
        _refuse_dates(name, column)
        kind = _kind(column)
        if kind in "iuf":
            return cls(name, False, np.count_nonzero(~np.isnan(read_numbers(name, column))))
        if kind == "b":
            return cls(name, None, len(column), len(column))
        values = [value for value in values_of(column) if not is_missing(value)]
        if not all(isinstance(v, (str, bytes, Number, np.bool_)) for v in values):
            return cls(name, is_readable=False)
        others = [value for value in values if not _is_number(value)]
        return cls(
            name,
            None,
            len(values),
            sum(isinstance(value, (bool, np.bool_)) for value in values),
            len(others),
            others[0] if others else None,
            any(_is_code(value) for value in values),
        )

    def merge(self, other):
        """Return the kind of a column of which two parts have these kinds.

        A type of categories in one part decides for both parts. Numbers by type in one part and
        other values in another part count together.
        """
        answer = self.answer if self.answer == other.answer else None
        if self.answer or other.answer:
            answer = True
        return Kind(
            self.name,
            answer,
            self.n_values + other.n_values,
            self.n_booleans + other.n_booleans,
            self.n_others + other.n_others,
            self.other if self.other is not None else other.other,
            self.has_codes or other.has_codes,
            self.is_readable and other.is_readable,
        )

    def is_category(self, booleans_are_numbers):
        """Whether the column holds categories. A column of both numbers and words is refused."""
        if self.answer is not None:
            return self.answer
        if not self.n_values or not self.is_readable:
            return False
        if self.n_booleans == self.n_values:
            return not booleans_are_numbers
        if not self.n_others and self.has_codes:
            return True
        # A column of numbers in which at most this share of the values are other strings is
        # refused. The strings are taken for a mistake, not for categories.
        junk_share = 0.5
        if self.n_others and self.n_others <= junk_share * self.n_values:
            raise ValueError(
                f"Column {self.name!r} holds numbers, and strings such as {self.other!r}. If "
                "these strings stand for missing values, replace them by NaN. If the column "
                "holds codes, convert it to a category type."
            )
        return self.n_others > 0


def column_kinds(columns):
    """Return the ``Kind`` of each of the columns, which are pairs of name and column."""
    return [Kind.of(name, column) for name, column in columns]


def choose_categories(kinds, booleans_are_numbers):
    """Return the mask of the columns that hold categories, by the kinds of all columns."""
    return np.array([kind.is_category(booleans_are_numbers) for kind in kinds], dtype=bool)


def _is_code(value):
    """Whether a value is a string of digits that starts with a zero, such as a postcode."""
    return isinstance(value, str) and len(value) > 1 and value[0] == "0" and value.isdigit()


def read_declared(declared, names):
    """Return the mask of the columns that the user has named as a mask, by numbers or by names."""
    declared = np.asarray(declared)
    mask = np.zeros(len(names), dtype=bool)
    if declared.ndim != 1:
        raise ValueError(
            f"categorical_features has {declared.ndim} axes, but must have one: give a list of "
            "columns, or a mask with one bool per column."
        )
    if declared.dtype.kind == "b":
        if len(declared) != len(names):
            raise ValueError(
                f"categorical_features is a mask of {len(declared)} columns, but X has "
                f"{len(names)} columns."
            )
        return declared.copy()
    for column in declared.tolist():
        if isinstance(column, str):
            if column not in names:
                raise ValueError(
                    f"categorical_features names the column {column!r}, but X has no such column."
                )
            mask[names.index(column)] = True
        elif isinstance(column, int) and -len(names) <= column < len(names):
            mask[column] = True
        else:
            raise ValueError(
                f"categorical_features contains {column!r}, but X has {len(names)} columns. Give "
                f"names of columns, or numbers from 0 to {len(names) - 1}."
            )
    return mask


def _encode_categories(name, column):
    """Return the code of each entry of a column of categories, and NaN for missing entries.

    If an entry cannot be hashed, the result is None.
    """
    known = {}
    values = values_of(column)
    out = np.empty(len(values))
    for i, value in enumerate(values):
        try:
            code = known.get(value)
        except TypeError:
            return None
        if code is None:
            code = known[value] = _hash_category(name, value)
        out[i] = code
    return out


def _hash_category(name, value):
    """Return the code of a value, a whole number below 2^52, or NaN if the value is missing.

    Two different values are unlikely to have the same code.
    """
    if is_missing(value):
        return np.nan
    if _is_date(value):
        raise ValueError(
            f"Column {name!r} holds dates or times such as {value!r}, which cannot be categories. "
            "Drop the column, or replace it by numbers such as the hour or the weekday."
        )
    if isinstance(value, (Number, np.bool_)):
        value = float(value)
        if value != value:
            return np.nan
        text = repr(value)
    else:
        text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
        text = "text " + text
    return float(int.from_bytes(blake2b(text.encode(), digest_size=8).digest()) >> 12)


def read_numbers(name, column):
    """Return a column of numbers in float64.

    If an entry is neither a number nor a string, the result is None.
    """
    if _kind(column) in "biuf":
        if hasattr(column, "iloc"):
            return column.to_numpy(dtype=np.float64, na_value=np.nan)
        return np.asarray(column).astype(np.float64)
    _refuse_dates(name, column)
    out = np.empty(len(column))
    for i, value in enumerate(values_of(column)):
        if is_missing(value):
            out[i] = np.nan
        elif isinstance(value, (Number, np.bool_)) or _is_number(value):
            out[i] = float(value)
        elif isinstance(value, (str, bytes)):
            raise ValueError(
                f"Column {name!r} holds strings such as {value!r}, but numbers are expected. "
                "Encode the column first, or name it in categorical_features (which needs "
                "encoding='fourier')."
            )
        else:
            return None
    return out


def _is_number(value):
    """Whether ``float`` reads a value as a number. Digits grouped by "_" do not count."""
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return "_" not in str(value)
