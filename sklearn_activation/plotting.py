"""Pictures of fitted detectors, in the manner of scikit-learn's Displays. They need matplotlib.

A Display holds what is drawn; ``from_estimator`` computes and draws it, ``plot`` draws it again.
"""

from numbers import Real

import numpy as np
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils.validation import _get_feature_names, check_is_fitted

from . import _state
from ._rows import columns as _columns
from ._series import events as _events

__all__ = [
    "ActivationLandscapeDisplay",
    "AnomalyScoreDisplay",
    "EventDisplay",
    "ExplanationDisplay",
]


class _Display:
    """Colours and figures of all Displays."""

    # Alarms, thresholds, events and losses have this colour.
    _alarm_color = "tab:red"

    # Values of channels that matter, and gains, have this colour.
    _line_color = "tab:blue"

    # Scores, zero lines, and values of channels that matter less have this colour.
    _muted_color = "0.4"

    # At most this many channels have a panel of their own unless the user names more.
    _most_channels = 5

    def _make_axes(self, *shape, **options):
        """Axes of a new figure; ImportError without matplotlib."""
        check_matplotlib_support(f"{type(self).__name__}.plot")
        import matplotlib.pyplot as plt

        return plt.subplots(*shape, **options)[1]

    def _make_panels(self, n, axes, width):
        """``n`` Axes one above the other: the given ones, or those of a new figure."""
        if axes is None:
            size = (width, 1 + 1.4 * n)
            axes = self._make_axes(n, sharex=True, squeeze=False, figsize=size)
            axes[0, 0].figure.set_layout_engine("constrained")
        axes = np.ravel(axes)
        if len(axes) != n:
            raise ValueError(f"axes: {n} are needed, {len(axes)} were given.")
        return axes


class AnomalyScoreDisplay(_Display):
    """A series, or rows in their order, above its scores, threshold and alarms.

    Use ``from_estimator`` to make one.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_channels)
        The values to draw.
    scores : ndarray of shape (n_samples,)
        Activation of every time stamp.
    threshold : float
        Stamps that score less are alarms.
    times : ndarray of shape (n_samples,)
        Horizontal axis.
    names : list of str of length n_channels
        Labels of the vertical axes.

    Attributes
    ----------
    figure_ : matplotlib Figure
    axes_ : ndarray of matplotlib Axes
        One for each channel, the last for the scores.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_activation import ActivationAnomalyDetector
    >>> from sklearn_activation.plotting import AnomalyScoreDisplay
    >>> series = np.sin(np.arange(600) / 8)[:, None]
    >>> detector = ActivationAnomalyDetector(window=50, random_state=0).fit(series[:400])
    >>> display = AnomalyScoreDisplay.from_estimator(detector, series)
    """

    def __init__(self, X, scores, threshold, times, names):
        self.X = X
        self.scores = scores
        self.threshold = threshold
        self.times = times
        self.names = names

    @classmethod
    def from_estimator(cls, detector, X, *, groups=None, times=None, channels=None, axes=None):
        """Score ``X`` and draw it.

        Parameters
        ----------
        detector : fitted ActivationAnomalyDetector, or a Pipeline that ends in one
            It scores the series, and sets the threshold.
        X : array-like of shape (n_samples, n_features)
            Time stamps in their order.
        groups : array-like of shape (n_samples,), default=None
            Which series each stamp belongs to, for a detector with ``window``.
        times : array-like of shape (n_samples,), default=None
            Numbers or dates, in whose order stamps are drawn; None takes the index of a
            DataFrame, or 0, 1, 2, ...
        channels : list of int or str, default=None
            Columns to draw, by number or name; None takes the first five.
        axes : sequence of matplotlib Axes, default=None
            One for each channel and one for the scores; None makes a figure.

        Returns
        -------
        display : AnomalyScoreDisplay
        """
        check_is_fitted(detector)
        options = {} if groups is None else {"groups": groups}
        last, seen, _ = _last_step(detector, X)
        scores = last.score_samples(seen, **options)
        if times is None:
            times = getattr(X, "index", None) if hasattr(X, "iloc") else None
        times = np.arange(len(scores)) if times is None else np.asarray(times)
        if len(times) != len(scores):
            raise ValueError(f"times has {len(times)} entries, but X has {len(scores)} rows.")
        names = _names(X)
        chosen = range(min(len(names), cls._most_channels)) if channels is None else channels
        chosen = [_column(name, names) for name in chosen]
        values = np.column_stack([_to_numbers(X, j) for j in chosen])
        order = np.argsort(times, kind="stable")  # Stamps are scored in the order of the rows.
        values, scores, times = values[order], scores[order], times[order]
        display = cls(values, scores, last.offset_, times, [names[j] for j in chosen])
        return display.plot(axes=axes)

    def plot(self, *, axes=None):
        """Draw the display.

        Parameters
        ----------
        axes : sequence of matplotlib Axes, default=None
            One for each channel and one for the scores; None makes a figure.

        Returns
        -------
        self : object
            The display, with its figure.
        """
        axes = self._make_panels(len(self.names) + 1, axes, width=9)
        alarm = self.scores < self.threshold
        for ax, name, values in zip(axes, self.names, self.X.T, strict=False):
            ax.plot(self.times, values, color=self._line_color, linewidth=0.8)
            ax.set_ylabel(name)
        axes[-1].plot(self.times, self.scores, color=self._muted_color, linewidth=0.8)
        axes[-1].axhline(self.threshold, color=self._alarm_color, linestyle="--", linewidth=1)
        axes[-1].set(ylabel="activation")
        if np.issubdtype(self.times.dtype, np.datetime64):
            axes[-1].figure.autofmt_xdate()
        edges = np.flatnonzero(np.diff(np.concatenate([[0], alarm, [0]])))
        for ax in axes:
            for first, end in edges.reshape(-1, 2):
                ax.axvspan(
                    self.times[first],
                    self.times[end - 1],
                    color=self._alarm_color,
                    alpha=0.25,
                    linewidth=1,
                )
        self.axes_, self.figure_ = axes, axes[0].figure
        return self


class EventDisplay(_Display):
    """One event of a series: its channels over time, the channels to blame first.

    Use ``from_estimator`` to make one.

    Parameters
    ----------
    X : ndarray of shape (n_stamps, n_channels)
        The channels around the event.
    times : ndarray of shape (n_stamps,)
        Horizontal axis.
    names : list of str of length n_channels
        Labels of the vertical axes.
    event : dict
        The entries "start", "end" and "peak" are values of ``times``; "p" is the p-value.
    n_blamed : int
        How many of the channels are to blame.

    Attributes
    ----------
    figure_ : matplotlib Figure
    axes_ : ndarray of matplotlib Axes
        One for each channel.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_activation import ActivationAnomalyDetector
    >>> from sklearn_activation.plotting import EventDisplay
    >>> series = np.sin(np.arange(900) / 8)[:, None]
    >>> detector = ActivationAnomalyDetector(window=50, random_state=0).fit(series[:600])
    >>> series[700:720] = 0
    >>> display = EventDisplay.from_estimator(detector, series)
    """

    def __init__(self, X, times, names, event, n_blamed):
        self.X = X
        self.times = times
        self.names = names
        self.event = event
        self.n_blamed = n_blamed

    @classmethod
    def from_estimator(cls, detector, X, event=None, *, groups=None, margin=None, axes=None):
        """Find the events of a series and draw one.

        Parameters
        ----------
        detector : ActivationAnomalyDetector fitted with ``window``, or a Pipeline that ends in one
            It finds the events.
        X : array-like of shape (n_samples, n_features)
            Time stamps in their order.
        event : int, default=None
            Number of the row of ``detector.events(X)``; None takes the one of the lowest score.
        groups : array-like of shape (n_samples,), default=None
            Which series each stamp belongs to.
        margin : int, default=None
            Stamps to draw on either side of the event; None takes the length of a window.
        axes : sequence of matplotlib Axes, default=None
            One for each channel, five at most; None makes a figure.

        Returns
        -------
        display : EventDisplay
        """
        check_is_fitted(detector)
        last, seen, _ = _last_step(detector, X)
        events = _events.find_events(last, seen, groups)
        if not len(events):
            raise ValueError("The series has no events.")
        if event is None:
            event = int(np.argmin(events["score"]))
        if not -len(events) <= event < len(events):
            raise ValueError(f"event={event}, but the series has {len(events)} events.")
        found, names = events[event], _names(seen)
        margin = last.window_ if margin is None else margin
        first, end = 0, len(seen)
        if groups is not None:
            own = np.flatnonzero(np.asarray(groups) == np.asarray(groups)[found["start"]])
            first, end = own[0], own[-1] + 1
        span = slice(max(found["start"] - margin, first), min(found["end"] + margin + 1, end))
        blamed = list(found["channels"])
        order = blamed + [j for j in range(len(names)) if j not in blamed]
        order = order[: cls._most_channels]
        times = seen.index.to_numpy() if hasattr(seen, "iloc") else np.arange(len(seen))
        display = cls(
            np.column_stack([_to_numbers(seen, j)[span] for j in order]),
            times[span],
            [names[j] for j in order],
            {
                **{name: times[found[name]] for name in ("start", "end", "peak")},
                "p": float(found["p"]),
            },
            min(len(blamed), len(order)),
        )
        return display.plot(axes=axes)

    def plot(self, *, axes=None):
        """Draw the display.

        Parameters
        ----------
        axes : sequence of matplotlib Axes, default=None
            One for each channel; None makes a figure.

        Returns
        -------
        self : object
            The display, with its figure.
        """
        axes = self._make_panels(len(self.names), axes, width=7)
        for j, (ax, name) in enumerate(zip(axes, self.names, strict=True)):
            color = self._line_color if j < self.n_blamed else self._muted_color
            ax.plot(self.times, self.X[:, j], color=color, linewidth=1)
            ax.axvspan(
                self.event["start"],
                self.event["end"],
                color=self._alarm_color,
                alpha=0.2,
                linewidth=1,
            )
            ax.axvline(self.event["peak"], color=self._alarm_color, linewidth=1)
            ax.set_ylabel(name)
        axes[0].set_title(f"lowest score at the line, p = {self.event['p']:.2g}", fontsize=10)
        if np.issubdtype(self.times.dtype, np.datetime64):
            axes[-1].figure.autofmt_xdate()
        self.axes_, self.figure_ = axes, axes[0].figure
        return self


class ExplanationDisplay(_Display):
    """Bars of the activation that each feature has cost a row.

    Use ``from_estimator`` to make one.

    Parameters
    ----------
    contributions : ndarray of shape (n_features,)
        Activation that each feature has cost, in descending order.
    names : list of str of length n_features
        Labels of the bars.
    values : sequence of length n_features
        The row's own entries, numbers or categories.

    Attributes
    ----------
    figure_ : matplotlib Figure
    ax_ : matplotlib Axes

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn_activation import ActivationAnomalyDetector
    >>> from sklearn_activation.plotting import ExplanationDisplay
    >>> X, y = load_wine(return_X_y=True, as_frame=True)
    >>> detector = ActivationAnomalyDetector(random_state=0).fit(X[y == 0])
    >>> display = ExplanationDisplay.from_estimator(detector, X[-1:])
    """

    def __init__(self, contributions, names, values):
        self.contributions = contributions
        self.names = names
        self.values = values

    @classmethod
    def from_estimator(cls, detector, X, *, n_features=10, ax=None):
        """Explain one row and draw it.

        Parameters
        ----------
        detector : fitted ActivationAnomalyDetector without window, or a Pipeline that ends in one
            It explains the row. For a Pipeline, bars are the columns that its last step sees.
        X : array-like of shape (1, n_features)
            The row.
        n_features : int, default=10
            Maximum number of bars. The features that matter most, either way, get them.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : ExplanationDisplay
        """
        check_is_fitted(detector)
        if np.ndim(X) != 2:
            raise ValueError("X is one-dimensional: give a row with two axes, X[i : i + 1].")
        if len(X) != 1:
            raise ValueError(f"X has {len(X)} rows; an explanation is of one row, X[i : i + 1].")
        detector, X, names = _last_step(detector, X)
        contributions = detector.explain(X)[0]
        most = np.argsort(-np.abs(contributions), kind="stable")[:n_features]
        order = most[np.argsort(-contributions[most], kind="stable")]
        columns = _columns.columns_of(X, always=True)
        values = [_columns.values_of(columns[j][1])[0] for j in order]
        display = cls(contributions[order], [names[j] for j in order], values)
        return display.plot(ax=ax)

    def plot(self, *, ax=None):
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        self : object
            The display, with its figure.
        """
        n = len(self.names)
        if ax is None:
            ax = self._make_axes(figsize=(7, 1.2 + 0.32 * n), layout="constrained")
        labels = [
            f"{name} = {value:.4g}" if isinstance(value, Real) else f"{name} = {value}"
            for name, value in zip(self.names, self.values, strict=True)
        ]
        colors = [self._alarm_color if c > 0 else self._line_color for c in self.contributions]
        ax.barh(np.arange(n), self.contributions, color=colors)
        ax.set_yticks(np.arange(n), labels)
        ax.invert_yaxis()
        ax.axvline(0, color=self._muted_color, linewidth=0.8)
        ax.set_xlabel("activation lost")
        self.ax_, self.figure_ = ax, ax.figure
        return self


class ActivationLandscapeDisplay(_Display):
    """Activation over the plane of two features, with the rows on it.

    Use ``from_estimator`` to make one.

    Parameters
    ----------
    xx0, xx1 : ndarray of shape (grid_resolution, grid_resolution)
        Values of the two features.
    activation : ndarray of shape (grid_resolution, grid_resolution)
        Activation at every point of the grid, drawn in colours.
    rows : ndarray of shape (n_samples, 2)
        Values of the two features in the rows, drawn as points.
    names : list of two str
        Labels of the axes.
    threshold : float or None
        Activation at which a line is drawn.

    Attributes
    ----------
    figure_ : matplotlib Figure
    ax_ : matplotlib Axes

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_activation import ActivationAnomalyDetector
    >>> from sklearn_activation.plotting import ActivationLandscapeDisplay
    >>> X, _ = load_iris(return_X_y=True)
    >>> detector = ActivationAnomalyDetector(random_state=0).fit(X)
    >>> display = ActivationLandscapeDisplay.from_estimator(detector, X)
    """

    def __init__(self, xx0, xx1, activation, rows, names, threshold=None):
        self.xx0 = xx0
        self.xx1 = xx1
        self.activation = activation
        self.rows = rows
        self.names = names
        self.threshold = threshold

    @classmethod
    def from_estimator(
        cls, estimator, X, features=(0, 1), *, grid_resolution=100, margin=0.2, ax=None
    ):
        """Compute the activation over a grid and draw it.

        Parameters
        ----------
        estimator : fitted ActivationAnomalyDetector or ActivationLearningClassifier
            It may also be a Pipeline that ends in one, whose last step's features are drawn. The
            activation of a classifier is that of its most active label.
        X : array-like of shape (n_samples, n_features)
            The grid spans these rows, which are drawn as points; the features that are not
            drawn stay as they are in the row that activates most.
        features : pair of int or str, default=(0, 1)
            The two columns, by number or name.
        grid_resolution : int, default=100
            Points along each axis; scoring takes its square.
        margin : float, default=0.2
            Space on every side of the rows, as a share of their range.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        display : ActivationLandscapeDisplay
        """
        check_is_fitted(estimator)
        estimator, X, names = _last_step(estimator, X)
        if getattr(estimator, "window_", None) is not None:
            raise ValueError("A detector with window has no plane of two features.")
        i, j = (_column(feature, names) for feature in features)
        if i == j:
            raise ValueError(f"features={features!r}: two different ones are needed.")
        rows = np.column_stack([_to_numbers(X, k, categories=False) for k in (i, j)])
        low, high = np.fmin.reduce(rows), np.fmax.reduce(rows)
        if np.isnan(low).any():
            unknown = names[(i, j)[np.isnan(low).argmax()]]
            raise ValueError(f"Column {unknown!r} has no known entry: there is nothing to draw.")
        room = margin * np.where(high > low, high - low, np.maximum(np.abs(low), 1))
        low, high = low - room, high + room
        xx0, xx1 = np.meshgrid(*np.linspace(low, high, grid_resolution).T)
        best = np.full(xx0.size, np.argmax(estimator.score_samples(X)))
        grid = _with_columns(X, best, {i: xx0.ravel(), j: xx1.ravel()})
        activation = estimator.score_samples(grid).reshape(xx0.shape)
        threshold = getattr(estimator, "offset_", None)
        display = cls(xx0, xx1, activation, rows, [names[i], names[j]], threshold)
        return display.plot(ax=ax)

    def plot(self, *, ax=None):
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        self : object
            The display, with its figure.
        """
        if ax is None:
            ax = self._make_axes(figsize=(6, 4.5), layout="constrained")
        surface = ax.contourf(self.xx0, self.xx1, self.activation, levels=20, cmap="viridis")
        ax.figure.colorbar(surface, ax=ax, label="activation")
        if self.threshold is not None:
            low, high = self.activation.min(), self.activation.max()
            if low < self.threshold < high:
                ax.contour(
                    self.xx0,
                    self.xx1,
                    self.activation,
                    levels=[self.threshold],
                    colors=self._alarm_color,
                )
        ax.scatter(*self.rows.T, s=8, color="white", edgecolors="black", linewidths=0.4)
        ax.set(xlabel=self.names[0], ylabel=self.names[1])
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _last_step(estimator, X):
    """The last step of a pipeline in one state, the rows that it sees, names of their columns.

    An estimator by itself sees ``X``.
    """
    names = None
    if hasattr(estimator, "steps"):
        before, estimator = estimator[:-1], estimator[-1]
        if len(before):
            X = before.transform(X)
            try:
                names = list(before.get_feature_names_out())
            except (AttributeError, ValueError):  # A step gives its columns no names.
                pass
    if names is None or _get_feature_names(X) is not None:
        names = _names(X)
    return _state.twin_of(estimator), X, names


def _with_columns(X, rows, columns):
    """The rows of ``X`` at ``rows``, of the same kind, with other values in some columns."""
    if hasattr(X, "iloc"):
        parts = [columns[j] if j in columns else X.iloc[rows, j].array for j in range(X.shape[1])]
        frame = type(X)(dict(enumerate(parts)))
        frame.columns = X.columns
        return frame
    if hasattr(X, "column_names"):  # The table is one of Arrow.
        taken = X.take(rows)
        for j, values in columns.items():
            taken = taken.set_column(j, X.column_names[j], [values])
        return taken
    if hasattr(X, "columns"):
        new = type(X)({X.columns[j]: values for j, values in columns.items()})
        return X[rows].with_columns(*(new[name] for name in new.columns))
    taken = np.asarray(X)[rows].copy()
    if taken.dtype.kind in "iub":
        taken = taken.astype(np.float64)
    for j, values in columns.items():
        taken[:, j] = values
    return taken


def _to_numbers(X, j, categories=True):
    """A column as numbers to draw, NaN where it lacks an entry.

    Categories become their places in the order of names, or are refused without ``categories``.
    """
    name, column = _columns.columns_of(X, always=True)[j]
    try:
        return _columns.read_numbers(name, column)
    except ValueError:
        if not categories:
            raise
    values = _columns.values_of(column)
    known = np.array([not _columns.is_missing(value) for value in values])
    places = np.full(len(values), np.nan)
    places[known] = np.unique(values[known].astype(str), return_inverse=True)[1]
    return places


def _names(X):
    """Names of the columns of a table, or "column 0" and so on."""
    names = _get_feature_names(X)
    n_columns = np.shape(X)[1]
    return [f"column {j}" for j in range(n_columns)] if names is None else list(names)


def _column(which, names):
    """Number of a column given by number or name."""
    if isinstance(which, str):
        if which not in names:
            raise ValueError(f"No column {which!r}; there are {', '.join(names[:10])}.")
        return names.index(which)
    if not -len(names) <= which < len(names):
        raise ValueError(f"Column {which} of {len(names)}.")
    return which % len(names)
