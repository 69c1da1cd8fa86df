"""Classification: the label that activates most."""

from dataclasses import replace

import numpy as np
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.multiclass import check_classification_targets

from . import _learning_time
from ._base import SEARCH_SIZE, ActivationLearningBase
from ._calibration import softmax
from ._encoding import ENCODINGS, EncodedRows

MAX_CANDIDATES = 2**25  # entries of held-out rows with every label
HELD_OUT_SIZE = 3072  # rows that a large set's last learning time is chosen on
ENCODING_SIZE = 1000  # rows that an encoding is chosen on
ENCODING_TIME = 300.0  # of hidden layers meanwhile
FEW_A_CLASS = 20  # rows; with less, learning times come from the spectrum
N_FOLDS = _learning_time.N_FOLDS


class ActivationLearningClassifier(ClassifierMixin, ActivationLearningBase):
    """Classifier that learns rows with their labels and asks which label activates most.

    A row and its label are one input, each scaled to norm 1: the label block has one
    unit a class. The network learns such inputs without supervision, and classifies by
    trying every label: argmax_c ||y(x, c)||^2 (paper [1]_, section III and eq. 10).

    Parameters
    ----------
    layer_sizes : int, tuple of int or None, default=None
        Units of every layer. None: two layers as wide as the input with its label
        block, within 256 and 1,024. One layer only relates labels to data linearly.
    activation : {"abs", "std_abs", "layer_std_abs", "square"}, default="std_abs"
        Function between layers; all of them keep a row's norm (paper, section III.A).
        "std_abs" standardises abs(y) over the training rows, "layer_std_abs" only
        subtracts the row's own mean, which needs no statistics; "square" makes strong
        responses stronger, which suits features for a linear model.
    encoding : {"auto", "unit", "fourier"}, default="auto"
        How a row becomes input. "unit" scales it to norm 1, right for images, spectra
        and counts, where only proportions matter. "fourier" maps standardised columns
        to random Fourier features, right for tables, where size matters. "auto" takes
        the one with less held-out log-loss on up to 1,000 training rows, and "unit"
        where a class has fewer than five.
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
        the held-out ones. The stochastic solver learns for ``max_iter`` epochs.
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
    classes_ : ndarray of shape (n_classes,)
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
    CompetitiveHebbianTransformer : Features without labels.
    sklearn.neural_network.MLPClassifier : The same layers by backpropagation.

    Notes
    -----
    Prediction runs every row through the upper layers once for each class. Held-out
    rows are picked by a hash of their values, so the order of rows does not matter and
    copies of a row never stand on both sides.

    References
    ----------
    .. [1] H. Zhou, "Activation Learning by Local Competitions", arXiv:2209.13400.

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
        **ActivationLearningBase._fourier_constraints,
    }
    _default_depth = 2
    _least_width = 256

    def __init__(
        self,
        layer_sizes=None,
        *,
        activation="std_abs",
        encoding="auto",
        n_frequencies=256,
        bandwidth="auto",
        standardize=True,
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
    def fit(self, X, y, sample_weight=None):
        """Learn rows together with their labels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Labels of any type, of at least two classes.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight of 2 counts as two copies of the row.

        Returns
        -------
        self : object
        """
        with self._all_or_nothing():
            X, y = self._validated(X, y=y, reset=True)
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
                raise ValueError(
                    "y holds one class only; the classifier needs at least 2 classes."
                )
            return self._learn(X, labels, sample_weight, partial=False)

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Learn from more rows.

        With ``solver="flow"``, one layer and a given ``learning_time`` the result is
        that of ``fit`` on all rows so far. ``learning_time="auto"`` is chosen anew
        on a sample of all rows whenever their number passes a power of two.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        classes : array-like of shape (n_classes,), default=None
            All labels there will ever be; needed in the first call only.
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self : object
        """
        with self._all_or_nothing():
            first = not self.__sklearn_is_fitted__()
            X, y = self._validated(X, y=y, reset=first)
            check_classification_targets(y)
            if classes is not None:
                classes = np.unique(classes)
                if not first and not np.array_equal(classes, self.classes_):
                    raise ValueError(
                        f"classes={classes} differ from those of the first call, {self.classes_}."
                    )
            elif first:
                raise ValueError("classes must be given in the first call of partial_fit.")
            if first:
                if len(classes) < 2:
                    raise ValueError(
                        f"classes={classes}: the classifier needs at least 2 classes."
                    )
                self.classes_ = classes
            unseen = np.setdiff1d(y, self.classes_)
            if len(unseen):
                raise ValueError(f"y contains labels that are not in classes: {unseen}.")
            labels = np.searchsorted(self.classes_, y)
            return self._learn(X, labels, sample_weight, partial=True)

    def _learn(self, X, labels, sample_weight, *, partial):
        X, labels, weight = self._weighted(X, sample_weight, labels)
        return self._train(X, labels, weight, partial=partial)

    @property
    def _n_labels(self):
        return len(self.classes_)

    def _is_due(self, weight, partial):
        """Learning times are worth choosing again each time the rows have doubled."""
        if not (partial and self.__sklearn_is_fitted__()) or len(weight) == 0:  # or a merge
            return True
        return np.frexp(self._n_seen + weight.sum())[1] > np.frexp(self._n_seen)[1]

    def _train(self, X, labels, weight, *, partial):
        self._due = self._is_due(weight, partial)
        super()._train(X, labels, weight, partial=partial)
        del self._due
        return self

    def _fitted_encoding(self, sample, seed):
        if self.encoding != "auto":
            return self._encoding_of_kind(self.encoding, sample, seed)
        fitted = [self._encoding_of_kind(name, sample, seed) for name in ENCODINGS]
        return min(fitted, key=lambda encoding: self._encoding_loss(encoding, sample, seed))

    def _encoding_loss(self, encoding, sample, seed):
        """Held-out log-loss of a small sample in this encoding."""
        sample = sample.smallest(ENCODING_SIZE)
        rows = EncodedRows.of_sample(sample, encoding, self._n_labels, sample.X.dtype)
        task = self._task(rows, seed)
        if len(rows) < N_FOLDS * rows.n_labels:
            return np.inf  # too few of a class to hold any out: the first encoding stays
        folds = _learning_time.cross_validation(rows, sample.folds(N_FOLDS), task)
        task.times = [ENCODING_TIME] * len(task.sizes)
        _, folds = _learning_time.choose_hidden_times(folds, task)
        return _learning_time.choose_last_time(folds)[1]

    def _plan(self, task, rows, sample):
        """Choose learning times, and the sharpness of probabilities, on held-out rows."""
        if self.solver == "flow" and not self._due:
            task.times = task.times or list(self.learning_times_)
        super()._plan(task, rows, sample)
        if self._due:
            self._sharpness = None  # until held-out rows say
        if self.solver == "flow" and self._due:
            all_rows_sampled = len(sample.X) < SEARCH_SIZE
            sample = sample.smallest(N_FOLDS * _affordable(rows.n_labels, task))
            held_out = EncodedRows.of_sample(sample, rows.encoding, rows.n_labels, rows.dtype)
            if task.partial or all_rows_sampled:
                self._plan_on_sample(task, held_out, sample.folds(N_FOLDS))
            else:
                self._plan_on_all_rows(task, held_out, sample.folds(N_FOLDS))

    def _plan_on_sample(self, task, sample, fold_of):
        """All times by cross-validation of the sampled rows."""
        if task.times is None and len(sample) < FEW_A_CLASS * sample.n_labels:
            return  # held-out rows say less than the rule of kaiser_time
        folds = _learning_time.cross_validation(sample, fold_of, task)
        if not folds:
            return
        hidden, folds = _learning_time.choose_hidden_times(folds, task)
        last, _, self._sharpness = _learning_time.choose_last_time(folds, _last_path(task))
        times = [*hidden, last]
        task.choose_time = lambda layer, moments, network: times[layer]

    def _plan_on_all_rows(self, task, sample, fold_of):
        """Hidden layers' times from the sample; the last one's from all other rows."""
        last = len(task.sizes) - 1
        hidden = task.times
        if hidden is None and last:
            folds = _learning_time.cross_validation(sample, fold_of, task)
            hidden, _ = _learning_time.choose_hidden_times(folds, task)

        def choose_time(layer, moments, network):
            if layer < last:
                return hidden[layer]
            n_held = HELD_OUT_SIZE if task.times is None else ENCODING_SIZE
            held = sample.take(slice(0, min(n_held, _affordable(sample.n_labels, task))))
            fold = _learning_time.last_layer_fold(held, moments, network, task)
            path = _last_path(task)
            t, _, self._sharpness = _learning_time.choose_last_time([fold], path)
            return t

        task.choose_time = choose_time

    def _keep(self, solution, task, encoding, sample):
        super()._keep(solution, task, encoding, sample)
        if self._due and self._sharpness is None:
            # Held-out rows of the same rule's closed form, at the times it has learned.
            rows = EncodedRows.of_sample(sample, encoding, self._n_labels, task.dtype)
            twin = replace(task, times=list(solution.times), previous=None, rotations={})
            self._plan_on_sample(twin, rows, sample.folds(N_FOLDS))
            if self._sharpness is None:  # a single distinct row
                self._sharpness = 1.0

    def predict(self, X):
        """The label that activates most with each row (paper, eq. 10).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,)
        """
        best = self._label_energies(X).argmax(axis=1)
        return self.classes_[best]

    def decision_function(self, X):
        """Output activation with every label.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        activation : ndarray of shape (n_samples, n_classes)
            ||y(x, c)||^2, in [0, 2]. For two classes, of shape (n_samples,): that of
            ``classes_[1]`` less that of ``classes_[0]``.
        """
        energies = self._label_energies(X)
        if len(self.classes_) == 2:
            return energies[:, 1] - energies[:, 0]
        return energies

    def predict_proba(self, X):
        """Probability of every label, p(c | x) proportional to exp(a ||y(x, c)||^2).

        ``a`` is fitted to rows held out of a training of the same learning times
        (paper, eq. 8).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes)
        """
        energies = self._label_energies(X).astype(np.float64)
        return softmax(self._sharpness * energies)

    def score_samples(self, X):
        """Highest output activation over the labels: how typical each row is.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        activation : ndarray of shape (n_samples,)
        """
        return self._label_energies(X).max(axis=1)

    def _label_energies(self, X):
        X = self._fitted_rows(X)
        n_entries = self._widest() * len(self.classes_)
        return self._map_rows(
            lambda block: self._network().label_energies(self._encoded(block)), X, n_entries
        )


def _affordable(n_labels, task):
    """Held-out rows that may stand in memory with every label."""
    return MAX_CANDIDATES // (n_labels * max(task.sizes)) + 1


def _last_path(task):
    """Times to choose the last layer's from: the one prescribed, if there is one."""
    return _learning_time.PATH if task.times is None else np.array(task.times[-1:])
