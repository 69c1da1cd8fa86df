"""What a detector has learned about series, and how it judges time steps."""

from dataclasses import dataclass, replace

import numpy as np

from .._detection.model import DetectorModel
from .._warnings import warn
from .calibration import SeriesCalibration, calibration_of
from .cutting import bridge_gaps, check_lengths, cut_at_gaps, find_series, read_times
from .record import Record
from .stamps import score_stamps
from .windows import Windows


@dataclass(frozen=True)
class Cut:
    """The windows of a series, and the time steps in long gaps.

    Parameters
    ----------
    windows : Windows
        All windows of the series.
    dead : ndarray of bool of shape (n_stamps,)
        Mask of the stamps in long gaps of all channels.
    long : ndarray of bool of shape (n_stamps,)
        Mask of the stamps in a long gap of at least one channel.
    """

    windows: Windows
    dead: np.ndarray
    long: np.ndarray

    @property
    def whole(self):
        """Mask of the windows without a stamp in a long gap."""
        return self.windows.mean_of_stamps(self.long | self.dead) == 0

    def beside_gaps(self):
        """Return a mask of the stamps that share a window with a long gap."""
        return np.nan_to_num(self.windows.to_stamps((~self.whole).astype(float))) > 0


@dataclass(frozen=True)
class Tail:
    """The last stamps of a batch, which begin the first windows of the next batch.

    Parameters
    ----------
    X : ndarray of shape (n_stamps, n_channels)
    weight : ndarray of shape (n_stamps,)
    time : ndarray of int of shape (n_stamps,), or None
    activation : ndarray of shape (n_windows,)
        Activation of the windows among these stamps. Stamps are judged by all windows that cover
        them.
    """

    X: np.ndarray
    weight: np.ndarray
    time: np.ndarray | None
    activation: np.ndarray


def longest_gap(width, share=0.125):
    """Return how many consecutive missing stamps are filled.

    The number is a ``share`` of a window, or two if that is more.
    """
    return max(2, int(share * width))


def cut(X, bounds, width):
    """Return the windows of validated stamps, with gaps filled by straight lines."""
    X, long, dead = bridge_gaps(X, bounds, longest_gap(width))
    return Cut(Windows(X, bounds, width), dead, long)


@dataclass(frozen=True)
class SeriesModel(DetectorModel):
    """What a detector has learned of a series.

    Parameters
    ----------
    width : int
        Number of stamps in a window.
    series : SeriesCalibration or None
        What the detector knows about normal stamps.
    tail : Tail or None
        The last stamps of the last batch.
    record : Record or None
        The latest stamps, from which forecasts are made.
    """

    width: int = 0
    series: SeriesCalibration | None = None
    tail: Tail | None = None
    record: Record | None = None

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
        """Return the model with a new ``SeriesCalibration``.

        The gate follows from ``contamination``, or from the p-value that the user has set.
        """
        series = series.with_gate(self.width, self.chosen.get("p", contamination))
        return replace(self, series=series, calibration=calibration_of(series))

    def with_threshold(self, chosen, contamination):
        return replace(self, chosen=chosen).calibrate(self.series, contamination)

    def times_of(self, X):
        return read_times(X)

    def read(self, X, time=None, groups=None):
        """Return a series cut into windows."""
        bounds = find_series(groups, len(X))
        if time is not None:
            bounds = cut_at_gaps(bounds, time, self.longest_gap)
        check_lengths(bounds, self.width)
        return cut(X, bounds, self.width)

    def judge(self, found):
        """Return the scores of the stamps of a ``Cut``, and warn of stamps in long gaps."""
        if found.dead.any():
            warn(
                f"{np.count_nonzero(found.dead)} of {len(found.dead)} time steps are NaN "
                f"throughout, in runs of more than {self.longest_gap} time steps. Nothing is "
                "known of these time steps, and their score is 0. If they are no anomalies, "
                "ignore their alarms."
            )
        activation = self.score(found.windows)
        return score_stamps(found.windows, activation, self.series, self.encoding, found.dead)

    def activation(self, X):
        """Return the activation of windows."""
        return self.energies(X).astype(np.float64)

    def hashes(self, windows):
        return windows.hashes(self.encoding)

    def explain(self, found):
        """Return the contributions of channels to each stamp.

        A stamp gets the mean of the contributions to the windows that cover it.
        """
        return found.windows.to_stamps(super().explain(found.windows))
