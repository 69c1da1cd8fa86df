"""Learning times of a classifier, by held-out log-loss along the closed-form path."""

from dataclasses import dataclass, replace

import numpy as np

from .._network import Network
from .layer import ClosedLayer
from .moments import Moments, absolute_moments
from .sharpness import Certainty, fit_sharpness
from .task import Task
from .time_rules import Choice, GivenTimes, TimeRule

# The last layer's times are looked for on this path: all of them come from one decomposition.
PATH = 10.0 ** np.arange(0, 6.01, 0.125)

# A sample is cut into this many folds.
N_FOLDS = 5


@dataclass(frozen=True)
class Fold:
    """Some layers trained on some rows, the next layer in closed form, and held-out rows.

    Parameters
    ----------
    task : Task
    network : Network
    layer : ClosedLayer
        The next layer.
    rows, weight : ndarray or None
        Training rows as the next layer sees them.
    held : ndarray
        Held-out data rows; above layer 1 a row for every label.
    labels, held_weight : ndarray of shape (n_held,)
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
        """A fold without layers, from two ``EncodedRows``."""
        Z = train.encode()
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
        """This fold with one more layer, of learning time ``t``."""
        below, W = self.network, self.layer.weights(t)
        Y = self.rows @ W
        standards = [*below.standards, absolute_moments([(Y, self.weight)], Y.dtype)]
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
        """Held-out activations if the next layer is the last, (n_held, n_labels, n_times)."""
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
    """Times of hidden layers as given; the last one's from all rows but the held-out ones.

    Parameters
    ----------
    hidden : list of float
        Times of all layers but the last.
    held : EncodedRows
        Held-out rows, which the statistics count, too.
    path : ndarray
        Times of the last layer to choose from.
    task : Task
    """

    def __init__(self, hidden, held, path, task):
        self.hidden = hidden
        self.held = held
        self.path = path
        self.task = task

    def choose(self, layer, moments, network):
        if layer < len(self.task.sizes) - 1:
            return Choice(self.hidden[layer])
        fold = last_layer_fold(self.held, moments, network, self.task)
        time, _, certainty = choose_last_time([fold], self.path)
        return Choice(time, certainty)


def choose_on_sample(task, times, rows, fold_of, rows_a_class=20):
    """The times of all layers, and the certainty, by cross-validation of sampled rows.

    Parameters
    ----------
    task : Task
    times : list of float or None
        Times that are prescribed; then the certainty alone is looked for.
    rows : EncodedRows
    fold_of : ndarray of shape (n_rows,)
    rows_a_class : int
        With fewer rows than this for each class, held-out rows say less about times than the
        mean eigenvalue does.

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
    """A rule that takes hidden layers' times from a sample, the last one's from all other rows.

    ``sizes`` are how many rows are held out for a last time, and for a certainty alone.
    """
    hidden = times
    if hidden is None and len(task.sizes) > 1:
        folds = cross_validate(rows, fold_of, task)
        hidden, _ = choose_hidden_times(folds, task, times)
    n_held = min(sizes[0] if times is None else sizes[1], n_affordable(rows.n_labels, task))
    return LastLayerHeldOut(hidden, rows.take(slice(0, n_held)), path_of(times), task)


def n_affordable(n_labels, task, n_entries=2**25):
    """How many held-out rows may stand in memory with every label, in ``n_entries`` at once."""
    return n_entries // (n_labels * max(task.sizes)) + 1


def path_of(times):
    """Times to choose the last layer's from: the one prescribed, if there is one."""
    return PATH if times is None else np.array(times[-1:])


def cross_validate(rows, fold_of, task, n_held=300):
    """Folds of sampled rows: as many as it takes to hold out ``n_held`` rows in all."""
    n_folds = fold_of.max() + 1
    n_splits = int(np.clip(np.ceil(n_held * n_folds / len(rows)), 1, n_folds))
    return [
        Fold.start(rows.take(fold_of != k), rows.take(fold_of == k), task)
        for k in range(n_splits)
        if 0 < np.count_nonzero(fold_of == k) < len(rows)
    ]


def last_layer_fold(held, moments, network, task):
    """The fold of a last layer whose ``moments`` count the ``held`` rows, too."""
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
    """Times of all layers but the last, and the folds with those layers.

    A hidden layer's time is the one with which the layer above, at its own best
    time, has the least log-loss on held-out rows: a single layer does best when it
    stops early, but layers above do better on one that learned longer. ``times`` are taken as
    they are if they are prescribed. The first ``n_searched`` folds decide: a decade's difference
    shows in few rows, and each time that is tried takes a decomposition a fold.
    """
    found = []
    for layer in range(len(task.sizes) - 1):
        if times is None:
            t, grown = _search(folds[:n_searched])
        else:
            t, grown = times[layer], []
        folds = [*grown, *(fold.grow(t) for fold in folds[len(grown) :])]
        found.append(t)
    return found, folds


def _search(folds, n_decades=6, start=2):
    """Walk downhill by decades from the middle one, then try half a decade off.

    Both sides are tried if rows are few: losses of several folds are rough, but cheap. The losses
    of one fold, of more than a thousand rows, tell which side is lower.
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
    """The best of the last layer's times on ``path``, its log-loss and ``Certainty``."""
    energies = np.concatenate([fold.energies(path) for fold in folds])
    labels = np.concatenate([fold.labels for fold in folds])
    weight = np.concatenate([fold.held_weight for fold in folds])
    sharpness, losses = fit_sharpness(energies, labels, weight)
    best = losses.argmin()
    certainty = Certainty.of(energies[:, :, best], weight, sharpness[best])
    return float(path[best]), float(losses[best]), certainty
