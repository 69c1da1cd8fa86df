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
from sklearn.utils.validation import _check_sample_weight

__all__ = ["excess_mass_score", "make_outlier_scorer", "mass_volume_loss"]

N_UNIFORM = 10_000  # uniform rows in a box of few columns
N_COLUMNS = 5  # most columns to be uniform at once
N_ROWS = 500  # most rows to be copied where there are more columns
N_COPIES = 100  # of each of them
BLOCK = 2**22  # entries of all copies scored at once
N_NAMED = 10  # most labels that an error lists

RANKINGS = {"roc_auc": roc_auc_score, "average_precision": average_precision_score}
DECISIONS = {
    "f1": (f1_score, {"zero_division": 0.0}),
    "precision": (precision_score, {"zero_division": 0.0}),
    "recall": (recall_score, {"zero_division": 0.0}),
    "balanced_accuracy": (balanced_accuracy_score, {}),
}

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
        Excess mass at which the curve ends; nearer to 1 looks at sets of nearly all rows only.

    Returns
    -------
    area : float
        At least (1 - min_mass^2) / 2, which is what equal scores get.

    See Also
    --------
    mass_volume_loss : The volume for a mass.
    make_outlier_scorer : Finds uniform rows itself.

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
    # EM(t) adds up width (slope - t)_+ over the least concave majorant of (volume, mass)
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
        Share of the rows that the smallest of the sets looked at holds.

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


# name: criterion, sign that makes higher better
LABEL_FREE = {"excess_mass": (excess_mass_score, 1), "mass_volume": (mass_volume_loss, -1)}


@validate_params(
    {
        "metric": [StrOptions({*RANKINGS, *DECISIONS, *LABEL_FREE}), callable],
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
        What to compute; higher is better for all of them.

        - "roc_auc", "average_precision": from ``score_samples`` or, where there is
          none, ``decision_function``. Both are higher for normal rows; the sign is
          turned so that outliers are the positive class, whatever their label.
        - "f1", "precision", "recall", "balanced_accuracy": from ``predict(X) == -1``.
          A ratio without a denominator is 0.
        - "excess_mass", "mass_volume": `excess_mass_score` and minus
          `mass_volume_loss`, from the scores without labels, see Notes.
        - A callable ``metric(is_outlier, score)`` with 1 for outliers and scores that
          are the higher the more anomalous. It gets ``sample_weight``, too, if there is.
    outlier_label : int, float, str or bool, default=-1
        Value of ``y`` that marks outliers; rows with any other are normal.
    random_state : int, default=0
        Seed of the uniform rows of the label-free criteria. Every call starts from it,
        so all candidates meet the same uniform rows on the same fold.

    Returns
    -------
    scorer : callable
        ``scorer(estimator, X, y=None, sample_weight=None)`` returns a float. It raises
        ValueError if ``y`` has no outliers or nothing else, rows of weight 0 left
        aside. ``set_score_request(sample_weight=True)`` asks for weights where
        scikit-learn's metadata routing is enabled.

    See Also
    --------
    excess_mass_score : The label-free criterion from scores.
    mass_volume_loss : The other one.

    Notes
    -----
    With a detector, ``GridSearchCV`` does not stratify folds: where outliers are few or
    rows are sorted, set ``cv=StratifiedKFold(shuffle=True)``.

    The label-free criteria [1]_ compare rows with uniform ones; given many of both, no
    scores do better than the true density. With up to five columns that vary, 10,000
    rows are uniform in the bounding box of ``X``. A box with more columns would be all
    but empty. There each row, or 500 of them drawn at random, has 100 copies in which
    five random columns that vary are uniform over their range. A row's volume then is
    the share of its own copies that score as high as it does: a volume in the slice of
    the box through the row. Sets of rows of at most some volume fill as much of every
    slice, and hold the more mass, the better the scores order each slice. The density
    orders all of them as well as can be, though it is no one slice's density, since
    only the order within a slice counts. [1]_ trains the detector anew on subsets of
    columns; here the one at hand is rated.

    Both look at sets that hold at least 90 % of the rows, so normal rows have to be that
    many; with more outliers, detectors that miss them are preferred. Values of detectors
    are comparable if ``X`` and ``random_state`` are the same. ``X`` has to be dense,
    numeric (NaN is passed on), and rows must be scored independently of each other, unlike
    stamps of a series. A detector that tells integers from fractions finds uniform
    values in columns of integers easily.

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


class _OutlierScorer(_MetadataRequester):
    """What `make_outlier_scorer` returns."""

    __metadata_request__score = {"estimator": UNUSED}  # leaves sample_weight to ask for

    def __init__(self, metric, outlier_label, random_state):
        self._metric = metric
        self._outlier_label = outlier_label
        self._random_state = random_state

    def __repr__(self):
        name = repr(self._name) if self._name else getattr(self._metric, "__name__", self._metric)
        if self._name in LABEL_FREE:
            return f"make_outlier_scorer({name}, random_state={self._random_state!r})"
        return f"make_outlier_scorer({name}, outlier_label={self._outlier_label!r})"

    def _routing_repr(self):
        return repr(self)

    def _accept_sample_weight(self):
        """What searches ask before they pass weights while routing is not enabled."""
        return bool(self._name) or "sample_weight" in signature(self._metric).parameters

    @property
    def _name(self):
        return self._metric if isinstance(self._metric, str) else None

    def score(self, estimator, X, y=None, sample_weight=None):
        if self._name in LABEL_FREE:
            criterion, sign = LABEL_FREE[self._name]
            scores, uniform_scores, weight = self._against_uniform(estimator, X, sample_weight)
            return sign * criterion(scores, uniform_scores, sample_weight=weight)
        weight = {}
        if sample_weight is not None:
            weight["sample_weight"] = _checked_weight(sample_weight, X)
        is_outlier = self._is_outlier(y, **weight)
        if self._name in DECISIONS:
            function, options = DECISIONS[self._name]
            return float(function(is_outlier, _alarms(estimator, X), **options, **weight))
        function = RANKINGS.get(self._name, self._metric)
        return float(function(is_outlier, -_normality(estimator, X), **weight))

    __call__ = score

    def _is_outlier(self, y, sample_weight=None):
        """1 for outliers, 0 for others; both have to be there."""
        if y is None:
            names = " and ".join(map(repr, LABEL_FREE))
            raise ValueError(f"{self!r} needs labels y; {names} do without.")
        labels = column_or_1d(y).tolist()
        check_consistent_length(labels, sample_weight)
        is_outlier = np.array([label == self._outlier_label for label in labels], dtype=int)
        counted = slice(None) if sample_weight is None else sample_weight > 0
        if len(set(is_outlier[counted])) < 2:
            found = list(dict.fromkeys(labels))
            more = ", ..." if len(found) > N_NAMED else ""
            raise ValueError(
                f"y needs outliers and others, with outlier_label={self._outlier_label!r}"
                f"{'' if sample_weight is None else ' and weights above 0'}, but its labels are "
                f"{', '.join(map(repr, found[:N_NAMED]))}{more}."
            )
        return is_outlier

    def _against_uniform(self, estimator, X, sample_weight):
        """Scores and weights of rows, and scores of the uniform rows to go with them."""
        values = check_array(X, dtype=np.float64, ensure_all_finite="allow-nan", input_name="X")
        weight = _checked_weight(sample_weight, values)
        scores = _normality(estimator, X)
        rows = np.flatnonzero(weight)
        rng = np.random.default_rng(self._random_state)
        low, high = np.fmin.reduce(values[rows], axis=0), np.fmax.reduce(values[rows], axis=0)
        varying = np.flatnonzero(low < high)
        if len(varying) <= N_COLUMNS:
            box = _between(low, high, rng.random((N_UNIFORM, len(low))))
            return scores[rows], _normality(estimator, _like(X, box)), weight[rows]
        if len(rows) > N_ROWS:
            rows = rng.choice(rows, N_ROWS, replace=False)
        order = rng.random((len(rows), len(varying)))
        columns = varying[np.argsort(order, axis=1)[:, :N_COLUMNS]]
        uniform_scores = np.empty((len(rows), N_COPIES))
        step = max(1, BLOCK // (N_COPIES * len(low)))
        for start in range(0, len(rows), step):
            block = slice(start, start + step)
            chosen = columns[block, None]
            copies = np.repeat(values[rows[block], None], N_COPIES, axis=1)
            uniform = rng.random((len(copies), N_COPIES, N_COLUMNS))
            np.put_along_axis(copies, chosen, _between(low[chosen], high[chosen], uniform), axis=2)
            copies = copies.reshape(-1, len(low))
            uniform_scores[block] = _normality(estimator, _like(X, copies)).reshape(-1, N_COPIES)
        return scores[rows], uniform_scores, weight[rows]


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
    weight = _checked_weight(sample_weight, scores)
    volume, index = np.unique((above + 1) / (uniform_scores.shape[-1] + 1), return_inverse=True)
    mass = np.cumsum(np.bincount(index, weights=weight))
    return mass / mass[-1], volume


def _checked_weight(sample_weight, X):
    """Weights of rows, all 1 for None; ValueError if one is negative or none positive."""
    weight = _check_sample_weight(sample_weight, X, dtype=np.float64)
    if (weight < 0).any() or not weight.any():
        raise ValueError("sample_weight has to be non-negative, and positive for some rows.")
    return weight


def _normality(estimator, X):
    """Scores of the rows, the higher the more normal."""
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
    """low + share (high - low), without overflow and never outside."""
    return np.clip(low * (1 - share) + high * share, low, high)


def _like(X, values):
    """``values`` as a data frame if ``X`` is one, so that columns keep their names."""
    if hasattr(X, "columns") and hasattr(X, "to_numpy"):
        return type(X)(dict(zip(X.columns, values.T, strict=True)))
    return values
