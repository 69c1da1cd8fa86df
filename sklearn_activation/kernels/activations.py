"""Activation functions between layers. Each kernel also adds the label and computes the norm.

Each activation function f maps a row y to f(y) = ||y|| u / ||u||, so that ||f(y)|| = ||y|| (paper,
section III.A). The functions differ in u only:

=============  ==================================
abs            u = |y|
std_abs        u = (|y| - mean) * scale, per unit (paper, eq. 7)
layer_std_abs  u = |y| - (the row's mean of |y|)
square         u = y ** 2
=============  ==================================

If u is zero for all units, f(y) = |y|.

A forward kernel reads ``A`` (n_rows, n_units) and ``B`` (n_labels, n_units). Row ``i * n_labels +
c`` of its result belongs to the sum ``y = A[i] + B[c]``. The product of a row with the data
weights is therefore computed once for all labels. The kernel writes f(y) to ``out`` and ||y||^2 to
``energy``.

A gradient kernel reads ``Y`` and ``G`` = dL/df(y), where L is any function of f(y). The kernel
writes dL/dy to ``out``.

Only std_abs reads ``mean`` (n_units,) and ``scale`` (n_units,), the reciprocal deviation of |y|.
The other functions take both arguments so that all kernels have one signature.
"""

import numpy as np

from ._jit import kernel


@kernel
def _restore_norm(a, b, u, energy, square_norm):
    """Rescale ``u`` in place to the norm of ``a + b``.

    ``energy`` is the squared norm of ``a + b``, and ``square_norm`` that of ``u``.
    """
    if square_norm > 0:
        factor = np.sqrt(energy / square_norm)
        for j in range(u.size):
            u[j] *= factor
    else:
        for j in range(u.size):
            u[j] = abs(a[j] + b[j])


@kernel
def abs_forward(A, B, mean, scale, out, energy):
    """Write f(y) for u = |y|. The norm of u is that of y, so no rescaling is needed."""
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
    """Write f(y) = beta u for u = (|y| - mean) * scale, beta = ||y|| / ||u|| (paper, eq. 7)."""
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
    """Write f(y) for u = |y| - mean(|y|), where the mean is over the units of the row.

    Differences that rounding of the mean can explain count as zero. Without this rule, units that
    all respond alike would pass on rounding errors, scaled up to the norm of the row.
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
    """Write f(y) for u = y ** 2."""
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
    """Return factors (s, b, d) for the chain rule through f(y) = ||y|| u / ||u||.

    With g = dL/df(y), the factors give dL/du = s g - b u. The norm ||y|| adds d y to dL/dy. If y
    or u is zero, f is not differentiable, and all three factors are zero.
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
    """Write dL/dy = sign(y) g."""
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            out[i, j] = np.sign(Y[i, j]) * G[i, j]


@kernel
def std_abs_gradient(Y, G, mean, scale, out):
    """Write dL/dy = sign(y) scale dL/du + d y."""
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
    """Write dL/dy = sign(y) (dL/du - mean(dL/du)) + d y, with the mean over the units."""
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
                # The mean of u is zero, so the mean of dL/du = s g - b u is s times the mean of g.
                v = s * (g[j] - g_centre) - b * u[j]
                u[j] = np.sign(y[j]) * v + d * y[j]
            else:
                u[j] = np.sign(y[j]) * g[j]


@kernel
def square_gradient(Y, G, mean, scale, out):
    """Write dL/dy = 2 y dL/du + d y."""
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
