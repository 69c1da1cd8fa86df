"""Checks of what users give."""

from contextlib import contextmanager
from numbers import Integral

import numpy as np
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import _check_sample_weight, validate_data

from ._rows.columns import read_table, refuse_unfit_columns


def validate_rows(estimator, X, *, reset, **options):
    """``X``, and with ``options`` y, as scikit-learn checks them, in C order and floats."""
    refuse_unfit_columns(X)
    with np.errstate(invalid="ignore"):  # its check for NaN adds up entries: inf - inf
        return validate_data(
            estimator, X, reset=reset, dtype=[np.float64, np.float32], order="C", **options
        )


def validate_table(estimator, X, declared, *, reset, booleans_are_numbers=False, **options):
    """``X`` as an array of numbers, its categories as codes; NaN stands for missing.

    ``estimator.is_categorical_`` is what ``read_table`` says of the columns of training.
    """
    known = None
    if not reset:
        known = estimator.is_categorical_
        if hasattr(X, "columns") or known is not None:  # other columns have an error of their own
            validate_data(estimator, X, reset=False, skip_check_array=True)
        known = np.zeros(estimator.n_features_in_, dtype=bool) if known is None else known
    table, is_categorical = read_table(
        X, declared, known, booleans_are_numbers=booleans_are_numbers
    )
    options["ensure_all_finite"] = "allow-nan"
    if table is X:
        found = validate_rows(estimator, X, reset=reset, **options)
    else:
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        found = check_array(table, dtype=np.float64, order="C", **options)
    if reset:
        estimator.is_categorical_ = is_categorical
    return found


def check_weight(X, sample_weight):
    """The weight of every row in float64, one for each if none are given."""
    weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    if not weight.any():
        raise ValueError("sample_weight: every row has weight zero; at least one must count.")
    return weight


def leave_out_weightless(weight, *arrays):
    """``arrays`` without their rows of weight zero, and the other weights."""
    counts = weight > 0
    if counts.all():
        return *arrays, weight
    return *(array[counts] for array in arrays), weight[counts]


def check_count(name, value, least):
    """Raise a ValueError unless ``value`` is an integer of at least ``least``."""
    if not (isinstance(value, Integral) and value >= least):
        raise ValueError(f"{name}={value!r} must be an integer, {least} or more.")


def check_groups(groups, n, member, whole):
    """Return ``groups`` as an array, or raise a ValueError if it is not one entry a row.

    Parameters
    ----------
    groups : array-like of shape (n,)
        The whole to which each member belongs; no entry may be missing.
    n : int
        Number of members.
    member, whole : str
        What messages call a row of the input, and what they call its group.
    """
    groups = np.asarray(groups)
    if groups.shape != (n,):
        raise ValueError(f"groups has shape {groups.shape}, but X has {n} {member}s.")
    if any(value is None or value != value for value in groups.tolist()):
        raise ValueError(f"groups has missing entries: every {member} belongs to some {whole}.")
    return groups


def in_precision(X, dtype):
    """``X`` in a precision whose largest number may be less than what ``X`` holds."""
    most = np.finfo(dtype).max
    return np.clip(X, -most, most).astype(dtype)


def refuse_nothing_known(X):
    """Raise a ValueError if no entry is known."""
    if np.isnan(X).all():
        raise ValueError(f"X has {len(X)} rows, and every entry is NaN.")


def new_seed(random_state):
    """A seed for NumPy's generators."""
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))


@contextmanager
def all_or_nothing(estimator):
    """Whatever fails inside leaves the estimator as it was."""
    before = vars(estimator).copy()
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise


def are_equal(a, b):
    """Whether two arrays, numbers or dictionaries of them are the same."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(are_equal(a[key], b[key]) for key in a)
    return np.array_equal(a, b)
