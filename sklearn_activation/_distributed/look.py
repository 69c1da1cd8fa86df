"""The first pass over pieces of a table: its columns, labels and weights."""

from dataclasses import dataclass

import numpy as np
from sklearn.utils import assert_all_finite, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _get_feature_names, _num_samples

from .._rows.columns import Kind, column_kinds, columns_of, is_missing
from .._validation import refuse_other_kinds, sane_exponent


@dataclass
class Look:
    """What the first pass finds out about some pieces.

    Parameters
    ----------
    number : int
        The number of the first of the partitions.
    n_rows : int
    names : ndarray of str of shape (n_columns,), or None
        Names of the columns as scikit-learn keeps them, or None if they are no strings.
    columns : list of length n_columns, or None
        What the pieces call their columns, or None for arrays and for columns that are numbered.
    n_columns : int
    common : numpy dtype
        The type that holds all numbers of all columns: see ``common_type``.
    kinds : list of ``columns.Kind``, or ndarray of int of shape (n_columns,)
        What type and values say about each column. If all columns are arrays of plain numbers, the
        number of known entries of each column.
    labels : ndarray of shape (n_labels,)
        The labels, ascending. If rows have no labels, the only label is 0.
    exponent : int
        The weights are multiplied by this power of two, so that no sum of them overflows.
    totals, largest : ndarray of shape (n_labels,)
        The total and the largest weight of the rows with each label.
    """

    number: int
    n_rows: int
    names: np.ndarray | None
    columns: list | None
    n_columns: int
    common: np.dtype
    kinds: list | np.ndarray
    exponent: int
    labels: np.ndarray
    totals: np.ndarray
    largest: np.ndarray

    @property
    def dtype(self):
        """The type in which rows are learned, float32 or float64."""
        return np.dtype(np.float32 if self.common == np.float32 else np.float64)

    @property
    def are_categories_known(self):
        """Whether type and values of the columns may say that they hold categories."""
        return isinstance(self.kinds, list)

    def merge(self, other):
        """Add what was found out about other pieces."""
        self._refuse_other_columns(other)
        self._refuse_other_labels(other)
        self.n_rows += other.n_rows
        self.common = np.promote_types(self.common, other.common)
        if self.are_categories_known or other.are_categories_known:
            pairs = zip(self._list_kinds(), other._list_kinds(), strict=True)
            self.kinds = [ours.merge(theirs) for ours, theirs in pairs]
        else:
            self.kinds = self.kinds + other.kinds
        labels = np.concatenate([self.labels, other.labels])
        exponent = min(self.exponent, other.exponent)
        totals, largest = np.hstack([self._weights(exponent), other._weights(exponent)])
        self.exponent = exponent
        self._count(labels, totals, largest)
        return self

    def _weights(self, exponent):
        """Return totals and largest weights, multiplied by another power of two."""
        return np.ldexp([self.totals, self.largest], exponent - self.exponent)

    def _refuse_other_columns(self, other):
        for one, another in ((self, other), (other, self)):
            if one.columns is None or another.columns is None:
                continue
            known = set(another.columns)
            lacking = [name for name in one.columns if name not in known]
            if lacking:
                raise ValueError(
                    f"Partition {another.number} lacks the columns {_quoted(lacking)}, which "
                    f"partition {one.number} has. Give all partitions the same columns."
                )
        if self.n_columns != other.n_columns:
            raise ValueError(
                f"Partition {self.number} has {self.n_columns} columns, but partition "
                f"{other.number} has {other.n_columns}. Give all partitions the same columns."
            )
        if self.columns != other.columns:
            raise ValueError(
                f"Partition {self.number} has {_ordered(self.columns)}, but partition "
                f"{other.number} has {_ordered(other.columns)}. Give all partitions the same "
                "columns in the same order."
            )

    def _refuse_other_labels(self, other):
        ours, theirs = (_are_numbers(look.labels) for look in (self, other))
        if ours != theirs:
            raise ValueError(
                f"y holds {self.labels[0]!r} in partition {self.number}, but {other.labels[0]!r} "
                f"in partition {other.number}. Give all labels the same type."
            )

    def _list_kinds(self):
        """Return the kind of each column as a list of ``columns.Kind``."""
        if self.are_categories_known:
            return self.kinds
        return [Kind(j, False, int(n)) for j, n in enumerate(self.kinds)]

    def _count(self, labels, totals, largest):
        """Set labels, totals and largest weights from rows or groups of rows."""
        self.labels, of = np.unique(labels, return_inverse=True)
        self.totals, self.largest = np.bincount(of, totals), np.zeros(len(self.labels))
        np.maximum.at(self.largest, of, largest)


def look_at(piece, with_labels):
    """Return the ``Look`` at a ``Piece``, or None if it has no rows.

    ``with_labels`` says whether labels matter.
    """
    X = piece.X
    refuse_other_kinds(X)
    n_rows = _num_samples(X)
    if n_rows == 0:
        return None
    shape = np.shape(X)
    if len(shape) != 2:
        raise ValueError(f"X has the shape {shape}, but a table with rows and columns is needed.")
    labels = read_labels(piece.y, n_rows) if with_labels else np.zeros(n_rows)
    weight = read_weight(piece.weight, n_rows)
    exponent = sane_exponent(weight.max())
    weight = np.ldexp(weight, exponent)
    found = Look(
        piece.number,
        n_rows,
        _get_feature_names(X),
        _columns_of(X),
        shape[1],
        common_type(X),
        _kinds_of(X),
        exponent,
        *np.empty((3, 0)),
    )
    found._count(labels, weight, weight)
    return found


def _kinds_of(X):
    """Return ``Look.kinds`` of a table with rows."""
    columns = columns_of(X, always=hasattr(X, "columns"))
    if columns is not None:
        return column_kinds(columns)
    X = np.asarray(X)
    if X.dtype.kind != "f":
        return np.full(X.shape[1], len(X))
    return np.count_nonzero(~np.isnan(X), axis=0)


def common_type(X):
    """Return the type to which scikit-learn brings the numbers of a table.

    The type is float64 if NumPy has no type for a column, or if a column holds no numbers.
    """
    types = [X.dtype] if hasattr(X, "dtype") else list(getattr(X, "dtypes", []))
    if not types or not all(isinstance(t, np.dtype) and t.kind in "iuf" for t in types):
        return np.dtype(np.float64)
    return np.result_type(*types)


def read_labels(y, n_rows):
    """Return the labels of a piece as an array."""
    y = column_or_1d(y)
    _check_length("y", y, n_rows)
    if y.dtype.kind == "O":
        missing = [is_missing(value) for value in y.tolist()]
        if any(missing):
            raise ValueError(
                f"y[{missing.index(True)}] is missing. A fit on pieces needs a label for each "
                "row: leave the other rows out."
            )
    assert_all_finite(y, input_name="y")
    # With two copies of each label, scikit-learn does not warn that a piece has many labels.
    check_classification_targets(np.repeat(np.unique(y), 2))
    return y


def read_weight(weight, n_rows):
    """Return the weights of a piece in float64. Without weights, each row weighs 1."""
    if weight is None:
        return np.ones(n_rows)
    weight = column_or_1d(weight).astype(np.float64)
    _check_length("sample_weight", weight, n_rows)
    wrong = ~(np.isfinite(weight) & (weight >= 0))
    if wrong.any():
        raise ValueError(
            f"sample_weight[{wrong.argmax()}] is {weight[wrong.argmax()]}, but weights are finite "
            "numbers of 0 or more."
        )
    return weight


def _check_length(name, values, n_rows):
    if len(values) != n_rows:
        raise ValueError(
            f"{name} has {len(values)} entries, but X has {n_rows} rows. Cut X and {name} at the "
            "same rows."
        )


def _columns_of(X):
    """Return what ``Look.columns`` holds for a table."""
    columns = list(getattr(X, "columns", []))
    return None if columns == list(range(len(columns))) else columns


def _ordered(columns):
    if columns is None:
        return "columns without names"
    return f"the columns in the order {_quoted(columns)}"


def _quoted(names):
    return ", ".join(map(repr, map(str, names)))


def _are_numbers(labels):
    """Whether labels are numbers or booleans, and not strings or other objects."""
    return labels.dtype.kind in "biuf"
