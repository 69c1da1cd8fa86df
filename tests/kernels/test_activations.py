"""Activation kernels against their plain twins and central differences."""

import numpy as np
import pytest

from sklearn_activation._network import ACTIVATIONS

from .. import naive

NAMES = list(ACTIVATIONS)
RTOL = {np.float64: 1e-11, np.float32: 2e-5}
TINY = {np.float64: 1e-100, np.float32: 1e-15}  # squares are normal numbers, fourth powers zero


def _rows(kind, dtype, n_rows=7, n_units=13, seed=0):
    rng = np.random.default_rng(seed)
    Y = {
        "random": lambda: rng.normal(size=(n_rows, n_units)),
        "constant": lambda: np.full((n_rows, n_units), 0.5),
        "zero": lambda: np.zeros((n_rows, n_units)),
        "tiny": lambda: TINY[dtype] * rng.normal(size=(n_rows, n_units)),
        "single unit": lambda: rng.normal(size=(n_rows, 1)),
        "one row": lambda: rng.normal(size=(1, n_units)),
    }[kind]()
    return Y.astype(dtype)


KINDS = ["random", "constant", "zero", "tiny", "single unit", "one row"]


def _standards(n_units, dtype, seed=1):
    rng = np.random.default_rng(seed)
    mean = rng.uniform(0.1, 0.9, n_units).astype(dtype)
    scale = rng.uniform(0.5, 2.0, n_units).astype(dtype)
    return mean, scale


def _forward(name, A, B, mean, scale):
    out = np.full((len(A) * len(B), A.shape[1]), np.nan, dtype=A.dtype)
    energy = np.full(len(out), np.nan, dtype=A.dtype)
    ACTIVATIONS[name][0](A, B, mean, scale, out, energy)
    return out, energy


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_forward_equals_twin(name, kind, dtype):
    Y = _rows(kind, dtype)
    none = np.zeros((1, Y.shape[1]), dtype)
    mean, scale = _standards(Y.shape[1], dtype)
    out, energy = _forward(name, Y, none, mean, scale)
    expected, expected_energy = naive.forward(name, Y, none, mean, scale)
    size = np.abs(expected).max()
    np.testing.assert_allclose(out, expected, rtol=RTOL[dtype], atol=RTOL[dtype] * size)
    np.testing.assert_allclose(energy, expected_energy, rtol=RTOL[dtype])
    assert out.dtype == energy.dtype == dtype


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_every_row_meets_every_label(name, dtype):
    """Row i * n_labels + c is that of A[i] + B[c]."""
    A, B = _rows("random", dtype, n_rows=5), _rows("random", dtype, n_rows=3, seed=2)
    mean, scale = _standards(A.shape[1], dtype)
    out, energy = _forward(name, A, B, mean, scale)
    expected, expected_energy = naive.forward(name, A, B, mean, scale)
    assert out.shape == (15, A.shape[1])
    np.testing.assert_allclose(out, expected, rtol=RTOL[dtype], atol=RTOL[dtype])
    np.testing.assert_allclose(energy, expected_energy, rtol=RTOL[dtype])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_norm_is_preserved(name, kind, dtype):
    """||f(y)|| = ||y||, which carries activation from layer to layer (paper, III.A)."""
    Y = _rows(kind, dtype)
    mean, scale = _standards(Y.shape[1], dtype)
    out, _ = _forward(name, Y, np.zeros((1, Y.shape[1]), dtype), mean, scale)
    np.testing.assert_allclose(
        np.linalg.norm(out.astype(np.float64), axis=1),
        np.linalg.norm(Y.astype(np.float64), axis=1),
        rtol=RTOL[dtype],
    )


@pytest.mark.parametrize("value", [0.1, 0.3, 1 / 3, 0.7])
@pytest.mark.parametrize("n_units", [1, 2, 3, 7, 10, 17, 100])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_units_that_respond_alike_have_nothing_to_standardise(value, n_units, dtype):
    """layer_std_abs of a constant row is |y|, not rounding errors blown up to its norm."""
    Y = np.full((1, n_units), -value, dtype)
    unused = np.zeros(n_units, dtype)
    out, _ = _forward("layer_std_abs", Y, np.zeros_like(Y), unused, unused)
    np.testing.assert_array_equal(out, -Y)


@pytest.mark.parametrize("name", NAMES)
def test_scaling_a_row_scales_its_activation(name):
    """Every f but std_abs is homogeneous; std_abs compares with fixed means."""
    Y = _rows("random", np.float64)
    mean, scale = _standards(Y.shape[1], np.float64)
    none = np.zeros((1, Y.shape[1]))
    single, _ = _forward(name, Y, none, mean, scale)
    triple, energy = _forward(name, 3 * Y, none, mean, scale)
    assert np.allclose(triple, 3 * single, rtol=1e-12) == (name != "std_abs")
    np.testing.assert_allclose(energy, 9 * naive.energies(Y), rtol=1e-12)


def _gradient(name, Y, G, mean, scale):
    out = np.full_like(G, np.nan)
    ACTIVATIONS[name][1](Y, G, mean, scale, out)
    return out


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_gradient_equals_twin(name, kind, dtype):
    Y = _rows(kind, dtype)
    G = np.random.default_rng(3).normal(size=Y.shape).astype(dtype)
    mean, scale = _standards(Y.shape[1], dtype)
    expected = naive.gradient(name, Y, G, mean, scale)
    tolerance = 20 * RTOL[dtype] * max(1, np.abs(expected).max())
    np.testing.assert_allclose(_gradient(name, Y, G, mean, scale), expected, atol=tolerance)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n_units", [1, 2, 9])
def test_gradient_equals_central_differences(name, n_units):
    """For L = f(y).g, away from the kink of |y| at 0."""
    rng = np.random.default_rng(4)
    Y = rng.uniform(0.2, 1, (6, n_units)) * rng.choice([-1, 1], (6, n_units))
    G = rng.normal(size=Y.shape)
    mean, scale = _standards(n_units, np.float64)
    none = np.zeros((1, n_units))
    out = _gradient(name, Y, G, mean, scale)
    if n_units == 1 and name == "layer_std_abs":  # u is zero: f(y) = |y|
        np.testing.assert_array_equal(out, np.sign(Y) * G)
    for y, g, row in zip(Y, G, out, strict=True):
        difference = naive.central_differences(
            lambda v, g=g: _forward(name, v[None], none, mean, scale)[0][0] @ g, y
        )
        np.testing.assert_allclose(row, difference, rtol=1e-6, atol=1e-7)
