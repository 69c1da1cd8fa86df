"""What a classifier has learned, and how it takes rows with gaps."""

from dataclasses import dataclass, replace

import numpy as np

from .._blocks import map_blocks
from .._inference.completion import column_ranges, complete_rows
from .._inference.objective import LostActivation
from .._learning.sharpness import Certainty
from .._model import Model
from .._rows.encoded import EncodedRows
from .._rows.fourier import FourierEncoding
from .._rows.gaps import fill_from_donors


@dataclass(frozen=True)
class ClassifierModel(Model):
    """A ``Model`` of rows with labels.

    Parameters
    ----------
    certainty : Certainty
        What held-out rows say of probabilities.
    is_categorical : ndarray of bool of shape (n_features,) or None
        Which columns hold categories.
    least : float
        Activation of rows that have nothing to do with what was learned.
    """

    certainty: Certainty | None = None
    is_categorical: np.ndarray | None = None
    least: float = -np.inf

    def prepare(self, X):
        """Rows in which columns that training knew nothing of are unknown, too."""
        never = np.isnan(self.sample.X[0])  # Most models know all columns of their first row.
        never[never] = np.isnan(self.sample.X[:, never]).all(axis=0)
        return np.where(never, np.nan, X) if never.any() else X

    def fill(self, X):
        """Rows whose gaps are filled in from the nearest kept rows."""
        return fill_from_sample(X, self.sample, self.is_categorical)

    def label_energies(self, X):
        """Output activation of rows with every label, (n_rows, n_labels).

        Gaps are filled in first. A row of which nothing is known hardly activates anything, and
        most with the most frequent label.
        """
        X = self.prepare(X)
        unknown = np.isnan(X).all(axis=1)
        X = self.fill(X)
        energies = self.map(
            lambda block: self.network.label_energies(self.encode(block)),
            X,
            self.widest * self.n_labels,
        )
        energies[unknown] = 1e-6 * self.label_shares()
        return energies

    def label_scores(self, X):
        """Activations of typical rows with every label, and less certain ones of others.

        Probabilities are proportional to exp(a score) (eq. 8). The less a row is familiar, the
        more its scores tend to those of which probabilities are those of all training rows.
        """
        energies = self.label_energies(X).astype(np.float64)
        familiar = self._familiarity(energies)[:, None]
        mean = energies.mean(axis=1, keepdims=True)
        prior = np.log(np.maximum(self.label_shares(), 1e-12)) / self.certainty.sharpness
        prior -= prior.mean()
        return np.where(
            familiar < 1, mean + familiar * (energies - mean) + (1 - familiar) * prior, energies
        )

    def label_shares(self):
        """Share of the training rows, by weight, that have each label, (n_labels,)."""
        mass = np.bincount(self.sample.labels, self.sample.weight, self.n_labels)
        return mass / mass.sum()

    def familiarity(self, X):
        """How far rows activate the network as typical ones do, from 0 to 1, (n_rows,).

        It is 0 for rows that activate it no more than random inputs do.
        """
        return self._familiarity(self.label_energies(X))

    def _familiarity(self, energies):
        typical = self.certainty.typical
        if typical - self.least < 1e-6:  # What is random activates as much: nothing is told apart.
            return np.ones(len(energies))
        return np.clip((energies.max(axis=1) - self.least) / (typical - self.least), 0, 1)

    def mean_gap(self, X):
        """Root mean square of the differences of rows' activations with any two labels."""
        energies = self.label_energies(X).astype(np.float64)
        return float(np.sqrt(energies.var(axis=1).mean()))

    def activation_of_noise(self, n_rows=256):
        """Median activation of random inputs, with the label that suits each best."""
        rng = np.random.default_rng([self.seed, 3])
        Z = rng.normal(size=(n_rows, self.encoding.n_outputs)).astype(self.dtype)
        Z /= np.linalg.norm(Z, axis=1, keepdims=True)
        n = max(1, min(n_rows, 2**22 // (self.widest * self.n_labels)))
        return float(np.median(self.network.label_energies(Z[:n]).max(axis=1)))

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

    def complete(self, X, labels):
        """``X`` without NaN, filled so that its rows with their labels lose least activation."""
        encoding, (sample, unit) = self.encoding, self.kept_rows()
        objective = LostActivation(self.network, encoding, self.n_labels)
        with np.errstate(over="ignore"):
            X = np.clip(X.astype(np.float64) / unit, -encoding.largest, encoding.largest)
        options = {"bounds": column_ranges(sample.X), "n_jobs": self.n_jobs}
        filled, _ = complete_rows(objective, sample, X, labels, **options)
        return unit * filled

    def kept_rows(self):
        """Kept training rows, and the number that they are divided by."""
        unit = self.encoding.magnitude(self.sample.X)
        return replace(self.sample, X=self.sample.X / unit), unit


def hardly_known(sample, *, least_entries=10, least_share=0.1):
    """Which columns are known in so few rows of a ``Sample`` that filling them is a guess.

    That is in fewer than ``least_entries`` rows, and in less than ``least_share`` of the rows that
    know the best known column.
    """
    known = ~np.isnan(sample.X)
    share = sample.weight @ known
    return (known.sum(axis=0) < least_entries) & (share < least_share * share.max())


def fill_from_sample(X, sample, is_categorical):
    """Rows whose gaps are filled in from the nearest rows of a ``Sample``.

    A row of which nothing is known stays as it is, and so do columns that no row knows.
    """
    gaps = np.isnan(X)
    can_be_filled = gaps & ~np.isnan(sample.X).all(axis=0)
    rows = np.flatnonzero(can_be_filled.any(axis=1) & ~gaps.all(axis=1))
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
    donors = sample.X
    filled = X.astype(np.result_type(X, donors))
    filled[rows] = fill_from_donors(X[rows], donors, scales, drawn=False)
    return filled
