"""Code of the benchmarks that other figures rest on."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import load_digits

from sklearn_activation import CompetitiveHebbianTransformer

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


def program(name):
    """A module of benchmarks/ that needs no other one."""
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def backprop():
    return program("_backprop")


def test_gradients_are_those_of_central_differences(backprop):
    assert backprop.check_gradients() < 1e-6


def test_layers_of_the_network_are_those_of_the_transformer(backprop):
    X, _ = load_digits(return_X_y=True)
    model = CompetitiveHebbianTransformer((20, 30), activation="square", random_state=0).fit(X)
    network = backprop.Network([backprop.Squares(W) for W in model.coefs_])
    assert_allclose(network.outputs(X), model.transform(X) * np.sqrt(30), rtol=1e-9, atol=1e-12)


def test_adam_is_the_published_rule(backprop):
    """Three steps of one number and of a block that is not full, beside the formulas."""
    start = np.random.default_rng(0).normal(size=(backprop.BLOCK + 3, 1))
    gradients = [np.random.default_rng(i).normal(size=start.shape) for i in (1, 2, 3)]
    W, m, v = start.copy(), 0, 0
    for t, g in enumerate(gradients, 1):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        W = W * (1 - 0.01 * 0.1)
        W -= 0.01 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    found = start.copy()
    adam = backprop.Adam([found], rate=0.01, decay=0.1)
    for g in gradients:
        adam.step([g.copy()])
    assert_allclose(found, W, rtol=1e-9)


def test_adam_lowers_the_loss(backprop):
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    rng = np.random.default_rng(0)
    layers = [backprop.Squares.random(64, 50, rng), backprop.Linear.random(50, 10, rng)]
    network = backprop.Network(layers)
    adam = backprop.Adam(network.parameters, rate=0.01)
    before = backprop.log_loss(network.forward(X), y)
    for _ in range(20):
        adam.step(network.gradients(X, y))
    assert backprop.log_loss(network.forward(X), y) < 0.5 * before
    assert all(P.dtype == np.float32 for P in network.parameters)
