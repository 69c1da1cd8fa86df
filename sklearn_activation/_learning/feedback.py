"""Feedback: learn the right label and unlearn the wrong one that activates most.

For a row x of class c let g = ||y(x, c)||^2 - max_c' ||y(x, c')||^2. The rule learns
(x, c) at a rate proportional to gamma = min(max(1 - g / gap, 0), 1) and unlearns (x, c')
at -lambda times that rate (paper, eq. 12-14), all layers together.

Most rows soon have gamma = 0, and most work goes into scoring labels. So

- a row whose gap is wide rests, and is visited again 2 to 6 epochs later;
- a visit scores the right label and its rival, the wrong one that activated most when all
  labels were last scored, less than ``LOOK_EVERY`` epochs before;
- rivals are found by the largest eigenvalues of the last layer's W W^T (``outline``);
- the data block's product with the first layer serves all labels of a row, in learning as
  well as in scoring.

The flow keeps W W^T <= I, finite steps of unlearning do not: directions of W that grew
beyond 1 are set back (``hold``), without which they would grow without bound.
"""

import time
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from .._blocks import block_slices, map_blocks
from .._network import row_energies
from .hebbian import flush, update_standards
from .task import Solution

PACE = 14.0  # total rate of a mini-batch at the start, in learning rates
VISITED = 2  # rows visited for a row of ``batch_size``: about half have nothing to learn
LEAST_GAIN = 0.1  # the running mean gamma that rates are divided by is no smaller
GAIN_DECAY = 0.01
LOOK_EVERY = 6  # epochs
FEW_TO_OUTLINE = 20_000  # pairs of a row and a label that are scored exactly
OUTLINED = 0.15
REST = (2, 6)  # epochs
HOLD_EVERY = 10  # updates
SLACK = 1.05  # of the largest eigenvalue of W W^T, before it is set back to 1
INPUT_ENERGY = 2.0  # data and label block have norm 1 each
ROUNDING = 1.02  # times that: directions beyond 1 are set back before the next step
RUNAWAY = 2.0  # times that: the last steps are undone


class Divergence(Exception):
    """An output activation that is not finite or more than ``RUNAWAY`` times its input's."""


def solve(rows, task, start, held=None, *, counts=False):
    """Go on from the solution ``start`` with feedback on ``rows``.

    ``held`` are rows to stop by: training ends when their error has not fallen for
    ``n_iter_no_change`` epochs, with the weights of the best epoch. ``counts`` says whether
    the rates of updates count as learning time, which they do not after the closed form.
    """
    feedback, rng = task.feedback, np.random.default_rng([task.seed, 2, start.n_iter])
    # A weight says how much more a row counts than those so far, in batches of one as well.
    n_before = start.state.get("n_rows", 0) if task.partial else 0
    n_rows = n_before + len(rows)
    mean_weight = (n_before * start.state.get("mean_weight", 0) + rows.weight.sum()) / n_rows
    learner = _Learner(
        start.network.copy(task.dtype), rows, task, start.state.get("mean_gain"), mean_weight
    )
    n_epochs = 1 if task.partial else feedback.max_iter
    curve, best, n_worse = [], None, 0
    started = time.perf_counter()

    def so_far():
        return Solution(
            network=learner.network.copy(task.dtype),
            times=[t + counts * learner.learned for t in start.times],
            n_iter=start.n_iter + len(curve) if task.partial else len(curve),
            curve=np.concatenate([start.curve, curve]),
            state={
                "mean_gain": learner.mean_gain,
                "mean_weight": float(mean_weight),
                "n_rows": n_rows,
            },
        )

    for epoch in range(n_epochs):
        task.progress.begin("epoch")
        learner.learn_epoch(epoch, n_epochs, rng)
        curve.append(float(np.average(learner.energy, weights=rows.weight)))
        training_error = np.average(learner.gap <= 0, weights=rows.weight)
        line = (
            f"Epoch {epoch + 1} of {n_epochs}, {time.perf_counter() - started:.1f} s, training "
            f"error {training_error:.2%}, active {learner.n_active / len(rows):.1%}"
        )
        if held is not None:
            found = label_energies(learner.network, held, n_jobs=task.n_jobs).argmax(axis=1)
            error = float(np.average(found != held.labels, weights=held.weight))
            line += f", held-out error {error:.2%}"
            if best is None or error < best[0]:
                best, n_worse = (error, so_far()), 0
            else:
                n_worse += 1
        stop = task.progress.end(line, so_far)
        if stop or n_worse >= feedback.n_iter_no_change:
            break
    if learner.n_divergences:
        warnings.warn(
            f"learning_rate={task.learning_rate:g}: the activation diverged "
            f"{learner.n_divergences} times; steps were undone and the rate halved each time.",
            ConvergenceWarning,
            stacklevel=4,
        )
    return so_far() if best is None else best[1]


def label_energies(network, rows, index=None, *, score=None, n_jobs=None):
    """``score`` of rows, or of those at ``index``, with every label, block by block.

    ``score`` is a function like ``network.label_energies``, the default.
    """
    score = score or network.label_energies
    index = np.arange(len(rows)) if index is None else index
    widest = max(W.shape[1] for W in network.coefs)
    blocks = block_slices(len(index), rows.n_labels * widest)
    found = map_blocks(lambda block: score(rows.data(index[block])), blocks, n_jobs)
    return np.concatenate(list(found))


class _Learner:
    """A network in training, and what it last saw of every row."""

    def __init__(self, network, rows, task, mean_gain=None, mean_weight=1.0):
        self.network = network
        self.rows = rows
        self.task = task
        self.relative = (rows.weight / mean_weight).astype(task.dtype)
        self.rivals = np.zeros(len(rows), dtype=np.int32)  # wrong labels
        self.looked = np.full(len(rows), -LOOK_EVERY)  # epoch in which all labels were scored
        self.due = np.zeros(len(rows), dtype=np.int64)  # epoch of the next visit
        self.rest = np.full(len(rows), REST[0])  # epochs until the next visit if the gap is wide
        self.gap = np.zeros(len(rows), dtype=task.dtype)
        self.energy = np.zeros(len(rows), dtype=task.dtype)  # with the right label
        self.mean_gain = mean_gain
        self.learned = 0.0
        self.n_active = 0
        self.n_updates = 0
        self.n_divergences = 0
        self.step = [np.empty_like(W) for W in network.coefs]
        self.full_rate = PACE * task.learning_rate
        self.probes = [np.full(W.shape[1], 1, W.dtype) for W in network.coefs]
        self.sane = network.copy(task.dtype)

    def learn_epoch(self, epoch, n_epochs, rng):
        """Visit the rows that are due, in random order; the rate falls along a half cosine."""
        index = np.flatnonzero(self.due <= epoch)
        rng.shuffle(index)
        size = VISITED * self.task.batch_size
        self.n_active = 0
        self.rest = rng.integers(*REST, size=len(self.rows), endpoint=True)  # not all in step
        self.look_around(index, epoch)
        for first in range(0, len(index), size):
            progress = (epoch + first / len(index)) / n_epochs if n_epochs > 1 else 0
            rate = self.full_rate * 0.5 * (1 + np.cos(np.pi * progress))
            self.visit(index[first : first + size], rate, epoch)
        self.checked(self.hold)

    def look_around(self, index, epoch):
        """Score all labels of the rows in ``index`` that have waited for it."""
        index = np.sort(index[epoch - self.looked[index] >= LOOK_EVERY])
        self.looked[index] = epoch
        n_labels = self.rows.n_labels
        labels = self.rows.labels[index]
        if n_labels == 2 or not len(index):
            self.rivals[index] = 1 - labels
            return
        roughly = len(self.network) > 1 and len(index) * n_labels > FEW_TO_OUTLINE
        score = self.outline() if roughly else None
        energies = label_energies(
            self.network, self.rows, index, score=score, n_jobs=self.task.n_jobs
        )
        energies[np.arange(len(index)), labels] = -np.inf
        self.rivals[index] = energies.argmax(axis=1)

    def outline(self):
        """``label_energies`` from the largest eigenvalues of the last layer's W W^T.

        The others, all of them within ``OUTLINED`` of each other, are replaced by their
        mean, which changes an activation by less than ``OUTLINED`` times ||x||^2.
        """
        W, lower = self.network.coefs[-1], self.network.without_last()
        values, V = np.linalg.eigh(W @ W.T)
        n_rest = max(1, np.count_nonzero(values < values[0] + OUTLINED))
        floor = values[:n_rest].mean()
        largest = V[:, n_rest:] * np.sqrt(np.maximum(values[n_rest:] - floor, 0))

        def energies(Z):
            H = lower.label_rows(Z)
            result = row_energies(H @ largest)
            result += floor * row_energies(H)
            return result.reshape(len(Z), self.rows.n_labels)

        return energies

    def visit(self, index, rate, epoch):
        """Score a mini-batch and learn from its rows with a narrow gap."""
        self.checked(self._visit, index, rate * 0.5**self.n_divergences, epoch)
        self.n_updates += 1
        if self.n_updates % HOLD_EVERY == 0:
            self.checked(self.hold)

    def checked(self, step, *args):
        """Take a step; after one that diverges go back to the last weights that held."""
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                step(*args)
        except Divergence:
            self.n_divergences += 1
            self.network = self.sane.copy(self.task.dtype)

    def _visit(self, index, rate, epoch):
        rows, network, n = self.rows, self.network, len(index)
        Z, labels = rows.data(index), rows.labels[index]
        n_data = Z.shape[1]
        A = Z @ network.coefs[0][:n_data]
        wrong = self.rivals[index]
        both = np.concatenate([labels, wrong])
        layers = self.forward(np.concatenate([A, A]), both)
        energies = row_energies(layers[-1][1]).reshape(2, n)
        largest = energies.max()
        if not largest <= RUNAWAY * INPUT_ENERGY:
            raise Divergence
        if largest > ROUNDING * INPUT_ENERGY:
            for W in network.coefs:
                _shorten(W)
            return self._visit(index, rate, epoch)  # no activation exceeds its input's now
        gap = energies[0] - energies[1]
        self.energy[index] = energies[0]
        self.gap[index] = gap
        gain = np.clip(1 - gap / self.task.feedback.gap, 0, 1)
        self.due[index] = epoch + np.where(gain > 0, 1, self.rest[index])
        weighted = gain * self.relative[index]
        mean = float(weighted.mean())
        if self.mean_gain is None:
            self.mean_gain = mean
        self.mean_gain += GAIN_DECAY * (mean - self.mean_gain)
        active = np.flatnonzero(weighted)
        self.n_active += len(active)
        if not len(active):
            return
        share = rate / (VISITED * self.task.batch_size * max(self.mean_gain, LEAST_GAIN))
        rates = (weighted[active] * share).astype(A.dtype)
        rates *= min(1, rate / rates.sum())
        np.minimum(rates, rate / PACE, out=rates)  # no row learns faster than the learning rate
        pairs = np.concatenate([active, n + active])
        chosen = [(X if X is None else X[pairs], Y[pairs]) for X, Y in layers]
        self.learn(Z[active], A[active], both[pairs], chosen, rates)

    def forward(self, A, labels):
        """Every layer's input and output for rows with labels; ``A`` is overwritten."""
        network = self.network
        A += network.coefs[0][self.rows.n_data :][labels]
        layers = [(None, A)]
        for layer in range(1, len(network)):
            X, _ = network.activate(layer - 1, layers[-1][1])
            layers.append((X, X @ network.coefs[layer]))
        return layers

    def learn(self, Z, A, labels, layers, rates):
        """Learn rows with their right labels at ``rates``, unlearn the wrong ones.

        The second half of ``labels``, and of the inputs and outputs of ``layers``, is for
        the wrong labels.
        """
        network, factor = self.network, self.task.feedback.unlearning_factor
        signed = np.concatenate([rates, -factor * rates])[:, None]
        self.learned += float(rates.sum())
        moved = rates.sum() / self.full_rate  # running moments move as far as the weights
        for layer, (X, Y) in enumerate(layers):
            W, step = network.coefs[layer], self.step[layer]
            if layer < len(network) - 1:
                update_standards(network.standards[layer], Y[: len(rates)], rates, moved)
            if layer == 0:
                self.first_step(Z, A, labels, Y, signed, step)
            else:
                residual = X - Y @ W.T
                np.matmul(residual.T, signed * Y, out=step)
        for W, step in zip(network.coefs, self.step, strict=True):
            W += step

    def first_step(self, Z, A, labels, Y, signed, step):
        """The rule's step for inputs [Z, label], without Y W^T of the data block twice.

        Y = A + B[label] with B the label units' weights, so a row's reconstruction is
        A W^T + B[label] W^T: the first part is the same for both labels of a row, and
        the second for all rows with a label.
        """
        n_data = Z.shape[1]
        W = self.network.coefs[0]
        data, units = W[:n_data], W[n_data:]
        weighted = signed * Y
        n = len(Z)
        lit = np.zeros((len(units), len(labels)), dtype=W.dtype)
        lit[labels, np.arange(len(labels))] = 1
        by_label = lit @ weighted
        residual = np.concatenate([Z - A @ data.T, -units @ data.T])
        np.matmul(
            residual.T, np.concatenate([weighted[:n] + weighted[n:], by_label]), step[:n_data]
        )
        np.matmul(-(Y @ units.T).T, weighted, out=step[n_data:])
        step[n_data:] += by_label

    def hold(self):
        """Set directions of any layer that have grown beyond 1 back to 1."""
        for layer, W in enumerate(self.network.coefs):
            v = self.probes[layer]
            for _ in range(3):
                v = W.T @ (W @ v)
                top = np.linalg.norm(v)
                v /= max(top, 1e-30)
            self.probes[layer] = v
            if not np.isfinite(top):
                raise Divergence
            if top > SLACK:
                _shorten(W)
        flush(self.network.coefs)
        self.sane = self.network.copy(self.task.dtype)


def _shorten(W):
    """Singular values of ``W`` above 1 become 1, in place."""
    wide = W.shape[1] > W.shape[0]
    values, V = np.linalg.eigh(W @ W.T if wide else W.T @ W)
    above = values > 1
    V = V[:, above] if above.any() else V[:, :0]
    excess = V * (1 - 1 / np.sqrt(values[above])).astype(W.dtype)
    W -= excess @ (V.T @ W) if wide else (W @ excess) @ V.T
