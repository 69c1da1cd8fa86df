"""A detector's training: the steps that tables and series share."""

import numpy as np

from .._learning.time_rules import AveragedLast, GivenTimes
from .._rows.encodings import ENCODINGS
from .._rows.sample import Sample
from .._training import Training


class DetectorTraining(Training):
    """A training whose last layer averages its flow over learning times."""

    # ``fit`` learns from about this many rows or windows. All rows or windows are scored.
    most_rows = 50_000
    # The least reciprocal of the mean learning time of the last layer, for rows of norm 1.
    least_rate = 3e-4
    # With a stated contamination, the rate is at least this factor times the contamination.
    coarseness = 0.1
    # Factors of the automatic bandwidth. Each applies to an equal share of the frequencies.
    bandwidth_factors = (0.5, 1.0, 2.0, 4.0)

    @property
    def given_encoding(self):
        return self.estimator.encoding

    @property
    def stated_share(self):
        """The contamination that the user has stated, or 0."""
        stated = self.estimator.contamination
        return 0.0 if stated == "auto" else stated

    @property
    def cut_off(self):
        share = ENCODINGS[self.estimator.encoding].detector_cut_off
        return share, self.coarseness * self.stated_share

    def own_rule(self, task):
        below = super().own_rule(task)
        if not self.solver.averages:
            return below
        rate = max(self.least_rate, self.coarseness * self.stated_share)
        return AveragedLast(below, len(task.sizes), rate)

    def choose_rule(self, times, own):
        rule = super().choose_rule(times, own)
        if times is None or not isinstance(self.estimator.learning_time, str):
            return rule
        # The times are kept from the previous training. The last layer's mean time still follows
        # from the current parameters.
        rate = super().choose_rule(None, own).rate
        return rule if rate is None else GivenTimes([*times[:-1], 1 / rate], rate=rate)

    def encoding_options(self, seed):
        """Return the parameters of the Fourier map."""
        estimator = self.estimator
        return {
            "bandwidth": estimator.bandwidth,
            "n_frequencies": estimator.n_frequencies,
            "standardize": estimator.standardize,
            "factors": self.bandwidth_factors,
            "seed": seed,
        }

    def draw(self, rows, size):
        """Return a sample of all rows.

        With ``forget``, return the rows with the largest weights.
        """
        if not (self.partial and self.estimator.forget):
            return super().draw(rows, size)
        sample = Sample.of(rows.X[-size:], None, rows.weight[-size:], size)
        if self.going_on:
            sample = sample.joined(self.previous.sample, 2 * size)
        return sample.heaviest(size)

    def forget(self, weight):
        """Return weights of the rows of a new batch, in which older rows weigh less.

        The last row keeps its weight. The weights of all rows of earlier batches fall, too.
        """
        if not (self.partial and self.estimator.forget):
            return weight
        if not self.solver.keeps_moments:
            raise ValueError(
                f"forget={self.estimator.forget} needs solver='flow'. "
                f"solver={self.estimator.solver!r} forgets at a rate that learning_rate sets."
            )
        keep, n = 1 - float(self.estimator.forget), len(weight)
        if self.going_on:
            self.previous = self.previous.scale(max(keep**n, 1e-200))
        return weight * np.maximum(keep ** np.arange(n - 1, -1, -1.0), 1e-200)

    def shared(self, task):
        """Return the fields of a detector's model that tables and series share."""
        estimator = self.estimator
        return {
            "chosen": self.previous.chosen if self.going_on else {},
            "rate": task.rule.rate,
            "n_features": estimator.n_features_in_,
            "is_categorical": estimator.is_categorical_,
        }
