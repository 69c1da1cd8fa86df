"""Kernels of the Fourier map: standardised columns, and the waves of phases."""

import numpy as np

from ._jit import kernel


@kernel
def standardise(X, location, scale, clip, bend, relevances, out):
    """Write relevances * f(z) with z = (x - location) / scale, clipped at ``clip``, to ``out``.

    Up to ``bend``, f(z) = z. Beyond ``bend``, f(z) grows as a cube root. NaN becomes 0. Each
    column has a location, a scale, a bend and a relevance. All numbers are computed in double
    precision.
    """
    for i in range(X.shape[0]):
        n_far = 0
        for j in range(X.shape[1]):
            z = (np.float64(X[i, j]) - location[j]) / scale[j]
            z = clip if z > clip else z
            z = -clip if z < -clip else z
            z = 0.0 if np.isnan(z) else z
            n_far += abs(z) > bend[j]
            out[i, j] = z * relevances[j]
        if n_far == 0:
            continue
        # This loop has branches, so that LLVM does not vectorise it. Few entries are far, and only
        # their z is computed again.
        for j in range(X.shape[1]):
            if abs(out[i, j]) > bend[j] * relevances[j] and clip > bend[j]:
                z = (np.float64(X[i, j]) - location[j]) / scale[j]
                size = min(abs(z), clip)
                size = bend[j] * (3 * np.cbrt(size / bend[j]) - 2)
                out[i, j] = (size if z > 0 else -size) * relevances[j]


@kernel
def round_standardised(X, location, scale, clip, steps, out):
    """Write (x - location) / scale, clipped at ``clip`` and rounded to 1 / ``steps``, to ``out``.

    The results are multiplied by ``steps`` and so are whole numbers. Columns of infinite scale are
    0. In other columns, NaN stays NaN.
    """
    for i in range(X.shape[0]):
        for j in range(X.shape[1]):
            z = (np.float64(X[i, j]) - location[j]) / scale[j]
            z = clip if z > clip else z
            z = -clip if z < -clip else z
            out[i, j] = 0.0 if np.isinf(scale[j]) else np.rint(z * steps)


@kernel
def write_waves(phase, out):
    """Write cos(phase) / sqrt(n) and sin(phase) / sqrt(n) beside each other.

    ``phase`` is a float32 array of shape (n_rows, n). Columns 0 to n - 1 of ``out`` receive the
    cosines, and columns n to 2 n - 1 receive the sines. Other columns of ``out`` stay unchanged.

    Cosines and sines are computed in single precision. Up to phases of 1e8, their error is at most
    1e-7. NaN and infinite phases have the waves NaN.

    A phase is k pi / 2 + r with a whole number k. The polynomials are minimax approximations of
    sin(r) and cos(r) for abs(r) <= pi / 4. No branch depends on a phase, so that LLVM vectorises
    the loop.
    """
    n = phase.shape[1]
    factor = out.dtype.type(1 / np.sqrt(n))
    # sin(r) = r + r^3 (s0 + s1 r^2 + s2 r^4), cos(r) = 1 - r^2 / 2 + r^4 (c0 + c1 r^2 + c2 r^4)
    s0, s1, s2 = np.float32(-0.1666665066), np.float32(8.331978e-3), np.float32(-1.9495568e-4)
    c0, c1, c2 = np.float32(4.16666469e-2), np.float32(-1.3887367e-3), np.float32(2.4438379e-5)
    one, half = np.float32(1), np.float32(0.5)
    # Double precision keeps the difference of a phase and k pi / 2 exact enough. A phase that has
    # no fraction left may have a larger difference, for which the polynomials do not hold.
    quarter, most = 0.5 * np.pi, np.float32(0.7854)
    for i in range(phase.shape[0]):
        # LLVM vectorises the loop over these slices, but no loop over out[i, n + j].
        phases, cosines, sines = phase[i], out[i, :n], out[i, n : 2 * n]
        for j in range(n):
            x = np.float64(phases[j])
            k = np.rint(x * (1 / quarter))
            r = np.float32(x - k * quarter)
            r = most if r > most else r
            r = -most if r < -most else r
            turn = k - 4 * np.floor(k * 0.25)  # 0, 1, 2 or 3
            square = r * r
            sine = r + r * square * (s0 + square * (s1 + square * s2))
            cosine = one - half * square + square * square * (c0 + square * (c1 + square * c2))
            swapped = (turn == 1) | (turn == 3)
            a = sine if swapped else cosine
            b = cosine if swapped else sine
            a = -a if (turn == 1) | (turn == 2) else a
            b = -b if turn >= 2 else b
            cosines[j] = a * factor
            sines[j] = b * factor
