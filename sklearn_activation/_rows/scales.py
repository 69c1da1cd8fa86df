"""Where the entries of columns lie and how far they spread, junk among them or not."""

import numpy as np

# Entries this many robust deviations from the median, and further, do not set a scale.
FENCE = 5.0

# Two random entries of a column are this many of its deviations apart, in root mean square.
PAIR = np.sqrt(2)


def row_norms(X):
    """Euclidean norm of every row in float64, without overflow."""
    largest = np.abs(X).max(axis=1)
    divisor = np.where(largest > 0, largest, 1)[:, None]
    norms = np.linalg.norm(X / divisor, axis=1)
    with np.errstate(over="ignore"):
        return narrow(largest.astype(np.float64) * norms, np.float64)


def narrow(values, dtype):
    """Numbers in another precision; those beyond what it holds are the largest that it holds."""
    limit = np.finfo(dtype).max
    return np.clip(values, -limit, limit).astype(dtype, copy=False)


def column_scales(X, weight):
    """Mean and deviation of every column's known entries, finite at any magnitude.

    A column without known entries has an infinite deviation, and so counts for nothing.
    """
    known = ~np.isnan(X)
    largest = np.abs(np.where(known, X, 0)).max(axis=0).astype(np.float64)
    largest[largest == 0] = 1
    Z = np.where(known, X, 0) / largest
    share = weight[:, None] * known
    share /= np.maximum(share.sum(axis=0), 1e-300)
    location = (share * Z).sum(axis=0)
    scale = np.sqrt((share * (Z - location) ** 2).sum(axis=0))
    scale[scale <= 1e-12] = 1  # The column is constant but for rounding.
    # Of denormal entries the product may round to 0, by which nothing can be divided.
    scale = np.maximum(scale * largest, np.finfo(np.float64).smallest_subnormal)
    return location * largest, np.where(known.any(axis=0), scale, np.inf)


def robust_scales(X, weight, decades=True, *, fence=FENCE, new_share=1e-6, decade_ratio=30.0):
    """Scales of every column's known entries, which may have junk among them.

    A robust deviation is the interquartile range's or, where that is 0, the median distance from
    the median of the entries that differ from it.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_columns)
    weight : ndarray of shape (n_rows,)
    decades : bool, default=True
        Whether columns of numbers of many magnitudes get a unit for their logarithms.
    fence : float, default=5.0
        Robust deviations from the median to which entries are clipped.
    new_share : float, default=1e-6
        Share of a constant column's value by which a change is one scale away from it.
    decade_ratio : float, default=30.0
        Ratio of a column's 95 % quantile to its 5 % quantile beyond which it may get a unit for
        its logarithms.

    Returns
    -------
    scales : dict of ndarray of shape (n_columns,)
        "location" and "scale" are the mean and the deviation of the clipped entries. A column
        of two values has a scale that leaves these no further apart than a typical pair of
        numbers. The scale of a column without known entries is infinite.

        "varies" is False if all entries agree, or all but one of 20 or more (unless they are 0
        and 1). A change by more than the scale is then far from all that was seen.

        "decades" is the unit u of asinh(x / u), to which location and scale then refer, for
        columns that are positive, exceed ``decade_ratio``, and are less skewed as logarithms.
        It is infinite for other columns.
    """
    columns = [
        _robust_scale(X[:, j], weight, decades, fence, new_share, decade_ratio)
        for j in range(X.shape[1])
    ]
    names = ("location", "scale", "varies", "decades")
    return {name: np.array(c) for name, c in zip(names, zip(*columns, strict=True), strict=True)}


def _robust_scale(x, weight, decades, fence, new_share, decade_ratio):
    """Location and scale of one column, whether it varies, and the unit of its logarithms."""
    known = ~np.isnan(x)
    x, weight = x[known].astype(np.float64), weight[known]
    if not len(x):
        return 0.0, np.inf, False, np.inf
    is_binary = bool(((x == 0) | (x == 1)).all())
    largest = np.abs(x).max()
    factor = max(1.0, largest / 1e150)  # Squares and differences stay finite.
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
    # The quartiles of a normal column lie this many deviations from its mean.
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
    """Skewness of the central 90 %, after Bowley, from five quantiles."""
    low, _, median, _, high = quantiles
    return (high + low - 2 * median) / (high - low)


def weighted_quantiles(x, weight, levels):
    """For every level, the least entry that at least this share of the weight does not exceed."""
    levels = np.asarray(levels) * (1 - 1e-12)
    if np.ptp(weight) == 0:
        rank = np.ceil(levels * len(x)).astype(int) - 1
        return np.partition(x, np.unique(rank))[rank]
    order = np.argsort(x, kind="stable")
    below = np.cumsum(weight[order])
    return x[order[np.searchsorted(below, levels * below[-1])]]
