"""The encoding of windows: entries relative to the window's level, and measures of roughness."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .._rows.encoding import CLIP, LIMIT, ROUNDED, Encoding
from .._rows.frequencies import draw_orthogonal_frequencies, phase_gradient, write_waves
from .._rows.scales import PAIR, robust_scales, row_norms
from .roughness import Roughness, measure_roughness


class WindowEncoding(Encoding):
    """Random Fourier features of standardised windows (Rahimi & Recht 2007).

    A window x_s of time steps s becomes the columns (x_s - mean) / scale for each channel. Three
    logarithms per channel measure how its entries change from stamp to stamp, |x_s - x_(s-1)|. The
    three measures are the mean change, the largest change, and the mean change of the calmest
    eighth of the window. A frozen sensor, a spike and a burst of noise each move one of these
    logarithms by many deviations, even if the other columns hardly change.

    Methods take windows as ``Windows``, or as an array of shape (n_windows, width * n_channels).

    Parameters
    ----------
    width : int
        Number of stamps in a window.
    n_channels : int
        Number of channels of a stamp.
    location, scale : ndarray of shape (n_channels,)
        Mean and deviation of the stamps.
    frequencies : ndarray of shape (n_columns, n_frequencies)
        Random frequencies, in radians per unit of the columns.
    relative_to : {"level", "scale", None}
        "level" subtracts the mean of the window. "scale" also divides by its deviation.
    level_weight : float
        Weight of the level, and of the logarithm of the scale, as additional columns.
    floor : ndarray of shape (n_channels,), or None
        Change per step, in deviations, that is added to a roughness before its logarithm is taken.
        None leaves roughness out.
    center, spread : ndarray of shape (3 * n_channels,), or None
        Median and deviation of the logarithms.
    """

    name = "fourier"
    has_bandwidth = True
    knows_length = True
    detector_cut_off = 0.1
    # This number, in deviations of the channel, is added to a window's deviation before the window
    # is divided by it. Flat windows therefore stay flat.
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
        self.roughness = None if floor is None else Roughness(floor, center, spread)

    @property
    def state(self):
        """Arguments of the constructor."""
        state = {name: value for name, value in vars(self).items() if name != "roughness"}
        if self.roughness is None:
            return {**state, **dict.fromkeys(("floor", "center", "spread"))}
        return {**state, **vars(self.roughness)}

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
        **_,
    ):
        """Fit scales to the stamps of windows, and all else to a few of the windows.

        Parameters
        ----------
        windows : Windows
        weight : ndarray of shape (n_windows,)
            Weight of each window.
        sample : ndarray of int
            Places of the windows to which roughness and the automatic bandwidth are fitted.
        bandwidth : "auto" or float
            Width of the kernel in deviations. The automatic bandwidth is half the root mean
            squared distance of two windows.
        n_frequencies : int
        standardize : bool
            If False, columns keep their scale. Roughness, which needs scales from the data, is
            left out.
        factors : tuple of float
            Factors of the automatic bandwidth. Each factor applies to an equal share of the
            frequencies.
        seed : int
        relative_to, level_weight
            See the parameters of ``WindowEncoding``.

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
            A, Z = encoding._cut(rows)
            encoding.roughness = Roughness.fitted_to(measure_roughness(A, Z), n_channels)
        if bandwidth == "auto":
            bandwidth = encoding._choose_bandwidth(rows)
        else:
            factors = (1.0,)
        factors = np.sort(np.resize(factors, n_frequencies)) * bandwidth
        frequencies = draw_orthogonal_frequencies(encoding.n_columns, factors, rng)
        # Single precision is enough for random numbers, and takes half the memory.
        encoding.frequencies = frequencies.astype(np.float32)
        return encoding

    def _choose_bandwidth(self, rows):
        """Return half the root mean squared distance of two windows, or 1 if all are equal."""
        columns = self.columns(rows)
        # An entry adds at most this much to the distance of windows.
        limits = np.full(columns.shape[1], LIMIT)
        if self.roughness is not None:
            limits[-len(self.roughness.center) :] *= self.roughness.weight(self.width)
        columns = np.clip(columns, -limits, limits)
        bandwidth = 0.5 * PAIR * np.sqrt(columns.var(axis=0, dtype=np.float64).sum())
        return bandwidth if bandwidth > 0 else 1.0

    @property
    def n_outputs(self):
        return 2 * self.frequencies.shape[1]

    @property
    def _n_levels(self):
        """Number of columns per channel for the level and the scale."""
        if self.relative_to is None or not self.level_weight:
            return 0
        return 1 + (self.relative_to == "scale")

    @property
    def n_columns(self):
        extra = self._n_levels + Roughness.n_measures * (self.roughness is not None)
        return self.n_channels * (self.width + extra)

    @property
    def unit(self):
        """The unit of each entry of a window, which is the scale of its channel."""
        return np.tile(np.where(np.isfinite(self.scale), self.scale, 1.0), self.width)

    def _scale_stamps(self, X):
        """Return stamps in deviations, with 0 for missing entries.

        The last axis holds channels.
        """
        with np.errstate(over="ignore"):
            Z = (X - self.location) / self.scale  # in double precision, which holds any scale
        Z = np.clip(Z, -CLIP, CLIP).astype(X.dtype, copy=False)
        return np.nan_to_num(Z, copy=False, nan=0.0)

    def _cut(self, X):
        """Cut stamps in deviations into windows.

        Returns
        -------
        A : ndarray of shape (n_windows, width, n_channels)
            The windows. Consecutive windows are a view of ``Z``.
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
        """Return the columns of windows, to which the random frequencies apply.

        Parameters
        ----------
        X : Windows or ndarray of shape (n_windows, width * n_channels)
        dtype : dtype, default=None
            Type of the result. None keeps the type of ``X``.

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
        if self.roughness is not None:
            changes = self.roughness.standardise(measure_roughness(A, Z))
            result[:, -changes.shape[1] :] = self.roughness.weight(self.width) * changes
        return result

    def _write_relative(self, A, out):
        """Write stamps of windows relative to the windows' level to ``out``.

        The result is a list of the level and the logarithm of the scale, as far as ``relative_to``
        uses them.
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

    def _phase(self, X):
        """Return the phases of the waves.

        Sines of single precision take half the time of double precision.
        """
        return self.columns(X, np.float32) @ self.frequencies

    def write(self, X, out):
        """Encode windows into the leading columns of ``out``."""
        write_waves(self._phase(X), out)

    def standardise(self, X):
        """Return the stamps of windows in the form in which windows are compared.

        Roughness is no part of this form.
        """
        A, _ = self._cut(X)
        result = np.empty((len(A), self.width * self.n_channels), dtype=A.dtype)
        self._write_relative(A, result)
        return result

    def in_deviations(self, X, sample):
        """Return windows in deviations of the stamps, as ``standardise`` returns them."""
        return self.standardise(X)

    def to_hash(self, X):
        """Return stamps as numbers that are equal if the encoding reads the stamps as equal."""
        return np.rint(self._scale_stamps(X.astype(np.float64)) * ROUNDED)

    def pull_back(self, X, Z, G):
        """Return the gradient by windows, from the gradient by encoded windows.

        The gradient ignores roughness. The gradient is exact enough for a random walk that accepts
        or rejects its steps.

        Parameters
        ----------
        X : ndarray of shape (n_windows, width * n_channels)
        Z : ndarray of shape (n_windows, n_outputs)
            The encoded windows.
        G : ndarray of shape (n_windows, n_outputs)
            Gradient by the encoded windows.

        Returns
        -------
        gradient : ndarray of shape (n_windows, width * n_channels)
        """
        shape = (-1, self.width, self.n_channels)
        G = phase_gradient(Z, G)
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
        """Return the norm of the windows, in the ``unit`` of each column."""
        Z, _ = self._cut(X)
        return row_norms(Z.reshape(len(Z), -1))

    def energy(self, X):
        """Return the squared norm of encoded windows, which is always 1, and its gradient."""
        return np.ones(len(X)), np.zeros(X.shape)
