"""Sliding windows of time series: rows that are cut out when they are needed.

Rows of the input are time stamps, columns are channels. A window of w stamps is one row of
w x channels entries.
"""

import numpy as np

from .._rows.sample import evenly_spaced, row_hashes

BASE = np.uint64(0x9E3779B97F4A7C15)  # of the polynomial that hashes windows; odd


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
