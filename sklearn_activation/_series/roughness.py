"""The roughness of windows: logarithms of the changes from stamp to stamp."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.ndimage import maximum_filter1d, minimum_filter1d

from .._rows.scales import FENCE


@dataclass(frozen=True)
class Roughness:
    """Location and scale of the logarithms of three measures of roughness.

    Parameters
    ----------
    floor : ndarray of shape (n_channels,)
        Change per step, in deviations, that is added to a measure before its logarithm is taken.
    center, spread : ndarray of shape (3 * n_channels,)
        Median and deviation of the logarithms.
    """

    # Each channel has three measures: the mean, the largest and the least change per step.
    n_measures: ClassVar[int] = 3
    # A deviation of a measure counts like a deviation of this share of all stamps of the channel.
    stamps_share: ClassVar[float] = 0.25
    # Measures are clipped at this many deviations.
    largest_change: ClassVar[float] = 20.0

    floor: np.ndarray
    center: np.ndarray
    spread: np.ndarray

    @classmethod
    def fitted_to(
        cls, changes, n_channels, *, flat_share=1e-3, least_usual=1e-2, least_spread=0.05
    ):
        """Fit floor, center and spread to measures of some windows.

        Parameters
        ----------
        changes : ndarray of shape (n_windows, 3 * n_channels)
            As ``measure_roughness`` returns them.
        n_channels : int
        flat_share : float, default=1e-3
            Roughness of a flat line, as a share of the usual roughness of the channel.
        least_usual : float, default=1e-2
            Least value of the usual roughness, as a change per step in deviations.
        least_spread : float, default=0.05
            Least deviation of the logarithm of a measure.
        """
        usual = np.median(changes[:, :n_channels], axis=0)
        floor = flat_share * np.maximum(usual, least_usual)
        changes = np.log(changes + np.tile(floor, cls.n_measures))
        low, center, high = np.quantile(changes, [0.25, 0.5, 0.75], axis=0)
        reach = FENCE * (high - low)
        within = np.clip(changes, center - reach, center + reach)
        return cls(floor, center, np.maximum(within.std(axis=0), least_spread))

    def weight(self, width):
        """Return the length of one deviation of a measure.

        The unit is the length of one deviation of a stamp.
        """
        return self.stamps_share * np.sqrt(width)

    def standardise(self, changes):
        """Return measures as logarithms in deviations from the usual, clipped."""
        changes = np.log(changes + np.tile(self.floor, self.n_measures))
        changes = (changes - self.center) / self.spread
        return np.clip(changes, -self.largest_change, self.largest_change, out=changes)


def measure_roughness(A, Z, part_share=0.125):
    """Measure the mean, largest and least change per step of each channel of windows.

    Parameters
    ----------
    A : ndarray of shape (n_windows, width, n_channels)
        Windows of stamps in deviations.
    Z : ndarray of shape (n_stamps, n_channels), or None
        The stamps that consecutive windows cover, each once.
    part_share : float, default=0.125
        The least change is the mean change of the calmest stretch with this share of a window's
        stamps.

    Returns
    -------
    changes : ndarray of shape (n_windows, 3 * n_channels)
    """
    n_steps = A.shape[1] - 1
    part = min(max(2, int(part_share * A.shape[1])), n_steps)
    if Z is None:
        changes = np.abs(np.diff(A, axis=1)).astype(np.float64)
        parts = _moving_mean(changes, part, axis=1)
        found = [changes.mean(axis=1), changes.max(axis=1), parts.min(axis=1)]
    else:
        changes = np.abs(np.diff(Z, axis=0)).astype(np.float64)
        parts = _moving_mean(changes, part, axis=0)
        found = [
            _moving_mean(changes, n_steps, axis=0),
            _moving_extreme(maximum_filter1d, changes, n_steps),
            _moving_extreme(minimum_filter1d, parts, n_steps - part + 1),
        ]
    return np.concatenate(found, axis=1)


def _moving_mean(values, n, axis):
    """Return the mean of each ``n`` consecutive values along an axis."""
    total = np.cumsum(values, axis=axis)
    first = np.take(total, [n - 1], axis=axis)
    ends = np.moveaxis(total, axis, 0)
    rest = np.moveaxis(ends[n:] - ends[:-n], 0, axis)
    return np.maximum(np.concatenate([first, rest], axis=axis), 0) / n


def _moving_extreme(function, values, n):
    """Return the largest or least of each ``n`` consecutive values along the first axis.

    ``function`` is SciPy's maximum filter or minimum filter.
    """
    full = function(values, n, axis=0, origin=-(n // 2), mode="nearest")
    return full[: len(values) - n + 1]
