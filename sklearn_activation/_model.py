"""What a training returns: one value, from which an estimator's attributes are made."""

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
    """A trained network with all that its use and later training need.

    Parameters
    ----------
    solution : Solution
        The network, its learning times and statistics.
    encoding : Encoding
        How rows become its input.
    sample : Sample
        Training rows that are kept.
    seed : int
        The seed of rotations and random starts.
    epsilon : float
        The isotropic start was W W^T = epsilon I.
    solver : str
        The name of the solver.
    n_seen : float
        The weight of all rows that were learned.
    n_labels : int
        Width of the label block.
    n_jobs : int or None
        Threads that work on blocks of rows when the model is used.
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
        """The same as a ``kind`` of model that holds ``more``."""
        return kind(**{f.name: getattr(self, f.name) for f in fields(Model)}, **more)

    @property
    def network(self):
        return self.solution.network

    @property
    def dtype(self):
        return self.network.coefs[0].dtype

    @property
    def widest(self):
        """Entries of the largest row between input and output."""
        return max(max(W.shape) for W in self.network.coefs)

    def encode(self, X):
        """Data blocks of rows, in the precision of the weights."""
        return EncodedRows(X, self.encoding, dtype=self.dtype).data()

    def map(self, function, X, n_columns=None):
        """``function`` of every block of rows of ``X``, put together."""
        found = map_blocks(
            lambda block: function(X[block]), len(X), n_columns or self.widest, self.n_jobs
        )
        return np.concatenate(list(found))

    def energies(self, X):
        """Output activation ||y||^2 of rows without labels, shape (n_rows,)."""
        return self.map(lambda block: self.network.energies(self.encode(block)), X)

    def scale(self, factor):
        """The model as if all rows that it has learned weighed ``factor`` times as much."""
        state = self.solution.state
        if state:  # a compact model, or the rule's, has none
            state = scale_states(state, factor)
        return replace(
            self,
            solution=replace(self.solution, state=state),
            sample=replace(self.sample, weight=self.sample.weight * factor),
            n_seen=self.n_seen * factor,
        )

    def join(self, other):
        """What another model's statistics add to this one's; the network stays as it is."""
        state = merge_states(self.solution.state, other.solution.state)
        return replace(
            self,
            solution=replace(self.solution, state=state),
            sample=self.sample.joined(other.sample, SAMPLE_SIZE),
            n_seen=self.n_seen + other.n_seen,
        )
