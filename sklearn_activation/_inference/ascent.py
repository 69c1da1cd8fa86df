"""Free entries of rows that go uphill."""

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
    """Raise the objective of every row by projected gradient steps of its own length.

    This solves the paper's eq. 10 for entries that take any value. The term by which its eq. 11
    holds the length of rows drops out: the objective encodes rows, which gives them one length.

    A step (Barzilai & Borwein 1988) that would lower a row's value is cut, so that no value
    ever falls. Rows that gain no more leave the batch.

    Parameters
    ----------
    objective : Objective
    X : ndarray of shape (n_rows, n_features)
        Where to start from.
    free : ndarray of bool of shape (n_rows, n_features)
        Entries that may change.
    labels : ndarray of int of shape (n_rows,), default=None
        Places of the labels' units.
    gains : ndarray of shape (n_rows, n_units), default=None
        Factors of the squared outputs (paper, eq. 16).
    bounds : (low, high), each broadcast to the shape of ``X``, default=None
        Least and largest value of every entry.
    max_iter : int, default=300
        Maximum number of steps.
    tolerance : float, default=1e-5
        Gain of the objective in one step up to which a row counts as idle.
    patience : int, default=5
        Idle steps in a row after which a row is done.
    first_step : float, default=0.1
        Length of the first step, over the norm of the row.

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
    """Rows on their way uphill.

    Attributes
    ----------
    X : ndarray of shape (n_rows, n_features)
        The best rows so far.
    value : ndarray of shape (n_rows,)
        Their values.
    active : ndarray of int of shape (n_active,)
        Index of the rows that still climb; the other attributes are about these.
    gradient : ndarray of shape (n_active, n_features)
        Gradient at the best rows in the encoding's units, 0 for entries that are not free.
    size : ndarray of shape (n_active,)
        Factor of the gradient in the next step.
    idle : ndarray of int of shape (n_active,)
        Steps since the row has gained anything to speak of.
    """

    def __init__(self, objective, X, free, labels, gains, bounds, first_step):
        self.X = np.array(X)
        self._objective, self._free = objective, free
        self._labels, self._gains = labels, gains
        # Steps are taken in columns of like scale.
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
        """Value and gradient of ``rows``, which stand at ``index``."""
        value, slope = self._objective(
            rows,
            None if self._labels is None else self._labels[index],
            None if self._gains is None else self._gains[index],
        )
        return value, slope * self._unit

    def step(self, tolerance, patience):
        """Move the active rows where that raises their values, and let finished rows go."""
        before, free = self.X[self.active], self._free[self.active]
        after = self._propose(before, free)
        value, slope = self._evaluate(after, self.active)
        slope = np.where(free, slope, 0.0)
        gain = value - self.value[self.active]
        better = gain >= 0
        moved = 2 * (
            (after / 2 - before / 2) / self._unit
        )  # Halves of huge numbers differ finitely.
        self.X[self.active[better]] = after[better]
        self.value[self.active[better]] = value[better]
        distance = np.einsum("ij,ij->i", moved, moved)
        self._adapt(better, distance, np.einsum("ij,ij->i", moved, self.gradient - slope))
        self.gradient = np.where(better[:, None], slope, self.gradient)
        self.idle = np.where(gain > tolerance, 0, self.idle + 1)
        self._keep((self.idle < patience) & (distance > 0))

    def _propose(self, before, free):
        """The active rows after a step along the gradient, within the bounds."""
        with np.errstate(over="ignore"):
            after = before + self.size[:, None] * self.gradient * self._unit
        after = np.clip(after, self._low[self.active], self._high[self.active])
        return np.where(free, after, before)

    def _adapt(self, better, distance, curvature):
        """Choose the size of the next step from the curvature along the last one.

        It is s^T s / s^T (g - g') for a step s that has turned the gradient g into g' (Barzilai
        & Borwein 1988), with changes by a factor of 10 at most. The size grows fourfold where
        the objective is convex along the step, and is cut to a quarter where the value fell.
        """
        ratio = distance / np.where(curvature > 0, curvature, np.inf)
        concave = np.clip(ratio, self.size / 10, self.size * 10)
        grown = np.where(curvature > 0, concave, 4 * self.size)
        self.size = np.where(better, grown, self.size / 4)

    def _keep(self, going):
        """Leave the rows that are done out of the batch."""
        self.active, self.gradient = self.active[going], self.gradient[going]
        self.size, self.idle = self.size[going], self.idle[going]


def maximise_blocks(objective, X, free, *, labels, gains, bounds, n_jobs, **options):
    """``maximise`` block by block, in threads."""

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
    """Arrays that ``function`` returns for blocks of rows, put together."""
    widest = max(objective.n_inputs, *(W.shape[1] for W in objective.network.coefs))
    found = list(map_blocks(function, n_rows, 4 * widest, n_jobs))
    return tuple(np.concatenate(arrays) for arrays in zip(*found, strict=True))
