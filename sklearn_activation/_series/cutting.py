"""Where series begin, end and have gaps."""

from itertools import pairwise

import numpy as np

from .._validation import check_groups
from .._warnings import warn


def check_lengths(bounds, width, n_before=0):
    """Refuse input whose series are all shorter than a window, and warn if some are.

    Parameters
    ----------
    bounds : list of (first, end)
        First stamp of every series, and the stamp after its last.
    width : int
        Stamps in a window.
    n_before : int, default=0
        How many of the first stamps belong to an earlier batch. The warning, which names stamps,
        counts from the first stamp after them.
    """
    short = [(a, b) for a, b in bounds if b - a < width]
    if len(short) == len(bounds):
        longest = max(b - a for a, b in bounds)
        raise ValueError(
            f"window={width} is longer than the series, which has {longest} sample(s): give "
            f"{width} time stamps or more. A fitted detector scores the newest stamp by monitor()."
        )
    if short:
        named = ", ".join(f"{a - n_before} to {b - 1 - n_before}" for a, b in short[:3])
        rest = f" and {len(short) - 3} more" if len(short) > 3 else ""
        warn(
            f"{len(short)} series are shorter than window={width} and are left out, their scores "
            f"are NaN: time stamps {named}{rest}."
        )


def find_series(groups, n_stamps):
    """Find the first and end stamp of every run of equal entries in ``groups``.

    The end is the stamp after the last one. Without groups all stamps are one series.
    """
    if groups is None:
        return [(0, n_stamps)]
    groups = check_groups(groups, n_stamps, "time stamp", "series")
    change = np.flatnonzero(groups[1:] != groups[:-1]) + 1
    edges = [0, *change.tolist(), n_stamps]
    bounds = list(pairwise(edges))
    if len(bounds) > len(np.unique(groups)):
        raise ValueError("groups: the time stamps of a series must stand together.")
    return bounds


def read_times(X):
    """Return the times of a data frame's rows in nanoseconds, or None if its index holds none."""
    index = getattr(X, "index", None)
    # An index of periods counts by the time at which each period starts.
    if hasattr(index, "to_timestamp"):
        index = index.to_timestamp()
    kind = getattr(getattr(index, "dtype", None), "kind", "")
    if kind not in ("m", "M"):
        return None
    if getattr(index, "tz", None) is not None:
        index = index.tz_convert("UTC").tz_localize(None)
    unit = "datetime64[ns]" if kind == "M" else "timedelta64[ns]"
    time = np.asarray(index).astype(unit)
    if np.isnat(time).any():
        at = int(np.argmax(np.isnat(time)))
        raise ValueError(f"The index lacks a time at row {at}: leave the row out, or date it.")
    return time.astype(np.int64)


def guess_times_before(time, n_before, known):
    """Return the times of the stamps before a batch, in nanoseconds.

    Parameters
    ----------
    time : ndarray of int of shape (n_stamps,)
        Times of the batch.
    n_before : int
        Number of stamps before the batch.
    known : ndarray of int of shape (n_before,), or None
        Times of these stamps. If there are none, the stamps are taken to be as far apart as
        those of the batch usually are.
    """
    if known is not None:
        return known
    step = int(np.median(np.diff(time))) if len(time) > 1 else 1
    return time[0] - step * np.arange(n_before, 0, -1)


def cut_at_gaps(bounds, time, longest_gap, n_before=0, *, odd_share=0.1, uneven_share=0.05):
    """Cut series where more than ``longest_gap`` stamps are missing from their index.

    A warning tells of gaps, and of unequal steps if there are many. Time that does not increase
    raises a ValueError.

    Parameters
    ----------
    bounds : list of (first, end)
        First stamp of every series, and the stamp after its last.
    time : ndarray of int of shape (n_stamps,)
        Times in nanoseconds.
    longest_gap : int
        Most missing stamps across which a series goes on.
    n_before : int, default=0
        How many of the first stamps belong to an earlier batch. No warning counts the steps to
        them, and messages count rows from the first stamp after them.
    odd_share : float, default=0.1
        Share of the usual step by which a step may miss a multiple of the usual step; one that
        misses it by more is unequal.
    uneven_share : float, default=0.05
        Share of the steps that may be unequal before a warning says so.

    Returns
    -------
    parts : list of (first, end)
        Bounds of the series after the cuts.
    """
    parts, n_closed, n_odd = [], 0, 0
    for first, end in bounds:
        steps = np.diff(time[first:end])
        if not len(steps):
            parts.append((first, end))
            continue
        if steps.min() <= 0:
            at = first + int(np.argmax(steps <= 0)) + 1 - n_before
            raise ValueError(
                f"The index does not increase at row {at}: sort the rows by time, and keep one a "
                "time stamp."
            )
        usual = np.median(steps)
        n_missing = np.rint(steps / usual) - 1
        cuts = first + 1 + np.flatnonzero(n_missing > longest_gap)
        parts += pairwise([first, *cuts.tolist(), end])
        is_new = np.arange(first + 1, end) >= n_before
        n_closed += np.count_nonzero(is_new & (n_missing >= 1) & (n_missing <= longest_gap))
        is_odd = np.abs(steps - (n_missing + 1) * usual) > odd_share * usual
        n_odd += np.count_nonzero(is_new & is_odd)
    _warn_of_gaps(len(parts) - len(bounds), n_closed, longest_gap)
    n_steps = len(time) - max(len(bounds), n_before)
    if n_odd > uneven_share * n_steps:
        warn(
            f"{n_odd} of {n_steps} steps of the index are unequal: resample the series to equal "
            "steps."
        )
    return parts


def _warn_of_gaps(n_cuts, n_closed, longest_gap):
    """Warn of gaps at which series are cut, and of gaps across which they go on."""
    found = [f"the series is cut at {n_cuts} gaps"] if n_cuts else []
    if n_closed:
        found.append(f"{n_closed} gaps of {longest_gap} stamps or fewer are closed")
    if found:
        warn(f"The index lacks time stamps: {', and '.join(found)}.")


def bridge_gaps(X, bounds, longest_gap):
    """Draw straight lines across gaps, and tell which stamps lie in long gaps.

    A gap at an end of a series repeats the entry nearest to it. A channel of which a series knows
    nothing stays NaN.

    Parameters
    ----------
    X : ndarray of shape (n_stamps, n_channels)
        Stamps of all series, with NaN for missing entries.
    bounds : list of (first, end)
        First stamp of every series, and the stamp after its last.
    longest_gap : int
        Stamps in a row that a channel may lack; a gap of more is long.

    Returns
    -------
    X : ndarray of shape (n_stamps, n_channels)
        The filled stamps.
    long : ndarray of bool of shape (n_stamps,)
        Whether a channel that the series knows elsewhere is in a long gap.
    dead : ndarray of bool of shape (n_stamps,)
        Whether all channels are in long gaps.
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
            in_long[first:end, j] = _find_long_runs(gone, longest_gap)
            if gone.all():
                unknown[first:end, j] = True
            else:
                _fill_gaps(X[first:end, j], gone)
    return X, (in_long & ~unknown).any(axis=1), in_long.all(axis=1)


def _find_long_runs(mask, longest):
    """Return a mask of the entries that lie in runs of more than ``longest`` True entries."""
    edges = np.flatnonzero(np.diff(mask.astype(np.int8), prepend=0, append=0))
    lengths = edges[1::2] - edges[::2]
    long = np.zeros(len(mask), dtype=bool)
    long[mask] = np.repeat(lengths > longest, lengths)
    return long


def _fill_gaps(x, gone):
    """Write straight lines into the entries of ``x`` that are gone."""
    at, known = np.flatnonzero(gone), np.flatnonzero(~gone)
    x[at] = np.interp(at, known, x[known])
