"""Location and scale of columns, in a plain and in a robust version, and quantiles."""

import numpy as np

# Entries are clipped at this many robust deviations from the median before a scale is computed.
FENCE = 5.0

# The root mean squared distance of two random entries of a column, in its deviations.
PAIR = np.sqrt(2)


def row_norms(X):
    """Return the Euclidean norm of each row in float64, without overflow."""
    largest = np.abs(X).max(axis=1)
    divisor = np.where(largest > 0, largest, 1)[:, None]
    norms = np.linalg.norm(X / divisor, axis=1)
    with np.errstate(over="ignore"):
        return narrow(largest.astype(np.float64) * norms, np.float64)


def narrow(values, dtype):
    """Return numbers in another precision. Numbers beyond its range become its largest number."""
    limit = np.finfo(dtype).max
    return np.clip(values, -limit, limit).astype(dtype, copy=False)


def column_scales(X, weight):
    """Return the mean and deviation of the known entries of each column.

    Mean and deviation are finite for entries of any magnitude. A column without known entries has
    an infinite deviation, and so counts for nothing.
    """
    known = ~np.isnan(X)
    largest = np.abs(np.where(known, X, 0)).max(axis=0).astype(np.float64)
    largest[largest == 0] = 1
    Z = np.where(known, X, 0) / largest
    share = weight[:, None] * known
    share /= np.maximum(share.sum(axis=0), 1e-300)
    location = (share * Z).sum(axis=0)
    scale = np.sqrt((share * (Z - location) ** 2).sum(axis=0))
    scale[scale <= 1e-12] = 1  # the column is constant up to rounding
    # The product may round to 0 for denormal entries, and no number can be divided by 0.
    scale = np.maximum(scale * largest, np.finfo(np.float64).smallest_subnormal)
    return location * largest, np.where(known.any(axis=0), scale, np.inf)


def robust_scales(X, weight, decades=True, *, fence=FENCE, new_share=1e-6, decade_ratio=30.0):
    """Return scales of the known entries of each column, which survive gross errors.

    The robust deviation of a column follows from its interquartile range. If this range is 0, the
    median distance from the median takes its place, over the entries that differ from the median.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_columns)
    weight : ndarray of shape (n_rows,)
    decades : bool, default=True
        Whether a column that spans many magnitudes is read on a logarithmic scale.
    fence : float, default=5.0
        Entries are clipped at this many robust deviations from the median.
    new_share : float, default=1e-6
        Scale of a constant column, as a share of its value.
    decade_ratio : float, default=30.0
        A column may be read on a logarithmic scale if its 95 % quantile exceeds its 5 % quantile
        by this factor.

    Returns
    -------
    scales : dict of ndarray of shape (n_columns,)
        "location" and "scale" are the mean and the deviation of the clipped entries. The scale of
        a column with two values is large enough that these values are no further apart than a
        typical pair of numbers. The scale of a column without known entries is infinite.

        "varies" is False if all entries are equal, or if all but one of 20 or more are equal.
        Columns of the numbers 0 and 1 with both values always vary. If "varies" is False, a new
        value that differs by more than the scale is far from all training rows.

        "decades" is the unit u of the logarithmic scale asinh(x / u). The unit is finite for
        columns that are positive, exceed ``decade_ratio``, and are less skewed on the logarithmic
        scale. Location and scale of these columns refer to asinh(x / u). For all columns on the
        plain scale, "decades" is infinite.
    """
    columns = [
        _robust_scale(X[:, j], weight, decades, fence, new_share, decade_ratio)
        for j in range(X.shape[1])
    ]
    names = ("location", "scale", "varies", "decades")
    return {name: np.array(c) for name, c in zip(names, zip(*columns, strict=True), strict=True)}


def _robust_scale(x, weight, decades, fence, new_share, decade_ratio):
    """Return location and scale of one column, whether it varies, and its logarithmic unit."""
    known = ~np.isnan(x)
    x, weight = x[known].astype(np.float64), weight[known]
    if not len(x):
        return 0.0, np.inf, False, np.inf
    is_binary = bool(((x == 0) | (x == 1)).all())
    largest = np.abs(x).max()
    factor = max(1.0, largest / 1e150)  # keeps squares and differences finite
    x /= factor
    quantiles = weighted_quantiles(x, weight, (0.05, 0.25, 0.5, 0.75, 0.95))
    median, differs = quantiles[2], x != quantiles[2]
    copy = weight.min() * (1 + 1e-9)
    lone = not is_binary and 0 < weight[differs].sum() <= copy <= weight.sum() / 20
    if lone or np.ptp(x) <= 1e-12 * largest / factor:
        return median * factor, max(new_share * abs(median) * factor, 1e-300), False, np.inf
    unit = np.inf
    if decades and x.min() > 0 and quantiles[4] > decade_ratio * quantiles[0]:
        if abs(_skew(np.log(quantiles))) < abs(_skew(quantiles)):
            unit = quantiles[0] / 2
            x, quantiles = np.arcsinh(x / unit), np.arcsinh(quantiles / unit)
            median, unit, factor = quantiles[2], unit * factor, 1.0
    # The quartiles of a normal law lie this many deviations from its mean.
    quartile = 0.6745
    spread = (quantiles[3] - quantiles[1]) / (2 * quartile)
    if spread == 0:
        distances = np.abs(x[differs] - median)
        spread = weighted_quantiles(distances, weight[differs], [0.5])[0]
    x = np.clip(x, median - fence * spread, median + fence * spread) - median
    reach = np.abs(x).max()
    x /= reach
    share = weight / weight.sum()
    mean = share @ x
    deviation = np.sqrt(share @ (x - mean) ** 2)
    if ((x == x.min()) | (x == x.max())).all():
        deviation = max(deviation, np.ptp(x) / PAIR)
    location = (median + mean * reach) * factor
    return location, max(deviation * reach * factor, 1e-300), True, unit


def _skew(quantiles):
    """Return Bowley's skewness of the central 90 %, from five quantiles."""
    low, _, median, _, high = quantiles
    return (high + low - 2 * median) / (high - low)


def weighted_quantiles(x, weight, levels):
    """Return the weighted quantiles of ``x`` for ``levels``.

    The quantile of a level is the least entry for which at least this share of the weight lies at
    or below it.
    """
    levels = np.asarray(levels) * (1 - 1e-12)
    if np.ptp(weight) == 0:
        rank = np.ceil(levels * len(x)).astype(int) - 1
        return np.partition(x, np.unique(rank))[rank]
    order = np.argsort(x, kind="stable")
    below = np.cumsum(weight[order])
    return x[order[np.searchsorted(below, levels * below[-1])]]
