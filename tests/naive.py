"""Plain-NumPy twins of the kernels, and plain versions of the mathematics around them.

Slow, short and obviously correct: one row at a time, whole matrices, no reuse of
anything in the package.
"""

import struct

import numpy as np

# -- activations -----------------------------------------------------------------


def shape_of(activation, y, mean, scale):
    """u, the direction of f(y) = ||y|| u / ||u||."""
    return {
        "abs": lambda: np.abs(y),
        "std_abs": lambda: (np.abs(y) - mean) * scale,
        "layer_std_abs": lambda: np.abs(y) - np.abs(y).mean(),
        "square": lambda: y * y,
    }[activation]()


def activate_row(activation, y, mean, scale):
    """f(y) of one row; |y| where u is zero throughout."""
    u = shape_of(activation, y, mean, scale)
    if not (u @ u > 0):
        return np.abs(y)
    return u * np.sqrt((y @ y) / (u @ u))


def forward(activation, A, B, mean, scale):
    """f(A[i] + B[c]) and ||A[i] + B[c]||^2, a row for every pair (i, c)."""
    rows = [a + b for a in A for b in B]
    out = [activate_row(activation, y, mean, scale) for y in rows]
    return np.array(out), np.array([y @ y for y in rows])


def jacobian(activation, y, mean, scale):
    """df/dy of one row, (n_units, n_units), by the product rule on ||y|| u / ||u||."""
    u = shape_of(activation, y, mean, scale)
    n = len(y)
    if not (u @ u > 0 and y @ y > 0):
        return np.diag(np.sign(y))
    sign = np.diag(np.sign(y))
    du = {
        "abs": lambda: sign,
        "std_abs": lambda: np.diag(scale) @ sign,
        "layer_std_abs": lambda: (np.eye(n) - np.ones((n, n)) / n) @ sign,
        "square": lambda: 2 * np.diag(y),
    }[activation]()
    y_norm, u_norm = np.sqrt(y @ y), np.sqrt(u @ u)
    direction = u / u_norm
    turn = (np.eye(n) - np.outer(direction, direction)) @ du * (y_norm / u_norm)
    return turn + np.outer(direction, y / y_norm)


def gradient(activation, Y, G, mean, scale):
    """dL/dy of every row from G = dL/df."""
    return np.array(
        [jacobian(activation, y, mean, scale).T @ g for y, g in zip(Y, G, strict=True)]
    )


# -- rows ------------------------------------------------------------------------


def scale_to_unit(X, n_columns):
    """A copy of X with the first columns of every row at norm 1."""
    X = X.copy()
    for row in X:
        largest = np.abs(row[:n_columns]).max()
        if largest > 0:
            row[:n_columns] /= largest
            row[:n_columns] /= np.linalg.norm(row[:n_columns])
    return X


def absolute_sums(Y, weight):
    """Weighted sums over rows of |y| and y^2, of every unit."""
    Y = Y.astype(np.float64)
    return sum(w * np.abs(y) for w, y in zip(weight, Y, strict=True)), weight @ Y**2


def energies(Y):
    """||y||^2 of every row."""
    return np.array([np.dot(y, y) for y in Y])


def hashes(X, labels):
    """SplitMix64 over the doubles of every row and its label, in Python's unbounded integers."""
    mask = 2**64 - 1
    result = []
    for row in np.column_stack([X, labels]).astype(np.float64).tolist():
        h = 0
        for value in row:
            value = np.nan if np.isnan(value) else value + 0.0  # -0.0 + 0.0 is 0.0
            (word,) = struct.unpack("<Q", struct.pack("<d", value))
            h = ((h ^ word) + 0x9E3779B97F4A7C15) & mask
            h = ((h ^ (h >> 30)) * 0xBF58476D1CE4E5B9) & mask
            h = ((h ^ (h >> 27)) * 0x94D049BB133111EB) & mask
            h ^= h >> 31
        result.append(h)
    return result


# -- the rule --------------------------------------------------------------------


def learn_rows(X, rates, W):
    """W after dW = r (x - W y) y^T with y = W^T x for every row in turn."""
    W = W.copy()
    for x, rate in zip(X, rates, strict=True):
        y = W.T @ x
        W += rate * np.outer(x - W @ y, y)
    return W


def learn_batch(X, rates, W):
    """W after one update with a whole batch, dW = (X - Y W^T)^T diag(r) Y."""
    Y = X @ W
    return W + (X - Y @ W.T).T @ np.diag(rates) @ Y


def second_moments(X, weight=None):
    """Weighted mean of x x^T."""
    weight = np.ones(len(X)) if weight is None else weight
    return sum(w * np.outer(x, x) for x, w in zip(X, weight, strict=True)) / weight.sum()


def velocity(C, W):
    """The flow's dW/dt = (I - W W^T) C W."""
    return (np.eye(len(C)) - W @ W.T) @ C @ W


def runge_kutta(C, W, t, n_steps=1000):
    """W(t) by the classical fourth-order method."""
    h = t / n_steps
    for _ in range(n_steps):
        k1 = velocity(C, W)
        k2 = velocity(C, W + h / 2 * k1)
        k3 = velocity(C, W + h / 2 * k2)
        k4 = velocity(C, W + h * k3)
        W = W + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return W


def projector(C, W0, t):
    """P(t) = W W^T from any start: Z (I - W0^T W0 + Z^T Z)^-1 Z^T with Z = exp(C t) W0."""
    values, V = np.linalg.eigh(C)
    Z = (V * np.exp(values * t)) @ V.T @ W0
    inner = np.eye(W0.shape[1]) - W0.T @ W0 + Z.T @ Z
    return Z @ np.linalg.solve(inner, Z.T)


def logistic_filter(eigenvalue, t, epsilon):
    """f(lambda) of a single eigenvalue."""
    return 1 / (1 + (1 - epsilon) / epsilon * np.exp(-2 * eigenvalue * t))


# -- networks --------------------------------------------------------------------


def scale_of(mean, variance):
    """1 / deviation of every unit, 0 for units that never varied."""
    floor = 1e-12 * (variance.max() + mean.max() ** 2)
    return np.array([1 / np.sqrt(v) if v > floor else 0.0 for v in variance])


def outputs(network, z):
    """y of every layer for one encoded row."""
    result = []
    for layer, W in enumerate(network.coefs):
        if layer:
            mean, variance = network.standards[layer - 1]
            z = activate_row(network.activation, result[-1], mean, scale_of(mean, variance))
        result.append(W.T @ z)
    return result


def label_energies(network, Z, n_labels):
    """||y||^2 of every data row with every one-hot label, by brute force."""
    result = np.empty((len(Z), n_labels))
    for i, z in enumerate(Z):
        for c, label in enumerate(np.eye(n_labels)):
            y = outputs(network, np.concatenate([z, label]))[-1]
            result[i, c] = y @ y
    return result


def central_differences(function, x, step=1e-6):
    """d function(x) / dx of a scalar function, entry by entry."""
    result = np.empty_like(x)
    for j in range(x.size):
        up, down = x.copy(), x.copy()
        up[j] += step
        down[j] -= step
        result[j] = (function(up) - function(down)) / (2 * step)
    return result


# -- local connections ---------------------------------------------------------------


def connections(height, width, channels, field, n_units, n_labels=0):
    """True where an input and a unit are connected, shape (n_inputs, n_units)."""
    found = np.zeros((height, width, channels, height, width, n_units), dtype=bool)
    for r, c, p, q in np.ndindex(height, width, height, width):
        found[p, q, :, r, c] = abs(p - r) <= field[0] // 2 and abs(q - c) <= field[1] // 2
    found = found.reshape(height * width * channels, -1)
    return np.concatenate([found, np.ones((n_labels, found.shape[1]), dtype=bool)])


def masked_step(X, rates, W, connected):
    """dW = M * sum over rows of r (x - W y) y^T: the rule with weights fixed at zero."""
    return np.where(connected, learn_batch(X, rates, W) - W, 0)


def mean_field(C, W, connected, t, n_steps, limit):
    """W(t) of dW/dt = M * (C W - W W^T C W) by midpoint steps; eigenvalues of C are limited."""
    values, V = np.linalg.eigh(C)
    C = (V * np.minimum(values, limit)) @ V.T
    step = t / n_steps
    for _ in range(n_steps):
        half = W + step / 2 * np.where(connected, velocity(C, W), 0)
        W = W + step * np.where(connected, velocity(C, half), 0)
    return W


# -- feedback ----------------------------------------------------------------------


def feedback_step(coefs, standards, activation, z, right, wrong, rate, factor):
    """Steps of all layers for one encoded data row: learn one label, unlearn another."""
    steps = [np.zeros_like(W) for W in coefs]
    n_labels = coefs[0].shape[0] - len(z)
    for label, r in ((right, rate), (wrong, -factor * rate)):
        x = np.concatenate([z, np.eye(n_labels)[label]])
        for layer, W in enumerate(coefs):
            y = W.T @ x
            steps[layer] += r * np.outer(x - W @ y, y)
            if layer < len(coefs) - 1:
                x = activate_row(activation, y, *standards[layer])
    return steps


# -- the Fourier map -----------------------------------------------------------------


def make_normal_numbers(code, key, n):
    """Normal numbers of a code, by SplitMix64 and Box & Muller in Python's integers."""
    mask = 2**64 - 1
    start = ((code ^ key) * 0xD1342543DE82EF95) & mask
    start ^= start >> 31
    uniform = []
    for i in range(1, 2 * n + 1):
        h = (start + i * 0x9E3779B97F4A7C15) & mask
        h = ((h ^ (h >> 30)) * 0xBF58476D1CE4E5B9) & mask
        h = ((h ^ (h >> 27)) * 0x94D049BB133111EB) & mask
        uniform.append(((h ^ (h >> 31)) >> 11) / 2**53)
    return [
        np.sqrt(-2 * np.log(1 - u)) * np.cos(2 * np.pi * v)
        for u, v in zip(uniform[:n], uniform[n:], strict=True)
    ]


def standardise(X, location, scale, decades, bend):
    """z of every entry: logarithm, scale, bend; 0 for what is missing."""
    Z = np.zeros(X.shape)
    for i, row in enumerate(X):
        for j, x in enumerate(row):
            if np.isnan(x):
                continue
            z = np.arcsinh(x / decades[j]) if np.isfinite(decades[j]) else x
            z = min(max((z - location[j]) / scale[j], -1e6), 1e6)
            if abs(z) > bend[j]:
                z = np.sign(z) * bend[j] * (3 * (abs(z) / bend[j]) ** (1 / 3) - 2)
            Z[i, j] = z
    return Z


def round_standardised(X, location, scale, clip, steps):
    """Whole steps of (x - location) / scale; NaN for what is missing, 0 in columns of no scale."""
    Z = np.zeros(X.shape)
    for i, row in enumerate(X.astype(np.float64)):
        for j, x in enumerate(row):
            if np.isfinite(scale[j]):
                Z[i, j] = np.rint(np.clip((x - location[j]) / scale[j], -clip, clip) * steps)
    return Z


def column_phases(
    X, location, scale, frequencies, decades, bend, bandwidth, categories, relevances
):
    """What every column adds to every phase, (n_rows, n_columns, n_frequencies)."""
    phase = standardise(X, location, scale, decades, bend)[:, :, None] * frequencies
    if categories is not None:
        for column in categories["columns"]:
            key, n = (categories["seed"] << 20) + int(column), frequencies.shape[1]
            for i, code in enumerate(X[:, column]):
                if not np.isnan(code):
                    normal = make_normal_numbers(int(code), key, n)
                    phase[i, column] = normal / categories["widths"]
    return phase if relevances is None else relevances[:, None] * phase


def waves(phase):
    """Cosines and sines of phases, rows of norm 1."""
    return np.hstack([np.cos(phase), np.sin(phase)]) / np.sqrt(phase.shape[1])


def fourier(X, **state):
    """The Fourier map of a table: phases of numbers, those of categories, cosines and sines."""
    return waves(column_phases(X, **state).sum(axis=1))


# -- probabilities -------------------------------------------------------------------


def softmax(scores):
    """exp(s) / sum of exp(s) of one row, in Python's floats."""
    powers = [np.exp(s - max(scores)) for s in scores]
    return [p / sum(powers) for p in powers]


def log_loss(a, energies, labels, weight):
    """Mean of -log p(label | row) with p proportional to exp(a energy)."""
    losses = [-np.log(softmax(a * e)[c]) for e, c in zip(energies, labels, strict=True)]
    return np.average(losses, weights=weight)


def penalised_log_loss(a, energies, labels, weight, unknown_rows):
    """``log_loss`` with as many more rows like the others, of which any label is as likely.

    Rows of unequal weights are as many equal ones as have a mean of the same variance (Kish).
    """
    n, n_labels = weight.sum() ** 2 / (weight @ weight), energies.shape[1]
    any_label = [log_loss(a, energies, np.full(len(labels), c), weight) for c in range(n_labels)]
    known = n * log_loss(a, energies, labels, weight)
    return (known + unknown_rows * np.mean(any_label)) / (n + unknown_rows)


# -- relevances ------------------------------------------------------------------------


def centred_indicators(labels, weight, n_labels):
    """1 for a row's label and 0 for the others, less their weighted means."""
    Y = np.eye(n_labels)[labels]
    return Y - np.average(Y, axis=0, weights=weight)


def ridge(Z, Y, share, penalty):
    """Coefficients of weighted ridge regression without an intercept, by its normal equations."""
    C = sum(s * np.outer(z, z) for s, z in zip(share, Z, strict=True))
    D = sum(s * np.outer(z, y) for s, z, y in zip(share, Z, Y, strict=True))
    return np.linalg.solve(C + penalty * np.eye(Z.shape[1]), D)


def left_out_error(Z, Y, weight, penalty):
    """Squared error of every row by ridge regression on all others, over that of zeros."""
    share = weight / weight.sum()
    error = 0.0
    for i in range(len(Z)):
        rest = np.arange(len(Z)) != i
        coefs = ridge(Z[rest], Y[rest], share[rest], penalty)
        error += share[i] * ((Y[i] - Z[i] @ coefs) ** 2).sum()
    return error / (share @ (Y**2).sum(axis=1))


# -- explanations ----------------------------------------------------------------------


def contributions(gap, n_columns, n_steps=24, n_fine=60, step=1e-4):
    """What each column adds to a gap that is a function of how far each of them has come.

    The way begins where the gap is zero, behind the last of ``n_steps`` places where it is not
    positive, or at its start. What integration misses is shared among the columns by the sizes
    of what they add.
    """
    places = [s for s in np.arange(n_steps) / n_steps if gap(np.full(n_columns, s)) <= 0]
    low, high = (places[-1], places[-1] + 1 / n_steps) if places else (0.0, 0.0)
    while high - low > 1e-9:
        middle = (low + high) / 2
        if gap(np.full(n_columns, middle)) <= 0:
            low = middle
        else:
            high = middle
    fine = low + (1 - low) * (np.arange(n_fine) + 0.5) / n_fine
    slopes = [central_differences(gap, np.full(n_columns, s), step) for s in fine]
    added = (1 - low) * np.mean(slopes, axis=0)
    rest = gap(np.ones(n_columns)) - added.sum()
    return added + rest * np.abs(added) / np.abs(added).sum()


# -- augmentation ----------------------------------------------------------------


def pixels_of(x, shape):
    """The pixels of one row as {(y, x, channel): value}."""
    height, width, channels = (*shape, 1)[:3]
    return {
        (i, j, c): x[(i * width + j) * channels + c]
        for i in range(height)
        for j in range(width)
        for c in range(channels)
    }


def crop(x, shape, top, left, size):
    """One row of the square that begins at ``top`` and ``left``."""
    pixels, channels = pixels_of(x, shape), (*shape, 1)[2]
    return np.array(
        [
            pixels[top + i, left + j, c]
            for i in range(size)
            for j in range(size)
            for c in range(channels)
        ]
    )


def shift(x, shape, down, right):
    """One row of the image that has moved down and to the right, with zeros where it was."""
    height, width, channels = (*shape, 1)[:3]
    pixels = pixels_of(x, shape)
    return np.array(
        [
            pixels.get((i - down, j - right, c), 0.0)
            for i in range(height)
            for j in range(width)
            for c in range(channels)
        ]
    )


def mirror(x, shape):
    """One row of the image with left and right exchanged."""
    height, width, channels = (*shape, 1)[:3]
    pixels = pixels_of(x, shape)
    return np.array(
        [
            pixels[i, width - 1 - j, c]
            for i in range(height)
            for j in range(width)
            for c in range(channels)
        ]
    )


# -- patches of images -------------------------------------------------------------


def standardised_patches(image, size, share):
    """(p - mean) / sqrt(D (var + share * mean var)) of the patch p at every place.

    ``image`` has shape (height, width, channels); the result (n_places, D).
    """
    image = image / np.abs(image).max() if image.any() else image
    rows, columns = (n - k + 1 for n, k in zip(image.shape, size, strict=False))
    patches = [
        image[i : i + size[0], j : j + size[1]].ravel()
        for i in range(rows)
        for j in range(columns)
    ]
    added = share * np.mean([p.var() for p in patches]) + (16 * np.finfo(image.dtype).eps) ** 2
    return np.array([(p - p.mean()) / np.sqrt(p.size * (p.var() + added)) for p in patches])


def pooled(Y, grid, threshold):
    """Root of the mean of max(0, y - threshold) in every region of places, (n_regions, n_units).

    ``Y`` has shape (rows, columns, n_units).
    """
    edges = [[a * n // k for a in range(k + 1)] for n, k in zip(Y.shape, grid, strict=False)]
    silenced = np.maximum(0, Y - threshold)
    return np.array(
        [
            np.sqrt(silenced[top:bottom, left:right].mean(axis=(0, 1)))
            for top, bottom in zip(edges[0], edges[0][1:], strict=False)
            for left, right in zip(edges[1], edges[1][1:], strict=False)
        ]
    )


def whitened_start(C, t, patches, random):
    """The weights (C + 1 / t)^(-1/2) Q, where Q is the orthogonal factor of a start.

    The start is the patches (n_units, D), whitened and at norm 1, plus ``random`` (D, n_units).
    Outputs have a root mean square of 1. All eigenvalues of C must be positive.
    """
    values, V = np.linalg.eigh(C + np.eye(len(C)) / t)
    whiten = V @ np.diag(values**-0.5) @ V.T
    start = whiten @ patches.T
    start = start / np.linalg.norm(start, axis=0) + random
    values, V = np.linalg.eigh(start @ start.T)
    W = whiten @ V @ np.diag(values**-0.5) @ V.T @ start
    return W / np.sqrt(np.diag(W.T @ C @ W))


# -- forecasts -------------------------------------------------------------------


def semivariogram(x, bounds, n_lags):
    """Half the mean squared difference of the known pairs of a channel at each lag."""
    gamma = []
    for lag in range(n_lags):
        pairs = [
            (x[t + lag] - x[t]) ** 2 / 2
            for first, end in bounds
            for t in range(first, end - lag)
            if not np.isnan(x[t + lag] - x[t])
        ]
        gamma.append(np.mean(pairs))
    return np.array(gamma)


def kriging_weights(gamma, known, place, noise):
    """Weights of known stamps for the one at ``place``: a Lagrange multiplier keeps their sum."""
    n = len(known)
    system = np.ones((n + 1, n + 1))
    system[n, n] = 0
    for i in range(n):
        for j in range(n):
            system[i, j] = -gamma[abs(known[i] - known[j])] + noise * (i == j)
    right = np.array([-gamma[place - i] for i in known] + [1.0])
    return np.linalg.solve(system, right)[:n]


def effective_number(starts, weight, ahead):
    """Kish's number of the sums of weights in blocks of ``ahead`` time steps."""
    sums = {}
    for start, w in zip(starts - min(starts), weight, strict=True):
        sums[start // ahead] = sums.get(start // ahead, 0) + w
    return sum(weight) ** 2 / sum(w**2 for w in sums.values())


def weighted_quantile(x, weight, level):
    """The quantile between entries that stand in the middle of their weights."""
    order = np.argsort(x)
    x, weight = x[order], weight[order] / weight.sum()
    middles = [weight[:i].sum() + weight[i] / 2 for i in range(len(x))]
    return np.interp(level, middles, x)


def corrected_errors(errors, between, starts, width, reach):
    """Errors of one channel minus the weighted mean error of the windows that do not overlap."""
    left = []
    for i in range(len(errors)):
        others = [k for k in range(len(errors)) if abs(starts[k] - starts[i]) >= width]
        if not others:
            left.append(errors[i] - errors.mean(axis=0))
            continue
        near = between[i, others]
        weight = np.exp(-(near - near.min()) / (2 * reach**2))
        left.append(errors[i] - weight @ errors[others] / weight.sum())
    return np.array(left)


def neighbour_edges(Z, n_neighbors):
    """The symmetric graph as a dense matrix, scaled by the numbers of edges."""
    distance = ((Z[:, None] - Z[None]) ** 2).sum(axis=2)
    np.fill_diagonal(distance, np.inf)
    A = np.zeros_like(distance)
    for row, order in enumerate(np.argsort(distance, axis=1)):
        A[row, order[:n_neighbors]] = 1
    A = np.maximum(A, A.T)
    return A / np.sqrt(np.outer(A.sum(axis=1), A.sum(axis=1)))
