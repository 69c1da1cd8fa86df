"""The stochastic solver: the local competitive rule itself, all layers together.

For a batch with signed rates r the rule is dW = (X - Y W^T)^T diag(r) Y with
Y = X W (paper, eq. 4 and 19). Its mean field is the flow of ``_flow``, with
t = (learning rate) x (number of batch-mean updates).
"""

import time
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ._network import Network, row_energies
from ._training import Solution
from .kernels.online import learn_rows

DECAY = 0.995  # of the running moments of |y|, per update
FINAL_SHARE = 0.1  # of the updates run at a tenth of the rate
LARGEST_RATE = 0.5  # of a batch in which weighty rows come together
TINY = 1e-25  # weights below are set to 0 before they become denormal and slow
FLUSH_EVERY = 100  # updates


def solve(rows, task):
    """Train all layers together by mini-batches, from random weights or the previous."""
    rng = np.random.default_rng(task.seed)
    previous = task.previous
    if previous is None:
        network = _random_network(rows.n_inputs, task, rng)
        n_done = 0
    else:
        network = Network(
            [W.astype(task.dtype, order="C", copy=True) for W in previous.network.coefs],
            task.activation,
            [(m.astype(task.dtype), v.astype(task.dtype)) for m, v in previous.network.standards],
        )
        for W in network.coefs[len(network.standards) :]:  # the flow may keep none of the last
            network.standards.append(tuple(np.zeros((2, W.shape[1]), task.dtype)))
        n_done = previous.n_iter
        rng = np.random.default_rng([task.seed, n_done])
    n_rows = len(rows)
    batch_size = min(task.batch_size, n_rows)
    n_batches = -(-n_rows // batch_size)
    n_updates = n_batches * (1 if task.partial else task.max_iter)
    if not task.partial and task.times is not None:
        wanted = _updates_for(task.times, task.learning_rate)
        if wanted > n_updates:
            warnings.warn(
                f"learning_time={task.times[0]:g} takes {wanted} updates at "
                f"learning_rate={task.learning_rate:g}, but max_iter={task.max_iter} epochs "
                f"allow {n_updates}: training stops there.",
                ConvergenceWarning,
                stacklevel=4,
            )
        n_updates = min(wanted, n_updates)
    full_rate = n_updates if task.partial else n_updates - int(FINAL_SHARE * n_updates)
    relative = rows.weight / rows.weight.mean()
    learn = _OneByOne(network) if batch_size == 1 else _Batchwise(network)
    started = time.perf_counter()
    curve, energy, seen = [], 0.0, 0.0
    learned = 0.0
    for update in range(n_updates):
        k = update % n_batches
        if k == 0:
            order = rng.permutation(n_rows)
        index = order[k * batch_size : (k + 1) * batch_size]
        weight = relative[index]
        rate = task.learning_rate if update < full_rate else task.learning_rate / 10
        learned += rate
        share = rate * weight / len(index)
        largest = max(rate, LARGEST_RATE)
        if share.sum() > largest:
            share *= largest / share.sum()
        outputs = learn(rows.encode(index), share.astype(task.dtype))
        energy += weight @ outputs
        seen += weight.sum()
        if update % FLUSH_EVERY == 0:
            _flush(learn.weights)
        if k == n_batches - 1 or update == n_updates - 1:
            curve.append(energy / max(seen, 1e-300))
            energy = seen = 0.0
            if task.verbose:
                print(
                    f"Epoch {len(curve)}, {update + 1} of {n_updates} updates, "
                    f"activation {curve[-1]:.4f}, {time.perf_counter() - started:.1f} s"
                )
    learn.finish()
    _flush(network.coefs)
    if task.partial and previous is not None:
        learned += previous.times[0]
        curve = [*previous.curve, *curve]
    return Solution(
        network=network,
        times=[learned] * len(task.sizes),
        n_iter=n_done + len(curve) if not task.partial else n_done + 1,
        curve=np.array(curve),
    )


def _updates_for(times, learning_rate):
    """Updates, the last tenth at a tenth of the rate, that add up to a learning time."""
    if len(set(times)) > 1:
        raise ValueError(
            f"solver='hebbian' trains all layers together: learning_time={tuple(times)} "
            "must be one number."
        )
    return max(1, round(times[0] / learning_rate / (1 - 0.9 * FINAL_SHARE)))


def _random_network(n_inputs, task, rng):
    """W W^T is about epsilon I: the paper's N(0, 0.01^2) for 1064 units."""
    coefs, standards = [], []
    for n_units in task.sizes:
        deviation = np.sqrt(task.epsilon / max(n_units, 1))
        coefs.append(rng.normal(0, deviation, (n_inputs, n_units)).astype(task.dtype))
        n_inputs = n_units
    for n_units in task.sizes:
        standards.append((np.zeros(n_units, task.dtype), np.zeros(n_units, task.dtype)))
    return Network(coefs, task.activation, standards)


def _flush(coefs):
    for W in coefs:
        W[np.abs(W) < TINY] = 0


class _Batchwise:
    """One update of every layer for a batch of rows, in products over the batch."""

    def __init__(self, network):
        self.network = network
        self.weights = network.coefs
        self.step = [np.empty_like(W) for W in network.coefs]

    def __call__(self, X, rate):
        """Learn the rows ``X`` at ``rate`` (n_rows,); return their output activations."""
        last = len(self.network) - 1
        for layer, (W, step) in enumerate(zip(self.network.coefs, self.step, strict=True)):
            Y = X @ W
            update_standards(self.network.standards[layer], Y, rate)
            if layer < last:
                following, _ = self.network.activate(layer, Y)
            else:
                following, energy = None, row_energies(Y)
            residual = Y @ W.T
            np.subtract(X, residual, out=residual)
            Y *= rate[:, None]
            np.matmul(residual.T, Y, out=step)
            W += step
            X = following
        return energy

    def finish(self):
        pass


class _OneByOne:
    """The same for batches of one row, where a compiled loop beats a product.

    The kernel takes inputs four at a time: weights are padded while it runs.
    """

    def __init__(self, network):
        self.network = network
        self.weights = [_padded(W) for W in network.coefs]
        self.scratch = [np.empty(W.shape[1], W.dtype) for W in self.weights]

    def __call__(self, X, rate):
        last = len(self.network) - 1
        for layer, (W, y) in enumerate(zip(self.weights, self.scratch, strict=True)):
            x = np.zeros((1, len(W)), W.dtype)
            x[:, : X.shape[1]] = X
            learn_rows(x, rate, W, y)
            Y = y[None, : self.network.coefs[layer].shape[1]].copy()
            update_standards(self.network.standards[layer], Y, rate)
            if layer < last:
                X, _ = self.network.activate(layer, Y)
        return row_energies(Y)

    def finish(self):
        for W, padded in zip(self.network.coefs, self.weights, strict=True):
            W[:] = padded[: W.shape[0], : W.shape[1]]


def _padded(W):
    n_inputs, n_units = W.shape
    padded = np.zeros((-(-n_inputs // 4) * 4, -(-n_units // 16) * 16), W.dtype)
    padded[:n_inputs, :n_units] = W
    return padded


def update_standards(standard, Y, rate):
    """Move running moments of |y| towards the batch's; take them over at the start."""
    mean, variance = standard
    share = rate / rate.sum()
    absolute = np.abs(Y)
    batch_mean = share @ absolute
    batch_variance = share @ (absolute - (batch_mean if len(Y) > 1 else mean)) ** 2
    decay = DECAY if mean.any() else 0.0
    mean *= decay
    mean += (1 - decay) * batch_mean
    variance *= decay
    variance += (1 - decay) * batch_variance
