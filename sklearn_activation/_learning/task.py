"""What a solver is asked, and what it answers."""

from dataclasses import dataclass, field

import numpy as np

from .._network import Network
from .._progress import Progress
from .._rows.encoded import EncodedRows
from .layer import ClosedLayer, Spectrum, random_rotation
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
        It chooses the learning time of each layer.
    seed : int
    dtype : numpy dtype of the weights
    learning_rate : float
    max_iter : int
        Most epochs.
    batch_size : int
        Rows of a mini-batch.
    progress : Progress
        It is told of every layer or epoch.
    n_jobs : int or None
        Threads that work on blocks of rows.
    previous : Solution or None
        The solution to go on from. It must not be changed.
    partial : bool
        Whether this is one pass over more rows instead of a whole training.
    activate_last : bool
        Whether the last layer's moments of \\|y\\| are wanted, too.
    sample : EncodedRows or None
        A sample of all rows so far.
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
    _rotations: dict = field(default_factory=dict, repr=False, compare=False)

    def rotation(self, layer, n_inputs):
        """The fixed random rotation of a layer, made when it is first needed."""
        key = layer, n_inputs, self.sizes[layer], self.seed, np.dtype(self.dtype)
        if key not in self._rotations:
            self._rotations[key] = random_rotation(
                n_inputs, self.sizes[layer], (self.seed, layer), self.dtype
            )
        return self._rotations[key]

    @property
    def averaged(self):
        """Whether the last layer's filter is the mean over learning times."""
        return self.rule.rate is not None

    def closed_layer(self, layer, moments, averaged=False):
        """The layer in closed form, from the statistics of its inputs."""
        spectrum = Spectrum(*moments.decompose(), self.sizes[layer], self.epsilon, averaged)
        return ClosedLayer(spectrum, lambda: self.rotation(layer, moments.n_inputs), self.dtype)


@dataclass(frozen=True)
class Solution:
    """A trained network with the statistics that later rows add to.

    Parameters
    ----------
    network : Network
    times : list of float
        The time that each layer has learned for.
    n_iter : int
        Epochs; 1 for the closed form.
    curve : ndarray of shape (n_points,)
        Mean output activation as training advanced.
    state : dict of arrays and numbers
        What ``partial_fit`` goes on from; empty if there is nothing to add to.
    layer : ClosedLayer or None
        The last layer in closed form, if it has one.
    certainty : Certainty or None
        What held-out rows say of probabilities.
    feedback : bool
        Whether it has learned from mistakes.
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
    """Base of the solvers: what a solver says of itself, and what it has to do.

    The cautious answers stand here: a solver that keeps nothing goes on from nothing.
    """

    # Whether ``state["moments"]`` of a solution holds statistics that later rows, ``merge`` and
    # scores without a row go by.
    keeps_moments = False
    # Whether ``warm_start`` goes on from the weights there are.
    goes_on_from_weights = False
    # Whether the last layer's flow can be averaged over learning times.
    averages = False
    # Whether the rates of updates with feedback, which start from it, count as learning time.
    counts_rates_as_time = False
    # Maximum number of epochs where the estimator's ``max_iter`` is None: of the solver, and of
    # feedback that starts from it.
    max_epochs = 100
    max_feedback_epochs = 20

    def solve(self, rows, task):
        """The ``Solution`` of a ``Task`` for ``EncodedRows``."""
        raise NotImplementedError

    def start(self, rows, task):
        """The solution that feedback starts from."""
        return self.solve(rows, task)
