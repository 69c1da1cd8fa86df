"""Rows without a label are learned with the label that the network gives them itself."""

import numpy as np

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
    least_familiarity=0.5,
):
    """The model of rows of which only the ``known`` ones have a label.

    Parameters
    ----------
    training : ClassifierTraining
    X : ndarray of shape (n_rows, n_features)
    labels : ndarray of int of shape (n_rows,)
    known : ndarray of bool of shape (n_rows,)
    weight : ndarray of shape (n_rows,)
    n_rounds : int
        Rounds of labelling in closed form.
    n_fed_rounds : int
        Rounds of labelling with feedback, after the others.
    fed_share : float
        Share of the epochs of feedback that each of its rounds takes.
    fewest_fed_rows : int
        ``feedback="auto"`` has rounds with feedback with this many rows or more.
    labelled_share : float
        Least weight of labelled rows together, over the weight of the others.
    settled_share : float
        Rounds end when fewer labels than this share of them change.
    least_familiarity : float
        Rows that the network so far finds less familiar are left out of a round.
    """
    unknown = ~known
    if training.partial:
        if not training.going_on:
            return training.run(X[known], labels[known], weight[known])
        labels = labels.copy()
        labels[unknown] = training.previous.predict(X[unknown])
        return training.run(X, labels, weight)
    model = training.run(X[known], labels[known], weight[known])
    # Labels that the network has given agree with it too well to fit probabilities to.
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
            # A row unlike all that have a label would teach what the network has made up.
            learned = known.copy()
            learned[unknown] = model.familiarity(X[unknown]) >= least_familiarity
            asked = Round(known[learned], feedback, fed_share, certainty, gap)
            model = training.run_round(X[learned], labels[learned], weight[learned], asked)
    return model
