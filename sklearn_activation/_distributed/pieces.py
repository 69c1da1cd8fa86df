"""Pieces of a table that workers read, and passes over all of them."""

from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from uuid import uuid4

import dask
from dask.delayed import Delayed

from .._threads import one_blas_thread

# So many results are merged by one task.
FAN_IN = 8


@dataclass(frozen=True)
class Piece:
    """A piece of a table in the memory of a worker.

    Parameters
    ----------
    X : array or data frame of shape (n_rows, n_columns)
    y : array, series or None
        Labels of the rows.
    weight : array, series or None
        Weights of the rows.
    number : int
        The number of the partition.
    """

    X: object
    y: object
    weight: object
    number: int


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

    def reduce(self, function, merge, name, finish=None):
        """Return the merged results of ``function`` of all pieces.

        Workers read the pieces and merge the results in a tree, so no machine holds more than
        ``FAN_IN`` results at once. The order of the merges follows from the order of the pieces.

        Parameters
        ----------
        function : callable
            A function of a ``Piece``. The result None stands for a piece without rows.
        merge : callable
            A function that merges two results, and may change the first one.
        name : str
            The name of the tasks in Dask's dashboard. The name has no hyphens.
        finish : callable, default=None
            A function that each task calls with its merged result, for instance to shorten the
            result.

        Returns
        -------
        result : object or None
            None if each piece had the result None.
        """
        pass_id = uuid4().hex
        function, *_ = send([function], f"{name}_function")
        read, join = dask.delayed(call_on_piece, pure=False), dask.delayed(merge_all, pure=False)
        results = [
            read(function, finish, *part, i, dask_key_name=f"{name}-{pass_id}-{i}")
            for i, part in enumerate(self.parts)
        ]
        level = 0
        while len(results) > 1:
            level += 1
            groups = [results[i : i + FAN_IN] for i in range(0, len(results), FAN_IN)]
            results = [
                join(merge, finish, group, dask_key_name=f"{name}_merge-{pass_id}-{level}_{i}")
                for i, group in enumerate(groups)
            ]
        return dask.compute(results[0])[0]


def send(objects, name):
    """Return objects of the client as Dask's ``Delayed``, which workers get once.

    ``name`` is the name of the tasks. The objects stay at the workers while a ``Delayed`` exists.
    """
    # The objects go to the workers here, and not with the graph of each pass. Dask would warn of
    # a large graph, and advise the user to do what this function does.
    key = "distributed.admin.large-graph-warning-threshold"
    # Before distributed is imported, its settings must not be touched.
    quiet = {} if dask.config.get(key, None) is None else {key: "1 TB"}
    with dask.config.set(quiet):
        return dask.persist(
            *[dask.delayed(o, name=f"{name}-{uuid4().hex}", traverse=False) for o in objects]
        )


def call_on_piece(function, finish, X, y, weight, number):
    """Return ``function`` of a piece. An error names the number of the piece."""
    with one_blas_thread():
        with errors_name(number):
            found = function(Piece(X, y, weight, number))
        return found if found is None or finish is None else finish(found)


def merge_all(merge, finish, results):
    """Return the merged results of several pieces, or None if all of them are None."""
    found, *others = [result for result in results if result is not None] or [None]
    if not others:
        return found
    # Dask keeps the results until the merged result is safe, and may merge them once more.
    found = deepcopy(found)
    with one_blas_thread():
        for other in others:
            found = merge(found, other)
        return found if finish is None else finish(found)


@contextmanager
def errors_name(number):
    """Let errors name the number of a partition, unless the number is None."""
    try:
        yield
    except (ValueError, TypeError) as error:
        if number is None:
            raise
        raise ValueError(f"Partition {number}: {error}") from error


def refuse_lone_delayed(name, values):
    """Raise a ValueError for a single Delayed, which seems to have any attribute."""
    if isinstance(values, Delayed):
        raise ValueError(f"{name} is a single Delayed object. Give the list [{name}].")
