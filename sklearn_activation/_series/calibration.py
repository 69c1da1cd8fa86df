"""What a detector knows about normal series: the gate below which time steps are anomalous.

The module finds the gate in a training series, and turns it into a threshold on scores.
"""

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
    """What a detector knows about the windows and time steps of normal series.

    Parameters
    ----------
    evidence, smooth : ndarray of shape (n_stamps,)
        Results of ``find_evidence`` and ``smooth_activation`` for recent stamps. Each stamp is
        scored as if its own block of the series had not been learned.
    end : ndarray of shape (n_stamps,)
        How near each stamp is to an end of its series, from 0 to 1 (``measure_nearness_to_end``).
    newest : ndarray of shape (n_windows,)
        Activation of recent windows, in their order.
    gate : float
        A stamp is anomalous if its evidence is below the gate.
    edge : float
        Bonus on the evidence of a stamp that only one window covers.
    typical : ndarray of shape (n_typical, n_columns)
        Standardised typical windows with which others are compared.
    deviation : float
        Distance from the nearest typical windows that normal stamps rarely exceed.
    """

    # The gate follows from this many of the latest stamps.
    latest_stamps: ClassVar[int] = 50_000
    # Least value of the gate. Scores of dead sensors are below it.
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
        """Return this calibration joined with an earlier one, for the latest stamps of both."""
        names = ("evidence", "smooth", "end", "newest")
        both = {name: [getattr(before, name), getattr(self, name)] for name in names}
        latest = {n: np.concatenate(p)[-self.latest_stamps :] for n, p in both.items()}
        return replace(self, **latest)

    def with_gate(self, width, contamination):
        """Return this calibration with a gate and an edge.

        The edge is the amount by which the gate would be lower if each stamp had only its newest
        window.
        """
        gate = find_gate(self.evidence, width, contamination)
        edge = max(gate - find_gate(self.newest, width, contamination), 0.0)
        raised = find_gate(self.evidence + edge * self.end, width, contamination)
        return replace(self, edge=edge, gate=max(raised, self.lowest_gate))


def find_gate(evidence, width, contamination="auto", *, most_alarms=0.02, n_spreads=3.0):
    """Return the evidence below which normal stamps rarely fall.

    With a stated contamination, the gate separates this share of the stamps. Without a stated
    contamination, the series is cut into blocks, and each block has a 1 % quantile of evidence.
    The gate lies ``n_spreads`` spreads of these quantiles below their median. Only quantiles above
    the median measure the spread, because lower ones may belong to anomalies in the series. Stamps
    far below all others are left out as anomalies. Of the other stamps, at most the share
    ``most_alarms`` lies below the gate.
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
    """Return the number of blocks into which a series is cut.

    The series has ``n`` stamps, or ``n`` windows of ``width`` stamps. ``n_blocks`` holds the least
    and the largest number of blocks. Between these limits, a block is at least ``n_widths`` widths
    long.
    """
    return min(int(np.clip(n // (n_widths * width), *n_blocks)), n)


def find_outlying(evidence, n_distances=20.0):
    """Return an evidence far below that of all normal stamps.

    The result lies ``n_distances`` times as far below the median as the lower quartile does.
    """
    quartile, median = np.quantile(evidence, [0.25, 0.5])
    return median - n_distances * (median - quartile)


def find_typical(
    windows, activation, encoding, *, n_entries=1 << 16, n_windows=(16, 256), usual=0.999
):
    """Return typical windows, standardised, and the largest usual distance from them.

    The typical windows come from the half of the windows with the higher activation. All typical
    windows together have at most ``n_entries`` entries, and ``n_windows`` holds the least and the
    largest number of windows. The distance is the quantile ``usual`` of the distances of normal
    stamps.
    """
    most = int(np.clip(n_entries // windows.shape[1], *n_windows))
    better = np.flatnonzero(activation >= np.median(activation))
    few = better[space_evenly(len(better), most)]
    typical = encoding.standardise(windows[few])
    some = few[:: max(1, len(few) // 64)]
    # The nearest typical window is the window itself, so it is skipped.
    found = measure_deviations(windows[some], typical, encoding, n_skipped=min(1, len(few) - 1))
    return typical, float(np.quantile(found, usual))


class JudgedSeries(NamedTuple):
    """The result of ``judge_series``.

    Parameters
    ----------
    solution : Solution
        The solution. With a stated contamination, the least typical windows are left out of the
        solution.
    series : SeriesCalibration
    scores : ndarray of shape (n_stamps,)
        Scores of the stamps as if the block of each stamp had not been learned. Stamps that no
        window covers have NaN.
    activation : ndarray of shape (n_windows,)
        Activation of all windows of the series.
    doubts : list of str
        Warnings about the threshold.
    """

    solution: Solution
    series: SeriesCalibration
    scores: np.ndarray
    activation: np.ndarray
    doubts: list


def judge_series(
    solution,
    rows,
    task,
    contamination,
    before=None,
    activation=None,
    n_old=0,
    fewest_widths=8,
    spoiled=None,
):
    """Score the stamps of a training series without their own blocks, and find a threshold.

    Parameters
    ----------
    solution : Solution
        The solution for the windows and for all earlier windows.
    rows : EncodedRows
        The windows that were learned.
    task : Task
    contamination : "auto" or float
    before : SeriesCalibration, default=None
        The calibration of the series before, in a stream.
    activation : ndarray of shape (n_windows,), default=None
        Activation of all windows, if they were scored before they were learned.
    n_old : int, default=0
        Number of windows that belong to the batch before.
    fewest_widths : int
        The threshold is in doubt if there are fewer windows than this number times the width.
    spoiled : ndarray of bool of shape (n_stamps,), default=None
        Mask of the stamps that share a window with a long gap. The gap lowers the evidence of
        these stamps, and the threshold and the p-values therefore leave these stamps out. In a
        first batch without any other stamp, the stamps are kept.

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
                f"{n + width - 1} time steps are too few for a threshold with window={width}. "
                f"Give {(fewest_widths + 1) * width} time steps or more, set a shorter window, or "
                "expect more false alarms."
            )
    stamps, counts = _witnesses(learned, windows, n_old, task.partial)
    if spoiled is not None and (before is not None or not spoiled[stamps].all()):
        stamps = stamps[~spoiled[stamps]]
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
        usual = np.median(series.evidence)
        doubts.append(
            f"The threshold is low: it lies {usual - series.gate:.2g} below the usual activation "
            f"of this series, {usual:.3g}. The series may hold many anomalies: leave them out, "
            "set contamination to their share, or set a shorter window."
        )
    scores = score_judged_stamps(windows, judged, series, rows.encoding)
    return JudgedSeries(layer.solution, series, scores, activation, doubts)


def calibration_of(series):
    """Return the ``Calibration`` of stamps, with which thresholds and p-values compare."""
    gate, smooth = series.gate, series.smooth
    is_low = series.evidence + series.edge * series.end < gate
    scores = np.where(
        is_low, scale_anomalous_scores(gate, smooth), scale_normal_scores(gate, smooth)
    )
    # Neighbouring stamps share windows, so low scores come in groups, and no tail can be fitted.
    return Calibration.of(scores, np.ones(len(scores)), threshold=gate, has_tail=False)


def _witnesses(learned, windows, n_old, partial):
    """Return the stamps and the windows with which later stamps are compared.

    The stamps are given by their places, and the windows by a mask. In a stream, each stamp counts
    once: when all windows that will cover it are known.
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
    """Return the places of the windows ``some`` among all windows."""
    return np.searchsorted(windows.starts, some.starts)


def _score_without_blocks(layer, rows, every, suspects):
    """Return the activation of all windows.

    A window that was learned is scored as if its block had not been learned, nor any window that
    overlaps with the block.
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
