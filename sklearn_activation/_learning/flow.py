"""The solver "flow": the mean dynamics of the learning rule, integrated exactly.

The mean change of the weights under the learning rule is dW/dt = (I - W W^T) C W (paper, eq. 20).
C = E[x x^T] is not centred. From the start W(0) = sqrt(eps) Q, where Q has orthonormal rows, the
solution is

    W(t) = V diag(sqrt(f)) V^T Q,    f(lambda) = 1 / (1 + (1/eps - 1) exp(-2 lambda t))

with C = V diag(lambda) V^T. The learning time t therefore sets a soft cut-off of the eigenvalues,
near lambda = log(1/eps - 1) / (2 t). W(t) is a spectral function of C times a fixed rotation, so
it is a smooth function of the rows. Neither the signs of eigenvectors nor the basis of a
degenerate eigenspace change W(t).

A detector's last layer takes the *averaged* flow instead. In a linear flow, the activation a of
each direction follows da/dt = lambda (1 - a) from a(0) = epsilon. The averaged flow takes the mean
of a over exponentially distributed stopping times of mean t, which is (lambda t + epsilon) /
(lambda t + 1).

All linear algebra in this module is NumPy's. SciPy brings a BLAS library with its own threads, and
the waiting threads of two libraries slow each other down severalfold.
"""

import time
from copy import deepcopy
from functools import partial, reduce

import numpy as np

from .._network import Network
from .moments import Moments, absolute_sums_of, mean_and_variance
from .task import Solution, Solver

# The activated layers of a stream are solved again when this share of the weight is new.
WAITING_SHARE = 0.125


class Flow(Solver):
    """The solver in closed form, with one or two passes over the rows for each layer."""

    keeps_moments = True
    averages = True

    def solve(self, rows, task):
        """Train each layer in closed form on ``rows`` and on all rows learned before.

        Layers are solved from the bottom up, each from one pass over the rows. A layer whose
        outputs are activated takes a second pass for the moments of |y|. Many hidden rows are
        never stored: each block runs through the lower layers again. The statistics of a
        hidden layer belong to the lower layers as they were when the rows were seen. With several
        layers, a stream is therefore only close to one training on all rows. The moments of |y|
        over all rows so far are estimated from a sample, which does not depend on how the rows
        were cut into batches.
        """
        states = [None] * len(task.sizes)
        if task.previous is not None:
            states = task.previous.state["moments"]
        waiting = waiting_weight(rows, task)
        network = Network([], task.activation, [])
        batch = LayerRows(rows, task)
        sample = LayerRows(task.sample, task) if task.partial else batch
        times, kept, closed, certainty = [], [], None, None
        started = time.perf_counter()
        for layer, state in enumerate(states):
            task.progress.begin("layer")
            moments = add_up(state, network, batch)
            is_last = layer == len(task.sizes) - 1
            is_activated = not is_last or task.activate_last
            if waiting and is_activated:
                times.append(task.previous.times[layer])
                network.coefs.append(task.previous.network.coefs[layer])
                network.standards.append(task.previous.network.standards[layer])
            else:
                choice = task.rule.choose(layer, moments, network)
                certainty = choice.certainty
                closed = task.closed_layer(layer, moments, task.averaged and is_last)
                times.append(float(choice.time))
                network.coefs.append(closed.weights(choice.time))
                if is_activated:
                    network.standards.append(output_moments(network, sample))
            kept.append(moments.state)
            task.progress.end(
                f"Layer {layer + 1} of {len(task.sizes)}, learning time {times[-1]:.4g}, "
                f"{time.perf_counter() - started:.1f} s"
            )
        return Solution(
            network=network,
            times=times,
            n_iter=1,
            curve=closed.curve(times[-1]) if closed else task.previous.curve,
            state={
                "moments": kept,
                "waiting": waiting,
                "epsilon": task.epsilon,
                "times_were_given": task.rule.times is not None,
            },
            layer=closed,
            certainty=certainty,
        )


def waiting_weight(rows, task):
    """Return the weight of the latest rows for which activated layers have not been solved.

    The result is 0 if all layers must be solved now. In a stream of several layers, the activated
    layers wait until ``WAITING_SHARE`` of the weight of all rows is new, because their solution
    takes most of the time of a small batch. Their statistics are added up all the same. Layers do
    not wait if the user has changed a parameter that they depend on, or after a merge or a change
    of all weights.
    """
    if len(task.sizes) == 1 or task.previous is None or not len(rows):
        return 0.0
    state, given = task.previous.state, task.rule.times
    if "waiting" not in state or state["epsilon"] != task.epsilon:
        return 0.0
    waits = slice(None if task.activate_last else -1)
    if given is None and state["times_were_given"]:
        return 0.0
    if given is not None and list(given[waits]) != list(task.previous.times[waits]):
        return 0.0
    new = float(rows.weight.sum())
    waiting = state["waiting"] + new
    is_short = waiting < WAITING_SHARE * (state["moments"][0]["weight"] + new)
    return waiting if is_short else 0.0


def add_up(state, network, rows):
    """Return the moments of ``rows`` above the layers of ``network``, added to those of ``state``.

    ``rows`` are ``LayerRows``. The function copies the state, so that a training that fails
    halfway leaves the old statistics unchanged.
    """
    n_inputs = network.coefs[-1].shape[1] if len(network) else rows.rows.n_inputs
    return rows.add_to(Moments(**deepcopy(state or {"n_inputs": n_inputs})), network)


def output_moments(network, rows):
    """Return the mean and variance of |y| for each unit of the network's last layer.

    ``rows`` are ``LayerRows``.
    """
    return mean_and_variance(rows.output_sums(network), rows.task.dtype)


class LayerRows:
    """Rows as the inputs and outputs of the layers of a network that grows.

    Rows that fit in one block are kept as they leave the last layer. Blocks of many rows run
    through all layers each time.

    Parameters
    ----------
    rows : EncodedRows or EncodedPieces
    task : Task
    """

    def __init__(self, rows, task):
        self.rows = rows
        self.task = task
        self.n_columns = max(rows.n_inputs, *task.sizes)
        self.are_few = rows.fit_in_block(self.n_columns)
        self._depth, self._inputs, self._outputs = 0, None, None

    @property
    def seed(self):
        """The seed of the views of rows in this batch.

        The batches of a stream differ in the weight of all rows before them. The bits of this
        weight are a whole number.
        """
        before = self.task.previous
        moments = [{"weight": 0.0}] if before is None else before.state["moments"]
        return self.task.seed, 6, int(np.float64(moments[0]["weight"]).view(np.uint64))

    def add_to(self, moments, network):
        """Return ``moments`` with those of the rows after all layers of ``network`` added."""
        if self.are_few:
            return moments.add(self._climb(network, len(network)), self.rows.weight)
        name = f"layer{len(network) + 1}_products"
        return moments.merge(self._reduce(moments_of, network, Moments.merge, name))

    def output_sums(self, network):
        """Return the ``absolute_sums_of`` the rows times the weights of the last layer."""
        last = len(network) - 1
        if self.are_few:
            self._outputs = self._climb(network, last) @ network.coefs[last]
            return absolute_sums_of(self._outputs, self.rows.weight)
        return self._reduce(output_sums_of, network, np.add, f"layer{len(network)}_outputs")

    def _reduce(self, function, network, merge, name):
        call = partial(function, network=network, n_columns=self.n_columns, seed=self.seed)
        return self.rows.reduce(call, merge, name, self.task.n_jobs)

    def _climb(self, network, n_layers):
        """Return all rows as the input of layer ``n_layers``, from where they are now."""
        if self._inputs is None:
            self._inputs = self.rows.encode(rng=view_generator(self.seed))
        while self._depth < n_layers:
            Y = self._outputs
            if Y is None:
                Y = self._inputs @ network.coefs[self._depth]
            self._inputs, _ = network.activate(self._depth, Y)
            self._depth, self._outputs = self._depth + 1, None
        return self._inputs


def view_generator(seed, block=slice(0, None)):
    """Return the generator for the views of a block of rows.

    All layers see the same views. The views depend neither on the threads in which blocks run nor
    on the order of blocks.
    """
    return np.random.default_rng([*seed, block.start])


def moments_of(rows, network, n_columns, seed=(), n_jobs=None):
    """Return the moments of ``EncodedRows`` after the layers of ``network``."""

    def of_block(block):
        Z = rows.encode(block, view_generator(seed, block))
        H = network.hidden(Z, len(network))
        n_rows, n = len(rows), H.shape[1]
        # A block of many rows may be wider than long. Its product is computed here, in a thread.
        gram = np.zeros((n, n)) if n_rows > n else None
        return Moments(n, gram=gram).add(H, rows.weight[block])

    return reduce(Moments.merge, rows.map_blocks(of_block, n_columns, n_jobs))


def output_sums_of(rows, network, n_columns, seed=(), n_jobs=None):
    """Return the ``absolute_sums_of`` the outputs of the network's last layer."""
    last = len(network) - 1

    def of_block(block):
        Z = rows.encode(block, view_generator(seed, block))
        Y = network.hidden(Z, last) @ network.coefs[last]
        return absolute_sums_of(Y, rows.weight[block])

    return reduce(np.add, rows.map_blocks(of_block, n_columns, n_jobs))
