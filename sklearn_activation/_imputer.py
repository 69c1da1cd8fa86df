"""Missing values filled in with the values that suit the rest of the row best."""

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
from ._validation import N_JOBS, new_seed, refuse_nothing_known, validate_table


@reads_in("transform", "get_feature_names_out")
class ActivationImputer(
    OneToOneFeatureMixin, TransformerMixin, DocumentationLinkMixin, BaseEstimator
):
    """Fill the missing values of a table with numbers and categories.

    ``ActivationImputer().fit_transform(table)`` returns the table without missing values; a data
    frame with categories comes back as a data frame. The imputer needs no labels, and serves as a
    step of a pipeline. The imputer first fills each gap from the nearest rows, as ``KNNImputer``
    does. A network that has learned the table then makes the row more typical. The network changes
    the filled values until the output activation ||y(x)||^2 is at a maximum (paper [1]_, eq. 11).
    The values of the nearest rows stay if they predict hidden entries as well as the network does.
    See the :doc:`user guide </guide/gaps>`.

    Parameters
    ----------
    n_frequencies : int >= 1, default=256
        Number of random frequencies of the "fourier" encoding. A larger number follows the data
        more closely, and the time grows with its cube. Raise ``n_frequencies`` for large tables,
        and lower it for speed.
    bandwidth : "auto" or float > 0, default="auto"
        Distance at which the encoding sees two rows as different, in standard deviations of the
        columns. "auto" tries half, one, two and four times the typical distance between rows. Give
        a number to save this search.
    learning_time : "auto" or float > 0, default="auto"
        How long the network learns. A shorter time learns less detail. "auto" tries several times,
        and takes the one with the lowest error on known entries that are hidden for this test.
        Give a number to save this search.
    categorical_features : "from_dtype", array-like of bool, int or str, or None, \
            default="from_dtype"
        Columns that hold categories. "from_dtype" takes the columns of strings, of a category type
        and of booleans. Name the columns, or give their numbers or a mask, if numbers in your
        table are codes. If you do not name a column of codes, its gaps are filled with fractions.
        None means no column.
    init_activation : float in (0, 1), default=0.1
        Share of its activation that an input keeps in an untrained network. Keep the default
        unless you study the rule.
    n_jobs : int, default=None
        Number of threads that find the nearest rows and fill blocks of rows. None means as many as
        BLAS, NumPy's linear algebra, would use, up to 8. -1 means one for each core. Raise
        ``n_jobs`` if BLAS is limited to one thread.
    random_state : int, RandomState instance or None, default=None
        Source of the random frequencies, and of the choice of hidden entries. Pass an int to get
        the same result in every run.

    Attributes
    ----------
    coefs_ : list of one ndarray of shape (2 * n_frequencies, n_units)
        Weights of the layer, with one row for each input and one column for each unit. Directions
        of which next to nothing was learned have no unit.
    learning_times_ : ndarray of shape (1,)
        Learning time of the layer.
    validation_error_ : float
        Root mean squared error of the hidden entries, in standard deviations of their columns. A
        wrong category counts as an error of the square root of 2. The error is somewhat too low,
        because it is the lowest of several errors. The value is NaN if there was nothing to
        choose.
    is_categorical_ : ndarray of bool of shape (n_features,), or None
        Which columns hold categories. The value is None if no column holds categories.
    n_features_in_ : int
        Number of columns in training.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns in training. The attribute exists only if the columns had names.

    See Also
    --------
    ActivationLearningClassifier : Classifies rows with missing values as they are.
    sklearn.impute.KNNImputer : Takes the mean of the nearest rows.

    Notes
    -----
    **What is tried.** A tenth of the known entries of up to 2,048 training rows is hidden to
    compare the settings. Up to 6,000 hidden entries decide between the best three settings. The
    learning times have their cut-off between ten times and a thirtieth of the mean eigenvalue. In
    a column with more than 32 categories, only the most frequent categories are tried, and the
    category that most of the nearest rows have.

    **Which rows are learned.** The nearest rows are searched among up to 2,048 training rows,
    which the imputer keeps. The network learns from up to 20,000 rows.

    **Columns.** Columns are scaled by their standard deviation after entries are cut off at five
    robust deviations from the median. No number further than ten deviations from the mean is
    filled in, and entries further away count as ten deviations away. A column with n known entries
    has the weight n / (n + 20), divided by the weight of the best known column. A constant column
    has no weight.

    **Rows and columns without known entries.** A row without any known entry gets the means and
    the most frequent categories. A column of numbers without any known entry in training is filled
    with 0. A column of categories without any known entry in training stays missing. A category
    that training has not seen is kept, and counts as different from every other category.

    **Reproducibility.** A search ends when it gains little. The filled values of a row may
    therefore depend a little on the other rows in the same call.

    References
    ----------
    .. [1] H. Zhou, "Activation Learning by Local Competitions", arXiv:2209.13400.

    Examples
    --------
    Gaps in measurements of flowers are filled better than with the means:

    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_activation import ActivationImputer
    >>> X, _ = load_iris(return_X_y=True)
    >>> hidden = np.random.default_rng(0).random(X.shape) < 0.2
    >>> filled = ActivationImputer(random_state=0).fit_transform(np.where(hidden, np.nan, X))
    >>> bool(np.abs(filled - X)[hidden].mean() < np.abs(X.mean(axis=0) - X)[hidden].mean() / 2)
    True

    A missing category follows from the rest of the row:

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
        "n_jobs": N_JOBS,
        "random_state": ["random_state"],
    }
    # The network learns from at most this many rows of a table.
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
        """Learn rows, in which entries may be missing.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows of numbers and categories. NaN, None and NA stand for missing values.
        y : ignored
            ``y`` has no effect. A pipeline may pass ``y``.

        Returns
        -------
        self : object
            The fitted imputer.
        """
        rows = self._validate(X, reset=True)
        refuse_nothing_known(rows)
        codes = self.is_categorical_
        self._values = {} if codes is None else values_by_code(X, rows, codes)
        sample = Sample.of(rows, None, np.ones(len(rows)), SAMPLE_SIZE)
        self._learn(sample, rows[draw_evenly(rows, self._most_rows)])

    def _learn_pieces(self, rows):
        """Learn ``RowsInPieces``, and adopt what was learned."""
        sample, codes = rows.sample(SAMPLE_SIZE), self.is_categorical_
        refuse_nothing_known(sample.X)
        X, _, _ = rows.draw(self._most_rows)
        self._values = {} if codes is None else rows.values_by_code(codes)
        self._learn(sample, rows.gather().X if X is None else X)

    def transform(self, X):
        """Fill the missing values of rows.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows of numbers and categories. NaN, None and NA stand for missing values.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features), or data frame
            The rows with known entries as they were. If there are categories, a data frame comes
            back as a data frame of the same kind and column types. Filled whole numbers are
            rounded. Any other table with categories comes back as an array of objects. Without
            categories, the result is an array unless ``set_output`` asks for a data frame.
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
        return validate_table(self, X, self._declared_categories(), reset=reset)

    def _declared_categories(self):
        """Return the columns of categories that the parameters name."""
        return self.categorical_features

    def _learn(self, sample, X):
        """Learn rows, and adopt what was learned.

        Parameters
        ----------
        sample : Sample
            A sample of all rows, of which some are kept.
        X : ndarray of shape (n_learned, n_features)
            The rows that the network learns.
        """
        kept, seed = copies_of(sample), new_seed(self.random_state)
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
        Z = columns.read(X)
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
        """Return the rule of the learning time; ``share`` is the cut-off of an automatic one."""
        if isinstance(self.learning_time, Real):
            return GivenTimes([self.learning_time])
        return TIME_RULES[self.learning_time](lambda: MeanEigenvalue(share))

    def _fill(self, X):
        """Return the rows in double precision with their gaps filled."""
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


def copies_of(sample):
    """Return up to ``SAMPLE_SIZE`` rows, with as large a share of copies as in a ``Sample``."""
    n_copies = sample.weight * min(1.0, SAMPLE_SIZE / sample.weight.sum())
    n_copies = np.maximum(1, np.round(n_copies)).astype(int)
    return np.repeat(sample.X.astype(np.float64), n_copies, axis=0)
