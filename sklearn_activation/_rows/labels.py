"""Labels, of which some stand for none."""

from numbers import Real

import numpy as np
from sklearn.utils.class_weight import compute_class_weight


def without_missing(y, missing_label, stand_in=()):
    """Labels with some label in the place of missing ones, and a mask of those or None.

    ``stand_in`` has that label where no row has one; what is not a list of labels goes back as
    it is, for validation to say what is wrong.
    """
    if np.ndim(missing_label):
        raise ValueError(f"missing_label={missing_label!r} must be a single label.")
    if y is None:
        return y, None
    try:  # as objects, for [0, "?"] must not become ["0", "?"]
        values = np.asarray(y, dtype=object)
    except (TypeError, ValueError):
        return y, None
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1 or not len(values):
        return y, None
    values = values.tolist()
    unknown = np.array([is_missing(v, missing_label) for v in values])
    if not unknown.any():
        return y, None
    if not unknown.all():
        stand_in = [values[int(unknown.argmin())]]
    elif not len(stand_in):
        raise ValueError(
            f"missing_label={missing_label!r}: all {len(values)} rows are unlabelled."
        )
    known = [stand_in[0] if u else v for v, u in zip(values, unknown, strict=True)]
    return np.array(known), unknown


def is_missing(value, missing):
    """Whether a label is the one that stands for none.

    NaN, pandas' NA and, where one of them is looked for, None are the same.
    """
    if value is missing:
        return True
    if value is None:
        return _is_nan(missing)
    if _is_nan(value) or _is_nan(missing):
        return _is_nan(value) and _is_nan(missing)
    return missing is not None and bool(value == missing)


def _is_nan(value):
    return type(value).__name__ == "NAType" or (isinstance(value, Real) and value != value)


def class_weights(class_weight, classes, labels, sample_weight):
    """Weight of every class, as ``class_weight`` of the classifier says.

    ``labels`` are numbers of classes, or None if there are more rows to come.
    """
    if class_weight == "balanced":
        if labels is None:
            raise ValueError(
                "class_weight='balanced' needs all rows at once: give partial_fit a "
                "dictionary of weights, or sample_weight."
            )
        mass = np.bincount(labels, weights=sample_weight, minlength=len(classes))
        of_class = mass.sum() / (len(mass) * np.where(mass > 0, mass, 1))
    else:
        of_class = compute_class_weight(class_weight, classes=classes, y=classes)
    if not (np.isfinite(of_class).all() and (of_class >= 0).all() and of_class.any()):
        raise ValueError(
            f"class_weight={class_weight} must be finite, not negative, and positive for one "
            "class at least."
        )
    return of_class
