"""Rows with gaps, filled in by the network that learns from what it has filled in."""

import numpy as np

from .._inference.completion import fill_with_class_means
from .._learning.held_out import N_FOLDS
from .training import Round


def fill_gaps(training, X, labels, known, weight, *, n_fills=2, whole_share=0.1, n_steps=30):
    """Rows without NaN, completed by a network with their labels.

    The network starts from the complete rows or, if those are few, from all of them with the
    means of their labels in the place of missing entries; later batches are completed by the
    network so far.

    Parameters
    ----------
    training : ClassifierTraining
    X : ndarray of shape (n_rows, n_features)
    labels : ndarray of int of shape (n_rows,)
    known : ndarray of bool of shape (n_rows,)
        Which rows have a label.
    weight : ndarray of shape (n_rows,)
    n_fills : int
        How often rows are completed and learned again.
    whole_share : float
        This share of complete rows is enough to start from.
    n_steps : int
        Most steps of completing a row.
    """
    means = fill_with_class_means(X, labels)
    if training.going_on:
        return complete_once(training.previous, X, means, labels, known, n_steps)
    whole = known & ~np.isnan(X).any(axis=1)
    enough = np.bincount(labels[whole], minlength=training.n_labels).min() >= N_FOLDS
    start = whole if enough and whole.mean() >= whole_share else known
    filled = means
    for taken in (start, *[known] * (n_fills - 1)):
        asked = Round(known=np.ones(np.count_nonzero(taken), dtype=bool))
        model = training.run_round(filled[taken], labels[taken], weight[taken], asked)
        filled = complete_once(model, X, means, labels, known, n_steps)
    return filled


def complete_once(model, X, means, labels, known, n_steps):
    """``X`` completed by a model; a row that is wholly NaN gets the mean of its label.

    ``means`` are the rows with means in the place of missing entries.
    """
    rows = np.flatnonzero(np.isnan(X).any(axis=1) & ~np.isnan(X).all(axis=1))
    filled, labels = means.copy(), labels[rows].copy()
    guess = ~known[rows]
    if guess.any():
        labels[guess] = model.predict(X[rows[guess]])
    if len(rows):
        filled[rows], _ = model.complete(X[rows], labels, n_steps)
    return filled
