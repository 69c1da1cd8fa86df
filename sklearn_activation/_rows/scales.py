"""Where the entries of columns lie and how far they spread, junk among them or not."""

import numpy as np

FENCE = 5.0  # robust deviations from the median beyond which entries do not set a scale
QUARTILE = 0.6745  # of a standard normal: quartiles over it estimate deviations
PAIR = np.sqrt(2)  # root mean square of the distance of two entries, in deviations
NEW = 1e-6  # share of a constant column's value by which a change is far from it
DECADES = 30.0  # ratio of a column's 95 % quantile to its 5 % beyond which logarithms are taken


def _known_products(X, known, kept):
    """Products of rows and kept rows on the known entries, and the kept rows' squares there."""
    return np.where(known, X, 0) @ kept.T, known.astype(np.float64) @ (kept * kept).T


def row_norms(X):
    """Euclidean norm of every row; finite wherever the norm is."""
    largest = np.abs(X).max(axis=1)
    divisor = np.where(largest > 0, largest, 1)[:, None]
    return largest * np.linalg.norm(X / divisor, axis=1)


def column_scales(X, weight):
    """Mean and deviation of every column's known entries, finite at any magnitude.

    The deviation is infinite if there are none: the column counts for nothing.
    """
    known = ~np.isnan(X)
    largest = np.abs(np.where(known, X, 0)).max(axis=0).astype(np.float64)
    largest[largest == 0] = 1
    Z = np.where(known, X, 0) / largest
    share = weight[:, None] * known
    share /= np.maximum(share.sum(axis=0), 1e-300)
    location = (share * Z).sum(axis=0)
    scale = np.sqrt((share * (Z - location) ** 2).sum(axis=0))
    scale[scale <= 1e-12] = 1  # constant columns
    return location * largest, np.where(known.any(axis=0), scale * largest, np.inf)


def robust_scales(X, weight, decades=True):
    """Scales of every column's known entries, junk among them, as a dictionary of arrays.

    "location", "scale": mean and deviation of the entries clipped to the median +- ``FENCE``
    robust deviations, which are the interquartile range's, or, where that is 0, the median
    distance from the median of the entries that differ from it. Two values are no further apart
    than a typical pair of numbers. Without known entries the scale is infinite.
    "varies": False if all entries agree, or all but one of 20 or more (unless they are 0 and
    1): a change by more than ``NEW`` is then far from all that was seen.
    "decades": the unit u of asinh(x / u), to which location and scale refer, of columns that
    are positive, whose central 90 % span more than a factor of ``DECADES``, and that are less
    skewed as logarithms; infinite for others, and for all unless ``decades``.
    """
    columns = [_robust_scale(X[:, j], weight, decades) for j in range(X.shape[1])]
    names = ("location", "scale", "varies", "decades")
    return {name: np.array(c) for name, c in zip(names, zip(*columns, strict=True), strict=True)}


def _robust_scale(x, weight, decades):
    """Of one column: location, scale, whether it varies, and the unit of its logarithm."""
    known = ~np.isnan(x)
    x, weight = x[known].astype(np.float64), weight[known]
    if not len(x):
        return 0.0, np.inf, False, np.inf
    is_binary = bool(((x == 0) | (x == 1)).all())
    largest = np.abs(x).max()
    factor = max(1.0, largest / 1e150)  # squares and differences stay finite
    x /= factor
    quantiles = weighted_quantiles(x, weight, (0.05, 0.25, 0.5, 0.75, 0.95))
    median, differs = quantiles[2], x != quantiles[2]
    copy = weight.min() * (1 + 1e-9)
    lone = not is_binary and 0 < weight[differs].sum() <= copy <= weight.sum() / 20
    if lone or np.ptp(x) <= 1e-12 * largest / factor:
        return median * factor, max(NEW * abs(median) * factor, 1e-300), False, np.inf
    unit = np.inf
    if decades and x.min() > 0 and quantiles[4] > DECADES * quantiles[0]:
        if abs(_skew(np.log(quantiles))) < abs(_skew(quantiles)):
            unit = quantiles[0] / 2
            x, quantiles = np.arcsinh(x / unit), np.arcsinh(quantiles / unit)
            median, unit, factor = quantiles[2], unit * factor, 1.0
    spread = (quantiles[3] - quantiles[1]) / (2 * QUARTILE)
    if spread == 0:
        distances = np.abs(x[differs] - median)
        spread = weighted_quantiles(distances, weight[differs], [0.5])[0]
    x = np.clip(x, median - FENCE * spread, median + FENCE * spread) - median
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
    """Bowley's skewness, of the central 90 %."""
    low, _, median, _, high = quantiles
    return (high + low - 2 * median) / (high - low)


def weighted_quantiles(x, weight, levels):
    """Least entries that at least a share ``levels`` of the weight does not exceed."""
    levels = np.asarray(levels) * (1 - 1e-12)
    if np.ptp(weight) == 0:
        rank = np.ceil(levels * len(x)).astype(int) - 1
        return np.partition(x, np.unique(rank))[rank]
    order = np.argsort(x, kind="stable")
    below = np.cumsum(weight[order])
    return x[order[np.searchsorted(below, levels * below[-1])]]


def median_distance(Z, rng, n_pairs=2_000):
    """Median Euclidean distance between random pairs of distinct rows, 1 if there are none."""
    i, j = rng.integers(len(Z), size=(2, n_pairs))
    distances = np.linalg.norm(Z[i] - Z[j], axis=1)
    distances = distances[distances > 0]
    return np.median(distances) if len(distances) else 1.0
