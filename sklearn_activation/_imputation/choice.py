"""The choice of an imputer's bandwidth and learning time, by known entries that are hidden."""

from dataclasses import dataclass

import numpy as np

from .._rows.scales import PAIR
from .filling import Filler, fill_from_nearest
from .layer import Learned

# Candidate bandwidths, as factors of half the root mean squared distance of rows.
FACTORS = (1.0, 2.0, 4.0, 8.0)

# The factor of the bandwidth if no entries can be hidden.
USUAL_FACTOR = 2.0

# Candidate cut-offs, as factors of the mean eigenvalue.
SHARES = (10.0, 10 / 3, 1.0, 1 / 3, 0.1, 1 / 30)

# The rounds of the choice. Each has a number of candidates, a number of hidden entries that judge
# them, and a maximum number of steps of the ascent.
ROUNDS = ((24, 600, 10), (8, 2000, 20), (3, 6000, 40))


@dataclass(frozen=True)
class Choice:
    """The settings that fill gaps best.

    Parameters
    ----------
    factor : float
        Factor of the automatic bandwidth.
    share : float
        The cut-off, as a factor of the mean eigenvalue.
    n_steps : int
        Maximum number of steps of the ascent. 0 means that the mean of the nearest rows is better
        than the result of the ascent.
    voted : tuple of int
        Columns of categories in which the vote of the nearest rows is at least as good.
    error : float
        Root mean squared error of the hidden entries, or NaN if none could be hidden.
    """

    factor: float
    share: float = 1.0
    n_steps: int = 100
    voted: tuple = ()
    error: float = np.nan


def choose(
    kept, columns, encoding, epsilon, rule_of, fixed, seed, n_jobs, *, hidden_share=0.1, fewest=20
):
    """Return the ``Choice`` that fills hidden entries of kept rows best.

    Each round keeps fewer candidates, and judges them by more entries and with more steps.

    Parameters
    ----------
    kept : ndarray of shape (n_kept, n_columns)
        Training rows in deviations.
    columns : Columns
    encoding : FourierEncoding
        Encoding with the given bandwidth, or with the automatic one.
    epsilon : float
        The layer starts from W W^T = epsilon I.
    rule_of : callable
        Function that returns the time rule for a cut-off.
    fixed : (bool, bool)
        Whether bandwidth and learning time are given.
    seed : int
    n_jobs : int or None
    hidden_share : float, default=0.1
        Share of the known entries to hide.
    fewest : int, default=20
        Least number of rows by which candidates are judged.
    """
    factors = (1.0,) if fixed[0] else FACTORS
    shares = SHARES[:1] if fixed[1] else SHARES
    known = ~np.isnan(kept)
    hidden = known & (np.random.default_rng([seed, 1]).random(kept.shape) < hidden_share)
    judged = np.flatnonzero(hidden.any(axis=1) & (known & ~hidden).any(axis=1))
    if not len(judged) or len(factors) * len(shares) == 1:
        return Choice(1.0 if fixed[0] else USUAL_FACTOR)
    blanked = np.where(hidden, np.nan, kept)
    filled, weight = fill_from_nearest(blanked, blanked, columns, n_jobs), row_weights(blanked)
    left = [(factor, share) for factor in factors for share in shares]
    learned = {f: Learned(filled, weight, encoding.widened(f), epsilon) for f in factors}
    entries = np.cumsum(np.count_nonzero(hidden[judged], axis=1))
    for n_left, n_entries, n_steps in ROUNDS:
        rows = judged[: max(fewest, np.searchsorted(entries, n_entries) + 1)]
        trial = _Trial(kept[rows], filled[rows], np.isnan(blanked[rows]), hidden[rows], columns)
        found = []
        for factor, share in left[:n_left]:
            objective = learned[factor].objective(rule_of(share))
            found.append(trial.errors(Filler(objective, kept, columns, n_jobs), n_steps))
        order = np.argsort([of.sum() for of in found], kind="stable")
        left, found = [left[i] for i in order], [found[i] for i in order]
    return trial.decide(*left[0], found[0])


class _Trial:
    """Rows with hidden entries, by which candidates are judged."""

    def __init__(self, truth, start, missing, hidden, columns):
        self.truth, self.start, self.missing, self.hidden = truth, start, missing, hidden
        self.is_code = columns.is_categorical
        self.of_start = self._squares(start)

    def errors(self, filler, n_steps):
        """Return the sums of squared errors of the hidden entries, one per column."""
        return self._squares(filler.fill(self.start, self.missing, n_steps))

    def _squares(self, filled):
        apart = np.where(self.hidden, filled - self.truth, 0.0)
        apart[:, self.is_code] = PAIR * (apart[:, self.is_code] != 0)
        return (apart**2).sum(axis=0)

    def decide(self, factor, share, errors):
        """Return the ``Choice`` for the best candidate.

        The nearest rows are chosen instead where their error is no larger: for each column of
        categories by itself, and for all columns of numbers together.
        """
        numbers = ~self.is_code
        stays = errors[numbers].sum() >= self.of_start[numbers].sum()
        kept = np.where(self.is_code, errors >= self.of_start, stays)
        error = np.where(kept, self.of_start, errors).sum() / np.count_nonzero(self.hidden)
        voted = tuple(np.flatnonzero(self.is_code & kept).tolist())
        n_steps = 0 if stays else Choice.n_steps
        return Choice(factor, share, n_steps, voted, float(np.sqrt(error)))


def row_weights(Z, least_share=0.05):
    """Return the weights with which rows are learned: rows with more known entries weigh more.

    A row weighs the square of the share of its entries that are known. The share counts as
    ``least_share`` at least.
    """
    return np.maximum(np.mean(~np.isnan(Z), axis=1), least_share) ** 2
