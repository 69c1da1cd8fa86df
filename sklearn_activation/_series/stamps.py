"""From what windows activate to scores of time stamps.

A stamp is judged twice. Whether it is anomalous follows from the 90 % quantile of what the
windows that cover it activate: a stamp that some windows activate on is fine, and the anomaly is
elsewhere in the others. How anomalous it is follows from a smooth mean of all windows around it,
which ranks best.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .._blocks import map_blocks


def smooth_activation(windows, activation):
    """Return the mean activation around each stamp, in which near windows weigh most.

    The weights are Hann's, as wide as two windows.

    Parameters
    ----------
    windows : Windows
        All windows of the series.
    activation : ndarray of shape (n_windows,)

    Returns
    -------
    smooth : ndarray of shape (n_stamps,)
        A stamp of a series without windows has NaN.
    """
    result, width = np.full(len(windows.X), np.nan), windows.width
    kernel = hann(width)
    for first, end, of_series in _split_by_series(windows, activation):
        n, middle = len(of_series), width - width // 2
        total = _convolve(of_series, kernel)
        total /= _convolve(np.ones(n), kernel)
        result[first:end] = total[middle : middle + end - first]
    return result


def hann(width):
    """Weights of windows by the distance of their middle from a stamp, from -width to width."""
    return np.hanning(2 * width + 3)[1:-1]


def _convolve(values, kernel):
    """Return the full convolution, by Fourier transforms where they are faster."""
    if len(values) < 4096 or len(kernel) < 32:
        return np.convolve(values, kernel)
    from scipy.signal import oaconvolve

    return oaconvolve(values, kernel)


def find_evidence(windows, activation, *, fine_share=0.1):
    """Return for each stamp the activation that some of the windows which cover it exceed.

    Parameters
    ----------
    windows : Windows
        All windows of the series.
    activation : ndarray of shape (n_windows,)
    fine_share : float, default=0.1
        Share of the windows that cover a stamp which exceed its evidence.

    Returns
    -------
    evidence : ndarray of shape (n_stamps,)
        A stamp of a series without windows has NaN.
    """
    result = np.full(len(windows.X), np.nan)
    for first, end, of_series in _split_by_series(windows, activation):
        result[first:end] = _evidence_of_series(of_series, windows.width, fine_share)
    return result


def _evidence_of_series(activation, width, fine_share):
    """Return the evidence of the stamps of one series."""
    n = len(activation)
    padded = np.full(n + 2 * (width - 1), -np.inf)
    padded[width - 1 : width - 1 + n] = activation
    covering = sliding_window_view(padded, width)
    ranks = width - 1 - (fine_share * _count_covering(n, width)).astype(np.intp)

    def find(stamps):
        ascending = np.partition(covering[stamps], np.unique(ranks[stamps]))
        return np.take_along_axis(ascending, ranks[stamps, None], axis=1)[:, 0]

    return np.concatenate(list(map_blocks(find, len(covering), width)))


def measure_nearness_to_end(windows):
    """Return 0 for stamps that as many windows cover as can, up to 1 for those that one covers.

    The fewer windows, the less their best: the evidence is lower near an end of a series. A stamp
    of a series without windows has NaN.
    """
    result, width = np.full(len(windows.X), np.nan), windows.width
    for first, end, of_series in _split_by_series(windows, windows.starts):
        result[first:end] = 1 - (_count_covering(len(of_series), width) - 1) / (width - 1)
    return result


def _count_covering(n_windows, width):
    """Count the windows of one series that cover each of its stamps."""
    at = np.arange(n_windows + width - 1)
    return np.minimum(at + 1, n_windows) - np.maximum(at + 1 - width, 0)


def _split_by_series(windows, values):
    """Yield first and end stamp of each series with windows, and the values of its windows."""
    at = 0
    for first, end in windows.bounds:
        n = end - first - windows.width + 1
        if n > 0:
            yield first, end, values[at : at + n]
            at += n


def score_stamps(windows, activation, series, encoding, dead=None):
    """Return scores of all stamps, below ``series.gate`` exactly where one is anomalous.

    Smooth means are mapped to [0, gate) for anomalous stamps and to [gate, 1] for others, so that
    stamps rank by them within both. Among the anomalous ones, stamps that deviate most from
    typical windows come first. Near the ends of a series, where all windows may hold the same
    fault, a stamp is fine if others stand out and all of them lie apart from it.

    Parameters
    ----------
    windows : Windows
        All windows of the series.
    activation : ndarray of shape (n_windows,)
    series : SeriesCalibration
    encoding : WindowEncoding or UnitEncoding
    dead : ndarray of bool of shape (n_stamps,), default=None
        Stamps of which nothing is known: their score is 0.

    Returns
    -------
    scores : ndarray of shape (n_stamps,)
        A stamp of a series without windows has NaN.
    """
    scores = score_judged_stamps(windows, judge_stamps(windows, activation), series, encoding)
    if dead is not None:
        scores[dead] = 0.0
    return scores


def judge_stamps(windows, activation):
    """Return evidence, smooth mean and nearness to an end of every stamp."""
    return (
        find_evidence(windows, activation),
        smooth_activation(windows, activation),
        measure_nearness_to_end(windows),
    )


def score_judged_stamps(windows, judged, series, encoding):
    """Return ``score_stamps`` from the ``judge_stamps`` of the stamps."""
    evidence, smooth, end = judged
    gate = series.gate
    anomalous = np.flatnonzero(evidence + series.edge * end < gate)
    scores = scale_normal_scores(gate, smooth)
    if len(anomalous):
        kept, apart = _compare_with_typical(windows, anomalous, series, encoding)
        found = anomalous[~apart]
        scores[found] = scale_anomalous_scores(gate, smooth[found] * kept[~apart])
    return scores


def score_newest_stamp(windows, activation, series, encoding):
    """Return what ``score_stamps`` says of the last stamp, at the cost of one window.

    Parameters
    ----------
    windows : Windows
        The last windows of one series, enough to cover twice the width.
    activation : ndarray of shape (n_windows,)
    series : SeriesCalibration
    encoding : WindowEncoding or UnitEncoding

    Returns
    -------
    score : float
    """
    gate, width, last = series.gate, windows.width, len(windows.X) - 1
    at = width - width // 2 + last - np.arange(len(activation))
    near = at <= 2 * width
    weight = hann(width)[at[near]]
    smooth = weight @ activation[near] / weight.sum()
    if activation[-1] + series.edge < gate:
        kept, apart = _compare_with_typical(windows, np.array([last]), series, encoding)
        if not apart[0]:
            return scale_anomalous_scores(gate, smooth * kept[0])
    return scale_normal_scores(gate, smooth)


def scale_normal_scores(gate, smooth):
    """Return scores of normal stamps, from the gate to 1."""
    return gate + (1 - gate) * np.clip(smooth, 0, 1)


def scale_anomalous_scores(gate, smooth):
    """Return scores of anomalous stamps, from 0 to just below the gate."""
    return np.clip(gate * smooth, 0, np.nextafter(gate, -np.inf))


def start_around(windows, stamps):
    """Return the start of the window around each stamp, and the bounds of its series.

    The window is that of the stamp's series whose middle is nearest to the stamp.
    """
    bounds = np.array(windows.bounds)
    first, end = bounds[np.searchsorted(bounds[:, 1], stamps, side="right")].T
    start = np.clip(stamps - windows.width // 2, first, end - windows.width)
    return start, first, end


def _compare_with_typical(
    windows, stamps, series, encoding, *, peaked_share=0.1, peaked_share_at_end=0.5
):
    """Compare the window around each anomalous stamp with typical windows.

    Parameters
    ----------
    windows : Windows
        All windows of the series.
    stamps : ndarray of int of shape (n_anomalous,)
        Anomalous stamps, ascending.
    series : SeriesCalibration
    encoding : WindowEncoding or UnitEncoding
    peaked_share : float, default=0.1
        Share of its smooth mean that a stamp loses at most by how much it deviates.
    peaked_share_at_end : float, default=0.5
        The share near the ends of a series, where smooth means tell stamps less apart.

    Returns
    -------
    kept : ndarray of shape (n_anomalous,)
        Share of its smooth mean that each stamp keeps.
    apart : ndarray of bool of shape (n_anomalous,)
        Whether the stamp is near an end of its series, and only stamps apart from it stand out.
    """
    width = windows.width
    start, first, end = start_around(windows, stamps)
    is_near_end = (stamps < first + width - 1) | (stamps > end - width)
    # As stamps ascend, the windows around them do, and each block has a slice of the stamps.
    chosen, of_stamp = np.unique(start, return_inverse=True)

    def compare(block):
        rows = windows[np.searchsorted(windows.starts, chosen[block])]
        deviations = measure_deviations(rows, series.typical, encoding)
        here = slice(*np.searchsorted(of_stamp, [block.start, block.stop]))
        row, at = of_stamp[here] - block.start, stamps[here] - start[here]
        own = deviations[row, at]
        share = np.where(is_near_end[here], peaked_share_at_end, peaked_share)
        # The least deviation keeps 0 / 0 away.
        kept = 1 - share * own / (own + max(series.deviation, 1e-12))
        stand_out, beside = _find_outstanding(deviations, series.deviation)
        return kept, is_near_end[here] & stand_out.any(axis=1)[row] & ~beside[row, at]

    # A block holds a quarter of the usual entries, as several arrays are as large as its windows.
    parts = map_blocks(compare, len(chosen), 4 * windows.shape[1])
    kept, apart = (np.concatenate(part) for part in zip(*parts, strict=True))
    return kept, apart


def _find_outstanding(deviations, usual, *, least_share=0.5, near_share=0.125):
    """Find the stamps of windows that stand out, and the stamps that belong to them.

    Parameters
    ----------
    deviations : ndarray of shape (n_windows, width)
        Deviations of the windows' stamps from typical windows.
    usual : float
        Deviation that normal stamps have at most.
    least_share : float, default=0.5
        Share of the largest deviation in its window that a stamp which stands out exceeds.
    near_share : float, default=0.125
        Share of a window's stamps: a stamp belongs to one that stands out if it is no further
        from it.

    Returns
    -------
    stand_out, beside : ndarray of bool of shape (n_windows, width)
        Stamps that stand out, and stamps that do or are near one that does.
    """
    near = max(1, int(near_share * deviations.shape[1]))
    largest = deviations.max(axis=1, keepdims=True)
    stand_out = deviations > np.maximum(usual, least_share * largest)
    padded = np.pad(stand_out, [(0, 0), (near, near)])
    return stand_out, sliding_window_view(padded, 2 * near + 1, axis=1).any(axis=2)


def measure_deviations(rows, typical, encoding, *, n_nearest=5, n_skipped=0, far=2.0):
    """Measure how far each stamp of windows is from the nearest typical windows.

    The distance is the median, over these windows, of the largest deviation of a channel.

    Parameters
    ----------
    rows : Windows
    typical : ndarray of shape (n_typical, width * n_channels)
        Standardised windows to compare with.
    encoding : WindowEncoding or UnitEncoding
    n_nearest : int, default=5
        How many of the nearest typical windows to take.
    n_skipped : int, default=0
        How many of the nearest ones to pass over before them.
    far : float, default=2.0
        Deviations beyond which entries count as equally far, when the nearest windows are sought.

    Returns
    -------
    deviations : ndarray of shape (n_windows, width)
    """
    width = rows.width
    Z = encoding.standardise(rows)
    result = np.empty((len(Z), width))
    for i, z in enumerate(Z):
        change = np.abs(typical - z)
        short = np.minimum(change, far)
        few = np.argsort(np.einsum("ij,ij->i", short, short), kind="stable")
        few = few[n_skipped : n_skipped + n_nearest]
        change = change[few].reshape(len(few), width, -1)
        result[i] = np.median(change.max(axis=2), axis=0)
    return result
