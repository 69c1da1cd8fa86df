"""Scorers that let model selection compare outlier detectors."""

from numbers import Integral, Real

import numpy as np
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    f1_score,
    precision_score,
    recall_score,
    roc_auc_score,
)
from sklearn.utils import check_array, column_or_1d
from sklearn.utils._param_validation import Interval, StrOptions, validate_params
from sklearn.utils.validation import _check_sample_weight

__all__ = ["make_outlier_scorer"]

N_UNIFORM = 10_000  # uniform rows in a box of few columns
N_COLUMNS = 5  # most columns of a box
N_SUBSETS = 10  # boxes over random columns where there are more
N_UNIFORM_SUBSET = 2_000  # uniform rows in each of those
MASS = 0.9  # least share of the rows that a level set has to hold

RANKINGS = {"roc_auc": roc_auc_score, "average_precision": average_precision_score}
DECISIONS = {
    "f1": (f1_score, {"zero_division": 0.0}),
    "precision": (precision_score, {"zero_division": 0.0}),
    "recall": (recall_score, {"zero_division": 0.0}),
    "balanced_accuracy": (balanced_accuracy_score, {}),
}


@validate_params(
    {
        "metric": [StrOptions({*RANKINGS, *DECISIONS, "excess_mass", "mass_volume"}), callable],
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

        - "roc_auc", "average_precision": from the scores. They are the detector's
          ``score_samples`` or, where it has none, ``decision_function``, negated, so
          that outliers are the positive class whatever their label.
        - "f1", "precision", "recall", "balanced_accuracy": from ``predict(X) == -1``;
          0 where a ratio has no denominator.
        - "excess_mass", "mass_volume": from the scores without any labels, see Notes.
        - A callable ``metric(is_outlier, score)``, 1 for outliers and the higher the
          more anomalous. It gets ``sample_weight=`` as well if the scorer does.
    outlier_label : int, float, str or bool, default=-1
        Value of ``y`` that marks outliers; all others are normal rows.
    random_state : int, default=0
        Seed of the uniform rows. Every call starts from it, so that candidates meet
        the same uniform rows on the same fold.

    Returns
    -------
    scorer : callable
        ``scorer(estimator, X, y=None, sample_weight=None)`` returns a float. Without
        labels, ``y`` is ignored. Otherwise a ValueError is raised if ``y`` has no
        outliers or only outliers; a detector is no classifier, so ``cv`` has to be a
        ``StratifiedKFold`` where outliers are few.

    Notes
    -----
    Both label-free criteria [1]_ compare the rows with 10,000 uniform rows in the
    bounding box of ``X``. The set {score >= u} has a mass, the (weighted) share of the
    rows in it, and a volume, the share of the uniform rows in it, one row being added
    to both counts so that it is never 0. The volume of the box thus counts as 1.

    - "excess_mass": area under EM(t) = max over u of mass(u) - t volume(u), from t = 0
      to where it falls to 0.9.
    - "mass_volume": minus the area under MV(a), the volume of the smallest such set
      that holds a mass of a, from a = 0.9 to 1.

    Beyond five columns the box would be all but empty. There the value is the mean over
    10 random subsets of five columns, each with 2,000 uniform rows: they are uniform in
    the subset's bounding box, and their other columns are those of rows of ``X``, drawn
    with replacement by their weight. Unlike in [1]_ no detector is trained on a subset,
    so the one at hand is what is rated. ``X`` has to be dense, numeric and finite, and
    rows without weight count for nothing. Values are comparable on the same ``X`` only.
    Any scores reach an excess mass of 0.095, that of the whole box. Rows without outliers
    that nearly fill their box, as in one column, give little more even to a detector
    that is right; mass-volume tells better there.

    References
    ----------
    .. [1] N. Goix, "How to evaluate the quality of unsupervised anomaly detection
       algorithms?", arXiv:1607.01152, 2016.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.ensemble import IsolationForest
    >>> from sklearn_activation.metrics import make_outlier_scorer
    >>> X = np.r_[np.random.RandomState(0).normal(size=(100, 2)), [[9, 9], [-9, 9]]]
    >>> y = np.r_[np.zeros(100), np.ones(2)]
    >>> scorer = make_outlier_scorer("roc_auc", outlier_label=1)
    >>> scorer(IsolationForest(random_state=0).fit(X[:100]), X, y)
    1.0
    """
    return _OutlierScorer(metric, outlier_label, random_state)


class _OutlierScorer:
    """What ``make_outlier_scorer`` returns."""

    def __init__(self, metric, outlier_label, random_state):
        self.metric = metric
        self.outlier_label = outlier_label
        self.random_state = random_state

    def __repr__(self):
        metric = self.metric
        name = repr(metric) if isinstance(metric, str) else getattr(metric, "__name__", metric)
        return (
            f"make_outlier_scorer({name}, outlier_label={self.outlier_label!r}, "
            f"random_state={self.random_state!r})"
        )

    def __call__(self, estimator, X, y=None, sample_weight=None):
        if self.metric == "excess_mass":
            return self._label_free(_excess_mass, estimator, X, sample_weight)
        if self.metric == "mass_volume":
            return -self._label_free(_mass_volume, estimator, X, sample_weight)
        is_outlier = self._is_outlier(y)
        weight = {} if sample_weight is None else {"sample_weight": sample_weight}
        if isinstance(self.metric, str) and self.metric in DECISIONS:
            function, options = DECISIONS[self.metric]
            return float(function(is_outlier, _alarms(estimator, X), **options, **weight))
        function = RANKINGS[self.metric] if isinstance(self.metric, str) else self.metric
        return float(function(is_outlier, -_normality(estimator, X), **weight))

    def _is_outlier(self, y):
        if y is None:
            raise ValueError(f"{self!r} needs y; 'excess_mass' and 'mass_volume' do without.")
        labels = column_or_1d(y).tolist()
        is_outlier = np.array([label == self.outlier_label for label in labels], dtype=int)
        if not 0 < is_outlier.sum() < len(labels):
            raise ValueError(
                "y needs both outliers and normal rows, but with "
                f"outlier_label={self.outlier_label!r} all of its labels are "
                f"{'outliers' if is_outlier.any() else 'normal'}: {sorted(set(labels), key=str)}."
            )
        return is_outlier

    def _label_free(self, criterion, estimator, X, sample_weight):
        values = check_array(X, dtype=np.float64)
        weight = _check_sample_weight(sample_weight, values, dtype=np.float64)
        if (weight < 0).any() or not weight.any():
            raise ValueError("sample_weight has to be non-negative and not zero throughout.")
        scores = _normality(estimator, X)
        values, scores, weight = values[weight > 0], scores[weight > 0], weight[weight > 0]
        rng = np.random.default_rng(self.random_state)
        results = []
        for uniform in _uniform_rows(values, weight, rng):
            uniform_scores = _normality(estimator, _like(X, uniform))
            results.append(criterion(*_level_sets(scores, weight, uniform_scores)))
        return float(np.mean(results))


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
        raise ValueError(f"{estimator!r} predicts something else than -1 and 1.")
    return (predicted == -1).astype(int)


def _uniform_rows(values, weight, rng):
    """Rows uniform in the bounding box, or in that of one subset of columns after another."""
    low, high = values.min(axis=0), values.max(axis=0)
    n_columns = values.shape[1]
    if n_columns <= N_COLUMNS:
        yield rng.uniform(low, high, (N_UNIFORM, n_columns))
        return
    for _ in range(N_SUBSETS):
        columns = rng.choice(n_columns, N_COLUMNS, replace=False)
        drawn = rng.choice(len(values), N_UNIFORM_SUBSET, p=weight / weight.sum())
        rows = values[drawn]
        rows[:, columns] = rng.uniform(low[columns], high[columns], (len(rows), N_COLUMNS))
        yield rows


def _like(X, values):
    """``values`` as a data frame where ``X`` is one, so that columns keep their names."""
    if hasattr(X, "columns") and hasattr(X, "to_numpy"):
        return type(X)(dict(zip(X.columns, values.T, strict=True)))
    return values


def _level_sets(scores, weight, uniform_scores):
    """Mass and volume of {score >= u} for every u among ``scores``, from the highest."""
    levels, index = np.unique(-scores, return_inverse=True)
    mass = np.cumsum(np.bincount(index.ravel(), weights=weight))
    inside = np.searchsorted(np.sort(-uniform_scores), levels, side="right")
    return mass / mass[-1], (inside + 1) / (len(uniform_scores) + 1)


def _excess_mass(mass, volume):
    large = mass >= MASS  # smaller sets have an excess mass below it
    mass, volume = mass[large], volume[large]
    t = np.linspace(0, ((mass - MASS) / volume).max(), 201)
    excess = (mass - t[:, None] * volume).max(axis=1)
    return t[1] * (excess[:-1] + excess[1:]).sum() / 2


def _mass_volume(mass, volume):
    reached = np.maximum(mass, MASS)
    return volume @ np.diff(reached, prepend=MASS)
