"""Learning times of a classifier, chosen by the log-loss of held-out rows."""

from dataclasses import dataclass, replace

import numpy as np

from .._network import Network
from .layer import ClosedLayer
from .moments import Moments, absolute_moments
from .sharpness import Certainty, fit_sharpness
from .task import Task
from .time_rules import Choice, GivenTimes, MeanEigenvalue, TimeRule

# Candidate times of the last layer. One decomposition of the statistics serves all of them.
PATH = 10.0 ** np.arange(0, 6.01, 0.125)

# A sample of rows is cut into this many folds.
N_FOLDS = 5


@dataclass(frozen=True)
class Fold:
    """One split of a cross-validation, with the layers trained so far.

    The next layer is in closed form, so that its activations are known for each learning time.

    Parameters
    ----------
    task : Task
    network : Network
        The layers trained so far.
    layer : ClosedLayer
        The next layer above ``network``.
    rows, weight : ndarray or None
        Training rows as input of the next layer, and the weights of these rows.
    held : ndarray
        Held-out rows as input of the next layer. For the first layer it has one data row per
        held-out row, and for all layers above it one row for each held-out row and label.
    labels, held_weight : ndarray of shape (n_held,)
        Labels and weights of the held-out rows.
    n_labels : int
    """

    task: Task
    network: Network
    layer: ClosedLayer
    rows: np.ndarray | None
    weight: np.ndarray | None
    held: np.ndarray
    labels: np.ndarray
    held_weight: np.ndarray
    n_labels: int

    @classmethod
    def start(cls, train, held, task):
        """Return a fold without layers, for the ``EncodedRows`` ``train`` and ``held``."""
        Z = train.encode(rng=np.random.default_rng([task.seed, 5]))
        return cls(
            task,
            Network([], task.activation, []),
            task.closed_layer(0, Moments(Z.shape[1]).add(Z, train.weight)),
            Z,
            train.weight,
            held.data(),
            held.labels,
            held.weight,
            held.n_labels,
        )

    def grow(self, t):
        """Return this fold with one more layer, which learns for time ``t``."""
        below, W = self.network, self.layer.weights(t)
        Y = self.rows @ W
        standards = [*below.standards, absolute_moments(Y, self.weight)]
        network, layer = Network([*below.coefs, W], below.activation, standards), len(below)
        rows, _ = network.activate(layer, Y)
        if layer == 0:
            held = network.candidates(self.held)
        else:
            held, _ = network.activate(layer, self.held @ W)
        moments = Moments(rows.shape[1]).add(rows, self.weight)
        above = self.task.closed_layer(layer + 1, moments)
        return replace(self, network=network, layer=above, rows=rows, held=held)

    def energies(self, times):
        """Return held-out activations for ``times`` of the next layer, if it is the last one.

        The result has shape (n_held, n_labels, n_times).
        """
        shape, spectrum = (len(self.labels), self.n_labels, len(times)), self.layer.spectrum
        if len(self.network):
            return spectrum.energies(self.held, times).reshape(shape)
        result = np.empty(shape, dtype=self.held.dtype)
        for c in range(self.n_labels):
            label = np.zeros((len(self.held), self.n_labels), dtype=self.held.dtype)
            label[:, c] = 1
            result[:, c] = spectrum.energies(np.hstack([self.held, label]), times)
        return result


class LastLayerHeldOut(TimeRule):
    """The rule that takes given times for hidden layers, and asks held-out rows for the last time.

    The last layer is judged by the statistics of all rows without the held-out ones.

    Parameters
    ----------
    below : TimeRule
        Rule for all layers but the last.
    held : EncodedRows
        Held-out rows. The statistics that the solver passes to ``choose`` count them, too.
    path : ndarray
        Candidate times of the last layer.
    task : Task
    """

    def __init__(self, below, held, path, task):
        self.below = below
        self.held = held
        self.path = path
        self.task = task

    def choose(self, layer, moments, network):
        if layer < len(self.task.sizes) - 1:
            return self.below.choose(layer, moments, network)
        fold = last_layer_fold(self.held, moments, network, self.task)
        time, _, certainty = choose_last_time([fold], self.path)
        return Choice(time, certainty)


def choose_on_sample(task, times, rows, fold_of, rows_a_class=20):
    """Choose the times of all layers, and the certainty, by cross-validation on sampled rows.

    Parameters
    ----------
    task : Task
    times : list of float or None
        The given times. With given times, only the certainty is found.
    rows : EncodedRows
        The sampled rows.
    fold_of : ndarray of shape (n_rows,)
        Number of the fold of each row.
    rows_a_class : int
        Least number of rows per class at which cross-validation chooses times. With fewer rows,
        the mean eigenvalue gives better times than held-out rows do.

    Returns
    -------
    rule : GivenTimes, or None if there are too few rows
    """
    if times is None and len(rows) < rows_a_class * rows.n_labels:
        return None
    folds = cross_validate(rows, fold_of, task)
    if not folds:
        return None
    hidden, folds = choose_hidden_times(folds, task, times)
    last, _, certainty = choose_last_time(folds, path_of(times))
    return GivenTimes([*hidden, last], certainty, are_chosen=times is None)


def choose_on_all_rows(task, times, rows, fold_of, sizes=(3072, 1000)):
    """Return the rule for large data: a sample decides hidden times, held-out rows the last time.

    ``sizes`` are two numbers of held-out rows. The first number applies if the last time is
    chosen. The second number applies if only the certainty is found.
    """
    below = GivenTimes(times or [])
    if times is None and task.grids is not None:
        below = MeanEigenvalue()  # a trial of a layer with local connections would take long
    elif times is None and len(task.sizes) > 1:
        folds = cross_validate(rows, fold_of, task)
        below = GivenTimes(choose_hidden_times(folds, task, times)[0])
    n_held = min(sizes[0] if times is None else sizes[1], n_affordable(rows.n_labels, task))
    return LastLayerHeldOut(below, rows.take(slice(0, n_held)), path_of(times), task)


def n_affordable(n_labels, task, n_entries=2**25):
    """Return how many held-out rows fit in memory together with each label.

    All rows with all labels have about ``n_entries`` entries in the widest layer.
    """
    return n_entries // (n_labels * max(task.sizes)) + 1


def path_of(times):
    """Return the candidate times of the last layer: the given one, or ``PATH``."""
    return PATH if times is None else np.array(times[-1:])


def cross_validate(rows, fold_of, task, n_held=300):
    """Return as many folds of sampled rows as are needed to hold out ``n_held`` rows in total."""
    n_folds = fold_of.max() + 1
    n_splits = int(np.clip(np.ceil(n_held * n_folds / len(rows)), 1, n_folds))
    return [
        Fold.start(rows.take(fold_of != k), rows.take(fold_of == k), task)
        for k in range(n_splits)
        if 0 < np.count_nonzero(fold_of == k) < len(rows)
    ]


def last_layer_fold(held, moments, network, task):
    """Return the fold of a last layer, whose ``moments`` count the ``held`` rows, too.

    The statistics of the held-out rows are subtracted first.
    """
    H = network.hidden(held.encode(), len(network))
    rest = moments.without(Moments(H.shape[1]).add(H, held.weight))
    candidates = network.label_rows(held.data()) if len(network) else held.data()
    return Fold(
        task,
        network,
        task.closed_layer(len(network), rest),
        None,
        None,
        candidates,
        held.labels,
        held.weight,
        held.n_labels,
    )


def choose_hidden_times(folds, task, times=None, n_searched=2):
    """Choose the times of all layers but the last, and return them with the grown folds.

    The best time of a hidden layer gives the least held-out log-loss when the layer above takes
    its own best time. A single layer does best if it stops early, but a hidden layer serves the
    layer above better if it learns longer. Given ``times`` are used as they are. Only the first
    ``n_searched`` folds decide, for two reasons: a few rows show differences of a factor of ten in
    time, and each trial takes one decomposition per fold.
    """
    found = []
    for layer in range(len(task.sizes) - 1):
        if times is None and task.grid(layer) is not None:
            t, grown = folds[0].layer.own_time(), []
        elif times is None:
            t, grown = _search(folds[:n_searched])
        else:
            t, grown = times[layer], []
        folds = [*grown, *(fold.grow(t) for fold in folds[len(grown) :])]
        found.append(t)
    return found, folds


def _search(folds, n_decades=6, start=2):
    """Find the best time of a hidden layer among decades, and then among half decades.

    The search starts at the decade ``start`` and walks towards lower log-loss. At the best decade
    it tries the times half a decade below and above. With several folds, the search tries both
    times, because the losses of small folds are rough but cheap. A single fold holds more than a
    thousand rows, and its losses tell which of the two times to try.
    """
    decades = 10.0 ** np.arange(n_decades)
    losses, best = {}, (np.inf, None, None)

    def loss(t):
        nonlocal best
        if t not in losses:
            grown = [fold.grow(t) for fold in folds]
            losses[t] = choose_last_time(grown, PATH[::2])[1]
            if losses[t] < best[0]:
                best = losses[t], t, grown
        return losses[t]

    at = start
    step = 1 if loss(decades[at + 1]) < loss(decades[at]) else -1
    while 0 <= at + step < len(decades) and loss(decades[at + step]) < loss(decades[at]):
        at += step
    shorter, longer = (
        losses.get(decades[i], np.inf) if 0 <= i < len(decades) else np.inf
        for i in (at - 1, at + 1)
    )
    for factor in (0.1, 10):
        if len(folds) > 1 or (factor > 1) == (longer < shorter):
            loss(decades[at] * np.sqrt(factor))
    return best[1:]


def choose_last_time(folds, path=PATH):
    """Return the best time of the last layer on ``path``, with its log-loss and ``Certainty``."""
    energies = np.concatenate([fold.energies(path) for fold in folds])
    labels = np.concatenate([fold.labels for fold in folds])
    weight = np.concatenate([fold.held_weight for fold in folds])
    sharpness, losses = fit_sharpness(energies, labels, weight)
    best = losses.argmin()
    certainty = Certainty.of(energies[:, :, best], weight, sharpness[best])
    return float(path[best]), float(losses[best]), certainty
