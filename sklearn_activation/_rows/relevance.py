"""The relevance of each column: its weight, from how much it says about the labels."""

from dataclasses import dataclass

import numpy as np

from .encoded import EncodedRows

# Ridge penalties to try. The mean squared norm of encoded rows is 1.
PENALTIES = 10.0 ** np.arange(-6, 0.1, 0.5)

# With this many rows, a relevance is pulled halfway towards 1 (on a logarithmic scale).
PRIOR_ROWS = 20.0

# A read-out uses at most this many rows.
MOST_ROWS_READ = 2000

# A read-out uses at most this many frequencies.
N_FREQUENCIES_READ = 128


@dataclass(frozen=True)
class Readout:
    """A linear regression of labels on encoded rows, with its leave-one-out error.

    Parameters
    ----------
    loss : float
        Mean squared leave-one-out error of the labels' indicators, divided by the error of their
        means.
    coefs : ndarray of shape (n_encoded, n_outputs)
        Coefficients. The outputs are turned to a few principal directions, which keeps the sums of
        squared slopes.
    """

    loss: float
    coefs: np.ndarray


def read_out(Z, labels, weight, n_labels, *, most_outputs=8):
    """Fit a ridge regression of labels on encoded rows, with the least leave-one-out error.

    One decomposition serves all penalties (Hoerl & Kennard 1970). The leave-one-out error of a row
    is its error divided by 1 - its leverage (Allen 1974).

    Parameters
    ----------
    Z : ndarray of shape (n_rows, n_encoded)
    labels : ndarray of int of shape (n_rows,)
    weight : ndarray of shape (n_rows,)
    n_labels : int
    most_outputs : int
        Number of principal directions of the outputs that are kept.

    Returns
    -------
    Readout
    """
    share = weight / weight.sum()
    target = -np.tile(np.bincount(labels, share, n_labels), (len(Z), 1))
    target[np.arange(len(Z)), labels] += 1
    root = np.sqrt(share)[:, None].astype(Z.dtype)
    weighted = root * Z
    values, V = np.linalg.eigh(weighted.T @ weighted)
    values = np.maximum(values, 0).astype(np.float64)
    projected = (Z @ V).astype(np.float64)
    slopes = (share[:, None] * projected).T @ target
    best = np.inf, None
    squares = projected**2
    for penalty in PENALTIES:
        gain = 1 / (values + penalty)
        leverage = share * (squares @ gain)
        left_out = (target - (projected * gain) @ slopes) / np.maximum(1 - leverage, 1e-3)[:, None]
        loss = float(share @ (left_out**2).sum(axis=1))
        if loss < best[0]:
            best = loss, gain
    loss, gain = best
    loss /= max(float(share @ (target**2).sum(axis=1)), 1e-300)
    coefs = V @ (gain[:, None] * slopes)
    U, sizes, _ = np.linalg.svd(coefs, full_matrices=False)
    return Readout(loss, (U * sizes)[:, : min(most_outputs, n_labels - 1)])


def column_slopes(readout, encoding, X, weight, seed):
    """Return how strongly the read-out depends on each column, ndarray of shape (n_features,).

    The result is the root mean square, over rows, of the slope in outputs per deviation. The
    squares are the diagonal of the average gradient outer product (Radhakrishnan et al. 2024). A
    category has no slope. In a column of categories, each row gets the category of another row at
    random. Half the mean squared change of the outputs then takes the place of the mean squared
    slope.
    """
    squares = np.zeros(X.shape[1])
    share = weight / weight.sum()
    Z = EncodedRows(X, encoding, dtype=np.float32).data()
    for coef in readout.coefs.T:
        G = np.broadcast_to(coef, (len(X), len(coef)))
        squares += share @ encoding.pull_back_to_standardised(Z, G, np.float64) ** 2
    squares /= encoding.bandwidth**2
    if encoding.relevances is not None:
        squares *= encoding.relevances**2
    if encoding.categories is not None:
        other = np.random.default_rng([seed, 2]).permutation(len(X))
        before = Z @ readout.coefs
        for column in encoding.categories["columns"]:
            exchanged = X.copy()
            exchanged[:, column] = X[other, column]
            change = (
                EncodedRows(exchanged, encoding, dtype=np.float32).data() @ readout.coefs - before
            )
            squares[column] = share @ (change**2).sum(axis=1) / 2
    return np.sqrt(squares)


def find_relevances(encodings, sample, n_labels, seed, limit, *, n_rounds=3, least_gain=0.01):
    """Return the best of some encodings, with the relevances of columns that suit it best.

    Each round tries all encodings with the relevances so far, and judges them by the leave-one-out
    error of a read-out. The slopes of the best read-out become the next relevances.

    Parameters
    ----------
    encodings : list of FourierEncoding
        Maps of the same columns with different bandwidths.
    sample : Sample
    n_labels : int
    seed : int
    limit : float
        An entry adds at most this many deviations to the distances of rows.
    n_rounds : int
        Number of times that relevances are computed.
    least_gain : float
        Least gain in the loss of a ``Readout`` for which relevances are used. If the gain is
        smaller, all columns get the same weight.

    Returns
    -------
    encoding : FourierEncoding
        The map with the relevances and the bandwidth of least error.
    """
    sample = sample.smallest(MOST_ROWS_READ)
    spread = column_spread(encodings[0], sample, limit)
    if not spread.any():
        return encodings[-1]
    # A column that is constant in a few rows may still say something about the labels.
    varies = (spread > 0) | (len(sample.X) < PRIOR_ROWS)
    relevances, best = varies.astype(np.float64), (np.inf, None)
    for k in range(n_rounds + 1):
        loss, encoding, readout = best_by_readout(encodings, relevances, sample, n_labels)
        loss += least_gain * (k > 0)
        if loss < best[0]:
            best = loss, encoding
        small = encoding.narrowed(N_FREQUENCIES_READ)
        slopes = column_slopes(readout, small, sample.X, sample.weight, seed)
        # Few rows say little about columns, so the exponent pulls ratios of relevances towards 1.
        # With ``PRIOR_ROWS`` rows the exponent is 1/2.
        slopes = np.where(varies, slopes, 0) ** (len(sample.X) / (len(sample.X) + PRIOR_ROWS))
        length = np.sqrt((slopes**2 * spread**2).sum())
        if not length > 0:
            break
        # The factor keeps the typical distance of rows, so that bandwidths need no change.
        relevances = slopes * (np.sqrt((spread**2).sum()) / length)
    return best[1]


def choose_by_readout(encodings, relevances, sample, n_labels):
    """Return the best of some encodings with given relevances, by the leave-one-out error."""
    if len(encodings) == 1:
        return encodings[0].with_relevances(relevances)
    return best_by_readout(encodings, relevances, sample.smallest(MOST_ROWS_READ), n_labels)[1]


def best_by_readout(encodings, relevances, sample, n_labels):
    """Return the least error, its encoding and its read-out, for given relevances."""
    tried = []
    for encoding in encodings:
        encoding = encoding.with_relevances(relevances)
        small = encoding.narrowed(N_FREQUENCIES_READ)
        Z = EncodedRows(sample.X, small, dtype=np.float32).data()
        readout = read_out(Z, sample.labels, sample.weight, n_labels)
        tried.append((readout.loss, encoding, readout))
    return min(tried, key=lambda trial: trial[0])


def column_spread(encoding, sample, limit=np.inf):
    """Return the deviation of each standardised column.

    The spread of a column of categories is the square root of the probability that two rows
    differ. An entry beyond ``limit`` deviations counts as ``limit`` deviations.
    """
    share = sample.weight / sample.weight.sum()
    Z = np.clip(encoding.bandwidth * encoding.standardise(sample.X), -limit, limit)
    Z -= Z[0]  # Constant columns then have a spread of exactly 0.
    spread = np.sqrt(share @ (Z - share @ Z) ** 2)
    if encoding.categories is not None:
        for column in encoding.categories["columns"]:
            _, code = np.unique(sample.X[:, column], return_inverse=True)
            of_code = np.bincount(code, share)
            spread[column] = np.sqrt(1 - ((of_code / of_code.sum()) ** 2).sum())
    return spread
