"""Row kernels against their plain twins."""

import numpy as np
import pytest

from sklearn_activation.kernels import rows as kernels

from .. import naive

# -- scale_to_unit and energies --------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n_columns", [1, 3, 11])
def test_scale_to_unit_equals_twin(dtype, n_columns):
    X = np.random.default_rng(0).normal(size=(9, 11)).astype(dtype)
    X[3] = 0
    X[4] = 2.5
    scaled = X.copy()
    kernels.scale_to_unit(scaled, n_columns)
    np.testing.assert_allclose(scaled, naive.scale_to_unit(X, n_columns), rtol=1e-5)
    np.testing.assert_array_equal(scaled[:, n_columns:], X[:, n_columns:])
    assert not scaled[3].any()


@pytest.mark.parametrize(
    "dtype, magnitude",
    [
        (np.float64, 1e300),
        (np.float64, 1.7e308),
        (np.float64, 1e-300),
        (np.float64, 1e-310),
        (np.float64, 5e-324),
        (np.float32, 3e38),
        (np.float32, 1e-37),
        (np.float32, 1e-40),
        (np.float32, 1.5e-45),
    ],
)
def test_scale_to_unit_at_any_magnitude(dtype, magnitude):
    """From the least to the largest numbers there are, norms are 1 and signs stay."""
    X = (magnitude * np.array([[1, -1, 0, 1], [0, 0, 1, 0], [1, 1, 1, 1]])).astype(dtype)
    assert np.isfinite(X).all() and X.any(axis=1).all()
    expected = np.sign(X) / np.linalg.norm(np.sign(X), axis=1, keepdims=True)
    kernels.scale_to_unit(X, X.shape[1])
    np.testing.assert_allclose(X, expected, rtol=1e-5)


def test_scale_to_unit_with_huge_and_tiny_columns_together():
    X = np.array([[1e300, 1e-300, -1e300], [1e-300, 0, 1e300]])
    kernels.scale_to_unit(X, 3)
    np.testing.assert_allclose(X, [[0.5**0.5, 0, -(0.5**0.5)], [0, 0, 1]], atol=1e-15)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_missing_entries_count_as_zero(dtype):
    X = np.array([[np.nan, 3, 4], [np.nan, np.nan, -2], [np.nan] * 3], dtype)
    kernels.scale_to_unit(X, 3)
    np.testing.assert_allclose(X, [[0, 0.6, 0.8], [0, 0, -1], [0, 0, 0]], rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n_units", [1, 2, 33])
def test_absolute_sums_equal_twin(dtype, n_units):
    """They add to what is there, in double precision whatever that of the rows."""
    rng = np.random.default_rng(2)
    Y, weight = rng.normal(size=(40, n_units)).astype(dtype), rng.uniform(size=40)
    sums, squares = np.ones((2, n_units))
    kernels.absolute_sums(Y, weight, sums, squares)
    expected = naive.absolute_sums(Y, weight)
    np.testing.assert_allclose([sums - 1, squares - 1], expected, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n_units", [1, 2, 33])
def test_energies_equal_twin(dtype, n_units):
    Y = np.random.default_rng(1).normal(size=(8, n_units)).astype(dtype)
    Y[2] = 0
    out = np.empty(len(Y), dtype)
    kernels.energies(Y, out)
    np.testing.assert_allclose(out, naive.energies(Y), rtol=1e-5 if dtype is np.float32 else 1e-13)


# -- hashes ----------------------------------------------------------------------------


def hashes_of(X, labels):
    out = np.empty(len(X), np.uint64)
    with np.errstate(over="ignore"):  # NumPy's scalars warn when Numba is disabled
        kernels.hashes(X, labels, out)
    return out.tolist()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n_columns", [0, 1, 2, 7])
@pytest.mark.parametrize("n_rows", [0, 1, 2, 3, 4, 5, 20])
def test_hashes_equal_twin(n_rows, n_columns, dtype):
    """Wrapping 64-bit arithmetic against Python's unbounded integers."""
    rng = np.random.default_rng(2)
    X = rng.normal(size=(n_rows, n_columns)).astype(dtype)
    X[rng.random(X.shape) < 0.2] = np.nan
    X[rng.random(X.shape) < 0.2] = -0.0
    X[rng.random(X.shape) < 0.1] = -np.inf
    labels = rng.integers(3, size=n_rows).astype(np.float64)
    assert hashes_of(X, labels) == naive.hashes(X, labels)


def test_hashes_of_equal_numbers_are_equal():
    """All NaN, and both zeros. No other bits are ignored."""
    nan = np.array([0x7FF8000000000000, 0xFFF8000000000001, 0x7FF0000000000001], np.uint64)
    X = np.concatenate([nan.view(np.float64), [0.0, -0.0, 5e-324, 1.0, np.nextafter(1, 2)]])
    found = hashes_of(X[:, None], np.zeros(8))
    assert found[0] == found[1] == found[2]
    assert found[3] == found[4]
    assert len(set(found)) == 5


def test_hashes_stay_what_they_were():
    """Stored models recognise rows by their hashes."""
    X = np.array([[0.0, 1.0, -2.5], [np.nan, 1e300, 3.0]])
    assert hashes_of(X, np.array([0.0, 2.0])) == [4572879613257818141, 4341424988343194481]
