"""Semivariograms of series, and the weights of ordinary kriging."""

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft


def semivariogram(X, bounds, n_lags):
    """Return half the mean squared difference of two stamps, by the lag between them.

    The semivariogram of a channel x is gamma(l) = mean over t of (x[t + l] - x[t])^2 / 2, over all
    pairs of known entries in the same series [1]_. A lag without a pair gets a value between those
    of its neighbours. A channel that never changes gets gamma(l) = l, as a random walk has. Fast
    Fourier transforms give all lags at once.

    Parameters
    ----------
    X : ndarray of shape (n_stamps, n_channels)
        Stamps of all series in standard units, with NaN for missing entries.
    bounds : list of (first, end)
        First stamp of every series, and the stamp after its last.
    n_lags : int
        Number of lags, from 0.

    Returns
    -------
    gamma : ndarray of shape (n_lags, n_channels)

    References
    ----------
    .. [1] N. Cressie, "Statistics for Spatial Data", Wiley, 1993, section 2.4.
    """
    n_pairs, total = sums = np.zeros((2, n_lags, X.shape[1]))
    # Series of like length share a transform. The space between two is then about as long as one.
    alike = {}
    for first, end in bounds:
        n = min(1 << int(end - first - 1).bit_length(), n_lags)
        alike.setdefault(n, []).append(X[first:end])
    for n, series in alike.items():
        sums[:, :n] += _sum_pairs(series, n)
    lags = np.arange(n_lags)
    gamma = np.empty(total.shape)
    for j in range(gamma.shape[1]):
        some = n_pairs[:, j] > 0.5  # counts are whole numbers up to rounding
        values = np.maximum(total[some, j] / n_pairs[some, j], 0) if some.any() else [0.0]
        gamma[:, j] = np.interp(lags, lags[some] if some.any() else [0], values)
    gamma[0] = 0
    still = gamma.max(axis=0) < 1e-12  # the rest are rounding errors
    gamma[:, still] = lags[:, None]
    return gamma


def _sum_pairs(series, n_lags):
    """Return the number of pairs at each lag, and the sum of half their squared differences.

    Parameters
    ----------
    series : list of ndarray of shape (n_stamps, n_channels)
    n_lags : int

    Returns
    -------
    sums : ndarray of shape (2, n_lags, n_channels)
    """
    apart = np.full((n_lags, series[0].shape[1]), np.nan)  # keeps a series from meeting the next
    x = np.concatenate([part for one in series for part in (one, apart)])
    known = ~np.isnan(x)
    x = np.where(known, x, 0.0)
    n = next_fast_len(len(x), real=True)
    known, x, square = (rfft(part, n, axis=0) for part in (known.astype(float), x, x * x))
    power = np.stack([abs(known) ** 2, (square * known.conj()).real - abs(x) ** 2])
    return irfft(power, n, axis=1)[:, :n_lags]


def kriging_weights(gamma, known, ahead, nugget=1e-3):
    """Return the weights by which known stamps forecast later stamps.

    The forecast is the weighted sum of the known entries. The weights of a later stamp sum to 1
    and minimise the expected squared error under the semivariogram (ordinary kriging [1]_).

    Parameters
    ----------
    gamma : ndarray of shape (n_lags,)
        Semivariogram of a channel.
    known : ndarray of int of shape (n_known,)
        Places of the known stamps, in ascending order.
    ahead : ndarray of int of shape (n_ahead,)
        Places of the later stamps.
    nugget : float, default=1e-3
        Variance of the noise of each known entry, as a share of the mean of ``gamma``. An
        estimated semivariogram may belong to no series at all; a larger share is then taken.

    Returns
    -------
    weights : ndarray of shape (n_known, n_ahead)

    References
    ----------
    .. [1] N. Cressie, "Statistics for Spatial Data", Wiley, 1993, section 3.2.
    """
    before, last = known[:-1], known[-1]
    if not len(before):
        return np.ones((1, len(ahead)))
    # Covariances of the differences from the last known stamp. These differences have no level.
    to_last = gamma[last - before]
    inner = to_last[:, None] + to_last - gamma[np.abs(before[:, None] - before)]
    outer = to_last[:, None] + gamma[ahead - last] - gamma[ahead - before[:, None]]
    while True:
        noise = nugget * gamma.mean()
        covariance = inner + noise * (1 + np.eye(len(before)))
        try:
            np.linalg.cholesky(covariance)
            break
        except np.linalg.LinAlgError:
            nugget *= 10
    # The triangular solver of SciPy has threads of its own, which wait for those of NumPy here.
    weights = np.linalg.solve(covariance, outer + noise)
    return np.vstack([weights, 1 - weights.sum(axis=0)])
