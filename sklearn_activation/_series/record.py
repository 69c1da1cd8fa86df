"""The latest stamps of a series, from which forecasts are made."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

# A record holds this many entries, the latest ones, or four windows if these have more.
RECORD_ENTRIES = 1 << 17


@dataclass(frozen=True)
class Record:
    """The latest stamps that a detector has learned, one series after the other.

    Parameters
    ----------
    X : ndarray of shape (n_stamps, n_channels)
        Stamps. Missing entries and stamps without weight are NaN.
    first : ndarray of int of shape (n_series,)
        First stamp of every series, in ascending order.
    """

    X: np.ndarray
    first: np.ndarray

    @classmethod
    def of(cls, X, weight, bounds, missing=None):
        """Return the record of all stamps of some series with these ``bounds``.

        ``missing`` counts the stamps that an index of times lacks before each stamp. The record
        has NaN in their places.
        """
        X = np.where(weight[:, None] > 0, X, np.nan)
        first = np.array([first for first, _ in bounds], dtype=np.intp)
        if missing is not None and missing.any():
            X = np.insert(X, np.repeat(np.arange(len(X)), missing), np.nan, axis=0)
            first += np.cumsum(missing)[np.maximum(first, 0)]
        return cls(X, first)

    @property
    def bounds(self):
        """First stamp of every series, and the stamp after its last."""
        return list(pairwise([*self.first.tolist(), len(self.X)]))

    def then(self, later, continues=False):
        """Return the record of these stamps and of later ones.

        If the later stamps continue the last series, ``continues`` is True.
        """
        first = later.first[1:] if continues else later.first
        return Record(
            np.concatenate([self.X, later.X]),
            np.concatenate([self.first, first + len(self.X)]),
        )

    def most_stamps(self, width):
        """Return how many stamps of a series with this width of windows are kept."""
        return max(RECORD_ENTRIES // self.X.shape[1], 4 * width)

    def latest(self, n):
        """Return the record of the ``n`` latest stamps."""
        n_gone = max(len(self.X) - n, 0)
        first = np.unique(np.maximum(self.first - n_gone, 0))
        return Record(self.X[n_gone:].copy(), first)

    def beside(self, other, width):
        """Return the record of two detectors. The stamps of this record are the later ones.

        Each of the two records keeps at least half of the stamps.
        """
        most = self.most_stamps(width)
        theirs = other.latest(max(most - len(self.X), most // 2))
        return theirs.then(self.latest(most - len(theirs.X)))
