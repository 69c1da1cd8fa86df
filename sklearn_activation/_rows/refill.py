"""Tables of the user's own kind (data frame, array or list) with filled gaps."""

import numpy as np

from .columns import columns_of, values_of


def values_by_code(X, table, is_categorical):
    """Return the codes and values of the categories in ``X``, by number of the column.

    Parameters
    ----------
    X : data frame, array of objects or list
    table : ndarray of shape (n_rows, n_columns)
        The result of ``read_table`` for ``X``.
    is_categorical : ndarray of bool of shape (n_columns,)

    Returns
    -------
    found : dict of (ndarray, list)
        For each column of categories, ascending codes, and for each code the first value that has
        it.
    """
    columns, found = columns_of(X, always=True), {}
    for j in np.flatnonzero(is_categorical):
        codes, first = np.unique(table[:, j], return_index=True)
        known = ~np.isnan(codes)
        values = values_of(columns[j][1])[first[known]]
        found[int(j)] = codes[known], [getattr(v, "item", lambda v=v: v)() for v in values]
    return found


def merge_values(ours, theirs):
    """Return the codes and values of two results of ``values_by_code`` together.

    If both have a value for a code, the first one stays.
    """
    found = {}
    for j, (codes, values) in ours.items():
        codes = np.concatenate([codes, theirs[j][0]])
        values = [*values, *theirs[j][1]]
        codes, first = np.unique(codes, return_index=True)
        found[j] = codes, [values[i] for i in first]
    return found


def refill(X, gaps, filled, by_code, *, as_objects=False):
    """Return a table like ``X`` with filled gaps, in which columns keep their types.

    Parameters
    ----------
    X : data frame (pandas, polars, Arrow), array or list
    gaps : ndarray of bool of shape (n_rows, n_columns)
        The entries to fill. All other entries stay unchanged.
    filled : ndarray of shape (n_rows, n_columns)
        Numbers for the gaps, and codes of categories.
    by_code : dict
        The result of ``values_by_code`` for the training rows.
    as_objects : bool, default=False
        Whether the result is always an array of objects.
    """
    columns, changed = columns_of(X, always=True), {}
    for j in np.flatnonzero(gaps.any(axis=0)):
        entries = filled[gaps[:, j], j]
        if j in by_code:
            codes, values = by_code[j]
            entries = [values[place] for place in np.searchsorted(codes, entries)]
        changed[int(j)] = np.flatnonzero(gaps[:, j]), entries
    if hasattr(X, "columns") and not as_objects:
        return _refill_frame(X, columns, changed)
    result = np.empty(gaps.shape, dtype=object)
    for j, (_, column) in enumerate(columns):
        result[:, j] = values_of(column)
    for j, (rows, entries) in changed.items():
        result[rows, j] = entries
    return result


def _refill_frame(X, columns, changed):
    """Return a data frame of the kind of ``X`` in which some entries have changed.

    ``changed`` maps numbers of columns to places of rows and new entries.
    """
    if hasattr(X, "iloc"):
        result = X.copy()
        for j, (rows, entries) in changed.items():
            result.isetitem(j, _refill_pandas(columns[j][1], rows, entries))
        return result
    names = [name for name, _ in columns]
    if hasattr(X, "with_columns"):
        return X.with_columns(
            [_refill_polars(columns[j][1], *change) for j, change in changed.items()]
        )
    for j, (rows, entries) in changed.items():
        X = X.set_column(j, names[j], _refill_arrow(columns[j][1], rows, entries))
    return X


def _refill_pandas(column, rows, entries):
    column = column.copy()
    if hasattr(column, "cat"):
        new = [value for value in dict.fromkeys(entries) if value not in column.cat.categories]
        column = column.cat.add_categories(new)
    elif column.dtype.kind in "iu":
        entries = [round(entry) for entry in entries]
    elif column.dtype.kind == "f":
        entries = np.asarray(entries, dtype=f"f{column.dtype.itemsize}")
    column.iloc[rows] = entries
    return column


def _refill_polars(column, rows, entries):
    dtype = column.dtype
    values = _replaced(column.to_list(), rows, entries, dtype.is_integer())
    if str(dtype).startswith("Enum"):
        dtype = type(dtype)(list(dict.fromkeys([*dtype.categories.to_list(), *entries])))
    return type(column)(column.name, values, dtype=dtype)


def _refill_arrow(column, rows, entries):
    from pyarrow import array

    is_whole = str(column.type).startswith(("int", "uint"))
    return array(_replaced(column.to_pylist(), rows, entries, is_whole), type=column.type)


def _replaced(values, rows, entries, are_whole):
    """Return the list with some entries replaced, rounded if they must be whole numbers."""
    for i, entry in zip(rows.tolist(), entries, strict=True):
        values[i] = round(entry) if are_whole else entry
    return values
