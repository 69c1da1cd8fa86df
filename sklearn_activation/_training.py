"""A training, from validated rows to a ``Model``: the steps that all estimators share."""

from dataclasses import replace
from itertools import pairwise
from numbers import Integral, Real

import numpy as np

from ._learning.solvers import SOLVERS
from ._learning.task import Task
from ._learning.time_rules import TIME_RULES, GivenTimes, MeanEigenvalue
from ._local import lay_out_grids
from ._model import Model
from ._progress import Progress
from ._rows.encoded import EncodedRows
from ._rows.encoding import SAMPLE_SIZE
from ._rows.rows import Rows
from ._rows.unit import UnitEncoding
from ._rows.views import view_rows
from ._state import learned_by, original_of
from ._validation import new_seed, read_image_shape

# This is the number of rows on which learning times are chosen. A model keeps ``SAMPLE_SIZE``.
SEARCH_SIZE = 8_000


class Training:
    """A training by the parameters of an estimator, which does not change the estimator.

    Subclasses may replace the steps ``draw``, ``fit_encoding``, ``own_rule``, ``solve`` and
    ``finish``.

    Parameters
    ----------
    estimator : ActivationLearningBase
        Estimator whose parameters apply.
    previous : Model or None
        Model that the estimator has learned before.
    partial : bool
        Whether the rows add to the rows that were learned before.
    """

    # These bound the units of a layer if the parameters leave their number open.
    least_width = 1
    most_width = 1024
    # This is the number of layers if the parameters leave it open.
    n_layers = 1
    # This is the width of the label block.
    n_labels = 0
    # This is the name of the encoding if the parameters give one.
    given_encoding = None
    # At least this many units stand at each place of a local layer.
    least_units = 3
    # This is the number of full layers behind those that may have local connections.
    n_full = 1
    # This says whether the moments of the outputs of the last layer are needed, too.
    activate_last = False

    def __init__(self, estimator, previous=None, partial=False):
        self.estimator = estimator
        self.previous = previous
        self.partial = partial
        self.solver = SOLVERS[estimator.solver]
        self.augment = estimator.augment
        self.going_on = partial and previous is not None
        self.warm = previous is not None and (self.going_on or estimator.warm_start)
        if self.going_on:
            self.check_goes_on()

    def run(self, rows):
        """Encode ``Rows``, make all choices that are open, and return the solved ``Model``."""
        estimator, before = self.estimator, self.previous
        self.warm = self.warm and (self.going_on or self.can_start_from(rows))
        seed = before.seed if self.warm else new_seed(estimator.random_state)
        # The sample of a stream must not hold more of the last batch than of earlier batches.
        sample = self.draw(rows, SAMPLE_SIZE if self.partial else SEARCH_SIZE)
        if self.going_on or (self.warm and self.solver.goes_on_from_weights):
            encoding, self.n_layers = before.encoding, len(before.network)
        else:
            encoding = self.fit_encoding(self.view(sample), seed, rows)
        if encoding.augment is not self.augment:
            self.check_width(encoding, rows)
            encoding = encoding.with_augment(self.augment)
        dtype = before.dtype if self.going_on else rows.dtype
        encoded = rows.encoded(encoding, self.n_labels, dtype)
        kept = sample.smallest(SAMPLE_SIZE)
        n_seen = rows.total_weight + (before.n_seen if self.going_on else 0)

        def model_of(solution):
            return Model(
                solution,
                encoding,
                kept,
                seed,
                float(estimator.init_activation),
                estimator.solver,
                n_seen,
                self.n_labels,
                estimator.n_jobs,
            )

        task = self.make_task(encoded, seed)
        task = replace(
            task,
            previous=self.find_start(task, encoded),
            rule=self.choose_rule(self.choose_times(task, encoded), lambda: self.own_rule(task)),
            sample=EncodedRows.of_sample(kept, encoding, self.n_labels, dtype),
            progress=self.make_progress(
                rows, lambda s: self.finish(model_of(s), encoded, task, is_last=False)
            ),
        )
        model = self.finish(model_of(self.solve(encoded, task, sample)), encoded, task)
        # The function refers to the task, and the task to the progress. Without this line, rows of
        # a stream would stay in memory until Python looks for circles.
        task.progress.fitted = None
        return model

    def merge(self, other):
        """Return the ``Model`` of what the previous model and another model have learned."""
        self.previous = self.previous.join(other)
        nothing = np.empty((0, self.previous.sample.X.shape[1]), dtype=self.previous.dtype)
        return self.run(Rows(nothing, np.empty(0, dtype=np.intp), np.empty(0)))

    # -- steps that differ ---------------------------------------------------------

    def draw(self, rows, size):
        """Return a sample of these rows and, if the training goes on, of all earlier rows."""
        sample = rows.sample(size)
        return sample.joined(self.previous.sample, size) if self.going_on else sample

    def view(self, sample):
        """Return a ``Sample`` with the rows that are encoded in place of its rows."""
        if self.augment is None:
            return sample
        return replace(sample, X=view_rows(self.augment, sample.X))

    def fit_encoding(self, sample, seed, rows):
        """Return the encoding of ``rows``, of which ``sample`` is a sample."""
        return UnitEncoding.fitted_to(sample)

    def own_rule(self, task):
        """Return the rule of ``learning_time="auto"``."""
        return MeanEigenvalue(*self.cut_off)

    @property
    def cut_off(self):
        """``share`` and ``least`` of the mean eigenvalue, as in ``kaiser_time``."""
        return 1.0, 0.0

    def solve(self, rows, task, sample):
        """Return the ``Solution`` for the rows."""
        return self.solver.solve(rows, task)

    def finish(self, model, rows, task, is_last=True):
        """Return the model with everything that follows from it.

        With ``is_last=False``, the model is for callbacks during the training.
        """
        return model

    # -- sizes, times, task ----------------------------------------------------------

    def choose_sizes(self, n_inputs, n_layers=None):
        """Return the units of each layer; ``n_layers`` counts if the parameters leave it open."""
        sizes, n_layers = self.estimator.layer_sizes, n_layers or self.n_layers
        if sizes is None:
            full = min(max(n_inputs, self.least_width), self.most_width)
            if self.estimator.receptive_field is None:
                return [full] * n_layers
            fields = self.estimator.receptive_field
            fields = fields if isinstance(fields, (tuple, list)) else [fields]
            local = max(self.least_units, self.read_image_shape()[2])
            return [full if f is None else local for f in fields] + [full] * self.n_full
        sizes = [sizes] if isinstance(sizes, Integral) else list(sizes)
        if not sizes or not all(isinstance(n, Integral) and n >= 1 for n in sizes):
            raise ValueError(
                f"layer_sizes={self.estimator.layer_sizes!r} must be a positive integer, or a "
                "non-empty tuple with one positive integer for each layer."
            )
        return [int(n) for n in sizes]

    def given_times(self, n_layers):
        """Return the learning times that the parameters give for each layer, or None."""
        times = self.estimator.learning_time
        if isinstance(times, str):
            return None
        times = [times] * n_layers if isinstance(times, Real) else list(times)
        given = f"learning_time={self.estimator.learning_time!r}"
        if len(times) != n_layers:
            raise ValueError(
                f"{given} has {len(times)} entries for {n_layers} layers. Give one number for all "
                "layers, or one for each layer."
            )
        if not all(isinstance(t, Real) and np.isfinite(t) and t > 0 for t in times):
            raise ValueError(f"{given} must be positive and finite in every layer.")
        return [float(t) for t in times]

    def choose_times(self, task, rows):
        """Return the learning times that are given, or that a warm start of the flow keeps."""
        given = self.given_times(len(task.sizes))
        keeps = self.warm and not self.partial and not self.solver.goes_on_from_weights
        if given is None and keeps and self.is_as_before(task, rows):
            return list(self.previous.solution.times)
        return given

    def choose_rule(self, times, own):
        """Return the rule of the learning times: the given ``times``, or else the named rule."""
        if times is not None:
            return GivenTimes(times)
        return TIME_RULES[self.estimator.learning_time](own)

    def make_task(self, rows, seed):
        """Return the task without anything from an earlier training."""
        estimator = self.estimator
        sizes = self.choose_sizes(rows.n_inputs)
        grids = self.choose_grids(rows, sizes)
        if grids is not None:
            sizes = [n if g is None else g.n_outputs for n, g in zip(sizes, grids, strict=True)]
        return Task(
            sizes=sizes,
            activation=estimator.activation,
            epsilon=float(estimator.init_activation),
            rule=MeanEigenvalue(),
            seed=seed,
            dtype=np.dtype(rows.dtype),
            learning_rate=float(estimator.learning_rate),
            max_iter=estimator.max_iter or self.solver.max_epochs,
            batch_size=int(estimator.batch_size),
            progress=Progress(),
            n_jobs=estimator.n_jobs,
            partial=self.partial,
            activate_last=self.activate_last,
            grids=grids,
        )

    def read_image_shape(self, n_columns=None):
        """Return height, width and channels of the images that local layers read."""
        estimator = self.estimator
        if estimator.image_shape is None:
            raise ValueError(
                f"receptive_field={estimator.receptive_field!r} needs image_shape, the height, "
                "width and channels of the images in the rows of X."
            )
        found = "X has" if self.augment is None else "X as augment changes it has"
        return read_image_shape(estimator.image_shape, n_columns, found)

    def choose_grids(self, rows, sizes):
        """Return the ``Grid`` or None of each layer, or None if all layers are full.

        ``sizes`` are those of ``choose_sizes``. They count units at each place of local layers.
        """
        estimator = self.estimator
        if estimator.receptive_field is None:
            if estimator.image_shape is not None:
                # A wrong shape is an error all the same.
                n_columns = estimator.n_features_in_ if self.augment is None else None
                read_image_shape(estimator.image_shape, n_columns)
            return None
        if not rows.encoding.keeps_columns:
            raise ValueError(
                f"encoding={rows.encoding.name!r} mixes all columns, but receptive_field="
                f"{estimator.receptive_field!r} reads columns of neighbouring pixels. Set "
                "encoding='unit'."
            )
        shape = self.read_image_shape(rows.n_data)
        n_local = len(sizes) - self.n_full
        if n_local < 1:
            raise ValueError(
                f"layer_sizes={estimator.layer_sizes!r} leaves no layer for receptive_field="
                f"{estimator.receptive_field!r}. Give a field for one layer or more, and give the "
                "classifier two layers or more, of which the last is full."
            )
        grids = lay_out_grids(shape, estimator.receptive_field, n_local, sizes, self.n_labels)
        return grids if any(grids) else None

    def make_progress(self, rows, fitted):
        """Return the object to which solvers report.

        ``fitted`` makes a whole model from a solution during the training.
        """
        estimator = self.estimator
        data = {"X": rows.X, "y": rows.labels, "metadata": {"sample_weight": rows.weight}}
        return Progress(
            int(estimator.verbose),
            original_of(estimator),
            data,
            lambda s: {**learned_by(estimator), **estimator._attributes_of(fitted(s))},
        )

    # -- what a training goes on from ------------------------------------------------

    def can_start_from(self, rows):
        """Return whether the previous encoding, whose weights are used, suits the rows."""
        before = self.previous
        same_encoding = self.given_encoding in (None, before.encoding.name)
        return same_encoding and before.sample.X.shape[1] == rows.n_columns

    def is_as_before(self, task, rows):
        """Return whether the new network has the same shape as the previous network."""
        widths, coefs = [rows.n_inputs, *task.sizes], self.previous.network.coefs
        grids = task.grids or [None] * len(task.sizes)
        same_shapes = [W.shape for W in coefs] == list(pairwise(widths))
        return same_shapes and [getattr(W, "grid", None) for W in coefs] == grids

    def find_start(self, task, rows):
        """Return the solution from which the training goes on, or None."""
        if not self.warm:
            return None
        is_as_before = self.is_as_before(task, rows)
        if self.going_on and not is_as_before:
            units = [W.shape[1] for W in self.previous.network.coefs]
            given = f"layer_sizes={self.estimator.layer_sizes!r}"
            if self.estimator.receptive_field is not None:
                given += f" with receptive_field={self.estimator.receptive_field!r}"
            raise ValueError(
                f"{given} differs from the layers of the fitted network, which have {units} units "
                "or read other fields. Restore the parameters, or call fit to start anew."
            )
        goes_on = self.partial or self.solver.goes_on_from_weights
        return self.previous.solution if is_as_before and goes_on else None

    def check_goes_on(self):
        """Raise a ValueError if the parameters differ from those of the previous training."""
        estimator, before = self.estimator, self.previous
        estimator._validate_params()  # scikit-learn validates in the first call only.
        if self.solver.keeps_moments:
            if not SOLVERS[before.solver].keeps_moments:
                raise ValueError(
                    f"solver={estimator.solver!r} goes on from statistics of the rows, but "
                    f"solver={before.solver!r} kept none. Call fit first."
                )
            if not before.solution.state:
                raise ValueError(
                    "compact() dropped the statistics that partial_fit and merge need. "
                    "Call fit with all rows to start anew."
                )
        self._check_unchanged("activation", before.network.activation)
        if self.given_encoding is not None:
            self._check_unchanged("encoding", before.encoding.name)

    def check_width(self, encoding, rows):
        """Raise a ValueError if rows without ``augment`` do not suit the encoding of views."""
        if self.augment is None and encoding.n_columns != rows.n_columns:
            raise ValueError(
                f"augment=None leaves rows of {rows.n_columns} columns, but the network reads "
                f"{encoding.n_columns}, as many as augment={encoding.augment!r} returned. Restore "
                "augment, or call fit with warm_start=False."
            )

    def _check_unchanged(self, name, before):
        now = getattr(self.estimator, name)
        if now != before:
            raise ValueError(
                f"{name}={now!r} differs from {before!r}, with which the estimator was fitted. "
                f"Set {name}={before!r}, or call fit to start anew."
            )
