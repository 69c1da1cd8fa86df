"""The first pass over pieces of a table: its columns, labels and weights."""

from dataclasses import dataclass

import numpy as np
from sklearn.utils import assert_all_finite, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _get_feature_names, _num_samples

from .._rows.columns import column_kinds, columns_of, is_missing
from .._validation import refuse_lone_rows


@dataclass
class Look:
    """What the first pass finds out about some pieces.

    Parameters
    ----------
    n_rows : int
    names : ndarray of str of shape (n_columns,), or None
        Names of the columns, or None for arrays.
    n_columns : int
    dtype : numpy dtype
        The type in which rows are learned, float32 or float64.
    kinds : list of ``columns.Kind``, or None
        What type and values say about each column, or None if all columns hold plain numbers.
    labels : ndarray of shape (n_labels,)
        The labels, ascending. If rows have no labels, the only label is 0.
    totals, largest : ndarray of shape (n_labels,)
        The total and the largest weight of the rows with each label.
    """

    n_rows: int
    names: np.ndarray | None
    n_columns: int
    dtype: np.dtype
    kinds: list | None
    labels: np.ndarray
    totals: np.ndarray
    largest: np.ndarray

    def merge(self, other):
        """Add what was found out about other pieces."""
        if self.n_columns != other.n_columns:
            raise ValueError(
                f"Some partitions have {self.n_columns} columns, and others have "
                f"{other.n_columns}. Give all partitions the same columns."
            )
        if not _are_same_names(self.names, other.names):
            raise ValueError(
                f"Some partitions have the columns {_listed(self.names)}, and others have the "
                f"columns {_listed(other.names)}. Give all partitions the same columns in the "
                "same order."
            )
        self.n_rows += other.n_rows
        self.dtype = np.promote_types(self.dtype, other.dtype)
        if self.kinds is not None:
            pairs = zip(self.kinds, other.kinds, strict=True)
            self.kinds = [ours.merge(theirs) for ours, theirs in pairs]
        labels = np.concatenate([self.labels, other.labels])
        totals = np.concatenate([self.totals, other.totals])
        largest = np.concatenate([self.largest, other.largest])
        self._count(labels, totals, largest)
        return self

    def _count(self, labels, totals, largest):
        """Set labels, totals and largest weights from rows or groups of rows."""
        self.labels, of = np.unique(labels, return_inverse=True)
        self.totals, self.largest = np.bincount(of, totals), np.zeros(len(self.labels))
        np.maximum.at(self.largest, of, largest)


def look_at(piece, with_labels):
    """Return the ``Look`` at a piece, or None if it has no rows.

    A piece is a tuple of rows, labels and weights. ``with_labels`` says whether labels matter.
    """
    X, y, weight = piece
    refuse_lone_rows(X)
    n_rows = _num_samples(X)
    if n_rows == 0:
        return None
    named = columns_of(X, always=hasattr(X, "columns"))
    names, shape = _get_feature_names(X), np.shape(X)
    if len(shape) != 2:
        raise ValueError(f"X has the shape {shape}, but a table with rows and columns is needed.")
    kinds = None if named is None else column_kinds(named)
    labels = read_labels(y, n_rows) if with_labels else np.zeros(n_rows)
    weight = read_weight(weight, n_rows)
    found = Look(n_rows, names, shape[1], learned_type(X), kinds, *np.empty((3, 0)))
    found._count(labels, weight, weight)
    return found


def learned_type(X):
    """Return the type in which an estimator learns a table: float32 only if all columns are."""
    types = [X.dtype] if hasattr(X, "dtype") else list(getattr(X, "dtypes", []))
    single = bool(types) and all(kind == np.float32 for kind in types)
    return np.dtype(np.float32 if single else np.float64)


def read_labels(y, n_rows):
    """Return the labels of a piece as an array."""
    if y is None:
        raise ValueError("y is missing, but the classifier needs a label for each row.")
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
    check_classification_targets(y)
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


def _are_same_names(ours, theirs):
    return (ours is None) == (theirs is None) and (ours is None or np.array_equal(ours, theirs))


def _listed(names):
    return "without names" if names is None else ", ".join(map(repr, names))
