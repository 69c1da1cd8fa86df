"""Gaps of rows, filled from the nearest rows and then by ascent of the activation."""

import numpy as np

from .._inference.ascent import maximise_blocks
from .._inference.completion import column_ranges
from .._rows.encoded import EncodedRows
from .._rows.gaps import fill_from_donors
from .layer import PRECISION

# In a gap of a column of categories, this many of the most frequent categories are tried, in
# addition to the category of the nearest rows.
MOST_TRIED = 32


def fill_from_nearest(Z, kept, columns, n_jobs=None):
    """Return rows whose gaps are filled from the nearest of the ``kept`` rows, in deviations.

    A row without any known entry that counts gets the mean, or the most frequent category, of each
    column.
    """
    ruler, share = columns.ruler(), columns.trust**2
    filled = fill_from_donors(Z, kept, ruler, drawn=False, share=share, n_jobs=n_jobs)
    filled[:, ~columns.is_categorical] = np.nan_to_num(filled[:, ~columns.is_categorical])
    unknown = ~is_known(~np.isnan(Z), columns)
    if unknown.any():
        filled[unknown] = np.where(np.isnan(Z[unknown]), _usual(kept, columns), Z[unknown])
    return filled


def is_known(known, columns):
    """Whether each row has a known entry that counts."""
    return (known & (columns.trust > 0)).any(axis=1)


def _usual(kept, columns):
    """Return the mean of each column of numbers, and the most frequent place in other columns."""
    known = ~np.isnan(kept)
    usual = np.nan_to_num(kept).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    for j, codes in columns.codes.items():
        usual[j] = np.nan
        if len(codes):
            usual[j] = np.bincount(kept[known[:, j], j].astype(np.intp)).argmax()
    return usual


class Filler:
    """A trained layer that fills the gaps of rows in deviations.

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
        """Return rows in which the missing entries maximise the activation.

        Parameters
        ----------
        start : ndarray of shape (n_rows, n_columns)
            Rows whose gaps are filled from the nearest rows.
        missing : ndarray of bool of shape (n_rows, n_columns)
        n_steps : int
            Maximum number of steps of the ascent. With 0, numbers keep their start values.
        voted : container of int
            Columns of categories that keep their start values.
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
        """Write the category that activates most into each gap of the given columns, in place."""
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
