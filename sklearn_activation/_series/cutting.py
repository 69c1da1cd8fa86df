"""Where series begin, end and have gaps."""

import warnings
from itertools import pairwise

import numpy as np

GAP_SHARE = 0.125  # longest gap that is filled in, as a share of a window
UNEVEN = 0.05  # share of steps that may differ from the usual one before a warning


def check_lengths(bounds, width, n_before=0):
    """Raise if every series is shorter than a window; warn of those that are, by their stamps.

    The first ``n_before`` stamps are those of a batch before, from which no one counts.
    """
    short = [(a, b) for a, b in bounds if b - a < width]
    if len(short) == len(bounds):
        longest = max(b - a for a, b in bounds)
        raise ValueError(
            f"window={width} is longer than the series of {longest} time stamps: give {width} "
            "stamps or more. A fitted detector scores the newest stamp by monitor()."
        )
    if short:
        named = ", ".join(f"{a - n_before} to {b - 1 - n_before}" for a, b in short[:3])
        rest = f" and {len(short) - 3} more" if len(short) > 3 else ""
        warnings.warn(
            f"{len(short)} series are shorter than window={width} and are left out, their scores "
            f"are NaN: time stamps {named}{rest}.",
            UserWarning,
            stacklevel=4,
        )


def checked_groups(groups, n, member, whole):
    """``groups`` as an array of ``n`` known entries, which each ``member`` of a ``whole`` has."""
    groups = np.asarray(groups)
    if groups.shape != (n,):
        raise ValueError(f"groups has shape {groups.shape}, but X has {n} {member}s.")
    if any(value is None or value != value for value in groups.tolist()):
        raise ValueError(f"groups has missing entries: every {member} belongs to some {whole}.")
    return groups


def series_bounds(groups, n_stamps):
    """First and end stamp of every run of equal entries in ``groups``."""
    if groups is None:
        return [(0, n_stamps)]
    groups = checked_groups(groups, n_stamps, "time stamp", "series")
    change = np.flatnonzero(groups[1:] != groups[:-1]) + 1
    edges = [0, *change.tolist(), n_stamps]
    bounds = list(pairwise(edges))
    if len(bounds) > len(np.unique(groups)):
        raise ValueError("groups: the time stamps of a series must stand together.")
    return bounds


def time_of(X):
    """The times of a data frame's rows, in nanoseconds, or None if its index holds none."""
    index = getattr(X, "index", None)
    if hasattr(index, "to_timestamp"):  # periods
        index = index.to_timestamp()
    kind = getattr(getattr(index, "dtype", None), "kind", "")
    if kind not in "mM" or not kind:
        return None
    if getattr(index, "tz", None) is not None:
        index = index.tz_convert("UTC").tz_localize(None)
    unit = "datetime64[ns]" if kind == "M" else "timedelta64[ns]"
    time = np.asarray(index).astype(unit)
    if np.isnat(time).any():
        at = int(np.argmax(np.isnat(time)))
        raise ValueError(f"The index lacks a time at row {at}: leave the row out, or date it.")
    return time.astype(np.int64)


def times_before(time, n_before, known):
    """The times of the stamps before a batch, as far as they are known; else at equal steps."""
    if known is not None:
        return known
    step = int(np.median(np.diff(time))) if len(time) > 1 else 1
    return time[0] - step * np.arange(n_before, 0, -1)


def cut_at_gaps(bounds, time, longest_gap, n_before=0):
    """Series cut where more than ``longest_gap`` stamps are missing from their index.

    The first ``n_before`` stamps are those of a batch before, of which nothing is said. Warns of
    gaps and of unequal steps. Raises a ValueError if time does not increase.
    """
    found, n_short, uneven = [], 0, 0
    for first, end in bounds:
        steps = np.diff(time[first:end])
        if not len(steps):
            found.append((first, end))
            continue
        if steps.min() <= 0:
            at = first + int(np.argmax(steps <= 0)) + 1 - n_before
            raise ValueError(
                f"The index does not increase at row {at}: sort the rows by time, and keep one a "
                "time stamp."
            )
        usual = np.median(steps)
        missing = np.rint(steps / usual) - 1
        cuts = first + 1 + np.flatnonzero(missing > longest_gap)
        is_new = np.arange(first + 1, end) >= n_before
        n_short += np.count_nonzero(is_new & (missing >= 1) & (missing <= longest_gap))
        is_odd = np.abs(steps - (missing + 1) * usual) > 0.1 * usual
        uneven += np.count_nonzero(is_new & is_odd)
        found += pairwise([first, *cuts.tolist(), end])
    n_cuts, n_steps = len(found) - len(bounds), len(time) - max(len(bounds), n_before)
    if n_cuts or n_short:
        found_gaps = [f"the series is cut at {n_cuts} gaps"] if n_cuts else []
        if n_short:
            found_gaps.append(f"{n_short} gaps of {longest_gap} stamps or fewer are closed")
        warnings.warn(
            f"The index lacks time stamps: {', and '.join(found_gaps)}.", UserWarning, stacklevel=4
        )
    if uneven > UNEVEN * n_steps:
        warnings.warn(
            f"{uneven} of {n_steps} steps of the index are unequal: resample the series to equal "
            "steps.",
            UserWarning,
            stacklevel=4,
        )
    return found


def without_gaps(X, bounds, longest_gap):
    """Stamps with straight lines across gaps, which entries lay in long ones, and dead stamps.

    Gaps at an end of a series continue its nearest entry. A channel of which a series knows
    nothing stays NaN. A stamp is dead if all channels lie in gaps of more than ``longest_gap``.

    Returns
    -------
    X : ndarray of shape (n_stamps, n_channels)
    long : ndarray of bool of shape (n_stamps,)
        Whether some channel, though not all of it, is in a long gap.
    dead : ndarray of bool of shape (n_stamps,)
    """
    missing = np.isnan(X)
    n = len(X)
    if not missing.any():
        return X, np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    X, in_long = X.copy(), np.zeros(X.shape, dtype=bool)
    unknown = np.zeros(X.shape, dtype=bool)
    for first, end in bounds:
        for j in np.flatnonzero(missing[first:end].any(axis=0)):
            gone = missing[first:end, j]
            edges = np.flatnonzero(np.diff(np.concatenate([[0], gone.astype(np.int8), [0]])))
            for a, b in edges.reshape(-1, 2):
                in_long[first + a : first + b, j] = b - a > longest_gap
            if gone.all():
                unknown[first:end, j] = True
                continue
            known = np.flatnonzero(~gone)
            X[first + np.flatnonzero(gone), j] = np.interp(
                np.flatnonzero(gone), known, X[first:end, j][known]
            )
    return X, (in_long & ~unknown).any(axis=1), in_long.all(axis=1)
