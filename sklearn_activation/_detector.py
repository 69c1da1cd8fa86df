"""Anomaly detection: what activates less is less typical."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import OutlierMixin, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions

from . import _flow
from ._base import ActivationLearningBase
from ._encoding import ENCODINGS
from ._sampling import Sample

N_FOLDS = 5
FALSE_ALARMS = 0.01  # of contamination="auto"


class ActivationAnomalyDetector(OutlierMixin, ActivationLearningBase):
    _parameter_constraints = {
        **ActivationLearningBase._parameter_constraints,
        "encoding": [StrOptions(set(ENCODINGS))],
        "n_frequencies": [Interval(Integral, 1, None, closed="left")],
        "standardize": ["boolean"],
        "bandwidth": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
        "contamination": [StrOptions({"auto"}), Interval(Real, 0, 0.5, closed="right")],
    }

    _cut_off = 0.2

    def __init__(
        self,
        layer_sizes=None,
        *,
        activation="std_abs",
        encoding="fourier",
        n_frequencies=256,
        bandwidth="auto",
        standardize=True,
        contamination="auto",
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
        self.contamination = contamination
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
        """Learn what typical rows look like.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Normal rows, or mostly normal ones.
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

        With ``solver="flow"``, one layer and a given ``bandwidth`` (or
        ``encoding="unit"``) the activations are those after ``fit`` on all rows so
        far. The first batch fixes the columns' scales, and ``bandwidth="auto"``.
        The threshold follows from a sample of 2,048 of all rows.

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

    def _train(self, X, labels, weight, *, partial):
        going_on = partial and self.__sklearn_is_fitted__()
        super()._train(X, None, weight, partial=partial)
        if self.contamination == "auto":
            self._set_aside_and_threshold()
            return self
        if going_on:
            X, weight = self._sample["X"], self._sample["weight"]
        self.offset_ = weighted_quantile(self._score(X), weight, self.contamination)
        return self

    def _set_aside_and_threshold(self):
        """``contamination="auto"``: the threshold, and a last layer without suspects.

        Training rows activate more than equally typical new ones, so each sampled row
        is scored by a last layer whose statistics lack the row's fold. The share
        ``FALSE_ALARMS`` that activates least leaves the statistics for good, so that
        those rows are not found typical merely because they were there. Scored again
        without them, the same share of rows lies below the threshold. The stochastic
        solver keeps no statistics: there rows are scored by the network they trained.
        """
        sample = Sample(**self._sample)
        if self._solver != "flow":
            scores = self._score(sample.X)
            self.offset_ = weighted_quantile(scores, sample.weight, FALSE_ALARMS)
            return
        layer = self.n_layers_ - 1
        H = self._network().hidden(self._encoded(sample.X), layer)
        everything = _flow.Moments(**self._state["layers"][layer][0])
        scores, _ = self._cross_fitted(H, sample, everything, np.zeros(len(H), dtype=bool))
        suspects = scores < weighted_quantile(scores, sample.weight, FALSE_ALARMS)
        scores, spectrum = self._cross_fitted(H, sample, everything, suspects)
        self.offset_ = weighted_quantile(scores, sample.weight, FALSE_ALARMS)
        Q = _flow.random_rotation(*self.coefs_[layer].shape, (self._seed, layer), H.dtype)
        self.coefs_[layer] = spectrum.weights(self.learning_times_[layer], Q)
        if suspects.any():  # unseen by now: the least typical of them is an outlier
            least = self._score(sample.X[suspects]).min()
            self.offset_ = max(self.offset_, np.nextafter(least, np.inf))

    def _cross_fitted(self, H, sample, moments, suspects):
        """Scores of last-layer inputs ``H`` by statistics without their fold.

        ``suspects`` are left out of all folds' statistics, and of the spectrum that
        is returned with the scores.
        """
        shape = self.coefs_[-1].shape

        def without(rows):
            """The spectrum without some rows; of all rows if there are no others."""
            left_out = _flow.Moments(H.shape[1]).add(H[rows], sample.weight[rows])
            rest = moments
            if rows.any() and left_out.weight < moments.weight * (1 - 1e-9):
                rest = moments.without(left_out)
            return _flow.Spectrum(*rest.spectrum(), shape[1], self._epsilon)

        def score(rows, spectrum):
            return spectrum.energies(H[rows], self.learning_times_[-1:])[:, 0]

        scores = np.empty(len(H))
        fold_of = sample.folds(N_FOLDS)
        for fold in range(N_FOLDS):
            held = (fold_of == fold) & ~suspects
            if held.any():
                scores[held] = score(held, without(held | suspects))
        spectrum = without(suspects)
        scores[suspects] = score(suspects, spectrum)
        return scores, spectrum

    def _fitted_encoding(self, sample, seed):
        return ENCODINGS[self.encoding].fitted_to(
            sample,
            bandwidth=self.bandwidth,
            n_frequencies=self.n_frequencies,
            standardize=self.standardize,
            seed=seed,
        )

    def score_samples(self, X):
        """Output activation of each row: higher is more normal.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        activation : ndarray of float64 of shape (n_samples,)
            ||y||^2, in [0, 1].
        """
        return self._score(self._fitted_rows(X))

    def _score(self, X):
        energies = self._map_rows(
            lambda block: self._network().energies(self._encoded(block)), X, self._widest()
        )
        return energies.astype(np.float64)

    def decision_function(self, X):
        """``score_samples(X) - offset_``: negative for outliers.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        decision : ndarray of float64 of shape (n_samples,)
        """
        return self.score_samples(X) - self.offset_

    def predict(self, X):
        """Whether each row is normal.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        labels : ndarray of int of shape (n_samples,)
            +1 for inliers, -1 for outliers.
        """
        return np.where(self.decision_function(X) >= 0, 1, -1)


def weighted_quantile(values, weight, share):
    """The smallest value with more than ``share`` of the weight at or below it."""
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weight[order])
    rank = np.searchsorted(below, share * below[-1] * (1 + 1e-12), side="right")
    return float(values[order[min(rank, len(order) - 1)]])
