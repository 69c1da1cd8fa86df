"""The automatic width of windows."""

import numpy as np

from .._rows.scales import column_scales


def choose_width(X, bounds, *, least_stamps=100, most_share=0.1, longest_lag=1000):
    """Choose a width of windows for detection, and give the reason.

    The width is the shortest multiple of the period that has ``least_stamps``. The width is at
    most ``most_share`` of the shortest series with ``least_stamps`` stamps. Without a period, the
    width is ``least_stamps`` or this share, whichever is less.

    Parameters
    ----------
    X : ndarray of shape (n_stamps, n_channels)
        Stamps of all series, with NaN for missing entries.
    bounds : list of (first, end)
        First stamp of every series, and the stamp after its last.
    least_stamps : int, default=100
        Least number of stamps in a window, if the series are long enough. Series shorter than this
        do not limit the width, unless all series are shorter.
    most_share : float, default=0.1
        Largest share of the shortest series that a window takes.
    longest_lag : int, default=1000
        Longest period that is considered, in stamps.

    Returns
    -------
    width : int
        Number of stamps in a window.
    reason : str
        Text that ``verbose`` prints.
    """
    lengths = [end - first for first, end in bounds]
    shortest = min([n for n in lengths if n >= least_stamps] or [max(lengths)])
    most = max(2, int(most_share * shortest))
    n_lags = min(longest_lag, shortest // 3)
    period, height = _find_period(X, bounds, n_lags)
    width = period * -(-least_stamps // period)
    if width > most:
        width = max(2, most // period * period or most)
    if period == 1:
        return width, f"window={width}: no period of up to {n_lags} time steps was found"
    return width, f"window={width}: the period is {period} (autocorrelation {height:.2f})"


def _find_period(X, bounds, n_lags, *, least_height=0.1, least_share=0.8):
    """Find the shortest lag at which the autocorrelation has a high peak.

    The autocorrelation is averaged over channels and series. If there are several high peaks, for
    instance a day and a week, the shortest lag is taken. In a shorter window, short events stand
    out more.

    Parameters
    ----------
    X : ndarray of shape (n_stamps, n_channels)
    bounds : list of (first, end)
    n_lags : int
        Number of lags to consider, in stamps, from 0.
    least_height : float, default=0.1
        Least autocorrelation of a peak.
    least_share : float, default=0.8
        Least height of a peak, as a share of the highest peak.

    Returns
    -------
    period : int
        Number of stamps in a period, or 1 if there is no peak.
    height : float
        Autocorrelation at the period, or 0 if there is no peak.
    """
    if n_lags < 4:
        return 1, 0.0
    correlation = np.zeros(n_lags)
    for first, end in bounds:
        x = X[first:end].astype(np.float64)
        location, scale = column_scales(x, np.ones(len(x)))
        x = np.nan_to_num((x - location) / scale)
        # Channels that are constant up to rounding have no period.
        x = x[:, x.std(axis=0) > 1e-6]
        if not x.shape[1] or len(x) < n_lags:
            continue
        spectrum = np.fft.rfft(x, 2 * len(x), axis=0)
        power = (spectrum * spectrum.conj()).real.mean(axis=1)
        correlation += np.fft.irfft(power)[:n_lags] / len(bounds) / len(x)
    inner = correlation[1:-1]
    peaks = 1 + np.flatnonzero((inner > correlation[:-2]) & (inner > correlation[2:]))
    peaks = peaks[(peaks >= 3) & (correlation[peaks] > least_height)]
    if not len(peaks):
        return 1, 0.0
    period = peaks[correlation[peaks] >= least_share * correlation[peaks].max()][0]
    return int(period), float(correlation[period])
