"""Training rows that a detector recognises by their hashes."""

from dataclasses import dataclass

import numpy as np

from .._rows.sample import match_hashes
from .copies import copy_weight


@dataclass(frozen=True)
class Memory:
    """Hashes of training rows, ascending, with the leave-one-out scores of these rows.

    Parameters
    ----------
    hashes : ndarray of uint64 of shape (n_rows,)
    scores : ndarray of shape (n_rows,)
    weight : ndarray of shape (n_rows,)
        Weight of a single copy of each row.
    """

    hashes: np.ndarray
    scores: np.ndarray
    weight: np.ndarray

    @classmethod
    def empty(cls):
        return cls(np.empty(0, dtype=np.uint64), *np.empty((2, 0)))

    @classmethod
    def of(cls, hashes, weight, scores, merged=False, lone_share=0.95):
        """Return the memory of rows.

        The memory stays empty if less than ``lone_share`` of the rows have no copies. If many
        training rows have copies, a new row often equals a training row by chance, and must not be
        taken for that training row.
        """
        copy = copy_weight(weight, merged)
        order = np.lexsort((scores, hashes))
        hashes, first = np.unique(hashes[order], return_index=True)
        first = order[first]
        if len(first) < lone_share * (weight / copy).sum():
            return cls.empty()
        return cls(hashes, scores[first], copy[first])

    def __len__(self):
        return len(self.hashes)

    def find(self, hashes):
        """Return which of some hashes are in the memory, and their places in the memory."""
        return match_hashes(hashes, self.hashes)
