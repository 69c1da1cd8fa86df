"""Kernels that pass once over the rows of a block: norms, squared norms, sums and hashes."""

import numpy as np

from ._jit import kernel


@kernel
def scale_to_unit(X, n_columns):
    """Scale the first ``n_columns`` entries of each row to norm 1, in place.

    Each row is divided by its largest entry first, so that rows of any magnitude stay finite. NaN
    becomes zero. Rows of zeros stay zero.
    """
    # The compiler flag "arcp" replaces divisions by multiplications with reciprocals. The
    # reciprocal of a denormal number overflows. The factor ``lift`` makes each denormal number, in
    # single and in double precision, large enough for a finite reciprocal.
    tiny, lift = 2.0**-64, 2.0**62
    for i in range(X.shape[0]):
        for j in range(n_columns):
            if np.isnan(X[i, j]):
                X[i, j] = 0
        largest = X.dtype.type(0)
        for j in range(n_columns):
            largest = max(largest, abs(X[i, j]))
        if largest > 0:
            if largest < tiny:
                largest *= X.dtype.type(lift)
                for j in range(n_columns):
                    X[i, j] *= X.dtype.type(lift)
            norm = X.dtype.type(0)
            for j in range(n_columns):
                X[i, j] = X[i, j] / largest
                norm += X[i, j] * X[i, j]
            norm = np.sqrt(norm)
            for j in range(n_columns):
                X[i, j] /= norm


@kernel
def energies(Y, out):
    """Write out[i] = ||Y[i]||^2, the activation of a layer's output (paper, eq. 8)."""
    for i in range(Y.shape[0]):
        total = Y.dtype.type(0)
        for j in range(Y.shape[1]):
            total += Y[i, j] * Y[i, j]
        out[i] = total


@kernel
def absolute_sums(Y, weight, sums, squares):
    """Add the weighted sums over rows of |Y| to ``sums``, and those of Y^2 to ``squares``.

    Both results have shape (n_units,) and double precision.
    """
    for i in range(Y.shape[0]):
        w = weight[i]
        for j in range(Y.shape[1]):
            value = abs(np.float64(Y[i, j]))
            sums[j] += w * value
            squares[j] += w * value * value


@kernel
def _bits_of(value):
    """Return the 64 bits of a number in double precision. All NaN, and both zeros, are equal."""
    bits = np.float64(value).view(np.uint64)
    bits = np.uint64(0x7FF8000000000000) if np.isnan(value) else bits
    return np.uint64(0) if bits == np.uint64(0x8000000000000000) else bits


@kernel
def _mix(h, bits):
    """Return the hash ``h`` mixed with 64 more bits, by SplitMix64 (Steele, Lea & Flood 2014)."""
    h = (h ^ bits) + np.uint64(0x9E3779B97F4A7C15)
    h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return h ^ (h >> np.uint64(31))


@kernel
def hashes(X, labels, out):
    """Write a hash (uint64) of each row of ``X`` and its label.

    Equal numbers have equal hashes at any place and in any precision. Each step of a hash waits
    for the step before. The kernel therefore hashes four rows together, which do not wait for each
    other. Behind the last row, the last row is hashed again.
    """
    n, last = X.shape[0], X.shape[0] - 1
    for first in range(0, n, 4):
        second, third, fourth = min(first + 1, last), min(first + 2, last), min(first + 3, last)
        a = b = c = d = np.uint64(0)
        for j in range(X.shape[1]):
            a = _mix(a, _bits_of(X[first, j]))
            b = _mix(b, _bits_of(X[second, j]))
            c = _mix(c, _bits_of(X[third, j]))
            d = _mix(d, _bits_of(X[fourth, j]))
        out[first] = _mix(a, _bits_of(labels[first]))
        out[second] = _mix(b, _bits_of(labels[second]))
        out[third] = _mix(c, _bits_of(labels[third]))
        out[fourth] = _mix(d, _bits_of(labels[fourth]))
