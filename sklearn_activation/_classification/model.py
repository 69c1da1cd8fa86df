"""What a classifier has learned, and how it scores rows with missing entries."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import softmax

from .._blocks import map_blocks
from .._inference.completion import column_ranges, complete_rows
from .._inference.objective import LostActivation
from .._learning.sharpness import Certainty
from .._model import Model
from .._rows.encoded import EncodedRows
from .._rows.fourier import FourierEncoding
from .._rows.gaps import fill_from_donors
from .._rows.rows import has_gaps, unknown_rows


@dataclass(frozen=True)
class ClassifierModel(Model):
    """A ``Model`` of rows with labels.

    Parameters
    ----------
    certainty : Certainty
        Numbers by which activations become probabilities, fitted to held-out rows.
    is_categorical : ndarray of bool of shape (n_features,) or None
        The columns of categories.
    least : float
        Typical activation of random inputs.
    """

    certainty: Certainty | None = None
    is_categorical: np.ndarray | None = None
    least: float = -np.inf

    def prepare(self, X):
        """Return rows with NaN in the columns that no training row knew."""
        never = np.isnan(self.sample.X[0])  # in most models the first row knows all columns
        never[never] = np.isnan(self.sample.X[:, never]).all(axis=0)
        return np.where(never, np.nan, X) if never.any() else X

    def fill(self, X):
        """Return rows whose gaps are filled from the nearest kept rows."""
        return fill_from_sample(X, self.sample, self.is_categorical)

    def label_energies(self, X):
        """Return the output activation of each row with each label, (n_rows, n_labels).

        Gaps are filled first. A row without known entries gets tiny activations, which are largest
        for the most frequent label.
        """
        X = self.prepare(X)
        unknown = unknown_rows(X)
        X = self.fill(X)
        energies = self.map(
            lambda block: self.network.label_energies(self.encode(block)),
            X,
            self.widest * self.n_labels,
        )
        energies[unknown] = 1e-6 * self.label_shares()
        return energies

    def log_probabilities(self, X):
        """Return logarithms of probabilities, up to a constant for each row (eq. 8)."""
        return self._log_probabilities(self.label_energies(X))

    def _log_probabilities(self, energies):
        """Return activations times the sharpness, drawn towards the prior for unfamiliar rows.

        The less familiar a row is, the nearer its probabilities are to the frequencies of the
        labels in training.
        """
        energies = energies.astype(np.float64)
        familiar = self._familiarity(energies)[:, None]
        mean = energies.mean(axis=1, keepdims=True)
        prior = np.log(np.maximum(self.label_shares(), 1e-12)) / self.certainty.sharpness
        prior -= prior.mean()
        return self.certainty.sharpness * np.where(
            familiar < 1, mean + familiar * (energies - mean) + (1 - familiar) * prior, energies
        )

    def probabilities(self, X):
        """Return the probability of each label for each row, (n_rows, n_labels)."""
        return self.beliefs(X)[0]

    def beliefs(self, X):
        """Return the probabilities of rows, (n_rows, n_labels), and their familiarity, (n_rows,).

        A row has familiarity 0 if it activates the network no more than random inputs do. A row
        has familiarity 1 if it activates the network as much as typical rows do.
        """
        energies = self.label_energies(X)
        return softmax(self._log_probabilities(energies), axis=1), self._familiarity(energies)

    def label_shares(self):
        """Return the weighted share of the training rows that have each label, (n_labels,)."""
        mass = np.bincount(self.sample.labels, self.sample.weight, self.n_labels)
        return mass / mass.sum()

    def _familiarity(self, energies):
        typical = self.certainty.typical
        # Random inputs activate as much as typical rows, so familiarity cannot be measured.
        if typical - self.least < 1e-6:
            return np.ones(len(energies))
        return np.clip((energies.max(axis=1) - self.least) / (typical - self.least), 0, 1)

    def mean_gap(self, X):
        """Return a typical difference of a row's activations with two labels.

        The difference is the root mean square over rows of the standard deviation over labels.
        """
        energies = self.label_energies(X).astype(np.float64)
        return float(np.sqrt(energies.var(axis=1).mean()))

    def activation_of_noise(self, n_rows=256):
        """Return the median activation of random inputs, each with its most active label."""
        rng = np.random.default_rng([self.seed, 3])
        Z = rng.normal(size=(n_rows, self.encoding.n_outputs)).astype(self.dtype)
        Z /= np.linalg.norm(Z, axis=1, keepdims=True)
        n = max(1, min(n_rows, 2**22 // (self.widest * self.n_labels)))
        return float(np.median(self.network.label_energies(Z[:n]).max(axis=1)))

    def predict(self, X):
        """Return the number of the most active label of each row (paper, eq. 10)."""
        return self.label_energies(X).argmax(axis=1)

    def layer_energies(self, X, labels):
        """Return the activation of each layer for rows with labels (paper, eq. 9).

        The result has shape (n_rows, n_layers).
        """
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
        """Return ``X`` with NaN filled so that rows with their labels lose least activation."""
        encoding, (sample, unit) = self.encoding, self.kept_rows()
        objective = LostActivation(self.network, encoding, self.n_labels)
        with np.errstate(over="ignore"):
            X = np.clip(X.astype(np.float64) / unit, -encoding.largest, encoding.largest)
        options = {"bounds": column_ranges(sample.X), "n_jobs": self.n_jobs}
        filled, _ = complete_rows(objective, sample, X, labels, **options)
        return unit * filled

    def kept_rows(self):
        """Return the kept training rows divided by a unit, and the unit."""
        unit = self.encoding.magnitude(self.sample.X)
        return replace(self.sample, X=self.sample.X / unit), unit


def hardly_known(sample, *, least_entries=10, least_share=0.1):
    """Return the mask of columns that too few rows of a ``Sample`` know to fill them.

    A column is in the mask if fewer than ``least_entries`` rows know its entry. In addition, the
    rows that know the column must weigh less than ``least_share`` of the rows that know the best
    known column.
    """
    known = ~np.isnan(sample.X)
    share = sample.weight @ known
    return (known.sum(axis=0) < least_entries) & (share < least_share * share.max())


def fill_known(X, sample, hardly, is_categorical):
    """Return rows whose gaps are filled, with NaN in the columns of the mask ``hardly``."""
    if hardly.any():
        X = np.where(hardly, np.nan, X)
    return fill_from_sample(X, sample, is_categorical)


def fill_from_sample(X, sample, is_categorical):
    """Return rows whose gaps are filled from the nearest rows of a ``Sample``.

    Rows without any known entry stay unchanged, and so do columns that no row knows.
    """
    if not has_gaps(X):
        return X
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
