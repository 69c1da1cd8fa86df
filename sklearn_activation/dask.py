"""Exact training and scoring of tables that no single machine holds, on Dask.

``fit`` learns a Dask array, a Dask data frame or a list of delayed blocks. The result is the
ordinary fitted estimator, with the weights and scores that ``estimator.fit`` would find for all
rows in memory. The other functions answer lazily: arrays in, arrays out, and frames in, frames
out. The guide :doc:`/guide/large` shows both on one machine and on many.

The computation uses the Dask client that is active, or else the threads of this process. Each task
limits BLAS to one thread, so start as many worker threads as there are cores.
"""

try:
    import dask  # noqa: F401
except ImportError as error:  # pragma: no cover - Dask is an extra.
    raise ImportError(
        "sklearn_activation.dask needs Dask. Install it with "
        "pip install 'sklearn-activation[dask]'."
    ) from error

from ._distributed.collections import pieces_of
from ._distributed.scoring import answer
from ._distributed.training import learn_pieces

__all__ = [
    "decision_function",
    "fit",
    "impute",
    "p_values",
    "predict",
    "predict_proba",
    "score_samples",
    "transform",
]


def fit(estimator, X, y=None, sample_weight=None):
    """Fit an estimator to a table in pieces.

    Each layer takes one pass over the pieces, and a second pass if its outputs are activated.
    Workers add up their statistics in a tree, and the client solves the layer. The memory that the
    client and each worker need does not grow with the number of rows. The result equals
    ``estimator.fit`` on all rows, apart from rounding.

    Parameters
    ----------
    estimator : ActivationAnomalyDetector, ActivationLearningClassifier, \
            CompetitiveHebbianTransformer or ActivationImputer
        An estimator with ``solver="flow"``, and without ``window``. A classifier needs
        ``feedback=False``.
    X : Dask array, Dask data frame, or list of Delayed
        Rows of shape (n_samples, n_features) in pieces, each an array or a data frame. The numbers
        of rows may be unknown, and a piece may be empty. Each pass reads the pieces again: call
        ``X.persist()`` if the rows fit into the memory of all workers.
    y : Dask array, Dask series, list of Delayed, or array-like, default=None
        Labels for a classifier, cut into pieces at the same rows as ``X``. An array in memory is
        cut like ``X`` if the numbers of rows are known. The other estimators ignore ``y``.
    sample_weight : like y, default=None
        Weight of each row. A weight of 2 counts as two copies of the row.

    Returns
    -------
    estimator : object
        The estimator, which is now fitted.

    Raises
    ------
    ValueError
        If a parameter needs all rows in memory, if the pieces do not fit together, or if a piece
        cannot be learned. The message names the parameter or the number of the partition.

    Notes
    -----
    A detector and an imputer learn from about 50,000 and 20,000 rows of a larger table. These rows
    are drawn as ``fit`` draws them, in three passes. The attribute ``training_scores_`` of a
    detector then holds the scores of the drawn rows only. ``score_samples`` of this module scores
    all rows, and recognises the drawn rows.

    Examples
    --------
    >>> import dask.array as da
    >>> from sklearn_activation import ActivationAnomalyDetector
    >>> from sklearn_activation.dask import fit, score_samples
    >>> X = da.random.default_rng(0).normal(size=(3000, 4), chunks=(1000, 4))
    >>> detector = fit(ActivationAnomalyDetector(random_state=0), X)
    >>> score_samples(detector, X).compute().shape
    (3000,)
    """
    return learn_pieces(estimator, pieces_of(estimator, X, y, sample_weight))


def predict(estimator, X):
    """Compute the label of each row, or -1 for an anomaly and +1 for a normal row, lazily.

    Parameters
    ----------
    estimator : object
        A fitted estimator with the method ``predict``.
    X : Dask array, Dask data frame, or list of Delayed
        Rows of shape (n_samples, n_features).

    Returns
    -------
    result : Dask array, Dask series, or list of Delayed
        The result of ``estimator.predict`` for each piece, of the kind of ``X``. A series
        has the index of ``X``.

    Examples
    --------
    >>> import dask.array as da
    >>> from sklearn_activation import ActivationLearningClassifier
    >>> from sklearn_activation.dask import fit, predict
    >>> X = da.random.default_rng(0).normal(size=(900, 4), chunks=(300, 4))
    >>> classifier = ActivationLearningClassifier(feedback=False, random_state=0)
    >>> classifier = fit(classifier, X, X[:, 0] > 0)
    >>> float((predict(classifier, X) == (X[:, 0] > 0)).mean()) > 0.9
    True
    """
    return answer(estimator, "predict", X)


def predict_proba(estimator, X):
    """Compute the probability of each label for each row, lazily.

    Parameters
    ----------
    estimator : object
        A fitted estimator with the method ``predict_proba``.
    X : Dask array, Dask data frame, or list of Delayed
        Rows of shape (n_samples, n_features).

    Returns
    -------
    result : Dask array, Dask data frame, or list of Delayed
        The result of ``estimator.predict_proba`` for each piece, of the kind of ``X``. The
        columns of a data frame are the labels in ``classes_``.

    Examples
    --------
    >>> import dask.array as da
    >>> from sklearn_activation import ActivationLearningClassifier
    >>> from sklearn_activation.dask import fit, predict_proba
    >>> X = da.random.default_rng(0).normal(size=(900, 4), chunks=(300, 4))
    >>> classifier = ActivationLearningClassifier(feedback=False, random_state=0)
    >>> classifier = fit(classifier, X, X[:, 0] > 0)
    >>> predict_proba(classifier, X).compute().shape
    (900, 2)
    """
    return answer(estimator, "predict_proba", X)


def decision_function(estimator, X):
    """Compute activations with each label, or scores minus the threshold, lazily.

    Parameters
    ----------
    estimator : object
        A fitted estimator with the method ``decision_function``.
    X : Dask array, Dask data frame, or list of Delayed
        Rows of shape (n_samples, n_features).

    Returns
    -------
    result : Dask array, Dask series or data frame, or list of Delayed
        The result of ``estimator.decision_function`` for each piece, of the kind of ``X``.
        With three labels or more, the columns of a data frame are the labels in
        ``classes_``.

    Examples
    --------
    >>> import dask.array as da
    >>> from sklearn_activation import ActivationAnomalyDetector
    >>> from sklearn_activation.dask import fit, decision_function
    >>> X = da.random.default_rng(0).normal(size=(900, 4), chunks=(300, 4))
    >>> detector = fit(ActivationAnomalyDetector(random_state=0), X)
    >>> alarms = decision_function(detector, X) < 0
    >>> float(alarms.mean()) < 0.05
    True
    """
    return answer(estimator, "decision_function", X)


def score_samples(estimator, X):
    """Compute how typical each row is, lazily.

    Parameters
    ----------
    estimator : object
        A fitted estimator with the method ``score_samples``.
    X : Dask array, Dask data frame, or list of Delayed
        Rows of shape (n_samples, n_features).

    Returns
    -------
    result : Dask array, Dask series, or list of Delayed
        The result of ``estimator.score_samples`` for each piece, of the kind of ``X``. A
        series has the index of ``X``.

    Examples
    --------
    >>> import dask.array as da
    >>> from sklearn_activation import ActivationAnomalyDetector
    >>> from sklearn_activation.dask import fit, score_samples
    >>> X = da.random.default_rng(0).normal(size=(900, 4), chunks=(300, 4))
    >>> detector = fit(ActivationAnomalyDetector(random_state=0), X)
    >>> scores = score_samples(detector, X)
    >>> scores.chunks
    ((300, 300, 300),)
    """
    return answer(estimator, "score_samples", X)


def p_values(estimator, X):
    """Compute how rare the score of each row is among normal rows, lazily.

    Parameters
    ----------
    estimator : object
        A fitted estimator with the method ``p_values``.
    X : Dask array, Dask data frame, or list of Delayed
        Rows of shape (n_samples, n_features).

    Returns
    -------
    result : Dask array, Dask series, or list of Delayed
        The result of ``estimator.p_values`` for each piece, of the kind of ``X``. A series
        has the index of ``X``.

    Examples
    --------
    >>> import dask.array as da
    >>> from sklearn_activation import ActivationAnomalyDetector
    >>> from sklearn_activation.dask import fit, p_values
    >>> X = da.random.default_rng(0).normal(size=(900, 4), chunks=(300, 4))
    >>> detector = fit(ActivationAnomalyDetector(random_state=0), X)
    >>> rare = p_values(detector, X) < 0.01
    >>> float(rare.mean()) < 0.05
    True
    """
    return answer(estimator, "p_values", X)


def transform(estimator, X):
    """Compute the features of each row, or fill the missing values of rows, lazily.

    Parameters
    ----------
    estimator : object
        A fitted estimator with the method ``transform``.
    X : Dask array, Dask data frame, or list of Delayed
        Rows of shape (n_samples, n_features).

    Returns
    -------
    result : Dask array, Dask data frame, or list of Delayed
        The result of ``estimator.transform`` for each piece, of the kind of ``X``. The
        columns of a data frame are those of ``get_feature_names_out``.

    Examples
    --------
    >>> import dask.array as da
    >>> from sklearn_activation import CompetitiveHebbianTransformer
    >>> from sklearn_activation.dask import fit, transform
    >>> X = da.random.default_rng(0).normal(size=(900, 4), chunks=(300, 4))
    >>> transformer = fit(CompetitiveHebbianTransformer(), X)
    >>> transform(transformer, X).compute().shape
    (900, 4)
    """
    return answer(estimator, "transform", X)


def impute(imputer, X):
    """Fill the missing values of rows, lazily.

    Parameters
    ----------
    imputer : ActivationImputer
        A fitted imputer.
    X : Dask array, Dask data frame, or list of Delayed
        Rows of shape (n_samples, n_features), in which values may be missing.

    Returns
    -------
    result : Dask array, Dask data frame, or list of Delayed
        The rows without missing values, of the kind of ``X``. Columns of a data frame keep their
        types.

    Examples
    --------
    >>> import dask.array as da
    >>> import numpy as np
    >>> from sklearn_activation import ActivationImputer
    >>> from sklearn_activation.dask import fit, impute
    >>> X = da.random.default_rng(0).normal(size=(900, 4), chunks=(300, 4))
    >>> X = da.where(X > 2, np.nan, X)
    >>> imputer = fit(ActivationImputer(random_state=0), X)
    >>> bool(da.isnan(impute(imputer, X)).any())
    False
    """
    return answer(imputer, "transform", X)
