"""What an estimator asks of a solver, and what it gets back."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from .._network import Network
from .._progress import Progress
from .._rows.encoded import EncodedRows


@dataclass
class Feedback:
    """How to learn from mistakes (see ``_feedback``)."""

    unlearning_factor: float
    gap: float
    max_iter: int
    n_iter_no_change: int
    choose_time: Callable  # of the closed form that it starts from, as in ``Task``
    # On trial, taken only if it helps on held-out rows: (share of them) chooses the
    # learning times of the rival without feedback on other rows.
    plan_rival: Callable | None = None


@dataclass
class Wishes:
    """What a round of learning from its own labels asks in the place of parameters."""

    feedback: bool
    share: float  # of the epochs of feedback
    known: np.ndarray  # mask of rows whose labels are not the network's
    sharpness: float  # of probabilities, if too few of those can be held out


@dataclass
class Task:
    """Everything a solver needs to know besides the rows."""

    sizes: list  # units of every layer
    activation: str
    epsilon: float  # isotropic start, W W^T = epsilon I
    times: list | None  # learning time of every layer, None to choose
    choose_time: Callable  # (layer, moments, network) -> learning time
    seed: int
    dtype: np.dtype
    learning_rate: float
    max_iter: int
    batch_size: int
    progress: Progress
    n_jobs: int | None
    previous: "Solution | None" = None  # to go on from
    partial: bool = False  # one pass over more rows instead of a whole training
    averaged: bool = False  # the last layer's filter is the mean over learning times
    activate_last: bool = False  # the last layer's moments of |y| are wanted, too
    sample: EncodedRows | None = None  # of all rows so far, for a partial training
    feedback: Feedback | None = None
    wishes: Wishes | None = None
    units: np.ndarray | None = None  # which unit each row belongs to
    held: EncodedRows | None = None  # rows held out from feedback
    rotations: dict = field(default_factory=dict)  # by layer, made when first needed


@dataclass
class Solution:
    """A trained network with the statistics that later rows add to."""

    network: Network
    times: list
    n_iter: int
    curve: np.ndarray  # mean output activation as training advanced
    state: dict = field(default_factory=dict)  # of plain arrays and numbers
    spectrum: object = None  # _flow.Spectrum of the last layer, if it has one
