"""How far each column counts: it follows from what the column says of the label."""

from dataclasses import dataclass

import numpy as np

from .encoded import EncodedRows

# Strengths of the ridge penalty that are tried, over the mean squared norm of encoded rows.
PENALTIES = 10.0 ** np.arange(-6, 0.1, 0.5)

# Relevances of this many rows count half.
PRIOR_ROWS = 20.0

# Read-outs look at this many rows.
MOST_ROWS_READ = 2000

# Read-outs look at this many frequencies.
N_FREQUENCIES_READ = 128


@dataclass(frozen=True)
class Readout:
    """A linear read-out of labels from encoded rows, and its error on rows left out.

    Parameters
    ----------
    loss : float
        Mean squared error of the labels' indicators, each row judged by all others, over that of
        their means.
    coefs : ndarray of shape (n_encoded, n_outputs)
        Coefficients of as few outputs as have the same sums of squared slopes.
    """

    loss: float
    coefs: np.ndarray


def read_out(Z, labels, weight, n_labels, *, most_outputs=8):
    """Ridge regression of labels on encoded rows, with the penalty of least leave-one-out error.

    One decomposition serves all penalties (Hoerl & Kennard 1970; the error of a row that is left
    out is that of the row divided by 1 - its leverage, Allen 1974).

    Parameters
    ----------
    Z : ndarray of shape (n_rows, n_encoded)
    labels : ndarray of int of shape (n_rows,)
    weight : ndarray of shape (n_rows,)
    n_labels : int
    most_outputs : int
        The outputs are turned to their principal directions, of which this many are kept.

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
    """How far the read-out changes with each column, ndarray of shape (n_features,).

    The root of the mean squared slope over rows, in outputs a deviation (the diagonal of the
    average gradient outer product of Radhakrishnan et al. 2024). A category is exchanged for that
    of another row instead: half the mean squared change is what it would be for a number.
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
    """The best of some encodings, with the relevances of columns that suit it best.

    In every round all encodings are tried with the relevances so far, by rows left out one at a
    time; the next relevances are the slopes of the best one's read-out.

    Parameters
    ----------
    encodings : list of FourierEncoding
        Maps of the same columns with different bandwidths.
    sample : Sample
    n_labels : int
    seed : int
    limit : float
        One entry adds at most this many deviations to the distances of rows.
    n_rounds : int
        How often relevances are looked for.
    least_gain : float
        Columns count alike unless relevances lower the error by this share of that of the means.

    Returns
    -------
    encoding : FourierEncoding
        With the relevances and the bandwidth of least error.
    """
    sample = sample.smallest(MOST_ROWS_READ)
    spread = column_spread(encodings[0], sample, limit)
    if not spread.any():
        return encodings[-1]
    # Few rows do not tell whether a column that is constant among them says anything.
    varies = (spread > 0) | (len(sample.X) < PRIOR_ROWS)
    relevances, best = varies.astype(np.float64), (np.inf, None)
    for k in range(n_rounds + 1):
        loss, encoding, readout = best_by_readout(encodings, relevances, sample, n_labels)
        loss += least_gain * (k > 0)
        if loss < best[0]:
            best = loss, encoding
        small = encoding.narrowed(N_FREQUENCIES_READ)
        slopes = column_slopes(readout, small, sample.X, sample.weight, seed)
        # Few rows say little of columns: with as many as these, ratios are pulled halfway to 1.
        slopes = np.where(varies, slopes, 0) ** (len(sample.X) / (len(sample.X) + PRIOR_ROWS))
        length = np.sqrt((slopes**2 * spread**2).sum())
        if not length > 0:
            break
        # Rows are as far apart as before, so that bandwidths stay what they are.
        relevances = slopes * (np.sqrt((spread**2).sum()) / length)
    return best[1]


def choose_by_readout(encodings, relevances, sample, n_labels):
    """The best of some encodings, with given relevances, by the labels of rows left out."""
    if len(encodings) == 1:
        return encodings[0].with_relevances(relevances)
    return best_by_readout(encodings, relevances, sample.smallest(MOST_ROWS_READ), n_labels)[1]


def best_by_readout(encodings, relevances, sample, n_labels):
    """The error, the encoding and the read-out of least error, with these relevances."""
    tried = []
    for encoding in encodings:
        encoding = encoding.with_relevances(relevances)
        small = encoding.narrowed(N_FREQUENCIES_READ)
        Z = EncodedRows(sample.X, small, dtype=np.float32).data()
        readout = read_out(Z, sample.labels, sample.weight, n_labels)
        tried.append((readout.loss, encoding, readout))
    return min(tried, key=lambda trial: trial[0])


def column_spread(encoding, sample, limit=np.inf):
    """Deviation of every standardised column; categories spread as two values that differ.

    No entry counts for more than ``limit`` deviations.
    """
    share = sample.weight / sample.weight.sum()
    Z = np.clip(encoding.bandwidth * encoding.standardise(sample.X), -limit, limit)
    Z -= Z[0]  # Constant columns then spread by 0, without a rounding error.
    spread = np.sqrt(share @ (Z - share @ Z) ** 2)
    if encoding.categories is not None:
        for column in encoding.categories["columns"]:
            _, code = np.unique(sample.X[:, column], return_inverse=True)
            of_code = np.bincount(code, share)
            spread[column] = np.sqrt(1 - ((of_code / of_code.sum()) ** 2).sum())
    return spread
