"""Detection in tables: rows that are learned, completed, recognised and judged one by one."""

from dataclasses import dataclass, replace

import numpy as np

from .._network import row_energies
from .._rows.encodings import ENCODINGS
from .._rows.gaps import N_DONORS, fill_from_donors
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
        Whether whole units were left out, not rows.
    contamination : "auto" or float
        The share of outliers that was stated.
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
        """When rows of a data frame were: of no matter in a table."""
        return None

    def read(self, X, time=None, groups=None):
        """Rows as they are judged: columns of which training knew nothing are unknown."""
        learned = ~np.isnan(self.sample.X).all(axis=0)
        if learned.all():
            return X
        return np.where(learned, X, np.array(np.nan, X.dtype))

    def judge(self, X):
        """Scores of rows, with a warning of those of which nothing is known."""
        scores = self.score(X)
        unknown = np.count_nonzero(np.isnan(X).all(axis=1))
        if unknown:
            warn(
                f"{unknown} of {len(X)} rows are NaN throughout: nothing is known of them, "
                "and their score is 0."
            )
        return scores

    def activation(self, X):
        """Activation of rows; 0 of rows of which nothing is known."""
        scores = self.energies(X).astype(np.float64)
        scores[np.isnan(X).all(axis=1)] = 0.0
        return scores

    def encode(self, X):
        return super().encode(self.fill(X))

    def fill(self, X):
        if not (self.encoding.wants_complete_rows and np.isnan(X).any()):
            return X
        return fill_from_donors(X, self.sample.X[:N_DONORS], self.encoding, drawn=False)

    def hashes(self, X):
        return hash_rows(self.encoding.rounded(X), np.zeros(len(X)))

    def score_of_others(self, X):
        """A function that scores as many rows as ``X``, each as if its row of ``X`` were new.

        Of rows that were learned, what they add to the statistics is taken out again: with
        c = z . z_i - y . y_i that raises a row's loss by u c^2 / ((1 - epsilon) n mu - u loss_i),
        where u is the weight of row i (Sherman & Morrison).
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
        if self.contamination != "auto":  # rows below the threshold are no part of the statistics
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
    """A detector's training by the rows of a table."""

    # With fewer independent rows a threshold at 1 % false alarms cannot be had.
    fewest_rows = 30

    units = None

    def learn(self, X, time, weight, groups):
        """The model of validated rows."""
        counts, units = self._choose_rows(X, weight, groups)
        weight, known, share = self.forget(weight[counts]), X[counts], 1.0
        too_many = len(known) > self.most_rows and self.solver.keeps_moments
        if too_many and np.ptp(weight) == 0 and not self.partial and units is None:
            learned = draw_evenly(known, self.most_rows)
            share = weight[learned].sum() / weight.sum()
            counts, known, weight = counts[learned], known[learned], weight[learned]
        self.units = units
        model = self.run(self._fill_to_learn(known, weight), None, weight)
        if not self.partial:  # rows are recognised as they came, with their gaps
            model = model.remember(known, weight / share, model.training_scores)
        if share < 1:  # the rows that were drawn weigh as much as all rows
            model = model.scale(1 / share)
        scores, others = np.empty(len(X)), np.ones(len(X), dtype=bool)
        others[counts] = False
        scores[counts] = model.training_scores
        if others.any():
            scores[others] = model.score(X[others])
        self._warn_of_few_rows(model)
        return replace(model, training_scores=scores)

    def _choose_rows(self, X, weight, groups):
        """The places of rows that can be learned, and the number of each one's unit or None."""
        if self.going_on and self.previous.by_units:
            raise ValueError(
                "The detector was fitted with groups, and partial_fit does not keep what unit "
                "rows are of: call fit with all rows."
            )
        counts = np.flatnonzero((weight > 0) & ~np.isnan(X).all(axis=1))
        if not len(counts):
            raise ValueError("sample_weight: every row that counts is NaN throughout.")
        if groups is None:
            return counts, None
        if self.partial:
            raise ValueError(
                "groups of rows need fit: partial_fit does not keep what unit rows are of."
            )
        groups = check_groups(groups, len(X), "row", "unit")
        units = np.unique(groups[counts], return_inverse=True)[1]
        if units.min() == units.max():
            raise ValueError("groups has one unit only: there is nothing to compare it with.")
        return counts, units

    def _fill_to_learn(self, X, weight):
        """Rows without gaps, but for columns of which nothing is known."""
        if not (ENCODINGS[self.estimator.encoding].wants_complete_rows and np.isnan(X).any()):
            return X
        if self.going_on:
            return fill_from_donors(
                X, self.previous.sample.X[:N_DONORS], self.previous.encoding, drawn=True
            )
        encoding, donors = self.fit_encoding(None, 0, X, weight), X[draw_evenly(X, N_DONORS)]
        return fill_from_donors(X, donors, encoding, drawn=True)

    def _warn_of_few_rows(self, model):
        n = model.calibration.mass.sum()
        if self.partial or self.estimator.contamination != "auto" or n >= self.fewest_rows:
            return
        what = "rows" if self.units is None else "units"
        warn(
            f"{n:.0f} independent {what} are too few for a threshold at 1 % false alarms: "
            f"expect more, or give {self.fewest_rows} or more."
        )

    def fit_encoding(self, sample, seed, X, weight):
        kind = ENCODINGS[self.estimator.encoding]
        return kind.robustly_fitted_to(
            X,
            weight,
            bent=True,
            categorical=self.estimator.is_categorical_,
            **self.encoding_options(seed),
        )

    def finish(self, model, rows, task, is_last=True):
        judged = judge_rows(model.solution, rows, task, self.estimator.contamination, self.units)
        model = replace(model, solution=judged.solution).extend(
            TableModel,
            calibration=judged.calibration,
            training_scores=judged.scores,
            memory=Memory.empty(),
            by_units=self.units is not None,
            contamination=self.estimator.contamination,
            **self.shared(task),
        )
        if is_last and judged.of_sample is not None:
            sample = model.sample
            model = model.remember(sample.X, sample.weight, judged.of_sample, merged=True)
        return model

    def merge(self, other):
        """The model of what two detectors have learned, with this one's training scores."""
        return replace(super().merge(other), training_scores=self.previous.training_scores)
