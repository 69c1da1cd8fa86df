"""One layer in closed form against the flow that it integrates."""

import numpy as np
import pytest

from sklearn_activation._learning.layer import (
    activation_curve,
    averaged_filter,
    logistic_filter,
    random_rotation,
)
from sklearn_activation._learning.moments import Moments

from .. import naive
from ..tables import unit_rows
from ..tasks import EPSILON, rotation, solved, spectrum_from, spectrum_of

# -- filters and rotations -------------------------------------------------------------


@pytest.mark.parametrize("t", [0.0, 0.3, 10.0, 1e4, 1e300])
@pytest.mark.parametrize("epsilon", [1e-6, 0.1, 0.9])
def test_logistic_filter_is_its_formula(t, epsilon):
    values = np.array([0.0, 1e-9, 0.02, 0.5, 1.0])
    expected = [naive.logistic_filter(value, t, epsilon) for value in values]
    np.testing.assert_allclose(logistic_filter(values, t, epsilon), expected, rtol=1e-12)


def test_logistic_filter_ignores_rounding_below_zero():
    assert logistic_filter(np.array([-1e-3]), 1e6, EPSILON)[0] == pytest.approx(EPSILON)


@pytest.mark.parametrize("shape", [(5, 5), (5, 9), (9, 5), (1, 4), (4, 1)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_rotation_is_orthonormal_and_seeded(shape, dtype):
    Q = random_rotation(*shape, 3, dtype)
    assert Q.shape == shape and Q.dtype == dtype and Q.flags.c_contiguous
    small = Q @ Q.T if shape[0] <= shape[1] else Q.T @ Q
    np.testing.assert_allclose(small, np.eye(min(shape)), atol=1e-5)
    np.testing.assert_array_equal(Q, random_rotation(*shape, 3, dtype))
    assert not np.allclose(Q, random_rotation(*shape, 4, dtype))


def test_a_rotation_that_is_kept_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        random_rotation(5, 5, 3, np.float64)[0] = 0


def test_averaged_share_is_the_mean_of_stopped_linear_flows():
    t, rate = np.arange(0.0, 4000, 0.002), 1 / 40
    density = rate * np.exp(-rate * t)
    for value in (0.001, 0.02, 0.5):
        stopped = 1 - (1 - EPSILON) * np.exp(-value * t)
        mean = (stopped * density).sum() * 0.002
        assert averaged_filter(value, 40, EPSILON) == pytest.approx(mean, abs=1e-4)


# -- weights ---------------------------------------------------------------------------


@pytest.mark.parametrize("n_units", [6, 7, 20])
def test_start_is_the_rotation(n_units):
    """W(0) = sqrt(epsilon) Q as soon as units suffice."""
    start, _ = solved(unit_rows(), n_units, 1.0)
    np.testing.assert_allclose(start, np.sqrt(EPSILON) * rotation(6, n_units), atol=1e-15)


@pytest.mark.parametrize("n_units", [1, 3, 5])
def test_start_with_fewer_units_spans_the_leading_eigenvectors(n_units):
    X = unit_rows()
    start, _ = solved(X, n_units, 1.0)
    _, V = np.linalg.eigh(naive.second_moments(X))
    leading = V[:, ::-1][:, :n_units]
    np.testing.assert_allclose(start @ start.T, EPSILON * leading @ leading.T, atol=1e-13)


@pytest.mark.parametrize("n_units", [6, 9])
@pytest.mark.parametrize("t", [0.5, 5.0, 100.0])
def test_energy_is_a_filter_on_the_spectrum(n_units, t):
    """W W^T = V f(lambda) V^T."""
    X = unit_rows()
    _, W = solved(X, n_units, t)
    values, V = np.linalg.eigh(naive.second_moments(X))
    f = np.array([naive.logistic_filter(value, t, EPSILON) for value in values])
    np.testing.assert_allclose(W @ W.T, (V * f) @ V.T, atol=1e-12)


# Units against inputs, and rows that leave directions empty.
CASES = [(6, None), (9, None), (3, None), (1, None), (6, 2), (9, 4), (4, 2), (2, 4)]


@pytest.mark.parametrize("n_units, rank", CASES)
@pytest.mark.parametrize("t", [0.5, 4.0, 12.0])  # the twin needs exp(2 C t) well conditioned
@pytest.mark.parametrize("epsilon", [0.01, 0.1, 0.7])
def test_energy_equals_the_general_closed_form(n_units, rank, t, epsilon):
    X = unit_rows(rank=rank)
    start, W = solved(X, n_units, t, epsilon=epsilon)
    expected = naive.projector(naive.second_moments(X), start, t)
    np.testing.assert_allclose(W @ W.T, expected, atol=1e-10)


@pytest.mark.parametrize("n_units, rank", CASES)
@pytest.mark.parametrize("t", [1.0, 8.0])
def test_weights_equal_runge_kutta(n_units, rank, t):
    """W(t) itself, not only W W^T, follows dW/dt = (I - W W^T) C W."""
    X = unit_rows(rank=rank)
    start, W = solved(X, n_units, t)
    expected = naive.runge_kutta(naive.second_moments(X), start, t)
    np.testing.assert_allclose(W, expected, atol=1e-10)


def test_general_closed_form_equals_runge_kutta_from_any_start():
    """The twin itself, from a start that is not isotropic."""
    C = naive.second_moments(unit_rows())
    W0 = np.random.default_rng(2).normal(0, 0.3, (6, 4))
    W = naive.runge_kutta(C, W0, 5.0)
    np.testing.assert_allclose(W @ W.T, naive.projector(C, W0, 5.0), atol=1e-10)


def test_weights_keep_the_precision_of_the_rotation():
    X = unit_rows()
    for n_units in (4, 6, 9):
        spectrum = spectrum_of(X, n_units)
        Q = random_rotation(6, n_units, 1, np.float32)
        W = spectrum.weights(5.0, Q)
        assert W.dtype == np.float32
        np.testing.assert_allclose(W, spectrum.weights(5.0, Q.astype(float)), atol=2e-6)


@pytest.mark.parametrize("n_units", [3, 6, 9])
def test_order_and_sign_of_rows_do_not_matter(n_units):
    X = unit_rows()
    rng = np.random.default_rng(3)
    other = rng.permutation(X) * rng.choice([-1, 1], (len(X), 1))
    _, W = solved(X, n_units, 5.0)
    _, same = solved(other, n_units, 5.0)
    np.testing.assert_allclose(same, W, atol=1e-12)


@pytest.mark.parametrize("n_units", [3, 6, 9])
def test_signs_of_eigenvectors_do_not_matter(n_units):
    values, V = Moments(6).add(unit_rows()).decompose()
    Q = rotation(6, n_units)
    flipped = V * np.array([1, -1, -1, 1, -1, 1])
    one, other = (spectrum_from(values, v, n_units).weights(5.0, Q) for v in (V, flipped))
    np.testing.assert_allclose(one, other, atol=1e-14)


def test_basis_of_a_degenerate_eigenspace_does_not_matter():
    """Rows with C = I / 6: any basis is one of eigenvectors."""
    values, Q = np.full(6, 1 / 6), rotation(6, 8)
    one = spectrum_from(values, np.eye(6), 8).weights(5.0, Q)
    other = spectrum_from(values, rotation(6, 6, seed=4), 8).weights(5.0, Q)
    np.testing.assert_allclose(one, other, atol=1e-14)


def test_averaged_weights_pass_the_averaged_share():
    """||y||^2 = sum f (v.z)^2 with f = (lambda t + epsilon) / (lambda t + 1), also beside C."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 6)) @ np.diag([3, 2, 1, 0.5, 0.1, 0])
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    values, V = np.linalg.eigh(X.T @ X / 100)
    share = (np.maximum(values, 0) * 50 + EPSILON) / (np.maximum(values, 0) * 50 + 1)
    spectrum = spectrum_of(X, 6, averaged=True)
    W = spectrum.triangular_weights(50.0)
    np.testing.assert_allclose(W @ W.T, (V * share) @ V.T, atol=1e-12)
    Z = rng.normal(size=(9, 6))
    expected = ((Z @ V) ** 2) @ share
    np.testing.assert_allclose(spectrum.energies(Z, [50.0])[:, 0], expected, rtol=1e-12)


# -- activations -----------------------------------------------------------------------


@pytest.mark.parametrize("n_units, rank", CASES)
def test_energies_equal_those_of_the_weights(n_units, rank):
    """||z W(t)||^2 for many times from one product, rows outside the span included."""
    X = unit_rows(rank=rank)
    Z = np.vstack([X, unit_rows(seed=5)])
    times = [0.0, 0.7, 12.0, 1e5]
    spectrum = spectrum_of(X, n_units)
    result = spectrum.energies(Z, times)
    Q = rotation(6, n_units)
    if n_units < 6 and rank is not None and n_units > rank:
        # Spare units start on directions without energy, which energies() leaves out.
        Z, result = X, result[: len(X)]
    for t, column in zip(times, result.T, strict=True):
        np.testing.assert_allclose(column, naive.energies(Z @ spectrum.weights(t, Q)), atol=1e-12)


@pytest.mark.parametrize("n_units", [2, 6, 10])
def test_mean_activation_grows_with_learning_time(n_units):
    X = unit_rows()
    times = np.geomspace(0.01, 1e3, 30)
    means = spectrum_of(X, n_units).energies(X, times).mean(axis=0)
    assert (np.diff(means) > -1e-14).all() and means[-1] > means[0] + 0.3


@pytest.mark.parametrize("n_units, rank", CASES)
def test_activation_curve_is_the_mean_activation(n_units, rank):
    X = unit_rows(rank=rank)
    spectrum = spectrum_of(X, n_units)
    curve = activation_curve(spectrum, 20.0)
    assert len(curve) == 20
    expected = spectrum.energies(X, np.linspace(1, 20, 20)).mean(axis=0)
    np.testing.assert_allclose(curve, expected, atol=1e-12)
