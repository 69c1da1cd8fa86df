"""The local competitive rule, one row at a time."""

from ._jit import kernel


@kernel
def learn_rows(X, rates, W, y):
    """Apply dW = r (x - W y) y^T with y = W^T x to every row in turn (paper, eq. 4).

    ``X`` (n_rows, n_inputs), ``rates`` (n_rows,) signed, ``W`` (n_inputs, n_units)
    updated in place, ``y`` (n_units,) scratch that ends as the last row's output.
    ``n_inputs`` is a multiple of four: pad with zero rows, which stay zero. Four
    inputs a step keep y in registers instead of storing it for every input.
    """
    n_inputs, n_units = W.shape
    for row in range(X.shape[0]):
        x = X[row]
        y[:] = 0
        for i in range(0, n_inputs, 4):
            x0, x1, x2, x3 = x[i], x[i + 1], x[i + 2], x[i + 3]
            w0, w1, w2, w3 = W[i], W[i + 1], W[i + 2], W[i + 3]
            if x0 != 0 or x1 != 0 or x2 != 0 or x3 != 0:
                for j in range(n_units):
                    y[j] += (x0 * w0[j] + x1 * w1[j]) + (x2 * w2[j] + x3 * w3[j])
        rate = rates[row]
        for i in range(0, n_inputs, 4):
            w0, w1, w2, w3 = W[i], W[i + 1], W[i + 2], W[i + 3]
            f0 = f1 = f2 = f3 = W.dtype.type(0)
            for j in range(n_units):
                f0 += y[j] * w0[j]
                f1 += y[j] * w1[j]
                f2 += y[j] * w2[j]
                f3 += y[j] * w3[j]
            s0 = rate * (x[i] - f0)
            s1 = rate * (x[i + 1] - f1)
            s2 = rate * (x[i + 2] - f2)
            s3 = rate * (x[i + 3] - f3)
            for j in range(n_units):
                w0[j] += s0 * y[j]
                w1[j] += s1 * y[j]
            for j in range(n_units):
                w2[j] += s2 * y[j]
                w3[j] += s3 * y[j]
