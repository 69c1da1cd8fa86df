"""Sliding windows of time series, which are cut out when they are needed.

Rows of the input are time steps, or stamps for short, and columns are channels. A window of w
stamps is one row of w x channels entries.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .._rows.sample import hash_rows, space_evenly


class Windows:
    """The windows of some series, as an array of rows that is never held whole.

    Parameters
    ----------
    X : ndarray of shape (n_stamps, n_channels)
        Stamps of all series, one series after the other.
    bounds : list of (first, end)
        First stamp of every series, and the stamp after its last. A series that is shorter than
        a window has no windows.
    width : int
        Stamps in a window.
    starts : ndarray of int, default=None
        First stamps of the windows to take. None takes all windows.
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
        every = sliding_window_view(self.X, (self.width, self.X.shape[1]))
        return every[self.starts, 0].reshape(self.shape).astype(dtype or self.dtype, copy=False)

    def all(self):
        """Return all windows of the same series."""
        return Windows(self.X, self.bounds, self.width)

    def evenly(self, n):
        """Return the places of at most ``n`` of the windows, evenly spaced and ascending."""
        return space_evenly(len(self), n)

    def stretch(self):
        """Return the stamps that consecutive windows cover.

        Windows are consecutive if each starts one stamp after the window before it. If the windows
        are not consecutive, the result is None.
        """
        first, last = self.starts[0], self.starts[-1]
        if last - first + 1 != len(self) or (np.diff(self.starts) != 1).any():
            return None
        return self.X[first : last + self.width]

    def hashes(self, encoding):
        """Return a 64-bit hash of each window.

        Hashes are equal if the encoding reads the windows as equal. The hash is a polynomial in
        the hashes of the stamps. Each stamp is therefore added once and subtracted once, however
        many windows cover it.
        """
        # The base is odd, so that it has an inverse modulo 2^64.
        base = 0x9E3779B97F4A7C15
        stamps = hash_rows(encoding.to_hash(self.X))
        power = np.full(len(stamps) + 1, base, dtype=np.uint64)
        power[0] = 1
        power = np.cumprod(power, dtype=np.uint64)
        inverse = np.full(len(stamps), pow(base, -1, 2**64), dtype=np.uint64)
        inverse[0] = 1
        total = np.zeros(len(stamps) + 1, dtype=np.uint64)
        total[1:] = np.cumsum(stamps * np.cumprod(inverse, dtype=np.uint64), dtype=np.uint64)
        return (total[self.starts + self.width] - total[self.starts]) * power[self.starts]

    def mean_of_stamps(self, values):
        """Return the mean over each window of ``values``, which hold one value per stamp."""
        total = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
        return (total[self.starts + self.width] - total[self.starts]) / self.width

    def to_stamps(self, values):
        """Return for each stamp the mean of ``values`` over the windows that cover it.

        Parameters
        ----------
        values : ndarray of shape (n_windows, ...)

        Returns
        -------
        means : ndarray of shape (n_stamps, ...)
            Means. A stamp that no window covers has NaN.
        """
        shape = (len(self.X) + 1, *values.shape[1:])
        total, count = np.zeros(shape), np.zeros(len(self.X) + 1)
        # No two windows start at the same stamp, so an index occurs once in ``starts``.
        total[self.starts] += values
        total[self.starts + self.width] -= values
        count[self.starts] += 1
        count[self.starts + self.width] -= 1
        count = np.rint(np.cumsum(count)[:-1]).reshape(-1, *[1] * (values.ndim - 1))
        with np.errstate(invalid="ignore"):
            return np.cumsum(total, axis=0)[:-1] / np.where(count > 0, count, np.nan)
