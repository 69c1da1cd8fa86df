"""Anomaly detection: what activates less is less typical."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import OutlierMixin, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from ._base import ActivationLearningBase
from ._detection.memory import Memory
from ._detection.sampling import draw_rows, fill_with_means
from ._detection.table import TableModel, TableTraining
from ._detection.threshold import Calibration
from ._progress import with_callbacks
from ._rows.encodings import ENCODINGS
from ._series.calibration import SeriesCalibration
from ._series.cutting import read_times
from ._series.encodings import WINDOW_ENCODINGS
from ._series.events import SeriesMonitor, find_events, label_events, require_window
from ._series.model import SeriesModel, Tail
from ._series.training import SeriesTraining, refuse_width
from ._validation import (
    all_or_nothing,
    check_count,
    check_weight,
    refuse_nothing_known,
    validate_table,
)
from ._warnings import warn


class ActivationAnomalyDetector(OutlierMixin, ActivationLearningBase):
    """Anomaly detector: rows that activate less are less typical.

    Fit it to a table or to a time series, with or without anomalies in it: the training rows
    themselves are scored by what all other rows teach. A row's score is its output activation
    ||y||^2 (paper [1]_, section II.C, property 5, and eq. 8). With the Fourier encoding this is
    Tikhonov-regularised support estimation [2]_, between a Parzen density and kernel PCA's
    reconstruction error. Scoring costs the same however many rows there were to learn from.

    Parameters
    ----------
    layer_sizes : int, tuple of int or None, default=None
        Units of every layer. None: one layer as wide as the encoded row, 1,024 at most. With
        fewer units than inputs, scores of rows without themselves are approximate.
    activation : {"abs", "std_abs", "layer_std_abs", "square"}, default="std_abs"
        Function between layers; all of them keep a row's norm (paper, section III.A).
        "std_abs" standardises abs(y) over the training rows, "layer_std_abs" only
        subtracts the row's own mean, which needs no statistics; "square" makes strong
        responses stronger, which suits features for a linear model.
    encoding : {"fourier", "unit"}, default="fourier"
        How a row becomes input. "fourier" maps standardised columns to random Fourier
        features, right for tables. "unit" scales the row to norm 1, right where only
        proportions matter; a row that is too long or too short then looks normal.
    n_frequencies : int, default=192
        Random frequencies of the Fourier map, which has twice as many columns. More
        follow the data more closely; scoring costs time with their square, training with
        their cube.
    bandwidth : "auto" or float > 0, default="auto"
        Width of the Gaussian kernel behind the Fourier map, in the units of the
        standardised columns. "auto" takes a quarter, half, once and twice the root mean squared
        distance between training rows, a quarter of the frequencies each: fine structure
        where there are rows enough, coarse where there are few. Smaller values see finer
        structure and need more rows.
    standardize : bool, default=True
        Whether the Fourier map centres and scales columns first. Scales survive a tenth of a
        column being junk: they are the mean and deviation of entries clipped to 5 robust
        deviations from the median. Positive columns that span decades are read as logarithms. In
        tables, distances beyond 2 deviations grow as a cube root.
    categorical_features : "from_dtype", array-like of bool, int or str, or None, \
            default="from_dtype"
        Columns that hold categories: "from_dtype" takes those of strings, of a category type and
        of booleans in pandas, polars, Arrow and object arrays; a mask, column numbers or names
        say which; None takes none. Two different categories are as far apart as a typical pair
        of numbers, however rare either is, and one never seen is as far from all. With
        ``window`` or ``encoding="unit"`` booleans are 0 and 1, and strings are refused.
    contamination : "auto" or float in (0, 0.5], default="auto"
        Share of the training rows that are outliers. "auto": ``offset_`` aims at 1 % false
        alarms on normal rows to come.
        A float puts as near to that share of the training rows below ``offset_`` as equal
        scores allow. It also learns more coarsely (see ``learning_time``), and rows
        below the threshold leave the statistics once (not with ``solver="hebbian"``, nor in a
        stream of more than 2,048 rows). More than there are costs accuracy.
        With ``window`` a float is the share of time stamps of the training series. "auto" cuts
        the series into 5 to 20 blocks, scores each without itself, and takes the median of the
        blocks' 1 % quantiles less three times how far those above the median spread, so that few
        alarms are raised on later series, and anomalies of this one do not hide themselves. It
        needs a series of many windows.
    window : int >= 2, "auto" or None, default=None
        Rows are time stamps in their order, columns channels, and windows of so many
        stamps are what is learned, together with how rough they are: frozen sensors, spikes and
        bursts of noise stand out however wide the window. "auto" takes the shortest
        multiple of the series' period with 100 stamps or more, a tenth of the (shortest) series
        at most; ``verbose=1`` says which. Longer windows see slower patterns; shorter ones say
        more exactly when an event began and ended, which is known to about a tenth of a window,
        and keep events apart that follow each other within a window.
    relative_to : {"level", "scale", None}, default="level"
        What windows are seen relative to: "level" takes each channel's mean over the window away,
        so that a trend is normal, and a shift an event and not an alarm for ever; "scale" then
        divides by its deviation, for amplitudes that come and go. None takes windows as they are,
        for series in which the level itself says what is normal.
    level_weight : float >= 0, default=0
        Weight of the level that was taken away, and of the logarithm of the scale, as columns
        beside the window; 1 counts as much as all stamps together. With ``relative_to=None``
        nothing is taken away, and the weight is of nothing.
    forget : float in [0, 1), default=0
        In ``partial_fit``, share of weight that rows lose with every row that follows: an
        effective memory of 1 / forget rows, however they are cut into batches.
    solver : {"flow", "hebbian"}, default="flow"
        "flow" integrates the rule's gradient flow in closed form, one pass over the
        rows a layer. "hebbian" applies the rule itself to mini-batches, all layers
        together: slower by orders of magnitude, for rows that come one at a time and
        for studying the rule.
    learning_time : "auto", float > 0 or tuple of float, default="auto"
        A float is the time t at which the flow stops, for all layers or for each; t = (learning
        rate) x (number of batch-mean updates). A longer time learns finer directions.
        "auto" averages the last layer's flow over exponentially distributed learning times of
        mean 1 / mu, so that rare patterns activate less than common ones at every scale; mu is
        0.0003, or a tenth of a stated ``contamination`` if that is more. Layers below it stop
        where the cut-off is a tenth of the mean eigenvalue over the inputs in use (a fifth with
        ``encoding="unit"``). ``fit`` with ``solver="hebbian"``, which cannot average, stops all
        layers there, as a sample of 2,048 rows says; ``max_iter`` epochs may end before.
    init_activation : float in (0, 1), default=0.1
        Share of activation that an input has before any learning (epsilon in
        W W^T = epsilon I). The paper's N(0, 0.01^2) with 1064 units is about 0.1.
    learning_rate : float > 0, default=0.1
        Step of ``solver="hebbian"``; a tenth of it for the last tenth of the updates.
        In ``fit``, layers with less learning time than others take a share of it;
        ``partial_fit`` is one pass over its rows at this rate.
    max_iter : int, default=100
        Maximum number of epochs of ``solver="hebbian"``.
    batch_size : int, default=100
        Rows in a mini-batch of ``solver="hebbian"``; 1 learns row by row.
    warm_start : bool, default=False
        With ``solver="hebbian"``, ``fit`` goes on from the weights there are, whichever
        solver found them. With ``solver="flow"`` it keeps the learning times found
        before instead of choosing them again.
    n_jobs : int, default=None
        Threads that work on blocks of rows, on top of those of NumPy's BLAS: worth
        it where that runs on one. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Rotation of every layer, random start, order of mini-batches, and frequencies
        of the Fourier map.
    verbose : int, default=0
        1 prints a line a layer (flow) or an epoch (hebbian).

    Attributes
    ----------
    offset_ : float
        Threshold on the activation: ``decision_function = score_samples - offset_``.
    training_scores_ : ndarray of shape (n_samples,)
        Scores of the rows of the last ``fit`` or ``partial_fit``, each by what all other rows
        (or, with ``groups``, all other units) teach; rank the rows that were learned by them.
        Time stamps of a series are scored without their block of it. Networks of several layers
        are trained without a tenth of up to 2,048 rows at a time; of more rows, the last layer
        alone leaves a row out. With ``solver="hebbian"`` rows are scored as they are.
    is_categorical_ : ndarray of bool of shape (n_features,), or None
        Which columns hold categories; None if there are none.
    coefs_ : list of ndarray of shape (n_inputs, n_units)
        Weights of every layer, input units along the rows.
    n_layers_ : int
    learning_times_ : ndarray of shape (n_layers,)
        The time each layer has learned for, of the averaged flow the mean.
    n_iter_ : int
        Epochs of the stochastic solver, a part of one counts; 1 for the flow.
    activation_curve_ : ndarray of shape (n_points,)
        Mean output activation of the training rows as training advanced: at 20 equal
        steps of the last layer's learning time, or after every epoch (paper, Fig. 7b).
    window_ : int or None
        Stamps of a window.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        Only if the training columns had names.

    See Also
    --------
    CompetitiveHebbianTransformer : The layers' features.
    sklearn.ensemble.IsolationForest : Splits at random instead.

    Notes
    -----
    ``fit`` learns from 50,000 rows of a larger table, drawn at random, and scores them all;
    ``partial_fit`` learns from every row.

    Rows that were learned are recognised: ``score_samples``, ``predict`` and ``p_values`` score
    them without themselves, so that quantiles of the training rows' scores are thresholds for
    rows to come. After ``partial_fit`` that holds for a sample of 2,048 rows. Where more than a
    twentieth of the rows have copies nothing is recognised: use ``fit_predict`` and
    ``training_scores_`` there.

    NaN stands for missing. In tables with the Fourier encoding, gaps of training rows are
    filled from one of the 20 nearest rows, so that thresholds hold for complete rows, too,
    roughly; gaps of other rows from the five nearest training rows' mean, which makes them look
    more typical than they may be. With ``encoding="unit"`` a gap counts as 0. A row of which
    nothing is known has score 0. A column without known entries in training counts for nothing.

    In a series, straight lines cross gaps; a channel that lies in a gap of more than an eighth of
    a window looks frozen. Time stamps that are NaN throughout for longer have score 0. Windows
    with long gaps are not learned. If the index of a data frame holds times, the series is cut
    where stamps are missing. Stamps that no window covers have score NaN and are no outliers.

    A stamp is an outlier if nine tenths of the windows that cover it activate less than the
    threshold: a stamp that some windows activate on is normal, and the fault is elsewhere in the
    others. Above and below the
    threshold stamps rank by a smooth mean over the windows around them.

    A column of numbers that is constant in training, or but for one entry, is new by any change
    beyond a millionth of its value. Thresholds need 30 independent rows, or a warning says that
    they cannot be trusted. With ``encoding="unit"`` a row of zeros has activation 0.

    References
    ----------
    .. [1] H. Zhou, "Activation Learning by Local Competitions", arXiv:2209.13400.
    .. [2] A. Rudi, E. De Vito, A. Verri, F. Odone, "Regularized Kernel Algorithms for Support
       Estimation", Frontiers in Applied Mathematics and Statistics 3, 2017.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn_activation import ActivationAnomalyDetector
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> benign, malignant = X[y == 1], X[y == 0]
    >>> detector = ActivationAnomalyDetector(random_state=0).fit(benign)
    >>> bool((detector.p_values(malignant) <= 0.05).mean() > 0.7)
    True
    >>> visits = pd.DataFrame({"browser": ["firefox"] * 500 + ["lynx"], "pages": 3.0})
    >>> detector = ActivationAnomalyDetector(contamination=0.002, random_state=0)
    >>> detector.fit_predict(visits)[-2:].tolist()
    [1, -1]
    """

    _parameter_constraints = {
        **ActivationLearningBase._parameter_constraints,
        "encoding": [StrOptions(set(ENCODINGS))],
        **ActivationLearningBase._encoding_constraints,
        "contamination": [StrOptions({"auto"}), Interval(Real, 0, 0.5, closed="right")],
        "window": [StrOptions({"auto"}), Interval(Integral, 2, None, closed="left"), None],
        "relative_to": [StrOptions({"level", "scale"}), None],
        "level_weight": [Interval(Real, 0, None, closed="left")],
        "forget": [Interval(Real, 0, 1, closed="left")],
        "categorical_features": [StrOptions({"from_dtype"}), "array-like", None],
    }

    _allow_nan = True

    def __init__(
        self,
        layer_sizes=None,
        *,
        activation="std_abs",
        encoding="fourier",
        n_frequencies=192,
        bandwidth="auto",
        standardize=True,
        categorical_features="from_dtype",
        contamination="auto",
        window=None,
        relative_to="level",
        level_weight=0.0,
        forget=0.0,
        solver="flow",
        learning_time="auto",
        init_activation=0.1,
        learning_rate=0.1,
        max_iter=100,
        batch_size=100,
        warm_start=False,
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.layer_sizes = layer_sizes
        self.activation = activation
        self.encoding = encoding
        self.n_frequencies = n_frequencies
        self.bandwidth = bandwidth
        self.standardize = standardize
        self.categorical_features = categorical_features
        self.contamination = contamination
        self.window = window
        self.relative_to = relative_to
        self.level_weight = level_weight
        self.forget = forget
        self.solver = solver
        self.learning_time = learning_time
        self.init_activation = init_activation
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.warm_start = warm_start
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None, groups=None):
        """Learn what typical rows look like.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows, two at least; a few anomalies among them do no harm. Numbers, NaN for what is
            missing, and categories. With ``window``, time stamps in their order.
        y : ignored
            Accepted for pipelines.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight of 2 counts as two copies of the row; a window has the mean weight of
            its time stamps. Where weights are no multiples of each other, a row is left out
            with all its weight.
        groups : array-like of shape (n_samples,), default=None
            Which unit (patient, machine) each row belongs to: thresholds and p-values then hold
            for rows of units never seen, and need 30 units or more.
            With ``window``, which series each time stamp belongs to. The stamps of a series
            stand together, and no window crosses from one to the next.

        Returns
        -------
        self : object
            The fitted detector.
        """
        with self._fitting(X, sample_weight=sample_weight):
            return self._learn(X, sample_weight, groups, partial=False)

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None, sample_weight=None, groups=None):
        """Learn from more rows.

        The first batch fixes the columns' scales, and ``bandwidth="auto"``. Gaps are filled from
        the rows so far. The threshold follows from a sample of 2,048 of all rows, with ``forget``
        from the last 2,048. With ``window`` a batch continues the one before, unless ``groups``
        are given or the index of a data frame says otherwise; it is scored before it is learned,
        and the threshold follows from the last 50,000 stamps.

        With ``solver="flow"``, one layer, ``standardize=False`` and a given ``bandwidth`` (or
        ``encoding="unit"``) activations are those after one ``fit`` on all rows so far. A stated
        ``contamination`` leaves rows out only while there are no more than 2,048.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; with ``window`` a series, its time stamps in their order.
        y : ignored
            Accepted for pipelines.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row; 2 counts as two copies.
        groups : array-like of shape (n_samples,), default=None
            With ``window``, which series each time stamp belongs to. Without, only ``fit`` takes
            it.

        Returns
        -------
        self : object
            The fitted detector.
        """
        with all_or_nothing(self):
            return self._learn(X, sample_weight, groups, partial=True)

    def _validate(self, X, *, reset, **options):
        """Rows as an array of numbers, categories as codes."""
        declared = self.categorical_features
        if not ENCODINGS[self.encoding].takes_categories:
            if declared is not None and not isinstance(declared, str):
                raise ValueError("categorical_features needs encoding='fourier'.")
            declared = None
        in_series = self.window is not None
        found = validate_table(
            self, X, declared, reset=reset, booleans_are_numbers=in_series, **options
        )
        if self.is_categorical_ is not None and in_series:
            names = np.flatnonzero(self.is_categorical_).tolist()
            if hasattr(X, "columns"):
                names = [str(X.columns[j]) for j in names]
            raise ValueError(
                f"Columns {names} hold categories, which windows of a series cannot: leave them "
                "out, or encode them as numbers."
            )
        return found

    def _learn(self, X, sample_weight, groups, *, partial):
        """Validate rows or stamps, train, and adopt the model."""
        previous = self._model()
        going_on = partial and previous is not None
        least = 1 if partial or self.window is not None else 2
        time = read_times(X) if self.window is not None else None
        X = self._validate(X, reset=not going_on, ensure_min_samples=least)
        refuse_nothing_known(X)
        weight = check_weight(X, sample_weight)
        if previous is not None and (self.window is None) != (self.window_ is None):
            if partial:
                refuse_width(repr(self.window), self.window_)
            previous = None  # a fit cannot go on from rows of another kind
        training = self._training(previous, partial, self.window)
        self._adopt(training.learn(X, time, weight, groups))
        return self

    def _training(self, previous, partial, window=None):
        if previous is not None and partial:
            window = self.window_
        kind = TableTraining if window is None else SeriesTraining
        return kind(self, previous, partial)

    def _attributes_of(self, model):
        series, tail = model.series, model.tail
        return {
            **super()._attributes_of(model),
            "offset_": model.offset,
            "training_scores_": model.training_scores,
            "window_": model.width,
            "_calibration": vars(model.calibration),
            "_chosen_threshold": model.chosen,
            "_learned": vars(model.memory),
            "_rate": model.rate,
            "_by_units": model.by_units,
            "_stated": model.contamination,
            "_series": None if series is None else vars(series),
            "_tail": None if tail is None else vars(tail),
        }

    def _model(self):
        model = super()._model()
        if model is None:
            return None
        shared = {
            "calibration": Calibration(**self._calibration),
            "chosen": self._chosen_threshold,
            "training_scores": self.training_scores_,
            "memory": Memory(**self._learned) if self._learned else Memory.empty(),
            "rate": self._rate,
            "n_features": self.n_features_in_,
            "is_categorical": self.is_categorical_,
        }
        if self.window_ is None:
            units, stated = self._by_units, getattr(self, "_stated", self.contamination)
            return model.extend(TableModel, by_units=units, contamination=stated, **shared)
        tail = getattr(self, "_tail", None)
        return model.extend(
            SeriesModel,
            width=self.window_,
            series=SeriesCalibration(**self._series),
            tail=tail and Tail(**tail),
            **shared,
        )

    def _encoding(self):
        if self.window_ is not None and self._encoding_name in WINDOW_ENCODINGS:
            return WINDOW_ENCODINGS[self._encoding_name](**self._encoding_state)
        return super()._encoding()

    def _check_mergeable(self, other):
        ours, theirs = self.window_, getattr(other, "window_", self.window_)
        if ours != theirs:
            raise ValueError(f"Cannot merge: the windows are of {ours} and {theirs} time stamps.")
        if any(getattr(detector, "_by_units", False) for detector in (self, other)):
            raise ValueError("Cannot merge: a detector was fitted with groups.")
        super()._check_mergeable(other)

    def score_samples(self, X, groups=None):
        """Output activation of each row: higher is more normal.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            With ``window``, a series of at least that many time stamps.
        groups : array-like of shape (n_samples,), default=None
            With ``window``, which series each time stamp belongs to. Without, ignored.

        Returns
        -------
        activation : ndarray of float64 of shape (n_samples,)
            ||y||^2, in [0, 1]; of training rows, by what all other rows teach. Rows that are NaN
            throughout have 0, with a warning. Time stamps rank by a mean of the activations of
            the windows around them, mapped to either side of the threshold (see Notes).
        """
        check_is_fitted(self)
        model = self._model()
        return model.judge(model.read(self._fitted_rows(X), model.times_of(X), groups))

    def decision_function(self, X, groups=None):
        """``score_samples(X) - offset_``: negative for outliers.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; with ``window`` a series, its time stamps in their order.
        groups : array-like of shape (n_samples,), default=None
            With ``window``, which series each time stamp belongs to. Without, ignored.

        Returns
        -------
        decision : ndarray of float64 of shape (n_samples,)
            0 at the threshold.
        """
        return self.score_samples(X, groups) - self.offset_

    def predict(self, X, groups=None):
        """Whether each row is normal.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; with ``window`` a series, its time stamps in their order.
        groups : array-like of shape (n_samples,), default=None
            With ``window``, which series each time stamp belongs to. Without, ignored.

        Returns
        -------
        labels : ndarray of int of shape (n_samples,)
            +1 for inliers, -1 for outliers.
        """
        return np.where(self.decision_function(X, groups) < 0, -1, 1)

    def fit_predict(self, X, y=None, *, sample_weight=None, groups=None):
        """``fit``, and ``predict`` the same rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; with ``window`` a series, its time stamps in their order.
        y : ignored
            Accepted for pipelines.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row; 2 counts as two copies.
        groups : array-like of shape (n_samples,), default=None
            Which unit each row, or with ``window`` which series each time stamp, belongs to.

        Returns
        -------
        labels : ndarray of int of shape (n_samples,)
            +1 for inliers, -1 for outliers.
        """
        self.fit(X, sample_weight=sample_weight, groups=groups)
        return np.where(self.training_scores_ < self.offset_, -1, 1)

    def p_values(self, X, groups=None):
        """Share of normal rows that are expected to activate no more than each row.

        Conformal: p = (1 + #{training scores <= score}) / (1 + #training scores), with
        ``training_scores_`` (after ``partial_fit`` those of a sample of 2,048 rows, of a series
        those of the last 50,000 stamps). Below the lowest of them, 1 / (1 + #) goes on
        as a generalised Pareto tail. If all rows are exchangeable, ``p_values <= 0.05``
        raises about 5 % false alarms; with ``solver="hebbian"`` training rows are scored as they
        are and p is too small. Rows that a stated ``contamination`` puts below the threshold do
        not count, and with ``groups`` a unit counts as one row. Time stamps of a series are not
        exchangeable: with few windows that do not overlap, shares vary much around 5 %, and no
        p-value is less than 1 / (1 + #).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; with ``window`` a series, its time stamps in their order.
        groups : array-like of shape (n_samples,), default=None
            With ``window``, which series each time stamp belongs to. Without, ignored.

        Returns
        -------
        p : ndarray of float64 of shape (n_samples,)
            In (0, 1].
        """
        scores = self.score_samples(X, groups)
        return Calibration(**self._calibration).p_values(scores)

    def events(self, X, groups=None, *, max_gap=None):
        """When a series was anomalous, how much, and which channels are to blame.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            A series, its time stamps in their order.
        groups : array-like of shape (n_samples,), default=None
            Which series each time stamp belongs to; no event crosses from one to the next.
        max_gap : int, default=None
            Alarms with no more stamps between them are one event; None takes an eighth of the
            window.

        Returns
        -------
        events : structured ndarray, or pandas DataFrame if ``X`` is one
            A row an event, with "start", "end" (its last stamp) and "peak" (the stamp of the
            lowest score), "score" and "p" at the peak, and "channels", those that have cost
            activation at the peak, the worst first. Stamps are row numbers, in a data frame
            labels of its index, and channels those of its columns. With ``groups`` a column
            "group" says which series an event belongs to.
        """
        return label_events(find_events(self, X, groups, max_gap), X, groups)

    def monitor(self, X=None):
        """Judge the newest stamps of a live log, without looking at its past again.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features), default=None
            The latest stamps of the log, to begin with: two windows or more, or the first stamps
            cannot be judged.

        Returns
        -------
        monitor : SeriesMonitor
            ``monitor.update(new_stamps)`` returns their scores, p-values and alarms.
        """
        require_window(self, "monitor")
        monitor = SeriesMonitor(self)
        if X is not None:
            X = X[-2 * self.window_ :]
            monitor.update(X)
        return monitor

    def set_threshold(self, score=None, *, p=None):
        """Choose the threshold of ``predict``, by an activation or by a rate of false alarms.

        It stays with the model, through ``partial_fit`` and ``merge``, until the next ``fit``.

        Parameters
        ----------
        score : float, default=None
            Rows that activate less are outliers: the new ``offset_``.
        p : float in (0, 1), default=None
            Rows whose p-value is ``p`` or less are outliers, of a series the share ``p`` of its
            stamps. ``offset_`` follows from what is learned later.

        Returns
        -------
        self : object
            This detector. Without either argument it has its automatic threshold again.
        """
        check_is_fitted(self)
        if score is not None and p is not None:
            raise ValueError("Give score or p, not both.")
        chosen = {"score": score, "p": p}
        chosen = {name: float(value) for name, value in chosen.items() if value is not None}
        if "p" in chosen and not 0 < chosen["p"] < 1:
            raise ValueError(f"p={p!r} must be between 0 and 1.")
        if not np.isfinite(chosen.get("score", 0.0)):
            raise ValueError(f"score={score!r} must be finite.")
        model = self._model()
        if "score" in chosen and chosen["score"] < model.lowest_training_score:
            warn(
                f"score={score!r} is less than that of every training row: hardly any row will be "
                "an outlier. A rate of false alarms is p."
            )
        self._adopt(model.with_threshold(chosen, self.contamination))
        return self

    def compact(self):
        """Drop what only ``partial_fit`` and ``merge`` need: the statistics of the rows.

        Scores, p-values, explanations and samples stay as they are. The detector learns no more
        until the next ``fit``, but for ``solver="hebbian"``, which goes on from weights alone.

        Returns
        -------
        self : object
            This detector, which takes less memory.
        """
        check_is_fitted(self)
        self._state = {}
        vars(self).pop("_tail", None)
        return self

    def explain(self, X, groups=None):
        """Contribution of every feature to the activation that a row has lost.

        Each row is compared with the five nearest of the most typical rows (up to 512, the
        better half) of a training sample (distances in standardised columns, none counting
        as more than 2). A training row is scored by the network without it (with one layer as
        wide as its inputs, and if it has no gaps; with ``groups``, without that row alone).
        The row's entries are replaced by those of a reference, one column after the other,
        in a random order and its reverse; a column's contribution is the mean rise of
        activation when its turn comes (Shapley values by sampling; Strumbelj & Kononenko
        2014). A row of the result therefore adds up to the mean activation of the
        references less the row's own. Missing entries contribute nothing.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; with ``window`` a series, its time stamps in their order.
        groups : array-like of shape (n_samples,), default=None
            With ``window``, which series each time stamp belongs to. Without, ignored.

        Returns
        -------
        contributions : ndarray of float64 of shape (n_samples, n_features)
            In units of activation; negative for columns that are more typical than the
            references'. With ``window``, a column is a channel, and a time stamp gets the
            mean over the windows that cover it.
        """
        check_is_fitted(self)
        model = self._model()
        return model.explain(model.read(self._fitted_rows(X), model.times_of(X), groups))

    def sample(self, n_samples=1, *, given=None, n_steps=300, random_state=None):
        """New rows from p(x) proportional to exp(a ||y(x)||^2) (paper, eq. 8).

        A Metropolis-adjusted Langevin walk for each row, within twice the range of the kept
        training rows, and started from one of them, or from a linear regression on them.
        ``a`` is fitted to what training rows lose. Needs ``encoding="fourier"``: unit rows know
        nothing of a row's length.

        Parameters
        ----------
        n_samples : int >= 1, default=1
            How many to draw; a decile wants 100 or more.
        given : array-like of shape (n_features,) or data frame of one row, default=None
            A row of which only the NaN are drawn, given the other entries. Columns that are
            constant in training stay so.
        n_steps : int >= 3, default=300
            Length of the walk; two thirds of it settle the step size.
        random_state : int, RandomState instance or None, default=None
            An int makes the draws repeatable.

        Returns
        -------
        X : ndarray of float64 of shape (n_samples, n_features)
            With ``verbose=1`` the share of accepted steps is printed, ideally about 0.57; a
            ConvergenceWarning says if it is below 0.2.
        """
        check_is_fitted(self)
        if self.window_ is not None:
            raise ValueError("A detector with window samples futures: sample_future.")
        row = np.full((1, self.n_features_in_), np.nan)
        if given is not None:
            if hasattr(given, "to_frame"):  # a Series, with names to check
                given = given.to_frame().T
            elif not hasattr(given, "columns"):
                given = np.reshape(np.asarray(given, dtype=np.float64), (1, -1))
            row = self._fitted_rows(given)
            if len(row) != 1:
                raise ValueError(f"given has {len(row)} rows; it must be one.")
            if not np.isnan(row).any():
                raise ValueError("given has no NaN: there is nothing to sample.")
        return draw_rows(self._model(), row[0], n_samples, n_steps, random_state, self.verbose)

    def sample_future(self, X, horizon, n_samples=100, *, n_steps=300, random_state=None):
        """Sample continuations of a series, its last stamps given (paper, VI.A).

        Parameters
        ----------
        X : array-like of shape (n_stamps, n_features)
            The latest stamps, ``window_ - horizon`` or more.
        horizon : int >= 1
            Stamps to sample, fewer than ``window_``.
        n_samples : int >= 1, default=100
            How many to draw; a decile wants 100 or more.
        n_steps : int >= 3, default=300
            Length of the walk, as in ``sample``.
        random_state : int, RandomState instance or None, default=None
            An int makes the draws repeatable.

        Returns
        -------
        futures : ndarray of float64 of shape (n_samples, horizon, n_features)
            Quantiles over the first axis are a forecast.
        """
        require_window(self, "sample_future")
        X = self._fitted_rows(X)
        check_count("horizon", horizon, 1)
        n_known = self.window_ - horizon
        if n_known < 1:
            raise ValueError(f"horizon={horizon} must be less than the window, {self.window_}.")
        if len(X) < n_known:
            raise ValueError(
                f"X has {len(X)} time stamps; with window={self.window_} and horizon={horizon} "
                f"it needs {n_known}."
            )
        unknown = np.full((horizon, X.shape[1]), np.nan)
        known = fill_with_means(self._model(), X[-n_known:])
        row = np.concatenate([known, unknown]).ravel()
        futures = draw_rows(self._model(), row, n_samples, n_steps, random_state, self.verbose)
        return futures.reshape(n_samples, self.window_, -1)[:, n_known:]
