"""Gradient ascent on the free entries of rows."""

import numpy as np

from .._blocks import map_blocks


def maximise(
    objective,
    X,
    free,
    *,
    labels=None,
    gains=None,
    bounds=None,
    max_iter=300,
    tolerance=1e-5,
    patience=5,
    first_step=0.1,
):
    """Raise the objective of each row by projected gradient steps, with a step size for each row.

    The ascent solves the paper's eq. 10 for real-valued entries. The paper's eq. 11 adds a term
    that holds the length of rows. This term is not needed here, because the encoding gives all
    rows the same length. Step sizes follow Barzilai & Borwein (1988). A step that would lower the
    value of a row is not taken, and the step size is reduced. Rows whose value no longer rises
    leave the batch.

    Parameters
    ----------
    objective : Objective
    X : ndarray of shape (n_rows, n_features)
        Start values.
    free : ndarray of bool of shape (n_rows, n_features)
        Entries that may change.
    labels : ndarray of int of shape (n_rows,), default=None
        Number of the label of each row.
    gains : ndarray of shape (n_rows, n_units), default=None
        Factors of the squared outputs (paper, eq. 16).
    bounds : (low, high), each broadcast to the shape of ``X``, default=None
        Least and largest value of each entry.
    max_iter : int, default=300
        Maximum number of steps.
    tolerance : float, default=1e-5
        A row is idle in a step that raises its objective by this much or less.
    patience : int, default=5
        A row is done after this many consecutive idle steps.
    first_step : float, default=0.1
        Length of the first step, divided by the norm of the row.

    Returns
    -------
    X : ndarray of shape (n_rows, n_features)
    value : ndarray of shape (n_rows,)
    """
    climb = _Climb(objective, X, free, labels, gains, bounds, first_step)
    for _ in range(max_iter):
        if not len(climb.active):
            break
        climb.step(tolerance, patience)
    return climb.X, climb.value


class _Climb:
    """The state of an ascent: rows, values, gradients and step sizes.

    Attributes
    ----------
    X : ndarray of shape (n_rows, n_features)
        The best values of each row so far.
    value : ndarray of shape (n_rows,)
        The objective of the best rows.
    active : ndarray of int of shape (n_active,)
        Places of the rows that still climb. All attributes below have one entry per active row.
    gradient : ndarray of shape (n_active, n_features)
        Gradient at the best rows, in the units of the encoding, and 0 for entries that are not
        free.
    size : ndarray of shape (n_active,)
        Factor by which the next step multiplies the gradient.
    idle : ndarray of int of shape (n_active,)
        Number of steps since the last step that was not idle.
    """

    def __init__(self, objective, X, free, labels, gains, bounds, first_step):
        self.X = np.array(X)
        self._objective, self._free = objective, free
        self._labels, self._gains = labels, gains
        # Steps are taken in units of the encoding, in which all columns have a similar scale.
        self._unit = np.asarray(objective.encoding.unit, dtype=self.X.dtype)
        low, high = (-np.inf, np.inf) if bounds is None else bounds
        low, high = (np.asarray(bound, dtype=self.X.dtype) for bound in (low, high))
        self._low = np.broadcast_to(low, self.X.shape)
        self._high = np.broadcast_to(high, self.X.shape)
        self.value = np.empty(len(self.X))
        self.value[:], slope = self._evaluate(self.X, np.arange(len(self.X)))
        self.active = np.flatnonzero(free.any(axis=1))
        self.gradient = np.where(free, slope, 0.0)[self.active]
        length = np.linalg.norm(self.gradient, axis=1)
        norm = objective.encoding.size(self.X[self.active])
        self.size = (first_step * norm / np.where(length > 0, length, 1)).astype(self.X.dtype)
        self.idle = np.zeros(len(self.active), dtype=int)

    def _evaluate(self, rows, index):
        """Return the objective and gradient of ``rows``, which stand at the places ``index``."""
        value, slope = self._objective(
            rows,
            None if self._labels is None else self._labels[index],
            None if self._gains is None else self._gains[index],
        )
        return value, slope * self._unit

    def step(self, tolerance, patience):
        """Move the active rows whose values rise, and drop the rows that are done."""
        before, free = self.X[self.active], self._free[self.active]
        after = self._propose(before, free)
        value, slope = self._evaluate(after, self.active)
        slope = np.where(free, slope, 0.0)
        gain = value - self.value[self.active]
        better = gain >= 0
        # The difference of two halves is finite for huge numbers, too.
        moved = 2 * ((after / 2 - before / 2) / self._unit)
        self.X[self.active[better]] = after[better]
        self.value[self.active[better]] = value[better]
        distance = np.einsum("ij,ij->i", moved, moved)
        self._adapt(better, distance, np.einsum("ij,ij->i", moved, self.gradient - slope))
        self.gradient = np.where(better[:, None], slope, self.gradient)
        self.idle = np.where(gain > tolerance, 0, self.idle + 1)
        self._keep((self.idle < patience) & (distance > 0))

    def _propose(self, before, free):
        """Return the active rows after a step along the gradient, clipped to the bounds."""
        with np.errstate(over="ignore"):
            after = before + self.size[:, None] * self.gradient * self._unit
        after = np.clip(after, self._low[self.active], self._high[self.active])
        return np.where(free, after, before)

    def _adapt(self, better, distance, curvature):
        """Choose the size of the next step from the curvature along the last step.

        The size is s^T s / s^T (g - g') for a step s that changed the gradient from g to g'
        (Barzilai & Borwein 1988). The size changes by a factor of at most 10. The size grows
        fourfold if the objective is convex along the step, and falls to a quarter if the value
        fell.
        """
        ratio = distance / np.where(curvature > 0, curvature, np.inf)
        concave = np.clip(ratio, self.size / 10, self.size * 10)
        grown = np.where(curvature > 0, concave, 4 * self.size)
        self.size = np.where(better, grown, self.size / 4)

    def _keep(self, going):
        """Drop the rows that are done from the batch."""
        self.active, self.gradient = self.active[going], self.gradient[going]
        self.size, self.idle = self.size[going], self.idle[going]


def maximise_blocks(objective, X, free, *, labels, gains, bounds, n_jobs, **options):
    """Call ``maximise`` for each block of rows, in threads, and join the results."""

    def maximise_block(block):
        return maximise(
            objective,
            X[block],
            free[block],
            labels=None if labels is None else labels[block],
            gains=None if gains is None else gains[block],
            bounds=bounds,
            **options,
        )

    return join_blocks(maximise_block, len(X), objective, n_jobs)


def join_blocks(function, n_rows, objective, n_jobs):
    """Call ``function`` for each block of rows, and join the arrays that it returns."""
    widest = max(objective.n_inputs, *(W.shape[1] for W in objective.network.coefs))
    found = list(map_blocks(function, n_rows, 4 * widest, n_jobs))
    return tuple(np.concatenate(arrays) for arrays in zip(*found, strict=True))
