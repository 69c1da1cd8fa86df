"""What training by steps does after every step: running moments, and no denormal weights."""

import numpy as np


def update_standards(standard, Y, rate, n_updates=1, decay=0.995):
    """Move running moments of |y| towards the batch's; take them over at the start.

    With every update the moments so far keep the share ``decay``.
    """
    mean, variance = standard
    if not rate.any():
        return
    share = rate / rate.sum()
    absolute = np.abs(Y)
    batch_mean = share @ absolute
    batch_variance = share @ (absolute - (batch_mean if len(Y) > 1 else mean)) ** 2
    decay = decay**n_updates if mean.any() else 0.0
    mean *= decay
    mean += (1 - decay) * batch_mean
    variance *= decay
    variance += (1 - decay) * batch_variance


def flush(coefs, tiny=1e-25):
    """Set weights below ``tiny`` to 0, before they become denormal and slow."""
    for W in coefs:
        W[np.abs(W) < tiny] = 0
