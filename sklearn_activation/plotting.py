"""Pictures of fitted estimators, in the manner of scikit-learn's Displays; they need matplotlib.

A Display holds the values that it draws. ``from_estimator`` computes and draws these values, and
``plot`` draws them again.
"""

from numbers import Real

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils.validation import _get_feature_names, check_is_fitted

from . import _state, _validation
from ._rows import columns as _columns
from ._series import cutting as _cutting
from ._series import events as _events

__all__ = [
    "ActivationLandscapeDisplay",
    "AnomalyScoreDisplay",
    "EventDisplay",
    "ExplanationDisplay",
    "ForecastDisplay",
]


class _Display:
    """Colours and figures of all Displays."""

    # Alarms, thresholds, events, and columns that speak against a row have this colour.
    _alarm_color = "tab:red"

    # Channels that matter, and columns that speak for a row, have this colour.
    _line_color = "tab:blue"

    # Scores, zero lines, and channels that matter less have this colour.
    _muted_color = "0.4"

    # This is the largest number of channels with a panel, unless the user names more.
    _most_channels = 5

    def _make_axes(self, *shape, **options):
        """Return the Axes of a new figure; raise an ImportError without matplotlib."""
        check_matplotlib_support(f"{type(self).__name__}.plot")
        import matplotlib.pyplot as plt

        return plt.subplots(*shape, **options)[1]

    def _make_panels(self, n, axes, width):
        """Return the Axes ``axes``, or ``n`` Axes one above the other in a new figure."""
        if axes is None:
            size = (width, 1 + 1.4 * n)
            axes = self._make_axes(n, sharex=True, squeeze=False, figsize=size)
            axes[0, 0].figure.set_layout_engine("constrained")
        axes = np.ravel(axes)
        if len(axes) != n:
            raise ValueError(
                f"axes: {n} are needed, {len(axes)} were given. Give one Axes for each panel, or "
                "axes=None to make a figure."
            )
        return axes


class AnomalyScoreDisplay(_Display):
    """Draw a series above its scores, with the threshold and the alarms.

    ``AnomalyScoreDisplay.from_estimator(detector, series)`` scores the series and draws it. The
    rows of a table can be drawn in their order as well.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_channels)
        Values to draw.
    scores : ndarray of shape (n_samples,)
        Score of each time step, in units of activation.
    threshold : float
        Activation below which a time step is an alarm.
    times : ndarray of shape (n_samples,)
        Positions on the horizontal axis, as numbers or dates.
    names : list of str of length n_channels
        Labels of the vertical axes.

    Attributes
    ----------
    figure_ : matplotlib Figure
        Figure of the last drawing.
    axes_ : ndarray of matplotlib Axes
        One Axes for each channel, and the last one for the scores.

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
        """Score a series and draw it.

        Parameters
        ----------
        detector : fitted ActivationAnomalyDetector, or a Pipeline that ends in one
            Detector that scores the series and sets the threshold.
        X : array-like or data frame of shape (n_samples, n_features)
            Time steps in their order.
        groups : array-like of shape (n_samples,), default=None
            Series that each time step belongs to, for a detector with ``window``.
        times : array-like of shape (n_samples,), default=None
            Numbers or dates on the horizontal axis. None takes the index of a pandas DataFrame, or
            else the numbers of the rows.
        channels : list of int or str, default=None
            Columns to draw, by number or name. None takes the first five columns.
        axes : sequence of matplotlib Axes, default=None
            One Axes for each channel, and one for the scores. None makes a figure.

        Returns
        -------
        display : AnomalyScoreDisplay
            The display with its figure.
        """
        check_is_fitted(detector)
        options = {} if groups is None else {"groups": groups}
        last, seen, _ = _last_step(detector, X)
        scores = last.score_samples(seen, **options)
        if times is None:
            times = getattr(X, "index", None) if hasattr(X, "iloc") else None
        times = np.arange(len(scores)) if times is None else np.asarray(times)
        if len(times) != len(scores):
            raise ValueError(
                f"times has {len(times)} entries, but X has {len(scores)} rows. Give one time for "
                "each row."
            )
        names = _names(X)
        chosen = range(min(len(names), cls._most_channels)) if channels is None else channels
        chosen = [_column(name, names) for name in chosen]
        values = np.column_stack([_to_numbers(X, j) for j in chosen])
        order = np.argsort(times, kind="stable")  # The scores have the order of the rows.
        values, scores, times = values[order], scores[order], times[order]
        display = cls(values, scores, last.offset_, times, [names[j] for j in chosen])
        return display.plot(axes=axes)

    def plot(self, *, axes=None):
        """Draw the display.

        Parameters
        ----------
        axes : sequence of matplotlib Axes, default=None
            One Axes for each channel, and one for the scores. None makes a figure.

        Returns
        -------
        self : object
            The display with its figure.
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
    """Draw one event of a series, with the channels to blame first.

    ``EventDisplay.from_estimator(detector, series)`` finds the events of the series and draws the
    event with the lowest score. The event is shaded, and a line marks the time step with the
    lowest score.

    Parameters
    ----------
    X : ndarray of shape (n_time_steps, n_channels)
        Values of the channels around the event.
    times : ndarray of shape (n_time_steps,)
        Positions on the horizontal axis, as numbers or dates.
    names : list of str of length n_channels
        Labels of the vertical axes.
    event : dict
        The entries "start", "end" and "peak" are values of ``times``, and "p" is the p-value at
        the peak.
    n_blamed : int
        Number of channels to blame. The channels to blame come first and are drawn in colour.

    Attributes
    ----------
    figure_ : matplotlib Figure
        Figure of the last drawing.
    axes_ : ndarray of matplotlib Axes
        One Axes for each channel.

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
        """Find the events of a series and draw one of them.

        Parameters
        ----------
        detector : ActivationAnomalyDetector fitted with ``window``, or a Pipeline that ends in one
            Detector that finds the events.
        X : array-like or data frame of shape (n_samples, n_features)
            Time steps in their order.
        event : int, default=None
            Row number of the event in ``detector.events(X)``. None takes the event with the lowest
            score.
        groups : array-like of shape (n_samples,), default=None
            Series that each time step belongs to.
        margin : int, default=None
            Number of time steps to draw before and after the event. None takes the length of a
            window.
        axes : sequence of matplotlib Axes, default=None
            One Axes for each channel, five at most. None makes a figure.

        Returns
        -------
        display : EventDisplay
            The display with its figure.
        """
        check_is_fitted(detector)
        last, seen, _ = _last_step(detector, X)
        events = _events.find_events(last, seen, groups)
        if not len(events):
            raise ValueError(
                "The series has no events, so there is nothing to draw. Draw the scores with "
                "AnomalyScoreDisplay, or raise the threshold with set_threshold."
            )
        if event is None:
            event = int(np.argmin(events["score"]))
        if not -len(events) <= event < len(events):
            raise ValueError(
                f"event={event}, but the series has {len(events)} events. Give a number from 0 to "
                f"{len(events) - 1}."
            )
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
            One Axes for each channel. None makes a figure.

        Returns
        -------
        self : object
            The display with its figure.
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
    """Draw which columns explain an alarm or a label, as bars.

    ``ExplanationDisplay.from_estimator(detector, row)`` shows how much each column has lowered the
    score of a row. With a classifier, the bars show how much each column speaks for the predicted
    label, and against the next best label. Positive bars are red for a detector, because they
    stand for lost activation, and blue for a classifier.

    Parameters
    ----------
    contributions : ndarray of shape (n_features,)
        Contribution of each column, in units of activation and in descending order.
    names : list of str of length n_features
        Labels of the bars.
    values : sequence of length n_features
        Entries of the row, as numbers or categories.
    label : object, default=None
        Predicted label that positive contributions speak for. None means that the contributions
        come from a detector, and are lost activation.
    next_label : object, default=None
        Next best label that negative contributions speak for. None goes with ``label=None``.

    Attributes
    ----------
    figure_ : matplotlib Figure
        Figure of the last drawing.
    ax_ : matplotlib Axes
        Axes of the last drawing.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn_activation import ActivationAnomalyDetector
    >>> from sklearn_activation.plotting import ExplanationDisplay
    >>> X, y = load_wine(return_X_y=True, as_frame=True)
    >>> detector = ActivationAnomalyDetector(random_state=0).fit(X[y == 0])
    >>> display = ExplanationDisplay.from_estimator(detector, X[-1:])
    """

    def __init__(self, contributions, names, values, label=None, next_label=None):
        self.contributions = contributions
        self.names = names
        self.values = values
        self.label = label
        self.next_label = next_label

    @classmethod
    def from_estimator(cls, detector, X, *, n_features=10, ax=None):
        """Explain one row and draw the contributions of its columns.

        Parameters
        ----------
        detector : fitted ActivationAnomalyDetector or ActivationLearningClassifier
            Detector or classifier that explains the row, or a Pipeline that ends in it. With a
            Pipeline, the bars are the columns that the last step gets. A detector must be fitted
            without ``window``.
        X : array-like or data frame of shape (1, n_features)
            The row.
        n_features : int, default=10
            Maximum number of bars. The columns with the largest positive or negative contributions
            get a bar.
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a figure.

        Returns
        -------
        display : ExplanationDisplay
            The display with its figure.
        """
        check_is_fitted(detector)
        if np.ndim(X) != 2:
            raise ValueError(
                "X must be a table of one row, but it is one-dimensional. Give the row as "
                "X[i : i + 1]."
            )
        if len(X) != 1:
            raise ValueError(
                f"X has {len(X)} rows, but an explanation belongs to one row. Give the row as "
                "X[i : i + 1]."
            )
        detector, X, names = _last_step(detector, X)
        if getattr(detector, "window_", None) is not None:
            raise ValueError(
                "A detector with window does not explain a single row. EventDisplay draws an "
                "event of a series with the channels to blame."
            )
        contributions = detector.explain(X)[0]
        most = np.argsort(-np.abs(contributions), kind="stable")[:n_features]
        order = most[np.argsort(-contributions[most], kind="stable")]
        columns = _columns.columns_of(X, always=True)
        values = [_columns.values_of(columns[j][1])[0] for j in order]
        labels = _two_best_labels(detector, X) if is_classifier(detector) else (None, None)
        display = cls(contributions[order], [names[j] for j in order], values, *labels)
        return display.plot(ax=ax)

    def plot(self, *, ax=None):
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a figure.

        Returns
        -------
        self : object
            The display with its figure.
        """
        n = len(self.names)
        if ax is None:
            ax = self._make_axes(figsize=(7, 1.2 + 0.32 * n), layout="constrained")
        labels = [
            f"{name} = {value:.4g}" if isinstance(value, Real) else f"{name} = {value}"
            for name, value in zip(self.names, self.values, strict=True)
        ]
        speaks_against = [(c > 0) == (self.label is None) for c in self.contributions]
        colors = [self._alarm_color if bad else self._line_color for bad in speaks_against]
        ax.barh(np.arange(n), self.contributions, color=colors)
        ax.set_yticks(np.arange(n), labels)
        ax.invert_yaxis()
        ax.axvline(0, color=self._muted_color, linewidth=0.8)
        if self.label is None:
            ax.set_xlabel("activation lost")
        else:
            ax.set_xlabel(f"activation for {self.label} rather than {self.next_label}")
        self.ax_, self.figure_ = ax, ax.figure
        return self


class ForecastDisplay(_Display):
    """Draw a forecast as a fan: the recent past, the median, and bands around it.

    ``ForecastDisplay.from_estimator(detector, series, horizon)`` forecasts the time steps that
    follow the series, and draws one channel.

    Parameters
    ----------
    past : ndarray of shape (n_time_steps,)
        The latest values of the channel.
    past_times : ndarray of shape (n_time_steps,)
        Their positions on the horizontal axis, as numbers or dates.
    values : ndarray of shape (n_quantiles, horizon)
        Quantiles of the values that follow.
    times : ndarray of shape (horizon,)
        Positions of the values that follow.
    quantiles : ndarray of shape (n_quantiles,)
        Levels of the quantiles in ascending order. The first and the last one bound the widest
        band, and so on inwards. A line shows the middle one of an odd number of levels.
    name : str
        Label of the vertical axis.

    Attributes
    ----------
    figure_ : matplotlib Figure
        Figure of the last drawing.
    ax_ : matplotlib Axes
        Axes of the last drawing.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_activation import ActivationAnomalyDetector
    >>> from sklearn_activation.plotting import ForecastDisplay
    >>> series = np.sin(np.arange(600) / 8)[:, None]
    >>> detector = ActivationAnomalyDetector(window=100, random_state=0).fit(series)
    >>> display = ForecastDisplay.from_estimator(detector, series, 50)
    """

    def __init__(self, past, past_times, values, times, quantiles, name):
        self.past = past
        self.past_times = past_times
        self.values = values
        self.times = times
        self.quantiles = quantiles
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        detector,
        X,
        horizon,
        *,
        quantiles=(0.05, 0.25, 0.5, 0.75, 0.95),
        channel=0,
        n_past=None,
        ax=None,
    ):
        """Forecast a series and draw one channel of the forecast.

        Parameters
        ----------
        detector : ActivationAnomalyDetector fitted with ``window``, or a Pipeline that ends in one
            Detector that forecasts.
        X : array-like or data frame of shape (n_samples, n_features)
            The latest time steps in their order. The dates of a data frame with dates as its index
            stand on the horizontal axis, and otherwise the numbers of the rows.
        horizon : int >= 1
            Number of time steps to forecast, less than ``window_``.
        quantiles : sequence of float in (0, 1), default=(0.05, 0.25, 0.5, 0.75, 0.95)
            Levels of the quantiles that bound the bands, and of the line in the middle.
        channel : int or str, default=0
            Column to draw, by number or name.
        n_past : int >= 1, default=None
            Number of latest time steps to draw. None means three horizons.
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a figure.

        Returns
        -------
        display : ForecastDisplay
            The display with its figure.
        """
        check_is_fitted(detector)
        last, seen, names = _last_step(detector, X)
        j = _column(channel, names)
        levels = np.sort(np.ravel(quantiles))
        values = last.forecast_quantiles(seen, horizon, levels)[:, :, j]
        n_past = 3 * horizon if n_past is None else n_past
        _validation.check_count("n_past", n_past, 1)
        clock = _cutting.read_times(seen)
        dated = clock is not None and seen.index.dtype.kind != "m"
        if not dated:
            clock = np.arange(len(seen))
        step = int(np.median(np.diff(clock))) if len(clock) > 1 else 1
        clock = np.concatenate([clock, clock[-1] + step * np.arange(1, horizon + 1)])
        if dated:
            clock = _local_times(clock.astype("datetime64[ns]"), seen.index)
        return cls(
            _to_numbers(seen, j)[-n_past:],
            clock[:-horizon][-n_past:],
            values,
            clock[-horizon:],
            levels,
            names[j],
        ).plot(ax=ax)

    def plot(self, *, ax=None):
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a figure.

        Returns
        -------
        self : object
            The display with its figure.
        """
        if ax is None:
            ax = self._make_axes(figsize=(6.4, 3.6), layout="constrained")
        from matplotlib.dates import ConciseDateFormatter

        ax.plot(self.past_times, self.past, color=self._muted_color, linewidth=1)
        n = len(self.quantiles)
        for low in range(n // 2):
            high = n - 1 - low
            ax.fill_between(
                self.times,
                self.values[low],
                self.values[high],
                color=self._line_color,
                alpha=min(0.2 * (low + 1), 0.6),
                linewidth=0,
                label=f"{self.quantiles[low]:.3g} to {self.quantiles[high]:.3g}",
            )
        if n % 2:
            ax.plot(
                self.times,
                self.values[n // 2],
                color=self._line_color,
                linewidth=1.5,
                label=f"{self.quantiles[n // 2]:.3g}",
            )
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3, frameon=False)
        ax.set_ylabel(self.name)
        if np.issubdtype(self.times.dtype, np.datetime64):
            locator = ax.xaxis.get_major_locator()
            ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))
        self.ax_, self.figure_ = ax, ax.figure
        return self


class ActivationLandscapeDisplay(_Display):
    """Draw the activation over the plane of two columns, with the rows on it.

    ``ActivationLandscapeDisplay.from_estimator(estimator, X, features)`` draws where rows look
    typical to the estimator. A line shows the threshold of a detector.

    Parameters
    ----------
    xx0, xx1 : ndarray of shape (grid_resolution, grid_resolution)
        Values of the two columns.
    activation : ndarray of shape (grid_resolution, grid_resolution)
        Activation at each point of the grid, drawn as a colour.
    rows : ndarray of shape (n_samples, 2)
        Values of the two columns in the rows, drawn as points.
    names : list of two str
        Labels of the axes.
    threshold : float or None
        Activation at which a line is drawn.

    Attributes
    ----------
    figure_ : matplotlib Figure
        Figure of the last drawing.
    ax_ : matplotlib Axes
        Axes of the last drawing.

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
            Estimator that scores the grid, or a Pipeline that ends in it. With a Pipeline, the
            columns are those that the last step gets. The activation of a classifier is the
            highest activation over its labels.
        X : array-like or data frame of shape (n_samples, n_features)
            Rows that are drawn as points and that the grid spans. All other columns keep the
            values of the row with the highest activation.
        features : pair of int or str, default=(0, 1)
            The two columns to draw, by number or name.
        grid_resolution : int, default=100
            Number of points along each axis. The time grows with the square of this number.
        margin : float, default=0.2
            Space on each side of the rows, as a share of their range.
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a figure.

        Returns
        -------
        display : ActivationLandscapeDisplay
            The display with its figure.
        """
        check_is_fitted(estimator)
        estimator, X, names = _last_step(estimator, X)
        if getattr(estimator, "window_", None) is not None:
            raise ValueError(
                "A detector with window has no plane of two features. AnomalyScoreDisplay draws a "
                "series with its scores."
            )
        i, j = (_column(feature, names) for feature in features)
        if i == j:
            raise ValueError(
                f"features={features!r} names one column twice, but two different ones are needed."
            )
        rows = np.column_stack([_to_numbers(X, k, categories=False) for k in (i, j)])
        low, high = np.fmin.reduce(rows), np.fmax.reduce(rows)
        if np.isnan(low).any():
            unknown = names[(i, j)[np.isnan(low).argmax()]]
            raise ValueError(
                f"Column {unknown!r} has no known entry, so there is nothing to draw. Choose "
                "another column in the parameter features."
            )
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
            Axes to draw on. None makes a figure.

        Returns
        -------
        self : object
            The display with its figure.
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
    """Return the last step of a pipeline, the rows that it gets, and the names of their columns.

    The last step is a twin, which stays in one state. An estimator by itself gets ``X``.
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


def _two_best_labels(classifier, X):
    """Return the predicted label of a single row, and its next best label."""
    activation = np.ravel(classifier.decision_function(X))
    if len(activation) == 1:  # Two classes have the difference of their activations.
        activation = np.array([0.0, activation[0]])
    return classifier.classes_[np.argsort(-activation, kind="stable")[:2]].tolist()


def _with_columns(X, rows, columns):
    """Return the rows of ``X`` at ``rows``, with other values in some columns."""
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


def _local_times(times, index):
    """Return times in UTC as the clocks in the time zone of ``index`` show them."""
    zone = getattr(index.dtype, "tz", None)
    if zone is None:
        return times
    return type(index)(times).tz_localize("UTC").tz_convert(zone).tz_localize(None).to_numpy()


def _to_numbers(X, j, categories=True):
    """Return a column as numbers to draw, with NaN for missing entries.

    Categories become their places in alphabetical order. Without ``categories``, a category raises
    an error.
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
    """Return the names of the columns of a table, or else "column 0", "column 1" and on."""
    names = _get_feature_names(X)
    n_columns = np.shape(X)[1]
    return [f"column {j}" for j in range(n_columns)] if names is None else list(names)


def _column(which, names):
    """Return the number of a column that is given by number or name."""
    if isinstance(which, str):
        if which not in names:
            more = ", ..." if len(names) > 10 else ""
            raise ValueError(
                f"No column {which!r} exists. The columns are {', '.join(names[:10])}{more}."
            )
        return names.index(which)
    if not -len(names) <= which < len(names):
        raise ValueError(
            f"Column {which} does not exist. X has {len(names)} columns, from 0 to "
            f"{len(names) - 1}."
        )
    return which % len(names)
