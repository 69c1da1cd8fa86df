"""Training rows scored without themselves, suspects among them left out."""

import numpy as np

from .leave_out import LastLayer, mass_of
from .threshold import FALSE_ALARMS, Calibration, share_threshold


def calibrate(solution, rows, task, contamination, units=None):
    """Scores of ``rows`` without themselves, and what thresholds and p-values compare with.

    Parameters
    ----------
    solution : Solution
        Of ``rows`` and those before them. With a stated contamination the last layer's weights
        and the curve are replaced by those without the least typical rows.
    rows : EncodedRows
        The last batch.
    task : Task
    contamination : "auto" or float
        See ``ActivationAnomalyDetector``.
    units : ndarray of int of shape (n_rows,), default=None
        Which unit each row belongs to, if whole units are to be left out.

    Returns
    -------
    calibration : Calibration
    scores : ndarray of shape (n_rows,)
    of_sample : ndarray of shape (n_sampled,), or None
        The same of the sampled rows of ``task``, if the threshold is theirs: in a stream.
    """
    share = None if contamination == "auto" else contamination
    layer = LastLayer.of(solution, task)
    pool = task.sample if task.partial else rows
    layer.merged = task.partial
    scores = layer.scores_without(pool, units)
    normal = np.ones(len(pool), dtype=bool)
    if share is not None:
        suspects = scores < share_threshold(scores, pool.weight, share)
        if layer.holds(pool) and 0 < np.count_nonzero(suspects) < len(pool):
            layer.leave_out(pool, suspects)
            scores = layer.scores_without(pool, units, suspects)
        normal = scores >= share_threshold(scores, pool.weight, share)
    mass = mass_of(pool.weight, units, layer.merged)
    calibration = Calibration.of(scores[normal], mass[normal], task.epsilon)
    if share is None:
        calibration.threshold = calibration.score_at(FALSE_ALARMS)
    else:
        calibration.threshold = share_threshold(scores, pool.weight, share)
    if task.partial:
        layer.merged = False
        return calibration, layer.scores_without(rows), scores
    return calibration, scores, None
