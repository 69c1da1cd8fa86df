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
    mode = "donors"
    is_categorical: np.ndarray | None = None

    def prepare(self, X):
        """Rows in which columns that training knew nothing of count for nothing."""
        never = np.isnan(self.sample.X).all(axis=0)
        return np.where(never, 0, X) if never.any() else X

    def fill(self, X):
        """Rows whose gaps are filled in from the nearest kept rows."""
        if not np.isnan(X).any():
            return X
        scales = scales_of(self.sample, self.is_categorical)
        return fill_from_donors(X, self.sample.X[:N_DONORS], scales, drawn=False)

    def label_energies(self, X, n_steps=30):
        """Output activation of rows with every label, (n_rows, n_labels).

        A row with NaN is completed with each label, by ``n_steps`` steps at most.
        """
        X = self.prepare(X)
        if self.mode == "donors":
            X = self.fill(X)
        missing = np.isnan(X).any(axis=1)
        if not missing.any():
            return self.map(
                lambda block: self.network.label_energies(self.encode(block)),
                X,
                self.widest * self.n_labels,
            )
        refuse_unknown(X)
        result = np.empty((len(X), self.n_labels))
        if not missing.all():
            result[~missing] = self.label_energies(X[~missing])
        for label in range(self.n_labels):
            labels = np.full(np.count_nonzero(missing), label)
            _, result[missing, label] = self.complete(X[missing], labels, n_steps)
        return result

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


def scales_of(sample, categorical):
    """An encoding that tells how far rows of a ``Sample`` are apart, whatever their labels."""
    return FourierEncoding.robustly_fitted_to(
        sample.X,
        sample.weight,
        bandwidth=1.0,
        n_frequencies=1,
        standardize=True,
        factors=(1.0,),
        seed=0,
        bent=True,
        categorical=categorical,
    )


def refuse_unknown(X):
    """Raise a ValueError if nothing is known of a row."""
    unknown = np.flatnonzero(np.isnan(X).all(axis=1))
    if len(unknown):
        raise ValueError(f"Row {unknown[0]} of X is wholly NaN: nothing is known of it.")
