"""The local competitive rule, one row at a time."""

from ._jit import kernel

# ``learn_rows`` takes this many inputs at a time, one for each of its sums s0 to s4.
TOGETHER = 5


@kernel
def learn_rows(X, rates, W, Y):
    """Apply dW = r (x - W y) y^T with y = W^T x to every row in turn (paper, eq. 4).

    ``X`` is (n_rows, n_inputs), where n_inputs is a multiple of ``TOGETHER``, and
    ``rates`` (n_rows,) may be negative. ``W`` (n_inputs, n_units) is updated in place.
    ``Y`` (n_rows + 2, n_units) receives the outputs; its last two rows are scratch.

    One pass over the weights serves a row: as soon as inputs' weights are updated, they
    add to the next row's output. Several inputs together keep that sum from being read
    back from memory too often. The sum is always the same scratch row: were it the next
    row of ``Y``, LLVM would hoist its test for overlap with the present one out of the
    loop over rows, where it fails, and leave scalar code. The kernel is fastest with
    arrays that start on a cache line and units that fill whole lines.
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
            # s = rate (x_i - sum_k y_k w_ik), by which w_ij changes times y_j (eq. 4).
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
