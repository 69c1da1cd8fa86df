"""Weights as counts: the number of copies, or of independent rows, for which a weight stands."""

import numpy as np


def copy_weight(weight, merged=False, most_copies=1_000_000):
    """Return the weight of a single copy of each row.

    If weights count copies, all copies weigh the same: the greatest common divisor of the weights.
    If weights are not multiples of each other, they count no copies, and a row is a single copy.
    Weights that would stand for ``most_copies`` copies or more are not taken for counts.

    ``merged`` says that copies were merged into the weights. Each copy then weighs 1 if all
    weights are whole numbers.
    """
    if merged and (weight == np.rint(weight)).all() and weight.max() < most_copies:
        return np.ones(len(weight))
    ratio = weight / weight.min()
    if not np.allclose(ratio, np.rint(ratio), rtol=1e-9) and (weight == np.rint(weight)).all():
        ratio = weight
    counts = np.rint(ratio)
    if np.allclose(ratio, counts, rtol=1e-9) and counts.max() < most_copies:
        return weight / counts * np.gcd.reduce(counts.astype(np.int64))
    return weight


def mass_of(weight, groups, merged=False):
    """Return the number of independent rows for which each row counts.

    If weights count copies, each copy counts as one row. Rows with other weights count as fewer
    rows of equal weight: as many as give the same variance of the mean (Kish 1965). A group counts
    as a single row of its total weight, and the rows of the group share its count.
    """
    if groups is not None:
        of_group = np.bincount(groups, weights=weight)
        return weight * of_group.sum() / (of_group @ of_group)
    copy = copy_weight(weight, merged)
    if (copy == weight).all() and np.ptp(weight) > 0:
        return weight * weight.sum() / (weight @ weight)
    return weight / copy
