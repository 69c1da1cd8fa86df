"""The local competitive rule, one row at a time."""

from ._jit import kernel


@kernel
def learn_rows(X, rates, W, Y):
    """Apply dW = r (x - W y) y^T with y = W^T x to every row in turn (paper, eq. 4).

    ``X`` (n_rows, n_inputs), ``rates`` (n_rows,) signed, ``W`` (n_inputs, n_units)
    updated in place; n_inputs is even. ``Y`` (n_rows + 2, n_units) receives the outputs;
    its last two rows are scratch.

    One pass over the weights serves a row: as soon as an input's weights are updated,
    they add to the next row's output. Even and odd inputs have a sum each, since an
    addition waits until the one before it to the same sum is stored. Fastest with arrays
    that start on a cache line and units that fill whole lines.
    """
    n_rows, n_inputs = X.shape
    n_units = W.shape[1]
    zero = W.dtype.type(0)
    Y[0] = zero
    for i in range(n_inputs):
        for j in range(n_units):
            Y[0, j] += X[0, i] * W[i, j]
    odd = Y[n_rows + 1]
    for row in range(n_rows):
        rate, following = rates[row], min(row + 1, n_rows - 1)
        y, even = Y[row], Y[row + 1]
        even[:] = zero
        odd[:] = zero
        for pair in range(n_inputs // 2):
            i, k = 2 * pair, 2 * pair + 1
            feedback_i = zero
            feedback_k = zero
            for j in range(n_units):
                feedback_i += y[j] * W[i, j]
                feedback_k += y[j] * W[k, j]
            step = rate * (X[row, i] - feedback_i)
            x = X[following, i]
            for j in range(n_units):
                w = W[i, j] + step * y[j]
                W[i, j] = w
                even[j] += x * w
            step = rate * (X[row, k] - feedback_k)
            x = X[following, k]
            for j in range(n_units):
                w = W[k, j] + step * y[j]
                W[k, j] = w
                odd[j] += x * w
        for j in range(n_units):
            even[j] += odd[j]
