"""A fit of an estimator on pieces of a table."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import _num_samples

from .._learning.solvers import SOLVERS
from .._rows.columns import choose_categories, read_declared
from .._rows.rows import Rows
from .._state import learns
from .._validation import sane_exponent, warn_of_identifiers
from .look import Look, look_at, read_labels, read_weight
from .rows import RowsInPieces


@learns
def learn_pieces(estimator, pieces):
    """Fit an estimator to ``Pieces`` of a table, and return the estimator."""
    has_labels = hasattr(estimator, "predict_proba")
    look = pieces.reduce(partial(look_at, with_labels=has_labels), Look.merge, "look")
    if look is None:
        raise ValueError("X has no rows. At least one partition needs rows.")
    if not look.totals.any():
        raise ValueError(
            f"sample_weight: every row of {look.n_rows} has weight zero. At least one row needs "
            "a positive weight."
        )
    adopt_columns(estimator, look)
    of_class = np.ones(1)
    if has_labels:
        of_class = estimator._weigh_classes(look.labels, look.totals)
        if not (look.totals * of_class).any():
            raise ValueError(
                f"class_weight={estimator.class_weight}: every row of {look.n_rows} has weight "
                "zero. At least one row needs a positive weight."
            )
    exponent = sane_exponent((look.largest * of_class).max())
    total = np.ldexp((look.totals * of_class).sum(), exponent)
    template = clone(estimator)
    adopt_columns(template, look)
    codes = getattr(estimator, "is_categorical_", None)
    # Single precision would round the codes of categories.
    dtype = look.dtype if codes is None else np.dtype(np.float64)
    reader = Reader(
        template,
        dtype,
        look.labels if has_labels else None,
        of_class,
        look.exponent + exponent,
    )
    rows = RowsInPieces(pieces, reader, look.n_rows, look.n_columns, dtype, total)
    estimator._learn_pieces(rows)
    sample = vars(estimator).get("_sample")
    if codes is not None and sample is not None:
        names = getattr(estimator, "feature_names_in_", np.arange(len(codes)))
        warn_of_identifiers(names, sample["X"], codes)


def refuse_parameters(estimator):
    """Raise a ValueError for parameters with which rows in pieces cannot be learned."""
    name = type(estimator).__name__
    solver = getattr(estimator, "solver", "flow")
    if not SOLVERS[solver].keeps_moments:
        able = " or ".join(repr(key) for key, value in SOLVERS.items() if value.keeps_moments)
        raise ValueError(
            f"solver={solver!r} visits rows one after another, which pieces of a table do not "
            f"allow. Set solver={able}."
        )
    feedback = getattr(estimator, "feedback", False)
    if feedback is not False:
        raise ValueError(
            f"feedback={feedback!r} learns from one mini-batch after another, which pieces of a "
            f"table do not allow. Set feedback=False, or fit {name} on a part of the rows that "
            "fits into memory."
        )
    if getattr(estimator, "augment", None) is not None:
        raise ValueError(
            f"augment={estimator.augment!r} would draw other views of the rows if the table were "
            f"cut in other places. Set augment=None, or fit {name} on a part of the rows that "
            "fits into memory."
        )
    if getattr(estimator, "missing_label", None) is not None:
        raise ValueError(
            f"missing_label={estimator.missing_label!r} needs all rows in memory, because the "
            "network labels rows in several rounds. Leave the rows without a label out, and set "
            "missing_label=None."
        )
    refuse_windows(getattr(estimator, "window", None))


def refuse_windows(window):
    """Raise a ValueError if a detector has a window, because windows cross from piece to piece."""
    if window is not None:
        raise ValueError(
            f"window={window!r}: the windows of a series cross from one partition to the next. "
            "Give the series to fit or score_samples in memory, or batch by batch to "
            "partial_fit."
        )


def adopt_columns(estimator, look):
    """Set the attributes of an estimator that describe the columns in training."""
    estimator.n_features_in_ = look.n_columns
    vars(estimator).pop("feature_names_in_", None)
    if look.names is not None:
        estimator.feature_names_in_ = look.names
    if not hasattr(estimator, "categorical_features"):
        return
    declared = estimator._declared_categories()
    names = list(range(look.n_columns)) if look.names is None else look.names.tolist()
    if isinstance(declared, str):
        kinds = look.kinds if look.are_categories_known else []
        are_codes = choose_categories(kinds, booleans_are_numbers=False)
    elif declared is None:
        are_codes = np.zeros(0, dtype=bool)
    else:
        are_codes = read_declared(declared, names)
    estimator.is_categorical_ = are_codes if are_codes.any() else None


@dataclass(frozen=True)
class Reader:
    """A function that reads a piece of a table as ``Rows``.

    Parameters
    ----------
    template : estimator
        An estimator that knows the columns, and so checks the rows.
    dtype : numpy dtype
    classes : ndarray of shape (n_classes,), or None
        The labels, ascending, or None if rows have no labels.
    of_class : ndarray of shape (n_classes,)
        The factor of the weight of the rows with each label.
    exponent : int
        The weights are multiplied by this power of two.
    """

    template: object
    dtype: np.dtype
    classes: np.ndarray | None
    of_class: np.ndarray
    exponent: int

    def __call__(self, piece):
        if not _num_samples(piece.X):
            return None
        table = self.template._validate(piece.X, reset=False).astype(self.dtype, copy=False)
        weight = np.ldexp(read_weight(piece.weight, len(table)), self.exponent)
        if self.classes is None:
            return Rows(table, None, weight)
        labels = np.searchsorted(self.classes, read_labels(piece.y, len(table)))
        return Rows(table, labels, weight * self.of_class[labels])
