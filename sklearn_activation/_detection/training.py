"""A detector's training: what is the same for tables and for series."""

import numpy as np

from .._learning.time_rules import AveragedLast, GivenTimes
from .._rows.encodings import ENCODINGS
from .._rows.sample import Sample
from .._training import Training


class DetectorTraining(Training):
    """A training whose last layer's flow is averaged over learning times."""

    # ``fit`` learns from this many rows or windows, drawn from more; all others are scored.
    most_rows = 50_000
    # The reciprocal of the mean learning time, for rows of norm 1.
    least_rate = 3e-4
    # The least rate over a stated contamination.
    coarseness = 0.1
    # Bandwidths of the frequencies, over the automatic one, a share of the frequencies each.
    bandwidth_factors = (0.5, 1.0, 2.0, 4.0)

    @property
    def given_encoding(self):
        return self.estimator.encoding

    @property
    def stated_share(self):
        """The share of outliers that the user has stated, or 0."""
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
        # Times that are kept from before: the last layer's mean time follows from the parameters.
        rate = super().choose_rule(None, own).rate
        return rule if rate is None else GivenTimes([*times[:-1], 1 / rate], rate=rate)

    def encoding_options(self, seed):
        """What the parameters say of random Fourier features."""
        estimator = self.estimator
        return {
            "bandwidth": estimator.bandwidth,
            "n_frequencies": estimator.n_frequencies,
            "standardize": estimator.standardize,
            "factors": self.bandwidth_factors,
            "seed": seed,
        }

    def draw(self, X, labels, weight, size):
        """A sample of all rows or, with ``forget``, of those that weigh most."""
        if not (self.partial and self.estimator.forget):
            return super().draw(X, labels, weight, size)
        sample = Sample.of(X[-size:], None, weight[-size:], size)
        if self.going_on:
            sample = sample.joined(self.previous.sample, 2 * size)
        return sample.heaviest(size)

    def forget(self, weight):
        """Weights of new rows, the last of them as given; all rows before lose theirs."""
        if not (self.partial and self.estimator.forget):
            return weight
        if not self.solver.keeps_moments:
            raise ValueError("forget needs solver='flow': the rule itself forgets by its rate.")
        keep, n = 1 - float(self.estimator.forget), len(weight)
        if self.going_on:
            self.previous = self.previous.scale(max(keep**n, 1e-200))
        return weight * np.maximum(keep ** np.arange(n - 1, -1, -1.0), 1e-200)

    def shared(self, task):
        """What every detector's model holds beside its calibration."""
        estimator = self.estimator
        return {
            "chosen": self.previous.chosen if self.going_on else {},
            "rate": task.rule.rate,
            "n_features": estimator.n_features_in_,
            "is_categorical": estimator.is_categorical_,
        }
