"""Random frequencies of the Fourier map, and the waves that they make (Rahimi & Recht 2007)."""

import numpy as np

from ..kernels import fourier as kernels


def write_waves(phase, out):
    """Write cosines and sines of ``phase`` to the leading columns of ``out``.

    The written rows have norm 1. Cosines and sines are computed in single precision, with an error
    of at most 1e-7.
    """
    phase = np.ascontiguousarray(phase, dtype=np.float32)
    # If the compiler is disabled, NumPy would warn of infinite phases.
    with np.errstate(invalid="ignore"):
        kernels.write_waves(phase, out)


def phase_gradient(Z, G):
    """Return the gradient by the phases, from the gradient ``G`` by their waves ``Z``."""
    n = Z.shape[1] // 2
    return Z[:, :n] * G[:, n:] - Z[:, n:] * G[:, :n]


def draw_orthogonal_frequencies(n_features, factors, rng):
    """Draw normal frequencies in orthogonal groups, divided by ``factors`` (Yu et al. 2016).

    All frequencies of a group have the same factor, and a group has at most as many frequencies as
    there are columns. The length of each frequency has the law of an independent normal one.

    Parameters
    ----------
    n_features : int
    factors : ndarray of shape (n_frequencies,)
        The bandwidth by which each frequency is divided.
    rng : numpy Generator

    Returns
    -------
    frequencies : ndarray of shape (n_features, n_frequencies)
        The frequencies in the order of ascending factors.
    """
    parts = []
    for factor in np.unique(factors):
        left = np.count_nonzero(factors == factor)
        while left > 0:
            n = min(left, n_features)
            directions, _ = np.linalg.qr(rng.normal(size=(n_features, n)))
            lengths = np.sqrt(rng.chisquare(n_features, size=n))
            parts.append(directions * (lengths / factor))
            left -= n
    return np.concatenate(parts, axis=1)


def make_normal_numbers(codes, key, n):
    """Return ``n`` independent normal numbers per code (uint64), the same in each process.

    SplitMix64 mixes the bits (Steele, Lea & Flood 2014). The transform of Box & Muller (1958)
    makes the numbers normal.
    """
    count = np.arange(1, 2 * n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    start = (codes ^ np.uint64(key % 2**64)) * np.uint64(0xD1342543DE82EF95)
    bits = (start ^ (start >> np.uint64(31)))[:, None] + count
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    uniform = ((bits ^ (bits >> np.uint64(31))) >> np.uint64(11)) * 2.0**-53
    radius = np.sqrt(-2 * np.log1p(-uniform[:, :n]))
    return radius * np.cos(2 * np.pi * uniform[:, n:])
