"""Windows of a series as input: relative to their own level, with how rough they are."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import maximum_filter1d, minimum_filter1d

from .._rows.fourier import CLIP, LIMIT, ROUNDED
from .._rows.frequencies import orthogonal_frequencies, phase_gradient, write_waves
from .._rows.scales import FENCE, PAIR, robust_scales, row_norms
from .windows import Windows

ROUGHNESS = 0.25  # weight of a measure of roughness, as a share of a window's stamps together
PART = 0.125  # of a window: the stretch in which the least roughness is looked for
FLAT = 1e-3  # of the usual roughness, which a flat line counts as
LEAST_ROUGHNESS = 1e-2  # deviations a step that are usual at the least
STEADY = 0.05  # least deviation of the logarithm of a roughness
LARGEST_CHANGE = 20.0  # deviations that a roughness may differ by
N_MEASURES = 3  # of roughness, a channel: mean, largest and least


class WindowEncoding:
    """Random Fourier features of standardised windows (Rahimi & Recht 2007).

    A window x_s of stamps s becomes the columns (x_s - mean) / scale for every channel, and
    logarithms of how its entries change from stamp to stamp, |x_s - x_(s-1)|: their mean, the
    largest, and the least mean over an eighth of the window. A frozen sensor, a spike and a burst
    of noise each move one of these by many deviations, however little else they move.

    Parameters
    ----------
    width, n_channels : int
    location, scale : ndarray of shape (n_channels,)
        Of the stamps.
    frequencies : ndarray of shape (n_columns, n_frequencies)
    relative_to : {"level", "scale", None}
        "level" takes the window's mean away, "scale" then divides by its deviation.
    level_weight : float
        Of the level (and the logarithm of the scale) as columns of their own.
    floor : ndarray of shape (n_channels,), or None
        What is added to a roughness before its logarithm; None leaves roughness out.
    center, spread : ndarray of shape (3 * n_channels,), or None
        Of the logarithms.
    """

    name = "fourier"
    largest = np.inf
    bandwidth = 1.0  # deviations in a unit of ``standardise``

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
        """Scales from the stamps that ``windows`` cover; the rest from those at ``sample``.

        Without ``standardize`` roughness is left out, as its scales come from the data, too.
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
            columns = encoding.columns(rows)
            columns = np.clip(columns, *np.array([[-1], [1]]) * encoding._limits(columns.shape[1]))
            bandwidth = 0.5 * PAIR * np.sqrt(columns.var(axis=0, dtype=np.float64).sum())
            bandwidth = bandwidth if bandwidth > 0 else 1.0
        else:
            factors = (1.0,)
        factors = np.sort(np.resize(factors, n_frequencies)) * bandwidth
        frequencies = orthogonal_frequencies(encoding.n_columns, factors, rng)
        encoding.frequencies = frequencies.astype(np.float32)  # half the size, as random
        return encoding

    def _fit_roughness(self, rows):
        changes = self._roughness(*self._cut(rows))
        usual = np.median(changes[:, : self.n_channels], axis=0)
        self.floor = FLAT * np.maximum(usual, LEAST_ROUGHNESS)
        changes = np.log(changes + np.tile(self.floor, N_MEASURES))
        low, self.center, high = np.quantile(changes, [0.25, 0.5, 0.75], axis=0)
        reach = FENCE * (high - low)
        within = np.clip(changes, self.center - reach, self.center + reach)
        self.spread = np.maximum(within.std(axis=0), STEADY)

    def _limits(self, n_columns):
        """Deviations that an entry may add to the typical distance of windows."""
        limits = np.full(n_columns, LIMIT)
        if self.floor is not None:
            limits[-N_MEASURES * self.n_channels :] *= ROUGHNESS * np.sqrt(self.width)
        return limits

    @property
    def n_outputs(self):
        return 2 * self.frequencies.shape[1]

    @property
    def _n_levels(self):
        """Columns a channel for the level, and for the scale."""
        if self.relative_to is None or not self.level_weight:
            return 0
        return 1 + (self.relative_to == "scale")

    @property
    def n_columns(self):
        extra = self._n_levels + N_MEASURES * (self.floor is not None)
        return self.n_channels * (self.width + extra)

    @property
    def unit(self):
        """Of every column of a row: changes of one unit matter alike."""
        return np.tile(np.where(np.isfinite(self.scale), self.scale, 1.0), self.width)

    def _stamps(self, X):
        """Stamps in deviations, 0 for what is missing; the last axis holds the channels."""
        with np.errstate(over="ignore"):
            Z = (X - self.location.astype(X.dtype)) / self.scale.astype(X.dtype)
        return np.nan_to_num(np.clip(Z, -CLIP, CLIP), copy=False, nan=0.0)

    def _cut(self, X):
        """Stamps of windows (n_windows, width, n_channels), a view if they are consecutive."""
        stamps = X.stretch() if isinstance(X, Windows) else None
        if stamps is None:
            return self._stamps(np.asarray(X).reshape(-1, self.width, self.n_channels)), None
        Z = self._stamps(stamps)
        return sliding_window_view(Z, self.width, axis=0).transpose(0, 2, 1), Z

    def columns(self, X, dtype=None):
        """What the random frequencies see of windows, (n_windows, n_columns).

        ``dtype`` is that of the result, by default that of ``X``.
        """
        A, Z = self._cut(X)
        at = self.width * self.n_channels
        result = np.empty((len(A), self.n_columns), dtype=dtype or A.dtype)
        levels = self._write_relative(A, result[:, :at])
        if self._n_levels:
            levels = self.level_weight * np.sqrt(self.width) * np.concatenate(levels, axis=1)
            result[:, at : at + levels.shape[1]] = levels
        if self.floor is not None:
            changes = self._roughness(A, Z)
            changes = (np.log(changes + np.tile(self.floor, N_MEASURES)) - self.center) / (
                self.spread
            )
            np.clip(changes, -LARGEST_CHANGE, LARGEST_CHANGE, out=changes)
            result[:, -changes.shape[1] :] = ROUGHNESS * np.sqrt(self.width) * changes
        return result

    def _write_relative(self, A, out):
        """Write stamps of windows relative to their level; return level and log of the scale."""
        own = out.reshape(A.shape)
        if self.relative_to is None:
            own[...] = A
            return []
        level = A.mean(axis=1)
        np.subtract(A, level[:, None], out=own, casting="same_kind")
        if self.relative_to == "level":
            return [level]
        deviation = np.sqrt(np.mean(own * own, axis=1)) + A.dtype.type(FLAT)
        np.divide(own, deviation[:, None], out=own, casting="same_kind")
        return [level, np.log(deviation)]

    def _roughness(self, A, Z):
        """Mean, largest and least change a step of each channel, (n_windows, 3 * n_channels).

        Of what ``_cut`` returns.
        """
        n_steps = self.width - 1
        part = min(max(2, int(PART * self.width)), n_steps)
        if Z is None:
            changes = np.abs(np.diff(A, axis=1)).astype(np.float64)
            parts = _moving_mean(changes, part, axis=1)
            found = [changes.mean(axis=1), changes.max(axis=1), parts.min(axis=1)]
        else:
            changes = np.abs(np.diff(Z, axis=0)).astype(np.float64)
            parts = _moving_mean(changes, part, axis=0)
            found = [
                _moving_mean(changes, n_steps, axis=0),
                _moving(maximum_filter1d, changes, n_steps),
                _moving(minimum_filter1d, parts, n_steps - part + 1),
            ]
        return np.concatenate(found, axis=1)

    def _phase(self, X):
        """Single precision, as sines and cosines are taken in: half the time of double."""
        return self.columns(X, np.float32) @ self.frequencies

    def write(self, X, out):
        """Encode windows into the leading columns of ``out``."""
        write_waves(self._phase(X), out)

    def standardise(self, X):
        """Stamps of windows as they are compared with each other, without roughness."""
        A, _ = self._cut(X)
        result = np.empty((len(A), self.width * self.n_channels), dtype=A.dtype)
        self._write_relative(A, result)
        return result

    def to_hash(self, X):
        """Stamps that are the same numbers wherever encoded ones are, but for rounding."""
        return np.rint(self._stamps(X.astype(np.float64)) * ROUNDED)

    def pull_back(self, X, G):
        """Gradient with respect to windows ``X`` from that with respect to encoded ones.

        Roughness is taken as it is: a walk that accepts or refuses its steps needs no more.
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
                deviation, root = root + FLAT, np.maximum(root, FLAT)
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
        """Norm of the windows, in ``unit`` for each column."""
        Z, _ = self._cut(X)
        return row_norms(Z.reshape(len(Z), -1))

    def energy(self, X):
        """Squared length of the encoded windows, which is always 1, and its gradient."""
        return np.ones(len(X)), np.zeros(X.shape)


def _moving_mean(values, n, axis):
    """Mean of every ``n`` neighbours along an axis."""
    total = np.cumsum(values, axis=axis)
    first = np.take(total, [n - 1], axis=axis)
    ends = np.moveaxis(total, axis, 0)
    rest = np.moveaxis(ends[n:] - ends[:-n], 0, axis)
    return np.maximum(np.concatenate([first, rest], axis=axis), 0) / n


def _moving(function, values, n):
    """Largest or least of every ``n`` neighbours along the first axis."""
    full = function(values, n, axis=0, origin=-(n // 2), mode="nearest")
    return full[: len(values) - n + 1]
