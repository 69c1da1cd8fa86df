"""Anomaly detection: what activates less is less typical."""

from numbers import Real

import numpy as np
from sklearn.base import OutlierMixin, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions

from . import _flow
from ._base import SAMPLE_SIZE, ActivationLearningBase
from ._encoding import ENCODINGS, EncodedRows
from ._progress import with_callbacks
from ._sampling import Sample

N_FOLDS = 5
ROUNDING = 1e-6  # of activations in float32
FALSE_ALARMS = 0.01  # of contamination="auto"


class ActivationAnomalyDetector(OutlierMixin, ActivationLearningBase):
    """Anomaly detector: rows that activate less are less typical.

    It learns normal rows, or mostly normal ones, and scores a row by its output
    activation ||y||^2 (paper [1]_, section II.C, property 5, and eq. 8). With the
    Fourier encoding this is a spectral novelty detector between a Parzen density
    (short learning) and kernel PCA's reconstruction error (long learning). Scoring
    costs the same however many rows there were to learn from.

    Parameters
    ----------
    layer_sizes : int, tuple of int or None, default=None
        Units of every layer. None: one layer as wide as the encoded row, 1,024 at most.
    activation : {"abs", "std_abs", "layer_std_abs", "square"}, default="std_abs"
        Function between layers; all of them keep a row's norm (paper, section III.A).
        "std_abs" standardises abs(y) over the training rows, "layer_std_abs" only
        subtracts the row's own mean, which needs no statistics; "square" makes strong
        responses stronger, which suits features for a linear model.
    encoding : {"fourier", "unit"}, default="fourier"
        How a row becomes input. "fourier" maps standardised columns to random Fourier
        features, right for tables. "unit" scales the row to norm 1, right where only
        proportions matter; a row that is too long or too short then looks normal.
    n_frequencies : int, default=256
        Random frequencies of the Fourier map, which has twice as many columns. More
        follow the data more closely and cost time with their cube.
    bandwidth : "auto" or float > 0, default="auto"
        Width of the Gaussian kernel behind the Fourier map, in the units of the
        standardised columns. "auto" takes half the median distance between training
        rows. Smaller values see finer structure and need more rows.
    standardize : bool, default=True
        Whether the Fourier map centres and scales columns first, by the mean and
        deviation of up to 2,048 training rows.
    contamination : "auto" or float in (0, 0.5], default="auto"
        A float is the share of training rows that ``offset_`` leaves below. "auto"
        aims at 1 % false alarms on normal rows to come. A row's own training raises
        its score, so rows are scored by statistics without their fold; the share in
        question that activates least then leaves the statistics, and "auto" takes the
        quantile of such scores. This looks at up to 2,048 training rows; beyond, and
        with several layers, a float is the plain quantile of the training rows'
        scores. With several layers "auto" trains on the 2,048 rows without each fold.
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
        "auto" puts the cut-off at a fifth of the mean eigenvalue over the inputs in
        use. The mean is the Kaiser-Guttman criterion for what is worth keeping; a
        detector looks at what normal rows lack, so it has to know their finer
        directions, too. With ``solver="hebbian"`` it is what ``max_iter`` epochs add up to.
    init_activation : float in (0, 1), default=0.1
        Share of activation that an input has before any learning (epsilon in
        W W^T = epsilon I). The paper's N(0, 0.01^2) with 1064 units is about 0.1.
    learning_rate : float > 0, default=0.1
        Step of ``solver="hebbian"``; a tenth of it for the last tenth of the updates.
    max_iter : int, default=100
        Most epochs of ``solver="hebbian"``.
    batch_size : int, default=100
        Rows a mini-batch of ``solver="hebbian"``; 1 learns row by row.
    warm_start : bool, default=False
        With ``solver="hebbian"``, ``fit`` goes on from the weights there are, whichever
        solver found them. With ``solver="flow"`` it keeps the learning times found
        before instead of choosing them again.
    n_jobs : int, default=None
        Threads that work on blocks of rows, on top of those of NumPy's BLAS: worth
        it where that runs on one. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Rotation of every layer, random start, order of mini-batches, and frequencies
        of the Fourier map.
    verbose : int, default=0
        1 prints a line a layer (flow) or an epoch (hebbian).

    Attributes
    ----------
    offset_ : float
        Threshold on the activation: ``decision_function = score_samples - offset_``.
    coefs_ : list of ndarray of shape (n_inputs, n_units)
        Weights of every layer, input units along the rows.
    n_layers_ : int
    learning_times_ : ndarray of shape (n_layers,)
        The time each layer has learned for.
    n_iter_ : int
        Epochs of the stochastic solver; 1 for the flow.
    activation_curve_ : ndarray of shape (n_points,)
        Mean output activation of the training rows as training advanced: at 20 equal
        steps of the last layer's learning time, or after every epoch (paper, Fig. 7b).
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if the training columns had names.

    See Also
    --------
    CompetitiveHebbianTransformer : The layers' features.
    sklearn.ensemble.IsolationForest : Splits at random instead.

    Notes
    -----
    A column that is constant in training is scaled as if its deviation were 1, so in
    other units a later change may go unnoticed. A threshold needs some hundred rows to
    be reliable. With
    ``encoding="unit"`` a row of zeros has activation 0.

    References
    ----------
    .. [1] H. Zhou, "Activation Learning by Local Competitions", arXiv:2209.13400.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn_activation import ActivationAnomalyDetector
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> benign, malignant = X[y == 1], X[y == 0]
    >>> detector = ActivationAnomalyDetector(random_state=0).fit(benign)
    >>> activation = detector.score_samples
    >>> bool(activation(malignant).mean() < activation(benign).mean() - 0.1)
    True
    """

    _parameter_constraints = {
        **ActivationLearningBase._parameter_constraints,
        "encoding": [StrOptions(set(ENCODINGS))],
        **ActivationLearningBase._fourier_constraints,
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

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None):
        """Learn what typical rows look like.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Normal rows, or mostly normal ones: then set ``contamination`` to the
            share of others that you expect.
        y : ignored
        sample_weight : array-like of shape (n_samples,), default=None
            A weight of 2 counts as two copies of the row.

        Returns
        -------
        self : object
        """
        with self._fitting(X, sample_weight=sample_weight):
            return self._learn_unlabelled(X, sample_weight, partial=False)

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
            return self._learn_unlabelled(X, sample_weight, partial=True)

    def _train(self, X, labels, weight, *, partial):
        going_on = partial and self.__sklearn_is_fitted__()
        super()._train(X, None, weight, partial=partial)
        sample = Sample(**self._sample)
        if going_on:
            X, weight = sample.X, sample.weight
        auto = self.contamination == "auto"
        share = FALSE_ALARMS if auto else self.contamination
        has_statistics = self._solver == "flow"  # to leave rows out of
        if has_statistics and auto and self.n_layers_ > 1:
            self.offset_, _ = weighted_gap(self._refitted_scores(sample), sample.weight, share)
        elif has_statistics and auto:
            self.offset_ = self._set_aside(sample, share)
        elif has_statistics and self.n_layers_ == 1 and len(sample.X) < SAMPLE_SIZE:
            self._set_aside(sample, share)  # the sample has all the rows
            _, self.offset_ = weighted_gap(self._score(sample.X), sample.weight, share)
        else:
            self.offset_, _ = weighted_gap(self._score(X), weight, share)
        return self

    def _refitted_scores(self, sample):
        """Scores of sampled rows by networks trained on the sample without their fold."""
        rows = EncodedRows.of_sample(sample, self._encoding(), 0, self.coefs_[0].dtype)
        task = self._task(rows, self._seed)
        task.choose_time = lambda layer, moments, network: self.learning_times_[layer]
        scores = self._score(sample.X)
        fold_of = sample.folds(N_FOLDS)
        for fold in range(N_FOLDS):
            held = fold_of == fold
            if held.any() and not held.all():
                network = _flow.solve(rows.take(~held), task).network
                scores[held] = network.energies(rows.take(held).encode())
        return scores

    def _set_aside(self, sample, share):
        """Solve the only layer without the least typical rows; return a threshold.

        Training rows activate more than equally typical new ones, so each row is
        scored by weights whose statistics lack the row's fold. The ``share`` that
        activates least leaves the statistics for good, so that those rows are not
        found typical merely because they were there. With everything scored again
        without them, the threshold has the same share of the rows below it.
        """
        H = self._encoded(sample.X)
        everything = _flow.Moments(**self._state["moments"][0])
        scores, _ = self._cross_fitted(H, sample, everything, np.zeros(len(H), dtype=bool))
        suspects = scores < weighted_gap(scores, sample.weight, share)[0]
        scores, spectrum = self._cross_fitted(H, sample, everything, suspects)
        Q = _flow.random_rotation(*self.coefs_[0].shape, (self._seed, 0), H.dtype)
        self.coefs_ = [spectrum.weights(self.learning_times_[0], Q)]
        self.activation_curve_ = _flow.activation_curve(spectrum, self.learning_times_[0])
        threshold, _ = weighted_gap(scores, sample.weight, share)
        if suspects.any():  # unseen by now: the least typical of them is an outlier
            least = self._score(sample.X[suspects]).min()
            threshold = max(threshold, least + ROUNDING)
        return threshold

    def _cross_fitted(self, H, sample, moments, suspects):
        """Scores of encoded sampled rows ``H`` by statistics without their fold.

        ``suspects`` are left out of all folds' statistics, and of the spectrum that
        is returned with the scores.
        """
        shape = self.coefs_[-1].shape

        def without(rows):
            """The spectrum without some rows; of all rows if there are no others."""
            if not rows.any() or sample.weight[rows].sum() >= moments.weight * (1 - 1e-9):
                rest = moments
            elif moments.gram is None:  # so few rows that the sample has them all
                rest = _flow.Moments(H.shape[1]).add(H[~rows], sample.weight[~rows])
            else:
                left_out = _flow.Moments(H.shape[1]).add(H[rows], sample.weight[rows])
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
        return self._encoding_of_kind(self.encoding, sample, seed)

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
        return self._energies(X).astype(np.float64)

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


def weighted_gap(values, weight, share):
    """Highest and lowest threshold with just ``share`` of the weight below.

    Both keep off the values next to them, by ``ROUNDING`` where there is room, so
    that no row changes sides by rounding. Of values that differ by no more, none is
    below.
    """
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weight[order])
    rank = np.searchsorted(below, share * below[-1] * (1 + 1e-12), side="right")
    above = values[order[min(rank, len(order) - 1)]]
    lower = values[values < above - ROUNDING / 1000]  # copies of a row differ by less
    if not len(lower) or np.ptp(values) <= ROUNDING:
        return (float(values.min() - ROUNDING),) * 2
    under = lower.max()
    margin = min(ROUNDING, (above - under) / 2)
    return float(above - margin), float(under + margin)
