"""The closed-form solver: the rule's gradient flow, integrated exactly.

The rule's mean field is dW/dt = (I - W W^T) C W with C = E[x x^T], not centred
(paper, eq. 20). From W(0) = sqrt(eps) Q with orthonormal rows Q it has the solution

    W(t) = V diag(sqrt(f)) V^T Q,    f(lambda) = 1 / (1 + (1/eps - 1) exp(-2 lambda t))

with C = V diag(lambda) V^T: learning time is a soft spectral cut-off near
lambda = log(1/eps - 1) / (2 t). W(t) is a spectral function of C times a fixed
rotation, so it depends on the rows smoothly: neither the signs of eigenvectors
nor a basis of a degenerate eigenspace matter.

A detector's last layer takes the *averaged* flow instead: each direction's activation follows
the linear flow da/dt = lambda (1 - a) from a(0) = epsilon, and its mean over exponentially
distributed stopping times of mean t is (lambda t + epsilon) / (lambda t + 1).

All linear algebra here is NumPy's: SciPy brings a BLAS with threads of its own,
and the two libraries' waiting threads slow each other down severalfold.
"""

import time
from copy import deepcopy

import numpy as np

from ._network import Network, block_slices
from ._parallel import map_blocks
from ._training import Solution
from .kernels.rows import absolute_sums

MOST = 0.25  # of all energy that an automatic cut-off asks of a direction


def logistic_filter(eigenvalues, t, epsilon):
    """f(lambda) after learning time ``t``, in [epsilon, 1)."""
    decay = np.exp(-2 * np.maximum(eigenvalues, 0) * t)
    return epsilon / (epsilon + (1 - epsilon) * decay)


def averaged_filter(eigenvalues, t, epsilon):
    """Mean of the linear flow's share over stopping times of mean ``t``, in [epsilon, 1).

    1 - (1 - epsilon) mu / (lambda + mu) with mu = 1 / t: Tikhonov's filter. Unlike the stopped
    flow's, its distance from 1 falls with lambda only as 1 / lambda, so that of two directions
    that are both well learned the rarer one still passes less.
    """
    eigenvalues = np.maximum(eigenvalues, 0)
    return (eigenvalues * t + epsilon) / (eigenvalues * t + 1)


def rotation(layer, n_inputs, task):
    """The fixed random rotation of a layer of ``task``, made when first needed."""
    if layer not in task.rotations:
        task.rotations[layer] = random_rotation(
            n_inputs, task.sizes[layer], (task.seed, layer), task.dtype
        )
    return task.rotations[layer]


def random_rotation(n_inputs, n_units, seed, dtype):
    """Random matrix with orthonormal rows, or columns if there are fewer units."""
    rng = np.random.default_rng(seed)
    tall = rng.normal(size=(max(n_inputs, n_units), min(n_inputs, n_units)))
    Q, R = np.linalg.qr(tall.astype(dtype))
    Q *= np.sign(np.diag(R))  # makes the distribution uniform (Mezzadri 2007)
    return np.ascontiguousarray(Q.T if n_units > n_inputs else Q)


class Moments:
    """Weighted sum of x x^T over rows, with the sum of their weights.

    As long as there are fewer rows than columns the rows are kept themselves.
    ``state`` is a dictionary of arrays, to be stored, merged and restored.
    """

    def __init__(self, n_inputs, *, weight=0.0, rows=None, gram=None, precision=0.0):
        self.n_inputs = n_inputs
        self.weight = weight
        self.precision = precision  # of the coarsest products in ``gram``
        self.rows = np.empty((0, n_inputs)) if rows is None and gram is None else rows
        self.gram = gram

    @property
    def state(self):
        return {
            "n_inputs": self.n_inputs,
            "weight": self.weight,
            "rows": self.rows,
            "gram": self.gram,
            "precision": self.precision,
        }

    def add(self, Z, weight=None):
        """Add rows ``Z`` (n_rows, n_inputs), products in their own precision."""
        if weight is None:
            self.weight += len(Z)
        else:
            self.weight += weight.sum(dtype=np.float64)
            if not (weight == 1).all():
                Z = Z * np.sqrt(weight)[:, None].astype(Z.dtype)
        if self.gram is None:
            if len(self.rows) + len(Z) <= self.n_inputs:
                self.rows = np.concatenate([self.rows, Z], dtype=np.float64)
                return self
            self._condense()
        self.precision = max(self.precision, float(np.finfo(Z.dtype).eps))
        self.gram += Z.T @ Z  # one operand and its transpose: BLAS does half the work
        return self

    def merge(self, other):
        """Add the rows that ``other`` has seen."""
        weight = self.weight + other.weight
        if other.gram is None:
            self.add(other.rows)
        else:
            self._condense()
            self.gram += other.gram
        self.precision = max(self.precision, other.precision)
        self.weight = weight
        return self

    def without(self, other):
        """The moments of all rows but those of ``other``, which were added before."""
        rest = Moments(self.n_inputs).merge(self)
        rest._condense()
        rest.gram = rest.gram - (other.rows.T @ other.rows if other.gram is None else other.gram)
        rest.weight -= other.weight
        return rest

    def scaled(self, factor):
        """The moments of the same rows with weights times ``factor``."""
        state = self.state
        state["weight"] = factor * self.weight
        if self.gram is None:
            state["rows"] = np.sqrt(factor) * self.rows
        else:
            state["gram"] = factor * self.gram
        return Moments(**state)

    def _condense(self):
        if self.gram is None:
            self.gram = self.rows.T @ self.rows
            self.rows = None

    def trace(self):
        """Mean squared norm of the rows, and the number of inputs ever non-zero."""
        if self.gram is None:
            energy = np.einsum("ij,ij->j", self.rows, self.rows)
        else:
            energy = np.diag(self.gram)
        return energy.sum() / self.weight, np.count_nonzero(energy > 0)

    def spectrum(self):
        """Eigenvalues of the mean x x^T, descending, and eigenvectors (columns).

        Directions without any energy are left out.
        """
        if self.gram is None:
            kernel = self.rows @ self.rows.T / self.weight
            values, U = np.linalg.eigh(kernel)
        else:
            values, V = np.linalg.eigh(self.gram / self.weight)
        precision = max(self.precision, float(np.finfo(np.float64).eps))
        floor = max(values[-1], 0) * np.sqrt(self.n_inputs) * precision
        keep = np.flatnonzero(values > floor)[::-1]
        values = values[keep]
        if self.gram is None:
            V = self.rows.T @ (U[:, keep] / np.sqrt(values * self.weight))
            return values, V
        return values, V[:, keep]


class Spectrum:
    """A layer's eigenvalues and eigenvectors, ready for any learning time."""

    def __init__(self, values, vectors, n_units, epsilon, averaged=False):
        self.values = values
        self.vectors = vectors
        self.n_inputs = vectors.shape[0]
        self.n_units = n_units
        self.epsilon = epsilon
        self.averaged = averaged

    def filter(self, eigenvalues, t):
        """Share of activation that directions pass after learning time ``t``."""
        function = averaged_filter if self.averaged else logistic_filter
        return function(eigenvalues, t, self.epsilon)

    def weights(self, t, Q):
        """W(t) from the start sqrt(epsilon) Q, in the precision of ``Q``.

        As wide as its inputs, the averaged flow's W comes in the rotation in which it is
        triangular: no activation function follows that would ask for a random one.

        Fewer units than inputs start from the leading eigenvectors instead, and leave
        out directions in which no row has energy.
        """
        if self.averaged and self.n_units == self.n_inputs and self.epsilon > 1e-12:
            return self.triangular(self.filter(self.values, t), self.epsilon).astype(Q.dtype)
        if self.n_units < self.n_inputs:
            V = self.vectors[:, : self.n_units]
            root = np.sqrt(self.filter(self.values[: self.n_units], t))
            # The orthogonal matrix nearest to V^T Q: signs of V cancel.
            left, _, right = np.linalg.svd(V.T @ Q, full_matrices=False)
            return ((V * root) @ (left @ right)).astype(Q.dtype)
        V = self.vectors.astype(Q.dtype)
        start = float(np.sqrt(self.epsilon))  # a NumPy scalar would widen float32
        root = np.sqrt(self.filter(self.values, t)) - start
        return start * Q + (V * root.astype(Q.dtype)) @ (V.T @ Q)

    def triangular(self, shares, beside):
        """Lower triangular L with L L^T = V diag(shares) V^T, and ``beside`` times I beside V.

        That is V diag(sqrt(shares)) times a rotation. Products with L take half the time
        (``_network.product_energies``).
        """
        P = (self.vectors * (shares - beside)) @ self.vectors.T
        P[np.diag_indices_from(P)] += beside
        return np.linalg.cholesky(P)

    def energies(self, Z, times):
        """Activation of rows ``Z`` after each of ``times``, (n_rows, n_times).

        One product serves all times: ||y||^2 = eps ||z||^2 + sum_j (f_j - eps) (v_j.z)^2.
        """
        n = min(self.n_units, len(self.values))
        base = self.epsilon if self.n_units >= self.n_inputs else 0.0
        projected = Z @ self.vectors[:, :n].astype(Z.dtype)
        projected *= projected
        filters = np.stack([self.filter(self.values[:n], t) - base for t in times], axis=1)
        result = projected @ filters.astype(Z.dtype)
        if base:
            result += base * np.einsum("ij,ij->i", Z, Z)[:, None]
        return result


def absolute_moments(outputs, dtype):
    """Weighted mean and variance of |y| per unit, from pairs (Y, weight) of blocks."""
    total, sums, squares = 0.0, None, None
    for Y, weight in outputs:
        if sums is None:
            sums, squares = np.zeros((2, Y.shape[1]))
        total += weight.sum()
        absolute_sums(Y, weight, sums, squares)
    mean = sums / total
    variance = np.maximum(squares / total - mean**2, 0)
    return mean.astype(dtype), variance.astype(dtype)


def solve(rows, task):
    """Train every layer in closed form on ``rows`` and all rows before them.

    Layers are solved from the bottom up, each from one pass over the rows. Hidden
    rows are never stored: each block runs through the layers below again. The
    statistics of a hidden layer are those that its rows had when they were seen, so
    after several batches only the first layer is exact. The moments of |y| of all
    rows so far can only be those of a sample, which does not depend on the batches.
    """
    states = [None] * len(task.sizes) if task.previous is None else task.previous.state["moments"]
    started = time.perf_counter()
    network = Network([], task.activation, [])
    times, kept, n_inputs = [], [], rows.n_inputs

    def passed(source, transform):
        """Blocks of ``source`` after ``transform``, with their weights."""
        widest = max(source.n_inputs, *task.sizes)
        return map_blocks(
            lambda block: (transform(source.encode(block)), source.weight[block]),
            block_slices(len(source), widest),
            task.n_jobs,
        )

    for layer, n_units in enumerate(task.sizes):
        task.progress.begin("layer")
        # A copy: a fit that fails half-way must not have changed what it started from.
        moments = Moments(**deepcopy(states[layer] or {"n_inputs": n_inputs}))
        for H, weight in passed(rows, lambda Z, layer=layer: network.hidden(Z, layer)):
            moments.add(H, weight)
        t = float(task.choose_time(layer, moments, network))
        is_last = layer == len(task.sizes) - 1
        averaged = task.averaged and is_last
        spectrum = Spectrum(*moments.spectrum(), n_units, task.epsilon, averaged)
        W = spectrum.weights(t, rotation(layer, n_inputs, task))
        network.coefs.append(W)
        times.append(t)
        kept.append(moments.state)
        if not is_last or task.activate_last:
            source = task.sample if task.partial else rows
            outputs = passed(source, lambda Z, layer=layer, W=W: network.hidden(Z, layer) @ W)
            network.standards.append(absolute_moments(outputs, task.dtype))
        n_inputs = n_units
        seconds = time.perf_counter() - started
        task.progress.end(
            f"Layer {layer + 1} of {len(task.sizes)}, learning time {t:.4g}, {seconds:.1f} s"
        )
    return Solution(
        network=network,
        times=times,
        n_iter=1,
        curve=activation_curve(spectrum, t),
        state={"moments": kept},
        spectrum=spectrum,
    )


def merge_states(ours, theirs):
    """Statistics of two disjoint sets of rows, as one."""
    pairs = zip(deepcopy(ours["moments"]), theirs["moments"], strict=True)
    return {"moments": [Moments(**m).merge(Moments(**other)).state for m, other in pairs]}


def scaled_states(state, factor):
    """Statistics in which all rows so far weigh ``factor`` times as much."""
    return {"moments": [Moments(**m).scaled(factor).state for m in state["moments"]]}


def activation_curve(spectrum, t, n_points=20):
    """Mean activation of the training rows at ``n_points`` times up to ``t``."""
    times = t * np.linspace(0, 1, n_points + 1)[1:]
    values = spectrum.values[: spectrum.n_units]
    return np.array([spectrum.filter(values, s) @ values for s in times])


def kaiser_time(moments, share=1.0, least=0.0):
    """Learning time whose cut-off is ``share`` of the mean eigenvalue.

    There f / (1 - f) has grown ninefold, to f = 1/2 from epsilon = 0.1. The mean is
    taken over the inputs in use: those that are zero in every row don't count; if they are
    few, the cut-off is no more than a quarter of all energy. With
    share 1, a direction is learned if it carries more than its even share of the
    rows' energy (Guttman 1954; Kaiser 1960). The cut-off is no less than ``least`` of
    all energy.
    """
    energy, n_used = moments.trace()
    cut_off = energy * max(min(share / max(n_used, 1), MOST), least)
    return np.log(9) / 2 / cut_off if energy > 0 else 1.0
