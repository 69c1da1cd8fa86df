"""A classifier's training: encoding, learning times, probabilities, and feedback if it pays."""

from dataclasses import dataclass, replace
from functools import partial
from math import ceil

import numpy as np

from .._learning.energies import label_energies
from .._learning.feedback import Feedback, learn_from_mistakes
from .._learning.held_out import N_FOLDS, choose_on_all_rows, choose_on_sample, n_affordable
from .._learning.sharpness import Certainty, fit_certainty
from .._rows.encoded import EncodedRows
from .._rows.encoding import SAMPLE_SIZE
from .._training import SEARCH_SIZE, Training
from .._validation import refuse_nothing_known
from .encoding_choice import choose_encoding
from .model import ClassifierModel, fill_known, hardly_known
from .trial import hold_out, run_trial, share_to_hold_out


@dataclass(frozen=True)
class Round:
    """Settings of one training in self-training, which replace some of the estimator's parameters.

    Parameters
    ----------
    known : ndarray of bool of shape (n_rows,)
        Mask of the rows whose label was given, and not predicted.
    feedback : bool
    share : float
        Share of the epochs of feedback.
    certainty : Certainty
        The numbers that turn activations into probabilities, for use if too few labelled rows can
        be held out.
    gap : float
        The ``mean_gap`` of the known rows in the network to which ``certainty`` belongs.
    """

    known: np.ndarray
    feedback: bool = False
    share: float = 1.0
    certainty: Certainty | None = None
    gap: float = 1.0


class ClassifierTraining(Training):
    """A training on rows and labels.

    Parameters
    ----------
    estimator : ActivationLearningClassifier
        The estimator, whose ``classes_`` are known.
    previous : ClassifierModel or None
        The model from which the training goes on.
    partial : bool
        Whether the rows add to what was learned before.
    asked : Round or None
        Settings that replace parameters of the estimator.
    """

    least_width = 256
    # With more labels than this, numbers of layers are not compared. A second layer sees each row
    # once per label, so the comparison would take long.
    most_labels_compared = 100
    # Feedback is tried with this many rows or more.
    least_rows_on_trial = 1000
    # In a stream with feedback, probabilities are fitted to at most this many of the latest rows,
    # and to at least ``fewest_latest_rows`` rows.
    latest_rows = 1000
    fewest_latest_rows = 50

    def __init__(self, estimator, previous=None, partial=False, asked=None):
        super().__init__(estimator, previous, partial)
        self.n_labels = len(estimator.classes_)
        self.asked = asked
        self.held = None

    @property
    def given_encoding(self):
        return None if self.estimator.encoding == "auto" else self.estimator.encoding

    def run_round(self, rows, asked):
        """Return the model of a training from scratch with the settings ``asked``."""
        return type(self)(self.estimator, asked=asked).run(rows)

    def fit_encoding(self, sample, seed, rows):
        encoding, self.n_layers = choose_encoding(self, sample, seed)
        return encoding

    def depths_to_try(self, depths):
        """Return the numbers of layers to try, from the ``depths`` that suit an encoding."""
        times = self.estimator.learning_time
        if self.estimator.layer_sizes is not None or self.estimator.receptive_field is not None:
            return [len(self.choose_sizes(1))]
        if isinstance(times, (tuple, list)):
            return [len(times)]
        return depths[:1] if self.n_labels > self.most_labels_compared else depths

    def make_progress(self, rows, fitted):
        progress = super().make_progress(rows, fitted)
        if rows.labels is not None:
            progress.data["y"] = self.estimator.classes_[rows.labels]
        return progress

    def run(self, rows):
        self.is_due = self._is_due(rows)
        # Rows are sampled and held out by their hashes before gaps are filled.
        self.rows = rows = rows.filled(self.fill_for(rows)) if rows.has_gaps else rows
        return super().run(rows)

    def fill_for(self, rows):
        """Return the function that fills gaps in any of ``rows``.

        Rows without known entries stay unchanged. Columns that hardly any row knows become NaN.
        """
        if self.going_on:
            return self.previous.fill
        sample, categorical = rows.sample(SAMPLE_SIZE), self.estimator.is_categorical_
        refuse_nothing_known(sample.X)
        hardly = hardly_known(sample)
        if hardly.any():
            sample = replace(sample, X=np.where(hardly, np.nan, sample.X))
        return partial(fill_known, sample=sample, hardly=hardly, is_categorical=categorical)

    def _is_due(self, rows):
        """Whether to choose learning times again, as after each doubling of the number of rows."""
        if not self.going_on or rows.total_weight == 0:  # a merge has no rows
            return True
        n_seen = self.previous.n_seen
        return np.frexp(n_seen + rows.total_weight)[1] > np.frexp(n_seen)[1]

    def choose_times(self, task, rows):
        times = super().choose_times(task, rows)
        if times is None and self.solver.keeps_moments and not self.is_due:
            return list(self.previous.solution.times)
        return times

    # -- solving -----------------------------------------------------------------

    def solve(self, rows, task, sample):
        wanted = self.wants_feedback(rows)
        if wanted and self.partial:
            return self.solve_stream(rows, task)
        if wanted is True:
            return self.solve_with_feedback(rows, task)
        rule = self.held_out_rule(rows, task, sample)
        solution = self.try_feedback(rows, task, rule) if wanted else None
        return solution or self.solver.solve(rows, replace(task, rule=rule))

    def wants_feedback(self, rows):
        """Return whether to use feedback: True, False or "auto".

        A stream keeps its first answer.
        """
        asked = self.estimator.feedback if self.asked is None else self.asked.feedback
        if self.going_on:
            before = self.previous.solution.feedback
            if asked != "auto" and asked != before:
                raise ValueError(
                    f"feedback={asked} differs from feedback={before}, with which the classifier "
                    f"was fitted. Call fit to start again, or set feedback={before}."
                )
            return before
        if asked == "auto" and (self.partial or len(rows) < self.least_rows_on_trial):
            return False
        return asked

    def held_out_rule(self, rows, task, sample):
        """Return the rule by held-out rows, or the task's own rule.

        Held-out rows must be wanted, and there must be enough of them.
        """
        times, keeps_moments = task.rule.times, self.solver.keeps_moments
        times_are_known = not keeps_moments and (times or self.partial)
        if not (self.is_due and task.rule.yields_to_held_out_rows) or times_are_known:
            return task.rule
        all_rows_sampled = len(sample.X) < SEARCH_SIZE
        sample = sample.smallest(N_FOLDS * n_affordable(rows.n_labels, task))
        held = EncodedRows.of_sample(sample, rows.encoding, rows.n_labels, rows.dtype)
        fold_of = sample.stratified_folds()
        # ``choose_on_all_rows`` subtracts held-out rows, and cannot subtract random views of them.
        subtracts = keeps_moments and not self.partial and self.augment is None
        if subtracts and not all_rows_sampled:
            return choose_on_all_rows(task, times, held, fold_of)
        found = choose_on_sample(task, times, held, fold_of)
        return task.rule if found is None else found

    def solve_with_feedback(self, rows, task):
        """Return the solution with feedback.

        A few rows are held out, and probabilities are fitted to these rows.
        """
        train = self.hold_out(rows, on_trial=False)
        solution = self.feed_back(train, task)
        if self.held is not None:
            solution = replace(solution, certainty=self.held_out_certainty(solution.network))
        return solution

    def try_feedback(self, rows, task, rule):
        """Return the solution with feedback, or None if feedback does not pay."""
        train = self.hold_out(rows, on_trial=True)
        return None if self.held is None else run_trial(self, train, task, rule)

    def hold_out(self, rows, on_trial):
        """Return the rows to train on, and store the held-out rows if there are enough."""
        known = None if self.asked is None else self.asked.known
        n_known = len(rows) if known is None else known.sum()
        share = share_to_hold_out(self.estimator, n_known, on_trial)
        train, self.held = hold_out(self.estimator, rows, self.rows.hashes, share, known)
        return train

    def feed_back(self, train, task, promises=None):
        """Train with feedback from the solution with which the solver starts."""
        start = self.solver.start(train, task)
        held = self.held if self.estimator.early_stopping else None
        return learn_from_mistakes(train, task, self.make_feedback(), start, held, promises)

    def make_feedback(self):
        """Return the settings of feedback that follow from the parameters."""
        estimator = self.estimator
        n_epochs = estimator.max_iter or self.solver.max_feedback_epochs
        if self.asked is not None:
            n_epochs = ceil(self.asked.share * n_epochs)
        return Feedback(
            unlearning_factor=float(estimator.unlearning_factor),
            gap=float(estimator.feedback_gap),
            max_iter=n_epochs,
            n_iter_no_change=int(estimator.n_iter_no_change),
            counts_as_time=self.solver.counts_rates_as_time,
        )

    def solve_stream(self, rows, task):
        """Train with feedback on one more batch.

        Before the batch is learned, it serves as held-out rows for probabilities.
        """
        start = task.previous
        if start is None:
            start = replace(self.solver.start(rows, task), n_iter=0, certainty=None)
            return learn_from_mistakes(rows, task, self.make_feedback(), start)
        latest = rows.take(slice(-self.latest_rows, None))
        judged = {
            "energies": label_energies(start.network, latest, n_jobs=task.n_jobs),
            "labels": latest.labels,
            "weight": latest.weight,
        }
        before = start.state.get("judged", {})
        for name, values in judged.items():
            both = np.concatenate([before.get(name, values[:0]), values])
            judged[name] = both[-self.latest_rows :]
        certainty = None
        if len(judged["labels"]) >= self.fewest_latest_rows:
            certainty = fit_certainty(**judged)
        solution = learn_from_mistakes(rows, task, self.make_feedback(), start)
        state = {**solution.state, "judged": judged}
        return replace(solution, state=state, certainty=certainty)

    # -- probabilities -----------------------------------------------------------

    def held_out_certainty(self, network, rows=None):
        """Return the ``Certainty`` of a network by ``rows``, or by the held-out rows."""
        rows = self.held if rows is None else rows
        energies = label_energies(network, rows, n_jobs=self.estimator.n_jobs)
        return fit_certainty(energies, rows.labels, rows.weight)

    def finish(self, model, rows, task, is_last=True):
        certainty = self.find_certainty(model, rows, task, is_last)
        categorical = self.estimator.is_categorical_
        model = model.extend(ClassifierModel, certainty=certainty, is_categorical=categorical)
        if self.going_on and certainty is self.previous.certainty:
            # ``least`` is compared with ``certainty.typical``, so both come from the same network.
            return replace(model, least=self.previous.least)
        return replace(model, least=model.activation_of_noise())

    def find_certainty(self, model, rows, task, is_last):
        """Return the ``Certainty`` by held-out rows, or the best substitute for it."""
        found = model.solution.certainty
        if is_last and self.asked is not None and self.held is None:
            model = model.extend(ClassifierModel, is_categorical=self.estimator.is_categorical_)
            gap = max(model.mean_gap(rows.X[self.asked.known]), 1e-300)
            sharpness, typical = self.asked.certainty
            return Certainty(sharpness * self.asked.gap / gap, typical)
        if found is None and self.going_on:
            goes_on = not self.is_due or self.previous.solution.feedback
            found = self.previous.certainty if goes_on else None
        if found is not None:
            return found
        if not is_last:
            return self.held_out_certainty(
                model.network, task.sample if self.held is None else self.held
            )
        rows = task.sample
        if np.bincount(rows.labels).max() < 2:
            # Each label has one row only, so no row can be held out. The training rows take the
            # place of held-out rows, with as many rows of unknown label as a prior.
            energies = label_energies(model.network, rows, n_jobs=task.n_jobs)
            unknown_rows = float(len(rows))
            return fit_certainty(energies, rows.labels, rows.weight, unknown_rows)
        # The closed form with the same learning times is cross-validated instead.
        times, fold_of = list(model.solution.times), model.sample.stratified_folds()
        return choose_on_sample(task, times, rows, fold_of).certainty
