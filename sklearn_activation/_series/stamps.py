"""Scores of time steps, from the activation of the windows that cover them.

A time step, or stamp, is judged in two steps. The first step decides whether the stamp is
anomalous. This decision takes the 90 % quantile of the activation of the windows that cover the
stamp. If some of these windows have a high activation, the stamp is normal, and the anomaly in the
other windows is elsewhere. The second step decides how anomalous the stamp is. This decision takes
a smooth mean of the activation of all windows around the stamp, which ranks stamps best.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .._blocks import map_blocks


def smooth_activation(windows, activation):
    """Return a weighted mean of the activation around each stamp.

    The weights are Hann weights over the width of two windows.

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
    """Return Hann weights for the distance of a window's middle from a stamp, -width to width."""
    return np.hanning(2 * width + 3)[1:-1]


def _convolve(values, kernel):
    """Return the full convolution. Fourier transforms compute it if they are faster."""
    if len(values) < 4096 or len(kernel) < 32:
        return np.convolve(values, kernel)
    from scipy.signal import oaconvolve

    return oaconvolve(values, kernel)


def find_evidence(windows, activation, *, fine_share=0.1):
    """Return the evidence of each stamp: a high quantile of the activation of its windows.

    The windows of a stamp are all windows that cover the stamp.

    Parameters
    ----------
    windows : Windows
        All windows of the series.
    activation : ndarray of shape (n_windows,)
    fine_share : float, default=0.1
        The share ``fine_share`` of the windows that cover a stamp have a higher activation than
        its evidence.

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
    """Return how near each stamp is to an end of its series, from 0 to 1.

    The result is 0 for a stamp that the full number of windows covers, and 1 for a stamp that one
    window covers. Evidence is a high quantile over windows, so it is lower where fewer windows
    cover a stamp. A stamp of a series without windows has NaN.
    """
    result, width = np.full(len(windows.X), np.nan), windows.width
    for first, end, of_series in _split_by_series(windows, windows.starts):
        result[first:end] = 1 - (_count_covering(len(of_series), width) - 1) / (width - 1)
    return result


def _count_covering(n_windows, width):
    """Return the number of windows of one series that cover each of its stamps."""
    at = np.arange(n_windows + width - 1)
    return np.minimum(at + 1, n_windows) - np.maximum(at + 1 - width, 0)


def _split_by_series(windows, values):
    """Yield first stamp, end and window values of each series that has windows."""
    at = 0
    for first, end in windows.bounds:
        n = end - first - windows.width + 1
        if n > 0:
            yield first, end, values[at : at + n]
            at += n


def score_stamps(windows, activation, series, encoding, dead=None):
    """Return the scores of all stamps. A stamp is anomalous if its score is below ``series.gate``.

    Smooth means are mapped to [0, gate) for anomalous stamps and to [gate, 1] for normal ones.
    Within both ranges, stamps rank by their smooth mean. An anomalous stamp that deviates more
    from typical windows gets a lower score. Near an end of a series, all windows that cover a
    stamp may contain the same fault. Near an end, a stamp is therefore normal if other stamps
    stand out and the stamp is beside none of these.

    Parameters
    ----------
    windows : Windows
        All windows of the series.
    activation : ndarray of shape (n_windows,)
    series : SeriesCalibration
    encoding : WindowEncoding or UnitEncoding
    dead : ndarray of bool of shape (n_stamps,), default=None
        Mask of the stamps without any known entry, whose score is 0.

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
    """Return the evidence, the smooth mean and the nearness to an end of each stamp."""
    return (
        find_evidence(windows, activation),
        smooth_activation(windows, activation),
        measure_nearness_to_end(windows),
    )


def score_judged_stamps(windows, judged, series, encoding):
    """Return the result of ``score_stamps``, from the result of ``judge_stamps``."""
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
    """Return the score that ``score_stamps`` gives the last stamp, at the cost of one window.

    Parameters
    ----------
    windows : Windows
        The last windows of one series, which should cover twice the width.
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
    """Return the scores of normal stamps, which lie between the gate and 1."""
    return gate + (1 - gate) * np.clip(smooth, 0, 1)


def scale_anomalous_scores(gate, smooth):
    """Return the scores of anomalous stamps, which lie between 0 and just below the gate."""
    return np.clip(gate * smooth, 0, np.nextafter(gate, -np.inf))


def start_around(windows, stamps):
    """Return the start of the window around each stamp, and the bounds of its series.

    The window around a stamp is that of its series whose middle is nearest to the stamp.
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
        Largest share of its smooth mean that a stamp loses because it deviates.
    peaked_share_at_end : float, default=0.5
        The same share near an end of a series, where smooth means differ less between stamps.

    Returns
    -------
    kept : ndarray of shape (n_anomalous,)
        Share of its smooth mean that each stamp keeps.
    apart : ndarray of bool of shape (n_anomalous,)
        True for a stamp near an end of its series if other stamps stand out and the stamp is
        beside none of these.
    """
    width = windows.width
    start, first, end = start_around(windows, stamps)
    is_near_end = (stamps < first + width - 1) | (stamps > end - width)
    # The stamps ascend, and so do the windows around them. Each block has a slice of the stamps.
    chosen, of_stamp = np.unique(start, return_inverse=True)

    def compare(block):
        rows = windows[np.searchsorted(windows.starts, chosen[block])]
        deviations = measure_deviations(rows, series.typical, encoding)
        here = slice(*np.searchsorted(of_stamp, [block.start, block.stop]))
        row, at = of_stamp[here] - block.start, stamps[here] - start[here]
        own = deviations[row, at]
        share = np.where(is_near_end[here], peaked_share_at_end, peaked_share)
        # The least deviation avoids 0 / 0.
        kept = 1 - share * own / (own + max(series.deviation, 1e-12))
        stand_out, beside = _find_outstanding(deviations, series.deviation)
        return kept, is_near_end[here] & stand_out.any(axis=1)[row] & ~beside[row, at]

    # Blocks have a quarter of the usual size, because several arrays are as large as their
    # windows.
    parts = map_blocks(compare, len(chosen), 4 * windows.shape[1])
    kept, apart = (np.concatenate(part) for part in zip(*parts, strict=True))
    return kept, apart


def _find_outstanding(deviations, usual, *, least_share=0.5, near_share=0.125):
    """Find the stamps of windows that stand out, and the stamps beside them.

    Parameters
    ----------
    deviations : ndarray of shape (n_windows, width)
        Deviations of the windows' stamps from typical windows.
    usual : float
        Deviation that normal stamps rarely exceed.
    least_share : float, default=0.5
        A stamp stands out if its deviation exceeds this share of the largest one in its window.
    near_share : float, default=0.125
        A stamp is beside another if their distance is at most this share of the window.

    Returns
    -------
    stand_out, beside : ndarray of bool of shape (n_windows, width)
        Mask of the stamps that stand out, and mask of these stamps and of all stamps beside them.
    """
    near = max(1, int(near_share * deviations.shape[1]))
    largest = deviations.max(axis=1, keepdims=True)
    stand_out = deviations > np.maximum(usual, least_share * largest)
    padded = np.pad(stand_out, [(0, 0), (near, near)])
    return stand_out, sliding_window_view(padded, 2 * near + 1, axis=1).any(axis=2)


def measure_deviations(rows, typical, encoding, *, n_nearest=5, n_skipped=0, far=2.0):
    """Measure how far each stamp of a window is from the nearest typical windows.

    The distance of a stamp from a typical window is the largest deviation over the channels. The
    result is the median of the distances from the nearest typical windows.

    Parameters
    ----------
    rows : Windows
    typical : ndarray of shape (n_typical, width * n_channels)
        Standardised windows to compare with.
    encoding : WindowEncoding or UnitEncoding
    n_nearest : int, default=5
        Number of nearest typical windows.
    n_skipped : int, default=0
        Number of even nearer typical windows to skip.
    far : float, default=2.0
        In the search for the nearest windows, differences of entries are cut at this many
        deviations.

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
