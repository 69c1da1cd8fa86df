"""Products with the weights of a layer whose units read a field of the image around their place.

The last axis of inputs and outputs counts rows of a table, so that loops over rows are vectorised:

- inputs ``X`` (height, width * channels, n_rows) are images, the channels of a pixel together,
- outputs ``Y`` (height, width, n_units, n_rows) are those of the units at each place of the grid,
- weights ``W`` (height, width, n_units, field_height, field_width * channels) belong to one unit
  each: line i of a field reads line r + i - field_height // 2 of the image for a unit in line r.

Weights that would read beyond the image are never used.

Three inputs and three units are taken together, so that a number that is loaded serves three
products. Behind the last input of a line, the last input is taken again with the weight 0. Units
that are left over are taken one by one.
"""

import numpy as np

from ._jit import kernel


@kernel
def turn(X, out):
    """Write the transpose of ``X`` (n_rows, n_columns) to ``out`` (n_columns, n_rows).

    Squares of 16 x 16 entries stay in the cache of the first level.
    """
    n, m = X.shape
    for i in range(0, n, 16):
        for j in range(0, m, 16):
            for column in range(j, min(j + 16, m)):
                for row in range(i, min(i + 16, n)):
                    out[column, row] = X[row, column]


@kernel
def _reach(c, width, channels, half):
    """Return what the units in column ``c`` read of a line of the image.

    The results are the first input, the number of inputs, and the first of the weights in use.
    """
    left, right = max(0, c - half), min(width, c + half + 1)
    return left * channels, (right - left) * channels, (left - c + half) * channels


@kernel
def _three_weights(w, k, n):
    """Return ``w[k]``, ``w[k + 1]`` and ``w[k + 2]``, with 0 in the place of all beyond ``n``."""
    zero = w.dtype.type(0)
    return w[k], w[k + 1] if n > 1 else zero, w[k + 2] if n > 2 else zero


@kernel
def multiply(X, Y, W):
    """Write the outputs of all units, Y = X W."""
    height, width, n_units, field_height, n_weights = W.shape
    channels = X.shape[1] // width
    half, up = n_weights // channels // 2, field_height // 2
    for r in range(height):
        for c in range(width):
            start, count, k0 = _reach(c, width, channels, half)
            Y[r, c] = 0
            for p in range(max(0, r - up), min(height, r + up + 1)):
                w, x = W[r, c, :, p - r + up], X[p]
                for k in range(0, count, 3):
                    n = count - k
                    a, b, d = (
                        x[start + k],
                        x[start + k + min(1, n - 1)],
                        x[start + k + min(2, n - 1)],
                    )
                    for u in range(0, n_units - 2, 3):
                        e0, f0, g0 = _three_weights(w[u], k0 + k, n)
                        e1, f1, g1 = _three_weights(w[u + 1], k0 + k, n)
                        e2, f2, g2 = _three_weights(w[u + 2], k0 + k, n)
                        y0, y1, y2 = Y[r, c, u], Y[r, c, u + 1], Y[r, c, u + 2]
                        for i in range(a.size):
                            y0[i] += a[i] * e0 + b[i] * f0 + d[i] * g0
                            y1[i] += a[i] * e1 + b[i] * f1 + d[i] * g1
                            y2[i] += a[i] * e2 + b[i] * f2 + d[i] * g2
                    for u in range(n_units - n_units % 3, n_units):
                        e0, f0, g0 = _three_weights(w[u], k0 + k, n)
                        y0 = Y[r, c, u]
                        for i in range(a.size):
                            y0[i] += a[i] * e0 + b[i] * f0 + d[i] * g0


@kernel
def multiply_back(X, Y, W):
    """Write the reconstruction of all inputs, X = Y W^T.

    Beyond the last input of a field, a spare row of zeros receives what belongs to no input.
    """
    height, width, n_units, field_height, n_weights = W.shape
    channels = X.shape[1] // width
    half, up = n_weights // channels // 2, field_height // 2
    spare = np.zeros((2, X.shape[2]), dtype=X.dtype)
    for p in range(height):
        X[p] = 0
        x = X[p]
        for r in range(max(0, p - up), min(height, p + up + 1)):
            for c in range(width):
                start, count, k0 = _reach(c, width, channels, half)
                w = W[r, c, :, p - r + up]
                for k in range(0, count, 3):
                    n = count - k
                    a = x[start + k]
                    b = x[start + k + 1] if n > 1 else spare[0]
                    d = x[start + k + 2] if n > 2 else spare[1]
                    for u in range(0, n_units - 2, 3):
                        e0, f0, g0 = _three_weights(w[u], k0 + k, n)
                        e1, f1, g1 = _three_weights(w[u + 1], k0 + k, n)
                        e2, f2, g2 = _three_weights(w[u + 2], k0 + k, n)
                        y0, y1, y2 = Y[r, c, u], Y[r, c, u + 1], Y[r, c, u + 2]
                        for i in range(a.size):
                            a[i] += y0[i] * e0 + y1[i] * e1 + y2[i] * e2
                            b[i] += y0[i] * f0 + y1[i] * f1 + y2[i] * f2
                            d[i] += y0[i] * g0 + y1[i] * g1 + y2[i] * g2
                    for u in range(n_units - n_units % 3, n_units):
                        e0, f0, g0 = _three_weights(w[u], k0 + k, n)
                        y0 = Y[r, c, u]
                        for i in range(a.size):
                            a[i] += y0[i] * e0
                            b[i] += y0[i] * f0
                            d[i] += y0[i] * g0


@kernel
def add_products(X, Y, first, end, W):
    """Add X^T Y to ``W`` where inputs and units are connected.

    The kernel works on the units in the lines of the grid from ``first`` to ``end``, so that
    threads may share out the lines.
    """
    height, width, n_units, field_height, n_weights = W.shape
    channels = X.shape[1] // width
    half, up = n_weights // channels // 2, field_height // 2
    zero = W.dtype.type(0)
    for r in range(first, end):
        for c in range(width):
            start, count, k0 = _reach(c, width, channels, half)
            for p in range(max(0, r - up), min(height, r + up + 1)):
                w, x = W[r, c, :, p - r + up], X[p]
                for k in range(0, count, 3):
                    n = count - k
                    a, b, d = (
                        x[start + k],
                        x[start + k + min(1, n - 1)],
                        x[start + k + min(2, n - 1)],
                    )
                    for u in range(0, n_units - 2, 3):
                        y0, y1, y2 = Y[r, c, u], Y[r, c, u + 1], Y[r, c, u + 2]
                        e0, e1, e2 = zero, zero, zero
                        f0, f1, f2 = zero, zero, zero
                        g0, g1, g2 = zero, zero, zero
                        for i in range(a.size):
                            e0 += a[i] * y0[i]
                            f0 += b[i] * y0[i]
                            g0 += d[i] * y0[i]
                            e1 += a[i] * y1[i]
                            f1 += b[i] * y1[i]
                            g1 += d[i] * y1[i]
                            e2 += a[i] * y2[i]
                            f2 += b[i] * y2[i]
                            g2 += d[i] * y2[i]
                        _add_three(w[u], k0 + k, n, e0, f0, g0)
                        _add_three(w[u + 1], k0 + k, n, e1, f1, g1)
                        _add_three(w[u + 2], k0 + k, n, e2, f2, g2)
                    for u in range(n_units - n_units % 3, n_units):
                        y0 = Y[r, c, u]
                        e0, f0, g0 = zero, zero, zero
                        for i in range(a.size):
                            e0 += a[i] * y0[i]
                            f0 += b[i] * y0[i]
                            g0 += d[i] * y0[i]
                        _add_three(w[u], k0 + k, n, e0, f0, g0)


@kernel
def _add_three(w, k, n, e, f, g):
    """Add three sums to ``w[k]``, ``w[k + 1]`` and ``w[k + 2]``, but to none beyond ``n``."""
    w[k] += e
    if n > 1:
        w[k + 1] += f
    if n > 2:
        w[k + 2] += g


@kernel
def pick(P, W):
    """Write the entries of ``P`` (n_inputs, n_units) to ``W`` where inputs and units connect."""
    height, width, n_units, field_height, n_weights = W.shape
    channels = P.shape[0] // (height * width)
    half, up = n_weights // channels // 2, field_height // 2
    for r in range(height):
        for c in range(width):
            start, count, k0 = _reach(c, width, channels, half)
            for p in range(max(0, r - up), min(height, r + up + 1)):
                for k in range(count):
                    row = P[p * width * channels + start + k]
                    for u in range(n_units):
                        W[r, c, u, p - r + up, k0 + k] = row[(r * width + c) * n_units + u]
