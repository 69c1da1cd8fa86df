"""Scorers and criteria that compare outlier detectors, with labels or without."""

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
    """Area under the excess-mass curve of a scoring function; higher is better.

    EM(t) = max over u of P(s >= u) - t V(s >= u) is how far a level set of the scores s
    can hold more mass than t times its volume [1]_. The area goes from t = 0, where EM
    is 1, to where EM falls to ``min_mass``, and is computed exactly.

    Parameters
    ----------
    score_samples : array-like of shape (n_samples,)
        Scores of rows, the higher the more normal.
    uniform_scores : array-like of shape (n_uniform,) or (n_samples, n_uniform)
        Scores of rows that are uniform in a region with the data inside, whose volume
        counts as 1. With two axes, each row has uniform rows of its own.
    sample_weight : array-like of shape (n_samples,), default=None
        A weight of 2 counts as two copies of the row.
    min_mass : float in (0, 1), default=0.9
        Excess mass at which the curve ends. The nearer it is to 1, the nearer to all rows are
        the sets that count.

    Returns
    -------
    area : float
        At least (1 - min_mass^2) / 2, which is what equal scores get.

    See Also
    --------
    mass_volume_loss : The volume that a mass needs.
    make_outlier_scorer : A scorer that draws uniform rows itself.

    Notes
    -----
    V is the share of uniform rows whose score is as high as that of row i, row i being
    one of them: v_i = (1 + #{uniform score >= s_i}) / (1 + n_uniform), which is never
    0. P is the weighted share of the rows i with v_i <= v.

    References
    ----------
    .. [1] N. Goix, "How to Evaluate the Quality of Unsupervised Anomaly Detection
       Algorithms?", arXiv:1607.01152.

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
    """Area under the mass-volume curve of a scoring function; lower is better.

    MV(a) = min over u of V(s >= u), subject to P(s >= u) >= a, is the volume that a
    level set of the scores s needs to hold the mass a [1]_. The area goes from
    a = ``min_mass`` to 1, and is computed exactly.

    Parameters
    ----------
    score_samples : array-like of shape (n_samples,)
        Scores of rows, the higher the more normal.
    uniform_scores : array-like of shape (n_uniform,) or (n_samples, n_uniform)
        Scores of rows that are uniform in a region with the data inside, whose volume
        counts as 1. With two axes, each row has uniform rows of its own.
    sample_weight : array-like of shape (n_samples,), default=None
        A weight of 2 counts as two copies of the row.
    min_mass : float in (0, 1), default=0.9
        Share of the rows that the smallest set that counts holds.

    Returns
    -------
    area : float
        From 0 to 1 - min_mass, which is what equal scores get.

    See Also
    --------
    excess_mass_score : The mass beyond a multiple of the volume; its notes say how V
        and P are estimated.

    References
    ----------
    .. [1] N. Goix, "How to Evaluate the Quality of Unsupervised Anomaly Detection
       Algorithms?", arXiv:1607.01152.

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

    # These metrics rank rows by their scores.
    rankings = {"roc_auc": roc_auc_score, "average_precision": average_precision_score}

    # These metrics judge alarms; options go with each.
    decisions = {
        "f1": (f1_score, {"zero_division": 0.0}),
        "precision": (precision_score, {"zero_division": 0.0}),
        "recall": (recall_score, {"zero_division": 0.0}),
        "balanced_accuracy": (balanced_accuracy_score, {}),
    }

    # These criteria need no labels; a sign with each makes higher values better.
    label_free = {"excess_mass": (excess_mass_score, 1), "mass_volume": (mass_volume_loss, -1)}

    # This many rows are uniform in the box of the data, if few columns vary.
    n_uniform = 10_000

    # At most this many columns are uniform at once.
    most_columns = 5

    # At most this many rows are copied where more columns vary.
    most_rows = 500

    # Each of these rows has this many copies.
    n_copies = 100

    # With this, metadata routing asks for nothing but sample_weight.
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
        """Whether searches pass weights while metadata routing is not enabled."""
        return bool(self._name) or "sample_weight" in signature(self._metric).parameters

    @property
    def _name(self):
        return self._metric if isinstance(self._metric, str) else None

    def score(self, estimator, X, y=None, sample_weight=None):
        """The value of the metric: see `make_outlier_scorer`."""
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
        """1 for outliers, 0 for others; ValueError if there is only one kind."""
        if y is None:
            names = " and ".join(map(repr, self.label_free))
            raise ValueError(f"{self!r} needs labels y; {names} do without.")
        labels = column_or_1d(y).tolist()
        check_consistent_length(labels, sample_weight)
        is_outlier = np.array([label == self._outlier_label for label in labels], dtype=int)
        counted = slice(None) if sample_weight is None else sample_weight > 0
        if len(set(is_outlier[counted])) < 2:
            found = list(dict.fromkeys(labels))
            n_named = 10  # The error lists no more labels than this.
            more = ", ..." if len(found) > n_named else ""
            raise ValueError(
                f"y needs outliers and others, with outlier_label={self._outlier_label!r}"
                f"{'' if sample_weight is None else ' and weights above 0'}, but its labels are "
                f"{', '.join(map(repr, found[:n_named]))}{more}."
            )
        return is_outlier

    def _against_uniform(self, estimator, X, sample_weight):
        """Scores of rows, scores of the uniform rows that go with them, and weights of rows."""
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
    """Scorer of outlier detectors, for ``GridSearchCV(detector, ..., scoring=...)``.

    Parameters
    ----------
    metric : str or callable
        The metric to compute. Higher values are better for all of them.

        - "roc_auc", "average_precision": from ``score_samples`` or, where there is
          none, ``decision_function``. Both are higher for normal rows; the sign is
          turned so that outliers are the positive class, whatever their label.
        - "f1", "precision", "recall", "balanced_accuracy": from ``predict(X) == -1``.
          A ratio without a denominator is 0.
        - "excess_mass", "mass_volume": `excess_mass_score` and minus
          `mass_volume_loss`, from the scores without labels, see Notes.
        - A callable ``metric(is_outlier, score)`` of 1 for outliers and 0 for others, and of
          scores that are higher for more anomalous rows. It also gets ``sample_weight`` if
          weights are passed.
    outlier_label : int, float, str or bool, default=-1
        Value of ``y`` that marks outliers; rows with any other value are normal.
    random_state : int, default=0
        Seed of the uniform rows of the label-free criteria. Every call starts from it,
        so on one fold all candidates meet the same uniform rows.

    Returns
    -------
    scorer : callable
        ``scorer(estimator, X, y=None, sample_weight=None)`` returns a float. It raises
        ValueError if the rows of positive weight are all outliers, or none of them is.
        ``set_score_request(sample_weight=True)`` asks for weights where
        scikit-learn's metadata routing is enabled.

    See Also
    --------
    excess_mass_score : The criterion "excess_mass", from scores.
    mass_volume_loss : The criterion "mass_volume", from scores.

    Notes
    -----
    With a detector, ``GridSearchCV`` does not stratify folds: where outliers are few or
    rows are sorted, set ``cv=StratifiedKFold(shuffle=True)``.

    The label-free criteria [1]_ compare rows with uniform ones; given many of both, no
    scores do better than the true density. With up to five columns that vary, 10,000
    rows are uniform in the bounding box of ``X``. A box with more columns would be all
    but empty. There each row, or each of 500 rows drawn at random, has 100 copies in which
    five random columns that vary are uniform over their range. A row's volume then is
    the share of its own copies that score as high as it does: a volume in the slice of
    the box through the row. Sets of rows of at most some volume fill as much of every
    slice, and hold more mass if the scores order each slice better. The true density
    orders all slices as well as can be. It is not the density within any one slice, but
    only the order within a slice counts. The author of [1]_ trains detectors anew on
    subsets of columns; here the detector at hand is rated.

    Both criteria look at sets that hold at least 90 % of the rows, so at least that share
    of the rows has to be normal; with more outliers, detectors that miss them are
    preferred. Values of detectors are comparable if ``X`` and ``random_state`` are the
    same. ``X`` has to be dense and numeric (NaN is passed on), and rows must be scored
    independently of each other, unlike stamps of a series. A detector that tells integers
    from fractions finds uniform values in columns of integers easily.

    References
    ----------
    .. [1] N. Goix, "How to Evaluate the Quality of Unsupervised Anomaly Detection
       Algorithms?", arXiv:1607.01152.

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
    """Mass and volume of the sets of rows with v_i <= v, for every v in ascending order."""
    scores = column_or_1d(score_samples, dtype=np.float64)
    uniform_scores = np.asarray(uniform_scores, dtype=np.float64)
    if not scores.size or not uniform_scores.size or uniform_scores.ndim not in (1, 2):
        raise ValueError(
            "score_samples has to have rows, and uniform_scores one or two axes and entries; "
            f"their shapes are {scores.shape} and {uniform_scores.shape}."
        )
    if np.isnan(scores).any() or np.isnan(uniform_scores).any():
        raise ValueError("score_samples and uniform_scores must not contain NaN.")
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
    """Scores of the rows, which are higher for more normal ones."""
    for name in ("score_samples", "decision_function"):
        if hasattr(estimator, name):
            scores = np.asarray(getattr(estimator, name)(X), dtype=np.float64)
            if scores.ndim != 1 or np.isnan(scores).any():
                raise ValueError(f"{name} of {estimator!r} did not give one number a row.")
            return scores
    raise TypeError(f"{estimator!r} has neither score_samples nor decision_function.")


def _alarms(estimator, X):
    """1 for the rows that the detector calls outliers."""
    predicted = np.asarray(estimator.predict(X))
    if not np.isin(predicted, [-1, 1]).all():
        raise ValueError(f"{estimator!r} predicts something other than -1 and 1.")
    return (predicted == -1).astype(int)


def _between(low, high, share):
    """low + share (high - low), without overflow and never outside of the two."""
    return np.clip(low * (1 - share) + high * share, low, high)


def _like(X, values):
    """``values`` as a data frame if ``X`` is one, so that columns keep their names."""
    if hasattr(X, "columns") and hasattr(X, "to_numpy"):
        return type(X)(dict(zip(X.columns, values.T, strict=True)))
    return values
