"""Events of a series, and a monitor that judges a log one time step at a time."""

import numpy as np
from numpy.lib.recfunctions import append_fields
from sklearn.utils.validation import check_is_fitted

from .._rows.scales import narrow
from .._state import twin_of
from .._validation import as_table, check_count, read_rows
from .._warnings import warn
from .cutting import count_missing, read_times
from .model import cut, longest_gap
from .stamps import score_newest_stamp, start_around
from .windows import Windows


def find_runs(alarm, bounds, max_gap):
    """Return the first and last stamp of each run of alarms.

    Runs in the same series with at most ``max_gap`` stamps between them are joined.
    """
    runs = []
    for first, end in bounds:
        at = first + np.flatnonzero(alarm[first:end])
        if len(at):
            runs += [
                (r[0], r[-1]) for r in np.split(at, np.flatnonzero(np.diff(at) > max_gap + 1) + 1)
            ]
    return runs


def require_window(detector, name):
    """Raise an error unless a detector is fitted to a series."""
    check_is_fitted(detector)
    if detector.window_ is None:
        raise ValueError(
            f"{name} needs a detector with window: without window, rows are not time steps. Set "
            "window and fit the detector to a series."
        )


def find_events(detector, X, groups=None, max_gap=None):
    """Return the events of a series, by the numbers of its rows: see ``tabulate_events``."""
    require_window(detector, "events")
    if max_gap is not None:
        check_count("max_gap", max_gap, 0)
    model = detector._model()
    found = model.read(detector._fitted_rows(X), model.times_of(X), groups)
    return tabulate_events(model, found, max_gap)


def tabulate_events(model, found, max_gap=None, gap_share=0.125):
    """Return the events of a series, by the numbers of their rows and channels.

    Parameters
    ----------
    model : SeriesModel
    found : Cut
        The series.
    max_gap : int or None
        Alarms with at most this many stamps between them are one event. None takes the share
        ``gap_share`` of a window.
    gap_share : float

    Returns
    -------
    events : structured ndarray of shape (n_events,)
    """
    windows, scores = found.windows, model.judge(found)
    if max_gap is None:
        max_gap = max(1, int(gap_share * windows.width))
    runs = find_runs(scores < model.offset, windows.bounds, max_gap)
    channels = range(model.n_features)
    p = model.calibration.p_values(scores)
    typical = model.typical_rows() if len(channels) > 1 and runs else None
    fields = [("start", int), ("end", int), ("peak", int), ("score", float), ("p", float)]
    table = np.empty(len(runs), dtype=[*fields, ("channels", object)])
    for row, (start, end) in zip(table, runs, strict=True):
        peak = start + int(np.argmin(scores[start : end + 1]))
        row["start"], row["end"], row["peak"] = start, end, peak
        row["score"], row["p"] = scores[peak], p[peak]
        row["channels"] = tuple(channels)
        if len(channels) > 1 and not found.dead[peak]:
            row["channels"] = tuple(find_blamed(model, windows, peak, typical))
    return table


def label_events(table, X, groups=None):
    """Return a table of events, with the index and column names of the data frame ``X``.

    If ``X`` is no data frame, the table stays unchanged. With ``groups``, a further field names
    the series of each event.
    """
    if groups is not None:
        of_event = np.asarray(groups)[table["start"]]
        table = append_fields(
            table, "group", of_event, of_event.dtype, usemask=False, asrecarray=False
        )
    if not hasattr(X, "iloc"):
        return table
    import pandas as pd  # ``X`` is a pandas data frame

    columns = {name: table[name] for name in table.dtype.names}
    for name in ("start", "end", "peak"):
        columns[name] = X.index[table[name]]
    columns["channels"] = [tuple(X.columns[list(own)]) for own in table["channels"]]
    return pd.DataFrame(columns)


def find_blamed(model, windows, stamp, typical, least_share=0.2):
    """Return the channels that have cost activation around a stamp, the worst one first.

    A channel is included if its cost is at least ``least_share`` of that of the worst channel.
    """
    start = start_around(windows, np.array([stamp]))[0]
    around = windows[np.searchsorted(windows.starts, start)]
    cost = model.explain_block(around, typical)[0]
    order = np.argsort(-cost, kind="stable")
    least = max(least_share * cost.max(), 1e-12)
    return [j for k, j in enumerate(order) if k == 0 or cost[j] >= least]


class SeriesMonitor:
    """Scores, p-values and alarms of the newest time steps of a log, as they arrive.

    ``ActivationAnomalyDetector.monitor`` makes a monitor. A monitor keeps the stamps of two
    windows, and each new stamp is judged by the one window that ends at it. The time per stamp
    therefore does not grow with the length of the log.

    The score of a stamp equals its score by ``score_samples`` in a log that ends with the stamp,
    if the stamp was not learned and no gap is near. Near a gap the scores may differ. The monitor
    repeats the last known entry until the next known entry arrives. The monitor also treats time
    steps that the index lacks as rows of NaN, whereas ``score_samples`` closes a short gap of the
    index up. Only gaps that come again and again, such as weekends, are closed up by both.

    Data frames with times as their index tell the monitor which time steps are missing. The
    monitor begins anew after a gap of more than an eighth of the window, or of more than two time
    steps if that is more. In arrays, pass missing time steps as rows of NaN.

    Parameters
    ----------
    detector : ActivationAnomalyDetector
        Detector that was fitted with ``window``. If the detector learns more by ``partial_fit``,
        so does the monitor.

    Attributes
    ----------
    n_stamps_ : int
        Number of stamps seen so far.
    """

    def __init__(self, detector):
        self.detector = detector
        self.n_stamps_ = 0
        self._clock = np.empty(0, dtype=np.int64)
        self._begin()

    def _begin(self):
        """Forget all stamps."""
        self._stamps = np.empty((0, self.detector.n_features_in_))
        self._activation = np.empty(0)

    def update(self, X):
        """Judge new time steps, each by its own entries and the stamps before it.

        Parameters
        ----------
        X : array-like or data frame of shape (n_stamps, n_features) or (n_features,)
            The next stamps of the log, in temporal order.

        Returns
        -------
        judged : structured ndarray of shape (n_stamps,)
            Array with fields "score", "p" and "alarm". The first ``window_ - 1`` stamps of a log
            have a score and p-value of NaN, and no alarm.

        Raises
        ------
        ValueError
            If a time of the index is not later than the time before.
        """
        detector = twin_of(self.detector)
        X = as_table(X)
        time = read_times(X)
        X = detector._fitted_rows(X) if hasattr(X, "columns") else _read_stamps(detector, X)
        model = detector._model()
        judged = np.zeros(len(X), dtype=[("score", float), ("p", float), ("alarm", bool)])
        missing = self._count_missing(time, len(X))
        for i, stamp in enumerate(X):
            self._pass_over(model, missing[i])
            judged["score"][i] = self._judge(model, stamp)
        self.n_stamps_ += len(X)
        known = ~np.isnan(judged["score"])
        judged["p"] = np.nan
        judged["p"][known] = model.calibration.p_values(judged["score"][known])
        judged["alarm"] = judged["score"] < model.offset
        return judged

    def _count_missing(self, time, n):
        """Return how many time steps are missing before each of ``n`` stamps, and set the clock.

        The clock holds the times of the latest stamps, in nanoseconds. Without times, no time step
        is missing.
        """
        if time is None:
            self._clock = np.empty(0, dtype=np.int64)
            return np.zeros(n, dtype=int)
        times = np.concatenate([self._clock, time])
        steps = np.diff(times)
        if (steps <= 0).any():
            at = int(np.argmax(steps <= 0)) + 1 - len(self._clock)
            raise ValueError(
                f"Row {at} of X is not later than the row before it. Give each time step once, in "
                "temporal order."
            )
        missing = count_missing(times, longest_gap(self.detector.window_))
        self._clock = times[-2 * self.detector.window_ :]
        return missing[-n:]

    def _pass_over(self, model, n_missing):
        """Judge missing time steps as rows of NaN, or begin anew after a long gap."""
        if n_missing > model.longest_gap:
            warn(
                f"{n_missing} time steps are missing, which is a longer gap than "
                f"{model.longest_gap} time steps. The monitor begins anew and has no scores for "
                f"{model.width - 1} time steps. To go on without a pause, pass the missing time "
                "steps as rows of NaN."
            )
            self._begin()
            return
        for _ in range(n_missing):
            self._judge(model, np.full(self._stamps.shape[1], np.nan))

    def _judge(self, model, stamp):
        """Return the score of the next stamp, and store the stamp."""
        stamps = np.concatenate([self._stamps, stamp[None]])[-(2 * model.width - 1) :]
        self._stamps = stamps
        if len(stamps) < model.width:
            return np.nan
        found = cut(stamps, [(0, len(stamps))], model.width)
        filled = narrow(found.windows.X, model.dtype)
        windows = Windows(filled, found.windows.bounds, model.width)
        newest = model.activation(windows[len(windows) - 1])
        self._activation = np.concatenate([self._activation, newest])[-len(windows) :]
        if found.dead[-1]:
            return 0.0
        return score_newest_stamp(windows, self._activation, model.series, model.encoding)


def _read_stamps(detector, X):
    """Return stamps of an array. Without column names, no warning about names is needed."""
    X = read_rows(X, ensure_all_finite="allow-nan").astype(np.float64, copy=False)
    if X.shape[1] != detector.n_features_in_:
        raise ValueError(
            f"X has {X.shape[1]} channels, but the detector was fitted to "
            f"{detector.n_features_in_} channels. Give one column per channel."
        )
    return X
