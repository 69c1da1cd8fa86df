"""Leave-one-out scores of training rows, and a threshold, with suspects left out of training."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from .._learning.task import Solution
from .copies import mass_of
from .leave_out import LastLayer
from .threshold import Calibration, share_threshold


class Judged(NamedTuple):
    """The result of ``judge_rows``.

    Parameters
    ----------
    solution : Solution
        The solution. With a stated contamination, the least typical rows are left out of the
        solution.
    calibration : Calibration
        The scores with which thresholds and p-values compare.
    scores : ndarray of shape (n_rows,)
        Leave-one-out scores of the rows.
    of_sample : ndarray of shape (n_sampled,), or None
        Leave-one-out scores of the kept sample, from which the threshold of a stream follows. None
        outside a stream.
    """

    solution: Solution
    calibration: Calibration
    scores: np.ndarray
    of_sample: np.ndarray | None


def judge_rows(solution, rows, task, contamination, groups=None):
    """Return leave-one-out scores of ``rows`` and the ``Calibration`` that follows from them.

    Parameters
    ----------
    solution : Solution
        The solution for ``rows`` and all earlier rows.
    rows : EncodedRows
        The last batch.
    task : Task
    contamination : "auto" or float
        See ``ActivationAnomalyDetector``.
    groups : ndarray of int of shape (n_rows,), default=None
        Number of the group of each row, if whole groups are left out.

    Returns
    -------
    judged : Judged
    """
    share = None if contamination == "auto" else contamination
    layer, pool = LastLayer.of(solution, task), task.sample if task.partial else rows
    scores = layer.scores_without(pool, groups, merged=task.partial)
    normal = np.ones(len(pool), dtype=bool)
    if share is not None:
        layer, suspects = layer.leave_out_suspects(pool, scores, share)
        if suspects.any():
            scores = layer.scores_without(pool, groups, suspects, task.partial)
        normal = scores >= share_threshold(scores, pool.weight, share)
    mass = mass_of(pool.weight, groups, merged=task.partial)
    calibration = Calibration.of(scores[normal], mass[normal], task.epsilon)
    if share is None:
        threshold = calibration.score_at(Calibration.false_alarms)
    else:
        threshold = share_threshold(scores, pool.weight, share)
    calibration = replace(calibration, threshold=threshold)
    if task.partial:
        return Judged(layer.solution, calibration, layer.scores_without(rows), scores)
    return Judged(layer.solution, calibration, scores, None)
