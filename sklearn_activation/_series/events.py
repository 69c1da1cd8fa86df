"""Events of a series, and a log that is judged stamp by stamp."""

import numpy as np
from numpy.lib.recfunctions import append_fields
from sklearn.utils.validation import check_is_fitted

from .._rows.scales import narrow
from .._state import twin_of
from .._validation import as_table, check_count, read_rows
from .model import cut
from .stamps import score_newest_stamp, start_around
from .windows import Windows


def find_runs(alarm, bounds, max_gap):
    """First and last stamp of every run of alarms in a series, near runs joined."""
    runs = []
    for first, end in bounds:
        at = first + np.flatnonzero(alarm[first:end])
        if len(at):
            runs += [
                (r[0], r[-1]) for r in np.split(at, np.flatnonzero(np.diff(at) > max_gap + 1) + 1)
            ]
    return runs


def require_window(detector, name):
    """Raise an error unless a detector is fitted, and to a series."""
    check_is_fitted(detector)
    if detector.window_ is None:
        raise ValueError(f"{name} needs a detector with window: its rows are no time stamps.")


def find_events(detector, X, groups=None, max_gap=None):
    """The events of a series, by the numbers of its rows: see ``tabulate_events``."""
    require_window(detector, "events")
    if max_gap is not None:
        check_count("max_gap", max_gap, 0)
    model = detector._model()
    found = model.read(detector._fitted_rows(X), model.times_of(X), groups)
    return tabulate_events(model, found, max_gap)


def tabulate_events(model, found, max_gap=None, gap_share=0.125):
    """The events of a series, by the numbers of their rows and channels.

    Parameters
    ----------
    model : SeriesModel
    found : Cut
        The series.
    max_gap : int or None
        Alarms with no more stamps between them are one event; None takes ``gap_share`` of a
        window.
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
    """A table of events as it is, or as a data frame with the labels of the data frame ``X``.

    With ``groups`` it also says which series each event belongs to.
    """
    if groups is not None:
        of_event = np.asarray(groups)[table["start"]]
        table = append_fields(
            table, "group", of_event, of_event.dtype, usemask=False, asrecarray=False
        )
    if not hasattr(X, "iloc"):
        return table
    import pandas as pd  # X is one of its frames

    columns = {name: table[name] for name in table.dtype.names}
    for name in ("start", "end", "peak"):
        columns[name] = X.index[table[name]]
    columns["channels"] = [tuple(X.columns[list(own)]) for own in table["channels"]]
    return pd.DataFrame(columns)


def find_blamed(model, windows, stamp, typical, least_share=0.2):
    """Channels that have cost activation around a stamp, the worst first.

    A channel is to blame if it has cost ``least_share`` of what the worst one has.
    """
    start = start_around(windows, np.array([stamp]))[0]
    around = windows[np.searchsorted(windows.starts, start)]
    cost = model.explain_block(around, typical)[0]
    order = np.argsort(-cost, kind="stable")
    least = max(least_share * cost.max(), 1e-12)
    return [j for k, j in enumerate(order) if k == 0 or cost[j] >= least]


class SeriesMonitor:
    """Scores, p-values and alarms of the newest stamps of a log, as they come.

    Made by ``ActivationAnomalyDetector.monitor``. It keeps two windows of stamps, and looks at
    the one window that ends at each new stamp: a new stamp costs the same however long the log.
    Its scores are those of ``score_samples`` at the end of a log that ends there, of stamps that
    were not learned, and up to how gaps are filled: a gap continues its last entry until the next
    is known. A monitor has no clock; give missing stamps as rows of NaN.

    Parameters
    ----------
    detector : ActivationAnomalyDetector
        Fitted with ``window``. If it learns by ``partial_fit``, the monitor goes by what it has
        learned.

    Attributes
    ----------
    n_stamps_ : int
        Stamps seen so far.
    """

    def __init__(self, detector):
        self.detector = detector
        self.n_stamps_ = 0
        self._stamps = np.empty((0, detector.n_features_in_))
        self._activation = np.empty(0)

    def update(self, X):
        """Judge new stamps, each by itself and those before it.

        Parameters
        ----------
        X : array-like or data frame of shape (n_stamps, n_features) or (n_features,)
            The next stamps of the log, in their order.

        Returns
        -------
        judged : structured ndarray of shape (n_stamps,)
            With fields "score", "p" and "alarm". The first ``window_ - 1`` stamps of a log have
            NaN, and no alarm.
        """
        detector = twin_of(self.detector)
        X = as_table(X)
        X = detector._fitted_rows(X) if hasattr(X, "columns") else _read_stamps(detector, X)
        model = detector._model()
        judged = np.zeros(len(X), dtype=[("score", float), ("p", float), ("alarm", bool)])
        for i, stamp in enumerate(X):
            judged["score"][i] = self._judge(model, stamp)
        known = ~np.isnan(judged["score"])
        judged["p"] = np.nan
        judged["p"][known] = model.calibration.p_values(judged["score"][known])
        judged["alarm"] = judged["score"] < model.offset
        return judged

    def _judge(self, model, stamp):
        self.n_stamps_ += 1
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
    """Stamps without names, which need no warning that they have none."""
    X = read_rows(X, ensure_all_finite="allow-nan").astype(np.float64, copy=False)
    if X.shape[1] != detector.n_features_in_:
        raise ValueError(
            f"X has {X.shape[1]} channels, but the detector was fitted to "
            f"{detector.n_features_in_}."
        )
    return X
