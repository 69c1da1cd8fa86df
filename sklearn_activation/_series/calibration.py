"""What is known of normal series: the gate of their stamps, and how it is found."""

import warnings
from dataclasses import dataclass, replace

import numpy as np

from .._detection.leave_out import LastLayer
from .._detection.threshold import FALSE_ALARMS, ROUNDING, Calibration, share_threshold
from .._rows.sample import evenly_spaced
from .stamps import N_NEAREST, _above, _below, _scores_of, deviations_of, judgements

BLOCK_WINDOWS = 4  # widths that a block of a series, which is left out as one, has at least
BLOCKS = (5, 20)  # fewest and most of them
FEWEST_WIDTHS = 8  # windows over a window's stamps, below which a threshold is not to be trusted
MOST_ALARMS = 0.02  # share of a series' own stamps, but for outlying ones, below the gate
OUTLYING = 20.0  # of the distance from median to lower quartile, below which stamps are left out
SPREADS = 3.0  # of the blocks' quantiles, that the threshold lies below their median
N_RECENT = 50_000  # stamps that a threshold is taken from
N_TYPICAL = 256  # typical windows that deviations are measured from, at most
TYPICAL_ENTRIES = 1 << 16  # of their stamps, at most
USUAL = 0.999  # quantile of normal stamps' deviations beyond which a stamp stands out
LOWEST_GATE = 1e-6  # evidence; scores of dead sensors are below it


@dataclass
class SeriesCalibration:
    """What is known of the windows of normal series.

    Parameters
    ----------
    evidence, smooth : ndarray of shape (n_stamps,)
        Of recent stamps, each by what all but its own block teach, as ``evidence_of`` and
        ``smoothed`` say.
    end : ndarray of shape (n_stamps,)
        How near to an end of its series each stamp is, from 0 to 1 (``nearness_to_end``).
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

    evidence: np.ndarray
    smooth: np.ndarray
    end: np.ndarray
    newest: np.ndarray
    gate: float = LOWEST_GATE
    edge: float = 0.0
    typical: np.ndarray | None = None
    deviation: float = 0.0

    @classmethod
    def of_nothing(cls):
        """Before anything is calibrated: no stamp is anomalous."""
        return cls(*np.empty((4, 0)))

    def after(self, before):
        """This and an earlier calibration as one, of the latest stamps of both."""
        names = ("evidence", "smooth", "end", "newest")
        both = {name: [getattr(before, name), getattr(self, name)] for name in names}
        return replace(self, **{name: np.concatenate(p)[-N_RECENT:] for name, p in both.items()})

    def find_gate(self, width, contamination):
        """Set the gate, and how much lower it would be if each stamp had its newest window."""
        gate = gate_of(self.evidence, width, contamination)
        self.edge = max(gate - gate_of(self.newest, width, contamination), 0.0)
        raised = self.evidence + self.edge * self.end
        self.gate = max(gate_of(raised, width, contamination), LOWEST_GATE)


def gate_of(evidence, width, contamination="auto"):
    """The evidence below which normal stamps rarely are, or a stated share of the stamps.

    The 1 % quantiles of blocks of the series spread about their median; the gate lies three such
    spreads below it. Blocks above the median alone tell the spread: those below may hold the
    series' own anomalies. Stamps that lie far below all others are anomalies and left out; of the
    rest 2 % at most are below the gate.
    """
    if contamination != "auto":
        return share_threshold(evidence, np.ones(len(evidence)), contamination)
    evidence = evidence[evidence >= outlying(evidence)]
    parts = np.array_split(evidence, n_blocks_of(len(evidence), width))
    low = np.array([np.quantile(part, FALSE_ALARMS) for part in parts])
    above = low[low >= np.median(low)] - np.median(low)
    spread = np.sqrt(np.mean(above**2) * (1 + 1 / len(low)))
    gate = min(np.median(low) - SPREADS * spread, np.quantile(evidence, MOST_ALARMS))
    return float(gate - ROUNDING)


def n_blocks_of(n, width):
    """How many blocks ``n`` stamps, or windows of ``width`` stamps, are cut into."""
    return min(int(np.clip(n // (BLOCK_WINDOWS * width), *BLOCKS)), n)


def outlying(evidence):
    """The evidence far below that of all normal stamps."""
    quartile, median = np.quantile(evidence, [0.25, 0.5])
    return median - OUTLYING * (median - quartile)


def typical_of(windows, activation, encoding):
    """Windows of the better half, standardised, and how far normal stamps are from the nearest."""
    most = int(np.clip(TYPICAL_ENTRIES // windows.shape[1], 16, N_TYPICAL))
    better = np.flatnonzero(activation >= np.median(activation))
    few = better[evenly_spaced(len(better), most)]
    typical = encoding.standardise(windows[few])
    some = few[:: max(1, len(few) // 64)]
    others = slice(min(1, len(few) - 1), 1 + N_NEAREST)  # the nearest is the window itself
    found = deviations_of(windows[some], typical, encoding, others)
    return typical, float(np.quantile(found, USUAL))


def calibrate_series(solution, rows, task, contamination, before=None, activation=None, n_old=0):
    """Scores of the stamps of a training series without their own block, and a threshold.

    Parameters
    ----------
    solution : Solution
        As in ``_threshold.calibrate``.
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

    Returns
    -------
    series : SeriesCalibration
    scores : ndarray of shape (n_stamps,)
        NaN for stamps that no window covers.
    activation : ndarray of shape (n_windows,)
        Of all windows of the series.
    """
    layer, learned = LastLayer.of(solution, task), rows.X
    windows = learned.all()
    if activation is None:
        suspects = np.zeros(len(learned), dtype=bool)
        if contamination != "auto":
            suspects = _suspects(layer, rows, contamination)
        activation = _without_blocks(layer, rows, rows.of(windows), suspects)
    counts = np.bincount(_places(learned, windows), minlength=len(windows)) > 0
    counts[:n_old] = True
    stamps = np.nan_to_num(windows.to_stamps(counts.astype(float))) > 0
    if task.partial:  # each stamp once, when the windows that will cover it are known
        stamps[:n_old] = False
        stamps[max(len(stamps) - windows.width + 1, 1) :] = False
    stamps, counts[:n_old] = np.flatnonzero(stamps), False
    if before is None:
        stamps = stamps[evenly_spaced(len(stamps), N_RECENT)]
        typical, deviation = typical_of(windows, activation, rows.encoding)
    else:
        typical, deviation = before.typical, before.deviation
    judged = judgements(windows, activation)
    series = SeriesCalibration(
        *(values[stamps] for values in judged),
        activation[counts][-N_RECENT:],
        typical=typical,
        deviation=deviation,
    )
    if before is not None:
        series = series.after(before)
    series.find_gate(windows.width, contamination)
    if contamination == "auto" and series.gate < outlying(series.evidence) - 2 * ROUNDING:
        warnings.warn(
            "The threshold lies far below what is usual in this series, which may hold many "
            "anomalies: leave them out, state contamination, or give a shorter window.",
            UserWarning,
            stacklevel=2,
        )
    return series, _scores_of(windows, judged, series, rows.encoding), activation


def _suspects(layer, rows, share):
    """Mask of the windows that activate least, which leave the statistics if they can."""
    scores = layer.scores(rows)
    suspects = scores < share_threshold(scores, rows.weight, share)
    if layer.holds(rows) and 0 < np.count_nonzero(suspects) < len(rows):
        layer.leave_out(rows, suspects)
        return suspects
    return np.zeros(len(rows), dtype=bool)


def calibration_of(series):
    """What thresholds and p-values of stamps compare with."""
    gate, smooth = series.gate, series.smooth
    is_low = series.evidence + series.edge * series.end < gate
    scores = np.where(is_low, _below(gate, smooth), _above(gate, smooth))
    calibration = Calibration.of(scores, np.ones(len(scores)))
    calibration.threshold, calibration.has_tail = gate, False  # neighbours are no witnesses
    return calibration


def _places(some, windows):
    """Where ``some`` of the windows stand among all of them."""
    return np.searchsorted(windows.starts, some.starts)


def _without_blocks(layer, rows, every, suspects):
    """Activation of all windows, of those that were learned without their block.

    All windows that overlap with the block are left out with it.
    """
    learned, windows = rows.X, every.X
    n, width = len(windows), windows.width
    if n < FEWEST_WIDTHS * width:
        warnings.warn(
            f"{n + width - 1} time stamps are too few for a threshold with window={width}: expect "
            f"false alarms, or give {(FEWEST_WIDTHS + 1) * width} stamps or more, or a shorter "
            "window.",
            UserWarning,
            stacklevel=2,
        )
    weight, result = np.zeros(n), np.empty(n)
    weight[_places(learned, windows)] = np.where(suspects, 0.0, rows.weight)
    for index in np.array_split(np.arange(n), n_blocks_of(n, width)):
        part, starts = slice(index[0], index[-1] + 1), windows.starts
        near = slice(
            int(np.searchsorted(starts, starts[part.start] - width, side="right")),
            int(np.searchsorted(starts, starts[part.stop - 1] + width)),
        )
        result[part] = layer.scores_of_block(every, part, near, weight[near])
    return result
