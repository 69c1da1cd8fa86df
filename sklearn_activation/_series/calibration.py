"""What is known of normal series: the gate of their stamps, and how it is found."""

from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

import numpy as np

from .._detection.leave_out import LastLayer
from .._detection.threshold import ROUNDING, Calibration, share_threshold
from .._learning.task import Solution
from .._rows.sample import space_evenly
from .stamps import (
    judge_stamps,
    measure_deviations,
    scale_anomalous_scores,
    scale_normal_scores,
    score_judged_stamps,
)


@dataclass(frozen=True)
class SeriesCalibration:
    """What is known of the windows of normal series.

    Parameters
    ----------
    evidence, smooth : ndarray of shape (n_stamps,)
        Of recent stamps, each by what all but its own block teach, as ``find_evidence`` and
        ``smooth_activation`` say.
    end : ndarray of shape (n_stamps,)
        How near to an end of its series each stamp is, from 0 to 1 (``measure_nearness_to_end``).
    newest : ndarray of shape (n_windows,)
        Activation of recent windows, in their order.
    gate : float
        Evidence below which a stamp is anomalous.
    edge : float
        What is added to the evidence of a stamp that one window covers.
    typical : ndarray of shape (n_typical, n_columns)
        Standardised windows to compare with.
    deviation : float
        How far normal stamps are from the nearest of them at most.
    """

    # A threshold is taken from this many of the latest stamps.
    latest_stamps: ClassVar[int] = 50_000
    # The gate is no lower than this evidence; scores of dead sensors are below it.
    lowest_gate: ClassVar[float] = 1e-6

    evidence: np.ndarray
    smooth: np.ndarray
    end: np.ndarray
    newest: np.ndarray
    gate: float = lowest_gate
    edge: float = 0.0
    typical: np.ndarray | None = None
    deviation: float = 0.0

    def after(self, before):
        """This and an earlier calibration as one, of the latest stamps of both."""
        names = ("evidence", "smooth", "end", "newest")
        both = {name: [getattr(before, name), getattr(self, name)] for name in names}
        latest = {n: np.concatenate(p)[-self.latest_stamps :] for n, p in both.items()}
        return replace(self, **latest)

    def with_gate(self, width, contamination):
        """The same with a gate, and how much lower it is if each stamp has its newest window."""
        gate = find_gate(self.evidence, width, contamination)
        edge = max(gate - find_gate(self.newest, width, contamination), 0.0)
        raised = find_gate(self.evidence + edge * self.end, width, contamination)
        return replace(self, edge=edge, gate=max(raised, self.lowest_gate))


def find_gate(evidence, width, contamination="auto", *, most_alarms=0.02, n_spreads=3.0):
    """The evidence below which normal stamps rarely are, or a stated share of the stamps.

    The 1 % quantiles of blocks of the series spread about their median; the gate lies
    ``n_spreads`` such spreads below it. Blocks above the median alone tell the spread: blocks
    below it may hold the series' own anomalies. Stamps that lie far below all others are
    anomalies and left out; of the rest the share ``most_alarms`` at most is below the gate.
    """
    if contamination != "auto":
        return share_threshold(evidence, np.ones(len(evidence)), contamination)
    evidence = evidence[evidence >= find_outlying(evidence)]
    parts = np.array_split(evidence, count_blocks(len(evidence), width))
    low = np.array([np.quantile(part, Calibration.false_alarms) for part in parts])
    above = low[low >= np.median(low)] - np.median(low)
    spread = np.sqrt(np.mean(above**2) * (1 + 1 / len(low)))
    gate = min(np.median(low) - n_spreads * spread, np.quantile(evidence, most_alarms))
    return float(gate - ROUNDING)


def count_blocks(n, width, n_widths=4, n_blocks=(5, 20)):
    """How many blocks ``n`` stamps, or windows of ``width`` stamps, are cut into.

    A block has ``n_widths`` widths at least, if that makes no fewer than the least of
    ``n_blocks``; there are no more than the most of it.
    """
    return min(int(np.clip(n // (n_widths * width), *n_blocks)), n)


def find_outlying(evidence, n_distances=20.0):
    """The evidence far below that of all normal stamps.

    It lies ``n_distances`` times as far below the median as the lower quartile does.
    """
    quartile, median = np.quantile(evidence, [0.25, 0.5])
    return median - n_distances * (median - quartile)


def find_typical(
    windows, activation, encoding, *, n_entries=1 << 16, n_windows=(16, 256), usual=0.999
):
    """Windows of the better half, standardised, and how far normal stamps are from the nearest.

    The windows have ``n_entries`` together at most, and are no fewer and no more than
    ``n_windows``. The distance is the quantile ``usual`` of normal stamps' deviations.
    """
    most = int(np.clip(n_entries // windows.shape[1], *n_windows))
    better = np.flatnonzero(activation >= np.median(activation))
    few = better[space_evenly(len(better), most)]
    typical = encoding.standardise(windows[few])
    some = few[:: max(1, len(few) // 64)]
    # The nearest one is the window itself.
    found = measure_deviations(windows[some], typical, encoding, n_skipped=min(1, len(few) - 1))
    return typical, float(np.quantile(found, usual))


class JudgedSeries(NamedTuple):
    """What a training series says of itself.

    Parameters
    ----------
    solution : Solution
        With a stated contamination, without the least typical windows.
    series : SeriesCalibration
    scores : ndarray of shape (n_stamps,)
        Scores of the stamps without their own block; NaN for stamps that no window covers.
    activation : ndarray of shape (n_windows,)
        Of all windows of the series.
    doubts : list of str
        Why the threshold may not be trusted.
    """

    solution: Solution
    series: SeriesCalibration
    scores: np.ndarray
    activation: np.ndarray
    doubts: list


def judge_series(
    solution, rows, task, contamination, before=None, activation=None, n_old=0, fewest_widths=8
):
    """Scores of the stamps of a training series without their own block, and a threshold.

    Parameters
    ----------
    solution : Solution
        Of the windows and those before them.
    rows : EncodedRows
        The windows that were learned.
    task : Task
    contamination : "auto" or float
    before : SeriesCalibration, default=None
        Of the series before, in a stream.
    activation : ndarray of shape (n_windows,), default=None
        Of all windows of the series, if they were scored before they were learned.
    n_old : int, default=0
        How many of those windows belong to the batch before.
    fewest_widths : int
        A threshold from fewer windows than this many times a window's stamps is in doubt.

    Returns
    -------
    judged : JudgedSeries
    """
    layer, learned = LastLayer.of(solution, task), rows.X
    windows, doubts = learned.all(), []
    if activation is None:
        suspects = np.zeros(len(learned), dtype=bool)
        if contamination != "auto":
            layer, suspects = layer.leave_out_suspects(rows, layer.scores(rows), contamination)
        activation = _score_without_blocks(layer, rows, rows.of(windows), suspects)
        n, width = len(windows), windows.width
        if n < fewest_widths * width:
            doubts.append(
                f"{n + width - 1} time stamps are too few for a threshold with window={width}: "
                f"expect false alarms, or give {(fewest_widths + 1) * width} stamps or more, or a "
                "shorter window."
            )
    stamps, counts = _witnesses(learned, windows, n_old, task.partial)
    if before is None:
        stamps = stamps[space_evenly(len(stamps), SeriesCalibration.latest_stamps)]
        typical, deviation = find_typical(windows, activation, rows.encoding)
    else:
        typical, deviation = before.typical, before.deviation
    judged = judge_stamps(windows, activation)
    series = SeriesCalibration(
        *(values[stamps] for values in judged),
        activation[counts][-SeriesCalibration.latest_stamps :],
        typical=typical,
        deviation=deviation,
    )
    if before is not None:
        series = series.after(before)
    series = series.with_gate(windows.width, contamination)
    if contamination == "auto" and series.gate < find_outlying(series.evidence) - 2 * ROUNDING:
        doubts.append(
            "The threshold lies far below what is usual in this series, which may hold many "
            "anomalies: leave them out, state contamination, or give a shorter window."
        )
    scores = score_judged_stamps(windows, judged, series, rows.encoding)
    return JudgedSeries(layer.solution, series, scores, activation, doubts)


def calibration_of(series):
    """What thresholds and p-values of stamps compare with."""
    gate, smooth = series.gate, series.smooth
    is_low = series.evidence + series.edge * series.end < gate
    scores = np.where(
        is_low, scale_anomalous_scores(gate, smooth), scale_normal_scores(gate, smooth)
    )
    # There is no tail: neighbouring stamps share windows, so that a low score comes with others.
    return Calibration.of(scores, np.ones(len(scores)), threshold=gate, has_tail=False)


def _witnesses(learned, windows, n_old, partial):
    """The stamps, and a mask of the windows, by which later ones are judged.

    In a stream each stamp counts once, when the windows that will cover it are known.
    """
    counts = np.bincount(_places(learned, windows), minlength=len(windows)) > 0
    counts[:n_old] = True
    stamps = np.nan_to_num(windows.to_stamps(counts.astype(float))) > 0
    if partial:
        stamps[:n_old] = False
        stamps[max(len(stamps) - windows.width + 1, 1) :] = False
    counts[:n_old] = False
    return np.flatnonzero(stamps), counts


def _places(some, windows):
    """Where ``some`` of the windows stand among all of them."""
    return np.searchsorted(windows.starts, some.starts)


def _score_without_blocks(layer, rows, every, suspects):
    """Activation of all windows, of those that were learned without their block.

    All windows that overlap with the block are left out with it.
    """
    learned, windows = rows.X, every.X
    n, width = len(windows), windows.width
    weight, result = np.zeros(n), np.empty(n)
    weight[_places(learned, windows)] = np.where(suspects, 0.0, rows.weight)
    for index in np.array_split(np.arange(n), count_blocks(n, width)):
        part, starts = slice(index[0], index[-1] + 1), windows.starts
        near = slice(
            int(np.searchsorted(starts, starts[part.start] - width, side="right")),
            int(np.searchsorted(starts, starts[part.stop - 1] + width)),
        )
        result[part] = layer.scores_of_block(every, part, near, weight[near])
    return result
