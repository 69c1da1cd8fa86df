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

from .._network import Network
from .layer import activation_curve
from .moments import Moments, absolute_moments
from .task import Solution, Solver


class Flow(Solver):
    """The closed form, one pass over the rows a layer."""

    keeps_moments = True
    averages = True

    def solve(self, rows, task):
        """Train every layer in closed form on ``rows`` and all rows before them.

        Layers are solved from the bottom up, each from one pass over the rows. Hidden
        rows are never stored: each block runs through the layers below again. The
        statistics of a hidden layer are those that its rows had when they were seen, so
        after several batches only the first layer is exact. The moments of |y| of all
        rows so far can only be those of a sample, which does not depend on the batches.
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
    """The moments of ``rows`` after the layers there are, added to those of a ``state``.

    The state is copied: a fit that fails half-way must not have changed what it started from.
    """
    n_inputs = network.coefs[-1].shape[1] if len(network) else rows.n_inputs
    moments = Moments(**deepcopy(state or {"n_inputs": n_inputs}))
    for H, weight in _map(rows, task, lambda Z: network.hidden(Z, len(network))):
        moments.add(H, weight)
    return moments


def output_moments(network, rows, task):
    """Mean and variance of |y| for every unit of the last layer there is."""
    last = len(network) - 1
    outputs = _map(rows, task, lambda Z: network.hidden(Z, last) @ network.coefs[last])
    return absolute_moments(outputs, task.dtype)


def _map(rows, task, transform):
    """Yield blocks of encoded rows after ``transform``, with their weights."""
    return rows.map_blocks(
        lambda block: (transform(rows.encode(block)), rows.weight[block]),
        max(rows.n_inputs, *task.sizes),
        task.n_jobs,
    )
