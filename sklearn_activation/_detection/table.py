"""Detection in tables: rows are filled, learned, recognised and judged one by one."""

from dataclasses import dataclass, replace

import numpy as np

from .._network import row_energies
from .._rows.encodings import ENCODINGS
from .._rows.gaps import N_DONORS, fill_from_donors
from .._rows.rows import Rows, has_gaps, unknown_rows
from .._rows.sample import draw_evenly, hash_rows
from .._validation import check_groups
from .._warnings import warn
from .contamination import judge_rows
from .memory import Memory
from .model import DetectorModel
from .training import DetectorTraining


@dataclass(frozen=True)
class TableModel(DetectorModel):
    """What a detector has learned of a table.

    Parameters
    ----------
    by_units : bool
        Whether whole groups were left out instead of single rows.
    contamination : "auto" or float
        The share of outliers that the user has stated.
    """

    by_units: bool = False
    contamination: str | float = "auto"

    @property
    def offset(self):
        if "p" in self.chosen:
            return self.calibration.score_at(self.chosen["p"])
        return super().offset

    @property
    def lowest_training_score(self):
        return self.calibration.scores[0]

    def times_of(self, X):
        """Return None: the dates of rows do not matter in a table."""
        return None

    def read(self, X, time=None, groups=None):
        """Return rows with NaN in the columns that no training row knew."""
        learned = ~np.isnan(self.sample.X).all(axis=0)
        if learned.all():
            return X
        return np.where(learned, X, np.array(np.nan, X.dtype))

    def judge(self, X):
        """Return the scores of rows, and warn of rows that are NaN in all columns."""
        scores = self.score(X)
        unknown = np.count_nonzero(unknown_rows(X))
        if unknown:
            warn(
                f"{unknown} of {len(X)} rows are NaN throughout: nothing is known of these rows, "
                "and their score is 0. Drop the rows if they are no anomalies."
            )
        return scores

    def activation(self, X):
        """Return the activation of rows, and 0 for rows without known entries."""
        scores = self.energies(X).astype(np.float64)
        scores[unknown_rows(X)] = 0.0
        return scores

    def encode(self, X):
        return super().encode(self.fill(X))

    def fill(self, X):
        if not (self.encoding.wants_complete_rows and has_gaps(X)):
            return X
        return fill_from_donors(X, self.sample.X[:N_DONORS], self.encoding, drawn=False)

    def hashes(self, X):
        def of_block(part):
            return hash_rows(self.encoding.rounded(part))

        return self.map(of_block, X)

    def score_of_others(self, X):
        """Return a function that scores an array of the shape of ``X``.

        Row i of the array stands in for row i of ``X``. If row i of ``X`` was learned, its share
        of the statistics is taken out. The loss of a row z then rises by u c^2 / ((1 - epsilon) n
        mu - u loss_i) with c = z . z_i - y . y_i. Here u is the weight of row i, and the formula
        is that of Sherman & Morrison (1950).
        """
        W = self.network.coefs[-1]
        if len(self.network) > 1 or self.rate is None or W.shape[0] > W.shape[1]:
            return self.activation
        rows, at = self.recognise(X)
        complete = ~np.isnan(X[rows]).any(axis=1)
        rows, at = rows[complete], at[complete]
        if not len(rows):
            return self.activation
        removed = self.memory.weight[at]
        if self.contamination != "auto":  # rows below the threshold are not part of the statistics
            removed = np.where(self.memory.scores[at] < self.offset, 0.0, removed)
        H = self.encode(X[rows]).astype(np.float64)
        Y = H @ W
        room = (1 - self.epsilon) * self.n_seen * self.rate
        room = np.maximum(room - removed * (row_energies(H) - row_energies(Y)), 1e-12)

        def score(current):
            scores, Z = self.activation(current), self.encode(current[rows])
            cross = np.einsum("ij,ij->i", Z, H) - np.einsum("ij,ij->i", Z @ W, Y)
            scores[rows] = np.maximum(scores[rows] - removed * cross**2 / room, 0)
            return scores

        return score


class TableTraining(DetectorTraining):
    """A detector's training on the rows of a table."""

    # A threshold at 1 % false alarms needs this many independent rows.
    fewest_rows = 30

    groups = None

    def learn(self, X, time, weight, groups):
        """Return the model of validated rows."""
        counts, groups = self._choose_rows(X, weight, groups)
        if groups is None and self.draws(np.count_nonzero(counts)):
            weight = np.where(counts, weight, 0.0)
            places = draw_evenly(X, self.most_rows, weight)
            model = self.learn_drawn(X[places], weight.sum())
            return replace(model, training_scores=model.score(X))
        if counts.all():
            return self.learn_known(X, weight, groups)
        model, scores = self.learn_known(X[counts], weight[counts], groups), np.empty(len(X))
        scores[counts] = model.training_scores
        scores[~counts] = model.score(X[~counts])
        return replace(model, training_scores=scores)

    def learn_pieces(self, rows):
        """Return the model of ``RowsInPieces``, which knows the scores of the learned rows only.

        If all rows are learned, the result is that of ``learn``.
        """
        if rows.n_rows <= self.most_rows:
            found = rows.gather()
            return self.learn(found.X, None, found.weight, None)
        known = rows.counted(unknown=False)
        X, total, n_rows = known.draw(self.most_rows)
        if not n_rows:
            refuse_unknown_rows(rows.n_rows)
        if X is None:
            found = known.gather()
            return self.learn_known(found.X, found.weight)
        return self.learn_drawn(X, total)

    def draws(self, n_rows):
        """Return whether only a part of ``n_rows`` rows is learned."""
        return n_rows > self.most_rows and self.solver.keeps_moments and not self.partial

    def learn_drawn(self, X, total):
        """Return the model of rows that were drawn from rows of weight ``total``."""
        return self.learn_known(X, np.full(len(X), total / len(X)))

    def learn_known(self, X, weight, groups=None):
        """Return the model of rows that have known entries and a positive weight."""
        weight, self.groups = self.forget(weight), groups
        model = self.run(Rows(self._fill_to_learn(X, weight), None, weight))
        if not self.partial:  # rows are recognised before their gaps are filled
            model = model.remember(X, weight, model.training_scores)
        self._warn_of_few_rows(model)
        return model

    def _choose_rows(self, X, weight, groups):
        """Return the mask of the rows that can be learned, and the group numbers of these rows.

        Without groups, the second result is None.
        """
        if self.going_on and self.previous.by_units:
            raise ValueError(
                "The detector was fitted with groups, but partial_fit does not remember the "
                "group of earlier rows. Call fit with all rows."
            )
        counts = (weight > 0) & ~unknown_rows(X)
        if not counts.any():
            refuse_unknown_rows(np.count_nonzero(weight > 0))
        if groups is None:
            return counts, None
        if self.partial:
            raise ValueError(
                "groups of rows need fit, because partial_fit does not remember the group of "
                "earlier rows. Call fit with all rows."
            )
        groups = check_groups(groups, len(X), "row", "group")
        groups = np.unique(groups[counts], return_inverse=True)[1]
        if groups.min() == groups.max():
            raise ValueError(
                "groups names a single group, but each row is compared with the rows of other "
                "groups. Give rows of two groups or more, or leave groups out."
            )
        return counts, groups

    def _fill_to_learn(self, X, weight):
        """Return rows with gaps filled, except columns without any known entry."""
        if not (ENCODINGS[self.estimator.encoding].wants_complete_rows and has_gaps(X)):
            return X
        if self.going_on:
            return fill_from_donors(
                X, self.previous.sample.X[:N_DONORS], self.previous.encoding, drawn=True
            )
        encoding = self.fit_encoding(None, 0, Rows(X, None, weight))
        donors = X[draw_evenly(X, N_DONORS)]
        return fill_from_donors(X, donors, encoding, drawn=True)

    def _warn_of_few_rows(self, model):
        n = model.calibration.mass.sum()
        if self.partial or self.estimator.contamination != "auto" or n >= self.fewest_rows:
            return
        what = "rows" if self.groups is None else "groups"
        warn(
            f"{n:.0f} independent {what} are too few for a threshold at 1 % false alarms. Give "
            f"{self.fewest_rows} {what} or more, or expect more false alarms."
        )

    def fit_encoding(self, sample, seed, rows):
        kind = ENCODINGS[self.estimator.encoding]
        return kind.robustly_fitted_to(
            rows.X,
            rows.weight,
            bent=True,
            categorical=self.estimator.is_categorical_,
            **self.encoding_options(seed),
        )

    def finish(self, model, rows, task, is_last=True):
        judged = judge_rows(model.solution, rows, task, self.estimator.contamination, self.groups)
        model = replace(model, solution=judged.solution).extend(
            TableModel,
            calibration=judged.calibration,
            training_scores=judged.scores,
            memory=Memory.empty(),
            by_units=self.groups is not None,
            contamination=self.estimator.contamination,
            **self.shared(task),
        )
        if is_last and judged.of_sample is not None:
            sample = model.sample
            model = model.remember(sample.X, sample.weight, judged.of_sample, merged=True)
        return model

    def merge(self, other):
        """Return the model of what two detectors have learned.

        The model keeps the training scores of the previous model.
        """
        return replace(super().merge(other), training_scores=self.previous.training_scores)


def refuse_unknown_rows(n_rows):
    """Raise the error for ``n_rows`` rows of which not one has a known entry."""
    raise ValueError(
        f"All {n_rows} rows with a positive sample_weight are NaN throughout. Give rows with "
        "known entries."
    )
