"""Classification: the label that activates most."""

from dataclasses import replace
from numbers import Integral, Real

import numpy as np
from scipy.special import log_softmax, softmax
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
)

from ._base import ActivationLearningBase
from ._classification.explain import explain_gaps
from ._classification.model import ClassifierModel
from ._classification.self_training import train_partly_labelled
from ._classification.training import ClassifierTraining
from ._inference.completion import column_ranges, generate_rows
from ._inference.objective import Objective
from ._learning.sharpness import Certainty
from ._progress import with_callbacks
from ._rows.encodings import ENCODINGS
from ._rows.labels import class_weights, is_missing, replace_missing
from ._rows.scales import narrow
from ._state import learns, reads_in
from ._validation import (
    check_count,
    check_weight,
    leave_out_weightless,
    new_seed,
    refuse_nothing_known,
    validate_table,
)


@reads_in(
    "predict",
    "decision_function",
    "predict_proba",
    "predict_log_proba",
    "score_samples",
    "layer_activations",
    "explain",
    "generate",
    "complete",
)
class ActivationLearningClassifier(ClassifierMixin, ActivationLearningBase):
    """Classifier that learns rows with their labels and asks which label activates most.

    A row and its label are one input, each scaled to norm 1: the label block has one
    unit a class. The network learns such inputs without supervision, and classifies by
    trying every label: argmax_c ||y(x, c)||^2 (paper [1]_, section III and eq. 10).

    Parameters
    ----------
    layer_sizes : int, tuple of int or None, default=None
        Units of every layer. None: one or two layers as wide as the input with its label
        block, within 256 and 1,024: two on unit rows, and on random Fourier features what
        has less held-out log-loss on up to 1,000 training rows. One layer relates labels
        linearly to what its input is encoded as.
    activation : {"abs", "std_abs", "layer_std_abs", "square"}, default="std_abs"
        Function between layers; all of them keep a row's norm (paper, section III.A).
        "std_abs" standardises abs(y) over the training rows, "layer_std_abs" only
        subtracts the row's own mean, which needs no statistics; "square" makes strong
        responses stronger, which suits features for a linear model.
    encoding : {"auto", "unit", "fourier"}, default="auto"
        How a row becomes input. "unit" scales it to norm 1, right for images, spectra
        and counts, where only proportions matter. "fourier" maps standardised columns
        to random Fourier features, right for tables, where size matters. "auto" takes
        the one with less held-out log-loss on up to 1,000 training rows (each row held out
        in turn of up to 50); "unit" is tried if there are several columns, none of
        categories, and at least a quarter of them make up the length of rows.
    n_frequencies : int, default=256
        Random frequencies of the Fourier map, which has twice as many columns. More
        follow the data more closely and cost time with their cube.
    bandwidth : "auto" or float > 0, default="auto"
        Width of the Gaussian kernel behind the Fourier map, in the units of the
        standardised columns. "auto" takes the root mean squared distance of training rows,
        or half of it, by rows left out of a linear read-out of up to 2,000 of them. Smaller
        values see finer structure and need more rows.
    standardize : bool, default=True
        Whether the Fourier map centres and scales columns first, by scales of up to 8,000
        training rows that survive junk in a tenth of a column. Positive columns of many
        magnitudes are read as logarithms, and distances grow as a cube root beyond 2
        deviations.
    relevances : "auto", None or array-like of shape (n_features,), default="auto"
        How far each column counts in the Fourier map: distances in it are multiplied by
        this. "auto" finds out by what a column says about the label: in up to three rounds,
        relevances are the slopes of a linear read-out of the encoded rows, and those of the
        round with the least error of rows left out are taken ([2]_). Columns that vary count
        alike if that does not lower the error by a hundredth of the labels' variance, and with
        None.
    categorical_features : "from_dtype", array-like of bool, int or str, or None, \
            default="from_dtype"
        Columns that hold categories: "from_dtype" takes those of strings, of a category type
        and of booleans in data frames and arrays of objects; a mask, numbers or names
        say which; None takes none. Two different categories are as far apart as a typical
        pair of numbers, times the column's relevance.
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
        "auto" chooses by log-loss on held-out rows (a fifth of up to 8,000; several
        folds if there are few; with fewer than 20 rows a class the cut-off is at the
        mean eigenvalue instead): a hidden layer's time by how well the layer above
        does at its best, then the last layer's along the whole path, which costs one
        decomposition. Beyond 8,000 rows the last layer's path is that of all rows but
        the held-out ones. ``fit`` with ``solver="hebbian"`` learns for the times of
        those 8,000 rows, unless ``max_iter`` epochs end before; with feedback it takes
        all epochs.
    init_activation : float in (0, 1), default=0.1
        Share of activation that an input has before any learning (epsilon in
        W W^T = epsilon I). The paper's N(0, 0.01^2) with 1064 units is about 0.1.
    feedback : "auto" or bool, default="auto"
        Whether to learn from mistakes (paper, eq. 12-14): a row is learned with its
        label, and unlearned with the wrong label that activates most, unless the first
        activates more by ``feedback_gap``. Training starts from the closed form
        (``solver="flow"``) or from random weights ("hebbian"). Feedback needs many
        rows: the paper finds that it hurts with fewer than about 4,000 of MNIST.
        "auto" holds out a tenth of the rows (250 to 2,000), or ``validation_fraction``, and
        takes feedback if it has less log-loss on them, by a standard error, and gives it up
        after a fifth of the epochs if it has more by then; otherwise the model is that of
        False. With fewer than 1,000 rows, and in ``partial_fit``, it goes
        without. With feedback, "auto" learning times put every layer's cut-off at the
        mean eigenvalue.
    unlearning_factor : float in [0, 1], default=0.7
        Rate of unlearning over the rate of learning (lambda in the paper's eq. 14).
        Below 1, activation keeps rising while labels are told apart.
    feedback_gap : float > 0, default=0.15
        Difference of activations beyond which a row has nothing to learn. Activations
        lie in [0, 2]. Wider gaps take longer; the paper's program takes 0.5 with fewer
        than 1,000 rows.
    learning_rate : float > 0, default=0.1
        Step of ``solver="hebbian"``; a tenth of it for the last tenth of the updates.
        In ``fit``, layers with less learning time than others take a share of it;
        ``partial_fit`` is one pass over its rows at this rate.
        With feedback, a mini-batch learns at 14 times this rate in total at first, less
        once most rows have a wide gap, and falling along a half cosine to 0.
    max_iter : int, default=None
        Epochs. None: 100 at most of ``solver="hebbian"``, 20 of feedback from the closed
        form.
    batch_size : int, default=100
        Rows in a mini-batch of ``solver="hebbian"``; 1 learns row by row. Feedback visits
        twice as many rows for a mini-batch, since about half have nothing to learn.
    early_stopping : bool, default=False
        Whether feedback ends when the error on held-out rows has not fallen for
        ``n_iter_no_change`` epochs; the weights of the best epoch are kept.
    validation_fraction : float in (0, 1), default=0.1
        Share of the rows held out for ``early_stopping``.
    n_iter_no_change : int, default=10
        Epochs without a lower held-out error after which ``early_stopping`` ends.
    class_weight : dict, "balanced" or None, default=None
        Weight of every class, on top of ``sample_weight``; "balanced" gives all
        classes the same total. ``partial_fit`` cannot balance.
    missing_label : label, NaN or None, default=None
        What stands in ``y`` for rows without a label. They are learned with the label
        that the network gives them itself: ``fit`` learns the labelled rows first, then
        all rows in two rounds, each with the labels of the round before, labelled rows
        weighing half as much as the others together or more. Rows that are unlike all that
        the network has learned so far are left out of a round. With ``feedback=True``, or
        "auto" and at least 4,000 rows, up to six rounds with feedback follow, each a fifth
        of its epochs. That pays where classes form clusters. ``score`` counts rows without
        a label as mistakes: search parameters on rows with one.
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
        1 prints a line a layer (flow) or an epoch (hebbian, feedback): seconds,
        training error, share of rows that were learned, held-out error if there is one.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    coefs_ : list of ndarray of shape (n_inputs, n_units)
        Weights of every layer, input units along the rows.
    n_layers_ : int
    learning_times_ : ndarray of shape (n_layers,)
        The time each layer has learned for.
    n_iter_ : int
        Epochs of the stochastic solver, a part of one counts, or of feedback; 1 for the
        flow alone.
    encoding_ : {"unit", "fourier"}
        The encoding that ``encoding="auto"`` took, or the one given.
    feedback_ : bool
        Whether it learned from mistakes.
    relevances_ : ndarray of shape (n_features,) or None
        How far each column counts; their mean square, weighted by the columns' variances,
        is 1 with "auto". None if ``relevances`` is None, and with unit rows.
    is_categorical_ : ndarray of bool of shape (n_features,), or None
        Which columns hold categories; None if there are none.
    activation_curve_ : ndarray of shape (n_points,)
        Mean output activation of the training rows as training advanced: at 20 equal
        steps of the last layer's learning time, or after every epoch (paper, Fig. 7b).
        Epochs of feedback follow those of the closed form.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        Only if the training columns had names.

    See Also
    --------
    CompetitiveHebbianTransformer : Features without labels.
    sklearn.neural_network.MLPClassifier : The same layers by backpropagation.

    Notes
    -----
    Gaps are filled in, in training and in prediction, from the five nearest of up to 2,048
    training rows, distances being those of standardised columns, whatever the labels are. A
    column of which training knew nothing counts for nothing, and so does one that was known in
    fewer than 10 rows and less than a tenth as often as another; a row of which nothing is known
    has the probabilities of the training rows.

    The less a row activates the network with any label, the less certain its probabilities are.
    Rows that activate it less than all but a fiftieth of held-out rows have probabilities on the
    way to those of the training rows, which rows have that activate it no more than random
    inputs; ``predict`` goes by activation all the same.

    Prediction runs every row through the upper layers once for each class. Held-out
    rows are picked by a hash of their values, so the order of rows does not matter and
    copies of a row never stand on both sides.

    After a visit with a wide gap, feedback visits a row again two to six epochs later. It
    compares its label with a single wrong one, that which activated most when all were last
    tried, at most five epochs ago, by the largest eigenvalues of the last layer. The flow
    keeps all eigenvalues of W W^T within 1; the finite steps of unlearning do not, so those
    that outgrow 1 are set back. After an activation that is not finite or more than twice
    its input's, the weights go back by up to ten updates and the rate is halved, with a
    ConvergenceWarning.

    References
    ----------
    .. [1] H. Zhou, "Activation Learning by Local Competitions", arXiv:2209.13400.
    .. [2] A. Radhakrishnan, D. Beaglehole, P. Pandit and M. Belkin, "Mechanism for feature
       learning in neural networks and backpropagation-free machine learning models",
       Science 383 (2024).

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn_activation import ActivationLearningClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    >>> classifier = ActivationLearningClassifier(random_state=0).fit(X_train, y_train)
    >>> classifier.score(X_test, y_test) > 0.97
    True
    """

    _parameter_constraints = {
        **ActivationLearningBase._parameter_constraints,
        "encoding": [StrOptions({"auto", *ENCODINGS})],
        **ActivationLearningBase._encoding_constraints,
        "relevances": [StrOptions({"auto"}), "array-like", None],
        "categorical_features": [StrOptions({"from_dtype"}), "array-like", None],
        "max_iter": [Interval(Integral, 1, None, closed="left"), None],
        "feedback": ["boolean", StrOptions({"auto"})],
        "unlearning_factor": [Interval(Real, 0, 1, closed="both")],
        "feedback_gap": [Interval(Real, 0, None, closed="neither")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "missing_label": "no_validation",
    }
    _allow_nan = True

    def __init__(
        self,
        layer_sizes=None,
        *,
        activation="std_abs",
        encoding="auto",
        n_frequencies=256,
        bandwidth="auto",
        standardize=True,
        relevances="auto",
        categorical_features="from_dtype",
        solver="flow",
        learning_time="auto",
        init_activation=0.1,
        feedback="auto",
        unlearning_factor=0.7,
        feedback_gap=0.15,
        learning_rate=0.1,
        max_iter=None,
        batch_size=100,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        class_weight=None,
        missing_label=None,
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
        self.relevances = relevances
        self.categorical_features = categorical_features
        self.solver = solver
        self.learning_time = learning_time
        self.init_activation = init_activation
        self.feedback = feedback
        self.unlearning_factor = unlearning_factor
        self.feedback_gap = feedback_gap
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.class_weight = class_weight
        self.missing_label = missing_label
        self.warm_start = warm_start
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    @with_callbacks
    @learns
    def fit(self, X, y, sample_weight=None):
        """Learn rows together with their labels.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Numbers and categories; NaN stands for missing (see Notes).
        y : array-like of shape (n_samples,)
            Labels of any type, of at least two classes; ``missing_label`` for none.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight of 2 counts as two copies of the row (with ``feedback`` or a
            ``batch_size`` of 1 nearly: copies come in other mini-batches), and a factor
            that all weights share changes nothing.

        Returns
        -------
        self : object
            The fitted classifier.
        """
        y, unknown = replace_missing(y, self.missing_label)
        X, y = self._validate(X, y=y, reset=True)
        refuse_nothing_known(X)
        check_classification_targets(y)
        before = getattr(self, "classes_", None)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if self.warm_start and before is not None:
            if not np.array_equal(before, self.classes_):
                raise ValueError(
                    f"warm_start=True goes on with the classes {before}, but y holds "
                    f"{self.classes_}."
                )
        if len(self.classes_) < 2:
            raise ValueError("y holds one class only; the classifier needs at least 2 classes.")
        self._learn(X, labels, unknown, sample_weight, partial=False)

    @_fit_context(prefer_skip_nested_validation=True)
    @learns
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Learn from more rows.

        With ``solver="flow"``, one layer and a given ``learning_time`` the result is
        that of ``fit`` on all rows so far. ``learning_time="auto"`` is chosen anew
        on a sample of all rows whenever their number passes a power of two.

        The first call fits the encoding and, with ``feedback=True``, the closed form that
        later calls go on from: give it some hundred rows, of all classes. It ignores rows
        without a label and needs some with; later calls learn them with the label that the
        network gives them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN stands for missing.
        y : array-like of shape (n_samples,)
            Their labels, all of them in ``classes``.
        classes : array-like of shape (n_classes,), default=None
            All labels there will ever be; needed in the first call only. A
            ``missing_label`` among them is left out.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row; 2 counts as two copies.

        Returns
        -------
        self : object
            The fitted classifier.
        """
        first = not self.__sklearn_is_fitted__()
        stand_in = [] if first else self.classes_[:1]
        y, unknown = replace_missing(y, self.missing_label, stand_in)
        X, y = self._validate(X, y=y, reset=first)
        refuse_nothing_known(X)
        check_classification_targets(y)
        if classes is not None:
            classes = np.unique(
                [c for c in list(classes) if not is_missing(c, self.missing_label)]
            )
            if not first and not np.array_equal(classes, self.classes_):
                raise ValueError(
                    f"classes={classes} differ from those of the first call, {self.classes_}."
                )
        elif first:
            raise ValueError("classes must be given in the first call of partial_fit.")
        if first:
            if len(classes) < 2:
                raise ValueError(f"classes={classes}: the classifier needs at least 2 classes.")
            self.classes_ = classes
        self._learn(X, self._codes(y), unknown, sample_weight, partial=True)

    def _validate(self, X, *, reset, **options):
        """Rows as an array of numbers, categories as codes."""
        return validate_table(self, X, self._declared_categories(), reset=reset, **options)

    def _learn(self, X, labels, unknown, sample_weight, *, partial):
        """Weigh rows, train, and adopt the model."""
        known = np.ones(len(labels), dtype=bool) if unknown is None else ~unknown
        if self.class_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, dtype=np.float64)
            of_class = class_weights(
                self.class_weight,
                self.classes_,
                None if partial else labels[known],
                sample_weight[known],
            )
            sample_weight = sample_weight * np.where(known, of_class[labels], 1)
        weight = check_weight(X, sample_weight)
        X, labels, known, weight = leave_out_weightless(weight, X, labels, known)
        training = self._training(self._model(), partial)
        if not (known.any() or training.going_on):
            raise ValueError("sample_weight: every row with a label has weight zero.")
        if known.all():
            model = training.run(X, labels, weight)
        else:
            model = train_partly_labelled(training, X, labels, known, weight)
        self._adopt(model)

    def _training(self, previous, partial):
        return ClassifierTraining(self, previous, partial)

    def _attributes_of(self, model):
        return {
            **super()._attributes_of(model),
            "encoding_": model.encoding.name,
            "feedback_": model.solution.feedback,
            "relevances_": model.encoding.state.get("relevances"),
            "_certainty": tuple(model.certainty),
            "_least": model.least,
        }

    def _model(self):
        model = super()._model()
        if model is None:
            return None
        model = replace(
            model,
            solution=replace(model.solution, feedback=self.feedback_),
            n_labels=len(self.classes_),
        )
        return model.extend(
            ClassifierModel,
            certainty=Certainty(*self._certainty),
            is_categorical=self.is_categorical_,
            least=self._least,
        )

    def predict(self, X):
        """The label that activates most with each row (paper, eq. 10).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN stands for missing.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            A label of ``classes_`` for every row.
        """
        X = self._fitted_rows(X)
        return self.classes_[self._model().predict(X)]

    def decision_function(self, X):
        """Output activation with every label.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN stands for missing.

        Returns
        -------
        activation : ndarray of shape (n_samples, n_classes)
            ||y(x, c)||^2, in [0, 2]. For two classes, of shape (n_samples,): that of
            ``classes_[1]`` less that of ``classes_[0]``.
        """
        X = self._fitted_rows(X)
        energies = self._model().label_energies(X)
        if len(self.classes_) == 2:
            return energies[:, 1] - energies[:, 0]
        return energies

    def predict_proba(self, X):
        """Probability of every label, p(c | x) proportional to exp(a ||y(x, c)||^2).

        ``a`` is fitted to held-out rows (paper, eq. 8): of a training of the same
        learning times, or, with feedback, rows that are not trained on (those of the trial
        or of ``early_stopping``, else a tenth, up to 1,000; no rows if that is fewer than
        50); in ``partial_fit`` with feedback, the latest rows as they were before they were
        learned. After ``missing_label``, rows with a label of their own, if there are 50 to
        hold out; else ``a`` is that of the labelled rows alone, at their gaps of now. One more
        row of an unknown label keeps ``a`` finite, as many as there are rows if no class has
        two.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN stands for missing.

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes)
            Rows add up to 1; columns are in the order of ``classes_``.
        """
        return softmax(self._scaled_scores(X), axis=1)  # eq. 8

    def predict_log_proba(self, X):
        """The logarithms of ``predict_proba``, finite where a probability is too small a number.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN stands for missing.

        Returns
        -------
        log_p : ndarray of shape (n_samples, n_classes)
            Columns are in the order of ``classes_``.
        """
        return log_softmax(self._scaled_scores(X), axis=1)

    def score_samples(self, X):
        """Highest output activation over the labels: how typical each row is.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN stands for missing.

        Returns
        -------
        activation : ndarray of shape (n_samples,)
            In [0, 2].
        """
        X = self._fitted_rows(X)
        return self._model().label_energies(X).max(axis=1)

    def layer_activations(self, X, y=None):
        """Activation of every layer for rows with a label: where activation is lost.

        Layer l passes on ||y_l||^2 of what it gets; their ratios are the activation
        filters h_l of the paper's eq. 9, and the last column is the output activation.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN stands for missing.
        y : array-like of shape (n_samples,), default=None
            Labels, all of them in ``classes_``. None takes those that ``predict`` finds.

        Returns
        -------
        activation : ndarray of shape (n_samples, n_layers)
            In [0, 2]: data and label block have norm 1.
        """
        X, model = self._fitted_rows(X), self._model()
        return model.layer_energies(X, self._labels(model, X, y))

    def explain(self, X):
        """How far each column speaks for the predicted label and against the next best one.

        On the way from the nearest kept training row that the next best label is predicted for
        to the row, the slopes of the gap between both labels' activations are added up from
        where they activate alike: each column's on its own (integrated gradients, Sundararajan,
        Taly & Yan 2017). Gaps of rows are filled in first, and explained as what was filled in;
        a row of which nothing is known has no contributions.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN stands for missing.

        Returns
        -------
        contributions : ndarray of shape (n_samples, n_features)
            In activation. Positive ones speak for the predicted label, negative ones for the
            next. Rows add up to the difference of the activations of both.
        """
        X = self._fitted_rows(X)
        return explain_gaps(self._model(), X)

    def generate(self, y, *, n_samples=1, sharpness=0.003, noise=0.03, random_state=None):
        """New rows of given labels: what activates most with them (paper, eq. 15 and 16).

        Maximises ``sum_i (1 + d_i) y_i^2 - sharpness |z|_1`` over the row z, with d_i drawn from
        N(0, noise^2) for every row and output unit. Each search starts from a training row of
        the label, out of 2,048 that the model keeps, moved by half the difference of two
        others, and ends at a local maximum near it: a typical row. Rows of a label so made
        differ less than real ones do, in tables much less.

        Parameters
        ----------
        y : array-like of shape (n_labels,)
            Labels, all of them in ``classes_``.
        n_samples : int >= 1, default=1
            Rows for every entry of ``y``; they stand together.
        sharpness : float >= 0, default=0.003
            Weight of the L1 norm of the unit row (of the standardised row with the
            encoding "fourier"). More leaves fewer entries away from 0.
        noise : float >= 0, default=0.03
            More makes rows of a label more diverse, and less typical.
        random_state : int, RandomState instance or None, default=None
            An int makes the draws repeatable.

        Returns
        -------
        X : ndarray of float64 of shape (n_labels * n_samples, n_features)
            In the units of the training rows. Within the range of the kept ones with the
            encoding "fourier"; with "unit" of the mean length of those of the label.
        """
        check_is_fitted(self)
        self._refuse_categories("generate")
        check_count("n_samples", n_samples, 1)
        for name, value in (("sharpness", sharpness), ("noise", noise)):
            if not (isinstance(value, Real) and 0 <= value < np.inf):
                raise ValueError(f"{name}={value!r} must be a number, 0 or more.")
        y = column_or_1d(y)
        if not len(y):
            raise ValueError("y is empty: give a label for every row to generate.")
        labels = np.repeat(self._codes(y), n_samples)
        rng = np.random.default_rng(new_seed(random_state))
        # 1 + d of eq. 16.
        gains = 1 + noise * rng.normal(size=(len(labels), self.coefs_[-1].shape[1]))
        model = self._model()
        objective = Objective(model.network, model.encoding, model.n_labels, sharpness)
        sample, unit = model.kept_rows()
        return unit * generate_rows(
            objective,
            sample,
            labels,
            gains.astype(objective.dtype),
            rng,
            bounds=column_ranges(sample.X),
            n_jobs=self.n_jobs,
        )

    def complete(self, X, y=None):
        """Fill what is missing so that least activation is lost.

        A row x with label c loses ``|x|^2 (2 - ||y(x / |x|, c)||^2)``, with the encoding
        "fourier" ``2 - ||y(x, c)||^2``. Missing entries minimise that within the range of 2,048
        training rows that the model keeps, from the mean of the five nearest of the label. (The
        paper's eq. 17 maximises the activation of the normalised row, in which missing entries
        outweigh known ones.)

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            NaN stands for missing. If all known entries of a row are 0, it gets the mean
            of the kept rows of the label with the encoding "unit".
        y : array-like of shape (n_samples,), default=None
            Labels, all of them in ``classes_``. None takes those that ``predict`` finds.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            Known entries as they were; rows that lack nothing are the same.
        """
        X, model = self._fitted_rows(X), self._model()
        self._refuse_categories("complete")
        missing = np.isnan(X)
        labels = self._labels(model, X, y)
        if not missing.any():
            return X.copy()
        rows, result = missing.any(axis=1), X.copy()
        filled = model.complete(X[rows], labels[rows])
        result[missing] = narrow(filled[missing[rows]], result.dtype)
        return result

    def _refuse_categories(self, method):
        if self.is_categorical_ is not None:
            every = getattr(self, "feature_names_in_", np.arange(self.n_features_in_))
            names = every[self.is_categorical_].tolist()
            raise ValueError(
                f"{method} makes numbers, but columns {names} hold categories. ActivationImputer "
                "fills in categories."
            )

    def _labels(self, model, X, y):
        """Classes of validated rows by number: those given, or those that activate most."""
        if y is None:
            return model.predict(X)
        y = column_or_1d(y)
        check_consistent_length(X, y)
        return self._codes(y)

    def _codes(self, y):
        """Labels as numbers of classes."""
        unseen = np.setdiff1d(y, self.classes_)
        if len(unseen):
            raise ValueError(f"y contains labels that are not in classes: {unseen}.")
        return np.searchsorted(self.classes_, y)

    def _scaled_scores(self, X):
        """What probabilities are proportional to the exponential of (eq. 8)."""
        X, model = self._fitted_rows(X), self._model()
        return model.certainty.sharpness * model.label_scores(X)
