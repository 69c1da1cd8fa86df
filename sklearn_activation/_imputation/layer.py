"""The imputer's layer: it learns filled rows, in closed form for any learning time."""

from functools import reduce

import numpy as np

from .._inference.objective import Objective
from .._learning.layer import Spectrum
from .._learning.moments import Moments
from .._network import Network
from .._rows.encoded import EncodedRows
from .._rows.fourier import FourierEncoding, root_mean_squared_distance

# Rows are learned and filled in this precision.
PRECISION = np.float32


def fit_encoding(Z, weight, columns, *, bandwidth, n_frequencies, seed):
    """Return the Fourier map of rows without gaps, in which columns count by their trust.

    Parameters
    ----------
    Z : ndarray of shape (n_rows, n_columns)
        Rows in deviations.
    weight : ndarray of shape (n_rows,)
    columns : Columns
    bandwidth : "auto" or float
        Width of the kernel. "auto" takes half the root mean squared distance of two rows.
    n_frequencies : int
    seed : int
    """
    codes, n_columns = columns.is_categorical, Z.shape[1]
    encoding = FourierEncoding(np.zeros(n_columns), columns.spread(1.0), None)
    if bandwidth == "auto":
        bandwidth = 0.5 * root_mean_squared_distance(encoding, Z, weight, codes, np.inf)
    rng = np.random.default_rng([seed, 0, 1])
    # Independent frequencies fill better here: with orthogonal ones, curves in tables of few
    # columns were filled worse.
    encoding.frequencies = rng.normal(size=(n_columns, n_frequencies))
    encoding.scale, encoding.bandwidth = columns.spread(bandwidth), float(bandwidth)
    if codes.any():
        widths = np.full(n_frequencies, bandwidth)
        encoding.categories = {"columns": np.flatnonzero(codes), "widths": widths, "seed": seed}
    return encoding


class Learned:
    """A layer's statistics of filled rows, from which the network follows for any learning time.

    Parameters
    ----------
    Z : ndarray of shape (n_rows, n_columns)
        Rows in deviations, without gaps.
    weight : ndarray of shape (n_rows,)
    encoding : FourierEncoding
    epsilon : float
        The layer starts from W W^T = epsilon I.
    """

    # Maximum number of units of the layer.
    most_units = 384
    # A direction gets a unit only if learning closed at least this share of its distance to 1.
    least_learned = 0.02

    def __init__(self, Z, weight, encoding, epsilon):
        self.encoding = encoding
        n_inputs = self.encoding.n_outputs
        rows = EncodedRows(Z.astype(PRECISION), self.encoding, dtype=PRECISION)
        parts = rows.map_blocks(lambda b: Moments(n_inputs).add(rows.data(b), weight[b]), n_inputs)
        self.moments = reduce(Moments.merge, parts)
        self.spectrum = Spectrum(*self.moments.decompose(), self.most_units, epsilon)

    def network(self, rule):
        """Return the network after the learning time that a rule chooses, and this time.

        Only the activation of the network's one layer matters, so the layer needs no random
        rotation.
        """
        t = rule.choose(0, self.moments, Network([], "abs", [])).time
        spectrum = self.spectrum
        share = spectrum.filter(spectrum.values[: spectrum.n_units], t)
        learned = (share - spectrum.epsilon) / (1 - spectrum.epsilon)
        n = max(1, np.count_nonzero(learned > self.least_learned))
        W = spectrum.vectors[:, :n] * np.sqrt(share[:n])
        return Network([W.astype(PRECISION)], "abs", []), t

    def objective(self, rule):
        return Objective(self.network(rule)[0], self.encoding)
