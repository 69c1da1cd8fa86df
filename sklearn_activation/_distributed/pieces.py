"""Pieces of a table that workers read, and passes over all of them."""

from dataclasses import dataclass
from uuid import uuid4

import dask

from .threads import one_blas_thread

# So many results are merged by one task.
FAN_IN = 8


@dataclass(frozen=True)
class Pieces:
    """The pieces of a table.

    Parameters
    ----------
    parts : list of tuple
        Each part is a tuple of the rows, the labels or None, and the weights or None. Rows, labels
        and weights are Dask's ``Delayed`` objects.
    """

    parts: list

    def __len__(self):
        return len(self.parts)

    @property
    def n_levels(self):
        """The number of results, one inside the other, that a row passes on its way to the top."""
        n, levels = len(self.parts), 1
        while n > 1:
            n, levels = -(-n // FAN_IN), levels + 1
        return levels

    def reduce(self, function, merge, name):
        """Return the merged results of ``function`` of all pieces.

        Workers read the pieces and merge the results in a tree, so no machine holds more than
        ``FAN_IN`` results at once. The order of the merges follows from the order of the pieces.

        Parameters
        ----------
        function : callable
            A function of the tuple of a piece. The result None stands for a piece without rows.
        merge : callable
            A function that merges two results, and may change the first one.
        name : str
            The name of the tasks in Dask's dashboard. The name has no hyphens.

        Returns
        -------
        result : object or None
            None if each piece had the result None.
        """
        # The function, which may hold a network, is one key of the graph. Each worker gets this
        # key once.
        pass_id = uuid4().hex
        function = dask.delayed(function, name=f"{name}_function-{pass_id}", traverse=False)
        read, join = dask.delayed(call_on_piece, pure=False), dask.delayed(merge_all, pure=False)
        results = [
            read(function, *part, i, dask_key_name=f"{name}-{pass_id}-{i}")
            for i, part in enumerate(self.parts)
        ]
        level = 0
        while len(results) > 1:
            level += 1
            results = [
                join(merge, results[i : i + FAN_IN], dask_key_name=f"{name}_merge-{pass_id}-{key}")
                for key, i in enumerate(range(0, len(results), FAN_IN), start=level * len(self))
            ]
        return dask.compute(results[0])[0]


def call_on_piece(function, X, y, weight, number):
    """Return ``function`` of a piece. An error names the number of the piece."""
    with one_blas_thread():
        try:
            return function((X, y, weight))
        except (ValueError, TypeError) as error:
            raise ValueError(f"Partition {number}: {error}") from error


def merge_all(merge, results):
    """Return the merged results of several pieces, or None if all of them are None."""
    found = None
    with one_blas_thread():
        for result in results:
            if found is None:
                found = result
            elif result is not None:
                found = merge(found, result)
    return found
