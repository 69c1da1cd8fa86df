"""What speaks for the predicted label of a row and against the next best, column by column."""

import numpy as np

from .._blocks import map_blocks


def explain_gaps(model, X, n_steps=24):
    """Contributions of columns to the gap between the two labels that activate most.

    The way leads from a kept row for which the network finds the next best label, the nearest of
    them, to the row itself. From the place where both labels activate alike, the slopes of the
    gap along the way are added up, each column's on its own (integrated gradients, Sundararajan,
    Taly & Yan 2017).

    Parameters
    ----------
    model : ClassifierModel
    X : ndarray of shape (n_rows, n_features)
    n_steps : int
        Steps on the way after which the gap is looked at, and slopes from there on.

    Returns
    -------
    contributions : ndarray of float64 of shape (n_rows, n_features)
        Rows add up to the gap. A row of which nothing is known has none.
    """
    X = model.prepare(X)
    known, contributions = ~np.isnan(X).all(axis=1), np.zeros(X.shape)
    X = model.fill(X[known])
    kept = model.fill(model.prepare(model.sample.X))
    X, kept = (rows.astype(np.result_type(X, kept), copy=False) for rows in (X, kept))
    kept_labels = model.predict(kept)

    def explain(block):
        rows = X[block]
        best, second = best_labels(model, rows)
        start = nearest_with_label(model, rows, second, kept, kept_labels)
        way = Way(model, start, rows, best, second)
        return way.contributions(n_steps)

    found = map_blocks(explain, len(X), max(model.widest, len(kept)), model.n_jobs)
    contributions[known] = np.concatenate([np.empty((0, X.shape[1])), *found])
    return contributions


def best_labels(model, X):
    """The places of the label that each row activates most and of the next one."""
    order = np.argsort(-model.label_energies(X), axis=1, kind="stable")
    return order[:, 0], order[:, 1]


def nearest_with_label(model, X, labels, kept, kept_labels):
    """For each row the nearest kept row of a label, as encoded rows are near to each other.

    All kept rows are considered where none has the label.
    """
    near = model.encode(X) @ model.encode(kept).T
    other = kept_labels != labels[:, None]
    other[other.all(axis=1)] = False
    return kept[np.where(other, -np.inf, near).argmax(axis=1)]


class Way:
    """The way from some rows to others, and the gap of two labels on it.

    Parameters
    ----------
    model : ClassifierModel
    start, end : ndarray of shape (n_rows, n_features)
    best, second : ndarray of int of shape (n_rows,)
        Places of the two labels.
    """

    def __init__(self, model, start, end, best, second):
        self.model = model
        self.start = start
        self.end = end
        self.labels = best, second

    def gap_and_gradient(self, at):
        """The gap at the share ``at`` of the way, encoded rows there, and its gradient by them."""
        encoding, network = self.model.encoding, self.model.network
        n, rows = encoding.n_outputs, np.arange(len(self.end))
        Z = np.zeros((len(self.end), n + self.model.n_labels), dtype=self.model.dtype)
        encoding.write_between(self.start, self.end, at, Z)
        found = []
        for label in self.labels:
            inputs = Z.copy()
            inputs[rows, n + label] = 1
            found.append(network.energies_and_gradient(inputs))
        (one, G), (other, H) = found
        return one.astype(np.float64) - other, Z, (G - H)[:, :n]

    def contributions(self, n_steps):
        """Contributions of columns to the gap at the end, to which they add up."""
        n_rows = len(self.end)
        gaps = np.stack(
            [self.gap_and_gradient(np.full(n_rows, k / n_steps))[0] for k in range(n_steps + 1)]
        )
        gap, first = gaps[-1], last_change_of_sign(gaps)
        total = np.zeros(self.end.shape)
        for k in range(n_steps):
            at = first + (1 - first) * (k + 0.5) / n_steps
            _, Z, G = self.gap_and_gradient(at)
            slopes = self.model.encoding.slopes_between(self.start, self.end, at, Z, G)
            total += slopes * ((1 - first) / n_steps)[:, None]
        size = np.abs(total)
        share = (size + 1e-12) / (size + 1e-12).sum(axis=1, keepdims=True)
        return total + (gap - total.sum(axis=1))[:, None] * share


def last_change_of_sign(values):
    """Where lines through evenly spaced values change their sign last, from 0 to 1.

    Parameters
    ----------
    values : ndarray of shape (n_places, n_rows)
        From 0 to 1, of as many functions as there are rows.

    Returns
    -------
    places : ndarray of shape (n_rows,)
        0 for a function that never changes its sign, and 1 for one that ends with 0.
    """
    n, rows = len(values) - 1, np.arange(values.shape[1])
    like_the_end = np.cumprod(values[::-1] * np.sign(values[-1]) > 0, axis=0).sum(axis=0)
    last = n - like_the_end
    i = np.clip(last, 0, n - 1)
    before, after = values[i, rows], values[i + 1, rows]
    step = np.where(before == after, 1, before - after)
    return np.where(last < 0, 0.0, np.where(last == n, 1.0, (i + before / step) / n))
