"""Features of rows without labels."""

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin, _fit_context
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from ._base import ActivationLearningBase
from ._progress import with_callbacks
from ._rows.scales import narrow, row_norms
from ._state import learns, reads, reads_in, twin_of
from ._training import Training
from ._validation import read_rows
from .kernels.rows import scale_to_unit


def _has_codes(transformer):
    if transformer.output != "linear":
        raise AttributeError(
            "inverse_transform is available with output='linear' only, but this transformer has "
            f"output={transformer.output!r}."
        )
    return True


class TransformerTraining(Training):
    """A training for features, in which the outputs of the last layer are activated, too."""

    activate_last = True
    n_full = 0

    @property
    def cut_off(self):
        """``share`` and ``least`` of the mean eigenvalue, below which directions are not learned.

        Activated features leave small directions out, and linear codes keep what PCA would keep.
        """
        return (2.0 if self.estimator.output == "activated" else 1.0), 0.0


@reads_in("transform", "score_samples", "get_feature_names_out")
class CompetitiveHebbianTransformer(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, ActivationLearningBase
):
    """Make features from rows of numbers without labels.

    ``CompetitiveHebbianTransformer(500).fit_transform(X)`` returns 500 features for each row of
    ``X``. The features serve a linear model or a clustering after them in a pipeline. Rows are
    compared by their direction only, which suits images, spectra and counts. The network learns
    with a local rule in which units compete for the input (paper [1]_, eq. 4). A layer learns the
    same subspace as uncentred PCA, but each unit mixes the components. The learning time decides
    how many components the layer keeps. The user guide explains :doc:`the rule </guide/rule>` and
    :doc:`the learning time </guide/learning_time>`.

    Parameters
    ----------
    layer_sizes : int, tuple of int or None, default=None
        Number of units of each layer; the last layer has one unit for each feature. None means one
        layer with as many units as ``X`` has columns, up to 1,024. Give a larger number for a
        table with few columns, such as ten units for each column. Give several numbers to make
        several layers. With ``receptive_field``, the numbers count units at each place of the
        image, and None means three, or as many as there are channels.
    image_shape : tuple of int or None, default=None
        Shape of the images in the rows of ``X``: (height, width, channels), (height, width) for
        one channel, or (length,) for series. Only ``receptive_field`` needs the shape. With an
        ``augment`` that crops, it is the shape after the crop.
    receptive_field : odd int, tuple of odd int or None, or None, default=None
        Width of the square field that each unit reads, in pixels. None means that each unit reads
        the whole row. With a number, units stand at each place of the image and read the field
        around their place, and neighbours compete for the inputs that they share (paper, section
        V.A). Give a tuple with a number, or None, for each layer if they differ. Choose 5 to 9
        for images in which neighbouring pixels belong together, such as photographs.
    activation : {"abs", "std_abs", "layer_std_abs", "square"}, default="std_abs"
        Function through which the outputs of a layer pass before the next layer reads them. "abs"
        takes absolute values, and "square" takes squares. "std_abs" standardises the absolute
        values over the training rows, and "layer_std_abs" subtracts their mean over the units of
        the layer. Change the function if cross-validation shows that another one suits your data.
        The :doc:`user guide </guide/rule>` has the formulas.
    output : {"activated", "linear"}, default="activated"
        What ``transform`` returns. "activated" passes the last layer through ``activation`` and
        scales each row to length 1. The activated features are small numbers: put a
        ``StandardScaler`` between the transformer and a linear model. "linear" returns the codes y
        = x W at the scale of the rows; choose it for fewer dimensions, because
        ``inverse_transform`` turns codes back into rows.
    solver : {"flow", "hebbian"}, default="flow"
        "flow" computes the trained network in closed form, with one or two passes over the rows
        for each layer. "hebbian" applies the learning rule to one mini-batch after another, and is
        slower by orders of magnitude. Choose "hebbian" to study the rule, or for rows that arrive
        one at a time.
    learning_time : "auto", float > 0 or tuple of float, default="auto"
        How long the network learns. A shorter time regularises more. "auto" keeps the directions
        that carry more than twice their even share of the rows' energy; with ``output="linear"``,
        "auto" keeps all above the even share [2]_. Give one number, or one for each layer, to keep
        more or fewer directions. Search in steps of ten around ``learning_times_``.
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
    augment : callable or None, default=None
        Function ``(X, rng) -> X`` that changes rows at random, such as those of
        ``sklearn_activation.augmentation``. Each epoch of ``solver="hebbian"`` then learns
        other views of the rows, and ``solver="flow"`` learns one view of each row. All other
        methods see the rows of the function's method ``for_prediction``, or the rows themselves.
        Set ``augment`` for images whose meaning a shift or a mirror does not change. See the
        :doc:`user guide </guide/images>`.
    warm_start : bool, default=False
        Whether ``fit`` goes on from the previous fit. With ``solver="hebbian"``, ``fit`` starts
        from the current weights. With ``solver="flow"``, ``fit`` takes the learning times of the
        previous fit. Set ``warm_start`` to True to save time when you fit similar rows again.
    n_jobs : int, default=None
        Number of threads that work on blocks of rows. None means as many as BLAS, NumPy's linear
        algebra, would use, up to 8. -1 means one for each core. Meanwhile BLAS has fewer threads,
        so that the threads do not multiply. Raise ``n_jobs`` if BLAS is limited to one thread.
    random_state : int, RandomState instance or None, default=None
        Source of all random numbers: the rotation of each layer, the first weights, and the order
        of rows in an epoch. Pass an int to get the same result in every run.
    verbose : int, default=0
        1 prints a line for each layer with ``solver="flow"``, or for each epoch with
        ``solver="hebbian"``. 0 prints nothing.

    Attributes
    ----------
    coefs_ : list of ndarray of shape (n_inputs, n_units)
        Weights of each layer, with one row for each input and one column for each unit. A layer
        with ``receptive_field`` is an object that stores the weights of connections only. Its
        method ``toarray`` returns the ndarray, and its attribute ``fields`` holds the weights in
        an ndarray of shape (height, width, n_units, field_height, field_width * channels).
    n_layers_ : int
        Number of layers.
    learning_times_ : ndarray of shape (n_layers,)
        Learning time of each layer.
    n_iter_ : int
        Number of epochs of ``solver="hebbian"``; a part of an epoch counts as one. The number is 1
        with ``solver="flow"``.
    activation_curve_ : ndarray of shape (n_points,)
        Mean output activation of the training rows during training. The curve has one entry for
        each of 20 equal steps of the last layer's learning time, or one for each epoch (paper,
        Fig. 7b).
    n_features_in_ : int
        Number of columns in training.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns in training. The attribute exists only if the columns had names.
    standards_ : list of (mean, scale), each an ndarray of shape (n_units,)
        Mean of the absolute output of each unit over the training rows, and the reciprocal of
        its deviation, for each layer. The scale is 0 for a unit whose absolute output never
        varied. Only ``activation="std_abs"`` uses both.

    See Also
    --------
    ActivationLearningClassifier : Learns rows together with their labels.
    ActivationAnomalyDetector : Finds rows with a low activation.
    CompetitiveHebbianPatchTransformer : Learns images with the same weights at all places.
    sklearn.decomposition.PCA : Finds the same subspace with a sharp cut-off.

    Notes
    -----
    **Tables.** Rows count by direction only, and the activated features of ``x`` and ``-x`` are
    the same. Pixels, counts and spectra suit the transformer, because their entries have one unit
    and one sign. For other tables, put ``MinMaxScaler`` before the transformer, because
    standardised columns lose the meaning of their signs. Put ``PolynomialFeatures(1)`` after
    ``MinMaxScaler``: its column of ones lets the transformer tell rows apart that differ in length
    only. Give the layer about ten units for each column, and choose ``activation="square"``: a
    linear model then sees products of columns. Put ``StandardScaler`` between the features and the
    linear model. The guide :doc:`compares the activations </guide/features>`. A row of zeros has
    no direction, and its features are zero.

    **Formula.** Another network can go on from ``coefs_``. Let ``z`` be a row scaled to length 1.
    Each layer with weights ``W`` computes ``y = z @ W`` and passes on ``z = norm(y) * u /
    norm(u)``. The vector ``u`` is ``abs(y)`` for "abs", ``y**2`` for "square", and ``abs(y) -
    mean(abs(y))``, with the mean over the units, for "layer_std_abs". For "std_abs", ``u`` is
    ``(abs(y) - mean) * scale``, with ``mean`` and ``scale`` of the layer in ``standards_``. If
    ``u`` is 0 in all entries, ``u`` is ``abs(y)`` instead. The features are the last ``z``, scaled
    to length 1. With ``output="linear"``, the codes are the last ``y`` times the length of the
    row. The guide :doc:`has the layers in PyTorch </guide/features>`.

    **Learning time.** A direction whose eigenvalue of E[x x^T] is well below log(1 /
    init_activation - 1) / (2 t) is not learned. ``fit`` with ``solver="hebbian"`` takes the
    automatic times of a sample of 2,048 rows, but not more than ``max_iter`` epochs.

    **Cost.** For each layer, ``fit`` takes n_samples x n_inputs x n_units multiplications and one
    eigendecomposition. ``fit`` does not store the hidden features of all rows.

    References
    ----------
    .. [1] H. Zhou, "Activation Learning by Local Competitions", arXiv:2209.13400.
    .. [2] D. A. Jackson, "Stopping Rules in Principal Components Analysis: A Comparison of
       Heuristical and Statistical Approaches", Ecology 74(8), 1993.

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
        **ActivationLearningBase._image_constraints,
        "output": [StrOptions({"activated", "linear"})],
        "augment": [callable, None],
    }

    def __init__(
        self,
        layer_sizes=None,
        *,
        image_shape=None,
        receptive_field=None,
        activation="std_abs",
        output="activated",
        solver="flow",
        learning_time="auto",
        init_activation=0.1,
        learning_rate=0.1,
        max_iter=100,
        batch_size=100,
        augment=None,
        warm_start=False,
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.layer_sizes = layer_sizes
        self.image_shape = image_shape
        self.receptive_field = receptive_field
        self.activation = activation
        self.output = output
        self.solver = solver
        self.learning_time = learning_time
        self.init_activation = init_activation
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.augment = augment
        self.warm_start = warm_start
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    @with_callbacks
    @learns
    def fit(self, X, y=None, sample_weight=None):
        """Learn the layers from rows.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows of numbers, without missing values.
        y : ignored
            ``y`` has no effect. A pipeline may pass ``y``.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row. A weight of 2 counts as two copies of the row.

        Returns
        -------
        self : object
            The fitted transformer.
        """
        self._learn_unlabelled(X, sample_weight, partial=False)

    @_fit_context(prefer_skip_nested_validation=True)
    @learns
    def partial_fit(self, X, y=None, sample_weight=None):
        """Learn from one more batch of rows, without the rows of earlier batches.

        With ``solver="flow"`` and one layer, the weights equal the weights after one ``fit`` on
        all rows. "std_abs" standardises over a sample of 2,048 of the rows. With several layers,
        the upper layers add up features that earlier networks have computed, and the result is
        close to one ``fit``.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows of numbers, without missing values.
        y : ignored
            ``y`` has no effect. A pipeline may pass ``y``.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row. A weight of 2 counts as two copies of the row.

        Returns
        -------
        self : object
            The fitted transformer.
        """
        self._learn_unlabelled(X, sample_weight, partial=True)

    def transform(self, X):
        """Turn rows into features.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows of numbers, without missing values.

        Returns
        -------
        features : ndarray of shape (n_samples, n_units)
            One column for each unit of the last layer, in float32 if the training rows were. Rows
            have length 1 with ``output="activated"``. With ``output="linear"``, codes have the
            scale of the rows, limited to the largest number of the data type.
        """
        X, model = self._fitted_rows(X), self._model()
        function = code_linearly if self.output == "linear" else activate
        return model.map(lambda block: function(model, block), X)

    def _training(self, previous, partial):
        return TransformerTraining(self, previous, partial)

    @available_if(_has_codes)
    @reads
    def inverse_transform(self, X):
        """Turn linear codes back into rows, y W^T (paper, eq. 6).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_units)
            Codes that ``transform`` has returned with ``output="linear"`` and one layer.

        Returns
        -------
        rows : ndarray of shape (n_samples, n_features)
            Reconstructed rows at their own scale. A reconstructed row is no longer than the row
            was. With ``augment``, the rows are those of its method ``for_prediction``.

        Raises
        ------
        AttributeError
            If ``output`` is "activated".
        ValueError
            If the transformer has several layers, or if ``X`` has another number of columns than
            the layer has units.
        """
        check_is_fitted(self)
        if self.n_layers_ > 1:
            raise ValueError(
                f"inverse_transform needs one layer, but this transformer has {self.n_layers_}. "
                "Fit a transformer with a single number of layer_sizes."
            )
        Y = read_rows(X)
        W = self.coefs_[0]
        if Y.shape[1] != W.shape[1]:
            raise ValueError(
                f"X has {Y.shape[1]} columns, but the layer has {W.shape[1]} units. Give the "
                "codes that transform of this transformer has returned."
            )
        return decode_linearly(W, Y)

    def score_samples(self, X):
        """Score how typical the direction of each row is.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows of numbers, without missing values.

        Returns
        -------
        activation : ndarray of shape (n_samples,)
            Output activation ||y||^2 of the row scaled to length 1, from 0 to 1. A higher value is
            more typical.
        """
        X = self._fitted_rows(X)
        return self._model().energies(X)

    def score(self, X, y=None):
        """Compute the mean output activation of rows.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows of numbers, without missing values.
        y : ignored
            ``y`` has no effect. A pipeline may pass ``y``.

        Returns
        -------
        activation : float
            Mean activation from 0 to 1. A higher value means that the rows resemble the training
            rows more.
        """
        return float(self.score_samples(X).mean())

    @property
    def standards_(self):
        """Mean and reciprocal deviation of the absolute outputs, for the units of each layer."""
        check_is_fitted(self)
        network = twin_of(self)._model().network
        return [network.standard(layer, W.dtype) for layer, W in enumerate(network.coefs)]

    @property
    def _n_features_out(self):
        return self.coefs_[-1].shape[1]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def activate(model, X):
    """Return the features of rows: the activated outputs of the last layer, scaled to length 1."""
    F = model.network.hidden(model.encode(X), len(model.network))
    scale_to_unit(F, F.shape[1])
    return F


def code_linearly(model, X):
    """Return the linear outputs of the last layer at the scale of the rows (paper, eq. 6)."""
    last = len(model.network) - 1
    Y = model.network.hidden(model.encode(X), last) @ model.network.coefs[last]
    return narrow(Y * row_norms(model.encoding.view(X))[:, None], Y.dtype)


def decode_linearly(W, Y):
    """Return the rows that belong to linear codes ``Y`` of any size."""
    largest = np.abs(Y).max(axis=1, keepdims=True).astype(np.float64)
    Z = (Y / np.where(largest > 0, largest, 1)).astype(W.dtype, copy=False)
    with np.errstate(over="ignore"):
        return narrow((Z @ W.T) * largest, W.dtype)
