"""Bandwidth and learning time, chosen by known entries that are hidden."""

from dataclasses import dataclass

import numpy as np

from .._rows.scales import PAIR
from .filling import Filler, fill_from_nearest
from .layer import Learned

# Bandwidths to choose from, over half the root mean squared distance of rows.
FACTORS = (1.0, 2.0, 4.0, 8.0)

# The bandwidth if there is nothing to choose by.
USUAL_FACTOR = 2.0

# Cut-offs to choose from, over the mean eigenvalue.
SHARES = (10.0, 10 / 3, 1.0, 1 / 3, 0.1, 1 / 30)

# Candidates that are left, hidden entries that judge them, and most steps, round by round.
ROUNDS = ((24, 600, 10), (8, 2000, 20), (3, 6000, 40))


@dataclass(frozen=True)
class Choice:
    """What fills gaps best.

    Parameters
    ----------
    factor : float
        Of the automatic bandwidth.
    share : float
        The cut-off over the mean eigenvalue.
    n_steps : int
        Most steps of a row: none if the nearest rows' mean is better than where they lead to.
    voted : tuple of int
        Columns of categories in which the nearest rows' vote is no worse.
    error : float
        Root mean squared error of the hidden entries, NaN if there was nothing to choose.
    """

    factor: float
    share: float = 1.0
    n_steps: int = 100
    voted: tuple = ()
    error: float = np.nan


def choose(
    kept, columns, encoding, epsilon, rule_of, fixed, seed, n_jobs, *, hidden_share=0.1, fewest=20
):
    """The ``Choice`` by entries of kept rows that are hidden and filled.

    Candidates are judged by more entries, and with more steps, the fewer of them are left.

    Parameters
    ----------
    kept : ndarray of shape (n_kept, n_columns)
        Training rows in deviations.
    columns : Columns
    encoding : FourierEncoding
        Of the given bandwidth, or the automatic one.
    epsilon : float
        The layer starts as W W^T = epsilon I.
    rule_of : callable
        It makes a time rule of a share.
    fixed : (bool, bool)
        Whether bandwidth and learning time are given.
    seed : int
    n_jobs : int or None
    hidden_share : float, default=0.1
        Share of the known entries that is hidden.
    fewest : int, default=20
        Rows that judge at the least.
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
    """Rows with hidden entries, and how far fills are from them."""

    def __init__(self, truth, start, missing, hidden, columns):
        self.truth, self.start, self.missing, self.hidden = truth, start, missing, hidden
        self.is_code = columns.is_categorical
        self.of_start = self._squares(start)

    def errors(self, filler, n_steps):
        """Sums of squared errors, one a column."""
        return self._squares(filler.fill(self.start, self.missing, n_steps))

    def _squares(self, filled):
        apart = np.where(self.hidden, filled - self.truth, 0.0)
        apart[:, self.is_code] = PAIR * (apart[:, self.is_code] != 0)
        return (apart**2).sum(axis=0)

    def decide(self, factor, share, errors):
        """The ``Choice`` of the best candidate, or of the nearest rows where they are better."""
        numbers = ~self.is_code
        stays = errors[numbers].sum() >= self.of_start[numbers].sum()
        kept = np.where(self.is_code, errors >= self.of_start, stays)
        error = np.where(kept, self.of_start, errors).sum() / np.count_nonzero(self.hidden)
        voted = tuple(np.flatnonzero(self.is_code & kept).tolist())
        n_steps = 0 if stays else Choice.n_steps
        return Choice(factor, share, n_steps, voted, float(np.sqrt(error)))


def row_weights(Z, least_share=0.05):
    """Rows of which more is known say more; none of them counts for nothing.

    A row weighs the square of its known share, which counts as ``least_share`` at the least.
    """
    return np.maximum(np.mean(~np.isnan(Z), axis=1), least_share) ** 2
