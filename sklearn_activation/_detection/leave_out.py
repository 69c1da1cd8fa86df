"""Leave-one-out scores: the score of each training row as if the row had not been learned.

A row's own training raises its score. With the averaged flow, the score without the row is a
formula (Sherman & Morrison 1950). With the stopped flow, the score without the row is a
quadrature. The formula and the quadrature need no further training. Both methods leave the row out
of the last layer only, and need at least as many units as inputs. With several layers or fewer
units, up to 2,048 rows are scored by cross-validation instead: networks are trained without one
tenth of the rows at a time.
"""

from dataclasses import dataclass, replace
from functools import cached_property, reduce

import numpy as np

from .._learning.flow import Flow
from .._learning.layer import ClosedLayer, activation_curve
from .._learning.moments import Moments
from .._learning.task import Solution, Task
from .._learning.time_rules import GivenTimes
from .._network import Network
from .._progress import Progress
from .._rows.encoded import EncodedRows
from .._rows.encoding import SAMPLE_SIZE
from .._rows.sample import hash_rows, mix_hashes
from .copies import copy_weight
from .downdate import Downdate, activation_with
from .threshold import share_threshold

# Number of folds of the cross-validation, for networks without a formula or quadrature.
LEAVE_OUT_FOLDS = 10


@dataclass(frozen=True)
class LastLayer:
    """The last layer of a solution, and scores as if the layer had not learned some rows.

    Parameters
    ----------
    solution : Solution
    task : Task
    layer : ClosedLayer or None
        The layer in closed form, or None if the solver keeps no statistics.
    moments : Moments or None
        Statistics of the inputs of the layer.
    learned_weight : float or None
        The weight of all rows that were learned.
    gone : ndarray of bool of shape (n_rows,), or None
        Mask of the rows that were left out for good.
    gone_from : EncodedRows or None
        The rows to which ``gone`` belongs.
    """

    solution: Solution
    task: Task
    layer: ClosedLayer | None = None
    moments: Moments | None = None
    learned_weight: float | None = None
    gone: np.ndarray | None = None
    gone_from: EncodedRows | None = None

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
        """The learning time of the layer."""
        return self.solution.times[-1]

    def holds(self, rows):
        """Whether ``rows`` are all rows that were learned, so that some rows can be left out."""
        learned = self.learned_weight
        return learned is not None and abs(rows.weight.sum() - learned) <= 1e-9 * learned

    def leave_out(self, rows, mask):
        """Return the layer without the rows of a mask, in its statistics and weights."""
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
        left = {"moments": moments, "gone": mask, "gone_from": rows}
        return replace(self, solution=solution, layer=layer, **left)

    def leave_out_suspects(self, rows, scores, share):
        """Return the layer without the ``share`` of rows with the lowest scores, and their mask.

        Rows leave the statistics only if ``rows`` are all rows that were learned.
        """
        if self.holds(rows):
            suspects = scores < share_threshold(scores, rows.weight, share)
            if 0 < np.count_nonzero(suspects) < len(rows):
                return self.leave_out(rows, suspects), suspects
        return self, np.zeros(len(rows), dtype=bool)

    def scores(self, rows, index=None, without=None):
        """Return the activation of rows as if the rows of the mask ``without`` were not learned.

        ``index`` selects the rows to score.
        """
        if self.layer is None:
            return self._map(rows, self.solution.network.energies, index)
        spectrum, t = self.spectrum, np.array([self.t])
        if without is not None and self._leaves_some(rows.weight[without].sum()):
            spectrum = self._layer_of(self._moments_without(rows, without)).spectrum
        return self._map(rows, lambda Z: spectrum.energies(self._inputs(Z), t)[:, 0], index)

    def scores_of_block(self, rows, part, near, weight):
        """Return the activation of the rows ``part`` as if the rows ``near`` had not been learned.

        ``part`` and ``near`` are slices, and ``near`` contains ``part``. ``weight`` is the learned
        weight of each row in ``near``, and 0 for a row that was not learned.
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

    def scores_without(self, rows, groups=None, unlearned=None, merged=False):
        """Return the leave-one-out activation of each row, or the leave-one-group-out activation.

        Parameters
        ----------
        rows : EncodedRows
        groups : ndarray of int of shape (n_rows,), default=None
            Number of the group of each row, if whole groups are left out.
        unlearned : ndarray of bool of shape (n_rows,), default=None
            Mask of the rows that are not part of the statistics.
        merged : bool
            Whether copies of a row are merged into its weight.
        """
        if self.layer is None or not len(rows):
            return self.scores(rows)
        learned = np.ones(len(rows), bool) if unlearned is None else ~unlearned
        if self._needs_folds(rows):
            return self._scores_by_folds(rows, groups, learned)
        if groups is None:
            removed = np.where(learned, copy_weight(rows.weight, merged), 0.0)
            return self._scores_one_by_one(rows, removed)
        return self._scores_group_by_group(rows, groups, learned)

    def _leaves_some(self, weight):
        """Whether removing this much weight leaves some of the learned weight."""
        return 0 < weight < (1 - Downdate.no_share) * self.moments.weight

    def _needs_folds(self, rows):
        spectrum = self.spectrum
        cut = spectrum.n_units < min(spectrum.n_inputs, len(spectrum.values))
        several = len(self.solution.network) > 1
        return (several or cut) and len(rows) <= SAMPLE_SIZE and self.holds(rows)

    def _scores_one_by_one(self, rows, removed):
        """Return scores by the formula or the quadrature, without the weights ``removed``."""
        downdate = self._downdate
        root = downdate.common_root(removed, self.task.dtype)
        found = rows.map_blocks(
            lambda b: downdate.one_out(self._inputs(rows.encode(b)), removed[b], root),
            self._widest(rows),
            self.task.n_jobs,
        )
        return np.concatenate([np.empty(0), *found])

    def _scores_group_by_group(self, rows, groups, learned):
        """Return scores of which each is the activation without the row's own group."""
        scores, downdate = np.empty(len(rows)), self._downdate
        order = np.argsort(groups, kind="stable")
        for index in np.split(order, np.flatnonzero(np.diff(groups[order])) + 1):
            if self.spectrum.averaged:
                weight = rows.weight[index] * learned[index]
                scores[index] = downdate.group_out(self._inputs(rows.encode(index)), weight)
            else:
                without = np.zeros(len(rows), dtype=bool)
                without[index] = learned[index]
                scores[index] = self.scores(rows, index, without)
        return scores

    def _scores_by_folds(self, rows, groups, learned):
        """Return the activation of each row by a network that has not learned the row's fold.

        With several layers, all layers are trained again without the fold. A single layer follows
        from the statistics without the fold.
        """
        if groups is None:  # copies of a row are in one fold
            groups = mix_hashes(hash_rows(rows.X))
        fold_of, scores = groups % LEAVE_OUT_FOLDS, np.empty(len(rows))
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
        """Return the moments without the rows of a mask.

        For few rows with many columns, the result sums up the remaining rows. The sum over the
        remaining rows avoids a square matrix of all columns.
        """
        few = self.moments.gram is None and self.holds(rows)
        # In a stream, the rows that are gone belong to a sample, and not to a batch.
        few = few and (self.gone_from is None or self.gone_from is rows)
        if few and self.gone is not None:
            mask = mask | self.gone
        if few and mask.all():
            return self.moments
        index = np.flatnonzero(~mask if few else mask)

        def moments_of(part):
            H = self._inputs(rows.encode(part))
            return Moments(H.shape[1]).add(H, rows.weight[part])

        parts = rows.map_blocks(moments_of, self._widest(rows), index=index)
        found = reduce(Moments.merge, parts, Moments(self.spectrum.n_inputs))
        return found if few else self.moments.without(found)

    @cached_property
    def _downdate(self):
        return Downdate(self.spectrum, self.moments.weight, self.t)

    def _layer_of(self, moments):
        """Return the layer in closed form for other statistics."""
        last = len(self.solution.network) - 1
        return self.task.closed_layer(last, moments, self.spectrum.averaged)

    # -- blocks of rows

    def _inputs(self, Z):
        return self.solution.network.hidden(Z, len(self.solution.network) - 1)

    def _widest(self, rows):
        """Return four times the number of entries of the widest row, for ``map_blocks``.

        Blocks of a quarter of the usual size fit the cache of one core.
        """
        return max(4 * max(rows.n_inputs, *self.task.sizes), rows.X.shape[1])

    def _map(self, rows, function, index):
        """Return ``function`` of encoded rows, computed by blocks. ``index`` selects rows."""
        found = rows.map_blocks(
            lambda b: function(rows.encode(b)), self._widest(rows), self.task.n_jobs, index
        )
        return np.concatenate([np.empty(0), *(part.astype(np.float64) for part in found)])
