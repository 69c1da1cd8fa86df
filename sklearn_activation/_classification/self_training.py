"""Self-training: rows without a label are learned with the label that the network predicts."""

import numpy as np

from .._rows.rows import Rows
from .training import Round


def train_partly_labelled(
    training,
    X,
    labels,
    known,
    weight,
    *,
    n_rounds=2,
    n_fed_rounds=6,
    fed_share=0.2,
    fewest_fed_rows=4000,
    labelled_share=0.5,
    settled_share=0.001,
    least_familiarity=0.8,
):
    """Return the model of rows of which only the ``known`` ones have a label.

    Parameters
    ----------
    training : ClassifierTraining
    X : ndarray of shape (n_rows, n_features)
    labels : ndarray of int of shape (n_rows,)
    known : ndarray of bool of shape (n_rows,)
        Mask of the rows with a label.
    weight : ndarray of shape (n_rows,)
    n_rounds : int
        Number of rounds in closed form. Each round labels the other rows and trains again.
    n_fed_rounds : int
        Number of rounds with feedback, which follow the rounds in closed form.
    fed_share : float
        Share of the epochs of feedback that each round with feedback takes.
    fewest_fed_rows : int
        With ``feedback="auto"``, rounds with feedback need this many rows.
    labelled_share : float
        Least total weight of the labelled rows, as a share of the weight of the other rows.
    settled_share : float
        Rounds end when fewer than this share of the predicted labels change.
    least_familiarity : float
        A round leaves out rows without a label that are less familiar to the network than this.
    """
    unknown = ~known
    if training.partial:
        if not training.going_on:
            return training.run(Rows(X[known], labels[known], weight[known]))
        labels = labels.copy()
        labels[unknown] = training.previous.predict(X[unknown])
        return training.run(Rows(X, labels, weight))
    model = training.run(Rows(X[known], labels[known], weight[known]))
    # Probabilities must not be fitted to predicted labels, with which the network agrees too well.
    certainty, gap = model.certainty, model.mean_gap(X[known])
    needed = labelled_share * weight[unknown].sum() / weight[known].sum()
    weight = np.where(known, max(1, needed), 1) * weight
    labels = labels.copy()
    wanted, many = training.estimator.feedback, len(labels) >= fewest_fed_rows
    fed = wanted is True or (wanted == "auto" and many)
    for feedback, n in ((False, n_rounds), (True, n_fed_rounds if fed else 0)):
        for k in range(n):
            found = model.predict(X[unknown])
            if k and np.mean(found != labels[unknown]) < settled_share:
                break
            labels[unknown] = found
            # A row that resembles no labelled row would only teach the network its own guess.
            learned = known.copy()
            learned[unknown] = model.familiarity(X[unknown]) >= least_familiarity
            asked = Round(known[learned], feedback, fed_share, certainty, gap)
            model = training.run_round(Rows(X[learned], labels[learned], weight[learned]), asked)
    return model
