"""From validated rows to rows of known norm, with or without a label block."""

import numpy as np

from .kernels import rows as kernels

SAMPLE_SIZE = 2048  # rows that scales, distances and thresholds are taken from, and models keep
CLIP = 1e6  # bandwidths from the mean beyond which entries count as equally far
BEND = 2.0  # deviations from the mean beyond which distances grow as a cube root
FENCE = 5.0  # robust deviations from the median beyond which entries do not set a scale
QUARTILE = 0.6745  # of a standard normal: quartiles over it estimate deviations
PAIR = np.sqrt(2)  # root mean square of the distance of two entries, in deviations
NEW = 1e-6  # share of a constant column's value by which a change is far from it
DECADES = 30.0  # ratio of a column's 95 % quantile to its 5 % beyond which logarithms are taken
LIMIT = 10.0  # deviations that an entry may add to the typical distance of rows
ROUNDED = 2.0**16  # steps a bandwidth in which rows are recognised


class UnitEncoding:
    """Every row scaled to norm 1; zero rows stay zero."""

    name = "unit"
    unit = 1.0  # of every column: changes of one unit matter alike
    largest = 1e100  # entry that is handled, over ``magnitude``

    def __init__(self, n_outputs):
        self.n_outputs = n_outputs

    @property
    def state(self):
        return {"n_outputs": self.n_outputs}

    @classmethod
    def fitted_to(cls, sample, **_):
        return cls(sample.X.shape[1])

    def write(self, X, out):
        """Encode ``X`` into the leading columns of ``out``."""
        X = np.asarray(X)
        if X.dtype != out.dtype:  # float32 may not hold what a row holds
            largest = np.fmax.reduce(np.abs(X), axis=1, keepdims=True)
            X = X / np.where(largest > 0, largest, 1)
        out[:, : self.n_outputs] = X
        kernels.scale_to_unit(out, self.n_outputs)  # missing units become 0

    def rounded(self, X):
        """Rows that are the same number for number wherever encoded rows are, but for rounding."""
        out = np.array(X, dtype=np.float64)
        kernels.scale_to_unit(out, self.n_outputs)
        return np.rint(out * ROUNDED)

    def to_hash(self, X):
        """Stamps of a series as windows are recognised by them: as they are."""
        return X

    def standardise(self, X):
        """Rows of norm 1."""
        out = np.array(X, dtype=np.float64)
        kernels.scale_to_unit(out, self.n_outputs)
        return out

    def pull_back(self, X, G):
        """Gradient with respect to rows ``X`` from that with respect to encoded ones."""
        norms = row_norms(X)[:, None]
        norms[norms == 0] = 1
        Z = X / norms
        return (G - np.einsum("ij,ij->i", Z, G)[:, None] * Z) / norms

    def length(self, X):
        """L1 norm of the encoded rows, and its gradient with respect to ``X``."""
        Z = X / np.maximum(row_norms(X), 1e-300)[:, None]
        return np.abs(Z).sum(axis=1), self.pull_back(X, np.sign(Z))

    def size(self, X):
        """Norm of the rows, in ``unit`` for each column."""
        return row_norms(X)

    def energy(self, X):
        """Squared length of the rows before they are encoded, and its gradient."""
        return np.einsum("ij,ij->i", X, X), 2 * X

    def magnitude(self, X):
        """Number to divide rows by for entries of order 1: a power of two, exactly undone."""
        largest = np.fmax.reduce(np.abs(X), axis=None).astype(np.float64)
        return 2.0 ** np.floor(np.log2(largest)) if largest > 0 else 1.0

    def with_lengths(self, X, lengths):
        """Rows of the given norms, which encoded rows do not tell."""
        return X * (lengths / np.maximum(np.linalg.norm(X, axis=1), 1e-300))[:, None]

    def distances(self, X, known, kept, weight):
        """Squared, from rows' known entries to the nearest multiple of each kept row.

        Also the multiple. Rows count as alike whatever their length. A constant that is the
        same for all kept rows is left out.
        """
        product, squares = _known_products(X, known, kept)
        factor = np.maximum(product, 0) / np.where(squares > 0, squares, 1)
        return factor * (factor * squares - 2 * product), factor


class FourierEncoding:
    """Random Fourier features of standardised columns (Rahimi & Recht 2007).

    phi(x) = [cos(z Omega), sin(z Omega)] / sqrt(n_frequencies) with
    z = (x - location) / scale has norm 1 for every x, and phi(x).phi(x')
    approximates the Gaussian kernel exp(-||z - z'||^2 / 2); ``scale`` is the columns'
    deviation times the bandwidth. Missing entries (NaN) count as z = 0. Sines and cosines
    are taken in single precision, which is ten times faster: like a change of z by 1e-7.

    Parameters
    ----------
    location, scale : ndarray of shape (n_features,)
    frequencies : ndarray of shape (n_features, n_frequencies)
    decades : ndarray of shape (n_features,), default=None
        Units u of the columns that are read as asinh(x / u), a logarithm beyond u that takes
        zeros and negative numbers; infinite for all others.
    bend : ndarray of shape (n_features,), default=None
        |z| beyond which z grows as a cube root, infinite for columns that are not bent.
    categories : dict, default=None
        "columns": which columns hold the codes of categories, whose scale is infinite;
        "widths": of the kernel in deviations, one a frequency; "seed": of the phases. Each
        category adds a normal phase of its own to every frequency, so that any two are as far
        apart as a typical pair of numbers, and one never seen is as far from all others.
    bandwidth : float
        Deviations in a unit of z.
    """

    name = "fourier"
    largest = np.inf

    def __init__(
        self, location, scale, frequencies, decades=None, bend=None, categories=None, bandwidth=1.0
    ):
        self.location = location
        self.scale = scale
        self.frequencies = frequencies
        self.decades = decades
        self.bend = bend
        self.bandwidth = bandwidth
        self.categories = categories

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
        }

    @classmethod
    def fitted_to(cls, sample, *, bandwidth, n_frequencies, standardize, factors, seed):
        """Columns' scales and, for ``bandwidth="auto"``, distances from a ``Sample``.

        The automatic bandwidth is multiplied by one of ``factors`` in turn for each
        frequency: the kernel is the mean of Gaussians of those widths.
        """
        rng = np.random.default_rng([seed, 0, 1])
        sample = sample.smallest(SAMPLE_SIZE)
        n_features = sample.X.shape[1]
        encoding = cls(np.zeros(n_features), np.ones(n_features), None)
        if standardize:
            encoding.location, encoding.scale = column_scales(sample.X, sample.weight)
        if bandwidth == "auto":
            bandwidth = 0.5 * median_distance(encoding.standardise(sample.X), rng)
        else:
            factors = (1.0,)
        # In units of the bandwidth: what is clipped then is far by any measure.
        with np.errstate(over="ignore"):
            encoding.scale = np.maximum(encoding.scale * bandwidth, 1e-300)
        encoding.frequencies = rng.normal(size=(n_features, n_frequencies))
        encoding.frequencies /= np.resize(factors, n_frequencies)
        return encoding

    @classmethod
    def robustly_fitted_to(
        cls, X, weight, *, bandwidth, n_frequencies, standardize, factors, seed, bent, categorical
    ):
        """Scales that survive a tenth of a column being junk, from all rows ``X``.

        The automatic bandwidth is half the root mean squared distance of two rows, times one of
        ``factors`` for each frequency. Frequencies of one factor are orthogonal to each other
        as far as there are columns for that (Yu et al. 2016).
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
            bend[scales["varies"]] = BEND if bent else np.inf
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
        encoding.frequencies = orthogonal_frequencies(n_features, factors, rng)
        if codes.any():
            widths = bandwidth * factors
            encoding.categories = {
                "columns": np.flatnonzero(codes),
                "widths": widths,
                "seed": seed,
            }
        return encoding

    @property
    def n_outputs(self):
        return 2 * self.frequencies.shape[1]

    @property
    def unit(self):
        """Of every column: changes of one unit matter alike."""
        return np.where(np.isfinite(self.scale), self.scale, 1.0)

    def standardise(self, X):
        Z = np.clip(self._deviations(X), -CLIP, CLIP)
        if self.bend is not None:
            bent = np.flatnonzero(np.isfinite(self.bend))
            if len(bent) == Z.shape[1]:
                _bend(Z, self.bend)
            elif len(bent):
                part = Z[:, bent]
                _bend(part, self.bend[bent])
                Z[:, bent] = part
        return np.nan_to_num(Z, copy=False, nan=0.0)

    def _deviations(self, X):
        """Rows in units of ``scale``, infinite where that is too large a number."""
        with np.errstate(over="ignore"):
            if self.decades is not None and np.isfinite(self.decades).any():
                columns = np.flatnonzero(np.isfinite(self.decades))
                X = X.astype(np.float64)
                X[:, columns] = np.arcsinh(X[:, columns] / self.decades[columns])
            Z = X - self.location
            Z /= self.scale
        return Z

    def write(self, X, out):
        Z = self.standardise(X).astype(X.dtype, copy=False)
        phase = (Z @ self.frequencies.astype(X.dtype)).astype(np.float32, copy=False)
        if self.categories is not None:
            self._add_categories(X, phase)
        write_waves(phase, out)

    def _add_categories(self, X, phase):
        widths = self.categories["widths"].astype(np.float32)
        for column in self.categories["columns"]:
            codes, inverse = np.unique(X[:, column], return_inverse=True)
            known = ~np.isnan(codes)
            phases = np.zeros((len(codes), phase.shape[1]), dtype=np.float32)
            key = (self.categories["seed"] << 20) + int(column)
            phases[known] = normal_numbers(codes[known].astype(np.uint64), key, len(widths))
            phase += (phases / widths)[inverse]

    def rounded(self, X):
        """Rows that are the same number for number wherever encoded rows are, but for rounding.

        Codes of categories and missing entries stay as they are.
        """
        Z = self._deviations(X)
        np.clip(Z, -CLIP, CLIP, out=Z)
        Z *= ROUNDED
        np.rint(Z, out=Z)
        Z[:, ~np.isfinite(self.scale)] = 0.0
        if self.categories is not None:
            columns = self.categories["columns"]
            Z[:, columns] = X[:, columns]
        return Z

    def pull_back(self, X, G):
        """Gradient with respect to rows ``X`` from that with respect to encoded ones."""
        phase = (self.standardise(X) @ self.frequencies).astype(np.float32)
        if self.categories is not None:
            self._add_categories(X, phase)
        G = phase_gradient(phase, G)
        return G @ self.frequencies.T * self._slope(X)

    def _slope(self, X):
        """Derivative of the standardised rows."""
        slope = np.broadcast_to(1 / self.scale, X.shape)
        if self.decades is not None:
            logarithmic = np.isfinite(self.decades)
            slope = np.where(logarithmic, slope / np.hypot(X, self.decades), slope)
        if self.bend is not None:
            far = np.maximum(np.abs(self._deviations(X)), self.bend)
            with np.errstate(invalid="ignore"):  # infinity over infinity: not bent
                slope = slope * np.where(far > self.bend, np.cbrt(self.bend / far) ** 2, 1)
        return slope

    def length(self, X):
        """L1 norm of the standardised rows, and its gradient with respect to ``X``."""
        Z = self.standardise(X)
        return np.abs(Z).sum(axis=1), np.sign(Z) * self._slope(X)

    def size(self, X):
        """Norm of the rows, in ``unit`` for each column."""
        return row_norms(self.standardise(X))

    def energy(self, X):
        """Squared length of the encoded rows, which is always 1, and its gradient."""
        return np.ones(len(X)), np.zeros(X.shape)

    def magnitude(self, X):
        """Number to divide rows by: none, columns have scales of their own."""
        return 1.0

    def with_lengths(self, X, lengths):
        """The rows as they are: nothing about them is forgotten."""
        return X

    def distances(self, X, known, kept, weight):
        """Squared, from rows' known entries to each kept row, in standard deviations.

        Also 1, the multiple of the kept row that it is taken to. A constant that is the same
        for all kept rows is left out.
        """
        _, scale = column_scales(kept, weight)
        product, squares = _known_products(X / scale, known, kept / scale)
        return squares - 2 * product, np.ones_like(product)


ENCODINGS = {kind.name: kind for kind in (UnitEncoding, FourierEncoding)}


def write_waves(phase, out):
    """Write cosines and sines of phases, rows of norm 1, into the leading columns of ``out``."""
    n = phase.shape[1]
    np.cos(phase, out=out[:, :n])
    np.sin(phase, out=out[:, n : 2 * n])
    out[:, : 2 * n] /= np.sqrt(n)


def phase_gradient(phase, G):
    """Gradient with respect to phases from that with respect to their cosines and sines."""
    n = phase.shape[1]
    return (np.cos(phase) * G[:, n:] - np.sin(phase) * G[:, :n]) / np.sqrt(n)


def _known_products(X, known, kept):
    """Products of rows and kept rows on the known entries, and the kept rows' squares there."""
    return np.where(known, X, 0) @ kept.T, known.astype(np.float64) @ (kept * kept).T


def row_norms(X):
    """Euclidean norm of every row; finite wherever the norm is."""
    largest = np.abs(X).max(axis=1)
    divisor = np.where(largest > 0, largest, 1)[:, None]
    return largest * np.linalg.norm(X / divisor, axis=1)


def column_scales(X, weight):
    """Mean and deviation of every column's known entries, finite at any magnitude.

    The deviation is infinite if there are none: the column counts for nothing.
    """
    known = ~np.isnan(X)
    largest = np.abs(np.where(known, X, 0)).max(axis=0).astype(np.float64)
    largest[largest == 0] = 1
    Z = np.where(known, X, 0) / largest
    share = weight[:, None] * known
    share /= np.maximum(share.sum(axis=0), 1e-300)
    location = (share * Z).sum(axis=0)
    scale = np.sqrt((share * (Z - location) ** 2).sum(axis=0))
    scale[scale <= 1e-12] = 1  # constant columns
    return location * largest, np.where(known.any(axis=0), scale * largest, np.inf)


def robust_scales(X, weight, decades=True):
    """Scales of every column's known entries, junk among them, as a dictionary of arrays.

    "location", "scale": mean and deviation of the entries clipped to the median +- ``FENCE``
    robust deviations, which are the interquartile range's, or, where that is 0, the median
    distance from the median of the entries that differ from it. Two values are no further apart
    than a typical pair of numbers. Without known entries the scale is infinite.
    "varies": False if all entries agree, or all but one of 20 or more (unless they are 0 and
    1): a change by more than ``NEW`` is then far from all that was seen.
    "decades": the unit u of asinh(x / u), to which location and scale refer, of columns that
    are positive, whose central 90 % span more than a factor of ``DECADES``, and that are less
    skewed as logarithms; infinite for others, and for all unless ``decades``.
    """
    columns = [_robust_scale(X[:, j], weight, decades) for j in range(X.shape[1])]
    names = ("location", "scale", "varies", "decades")
    return {name: np.array(c) for name, c in zip(names, zip(*columns, strict=True), strict=True)}


def _robust_scale(x, weight, decades):
    """Of one column: location, scale, whether it varies, and the unit of its logarithm."""
    known = ~np.isnan(x)
    x, weight = x[known].astype(np.float64), weight[known]
    if not len(x):
        return 0.0, np.inf, False, np.inf
    is_binary = bool(((x == 0) | (x == 1)).all())
    largest = np.abs(x).max()
    factor = max(1.0, largest / 1e150)  # squares and differences stay finite
    x /= factor
    quantiles = weighted_quantiles(x, weight, (0.05, 0.25, 0.5, 0.75, 0.95))
    median, differs = quantiles[2], x != quantiles[2]
    copy = weight.min() * (1 + 1e-9)
    lone = not is_binary and 0 < weight[differs].sum() <= copy <= weight.sum() / 20
    if lone or np.ptp(x) <= 1e-12 * largest / factor:
        return median * factor, max(NEW * abs(median) * factor, 1e-300), False, np.inf
    unit = np.inf
    if decades and x.min() > 0 and quantiles[4] > DECADES * quantiles[0]:
        if abs(_skew(np.log(quantiles))) < abs(_skew(quantiles)):
            unit = quantiles[0] / 2
            x, quantiles = np.arcsinh(x / unit), np.arcsinh(quantiles / unit)
            median, unit, factor = quantiles[2], unit * factor, 1.0
    spread = (quantiles[3] - quantiles[1]) / (2 * QUARTILE)
    if spread == 0:
        distances = np.abs(x[differs] - median)
        spread = weighted_quantiles(distances, weight[differs], [0.5])[0]
    x = np.clip(x, median - FENCE * spread, median + FENCE * spread) - median
    reach = np.abs(x).max()
    x /= reach
    share = weight / weight.sum()
    mean = share @ x
    deviation = np.sqrt(share @ (x - mean) ** 2)
    if ((x == x.min()) | (x == x.max())).all():
        deviation = max(deviation, np.ptp(x) / PAIR)
    location = (median + mean * reach) * factor
    return location, max(deviation * reach * factor, 1e-300), True, unit


def _skew(quantiles):
    """Bowley's skewness, of the central 90 %."""
    low, _, median, _, high = quantiles
    return (high + low - 2 * median) / (high - low)


def weighted_quantiles(x, weight, levels):
    """Least entries that at least a share ``levels`` of the weight does not exceed."""
    levels = np.asarray(levels) * (1 - 1e-12)
    if np.ptp(weight) == 0:
        rank = np.ceil(levels * len(x)).astype(int) - 1
        return np.partition(x, np.unique(rank))[rank]
    order = np.argsort(x, kind="stable")
    below = np.cumsum(weight[order])
    return x[order[np.searchsorted(below, levels * below[-1])]]


def root_mean_squared_distance(encoding, X, weight, codes, limit):
    """Of two random rows in standardised columns, of which none deviates by more than ``limit``.

    Two different codes of a category are ``PAIR`` apart. 1 if no rows differ.
    """
    share = weight / weight.sum()
    sums, squares = np.zeros((2, X.shape[1]))
    step = max(1, (1 << 22) // X.shape[1])
    for start in range(0, len(X), step):
        block = slice(start, start + step)
        Z = np.clip(encoding.standardise(X[block]), -limit, limit)
        sums += share[block] @ Z
        squares += share[block] @ (Z * Z)
    total = 2 * np.maximum(squares - sums**2, 0).sum()
    for column in np.flatnonzero(codes):
        _, inverse = np.unique(X[:, column], return_inverse=True)
        total += PAIR**2 * (1 - (np.bincount(inverse, weights=share) ** 2).sum())
    return np.sqrt(total) if total > 0 else 1.0


def orthogonal_frequencies(n_features, factors, rng):
    """Normal frequencies over ``factors``, those of equal factors at right angles to each other.

    In groups of as many as there are columns; their lengths are those of independent ones.
    """
    parts = []
    for factor in np.unique(factors):
        left = np.count_nonzero(factors == factor)
        while left > 0:
            n = min(left, n_features)
            directions, _ = np.linalg.qr(rng.normal(size=(n_features, n)))
            lengths = np.sqrt(rng.chisquare(n_features, size=n))
            parts.append(directions * (lengths / factor))
            left -= n
    return np.concatenate(parts, axis=1)


def normal_numbers(codes, key, n):
    """``n`` independent normal numbers for every code (uint64), the same in every process.

    Bits are mixed as in SplitMix64 (Steele, Lea & Flood 2014), and made normal by Box & Muller.
    """
    count = np.arange(1, 2 * n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    start = (codes ^ np.uint64(key % 2**64)) * np.uint64(0xD1342543DE82EF95)
    bits = (start ^ (start >> np.uint64(31)))[:, None] + count
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    uniform = ((bits ^ (bits >> np.uint64(31))) >> np.uint64(11)) * 2.0**-53
    radius = np.sqrt(-2 * np.log1p(-uniform[:, :n]))
    return radius * np.cos(2 * np.pi * uniform[:, n:])


def _bend(Z, bend):
    """Let entries grow as a cube root beyond ``bend``, as steeply there, in place."""
    i, j = np.nonzero(np.abs(Z) > bend)
    far, bend = Z[i, j], bend[j]
    Z[i, j] = np.sign(far) * bend * (3 * np.cbrt(np.abs(far) / bend) - 2)


def median_distance(Z, rng, n_pairs=2_000):
    """Median Euclidean distance between random pairs of distinct rows, 1 if there are none."""
    i, j = rng.integers(len(Z), size=(2, n_pairs))
    distances = np.linalg.norm(Z[i] - Z[j], axis=1)
    distances = distances[distances > 0]
    return np.median(distances) if len(distances) else 1.0


class EncodedRows:
    """Rows of ``X`` with their labels and weights, encoded block by block on demand.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
    encoding : an instance from ``ENCODINGS``
    labels : ndarray of int of shape (n_rows,), or None
        Class c lights unit ``encoding.n_outputs + c``.
    n_labels : int
        Width of the label block, 0 for none.
    weight : ndarray of shape (n_rows,), or None
    dtype : numpy dtype of encoded rows
    """

    def __init__(self, X, encoding, *, labels=None, n_labels=0, weight=None, dtype=np.float64):
        self.X = X
        self.encoding = encoding
        self.labels = labels
        self.n_labels = n_labels
        self.weight = np.ones(len(X)) if weight is None else weight
        self.dtype = dtype
        self.n_data = encoding.n_outputs
        self.n_inputs = self.n_data + n_labels

    @classmethod
    def of_sample(cls, sample, encoding, n_labels, dtype):
        """The rows of a ``Sample``."""
        return cls(
            sample.X,
            encoding,
            labels=sample.labels,
            n_labels=n_labels,
            weight=sample.weight,
            dtype=dtype,
        )

    def __len__(self):
        return len(self.X)

    def take(self, index):
        """The rows at ``index``."""
        return EncodedRows(
            self.X[index],
            self.encoding,
            labels=None if self.labels is None else self.labels[index],
            n_labels=self.n_labels,
            weight=self.weight[index],
            dtype=self.dtype,
        )

    def of(self, X):
        """Other rows, encoded alike, of weight 1."""
        return EncodedRows(X, self.encoding, n_labels=self.n_labels, dtype=self.dtype)

    def data(self, index=slice(None)):
        """Encoded data blocks, ndarray of shape (n_rows, n_data)."""
        X = self.X[index]
        Z = np.empty((len(X), self.n_data), dtype=self.dtype)
        self.encoding.write(X, Z)
        return Z

    def encode(self, index=slice(None)):
        """Encoded rows with their label blocks, ndarray of shape (n_rows, n_inputs)."""
        if not self.n_labels:
            return self.data(index)
        X = self.X[index]
        Z = np.zeros((len(X), self.n_inputs), dtype=self.dtype)
        self.encoding.write(X, Z)
        Z[np.arange(len(Z)), self.n_data + self.labels[index]] = 1
        return Z
