"""Sliding windows of time series: rows that are cut out when they are needed.

Rows of the input are time stamps, columns are channels. A window of w stamps is one row of
w x channels entries.
"""

import warnings
from itertools import pairwise

import numpy as np

from ._encoding import column_scales
from ._sampling import evenly_spaced, row_hashes

LEAST = 100  # stamps of window="auto", if the series has 1,000
MOST_SHARE = 0.1  # share of the shortest series that window="auto" takes at most
LARGEST_LAG = 1000  # longest period that is looked for, in stamps
PEAK = 0.1  # autocorrelation that a period has at least
AS_HIGH = 0.8  # share of the highest peak from which a shorter period is preferred
GAP_SHARE = 0.125  # longest gap that is filled in, as a share of a window
BASE = np.uint64(0x9E3779B97F4A7C15)  # of the polynomial that hashes windows; odd
UNEVEN = 0.05  # share of steps that may differ from the usual one before a warning


class Windows:
    """Windows of some series, as an array of rows that is never held whole.

    Parameters
    ----------
    X : ndarray of shape (n_stamps, n_channels)
    bounds : list of (first, end)
        Stamps of every series; a series shorter than a window has none.
    width : int
        Stamps of a window.
    starts : ndarray of int, default=None
        First stamps of the windows to take; None takes all.
    """

    def __init__(self, X, bounds, width, starts=None):
        self.X = X
        self.bounds = bounds
        self.width = width
        if starts is None:
            starts = np.concatenate([np.arange(a, b - width + 1) for a, b in bounds])
        self.starts = starts
        self.dtype = X.dtype
        self.shape = (len(starts), width * X.shape[1])

    def __len__(self):
        return len(self.starts)

    def __getitem__(self, index):
        return Windows(self.X, self.bounds, self.width, np.atleast_1d(self.starts[index]))

    def __array__(self, dtype=None, copy=None):
        stamps = self.starts[:, None] + np.arange(self.width)
        return self.X[stamps].reshape(self.shape).astype(dtype or self.dtype, copy=False)

    def all(self):
        """All windows of the same series."""
        return Windows(self.X, self.bounds, self.width)

    def evenly(self, n):
        """At most ``n`` of the windows, evenly spaced: their places, ascending."""
        return evenly_spaced(len(self), n)

    def stretch(self):
        """The stamps that the windows cover if each starts one stamp after the last, or None."""
        first, last = self.starts[0], self.starts[-1]
        if last - first + 1 != len(self) or (np.diff(self.starts) != 1).any():
            return None
        return self.X[first : last + self.width]

    def hashes(self, encoding):
        """64-bit hash of every window, equal for equal stamps as the encoding takes them.

        A polynomial in the stamps' hashes, so that each is added and taken away once.
        """
        stamps = row_hashes(encoding.to_hash(self.X), np.zeros(len(self.X)))
        power = np.full(len(stamps) + 1, BASE, dtype=np.uint64)
        power[0] = 1
        power = np.cumprod(power, dtype=np.uint64)
        inverse = np.full(len(stamps), pow(int(BASE), -1, 2**64), dtype=np.uint64)
        inverse[0] = 1
        total = np.zeros(len(stamps) + 1, dtype=np.uint64)
        total[1:] = np.cumsum(stamps * np.cumprod(inverse, dtype=np.uint64), dtype=np.uint64)
        return (total[self.starts + self.width] - total[self.starts]) * power[self.starts]

    def mean_of_stamps(self, values):
        """Mean over each window of a value for every stamp."""
        total = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
        return (total[self.starts + self.width] - total[self.starts]) / self.width

    def to_stamps(self, values):
        """Mean over the windows that cover each stamp, of values (n_windows, ...).

        NaN for stamps that no window covers.
        """
        shape = (len(self.X) + 1, *values.shape[1:])
        total, count = np.zeros(shape), np.zeros(len(self.X) + 1)
        total[self.starts] += values  # no two windows start together
        total[self.starts + self.width] -= values
        count[self.starts] += 1
        count[self.starts + self.width] -= 1
        count = np.rint(np.cumsum(count)[:-1]).reshape(-1, *[1] * (values.ndim - 1))
        with np.errstate(invalid="ignore"):
            return np.cumsum(total, axis=0)[:-1] / np.where(count > 0, count, np.nan)


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


def automatic_width(X, bounds):
    """A width for detection, and why: the text that ``verbose`` prints.

    The shortest multiple of the period that has 100 stamps, a tenth of the shortest series that
    has 100 at most. The period is the shortest lag at which the autocorrelation, averaged over
    channels and series, has a peak of 0.1 or more that is not much lower than its highest: of a
    day and a week, a day, so that short events do not drown. Without a peak it is 1.
    """
    lengths = [end - first for first, end in bounds]
    shortest = min([n for n in lengths if n >= LEAST] or [max(lengths)])
    most = max(2, int(MOST_SHARE * shortest))
    n_lags = min(LARGEST_LAG, shortest // 3)
    period, height = _period(X, bounds, n_lags)
    width = period * -(-LEAST // period)
    if width > most:
        width = max(2, most // period * period or most)
    if period == 1:
        return width, f"window={width}: no period of up to {n_lags} stamps was found"
    return width, f"window={width}: the period is {period} (autocorrelation {height:.2f})"


def _period(X, bounds, n_lags):
    """The shortest lag of a high peak of the autocorrelation, and the peak's height."""
    if n_lags < 4:
        return 1, 0.0
    correlation = np.zeros(n_lags)
    for first, end in bounds:
        x = X[first:end].astype(np.float64)
        location, scale = column_scales(x, np.ones(len(x)))
        x = np.nan_to_num((x - location) / scale)
        x = x[:, x.std(axis=0) > 1e-6]
        if not x.shape[1] or len(x) < n_lags:
            continue
        spectrum = np.fft.rfft(x, 2 * len(x), axis=0)
        power = (spectrum * spectrum.conj()).real.mean(axis=1)
        correlation += np.fft.irfft(power)[:n_lags] / len(bounds) / len(x)
    inner = correlation[1:-1]
    peaks = 1 + np.flatnonzero((inner > correlation[:-2]) & (inner > correlation[2:]))
    peaks = peaks[(peaks >= 3) & (correlation[peaks] > PEAK)]
    if not len(peaks):
        return 1, 0.0
    period = peaks[correlation[peaks] >= AS_HIGH * correlation[peaks].max()][0]
    return int(period), float(correlation[period])
