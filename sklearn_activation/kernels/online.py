"""The local competitive rule, one row at a time."""

from ._jit import kernel


@kernel
def learn_rows(X, rates, W, Y):
    """Apply dW = r (x - W y) y^T with y = W^T x to every row in turn (paper, eq. 4).

    ``X`` (n_rows, n_inputs), ``rates`` (n_rows,) signed, ``W`` (n_inputs, n_units)
    updated in place. ``Y`` (n_rows + 1, n_units) receives the outputs; its last row is
    scratch. One pass over the weights serves a row: as soon as an input's weights are
    updated, they add to the next row's output.
    """
    n_rows, n_inputs = X.shape
    n_units = W.shape[1]
    zero = W.dtype.type(0)
    Y[0] = zero
    for i in range(n_inputs):
        for j in range(n_units):
            Y[0, j] += X[0, i] * W[i, j]
    for row in range(n_rows):
        following = min(row + 1, n_rows - 1)
        y, z = Y[row], Y[row + 1]
        z[:] = zero
        for i in range(n_inputs):
            feedback = zero
            for j in range(n_units):
                feedback += y[j] * W[i, j]
            step = rates[row] * (X[row, i] - feedback)
            x = X[following, i]
            for j in range(n_units):
                w = W[i, j] + step * y[j]
                W[i, j] = w
                z[j] += x * w
