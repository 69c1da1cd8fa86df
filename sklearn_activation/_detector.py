"""Anomaly detection: what activates less is less typical."""

import warnings
from numbers import Integral, Real

import numpy as np
from sklearn.base import OutlierMixin, _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from ._base import ActivationLearningBase, all_or_nothing, check_count, new_seed, refuse_nan
from ._detection.contamination import calibrate
from ._detection.leave_out import copy_weight
from ._detection.threshold import Calibration
from ._inference.langevin import sampled
from ._inference.objective import LostActivation
from ._learning.moments import scaled_states
from ._network import row_energies
from ._progress import with_callbacks
from ._rows.columns import read_table
from ._rows.encoded import SAMPLE_SIZE
from ._rows.encodings import ENCODINGS
from ._rows.fourier import FourierEncoding
from ._rows.gaps import N_DONORS, completed
from ._rows.sample import Sample, drawn_evenly, row_hashes
from ._rows.scales import PAIR, column_scales
from ._rows.unit import UnitEncoding
from ._series.calibration import SeriesCalibration, calibrate_series, calibration_of
from ._series.cutting import (
    GAP_SHARE,
    check_lengths,
    checked_groups,
    cut_at_gaps,
    series_bounds,
    time_of,
    times_before,
    without_gaps,
)
from ._series.encoding import WindowEncoding
from ._series.events import SeriesMonitor, events_table, labelled
from ._series.stamps import stamp_scores
from ._series.width import automatic_width
from ._series.windows import Windows

BANDWIDTHS = (0.5, 1.0, 2.0, 4.0)  # in one Fourier map, over the automatic one
RATE = 3e-4  # mu: reciprocal of the mean learning time, for rows of norm 1
COARSENESS = 0.1  # of contamination: least rate
CUT_OFFS = {"fourier": 0.1, "unit": 0.2}  # of hidden layers' mean eigenvalue: kaiser_time
N_LEARNED = 50_000  # rows of a table that ``fit`` learns from; all others are scored
LONE_SHARE = 0.95  # of rows without copies, in tables whose rows are recognised
FEWEST = 30  # independent rows that a threshold at 1 % false alarms can be had from
N_REFERENCES = 5  # typical rows that an explained row is compared with
N_CANDIDATES = 512
LEAST_ACCEPTANCE = 0.2  # of sampling steps
FAR = 2.0  # deviations beyond which a column is simply far from a reference
WINDOW_ENTRIES = 1 << 17  # of the windows that a model keeps, at most
FEWEST_WINDOWS = 32  # that a model keeps, however wide


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
        **ActivationLearningBase._fourier_constraints,
        "contamination": [StrOptions({"auto"}), Interval(Real, 0, 0.5, closed="right")],
        "window": [StrOptions({"auto"}), Interval(Integral, 2, None, closed="left"), None],
        "relative_to": [StrOptions({"level", "scale"}), None],
        "level_weight": [Interval(Real, 0, None, closed="left")],
        "forget": [Interval(Real, 0, 1, closed="left")],
        "categorical_features": [StrOptions({"from_dtype"}), "array-like", None],
    }

    _max_width = 1024
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

    def _validated(self, X, *, reset, **options):
        """Rows as an array of numbers, categories as codes."""
        known = None
        if not reset:
            if hasattr(X, "columns") or self.is_categorical_ is not None:  # other columns first
                validate_data(self, X, reset=False, skip_check_array=True)
            none = np.zeros(self.n_features_in_, dtype=bool)
            known = none if self.is_categorical_ is None else self.is_categorical_
        declared = self.categorical_features
        if self.encoding != "fourier":
            if declared is not None and not isinstance(declared, str):
                raise ValueError("categorical_features needs encoding='fourier'.")
            declared = None
        table, is_categorical = read_table(
            X,
            declared,
            known,
            booleans_are_numbers=self.window is not None,
        )
        if is_categorical is not None and self.window is not None:
            names = np.flatnonzero(is_categorical).tolist()
            if hasattr(X, "columns"):
                names = [str(X.columns[j]) for j in names]
            raise ValueError(
                f"Columns {names} hold categories, which windows of a series cannot: leave them "
                "out, or encode them as numbers."
            )
        if table is X:
            found = super()._validated(table, reset=reset, **options)
        else:
            validate_data(self, X, reset=reset, skip_check_array=True)
            found = check_array(
                table, dtype=np.float64, order="C", ensure_all_finite="allow-nan", **options
            )
        if reset:
            self.is_categorical_ = is_categorical
        return found

    def _learn(self, X, sample_weight, groups, *, partial):
        """Cut windows if there are any, or complete rows with gaps; forget, and train."""
        going_on = partial and self.__sklearn_is_fitted__()
        least = 1 if partial or self.window is not None else 2
        time = time_of(X) if self.window is not None else None
        X = self._validated(X, reset=not going_on, ensure_min_samples=least)
        refuse_nan(X)
        weight = self._checked_weight(X, sample_weight)
        if going_on and (self.window is None) != (self.window_ is None):
            self._refuse_width(repr(self.window))
        if self.window is not None:
            return self._learn_series(X, time, weight, groups, partial, going_on)
        self.window_ = None
        for name in ("_series", "_tail"):
            vars(self).pop(name, None)
        return self._learn_rows(X, weight, groups, partial, going_on)

    def _refuse_width(self, width):
        raise ValueError(
            f"window={width} differs from the {self.window_} that partial_fit is to go on "
            "from: call fit."
        )

    def _learn_series(self, X, time, weight, groups, partial, going_on):
        """Cut windows, those across the border of the batch before among them, and train."""
        bounds = series_bounds(groups, len(X))
        if self.window != "auto":
            width = int(self.window)
        elif going_on:
            width = self.window_
        else:
            width, reason = automatic_width(X, bounds)
            if self.verbose:
                print(reason)
        if going_on and width != self.window_:
            self._refuse_width(width)
        self.window_ = width
        tail = self._tail if going_on and groups is None and self._continues(time) else None
        n_tail = 0 if tail is None else len(tail["X"])
        if tail is None:
            self._tail = {"activation": np.empty(0)}
        if n_tail:
            X = np.concatenate([tail["X"].astype(X.dtype), X])
            weight = np.concatenate([tail["weight"], weight])
            if time is not None:
                time = np.concatenate([times_before(time, n_tail, tail["time"]), time])
            bounds = [(0, len(X))]
        if time is not None:
            bounds = cut_at_gaps(bounds, time, self._longest_gap, n_tail)
        if going_on and max(end - first for first, end in bounds) < width:
            self.training_scores_ = np.full(len(X) - n_tail, np.nan)
            self._keep_tail(X, weight, time, bounds)
            return self
        check_lengths(bounds[:-1] if partial and len(bounds) > 1 else bounds, width, n_tail)
        windows, dead, long = self._cut(X, bounds)
        of_windows = windows.mean_of_stamps(weight)
        whole = windows.mean_of_stamps(long | dead) == 0
        n_old = len(self._tail["activation"])
        counts = np.flatnonzero((of_windows > 0) & (whole | ~whole.any()))
        counts = counts[counts >= n_old]
        if not len(counts) and not going_on:
            raise ValueError("sample_weight: every window has weight zero.")
        if len(counts):
            of_windows = self._forgetting(of_windows[counts], partial, going_on)
            few = windows[counts].evenly(N_LEARNED)
            if len(few) < len(counts) and not partial and self.solver == "flow":
                of_windows = of_windows[few] * of_windows.sum() / of_windows[few].sum()
                counts = counts[few]
            self._train(windows[counts], None, of_windows, partial=partial)
            activation = vars(self).pop("_of_windows")
        else:  # nothing is learned of stamps without weight
            activation = self._activation_of(windows)
            self.training_scores_ = self._stamp_scores(windows, dead)
        self._keep_tail(X, weight, time, bounds, activation)
        if len(windows) <= N_LEARNED and not partial:
            self._remember(windows, np.ones(len(windows)), activation)
        self.training_scores_[dead] = 0.0
        self.training_scores_ = self.training_scores_[n_tail:]
        return self

    def _keep_tail(self, X, weight, time, bounds, activation=None):
        """Keep the last stamps of a series, with which windows of the next batch begin.

        And what the windows among them activate, to judge stamps by all windows that cover them.
        """
        first = max(len(X) - 2 * (self.window_ - 1), bounds[-1][0])
        n = max(len(X) - first - self.window_ + 1, 0)
        self._tail = {
            "X": X[first:],
            "weight": weight[first:],
            "time": None if time is None else time[first:],
            "activation": np.empty(0) if activation is None else activation[len(activation) - n :],
        }

    def _activation_of(self, windows):
        """Activation of all windows of a series, of those of the batch before as it was then."""
        known = self._tail["activation"]
        return np.concatenate([known, self._score(windows[len(known) :])])

    def _continues(self, time):
        """Whether a batch of a stream begins where the one before has ended."""
        before = self._tail["time"]
        if time is None or before is None or len(before) < 2:
            return True
        step = np.median(np.diff(before))
        return 0 < time[0] - before[-1] <= (self._longest_gap + 1.5) * step

    @property
    def _longest_gap(self):
        """Stamps that may be missing and are filled in."""
        return max(2, int(GAP_SHARE * self.window_))

    def _cut(self, X, bounds):
        """All windows of validated stamps, which stamps are dead, and which lie in long gaps."""
        X, long, dead = without_gaps(X, bounds, self._longest_gap)
        return Windows(X, bounds, self.window_), dead, long

    def _learn_rows(self, X, weight, groups, partial, going_on):
        if going_on and self._by_units:
            raise ValueError(
                "The detector was fitted with groups, and partial_fit does not keep what unit "
                "rows are of: call fit with all rows."
            )
        counts = (weight > 0) & ~np.isnan(X).all(axis=1)
        if not counts.any():
            raise ValueError("sample_weight: every row that counts is NaN throughout.")
        units = None
        if groups is not None:
            if partial:
                raise ValueError(
                    "groups of rows need fit: partial_fit does not keep what unit rows are of."
                )
            units = units_of(groups, len(X))[counts]
            if units.min() == units.max():
                raise ValueError("groups has one unit only: there is nothing to compare it with.")
            units = np.unique(units, return_inverse=True)[1]
        known, weight = X[counts], self._forgetting(weight[counts], partial, going_on)
        share = 1.0
        too_many = len(known) > N_LEARNED and self.solver == "flow" and np.ptp(weight) == 0
        if too_many and not partial and units is None:
            learned = drawn_evenly(known, N_LEARNED)
            share = weight[learned].sum() / weight.sum()
            counts = np.flatnonzero(counts)[learned]
            known, weight = known[learned], weight[learned]
        rows = self._completed_for_training(known, weight, going_on)
        self._train(rows, None, weight, partial=partial, units=units)
        if not partial:  # the rows as they came, so that they are recognised
            self._remember(known, weight / share, self.training_scores_)
        if share < 1:  # these rows stand for all
            self._weigh_past(1 / share)
        self._by_units = units is not None
        scores, others = np.empty(len(X)), np.ones(len(X), dtype=bool)
        others[counts] = False
        scores[counts] = self.training_scores_
        if others.any():
            scores[others] = self._judged(X[others])
        self.training_scores_ = scores
        n = self._calibration["mass"].sum()
        if not partial and self.contamination == "auto" and n < FEWEST:
            what = "rows" if units is None else "units"
            warnings.warn(
                f"{n:.0f} independent {what} are too few for a threshold at 1 % false alarms: "
                f"expect more, or give {FEWEST} or more.",
                UserWarning,
                stacklevel=4,
            )
        return self

    def _weigh_past(self, factor):
        """Multiply the weights of all rows that were learned."""
        self._state = scaled_states(self._state, factor)
        self._sample = {**self._sample, "weight": self._sample["weight"] * factor}
        self._n_seen *= factor

    def _completed_for_training(self, X, weight, going_on):
        """Rows without gaps, but for columns of which nothing is known."""
        if self.encoding != "fourier" or not np.isnan(X).any():
            return X
        if going_on:
            return completed(X, self._sample["X"][:N_DONORS], self._encoding(), drawn=True)
        encoding, donors = self._fitted_encoding(None, 0, X, weight), X[drawn_evenly(X, N_DONORS)]
        return completed(X, donors, encoding, drawn=True)

    def _remember(self, X, weight, scores, merged=False):
        """Keep the scores of rows that were learned, and hashes to recognise the rows by.

        Not of tables in which rows have copies: there a new row is as likely to equal an old one
        as the old ones are to equal each other, and is no row that was learned.
        """
        copy = copy_weight(weight, merged)
        hashes = self._hashes(X)
        order = np.lexsort((scores, hashes))
        hashes, first = np.unique(hashes[order], return_index=True)
        first = order[first]
        if len(first) < LONE_SHARE * (weight / copy).sum():
            self._learned = {}
            return
        self._learned = {"hashes": hashes, "scores": scores[first], "weight": copy[first]}

    def _recognised(self, X):
        """Which of the rows ``X`` were learned, and where they stand in what is remembered."""
        if not self._learned:
            return np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp)
        hashes = self._hashes(X)
        at = np.searchsorted(self._learned["hashes"], hashes)
        at[at == len(self._learned["hashes"])] = 0
        rows = np.flatnonzero(self._learned["hashes"][at] == hashes)
        return rows, at[rows]

    def _hashes(self, X):
        if isinstance(X, Windows):
            return X.hashes(self._encoding())
        return row_hashes(self._encoding().rounded(X), np.zeros(len(X)))

    def _drawn(self, X, labels, weight, size, going_on, partial):
        if self.window_ is not None:
            size = int(np.clip(WINDOW_ENTRIES // X.shape[1], FEWEST_WINDOWS, SAMPLE_SIZE))
        if isinstance(X, Windows):
            index = X.evenly(size)
            weight = weight[index] * len(X) / len(index)
            X = np.asarray(X[index])
        if not (partial and self.forget):
            return super()._drawn(X, labels, weight, size, going_on, partial)
        sample = Sample.of(X[-size:], None, weight[-size:], size)
        if going_on:
            sample = sample.joined(Sample(**self._sample), 2 * size)
        return sample.heaviest(size)

    def _fitted_twin(self, solution, task, encoding, sample):
        twin = super()._fitted_twin(solution, task, encoding, sample)
        twin["_learned"] = {}  # nothing is recognised before the end
        if self.window_ is not None:
            twin["_series"] = vars(SeriesCalibration.of_nothing())
        return twin

    def _progress(self, X, labels, weight):
        return super()._progress(X.X if isinstance(X, Windows) else X, labels, weight)

    def merge(self, other):
        if getattr(self, "window_", None) is None:
            for detector in (self, other):
                if getattr(detector, "_by_units", False):
                    raise ValueError("Cannot merge: a detector was fitted with groups.")
            scores = getattr(self, "training_scores_", None)
            super().merge(other)
            self.training_scores_ = scores
            return self
        with all_or_nothing(self):
            ours = getattr(self, "_series", None)
            theirs = getattr(other, "window_", self.window_)
            if theirs != self.window_:
                raise ValueError(
                    f"Cannot merge: the windows are of {self.window_} and {theirs} time stamps."
                )
            super().merge(other)
            series = SeriesCalibration(**other._series).after(SeriesCalibration(**ours))
            series.typical, series.deviation = ours["typical"], ours["deviation"]
            self._adopt_series(series)
            return self

    merge.__doc__ = ActivationLearningBase.merge.__doc__

    def _forgetting(self, weight, partial, going_on):
        """Weights of new rows, the last of them as given; all rows before lose theirs."""
        if not (partial and self.forget):
            return weight
        if self.solver != "flow":
            raise ValueError("forget needs solver='flow': the rule itself forgets by its rate.")
        keep, n = 1 - float(self.forget), len(weight)
        if going_on:
            self._weigh_past(max(keep**n, 1e-200))
        return weight * np.maximum(keep ** np.arange(n - 1, -1, -1.0), 1e-200)

    def _fitted_encoding(self, sample, seed, X, weight):
        if self.encoding == "unit":
            return UnitEncoding(X.shape[1])
        options = {
            "bandwidth": self.bandwidth,
            "n_frequencies": self.n_frequencies,
            "standardize": self.standardize,
            "factors": BANDWIDTHS,
            "seed": seed,
        }
        if isinstance(X, Windows):
            index = X.evenly(
                max(FEWEST_WINDOWS, min(SAMPLE_SIZE, 16 * WINDOW_ENTRIES // X.shape[1]))
            )
            relative = {"relative_to": self.relative_to, "level_weight": self.level_weight}
            return WindowEncoding.fitted_to(X, weight, index, **options, **relative)
        return FourierEncoding.robustly_fitted_to(
            X, weight, bent=True, categorical=self.is_categorical_, **options
        )

    def _encoding(self):
        if self.window_ is not None and self._encoding_name == "fourier":
            return WindowEncoding(**self._encoding_state)
        return super()._encoding()

    def _plan(self, task, rows, sample):
        """The last layer's flow is averaged over learning times, unless one is given."""
        super()._plan(task, rows, sample)
        task.averaged = self.solver == "flow" and self.learning_time == "auto"
        self._rate = None
        if task.averaged:
            hidden, last = task.choose_time, len(task.sizes) - 1
            share = 0.0 if self.contamination == "auto" else self.contamination
            rate = max(RATE, COARSENESS * share)
            self._rate = rate
            task.choose_time = lambda layer, moments, network: (
                1 / rate if layer == last else hidden(layer, moments, network)
            )

    def _solve(self, rows, task):
        series = isinstance(rows.X, Windows)
        known, n_old = None, 0
        if series and task.previous is not None and task.partial:
            n_old = len(self._tail["activation"])
            known = self._activation_of(rows.X.all())  # before they are learned
        solution = super()._solve(rows, task)
        if self.window_ is not None and not series:  # of a merge, which combines what both have
            return solution
        if not (task.partial and hasattr(self, "_chosen_threshold")):
            self._chosen_threshold = {}
        of_sample = None
        if series:
            before = SeriesCalibration(**self._series) if known is not None else None
            contamination = self._chosen_threshold.get("p", self.contamination)
            found, scores, self._of_windows = calibrate_series(
                solution, rows, task, contamination, before, known, n_old
            )
            self._adopt_series(found)
        else:
            calibration, scores, of_sample = calibrate(
                solution, rows, task, self.contamination, task.units
            )
            self._adopt(calibration)
        self.training_scores_ = scores
        self._of_sample = of_sample
        return solution

    def _keep(self, solution, task, encoding, sample):
        super()._keep(solution, task, encoding, sample)
        self._learned, of_sample = {}, vars(self).pop("_of_sample", None)
        self._by_units = False
        if of_sample is not None:
            self._remember(sample.X, sample.weight, of_sample, merged=True)

    def _adopt_series(self, series):
        """Keep a calibration of a series, and its gate, or the one of a chosen rate."""
        series.find_gate(self.window_, self._chosen_threshold.get("p", self.contamination))
        self._series = vars(series)
        self._adopt(calibration_of(series))

    def _adopt(self, calibration):
        """Keep a calibration, and the threshold that follows or was set."""
        self._calibration = vars(calibration)
        self.offset_ = calibration.threshold
        if "p" in self._chosen_threshold and self.window_ is None:
            self.offset_ = calibration.score_at(self._chosen_threshold["p"])
        elif "score" in self._chosen_threshold:
            self.offset_ = self._chosen_threshold["score"]

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
        if self.window_ is not None:
            windows, dead, _ = self._series_of(X, groups)
            return self._stamp_scores(windows, dead)
        rows = self._rows(X, groups)
        scores = self._score(rows)
        unknown = np.count_nonzero(np.isnan(rows).all(axis=1))
        if unknown:
            warnings.warn(
                f"{unknown} of {len(rows)} rows are NaN throughout: nothing is known of them, "
                "and their score is 0.",
                UserWarning,
                stacklevel=2,
            )
        return self._with_recognised(rows, scores)

    def _judged(self, X):
        """Scores of rows, of those that are recognised by what all others teach."""
        return self._with_recognised(X, self._score(X))

    def _with_recognised(self, X, scores):
        rows, at = self._recognised(X)
        if len(rows):
            scores[rows] = self._learned["scores"][at]
        return scores

    def _rows(self, X, groups):
        """Validated rows, or the windows of a series."""
        check_is_fitted(self)
        return self._fitted_rows(X) if self.window_ is None else self._series_of(X, groups)[0]

    def _series_of(self, X, groups):
        """All windows of a series, which stamps are dead, and which lie in long gaps."""
        time = time_of(X)
        X = self._fitted_rows(X)
        bounds = series_bounds(groups, len(X))
        if time is not None:
            bounds = cut_at_gaps(bounds, time, self._longest_gap)
        check_lengths(bounds, self.window_)
        return self._cut(X, bounds)

    def _stamp_scores(self, windows, dead):
        if dead.any():
            warnings.warn(
                f"{np.count_nonzero(dead)} of {len(dead)} time stamps are NaN throughout, for "
                f"more than {self._longest_gap} in a row: nothing is known of them, and their "
                "score is 0.",
                UserWarning,
                stacklevel=3,
            )
        series = SeriesCalibration(**self._series)
        return stamp_scores(windows, self._score(windows), series, self._encoding(), dead)

    def _score(self, X):
        """Activation of rows or windows; 0 of rows of which nothing is known."""
        scores = self._energies(X).astype(np.float64)
        if self.window_ is None:
            scores[np.isnan(X).all(axis=1)] = 0.0
        elif isinstance(X, Windows):
            scores = self._with_recognised(X, scores)
        return scores

    def _widest(self):
        widest = 4 * super()._widest()  # blocks that fit a core's cache
        return widest if self.window_ is None else max(widest, self._sample["X"].shape[1])

    def _encoded(self, X):
        return super()._encoded(self._completed(X))

    def _completed(self, X):
        """Rows with what is likely in the place of NaN."""
        if self.window_ is not None or self._encoding_name != "fourier" or not np.isnan(X).any():
            return X
        donors = self._sample["X"][:N_DONORS].astype(X.dtype, copy=False)
        return completed(X, donors, self._encoding(), drawn=False)

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
        return Calibration(**self._calibration).p_values(self.score_samples(X, groups))

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
        return labelled(self._events(X, groups, max_gap), X, groups)

    def _events(self, X, groups=None, max_gap=None):
        """Events by the numbers of rows, as a structured array."""
        self._check_has_window("events")
        if max_gap is not None:
            check_count("max_gap", max_gap, 0)
        windows, dead, _ = self._series_of(X, groups)
        scores = self._stamp_scores(windows, dead)
        return events_table(self, windows, dead, scores, max_gap)

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
        self._check_has_window("monitor")
        monitor = SeriesMonitor(self)
        if X is not None:
            X = X[-2 * self.window_ :]
            monitor.update(X)
        return monitor

    def _check_has_window(self, name):
        check_is_fitted(self)
        if self.window_ is None:
            raise ValueError(f"{name} needs a detector with window: its rows are no time stamps.")

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
        lowest = self._calibration["scores"][0]
        if self.window_ is not None:
            lowest = np.nanmin(self.training_scores_)
        if "score" in chosen and chosen["score"] < lowest:
            warnings.warn(
                f"score={score!r} is less than that of every training row: hardly any row will be "
                "an outlier. A rate of false alarms is p.",
                UserWarning,
                stacklevel=2,
            )
        self._chosen_threshold = chosen
        if self.window_ is None:
            self._adopt(Calibration(**self._calibration))
        else:
            self._adopt_series(SeriesCalibration(**self._series))
        return self

    def compact(self):
        """Drop what only ``partial_fit`` and ``merge`` need: the statistics of the rows.

        Scores, p-values, explanations and samples stay as they are.

        Returns
        -------
        self : object
            This detector, which takes less memory and learns no more until the next ``fit``.
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
        rows = self._rows(X, groups)
        candidates = self._typical_rows()
        n_columns = self.n_features_in_ * N_REFERENCES * rows.shape[1]
        found = self._map_rows(lambda X: self._contributions(X, candidates), rows, n_columns)
        return found if self.window_ is None else rows.to_stamps(found)

    def _contributions(self, X, candidates):
        """Of every column, or channel of windows, to the activation lost by rows ``X``."""
        n_columns = self.n_features_in_
        X = np.asarray(X)
        column = np.arange(X.shape[1]) % n_columns  # channels are next to each other
        result = np.zeros((len(X), n_columns))
        missing, score = np.isnan(X), self._score_of_others(X)
        X = self._completed(X)
        own, rng = score(X), np.random.default_rng([self._seed, 3])
        references = self._references(X, candidates)
        for r in range(references.shape[1]):
            order = rng.permutation(n_columns)
            target = np.where(missing, X, references[:, r])
            for turn in (order, order[::-1]):
                current, before = X.copy(), own
                for j in turn:
                    current[:, column == j] = target[:, column == j]
                    after = score(current)
                    result[:, j] += after - before
                    before = after
        return result / (2 * references.shape[1])

    def _score_of_others(self, X):
        """A function that scores as many rows as ``X``, each as if its row of ``X`` were new.

        Of rows that were learned, what they add to the statistics is taken out again: with
        c = z . z_i - y . y_i that raises a row's loss by u c^2 / ((1 - epsilon) n mu - u loss_i),
        where u is the weight of row i (Sherman & Morrison).
        """
        square = self.coefs_[-1].shape[0] <= self.coefs_[-1].shape[1]
        if self.window_ is not None or self.n_layers_ > 1 or self._rate is None or not square:
            return self._score
        rows, at = self._recognised(X)
        complete = ~np.isnan(X[rows]).any(axis=1)
        rows, at = rows[complete], at[complete]
        if not len(rows):
            return self._score
        removed = self._learned["weight"][at]
        if self.contamination != "auto":  # rows below the threshold are no part of the statistics
            removed = np.where(self._learned["scores"][at] < self.offset_, 0.0, removed)
        H = self._encoded(X[rows]).astype(np.float64)
        Y = H @ self.coefs_[-1]
        room = (1 - self._epsilon) * self._n_seen * self._rate
        room = np.maximum(room - removed * (row_energies(H) - row_energies(Y)), 1e-12)

        def score(current):
            scores, Z = self._score(current), self._encoded(current[rows])
            cross = np.einsum("ij,ij->i", Z, H) - np.einsum("ij,ij->i", Z @ self.coefs_[-1], Y)
            scores[rows] = np.maximum(scores[rows] - removed * cross**2 / room, 0)
            return scores

        return score

    def _typical_rows(self):
        """The better half of the training sample, at most ``N_CANDIDATES``."""
        sample = Sample(**self._sample)
        scores = self._score(sample.X)
        return sample.X[np.argsort(-scores, kind="stable")[: -(-len(scores) // 2)]][:N_CANDIDATES]

    def _references(self, X, candidates):
        """Those of ``candidates`` near each of ``X``: (n_rows, n_references, n_columns)."""
        with np.errstate(over="ignore"):  # fitted in float64, asked in float32
            candidates = candidates.astype(X.dtype)
        encoding, codes = self._encoding(), np.zeros(X.shape[1], dtype=bool)
        if self.is_categorical_ is not None:
            codes = self.is_categorical_
        if encoding.name == "fourier":
            Z, of_X = (encoding.standardise(rows) * encoding.bandwidth for rows in (candidates, X))
        else:
            location, scale = column_scales(self._sample["X"], self._sample["weight"])
            with np.errstate(over="ignore"):
                Z, of_X = ((rows - location) / scale for rows in (candidates, X))
        n_references = min(N_REFERENCES, len(candidates))
        chosen = np.empty((len(X), n_references), dtype=np.intp)
        for i, x in enumerate(of_X):
            far = np.nan_to_num(np.abs(Z - x), nan=0.0)
            far[:, codes] = PAIR * (candidates[:, codes] != X[i, codes])
            far = np.minimum(far, FAR) ** 2
            chosen[i] = np.argsort(far.sum(axis=1), kind="stable")[:n_references]
        return candidates[chosen]

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
        return self._sampled(row[0], n_samples, n_steps, random_state)

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
        X = self._fitted_rows(X)
        if self.window_ is None:
            raise ValueError("sample_future needs a detector with window.")
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
        row = np.concatenate([self._imputed(X[-n_known:]), unknown]).ravel()
        futures = self._sampled(row, n_samples, n_steps, random_state)
        return futures.reshape(n_samples, self.window_, -1)[:, n_known:]

    def _imputed(self, X):
        """Rows with the columns' means for NaN, as the Fourier encoding takes them."""
        kept = self._sample["X"].reshape(-1, X.shape[1])
        mean, _ = column_scales(kept, np.ones(len(kept)))
        return np.where(np.isnan(X), mean, X)

    def _sampled(self, row, n_samples, n_steps, random_state):
        """Copies of a row with draws for NaN."""
        if self._encoding_name != "fourier":
            raise ValueError("Sampling needs encoding='fourier'; unit rows have no length.")
        if self.is_categorical_ is not None:
            raise ValueError("Sampling draws numbers; this detector has learned categories, too.")
        check_count("n_samples", n_samples, 1)
        check_count("n_steps", n_steps, 3)
        sample, free = Sample(**self._sample), np.isnan(row)
        mean, _ = column_scales(sample.X, sample.weight)
        kept = np.where(np.isnan(sample.X), mean, sample.X).astype(np.float64)
        rng = np.random.default_rng(new_seed(random_state))
        expected = np.average(self._calibration["scores"], weights=self._calibration["mass"])
        share = sample.weight / sample.weight.sum()
        trained = share @ self._score(sample.X)
        found, acceptance = sampled(
            LostActivation(self._network(), self._encoding()),
            kept,
            share,
            np.tile(np.nan_to_num(row), (n_samples, 1)),
            free,
            max(1.0, (1 - expected) / max(1 - trained, 1e-9)),
            rng,
            n_steps=n_steps,
        )
        if self.verbose:
            print(f"Acceptance rate {acceptance:.2f}")
        if acceptance < LEAST_ACCEPTANCE:
            warnings.warn(
                f"Only {acceptance:.0%} of the sampling steps were accepted: the rows hardly left "
                "where they started from.",
                ConvergenceWarning,
                stacklevel=3,
            )
        return found

    @property
    def _cut_off(self):
        share = 0.0 if self.contamination == "auto" else COARSENESS * self.contamination
        return CUT_OFFS[self.encoding], share


def units_of(groups, n_rows):
    """Number of the unit that each row belongs to."""
    groups = checked_groups(groups, n_rows, "row", "unit")
    return np.unique(groups, return_inverse=True)[1]
