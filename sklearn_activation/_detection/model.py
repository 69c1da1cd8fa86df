"""What a detector has learned, and the steps that tables and series share."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from .._model import Model
from .explain import attribute_loss, nearest_references
from .memory import Memory
from .threshold import Calibration


@dataclass(frozen=True)
class DetectorModel(Model):
    """A ``Model`` with a threshold.

    Parameters
    ----------
    calibration : Calibration
        The scores with which thresholds and p-values compare.
    chosen : dict
        The threshold that the user has set, by the key "score" or "p", or an empty dictionary.
    training_scores : ndarray of shape (n_rows,)
        Leave-one-out scores of the last batch.
    memory : Memory
        Training rows that are recognised.
    rate : float or None
        Reciprocal of the mean learning time of an averaged last layer.
    n_features : int
        Number of columns of the rows, or of channels of a series.
    is_categorical : ndarray of bool of shape (n_features,), or None
        The columns of categories.
    """

    # Number of typical rows with which an explained row is compared.
    n_references: ClassVar[int] = 5
    # Fields that only ``TableModel`` or only ``SeriesModel`` has. The other class has these
    # defaults.
    by_units: ClassVar[bool] = False
    contamination: ClassVar = None
    width: ClassVar = None
    series: ClassVar = None
    tail: ClassVar = None
    record: ClassVar = None

    calibration: Calibration | None = None
    chosen: dict | None = None
    training_scores: np.ndarray | None = None
    memory: Memory | None = None
    rate: float | None = None
    n_features: int = 0
    is_categorical: np.ndarray | None = None

    @property
    def offset(self):
        """The score below which rows are outliers."""
        return self.chosen.get("score", self.calibration.threshold)

    def activation(self, X):
        """Return the activation of rows or windows in double precision."""
        raise NotImplementedError

    def hashes(self, X):
        """Return 64-bit hashes by which rows or windows are recognised."""
        raise NotImplementedError

    def read(self, X, time=None, groups=None):
        """Return validated rows or time steps in the form that ``judge`` and ``explain`` take."""
        raise NotImplementedError

    def judge(self, found):
        """Return the scores of the result of ``read``."""
        raise NotImplementedError

    def with_threshold(self, chosen, contamination):
        """Return the model with the threshold that the user has set, or with the automatic one."""
        return replace(self, chosen=chosen)

    def score(self, X):
        """Return the activation of rows or windows.

        A row that is recognised gets its leave-one-out score.
        """
        return self.recall(X, self.activation(X))

    def recognise(self, X):
        """Return which rows or windows were learned, and their places in the memory."""
        if not len(self.memory):  # without a memory, hashes would take time for nothing
            return np.empty((2, 0), dtype=np.intp)
        return self.memory.find(self.hashes(X))

    def recall(self, X, scores):
        """Return ``scores`` in which recognised rows have their leave-one-out scores."""
        rows, at = self.recognise(X)
        if len(rows):
            scores = scores.copy()
            scores[rows] = self.memory.scores[at]
        return scores

    def remember(self, X, weight, scores, merged=False):
        """Return the model that recognises rows ``X`` and knows their leave-one-out scores."""
        return replace(self, memory=Memory.of(self.hashes(X), weight, scores, merged))

    def typical_rows(self, n_rows=512):
        """Return at most ``n_rows`` rows of the better-scored half of the training sample."""
        X = self.sample.X
        order = np.argsort(-self.activation(X), kind="stable")
        return X[order[: -(-len(X) // 2)]][:n_rows]

    def explain(self, X):
        """Return the contributions of columns to the activation that rows have lost."""
        typical = self.typical_rows()
        n_columns = self.n_features * self.n_references * X.shape[1]
        return self.map(lambda block: self.explain_block(block, typical), X, n_columns)

    def explain_block(self, X, typical):
        """Return the contributions of columns, or channels, for one block of rows."""
        # ``X`` receives entries of ``typical``
        X = np.asarray(X).astype(np.result_type(X, typical), copy=False)
        missing, score = np.isnan(X), self.score_of_others(X)
        X = self.fill(X)
        references = nearest_references(self, X, typical, n_references=self.n_references)
        rng = np.random.default_rng([self.seed, 3])
        return attribute_loss(X, missing, references, self.n_features, score, rng)

    def score_of_others(self, X):
        """Return a function that scores an array of the shape of ``X``.

        Row i of the array stands in for row i of ``X``, and is scored as a new row.
        """
        return self.activation

    def fill(self, X):
        """Return rows with gaps filled. Windows have no gaps and stay unchanged."""
        return X
