"""Stacked layers: label energies by brute force, blocks of rows, threads."""

from itertools import pairwise

import numpy as np
import pytest
from sklearn.datasets import load_iris

from sklearn_activation import ActivationLearningClassifier, CompetitiveHebbianTransformer
from sklearn_activation import _network as network_module
from sklearn_activation._blocks import block_slices, map_blocks
from sklearn_activation._network import ACTIVATIONS, Network, row_energies

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


# -- forward -----------------------------------------------------------------------------


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


# -- blocks and threads --------------------------------------------------------------------


@pytest.mark.parametrize("n_rows", [0, 1, 7, 8, 100])
@pytest.mark.parametrize("n_columns", [0, 1, 3, 1000])
def test_blocks_cover_all_rows_in_order(monkeypatch, n_rows, n_columns):
    monkeypatch.setattr(network_module, "BLOCK_ENTRIES", 20)
    blocks = block_slices(n_rows, n_columns)
    covered = [i for block in blocks for i in range(n_rows)[block]]
    assert covered == list(range(n_rows))
    most = max((block.stop - block.start for block in blocks), default=0)
    assert most * n_columns <= max(20, n_columns)


@pytest.mark.parametrize("n_jobs", [None, 1, 2, 5, -1])
def test_blocks_are_mapped_in_order(n_jobs):
    assert list(map_blocks(lambda i: i * i, range(50), n_jobs)) == [i * i for i in range(50)]


def _answers(estimator, X, y):
    """Everything an estimator computes in blocks, fitted weights included."""
    estimator.fit(X, y)
    methods = ("transform", "predict", "predict_proba", "decision_function", "score_samples")
    results = {name: getattr(estimator, name)(X) for name in methods if hasattr(estimator, name)}
    return results | {f"layer {i}": W for i, W in enumerate(estimator.coefs_)}


ESTIMATORS = {
    "linear features": lambda: CompetitiveHebbianTransformer(5, output="linear"),
    "deep features": lambda: CompetitiveHebbianTransformer((6, 5)),
    "classifier": lambda: ActivationLearningClassifier(
        (8, 6), encoding="unit", learning_time=(20.0, 100.0)
    ),
    "shallow classifier": lambda: ActivationLearningClassifier(
        (8,), encoding="fourier", n_frequencies=8, learning_time=50.0
    ),
}


def _iris():
    X, y = load_iris(return_X_y=True)
    return X[::2], y[::2]


@pytest.mark.parametrize("name", ESTIMATORS)
def test_threads_do_not_change_a_bit(monkeypatch, name):
    """Blocks are the same whatever n_jobs, and results keep their order."""
    monkeypatch.setattr(network_module, "BLOCK_ENTRIES", 100)
    X, y = _iris()
    serial = _answers(ESTIMATORS[name]().set_params(random_state=0), X, y)
    for n_jobs in (1, 3):
        threaded = ESTIMATORS[name]().set_params(random_state=0, n_jobs=n_jobs)
        for key, result in _answers(threaded, X, y).items():
            np.testing.assert_array_equal(result, serial[key], err_msg=key)


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("entries", [1, 37, 500])
def test_block_boundaries_do_not_matter(monkeypatch, name, entries):
    X, y = _iris()
    whole = _answers(ESTIMATORS[name]().set_params(random_state=0), X, y)
    monkeypatch.setattr(network_module, "BLOCK_ENTRIES", entries)
    cut = _answers(ESTIMATORS[name]().set_params(random_state=0), X, y)
    for key, result in cut.items():
        np.testing.assert_allclose(result, whole[key], rtol=1e-7, atol=1e-9, err_msg=key)
