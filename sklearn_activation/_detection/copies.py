"""How many rows a weight stands for."""

import numpy as np


def copy_weight(weight, merged=False, most_copies=1_000_000):
    """Weight of one copy of each row: their greatest common divisor if weights count copies.

    Weights that are no multiples of each other count no copies: then a row is all its copies.
    ``merged`` says that copies were merged into the weights, each of weight 1 if they are whole.
    Weights that would stand for ``most_copies`` or more are not taken for counts.
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


def mass_of(weight, units, merged=False):
    """How many independent rows each row counts for.

    Copies count as often as they occur. Other weights count as so many equal ones as give means
    of the same variance (Kish 1965), and rows of a unit share what the unit counts for.
    """
    if units is not None:
        of_unit = np.bincount(units, weights=weight)
        return weight * of_unit.sum() / (of_unit @ of_unit)
    copy = copy_weight(weight, merged)
    if (copy == weight).all() and np.ptp(weight) > 0:
        return weight * weight.sum() / (weight @ weight)
    return weight / copy
