"""Sliding windows of time series: rows that are cut out when they are needed.

Rows of the input are time stamps, columns are channels. A window of w stamps is one row of
w x channels entries; a stamp's score is the mean over the windows that cover it.
"""

import warnings
from itertools import pairwise

import numpy as np

from ._encoding import column_scales

LEAST = 100  # stamps of window="auto"
MOST_SHARE = 0.1  # of the shortest series
LARGEST_LAG = 1000  # of the autocorrelation
PEAK = 0.1  # least autocorrelation at a period


class Windows:
    """All windows of some series, as an array of rows that is never held whole.

    Parameters
    ----------
    X : ndarray of shape (n_stamps, n_channels)
    bounds : list of (first, end)
        Stamps of every series.
    width : int
        Stamps of a window.
    starts : ndarray of int, default=None
        First stamps of the windows to take; None takes all.
    """

    ndim = 2

    def __init__(self, X, bounds, width, starts=None):
        shortest = min(end - first for first, end in bounds)
        if shortest < width:
            raise ValueError(
                f"window={width} is longer than the series of {shortest} time stamps."
            )
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
        at = self.starts[index]
        stamps = np.asarray(at)[..., None] + np.arange(self.width)
        return self.X[stamps].reshape(*np.shape(at), self.shape[1])

    def take(self, index):
        """The windows at ``index``."""
        return Windows(self.X, self.bounds, self.width, self.starts[index])

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

    def stretches(self, n_stretches):
        """Pairs of masks for each stretch: its windows, and all windows that overlap it."""
        n = len(self)
        if n <= 3 * self.width:
            warnings.warn(
                f"{n} windows of {self.width} time stamps are too few to score any without those "
                "that overlap it: the threshold and p-values will raise false alarms. Give a "
                "shorter window, or a longer series.",
                UserWarning,
                stacklevel=2,
            )
        for part in np.array_split(np.arange(n), min(n_stretches, n)):
            held = np.zeros(n, dtype=bool)
            held[part] = True
            near = self.starts > self.starts[part[0]] - self.width
            yield held, near & (self.starts < self.starts[part[-1]] + self.width)


def series_bounds(groups, n_stamps):
    """First and end stamp of every run of equal entries in ``groups``."""
    if groups is None:
        return [(0, n_stamps)]
    groups = np.asarray(groups)
    if groups.shape != (n_stamps,):
        raise ValueError(f"groups has shape {groups.shape}, but X has {n_stamps} time stamps.")
    change = np.flatnonzero(groups[1:] != groups[:-1]) + 1
    edges = [0, *change.tolist(), n_stamps]
    bounds = list(pairwise(edges))
    if len(bounds) > len(np.unique(groups)):
        raise ValueError("groups: the time stamps of a series must stand together.")
    return bounds


def automatic_width(X, bounds):
    """The shortest multiple of the period that has 100 stamps, a tenth of a series at most.

    The period is the lag of the highest peak of the autocorrelation, averaged over
    channels and series; without a peak above 0.1 it is 1.
    """
    shortest = min(end - first for first, end in bounds)
    most = max(2, int(MOST_SHARE * shortest))
    period = _period(X, bounds, min(LARGEST_LAG, shortest // 3))
    width = period * -(-LEAST // period)
    return width if width <= most else max(2, most // period * period or most)


def _period(X, bounds, n_lags):
    if n_lags < 4:
        return 1
    correlation = np.zeros(n_lags)
    for first, end in bounds:
        x = X[first:end].astype(np.float64)
        location, scale = column_scales(x, np.ones(len(x)))
        x = np.nan_to_num((x - location) / scale)
        x = x[:, x.std(axis=0) > 1e-6]
        if not x.shape[1]:
            continue
        spectrum = np.fft.rfft(x, 2 * len(x), axis=0)
        power = (spectrum * spectrum.conj()).real.mean(axis=1)
        correlation += np.fft.irfft(power)[:n_lags] / len(bounds) / len(x)
    inner = correlation[1:-1]
    peaks = 1 + np.flatnonzero((inner > correlation[:-2]) & (inner > correlation[2:]))
    peaks = peaks[(peaks >= 3) & (correlation[peaks] > PEAK)]
    return int(peaks[correlation[peaks].argmax()]) if len(peaks) else 1
