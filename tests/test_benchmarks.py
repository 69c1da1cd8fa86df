"""Code of the benchmarks that other figures rest on."""

import importlib
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import load_digits
from sklearn.preprocessing import normalize

from sklearn_activation import CompetitiveHebbianTransformer

from . import naive

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


def program(name, monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module(name)


@pytest.fixture
def backprop(monkeypatch):
    return program("_backprop", monkeypatch)


@pytest.fixture
def forward_forward(monkeypatch):
    return program("_forward_forward", monkeypatch)


# -- backpropagation ---------------------------------------------------------------------


def test_gradients_are_those_of_central_differences(backprop):
    """The network has every kind of layer, in double precision."""
    rng = np.random.default_rng(0)
    layers = [backprop.Squares.random(6, 5, rng), backprop.Squares.random(5, 7, rng)]
    layers += [backprop.Rectified.random(7, 6, rng), backprop.Linear.random(6, 3, rng)]
    for layer in layers:
        layer.parameters = [P.astype(np.float64) for P in layer.parameters]
    layers[2].parameters[1] += 0.1  # no unit stands where max(x, 0) has its corner
    network = backprop.Network(layers)
    X, y = rng.normal(size=(8, 6)), rng.integers(3, size=8)
    gradients = network.gradients(X, y)
    for P, gradient in zip(network.parameters, gradients, strict=True):

        def loss(values, P=P):
            P[...] = values.reshape(P.shape)
            return backprop.log_loss(network.forward(X), y)

        before = P.copy()
        found = naive.central_differences(loss, P.ravel().copy())
        P[...] = before
        assert_allclose(gradient.ravel(), found, atol=1e-6 * np.abs(found).max(), rtol=0)


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


# -- the Forward-Forward algorithm ---------------------------------------------------------


def test_gradient_of_a_layer_is_that_of_central_differences(forward_forward):
    rng = np.random.default_rng(0)
    layer = forward_forward.Layer(6, 5, rng, rate=0.01, sharpness=3)
    W = layer.W = layer.W.astype(np.float64)
    Z, sign = rng.normal(size=(8, 6)), np.repeat([1, -1], 4)

    def loss(W):
        goodness = (np.maximum(Z @ W.reshape(6, 5), 0) ** 2).mean(axis=1)
        return np.log1p(np.exp(-3 * sign * (goodness - forward_forward.THRESHOLD))).sum()

    found = Z.T @ layer.gradient(layer.forward(Z), sign > 0)
    assert_allclose(
        found.ravel(), naive.central_differences(loss, W.ravel()), rtol=1e-5, atol=1e-7
    )


def test_goodness_of_labels_is_that_of_rows_with_each_label(forward_forward):
    X = np.random.default_rng(0).normal(size=(20, 6)).astype(np.float32)
    network = forward_forward.ForwardForward(6, (8, 7, 5), n_labels=3, label_norm=0.5)
    each = [network.layer_goodness(X, np.full(20, c))[:, 1:].sum(axis=1) for c in range(3)]
    found = network.label_goodness(X, n_rows=7)
    assert_allclose(found, np.stack(each, axis=1), rtol=1e-5)
    assert_allclose(network.predict(X), found.argmax(axis=1))


def test_network_learns_digits(forward_forward):
    X, y = load_digits(return_X_y=True)
    X = normalize(X).astype(np.float32)
    network = forward_forward.ForwardForward(64, (100, 100), 10, label_norm=0.3, rate=3e-3)
    for epoch in range(15):
        network.set_share(forward_forward.share_of_rate(epoch, 15))
        network.fit_epoch(X[:1200], y[:1200], batch_size=50)
    assert np.mean(network.predict(X[1200:]) == y[1200:]) > 0.8
    goodness = network.layer_goodness(X, y)
    assert (goodness.mean(axis=0) > forward_forward.THRESHOLD).all()
