"""A detector's threshold, and the scores that p-values compare with.

A row's own training raises its score, so training rows are scored by statistics without
their fold. With one layer of the closed form that costs an eigendecomposition in the layer's
leading directions, no pass over the other rows.
"""

import warnings
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
STUDENT = 2.13  # 95 % quantile of Student's t with N_STRETCHES - 1 degrees of freedom
N_ROUNDS = 2  # of leaving out the least typical rows
FALSE_ALARMS = 0.01  # of contamination="auto"
ROUNDING = 1e-6  # of activations in float32
NEGLIGIBLE = 1 / 30  # of the cut-off: directions with less are as good as not learned
OUTRANKED = 1 / 3  # of the last unit's eigenvalue: those do not come to the fore without a fold


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
    series = rows.X if isinstance(rows.X, Windows) else None
    going_on = task.partial and task.previous is not None
    sample = rows if series is not None else task.sample
    judged = sample if going_on else rows
    single = solution.spectrum is not None and len(solution.network) == 1
    suspects = np.zeros(len(sample), dtype=bool)
    if single:
        scores, suspects, normal = _single_layer(solution, rows, sample, task, auto, share)
    elif solution.spectrum is not None and series is None:
        scores = _refitted(solution, sample, task)
    else:  # no statistics to leave rows out of
        scores = _trained(solution, sample, task)
    if not auto:
        small = single and len(sample) < SAMPLE_SIZE
        threshold = _share_below(solution, sample if small else judged, task, share, small)
        kept = ~suspects if not suspects.all() else np.ones(len(sample), dtype=bool)
        return Calibration.of(threshold, *_per_stamp(sample, scores, kept * sample.weight))
    if series is not None:
        return _of_stretches(sample, scores, share)
    if solution.spectrum is None:
        threshold = _share_below(solution, judged, task, share, False)
    else:
        threshold, _ = weighted_gap(scores, sample.weight, share)
    if suspects.any():  # unseen by now: the least typical of them is an outlier
        least = normal.scores(sample, task, np.flatnonzero(suspects)).min()
        threshold = max(threshold, least + ROUNDING)
    return Calibration.of(threshold, scores, sample.weight)


def _single_layer(solution, rows, sample, task, auto, share):
    """Leave suspects out of a single layer in closed form, for good.

    Returns the sampled rows' scores by statistics without their fold, the mask of suspects
    among them, and the statistics of all others.
    """
    series, small = isinstance(rows.X, Windows), len(sample) < SAMPLE_SIZE
    everything = normal = Statistics.of(solution)
    folds = _stretches(rows.X) if series else _folds(sample, everything)
    if auto:
        n_rounds = int(small and not series)
    else:
        n_rounds = 0 if task.partial and (series or not small) else N_ROUNDS
    suspects, pool = np.zeros(len(sample), dtype=bool), sample if small else rows
    for _ in range(n_rounds):
        if small:
            scores = cross_fitted(normal, sample, folds, suspects, task)
        else:
            scores = normal.scores(pool, task)
        edge, _ = weighted_gap(scores, pool.weight, share)
        suspects = (scores if small else normal.scores(sample, task)) < edge
        normal = everything.without(pool, np.flatnonzero(scores < edge))
    if n_rounds:
        Q = _flow.rotation(0, rows.n_inputs, task)
        solution.network.coefs[0] = normal.spectrum.weights(normal.t, Q)
        solution.curve = _flow.activation_curve(normal.spectrum, normal.t)
    if n_rounds and small:  # leaving suspects out has hardly changed other rows' scores
        found = np.flatnonzero(suspects)
        scores[found] = normal.scores(sample, task, found)
    else:
        scores = cross_fitted(normal, sample, folds, suspects, task)
    return scores, suspects, normal


def _trained(solution, rows, task):
    """Scores of rows by the network that has learned them."""
    return _map(rows, task, lambda Z: solution.network.energies(Z).astype(np.float64))


def _per_stamp(rows, scores, weight):
    """Scores and weights of what a threshold looks at: rows, or stamps that count."""
    if isinstance(rows.X, Windows):
        scores, weight = rows.X.to_stamps(scores), rows.X.to_stamps(weight)
    counts = weight > 1e-12 * np.nanmax(weight)
    return scores[counts], weight[counts]


def _share_below(solution, rows, task, share, at_the_lower):
    """Threshold with just ``share`` of trained rows, or stamps, below.

    Where suspects were left out with the rows scored by others, they lie far below the rest:
    the lower edge of the gap keeps off the normal rows.
    """
    scores, weight = _per_stamp(rows, _trained(solution, rows, task), rows.weight)
    edges = weighted_gap(scores, weight, share)
    return edges[int(at_the_lower or isinstance(rows.X, Windows))]


def _of_stretches(rows, scores, share):
    """Calibration by stamps of a series, neighbours of which are no independent witnesses.

    The threshold is a lower prediction limit, by Student's t, for the ``share`` quantile of
    another stretch of the same process.
    """
    scores, weight = _per_stamp(rows, scores, rows.weight)
    parts = np.array_split(np.arange(len(scores)), min(N_STRETCHES, len(scores)))
    edges = np.array([weighted_gap(scores[part], weight[part], share)[0] for part in parts])
    threshold = edges.mean()
    if len(edges) == N_STRETCHES:
        threshold -= STUDENT * np.sqrt(1 + 1 / len(edges)) * edges.std(ddof=1)
    return Calibration.of(threshold, scores, weight)


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
        if spectrum.n_units < spectrum.n_inputs:  # the leading directions, learned or not
            least = OUTRANKED * values[min(spectrum.n_units, len(values)) - 1]
        else:
            least = NEGLIGIBLE * _flow.cut_off(t, spectrum.epsilon)
        n = max(1, np.count_nonzero(values > least))
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
    if n <= 3 * windows.width:
        warnings.warn(
            f"{n} windows of {windows.width} time stamps are too few to score any without those "
            "that overlap it: the threshold and p-values will raise false alarms. Give a "
            "shorter window, or a longer series.",
            UserWarning,
            stacklevel=2,
        )
    for part in np.array_split(np.arange(n), min(N_STRETCHES, n)):
        held = np.zeros(n, dtype=bool)
        held[part] = True
        near = starts > starts[part[0]] - windows.width
        folds.append((held, near & (starts < starts[part[-1]] + windows.width)))
    return folds


def _refitted(solution, sample, task):
    """Scores of sampled rows by networks trained on the sample without their fold.

    Where there are more rows than the sample holds, that is a lower score than it should be.
    """
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
