"""Windows of a series as input: relative to their own level, with how rough they are."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import maximum_filter1d, minimum_filter1d

from .._rows.encoding import CLIP, LIMIT, ROUNDED, Encoding
from .._rows.frequencies import orthogonal_frequencies, phase_gradient, write_waves
from .._rows.scales import FENCE, PAIR, robust_scales, row_norms


class WindowEncoding(Encoding):
    """Random Fourier features of standardised windows (Rahimi & Recht 2007).

    A window x_s of stamps s becomes the columns (x_s - mean) / scale for every channel, and
    logarithms of how its entries change from stamp to stamp, |x_s - x_(s-1)|: their mean, the
    largest, and the least mean over an eighth of the window. A frozen sensor, a spike and a burst
    of noise each move one of the logarithms by many deviations, however little else they move.

    Methods take windows as ``Windows``, or as an array of shape (n_windows, width * n_channels).

    Parameters
    ----------
    width : int
        Stamps in a window.
    n_channels : int
        Channels of a stamp.
    location, scale : ndarray of shape (n_channels,)
        Mean and deviation of the stamps.
    frequencies : ndarray of shape (n_columns, n_frequencies)
        Random frequencies, in radians a unit of the columns.
    relative_to : {"level", "scale", None}
        "level" takes the window's mean away, "scale" then divides by its deviation.
    level_weight : float
        Weight of the level (and of the logarithm of the scale) as columns of their own.
    floor : ndarray of shape (n_channels,), or None
        Change a step, in deviations, that is added to a roughness before its logarithm is taken;
        None leaves roughness out.
    center, spread : ndarray of shape (3 * n_channels,), or None
        Median and deviation of the logarithms.
    """

    name = "fourier"
    has_bandwidth = True
    knows_length = True
    detector_cut_off = 0.1
    # Roughness has three measures a channel: the mean, the largest and the least change a step.
    n_measures = 3
    # A measure of roughness that is off by one deviation counts as this share of all stamps of a
    # channel that are off by one deviation each.
    roughness_share = 0.25
    # A roughness counts as this many deviations at most, however far it is from the usual.
    largest_change = 20.0
    # The least roughness of a window is that of the calmest stretch of this share of its stamps.
    part_share = 0.125
    # A window's deviation is larger by this much, in deviations of its channel, before the window
    # is divided by it: flat windows stay flat.
    added_deviation = 1e-3

    def __init__(
        self,
        width,
        n_channels,
        location,
        scale,
        frequencies,
        relative_to,
        level_weight,
        floor=None,
        center=None,
        spread=None,
    ):
        self.width = width
        self.n_channels = n_channels
        self.location = location
        self.scale = scale
        self.frequencies = frequencies
        self.relative_to = relative_to
        self.level_weight = level_weight
        self.floor = floor
        self.center = center
        self.spread = spread

    @property
    def state(self):
        return dict(vars(self))

    @classmethod
    def fitted_to(
        cls,
        windows,
        weight,
        sample,
        *,
        bandwidth,
        n_frequencies,
        standardize,
        factors,
        seed,
        relative_to,
        level_weight,
    ):
        """Fit scales to the stamps of windows, and the rest to a few of the windows.

        Parameters
        ----------
        windows : Windows
        weight : ndarray of shape (n_windows,)
            Weight of every window.
        sample : ndarray of int
            Places of the windows that roughness and the automatic bandwidth are taken from.
        bandwidth : "auto" or float
            Width of the kernel in deviations. The automatic one is half the root mean squared
            distance of two windows.
        n_frequencies : int
        standardize : bool
            If False, columns stay as they are, and roughness, whose scales come from the data,
            is left out.
        factors : tuple of float
            Factors of the automatic bandwidth, which take turns over the frequencies.
        seed : int
        relative_to, level_weight
            As in the class.

        Returns
        -------
        encoding : WindowEncoding
        """
        rng = np.random.default_rng([seed, 0, 1])
        width, n_channels = windows.width, windows.X.shape[1]
        location, scale = np.zeros(n_channels), np.ones(n_channels)
        if standardize:
            share = np.nan_to_num(windows.to_stamps(weight))
            covered = share > 0
            scales = robust_scales(windows.X[covered], share[covered], decades=False)
            location, scale = scales["location"], scales["scale"]
        encoding = cls(width, n_channels, location, scale, None, relative_to, level_weight)
        rows = windows[sample]
        if standardize:
            encoding._fit_roughness(rows)
        if bandwidth == "auto":
            bandwidth = encoding._choose_bandwidth(rows)
        else:
            factors = (1.0,)
        factors = np.sort(np.resize(factors, n_frequencies)) * bandwidth
        frequencies = orthogonal_frequencies(encoding.n_columns, factors, rng)
        # Numbers of single precision are as random, and take half the memory.
        encoding.frequencies = frequencies.astype(np.float32)
        return encoding

    def _fit_roughness(self, rows, *, flat_share=1e-3, least_usual=1e-2, least_spread=0.05):
        """Fit floor, center and spread of the measures of roughness.

        Parameters
        ----------
        rows : Windows
        flat_share : float, default=1e-3
            Share of a channel's usual roughness that a flat line counts as.
        least_usual : float, default=1e-2
            Change a step, in deviations, that the usual roughness is taken to have at least.
        least_spread : float, default=0.05
            Least deviation of the logarithm of a roughness.
        """
        changes = self._measure_roughness(*self._cut(rows))
        usual = np.median(changes[:, : self.n_channels], axis=0)
        self.floor = flat_share * np.maximum(usual, least_usual)
        changes = np.log(changes + np.tile(self.floor, self.n_measures))
        low, self.center, high = np.quantile(changes, [0.25, 0.5, 0.75], axis=0)
        reach = FENCE * (high - low)
        within = np.clip(changes, self.center - reach, self.center + reach)
        self.spread = np.maximum(within.std(axis=0), least_spread)

    def _choose_bandwidth(self, rows):
        """Return half the root mean squared distance of two windows, or 1 if all are alike."""
        columns = self.columns(rows)
        limits = self._limits(columns.shape[1])
        columns = np.clip(columns, -limits, limits)
        bandwidth = 0.5 * PAIR * np.sqrt(columns.var(axis=0, dtype=np.float64).sum())
        return bandwidth if bandwidth > 0 else 1.0

    def _limits(self, n_columns):
        """Return the most that an entry of each column may add to the distance of windows."""
        limits = np.full(n_columns, LIMIT)
        if self.floor is not None:
            limits[-self.n_measures * self.n_channels :] *= self._roughness_weight
        return limits

    @property
    def _roughness_weight(self):
        """Length, in the columns, of one deviation of a measure of roughness."""
        return self.roughness_share * np.sqrt(self.width)

    @property
    def n_outputs(self):
        return 2 * self.frequencies.shape[1]

    @property
    def _n_levels(self):
        """Number of columns a channel for the level, and for the scale."""
        if self.relative_to is None or not self.level_weight:
            return 0
        return 1 + (self.relative_to == "scale")

    @property
    def n_columns(self):
        extra = self._n_levels + self.n_measures * (self.floor is not None)
        return self.n_channels * (self.width + extra)

    @property
    def unit(self):
        """Unit of every column of a row: changes of one unit matter alike."""
        return np.tile(np.where(np.isfinite(self.scale), self.scale, 1.0), self.width)

    def _scale_stamps(self, X):
        """Return stamps in deviations, with 0 for what is missing; channels are the last axis."""
        with np.errstate(over="ignore"):
            Z = (X - self.location.astype(X.dtype)) / self.scale.astype(X.dtype)
        return np.nan_to_num(np.clip(Z, -CLIP, CLIP), copy=False, nan=0.0)

    def _cut(self, X):
        """Cut stamps in deviations into windows.

        Returns
        -------
        A : ndarray of shape (n_windows, width, n_channels)
            The windows; a view of ``Z`` if they are consecutive.
        Z : ndarray of shape (n_stamps, n_channels), or None
            The stamps that consecutive windows cover, each once.
        """
        stretch = getattr(X, "stretch", None)
        stamps = stretch() if stretch else None
        if stamps is None:
            A = np.asarray(X).reshape(-1, self.width, self.n_channels)
            return self._scale_stamps(A), None
        Z = self._scale_stamps(stamps)
        return sliding_window_view(Z, self.width, axis=0).transpose(0, 2, 1), Z

    def columns(self, X, dtype=None):
        """Return what the random frequencies see of windows.

        Parameters
        ----------
        X : Windows or ndarray of shape (n_windows, width * n_channels)
        dtype : dtype, default=None
            Type of the result; None takes that of ``X``.

        Returns
        -------
        columns : ndarray of shape (n_windows, n_columns)
        """
        A, Z = self._cut(X)
        at = self.width * self.n_channels
        result = np.empty((len(A), self.n_columns), dtype=dtype or A.dtype)
        levels = self._write_relative(A, result[:, :at])
        if self._n_levels:
            levels = self.level_weight * np.sqrt(self.width) * np.concatenate(levels, axis=1)
            result[:, at : at + levels.shape[1]] = levels
        if self.floor is not None:
            changes = self._standardise_roughness(self._measure_roughness(A, Z))
            result[:, -changes.shape[1] :] = self._roughness_weight * changes
        return result

    def _write_relative(self, A, out):
        """Write stamps of windows relative to their level.

        It returns the level and the logarithm of the scale, as far as ``relative_to`` takes them.
        """
        own = out.reshape(A.shape)
        if self.relative_to is None:
            own[...] = A
            return []
        level = A.mean(axis=1)
        np.subtract(A, level[:, None], out=own, casting="same_kind")
        if self.relative_to == "level":
            return [level]
        deviation = np.sqrt(np.mean(own * own, axis=1)) + A.dtype.type(self.added_deviation)
        np.divide(own, deviation[:, None], out=own, casting="same_kind")
        return [level, np.log(deviation)]

    def _standardise_roughness(self, changes):
        """Return measures of roughness as logarithms in deviations from the usual, clipped."""
        changes = np.log(changes + np.tile(self.floor, self.n_measures))
        changes = (changes - self.center) / self.spread
        return np.clip(changes, -self.largest_change, self.largest_change, out=changes)

    def _measure_roughness(self, A, Z):
        """Measure the mean, largest and least change a step of each channel of windows.

        Parameters
        ----------
        A, Z
            As ``_cut`` returns them.

        Returns
        -------
        changes : ndarray of shape (n_windows, 3 * n_channels)
        """
        n_steps = self.width - 1
        part = min(max(2, int(self.part_share * self.width)), n_steps)
        if Z is None:
            changes = np.abs(np.diff(A, axis=1)).astype(np.float64)
            parts = _moving_mean(changes, part, axis=1)
            found = [changes.mean(axis=1), changes.max(axis=1), parts.min(axis=1)]
        else:
            changes = np.abs(np.diff(Z, axis=0)).astype(np.float64)
            parts = _moving_mean(changes, part, axis=0)
            found = [
                _moving_mean(changes, n_steps, axis=0),
                _moving_extreme(maximum_filter1d, changes, n_steps),
                _moving_extreme(minimum_filter1d, parts, n_steps - part + 1),
            ]
        return np.concatenate(found, axis=1)

    def _phase(self, X):
        """Return the phases of the waves in single precision, whose sines take half the time."""
        return self.columns(X, np.float32) @ self.frequencies

    def write(self, X, out):
        """Encode windows into the leading columns of ``out``."""
        write_waves(self._phase(X), out)

    def standardise(self, X):
        """Return stamps of windows as they are compared with each other, without roughness."""
        A, _ = self._cut(X)
        result = np.empty((len(A), self.width * self.n_channels), dtype=A.dtype)
        self._write_relative(A, result)
        return result

    def in_deviations(self, X, sample):
        """Windows as they are compared with each other, in deviations of the stamps."""
        return self.standardise(X)

    def to_hash(self, X):
        """Return stamps as numbers that are equal where the encoding takes stamps alike."""
        return np.rint(self._scale_stamps(X.astype(np.float64)) * ROUNDED)

    def pull_back(self, X, G):
        """Return the gradient with respect to windows, from that with respect to encoded ones.

        Roughness is held fixed: a walk that accepts or refuses its steps needs no more.

        Parameters
        ----------
        X : ndarray of shape (n_windows, width * n_channels)
        G : ndarray of shape (n_windows, n_outputs)
            Gradient with respect to the encoded windows.

        Returns
        -------
        gradient : ndarray of shape (n_windows, width * n_channels)
        """
        shape = (-1, self.width, self.n_channels)
        G = phase_gradient(self._phase(X), G)
        G = G @ self.frequencies.T.astype(G.dtype)
        at = self.width * self.n_channels
        own, A = G[:, :at].reshape(shape), self._cut(X)[0]
        if self.relative_to is not None:
            level = G[:, at : at + self.n_channels, None].transpose(0, 2, 1)
            weight = self.level_weight * np.sqrt(self.width) if self._n_levels else 0.0
            if self.relative_to == "scale":
                centred = A - A.mean(axis=1, keepdims=True)
                root = np.sqrt(np.mean(centred**2, axis=1, keepdims=True))
                deviation = root + self.added_deviation
                root = np.maximum(root, self.added_deviation)
                slope = np.mean(own * centred, axis=1, keepdims=True) / deviation
                if weight:
                    of_scale = G[:, at + self.n_channels : at + 2 * self.n_channels]
                    slope = slope - weight * of_scale[:, None] / self.width
                own = (own - centred * slope / root) / deviation
            own = own - own.mean(axis=1, keepdims=True)
            if weight:
                own = own + weight * level / self.width
        return (own / self.scale).reshape(len(G), at)

    def size(self, X):
        """Return the norm of the windows, whose columns are counted in ``unit``."""
        Z, _ = self._cut(X)
        return row_norms(Z.reshape(len(Z), -1))

    def energy(self, X):
        """Return the squared length of encoded windows, which is always 1, and its gradient."""
        return np.ones(len(X)), np.zeros(X.shape)


def _moving_mean(values, n, axis):
    """Return the mean of every ``n`` neighbours along an axis."""
    total = np.cumsum(values, axis=axis)
    first = np.take(total, [n - 1], axis=axis)
    ends = np.moveaxis(total, axis, 0)
    rest = np.moveaxis(ends[n:] - ends[:-n], 0, axis)
    return np.maximum(np.concatenate([first, rest], axis=axis), 0) / n


def _moving_extreme(function, values, n):
    """Return the largest or least of every ``n`` neighbours along the first axis.

    The function is SciPy's maximum or minimum filter.
    """
    full = function(values, n, axis=0, origin=-(n // 2), mode="nearest")
    return full[: len(values) - n + 1]
