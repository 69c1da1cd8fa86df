"""The width of windows that nobody has given."""

import numpy as np

from .._rows.scales import column_scales

LEAST = 100  # stamps of window="auto", if the series has 1,000
MOST_SHARE = 0.1  # share of the shortest series that window="auto" takes at most
LARGEST_LAG = 1000  # longest period that is looked for, in stamps
PEAK = 0.1  # autocorrelation that a period has at least
AS_HIGH = 0.8  # share of the highest peak from which a shorter period is preferred


def automatic_width(X, bounds):
    """A width for detection, and why: the text that ``verbose`` prints.

    The shortest multiple of the period that has 100 stamps, a tenth of the shortest series that
    has 100 at most. The period is the shortest lag at which the autocorrelation, averaged over
    channels and series, has a peak of 0.1 or more that is not much lower than its highest: of a
    day and a week, a day, so that short events do not drown. Without a peak it is 1.
    """
    lengths = [end - first for first, end in bounds]
    shortest = min([n for n in lengths if n >= LEAST] or [max(lengths)])
    most = max(2, int(MOST_SHARE * shortest))
    n_lags = min(LARGEST_LAG, shortest // 3)
    period, height = _period(X, bounds, n_lags)
    width = period * -(-LEAST // period)
    if width > most:
        width = max(2, most // period * period or most)
    if period == 1:
        return width, f"window={width}: no period of up to {n_lags} stamps was found"
    return width, f"window={width}: the period is {period} (autocorrelation {height:.2f})"


def _period(X, bounds, n_lags):
    """The shortest lag of a high peak of the autocorrelation, and the peak's height."""
    if n_lags < 4:
        return 1, 0.0
    correlation = np.zeros(n_lags)
    for first, end in bounds:
        x = X[first:end].astype(np.float64)
        location, scale = column_scales(x, np.ones(len(x)))
        x = np.nan_to_num((x - location) / scale)
        x = x[:, x.std(axis=0) > 1e-6]
        if not x.shape[1] or len(x) < n_lags:
            continue
        spectrum = np.fft.rfft(x, 2 * len(x), axis=0)
        power = (spectrum * spectrum.conj()).real.mean(axis=1)
        correlation += np.fft.irfft(power)[:n_lags] / len(bounds) / len(x)
    inner = correlation[1:-1]
    peaks = 1 + np.flatnonzero((inner > correlation[:-2]) & (inner > correlation[2:]))
    peaks = peaks[(peaks >= 3) & (correlation[peaks] > PEAK)]
    if not len(peaks):
        return 1, 0.0
    period = peaks[correlation[peaks] >= AS_HIGH * correlation[peaks].max()][0]
    return int(period), float(correlation[period])
