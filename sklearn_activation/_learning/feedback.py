"""Feedback: learn the right label, and unlearn a wrong label that comes near to it.

For a row x of class c and a wrong label c' let g = ||y(x, c)||^2 - ||y(x, c')||^2. The update
learns the pair (x, c) at a rate proportional to gamma = min(max(1 - g / gap, 0), 1). The update
unlearns the pair (x, c') at -lambda times this rate (paper, eq. 12-14). All layers are updated
together.

In the paper, c' is the wrong label that activates most. Here c' is the *rival*, which is drawn
among the wrong labels with g < gap, with a probability proportional to gap - g. On average, all
labels that come near are unlearned, as in the loss of Weston & Watkins (1999). Where several
labels come near, rows would otherwise all unlearn the same label, which would be too low soon.

Soon most rows have gamma = 0, and scoring the labels takes most of the time. Four measures make
this fast:

- A row with a wide gap rests, and is visited again 2 to 6 epochs later.
- A visit scores two labels only: the right label and its rival. Rivals are drawn by activations
  that were computed for all labels at most five epochs before.
- All labels are scored with the largest eigenvalues of the last layer's W W^T (``outline``).
- The product of the data block with the first layer is computed once for all labels of a row, in
  learning and in scoring.

The continuous flow keeps W W^T <= I, but finite steps of unlearning do not. Directions of W that
grew beyond 1 are therefore set back to 1 (``hold``). Without this step, these directions would
grow without bound. In a local layer only the labels reach all units, and their weights grow first:
a direction of them beyond 1 grows the more it is unlearned. Such directions are set back after
each update.
"""

import time
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from .._local import empty_like, write_products
from .._network import row_energies
from .._warnings import warn
from .energies import error_rate, label_energies
from .running import flush, update_standards
from .task import Solution


@dataclass(frozen=True)
class Feedback:
    """The parameters of learning from mistakes.

    Parameters
    ----------
    unlearning_factor : float
        lambda of eq. 14: the rate of unlearning divided by the rate of learning.
    gap : float
        Difference of activations beyond which a row has nothing to learn.
    max_iter : int
        Maximum number of epochs.
    n_iter_no_change : int
        Training ends after this many epochs without a lower held-out error.
    counts_as_time : bool
        Whether the rates of updates count as learning time.
    """

    unlearning_factor: float
    gap: float
    max_iter: int
    n_iter_no_change: int
    counts_as_time: bool = False


class Divergence(Exception):
    """Raised if an output activation is not finite, or far larger than that of its input."""


def learn_from_mistakes(rows, task, feedback, start, held=None, promises=None):
    """Train with feedback on ``rows`` from the ``Solution`` ``start``, and return the result.

    ``held`` are held-out rows for early stopping. Training ends when the error on these rows has
    not fallen for ``n_iter_no_change`` epochs, and returns the weights of the best epoch. After a
    fifth of the epochs, ``promises`` is called with the network. If ``promises`` returns False,
    training is given up, and the result is None.
    """
    rng = np.random.default_rng([task.seed, 2, start.n_iter])
    # Relative weights compare a row with all rows so far. In a stream with batches of one row, a
    # mean over the batch alone would make each weight 1.
    n_before = start.state.get("n_rows", 0) if task.partial else 0
    n_rows = n_before + len(rows)
    mean_weight = (n_before * start.state.get("mean_weight", 0) + rows.weight.sum()) / n_rows
    network, mean_gain = start.network.copy(task.dtype), start.state.get("mean_gain")
    learner = _Learner(network, rows, task, feedback, mean_gain, mean_weight)
    n_epochs = 1 if task.partial else feedback.max_iter
    curve, best, n_worse = [], None, 0
    n_asked = -(-n_epochs // 5)
    started = time.perf_counter()

    def so_far():
        return Solution(
            network=learner.network.copy(task.dtype),
            times=[t + feedback.counts_as_time * learner.learned for t in start.times],
            n_iter=start.n_iter + len(curve) if task.partial else len(curve),
            curve=np.concatenate([start.curve, curve]),
            state={
                "mean_gain": learner.mean_gain,
                "mean_weight": float(mean_weight),
                "n_rows": n_rows,
            },
            feedback=True,
        )

    for epoch in range(n_epochs):
        task.progress.begin("epoch")
        learner.learn_epoch(epoch, n_epochs, rng)
        curve.append(float(np.average(learner.energy, weights=rows.weight)))
        training_error = np.average(learner.gap <= 0, weights=rows.weight)
        line = (
            f"Epoch {epoch + 1} of {n_epochs}, {time.perf_counter() - started:.1f} s, training "
            f"error {training_error:.2%}, rows that learn {learner.n_active / len(rows):.1%}"
        )
        if held is not None:
            error = error_rate(learner.network, held, task.n_jobs)
            line += f", held-out error {error:.2%}"
            if best is None or error < best[0]:
                best, n_worse = (error, so_far()), 0
            else:
                n_worse += 1
        stop = task.progress.end(line, so_far)
        if stop or n_worse >= feedback.n_iter_no_change:
            break
        if promises is not None and epoch + 1 == n_asked and not promises(learner.network):
            return None
    if learner.n_divergences:
        warn(
            f"learning_rate={task.learning_rate:g} is too large: the activation diverged "
            f"{learner.n_divergences} times. Each time the last steps were undone and the rate "
            "was halved. Give a smaller learning_rate.",
            ConvergenceWarning,
        )
    return so_far() if best is None else best[1]


class _Learner:
    """A network that learns from its mistakes, and the last activations that it gave each row."""

    # At the start, the rates of the rows of a mini-batch add up to this many learning rates.
    pace = 14.0
    # A mini-batch visits ``batch_size`` times this many rows, as about half of the visited rows
    # have nothing to learn.
    rows_visited = 2
    # Rates are divided by the running mean of gamma, which counts as this much at least.
    least_gain = 0.1
    # The running mean of gamma moves by this share with each mini-batch.
    gain_decay = 0.01
    # All labels of a row are scored again after this many epochs.
    epochs_to_look = 6
    # Up to this many pairs of row and label are scored with all eigenvalues.
    pairs_scored_exactly = 20_000
    # ``outline`` replaces the eigenvalues of W W^T within this distance of the smallest one by
    # their mean.
    outlined = 0.15
    # A row with a wide gap rests for a random number of epochs in this range.
    rest_epochs = (2, 6)
    # ``hold`` runs after this many updates.
    updates_to_hold = 10
    # ``hold`` sets directions back to 1 if the largest eigenvalue of W W^T exceeds this value.
    largest_eigenvalue = 1.05
    # The same limit for layers with local connections. Where units that compete do not read the
    # same inputs, the mean field itself leads to eigenvalues of up to 1.2.
    largest_of_local = 1.5
    # The squared norm of an input, whose data block and label block have norm 1 each.
    input_energy = 2.0
    # If an output activation exceeds ``input_energy`` by this factor, directions beyond 1 are set
    # back to 1 at once.
    excess_to_shorten = 1.02
    # If an output activation exceeds ``input_energy`` by this factor, the last steps are undone.
    excess_to_undo = 2.0
    # If an eigenvalue of W W^T exceeds this value, the last steps are undone.
    eigenvalue_to_undo = 10.0

    def __init__(self, network, rows, task, feedback, mean_gain=None, mean_weight=1.0):
        self.network = network
        self.rows = rows
        self.task = task
        self.feedback = feedback
        self.relative = (rows.weight / mean_weight).astype(task.dtype)
        # The rivals of each row's label, one for each epoch until all labels are scored again.
        self.rivals = np.zeros((len(rows), self.epochs_to_look), dtype=np.int32)
        # Epoch from which the age of each row's rivals counts.
        self.looked = np.full(len(rows), -self.epochs_to_look)
        # Epoch of the next visit to each row.
        self.due = np.zeros(len(rows), dtype=np.int64)
        # Epochs until the next visit if the gap of a row is wide.
        self.rest = np.full(len(rows), self.rest_epochs[0])
        self.gap = np.zeros(len(rows), dtype=task.dtype)
        self.energy = np.zeros(len(rows), dtype=task.dtype)  # activation with the right label
        self.mean_gain = mean_gain
        self.learned = 0.0
        self.n_active = 0
        self.n_updates = 0
        self.n_divergences = 0
        self.rng = None  # draws the views of rows that an augmentation changes
        self.step = [empty_like(W) for W in network.coefs]
        self.full_rate = self.pace * task.learning_rate
        self.probes = [np.full(W.shape[1], W.shape[1] ** -0.5, W.dtype) for W in network.coefs]
        self.sane = network.copy(task.dtype)

    def learn_epoch(self, epoch, n_epochs, rng):
        """Visit the rows that are due, in random order. The rate falls along a half cosine."""
        self.rng = rng
        index = np.flatnonzero(self.due <= epoch)
        rng.shuffle(index)
        size = self.rows_visited * self.task.batch_size
        self.n_active = 0
        # Random rests keep rows from coming back all at once.
        self.rest = rng.integers(*self.rest_epochs, size=len(self.rows), endpoint=True)
        self.look_around(index, epoch, rng)
        for first in range(0, len(index), size):
            progress = (epoch + first / len(index)) / n_epochs if n_epochs > 1 else 0
            rate = self.full_rate * 0.5 * (1 + np.cos(np.pi * progress))
            self.visit(index[first : first + size], rate, epoch)
        self.attempt(self.hold)

    def look_around(self, index, epoch, rng):
        """Draw rivals for the rows in ``index`` whose labels have not been scored for long."""
        index = np.sort(index[epoch - self.looked[index] >= self.epochs_to_look])
        self.looked[index] = epoch
        if epoch == 0:
            # Rows are given different ages, so that each later epoch scores all labels of some
            # rows. If one epoch scored all rows, a label that becomes too high for all of them
            # would be seen epochs later.
            self.looked[index] -= rng.integers(self.epochs_to_look, size=len(index))
        n_labels = self.rows.n_labels
        labels = self.rows.labels[index]
        if n_labels == 2 or not len(index):
            self.rivals[index] = 1 - labels[:, None]
            return
        n_inputs, n_units = self.network.coefs[-1].shape
        are_many = len(index) * n_labels > self.pairs_scored_exactly
        roughly = are_many and len(self.network) > 1 and n_units >= n_inputs
        score = self.outline() if roughly else None
        energies = label_energies(
            self.network, self.rows, index, score=score, n_jobs=self.task.n_jobs
        )
        gaps = energies[np.arange(len(index)), labels][:, None] - energies
        gaps[np.arange(len(index)), labels] = np.inf
        self.rivals[index] = draw_rivals(gaps, self.feedback.gap, self.epochs_to_look, rng)

    def outline(self):
        """Return a faster ``label_energies`` that uses the largest eigenvalues of W W^T.

        W are the weights of the last layer. The other eigenvalues lie within ``outlined`` of each
        other, and are replaced by their mean. The replacement changes an activation by less than
        ``outlined`` times ||x||^2. The function is faster if the layer is square or wide.
        """
        W, lower = self.network.coefs[-1], self.network.without_last()
        values, V = np.linalg.eigh(W @ W.T)
        n_rest = max(1, np.count_nonzero(values < values[0] + self.outlined))
        floor = values[:n_rest].mean()
        largest = V[:, n_rest:] * np.sqrt(np.maximum(values[n_rest:] - floor, 0))

        def energies(Z):
            H = lower.label_rows(Z)
            result = row_energies(H @ largest)
            result += floor * row_energies(H)
            return result.reshape(len(Z), self.rows.n_labels)

        return energies

    def visit(self, index, rate, epoch):
        """Score a mini-batch, and learn from its rows whose gap is narrow."""
        self.attempt(self._visit, index, rate * 0.5**self.n_divergences, epoch)
        self.n_updates += 1
        if self.n_updates % self.updates_to_hold == 0:
            self.attempt(self.hold)

    def attempt(self, step, *args):
        """Take a step, or go back to the last weights that ``hold`` has checked.

        The weights go back if the step diverges.
        """
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                step(*args)
        except Divergence:
            self.n_divergences += 1
            self.network = self.sane.copy(self.task.dtype)

    def _visit(self, index, rate, epoch, is_shortened=False):
        rows, network, n = self.rows, self.network, len(index)
        Z, labels = rows.data(index, self.rng), rows.labels[index]
        n_data = Z.shape[1]
        A = Z @ network.coefs[0][:n_data]
        wrong = self.rivals[index, epoch - self.looked[index]]
        both = np.concatenate([labels, wrong])
        layers = self.forward(np.concatenate([A, A]), both)
        energies = row_energies(layers[-1][1]).reshape(2, n)
        largest = energies.max()
        if not largest <= self.excess_to_undo * self.input_energy:
            raise Divergence
        if largest > self.excess_to_shorten * self.input_energy and not is_shortened:
            for W in network.coefs:
                _shorten(W)
            # With full layers, no activation exceeds that of its input now. Local layers come near
            # to this state.
            return self._visit(index, rate, epoch, is_shortened=True)
        gap = energies[0] - energies[1]  # eq. 12, for the rival
        self.energy[index] = energies[0]
        self.gap[index] = gap
        # gamma of eq. 13, which falls to 0 at the gap that the user asked for.
        gain = np.clip(1 - gap / self.feedback.gap, 0, 1)
        self.due[index] = epoch + np.where(gain > 0, 1, self.rest[index])
        weighted = gain * self.relative[index]
        mean = float(weighted.mean())
        if self.mean_gain is None:
            self.mean_gain = mean
        self.mean_gain += self.gain_decay * (mean - self.mean_gain)
        active = np.flatnonzero(weighted)
        self.n_active += len(active)
        if not len(active):
            return
        share = rate / (
            self.rows_visited * self.task.batch_size * max(self.mean_gain, self.least_gain)
        )
        rates = (weighted[active] * share).astype(A.dtype)
        rates *= min(1, rate / rates.sum())
        # No row learns faster than the learning rate.
        np.minimum(rates, rate / self.pace, out=rates)
        pairs = np.concatenate([active, n + active])
        chosen = [(X if X is None else X[pairs], Y[pairs]) for X, Y in layers]
        self.learn(Z[active], A[active], both[pairs], chosen, rates)

    def forward(self, A, labels):
        """Return the input and output of each layer for rows with labels. ``A`` is overwritten.

        ``A`` holds the products of the data blocks with the first layer.
        """
        network = self.network
        A += network.coefs[0][self.rows.n_data :][labels]
        layers = [(None, A)]
        for layer in range(1, len(network)):
            X, _ = network.activate(layer - 1, layers[-1][1])
            layers.append((X, X @ network.coefs[layer]))
        return layers

    def learn(self, Z, A, labels, layers, rates):
        """Learn rows with their right labels, and unlearn the same rows with wrong labels.

        ``rates`` are the rates of learning. The first half of ``labels`` holds the right labels,
        and the second half the wrong labels. The inputs and outputs in ``layers`` have the same
        order. Then the directions of a local layer's label weights beyond 1 are set back to 1.
        """
        network, factor = self.network, self.feedback.unlearning_factor
        signed = np.concatenate([rates, -factor * rates])[:, None]  # eq. 13 and 14
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
                write_products(residual, signed * Y, step)
        for layer, step in enumerate(self.step):
            network.coefs[layer] += step
        if not isinstance(network.coefs[0], np.ndarray):
            labels = network.coefs[0].labels
            # Their mean eigenvalue shows whether they diverge.
            if not np.vdot(labels, labels) <= self.eigenvalue_to_undo * len(labels):
                raise Divergence
            _shorten(labels)

    def first_step(self, Z, A, labels, Y, signed, step):
        """Write the rule's step of the first layer, for the inputs [Z, label], to ``step``.

        The output is Y = A + B[label], where B holds the weights of the label units. The
        reconstruction of a row is A W^T + B[label] W^T. The first term is the same for the right
        and the wrong label of a row. The second term is the same for all rows with a label. Each
        term is therefore computed once.
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
        write_products(
            residual, np.concatenate([weighted[:n] + weighted[n:], by_label]), step[:n_data]
        )
        of_labels = step[n_data:]
        np.matmul(-(Y @ units.T).T, weighted, out=of_labels)
        of_labels += by_label

    def hold(self):
        """Set directions of each layer that have grown beyond 1 back to 1.

        A few steps of the power method find the largest eigenvalue of W^T W.
        """
        for layer, W in enumerate(self.network.coefs):
            v = self.probes[layer]
            for _ in range(3):
                v = v @ W.T @ W
                top = np.linalg.norm(v)
                if not top <= self.eigenvalue_to_undo:
                    raise Divergence
                v /= max(top, 1e-30)
            self.probes[layer] = v
            is_full = isinstance(W, np.ndarray)
            if top > (self.largest_eigenvalue if is_full else self.largest_of_local):
                _shorten(W)
        flush(self.network.coefs)
        self.sane = self.network.copy(self.task.dtype)


def draw_rivals(gaps, width, n_draws, rng):
    """Return ``n_draws`` wrong labels of each row, ndarray of int of shape (n_rows, n_draws).

    A label of gap g is drawn with a probability proportional to max(0, width - g). If no label has
    a gap below ``width``, the label with the smallest gap is taken.

    Parameters
    ----------
    gaps : ndarray of shape (n_rows, n_labels)
        Activation with the right label less activation with each label. The entry of the right
        label is infinite.
    width : float
    n_draws : int
    rng : numpy Generator
    """
    sums = np.maximum(width - gaps, 0).cumsum(axis=1)
    rivals = np.empty((len(gaps), n_draws), dtype=np.int32)
    for draw in range(n_draws):
        at = rng.random((len(gaps), 1)) * sums[:, -1:]
        rivals[:, draw] = (sums <= at).sum(axis=1)
    is_alone = sums[:, -1] == 0
    rivals[is_alone] = gaps[is_alone].argmin(axis=1)[:, None]
    return rivals


def _shorten(W):
    """Reduce the singular values of ``W`` that exceed 1 to 1, in place."""
    if not isinstance(W, np.ndarray):
        _shorten_local(W)
        return
    wide = W.shape[1] > W.shape[0]
    values, V = np.linalg.eigh(W @ W.T if wide else W.T @ W)
    above = values > 1
    V = V[:, above] if above.any() else V[:, :0]
    excess = V * (1 - 1 / np.sqrt(values[above])).astype(W.dtype)
    W -= excess @ (V.T @ W) if wide else (W @ excess) @ V.T


def _shorten_local(W, n_directions=32, n_rounds=6, least_share=0.2, most=1.2):
    """Reduce the largest singular values of local weights ``W`` towards 1, in place.

    The change that sets a singular value back to 1 is made at the connections alone. It is
    enlarged by the reciprocal of its share there, but not beyond that of ``least_share``. The
    other directions hardly change. If too many directions are large, so that a singular value
    beyond ``most`` is left, all weights are divided by a number in the end.
    """
    V = np.random.default_rng(0).normal(size=(n_directions, W.shape[1])).astype(W.dtype)
    step = W.empty_like()
    for _ in range(n_rounds):
        inputs, sizes, V = _largest_directions(W, V)
        if sizes[0] <= 1:
            return
        for x, y in zip(inputs, V, strict=True):
            # The changes to directions before this one have changed its singular value, too.
            size = x @ W @ y
            if size > 1:
                step.write_products(x[None], y[None])
                share = sum(np.vdot(A, A) for A in step.arrays)
                step *= W.dtype.type((1 - size) / max(share, least_share))
                W += step
    largest = _largest_directions(W, V)[1][0]
    if largest > most:
        W *= W.dtype.type(most / largest)


def _largest_directions(W, V, n_steps=4):
    """Return the largest directions of weights ``W``: inputs, singular values, and outputs.

    A block of the power method starts from the outputs ``V`` (n_directions, n_outputs).
    """
    for _ in range(n_steps):
        V = np.linalg.qr((V @ W.T @ W).T)[0].T
    left, sizes, inputs = np.linalg.svd(V @ W.T, full_matrices=False)
    return inputs, sizes, left.T @ V
