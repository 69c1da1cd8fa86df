"""Features of images: one layer of units looks at the patches of all places."""

from math import prod
from numbers import Integral, Real

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from ._base import DocumentationLinkMixin
from ._learning.moments import Moments
from ._learning.time_rules import TIME_RULES, GivenTimes, MeanEigenvalue
from ._network import Network
from ._patches.cutting import Cutting, read_pair, shape_of_images
from ._patches.layer import Learned
from ._patches.pooling import pool
from ._rows.sample import Sample
from ._state import learns, reads_in, twin_of
from ._validation import (
    N_JOBS,
    check_weight,
    leave_out_weightless,
    new_seed,
    validate_rows,
)

# The automatic cut-off of the eigenvalues, as a share of their mean.
CUT_OFF_SHARE = 0.2


@reads_in("transform", "get_feature_names_out")
class CompetitiveHebbianPatchTransformer(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, DocumentationLinkMixin, BaseEstimator
):
    """Make features from images without labels, with the same weights at all places.

    ``CompetitiveHebbianPatchTransformer(image_shape=(32, 32, 3)).fit_transform(X)`` returns a row
    of features for each image in a row of ``X``. The features serve a linear model after them in a
    pipeline. One layer of units looks at the patches of all places, and learns them by the
    competitive Hebbian rule in closed form (paper [1]_, eq. 20), in one pass over the images. Each
    feature says how strongly a unit responds in a region of the image. The user guide has a
    section on :doc:`images </guide/images>`.

    Parameters
    ----------
    image_shape : tuple of int or None, default=None
        Height and width of the images, and the number of channels if there are several: (32, 32,
        3) for images of scikit-image, Keras or matplotlib after ``reshape(len(X), -1)``. A series
        is an image of height 1: (length,), or (1, length, channels). None
        means a square grey image if the number of columns is a square number, and an image of one
        row otherwise.
    n_units : int, default=400
        Number of units, each with one feature for each region. More units give better features,
        and ``fit`` of the linear model takes longer.
    patch_size : int, tuple of two int or None, default=None
        Rows and columns of a patch. None means 6, or less if the image is smaller.
    grid : int, tuple of two int or None, default=None
        Rows and columns of the regions over which outputs are pooled. None means 3, or less if
        there are fewer places. Give more regions if it matters where in the image something is.
    threshold : float >= 0, default=1.0
        Output below which a unit counts as silent, in standard deviations of the unit's outputs.
    learning_time : "auto" or float > 0, default="auto"
        Learning time t of the layer. Directions of the patches with an eigenvalue far below 1 / t
        are left out, and all others count alike. "auto" sets 1 / t to a fifth of the mean
        eigenvalue. Lower ``learning_time`` if the images are noisy.
    n_jobs : int, default=None
        Number of threads that work on blocks of images. None means as many as BLAS, NumPy's linear
        algebra, would use, up to 8. -1 means one for each core. Raise ``n_jobs`` if BLAS is
        limited to one thread.
    random_state : int, RandomState instance or None, default=None
        Source of the places of the patches from which the units start. Pass an int to get the same
        result in every run.

    Attributes
    ----------
    coefs_ : list of one ndarray of shape (n_entries, n_units)
        Weights of the layer, with one row for each entry of a patch and one column for each unit.
    patterns_ : ndarray of shape (n_units, n_rows, n_columns, n_channels)
        What each unit looks for: the mean of all training patches, each times the output of the
        unit. A unit that responds to edges has an edge as its pattern.
    learning_times_ : ndarray of shape (1,)
        Learning time of the layer.
    image_shape_ : tuple of int
        Height, width and channels of the images.
    patch_size_ : tuple of int
        Rows and columns of a patch.
    grid_ : tuple of int
        Rows and columns of regions.
    n_features_in_ : int
        Number of columns in training.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns in training. The attribute exists only if the columns had names.

    See Also
    --------
    CompetitiveHebbianTransformer : Learns whole rows, with weights of their own for each column.
    sklearn.feature_extraction.image.PatchExtractor : Returns patches of images.

    Notes
    -----
    **Patches.** A patch p with D entries becomes z = (p - mean(p)) / sqrt(D (var(p) + 0.1 v)),
    where v is the mean of var(p) over all places of the image. Neither brightness nor contrast of
    an image therefore changes its features. Images may have any unit, and integers may stay
    integers.

    **Layer.** Let C = V diag(lambda) V^T be the mean of z z^T over all patches of all images. The
    averaged flow passes the share lambda t / (lambda t + 1) of each direction. With each direction
    in its own standard deviations, the weights are W = V diag((lambda + 1 / t)^(-1/2)) V^T Q. They
    whiten the patches (zero-phase whitening [3]_). Q starts from whitened patches, which are drawn
    from the images, and is the nearest matrix to them with orthonormal rows. If there are fewer
    units than entries of a patch, Q has orthonormal columns. Each column of W is divided by the
    standard deviation of the unit's outputs.

    **Features.** The feature of a unit in a region is the square root of the mean of max(0, y -
    threshold) over the places of the region, where y = z W. Such features with k-means in place of
    the layer are from [2]_.

    **Cost.** ``fit`` takes n_samples x n_places x D^2 multiplications, and ``transform`` takes
    n_samples x n_places x D x n_units. Neither holds the patches of all images. Features are
    float32 if images are float32 or integers of up to 16 bits.

    References
    ----------
    .. [1] H. Zhou, "Activation Learning by Local Competitions", arXiv:2209.13400.
    .. [2] A. Coates, H. Lee & A. Y. Ng, "An Analysis of Single-Layer Networks in Unsupervised
       Feature Learning", AISTATS 2011.
    .. [3] A. J. Bell & T. J. Sejnowski, "The 'Independent Components' of Natural Scenes are Edge
       Filters", Vision Research 37(23), 1997.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_activation import CompetitiveHebbianPatchTransformer
    >>> X, y = load_digits(return_X_y=True)
    >>> patches = CompetitiveHebbianPatchTransformer((8, 8), n_units=50, patch_size=4)
    >>> patches.set_params(random_state=0).fit_transform(X).shape
    (1797, 450)
    >>> model = make_pipeline(patches, StandardScaler(), LogisticRegression(C=0.1))
    >>> model.fit(X[:1200], y[:1200]).score(X[1200:], y[1200:]) > 0.95
    True
    """

    _parameter_constraints = {
        "image_shape": [tuple, list, None],
        "n_units": [Interval(Integral, 1, None, closed="left")],
        "patch_size": [Interval(Integral, 1, None, closed="left"), tuple, list, None],
        "grid": [Interval(Integral, 1, None, closed="left"), tuple, list, None],
        "threshold": [Interval(Real, 0, None, closed="left")],
        "learning_time": [StrOptions(set(TIME_RULES)), Interval(Real, 0, None, closed="neither")],
        "n_jobs": N_JOBS,
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        image_shape=None,
        *,
        n_units=400,
        patch_size=None,
        grid=None,
        threshold=1.0,
        learning_time="auto",
        n_jobs=None,
        random_state=None,
    ):
        self.image_shape = image_shape
        self.n_units = n_units
        self.patch_size = patch_size
        self.grid = grid
        self.threshold = threshold
        self.learning_time = learning_time
        self.n_jobs = n_jobs
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    @learns
    def fit(self, X, y=None, sample_weight=None):
        """Learn the patches of images.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            An image in each row, without missing values. Integers are not copied as a whole.
        y : ignored
            ``y`` has no effect. A pipeline may pass ``y``.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each image. A weight of 2 counts as two copies of the image.

        Returns
        -------
        self : object
            The fitted transformer.

        Raises
        ------
        ValueError
            If ``image_shape`` does not fit the number of columns, if a patch is larger than the
            image, or if there are more regions than places.
        """
        self._learn(X, sample_weight, going_on=False)

    @_fit_context(prefer_skip_nested_validation=True)
    @learns
    def partial_fit(self, X, y=None, sample_weight=None):
        """Learn one more batch of images, without the images of earlier batches.

        The weights equal the weights after one ``fit`` on all images.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            An image in each row, without missing values.
        y : ignored
            ``y`` has no effect. A pipeline may pass ``y``.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each image. A weight of 2 counts as two copies of the image.

        Returns
        -------
        self : object
            The fitted transformer.

        Raises
        ------
        ValueError
            As for ``fit``, and if images or patches have another shape than in earlier batches.
        """
        self._learn(X, sample_weight, going_on=self.__sklearn_is_fitted__())

    def transform(self, X):
        """Turn images into features.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            An image in each row, without missing values.

        Returns
        -------
        features : ndarray of shape (n_samples, n_regions * n_units)
            Features from 0 upwards. The features of the first region, at the upper left, stand
            first. They are float32 if the training images were float32 or integers of up to 16
            bits.
        """
        check_is_fitted(self)
        X = self._validate(X, reset=False)
        return pool(X, self._cutting(), self.coefs_[0], self.grid_, self._threshold, self.n_jobs)

    @learns
    def merge(self, other):
        """Add what another transformer has learned from other images.

        Fit one transformer on each part of the images, for example on different machines, and
        merge them into one. The weights equal the weights after one ``fit`` on all images.

        Parameters
        ----------
        other : CompetitiveHebbianPatchTransformer
            A transformer that was fitted on images of the same shape, and with the same
            ``patch_size``.

        Returns
        -------
        self : object
            This transformer, which now knows both parts.

        Raises
        ------
        ValueError
            If images or patches of the two transformers have different shapes.
        """
        check_is_fitted(self)
        check_is_fitted(other)
        other = twin_of(other)
        if type(self) is not type(other):
            raise ValueError(
                f"Cannot merge {type(other).__name__} into {type(self).__name__}. Both must be "
                "estimators of the same class."
            )
        for name in ("image_shape_", "patch_size_"):
            ours, theirs = getattr(self, name), getattr(other, name)
            if ours != theirs:
                raise ValueError(
                    f"Cannot merge: the transformers differ in {name}, {ours} and {theirs}. Fit "
                    "both with the same parameters."
                )
        self._adopt(self._learned().join(other._learned()))

    def _validate(self, X, *, reset):
        # Integers stay integers: blocks of images become floating-point numbers one by one.
        return validate_rows(self, X, reset=reset, dtype="numeric")

    def _learn(self, X, sample_weight, *, going_on):
        """Learn images, after all earlier images if the training is ``going_on``."""
        X = self._validate(X, reset=not going_on)
        X, weight = leave_out_weightless(check_weight(X, sample_weight), X)
        cutting, grid = self._read_shapes()
        if going_on:
            self._check_goes_on(cutting)
        learned = Learned.of(X, weight, cutting, self.n_jobs)
        if going_on:
            learned = self._learned().join(learned)
        else:
            self._seed = new_seed(self.random_state)
        self.image_shape_, self.patch_size_, self.grid_ = cutting.shape, cutting.size, grid
        self._adopt(learned)

    def _read_shapes(self):
        """Return the ``Cutting`` and the grid of regions that the parameters ask for."""
        shape = shape_of_images(self.image_shape, self.n_features_in_)
        size = read_pair("patch_size", self.patch_size, shape[:2], 6, "rows and columns of pixels")
        cutting = Cutting(shape, size)
        return cutting, read_pair("grid", self.grid, cutting.places, 3, "places of patches")

    def _check_goes_on(self, cutting):
        """Raise a ValueError if images are now cut in another way than before."""
        self._validate_params()  # scikit-learn validates in the first call only.
        if cutting != self._cutting():
            raise ValueError(
                f"patch_size={self.patch_size!r} and image_shape={self.image_shape!r} differ from "
                f"patches of {self.patch_size_} and images of {self.image_shape_}, with which the "
                "transformer was fitted. Restore the parameters, or call fit to start anew."
            )

    def _cutting(self):
        return Cutting(self.image_shape_, self.patch_size_)

    def _learned(self):
        return Learned(Moments(**self._moments), Sample(**self._sample))

    def _adopt(self, learned):
        """Solve the layer, and take over everything that was ``Learned``."""
        t = self._rule().choose(0, learned.moments, Network([], "abs", [])).time
        W, patterns = learned.layer(t, self.n_units, self._cutting(), self._seed)
        self.coefs_, self.learning_times_, self.patterns_ = [W], np.array([t]), patterns
        self._threshold = float(self.threshold)
        self._moments, self._sample = learned.moments.state, vars(learned.sample)

    def _rule(self):
        """Return the rule of the learning time."""
        if isinstance(self.learning_time, Real):
            return GivenTimes([self.learning_time])
        return TIME_RULES[self.learning_time](lambda: MeanEigenvalue(CUT_OFF_SHARE))

    @property
    def _n_features_out(self):
        return prod(self.grid_) * self.coefs_[0].shape[1]

    def __sklearn_is_fitted__(self):
        return hasattr(self, "coefs_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
