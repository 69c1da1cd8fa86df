"""Activation functions between layers, fused with the label sum and the norm.

Every activation f turns a row y into f(y) = ||y|| u / ||u||, so that
||f(y)|| = ||y|| (paper, section III.A). They differ in u only:

=============  ==================================
abs            u = |y|
std_abs        u = (|y| - mean) * scale, per unit (paper, eq. 7)
layer_std_abs  u = |y| - (the row's mean of |y|)
square         u = y ** 2
=============  ==================================

Where u is zero throughout, f(y) = |y|.

A forward kernel reads ``A`` (n_rows, n_units) and ``B`` (n_labels, n_units) and
takes every sum ``y = A[i] + B[c]`` as row ``i * n_labels + c``: a row's products
with the data weights are computed once, however many labels are tried. It writes
f(y) to ``out`` and ||y||^2 to ``energy``.

A gradient kernel reads ``Y`` and ``G`` = dL/df(y) and writes dL/dy to ``out``.

``mean`` and ``scale`` (n_units,), a reciprocal deviation, belong to std_abs; the other
functions ignore them.
"""

import numpy as np

from ._jit import kernel


@kernel
def _restore_norm(a, b, u, energy, square_norm):
    """Rescale ``u`` in place to the norm of ``a + b``."""
    if square_norm > 0:
        factor = np.sqrt(energy / square_norm)
        for j in range(u.size):
            u[j] *= factor
    else:
        for j in range(u.size):
            u[j] = abs(a[j] + b[j])


@kernel
def abs_forward(A, B, mean, scale, out, energy):
    """u = |y|, whose norm needs no rescaling."""
    n_labels = B.shape[0]
    for i in range(A.shape[0]):
        for c in range(n_labels):
            row = i * n_labels + c
            total = A.dtype.type(0)
            for j in range(A.shape[1]):
                y = A[i, j] + B[c, j]
                total += y * y
                out[row, j] = abs(y)
            energy[row] = total


@kernel
def std_abs_forward(A, B, mean, scale, out, energy):
    """u = (|y| - mean) * scale, and f(y) = beta u with beta = ||y|| / ||u|| (paper, eq. 7)."""
    n_labels = B.shape[0]
    for i in range(A.shape[0]):
        for c in range(n_labels):
            row = i * n_labels + c
            total = A.dtype.type(0)
            norm = A.dtype.type(0)
            for j in range(A.shape[1]):
                y = A[i, j] + B[c, j]
                total += y * y
                u = (abs(y) - mean[j]) * scale[j]
                norm += u * u
                out[row, j] = u
            energy[row] = total
            _restore_norm(A[i], B[c], out[row], total, norm)


@kernel
def layer_std_abs_forward(A, B, mean, scale, out, energy):
    """u = |y| - mean(|y|) over the units of the row.

    Differences that rounding of the mean alone can cause count as zero: units that
    respond alike would otherwise pass rounding errors on, blown up to the row's norm.
    """
    n_labels = B.shape[0]
    for i in range(A.shape[0]):
        for c in range(n_labels):
            row = i * n_labels + c
            total = A.dtype.type(0)
            centre = A.dtype.type(0)
            for j in range(A.shape[1]):
                y = A[i, j] + B[c, j]
                total += y * y
                centre += abs(y)
            centre /= A.dtype.type(A.shape[1])
            error = A.dtype.type(A.shape[1] * np.finfo(A.dtype).eps) * centre
            norm = A.dtype.type(0)
            for j in range(A.shape[1]):
                u = abs(A[i, j] + B[c, j]) - centre
                u = u if abs(u) > error else A.dtype.type(0)
                norm += u * u
                out[row, j] = u
            energy[row] = total
            _restore_norm(A[i], B[c], out[row], total, norm)


@kernel
def square_forward(A, B, mean, scale, out, energy):
    """u = y ** 2."""
    n_labels = B.shape[0]
    for i in range(A.shape[0]):
        for c in range(n_labels):
            row = i * n_labels + c
            total = A.dtype.type(0)
            norm = A.dtype.type(0)
            for j in range(A.shape[1]):
                y = A[i, j] + B[c, j]
                u = y * y
                total += u
                norm += u * u
                out[row, j] = u
            energy[row] = total
            _restore_norm(A[i], B[c], out[row], total, norm)


@kernel
def _chain_factors(y, u, g):
    """Return (s, b, d) with dL/du = s g - b u and, by way of ||y||, dL/dy += d y.

    They follow from f(y) = ||y|| u / ||u||. Where f is not differentiable, since y or u
    is zero, all three are zero.
    """
    energy = y.dtype.type(0)
    norm = y.dtype.type(0)
    inner = y.dtype.type(0)
    for j in range(y.size):
        energy += y[j] * y[j]
        norm += u[j] * u[j]
        inner += g[j] * u[j]
    zero = y.dtype.type(0)
    if norm > 0 and energy > 0:
        s = np.sqrt(energy / norm)
        return s, s * inner / norm, inner / (np.sqrt(energy) * np.sqrt(norm))
    return zero, zero, zero


@kernel
def abs_gradient(Y, G, mean, scale, out):
    """dL/dy = sign(y) g."""
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            out[i, j] = np.sign(Y[i, j]) * G[i, j]


@kernel
def std_abs_gradient(Y, G, mean, scale, out):
    """dL/dy = sign(y) scale dL/du + d y."""
    for i in range(Y.shape[0]):
        y, g, u = Y[i], G[i], out[i]
        for j in range(y.size):
            u[j] = (abs(y[j]) - mean[j]) * scale[j]
        s, b, d = _chain_factors(y, u, g)
        for j in range(y.size):
            if s > 0:
                u[j] = np.sign(y[j]) * scale[j] * (s * g[j] - b * u[j]) + d * y[j]
            else:
                u[j] = np.sign(y[j]) * g[j]


@kernel
def layer_std_abs_gradient(Y, G, mean, scale, out):
    """dL/dy = sign(y) (dL/du - its mean over the units) + d y."""
    for i in range(Y.shape[0]):
        y, g, u = Y[i], G[i], out[i]
        centre = Y.dtype.type(0)
        g_centre = Y.dtype.type(0)
        for j in range(y.size):
            centre += abs(y[j])
            g_centre += g[j]
        centre /= Y.dtype.type(y.size)
        g_centre /= Y.dtype.type(y.size)
        error = Y.dtype.type(y.size * np.finfo(Y.dtype).eps) * centre
        for j in range(y.size):
            v = abs(y[j]) - centre
            u[j] = v if abs(v) > error else Y.dtype.type(0)
        s, b, d = _chain_factors(y, u, g)
        for j in range(y.size):
            if s > 0:
                # The mean of u is zero, so only g contributes to the mean of dL/du.
                v = s * (g[j] - g_centre) - b * u[j]
                u[j] = np.sign(y[j]) * v + d * y[j]
            else:
                u[j] = np.sign(y[j]) * g[j]


@kernel
def square_gradient(Y, G, mean, scale, out):
    """dL/dy = 2 y dL/du + d y."""
    for i in range(Y.shape[0]):
        y, g, u = Y[i], G[i], out[i]
        for j in range(y.size):
            u[j] = y[j] * y[j]
        s, b, d = _chain_factors(y, u, g)
        for j in range(y.size):
            if s > 0:
                u[j] = 2 * y[j] * (s * g[j] - b * u[j]) + d * y[j]
            else:
                u[j] = np.sign(y[j]) * g[j]
