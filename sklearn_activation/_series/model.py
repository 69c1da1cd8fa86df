"""What a detector has learned of a series, and how it judges time stamps."""

from dataclasses import dataclass, replace

import numpy as np

from .._detection.model import DetectorModel
from .._warnings import warn
from .calibration import SeriesCalibration, calibration_of
from .cutting import bridge_gaps, check_lengths, cut_at_gaps, find_series, read_times
from .stamps import score_stamps
from .windows import Windows


@dataclass(frozen=True)
class Cut:
    """A series cut into windows.

    Parameters
    ----------
    windows : Windows
        All of the series.
    dead : ndarray of bool of shape (n_stamps,)
        Which stamps lie in long gaps of all channels.
    long : ndarray of bool of shape (n_stamps,)
        Which stamps lie in a long gap of some channel.
    """

    windows: Windows
    dead: np.ndarray
    long: np.ndarray


@dataclass(frozen=True)
class Tail:
    """The last stamps of a series, with which windows of the next batch begin.

    Parameters
    ----------
    X : ndarray of shape (n_stamps, n_channels)
    weight : ndarray of shape (n_stamps,)
    time : ndarray of int of shape (n_stamps,), or None
    activation : ndarray of shape (n_windows,)
        What the windows among them activate, to judge stamps by all windows that cover them.
    """

    X: np.ndarray
    weight: np.ndarray
    time: np.ndarray | None
    activation: np.ndarray


def longest_gap(width, share=0.125):
    """Stamps that may be missing and are filled in: a ``share`` of a window, or two."""
    return max(2, int(share * width))


def cut(X, bounds, width):
    """Windows of validated stamps, with straight lines across their gaps."""
    X, long, dead = bridge_gaps(X, bounds, longest_gap(width))
    return Cut(Windows(X, bounds, width), dead, long)


@dataclass(frozen=True)
class SeriesModel(DetectorModel):
    """What a detector has learned of a series.

    Parameters
    ----------
    width : int
        Stamps of a window.
    series : SeriesCalibration or None
        What is known of normal stamps.
    tail : Tail or None
        The last stamps of the last batch.
    """

    width: int = 0
    series: SeriesCalibration | None = None
    tail: Tail | None = None

    @property
    def longest_gap(self):
        return longest_gap(self.width)

    @property
    def widest(self):
        return max(super().widest, self.sample.X.shape[1])

    @property
    def lowest_training_score(self):
        return np.fmin.reduce(self.training_scores)

    def calibrate(self, series, contamination):
        """The model with what is known of normal stamps, and the gate that follows or was set."""
        series = series.with_gate(self.width, self.chosen.get("p", contamination))
        return replace(self, series=series, calibration=calibration_of(series))

    def with_threshold(self, chosen, contamination):
        return replace(self, chosen=chosen).calibrate(self.series, contamination)

    def times_of(self, X):
        return read_times(X)

    def read(self, X, time=None, groups=None):
        """A series as it is judged: cut into windows."""
        bounds = find_series(groups, len(X))
        if time is not None:
            bounds = cut_at_gaps(bounds, time, self.longest_gap)
        check_lengths(bounds, self.width)
        return cut(X, bounds, self.width)

    def judge(self, found):
        """Scores of the stamps of a ``Cut``, with a warning of stamps that are dead."""
        if found.dead.any():
            warn(
                f"{np.count_nonzero(found.dead)} of {len(found.dead)} time stamps are NaN "
                f"throughout, for more than {self.longest_gap} in a row: nothing is known of "
                "them, and their score is 0."
            )
        activation = self.score(found.windows)
        return score_stamps(found.windows, activation, self.series, self.encoding, found.dead)

    def activation(self, X):
        """Activation of windows."""
        return self.energies(X).astype(np.float64)

    def hashes(self, windows):
        return windows.hashes(self.encoding)

    def explain(self, found):
        """Contributions of channels to stamps: the mean over the windows that cover each."""
        return found.windows.to_stamps(super().explain(found.windows))
