"""Stacked layers: forward, backward, and label energies by brute force."""

from itertools import pairwise

import numpy as np
import pytest

from sklearn_activation._network import ACTIVATIONS, Network, product_energies, row_energies

from . import naive

NAMES = list(ACTIVATIONS)
N_DATA, N_LABELS = 6, 3


def _network(activation, n_layers, dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    widths = [N_DATA + N_LABELS, 8, 7, 5][: n_layers + 1]
    shapes = list(pairwise(widths))
    coefs = [(rng.normal(size=shape) / np.sqrt(shape[0])).astype(dtype) for shape in shapes]
    standards = []
    for n_units in widths[1:]:
        mean, variance = rng.uniform(0.1, 0.8, n_units), rng.uniform(0.05, 0.5, n_units)
        variance[1] = 0  # a unit that never varied
        standards.append((mean.astype(dtype), variance.astype(dtype)))
    return Network(coefs, activation, standards)


def _data(n_rows=5, n_columns=N_DATA, dtype=np.float64, seed=1):
    Z = np.random.default_rng(seed).normal(size=(n_rows, n_columns))
    return (Z / np.linalg.norm(Z, axis=1, keepdims=True)).astype(dtype)


# -- forward ---------------------------------------------------------------------------


@pytest.mark.parametrize("activation", NAMES)
@pytest.mark.parametrize("n_layers", [1, 2, 3])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_label_energies_equal_brute_force(activation, n_layers, dtype):
    """Trying every label at once is trying one-hot labels one by one."""
    network, Z = _network(activation, n_layers, dtype), _data(dtype=dtype)
    result = network.label_energies(Z)
    assert result.shape == (5, N_LABELS) and result.dtype == dtype
    expected = naive.label_energies(network, Z, N_LABELS)
    np.testing.assert_allclose(result, expected, rtol=1e-11 if dtype is np.float64 else 1e-4)


@pytest.mark.parametrize("activation", NAMES)
@pytest.mark.parametrize("n_layers", [1, 2, 3])
def test_energies_equal_label_energies_of_the_encoded_label(activation, n_layers):
    network, Z = _network(activation, n_layers), _data()
    labels = np.eye(N_LABELS)[[0, 2, 1, 1, 0]]
    expected = (network.label_energies(Z) * labels).sum(axis=1)
    np.testing.assert_allclose(network.energies(np.hstack([Z, labels])), expected, rtol=1e-12)


@pytest.mark.parametrize("activation", NAMES)
@pytest.mark.parametrize("n_layers", [1, 2, 3])
def test_hidden_rows_and_layer_energies_are_consistent(activation, n_layers):
    """Both equal the plain forward pass; activation functions keep the energies."""
    network, Z = _network(activation, n_layers), _data(n_columns=N_DATA + N_LABELS)
    energies = network.layer_energies(Z)
    assert energies.shape == (len(Z), n_layers)
    np.testing.assert_array_equal(network.hidden(Z, 0), Z)
    np.testing.assert_allclose(energies[:, -1], network.energies(Z), rtol=1e-12)
    plain = [naive.outputs(network, z) for z in Z]
    for layer in range(n_layers):
        Y = network.hidden(Z, layer) @ network.coefs[layer]
        np.testing.assert_allclose(Y, [outputs[layer] for outputs in plain], atol=1e-12)
        np.testing.assert_allclose(energies[:, layer], naive.energies(Y), rtol=1e-12)
        activated = network.hidden(Z, layer + 1)
        np.testing.assert_allclose(naive.energies(activated), energies[:, layer], rtol=1e-12)


@pytest.mark.parametrize("activation", NAMES)
def test_label_rows_are_hidden_rows_of_every_label(activation):
    network, Z = _network(activation, 3), _data()
    pairs = np.array([[*z, *label] for z in Z for label in np.eye(N_LABELS)])
    np.testing.assert_allclose(network.candidates(Z), network.hidden(pairs, 1), atol=1e-13)
    np.testing.assert_allclose(network.label_rows(Z), network.hidden(pairs, 3), atol=1e-13)


def test_activating_reports_energies_and_leaves_its_input():
    network, A = _network("std_abs", 2), _data(n_columns=8)
    before = A.copy()
    _, energy = network.activate(0, A)
    np.testing.assert_allclose(energy, naive.energies(A), rtol=1e-13)
    np.testing.assert_array_equal(A, before)


def test_units_that_never_varied_are_silent():
    """std_abs has no deviation to divide by; the other units carry the norm."""
    network, Y = _network("std_abs", 2), _data(n_columns=8)
    out, energy = network.activate(0, Y)
    assert not out[:, 1].any() and out[:, [0, *range(2, 8)]].all()
    np.testing.assert_allclose(naive.energies(out), energy, rtol=1e-12)


def test_read_only_weights_and_moments_will_do():
    """As of a model mapped from disk."""
    writeable, frozen = _network("std_abs", 3), _network("std_abs", 3)
    for array in [*frozen.coefs, *(array for pair in frozen.standards for array in pair)]:
        array.flags.writeable = False
    Z = _data()
    np.testing.assert_array_equal(frozen.label_energies(Z), writeable.label_energies(Z))


@pytest.mark.parametrize("order", ["C", "F"])
def test_row_energies_take_any_memory_layout(order):
    Y = np.asarray(_data(n_rows=9), order=order)
    np.testing.assert_allclose(row_energies(Y), naive.energies(Y), rtol=1e-13)
    np.testing.assert_allclose(row_energies(Y[::2, 1:4]), naive.energies(Y[::2, 1:4]), rtol=1e-13)


@pytest.mark.parametrize("n", [4, 9, 40])
def test_products_with_a_triangular_matrix(n):
    rng = np.random.default_rng(0)
    H, W = rng.normal(size=(100, n)), rng.normal(size=(n, n))
    for matrix in (np.tril(W), W, np.tril(W)[:, : n - 1], np.triu(W)):
        expected = ((H @ matrix) ** 2).sum(axis=1)
        np.testing.assert_allclose(product_energies(H, matrix), expected, rtol=1e-12)
        np.testing.assert_allclose(product_energies(H[:2], matrix), expected[:2], rtol=1e-12)


# -- gradient --------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n_layers", [1, 2, 3])
def test_network_gradient_equals_central_differences(name, n_layers):
    """d||y||^2 / dz back through all layers, running moments held fixed."""
    rng = np.random.default_rng(5)
    widths = [6, 8, 7, 5]
    shapes = list(pairwise(widths))[:n_layers]
    coefs = [rng.normal(size=shape) / np.sqrt(shape[0]) for shape in shapes]
    standards = [(rng.uniform(0.1, 0.9, m), rng.uniform(0.2, 1, m)) for m in widths[1:n_layers]]
    network = Network(coefs, name, standards)
    Z = rng.normal(size=(4, 6))
    Z /= np.linalg.norm(Z, axis=1, keepdims=True)
    _, gradient = network.energies_and_gradient(Z)
    for z, row in zip(Z, gradient, strict=True):
        difference = naive.central_differences(lambda v: network.energies(v[None])[0], z)
        np.testing.assert_allclose(row, difference, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_network_gradient_keeps_float32(name):
    rng = np.random.default_rng(6)
    coefs = [rng.normal(size=(5, 5)).astype(np.float32) for _ in range(2)]
    standards = [(np.full(5, 0.5, np.float32), np.full(5, 0.3, np.float32))]
    Z = rng.normal(size=(3, 5)).astype(np.float32)
    network = Network(coefs, name, standards)
    double = Network([W.astype(np.float64) for W in coefs], name, standards)
    _, gradient = network.energies_and_gradient(Z)
    assert gradient.dtype == np.float32
    _, expected = double.energies_and_gradient(Z.astype(np.float64))
    np.testing.assert_allclose(gradient, expected, atol=1e-3 * np.abs(expected).max())
