"""Random frequencies, and the waves that they make."""

import numpy as np
import pytest
from scipy.stats import kstest

from sklearn_activation._rows.frequencies import (
    draw_orthogonal_frequencies,
    make_normal_numbers,
    phase_gradient,
    write_waves,
)

from .. import naive


@pytest.mark.parametrize("n_features", [1, 3, 40])
def test_frequencies_are_orthogonal_and_as_long_as_normal_ones(n_features):
    factors = np.repeat([0.5, 2.0], 30)
    found = draw_orthogonal_frequencies(n_features, factors, np.random.default_rng(0))
    assert found.shape == (n_features, 60)
    n = min(30, n_features)
    gram = found[:, :n].T @ found[:, :n]
    np.testing.assert_allclose(gram, np.diag(np.diag(gram)), atol=1e-9)
    many = draw_orthogonal_frequencies(n_features, np.ones(5000), np.random.default_rng(0))
    assert (many**2).sum(axis=0).mean() == pytest.approx(n_features, rel=0.1)


@pytest.mark.parametrize("key", [0, 5, (123 << 20) + 7, 2**63 + 1])
def test_normal_numbers_of_codes_equal_their_twin(key):
    """The same in every process: wrapping 64-bit arithmetic against Python's integers."""
    codes = np.array([0, 1, 2, 2**32, 2**52 - 1], dtype=np.uint64)
    found = make_normal_numbers(codes, key, 9)
    expected = [naive.make_normal_numbers(int(code), key, 9) for code in codes]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_normal_numbers_of_codes_are_normal_and_independent():
    numbers = make_normal_numbers(np.arange(4000, dtype=np.uint64), 3, 4)
    for column in (*numbers.T, *numbers[:4].T):
        assert kstest(column, "norm").pvalue > 1e-3
    correlation = np.corrcoef(numbers, rowvar=False) - np.eye(4)
    assert np.abs(correlation).max() < 4 / np.sqrt(4000)
    neighbours = np.corrcoef(numbers[:-1, 0], numbers[1:, 0])[0, 1]
    assert np.abs(neighbours) < 4 / np.sqrt(4000)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_waves_are_cosines_and_sines_of_norm_1(dtype):
    phase = np.random.default_rng(1).normal(size=(6, 5)) * 9
    out = np.full((6, 12), 7.0, dtype)
    write_waves(phase, out)
    np.testing.assert_allclose(out[:, :10], naive.waves(phase), atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(out[:, :10], axis=1), 1, atol=3e-7)
    assert (out[:, 10:] == 7).all()


def test_gradient_of_waves_is_a_central_difference():
    rng = np.random.default_rng(2)
    phase, G = rng.normal(size=(4, 3)), rng.normal(size=(4, 6))
    slopes = phase_gradient(naive.waves(phase), G)
    for row, g, slope in zip(phase, G, slopes, strict=True):
        expected = naive.central_differences(lambda v, g=g: naive.waves(v[None])[0] @ g, row)
        np.testing.assert_allclose(slope, expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("n_features", [1, 3, 10])
def test_lengths_of_frequencies_spread_as_those_of_normal_ones(n_features):
    """Their squares have a mean of ``n_features`` and a variance of twice that."""
    rng = np.random.default_rng(0)
    squares = (draw_orthogonal_frequencies(n_features, np.ones(6000), rng) ** 2).sum(axis=0)
    assert squares.mean() == pytest.approx(n_features, rel=0.06)
    assert squares.var() == pytest.approx(2 * n_features, rel=0.15)
