"""Two steps that follow each update of a training by steps: running moments, and tiny weights."""

import numpy as np

from .._local import arrays_of


def update_standards(standard, Y, rate, n_updates=1, decay=0.995):
    """Move the running mean and variance of |y| towards those of a batch, in place.

    ``standard`` is the pair of running mean and variance, and ``rate`` holds the learning rates of
    the rows. Each update keeps the share ``decay`` of the running moments. The first update takes
    over the moments of the batch.
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
    """Set weights below ``tiny`` to 0, before they become denormal numbers, which are slow."""
    for W in coefs:
        for array in arrays_of(W):
            array[np.abs(array) < tiny] = 0
