"""From what windows activate to scores of time stamps, their threshold and p-values.

A stamp is judged twice. Whether it is anomalous follows from the 90 % quantile of what the
windows that cover it activate: a stamp that some windows activate on is fine, and the anomaly is
elsewhere in the others. How anomalous it is follows from a smooth mean of all windows around it,
which ranks best.
"""

import numpy as np

FINE_SHARE = 0.1  # share of the windows that cover a stamp which exceed its evidence
CHUNK = 1 << 22  # entries that are sorted at once
PEAK_ENTRIES = 1 << 20  # of windows that are compared at once
N_NEAREST = 5  # of them, that a window is compared with
FAR = 2.0  # deviations beyond which a stamp is simply far, when the nearest are looked for
PEAKED = 0.1  # share of its smooth mean that the deviation of an anomalous stamp takes at most
PEAKED_AT_END = 0.5  # the same at the ends of a series, where smooth means tell stamps less apart
HALF = 0.5  # of the largest deviation in a window: less does not stand out
NEAR = 0.125  # of a window: stamps so near one that stands out belong to it


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
