"""The solver "flow": the mean dynamics of the learning rule, integrated exactly.

The mean change of the weights under the learning rule is dW/dt = (I - W W^T) C W (paper, eq. 20).
C = E[x x^T] is not centred. From the start W(0) = sqrt(eps) Q, where Q has orthonormal rows, the
solution is

    W(t) = V diag(sqrt(f)) V^T Q,    f(lambda) = 1 / (1 + (1/eps - 1) exp(-2 lambda t))

with C = V diag(lambda) V^T. The learning time t therefore sets a soft cut-off of the eigenvalues,
near lambda = log(1/eps - 1) / (2 t). W(t) is a spectral function of C times a fixed rotation, so
it is a smooth function of the rows. Neither the signs of eigenvectors nor the basis of a
degenerate eigenspace change W(t).

A detector's last layer takes the *averaged* flow instead. In a linear flow, the activation a of
each direction follows da/dt = lambda (1 - a) from a(0) = epsilon. The averaged flow takes the mean
of a over exponentially distributed stopping times of mean t, which is (lambda t + epsilon) /
(lambda t + 1).

All linear algebra in this module is NumPy's. SciPy brings a BLAS library with its own threads, and
the waiting threads of two libraries slow each other down severalfold.
"""

import time
from copy import deepcopy
from functools import partial

import numpy as np

from .._network import Network
from .layer import activation_curve
from .moments import Moments, absolute_sums_of, mean_and_variance
from .task import Solution, Solver


class Flow(Solver):
    """The solver in closed form, with one pass over the rows for each layer."""

    keeps_moments = True
    averages = True

    def solve(self, rows, task):
        """Train each layer in closed form on ``rows`` and on all rows learned before.

        Layers are solved from the bottom up, each from one pass over the rows. Hidden rows are
        never stored: each block runs through the lower layers again. The statistics of a hidden
        layer belong to the lower layers as they were when the rows were seen. After several
        batches only the first layer is therefore exact. The moments of |y| over all rows so far
        are estimated from a sample, which does not depend on how the rows were cut into batches.
        """
        states = [None] * len(task.sizes)
        if task.previous is not None:
            states = task.previous.state["moments"]
        network = Network([], task.activation, [])
        times, kept, started = [], [], time.perf_counter()
        for layer, state in enumerate(states):
            task.progress.begin("layer")
            moments = add_up(state, network, rows, task)
            choice = task.rule.choose(layer, moments, network)
            is_last = layer == len(task.sizes) - 1
            closed = task.closed_layer(layer, moments, task.averaged and is_last)
            network.coefs.append(closed.weights(choice.time))
            times.append(float(choice.time))
            kept.append(moments.state)
            if not is_last or task.activate_last:
                network.standards.append(
                    output_moments(network, task.sample if task.partial else rows, task)
                )
            task.progress.end(
                f"Layer {layer + 1} of {len(task.sizes)}, learning time {choice.time:.4g}, "
                f"{time.perf_counter() - started:.1f} s"
            )
        return Solution(
            network=network,
            times=times,
            n_iter=1,
            curve=activation_curve(closed.spectrum, times[-1]),
            state={"moments": kept},
            layer=closed,
            certainty=choice.certainty,
        )


def add_up(state, network, rows, task):
    """Return the moments of ``rows`` after the layers of ``network``, added to those of ``state``.

    The function copies the state, so that a training that fails halfway leaves the old statistics
    unchanged.
    """
    found = rows.reduce(
        partial(moments_of, network=network, **blocks_of(rows, task)),
        Moments.merge,
        f"layer{len(network) + 1}_products",
    )
    return found if state is None else Moments(**deepcopy(state)).merge(found)


def moments_of(rows, network, n_columns, n_jobs):
    """Return the moments of ``EncodedRows`` after the layers of ``network``."""
    moments = Moments(network.coefs[-1].shape[1] if len(network) else rows.n_inputs)

    def transform(block):
        return network.hidden(rows.encode(block), len(network)), rows.weight[block]

    for H, weight in rows.map_blocks(transform, n_columns, n_jobs):
        moments.add(H, weight)
    return moments


def output_moments(network, rows, task):
    """Return the mean and variance of |y| for each unit of the network's last layer."""
    sums = rows.reduce(
        partial(output_sums, network=network, **blocks_of(rows, task)),
        np.add,
        f"layer{len(network)}_outputs",
    )
    return mean_and_variance(sums, task.dtype)


def output_sums(rows, network, n_columns, n_jobs):
    """Return the ``absolute_sums_of`` the outputs of the network's last layer."""
    last = len(network) - 1

    def transform(block):
        H = network.hidden(rows.encode(block), last)
        return H @ network.coefs[last], rows.weight[block]

    n_units = network.coefs[last].shape[1]
    return absolute_sums_of(rows.map_blocks(transform, n_columns, n_jobs), n_units)


def blocks_of(rows, task):
    """Return what a pass over blocks of rows needs: the widest step, and a number of threads."""
    return {"n_columns": max(rows.n_inputs, *task.sizes), "n_jobs": task.n_jobs}
