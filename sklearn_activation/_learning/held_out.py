"""Learning times of a classifier, by held-out log-loss along the closed-form path."""

from dataclasses import dataclass, replace

import numpy as np

from .._network import Network
from .layer import Spectrum, rotation
from .moments import Moments, absolute_moments
from .sharpness import fit_sharpness
from .task import Task

# Times tried for a last layer: all of them from one decomposition.
PATH = 10.0 ** np.arange(0, 6.01, 0.125)


# Times tried for a hidden layer, by decades from START, then half a decade off.
DECADES = 10.0 ** np.arange(0, 6)
START = 2
N_FOLDS = 5
HELD_OUT = 400  # rows held out in all folds together, if there are as many


@dataclass
class Fold:
    """Some layers trained on some rows, the next layer's spectrum, and held-out rows."""

    task: Task
    network: Network
    spectrum: Spectrum
    rows: np.ndarray | None  # training rows as the next layer sees them
    weight: np.ndarray | None
    held: np.ndarray  # held-out data rows; above layer 1 a row for every label
    labels: np.ndarray  # of the held-out rows
    held_weight: np.ndarray
    n_labels: int

    @classmethod
    def start(cls, train, held, task):
        """A fold without layers, from two ``EncodedRows``."""
        Z = train.encode()
        return cls(
            task,
            Network([], task.activation, []),
            _spectrum(Z, train.weight, task, 0),
            Z,
            train.weight,
            held.data(),
            held.labels,
            held.weight,
            held.n_labels,
        )

    def grown(self, t):
        """This fold with one more layer, of learning time ``t``."""
        layer = len(self.network)
        W = self.spectrum.weights(t, rotation(layer, self.rows.shape[1], self.task))
        Y = self.rows @ W
        standards = absolute_moments([(Y, self.weight)], Y.dtype)
        network = Network(
            [*self.network.coefs, W], self.task.activation, [*self.network.standards, standards]
        )
        rows, _ = network.activate(layer, Y)
        if layer == 0:
            held = network.candidates(self.held)
        else:
            held, _ = network.activate(layer, self.held @ W)
        spectrum = _spectrum(rows, self.weight, self.task, layer + 1)
        return replace(self, network=network, spectrum=spectrum, rows=rows, held=held)

    def energies(self, times):
        """Held-out activations if the next layer is the last, (n_held, n_labels, n_times)."""
        shape = (len(self.labels), self.n_labels, len(times))
        if len(self.network):
            return self.spectrum.energies(self.held, times).reshape(shape)
        result = np.empty(shape, dtype=self.held.dtype)
        for c in range(self.n_labels):
            label = np.zeros((len(self.held), self.n_labels), dtype=self.held.dtype)
            label[:, c] = 1
            result[:, c] = self.spectrum.energies(np.hstack([self.held, label]), times)
        return result


def _spectrum(rows, weight, task, layer):
    values, vectors = Moments(rows.shape[1]).add(rows, weight).spectrum()
    return Spectrum(values, vectors, task.sizes[layer], task.epsilon)


def cross_validation(rows, fold_of, task):
    """Folds of sampled rows: as many as it takes to hold out ``HELD_OUT`` rows in all."""
    n_splits = int(np.clip(np.ceil(HELD_OUT * N_FOLDS / len(rows)), 1, N_FOLDS))
    return [
        Fold.start(rows.take(fold_of != k), rows.take(fold_of == k), task)
        for k in range(n_splits)
        if 0 < np.count_nonzero(fold_of == k) < len(rows)
    ]


def last_layer_fold(held, moments, network, task):
    """The fold of a last layer whose ``moments`` count the ``held`` rows, too."""
    H = network.hidden(held.encode(), len(network))
    rest = moments.without(Moments(H.shape[1]).add(H, held.weight))
    spectrum = Spectrum(*rest.spectrum(), task.sizes[-1], task.epsilon)
    candidates = network.label_rows(held.data()) if len(network) else held.data()
    return Fold(
        task,
        network,
        spectrum,
        None,
        None,
        candidates,
        held.labels,
        held.weight,
        held.n_labels,
    )


def choose_hidden_times(folds, task):
    """Times of all layers but the last, and the folds with those layers.

    A hidden layer's time is the one with which the layer above, at its own best
    time, has the least log-loss on held-out rows: a single layer does best when it
    stops early, but layers above do better on one that learned longer.
    """
    times = []
    for layer in range(len(task.sizes) - 1):
        if task.times is None:
            t, folds = _search(folds)
        else:
            t = task.times[layer]
            folds = [fold.grown(t) for fold in folds]
        times.append(t)
    return times, folds


def _search(folds):
    """Walk downhill by decades from the middle, then try half a decade off.

    On both sides if rows are few: losses of several folds are rough, but cheap. One fold's,
    of more than a thousand rows, tell which side is lower.
    """
    losses, best = {}, (np.inf, None, None)

    def loss(t):
        nonlocal best
        if t not in losses:
            grown = [fold.grown(t) for fold in folds]
            losses[t] = choose_last_time(grown, PATH[::2])[1]
            if losses[t] < best[0]:
                best = losses[t], t, grown
        return losses[t]

    at = START
    step = 1 if loss(DECADES[at + 1]) < loss(DECADES[at]) else -1
    while 0 <= at + step < len(DECADES) and loss(DECADES[at + step]) < loss(DECADES[at]):
        at += step
    shorter, longer = (
        losses.get(DECADES[i], np.inf) if 0 <= i < len(DECADES) else np.inf
        for i in (at - 1, at + 1)
    )
    for factor in (0.1, 10):
        if len(folds) > 1 or (factor > 1) == (longer < shorter):
            loss(DECADES[at] * np.sqrt(factor))
    return best[1:]


def choose_last_time(folds, path=PATH):
    """The best of the last layer's times on ``path``, its log-loss and sharpness (eq. 8)."""
    sharpness, losses = fit_sharpness(
        np.concatenate([fold.energies(path) for fold in folds]),
        np.concatenate([fold.labels for fold in folds]),
        np.concatenate([fold.held_weight for fold in folds]),
    )
    best = losses.argmin()
    return float(path[best]), float(losses[best]), float(sharpness[best])
