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
from ._threshold import FALSE_ALARMS, Calibration, share_threshold

FINE_SHARE = 0.1  # share of the windows that cover a stamp which exceed its evidence
BLOCK_WINDOWS = 4  # widths that a block of a series, which is left out as one, has at least
BLOCKS = (5, 20)  # fewest and most of them
FEWEST_WIDTHS = 8  # windows over a window's stamps, below which a threshold is not to be trusted
SPREADS = 2.5  # of the blocks' quantiles, that the threshold lies below their median
N_RECENT = 50_000  # stamps that a threshold is taken from
CHUNK = 1 << 22  # entries that are sorted at once
N_TYPICAL = 256  # typical windows that deviations are measured from, at most
TYPICAL_ENTRIES = 1 << 16  # of their stamps, at most
N_NEAREST = 5  # of them, that a window is compared with
FAR = 2.0  # deviations beyond which a stamp is simply far, when the nearest are looked for
USUAL = 0.999  # quantile of normal stamps' deviations beyond which a stamp stands out
PEAKED = 0.1  # share of its smooth mean that the deviation of an anomalous stamp takes at most
PEAKED_AT_END = 0.5  # the same at the ends of a series, where smooth means tell stamps less apart
HALF = 0.5  # of the largest deviation in a window: less does not stand out
NEAR = 0.125  # of a window: stamps so near one that stands out belong to it


@dataclass
class SeriesCalibration:
    """What is known of the windows of normal series.

    ``evidence``, ``smooth`` and ``newest`` are those of recent stamps, each without its own block;
    ``newest`` is what the window activates that ends there, NaN where none does.
    ``gate`` is the evidence below which a stamp is anomalous. ``typical`` are standardised windows
    to compare with, and ``deviation`` how far normal stamps are from the nearest of them, at most.
    """

    evidence: np.ndarray
    smooth: np.ndarray
    newest: np.ndarray
    gate: float
    edge: float
    typical: np.ndarray
    deviation: float

    def after(self, before):
        """This and an earlier calibration as one, of the latest stamps of both."""
        names = ("evidence", "smooth", "newest")
        pairs = [(getattr(before, name), getattr(self, name)) for name in names]
        recent = {
            name: np.concatenate(p)[-N_RECENT:] for name, p in zip(names, pairs, strict=True)
        }
        return replace(self, **recent)

    def find_gate(self, width, contamination):
        """Set the gate, and how much lower that of the newest stamp is."""
        newest = self.newest[~np.isnan(self.newest)]
        self.gate = gate_of(self.evidence, width, contamination)
        self.edge = max(self.gate - gate_of(newest, width, contamination), 0.0)


def smoothed(windows, activation):
    """Mean activation around each stamp, with weights that fall towards a window's distance.

    Hann's weights, as wide as two windows. NaN where no window is.
    """
    result, width = np.full(len(windows.X), np.nan), windows.width
    kernel = np.hanning(2 * width + 2)[1:-1]
    for first, end, of_series in _by_series(windows, activation):
        n = len(of_series)
        total = _convolved(of_series, kernel)
        total /= _convolved(np.ones(n), kernel)
        result[first:end] = total[width // 2 : width // 2 + end - first]
    return result


def _convolved(values, kernel):
    """Full convolution, by Fourier transforms if that is long."""
    if len(values) < 4096 or len(kernel) < 32:
        return np.convolve(values, kernel)
    from scipy.signal import oaconvolve

    return oaconvolve(values, kernel)


def evidence_of(windows, activation, edge=0.0):
    """The activation that a tenth of the windows which cover a stamp exceed, for each stamp.

    NaN where no window is. Near an end of a series fewer windows cover a stamp, and the best of
    few is worse: ``edge`` is added to the activation of the only window at the end, and less of it
    to the evidence of other stamps near there.
    """
    result, width = np.full(len(windows.X), np.nan), windows.width
    for first, end, of_series in _by_series(windows, activation):
        n = len(of_series)
        padded = np.full(n + 2 * (width - 1), -np.inf)
        padded[width - 1 : width - 1 + n] = of_series
        cuts = np.lib.stride_tricks.sliding_window_view(padded, width)
        at = np.arange(len(cuts))
        n_covering = np.minimum(at + 1, n) - np.maximum(at + 1 - width, 0)
        ranks = width - 1 - (FINE_SHARE * n_covering).astype(np.intp)
        found, step = np.empty(len(cuts)), max(1, CHUNK // width)
        for start in range(0, len(cuts), step):
            part = slice(start, start + step)
            ascending = np.partition(cuts[part], np.unique(ranks[part]))
            found[part] = np.take_along_axis(ascending, ranks[part, None], axis=1)[:, 0]
        result[first:end] = found + edge * (1 - (n_covering - 1) / (width - 1))
    return result


def newest_of(windows, activation):
    """What the window activates that ends at each stamp, NaN where none does."""
    result = np.full(len(windows.X), np.nan)
    result[windows.starts + windows.width - 1] = activation
    return result


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

    The 1 % quantiles of blocks of the series spread about their median; the gate lies 2.5 such
    spreads below it. Blocks above the median alone tell the spread: those below may hold the
    series' own anomalies.
    """
    if contamination != "auto":
        return share_threshold(evidence, np.ones(len(evidence)), contamination)
    n_blocks = int(np.clip(len(evidence) // (BLOCK_WINDOWS * width), *BLOCKS))
    parts = np.array_split(evidence, min(n_blocks, len(evidence)))
    low = np.array([np.quantile(part, FALSE_ALARMS) for part in parts])
    above = low[low >= np.median(low)] - np.median(low)
    spread = np.sqrt(np.mean(above**2) * (1 + 1 / len(low)))
    return float(np.median(low) - SPREADS * spread)


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
    encoding : an encoding with ``standardise``, or None
        None leaves deviations out.
    dead : ndarray of bool of shape (n_stamps,), default=None
        Stamps of which nothing is known: their score is 0.
    """
    gate = calibration.gate
    evidence = evidence_of(windows, activation, calibration.edge)
    smooth = smoothed(windows, activation)
    anomalous = np.flatnonzero(evidence < gate)
    peaked = np.ones(len(anomalous))
    if encoding is not None and len(anomalous):
        peaked, apart = _peaks(windows, anomalous, calibration, encoding)
        anomalous, peaked = anomalous[~apart], peaked[~apart]
    low, high = np.nextafter(gate, -np.inf), 1.0
    scores = gate + (high - gate) * np.clip(smooth, 0, 1)
    scores[anomalous] = np.clip(gate * smooth[anomalous] * peaked, 0, low) if gate > 0 else low
    if dead is not None:
        scores[dead] = 0.0
    return scores


def newest_score(windows, activation, calibration, encoding):
    """What ``stamp_scores`` says of the last stamp of one series, at the cost of one window."""
    gate, width, n = calibration.gate, windows.width, len(activation)
    at = width // 2 + len(windows.X) - 1 - np.arange(n)
    near = at < 2 * width
    weight = np.hanning(2 * width + 2)[1:-1][at[near]]
    smooth = np.clip(weight @ activation[near] / weight.sum(), 0, 1)
    evidence = activation[-1] + calibration.edge
    if evidence < gate:
        peaked, apart = np.ones(1), np.zeros(1, dtype=bool)
        if encoding is not None:
            last = np.array([len(windows.X) - 1])
            peaked, apart = _peaks(windows, last, calibration, encoding)
        if not apart[0]:
            low = np.nextafter(gate, -np.inf)
            return min(max(gate * smooth * peaked[0], 0.0), low) if gate > 0 else low
    return gate + (1 - gate) * smooth


def _peaks(windows, stamps, calibration, encoding):
    """How much of its smooth mean each anomalous stamp keeps, and whether it is apart from those.

    Each is looked at in the window whose middle is nearest.
    """
    width = windows.width
    all_starts = windows.starts
    share, apart = np.ones(len(stamps)), np.zeros(len(stamps), dtype=bool)
    bounds = np.array(windows.bounds)
    series = np.searchsorted(bounds[:, 1], stamps, side="right")
    first, end = bounds[series].T
    start = np.clip(stamps - width // 2, first, end - width)
    edge = (stamps < first + width - 1) | (stamps > end - width)
    chosen, of_stamp = np.unique(start, return_inverse=True)
    step, near = max(1, (1 << 20) // windows.shape[1]), max(1, int(NEAR * width))
    for begin in range(0, len(chosen), step):
        part = chosen[begin : begin + step]
        rows = windows[np.searchsorted(all_starts, part)]
        deviations = deviations_of(rows, calibration.typical, encoding)
        of_part = np.flatnonzero((of_stamp >= begin) & (of_stamp < begin + len(part)))
        row, at = of_stamp[of_part] - begin, stamps[of_part] - start[of_part]
        own = deviations[row, at]
        peaked = np.where(edge[of_part], PEAKED_AT_END, PEAKED)
        share[of_part] = 1 - peaked * own / (own + max(calibration.deviation, 1e-12))
        far = deviations > np.maximum(
            calibration.deviation, HALF * deviations.max(axis=1, keepdims=True)
        )
        padded = np.pad(far, [(0, 0), (near, near)])
        around = np.lib.stride_tricks.sliding_window_view(padded, 2 * near + 1, axis=1).any(axis=2)
        apart[of_part] = edge[of_part] & far.any(axis=1)[row] & ~around[row, at]
    return share, apart


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
    few = better[np.unique(np.linspace(0, len(better) - 1, most).astype(np.intp))]
    if encoding is None:
        return np.empty((0, windows.shape[1])), 0.0
    typical = encoding.standardise(windows[few])
    some = few[:: max(1, len(few) // 64)]
    others = slice(min(1, len(few) - 1), 1 + N_NEAREST)  # the nearest is the window itself
    found = deviations_of(windows[some], typical, encoding, others)
    return typical, float(np.quantile(found, USUAL))


def calibrate_series(solution, rows, task, contamination, before=None, activation=None):
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

    Returns
    -------
    series : SeriesCalibration
    scores : ndarray of shape (n_stamps,)
        NaN for stamps that no window covers.
    activation : ndarray of shape (n_windows,)
        Of all windows of the series.
    """
    share = None if contamination == "auto" else contamination
    layer, learned = LastLayer.of(solution, task), rows.X
    windows = learned.all()
    every = rows.of(windows)
    suspects = np.zeros(len(learned), dtype=bool)
    if share is not None and activation is None:
        scores = layer.scores(rows)
        suspects = scores < share_threshold(scores, rows.weight, share)
        if layer.holds(rows) and 0 < np.count_nonzero(suspects) < len(rows):
            layer.leave_out(rows, suspects)
        else:
            suspects[:] = False
    if activation is None:
        activation = _without_blocks(layer, rows, every, suspects)
    encoding = rows.encoding if hasattr(rows.encoding, "columns") else None
    weight = windows.to_stamps(np.bincount(_places(learned, windows), minlength=len(windows)))
    counts = np.flatnonzero(np.nan_to_num(weight) > 0)
    if before is None:
        counts = counts[np.unique(np.linspace(0, len(counts) - 1, N_RECENT).astype(np.intp))]
    series = SeriesCalibration(
        evidence_of(windows, activation)[counts],
        smoothed(windows, activation)[counts],
        newest_of(windows, activation)[counts],
        0.0,
        0.0,
        *typical_of(windows, activation, encoding),
    )
    if before is not None:
        series = series.after(before)
    series.find_gate(windows.width, contamination)
    scores = stamp_scores(windows, activation, series, encoding)
    return series, scores, activation


def calibration_of(series):
    """What thresholds and p-values of stamps compare with."""
    gate = series.gate
    scores = np.where(
        series.evidence < gate,
        max(gate, 0) * np.clip(series.smooth, 0, 1),
        gate + (1 - gate) * np.clip(series.smooth, 0, 1),
    )
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
    n_blocks = int(np.clip(n // (BLOCK_WINDOWS * width), *BLOCKS))
    for index in np.array_split(np.arange(n), min(n_blocks, n)):
        part, starts = slice(index[0], index[-1] + 1), windows.starts
        near = slice(
            int(np.searchsorted(starts, starts[part.start] - width, side="right")),
            int(np.searchsorted(starts, starts[part.stop - 1] + width)),
        )
        result[part] = layer.scores_of_block(every, part, near, weight[near])
    return result
