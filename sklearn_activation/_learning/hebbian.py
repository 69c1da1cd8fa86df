"""The solver "hebbian": the local competitive rule itself, applied to all layers together.

For a batch with signed learning rates r the rule is dW = (X - Y W^T)^T diag(r) Y with Y = X W
(paper, eq. 4 and 19). On average the weights follow the dynamics that the module ``flow``
integrates, with t = (learning rate) x (number of updates by batch means).
"""

import time
from dataclasses import replace

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from .._local import arrays_of, empty_like, write_products
from .._network import Network, row_energies
from .._progress import Progress
from .._warnings import warn
from ..kernels.online import TOGETHER, learn_rows
from .flow import Flow
from .moments import absolute_moments
from .running import flush, update_standards
from .task import Solution, Solver

# After this many updates, weights that are about to become denormal numbers are set to 0.
UPDATES_TO_FLUSH = 100


class Hebbian(Solver):
    """The solver that applies the learning rule to mini-batches of rows."""

    goes_on_from_weights = True
    counts_rates_as_time = True
    max_feedback_epochs = 100

    def solve(self, rows, task):
        """Train all layers together, from random weights or from the previous weights."""
        return train(rows, task)

    def start(self, rows, task):
        """Return the previous solution, or a solution before any learning."""
        return task.previous or start_untrained(rows, task)


def train(rows, task):
    """Train all layers together by mini-batches, and return the ``Solution``."""
    run, started = _Run(rows, task), time.perf_counter()
    bounds = [2 * (min(W.shape) + squared_norm(W)) for W in run.network.coefs]
    n_updates = run.schedule.n_updates
    while run.update < n_updates:
        task.progress.begin("epoch")
        run.learn_epoch()
        stop = task.progress.end(
            f"Epoch {len(run.curve)}, {run.update} of {n_updates} updates, "
            f"activation {run.curve[-1]:.4f}, {time.perf_counter() - started:.1f} s",
            run.solution,
        )
        if stop:
            break
    flush(run.learn.weights)
    solution = run.solution()
    # In a stable training the singular values of W stay at 1 or below. Directions that are not
    # learned keep their start values. A larger norm means that the weights diverged.
    sizes = [squared_norm(W) for W in solution.network.coefs]
    if not all(size <= bound for size, bound in zip(sizes, bounds, strict=True)):
        raise ValueError(
            f"learning_rate={task.learning_rate:g} is too large: the weights diverged. Give a "
            "smaller learning_rate."
        )
    return solution


class _Run:
    """A network in training by the learning rule, with the state of the training."""

    def __init__(self, rows, task):
        previous = task.previous
        self.rows = rows
        self.task = task
        self.network = start(rows.n_inputs, task)
        self.schedule = Schedule(len(rows), task, target_times(task))
        learner = _OneByOne if self.schedule.one_by_one else _Batchwise
        self.learn = learner(self.network, self.schedule.shares)
        self.relative = rows.weight / rows.weight.mean()
        n_iter = 0 if previous is None else previous.n_iter
        self.rng = np.random.default_rng([task.seed, 1, n_iter])
        self.curve = []
        self.learned = 0.0
        self.update = 0

    def learn_epoch(self):
        """Learn all rows once in random order, and add their mean activation to the curve."""
        schedule, energy, seen = self.schedule, 0.0, 0.0
        order = self.rng.permutation(len(self.rows))
        for k, count in schedule.steps_of_epoch(self.update):
            index = order[k * schedule.batch_size : (k + count) * schedule.batch_size]
            weight, rate = self.relative[index], schedule.rates(self.update, count)
            self.learned += rate.sum()
            with np.errstate(over="ignore", invalid="ignore"):  # ``train`` reports divergence
                of_rows = schedule.of_rows(rate, weight).astype(self.task.dtype)
                outputs = self.learn(self.rows.encode(index, self.rng), of_rows)
            energy += weight @ outputs
            seen += weight.sum()
            self.update += count
            if self.update % UPDATES_TO_FLUSH < count:
                flush(self.learn.weights)
        self.curve.append(energy / max(seen, 1e-300))

    def solution(self):
        """Return the ``Solution`` as if training ended now."""
        self.learn.finish()
        previous, shares = self.task.previous, self.schedule.shares
        before = [0.0] * len(shares) if previous is None else previous.times
        # A solution of the closed form has a state, and its curve does not belong to this
        # training.
        own = previous is not None and not previous.state
        curve = [*previous.curve, *self.curve] if own else self.curve
        return Solution(
            network=self.network.copy(self.task.dtype),
            times=[t + share * self.learned for t, share in zip(before, shares, strict=True)],
            n_iter=len(curve),
            curve=np.array(curve),
        )


def squared_norm(W):
    """Return the squared Frobenius norm of ``W``, or infinity if it exceeds double precision."""
    with np.errstate(over="ignore"):
        flat = (A.ravel() for A in arrays_of(W))
        return sum(np.einsum("i,i->", a, a, dtype=np.float64) for a in flat)


class Schedule:
    """The number of updates, the rows of each update, and the learning rates.

    All layers learn together. A layer with a shorter learning time than the longest learning time
    has a lower rate.
    """

    # The last updates run at a tenth of the learning rate. This share of all updates is late.
    final_share = 0.1
    # The rates of a batch add up to at most this value, or to the learning rate if that is larger.
    # The limit matters if several heavy rows come together in a batch.
    largest_rate = 0.5

    def __init__(self, n_rows, task, times):
        self.batch_size = min(task.batch_size, n_rows)
        # Layers with local connections learn such batches by products, each in a step of its own.
        self.one_by_one = self.batch_size == 1 and task.grids is None
        self.n_batches = -(-n_rows // self.batch_size)
        self.rate = task.learning_rate
        self.shares = np.ones(len(task.sizes))
        if task.partial:
            self.n_updates = self.n_at_full_rate = self.n_batches
            return
        self.n_updates = self.n_batches * task.max_iter
        longest = max(times)
        # Each late update counts as a tenth of a full one.
        wanted = max(1, round(longest / self.rate / (1 - 0.9 * self.final_share)))
        reached = longest * min(1, self.n_updates / wanted)
        if reached < longest:
            chosen = ", as chosen," if task.rule.are_chosen else ""
            warn(
                f"learning_time={longest:.4g}{chosen} takes {wanted} updates at "
                f"learning_rate={self.rate:g}, but max_iter={task.max_iter} epochs allow only "
                f"{self.n_updates}. Training stops at learning time {reached:.4g}. To train "
                "longer, raise max_iter or learning_rate, or lower batch_size.",
                ConvergenceWarning,
            )
        self.shares = np.minimum(1, np.array(times) / reached)
        self.n_updates = min(wanted, self.n_updates)
        self.n_at_full_rate = self.n_updates - int(self.final_share * self.n_updates)

    def steps_of_epoch(self, update):
        """Yield the first batch and the number of batches of each step of an epoch.

        If rows are learned one by one, a step hands over many batches at once. The epoch begins at
        ``update``. The epoch ends early if the training has no updates left.
        """
        n_batches = min(self.n_batches, self.n_updates - update)
        step = UPDATES_TO_FLUSH if self.one_by_one else 1
        for k in range(0, n_batches, step):
            yield k, min(step, n_batches - k)

    def rates(self, update, count):
        """Return the learning rates of ``count`` updates that begin at ``update``."""
        late = np.arange(update, update + count) >= self.n_at_full_rate
        return np.where(late, self.rate / 10, self.rate)

    def of_rows(self, rate, weight):
        """Return the learning rate of each row of an update.

        ``rate`` holds the rates of the updates, and ``weight`` the relative weights of the rows.
        """
        share = rate * weight / (1 if self.one_by_one else len(weight))
        in_all = share if self.one_by_one else share.sum()
        return share * np.minimum(1, np.maximum(rate, self.largest_rate) / in_all)


def target_times(task):
    """Return the learning times of all layers.

    The times are given by the rule, or chosen by the closed form on a sample of the rows. A pass
    over new rows has no target, and the function returns None.
    """
    if task.rule.times is not None or task.partial:
        return task.rule.times
    closed = replace(task, previous=None, progress=Progress())
    return Flow().solve(task.sample, closed).times


def start_untrained(rows, task, n_rows=2000):
    """Return the solution before any learning.

    The first ``n_rows`` rows give the moments of |y|.
    """
    network = start(rows.n_inputs, task)
    H = rows.encode(slice(0, n_rows))
    weight = rows.weight[:n_rows]
    for layer, W in enumerate(network.coefs):
        Y = H @ W
        network.standards[layer] = absolute_moments(Y, weight)
        H, _ = network.activate(layer, Y)
    return Solution(network, [0.0] * len(network), 0, np.empty(0))


def start(n_inputs, task):
    """Return a copy of the previous network, or a random network.

    In the random network W W^T is about epsilon I. The paper's N(0, 0.01^2) is the case of 1064
    units.
    """
    if task.previous is not None:
        network = task.previous.network.copy(task.dtype)
        # The closed form may keep no moments of the last layer.
        for W in network.coefs[len(network.standards) :]:
            network.standards.append(tuple(np.zeros((2, W.shape[1]), task.dtype)))
        return network
    rng = np.random.default_rng(task.seed)
    coefs, standards = [], []
    for layer, n_units in enumerate(task.sizes):
        deviation = np.sqrt(task.epsilon / n_units)
        if task.grid(layer) is None:
            coefs.append(rng.normal(0, deviation, (n_inputs, n_units)).astype(task.dtype))
        else:
            coefs.append(task.grid(layer).random(task.epsilon, rng, task.dtype))
        n_inputs = n_units
    for n_units in task.sizes:
        standards.append((np.zeros(n_units, task.dtype), np.zeros(n_units, task.dtype)))
    return Network(coefs, task.activation, standards)


class _Batchwise:
    """Learner that updates each layer once per batch, by matrix products over the batch."""

    def __init__(self, network, shares):
        self.network = network
        self.shares = shares
        self.weights = network.coefs
        self.step = [empty_like(W) for W in network.coefs]

    def __call__(self, X, rate):
        """Learn the rows ``X`` at the rates ``rate`` (n_rows,), and return their activations."""
        last = len(self.network) - 1
        for layer, (W, step) in enumerate(zip(self.network.coefs, self.step, strict=True)):
            Y = X @ W
            update_standards(self.network.standards[layer], Y, rate)
            if layer < last:
                following, _ = self.network.activate(layer, Y)
            else:
                following, energy = None, row_energies(Y)
            residual = Y @ W.T  # (X - Y W^T)^T diag(r) Y: eq. 4, and eq. 19 for a batch
            np.subtract(X, residual, out=residual)
            Y *= (rate * Y.dtype.type(self.shares[layer]))[:, None]
            write_products(residual, Y, step)
            W += step
            X = following
        return energy

    def finish(self):
        pass


class _OneByOne:
    """Learner for batches of one row, for which a compiled loop is faster than matrix products.

    During training, inputs are padded to a multiple of ``TOGETHER``, which the kernel requires.
    Units are padded until they fill whole cache lines.
    """

    def __init__(self, network, shares):
        self.network = network
        self.shares = shares
        self.weights, self.outputs = [], []
        for W in network.coefs:
            n_inputs, n_units = W.shape
            width = n_units + -n_units % 16
            padded = on_cache_lines((n_inputs + -n_inputs % TOGETHER, width), W.dtype)
            padded[:n_inputs, :n_units] = W
            self.weights.append(padded)
            self.outputs.append(on_cache_lines((UPDATES_TO_FLUSH + 2, width), W.dtype))

    def __call__(self, X, rate):
        if len(self.network) == 1:
            return row_energies(self.learn(0, X, rate))
        return np.concatenate([self.row(X[i : i + 1], rate[i : i + 1]) for i in range(len(X))])

    def row(self, x, rate):
        last = len(self.network) - 1
        for layer in range(last + 1):
            y = self.learn(layer, x, rate)
            if layer < last:
                x, _ = self.network.activate(layer, y)
        return row_energies(y)

    def learn(self, layer, X, rate):
        n_inputs, n_units = self.network.coefs[layer].shape
        lacking = -n_inputs % TOGETHER
        if lacking:
            X = np.hstack([X, np.zeros((len(X), lacking), X.dtype)])
        Y = self.outputs[layer][: len(X) + 2]
        learn_rows(X, rate * Y.dtype.type(self.shares[layer]), self.weights[layer], Y)
        Y = Y[: len(X), :n_units].copy()
        update_standards(self.network.standards[layer], Y, rate, len(Y))
        return Y

    def finish(self):
        for W, padded in zip(self.network.coefs, self.weights, strict=True):
            W[:] = padded[: len(W), : W.shape[1]]


def on_cache_lines(shape, dtype):
    """Return an array of zeros that starts on a cache line of 64 bytes.

    NumPy does not guarantee this alignment.
    """
    n_bytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
    buffer = np.zeros(n_bytes + 63, np.uint8)
    start = -buffer.ctypes.data % 64
    return buffer[start : start + n_bytes].view(dtype).reshape(shape)
