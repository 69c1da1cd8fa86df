"""Draws of rows in proportion to their weights, from pieces of a table.

``_rows.sample.draw_evenly`` draws the same rows from a table in memory. A row is drawn about
``size`` / W times its weight, where W is the weight of all rows. The weight of a row includes all
copies of the row, which may stand in several pieces. No piece knows this weight, and no machine
can hold the weights of all rows. The first pass therefore finds candidates, and the second pass
adds up their weights.

Candidates are chosen in each piece, and again in each group of pieces on the way to the top. A
choice leaves a row out if u T > slack ``size`` m. Here u is the pseudorandom number of the row, m
is the weight of the row that is known in the group, and T is the weight of all rows of the group.
The choices of one level therefore leave out a weight of less than u W / (slack ``size``) together.
With a slack of the number of levels, all choices leave out less than u W / ``size``. A row is
drawn only if its weight is larger than u W / ``size``, so no row is missed that is drawn in the
end.
"""

from dataclasses import dataclass

import numpy as np

from .._rows.sample import add_copies, find_rows, n_copies, uniform_of


@dataclass
class Candidates:
    """Hashes of the rows that may be drawn.

    Parameters
    ----------
    hashes : ndarray of uint64 of shape (n_candidates,)
        Ascending hashes of rows.
    mass : ndarray of shape (n_candidates,)
        The weight that is known of each row.
    total : float
        The weight of all rows.
    n_rows : int
        The number of all rows.
    """

    hashes: np.ndarray
    mass: np.ndarray
    total: float
    n_rows: int


def find_candidates(rows):
    """Return the ``Candidates`` of ``Rows`` before a choice: all distinct rows."""
    hashes, mass = add_copies(rows.hashes, rows.weight)
    return Candidates(hashes, mass, rows.total_weight, len(rows.X))


def join_candidates(ours, theirs):
    """Return the ``Candidates`` of two sets of rows together."""
    hashes = np.concatenate([ours.hashes, theirs.hashes])
    mass = np.concatenate([ours.mass, theirs.mass])
    if len(hashes):
        hashes, mass = add_copies(hashes, mass)
    return Candidates(hashes, mass, ours.total + theirs.total, ours.n_rows + theirs.n_rows)


def choose_candidates(found, size):
    """Return the candidates that can be drawn; ``size`` is the number to draw, with slack.

    A row can be drawn if its pseudorandom number is below the expected number of draws.
    """
    near = uniform_of(found.hashes) * found.total <= size * found.mass
    return Candidates(found.hashes[near], found.mass[near], found.total, found.n_rows)


def weigh(rows, hashes):
    """Return the weight of the rows that have each of some hashes, which are ascending."""
    found, mass = add_copies(rows.hashes, rows.weight)
    at = np.minimum(np.searchsorted(found, hashes), len(found) - 1)
    return np.where(found[at] == hashes, mass[at], 0.0)


def copies_to_draw(hashes, mass, total, size):
    """Return the hashes of the rows that are drawn, ascending, and how many times each is."""
    copies = n_copies(hashes, mass, size / total)
    return hashes[copies > 0], copies[copies > 0]


def fetch(rows, hashes):
    """Return the places in ``hashes`` that a row has, and one row for each of these places."""
    found, places = find_rows(rows.hashes, hashes)
    return found, rows.X[places]


def join_fetched(ours, theirs):
    """Return the result of ``fetch`` for two sets of rows together."""
    found = np.concatenate([ours[0], theirs[0]])
    found, first = np.unique(found, return_index=True)
    return found, np.concatenate([ours[1], theirs[1]])[first]
