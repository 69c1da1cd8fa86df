"""Anomaly detection: rows with a low output activation are unusual."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import OutlierMixin, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from ._base import ActivationLearningBase
from ._detection.memory import Memory
from ._detection.sampling import draw_rows
from ._detection.table import TableModel, TableTraining
from ._detection.threshold import Calibration
from ._progress import with_callbacks
from ._rows.encodings import ENCODINGS
from ._series.calibration import SeriesCalibration
from ._series.cutting import read_times
from ._series.encodings import WINDOW_ENCODINGS
from ._series.events import SeriesMonitor, find_events, label_events, require_window
from ._series.forecast import forecast_quantiles, sample_future
from ._series.model import SeriesModel, Tail
from ._series.record import Record
from ._series.training import SeriesTraining, refuse_width
from ._state import learns, original_of, reads_in, twin_of
from ._validation import as_table, check_weight, refuse_nothing_known, validate_table
from ._warnings import warn


@reads_in(
    "score_samples",
    "decision_function",
    "predict",
    "p_values",
    "events",
    "monitor",
    "explain",
    "sample",
    "sample_future",
    "forecast_quantiles",
)
class ActivationAnomalyDetector(OutlierMixin, ActivationLearningBase):
    """Find unusual rows of a table, or unusual times in a series.

    ``ActivationAnomalyDetector().fit_predict(table)`` returns -1 for each unusual row and +1 for
    each normal row. The table may hold numbers, categories and missing values, and a few anomalies
    among the training rows do no harm. A small network learns which rows are typical. The score of
    a row is its output activation, a number from 0 to 1 (paper [1]_, section II.C). Typical rows
    score high, and unusual rows score low. ``p_values`` says how rare a score is among normal
    rows, and ``explain`` says which columns lowered the score. With ``window``, the rows are the
    time steps of a series, ``events`` lists when the series was unusual, and
    ``forecast_quantiles`` says how the series may go on. The user guide has a page on
    :doc:`thresholds </guide/thresholds>`, on :doc:`time series </guide/series>` and on
    :doc:`the mathematics </guide/averaged>`.

    Parameters
    ----------
    layer_sizes : int, tuple of int or None, default=None
        Number of units of each layer. None means one layer with as many units as the encoded row
        has entries, up to 1,024. Give fewer units to make a wide table faster; the scores of
        training rows are then approximate. Give several numbers to study deeper networks.
    activation : {"abs", "std_abs", "layer_std_abs", "square"}, default="std_abs"
        Function through which the outputs of a layer pass before the next layer reads them. "abs"
        takes absolute values, and "square" takes squares. "std_abs" standardises the absolute
        values over the training rows, and "layer_std_abs" subtracts their mean over the units of
        the layer. Change the function if cross-validation shows that another one suits your data.
        The :doc:`user guide </guide/rule>` has the formulas.
    encoding : {"fourier", "unit"}, default="fourier"
        How a row becomes the input of the network. "fourier" compares rows by the distances
        between their standardised columns, which suits tables. "unit" divides each row by its
        length, and only the proportions within a row count. Choose "unit" for spectra, counts or
        images. With "unit", a row that is too long or too short looks normal.
    n_frequencies : int, default=192
        Number of random frequencies of the "fourier" encoding. The encoded row has two entries for
        each frequency. A larger number follows the data more closely. The time for training grows
        with the cube of this number, and the time for scoring grows with the square. Raise
        ``n_frequencies`` for large tables, and lower it for speed.
    bandwidth : "auto" or float > 0, default="auto"
        Distance at which the "fourier" encoding sees two rows as different, in standard deviations
        of the columns. "auto" combines four bandwidths, from a quarter of the typical distance
        between training rows to twice that distance. Give a smaller number to see finer structure,
        which needs more rows.
    standardize : bool, default=True
        Whether the "fourier" encoding centres and scales the columns. Outliers hardly change the
        scales. A column that spans several orders of magnitude is replaced by its logarithm. Set
        ``standardize`` to False if all columns have the same unit and their sizes matter, or if
        batches must not depend on the first one.
    categorical_features : "from_dtype", array-like of bool, int or str, or None, \
            default="from_dtype"
        Columns that hold categories. "from_dtype" takes the columns of strings, of a category type
        and of booleans. Name the columns, or give their numbers or a mask, if numbers in your
        table are codes. None means no column. With ``window`` or ``encoding="unit"``, booleans
        count as 0 and 1, and strings are refused.
    contamination : "auto" or float in (0, 0.5], default="auto"
        Share of anomalies among the training rows. With "auto", the threshold aims at a
        false-alarm rate of 1 % on normal rows. Give a number if you know the share. About that
        share of the training rows is then below the threshold. The detector learns more coarsely,
        and learns again without these rows. A share that is too high costs accuracy.
    window : int >= 2, "auto" or None, default=None
        Number of consecutive time steps that the detector judges together. None means that rows
        are independent. Set ``window`` if rows are the time steps of a series in their order.
        "auto" finds the period of the series and takes a multiple of the period. Longer windows
        see slower patterns. Shorter windows find the start and the end of an event more exactly.
    relative_to : {"level", "scale", None}, default="level"
        What is removed from each window before it is judged. "level" subtracts the mean of each
        channel, and a slow trend is then normal. "scale" also divides by the standard deviation;
        choose "scale" if the amplitude changes without a fault. Choose None if the level itself
        shows whether the series is normal. ``relative_to`` has no effect without ``window``.
    level_weight : float >= 0, default=0
        Weight of the removed level and scale as additional columns. 0 ignores them, and 1 gives
        them as much weight as the shape of the window. Raise the weight if a change of the level
        should remain an alarm. The weight has no effect without ``window`` or with
        ``relative_to=None``.
    forget : float in [0, 1), default=0
        Share of their weight that all earlier rows lose with each new row in ``partial_fit``. The
        detector then remembers about 1 / ``forget`` rows. 0 keeps all rows. Raise the share if
        normal behaviour changes slowly. A share above 0 needs ``solver="flow"``.
    solver : {"flow", "hebbian"}, default="flow"
        "flow" computes the trained network in closed form, with one or two passes over the rows
        for each layer. "hebbian" applies the learning rule to one mini-batch after another, and is
        slower by orders of magnitude. Choose "hebbian" to study the rule, or for rows that arrive
        one at a time.
    learning_time : "auto", float > 0 or tuple of float, default="auto"
        How long the network learns. A longer time learns rarer patterns as typical. "auto"
        averages the last layer over many learning times, and rare patterns then score lower than
        common ones at every scale. Give one number, or one for each layer, to stop at that time.
        The user guide explains :doc:`the averaged time </guide/averaged>`.
    init_activation : float in (0, 1), default=0.1
        Share of its activation that an input keeps in an untrained network (epsilon in W W^T =
        epsilon I). The paper starts with about 0.1: its weights N(0, 0.01^2) have 1064 units. Keep
        the default unless you study the rule.
    learning_rate : float > 0, default=0.1
        Step size of ``solver="hebbian"``. ``fit`` uses a tenth of the rate for the last tenth of
        the updates. A layer with a shorter learning time than the other layers has a lower rate.
        ``partial_fit`` does not change the rate. Lower ``learning_rate`` if a warning says that
        the rate is too large.
    max_iter : int, default=100
        Largest number of epochs, which are passes over the training rows, of ``solver="hebbian"``.
        Raise ``max_iter`` if a warning says that training ended too early.
    batch_size : int, default=100
        Number of rows in each mini-batch of ``solver="hebbian"``. 1 updates the weights after
        every row. Change ``batch_size`` only to study the rule.
    warm_start : bool, default=False
        Whether ``fit`` goes on from the previous fit. With ``solver="hebbian"``, ``fit`` starts
        from the current weights. With ``solver="flow"``, ``fit`` takes the learning times of the
        previous fit. Set ``warm_start`` to True to save time when you fit similar rows again.
    n_jobs : int, default=None
        Number of threads that work on blocks of rows. None means as many as BLAS, NumPy's linear
        algebra, would use, up to 8. -1 means one for each core. Meanwhile BLAS has fewer threads,
        so that the threads do not multiply. Raise ``n_jobs`` if BLAS is limited to one thread.
    random_state : int, RandomState instance or None, default=None
        Source of all random numbers: the rotation of each layer, the first weights, the order of
        rows in an epoch, and the frequencies of the "fourier" encoding. Pass an int to get the
        same result in every run.
    verbose : int, default=0
        1 prints a line for each layer with ``solver="flow"``, or for each epoch with
        ``solver="hebbian"``. 0 prints nothing.

    Attributes
    ----------
    offset_ : float
        Threshold on the activation: ``predict`` returns -1 for rows that score less.
    training_scores_ : ndarray of shape (n_samples,)
        Scores of the rows of the last ``fit`` or ``partial_fit``, as activations from 0 to 1. Each
        row is scored as if it were new, by what all other rows teach (see Notes). Rank the
        training rows by these scores.
    is_categorical_ : ndarray of bool of shape (n_features,), or None
        Which columns hold categories. The value is None if no column holds categories.
    coefs_ : list of ndarray of shape (n_inputs, n_units)
        Weights of each layer, with one row for each input and one column for each unit.
    n_layers_ : int
        Number of layers.
    learning_times_ : ndarray of shape (n_layers,)
        Learning time of each layer. For a layer that averages over learning times, the value is
        the mean of these times.
    n_iter_ : int
        Number of epochs of ``solver="hebbian"``; a part of an epoch counts as one. The number is 1
        with ``solver="flow"``.
    activation_curve_ : ndarray of shape (n_points,)
        Mean output activation of the training rows during training. The curve has one entry for
        each of 20 equal steps of the last layer's learning time, or one for each epoch (paper,
        Fig. 7b).
    window_ : int or None
        Number of time steps of a window. The value is None for a table.
    n_features_in_ : int
        Number of columns in training.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns in training. The attribute exists only if the columns had names.

    See Also
    --------
    CompetitiveHebbianTransformer : Makes features from the layers.
    sklearn.ensemble.IsolationForest : Isolates rows by random splits.

    Notes
    -----
    **Training rows are scored as if they were new.** ``score_samples``, ``predict`` and
    ``p_values`` recognise the training rows and score them without their own contribution.
    Thresholds from training scores therefore hold for later rows. After ``partial_fit``, only a
    sample of 2,048 training rows is recognised. Rows are not recognised if more than a twentieth
    of them have copies; use ``fit_predict`` and ``training_scores_`` then. The time steps of a
    series are scored without their own block of the series. A network of several layers is trained
    again without a tenth of the rows at a time. With more than 2,048 rows, only the last layer of
    such a network leaves out the row. With ``solver="hebbian"``, training rows are scored with
    their own contribution.

    **Large tables.** ``fit`` learns from about 50,000 rows of a larger table, and scores all rows.
    These rows are drawn at random, in proportion to their weights. With ``groups``, and in
    ``partial_fit``, the detector learns from every row. The time for scoring does not depend on
    the number of training rows. Tables that are larger than memory have a page in the
    :doc:`user guide </guide/large>`.

    **Missing values.** NaN, None and NA are missing values. A gap in a training row is filled from
    one of the 20 nearest training rows. A gap in a later row is filled with the mean of the five
    nearest training rows, which can make that row look too typical. With ``encoding="unit"``, a
    gap counts as 0. A row without any known entry has score 0. A column without any known entry in
    training is ignored. See the :doc:`user guide </guide/gaps>`.

    **Gaps in a series.** Short gaps are bridged by straight lines. A channel that is missing for
    more than an eighth of a window looks frozen. Time steps at which all channels are missing for
    that long have score 0. A data frame with times as its index is cut where more than an eighth
    of a window is missing. A shorter gap of the index is closed up, with a warning. Time steps
    that no window covers have score NaN, and count as normal. See the
    :doc:`user guide </guide/series>`.

    **Scales of columns.** A scale is the mean and the standard deviation of the entries, cut off
    at five robust deviations from the median. In a table, the distance of an entry from the mean
    counts in full up to two deviations, and grows as a cube root from there. If a column is
    constant in training, apart from at most one entry, the detector notices any change of more
    than a millionth of the constant.

    **A stated contamination.** Rows below the threshold are removed from the training rows once,
    and the detector learns again. ``solver="hebbian"`` and a stream of more than 2,048 rows skip
    this step. With ``window``, the stated share counts time steps.

    **Method.** With the default parameters, the score is a regularised estimate of the support of
    the training rows [2]_.

    **Few rows.** The threshold needs 30 independent rows; a warning says if there are fewer.

    References
    ----------
    .. [1] H. Zhou, "Activation Learning by Local Competitions", arXiv:2209.13400.
    .. [2] A. Rudi, E. De Vito, A. Verri, F. Odone, "Regularized Kernel Algorithms for Support
       Estimation", Frontiers in Applied Mathematics and Statistics 3, 2017.

    Examples
    --------
    The first detector learns benign tumours, and most malignant ones are rare among them:

    >>> import pandas as pd
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn_activation import ActivationAnomalyDetector
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> benign, malignant = X[y == 1], X[y == 0]
    >>> detector = ActivationAnomalyDetector(random_state=0).fit(benign)
    >>> bool((detector.p_values(malignant) <= 0.05).mean() > 0.7)
    True

    The second detector finds the unusual row of a data frame with categories:

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

    @_fit_context(prefer_skip_nested_validation=True)
    @with_callbacks
    @learns
    def fit(self, X, y=None, sample_weight=None, groups=None):
        """Learn what typical rows look like.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Two or more rows of numbers and categories. NaN stands for a missing value. With
            ``window``, the rows are time steps in their order.
        y : ignored
            ``y`` has no effect. A pipeline may pass ``y``.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row. A weight of 2 counts as two copies of the row, and a weight of 0
            leaves the row out. A window has the mean weight of its time steps.
        groups : array-like of shape (n_samples,), default=None
            Group of each row, such as a patient or a machine. The threshold and the p-values then
            hold for rows of groups that training has not seen, if there are 30 groups or more.
            With ``window``, ``groups`` says which series each time step belongs to. The time steps
            of a series stand together, and no window crosses from one series to the next.

        Returns
        -------
        self : object
            The fitted detector.
        """
        self._learn(X, sample_weight, groups, partial=False)

    @_fit_context(prefer_skip_nested_validation=True)
    @learns
    def partial_fit(self, X, y=None, sample_weight=None, groups=None):
        """Learn from one more batch of rows, without the rows of earlier batches.

        The first batch fixes the scales of the columns and the automatic bandwidth. Make the first
        batch typical of all rows. The threshold follows from a sample of 2,048 of all rows; with
        ``forget``, it follows from the last 2,048 rows. With ``window``, a batch continues the
        series of the batch before, unless ``groups`` or the times in the index of a data frame say
        otherwise. A batch of a series is scored before it is learned, and the threshold follows
        from the last 50,000 time steps.

        With ``solver="flow"``, one layer and a fixed encoding, the scores equal the scores after
        one ``fit`` on all rows. A fixed encoding is ``encoding="unit"``, or ``standardize=False``
        with a given ``bandwidth``. See the :doc:`user guide </guide/streams>`.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows; with ``window``, the time steps of a series in their order.
        y : ignored
            ``y`` has no effect. A pipeline may pass ``y``.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row. A weight of 2 counts as two copies of the row.
        groups : array-like of shape (n_samples,), default=None
            With ``window``, the series that each time step belongs to. Without ``window``, only
            ``fit`` accepts groups.

        Returns
        -------
        self : object
            The fitted detector.
        """
        self._learn(X, sample_weight, groups, partial=True)

    def _validate(self, X, *, reset, **options):
        """Return validated rows as an array of numbers, with categories as codes."""

        def refuse(is_categorical):
            if self.window is None:
                return
            names = np.flatnonzero(is_categorical).tolist()
            if hasattr(X, "columns"):
                names = [str(X.columns[j]) for j in names]
            raise ValueError(
                f"Columns {names} hold categories, but a detector with window takes numbers only. "
                "Leave these columns out, or encode them as numbers."
            )

        return validate_table(
            self,
            X,
            self._declared_categories(),
            reset=reset,
            booleans_are_numbers=self.window is not None,
            refuse=refuse,
            **options,
        )

    def _learn(self, X, sample_weight, groups, *, partial):
        """Validate the rows or time steps, train on them, and adopt the model."""
        previous = self._model()
        going_on = partial and previous is not None
        least = 1 if partial or self.window is not None else 2
        table = X
        X = self._validate(table, reset=not going_on, ensure_min_samples=least)
        time = read_times(table) if self.window is not None else None
        refuse_nothing_known(X)
        weight = check_weight(X, sample_weight)
        if previous is not None and (self.window is None) != (self.window_ is None):
            if partial:
                refuse_width(repr(self.window), self.window_)
            previous = None  # A fit on a table cannot go on from a series, nor the other way.
        training = self._training(previous, partial, self.window)
        self._adopt(training.learn(X, time, weight, groups))

    def _learn_pieces(self, rows):
        if rows.n_rows < 2:
            raise ValueError("X has 1 row, but a detector needs 2 rows or more.")
        previous = self._model()
        if previous is not None and previous.width is not None:
            previous = None
        self._adopt(self._training(previous, partial=False).learn_pieces(rows))

    def _training(self, previous, partial, window=None):
        if previous is not None and partial:
            window = self.window_
        kind = TableTraining if window is None else SeriesTraining
        return kind(self, previous, partial)

    def _attributes_of(self, model):
        series, tail, record = model.series, model.tail, model.record
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
            "_record": None if record is None else vars(record),
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
            record=Record(**self._record),
            **shared,
        )

    def _encoding(self):
        if self.window_ is not None and self._encoding_name in WINDOW_ENCODINGS:
            return WINDOW_ENCODINGS[self._encoding_name](**self._encoding_state)
        return super()._encoding()

    def _check_mergeable(self, other):
        ours, theirs = self.window_, getattr(other, "window_", self.window_)
        if ours != theirs:
            raise ValueError(
                f"Cannot merge: the windows are of {ours} and {theirs} time steps. Fit both "
                "detectors with the same window."
            )
        if any(getattr(detector, "_by_units", False) for detector in (self, other)):
            raise ValueError(
                "Cannot merge: a detector was fitted with groups, and its groups are not kept. "
                "Fit one detector on all rows with their groups instead."
            )
        super()._check_mergeable(other)

    def score_samples(self, X, groups=None):
        """Score how typical each row is.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows; with ``window``, a series of at least that many time steps in their order.
        groups : array-like of shape (n_samples,), default=None
            With ``window``, the series that each time step belongs to. ``groups`` is ignored
            without ``window``.

        Returns
        -------
        activation : ndarray of float64 of shape (n_samples,)
            Output activation ||y||^2 from 0 to 1; a higher value is more typical. Training rows
            are scored as if they were new. The score of a time step comes from the windows that
            cover it, and is NaN if no window covers the time step. A row without any known entry
            has score 0, with a warning.
        """
        check_is_fitted(self)
        model = self._model()
        return model.judge(model.read(self._fitted_rows(X), model.times_of(X), groups))

    def decision_function(self, X, groups=None):
        """Subtract the threshold from the score of each row.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows; with ``window``, the time steps of a series in their order.
        groups : array-like of shape (n_samples,), default=None
            With ``window``, the series that each time step belongs to. ``groups`` is ignored
            without ``window``.

        Returns
        -------
        decision : ndarray of float64 of shape (n_samples,)
            ``score_samples(X) - offset_``, in units of activation. The difference is negative for
            anomalies, and 0 at the threshold.
        """
        return self.score_samples(X, groups) - self.offset_

    def predict(self, X, groups=None):
        """Say whether each row is normal.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows; with ``window``, the time steps of a series in their order.
        groups : array-like of shape (n_samples,), default=None
            With ``window``, the series that each time step belongs to. ``groups`` is ignored
            without ``window``.

        Returns
        -------
        labels : ndarray of int of shape (n_samples,)
            -1 for rows with a score below ``offset_``, and +1 for all other rows.
        """
        return np.where(self.decision_function(X, groups) < 0, -1, 1)

    def fit_predict(self, X, y=None, *, sample_weight=None, groups=None):
        """Learn rows, and say which of the same rows are normal.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows; with ``window``, the time steps of a series in their order.
        y : ignored
            ``y`` has no effect. A pipeline may pass ``y``.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row. A weight of 2 counts as two copies of the row.
        groups : array-like of shape (n_samples,), default=None
            Group of each row, such as a patient or a machine. With ``window``, the series that
            each time step belongs to.

        Returns
        -------
        labels : ndarray of int of shape (n_samples,)
            -1 for anomalies, and +1 for normal rows.
        """
        fitted = twin_of(self.fit(X, sample_weight=sample_weight, groups=groups))
        return np.where(fitted.training_scores_ < fitted.offset_, -1, 1)

    def p_values(self, X, groups=None):
        """Compute how rare the score of each row is among normal rows.

        A p-value of 0.01 means that about 1 % of normal rows score as low as this row or lower. If
        normal rows are exchangeable, ``p_values(X) <= 0.05`` raises false alarms on about 5 % of
        them. The time steps of a series are not exchangeable, and the rate varies more if the
        series holds few windows. The p-values are too small with ``solver="hebbian"``, which
        scores training rows with their own contribution.

        The p-value is (1 + number of training scores at or below the score) / (1 + number of
        training scores). A fitted tail continues below the lowest training score in a table. The
        training scores are ``training_scores_``, without the rows that a stated ``contamination``
        calls anomalies. After ``partial_fit``, the training scores are the scores of a sample of
        2,048 rows, or of the last 50,000 time steps of a series. Time steps that share a window
        with a long gap are left out. With ``groups``, each group counts as one row. See the
        :doc:`user guide </guide/thresholds>`.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows; with ``window``, the time steps of a series in their order.
        groups : array-like of shape (n_samples,), default=None
            With ``window``, the series that each time step belongs to. ``groups`` is ignored
            without ``window``.

        Returns
        -------
        p : ndarray of float64 of shape (n_samples,)
            Numbers greater than 0 and at most 1.
        """
        scores = self.score_samples(X, groups)
        return Calibration(**self._calibration).p_values(scores)

    def events(self, X, groups=None, *, max_gap=None):
        """List when a series was anomalous, how anomalous, and in which channels.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            The time steps of a series in their order.
        groups : array-like of shape (n_samples,), default=None
            Series that each time step belongs to. No event crosses from one series to the next.
        max_gap : int, default=None
            Alarms with at most this many normal time steps between them are one event. None means
            an eighth of the window. Raise ``max_gap`` if one fault appears as several events.

        Returns
        -------
        events : structured ndarray, or pandas DataFrame if ``X`` is one
            One row for each event. "start" and "end" are the first and the last time step, and
            "peak" is the time step with the lowest score. "score" and "p" are the score and the
            p-value at the peak. "channels" names the channels that lowered the score most, the
            worst first. "group" names the series if ``groups`` is given. Time steps are row
            numbers, or entries of the index of a data frame.

        Raises
        ------
        ValueError
            If the detector was fitted without ``window``.
        """
        return label_events(find_events(self, X, groups, max_gap), X, groups)

    def monitor(self, X=None):
        """Watch a live log, and judge each new time step as it arrives.

        A monitor keeps the latest time steps. The time for judging a new time step does not grow
        with the length of the log. If the time steps come as data frames with times as their
        index, the monitor treats short gaps as missing values, begins anew after long gaps, and
        refuses times that do not increase. See the :doc:`user guide </guide/alerts>`.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features), default=None
            The latest time steps of the log, at least two windows of them. Without these time
            steps, the monitor cannot judge the first time steps that come.

        Returns
        -------
        monitor : SeriesMonitor
            ``monitor.update(new_time_steps)`` returns their scores, p-values and alarms.
        """
        require_window(self, "monitor")
        monitor = SeriesMonitor(original_of(self))
        if X is not None:
            X = X[-2 * self.window_ :]
            monitor.update(X)
        return monitor

    @learns
    def set_threshold(self, score=None, *, p=None):
        """Set the threshold of ``predict`` to a score or to a false-alarm rate.

        The threshold is saved with the detector. ``partial_fit`` and ``merge`` keep the threshold,
        and the next ``fit`` sets the automatic threshold again. A call without an argument also
        sets the automatic threshold again.

        Parameters
        ----------
        score : float, default=None
            The new ``offset_``: rows with a lower score are anomalies.
        p : float in (0, 1), default=None
            Wanted false-alarm rate: rows with a p-value of ``p`` or less are anomalies. For a
            series, ``p`` is the share of time steps. ``offset_`` then changes with the rows that
            the detector learns later.

        Returns
        -------
        self : object
            This detector with the new threshold.

        Raises
        ------
        ValueError
            If both arguments are given, or if one of them is out of range.
        """
        check_is_fitted(self)
        if score is not None and p is not None:
            raise ValueError(
                f"set_threshold got score={score!r} and p={p!r}. Give either score or p: "
                "score is an activation, and p is a false-alarm rate."
            )
        if p is not None and not (isinstance(p, Real) and 0 < p < 1):
            raise ValueError(f"p={p!r} must be a number between 0 and 1, such as 0.01.")
        if score is not None and not (isinstance(score, Real) and np.isfinite(score)):
            raise ValueError(
                f"score={score!r} must be a finite number, such as a quantile of training_scores_."
            )
        chosen = {"score": score, "p": p}
        chosen = {name: float(value) for name, value in chosen.items() if value is not None}
        model = self._model()
        if "score" in chosen and chosen["score"] < model.lowest_training_score:
            warn(
                f"The threshold score={score!r} is below the score of every training row, so "
                "hardly any row will be an anomaly. If you meant a false-alarm rate, give p "
                "instead."
            )
        self._adopt(model.with_threshold(chosen, self.contamination))

    @learns
    def compact(self):
        """Drop the statistics that only further learning needs, to save memory.

        Scores, p-values, explanations and samples do not change. ``partial_fit`` and ``merge``
        raise an error until the next ``fit``, except with ``solver="hebbian"``.

        Returns
        -------
        self : object
            This detector, which takes less memory.
        """
        check_is_fitted(self)
        self._state = {}
        vars(self).pop("_tail", None)

    def explain(self, X, groups=None):
        """Compute how much each column lowers the score of each row.

        Each row is compared with the five nearest of the typical training rows. The entries of the
        row are replaced by the entries of a typical row, one column after another in random order.
        The contribution of a column is the mean rise of the score when the column is replaced
        (Shapley values by sampling [1]_). The contributions of a row therefore add up to the mean
        score of the typical rows minus the score of the row. Explain the alarms and not the whole
        table, because each row takes some hundred scorings. See the :doc:`user guide
        </guide/explanations>`.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows; with ``window``, the time steps of a series in their order.
        groups : array-like of shape (n_samples,), default=None
            With ``window``, the series that each time step belongs to. ``groups`` is ignored
            without ``window``.

        Returns
        -------
        contributions : ndarray of float64 of shape (n_samples, n_features)
            Lost activation. A positive number means that the column makes the row less typical. A
            missing entry contributes 0. With ``window``, a time step gets the mean over the
            windows that cover it.

        Notes
        -----
        The typical rows are up to 512 rows of the better half of a sample of the training rows.
        Distances count at most two deviations in each column. Training rows are explained without
        their own contribution if the network has one layer as wide as its input, and if the row
        has no gaps.

        References
        ----------
        .. [1] E. Strumbelj and I. Kononenko, "Explaining prediction models and individual
           predictions with feature contributions", Knowledge and Information Systems 41, 2014.
        """
        check_is_fitted(self)
        model = self._model()
        return model.explain(model.read(self._fitted_rows(X), model.times_of(X), groups))

    def sample(self, n_samples=1, *, given=None, n_steps=300, random_state=None):
        """Draw new rows that resemble the training rows.

        The rows follow the density p(x) proportional to exp(a ||y(x)||^2) that the detector has
        learned (paper, eq. 8). A random walk draws each row (Metropolis-adjusted Langevin). The
        walk starts from a training row and stays within twice the range of the training rows. See
        the :doc:`user guide </guide/inference>`.

        Parameters
        ----------
        n_samples : int >= 1, default=1
            Number of rows to draw. Draw 100 or more to estimate a decile.
        given : array-like of shape (n_features,) or data frame of one row, default=None
            A row with some known entries. Only the NaN of this row are drawn, given the known
            entries. Columns that are constant in training keep their value.
        n_steps : int >= 3, default=300
            Number of steps of the walk. The first two thirds set the step size. More steps let a
            row move further away from its start.
        random_state : int, RandomState instance or None, default=None
            Pass an int to draw the same rows in every call.

        Returns
        -------
        X : ndarray of float64 of shape (n_samples, n_features)
            Rows in the units of the training rows. With ``verbose=1``, the share of accepted steps
            is printed; about 0.57 is ideal.

        Raises
        ------
        ValueError
            If the detector has ``encoding="unit"``, has learned categories or was fitted with
            ``window``.
        """
        check_is_fitted(self)
        if self.window_ is not None:
            raise ValueError(
                "sample draws rows of a table, but this detector was fitted with window="
                f"{self.window_}. Call sample_future to draw continuations of a series."
            )
        row = np.full((1, self.n_features_in_), np.nan)
        if given is not None:
            row = self._fitted_rows(as_table(given)).astype(np.float64)
            if len(row) != 1:
                raise ValueError(f"given has {len(row)} rows, but it must be a single row.")
            if not np.isnan(row).any():
                raise ValueError(
                    "given has no NaN, so there is nothing to sample. Set the entries to NaN that "
                    "sample is to draw."
                )
        return draw_rows(self._model(), row[0], n_samples, n_steps, random_state, self.verbose)

    def sample_future(self, X, horizon, n_samples=100, *, random_state=None):
        """Draw possible continuations of a series.

        A continuation is the corrected continuation by kriging plus the error that was made after
        a similar past, as in ``forecast_quantiles``. The time steps and the channels of a
        continuation belong together.

        Parameters
        ----------
        X : array-like or data frame of shape (n_time_steps, n_features)
            The latest time steps, as in ``forecast_quantiles``.
        horizon : int >= 1
            Number of time steps to draw, less than ``window_``.
        n_samples : int >= 1, default=100
            Number of continuations. Draw 100 or more to estimate a decile.
        random_state : int, RandomState instance or None, default=None
            Pass an int to draw the same continuations in every call.

        Returns
        -------
        futures : ndarray of float64 of shape (n_samples, horizon, n_features)
            Continuations in the units of the series.

        Raises
        ------
        ValueError
            If the detector was fitted without ``window``, or if ``X`` or ``horizon`` does not fit
            the window.
        """
        return sample_future(self, X, horizon, n_samples, random_state)

    def forecast_quantiles(self, X, horizon, quantiles=(0.1, 0.5, 0.9)):
        """Forecast a series by quantiles of its next time steps.

        Ordinary kriging continues the latest time steps [1]_. The errors that kriging made after
        similar pasts correct the continuation, and give its spread. The forecast looks at the
        latest ``window_ - horizon`` time steps, or at 24 time steps or two horizons if one of them
        is more and the learned series is long enough. The pasts come from a record of the latest
        131,072 entries that the detector has learned, or of four windows if that is more. Time
        steps with weight 0 are unknown in the record, and all other weights count alike. The
        network has no part in the forecast. See the :doc:`user guide </guide/inference>`.

        Parameters
        ----------
        X : array-like or data frame of shape (n_time_steps, n_features)
            The latest time steps, one or more. NaN is an unknown entry. Time steps that are
            missing from an index of times are unknown, too. If more than a tenth of the rows
            follow a gap, short gaps, such as weekends, are closed up. A channel without a known
            entry is forecast by its mean and spread in the record.
        horizon : int >= 1
            Number of time steps to forecast, less than ``window_``.
        quantiles : sequence of float in (0, 1), default=(0.1, 0.5, 0.9)
            Levels of the quantiles. 0.5 is the median, a forecast by a single number. The
            quantiles of 0.1 and 0.9 are meant to have 80 % of the later values between them. On
            series hardly longer than a window, they have fewer.

        Returns
        -------
        values : ndarray of float64 of shape (n_quantiles, horizon, n_features)
            Quantiles in the units of the series. A channel that was never negative has no
            quantile below 0.

        Raises
        ------
        ValueError
            If the detector was fitted without ``window``, or if ``X``, ``horizon`` or
            ``quantiles`` is out of range.

        References
        ----------
        .. [1] N. Cressie, "Statistics for Spatial Data", Wiley, 1993.
        """
        return forecast_quantiles(self, X, horizon, quantiles)
