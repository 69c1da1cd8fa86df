"""Self-training: rows without a label are learned with the label that their neighbours suggest."""

from dataclasses import dataclass

import numpy as np

from .._learning.sharpness import fit_sharpness
from .._rows.rows import Rows
from .._rows.sample import Sample, hash_rows
from .._warnings import warn
from .model import ClassifierModel
from .neighbours import NeighbourGraph
from .training import ClassifierTraining, Round

# The least probability whose logarithm is taken.
TINY = 1e-12
# The start of two warnings, which end with the reason.
LEFT_OUT = "The rows without a label are left out of training, because they are "


def train_partly_labelled(training, X, labels, known, weight, *, labelled_share=0.5):
    """Return the model of rows of which only the ``known`` ones have a label.

    The model of the labelled rows alone is returned if the others do not help to find the labels
    of labelled rows that are held out.

    Parameters
    ----------
    training : ClassifierTraining
    X : ndarray of shape (n_rows, n_features)
    labels : ndarray of int of shape (n_rows,)
    known : ndarray of bool of shape (n_rows,)
        Mask of the rows with a label.
    weight : ndarray of shape (n_rows,)
    labelled_share : float
        Least total weight of the labelled rows, as a share of the weight of the other rows.
    """
    unknown = ~known
    if training.partial:
        if not training.going_on:
            return training.run(Rows(X[known], labels[known], weight[known]))
        labels = labels.copy()
        labels[unknown] = training.previous.predict(X[unknown])
        return training.run(Rows(X, labels, weight))
    model = training.run(Rows(X[known], labels[known], weight[known]))
    needed = labelled_share * weight[unknown].sum() / weight[known].sum()
    weight = np.where(known, max(1, needed), 1) * weight
    task = SelfTraining(training, X, labels, known, weight, model)
    if task.neighbours_help():
        return task.run()
    warn(LEFT_OUT + "of no help to find the labels of held-out rows.", UserWarning)
    return model


@dataclass
class SelfTraining:
    """Rounds of training, in which the rows without a label get their labels anew.

    Parameters
    ----------
    training, X, labels, known, weight
        Those of `train_partly_labelled`. Labelled rows weigh more if they are few.
    alone : ClassifierModel
        The model of the labelled rows alone.
    """

    training: ClassifierTraining
    X: np.ndarray
    labels: np.ndarray
    known: np.ndarray
    weight: np.ndarray
    alone: ClassifierModel

    # Each round in closed form labels the other rows and trains again.
    n_rounds = 2
    # Rounds with feedback follow the rounds in closed form. Each takes a share of the epochs.
    n_fed_rounds = 4
    fed_share = 0.2
    # With ``feedback="auto"``, rounds with feedback need this many rows.
    fewest_fed_rows = 4000
    # Rounds end when fewer than this share of the labels change.
    settled_share = 0.001
    # A round leaves out rows without a label that are less familiar to the network than this.
    least_familiarity = 0.8
    # Labelled rows are held out in parts until this many rows were held out.
    rows_to_judge = 100
    n_folds = 5

    def __post_init__(self):
        # Copies of a row count once among neighbours, or a row's neighbours were its copies.
        self.hashes = hash_rows(self.X)
        _, first, self.copy_of = np.unique(self.hashes, return_index=True, return_inverse=True)
        self.distinct = self.X[first]
        alone = self.alone
        self.graph = NeighbourGraph(self.points, self.hashes[first], n_jobs=alone.n_jobs)
        # Probabilities must not be fitted to predicted labels, with which the network agrees too
        # well.
        self.certainty, self.gap = alone.certainty, alone.mean_gap(self.X[self.known])

    def points(self, index):
        """Return encoded rows, between which neighbours are sought."""
        return self.alone.encode(self.alone.fill(self.alone.prepare(self.distinct[index])))

    def train(self, index, labels, feedback=False):
        """Return the model of the rows at ``index``."""
        asked = Round(self.known[index], feedback, self.fed_share, self.certainty, self.gap)
        return self.training.run_round(
            Rows(self.X[index], labels[index], self.weight[index]), asked
        )

    def spread(self, beliefs, index):
        """Return beliefs about distinct rows after rows at ``index`` passed on their labels."""
        given = np.zeros_like(beliefs)
        np.add.at(given, (self.copy_of[index], self.labels[index]), self.weight[index])
        total = given.sum(axis=1, keepdims=True)
        given /= np.where(total > 0, total, 1)
        return self.graph.spread(np.where(total > 0, given, beliefs))

    def neighbours_help(self):
        """Whether held-out labels have a lower log-loss after beliefs have spread.

        Both kinds of beliefs p are taken to the power p^a that suits the held-out labels best, as
        beliefs become less certain when they spread. If no row can be held out without its label
        getting lost, the neighbours are trusted.
        """
        index = np.flatnonzero(self.known)
        sample = Sample(*(v[index] for v in (self.X, self.labels, self.weight, self.hashes)))
        fold_of = sample.stratified_folds(self.n_folds, few_rows=0)
        judged, own, spread = np.empty(0, dtype=np.intp), [], []
        for fold in range(self.n_folds):
            held, kept = index[fold_of == fold], index[fold_of != fold]
            held = held[np.isin(self.labels[held], self.labels[kept])]
            if len(held) and len(np.unique(self.labels[kept])) > 1:
                beliefs = self.train(kept, self.labels).probabilities(self.distinct)
                own.append(beliefs[self.copy_of[held]])
                spread.append(self.spread(beliefs, kept)[self.copy_of[held]])
                judged = np.append(judged, held)
            if len(judged) >= self.rows_to_judge:
                break
        if not len(judged):
            return True
        labels, weight = self.labels[judged], self.weight[judged]
        of_own, of_spread = (
            fit_sharpness(np.log(np.maximum(np.concatenate(p), TINY)), labels, weight)[1]
            for p in (own, spread)
        )
        if self.training.estimator.verbose:
            print(
                f"Log-loss of {len(judged)} held-out rows {of_spread:.4f} with the labels of "
                f"neighbours, {of_own:.4f} without"
            )
        return of_spread < of_own

    def run(self):
        """Return the model after all rounds."""
        training, known, unknown = self.training, self.known, ~self.known
        wanted, many = training.estimator.feedback, len(self.labels) >= self.fewest_fed_rows
        fed = wanted is True or (wanted == "auto" and many)
        model, labels = self.alone, self.labels.copy()
        reached = self.graph.reach(self.copy_of[known])
        for feedback, n in ((False, self.n_rounds), (True, self.n_fed_rounds if fed else 0)):
            for k in range(n):
                own, familiarity = model.beliefs(self.distinct)
                beliefs = self.spread(own, np.flatnonzero(known))
                found = beliefs.argmax(axis=1)[self.copy_of[unknown]]
                if k and np.mean(found != labels[unknown]) < self.settled_share:
                    break
                labels[unknown] = found
                # A row that resembles no labelled row would only teach the network its own guess.
                useful = reached & (familiarity >= self.least_familiarity)
                learned = known | useful[self.copy_of]
                if not learned[unknown].any():
                    warn(LEFT_OUT + "unlike the rows with a label.", UserWarning)
                    return self.alone
                if training.estimator.verbose:
                    print(f"{learned[unknown].sum()} rows without a label get one")
                model = self.train(np.flatnonzero(learned), labels, feedback)
        return model
