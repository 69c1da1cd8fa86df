"""What the three estimators share: parameters, validation, training, state."""

from contextlib import contextmanager
from itertools import pairwise
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from ._blocks import block_slices, map_blocks
from ._learning import flow as _flow
from ._learning import hebbian as _hebbian
from ._learning.moments import merge_states
from ._learning.task import Solution, Task
from ._learning.time_rules import kaiser_time
from ._network import ACTIVATIONS, Network
from ._progress import CallbackSupportMixin, Progress
from ._rows.columns import refuse_unfit_columns
from ._rows.encoded import SAMPLE_SIZE, EncodedRows
from ._rows.encodings import ENCODINGS
from ._rows.sample import Sample
from ._rows.unit import UnitEncoding

# name: function (EncodedRows, Task) -> Solution
SOLVERS = {"flow": _flow.solve, "hebbian": _hebbian.solve}
SEARCH_SIZE = 8_000  # rows that learning times are chosen on; SAMPLE_SIZE of them are kept


class ActivationLearningBase(CallbackSupportMixin, BaseEstimator):
    """Base of the estimators; not for use by itself."""

    _parameter_constraints = {
        "layer_sizes": [Interval(Integral, 1, None, closed="left"), tuple, list, None],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "solver": [StrOptions(set(SOLVERS))],
        "learning_time": [
            StrOptions({"auto"}),
            Interval(Real, 0, None, closed="neither"),
            tuple,
            list,
        ],
        "init_activation": [Interval(Real, 0, 1, closed="neither")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "warm_start": ["boolean"],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }
    _fourier_constraints = {  # of the estimators that have an ``encoding``
        "n_frequencies": [Interval(Integral, 1, None, closed="left")],
        "standardize": ["boolean"],
        "bandwidth": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
    }
    _default_depth = 1  # layers, and least units of each, if nobody chooses
    _least_width = 1
    _activate_last = False
    _n_labels = 0
    _allow_nan = False
    _cut_off = (1.0, 0.0)  # of the mean eigenvalue, of all energy: see kaiser_time
    _max_width = 1024
    _doc_link_module = "sklearn_activation"
    _doc_link_template = "https://arxiv.org/abs/2209.13400"

    # -- input ---------------------------------------------------------------

    def _validated(self, X, *, reset, **options):
        if self._allow_nan:
            options["ensure_all_finite"] = "allow-nan"
        return validated(self, X, reset=reset, **options)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self._allow_nan
        return tags

    def _weighted(self, X, sample_weight, *others):
        """``X`` and ``others`` without the rows of weight zero, and the other weights."""
        weight = self._checked_weight(X, sample_weight)
        counts = weight > 0
        if counts.all():
            return X, *others, weight
        return *(array[counts] for array in (X, *others)), weight[counts]

    def _checked_weight(self, X, sample_weight):
        weight = _check_sample_weight(sample_weight, X, dtype=np.float64)
        if weight.min() < 0:
            raise ValueError(f"sample_weight: {weight.min():g} is negative.")
        if not weight.any():
            raise ValueError("sample_weight: every row has weight zero; at least one must count.")
        return weight

    # -- sizes, times, task ----------------------------------------------------

    def _sizes(self, n_inputs):
        """Units of every layer."""
        sizes = self.layer_sizes
        if sizes is None:
            return [min(max(n_inputs, self._least_width), self._max_width)] * self._default_depth
        sizes = [sizes] if isinstance(sizes, Integral) else list(sizes)
        if not sizes or not all(isinstance(n, Integral) and n >= 1 for n in sizes):
            raise ValueError(
                f"layer_sizes={self.layer_sizes!r} must be a positive integer or a non-empty "
                "tuple of them, one a layer."
            )
        return [int(n) for n in sizes]

    def _times(self, n_layers):
        """Prescribed learning time of every layer, or None."""
        times = self.learning_time
        if isinstance(times, str):
            return None
        times = [times] * n_layers if isinstance(times, Real) else list(times)
        if len(times) != n_layers:
            raise ValueError(
                f"learning_time={self.learning_time!r} has {len(times)} entries for "
                f"{n_layers} layers."
            )
        if not all(isinstance(t, Real) and np.isfinite(t) and t > 0 for t in times):
            raise ValueError(f"learning_time={self.learning_time!r} must be positive and finite.")
        return [float(t) for t in times]

    # -- training ----------------------------------------------------------------

    def _learn_unlabelled(self, X, sample_weight, *, partial):
        X = self._validated(X, reset=not (partial and self.__sklearn_is_fitted__()))
        X, weight = self._weighted(X, sample_weight)
        return self._train(X, None, weight, partial=partial)

    def _train(self, X, labels, weight, *, partial, warm=None, wishes=None, units=None):
        """Encode, choose what is to be chosen, solve, and keep the result.

        ``warm`` overrides ``warm_start``; ``wishes`` and ``units`` go into the task.
        """
        again = self.__sklearn_is_fitted__()
        going_on = partial and again
        if going_on:
            self._validate_params()  # scikit-learn does so in the first call only
        if going_on and self.solver == "flow" and self._solver != "flow":
            raise ValueError(
                "solver='flow' goes on from statistics of the rows, and solver='hebbian' kept "
                "none: call fit first."
            )
        if going_on and self.solver == "flow" and not self._state:
            raise ValueError(
                "compact() dropped the statistics that partial_fit and merge go on from: call fit."
            )
        warm = again and (going_on or (self.warm_start if warm is None else warm))
        seed = self._seed if warm else new_seed(self.random_state)
        # A sample of a stream must not look at the last batch more closely than at the others.
        size = SAMPLE_SIZE if partial else SEARCH_SIZE
        if going_on:
            self._check_unchanged("activation", self._activation)
            if getattr(self, "encoding", "auto") != "auto":
                self._check_unchanged("encoding", self._encoding_name)
        sample = self._drawn(X, labels, weight, size, going_on, partial)
        if going_on or (warm and self.solver == "hebbian"):
            encoding = self._encoding()
        else:
            encoding = self._fitted_encoding(sample, seed, X, weight)
        rows = EncodedRows(
            X,
            encoding,
            labels=labels,
            n_labels=self._n_labels,
            weight=weight,
            dtype=self.coefs_[0].dtype if going_on else X.dtype,
        )
        task = self._task(rows, seed)
        widths = [rows.n_inputs, *task.sizes]
        same_shape = warm and [W.shape for W in self.coefs_] == list(pairwise(widths))
        if going_on and not same_shape:
            raise ValueError(
                f"layer_sizes={self.layer_sizes!r} differs from the network that partial_fit is "
                f"to go on from, {[W.shape[1] for W in self.coefs_]}: call fit."
            )
        task.partial = partial
        task.wishes = wishes
        task.units = units
        kept = sample.smallest(SAMPLE_SIZE)
        task.sample = EncodedRows.of_sample(kept, encoding, rows.n_labels, rows.dtype)
        if same_shape and (partial or self.solver == "hebbian"):
            task.previous = self._previous()
        elif same_shape and task.times is None:  # the flow would forget its start
            task.times = list(self.learning_times_)
        self._n_seen = weight.sum() + (self._n_seen if going_on else 0)
        self._plan(task, rows, sample)
        task.progress = self._progress(X, labels, weight)
        task.progress.fitted = lambda solution: self._fitted_twin(solution, task, encoding, kept)
        solution = self._solve(rows, task)
        self._keep(solution, task, encoding, kept)
        return self

    def _drawn(self, X, labels, weight, size, going_on, partial):
        """Sample of these rows and, if it goes on, of all before them."""
        sample = Sample.of(X, labels, weight, size)
        return sample.joined(Sample(**self._sample), size) if going_on else sample

    def _solve(self, rows, task):
        return SOLVERS[self.solver](rows, task)

    def _check_unchanged(self, name, before):
        if getattr(self, name) != before:
            raise ValueError(
                f"{name}={getattr(self, name)!r} differs from the {before!r} that partial_fit "
                "is to go on from: call fit."
            )

    def _task(self, rows, seed):
        sizes = self._sizes(rows.n_inputs)
        return Task(
            sizes=sizes,
            activation=self.activation,
            epsilon=float(self.init_activation),
            times=self._times(len(sizes)),
            choose_time=None,
            seed=seed,
            dtype=np.dtype(rows.dtype),
            learning_rate=float(self.learning_rate),
            max_iter=self.max_iter,
            batch_size=int(self.batch_size),
            progress=Progress(),
            n_jobs=self.n_jobs,
            activate_last=self._activate_last,
        )

    def _fitted_encoding(self, sample, seed, X, weight):
        """The encoding of rows ``X``, of which ``sample`` is a sample."""
        return UnitEncoding.fitted_to(sample)

    def _encoding_of_kind(self, name, sample, seed, factors):
        """The encoding ``name`` fitted to a sample, by the estimator's parameters."""
        return ENCODINGS[name].fitted_to(
            sample,
            bandwidth=self.bandwidth,
            n_frequencies=self.n_frequencies,
            standardize=self.standardize,
            factors=factors,
            seed=seed,
        )

    def _plan(self, task, rows, sample):
        """Fill in the learning times of ``task``: here the rule of ``kaiser_time``."""
        task.choose_time = lambda layer, moments, network: (
            kaiser_time(moments, *self._cut_off) if task.times is None else task.times[layer]
        )

    # -- state -----------------------------------------------------------------

    @contextmanager
    def _fitting(self, X, y=None, sample_weight=None):
        """A whole fit, of which scikit-learn's callbacks are told; all or nothing."""
        root = None
        if hasattr(self, "_init_callback_context"):  # scikit-learn 1.9
            root = self._init_callback_context(max_subtasks=None)
            metadata = None if sample_weight is None else {"sample_weight": sample_weight}
            data = {"estimator": self, "X": X, "y": y, "metadata": metadata}
            root.call_on_fit_task_begin(**data)
        with all_or_nothing(self):
            yield
        if root is not None:
            root.call_on_fit_task_end(**data, reconstruction_attributes=lambda: vars(self))

    def _progress(self, X, labels, weight):
        """What solvers report to."""
        y = self.classes_[labels] if self._n_labels else None
        return Progress(
            int(self.verbose), self, {"X": X, "y": y, "metadata": {"sample_weight": weight}}
        )

    def _fitted_twin(self, solution, task, encoding, sample):
        """Attributes of this estimator were it fitted with ``solution``."""
        twin = object.__new__(type(self))
        vars(twin).update(vars(self))
        ActivationLearningBase._keep(twin, solution, task, encoding, sample)
        return vars(twin)

    def _keep(self, solution, task, encoding, sample):
        network = solution.network
        self.coefs_ = network.coefs
        self.n_layers_ = len(network)
        self.learning_times_ = np.array(solution.times)
        self.n_iter_ = solution.n_iter
        self.activation_curve_ = solution.curve
        self._standards = network.standards
        self._activation = network.activation
        self._epsilon = task.epsilon
        self._solver = self.solver
        self._state = solution.state
        self._seed = task.seed
        self._encoding_state = encoding.state
        self._encoding_name = encoding.name
        self._sample = vars(sample)

    def merge(self, other):
        """Add what another estimator has learned from other rows.

        With one layer and a given ``learning_time`` the weights are those of ``fit`` on
        the rows of both. Upper layers add up statistics of features that the two
        networks computed differently.

        Parameters
        ----------
        other : estimator of the same class
            Fitted by ``solver="flow"`` with the same parameters on the same columns.
            A random encoding must be the same, too: give both the same ``random_state``
            and, for columns' scales, ``standardize=False`` or the same first ``partial_fit``
            batch, whose rows then count twice. With windows, a detector's threshold and
            p-values compare with the stamps of both.

        Returns
        -------
        self : object
            This estimator, with what both have learned.
        """
        check_is_fitted(self)
        check_is_fitted(other)
        self._check_mergeable(other)
        with all_or_nothing(self):
            self._state = merge_states(self._state, other._state)
            sample = Sample(**self._sample).joined(Sample(**other._sample), SAMPLE_SIZE)
            self._sample = vars(sample)
            self._n_seen += other._n_seen
            nothing = np.empty((0, sample.X.shape[1]), dtype=self.coefs_[0].dtype)
            return self._train(nothing, np.empty(0, dtype=np.intp), np.empty(0), partial=True)

    def _check_mergeable(self, other):
        if type(self) is not type(other):
            raise ValueError(f"Cannot merge {type(other).__name__} into {type(self).__name__}.")
        if any(e._solver == "flow" and not e._state for e in (self, other)):
            raise ValueError("Cannot merge: compact() dropped the statistics that merge adds up.")
        if not all("moments" in estimator._state for estimator in (self, other)):
            raise ValueError(
                "Cannot merge: only solver='flow' without feedback keeps the statistics that "
                "merge adds up."
            )
        names = ["n_features_in_", "classes_", "_encoding_name", "_encoding_state", "_activation"]
        names += ["_epsilon"] if self.n_layers_ == 1 else ["_epsilon", "_seed"]
        for name in names:
            if not _equal(getattr(self, name, None), getattr(other, name, None)):
                hint = {
                    "_seed": " Give both the same random_state.",
                    "_encoding_state": " Their Fourier maps are not the same. Give both the same "
                    "random_state and bandwidth, and "
                    "standardize=False or the same first partial_fit batch.",
                }.get(name, "")
                raise ValueError(
                    f"Cannot merge: the estimators differ in {name.strip('_')}.{hint}"
                )
        if [W.shape for W in self.coefs_] != [W.shape for W in other.coefs_]:
            raise ValueError("Cannot merge: the estimators differ in layer sizes.")

    def _network(self):
        return Network(self.coefs_, self._activation, self._standards)

    def _encoding(self):
        kind = ENCODINGS[self._encoding_name]
        return kind(**self._encoding_state)

    def _previous(self):
        """The solution so far, for a solver to go on from."""
        return Solution(
            network=self._network(),
            times=list(self.learning_times_),
            n_iter=self.n_iter_,
            curve=self.activation_curve_,
            state=self._state,
        )

    def __sklearn_is_fitted__(self):
        return hasattr(self, "coefs_")

    # -- rows ------------------------------------------------------------------

    def _map_rows(self, function, X, n_columns):
        """``function(block of X)`` for all blocks, concatenated."""
        results = map_blocks(
            lambda block: function(X[block]), block_slices(len(X), n_columns), self.n_jobs
        )
        return np.concatenate(list(results))

    def _widest(self):
        """Entries of the largest row between input and output."""
        return max(max(W.shape) for W in self.coefs_)

    def _fitted_rows(self, X):
        check_is_fitted(self)
        return self._validated(X, reset=False)

    def _energies(self, X):
        """Output activation of validated rows without labels, shape (n_rows,)."""
        return self._map_rows(
            lambda block: self._network().energies(self._encoded(block)), X, self._widest()
        )

    def _encoded(self, X):
        return EncodedRows(X, self._encoding(), dtype=self.coefs_[0].dtype).data()


def validated(estimator, X, *, reset, **options):
    """``X``, and with ``options`` y, as scikit-learn checks them, in C order and floats."""
    refuse_unfit_columns(X)
    with np.errstate(invalid="ignore"):  # its check for NaN adds up entries: inf - inf
        return validate_data(
            estimator, X, reset=reset, dtype=[np.float64, np.float32], order="C", **options
        )


def new_seed(random_state):
    """A seed for NumPy's generators."""
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))


@contextmanager
def all_or_nothing(estimator):
    """Whatever fails inside leaves the estimator as it was."""
    before = vars(estimator).copy()
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise


def check_count(name, value, least):
    if not (isinstance(value, Integral) and value >= least):
        raise ValueError(f"{name}={value!r} must be an integer, {least} or more.")


def refuse_nan(X):
    """Raise a ValueError if no entry is known."""
    if np.isnan(X).all():
        raise ValueError(f"X has {len(X)} rows, and every entry is NaN.")


def _equal(a, b):
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_equal(a[key], b[key]) for key in a)
    return np.array_equal(a, b)
