"""Scores of rows by what all other rows teach.

A row's own training raises its score. With the averaged flow the score without it is a
formula (Sherman & Morrison 1950), with the stopped flow a quadrature; neither trains anything
again. Both leave a row out of the last layer only.
If the last layer has fewer units than inputs, or there are several layers, up to 2,048 rows are
scored by networks that have learned all rows but a tenth.
"""

from dataclasses import dataclass, replace

import numpy as np

from .._learning.flow import Flow
from .._learning.layer import ClosedLayer, activation_curve
from .._learning.moments import Moments
from .._learning.task import Solution, Task
from .._learning.time_rules import GivenTimes
from .._network import Network
from .._progress import Progress
from .._rows.encoding import SAMPLE_SIZE
from .._rows.sample import hash_rows, mix_hashes
from .copies import copy_weight
from .downdate import Downdate, activation_with
from .threshold import share_threshold

# Rows are left out in this many folds where neither formula nor quadrature holds.
LEAVE_OUT_FOLDS = 10


@dataclass(frozen=True)
class LastLayer:
    """The last layer of a solution, and its scores as if some rows had not been learned.

    Parameters
    ----------
    solution : Solution
    task : Task
    layer : ClosedLayer or None
        The layer in closed form; None for a solver that keeps no statistics.
    moments : Moments or None
        The weight and products of the layer's inputs.
    learned_weight : float or None
        The weight of all rows that were learned.
    gone : ndarray of bool of shape (n_rows,), or None
        Which rows were left out for good.
    """

    solution: Solution
    task: Task
    layer: ClosedLayer | None = None
    moments: Moments | None = None
    learned_weight: float | None = None
    gone: np.ndarray | None = None

    @classmethod
    def of(cls, solution, task):
        if solution.layer is None:
            return cls(solution, task)
        moments = Moments(**solution.state["moments"][-1])
        return cls(solution, task, solution.layer, moments, moments.weight)

    @property
    def spectrum(self):
        return self.layer.spectrum

    @property
    def t(self):
        """The layer's learning time."""
        return self.solution.times[-1]

    def holds(self, rows):
        """Whether ``rows`` are all that has been learned, so that some can be left out."""
        learned = self.learned_weight
        return learned is not None and abs(rows.weight.sum() - learned) <= 1e-9 * learned

    def leave_out(self, rows, mask):
        """The layer whose statistics and weights are without the rows of a mask, for good."""
        moments = self._moments_without(rows, mask)
        layer, before = self._layer_of(moments), self.solution.network
        network = Network(
            [*before.coefs[:-1], layer.weights(self.t)], before.activation, before.standards
        )
        solution = replace(
            self.solution,
            network=network,
            curve=activation_curve(layer.spectrum, self.t),
            layer=layer,
        )
        return replace(self, solution=solution, layer=layer, moments=moments, gone=mask)

    def leave_out_suspects(self, rows, scores, share):
        """The layer without the ``share`` of rows that score least, and a mask of these.

        Rows leave the statistics only where these are known to hold them, and no others.
        """
        if self.holds(rows):
            suspects = scores < share_threshold(scores, rows.weight, share)
            if 0 < np.count_nonzero(suspects) < len(rows):
                return self.leave_out(rows, suspects), suspects
        return self, np.zeros(len(rows), dtype=bool)

    def scores(self, rows, index=None, without=None):
        """Activation of rows (at ``index``), as if rows of the mask ``without`` were unknown."""
        if self.layer is None:
            return self._map(rows, self.solution.network.energies, index)
        spectrum, t = self.spectrum, np.array([self.t])
        if without is not None and self._leaves_some(rows.weight[without].sum()):
            spectrum = self._layer_of(self._moments_without(rows, without)).spectrum
        return self._map(rows, lambda Z: spectrum.energies(self._inputs(Z), t)[:, 0], index)

    def scores_of_block(self, rows, part, near, weight):
        """Activation of the rows in the slice ``part`` without those in the slice ``near``.

        ``near`` holds ``part``; ``weight`` is what each of its rows was learned with, 0 if not.
        """
        if self.layer is None:
            return self.scores(rows, np.arange(part.start, part.stop))
        found = rows.map_blocks(
            lambda index: self._inputs(rows.encode(slice(index[0], index[-1] + 1))),
            self._widest(rows),
            self.task.n_jobs,
            np.arange(near.start, near.stop),
        )
        H, others = np.concatenate(list(found)), Moments(self.spectrum.n_inputs)
        moments, learned = self.moments, weight > 0
        if self._leaves_some(weight.sum()):
            others.add(H[learned], weight[learned])
            moments = moments.without(others)
        H = H[part.start - near.start : part.stop - near.start]
        if self.spectrum.averaged and self.spectrum.n_units >= self.spectrum.n_inputs:
            return activation_with(moments, H, self.t, self.spectrum.epsilon, self.task.dtype)
        spectrum = self._layer_of(moments).spectrum
        return spectrum.energies(H, np.array([self.t]))[:, 0].astype(np.float64)

    def scores_without(self, rows, units=None, unlearned=None, merged=False):
        """Activation of every row by what all others teach, or by all other units.

        Parameters
        ----------
        rows : EncodedRows
        units : ndarray of int of shape (n_rows,), default=None
            Which unit each row belongs to, if whole units are left out.
        unlearned : ndarray of bool of shape (n_rows,), default=None
            Which rows are no part of the statistics.
        merged : bool
            Whether copies of a row are merged into its weight.
        """
        if self.layer is None or not len(rows):
            return self.scores(rows)
        learned = np.ones(len(rows), bool) if unlearned is None else ~unlearned
        if self._needs_folds(rows):
            return self._scores_by_folds(rows, units, learned)
        if units is None:
            removed = np.where(learned, copy_weight(rows.weight, merged), 0.0)
            return self._scores_one_by_one(rows, removed)
        return self._scores_unit_by_unit(rows, units, learned)

    def _leaves_some(self, weight):
        """Whether this much of the weight is some of what was learned, but not all."""
        return 0 < weight < (1 - Downdate.no_share) * self.moments.weight

    def _needs_folds(self, rows):
        spectrum = self.spectrum
        cut = spectrum.n_units < min(spectrum.n_inputs, len(spectrum.values))
        several = len(self.solution.network) > 1
        return (several or cut) and len(rows) <= SAMPLE_SIZE and self.holds(rows)

    def _scores_one_by_one(self, rows, removed):
        """Scores by the formula or the quadrature, each without the weight ``removed``."""
        downdate = self._downdate()
        root = downdate.common_root(removed, self.task.dtype)
        found = rows.map_blocks(
            lambda b: downdate.one_out(self._inputs(rows.encode(b)), removed[b], root),
            self._widest(rows),
            self.task.n_jobs,
        )
        return np.concatenate([np.empty(0), *found])

    def _scores_unit_by_unit(self, rows, units, learned):
        scores, downdate = np.empty(len(rows)), self._downdate()
        order = np.argsort(units, kind="stable")
        for index in np.split(order, np.flatnonzero(np.diff(units[order])) + 1):
            if self.spectrum.averaged:
                weight = rows.weight[index] * learned[index]
                scores[index] = downdate.unit_out(self._inputs(rows.encode(index)), weight)
            else:
                without = np.zeros(len(rows), dtype=bool)
                without[index] = learned[index]
                scores[index] = self.scores(rows, index, without)
        return scores

    def _scores_by_folds(self, rows, units, learned):
        """Activation of rows by what a network has learned without a fold of them.

        Of several layers all are trained anew, a single one is solved from the statistics.
        """
        if units is None:  # copies of a row are in one fold
            units = mix_hashes(hash_rows(rows.X, np.zeros(len(rows))))
        fold_of, scores = units % LEAVE_OUT_FOLDS, np.empty(len(rows))
        for fold in np.unique(fold_of):
            held = fold_of == fold
            index, rest = np.flatnonzero(held), learned & ~held
            if len(self.solution.network) == 1 or not rest.any():
                scores[held] = self.scores(rows, index, held & learned)
            else:
                network = self._train_anew(rows.take(rest))
                scores[held] = network.energies(rows.encode(index))
        return scores

    def _train_anew(self, rows):
        task = replace(
            self.task,
            progress=Progress(),
            previous=None,
            partial=False,
            rule=GivenTimes(self.solution.times, rate=self.task.rule.rate),
        )
        return Flow().solve(rows, task).network

    def _moments_without(self, rows, mask):
        """Moments without the rows of a mask.

        Of few rows with many columns, those of the rows that stay: no square matrix of columns.
        """
        few = self.moments.gram is None and self.holds(rows)
        if few and self.gone is not None:
            mask = mask | self.gone
        if few and mask.all():
            return self.moments
        index = np.flatnonzero(~mask if few else mask)
        found = Moments(self.spectrum.n_inputs)

        def encode(part):
            return self._inputs(rows.encode(part)), rows.weight[part]

        for H, weight in rows.map_blocks(encode, self._widest(rows), index=index):
            found.add(H, weight)
        return found if few else self.moments.without(found)

    def _downdate(self):
        return Downdate(self.spectrum, self.moments.weight, self.t)

    def _layer_of(self, moments):
        """The layer in closed form with other statistics."""
        last = len(self.solution.network) - 1
        return self.task.closed_layer(last, moments, self.spectrum.averaged)

    # -- blocks of rows

    def _inputs(self, Z):
        return self.solution.network.hidden(Z, len(self.solution.network) - 1)

    def _widest(self, rows):
        """Entries of a row for ``map_blocks``, four times as many as there are.

        Blocks then fit the cache of one core.
        """
        return max(4 * max(rows.n_inputs, *self.task.sizes), rows.X.shape[1])

    def _map(self, rows, function, index):
        """``function`` of encoded rows (at ``index``), by blocks."""
        found = rows.map_blocks(
            lambda b: function(rows.encode(b)), self._widest(rows), self.task.n_jobs, index
        )
        return np.concatenate([np.empty(0), *(part.astype(np.float64) for part in found)])
