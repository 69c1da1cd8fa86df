"""Labels with a marker for rows without a label, and weights of classes."""

from numbers import Real

import numpy as np
from sklearn.utils._missing import is_pandas_na, is_scalar_nan
from sklearn.utils.class_weight import compute_class_weight

from .._warnings import warn


def replace_missing(y, missing_label, stand_in=()):
    """Return labels with missing ones replaced by a known label, and a mask of the missing ones.

    Parameters
    ----------
    y : array-like of shape (n_rows,)
        Labels. Anything else is returned unchanged, so that validation can name the error.
    missing_label : scalar
        The label that marks rows without a label.
    stand_in : sequence, default=()
        If no row has a label, the first entry replaces the missing labels.

    Returns
    -------
    y : ndarray of shape (n_rows,)
        Labels, none of them missing.
    unknown : ndarray of bool of shape (n_rows,) or None
        Mask of the rows without a label, or None if all rows have a label.
    """
    if np.ndim(missing_label):
        raise ValueError(
            f"missing_label={missing_label!r} must be a single label, not a list or an array."
        )
    if y is None:
        return y, None
    try:  # as objects, labels keep their types: [0, "?"] must not become ["0", "?"]
        values = np.asarray(y, dtype=object)
    except (TypeError, ValueError):
        return y, None
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1 or not len(values):
        return y, None
    values = values.tolist()
    if missing_label is None and {type(v) for v in values} <= {int, str, bool}:
        return y, None  # none of the labels is None, and no slow look at each label is needed
    unknown = np.array([is_missing(v, missing_label) for v in values])
    for i in np.flatnonzero(~unknown):
        if values[i] is None or _is_nan(values[i]):
            marker = "None" if values[i] is None else "NaN"
            raise ValueError(
                f"y[{i}] is {marker}, which is no label. Leave rows without a label out, or set "
                f"missing_label to {marker} to learn from these rows, too."
            )
    if not unknown.any():
        _doubt_type(values, missing_label)
        return y, None
    if not unknown.all():
        stand_in = [values[int(unknown.argmin())]]
    elif not len(stand_in):
        raise ValueError(
            f"missing_label={missing_label!r}: all {len(values)} rows are unlabelled. Give labels "
            "to some of the rows."
        )
    known = [stand_in[0] if u else v for v, u in zip(values, unknown, strict=True)]
    return np.array(known), unknown


def _doubt_type(values, missing_label):
    """Warn of labels that read like the marker of rows without one, but have another type."""
    if missing_label is None:
        return
    distinct = {v for v in values if isinstance(v, (str, Real))}
    alike = [v for v in distinct if str(v) == str(missing_label)]
    if alike:
        warn(
            f"y holds {alike[0]!r}, which is learned as a label, because it differs in its type "
            f"from missing_label={missing_label!r}. Give missing_label the type of the labels.",
            UserWarning,
        )


def is_missing(value, missing):
    """Whether a label equals ``missing``, the marker of rows without a label.

    If ``missing`` is NaN or pandas' NA, each of NaN, NA and None counts as missing.
    """
    if value is missing:
        return True
    if value is None:
        return _is_nan(missing)
    if _is_nan(value) or _is_nan(missing):
        return _is_nan(value) and _is_nan(missing)
    return missing is not None and bool(value == missing)


def _is_nan(value):
    """Whether a value is NaN or pandas' NA."""
    if isinstance(value, (str, Real)):
        return is_scalar_nan(value)
    # This check imports pandas, so it comes last.
    return is_pandas_na(value)


def class_weights(class_weight, classes, labels, sample_weight):
    """Return the weight of each class.

    Parameters
    ----------
    class_weight : "balanced", dict or None
        The classifier's parameter.
    classes : ndarray of shape (n_classes,)
    labels : ndarray of int of shape (n_rows,) or None
        Number of each row's class, from 0. None in a stream, in which more rows will follow.
    sample_weight : ndarray of shape (n_rows,)

    Returns
    -------
    weight : ndarray of shape (n_classes,)
    """
    if class_weight == "balanced":
        if labels is None:
            raise ValueError(
                "class_weight='balanced' needs all rows at once, but partial_fit sees one batch "
                "at a time. Set class_weight to a dictionary of weights, or give sample_weight."
            )
        mass = np.bincount(labels, weights=sample_weight, minlength=len(classes))
        of_class = mass.sum() / (len(mass) * np.where(mass > 0, mass, 1))
    else:
        of_class = compute_class_weight(class_weight, classes=classes, y=classes)
    if not (np.isfinite(of_class).all() and (of_class >= 0).all() and of_class.any()):
        raise ValueError(
            f"class_weight={class_weight} must hold finite weights of 0 or more, and a positive "
            "weight for at least one class."
        )
    return of_class
