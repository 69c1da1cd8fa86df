"""Gaps filled by the nearest rows, and then so that rows activate most."""

import numpy as np

from .._inference.ascent import maximise_blocks
from .._inference.completion import column_ranges
from .._rows.encoded import EncodedRows
from .._rows.gaps import fill_from_donors
from .layer import PRECISION

# The most frequent categories of a column that are tried in a gap, beside the neighbours'.
MOST_TRIED = 32


def fill_from_nearest(Z, kept, columns, n_jobs=None):
    """Rows whose gaps are filled from the nearest of the ``kept`` rows, all in deviations.

    A row of which nothing is known that counts gets what is usual in each column.
    """
    ruler, share = columns.ruler(), columns.trust**2
    filled = fill_from_donors(Z, kept, ruler, drawn=False, share=share, n_jobs=n_jobs)
    filled[:, ~columns.is_categorical] = np.nan_to_num(filled[:, ~columns.is_categorical])
    unknown = ~is_known(~np.isnan(Z), columns)
    if unknown.any():
        filled[unknown] = np.where(np.isnan(Z[unknown]), _usual(kept, columns), Z[unknown])
    return filled


def is_known(known, columns):
    """Of which rows something is known that counts."""
    return (known & (columns.trust > 0)).any(axis=1)


def _usual(kept, columns):
    """The mean of every column of numbers, and the most frequent place of the others."""
    known = ~np.isnan(kept)
    usual = np.nan_to_num(kept).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    for j, codes in columns.codes.items():
        usual[j] = np.nan
        if len(codes):
            usual[j] = np.bincount(kept[known[:, j], j].astype(np.intp)).argmax()
    return usual


class Filler:
    """A layer that fills gaps of rows in deviations.

    Parameters
    ----------
    objective : Objective
    kept : ndarray of shape (n_kept, n_columns)
        Training rows, which may have gaps.
    columns : Columns
    n_jobs : int or None
    """

    def __init__(self, objective, kept, columns, n_jobs):
        self.objective, self.columns, self.n_jobs = objective, columns, n_jobs
        self.bounds = column_ranges(kept)
        self.tried = {}
        for j, codes in columns.codes.items():
            places = kept[~np.isnan(kept[:, j]), j].astype(np.intp)
            often = np.argsort(-np.bincount(places, minlength=len(codes)), kind="stable")
            self.tried[j] = often[:MOST_TRIED]

    def fill(self, start, missing, n_steps, voted=()):
        """Rows in which gaps are at their best; with no steps, numbers stay at the start.

        Parameters
        ----------
        start : ndarray of shape (n_rows, n_columns)
            Rows whose gaps are filled by the nearest.
        missing : ndarray of bool of shape (n_rows, n_columns)
        n_steps : int
            Most steps of a row.
        voted : container of int
            Columns of categories in which the start stays.
        """
        free = missing & is_known(~missing, self.columns)[:, None]
        Z = start.copy()
        chosen = [j for j in self.tried if j not in voted and len(self.tried[j])]
        self._choose_categories(Z, free, chosen)
        numbers = free & ~self.columns.is_categorical
        rows = np.flatnonzero(numbers.any(axis=1))
        if n_steps and len(rows):
            of = numbers[rows]
            climbed = self._climb(Z[rows], of, n_steps)
            Z[rows] = np.where(of, climbed, Z[rows])
            self._choose_categories(Z, free, chosen)
        return Z

    def _climb(self, Z, free, n_steps):
        low, high = self.bounds
        Z = np.where(free, np.clip(Z, low, high), Z).astype(PRECISION)
        options = {"bounds": self.bounds, "n_jobs": self.n_jobs, "max_iter": n_steps}
        return maximise_blocks(self.objective, Z, free, labels=None, gains=None, **options)[0]

    def _choose_categories(self, Z, free, columns):
        """Put the most active category into the gaps of columns of categories, in place."""
        for j in columns:
            rows = np.flatnonzero(free[:, j])
            if not len(rows):
                continue
            current, best = Z[rows], self._activation(Z[rows])
            found = current[:, j].copy()
            for place in self.tried[j]:
                current[:, j] = place
                activation = self._activation(current)
                better = activation > best
                found[better], best[better] = place, activation[better]
            Z[rows, j] = found

    def _activation(self, Z):
        network = self.objective.network
        rows = EncodedRows(Z.astype(PRECISION), self.objective.encoding, dtype=PRECISION)
        found = rows.map_blocks(
            lambda block: network.energies(rows.data(block)), rows.n_inputs, self.n_jobs
        )
        return np.concatenate(list(found))
