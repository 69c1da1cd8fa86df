"""Missing entries filled in so that least activation is lost, without labels."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils._set_output import _get_output_config
from sklearn.utils.validation import check_is_fitted

from ._base import DocumentationLinkMixin
from ._imputation.choice import choose, row_weights
from ._imputation.columns import Columns
from ._imputation.filling import Filler, fill_from_nearest
from ._imputation.layer import Learned, fit_encoding
from ._inference.objective import Objective
from ._learning.time_rules import TIME_RULES, GivenTimes, MeanEigenvalue
from ._network import Network
from ._rows.encoding import SAMPLE_SIZE
from ._rows.fourier import FourierEncoding
from ._rows.refill import refill, values_by_code
from ._rows.sample import Sample, draw_evenly
from ._rows.scales import narrow
from ._state import learns, reads_in
from ._validation import new_seed, refuse_nothing_known, validate_table


@reads_in("transform", "get_feature_names_out")
class ActivationImputer(
    OneToOneFeatureMixin, TransformerMixin, DocumentationLinkMixin, BaseEstimator
):
    """Fills in missing entries so that rows activate most, given their known ones.

    One layer learns the Fourier features of the rows, with the mean of the five nearest
    rows in the place of missing numbers, and their vote in the place of missing categories. To
    fill in a row, its missing numbers go from that mean, within the range of the kept training
    rows, to the next maximum of the output activation ||y(x)||^2 (paper [1]_, eq. 11), and
    each missing category becomes the one that activates most. They stay with the nearest rows if
    that is no worse for entries that are known, but hidden in training to see.

    Parameters
    ----------
    n_frequencies : int >= 1, default=256
        Random frequencies of the Fourier map. More follow the data more closely and cost time
        with their cube.
    bandwidth : "auto" or float > 0, default="auto"
        Width of the Gaussian kernel behind the map, in units of the standardised columns.
        "auto" tries half, once, twice and four times the root mean squared distance between rows.
    learning_time : "auto" or float > 0, default="auto"
        Time of the flow; shorter ones learn less detail. "auto" tries those with the cut-off
        between ten times and a thirtieth of the mean eigenvalue. What is "auto" is
        chosen by a tenth of the known entries of kept rows, hidden for that: 6,000 entries
        at most judge the best three.
    categorical_features : "from_dtype", array-like of bool, int or str, or None, \
            default="from_dtype"
        Columns that hold categories: "from_dtype" takes those of strings, of a category type and
        of booleans in pandas, polars, Arrow and object arrays; a mask, column numbers or names
        say which; None takes none. Of a column of more than 32 categories the most frequent ones
        are tried, and the one that the nearest rows vote for.
    init_activation : float in (0, 1), default=0.1
        Share of activation that an input has before any learning.
    n_jobs : int, default=None
        Threads that find the nearest rows and raise the activation of blocks of rows, on top
        of those of NumPy's BLAS.
    random_state : int, RandomState instance or None, default=None
        Frequencies of the map, and entries hidden to choose by.

    Attributes
    ----------
    coefs_ : list of one ndarray of shape (2 * n_frequencies, n_units)
        Weights of the layer, input units along the rows; directions of which next to nothing
        was learned have no unit.
    learning_times_ : ndarray of shape (1,)
        The time that it has learned for.
    validation_error_ : float
        Root mean squared error of the hidden entries, in deviations of their columns, where a
        wrong category counts for the square root of 2: the least of those compared, so somewhat
        optimistic. NaN if there was nothing to choose.
    is_categorical_ : ndarray of bool of shape (n_features,), or None
        Which columns hold categories; None if there are none.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        Only if the training columns had names.

    See Also
    --------
    ActivationLearningClassifier : Learns rows with NaN as they are, and completes them.
    sklearn.impute.KNNImputer : Stays with the mean of the nearest rows.

    Notes
    -----
    A row that is wholly NaN gets the means, and the most frequent categories. A column of numbers
    that is wholly NaN in training is filled with 0, one of categories stays missing, and neither
    counts for anything where it is known. A column of n known entries counts for n / (n + 20),
    as if twenty more said nothing, over what the best known one does; a constant one counts for
    nothing.

    Deviations are those of entries up to five robust deviations from the median. Entries beyond
    ten deviations count as ten deviations away, and no number is filled in beyond that.

    A category that was not seen in training is kept, and is as far from all others. Categories
    coded as numbers get fractions, unless ``categorical_features`` names their columns.
    Neighbours are those among up to 2,048 training rows, which the imputer keeps, and the
    layer learns up to 20,000. Searches end when they gain little, so that a row may be filled in
    a little differently in another batch.

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
    >>> import pandas as pd
    >>> trips = {"km": [3.0, 4, 700, 800] * 9, "by": ["bus", "bus", "train", None] * 9}
    >>> filled = ActivationImputer(random_state=0).fit_transform(pd.DataFrame(trips))
    >>> filled["by"].tolist()[:4]
    ['bus', 'bus', 'train', 'train']
    """

    _parameter_constraints = {
        "n_frequencies": [Interval(Integral, 1, None, closed="left")],
        "bandwidth": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
        "learning_time": [StrOptions(set(TIME_RULES)), Interval(Real, 0, None, closed="neither")],
        "categorical_features": [StrOptions({"from_dtype"}), "array-like", None],
        "init_activation": [Interval(Real, 0, 1, closed="neither")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }
    # A larger table teaches by this many rows of it.
    _most_rows = 20_000

    def __init__(
        self,
        *,
        n_frequencies=256,
        bandwidth="auto",
        learning_time="auto",
        categorical_features="from_dtype",
        init_activation=0.1,
        n_jobs=None,
        random_state=None,
    ):
        self.n_frequencies = n_frequencies
        self.bandwidth = bandwidth
        self.learning_time = learning_time
        self.categorical_features = categorical_features
        self.init_activation = init_activation
        self.n_jobs = n_jobs
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    @learns
    def fit(self, X, y=None):
        """Learn rows of which entries may be missing.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows; NaN, None and NA stand for missing.
        y : ignored
            Accepted for pipelines, and ignored.

        Returns
        -------
        self : object
            The fitted imputer.
        """
        rows = self._validate(X, reset=True)
        refuse_nothing_known(rows)
        codes = self.is_categorical_
        self._values = {} if codes is None else values_by_code(X, rows, codes)
        self._learn(rows, new_seed(self.random_state))

    def transform(self, X):
        """Fill in what is NaN.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows; NaN, None and NA stand for missing.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features), or data frame
            Known entries as they were. If there are categories, a data frame becomes one of
            the same kind and types, in which whole numbers are rounded, and everything else an
            array of objects. Without categories, frames do so if ``set_output`` asks for them.
        """
        check_is_fitted(self)
        rows = self._validate(X, reset=False)
        missing = np.isnan(rows)
        filled, part = rows.copy(), missing.any(axis=1)
        if part.any():
            filled[missing] = narrow(self._fill(rows[part])[missing[part]], rows.dtype)
        asked = _get_output_config("transform", self)["dense"]
        is_frame = hasattr(X, "columns")
        if self.is_categorical_ is None and not (is_frame and asked != "default"):
            return filled
        as_objects = is_frame and not type(X).__module__.startswith(asked) and asked != "default"
        return refill(X, missing & ~np.isnan(filled), filled, self._values, as_objects=as_objects)

    def _validate(self, X, *, reset):
        return validate_table(self, X, self.categorical_features, reset=reset)

    def _learn(self, X, seed):
        """Adopt what the rows ``X`` teach."""
        kept = draw_rows(X)
        columns = Columns.fitted_to(kept, self.is_categorical_)
        kept = columns.read(kept)

        encoding = fit_encoding(
            fill_from_nearest(kept, kept, columns, self.n_jobs),
            row_weights(kept),
            columns,
            bandwidth=self.bandwidth,
            n_frequencies=self.n_frequencies,
            seed=seed,
        )
        epsilon = float(self.init_activation)
        fixed = self.bandwidth != "auto", isinstance(self.learning_time, Real)
        choice = choose(kept, columns, encoding, epsilon, self._rule, fixed, seed, self.n_jobs)
        Z = columns.read(X[draw_evenly(X, self._most_rows)])
        filled, encoding = (
            fill_from_nearest(Z, kept, columns, self.n_jobs),
            encoding.widened(choice.factor),
        )
        network, t = Learned(filled, row_weights(Z), encoding, epsilon).network(
            self._rule(choice.share)
        )
        self.coefs_, self.learning_times_ = network.coefs, np.array([t])
        self.validation_error_ = choice.error
        self._n_steps, self._voted = choice.n_steps, choice.voted
        self._kept, self._columns = kept, vars(columns)
        self._encoding_state = encoding.state

    def _rule(self, share):
        """The rule of the learning time, with a cut-off at ``share`` if it is automatic."""
        if isinstance(self.learning_time, Real):
            return GivenTimes([self.learning_time])
        return TIME_RULES[self.learning_time](lambda: MeanEigenvalue(share))

    def _fill(self, X):
        """Rows in double precision without gaps."""
        columns = Columns(**self._columns)
        Z = columns.read(X)
        start = fill_from_nearest(Z, self._kept, columns, self.n_jobs)
        encoding = FourierEncoding(**self._encoding_state)
        objective = Objective(Network(self.coefs_, "abs", []), encoding)
        filler = Filler(objective, self._kept, columns, self.n_jobs)
        return columns.write(filler.fill(start, np.isnan(Z), self._n_steps, self._voted))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def draw_rows(X):
    """Up to ``SAMPLE_SIZE`` rows, with copies in proportion to those in ``X``."""
    sample = Sample.of(X, None, np.ones(len(X)), SAMPLE_SIZE)
    n_copies = sample.weight * min(1.0, SAMPLE_SIZE / sample.weight.sum())
    n_copies = np.maximum(1, np.round(n_copies)).astype(int)
    return np.repeat(sample.X.astype(np.float64), n_copies, axis=0)
