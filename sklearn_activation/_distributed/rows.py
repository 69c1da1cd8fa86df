"""The rows of a training that are not in memory, but in pieces that workers read."""

from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from .._rows.refill import merge_values, values_by_code
from .._rows.rows import Rows, unknown_rows
from .._rows.sample import Sample
from .._training import SEARCH_SIZE
from .draw import (
    choose_candidates,
    copies_to_draw,
    fetch,
    find_candidates,
    join_candidates,
    join_fetched,
    weigh,
)
from .pieces import Pieces


@dataclass(frozen=True)
class RowsInPieces:
    """Rows of numbers with labels and weights, with the methods of ``_rows.rows.Rows``.

    Each method makes one pass over the pieces or more.

    Parameters
    ----------
    pieces : Pieces
    reader : callable
        A function that reads a piece and returns its ``Rows``, or None if it has no rows.
    n_rows, n_columns : int
    dtype : numpy dtype
    total_weight : float
    fill : callable, default=None
        A function that fills the gaps of rows.
    samples : list of Sample
        The sample that a pass has found, so that no second pass looks for it.
    """

    pieces: Pieces
    reader: object
    n_rows: int
    n_columns: int
    dtype: np.dtype
    total_weight: float
    fill: object = None
    samples: list = field(default_factory=list)
    # A training shows the rows to callbacks of scikit-learn, but these rows are not in memory.
    X = labels = weight = None
    # Whether an entry is missing would take a pass of its own to find out.
    has_gaps = True

    def reduce(self, function, merge, name, finish=None):
        """Return the merged results of ``function`` of the ``Rows`` of each piece.

        ``Pieces.reduce`` explains ``merge``, ``name`` and ``finish``.
        """
        call = partial(call_on_rows, reader=self.reader, fill=self.fill, function=function)
        return self.pieces.reduce(call, merge, name, finish)

    def filled(self, fill):
        """Return the same rows with the gaps filled by the function ``fill`` of rows."""
        return replace(self, fill=fill)

    def sample(self, size):
        """Return the ``Sample`` of the ``size`` rows with the smallest hashes."""
        if not self.samples:
            most = max(size, SEARCH_SIZE)
            unfilled = replace(self, fill=None)
            found = unfilled.reduce(
                partial(Rows.sample, size=most), partial(Sample.joined, size=most), "sample"
            )
            self.samples.append(found)
        sample = self.samples[0].smallest(size)
        return sample if self.fill is None else replace(sample, X=self.fill(sample.X))

    def encoded(self, encoding, n_labels, dtype):
        """Return the rows as input of a network."""
        return EncodedPieces(self, encoding, n_labels, dtype)

    def gather(self, name="gather"):
        """Return all rows in memory as ``Rows``, in their order."""
        return self.reduce(identity, join_rows, name)

    def counted(self, *, unknown=True):
        """Return the rows with a positive weight.

        With ``unknown=False``, rows without known entries are left out, too.
        """
        reader = partial(read_counted, reader=self.reader, unknown=unknown)
        return replace(self, reader=reader, samples=[])

    def values_by_code(self, is_categorical):
        """Return the codes and values of the categories, by number of the column."""
        call = partial(read_values, reader=self.reader, is_categorical=is_categorical)
        return self.pieces.reduce(call, merge_values, "categories")

    def draw(self, size):
        """Return about ``size`` rows, drawn as ``_rows.sample.draw_evenly`` draws rows.

        Returns
        -------
        X : ndarray of shape (n_drawn, n_columns), or None
            The drawn rows, or None if there are no more than ``size`` rows.
        total : float
            The weight of all rows.
        n_rows : int
            The number of all rows.
        """
        choose = partial(choose_candidates, size=size * self.pieces.n_levels)
        found = self.reduce(find_candidates, join_candidates, "draw_candidates", choose)
        if found is None:
            return None, 0.0, 0
        if found.n_rows <= size:
            return None, found.total, found.n_rows
        mass = self.reduce(partial(weigh, hashes=found.hashes), np.add, "draw_weights")
        hashes, copies = copies_to_draw(found.hashes, mass, found.total, size)
        _, X = self.reduce(partial(fetch, hashes=hashes), join_fetched, "draw_rows")
        return np.repeat(X, copies, axis=0), found.total, found.n_rows


@dataclass(frozen=True)
class EncodedPieces:
    """Rows in pieces as input of a network: what a solver needs of ``EncodedRows``."""

    rows: RowsInPieces
    encoding: object
    n_labels: int
    dtype: np.dtype

    @property
    def n_data(self):
        return self.encoding.n_outputs

    @property
    def n_inputs(self):
        return self.n_data + self.n_labels

    def fit_in_block(self, n_columns):
        """Return False: the rows are never in memory together."""
        return False

    def reduce(self, function, merge, name, n_jobs=None):
        """Return the merged results of ``function(rows, n_jobs=None)`` of the pieces.

        The workers are the threads, so ``n_jobs`` does not count.
        """
        call = partial(
            call_on_encoded,
            encoding=self.encoding,
            n_labels=self.n_labels,
            dtype=self.dtype,
            function=function,
        )
        return self.rows.reduce(call, merge, name)


def call_on_rows(piece, reader, fill, function):
    """Return ``function`` of the ``Rows`` of a piece, or None if it has no rows."""
    rows = reader(piece)
    if rows is None:
        return None
    return function(rows if fill is None else rows.filled(fill))


def call_on_encoded(rows, encoding, n_labels, dtype, function):
    """Return ``function`` of ``Rows`` as input of a network."""
    return function(rows.encoded(encoding, n_labels, dtype), n_jobs=None)


def identity(rows):
    return rows


def join_rows(ours, theirs):
    """Return the ``Rows`` of both."""
    labels = None if ours.labels is None else np.concatenate([ours.labels, theirs.labels])
    weight = np.concatenate([ours.weight, theirs.weight])
    return Rows(np.concatenate([ours.X, theirs.X]), labels, weight)


def read_values(piece, reader, is_categorical):
    """Return the codes and values of the categories in a piece, by number of the column."""
    rows = reader(piece)
    return None if rows is None else values_by_code(piece.X, rows.X, is_categorical)


def read_counted(piece, reader, unknown):
    """Return the ``Rows`` of a piece without the rows that do not count: see ``counted``."""
    rows = reader(piece)
    if rows is None:
        return None
    counts = rows.weight > 0
    if not unknown:
        counts &= ~unknown_rows(rows.X)
    if counts.all():
        return rows
    if not counts.any():
        return None
    labels = None if rows.labels is None else rows.labels[counts]
    return Rows(rows.X[counts], labels, rows.weight[counts])
