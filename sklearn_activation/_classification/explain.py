"""Contributions of columns to the gap between a row's predicted label and the next best label."""

import numpy as np

from .._blocks import map_blocks


def explain_gaps(model, X, n_steps=24):
    """Return the contributions of columns to the gap between the two best labels of each row.

    The gap is the difference of a row's activations with the two labels that activate most. A
    straight path leads from a reference row to the row. The reference is the nearest kept row for
    which the network predicts the row's second label. On the path, the function finds the last
    point at which both labels activate alike. From this point on, the function integrates each
    column's part of the slope of the gap (integrated gradients, Sundararajan, Taly & Yan 2017).

    Parameters
    ----------
    model : ClassifierModel
    X : ndarray of shape (n_rows, n_features)
    n_steps : int
        Number of steps of the path on which the gap is evaluated, and of the steps of the
        integral.

    Returns
    -------
    contributions : ndarray of float64 of shape (n_rows, n_features)
        The contributions of each row add up to the gap. A row without known entries has zeros.
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
    """Return the numbers of each row's most active label and of the second one."""
    order = np.argsort(-model.label_energies(X), axis=1, kind="stable")
    return order[:, 0], order[:, 1]


def nearest_with_label(model, X, labels, kept, kept_labels):
    """Return, for each row, the nearest kept row for which the network predicts a given label.

    Rows are near if their encoded rows are. If the network predicts the label for no kept row, the
    nearest of all kept rows is returned.
    """
    near = model.encode(X) @ model.encode(kept).T
    other = kept_labels != labels[:, None]
    other[other.all(axis=1)] = False
    return kept[np.where(other, -np.inf, near).argmax(axis=1)]


class Way:
    """Straight paths from some rows to others, and the gap between two labels on these paths.

    Parameters
    ----------
    model : ClassifierModel
    start, end : ndarray of shape (n_rows, n_features)
    best, second : ndarray of int of shape (n_rows,)
        Numbers of the two labels.
    """

    def __init__(self, model, start, end, best, second):
        self.model = model
        self.start = start
        self.end = end
        self.labels = best, second

    def gap_and_gradient(self, at):
        """Return the gap at one point of each path, with the encoded rows and the gradient.

        ``at`` is the place of the point on each path, from 0 to 1. The gap is the activation with
        the first label minus the activation with the second label. The gradient is the derivative
        of the gap by the encoded rows.
        """
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
        """Return the contributions of columns, which add up to the gap at the end of each path."""
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
    """Return where linear interpolations of evenly spaced values change sign last, from 0 to 1.

    Parameters
    ----------
    values : ndarray of shape (n_places, n_rows)
        Values of one function per row, at evenly spaced places from 0 to 1.

    Returns
    -------
    places : ndarray of shape (n_rows,)
        The place is 0 for a function that never changes sign, and 1 for one whose last value is 0.
    """
    n, rows = len(values) - 1, np.arange(values.shape[1])
    like_the_end = np.cumprod(values[::-1] * np.sign(values[-1]) > 0, axis=0).sum(axis=0)
    last = n - like_the_end
    i = np.clip(last, 0, n - 1)
    before, after = values[i, rows], values[i + 1, rows]
    step = np.where(before == after, 1, before - after)
    return np.where(last < 0, 0.0, np.where(last == n, 1.0, (i + before / step) / n))
