"""What the three estimators share: parameters, validation, training, state."""

from contextlib import contextmanager
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from . import _flow, _hebbian
from ._encoding import ENCODINGS, EncodedRows, UnitEncoding
from ._network import ACTIVATIONS, Network, block_slices
from ._parallel import map_blocks
from ._sampling import Sample
from ._training import Solution, Task

# name: function (EncodedRows, Task) -> Solution
SOLVERS = {"flow": _flow.solve, "hebbian": _hebbian.solve}

SEARCH_SIZE = 10_000  # rows that learning times are chosen on
SAMPLE_SIZE = 2048  # of which the model keeps these, for batches to come
MAX_WIDTH = 1024


class ActivationLearningBase(BaseEstimator):
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
    _least_width = 1  # of a layer whose size nobody chose
    _doc_link_module = "sklearn_activation"
    _doc_link_template = "https://arxiv.org/abs/2209.13400"

    # -- input ---------------------------------------------------------------

    def _validated(self, X, *, reset, **options):
        refuse_strings(X)
        return validate_data(
            self, X, reset=reset, dtype=[np.float64, np.float32], order="C", **options
        )

    def _weighted(self, X, sample_weight, *others):
        """``X`` and ``others`` without the rows of weight zero, and the other weights."""
        weight = _check_sample_weight(sample_weight, X, dtype=np.float64)
        if weight.min() < 0:
            raise ValueError(f"sample_weight: {weight.min():g} is negative.")
        counts = weight > 0
        if not counts.any():
            raise ValueError("sample_weight: every row has weight zero; at least one must count.")
        if counts.all():
            return X, *others, weight
        return *(array[counts] for array in (X, *others)), weight[counts]

    # -- sizes, times, task ----------------------------------------------------

    def _sizes(self, n_inputs, n_layers):
        """Units of every layer."""
        sizes = self.layer_sizes
        if sizes is None:
            return [min(max(n_inputs, self._least_width), MAX_WIDTH)] * n_layers
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

    def _new_seed(self):
        return int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))

    # -- training ----------------------------------------------------------------

    def _train(self, X, labels, n_labels, weight, *, partial, n_layers, activate_last=False):
        """Encode, choose what is to be chosen, solve, and keep the result."""
        again = self.__sklearn_is_fitted__()
        going_on = partial and again
        if going_on and self.solver == "flow" and self._solver != "flow":
            raise ValueError(
                "solver='flow' goes on from statistics of the rows, and solver='hebbian' kept "
                "none: call fit first."
            )
        warm = again and (going_on or self.warm_start)
        seed = self._seed if warm else self._new_seed()
        sample = Sample.of(X, labels, weight, SEARCH_SIZE)
        if going_on:
            encoding = self._encoding()
            sample = sample.joined(Sample(**self._sample), SEARCH_SIZE)
        else:
            encoding = self._fitted_encoding(sample, seed)
        rows = EncodedRows(
            X,
            encoding,
            labels=labels,
            n_labels=n_labels,
            weight=weight,
            dtype=self.coefs_[0].dtype if going_on else X.dtype,
        )
        sizes = self._sizes(rows.n_inputs, n_layers)
        widths = [rows.n_inputs, *sizes]
        same_shape = warm and [W.shape for W in self.coefs_] == list(zip(widths, sizes))
        if going_on and not same_shape:
            raise ValueError(
                f"layer_sizes={self.layer_sizes!r} differs from the network that partial_fit is "
                f"to go on from, {[W.shape[1] for W in self.coefs_]}: call fit."
            )
        task = Task(
            sizes=sizes,
            activation=self.activation,
            epsilon=float(self.init_activation),
            times=self._times(len(sizes)),
            choose_time=None,
            seed=seed,
            dtype=rows.dtype,
            learning_rate=float(self.learning_rate),
            max_iter=int(self.max_iter),
            batch_size=int(self.batch_size),
            verbose=int(self.verbose),
            n_jobs=self.n_jobs,
            previous=self._previous() if same_shape and self._goes_on(partial) else None,
            partial=partial,
            activate_last=activate_last,
        )
        if warm and same_shape and not partial and task.times is None and self.solver == "flow":
            task.times = list(self.learning_times_)
        self._plan(task, rows, sample)
        self._keep(SOLVERS[self.solver](rows, task), task, encoding, sample)
        return self

    def _goes_on(self, partial):
        """Whether the solver starts from what was learned before.

        ``partial_fit`` does. ``fit`` with ``warm_start`` does in the stochastic
        solver; the flow would forget its start and only keeps the choices made.
        """
        return partial or self.solver == "hebbian"

    def _fitted_encoding(self, sample, seed):
        return UnitEncoding.fitted_to(sample)

    def _plan(self, task, rows, sample):
        """Fill in the learning times of ``task``: here the rule of ``kaiser_time``."""
        task.choose_time = lambda layer, moments, network: (
            _flow.kaiser_time(moments, task.epsilon) if task.times is None else task.times[layer]
        )

    # -- state -----------------------------------------------------------------

    @contextmanager
    def _all_or_nothing(self):
        """Whatever fails inside leaves the estimator as it was."""
        before = vars(self).copy()
        try:
            yield
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise

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
        self._encoding_name = getattr(self, "encoding", "unit")
        self._sample = vars(sample.smallest(SAMPLE_SIZE))

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

    def _fitted_rows(self, X, reset=False):
        check_is_fitted(self)
        return self._validated(X, reset=reset)

    def _encoded(self, X):
        return EncodedRows(X, self._encoding(), dtype=self.coefs_[0].dtype).data()


def refuse_strings(X):
    """Raise a ValueError that names the first column whose strings are no numbers."""
    dtypes = getattr(X, "dtypes", None)
    if dtypes is not None and hasattr(X, "columns"):  # pandas and its like
        suspects = [
            (name, X[name])
            for name, dtype in zip(X.columns, dtypes, strict=True)
            if getattr(dtype, "kind", "O") not in "biuf"
            and not (hasattr(dtype, "is_numeric") and dtype.is_numeric())
        ]
    elif isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype.kind in "OUS":
        suspects = [(j, X[:, j]) for j in range(X.shape[1])]
    else:
        return
    for name, column in suspects:
        for value in column:
            if isinstance(value, (str, bytes)) and not _is_number(value):
                raise ValueError(
                    f"Column {name!r} holds strings such as {value!r}. Encode it first, for "
                    "instance with sklearn.preprocessing.OneHotEncoder."
                )


def _is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True
