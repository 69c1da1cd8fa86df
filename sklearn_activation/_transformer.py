"""Unsupervised features."""

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin, _fit_context
from sklearn.utils import check_array
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from ._base import ActivationLearningBase
from ._progress import with_callbacks
from ._rows.scales import row_norms
from ._training import Training
from ._validation import all_or_nothing
from .kernels.rows import scale_to_unit


def _has_codes(transformer):
    if transformer.output != "linear":
        raise AttributeError(
            "inverse_transform is available with output='linear' only; this transformer has "
            f"output={transformer.output!r}."
        )
    return True


class TransformerTraining(Training):
    """A training of features: the last layer is activated, too."""

    activate_last = True

    @property
    def cut_off(self):
        """Activated features keep no small directions; codes keep what PCA would."""
        return (2.0 if self.estimator.output == "activated" else 1.0), 0.0


class CompetitiveHebbianTransformer(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, ActivationLearningBase
):
    """Unsupervised features by the local competitive Hebbian rule.

    Every row is scaled to norm 1 and passed through layers that compete for it:
    dW = rate (x - W y) y^T with y = W^T x (paper [1]_, eq. 4). A layer converges to the
    subspace of its inputs' leading principal components (uncentred), but mixes them
    instead of ranking them, and how long it learns decides how softly it cuts off.
    What a layer activates by tells how typical a row is.

    Parameters
    ----------
    layer_sizes : int, tuple of int or None, default=None
        Units of every layer. None: one layer as wide as the input, 1,024 at most.
    activation : {"abs", "std_abs", "layer_std_abs", "square"}, default="std_abs"
        Function between layers; all of them keep a row's norm (paper, section III.A).
        "std_abs" standardises abs(y) over the training rows, "layer_std_abs" only
        subtracts the row's own mean, which needs no statistics; "square" makes strong
        responses stronger, which suits features for a linear model.
    output : {"activated", "linear"}, default="activated"
        What ``transform`` returns: the last layer passed through ``activation`` and
        scaled to norm 1, for a linear model (its entries are small: a scaler between the
        two, or a larger ``C``, weakens the penalty); or the codes y = x W of rows at
        their own scale, which ``inverse_transform`` turns back into rows, the more
        faithfully the longer the learning time.
    solver : {"flow", "hebbian"}, default="flow"
        "flow" integrates the rule's gradient flow in closed form, one pass over the
        rows a layer. "hebbian" applies the rule itself to mini-batches, all layers
        together: slower by orders of magnitude, for rows that come one at a time and
        for studying the rule.
    learning_time : "auto", float > 0 or tuple of float, default="auto"
        Time t of the flow, for all layers or for each; t = (learning rate) x (number
        of batch-mean updates). Directions whose eigenvalue of E[x x^T] is well below
        log(1 / init_activation - 1) / (2 t) are not learned: a shorter time
        regularises more.
        "auto" puts the cut-off at twice the mean eigenvalue over the inputs in use: a
        direction is learned if it carries more than twice its even share of the rows'
        energy (the Kaiser-Guttman criterion takes once, and is known to keep too much
        [2]_). Codes (``output="linear"``) take once, to keep more of the rows. It
        follows from the statistics alone, so batches change nothing. ``fit`` with
        ``solver="hebbian"`` takes those of a sample of 2,048 rows; ``max_iter`` epochs
        may end before.
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
        Rotation of every layer, random start, order of mini-batches.
    verbose : int, default=0
        1 prints a line a layer (flow) or an epoch (hebbian).

    Attributes
    ----------
    coefs_ : list of ndarray of shape (n_inputs, n_units)
        Weights of every layer, input units along the rows.
    n_layers_ : int
    learning_times_ : ndarray of shape (n_layers,)
        The time each layer has learned for.
    n_iter_ : int
        Epochs of the stochastic solver, a part of one counts; 1 for the flow.
    activation_curve_ : ndarray of shape (n_points,)
        Mean output activation of the training rows as training advanced: at 20 equal
        steps of the last layer's learning time, or after every epoch (paper, Fig. 7b).
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        Only if the training columns had names.

    See Also
    --------
    ActivationLearningClassifier : Learns rows together with their labels.
    ActivationAnomalyDetector : Finds rows that activate less.
    sklearn.decomposition.PCA : The same subspace with one layer and no cut-off.

    Notes
    -----
    ``fit`` costs n_samples x n_inputs x n_units multiply-adds and one
    eigendecomposition a layer, and keeps no hidden features of all rows.

    Rows count by direction only, and ``x`` has the activated features of ``-x``. That
    suits entries of one kind and sign: pixels, counts, spectra. For a table put
    ``MinMaxScaler`` before it (standardised columns lose what their signs tell), give it
    several times as many units as there are columns, and put ``StandardScaler`` between
    its features and a linear model: with ``activation="square"`` that sees products of
    columns. A row of zeros has no direction: its features are zero.

    References
    ----------
    .. [1] H. Zhou, "Activation Learning by Local Competitions", arXiv:2209.13400.
    .. [2] D. A. Jackson, "Stopping Rules in Principal Components Analysis: A Comparison
       of Heuristical and Statistical Approaches", Ecology 74(8), 1993.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_activation import CompetitiveHebbianTransformer
    >>> X, _ = load_digits(return_X_y=True)
    >>> hebbian = CompetitiveHebbianTransformer(100, activation="square", random_state=0)
    >>> hebbian.fit_transform(X).shape
    (1797, 100)
    """

    _parameter_constraints = {
        **ActivationLearningBase._parameter_constraints,
        "output": [StrOptions({"activated", "linear"})],
    }

    def __init__(
        self,
        layer_sizes=None,
        *,
        activation="std_abs",
        output="activated",
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
        self.output = output
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
    def fit(self, X, y=None, sample_weight=None):
        """Learn the layers from the rows of ``X``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        y : ignored
            Accepted for pipelines, and ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight of 2 counts as two copies of the row.

        Returns
        -------
        self : object
            The fitted transformer.
        """
        with self._fitting(X, sample_weight=sample_weight):
            return self._learn_unlabelled(X, sample_weight, partial=False)

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None, sample_weight=None):
        """Learn from more rows.

        With ``solver="flow"`` and one layer the weights are those of ``fit`` on all
        rows so far, and "std_abs" standardises over a sample of 2,048 of them; with
        more layers the statistics of the upper ones are those of the features their
        rows had at the time.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        y : ignored
            Accepted for pipelines, and ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row; 2 counts as two copies.

        Returns
        -------
        self : object
            The fitted transformer.
        """
        with all_or_nothing(self):
            return self._learn_unlabelled(X, sample_weight, partial=True)

    def transform(self, X):
        """Turn rows into features.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        features : ndarray of shape (n_samples, n_units)
            Of float32 if the training rows were. Rows of norm 1 for ``output="activated"``.
        """
        X, model = self._fitted_rows(X), self._model()
        function = code_linearly if self.output == "linear" else activate
        return model.map(lambda block: function(model, block), X)

    def _training(self, previous, partial):
        return TransformerTraining(self, previous, partial)

    @available_if(_has_codes)
    def inverse_transform(self, X):
        """Reconstruct rows from linear codes, y W^T (paper, eq. 6).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_units)
            What ``transform`` returned with ``output="linear"`` and one layer.

        Returns
        -------
        rows : ndarray of shape (n_samples, n_features)
            At their own scale, no longer than they were.
        """
        check_is_fitted(self)
        if self.n_layers_ > 1:
            raise ValueError(
                f"inverse_transform needs one layer; this transformer has {self.n_layers_}."
            )
        Y = check_array(X, dtype=[np.float64, np.float32])
        W = self.coefs_[0]
        if Y.shape[1] != W.shape[1]:
            raise ValueError(f"X has {Y.shape[1]} columns, but there are {W.shape[1]} units.")
        return Y.astype(W.dtype, copy=False) @ W.T

    def score_samples(self, X):
        """Output activation of each row scaled to norm 1: how typical it is.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        activation : ndarray of shape (n_samples,)
            ||y||^2, in [0, 1].
        """
        X = self._fitted_rows(X)
        return self._model().energies(X)

    def score(self, X, y=None):
        """Mean output activation of the rows of ``X``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        y : ignored
            Accepted for pipelines, and ignored.

        Returns
        -------
        activation : float
            In [0, 1]; higher for rows like those of the training.
        """
        return float(self.score_samples(X).mean())

    @property
    def _n_features_out(self):
        return self.coefs_[-1].shape[1]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def activate(model, X):
    """Features of rows: outputs after the last activation, of norm 1."""
    F = model.network.hidden(model.encode(X), len(model.network))
    scale_to_unit(F, F.shape[1])
    return F


def code_linearly(model, X):
    """Linear outputs of the last layer, at the rows' own scale (paper, eq. 6)."""
    last = len(model.network) - 1
    Y = model.network.hidden(model.encode(X), last) @ model.network.coefs[last]
    with np.errstate(over="ignore"):
        norms = row_norms(X)  # of a float32 row, its norm may be too large for one
    return Y * np.minimum(norms, np.finfo(Y.dtype).max).astype(Y.dtype)[:, None]
