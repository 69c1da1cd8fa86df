"""Forecasts of a series: kriging, and what followed similar pasts.

The middle of a forecast has two parts. Kriging continues the past at hand. The errors that kriging
made in windows of the record correct the continuation; windows with a similar past count most.
What remains of these errors is the spread of the forecast.
"""

from dataclasses import dataclass
from numbers import Real

import numpy as np

from .._rows.scales import column_scales, narrow
from .._validation import check_count, new_seed
from .._warnings import warn
from .cutting import measure_gaps, read_times, take_latest
from .events import require_window
from .model import cut
from .variogram import kriging_weights, semivariogram

# Distances at which pasts count as similar, as shares of the distance of a typical pair. Each is
# half of the one before, so that its Gaussian kernel is the fourth power of the kernel before.
REACHES = (0.7, 0.35, 0.175)

# Variances of noise that are tried, as shares of the mean of the semivariogram.
NUGGETS = (1e-3, 1e-2, 0.1, 1.0)

# The reach for the spread of a forecast, if enough windows lie within it.
SPREAD_REACH = 0.35

# The spread comes from this many windows or more.
FEWEST_ALIKE = 20

# At least this many stamps stand after a step.
FEWEST_AFTER_STEP = 3

# Kriging looks at this many known stamps of a channel, the latest ones.
MOST_KNOWN = 2048

# Errors after a calm past grow at most by this factor after a rough past. What came after a flat
# line, such as a burst, says nothing about rough pasts.
MOST_GROWTH = 3.0


@dataclass(frozen=True)
class Fan:
    """Possible continuations of a series.

    Parameters
    ----------
    middle : ndarray of shape (horizon, n_channels)
        Corrected continuation by kriging, in standard units above ``level``.
    errors : ndarray of shape (n_windows, horizon, n_channels)
        Errors of corrected continuations in windows of the record, in standard units.
    weight : ndarray of shape (n_windows,)
        Weight of each window. The weights sum to 1.
    starts : ndarray of int of shape (n_windows,)
        First stamps of the windows in the record.
    level, scale : ndarray of shape (n_channels,)
        Zero and length of the standard units.
    least : ndarray of shape (n_channels,)
        Least possible value of each channel.
    """

    middle: np.ndarray
    errors: np.ndarray
    weight: np.ndarray
    starts: np.ndarray
    level: np.ndarray
    scale: np.ndarray
    least: np.ndarray

    def quantiles(self, levels):
        """Return quantiles of shape (n_levels, horizon, n_channels).

        The share of an error is its rank among the errors and the new one. With n equal weights,
        the i-th error has the share i / (n + 1), so that new errors lie below it with this
        probability. ``effective_numbers`` take the place of n.
        """
        order = np.argsort(self.errors, axis=0, kind="stable")
        errors = np.take_along_axis(self.errors, order, axis=0)
        weight = self.weight[order]
        new = 1 / self.effective_numbers()[:, None]
        share = (np.cumsum(weight, axis=0) - weight / 2 + new / 2) / (1 + new)
        found = np.empty((len(levels), *self.middle.shape))
        for i, j in np.ndindex(self.middle.shape):
            found[:, i, j] = np.interp(levels, share[:, i, j], errors[:, i, j])
        return self._to_values(found)

    def effective_numbers(self):
        """Return how many independent errors there are at each stamp of the horizon.

        Forecasts h stamps ahead that are less than h stamps apart miss the same values in part.
        Their errors count as one. Kish's formula takes unequal weights into account.
        """
        place = self.starts - self.starts.min()
        together = [
            np.bincount(place // ahead, self.weight) for ahead in range(1, len(self.middle) + 1)
        ]
        return np.array([1 / (weight @ weight) for weight in together])

    def paths(self, n, rng):
        """Return ``n`` random continuations, as an array of shape (n, horizon, n_channels)."""
        return self._to_values(self.errors[rng.choice(len(self.weight), size=n, p=self.weight)])

    def _to_values(self, errors):
        """Return continuations with these errors in the units of the series."""
        with np.errstate(over="ignore", under="ignore"):
            values = self.level + self.scale * (self.middle + errors)
        return np.maximum(narrow(values, np.float64), self.least)


def open_fan(record, past, horizon):
    """Return the ``Fan`` that continues a past.

    Parameters
    ----------
    record : Record
        What is known of the series. One series has as many stamps as the past and the fan.
    past : ndarray of shape (n_past, n_channels)
        The latest stamps, with NaN for missing entries.
    horizon : int
        Number of stamps of the fan.
    """
    n_past, n_channels = past.shape
    width = n_past + horizon
    location, scale = column_scales(record.X, np.ones(len(record.X)))
    never = np.isinf(scale)
    scale[never] = 1.0
    stamps = record.X / scale - location / scale
    gamma = semivariogram(stamps, record.bounds, width)
    starts, windows = draw_windows(stamps, record.bounds, width, ~never)
    level = location.copy()
    middle = np.zeros((horizon, n_channels))
    errors = windows[:, n_past:].copy()
    growth = np.ones((len(windows), 1, n_channels))
    shapes = []
    for j in range(n_channels):
        at = np.flatnonzero(~np.isnan(past[:, j]))
        if not len(at):  # the mean of the channel is its forecast
            continue
        level[j] = past[at[-1], j]
        # The past at hand is the first row, and the windows are the other rows.
        rise = windows[:, :, j] - windows[:, at[-1:], j]
        seen = np.vstack([_rise(past[at, j], scale[j]), rise[:, at]])
        at, seen = after_step(at, seen, np.abs(rise[:, :n_past]).max())
        later = rise[:, n_past:]
        continued = continue_channel(gamma[:, j], seen, later, at, np.arange(n_past, width))
        middle[:, j] = continued[0]
        errors[:, :, j] = later - continued[1:]
        growth[:, 0, j] = growth_of_errors(seen, at)
        shapes.append(seen)
    level[never] = np.nan  # nothing is known of its changes
    if np.ptp(starts) < width:
        warn(
            f"A forecast compares pieces of {width} time steps, but the detector has learned only "
            f"{width + np.ptp(starts)} time steps in a row that are complete. The intervals are "
            "too narrow. Fit the detector to a longer series, or with a smaller window."
        )
    near, near_own = _distances(shapes, len(windows))
    correction, errors = correct(errors, near, near_own, starts, width)
    low = np.fmin.reduce(np.concatenate([record.X, past]))
    return Fan(
        middle + correction,
        errors * growth,
        spread_weights(near_own),
        starts,
        level,
        scale,
        np.where(low >= 0, 0.0, -np.inf),
    )


def after_step(at, seen, largest):
    """Return the latest places of a channel and the entries there, without those before a step.

    Stamps before a step that the record does not know are taken as unknown. A few stamps at the
    end may be outliers, and are no step.

    Parameters
    ----------
    at : ndarray of int of shape (n_known,)
        Places of the known entries.
    seen : ndarray of shape (1 + n_windows, n_known)
        The past at hand and the pasts of windows, relative to their last entry.
    largest : float
        The largest such entry of a window, without its sign.
    """
    usual = np.abs(seen[0]) <= largest
    if np.count_nonzero(usual) >= FEWEST_AFTER_STEP:
        at, seen = at[usual], seen[:, usual]
    return at[-MOST_KNOWN:], seen[:, -MOST_KNOWN:]


def growth_of_errors(seen, at):
    """Return the factor by which the errors of each window count after the past at hand."""
    rough = roughness(seen, at)
    return np.minimum(np.sqrt(rough[0] / rough[1:]), MOST_GROWTH)


def continue_channel(gamma, seen, later, at, ahead):
    """Return the continuations of pasts by kriging.

    The nugget that suits the windows best is taken.

    Parameters
    ----------
    gamma : ndarray of shape (n_lags,)
        Semivariogram.
    seen : ndarray of shape (1 + n_windows, n_known)
        The past at hand and the pasts of windows, relative to their last entry.
    later : ndarray of shape (n_windows, n_ahead)
        What followed in the windows.
    at, ahead : ndarray of int
        Places of the known entries and of those that follow.

    Returns
    -------
    continued : ndarray of shape (1 + n_windows, n_ahead)
    """
    tried = [seen @ kriging_weights(gamma, at, ahead, nugget) for nugget in NUGGETS]
    return min(tried, key=lambda continued: np.abs(later - continued[1:]).mean())


def _rise(x, scale):
    """Return by how many ``scale`` the entries of ``x`` exceed the last one."""
    # Squares of larger numbers would overflow.
    most = 1e120
    with np.errstate(over="ignore", under="ignore"):
        x = np.clip(x.astype(np.float64) / scale, -most, most)
    return x - x[-1]


def roughness(X, at, least=1e-3):
    """Return the root mean squared change from stamp to stamp of each row.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_known)
        Known entries of a channel, in standard units.
    at : ndarray of int of shape (n_known,)
        Their places. Only changes between neighbouring places count.
    least : float
        Added to the roughness, so that rough and smooth rows have a finite ratio.
    """
    changes = np.diff(X, axis=1)[:, np.diff(at) == 1]
    if not changes.shape[1]:
        return np.ones(len(X))
    return np.sqrt(np.mean(changes**2, axis=1)) + least


def draw_windows(X, bounds, width, needed, *, most_entries=1 << 22, fewest=32, most=1024):
    """Return evenly spaced windows of a record in standard units, and where they start.

    Windows with a long gap or without a needed channel are left out, if ``fewest`` others exist.

    Parameters
    ----------
    X : ndarray of shape (n_stamps, n_channels)
        Stamps in standard units, with NaN for missing entries.
    bounds : list of (first, end)
        First stamp of every series, and the stamp after its last.
    width : int
        Stamps in a window.
    needed : ndarray of bool of shape (n_channels,)
        Channels of which the record knows anything.
    most_entries : int
        Number of entries that the windows have together. ``fewest`` windows may have more.
    fewest, most : int
        Least and largest number of windows, if the record has as many.

    Returns
    -------
    starts : ndarray of int of shape (n_windows,)
    windows : ndarray of shape (n_windows, width, n_channels)
        Windows. Entries that remain unknown are 0, the mean.
    """
    found = cut(X, bounds, width)
    unknown = np.isnan(found.windows.X[:, needed]).any(axis=1)
    complete = found.whole & (found.windows.mean_of_stamps(unknown) == 0)
    rank = found.whole.astype(int) + complete
    least = np.sort(rank)[-fewest:][0]
    windows = found.windows[np.flatnonzero(rank >= least)]
    size = int(np.clip(most_entries // windows.shape[1], fewest, most))
    windows = windows[windows.evenly(size)]
    entries = np.nan_to_num(np.asarray(windows)).reshape(len(windows), width, -1)
    return windows.starts, entries


def _distances(shapes, n_windows):
    """Return squared distances between the pasts of windows, and those from the past at hand.

    The unit is the root mean squared distance of two windows. All channels count alike, and a
    channel that is constant up to rounding does not count.

    Parameters
    ----------
    shapes : list of ndarray of shape (1 + n_windows, n_known)
        For each channel, the past at hand and the pasts of windows relative to their last entry.
    n_windows : int

    Returns
    -------
    between : ndarray of shape (n_windows, n_windows)
    own : ndarray of shape (n_windows,)
    """
    units = [np.sqrt(2 * seen[1:].var(axis=0).sum()) for seen in shapes]
    parts = [seen / unit for seen, unit in zip(shapes, units, strict=True) if unit > 1e-9]
    if not parts:
        return np.zeros((n_windows, n_windows)), np.zeros(n_windows)
    shape = np.hstack(parts) / np.sqrt(len(parts))
    own, shape = shape[0], shape[1:]
    square = (shape**2).sum(axis=1)
    between = np.maximum(square[:, None] + square - 2 * (shape @ shape.T), 0)
    return between, ((shape - own) ** 2).sum(axis=1)


def kernel(distance, reach):
    """Return Gaussian weights that sum to 1, by squared distances."""
    weight = np.exp(-0.5 / reach**2 * (distance - distance.min()))
    return weight / weight.sum()


def spread_weights(distance):
    """Return the weights of windows for the spread of a forecast, by squared distances.

    The reach doubles until at least ``FEWEST_ALIKE`` windows count, or half of all windows if that
    is less. Kish's effective number says how many windows count.
    """
    reach = SPREAD_REACH
    weight = kernel(distance, reach)
    while (weight @ weight) * min(FEWEST_ALIKE, len(weight) / 2) > 1 + 1e-9:
        reach *= 2
        weight = kernel(distance, reach)
    return weight


def correct(errors, between, own, starts, width):
    """Return the expected error of a continuation, and the errors of windows after correction.

    The expected error is the mean error of windows with a similar past (Nadaraya-Watson). How
    similar, is chosen for each channel: the mean absolute error of the windows is least if each is
    corrected by the windows that do not overlap it. One choice is the mean of all windows.

    Parameters
    ----------
    errors : ndarray of shape (n_windows, horizon, n_channels)
    between : ndarray of shape (n_windows, n_windows)
        Squared distances of the pasts of windows.
    own : ndarray of shape (n_windows,)
        Squared distances from the past at hand.
    starts : ndarray of int of shape (n_windows,)
        First stamps of the windows.
    width : int
        Stamps in a window.

    Returns
    -------
    expected : ndarray of shape (horizon, n_channels)
    left : ndarray of shape (n_windows, horizon, n_channels)
    """
    n, flat = len(errors), errors.reshape(len(errors), -1)
    apart = np.abs(starts[:, None] - starts) >= width
    between = np.where(apart, between, np.inf)
    nearest = between.min(axis=1, keepdims=True)
    nearest[np.isinf(nearest)] = 0  # this window overlaps all others
    narrower = np.exp(-0.5 / REACHES[0] ** 2 * (between - nearest))
    expected = errors.mean(axis=0)
    left, loss = errors, np.full(errors.shape[2], np.inf)
    for reach in (None, *REACHES):
        if reach is None:
            weight, own_weight = apart.astype(float), np.full(n, 1 / n)
        else:
            weight, own_weight = narrower, kernel(own, reach)
            narrower = weight**4
        total = weight.sum(axis=1, keepdims=True)
        mean = np.where(total > 0, weight @ flat / np.maximum(total, 1e-300), flat.mean(axis=0))
        corrected = (flat - mean).reshape(errors.shape)
        losses = np.abs(corrected).mean(axis=(0, 1))
        better = losses < loss
        loss = np.where(better, losses, loss)
        left = np.where(better, corrected, left)
        expected = np.where(better, np.tensordot(own_weight, errors, 1), expected)
    return expected, left


def choose_past(record, width, horizon, *, least=24):
    """Return how many of the latest stamps a forecast looks at.

    The past and the forecast have the width of a window together. The past is longer than that
    if it would be shorter than two horizons or ``least`` stamps, and if the record has a series
    of twice the length.
    """
    longest = max(end - first for first, end in record.bounds)
    if longest < width:
        raise ValueError(
            f"The latest {len(record.X)} time steps that the detector has learned hold no series "
            f"of window={width} time steps. Call partial_fit with a longer series, or fit again."
        )
    return max(width - horizon, min(max(2 * horizon, least), longest // 2 - horizon))


# -- methods of the detector ---------------------------------------------------------------


def _open(detector, name, X, horizon):
    """Return the ``Fan`` that continues the time steps ``X`` of a user."""
    require_window(detector, name)
    check_count("horizon", horizon, 1)
    width, model = detector.window_, detector._model()
    if horizon >= width:
        raise ValueError(
            f"horizon={horizon} must be less than the window of {width} time steps. Give a "
            "smaller horizon, or fit the detector with a larger window."
        )
    time = read_times(X)
    X = detector._fitted_rows(X)
    if time is not None and model.tail is not None and model.tail.time is not None:
        _compare_steps(time, model.tail.time)
    n_past = choose_past(model.record, width, horizon)
    past = take_latest(X, time, model.longest_gap, n_past)
    _warn_of_strange_values(past, model.record, detector)
    return open_fan(model.record, past, horizon)


def _compare_steps(time, learned, most_change=0.1):
    """Warn if the usual step of ``time`` is not that of the ``learned`` times."""
    if len(time) > 1 and len(learned) > 1:
        now, before = (measure_gaps(np.diff(t))[0] for t in (time, learned))
        if abs(now - before) > most_change * before:
            warn(
                f"The usual step of X is {now / 1e9:g} s, but the detector has learned steps of "
                f"{before / 1e9:g} s. Resample X to the same steps."
            )


def _warn_of_strange_values(past, record, detector):
    """Warn if latest known values lie farther outside the record than the width of its range."""
    names = getattr(detector, "feature_names_in_", range(past.shape[1]))
    strange = []
    with np.errstate(over="ignore", invalid="ignore"):
        low, high = np.fmin.reduce(record.X), np.fmax.reduce(record.X)
        for j, name in enumerate(names):
            known, reach = past[~np.isnan(past[:, j]), j], high[j] - low[j]
            if len(known) and reach > 0 and not low[j] - reach <= known[-1] <= high[j] + reach:
                strange.append(f"{known[-1]:g} of {name!s}, learned {low[j]:g} to {high[j]:g}")
    if strange:
        more = f", and {len(strange) - 3} more" if len(strange) > 3 else ""
        warn(
            "The latest values of some channels lie far outside what the detector has learned: "
            f"{'; '.join(strange[:3])}{more}. If a value stands for a missing one, replace it by "
            "NaN. Otherwise, the forecast takes it for a new level."
        )


def sample_future(detector, X, horizon, n_samples, random_state):
    """Return random continuations: see ``ActivationAnomalyDetector.sample_future``."""
    fan = _open(detector, "sample_future", X, horizon)
    check_count("n_samples", n_samples, 1)
    return fan.paths(n_samples, np.random.default_rng(new_seed(random_state)))


def forecast_quantiles(detector, X, horizon, quantiles):
    """Return quantiles: see ``ActivationAnomalyDetector.forecast_quantiles``."""
    levels = np.ravel(np.asarray(quantiles, dtype=object))
    good = all(isinstance(level, Real) and 0 < level < 1 for level in levels.tolist())
    if not (len(levels) and good):
        raise ValueError(
            f"quantiles={quantiles!r} must be numbers between 0 and 1, such as (0.1, 0.5, 0.9)."
        )
    fan = _open(detector, "forecast_quantiles", X, horizon)
    return fan.quantiles(levels.astype(np.float64))
