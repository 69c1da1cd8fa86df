"""A detector's threshold and p-values, from the leave-one-out scores of training rows."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

# Rounding of activations in float32 is no larger than this.
ROUNDING = 1e-6


@dataclass(frozen=True)
class Calibration:
    """Scores of normal rows, ascending, with the number of independent rows for each score.

    Parameters
    ----------
    scores : ndarray of shape (n_rows,)
    mass : ndarray of shape (n_rows,)
        Number of independent rows for which each score stands.
    threshold : float
        Rows with a lower score are outliers.
    least : float
        The score of a row that has nothing in common with the training rows.
    has_tail : bool
        Whether p-values fall further below the lowest score.
    """

    # With ``contamination="auto"``, this share of normal rows scores below the threshold.
    false_alarms: ClassVar[float] = 0.01
    # The tail is fitted to at least this many scores.
    fewest_in_tail: ClassVar[int] = 10

    scores: np.ndarray
    mass: np.ndarray
    threshold: float = 0.0
    least: float = 0.0
    has_tail: bool = True

    @classmethod
    def of(cls, scores, mass, least=0.0, **more):
        """Return the calibration for scores in any order."""
        order = np.argsort(scores, kind="stable")
        return cls(scores[order], mass[order], least=float(least), **more)

    def p_values(self, scores):
        """Return the share of normal rows that are expected to have this score or a lower one.

        The p-value is (1 + mass below) / (1 + total mass), as in conformal prediction (Vovk et al.
        2005). Below the lowest score, p-values fall from 1 / (1 + total mass) along a generalised
        Pareto tail.
        """
        below = np.concatenate([[0.0], np.cumsum(self.mass)])
        rank = np.searchsorted(self.scores, scores + ROUNDING / 1000, "right")
        p = (1 + below[rank]) / (1 + below[-1])
        beyond = np.flatnonzero(rank == 0)
        scale, shape = self.tail()
        if scale > 0:
            excess = (self.scores[0] - scores[beyond]) / scale
            exponent = np.log1p(shape * excess) / shape if shape > 0 else excess
            p[beyond] *= np.exp(-exponent)
        return np.maximum(p, np.finfo(np.float64).tiny)

    def score_at(self, p):
        """Return the threshold below which p-values are ``p`` or less.

        With too few rows for a p-value of ``p``, the threshold lies below the lowest score, but no
        lower than half-way to the ``least`` score. Rows that have nothing in common with the
        training rows therefore stay below the threshold.
        """
        total = 1 + self.mass.sum()
        if p * total >= 1:
            n_below = np.searchsorted(np.cumsum(self.mass), (p * total - 1) * (1 + 1e-12), "right")
            n_below = min(n_below, len(self.scores) - 1)
            return _just_under(self.scores, self.scores[n_below])
        scale, shape = self.tail()
        exponent = -np.log(p * total)
        excess = np.expm1(shape * exponent) / shape if shape > 0 else exponent
        lowest = self.scores[0]
        threshold = max(lowest - scale * excess, (lowest + min(self.least, lowest)) / 2)
        return float(min(threshold, lowest - ROUNDING))

    def tail(self):
        """Return scale and shape of the generalised Pareto law of scores below the lowest one.

        The law is fitted to the distances of the lowest scores from a level above them (Zhang &
        Stephens 2009). If the fitted law has a lower end, an exponential law takes its place.
        """
        if not self.has_tail:
            return 0.0, 0.0
        total, below = self.mass.sum(), np.cumsum(self.mass)
        wanted = min(max(self.fewest_in_tail, min(total / 10, 3 * np.sqrt(total))), total / 2)
        level = self.scores[min(np.searchsorted(below, wanted), len(below) - 1)]
        n = np.searchsorted(self.scores, level - ROUNDING)
        excess, mass = (level - self.scores[:n])[::-1], self.mass[:n][::-1]
        if n < 2:
            return 0.0, 0.0
        shape, scale = pareto_fit(excess, mass)
        if shape <= 0:
            return float(np.average(excess, weights=mass)), 0.0
        return float(scale + shape * excess[-1]), float(shape)


def pareto_fit(excess, mass):
    """Return shape and scale of a generalised Pareto law for positive numbers, ascending.

    The estimate is the quasi-Bayesian one of Zhang & Stephens (2009), with a mass for each number.
    """
    total = mass.sum()
    n_grid = 30 + int(np.sqrt(total))
    quartile = excess[min(np.searchsorted(np.cumsum(mass), total / 4), len(excess) - 1)]
    grid = 1 - np.sqrt(n_grid / (np.arange(1, n_grid + 1) - 0.5))
    grid = grid / (3 * quartile) + 1 / excess[-1]
    shapes = np.log1p(-grid[:, None] * excess) @ mass / total
    likelihood = total * (np.log(-grid / shapes) - shapes - 1)
    weight = np.exp(likelihood - likelihood.max())
    best = (grid @ weight) / weight.sum()
    shape = np.log1p(-best * excess) @ mass / total
    return shape, -shape / best


def share_threshold(scores, weight, share):
    """Return the threshold below which ``share`` of the weight lies, as nearly as possible.

    Rows with equal scores stay on the same side.
    """
    order = np.argsort(scores, kind="stable")
    scores, below = scores[order], np.cumsum(weight[order]) / weight.sum()
    # Scores of copies of a row differ by less than this.
    ends = np.flatnonzero(np.diff(scores) > ROUNDING / 1000)
    if not len(ends):
        return float(scores[0] - ROUNDING)
    at = ends[np.argmin(np.abs(below[ends] - share))]
    if share < below[at] / 2:  # no row below the threshold is nearer to the share
        return float(scores[0] - ROUNDING)
    return _just_under(scores, scores[at + 1])


def _just_under(scores, score):
    """Return a threshold between ``score`` and the next lower score.

    The threshold lies further from both scores than rounding, if the scores leave room.
    """
    under = scores[scores < score - ROUNDING / 1000]
    if not len(under):
        return float(score - ROUNDING)
    return float(score - min(ROUNDING, (score - under.max()) / 2))
