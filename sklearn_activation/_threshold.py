"""A detector's threshold, and the scores that p-values compare with.

A row's own training raises its score, so training rows are scored by statistics without
their fold. With one layer of the closed form that costs an eigendecomposition in the layer's
leading directions, no pass over the other rows.
"""

from dataclasses import dataclass, replace

import numpy as np

from . import _flow
from ._encoding import SAMPLE_SIZE
from ._network import block_slices
from ._parallel import map_blocks
from ._progress import Progress
from ._sampling import mixed_hashes, row_hashes
from ._windows import Windows

N_FOLDS = 10
N_STRETCHES = 5  # of a series: the windows around each are left out with it
NEGLIGIBLE = 1 / 30  # of the cut-off, or of the last unit's eigenvalue
N_ROUNDS = 2  # of leaving out the least typical rows
FALSE_ALARMS = 0.01  # of contamination="auto"
ROUNDING = 1e-6  # of activations in float32


@dataclass
class Calibration:
    """A threshold, and scores of normal rows with their weights, ascending."""

    threshold: float
    scores: np.ndarray
    weight: np.ndarray

    @classmethod
    def of(cls, threshold, scores, weight):
        order = np.argsort(scores, kind="stable")
        return cls(float(threshold), scores[order], weight[order] / weight.mean())


def calibrate(solution, rows, task, contamination):
    """The ``Calibration`` of a solution, of which suspect rows are left out first.

    Parameters
    ----------
    solution : Solution
        Of ``rows`` and those before them. The weights and the curve of a single layer in
        closed form are replaced if there are suspects.
    rows : EncodedRows
        The last batch; if its ``X`` are ``Windows``, time stamps are judged.
    task : Task
    contamination : "auto" or float
        See ``ActivationAnomalyDetector``.
    """
    auto = contamination == "auto"
    share = FALSE_ALARMS if auto else contamination
    series = rows.X if isinstance(rows.X, Windows) and len(rows) else None
    sample = rows if series is not None else task.sample
    going_on = task.partial and task.previous is not None
    judged = sample if going_on else rows

    def per_stamp(scores, weight):
        """What a threshold looks at: rows, or time stamps that a window covers."""
        if series is None:
            return scores, weight
        scores, weight = series.to_stamps(scores), series.to_stamps(weight)
        known = ~np.isnan(scores)
        return scores[known], weight[known]

    def trained(rows):
        """Scores of rows by the network that has learned them."""
        return _map(rows, task, lambda Z: solution.network.energies(Z).astype(np.float64))

    small = len(sample) < SAMPLE_SIZE  # then it holds all rows
    suspects, normal = np.zeros(len(sample), dtype=bool), None
    if solution.spectrum is not None and len(solution.network) == 1:
        normal = Statistics.of(solution)
        folds = _stretches(series) if series is not None else _folds(sample, normal)
        if auto:
            n_rounds = int(small and series is None)
        else:
            n_rounds = 0 if task.partial and (series is not None or not small) else N_ROUNDS
        everything, pool = normal, sample if small else judged
        for _ in range(n_rounds):
            if small:
                scores = cross_fitted(normal, sample, folds, suspects, task)
            else:
                scores = normal.scores(pool, task)
            edge, _ = weighted_gap(scores, pool.weight, share)
            suspects = (scores if small else normal.scores(sample, task)) < edge
            normal = everything.without(pool, np.flatnonzero(scores < edge))
        if n_rounds and small:  # leaving suspects out has hardly changed other rows' scores
            found = np.flatnonzero(suspects)
            scores[found] = normal.scores(sample, task, found)
        else:
            scores = cross_fitted(normal, sample, folds, suspects, task)
        if n_rounds:
            t, spectrum = normal.t, normal.spectrum
            Q = _flow.rotation(0, rows.n_inputs, task)
            solution.network.coefs[0] = spectrum.weights(t, Q)
            solution.curve = _flow.activation_curve(spectrum, t)
    elif solution.spectrum is not None and series is None:
        scores = _refitted(solution, sample, task)
    else:  # no statistics to leave rows out of
        scores = trained(sample)
    scores, mass = per_stamp(scores, sample.weight)
    if auto and normal is None and solution.spectrum is None:
        threshold, _ = weighted_gap(*per_stamp(trained(judged), judged.weight), share)
    elif auto:
        threshold, _ = weighted_gap(scores, mass, share)
        if suspects.any():  # unseen by now: the least typical of them is an outlier
            least = normal.scores(sample, task, np.flatnonzero(suspects)).min()
            threshold = max(threshold, least + ROUNDING)
    else:
        exact = series is not None or (normal is not None and small)
        judged = sample if exact else judged
        edges = weighted_gap(*per_stamp(trained(judged), judged.weight), share)
        threshold = edges[int(exact)]
    return Calibration.of(threshold, scores, mass)


class Statistics:
    """Second moments of a layer's inputs in the directions that it learns, or nearly does.

    Those that it does not yet learn belong to them: without some rows, others come to the
    fore.

    Parameters
    ----------
    vectors : ndarray of shape (n_inputs, n_directions)
        Orthonormal columns.
    gram : ndarray of shape (n_directions, n_directions)
        Weighted sum of the rows' products along them.
    weight : float
    t : float
        Learning time.
    spectrum : _flow.Spectrum
    """

    def __init__(self, vectors, gram, weight, t, spectrum):
        self.vectors = vectors
        self.gram = gram
        self.weight = weight
        self.t = t
        self.spectrum = spectrum

    @classmethod
    def of(cls, solution):
        """Those of the only layer of a closed form."""
        spectrum, weight = solution.spectrum, solution.state["moments"][0]["weight"]
        t, values = solution.times[0], spectrum.values
        least = _flow.cut_off(t, spectrum.epsilon)
        if spectrum.n_units < len(values):
            least = max(least, values[spectrum.n_units - 1])
        n = max(1, np.count_nonzero(values > NEGLIGIBLE * least))
        gram = np.diag(values[:n] * weight)
        return cls(spectrum.vectors[:, :n], gram, weight, t, spectrum)

    def without(self, rows, index):
        """The statistics without ``rows`` at ``index``, unless nothing would be left."""
        weight = rows.weight[index].sum()
        if not len(index) or weight >= self.weight * (1 - 1e-9):
            return self
        gram = self.gram.copy()
        for block in block_slices(len(index), rows.n_inputs):
            A = rows.encode(index[block]) @ self.vectors
            A *= np.sqrt(rows.weight[index[block]])[:, None]
            gram -= A.T @ A
        weight = self.weight - weight
        values, U = np.linalg.eigh(gram / weight)
        spectrum = _flow.Spectrum(
            values[::-1], self.vectors @ U[:, ::-1], self.spectrum.n_units, self.spectrum.epsilon
        )
        return Statistics(self.vectors, gram, weight, self.t, spectrum)

    def scores(self, rows, task, index=None):
        """Activation of rows (at ``index``) that is to be expected from these statistics."""
        t = np.array([self.t])
        return _map(rows, task, lambda Z: self.spectrum.energies(Z, t)[:, 0], index)


def cross_fitted(normal, rows, folds, suspects, task):
    """Scores of ``rows`` by statistics without their fold.

    ``normal`` are the statistics of all rows but the ``suspects``, a mask; ``folds`` are pairs
    of masks, of rows to score and of rows to leave out for that.
    """
    scores = np.empty(len(rows))
    for held, out in folds:
        held = np.flatnonzero(held & ~suspects)
        if len(held):
            rest = normal.without(rows, np.flatnonzero(out & ~suspects))
            scores[held] = rest.scores(rows, task, held)
    suspects = np.flatnonzero(suspects)
    scores[suspects] = normal.scores(rows, task, suspects)
    return scores


def _folds(sample, everything):
    """Folds of sampled rows by their hashes, each about a tenth of all rows at most."""
    n_folds = int(np.ceil(N_FOLDS * min(1, sample.weight.sum() / everything.weight)))
    fold_of = _fold_of(sample, n_folds)
    return [(fold_of == k,) * 2 for k in range(n_folds)]


def _fold_of(sample, n_folds):
    hashes = row_hashes(sample.X, np.zeros(len(sample), dtype=np.intp))
    return mixed_hashes(hashes) % np.uint64(n_folds)


def _stretches(windows):
    """Fifths of the series, each with all windows that overlap it."""
    starts, n, folds = windows.starts, len(windows), []
    for part in np.array_split(np.arange(n), min(N_STRETCHES, n)):
        held = np.zeros(n, dtype=bool)
        held[part] = True
        near = starts > starts[part[0]] - windows.width
        folds.append((held, near & (starts < starts[part[-1]] + windows.width)))
    return folds


def _refitted(solution, sample, task):
    """Scores of sampled rows by networks trained on the sample without their fold."""
    scores, fold_of = np.empty(len(sample)), _fold_of(sample, N_FOLDS)
    task = replace(task, progress=Progress(), previous=None, partial=False)
    task.choose_time = lambda layer, moments, network: solution.times[layer]
    for fold in range(N_FOLDS):
        held = fold_of == fold
        network = solution.network
        if held.any() and not held.all():
            network = _flow.solve(sample.take(~held), task).network
        scores[held] = network.energies(sample.encode(held))
    return scores


def _map(rows, task, function, index=None):
    """``function`` of encoded rows (at ``index``), by blocks."""
    index = np.arange(len(rows)) if index is None else index
    blocks = block_slices(len(index), max(rows.n_inputs, *task.sizes))
    found = map_blocks(lambda block: function(rows.encode(index[block])), blocks, task.n_jobs)
    return np.concatenate([np.empty(0), *found])


def weighted_gap(values, weight, share):
    """Highest and lowest threshold with just ``share`` of the weight below.

    Both keep off the values next to them, by ``ROUNDING`` where there is room, so
    that no row changes sides by rounding. Of values that differ by no more, none is
    below.
    """
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weight[order])
    rank = np.searchsorted(below, share * below[-1] * (1 + 1e-12), side="right")
    above = values[order[min(rank, len(order) - 1)]]
    lower = values[values < above - ROUNDING / 1000]  # copies of a row differ by less
    if not len(lower) or np.ptp(values) <= ROUNDING:
        return (float(values.min() - ROUNDING),) * 2
    under = lower.max()
    margin = min(ROUNDING, (above - under) / 2)
    return float(above - margin), float(under + margin)
