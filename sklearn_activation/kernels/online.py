"""The local competitive learning rule, applied to one row at a time."""

from ._jit import kernel

# ``learn_rows`` updates the weights of this many inputs together, with one sum for each of the
# inputs, s0 to s4.
TOGETHER = 5


@kernel
def learn_rows(X, rates, W, Y):
    """Apply dW = r (x - W y) y^T with y = W^T x to each row in turn (paper, eq. 4).

    ``X`` is (n_rows, n_inputs), where n_inputs is a multiple of ``TOGETHER``. The ``rates`` r
    (n_rows,) may be negative. ``W`` (n_inputs, n_units) is updated in place. ``Y`` (n_rows + 2,
    n_units) receives the outputs, and its last two rows are scratch space.

    The kernel passes over the weights once per row. As soon as the weights of some inputs are
    updated, the kernel adds their share to the output of the next row. The kernel handles several
    inputs together, so that the sum is read from memory less often. The sum is kept in the last
    scratch row, not in the next row of ``Y``. In the next row, LLVM would test once, before the
    loop over rows, whether that row overlaps with the current row. The test would fail, and the
    code would stay scalar. The kernel is fastest if arrays start on a cache line and each row of
    units fills whole cache lines.
    """
    n_rows, n_inputs = X.shape
    n_units = W.shape[1]
    zero = W.dtype.type(0)
    Y[0] = zero
    for i in range(n_inputs):
        for j in range(n_units):
            Y[0, j] += X[0, i] * W[i, j]
    z = Y[n_rows + 1]
    for row in range(n_rows):
        rate, following, y = rates[row], min(row + 1, n_rows - 1), Y[row]
        for j in range(n_units):
            z[j] = zero
        for group in range(n_inputs // TOGETHER):
            i = group * TOGETHER
            # Eq. 4 changes w_ij by s y_j, with s = rate (x_i - sum_k y_k w_ik).
            s0 = s1 = s2 = s3 = s4 = zero
            for j in range(n_units):
                s0 += y[j] * W[i, j]
                s1 += y[j] * W[i + 1, j]
                s2 += y[j] * W[i + 2, j]
                s3 += y[j] * W[i + 3, j]
                s4 += y[j] * W[i + 4, j]
            s0 = rate * (X[row, i] - s0)
            s1 = rate * (X[row, i + 1] - s1)
            s2 = rate * (X[row, i + 2] - s2)
            s3 = rate * (X[row, i + 3] - s3)
            s4 = rate * (X[row, i + 4] - s4)
            x0, x1, x2 = X[following, i], X[following, i + 1], X[following, i + 2]
            x3, x4 = X[following, i + 3], X[following, i + 4]
            for j in range(n_units):
                w0 = W[i, j] + s0 * y[j]
                w1 = W[i + 1, j] + s1 * y[j]
                w2 = W[i + 2, j] + s2 * y[j]
                w3 = W[i + 3, j] + s3 * y[j]
                w4 = W[i + 4, j] + s4 * y[j]
                W[i, j] = w0
                W[i + 1, j] = w1
                W[i + 2, j] = w2
                W[i + 3, j] = w3
                W[i + 4, j] = w4
                z[j] += x0 * w0 + x1 * w1 + x2 * w2 + x3 * w3 + x4 * w4
        for j in range(n_units):
            Y[row + 1, j] = z[j]
