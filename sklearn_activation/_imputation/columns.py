"""Columns of a table as an imputer reads them: in robust deviations."""

from dataclasses import dataclass

import numpy as np

from .._rows.fourier import FourierEncoding
from .._rows.scales import robust_scales

# Entries are clipped at this many deviations from the mean.
FARTHEST = 10.0


@dataclass
class Columns:
    """The location, the scale and the trust of each column.

    Numbers are read in deviations. Categories are read as their places among the categories of
    training.

    Parameters
    ----------
    location, scale : ndarray of shape (n_columns,)
        Location and scale, which survive if a tenth of a column's entries are gross errors.
    trust : ndarray of shape (n_columns,)
        Factor that multiplies the deviations of each column: see ``trust_in``. The trust is 0 for
        a column that does not vary or has no known entry.
    low, high : ndarray of shape (n_columns,)
        Range of the kept rows' entries within ``FARTHEST`` deviations. Filled entries stay in this
        range.
    codes : dict of ndarray
        For each column of categories, ascending codes of the kept rows' categories.
    """

    location: np.ndarray
    scale: np.ndarray
    trust: np.ndarray
    low: np.ndarray
    high: np.ndarray
    codes: dict

    @classmethod
    def fitted_to(cls, kept, is_categorical):
        """Return the columns of kept training rows, in which categories are codes."""
        none = np.zeros(kept.shape[1], dtype=bool)
        is_categorical = none if is_categorical is None else is_categorical
        scales = robust_scales(kept, np.ones(len(kept)), decades=False)
        location, scale = scales["location"], scales["scale"]
        scale[np.isinf(scale)] = 1.0  # the column has no known entry
        n_known = np.count_nonzero(~np.isnan(kept), axis=0)
        trust = np.where(scales["varies"], trust_in(n_known), 0.0)
        codes = {}
        for j in np.flatnonzero(is_categorical):
            codes[int(j)] = np.unique(kept[~np.isnan(kept[:, j]), j])
            location[j], scale[j], trust[j] = 0.0, 1.0, float(n_known[j] > 0)
        with np.errstate(over="ignore"):
            near = np.clip(kept, location - FARTHEST * scale, location + FARTHEST * scale)
        low, high = np.fmin.reduce(near, axis=0), np.fmax.reduce(near, axis=0)
        return cls(location, scale, trust, np.nan_to_num(low), np.nan_to_num(high), codes)

    @property
    def is_categorical(self):
        mask = np.zeros(len(self.scale), dtype=bool)
        mask[list(self.codes)] = True
        return mask

    def read(self, X):
        """Return rows in deviations.

        A category that training has not seen gets the place after the last known category.
        """
        with np.errstate(over="ignore"):
            Z = np.clip((X - self.location) / self.scale, -FARTHEST, FARTHEST)
        for j, codes in self.codes.items():
            known = ~np.isnan(X[:, j]) & (len(codes) > 0)
            place = np.searchsorted(codes, X[:, j])
            seen = place < len(codes)
            seen[seen] = codes[place[seen]] == X[seen, j]
            Z[:, j] = np.where(known, np.where(seen, place, len(codes)), np.nan)
        return Z

    def write(self, Z):
        """Return rows in their original units, clipped to the range of each column.

        Categories become codes again.
        """
        with np.errstate(over="ignore"):
            X = np.clip(Z * self.scale + self.location, self.low, self.high)
        for j, codes in self.codes.items():
            if len(codes):
                X[:, j] = codes[np.clip(Z[:, j], 0, len(codes) - 1).astype(np.intp)]
            else:
                X[:, j] = np.nan
        return X

    def ruler(self):
        """Return an encoding that only measures distances between rows in deviations."""
        encoding = FourierEncoding(np.zeros(len(self.scale)), self.spread(1.0), None)
        if self.codes:
            columns = np.array(sorted(self.codes))
            encoding.categories = {"columns": columns, "widths": np.ones(1), "seed": 0}
        return encoding

    def spread(self, bandwidth):
        """Return the deviations of each column for which a kernel of this bandwidth falls off.

        Columns with less trust have a larger spread.
        """
        spread = np.full(len(self.trust), np.inf)
        counts = (self.trust > 0) & ~self.is_categorical
        spread[counts] = bandwidth / self.trust[counts]
        return spread


def trust_in(n_known, prior=20.0):
    """Return the factor that multiplies the deviations of each column.

    ``n_known`` holds the number of known entries of each column. The factor is n_known / (n_known
    + prior), divided by the largest of these numbers over the columns. The prior acts like
    ``prior`` additional entries that say nothing.
    """
    share = n_known / (n_known + prior)
    return share / max(share.max(), 1e-300)
