"""Columns of a table as an imputer sees them: in deviations that survive junk."""

from dataclasses import dataclass

import numpy as np

from .._rows.fourier import FourierEncoding
from .._rows.scales import robust_scales

# Entries this many deviations from the mean, and further, count as equally far.
FARTHEST = 10.0


@dataclass
class Columns:
    """Where columns lie, how far they spread, and how much is known of them.

    Numbers are read in deviations, and categories as their places among those of training.

    Parameters
    ----------
    location, scale : ndarray of shape (n_columns,)
        Both survive a tenth of a column being junk.
    trust : ndarray of shape (n_columns,)
        What a deviation of each column counts for: see ``trust_in``. It is 0 for a column that
        does not vary, or of which nothing is known.
    low, high : ndarray of shape (n_columns,)
        The range of the kept rows' entries up to ``FARTHEST`` deviations, which fills stay in.
    codes : dict of ndarray
        Ascending codes of the kept rows' categories by the number of their column.
    """

    location: np.ndarray
    scale: np.ndarray
    trust: np.ndarray
    low: np.ndarray
    high: np.ndarray
    codes: dict

    @classmethod
    def fitted_to(cls, kept, is_categorical):
        """The columns of kept training rows, in which categories are codes."""
        none = np.zeros(kept.shape[1], dtype=bool)
        is_categorical = none if is_categorical is None else is_categorical
        scales = robust_scales(kept, np.ones(len(kept)), decades=False)
        location, scale = scales["location"], scales["scale"]
        scale[np.isinf(scale)] = 1.0  # Nothing is known of the column.
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
        """Rows in deviations; a category that was never seen has the place after the last."""
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
        """Rows in their own units and range, with the codes of categories."""
        with np.errstate(over="ignore"):
            X = np.clip(Z * self.scale + self.location, self.low, self.high)
        for j, codes in self.codes.items():
            if len(codes):
                X[:, j] = codes[np.clip(Z[:, j], 0, len(codes) - 1).astype(np.intp)]
            else:
                X[:, j] = np.nan
        return X

    def ruler(self):
        """An encoding that only measures distances between rows in deviations."""
        encoding = FourierEncoding(np.zeros(len(self.scale)), self.spread(1.0), None)
        if self.codes:
            columns = np.array(sorted(self.codes))
            encoding.categories = {"columns": columns, "widths": np.ones(1), "seed": 0}
        return encoding

    def spread(self, bandwidth):
        """Deviations, as columns count them, that a kernel of this bandwidth reaches."""
        spread = np.full(len(self.trust), np.inf)
        counts = (self.trust > 0) & ~self.is_categorical
        spread[counts] = bandwidth / self.trust[counts]
        return spread


def trust_in(n_known, prior=20.0):
    """What a deviation of each column counts for, by the numbers of known entries.

    A column counts for the share of its known entries among them and ``prior`` more that would
    say nothing, over that of the column of which most is known.
    """
    share = n_known / (n_known + prior)
    return share / max(share.max(), 1e-300)
