"""From what windows activate to scores of time stamps, their threshold and p-values.

A stamp is judged twice. Whether it is anomalous follows from the 90 % quantile of what the
windows that cover it activate: a stamp that some windows activate on is fine, and the anomaly is
elsewhere in the others. How anomalous it is follows from a smooth mean of all windows around it,
which ranks best.
"""

import warnings
from dataclasses import dataclass, replace

import numpy as np

from ._leave_out import LastLayer
from ._sampling import evenly_spaced
from ._threshold import FALSE_ALARMS, ROUNDING, Calibration, share_threshold

FINE_SHARE = 0.1  # share of the windows that cover a stamp which exceed its evidence
BLOCK_WINDOWS = 4  # widths that a block of a series, which is left out as one, has at least
BLOCKS = (5, 20)  # fewest and most of them
FEWEST_WIDTHS = 8  # windows over a window's stamps, below which a threshold is not to be trusted
MOST_ALARMS = 0.02  # share of a series' own stamps, but for outlying ones, below the gate
OUTLYING = 20.0  # of the distance from median to lower quartile, below which stamps are left out
SPREADS = 3.0  # of the blocks' quantiles, that the threshold lies below their median
N_RECENT = 50_000  # stamps that a threshold is taken from
CHUNK = 1 << 22  # entries that are sorted at once
PEAK_ENTRIES = 1 << 20  # of windows that are compared at once
N_TYPICAL = 256  # typical windows that deviations are measured from, at most
TYPICAL_ENTRIES = 1 << 16  # of their stamps, at most
N_NEAREST = 5  # of them, that a window is compared with
FAR = 2.0  # deviations beyond which a stamp is simply far, when the nearest are looked for
USUAL = 0.999  # quantile of normal stamps' deviations beyond which a stamp stands out
PEAKED = 0.1  # share of its smooth mean that the deviation of an anomalous stamp takes at most
PEAKED_AT_END = 0.5  # the same at the ends of a series, where smooth means tell stamps less apart
LOWEST_GATE = 1e-6  # evidence; scores of dead sensors are below it
HALF = 0.5  # of the largest deviation in a window: less does not stand out
NEAR = 0.125  # of a window: stamps so near one that stands out belong to it


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


def smoothed(windows, activation):
    """Mean activation around each stamp, with weights that fall towards a window's distance.

    Hann's weights, as wide as two windows. NaN where no window is.
    """
    result, width = np.full(len(windows.X), np.nan), windows.width
    kernel = hann(width)
    for first, end, of_series in _by_series(windows, activation):
        n, middle = len(of_series), width - width // 2
        total = _convolved(of_series, kernel)
        total /= _convolved(np.ones(n), kernel)
        result[first:end] = total[middle : middle + end - first]
    return result


def hann(width):
    """Weights of windows by the distance of their middle from a stamp, from -width to width."""
    return np.hanning(2 * width + 3)[1:-1]


def _convolved(values, kernel):
    """Full convolution, by Fourier transforms if that is long."""
    if len(values) < 4096 or len(kernel) < 32:
        return np.convolve(values, kernel)
    from scipy.signal import oaconvolve

    return oaconvolve(values, kernel)


def evidence_of(windows, activation):
    """The activation that a tenth of the windows which cover a stamp exceed, for each stamp.

    NaN where no window is.
    """
    result, width = np.full(len(windows.X), np.nan), windows.width
    for first, end, of_series in _by_series(windows, activation):
        n = len(of_series)
        padded = np.full(n + 2 * (width - 1), -np.inf)
        padded[width - 1 : width - 1 + n] = of_series
        cuts = np.lib.stride_tricks.sliding_window_view(padded, width)
        ranks = width - 1 - (FINE_SHARE * _n_covering(n, width)).astype(np.intp)
        found, step = np.empty(len(cuts)), max(1, CHUNK // width)
        for start in range(0, len(cuts), step):
            part = slice(start, start + step)
            ascending = np.partition(cuts[part], np.unique(ranks[part]))
            found[part] = np.take_along_axis(ascending, ranks[part, None], axis=1)[:, 0]
        result[first:end] = found
    return result


def nearness_to_end(windows):
    """0 for stamps that as many windows cover as can, up to 1 for those that one covers.

    The fewer windows, the less their best: the evidence is lower near an end of a series.
    """
    result, width = np.full(len(windows.X), np.nan), windows.width
    for first, end, of_series in _by_series(windows, windows.starts):
        result[first:end] = 1 - (_n_covering(len(of_series), width) - 1) / (width - 1)
    return result


def _n_covering(n_windows, width):
    """How many of the windows of one series cover each of its stamps."""
    at = np.arange(n_windows + width - 1)
    return np.minimum(at + 1, n_windows) - np.maximum(at + 1 - width, 0)


def _by_series(windows, values):
    """First and end stamp of each series with windows, and the values of all its windows."""
    at = 0
    for first, end in windows.bounds:
        n = end - first - windows.width + 1
        if n > 0:
            yield first, end, values[at : at + n]
            at += n


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


def stamp_scores(windows, activation, calibration, encoding, dead=None):
    """Scores of all stamps: below ``calibration.gate`` exactly where a stamp is anomalous.

    Smooth means are mapped to [0, gate) there, and to [gate, 1] elsewhere, so that they rank
    within. Among the anomalous ones, those that deviate most from typical windows come first.
    At the ends of a series, where all windows may hold the same fault, stamps that lie apart
    from those which stand out are fine.

    Parameters
    ----------
    windows : Windows
        All of the series.
    activation : ndarray of shape (n_windows,)
    calibration : SeriesCalibration
    encoding : WindowEncoding or UnitEncoding
    dead : ndarray of bool of shape (n_stamps,), default=None
        Stamps of which nothing is known: their score is 0.
    """
    scores = _scores_of(windows, judgements(windows, activation), calibration, encoding)
    if dead is not None:
        scores[dead] = 0.0
    return scores


def judgements(windows, activation):
    """Evidence, smooth mean and nearness to an end of every stamp."""
    return (
        evidence_of(windows, activation),
        smoothed(windows, activation),
        nearness_to_end(windows),
    )


def _scores_of(windows, judged, calibration, encoding):
    """``stamp_scores`` from the ``judgements`` of the stamps."""
    evidence, smooth, end = judged
    gate = calibration.gate
    anomalous = np.flatnonzero(evidence + calibration.edge * end < gate)
    scores = _above(gate, smooth)
    if len(anomalous):
        kept, apart = _peaks(windows, anomalous, calibration, encoding)
        found = anomalous[~apart]
        scores[found] = _below(gate, smooth[found] * kept[~apart])
    return scores


def newest_score(windows, activation, calibration, encoding):
    """What ``stamp_scores`` says of the last stamp of one series, at the cost of one window."""
    gate, width, last = calibration.gate, windows.width, len(windows.X) - 1
    at = width - width // 2 + last - np.arange(len(activation))
    near = at <= 2 * width
    weight = hann(width)[at[near]]
    smooth = weight @ activation[near] / weight.sum()
    if activation[-1] + calibration.edge < gate:
        kept, apart = _peaks(windows, np.array([last]), calibration, encoding)
        if not apart[0]:
            return _below(gate, smooth * kept[0])
    return _above(gate, smooth)


def _above(gate, smooth):
    """Scores of normal stamps, from the gate to 1."""
    return gate + (1 - gate) * np.clip(smooth, 0, 1)


def _below(gate, smooth):
    """Scores of anomalous stamps, from 0 to just below the gate."""
    return np.clip(gate * smooth, 0, np.nextafter(gate, -np.inf))


def start_around(windows, stamps):
    """Start of the window whose middle is nearest to each stamp, and the bounds of its series."""
    bounds = np.array(windows.bounds)
    first, end = bounds[np.searchsorted(bounds[:, 1], stamps, side="right")].T
    start = np.clip(stamps - windows.width // 2, first, end - windows.width)
    return start, first, end


def _peaks(windows, stamps, calibration, encoding):
    """How much of its smooth mean each anomalous stamp keeps, and whether others stand out.

    Each is looked at in the window around it. Others stand out if the stamp is near an end of the
    series, and only stamps further than an eighth of a window from it deviate much.
    """
    width = windows.width
    kept, apart = np.ones(len(stamps)), np.zeros(len(stamps), dtype=bool)
    start, first, end = start_around(windows, stamps)
    is_near_end = (stamps < first + width - 1) | (stamps > end - width)
    chosen, of_stamp = np.unique(start, return_inverse=True)
    step, near = max(1, PEAK_ENTRIES // windows.shape[1]), max(1, int(NEAR * width))
    for begin in range(0, len(chosen), step):
        part = chosen[begin : begin + step]
        rows = windows[np.searchsorted(windows.starts, part)]
        deviations = deviations_of(rows, calibration.typical, encoding)
        here = np.flatnonzero((of_stamp >= begin) & (of_stamp < begin + len(part)))
        row, at = of_stamp[here] - begin, stamps[here] - start[here]
        own = deviations[row, at]
        taken = np.where(is_near_end[here], PEAKED_AT_END, PEAKED)
        kept[here] = 1 - taken * own / (own + max(calibration.deviation, 1e-12))
        largest = deviations.max(axis=1, keepdims=True)
        far = deviations > np.maximum(calibration.deviation, HALF * largest)
        padded = np.pad(far, [(0, 0), (near, near)])
        around = np.lib.stride_tricks.sliding_window_view(padded, 2 * near + 1, axis=1).any(axis=2)
        apart[here] = is_near_end[here] & far.any(axis=1)[row] & ~around[row, at]
    return kept, apart


def deviations_of(rows, typical, encoding, nearest=slice(0, N_NEAREST)):
    """How far each stamp of windows is from the nearest typical windows, (n_windows, width).

    The median over those windows of the largest deviation of a channel.
    """
    width = rows.width
    Z = encoding.standardise(rows)
    result = np.empty((len(Z), width))
    for i, z in enumerate(Z):
        change = np.abs(typical - z)
        short = np.minimum(change, FAR)
        few = np.argsort(np.einsum("ij,ij->i", short, short), kind="stable")[nearest]
        change = change[few].reshape(len(few), width, -1)
        result[i] = np.median(change.max(axis=2), axis=0)
    return result


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
