"""Formulas for a layer without some rows, against decompositions of what is left."""

import numpy as np
import pytest

from sklearn_activation._detection.downdate import Downdate, activation_with
from sklearn_activation._learning.layer import Spectrum
from sklearn_activation._learning.moments import Moments

EPSILON, T = 0.1, 40.0


def rows(n=60, n_inputs=7, seed=0):
    X = np.random.default_rng(seed).normal(size=(n, n_inputs)) * np.linspace(0.2, 2, n_inputs)
    return X / np.linalg.norm(X, axis=1, keepdims=True)


def spectrum_of(X, averaged, n_units=7):
    return Spectrum(*Moments(X.shape[1]).add(X).decompose(), n_units, EPSILON, averaged)


@pytest.mark.parametrize("averaged", [True, False])
def test_one_row_less_is_a_layer_of_the_others(averaged):
    X = rows()
    downdate = Downdate(spectrum_of(X, averaged), float(len(X)), T)
    removed = np.ones(len(X))
    found = downdate.one_out(X, removed, downdate.common_root(removed, np.float64))
    expected = [
        spectrum_of(np.delete(X, i, axis=0), averaged).energies(X[i : i + 1], [T])[0, 0]
        for i in range(len(X))
    ]
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("n_gone", [3, 20])
def test_a_group_less_is_a_layer_of_the_others(n_gone):
    """Both with fewer rows than directions and with more."""
    X = rows()
    downdate = Downdate(spectrum_of(X, True), float(len(X)), T)
    found = downdate.group_out(X[:n_gone], np.ones(n_gone))
    expected = spectrum_of(X[n_gone:], True).energies(X[:n_gone], [T])[:, 0]
    np.testing.assert_allclose(found, expected, atol=1e-8)


@pytest.mark.parametrize("n", [5, 60])
def test_activation_without_eigenvectors_is_the_averaged_layers(n):
    X, Z = rows(n), rows(9, seed=1)
    found = activation_with(Moments(7).add(X), Z, T, EPSILON, np.float64)
    np.testing.assert_allclose(found, spectrum_of(X, True).energies(Z, [T])[:, 0], atol=1e-10)
