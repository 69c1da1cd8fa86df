"""The question that a solver gets, the answer that it returns, and the base class of solvers."""

from dataclasses import dataclass, field

import numpy as np

from .._network import Network
from .._progress import Progress
from .._rows.encoded import EncodedRows
from .layer import ClosedLayer, Spectrum, random_rotation
from .mean_field import MeanFieldLayer
from .sharpness import Certainty
from .time_rules import TimeRule


@dataclass(frozen=True)
class Task:
    """Everything a solver needs to know besides the rows.

    Parameters
    ----------
    sizes : list of int
        Units of every layer.
    activation : str
        A key of ``ACTIVATIONS``.
    epsilon : float
        The isotropic start is W W^T = epsilon I.
    rule : TimeRule
        The rule that chooses the learning time of each layer.
    seed : int
    dtype : numpy dtype of the weights
    learning_rate : float
    max_iter : int
        Maximum number of epochs.
    batch_size : int
        Number of rows of a mini-batch.
    progress : Progress
        Object to which the solver reports each layer or epoch.
    n_jobs : int or None
        Number of threads that work on blocks of rows.
    previous : Solution or None
        The solution from which the training goes on. A solver must not change this solution.
    partial : bool
        True for one pass over new rows (``partial_fit``), False for a whole training.
    activate_last : bool
        Whether the solution needs the moments of \\|y\\| of the last layer.
    sample : EncodedRows or None
        A sample of all rows learned so far.
    grids : list of Grid or None
        The grid of each layer with local connections, and None for each full layer.
    """

    sizes: list
    activation: str
    epsilon: float
    rule: TimeRule
    seed: int
    dtype: np.dtype
    learning_rate: float
    max_iter: int
    batch_size: int
    progress: Progress
    n_jobs: int | None
    previous: "Solution | None" = None
    partial: bool = False
    activate_last: bool = False
    sample: EncodedRows | None = None
    grids: list | None = None
    _rotations: dict = field(default_factory=dict, repr=False, compare=False)

    def rotation(self, layer, n_inputs):
        """Return the fixed random rotation of a layer, which is made on first use."""
        key = layer, n_inputs, self.sizes[layer], self.seed, np.dtype(self.dtype)
        if key not in self._rotations:
            self._rotations[key] = random_rotation(
                n_inputs, self.sizes[layer], (self.seed, layer), self.dtype
            )
        return self._rotations[key]

    @property
    def averaged(self):
        """Whether the last layer averages its flow over learning times."""
        return self.rule.rate is not None

    def grid(self, layer):
        """Return the ``Grid`` of a layer with local connections, or None for a full layer."""
        return None if self.grids is None else self.grids[layer]

    def closed_layer(self, layer, moments, averaged=False):
        """Return the layer that follows from the statistics of its inputs.

        The result is a ``ClosedLayer``, or a ``MeanFieldLayer`` for local connections.
        """
        if self.grid(layer) is not None:
            seed = self.seed, layer
            return MeanFieldLayer(moments, self.grid(layer), self.epsilon, seed, self.dtype)
        spectrum = Spectrum(*moments.decompose(), self.sizes[layer], self.epsilon, averaged)
        return ClosedLayer(spectrum, lambda: self.rotation(layer, moments.n_inputs), self.dtype)


@dataclass(frozen=True)
class Solution:
    """A trained network, with the statistics to which later rows are added.

    Parameters
    ----------
    network : Network
    times : list of float
        The learning time of each layer.
    n_iter : int
        Number of epochs, which is 1 for the closed form.
    curve : ndarray of shape (n_points,)
        Mean output activation of the training rows at successive points of the training.
    state : dict of arrays and numbers
        Statistics from which ``partial_fit`` goes on, or an empty dictionary if the solver keeps
        none.
    layer : ClosedLayer or None
        The last layer in closed form, if the solver works in closed form.
    certainty : Certainty or None
        Numbers by which activations become probabilities, fitted to held-out rows.
    feedback : bool
        Whether the network has learned from its mistakes.
    """

    network: Network
    times: list
    n_iter: int
    curve: np.ndarray
    state: dict = field(default_factory=dict)
    layer: ClosedLayer | None = None
    certainty: Certainty | None = None
    feedback: bool = False


class Solver:
    """Base class of solvers. A subclass implements ``solve``, and attributes say what it can do.

    The defaults hold for a solver that keeps no statistics and always starts anew.
    """

    # True if ``state["moments"]`` of a solution holds statistics of the rows. ``partial_fit``,
    # ``merge`` and leave-one-out scores need these statistics.
    keeps_moments = False
    # Whether ``warm_start`` starts from the existing weights.
    goes_on_from_weights = False
    # Whether the solver can average the flow of the last layer over learning times.
    averages = False
    # Whether the learning rates of updates with feedback add to the learning time.
    counts_rates_as_time = False
    # Maximum numbers of epochs if the estimator's ``max_iter`` is None. The first number holds for
    # the solver, and the second for feedback that starts from the solver's solution.
    max_epochs = 100
    max_feedback_epochs = 20

    def solve(self, rows, task):
        """Return the ``Solution`` of a ``Task`` for the ``EncodedRows`` in ``rows``."""
        raise NotImplementedError

    def start(self, rows, task):
        """Return the solution from which feedback starts."""
        return self.solve(rows, task)
