"""What a classifier has learned, and how it takes rows with gaps."""

from dataclasses import dataclass, replace

import numpy as np

from .._blocks import map_blocks
from .._inference.completion import column_ranges, complete_rows
from .._inference.objective import LostActivation
from .._model import Model
from .._rows.encoded import EncodedRows
from .._rows.fourier import FourierEncoding
from .._rows.gaps import N_DONORS, fill_from_donors


@dataclass(frozen=True)
class ClassifierModel(Model):
    """A ``Model`` of rows with labels.

    Parameters
    ----------
    sharpness : float or None
        ``a`` of eq. 8: probabilities are proportional to exp(a ||y(x, c)||^2).
    """

    sharpness: float | None = None
    is_categorical: np.ndarray | None = None

    def prepare(self, X):
        """Rows in which columns that training knew nothing of count for nothing."""
        never = np.isnan(self.sample.X).all(axis=0)
        return np.where(never, 0, X) if never.any() else X

    def fill(self, X):
        """Rows whose gaps are filled in from the nearest kept rows."""
        return fill_from_sample(X, self.sample, self.is_categorical)

    def label_energies(self, X):
        """Output activation of rows with every label, (n_rows, n_labels).

        Gaps are filled in first. A row of which nothing is known activates labels so that their
        probabilities are those of the training rows.
        """
        unknown = np.isnan(X).all(axis=1)
        X = self.fill(self.prepare(X))
        energies = self.map(
            lambda block: self.network.label_energies(self.encode(block)),
            X,
            self.widest * self.n_labels,
        )
        energies[unknown] = self.prior_energies()
        return energies

    def prior_energies(self):
        """Activations by which every label has the probability that it has among kept rows."""
        mass = np.bincount(self.sample.labels, self.sample.weight, self.n_labels)
        share = np.maximum(mass / mass.sum(), 1e-12)
        return np.log(share / share.min()) / self.sharpness

    def predict(self, X):
        """The number of the label that activates most with each row (paper, eq. 10)."""
        return self.label_energies(X).argmax(axis=1)

    def layer_energies(self, X, labels):
        """Activation of every layer for rows with labels, (n_rows, n_layers) (paper, eq. 9)."""
        rows = EncodedRows(
            X, self.encoding, labels=labels, n_labels=self.n_labels, dtype=self.dtype
        )
        found = map_blocks(
            lambda block: self.network.layer_energies(rows.encode(block)),
            len(X),
            self.widest,
            self.n_jobs,
        )
        return np.concatenate(list(found))

    def complete(self, X, labels, n_steps):
        """``X`` without NaN, and the activation of its rows with their labels.

        That is what is left of an input activation of 2 if the lost activation is put in
        relation to the known entries.
        """
        encoding, (sample, unit) = self.encoding, self.kept_rows()
        objective = LostActivation(self.network, encoding, self.n_labels)
        X = np.clip(X.astype(np.float64) / unit, -encoding.largest, encoding.largest)
        options = {"bounds": column_ranges(sample.X), "n_jobs": self.n_jobs, "max_iter": n_steps}
        filled, gained = complete_rows(objective, sample, X, labels, **options)
        energy, _ = encoding.energy(np.nan_to_num(X))
        return unit * filled, 2 + gained / np.maximum(energy, 1e-300)

    def kept_rows(self):
        """Kept training rows, and the number that they are divided by."""
        unit = self.encoding.magnitude(self.sample.X)
        return replace(self.sample, X=self.sample.X / unit), unit


def fill_from_sample(X, sample, is_categorical):
    """Rows whose gaps are filled in from the nearest rows of a ``Sample``.

    A row of which nothing is known stays as it is, and so do columns that no row knows.
    """
    gaps = np.isnan(X)
    rows = np.flatnonzero(gaps.any(axis=1) & ~gaps.all(axis=1))
    if not len(rows):
        return X
    scales = FourierEncoding.robustly_fitted_to(
        sample.X,
        sample.weight,
        bandwidth=1.0,
        n_frequencies=1,
        standardize=True,
        factors=(1.0,),
        seed=0,
        bent=True,
        categorical=is_categorical,
    )
    donors = sample.X[:N_DONORS].astype(X.dtype, copy=False)
    filled = X.copy()
    filled[rows] = fill_from_donors(X[rows], donors, scales, drawn=False)
    return filled
