"""The start, the end and the gaps of series."""

from itertools import pairwise

import numpy as np

from .._validation import check_groups
from .._warnings import warn


def check_lengths(bounds, width, n_before=0):
    """Raise a ValueError if all series are shorter than a window, and warn if some are.

    Parameters
    ----------
    bounds : list of (first, end)
        First stamp of every series, and the stamp after its last.
    width : int
        Stamps in a window.
    n_before : int, default=0
        Number of first stamps that belong to an earlier batch. Numbers of stamps in the warning
        count from the first stamp after them.
    """
    short = [(a, b) for a, b in bounds if b - a < width]
    if len(short) == len(bounds):
        longest = max(b - a for a, b in bounds)
        raise ValueError(
            f"window={width} is longer than the series, which has {longest} sample(s). Give "
            f"{width} time steps or more. To score one new time step at a time, use monitor() of "
            "a fitted detector."
        )
    if short:
        named = ", ".join(f"{a - n_before} to {b - 1 - n_before}" for a, b in short[:3])
        rest = f" and {len(short) - 3} more" if len(short) > 3 else ""
        warn(
            f"{len(short)} series are shorter than window={width} and are left out. The scores "
            f"of these series are NaN, at time steps {named}{rest}. Give longer series or a "
            "shorter window."
        )


def find_series(groups, n_stamps):
    """Return the first stamp and the end of each run of equal entries in ``groups``.

    The end is the stamp after the last one. Without groups, all stamps are one series.
    """
    if groups is None:
        return [(0, n_stamps)]
    groups = check_groups(groups, n_stamps, "time step", "series")
    change = np.flatnonzero(groups[1:] != groups[:-1]) + 1
    edges = [0, *change.tolist(), n_stamps]
    bounds = list(pairwise(edges))
    if len(bounds) > len(np.unique(groups)):
        raise ValueError(
            "groups: the time steps of a series must stand together, but "
            f"{len(np.unique(groups))} groups lie in {len(bounds)} separate pieces. Sort the rows "
            "by group, and within each group by time."
        )
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
        raise ValueError(f"The index lacks a time at row {at}. Drop the row, or give it a time.")
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
        Times of these stamps, if they are known. With None, the stamps are spaced by the median
        step of the batch.
    """
    if known is not None:
        return known
    step = int(np.median(np.diff(time))) if len(time) > 1 else 1
    return time[0] - step * np.arange(n_before, 0, -1)


def cut_at_gaps(bounds, time, longest_gap, n_before=0, *, odd_share=0.1, uneven_share=0.05):
    """Cut series where more than ``longest_gap`` stamps are missing from the index.

    Warnings tell of gaps, and of unequal steps if there are many. If time does not increase, a
    ValueError is raised.

    Parameters
    ----------
    bounds : list of (first, end)
        First stamp of every series, and the stamp after its last.
    time : ndarray of int of shape (n_stamps,)
        Times in nanoseconds.
    longest_gap : int
        A series goes on across a gap of at most this many missing stamps.
    n_before : int, default=0
        Number of first stamps that belong to an earlier batch. Warnings ignore the steps between
        these stamps. Messages count rows from the first stamp after them.
    odd_share : float, default=0.1
        A step is unequal if it differs from each multiple of the usual step by more than this
        share of the usual step.
    uneven_share : float, default=0.05
        A warning is given if more than this share of the steps is unequal.

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
        _refuse_disorder(steps, first - n_before)
        usual, n_missing = measure_gaps(steps)
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
            f"{n_odd} of {n_steps} steps of the index are unequal, but windows need equal steps. "
            "Resample the series to equal steps."
        )
    return parts


def _refuse_disorder(steps, first):
    """Raise a ValueError if a step of an index is not positive.

    ``first`` is the number of the row from which the first step leads to the next.
    """
    if (steps <= 0).any():
        at = first + int(np.argmax(steps <= 0)) + 1
        raise ValueError(
            f"The index does not increase at row {at}. Sort the rows by time, and keep one row "
            "per time step."
        )


def measure_gaps(steps):
    """Return the usual step of an index, and how many time steps are missing at each step."""
    usual = np.median(steps)
    # No time step is missing at a step that is shorter than the usual one.
    return usual, np.maximum(np.rint(steps / usual) - 1, 0)


def count_missing(time, longest_gap):
    """Return how many time steps are missing from an index before each of its stamps.

    Short gaps that come again at the same distance, such as weekends, belong to the rhythm of the
    series, and are closed up.

    Parameters
    ----------
    time : ndarray of int of shape (n_stamps,)
        Times in nanoseconds, in ascending order.
    longest_gap : int
        A gap of at most this many missing stamps is short.
    """
    missing = np.zeros(len(time), dtype=int)
    if len(time) > 2:
        missing[1:] = measure_gaps(np.diff(time))[1]
    if has_rhythm(missing):
        missing[missing <= longest_gap] = 0
    return missing


def has_rhythm(missing, *, usual_share=0.1, alike_share=0.5):
    """Return whether gaps come again and again at the same distance.

    Gaps must stand before more than ``usual_share`` of the stamps, and more than ``alike_share``
    of the gaps must have the same length and the same distance from the gap before. ``missing``
    counts the missing stamps before each stamp.
    """
    at = np.flatnonzero(missing)
    if len(at) <= usual_share * len(missing) or len(at) < 2:
        return False
    kinds = np.stack([np.diff(at), missing[at][1:]])
    return np.unique(kinds, axis=1, return_counts=True)[1].max() > alike_share * len(at)


def take_latest(X, time, longest_gap, n):
    """Return the latest ``n`` time steps, with NaN for those that are missing from the index.

    Parameters
    ----------
    X : ndarray of shape (n_stamps, n_channels)
        Stamps, one or more.
    time : ndarray of int of shape (n_stamps,), or None
        Times in nanoseconds. Without times, no time step is missing.
    longest_gap : int
        As in ``count_missing``.
    n : int
        Number of time steps. Those before the first stamp are NaN.

    Returns
    -------
    latest : ndarray of float64 of shape (n, n_channels)
    """
    steps = np.ones(len(X), dtype=int)
    if time is not None:
        _refuse_disorder(np.diff(time), 0)
        steps += count_missing(time, longest_gap)
    place = np.cumsum(steps)
    place += n - 1 - place[-1]
    latest = np.full((n, X.shape[1]), np.nan)
    latest[place[place >= 0]] = X[place >= 0]
    return latest


def _warn_of_gaps(n_cuts, n_closed, longest_gap):
    """Warn of gaps at which series are cut, and of shorter gaps across which they go on."""
    found = [f"The series is cut at gaps: {n_cuts}."] if n_cuts else []
    if n_closed:
        found.append(
            f"Gaps of {longest_gap} time steps or fewer are closed up: {n_closed}. A daily "
            "pattern then seems to shift. Give rows of NaN in place of missing time steps, for "
            "example by asfreq of pandas."
        )
    if found:
        warn(f"The index lacks time steps. {' '.join(found)}")


def bridge_gaps(X, bounds, longest_gap):
    """Fill gaps by straight lines, and find the stamps in long gaps.

    A gap at an end of a series repeats the nearest known entry. A channel without any known entry
    in a series stays NaN.

    Parameters
    ----------
    X : ndarray of shape (n_stamps, n_channels)
        Stamps of all series, with NaN for missing entries.
    bounds : list of (first, end)
        First stamp of every series, and the stamp after its last.
    longest_gap : int
        A gap of more consecutive stamps than this is long.

    Returns
    -------
    X : ndarray of shape (n_stamps, n_channels)
        The filled stamps.
    long : ndarray of bool of shape (n_stamps,)
        Whether the stamp is in a long gap of a channel that the series knows elsewhere.
    dead : ndarray of bool of shape (n_stamps,)
        Whether the stamp is in long gaps of all channels.
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
