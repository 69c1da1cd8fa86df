"""Checks of the arguments that users give."""

from math import prod
from numbers import Integral

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import (
    _check_sample_weight,
    _check_y,
    check_array,
    check_consistent_length,
    validate_data,
)

from ._rows.columns import is_missing, read_table, refuse_gaps, refuse_unfit_columns
from ._rows.rows import unknown_rows
from ._warnings import warn

# Values of the parameter ``n_jobs``: a number of threads, or a negative number that counts down
# from the number of cores.
N_JOBS = [
    Interval(Integral, 1, None, closed="left"),
    Interval(Integral, None, -1, closed="right"),
    None,
]

# Weights are used unchanged if the largest weight lies between these two numbers.
SANE_WEIGHTS = 1e-20, 1e20


def validate_rows(estimator, X, *, reset, **options):
    """Return ``X``, and y if ``options`` hold it, as scikit-learn checks them.

    The rows are floating-point numbers in C order, unless ``options`` ask for another ``dtype``.
    """
    refuse_other_kinds(X)
    refuse_unfit_columns(X)
    return _check(estimator, X, read_table(X, None)[0], reset=reset, **options)


def _check(estimator, X, table, *, reset, **options):
    """Have scikit-learn check ``X``, which has been read as the array ``table``."""
    y_is_given = options.get("y") is not None
    if table is X or ("y" in options and not y_is_given):  # A missing y raises an error here.
        with np.errstate(invalid="ignore"):  # The check for NaN may add up inf - inf.
            options = {"dtype": [np.float64, np.float32], "order": "C", **options}
            return validate_data(estimator, X, reset=reset, **options)
    validate_data(estimator, X, reset=reset, skip_check_array=True)
    y = options.pop("y", None)
    options.pop("dtype", None)  # The table has been read as numbers in double precision.
    options = {"estimator": estimator, "input_name": "X", **options}
    if "ensure_all_finite" not in options:
        refuse_gaps(X, table, type(estimator).__name__)
    with np.errstate(invalid="ignore"):
        found = check_array(table, dtype=np.float64, order="C", **options)
    if not y_is_given:
        return found
    y = _check_y(y)
    check_consistent_length(found, y)
    return found, y


def read_rows(X, **options):
    """Return rows as scikit-learn checks them, without the names of their columns."""
    refuse_unfit_columns(X)
    with np.errstate(invalid="ignore"):
        return check_array(read_table(X, None)[0], dtype=[np.float64, np.float32], **options)


def validate_table(
    estimator, X, declared, *, reset, booleans_are_numbers=False, refuse=None, **options
):
    """Return rows as numbers, with categories as codes, and y if it is given.

    Parameters
    ----------
    estimator : estimator
        With ``reset``, its attribute ``is_categorical_`` is set.
    X : array-like or data frame of shape (n_rows, n_columns)
    declared : "from_dtype", None, or array-like of bool, int or str
        Which columns hold categories.
    reset : bool
        Whether this is a training, in which the columns may differ from those before.
    booleans_are_numbers : bool, default=False
    refuse : callable, default=None
        A function that may raise an error. The function gets the mask of the columns that hold
        categories, before anything is checked or kept.
    options : dict
        Options of scikit-learn's checks, among them perhaps ``y``.

    Returns
    -------
    X : ndarray of shape (n_rows, n_columns)
    y : ndarray, only if one was given
    """
    refuse_other_kinds(X)
    known = None
    if not reset:
        before = estimator.is_categorical_
        if hasattr(X, "columns") or before is not None:  # This error names the wrong columns.
            validate_data(estimator, X, reset=False, skip_check_array=True)
        known = np.zeros(estimator.n_features_in_, dtype=bool) if before is None else before
    table, is_categorical = read_table(
        X, declared, known, booleans_are_numbers=booleans_are_numbers
    )
    if is_categorical is not None and refuse is not None:
        refuse(is_categorical)
    if table is X:
        refuse_unfit_columns(X)
    found = _check(estimator, X, table, reset=reset, ensure_all_finite="allow-nan", **options)
    if reset:
        estimator.is_categorical_ = is_categorical
        if is_categorical is not None:
            names = getattr(estimator, "feature_names_in_", np.arange(len(is_categorical)))
            warn_of_identifiers(names, found[0] if "y" in options else found, is_categorical)
    return found


def refuse_other_kinds(X):
    """Raise a ValueError if ``X`` is no table in memory.

    Such ``X`` are a Series, a dict, a list of dicts, a Dask collection, or an array of images.
    """
    if isinstance(X, dict) and not hasattr(X, "shape"):  # The sparse format DOK is a dict.
        kind, remedy = "a dict", "For one row, give pd.DataFrame([X])."
    elif isinstance(X, list) and X and isinstance(X[0], dict):
        kind, remedy = "a list of dicts", "Give pd.DataFrame(X)."
    elif hasattr(X, "__dask_graph__"):
        kind = "a Dask collection"
        remedy = (
            "The functions of sklearn_activation.dask take Dask collections, for example "
            "sklearn_activation.dask.fit. If the rows fit into memory, give X.compute()."
        )
    elif len(getattr(X, "shape", ())) > 2:
        kind = f"an array of shape {tuple(X.shape)}"
        remedy = "If it holds images or series, give X.reshape(len(X), -1), one in each row."
    elif _is_series(X):
        kind = "a Series"
        remedy = (
            "For one row, give table.iloc[[i]] or pd.DataFrame([X]). For one column, give "
            "X.to_frame()."
        )
    else:
        return
    raise ValueError(f"X is {kind}, but a table in memory is needed. {remedy}")


def warn_of_identifiers(names, X, is_categorical, *, fewest_rows=50, new_share=0.9):
    """Warn of columns of categories in which nearly every value is new."""
    for column in np.flatnonzero(is_categorical):
        known = X[~np.isnan(X[:, column]), column]
        n_values = len(np.unique(known))
        if len(known) >= fewest_rows and n_values > new_share * len(known):
            warn(
                f"Column {str(names[column])!r} holds {n_values} different values in {len(known)} "
                "rows, so it says nothing about new rows. Leave identifiers out, and turn dates "
                "or numbers that were read as strings into numbers."
            )


def check_weight(X, sample_weight):
    """Return the weight of each row in float64. Without ``sample_weight``, each weight is 1.

    If the largest weight is outside of ``SANE_WEIGHTS``, all weights are divided by a power of
    two. A common factor changes nothing, but without this division, squares in single precision
    would overflow.
    """
    weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    if not weight.any():
        raise ValueError(
            f"sample_weight: every row of {len(weight)} has weight zero. At least one row needs a "
            "positive weight."
        )
    exponent = sane_exponent(weight.max())
    return np.ldexp(weight, exponent) if exponent else weight


def sane_exponent(largest):
    """Return the exponent of the power of two by which all weights are multiplied.

    ``largest`` is the largest weight.
    """
    least, most = SANE_WEIGHTS
    return 0 if least <= largest <= most else -int(np.frexp(largest)[1])


def leave_out_weightless(weight, *arrays):
    """Return ``arrays`` and ``weight`` without the rows that have weight zero."""
    counts = weight > 0
    if counts.all():
        return *arrays, weight
    return *(array[counts] for array in arrays), weight[counts]


def check_count(name, value, least):
    """Raise a ValueError unless ``value`` is an integer of at least ``least``."""
    if isinstance(value, bool) or not (isinstance(value, Integral) and value >= least):
        raise ValueError(f"{name}={value!r} must be an integer, {least} or more.")


def read_image_shape(image_shape, n_columns=None, found="X has"):
    """Return the height, width and channels that a parameter ``image_shape`` stands for.

    A ValueError is raised if it stands for none, or if images of this shape do not have
    ``n_columns`` entries. ``found`` says in the message what has these entries.
    """
    shape = image_shape if isinstance(image_shape, (tuple, list)) else ()
    if not 1 <= len(shape) <= 3 or not all(isinstance(n, Integral) and n >= 1 for n in shape):
        raise ValueError(
            f"image_shape={image_shape!r} must be a tuple of positive integers: (height, width, "
            "channels), (height, width) for one channel, or (length,) for a series."
        )
    shape = tuple(int(n) for n in shape)
    if n_columns not in (None, prod(shape)):
        raise ValueError(
            f"image_shape={image_shape!r} has {prod(shape)} entries, but {found} {n_columns} "
            "columns. Each row must hold one image. Give the shape of the images."
        )
    return (1, *shape, 1) if len(shape) == 1 else (*shape, 1)[:3]


def check_groups(groups, n, member, whole):
    """Return ``groups`` as an array, or raise a ValueError if it is not one entry a row.

    Parameters
    ----------
    groups : array-like of shape (n,)
        The group of each row; no entry may be missing.
    n : int
        Number of rows.
    member, whole : str
        The words for a row and for its group in error messages.
    """
    # NumPy turns NaN among strings into the string "nan", so entries stay objects here.
    entries = groups if hasattr(groups, "dtype") else np.asarray(groups, dtype=object)
    entries, groups = np.asarray(entries), np.asarray(groups)
    if groups.shape != (n,):
        raise ValueError(
            f"groups has shape {groups.shape}, but X has {n} {member}s. Give one entry for each "
            f"{member}."
        )
    if entries.dtype.kind in "mM":
        missing = np.isnat(entries)
    else:
        missing = np.array([is_missing(value) for value in entries.tolist()])
    if missing.any():
        raise ValueError(
            f"groups[{missing.argmax()}] is missing. Say for every {member} to which {whole} it "
            "belongs."
        )
    kinds = {isinstance(value, str) for value in entries.tolist()}
    if len(kinds) > 1:
        raise ValueError(
            "groups holds both strings and entries of other types. Give all entries the same type."
        )
    return groups


def _is_series(X):
    """Whether ``X`` is a Series of pandas."""
    return hasattr(X, "to_frame") and hasattr(X, "iloc")


def as_table(row):
    """Return a single row or a Series as a table of one row, and a table unchanged."""
    if _is_series(row):
        return row.to_frame().T
    if hasattr(row, "columns") or np.ndim(row) != 1:
        return row
    return np.asarray(row)[None]


def refuse_nothing_known(X):
    """Raise a ValueError if every entry is missing."""
    if len(X) and unknown_rows(X).all():
        raise ValueError(
            f"X has {len(X)} rows, and every entry is NaN. At least one entry must be known."
        )


def warn_of_unknown_rows(X):
    """Warn of rows that are NaN throughout, although they have labels."""
    unknown = np.count_nonzero(unknown_rows(X))
    if unknown:
        warn(
            f"{unknown} of {len(X)} rows are NaN throughout: nothing is known of these rows but "
            "their labels. Drop the rows, or find the step before this one that made them NaN."
        )


def new_seed(random_state):
    """Return a seed for NumPy's generators."""
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))


def are_equal(a, b):
    """Return whether two numbers, arrays or dictionaries of them are equal."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(are_equal(a[key], b[key]) for key in a)
    return np.array_equal(a, b)
