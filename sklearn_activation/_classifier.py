"""Classification: the label with the highest output activation."""

from dataclasses import replace
from numbers import Integral, Real

import numpy as np
from scipy.special import log_softmax
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
from ._rows.rows import Rows
from ._rows.scales import narrow
from ._state import learns, reads_in
from ._validation import (
    check_count,
    check_weight,
    leave_out_weightless,
    new_seed,
    refuse_nothing_known,
    validate_table,
    warn_of_unknown_rows,
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
    """Classify the rows of a table, also with gaps, categories or few labels.

    ``ActivationLearningClassifier().fit(table, labels).predict(new_rows)`` returns a label for
    each new row. The table may hold numbers, categories and missing values, and needs no scaling.
    The network learns each row together with its label, without backpropagation. The network then
    tries every label with a new row. The output activation, a number from 0 to 2, says how well
    row and label go together. The predicted label is the one with the highest output activation
    (paper [1]_, section III and eq. 10). ``predict_proba`` gives probabilities, ``explain`` says
    which columns speak for a label, and ``missing_label`` admits rows without a label. The user
    guide explains :doc:`how the classifier works </guide/rule>` and :doc:`when to change a
    parameter </guide/parameters>`.

    Parameters
    ----------
    layer_sizes : int, tuple of int or None, default=None
        Number of units of each layer. None makes layers as wide as the encoded row with its label,
        within 256 and 1,024. With ``encoding="unit"`` there are two layers; with "fourier", one
        and two layers are compared on held-out rows. Give numbers to save this comparison, or to
        try wider layers for images. With ``receptive_field``, the numbers of local layers count
        units at each place of the image, and None means a local layer with three units, or as many
        as there are channels, below a full layer.
    image_shape : tuple of int or None, default=None
        Shape of the images in the rows of ``X``: (height, width, channels), (height, width) for
        one channel, or (length,) for series. Only ``receptive_field`` needs the shape. With an
        ``augment`` that crops, it is the shape after the crop.
    receptive_field : odd int, tuple of odd int or None, or None, default=None
        Width of the square field that each unit of the hidden layers reads, in pixels. None means
        that each unit reads all inputs. With a number, units stand at each place of the image and
        read the field around their place, and neighbours compete for the inputs that they share
        (paper, section V.A). The units of the first layer read the label, too, and the last layer
        reads all units. Give a tuple with a number, or None, for each hidden layer if they differ.
        Choose 5 to 9 for images in which neighbouring pixels belong together, such as photographs.
    activation : {"abs", "std_abs", "layer_std_abs", "square"}, default="std_abs"
        Function through which the outputs of a layer pass before the next layer reads them. "abs"
        takes absolute values, and "square" takes squares. "std_abs" standardises the absolute
        values over the training rows, and "layer_std_abs" subtracts their mean over the units of
        the layer. Change the function if cross-validation shows that another one suits your data.
        The :doc:`user guide </guide/rule>` has the formulas.
    encoding : {"auto", "unit", "fourier"}, default="auto"
        How a row becomes the input of the network. "fourier" compares rows by the distances
        between their columns, which suits tables. "unit" divides each row by its length, and only
        proportions count, which suits images, spectra and counts. "auto" takes the encoding with
        the lower log-loss on held-out rows. If you know which encoding suits your table, name this
        encoding to save the comparison.
    n_frequencies : int, default=256
        Number of random frequencies of the "fourier" encoding. The encoded row has two entries for
        each frequency. A larger number follows the data more closely, and the time for training
        grows with its cube. Raise ``n_frequencies`` for large tables, and lower it for speed.
    bandwidth : "auto" or float > 0, default="auto"
        Distance at which the "fourier" encoding sees two rows as different, in standard deviations
        of the columns. "auto" tries the typical distance between training rows and half of this
        distance, and takes the better one on held-out rows. Give a smaller number to see finer
        structure, which needs more rows. Values from 0.25 to 4 are worth a search.
    standardize : bool, default=True
        Whether the "fourier" encoding centres and scales the columns. Outliers hardly change the
        scales. A column that spans several orders of magnitude is replaced by its logarithm. Set
        ``standardize`` to False if all columns have the same unit and their sizes matter, or if
        batches must not depend on the first one.
    relevances : "auto", None or array-like of shape (n_features,), default="auto"
        Weight of each column in the distance between two rows with the "fourier" encoding. "auto"
        measures how much the labels depend on each column [2]_. None gives all columns the same
        weight. Give one number for each column if you know better. With ``encoding="unit"``,
        numbers raise an error. See the :doc:`user guide </guide/relevance>`.
    categorical_features : "from_dtype", array-like of bool, int or str, or None, \
            default="from_dtype"
        Columns that hold categories. "from_dtype" takes the columns of strings, of a category type
        and of booleans. Name the columns, or give their numbers or a mask, if numbers in your
        table are codes. None means no column. ``encoding="unit"`` takes no categories: booleans
        count as 0 and 1, and strings are refused.
    solver : {"flow", "hebbian"}, default="flow"
        "flow" computes the trained network in closed form, with one or two passes over the rows
        for each layer. "hebbian" applies the learning rule to one mini-batch after another, and is
        slower by orders of magnitude. Choose "hebbian" to study the rule, or for rows that arrive
        one at a time.
    learning_time : "auto", float > 0 or tuple of float, default="auto"
        How long the network learns. A shorter time regularises more, and a longer time learns
        finer detail. "auto" takes the time with the lowest log-loss on held-out rows. Give one
        number, or one for each layer, to save this search or to search yourself in steps of ten
        around ``learning_times_``. See the :doc:`user guide </guide/learning_time>`.
    init_activation : float in (0, 1), default=0.1
        Share of its activation that an input keeps in an untrained network (epsilon in W W^T =
        epsilon I). The paper starts with about 0.1: its weights N(0, 0.01^2) have 1064 units. Keep
        the default unless you study the rule.
    feedback : "auto" or bool, default="auto"
        Whether the network also learns from its mistakes: it unlearns each wrong label that comes
        near to the right one (paper, eq. 12-14). "auto" compares the network with and without
        feedback on held-out rows, and takes feedback if the log-loss falls. With fewer than 1,000
        rows, and in ``partial_fit``, "auto" means no feedback. Give True or False to save the
        trial. See the :doc:`user guide </guide/feedback>`.
    unlearning_factor : float in [0, 1], default=0.7
        Rate of unlearning wrong labels, as a share of the rate of learning right ones (lambda in
        eq. 14). 0 unlearns nothing. The factor has no effect without feedback. Keep the default
        unless you study the rule.
    feedback_gap : float > 0, default=0.15
        Lead in activation of the right label from which feedback leaves a row alone. Activations
        lie between 0 and 2. A larger lead takes longer to reach. Keep the default unless you study
        the rule; the paper's program uses 0.5 for fewer than 1,000 rows.
    learning_rate : float > 0, default=0.1
        Step size of ``solver="hebbian"``. ``fit`` uses a tenth of the rate for the last tenth of
        the updates. A layer with a shorter learning time than the other layers has a lower rate.
        ``partial_fit`` does not change the rate. Lower ``learning_rate`` if a warning says that
        the rate is too large. Feedback starts with 14 times this rate for a mini-batch, and lowers
        the rate to 0.
    max_iter : int, default=None
        Largest number of epochs, which are passes over the training rows. None means 100 epochs of
        ``solver="hebbian"``, or 20 epochs of feedback with ``solver="flow"``. Lower ``max_iter``
        to save time with feedback, and raise it if the held-out error still falls in the last
        epochs.
    batch_size : int, default=100
        Number of rows in each mini-batch of ``solver="hebbian"``. 1 updates the weights after
        every row. Change ``batch_size`` only to study the rule. Feedback visits twice as many rows
        for a mini-batch, because about half of them have nothing to learn.
    early_stopping : bool, default=False
        Whether feedback ends when the error on held-out rows has not fallen for
        ``n_iter_no_change`` epochs. The weights of the best epoch are kept. Set ``early_stopping``
        to True to save epochs with many rows. ``partial_fit`` and ``feedback=False`` have no
        epochs to stop, and ignore it.
    validation_fraction : float in (0, 1), default=0.1
        Share of the training rows that ``early_stopping`` holds out. Raise ``validation_fraction``
        if the held-out rows are too few to measure an error.
    n_iter_no_change : int, default=10
        Number of epochs without a lower held-out error after which ``early_stopping`` ends the
        training. Lower ``n_iter_no_change`` to save time.
    augment : callable or None, default=None
        Function ``(X, rng) -> X`` that changes rows at random and leaves their labels as they are,
        such as those of ``sklearn_activation.augmentation``. Each epoch of feedback, or of
        ``solver="hebbian"``, then learns other views of the rows, and ``solver="flow"`` learns one
        view of each row. A prediction sees the rows of the function's method ``for_prediction``,
        or the rows themselves. Set ``augment`` for images that mean the same when they are shifted
        or mirrored. Then raise ``max_iter``. See the :doc:`user guide </guide/images>`.
    class_weight : dict, "balanced" or None, default=None
        Weight of each class, which multiplies ``sample_weight``. None weighs all rows alike.
        "balanced" gives all classes the same total weight; choose it if a rare class matters as
        much as a common one. ``partial_fit`` takes a dict only.
    missing_label : label, NaN or None, default=None
        Value in ``y`` that marks a row without a label, such as -1. None means that all rows have
        a label. Set ``missing_label`` if few of many rows have a label and if the classes form
        clusters. The other rows then get labels from the rows nearest to them, and are learned,
        too. They are left out, with a warning, if this does not help to find the labels of
        held-out rows. ``score`` counts rows without a label as mistakes. See the :doc:`user guide
        </guide/feedback>`.
    warm_start : bool, default=False
        Whether ``fit`` goes on from the previous fit. With ``solver="hebbian"``, ``fit`` starts
        from the current weights. With ``solver="flow"``, ``fit`` takes the learning times of the
        previous fit. Set ``warm_start`` to True to save time when you fit similar rows again.
    n_jobs : int, default=None
        Number of threads that work on blocks of rows. None means as many as BLAS, NumPy's linear
        algebra, would use, up to 8. -1 means one for each core. Meanwhile BLAS has fewer threads,
        so that the threads do not multiply. Raise ``n_jobs`` if BLAS is limited to one thread.
    random_state : int, RandomState instance or None, default=None
        Source of all random numbers: the rotation of each layer, the first weights, the order of
        rows in an epoch, and the frequencies of the "fourier" encoding. Pass an int to get the
        same result in every run.
    verbose : int, default=0
        1 prints a line for each layer with ``solver="flow"``, or for each epoch with
        ``solver="hebbian"`` or feedback. A line of feedback has the seconds, the share of rows
        whose rival leads ("training error"), and the share of rows that learn. With
        ``early_stopping``, the line also has the held-out error. 0 prints nothing.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels in ascending order.
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
        Number of epochs of ``solver="hebbian"`` or of feedback; a part of an epoch counts as one.
        The number is 1 with ``solver="flow"`` and no feedback. With ``early_stopping``, it is the
        number of the epoch whose weights are kept.
    encoding_ : {"unit", "fourier"}
        Encoding that was given, or that ``encoding="auto"`` has chosen.
    feedback_ : bool
        Whether the network has learned from its mistakes.
    relevances_ : ndarray of shape (n_features,) or None
        Weight of each column in the distance between two rows. With "auto", the mean square of the
        relevances is 1, weighted by the variances of the columns. The value is None with
        ``relevances=None`` or with unit rows.
    is_categorical_ : ndarray of bool of shape (n_features,), or None
        Which columns hold categories. The value is None if no column holds categories.
    activation_curve_ : ndarray of shape (n_points,)
        Mean output activation of the training rows during training. The curve has one entry for
        each of 20 equal steps of the last layer's learning time, or one for each epoch (paper,
        Fig. 7b). The epochs of feedback come last.
    n_features_in_ : int
        Number of columns in training.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns in training. The attribute exists only if the columns had names.

    See Also
    --------
    CompetitiveHebbianTransformer : Makes features without labels.
    sklearn.neural_network.MLPClassifier : Trains layers by backpropagation.

    Notes
    -----
    **Missing values.** In training and in prediction, a gap is filled from the five nearest of up
    to 2,048 training rows. The gap gets the mean or the most frequent category of these rows. A
    column without any known entry in training is ignored. A column is also ignored if it was known
    in fewer than 10 rows, and in less than a tenth of the rows that know the best known column. A
    row without any known entry gets the shares of the labels in training as its probabilities. See
    the :doc:`user guide </guide/gaps>`.

    **Held-out rows.** Encodings and numbers of layers are compared on up to 1,000 training rows.
    Learning times are compared on a fifth of up to 8,000 training rows. ``solver="hebbian"``
    learns for the times of these rows, but not for more than ``max_iter`` epochs. Feedback is
    tried on a tenth of the rows, from 250 to 2,000 of them. Held-out rows are chosen by their
    values. The order of the rows therefore does not matter, and copies of a row are never on both
    sides. With fewer than 20 rows in each class, the learning time follows from the statistics of
    the rows instead.

    **Rows without a label.** The network first learns the labelled rows. In two rounds, the other
    rows then get the labels that spread from the labelled rows along a graph of nearest neighbours
    (Zhou, Bousquet, Lal, Weston & Schölkopf 2004), and are learned. The labelled rows together
    weigh at least half as much as all other rows together. A round leaves out rows that are unlike
    everything learned before. Up to four rounds with feedback follow with ``feedback=True``, or
    with ``feedback="auto"`` and at least 4,000 rows. The rows without a label are left out, with a
    UserWarning, if the log-loss of held-out labels does not fall.

    **Unfamiliar rows.** A row is unfamiliar if its highest activation is lower than the highest
    activations of 98 % of the held-out rows. The probabilities of an unfamiliar row tend to the
    shares of the labels in training. The predicted label of the row does not change.

    **Feedback.** Automatic learning times have their cut-off at the mean eigenvalue with feedback.
    A row whose label leads by ``feedback_gap`` is left alone for two to six epochs. Feedback
    compares the right label with a rival, which is drawn among the wrong labels that come within
    the gap, the nearer the more often. The paper takes the wrong label of the highest activation
    (eq. 12). The activations by which rivals are drawn are at most five epochs old. Eigenvalues of
    W W^T above 1 are set back to 1. In a layer with local connections, the weights of the labels
    are set back after each update. Other eigenvalues up to 1.5 are left alone there, and larger
    ones are brought back near to 1. If the activation diverges, the last updates are undone, the
    rate is halved, and a ConvergenceWarning is raised.

    **Augmentation.** Gaps are filled first. Held-out rows, the sample that the model keeps, and
    the choices of encoding, bandwidth and relevances take the rows that a prediction sees. The
    labels of a row are compared on these rows, too. ``explain``, ``generate`` and ``complete``
    raise a ValueError if the method ``for_prediction`` changes rows, because then they cannot
    answer in the columns of the table. Columns of categories are refused. ``solver="flow"`` calls
    the function from several threads at once.

    **Cost.** Prediction passes each row through the upper layers once for each class.

    References
    ----------
    .. [1] H. Zhou, "Activation Learning by Local Competitions", arXiv:2209.13400.
    .. [2] A. Radhakrishnan, D. Beaglehole, P. Pandit and M. Belkin, "Mechanism for feature
       learning in neural networks and backpropagation-free machine learning models", Science 383
       (2024).

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
        **ActivationLearningBase._image_constraints,
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
        "augment": [callable, None],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "missing_label": "no_validation",
    }
    _allow_nan = True

    def __init__(
        self,
        layer_sizes=None,
        *,
        image_shape=None,
        receptive_field=None,
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
        augment=None,
        class_weight=None,
        missing_label=None,
        warm_start=False,
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.layer_sizes = layer_sizes
        self.image_shape = image_shape
        self.receptive_field = receptive_field
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
        self.augment = augment
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
            Rows of numbers and categories. NaN stands for a missing value.
        y : array-like of shape (n_samples,)
            Labels of any type, from at least two classes. ``missing_label`` marks a row without a
            label.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row. A weight of 2 counts as two copies of the row. The equality is only
            approximate with feedback or ``batch_size=1``, because copies fall into other
            mini-batches. A factor that all weights share changes nothing.

        Returns
        -------
        self : object
            The fitted classifier.
        """
        y, unknown = replace_missing(y, self.missing_label)
        X, y = self._validate(X, y=y, reset=True)
        refuse_nothing_known(X)
        warn_of_unknown_rows(X)
        check_classification_targets(y)
        classes, labels = np.unique(y, return_inverse=True)
        self._set_classes(classes)
        self._learn(X, labels, unknown, sample_weight, partial=False)

    def _set_classes(self, classes):
        """Set ``classes_`` for a fit, or raise a ValueError if they do not suit."""
        before = getattr(self, "classes_", None)
        self.classes_ = classes
        if self.warm_start and before is not None:
            if not np.array_equal(before, self.classes_):
                raise ValueError(
                    f"warm_start=True goes on with the classes {before}, but y holds "
                    f"{self.classes_}. Set warm_start=False to learn other classes."
                )
        if len(self.classes_) < 2:
            raise ValueError(
                f"y holds only one class, {self.classes_[0]}, but the classifier needs at least "
                "2 classes."
            )

    @_fit_context(prefer_skip_nested_validation=True)
    @learns
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Learn from one more batch of rows, without the rows of earlier batches.

        Give the first call some hundred rows of all classes, because it fixes the encoding and the
        number of layers. The first call ignores rows without a label. Later calls learn rows
        without a label with the label that the network predicts. With ``solver="flow"``, one
        layer, a fixed encoding and a given ``learning_time``, the result equals one ``fit`` on all
        rows. An automatic learning time is chosen again whenever the number of rows passes a power
        of two. See the :doc:`user guide </guide/streams>`.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows. NaN stands for a missing value.
        y : array-like of shape (n_samples,)
            Labels, all of them in ``classes``.
        classes : array-like of shape (n_classes,), default=None
            All labels that will ever occur. Only the first call needs ``classes``. A
            ``missing_label`` among them is left out.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row. A weight of 2 counts as two copies of the row.

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
        warn_of_unknown_rows(X)
        check_classification_targets(y)
        if classes is not None:
            classes = np.unique(
                [c for c in list(classes) if not is_missing(c, self.missing_label)]
            )
            if not first and not np.array_equal(classes, self.classes_):
                raise ValueError(
                    f"classes={classes} differ from the classes of the first call, "
                    f"{self.classes_}. Leave classes out, or call fit to learn other classes."
                )
        elif first:
            raise ValueError(
                "The first call of partial_fit needs classes, the list of all labels that will "
                "ever occur."
            )
        if first:
            if len(classes) < 2:
                raise ValueError(
                    f"classes={classes} has {len(classes)} label(s), but the classifier needs at "
                    "least 2 classes."
                )
            self.classes_ = classes
        self._learn(X, self._codes(y), unknown, sample_weight, partial=True)

    def _weigh_classes(self, classes, totals):
        """Set ``classes_``, and return the factor of the weight of the rows of each class.

        ``totals`` holds the weight of all rows of each class.
        """
        self._set_classes(classes)
        if self.class_weight is None:
            return np.ones(len(classes))
        return class_weights(self.class_weight, classes, np.arange(len(classes)), totals)

    def _validate(self, X, *, reset, **options):
        """Return validated rows as an array of numbers, with categories as codes."""
        return validate_table(self, X, self._declared_categories(), reset=reset, **options)

    def _learn(self, X, labels, unknown, sample_weight, *, partial):
        """Weigh the rows, train on them, and adopt the model."""
        if self.augment is not None:
            self._refuse_categories("augment changes", "set augment=None")
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
            raise ValueError(
                "sample_weight: every row with a label has weight zero. At least one labelled row "
                "needs a positive weight."
            )
        if known.all():
            model = training.run(Rows(X, labels, weight))
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
        """Predict the label of each row: the one with the highest activation (paper, eq. 10).

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows. NaN stands for a missing value.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            A label of ``classes_`` for each row.
        """
        X = self._fitted_rows(X)
        return self.classes_[self._model().predict(X)]

    def decision_function(self, X):
        """Compute the output activation of each row with each label.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows. NaN stands for a missing value.

        Returns
        -------
        activation : ndarray of shape (n_samples, n_classes)
            Output activation ||y(x, c)||^2 from 0 to 2, in the order of ``classes_``. With two
            classes, the shape is (n_samples,), and the entry is the activation with
            ``classes_[1]`` minus the activation with ``classes_[0]``.
        """
        X = self._fitted_rows(X)
        energies = self._model().label_energies(X)
        if len(self.classes_) == 2:
            return energies[:, 1] - energies[:, 0]
        return energies

    def predict_proba(self, X):
        """Compute the probability of each label for each row.

        The probability of label c is proportional to exp(a ||y(x, c)||^2) (paper, eq. 8). The
        factor ``a`` is fitted to rows that training has not seen. Probabilities of a row that is
        unlike all training rows tend to the shares of the labels in training. See the :doc:`user
        guide </guide/rule>`.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows. NaN stands for a missing value.

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes)
            Probabilities in the order of ``classes_``. Each row adds up to 1.

        Notes
        -----
        Without feedback, ``a`` comes from a second training that holds out rows and learns for the
        same times. With feedback, the held-out rows are the rows of the trial or of
        ``early_stopping``. Without a trial and without ``early_stopping``, a tenth of the rows is
        held out, up to 1,000 rows. If a tenth is fewer than 50 rows, ``a`` comes from a second
        training without feedback. In ``partial_fit`` with feedback, the latest rows serve as
        held-out rows before they are learned. After a fit with ``missing_label``, the held-out
        rows are labelled rows if 50 labelled rows can be held out. The fit of ``a`` counts one
        additional row with an unknown label, which keeps ``a`` finite. If each class has one row
        only, the fit counts as many additional rows as there are training rows.
        """
        X = self._fitted_rows(X)
        return self._model().probabilities(X)

    def predict_log_proba(self, X):
        """Compute the logarithm of the probability of each label for each row.

        The logarithm is finite even if the probability is too small for a floating-point number.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows. NaN stands for a missing value.

        Returns
        -------
        log_p : ndarray of shape (n_samples, n_classes)
            Natural logarithms of the probabilities, in the order of ``classes_``.
        """
        X = self._fitted_rows(X)
        return log_softmax(self._model().log_probabilities(X), axis=1)

    def score_samples(self, X):
        """Score how typical each row is by its highest activation with any label.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows. NaN stands for a missing value.

        Returns
        -------
        activation : ndarray of shape (n_samples,)
            Highest output activation, from 0 to 2. A higher value is more typical.
        """
        X = self._fitted_rows(X)
        return self._model().label_energies(X).max(axis=1)

    def layer_activations(self, X, y=None):
        """Compute the activation after each layer, which shows where a row loses activation.

        Each layer passes on a share of the activation that it gets (paper, eq. 9). A row that
        loses activation in the first layer is unlike the training rows. A row that loses
        activation in a later layer combines familiar parts in an unfamiliar way.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows. NaN stands for a missing value.
        y : array-like of shape (n_samples,), default=None
            Labels, all of them in ``classes_``. None takes the predicted labels.

        Returns
        -------
        activation : ndarray of shape (n_samples, n_layers)
            Activation from 0 to 2 after each layer. The last column is the output activation.
        """
        X, model = self._fitted_rows(X), self._model()
        return model.layer_energies(X, self._labels(model, X, y))

    def explain(self, X):
        """Compute how much each column speaks for the predicted label of each row.

        The contributions split the lead of the predicted label: its activation minus the
        activation of the next best label. The method starts from the nearest training row with the
        next best label and moves towards the row. From the point at which both labels have the
        same activation, the method adds up how much each column raises the lead (integrated
        gradients [1]_). Missing values are filled first and explained as if they were known. A row
        without any known entry has contributions of 0. See the :doc:`user guide
        </guide/explanations>`.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows. NaN stands for a missing value.

        Returns
        -------
        contributions : ndarray of shape (n_samples, n_features)
            Contributions in units of activation. A positive number speaks for the predicted label,
            and a negative number speaks for the next best label. Each row adds up to the lead of
            the predicted label.

        References
        ----------
        .. [1] M. Sundararajan, A. Taly and Q. Yan, "Axiomatic Attribution for Deep Networks", ICML
           2017.
        """
        X = self._fitted_rows(X)
        self._refuse_views("explain")
        return explain_gaps(self._model(), X)

    def generate(self, y, *, n_samples=1, sharpness=0.003, noise=0.03, random_state=None):
        """Generate new rows that look like rows of given labels (paper, eq. 15 and 16).

        The method searches for rows with a high activation together with the label. Each search
        starts near training rows of the label. The generated rows are typical ones: rows of a
        label differ less than real rows do, and much less in tables. See the :doc:`user guide
        </guide/inference>`.

        Parameters
        ----------
        y : array-like of shape (n_labels,)
            Labels, all of them in ``classes_``.
        n_samples : int >= 1, default=1
            Number of rows for each entry of ``y``. The rows of one entry stand together.
        sharpness : float >= 0, default=0.003
            Penalty on the absolute entries of the row. Raise ``sharpness`` to get more entries
            near 0. With the encoding "fourier", the penalty acts on the standardised row.
        noise : float >= 0, default=0.03
            Standard deviation of random weights of the output units. Raise ``noise`` for more
            variety among the rows of a label, which makes each row less typical.
        random_state : int, RandomState instance or None, default=None
            Pass an int to generate the same rows in every call.

        Returns
        -------
        X : ndarray of float64 of shape (n_labels * n_samples, n_features)
            Rows in the units of the training rows. With the encoding "fourier", the generated rows
            stay within the range of the training rows. With "unit", the generated rows have the
            mean length of the training rows of their label.

        Raises
        ------
        ValueError
            If the classifier has learned categories, if an argument is out of range, or if
            ``augment`` changes the rows of a prediction.

        Notes
        -----
        A search maximises ``sum_i (1 + d_i) y_i^2 - sharpness |z|_1`` over the row z, with d_i
        drawn from N(0, noise^2). The search starts from one of up to 2,048 training rows that the
        model keeps, moved by half of the difference between two other rows. The search ends at a
        local maximum.
        """
        check_is_fitted(self)
        self._refuse_categories("generate makes")
        self._refuse_views("generate")
        check_count("n_samples", n_samples, 1)
        for name, value in (("sharpness", sharpness), ("noise", noise)):
            if not (isinstance(value, Real) and 0 <= value < np.inf):
                raise ValueError(f"{name}={value!r} must be a finite number, 0 or more.")
        y = column_or_1d(y)
        if not len(y):
            raise ValueError("y is empty. Give one label for each row that generate is to make.")
        labels = np.repeat(self._codes(y), n_samples)
        rng = np.random.default_rng(new_seed(random_state))
        # These are the factors 1 + d of eq. 16.
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
        """Fill the missing values of rows with the values that suit their label best.

        The method searches for the values with which the row loses the least activation. The
        search starts from the mean of the five nearest training rows of the label. See the
        :doc:`user guide </guide/inference>` for the formula of this loss. Use
        ``ActivationImputer`` to fill tables without labels.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows. NaN stands for a missing value. With the encoding "unit", a row whose known
            entries are all 0 gets the mean of the training rows of the label.
        y : array-like of shape (n_samples,), default=None
            Labels, all of them in ``classes_``. None takes the predicted labels.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            The rows with known entries as they were, and filled entries within the range of the
            training rows that the model keeps.

        Raises
        ------
        ValueError
            If the classifier has learned categories, or if ``y`` holds a new label.
        """
        X, model = self._fitted_rows(X), self._model()
        self._refuse_categories("complete makes")
        self._refuse_views("complete")
        missing = np.isnan(X)
        labels = self._labels(model, X, y)
        if not missing.any():
            return X.copy()
        rows, result = missing.any(axis=1), X.copy()
        filled = model.complete(X[rows], labels[rows])
        result[missing] = narrow(filled[missing[rows]], result.dtype)
        return result

    def _refuse_categories(self, makes, remedy="use ActivationImputer to fill in categories"):
        if self.is_categorical_ is not None:
            every = getattr(self, "feature_names_in_", np.arange(self.n_features_in_))
            names = every[self.is_categorical_].tolist()
            raise ValueError(
                f"{makes} numbers, but columns {names} hold categories. Fit a classifier without "
                f"these columns, or {remedy}."
            )

    def _refuse_views(self, method):
        """Raise a ValueError if a prediction sees other rows than those of the table."""
        model = self._model()
        X = np.nan_to_num(model.sample.X)
        seen = model.encoding.view(X)
        if not np.array_equal(seen, X):
            raise ValueError(
                f"{method} works on rows of {X.shape[1]} columns, but a prediction sees rows that "
                f"augment={model.encoding.augment!r} has changed, with {seen.shape[1]} columns. "
                "Fit a classifier to the rows of for_prediction, without augment or with one that "
                "leaves the rows of a prediction unchanged."
            )

    def _labels(self, model, X, y):
        """Return the number of each row's class: the class in ``y``, or the predicted class."""
        if y is None:
            return model.predict(X)
        y = column_or_1d(y)
        check_consistent_length(X, y)
        return self._codes(y)

    def _codes(self, y):
        """Return labels as class numbers."""
        unseen = np.setdiff1d(y, self.classes_)
        if len(unseen):
            raise ValueError(
                f"y contains labels that are not in classes: {unseen}. Call fit with rows "
                "of these labels to learn them."
            )
        return np.searchsorted(self.classes_, y)
