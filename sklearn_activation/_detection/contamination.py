"""Training rows scored without themselves, suspects among them left out."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from .._learning.task import Solution
from .copies import mass_of
from .leave_out import LastLayer
from .threshold import Calibration, share_threshold


class Judged(NamedTuple):
    """What training rows say of themselves.

    Parameters
    ----------
    solution : Solution
        With a stated contamination, without the least typical rows.
    calibration : Calibration
        What thresholds and p-values compare with.
    scores : ndarray of shape (n_rows,)
        Scores of the rows without themselves.
    of_sample : ndarray of shape (n_sampled,), or None
        The scores of the kept sample, if the threshold is theirs: in a stream.
    """

    solution: Solution
    calibration: Calibration
    scores: np.ndarray
    of_sample: np.ndarray | None


def judge_rows(solution, rows, task, contamination, units=None):
    """Scores of ``rows`` without themselves, and what thresholds and p-values compare with.

    Parameters
    ----------
    solution : Solution
        Of ``rows`` and the rows before them.
    rows : EncodedRows
        The last batch.
    task : Task
    contamination : "auto" or float
        See ``ActivationAnomalyDetector``.
    units : ndarray of int of shape (n_rows,), default=None
        Which unit each row belongs to, if whole units are to be left out.

    Returns
    -------
    judged : Judged
    """
    share = None if contamination == "auto" else contamination
    layer, pool = LastLayer.of(solution, task), task.sample if task.partial else rows
    scores = layer.scores_without(pool, units, merged=task.partial)
    normal = np.ones(len(pool), dtype=bool)
    if share is not None:
        layer, suspects = layer.leave_out_suspects(pool, scores, share)
        if suspects.any():
            scores = layer.scores_without(pool, units, suspects, task.partial)
        normal = scores >= share_threshold(scores, pool.weight, share)
    mass = mass_of(pool.weight, units, merged=task.partial)
    calibration = Calibration.of(scores[normal], mass[normal], task.epsilon)
    if share is None:
        threshold = calibration.score_at(Calibration.false_alarms)
    else:
        threshold = share_threshold(scores, pool.weight, share)
    calibration = replace(calibration, threshold=threshold)
    if task.partial:
        return Judged(layer.solution, calibration, layer.scores_without(rows), scores)
    return Judged(layer.solution, calibration, scores, None)
