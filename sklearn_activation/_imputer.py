"""Missing entries filled in so that least activation is lost, without labels."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin, _fit_context
from sklearn.impute import KNNImputer
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from ._inference.ascent import maximise_blocks
from ._inference.completion import column_ranges
from ._inference.objective import LostActivation
from ._learning.layer import ClosedLayer, Spectrum, random_rotation
from ._learning.moments import Moments
from ._learning.time_rules import TIME_RULES, GivenTimes, MeanEigenvalue
from ._network import Network
from ._rows.encoded import EncodedRows
from ._rows.encoding import CLIP, SAMPLE_SIZE
from ._rows.fourier import FourierEncoding
from ._rows.sample import Sample
from ._rows.scales import column_scales
from ._state import learns, reads_in
from ._validation import new_seed, refuse_nothing_known, validate_rows


@reads_in("transform", "get_feature_names_out")
class ActivationImputer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Fills in missing entries so that rows activate most, given their known ones.

    One layer learns the Fourier features of the rows, with the mean of the five nearest
    rows in the place of what is missing. To fill in a row, its missing entries go from that
    mean, within the range of the kept training rows, to the next maximum of the output
    activation ||y(x)||^2 (paper [1]_, eq. 11). They stay at the mean if that is better for
    entries that are known, but hidden in training to see.

    Parameters
    ----------
    n_frequencies : int >= 1, default=256
        Random frequencies of the Fourier map. More follow the data more closely and cost time
        with their cube.
    bandwidth : "auto" or float > 0, default="auto"
        Width of the Gaussian kernel behind the map, in units of the standardised columns.
        "auto" tries half, once, twice and four times the median distance between rows.
    learning_time : "auto" or float > 0, default="auto"
        Time of the flow; shorter ones learn less detail. "auto" tries those with the cut-off
        between ten times and a thirtieth of the mean eigenvalue. What is "auto" is
        chosen by a tenth of the known entries of up to 400 rows, hidden for that.
    init_activation : float in (0, 1), default=0.1
        Share of activation that an input has before any learning.
    n_jobs : int, default=None
        Threads that raise the activation of blocks of rows, on top of those of NumPy's BLAS.
        The search for neighbours is most of the work on large tables, and runs on one.
    random_state : int, RandomState instance or None, default=None
        Frequencies of the map, rotation of the layer, and entries hidden to choose by.

    Attributes
    ----------
    coefs_ : list of one ndarray of shape (2 * n_frequencies, n_units)
        Weights of the layer, input units along the rows.
    learning_times_ : ndarray of shape (1,)
        The time that it has learned for.
    validation_error_ : float
        Root mean squared error of the hidden entries, in deviations of their columns: the
        least of those compared, so somewhat optimistic. NaN if there was nothing to choose.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        Only if the training columns had names.

    See Also
    --------
    ActivationLearningClassifier : Learns rows with NaN as they are, and completes them.
    sklearn.impute.KNNImputer : Where the search starts from, in standardised columns.

    Notes
    -----
    A row that is wholly NaN gets the means; a column that is wholly NaN in training is filled
    with 0. Categories coded as integers get fractions: round them. Neighbours are those among
    up to 2,048 training rows, which the imputer keeps. Searches end when they gain little, so
    that a row may be filled in a little differently in another batch.

    References
    ----------
    .. [1] H. Zhou, "Activation Learning by Local Competitions", arXiv:2209.13400.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_activation import ActivationImputer
    >>> X, _ = load_iris(return_X_y=True)
    >>> hidden = np.random.default_rng(0).random(X.shape) < 0.2
    >>> filled = ActivationImputer(random_state=0).fit_transform(np.where(hidden, np.nan, X))
    >>> bool(np.abs(filled - X)[hidden].mean() < np.abs(X.mean(axis=0) - X)[hidden].mean() / 2)
    True
    """

    _parameter_constraints = {
        "n_frequencies": [Interval(Integral, 1, None, closed="left")],
        "bandwidth": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
        "learning_time": [StrOptions(set(TIME_RULES)), Interval(Real, 0, None, closed="neither")],
        "init_activation": [Interval(Real, 0, 1, closed="neither")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }
    # Bandwidths to choose from, over half the median distance of rows.
    _factors = (1.0, 2.0, 4.0, 8.0)
    # Cut-offs to choose from, over the mean eigenvalue.
    _shares = (10.0, 10 / 3, 1.0, 1 / 3, 0.1, 1 / 30)
    # The bandwidth and the cut-off if there is nothing to choose by.
    _usual = (2.0, 1.0)
    # A search takes this many steps at most.
    _max_steps = 100
    # A search starts from the mean of this many rows.
    _n_neighbours = 5

    def __init__(
        self,
        *,
        n_frequencies=256,
        bandwidth="auto",
        learning_time="auto",
        init_activation=0.1,
        n_jobs=None,
        random_state=None,
    ):
        self.n_frequencies = n_frequencies
        self.bandwidth = bandwidth
        self.learning_time = learning_time
        self.init_activation = init_activation
        self.n_jobs = n_jobs
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    @learns
    def fit(self, X, y=None):
        """Learn rows of which entries may be missing.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN stands for missing.
        y : ignored
            Accepted for pipelines, and ignored.

        Returns
        -------
        self : object
            The fitted imputer.
        """
        X = self._validate(X, reset=True)
        refuse_nothing_known(X)
        seed = new_seed(self.random_state)
        self._kept = _draw(X)
        self._location, scale = column_scales(self._kept, np.ones(len(self._kept)))
        self._scale = np.where(np.isfinite(scale), scale, 1.0)
        factor, share, self._n_steps, self.validation_error_ = self._choose(seed)
        start = self._start(X, self._kept)
        learned = self._learn(start, _row_weights(X), factor, seed)
        network, t = learned.network(self._rule(share))
        self.coefs_, self.learning_times_ = network.coefs, np.array([t])
        self._encoding_state = learned.encoding.state

    def transform(self, X):
        """Fill in what is NaN.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN stands for missing.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            Known entries as they were.
        """
        check_is_fitted(self)
        X = self._validate(X, reset=False)
        missing = np.isnan(X)
        rows, result = missing.any(axis=1), X.copy()
        if rows.any():
            encoding = FourierEncoding(**self._encoding_state)
            objective = LostActivation(Network(self.coefs_, "abs", []), encoding)
            start = self._start(X[rows], self._kept)
            filled = self._complete(objective, start, missing[rows], self._n_steps)
            result[missing] = filled[missing[rows]]
        return result

    def _validate(self, X, *, reset):
        return validate_rows(self, X, reset=reset, ensure_all_finite="allow-nan")

    def _start(self, X, kept):
        """Rows with the mean of the ``kept`` rows nearest in standardised columns for NaN."""
        nearest = KNNImputer(n_neighbors=self._n_neighbours, keep_empty_features=True)
        nearest.fit(self._standardise(kept))
        Z = nearest.transform(self._standardise(X))
        return np.where(np.isnan(X), Z * self._scale + self._location, X)

    def _standardise(self, X):
        with np.errstate(over="ignore"):
            return np.clip((X - self._location) / self._scale, -CLIP, CLIP)

    def _complete(self, objective, start, missing, max_iter):
        """Rows at their best; those of which nothing is known stay as they start."""
        free = missing & ~missing.all(axis=1, keepdims=True)
        low, high = column_ranges(self._kept)
        start = np.where(free, np.clip(start, low, high), start)
        options = {"bounds": (low, high), "n_jobs": self.n_jobs, "max_iter": max_iter}
        return maximise_blocks(objective, start, free, labels=None, gains=None, **options)[0]

    def _rule(self, share):
        """The rule of the learning time, with a cut-off at ``share`` if it is automatic."""
        if isinstance(self.learning_time, Real):
            return GivenTimes([self.learning_time])
        return TIME_RULES[self.learning_time](lambda: MeanEigenvalue(share))

    def _learn(self, filled, weight, factor, seed):
        """What rows without NaN teach, with the automatic bandwidth times ``factor``."""
        encoding = FourierEncoding.fitted_to(
            Sample.of(filled, None, weight, SAMPLE_SIZE),
            bandwidth=self.bandwidth,
            n_frequencies=self.n_frequencies,
            standardize=True,
            factors=(factor,),
            seed=seed,
        )
        return _Learned(encoding, filled, weight, self.init_activation, seed)

    def _choose(self, seed, *, hidden_share=0.1, most_rows=400, n_steps=40):
        """Factor of the bandwidth, cut-off, steps, and the error of hidden entries with them.

        No steps are taken if the mean of the nearest rows is better than what any of them lead
        to. The share ``hidden_share`` of the known entries of ``most_rows`` rows is hidden, and
        completed in ``n_steps``.
        """
        factors = self._factors if self.bandwidth == "auto" else self._factors[:1]
        # A share is not looked at where a learning time is given.
        shares = self._shares[:1] if isinstance(self.learning_time, Real) else self._shares
        X, known = self._kept, ~np.isnan(self._kept)
        hidden = known & (np.random.default_rng([seed, 1]).random(X.shape) < hidden_share)
        judged = np.flatnonzero(hidden.any(axis=1) & (known & ~hidden).any(axis=1))[:most_rows]
        if not len(judged) or len(factors) * len(shares) == 1:
            return *self._usual, self._max_steps, np.nan
        blanked = np.where(hidden, np.nan, X)
        filled, weight = self._start(blanked, blanked), _row_weights(blanked)
        missing, hidden = np.isnan(blanked)[judged], hidden[judged]

        def error(found):
            return float(np.sqrt(np.mean(((found - X[judged]) / self._scale)[hidden] ** 2)))

        losses = {(*self._usual, 0): error(filled[judged])}
        for factor in factors:
            learned = self._learn(filled, weight, factor, seed)
            for share in shares:
                network, _ = learned.network(self._rule(share))
                objective = LostActivation(network, learned.encoding)
                found = self._complete(objective, filled[judged], missing, n_steps)
                losses[factor, share, self._max_steps] = error(found)
        best = min(losses, key=losses.get)
        return *best, losses[best]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


class _Learned:
    """A layer in closed form for any learning time, with the statistics of its inputs."""

    most_units = 384

    def __init__(self, encoding, X, weight, epsilon, seed):
        self.encoding = encoding
        n_inputs = encoding.n_outputs
        rows = EncodedRows(X, encoding, dtype=np.float32)
        self.moments = Moments(n_inputs)
        for Z, share in rows.map_blocks(lambda b: (rows.data(b), weight[b]), n_inputs):
            self.moments.add(Z, share)
        n_units = min(n_inputs, self.most_units)
        Q = random_rotation(n_inputs, n_units, (seed, 0), np.float32)
        spectrum = Spectrum(*self.moments.decompose(), n_units, epsilon)
        self.layer = ClosedLayer(spectrum, lambda: Q, np.float32)

    def network(self, rule):
        """The network with the learning time that a rule chooses, and the time."""
        t = rule.choose(0, self.moments, Network([], "abs", [])).time
        return Network([self.layer.weights(t)], "abs", []), t


def _draw(X):
    """Up to ``SAMPLE_SIZE`` rows, with copies in proportion to those in ``X``."""
    sample = Sample.of(X, None, np.ones(len(X)), SAMPLE_SIZE)
    n_copies = sample.weight * min(1.0, SAMPLE_SIZE / sample.weight.sum())
    n_copies = np.maximum(1, np.round(n_copies)).astype(int)
    return np.repeat(sample.X.astype(np.float64), n_copies, axis=0)


def _row_weights(X, least_share=0.05):
    """Rows of which more is known say more; none of them counts for nothing.

    A row weighs the square of its known share, which counts as ``least_share`` at the least.
    """
    return np.maximum(np.mean(~np.isnan(X), axis=1), least_share) ** 2
