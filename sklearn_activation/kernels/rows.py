"""One pass over the rows of a block: norms, energies, hashes."""

import numpy as np

from ._jit import kernel


@kernel
def scale_to_unit(X, n_columns):
    """Scale the first ``n_columns`` of every row to norm 1, in place.

    Dividing by the largest entry first keeps rows of any magnitude finite. NaN becomes
    zero, and rows of zeros stay so.
    """
    # "arcp" multiplies by reciprocals, which overflow for denormal numbers. The factor brings
    # every denormal number, of either precision, to one with a reciprocal.
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
    """out[i] = ||Y[i]||^2, the activation of a layer's outputs (paper, eq. 8)."""
    for i in range(Y.shape[0]):
        total = Y.dtype.type(0)
        for j in range(Y.shape[1]):
            total += Y[i, j] * Y[i, j]
        out[i] = total


@kernel
def absolute_sums(Y, weight, sums, squares):
    """Add weighted sums over rows of |Y| and of its square to ``sums`` and ``squares``.

    Both are of shape (n_units,) and of double precision.
    """
    for i in range(Y.shape[0]):
        w = weight[i]
        for j in range(Y.shape[1]):
            value = abs(np.float64(Y[i, j]))
            sums[j] += w * value
            squares[j] += w * value * value


@kernel
def hashes(bits, out):
    """Mix the 64-bit words of every row of ``bits`` (uint64) into one.

    Equal rows hash equally, wherever they stand. The mixing steps are those of
    SplitMix64 (Steele, Lea & Flood 2014).
    """
    for i in range(bits.shape[0]):
        h = np.uint64(0)
        for j in range(bits.shape[1]):
            h = (h ^ bits[i, j]) + np.uint64(0x9E3779B97F4A7C15)
            h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            h = h ^ (h >> np.uint64(31))
        out[i] = h
