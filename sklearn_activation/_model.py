"""The result of a training: one value, from which an estimator gets its attributes."""

from dataclasses import dataclass, fields, replace

import numpy as np

from ._blocks import map_blocks
from ._learning.moments import merge_states, scale_states
from ._learning.task import Solution
from ._rows.encoded import EncodedRows
from ._rows.encoding import SAMPLE_SIZE, Encoding
from ._rows.sample import Sample


@dataclass(frozen=True)
class Model:
    """A trained network, with everything that its use and later trainings need.

    Parameters
    ----------
    solution : Solution
        Network with its learning times and its statistics.
    encoding : Encoding
        Encoding that turns rows into the input of the network.
    sample : Sample
        Training rows that the model keeps.
    seed : int
        Seed of the rotations and of random starts.
    epsilon : float
        Activation of an input before training, where W W^T = epsilon I.
    solver : str
        Name of the solver.
    n_seen : float
        Total weight of all rows that were learned.
    n_labels : int
        Width of the label block.
    n_jobs : int or None
        Number of threads that work on blocks of rows when the model is used.
    """

    solution: Solution
    encoding: Encoding
    sample: Sample
    seed: int
    epsilon: float
    solver: str
    n_seen: float
    n_labels: int = 0
    n_jobs: int | None = None

    def extend(self, kind, **more):
        """Return the same model as a model of class ``kind``, with the attributes ``more``."""
        return kind(**{f.name: getattr(self, f.name) for f in fields(Model)}, **more)

    @property
    def network(self):
        return self.solution.network

    @property
    def dtype(self):
        return self.network.coefs[0].dtype

    @property
    def widest(self):
        """Number of entries of a row at the widest place between input and output."""
        return max(max(W.shape) for W in self.network.coefs)

    def encode(self, X):
        """Return the encoded rows without labels, in the precision of the weights."""
        return EncodedRows(X, self.encoding, dtype=self.dtype).data()

    def map(self, function, X, n_columns=None):
        """Return the results of ``function`` for all blocks of rows of ``X``, in one array.

        ``n_columns`` is that of ``map_blocks``. By default, blocks fit the cache of one core.
        """
        out = None
        for block, found in map_blocks(
            lambda block: (block, function(X[block])),
            len(X),
            n_columns or 8 * self.widest,
            self.n_jobs,
        ):
            if out is None:
                out = np.empty((len(X), *found.shape[1:]), dtype=found.dtype)
            out[block] = found
        return out

    def energies(self, X):
        """Return the output activation ||y||^2 of rows without labels, shape (n_rows,)."""
        return self.map(lambda block: self.network.energies(self.encode(block)), X)

    def scale(self, factor):
        """Return the model as if all learned rows weighed ``factor`` times as much."""
        state = self.solution.state
        if state:  # A compact model, and a model of solver="hebbian", have no statistics.
            state = scale_states(state, factor)
        return replace(
            self,
            solution=replace(self.solution, state=state),
            sample=replace(self.sample, weight=self.sample.weight * factor),
            n_seen=self.n_seen * factor,
        )

    def join(self, other):
        """Return this model, with its network, and with the statistics of both models."""
        state = merge_states(self.solution.state, other.solution.state)
        return replace(
            self,
            solution=replace(self.solution, state=state),
            sample=self.sample.joined(other.sample, SAMPLE_SIZE),
            n_seen=self.n_seen + other.n_seen,
        )
