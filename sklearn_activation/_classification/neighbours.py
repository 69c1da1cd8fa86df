"""Beliefs about labels that spread along a graph of nearest neighbours."""

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from sklearn.neighbors import kneighbors_graph


class NeighbourGraph:
    """A symmetric graph of the nearest neighbours of each row.

    Rows in more than one group have no common edges. Groups keep the time linear in the number of
    rows, because the search within a group takes a time that is quadratic in its size.

    Parameters
    ----------
    encode : callable
        A function that returns the points of the rows at an index array, (n_rows, n_dimensions).
    hashes : ndarray of uint64 of shape (n_rows,)
        Hashes of the rows, by which rows are put into groups.
    n_neighbors : int
    most_rows : int
        Largest number of rows of a group.
    n_jobs : int or None
        Number of threads of the search.
    """

    def __init__(self, encode, hashes, *, n_neighbors=10, most_rows=60_000, n_jobs=None):
        n_rows = len(hashes)
        groups = np.array_split(np.argsort(hashes, kind="stable"), -(-n_rows // most_rows))
        ends = [np.empty((2, 0), np.intp)]
        for index in groups:
            k = min(n_neighbors, len(index) - 1)
            if k:
                found = kneighbors_graph(encode(index), k, n_jobs=n_jobs).tocoo()
                ends.append(index[np.stack([found.row, found.col])])
        start, end = np.concatenate(ends, axis=1)
        both = np.concatenate([start, end]), np.concatenate([end, start])
        edges = csr_array((np.ones(2 * len(start), np.float32), both), shape=(n_rows, n_rows))
        # The matrix of edges A has entries 1, also where two rows are neighbours of each other.
        # Its rows and columns are divided by the square roots of the numbers of edges.
        degree = np.diff(edges.indptr)
        edges.data = 1 / np.sqrt(np.repeat(degree, degree) * degree[edges.indices], dtype="f4")
        self.edges = edges

    def reach(self, rows):
        """Return the mask of rows from which a path of edges leads to one of ``rows``."""
        _, part_of = connected_components(self.edges, directed=False)
        return np.isin(part_of, part_of[rows])

    def spread(self, beliefs, *, share=0.8, n_steps=20):
        """Return the beliefs of each row and its neighbours, (n_rows, n_labels).

        The result approximates (1 - a) (I - a S)^-1 ``beliefs`` by ``n_steps`` steps, where a is
        ``share`` and S the scaled matrix of edges (Zhou, Bousquet, Lal, Weston & Schölkopf 2004).
        Beliefs of rows that are many edges away count little.
        """
        found = beliefs
        for _ in range(n_steps):
            found = share * (self.edges @ found) + (1 - share) * beliefs
        return found
