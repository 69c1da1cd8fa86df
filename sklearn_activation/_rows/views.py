"""Views of rows: what an augmentation makes of rows, in training and for a prediction."""

import numpy as np

from .rows import has_gaps


def view_rows(augment, X, rng=None, n_columns=None):
    """Return rows as a function ``augment`` changes them, checked and in the type of ``X``.

    Entries of ``X`` that are still missing count as 0. The function gets rows that it cannot
    change in place, because they may be rows of the user.

    Parameters
    ----------
    augment : callable
        A function of rows and a generator. Its method ``for_prediction`` is a function of rows. A
        function without this method leaves the rows of a prediction unchanged.
    X : ndarray of shape (n_rows, n_features)
    rng : numpy Generator, default=None
        With a generator, the result is a random view of each row for a training. None stands for
        the rows of a prediction.
    n_columns : int, default=None
        Number of columns of the rows of a prediction, if it is known.

    Returns
    -------
    X : ndarray of shape (n_rows, n_columns)

    Raises
    ------
    ValueError
        If the function returns another number of rows or columns than it should, or an entry that
        is not finite.
    """
    if not len(X) and n_columns is not None:
        return np.empty((0, n_columns), X.dtype)
    X = np.where(np.isnan(X), 0, X) if has_gaps(X) else X[:]
    X.flags.writeable = False
    if isinstance(augment, type):
        raise ValueError(
            f"augment={augment!r} is a class. Give an object, such as "
            f"{augment.__name__}(image_shape)."
        )
    name, found = f"augment={augment!r}", X
    try:
        if rng is not None:
            found = augment(X, rng)
        elif hasattr(augment, "for_prediction"):
            name = f"for_prediction of {name}"
            found = augment.for_prediction(X)
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        raise ValueError(
            f"{name} changes rows in place, but rows of the user cannot be changed. Let the "
            "function begin with X = X.copy()."
        ) from error
    with np.errstate(over="ignore"):  # The error below counts entries that are too large.
        found = np.ascontiguousarray(found, dtype=X.dtype)
    if found.ndim != 2 or len(found) != len(X):
        raise ValueError(
            f"{name} returned an array of shape {found.shape} for {len(X)} rows of "
            f"{X.shape[1]} columns. It must return one row for each row, in the same order."
        )
    if n_columns is not None and found.shape[1] != n_columns:
        raise ValueError(
            f"{name} returned rows of {found.shape[1]} columns, but the network "
            f"reads {n_columns}. Return rows of {n_columns} columns, or give augment a method "
            "for_prediction(X) that returns rows as wide as those in training. After a fit with "
            "another width, call fit with warm_start=False."
        )
    wrong = ~np.isfinite(found)
    if wrong.any():
        raise ValueError(
            f"{name} returned {np.count_nonzero(wrong)} entries of {found.size} that "
            "are NaN or infinite. It must return finite numbers for finite rows."
        )
    return found
