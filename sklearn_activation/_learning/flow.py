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

from .._blocks import block_slices, map_blocks
from .._network import Network
from .layer import Spectrum, activation_curve, rotation
from .moments import Moments, absolute_moments
from .task import Solution


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
