"""The products that a fit needs, to compute them alone, and a model of the cost of a fit."""

from itertools import pairwise

import numpy as np

from sklearn_activation._blocks import block_slices

FAN_IN = 8  # results that one task of ``sklearn_activation.dask`` merges
COPIES = 3  # times that an entry is copied on its way: read or written, checked and activated


def passes(n_layers, last):
    """Yield, for each pass of a fit, the layers that rows run through and if they are squared.

    The other passes find moments of outputs; ``last`` says if those of the last layer are needed.
    """
    for layer in range(n_layers):
        yield layer, True
        if layer < n_layers - 1 or last:
            yield layer + 1, False


def by(W, copies=1):
    """A product with ``W`` for ``multiply``, of ``copies`` rows for each row of a block."""
    return lambda Z: Z @ W, len(W), copies


def multiply(jobs):
    """Compute the products of all jobs, with random rows that all blocks of a job share.

    A job is a number of rows, the number of entries by which ``block_slices`` cuts these rows, and
    the products of each block. A product is a tuple of a function of rows, the width of its rows,
    and how many of them there are for each row of the block.
    """
    rng = np.random.default_rng(0)
    for n_rows, n_columns, steps in jobs:
        blocks = block_slices(n_rows, n_columns)
        inputs = [
            rng.random((copies * blocks[0].stop, width), dtype=np.float32)
            for _, width, copies in steps
        ]
        for block in blocks:
            for (function, _, copies), Z in zip(steps, inputs, strict=True):
                function(Z[: copies * (block.stop - block.start)])


def cost(n_rows, n_columns, layers, n_workers, n_partitions, machine, *, n_frequencies, last):
    """Seconds of a fit through Dask by its products, its bytes and its merges.

    Each pass reads and checks the rows, encodes them, and writes the outputs of the layers below.
    All these entries are copied ``COPIES`` times. A layer of d inputs takes d^2 / 2 multiply-adds
    a row for its statistics, which are d^2 numbers of 8 bytes. Workers merge the statistics of all
    partitions in a tree, and the client solves the layer with d^3 multiply-adds. ``layers`` are
    the widths from the input on. ``machine`` holds the operations and the bytes copied a second of
    a worker ("flops", "bandwidth"), and the bytes sent a second ("network"). ``last`` says whether
    the outputs of the last layer have moments, too.
    """
    levels, left = 0, n_partitions
    while left > 1:
        left, levels = -(-left // FAN_IN), levels + 1
    flops, network = machine["flops"], machine["network"]
    n_workers = min(n_workers, n_partitions)
    # The first two passes look at columns and labels, and find a sample.
    seconds = 2 * one_pass(n_rows, n_columns, 0, n_workers, machine)
    for n_forward, is_squared in passes(len(layers) - 1, last):
        d = layers[n_forward]
        forward = sum(a * b for a, b in pairwise(layers[: n_forward + 1]))
        squared = d * d / 2 if is_squared else 0
        multiply_adds = n_columns * n_frequencies + forward + squared
        entries = n_columns + sum(layers[: n_forward + 1])
        seconds += one_pass(n_rows, entries, multiply_adds, n_workers, machine)
        size = 8 * (d * d if is_squared else 3 * d)
        seconds += size * n_partitions / network / n_workers
        seconds += size * FAN_IN * levels / network  # the last merges wait for each other
        seconds += 2 * d**3 / flops if is_squared else 0
    return seconds


def one_pass(n_rows, entries, multiply_adds, n_workers, machine):
    """Seconds of a pass; ``entries`` of 4 bytes and ``multiply_adds`` are those of a row."""
    copies = 4 * COPIES * entries / machine["bandwidth"]
    return n_rows * (2 * multiply_adds / machine["flops"] + copies) / n_workers
