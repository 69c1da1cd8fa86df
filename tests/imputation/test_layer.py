"""The layer of an imputer: its map, and as many units as it has learned directions."""

import numpy as np
import pytest

from sklearn_activation._imputation.columns import Columns
from sklearn_activation._imputation.layer import Learned, fit_encoding
from sklearn_activation._learning.time_rules import GivenTimes, MeanEigenvalue

from ..tables import correlated


def fitted(X, bandwidth="auto", trust=None, n_frequencies=64):
    columns = Columns.fitted_to(X, np.zeros(X.shape[1], dtype=bool))
    if trust is not None:
        columns.trust[:] = trust
    Z, weight = columns.read(X), np.ones(len(X))
    options = {"bandwidth": bandwidth, "n_frequencies": n_frequencies, "seed": 0}
    return fit_encoding(Z, weight, columns, **options), Z


def test_columns_count_for_what_they_are_trusted():
    X = correlated(200, 3)
    trust = np.array([1.0, 0.5, 0.0])
    encoding, Z = fitted(X, trust=trust)
    weighed = Z * trust
    squares = ((weighed[:, None] - weighed) ** 2).sum(axis=2)
    assert encoding.bandwidth == pytest.approx(0.5 * np.sqrt(squares.mean()), rel=1e-6)
    np.testing.assert_allclose(encoding.standardise(Z), weighed / encoding.bandwidth, atol=1e-9)


@pytest.mark.parametrize("share", [3.0, 0.3, 0.03])
def test_directions_of_which_nothing_was_learned_have_no_unit(share):
    """Activations differ from those of all directions by less than they would gain."""
    encoding, Z = fitted(correlated(300))
    learned = Learned(Z, np.ones(len(Z)), encoding, 0.1)
    network, t = learned.network(MeanEigenvalue(share))
    n = network.coefs[0].shape[1]
    assert 1 <= n < 128
    H = np.empty((len(Z), encoding.n_outputs))
    encoding.write(Z, H)
    full = learned.spectrum.energies(H, [t])[:, 0]
    lost = full - network.energies(H.astype(np.float32))
    most = 0.1 + 0.9 * Learned.least_learned
    assert (lost >= -1e-4).all() and (lost <= most + 1e-4).all()


def test_a_layer_has_one_unit_at_least():
    encoding, Z = fitted(correlated(50))
    learned = Learned(Z, np.ones(len(Z)), encoding, 0.1)
    assert learned.network(GivenTimes([1e-9]))[0].coefs[0].shape == (128, 1)
