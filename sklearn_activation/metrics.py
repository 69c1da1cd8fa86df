"""Scorers and criteria that compare anomaly detectors, with labels or without."""

from inspect import signature
from numbers import Integral, Real

import numpy as np
from sklearn.isotonic import isotonic_regression
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    f1_score,
    precision_score,
    recall_score,
    roc_auc_score,
)
from sklearn.utils import check_array, check_consistent_length, column_or_1d
from sklearn.utils._param_validation import Interval, StrOptions, validate_params
from sklearn.utils.metadata_routing import UNUSED, _MetadataRequester

from . import _blocks, _validation

__all__ = ["excess_mass_score", "make_outlier_scorer", "mass_volume_loss"]

_criterion_constraints = {
    "score_samples": ["array-like"],
    "uniform_scores": ["array-like"],
    "sample_weight": ["array-like", None],
    "min_mass": [Interval(Real, 0, 1, closed="neither")],
}


@validate_params(_criterion_constraints, prefer_skip_nested_validation=True)
def excess_mass_score(score_samples, uniform_scores, *, sample_weight=None, min_mass=0.9):
    """Compute the area under the excess-mass curve of anomaly scores; higher is better.

    The score compares detectors without labels. A detector gets a good value if its high scores
    fill a small region that holds nearly all rows. Do not choose parameters or scalings by it: on
    15 tables the choice gained less than half a point of AUROC, see `make_outlier_scorer`. For a
    threshold u, take the share of the rows with a score of u or more, minus t times the volume
    with a score of u or more. EM(t) is the largest value of this difference over all u [1]_. The
    area runs from t = 0, where EM is 1, to the t at which EM falls to ``min_mass``.
    ``make_outlier_scorer("excess_mass")`` draws the uniform rows itself.

    Parameters
    ----------
    score_samples : array-like of shape (n_samples,)
        Scores of rows. A higher score is more normal.
    uniform_scores : array-like of shape (n_uniform,) or (n_samples, n_uniform)
        Scores of rows that are uniformly distributed over a region around the data. The volume of
        the region counts as 1. With two axes, each row has its own uniform rows.
    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each row. A weight of 2 counts as two copies of the row.
    min_mass : float in (0, 1), default=0.9
        Excess mass at which the curve ends. A value near 1 judges the sets that hold nearly all
        rows. Lower ``min_mass`` if more than a tenth of the rows are anomalies.

    Returns
    -------
    area : float
        The area is at least (1 - min_mass^2) / 2, which is the area of equal scores.

    See Also
    --------
    mass_volume_loss : The volume that a share of the rows needs.
    make_outlier_scorer : A scorer that draws the uniform rows itself.

    Notes
    -----
    The volume v_i of row i is (1 + number of uniform scores at or above s_i) / (1 + n_uniform),
    which is never 0. The mass P(v) is the weighted share of the rows i with v_i <= v. The area is
    exact for these masses and volumes.

    References
    ----------
    .. [1] N. Goix, "How to Evaluate the Quality of Unsupervised Anomaly Detection Algorithms?",
       arXiv:1607.01152.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_activation.metrics import excess_mass_score
    >>> scores, uniform_scores = np.array([3.0, 2.0]), np.arange(4.0)
    >>> round(excess_mass_score(scores, uniform_scores), 4)  # EM(t) = 1 - 3/5 t to 1/6
    0.1583
    """
    mass, volume = _level_sets(score_samples, uniform_scores, sample_weight)
    last = ((mass - min_mass) / volume).max()  # EM(last) = min_mass
    width = np.diff(volume, prepend=0)
    # EM(t) is the sum of width (slope - t)_+ over the least concave majorant of (volume, mass).
    slope = isotonic_regression(
        np.diff(mass, prepend=0) / width, sample_weight=width, increasing=False
    )
    until = np.minimum(slope, last)
    return float(width @ (until * (slope - until / 2)))


@validate_params(_criterion_constraints, prefer_skip_nested_validation=True)
def mass_volume_loss(score_samples, uniform_scores, *, sample_weight=None, min_mass=0.9):
    """Compute the area under the mass-volume curve of anomaly scores; lower is better.

    The loss compares detectors without labels. Do not choose parameters or scalings by it: on
    15 tables the choice gained less than half a point of AUROC, see `make_outlier_scorer`. MV(a)
    is the smallest volume that the high scores need to hold the share a of the rows [1]_. The area
    runs from a = ``min_mass`` to 1. ``make_outlier_scorer("mass_volume")`` draws the uniform rows
    itself.

    Parameters
    ----------
    score_samples : array-like of shape (n_samples,)
        Scores of rows. A higher score is more normal.
    uniform_scores : array-like of shape (n_uniform,) or (n_samples, n_uniform)
        Scores of rows that are uniformly distributed over a region around the data. The volume of
        the region counts as 1. With two axes, each row has its own uniform rows.
    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each row. A weight of 2 counts as two copies of the row.
    min_mass : float in (0, 1), default=0.9
        Smallest share of the rows that counts. Lower ``min_mass`` if more than a tenth of the rows
        are anomalies.

    Returns
    -------
    area : float
        The area lies between 0 and 1 - min_mass, which is the area of equal scores.

    See Also
    --------
    excess_mass_score : The mass beyond a multiple of the volume, with the estimates.

    References
    ----------
    .. [1] N. Goix, "How to Evaluate the Quality of Unsupervised Anomaly Detection Algorithms?",
       arXiv:1607.01152.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_activation.metrics import mass_volume_loss
    >>> scores, uniform_scores = np.array([3.0, 2.0]), np.arange(4.0)
    >>> round(mass_volume_loss(scores, uniform_scores), 4)  # MV is 3/5 from 0.9 to 1
    0.06
    """
    mass, volume = _level_sets(score_samples, uniform_scores, sample_weight)
    return float(volume @ np.diff(np.maximum(mass, min_mass), prepend=min_mass))


class _OutlierScorer(_MetadataRequester):
    """The scorer that `make_outlier_scorer` returns."""

    # These metrics rank the rows by their scores.
    rankings = {"roc_auc": roc_auc_score, "average_precision": average_precision_score}

    # These metrics judge alarms. Each has its options.
    decisions = {
        "f1": (f1_score, {"zero_division": 0.0}),
        "precision": (precision_score, {"zero_division": 0.0}),
        "recall": (recall_score, {"zero_division": 0.0}),
        "balanced_accuracy": (balanced_accuracy_score, {}),
    }

    # These criteria need no labels. The sign makes higher values better.
    label_free = {"excess_mass": (excess_mass_score, 1), "mass_volume": (mass_volume_loss, -1)}

    # This is the number of uniform rows in the box of the data if few columns vary.
    n_uniform = 10_000

    # This is the largest number of columns that are uniform at once.
    most_columns = 5

    # This is the largest number of rows that are copied if more columns vary.
    most_rows = 500

    # This is the number of copies of each copied row.
    n_copies = 100

    # This line makes metadata routing ask for sample_weight only.
    __metadata_request__score = {"estimator": UNUSED}

    def __init__(self, metric, outlier_label, random_state):
        self._metric = metric
        self._outlier_label = outlier_label
        self._random_state = random_state

    def __repr__(self):
        name = repr(self._name) if self._name else getattr(self._metric, "__name__", self._metric)
        if self._name in self.label_free:
            return f"make_outlier_scorer({name}, random_state={self._random_state!r})"
        return f"make_outlier_scorer({name}, outlier_label={self._outlier_label!r})"

    def _routing_repr(self):
        return repr(self)

    def _accept_sample_weight(self):
        """Return whether searches pass weights while metadata routing is not enabled."""
        return bool(self._name) or "sample_weight" in signature(self._metric).parameters

    @property
    def _name(self):
        return self._metric if isinstance(self._metric, str) else None

    def score(self, estimator, X, y=None, sample_weight=None):
        """Return the value of the metric: see `make_outlier_scorer`."""
        if self._name in self.label_free:
            criterion, sign = self.label_free[self._name]
            scores, uniform_scores, weight = self._against_uniform(estimator, X, sample_weight)
            return sign * criterion(scores, uniform_scores, sample_weight=weight)
        weight = {}
        if sample_weight is not None:
            weight["sample_weight"] = _validation.check_weight(X, sample_weight)
        is_outlier = self._is_outlier(y, **weight)
        if self._name in self.decisions:
            function, options = self.decisions[self._name]
            return float(function(is_outlier, _alarms(estimator, X), **options, **weight))
        function = self.rankings.get(self._name, self._metric)
        return float(function(is_outlier, -_normality(estimator, X), **weight))

    __call__ = score

    def _is_outlier(self, y, sample_weight=None):
        """Return 1 for each outlier and 0 for each other row.

        A ValueError says if all rows are of one kind.
        """
        if y is None:
            names = " and ".join(map(repr, self.label_free))
            raise ValueError(
                f"{self!r} needs labels y. Give y, or take {names}, which need no labels."
            )
        labels = column_or_1d(y).tolist()
        check_consistent_length(labels, sample_weight)
        is_outlier = np.array([label == self._outlier_label for label in labels], dtype=int)
        counted = slice(None) if sample_weight is None else sample_weight > 0
        if len(set(is_outlier[counted])) < 2:
            found = list(dict.fromkeys(labels))
            n_named = 10  # The error lists no more labels than this.
            more = f" and {len(found) - n_named} others" if len(found) > n_named else ""
            raise ValueError(
                f"y needs outliers and others, with outlier_label={self._outlier_label!r}"
                f"{'' if sample_weight is None else ' and weights above 0'}, but its labels are "
                f"{', '.join(map(repr, found[:n_named]))}{more}. Give outlier_label if another "
                "label marks outliers, and stratified folds if outliers are few."
            )
        return is_outlier

    def _against_uniform(self, estimator, X, sample_weight):
        """Return the scores of rows, of their uniform rows, and the weights of the rows."""
        values = check_array(X, dtype=np.float64, ensure_all_finite="allow-nan", input_name="X")
        weight = _validation.check_weight(values, sample_weight)
        scores = _normality(estimator, X)
        rows = np.flatnonzero(weight)
        rng = np.random.default_rng(self._random_state)
        low, high = np.fmin.reduce(values[rows], axis=0), np.fmax.reduce(values[rows], axis=0)
        varying = np.flatnonzero(low < high)
        if len(varying) <= self.most_columns:
            box = _between(low, high, rng.random((self.n_uniform, len(low))))
            return scores[rows], _normality(estimator, _like(X, box)), weight[rows]
        if len(rows) > self.most_rows:
            rows = rng.choice(rows, self.most_rows, replace=False)
        order = rng.random((len(rows), len(varying)))
        columns = varying[np.argsort(order, axis=1)[:, : self.most_columns]]
        n_copies = self.n_copies

        def score_copies(block):
            chosen = columns[block, None]
            copies = np.repeat(values[rows[block], None], n_copies, axis=1)
            uniform = rng.random((len(copies), n_copies, self.most_columns))
            np.put_along_axis(copies, chosen, _between(low[chosen], high[chosen], uniform), axis=2)
            copies = copies.reshape(-1, len(low))
            return _normality(estimator, _like(X, copies)).reshape(-1, n_copies)

        # The copies draw random numbers one block after the other.
        uniform_scores = _blocks.map_blocks(score_copies, len(rows), n_copies * len(low), n_jobs=1)
        return scores[rows], np.concatenate(list(uniform_scores)), weight[rows]


@validate_params(
    {
        "metric": [
            StrOptions(
                {
                    *_OutlierScorer.rankings,
                    *_OutlierScorer.decisions,
                    *_OutlierScorer.label_free,
                }
            ),
            callable,
        ],
        "outlier_label": [Real, str, "boolean"],
        "random_state": [Interval(Integral, 0, None, closed="left")],
    },
    prefer_skip_nested_validation=True,
)
def make_outlier_scorer(metric, *, outlier_label=-1, random_state=0):
    """Make a scorer of anomaly detectors for ``GridSearchCV`` or ``cross_val_score``.

    A detector has no ``score`` method for a search, and its scores are low for anomalies, which
    easily turns the sign of an AUROC. The scorer gives the search a value with the right sign:
    ``GridSearchCV(detector, grid, scoring=make_outlier_scorer("roc_auc"))``. The scorer works with
    any detector that follows scikit-learn's convention.

    Parameters
    ----------
    metric : str or callable
        Metric to compute, by name or as a function. "roc_auc" and "average_precision" judge the
        order of the scores. "f1", "precision", "recall" and "balanced_accuracy" judge the alarms
        of ``predict``. "excess_mass" and "mass_volume" need no labels. For each metric, a higher
        value is better. The Notes say how each metric is computed, and which arguments your own
        function gets.
    outlier_label : int, float, str or bool, default=-1
        Value of ``y`` that marks an anomaly. Rows with any other value are normal. Give
        ``outlier_label`` if your labels are not -1 and 1.
    random_state : int, default=0
        Seed of the uniform rows of "excess_mass" and "mass_volume". Each call starts from this
        seed, and all candidates of a search therefore meet the same uniform rows in each fold.

    Returns
    -------
    scorer : callable
        ``scorer(estimator, X, y=None, sample_weight=None)`` returns a float. A call raises a
        ValueError if the rows with a positive weight are all anomalies or all normal.
        ``set_score_request(sample_weight=True)`` requests weights if scikit-learn's metadata
        routing is enabled.

    See Also
    --------
    excess_mass_score : The criterion "excess_mass", computed from scores.
    mass_volume_loss : The criterion "mass_volume", computed from scores.

    Notes
    -----
    **Metrics.** "roc_auc" and "average_precision" rank the rows by ``score_samples``, or by
    ``decision_function`` if there is no ``score_samples``. Anomalies are the positive class,
    whatever their label is. The metrics of alarms take the rows with ``predict(X) == -1`` as
    alarms, and a ratio without a denominator is 0. "excess_mass" is `excess_mass_score`, and
    "mass_volume" is the negative of `mass_volume_loss`. A function ``metric(is_outlier, score)``
    gets 1 for each anomaly and 0 for each other row, and scores that are higher for more anomalous
    rows. The function also gets ``sample_weight`` if weights are passed.

    **Folds.** ``GridSearchCV`` does not stratify the folds of a detector. Set
    ``cv=StratifiedKFold(shuffle=True)`` if anomalies are few or if the rows are sorted.

    **Criteria without labels.** "excess_mass" and "mass_volume" compare the scores of rows with
    the scores of uniform rows [1]_. With many rows of both kinds, the true density gets the best
    value. If at most five columns vary, 10,000 rows are uniform in the bounding box of ``X``. A
    box with more columns would be almost empty. Each row, or each of 500 random rows, then has 100
    copies in which five random columns are uniform over their range. The volume of a row is the
    share of its own copies that score as high as the row. The author of [1]_ trains detectors
    again on subsets of columns; this scorer judges the given detector.

    **What the criteria choose.** The criteria know how tightly normal rows are held, and not in
    which direction anomalies lie. In a search over the detector's own parameters, on 15 tables,
    the mean AUROC rose by less than half a point over the default. In a search over scalings,
    with anomalies among the rows, the AUROC of the chosen detector fell by up to 18 points. Keep
    the defaults, or search with about 50 labelled anomalies and "roc_auc"; ten are too few.
    :doc:`The user guide </guide/parameters>` has the figures.

    **When the criteria hold.** Both criteria judge sets of at least 90 % of the rows. At least 90
    % of the rows therefore have to be normal; otherwise, the criteria prefer detectors that miss
    the anomalies. Values can be compared for the same ``X`` and ``random_state``. ``X`` has to be
    dense and numeric, and may hold NaN. Each row has to be scored by itself, unlike the time steps
    of a series. In a column of integers, a detector easily tells fractional uniform values from
    data.

    References
    ----------
    .. [1] N. Goix, "How to Evaluate the Quality of Unsupervised Anomaly Detection Algorithms?",
       arXiv:1607.01152.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.ensemble import IsolationForest
    >>> from sklearn_activation.metrics import make_outlier_scorer
    >>> X = np.random.RandomState(0).normal(size=(102, 2))
    >>> X[100:] += 9
    >>> y = np.repeat(["normal", "anomaly"], [100, 2])
    >>> scorer = make_outlier_scorer("roc_auc", outlier_label="anomaly")
    >>> scorer(IsolationForest(random_state=0).fit(X[:100]), X, y)
    1.0
    """
    return _OutlierScorer(metric, outlier_label, random_state)


def _level_sets(score_samples, uniform_scores, sample_weight):
    """Return mass and volume of the rows with v_i <= v, for each v in ascending order."""
    scores = column_or_1d(score_samples, dtype=np.float64)
    uniform_scores = np.asarray(uniform_scores, dtype=np.float64)
    if not scores.size or not uniform_scores.size or uniform_scores.ndim not in (1, 2):
        raise ValueError(
            "score_samples must have one entry or more, and uniform_scores must have entries on "
            f"one or two axes, but their shapes are {scores.shape} and {uniform_scores.shape}."
        )
    if np.isnan(scores).any() or np.isnan(uniform_scores).any():
        raise ValueError(
            f"score_samples has {np.isnan(scores).sum()} NaN, and uniform_scores has "
            f"{np.isnan(uniform_scores).sum()}. Leave these entries out."
        )
    if uniform_scores.ndim == 1:
        above = len(uniform_scores) - np.searchsorted(np.sort(uniform_scores), scores)
    else:
        check_consistent_length(scores, uniform_scores)
        above = (uniform_scores >= scores[:, None]).sum(axis=1)
    weight = _validation.check_weight(scores, sample_weight)
    volume, index = np.unique((above + 1) / (uniform_scores.shape[-1] + 1), return_inverse=True)
    mass = np.cumsum(np.bincount(index, weights=weight))
    return mass / mass[-1], volume


def _normality(estimator, X):
    """Return the scores of the rows, which are higher for more normal rows."""
    for name in ("score_samples", "decision_function"):
        if hasattr(estimator, name):
            scores = np.asarray(getattr(estimator, name)(X), dtype=np.float64)
            if scores.ndim != 1 or np.isnan(scores).any():
                raise ValueError(
                    f"{name} of {estimator!r} did not give one number a row, but an array of "
                    f"shape {scores.shape} with {np.isnan(scores).sum()} NaN."
                )
            return scores
    raise TypeError(
        f"{estimator!r} has neither score_samples nor decision_function. Give an anomaly detector "
        "that has one of these methods."
    )


def _alarms(estimator, X):
    """Return 1 for each row that the detector calls an anomaly, and 0 for each other row."""
    predicted = np.asarray(estimator.predict(X))
    if not np.isin(predicted, [-1, 1]).all():
        raise ValueError(
            f"{estimator!r} predicts something other than -1 and 1. Give an anomaly detector, "
            "which predicts -1 for anomalies and 1 for normal rows."
        )
    return (predicted == -1).astype(int)


def _between(low, high, share):
    """Return low + share (high - low), without overflow and never outside of the two."""
    return np.clip(low * (1 - share) + high * share, low, high)


def _like(X, values):
    """Return ``values`` as a data frame if ``X`` is one, and with the names of its columns."""
    if hasattr(X, "columns") and hasattr(X, "to_numpy"):
        return type(X)(dict(zip(X.columns, values.T, strict=True)))
    return values
