"""The encoding "fourier": random Fourier features of standardised columns."""

import numpy as np

from .._blocks import map_blocks
from ..kernels import fourier as kernels
from ..kernels._jit import read_only
from .encoding import CLIP, LIMIT, ROUNDED, Encoding, known_products
from .frequencies import (
    draw_orthogonal_frequencies,
    make_normal_numbers,
    phase_gradient,
    write_waves,
)
from .relevance import choose_by_readout, find_relevances
from .scales import PAIR, column_scales, robust_scales, row_norms


class FourierEncoding(Encoding):
    """Random Fourier features of standardised columns (Rahimi & Recht 2007).

    The map is phi(x) = [cos(z Omega), sin(z Omega)] / sqrt(n_frequencies) with z = (x - location)
    / scale. phi(x) has norm 1 for each x. The product phi(x).phi(x') approximates the Gaussian
    kernel exp(-||z - z'||^2 / 2). ``scale`` is the deviation of the columns times the bandwidth.
    Missing entries (NaN) count as z = 0. Sines and cosines are computed in single precision, which
    is ten times faster and has the effect of a change of z by 1e-7.

    Parameters
    ----------
    location, scale : ndarray of shape (n_features,)
    frequencies : ndarray of shape (n_features, n_frequencies)
        The matrix Omega.
    decades : ndarray of shape (n_features,), default=None
        Units u of columns that are read on the logarithmic scale asinh(x / u), which is defined
        for zeros and negative numbers, too. The unit of all other columns is infinite.
    bend : ndarray of shape (n_features,), default=None
        Beyond this value of |z|, z grows only as a cube root. The value is infinite for columns
        that are not bent.
    categories : dict, default=None
        Columns of categories: "columns" are their numbers, "widths" (one per frequency) are widths
        of the kernel in deviations, and "seed" is the seed of the phases. The scale of a column of
        categories is infinite. Each category adds a normal phase of its own to each frequency. Any
        two categories are therefore as far apart as a typical pair of numbers, and a category that
        training has not seen has the same distance from all other categories.
    bandwidth : float
        Number of deviations in a unit of z.
    relevances : ndarray of shape (n_features,), default=None
        Factors of z, or of the phases of categories, which weigh the columns.
    """

    name = "fourier"
    takes_categories = True
    takes_relevances = True
    wants_complete_rows = True
    knows_length = True
    detector_cut_off = 0.1
    depths = (1, 2)
    # A classifier tries the automatic bandwidth times each of these factors.
    label_factors = (1.0, 2.0)
    # In a table, distances grow only as a cube root beyond this many deviations from a column's
    # mean.
    bend_deviations = 2.0

    def __init__(
        self,
        location,
        scale,
        frequencies,
        decades=None,
        bend=None,
        categories=None,
        bandwidth=1.0,
        relevances=None,
    ):
        self.location = location
        self.scale = scale
        self.frequencies = frequencies
        self.decades = decades
        self.bend = bend
        self.bandwidth = bandwidth
        self.categories = categories
        self.relevances = relevances

    @property
    def state(self):
        return {
            "location": self.location,
            "scale": self.scale,
            "frequencies": self.frequencies,
            "decades": self.decades,
            "bend": self.bend,
            "bandwidth": self.bandwidth,
            "categories": self.categories,
            "relevances": self.relevances,
        }

    @classmethod
    def robustly_fitted_to(
        cls,
        X,
        weight,
        *,
        bandwidth,
        n_frequencies,
        standardize,
        factors,
        seed,
        bent,
        categorical,
        **_,
    ):
        """Return a map whose scales are measured on all rows ``X``.

        The scales survive if a tenth of a column's entries are gross errors. The automatic
        bandwidth is half the root mean squared distance of two rows. Each frequency multiplies
        this bandwidth by one of ``factors``. Frequencies of the same factor are orthogonal to each
        other, in groups of as many as there are columns (Yu et al. 2016).
        """
        rng = np.random.default_rng([seed, 0, 1])
        n_features = X.shape[1]
        codes = np.zeros(n_features, bool) if categorical is None else categorical
        encoding = cls(np.zeros(n_features), np.ones(n_features), None)
        bend = np.full(n_features, np.inf)
        if standardize:
            scales = robust_scales(X, weight, bent)
            encoding.location, encoding.scale = scales["location"], scales["scale"]
            encoding.decades = np.where(codes, np.inf, scales["decades"])
            bend[scales["varies"]] = cls.bend_deviations if bent else np.inf
        encoding.location[codes], encoding.scale[codes] = 0.0, np.inf
        encoding.bend = bend
        if bandwidth == "auto":
            limit = LIMIT if standardize else np.inf
            bandwidth = 0.5 * root_mean_squared_distance(encoding, X, weight, codes, limit)
        else:
            factors = (1.0,)
        with np.errstate(over="ignore"):
            encoding.scale = np.maximum(encoding.scale * bandwidth, 1e-300)
            encoding.bend = bend / bandwidth
        encoding.bandwidth = float(bandwidth)
        factors = np.sort(np.resize(factors, n_frequencies))
        encoding.frequencies = draw_orthogonal_frequencies(n_features, factors, rng)
        if codes.any():
            widths = bandwidth * factors
            encoding.categories = {
                "columns": np.flatnonzero(codes),
                "widths": widths,
                "seed": seed,
            }
        return encoding

    @classmethod
    def fitted_to_labels(cls, sample, n_labels, *, relevances, **options):
        """Return a map whose columns are weighed by how much they say about the labels.

        ``relevances`` is an array with one entry per column, "auto", or None. None gives all
        columns the same weight. The automatic bandwidth is the one of several bandwidths with the
        least leave-one-out error.
        """
        options["factors"] = (1.0,)
        encoding = cls.robustly_fitted_to(sample.X, sample.weight, bent=True, **options)
        # A column that is constant so far may vary later. Changes of the column then count as
        # shares of its value.
        constant = np.isinf(encoding.bend) & np.isfinite(encoding.scale)
        if options["standardize"]:
            size = np.maximum(np.abs(encoding.location), 1e-300)
            encoding.scale[constant] = size[constant] * encoding.bandwidth
        factors = cls.label_factors if options["bandwidth"] == "auto" else (1.0,)
        encodings = [encoding.widened(factor) for factor in factors]
        if not isinstance(relevances, str):
            return choose_by_readout(encodings, relevances, sample, n_labels)
        limit = LIMIT if options["standardize"] else np.inf
        return find_relevances(encodings, sample, n_labels, options["seed"], limit)

    @property
    def n_columns(self):
        return len(self.location)

    @property
    def n_outputs(self):
        return 2 * self.frequencies.shape[1]

    def with_relevances(self, relevances):
        """Return the same map with other relevances of the columns."""
        return FourierEncoding(**{**self.state, "relevances": relevances})

    def widened(self, factor):
        """Return the same map with ``factor`` times the bandwidth."""
        with np.errstate(over="ignore"):  # a finite scale stays finite
            widest = np.minimum(self.scale * factor, np.finfo(np.float64).max)
        scale = np.where(np.isinf(self.scale), np.inf, widest)
        state = {**self.state, "bandwidth": self.bandwidth * factor, "scale": scale}
        if self.bend is not None:
            state["bend"] = self.bend / factor
        if self.categories is not None:
            widths = self.categories["widths"] * factor
            state["categories"] = {**self.categories, "widths": widths}
        return FourierEncoding(**state)

    def narrowed(self, n_frequencies):
        """Return the map of only the first ``n_frequencies`` frequencies."""
        state = {**self.state, "frequencies": self.frequencies[:, :n_frequencies]}
        if self.categories is not None:
            widths = self.categories["widths"][:n_frequencies]
            state["categories"] = {**self.categories, "widths": widths}
        return FourierEncoding(**state)

    @property
    def unit(self):
        """The unit of each column for steps of inference, which is its scale."""
        return np.where(np.isfinite(self.scale), self.scale, 1.0)

    def standardise(self, X, dtype=np.float64):
        """Return z of each entry, with 0 for missing entries, as an array of type ``dtype``.

        The numbers are computed in double precision.
        """
        n = X.shape[1]
        bend = np.full(n, np.inf) if self.bend is None else self.bend
        relevances = np.ones(n) if self.relevances is None else self.relevances
        # All arguments are new arrays: for the read-only arrays of a model that is mapped from
        # disk, Numba would compile the kernel again.
        location, scale, bend, relevances = np.array([self.location, self.scale, bend, relevances])
        Z = np.empty(X.shape, dtype)
        X = read_only(self._with_logarithms(X))
        with np.errstate(over="ignore", invalid="ignore"):  # for NUMBA_DISABLE_JIT=1
            kernels.standardise(X, location, scale, CLIP, bend, relevances, Z)
        return Z

    def _with_logarithms(self, X):
        """Return rows with the logarithms of columns that are read on a logarithmic scale."""
        if self.decades is None or not np.isfinite(self.decades).any():
            return X
        columns = np.flatnonzero(np.isfinite(self.decades))
        X = X.astype(np.float64)
        with np.errstate(over="ignore"):
            X[:, columns] = np.arcsinh(X[:, columns] / self.decades[columns])
        return X

    def _deviations(self, X):
        """Return rows in units of ``scale``, or infinity if a number is too large."""
        with np.errstate(over="ignore"):
            Z = self._with_logarithms(X) - self.location
            Z /= self.scale
        return Z

    def write(self, X, out):
        write_waves(self._phases(X), out)

    def _phases(self, X):
        """Return the phases of the frequencies, ndarray of shape (n_rows, n_frequencies).

        All columns add to each phase.
        """
        Z = self.standardise(X, X.dtype)
        phases = (Z @ self.frequencies.astype(X.dtype)).astype(np.float32, copy=False)
        if self.categories is not None:
            for column in self.categories["columns"]:
                phases += self._category_phases(X[:, column], column)
        return phases

    def _category_phases(self, x, column):
        """Return what the codes ``x`` of a column of categories add to the phases.

        A missing code adds nothing.
        """
        widths = self.categories["widths"].astype(np.float32)
        codes, inverse = np.unique(x, return_inverse=True)
        known = ~np.isnan(codes)
        phases = np.zeros((len(codes), len(widths)), dtype=np.float32)
        key = (self.categories["seed"] << 20) + int(column)
        phases[known] = make_normal_numbers(codes[known].astype(np.uint64), key, len(widths))
        if self.relevances is not None:
            phases *= np.float32(self.relevances[column])
        return (phases / widths)[inverse]

    def write_between(self, start, end, at, out):
        """Encode points between the rows of ``start`` and of ``end``.

        ``at`` (n_rows,) gives the place of each point, from 0 to 1. The phases are interpolated
        instead of the entries, because phases of categories can be interpolated, too.
        """
        before = self._phases(start)
        write_waves(before + (self._phases(end) - before) * at[:, None].astype(np.float32), out)

    def slopes_between(self, start, end, at, Z, G):
        """Return each column's part of the slope of a function along a line of phases.

        A column's part follows from its share of the change of the phases.
        """
        slope = phase_gradient(Z[:, : self.n_outputs], G)
        result = slope @ self.frequencies.T * (self.standardise(end) - self.standardise(start))
        if self.categories is not None:
            for column in self.categories["columns"]:
                before, after = (self._category_phases(X[:, column], column) for X in (start, end))
                result[:, column] = np.einsum("ij,ij->i", slope, after - before)
        return result

    def rounded(self, X):
        """Return rows that are equal if their encoded rows agree up to rounding.

        Codes of categories and missing entries stay unchanged.
        """
        location, scale = np.array([self.location, self.scale])
        Z = np.empty(X.shape)
        rows = read_only(self._with_logarithms(X))
        with np.errstate(over="ignore", invalid="ignore"):  # for NUMBA_DISABLE_JIT=1
            kernels.round_standardised(rows, location, scale, CLIP, ROUNDED, Z)
        if self.categories is not None:
            columns = self.categories["columns"]
            Z[:, columns] = X[:, columns]
        return Z

    def pull_back(self, X, Z, G):
        """Return the gradient by rows ``X``, from the gradient ``G`` by the encoded rows ``Z``."""
        return self.pull_back_to_standardised(Z, G, X.dtype) * self._slope(X)

    def pull_back_to_standardised(self, Z, G, dtype):
        """Return the gradient by standardised rows, from the gradient ``G`` by encoded ones.

        ``Z`` are the encoded rows.
        """
        return phase_gradient(Z, G) @ self.frequencies.T.astype(dtype)

    def _slope(self, X):
        """Return the derivative of each standardised entry by the entry of ``X``."""
        slope = np.broadcast_to((1 / self.scale).astype(X.dtype), X.shape)
        if self.relevances is not None:
            slope = slope * self.relevances.astype(X.dtype)
        if self.decades is not None:
            logarithmic = np.isfinite(self.decades)
            slope = np.where(logarithmic, slope / np.hypot(X, self.decades), slope)
        if self.bend is not None:
            far = np.maximum(np.abs(self._deviations(X)), self.bend)
            # Infinity / infinity occurs in columns that are not bent.
            with np.errstate(invalid="ignore"):
                slope = slope * np.where(far > self.bend, np.cbrt(self.bend / far) ** 2, 1)
        return slope

    def length(self, X):
        """Return the L1 norm of the standardised rows, and its gradient by ``X``."""
        Z = self.standardise(X)
        return np.abs(Z).sum(axis=1), np.sign(Z) * self._slope(X)

    def in_deviations(self, X, sample):
        """Return rows in deviations of the columns to which the map was fitted."""
        return self.standardise(X) * self.bandwidth

    def size(self, X):
        """Return the norm of the rows, in the ``unit`` of each column."""
        return row_norms(self.standardise(X))

    def energy(self, X):
        """Return the squared norm of the encoded rows, which is always 1, and its gradient."""
        return np.ones(len(X)), np.zeros(X.shape)

    def distances(self, X, known, kept, weight):
        """Return squared distances from each row to each kept row, in standard deviations.

        Only the known entries of a row count. A term that is the same for all kept rows is left
        out. The second result is the factor of the kept row, as in ``UnitEncoding.distances``, and
        is always 1 here.
        """
        location, scale = column_scales(kept, weight)
        with np.errstate(over="ignore"):
            Z, K = (np.clip((rows - location) / scale, -CLIP, CLIP) for rows in (X, kept))
        product, squares = known_products(Z, known, K)
        return squares - 2 * product, np.ones_like(product)


def root_mean_squared_distance(encoding, X, weight, codes, limit):
    """Return the root mean squared distance of two random rows in standardised columns.

    An entry counts for at most ``limit`` deviations. Two different categories are ``PAIR`` apart.
    If all rows are equal, the result is 1.
    """
    share = weight / weight.sum()
    sums, squares = np.zeros((2, X.shape[1]))

    def sums_of(block):
        Z = np.clip(encoding.standardise(X[block]), -limit, limit)
        return share[block] @ Z, share[block] @ (Z * Z)

    for of_block, squares_of_block in map_blocks(sums_of, *X.shape):
        sums += of_block
        squares += squares_of_block
    total = 2 * np.maximum(squares - sums**2, 0).sum()
    for column in np.flatnonzero(codes):
        _, inverse = np.unique(X[:, column], return_inverse=True)
        total += PAIR**2 * (1 - (np.bincount(inverse, weights=share) ** 2).sum())
    return np.sqrt(total) if total > 0 else 1.0
