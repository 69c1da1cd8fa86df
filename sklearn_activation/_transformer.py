"""Unsupervised features."""

import numpy as np
from sklearn.base import (
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.utils import check_array
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_is_fitted

from ._base import ActivationLearningBase
from ._encoding import row_norms
from .kernels.rows import scale_to_unit


class CompetitiveHebbianTransformer(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, ActivationLearningBase
):
    _parameter_constraints = {
        **ActivationLearningBase._parameter_constraints,
        "output": [StrOptions({"activated", "linear"})],
    }

    _activate_last = True

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

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None):
        """Learn the layers from the rows of ``X``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : ignored
        sample_weight : array-like of shape (n_samples,), default=None
            A weight of 2 counts as two copies of the row.

        Returns
        -------
        self : object
        """
        with self._all_or_nothing():
            return self._learn(X, sample_weight, partial=False)

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None, sample_weight=None):
        """Learn from more rows.

        With ``solver="flow"`` and one layer the result is that of ``fit`` on all
        rows so far; with more layers the statistics of the upper ones are those of
        the features their rows had at the time.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : ignored
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self : object
        """
        with self._all_or_nothing():
            return self._learn(X, sample_weight, partial=True)

    def _learn(self, X, sample_weight, *, partial):
        X = self._validated(X, reset=not (partial and self.__sklearn_is_fitted__()))
        X, weight = self._weighted(X, sample_weight)
        return self._train(X, None, weight, partial=partial)

    def transform(self, X):
        """Features of the rows of ``X``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        features : ndarray of shape (n_samples, n_units)
            float32 for float32 input. Rows of norm 1 for ``output="activated"``.
        """
        X = self._fitted_rows(X)
        if self.output == "linear":
            return self._map_rows(self._codes, X, self._widest())
        return self._map_rows(self._features, X, self._widest())

    def _features(self, X):
        F = self._network().hidden(self._encoded(X), self.n_layers_)
        scale_to_unit(F, F.shape[1])
        return F

    def _codes(self, X):
        network, last = self._network(), self.n_layers_ - 1
        Y = network.hidden(self._encoded(X), last) @ self.coefs_[last]
        return Y * row_norms(X)[:, None]

    def inverse_transform(self, X):
        """Rows reconstructed from linear codes, y W^T (paper, eq. 6).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_units)
            What ``transform`` returned with ``output="linear"`` and one layer.

        Returns
        -------
        rows : ndarray of shape (n_samples, n_features)
        """
        check_is_fitted(self)
        if self.output != "linear" or self.n_layers_ > 1:
            raise ValueError(
                "inverse_transform needs output='linear' and one layer; this transformer has "
                f"output={self.output!r} and {self.n_layers_} layer(s)."
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

        Returns
        -------
        activation : ndarray of shape (n_samples,)
            ||y||^2, in [0, 1].
        """
        X = self._fitted_rows(X)
        return self._map_rows(
            lambda block: self._network().energies(self._encoded(block)), X, self._widest()
        )

    def score(self, X, y=None):
        """Mean output activation of the rows of ``X``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : ignored

        Returns
        -------
        activation : float
        """
        return float(self.score_samples(X).mean())

    @property
    def _n_features_out(self):
        return self.coefs_[-1].shape[1]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
