"""What a detector has learned, of tables and of series alike."""

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
        What thresholds and p-values compare with.
    chosen : dict
        The threshold that the user has set: "score" or "p", or nothing.
    training_scores : ndarray of shape (n_rows,)
        Scores of the last batch, without themselves.
    memory : Memory
        Rows that are recognised.
    rate : float or None
        Reciprocal of the mean learning time of an averaged last layer.
    n_features : int
        Columns of the rows, or channels.
    is_categorical : ndarray of bool of shape (n_features,), or None
        Which columns hold categories.
    """

    # How many typical rows an explained row is compared with.
    n_references: ClassVar[int] = 5
    # What kinds of models have, and others have not: see ``TableModel`` and ``SeriesModel``.
    by_units: ClassVar[bool] = False
    contamination: ClassVar = None
    width: ClassVar = None
    series: ClassVar = None
    tail: ClassVar = None

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

    @property
    def widest(self):
        """Entries of a row where it is widest; blocks of such rows fit a core's cache."""
        return 4 * super().widest

    def activation(self, X):
        """Activation of rows, or of windows, in double precision."""
        raise NotImplementedError

    def hashes(self, X):
        """64-bit hashes by which rows, or windows, are recognised."""
        raise NotImplementedError

    def read(self, X, time=None, groups=None):
        """What ``judge`` and ``explain`` take, of validated rows or time stamps."""
        raise NotImplementedError

    def judge(self, found):
        """Scores of what ``read`` returns."""
        raise NotImplementedError

    def with_threshold(self, chosen, contamination):
        """The model with the threshold that the user has set, or the automatic one."""
        return replace(self, chosen=chosen)

    def score(self, X):
        """Activation of rows or windows, by what all others teach of those that are recognised."""
        return self.recall(X, self.activation(X))

    def recognise(self, X):
        """Which rows, or windows, were learned, and where they stand in the memory."""
        if not len(self.memory):  # then hashes are not worth their time
            return np.empty((2, 0), dtype=np.intp)
        return self.memory.find(self.hashes(X))

    def recall(self, X, scores):
        """``scores`` with those of rows that are recognised."""
        rows, at = self.recognise(X)
        if len(rows):
            scores = scores.copy()
            scores[rows] = self.memory.scores[at]
        return scores

    def remember(self, X, weight, scores, merged=False):
        """The model that recognises rows ``X``, which have these scores without themselves."""
        return replace(self, memory=Memory.of(self.hashes(X), weight, scores, merged))

    def typical_rows(self, n_rows=512):
        """The better half of the training sample, at most ``n_rows``."""
        X = self.sample.X
        order = np.argsort(-self.activation(X), kind="stable")
        return X[order[: -(-len(X) // 2)]][:n_rows]

    def explain(self, X):
        """Contributions of columns to the activation that rows have lost, block by block."""
        typical = self.typical_rows()
        n_columns = self.n_features * self.n_references * X.shape[1]
        return self.map(lambda block: self.explain_block(block, typical), X, n_columns)

    def explain_block(self, X, typical):
        """Contribution of every column, or channel, to the activation that rows have lost."""
        X = np.asarray(X).astype(np.result_type(X, typical), copy=False)  # it gets their entries
        missing, score = np.isnan(X), self.score_of_others(X)
        X = self.fill(X)
        references = nearest_references(self, X, typical, n_references=self.n_references)
        rng = np.random.default_rng([self.seed, 3])
        return attribute_loss(X, missing, references, self.n_features, score, rng)

    def score_of_others(self, X):
        """A function that scores as many rows as ``X``, each in the place of one of them."""
        return self.activation

    def fill(self, X):
        """Rows with what is likely in the place of NaN; windows have none."""
        return X
