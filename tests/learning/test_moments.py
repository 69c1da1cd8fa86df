"""Sums of x x^T, and moments of what units put out."""

import numpy as np
import pytest

from sklearn_activation._learning.moments import (
    Moments,
    absolute_moments,
    absolute_sums_of,
    mean_and_variance,
)

from .. import naive
from ..tables import unit_rows


def test_moments_are_the_weighted_mean_of_outer_products():
    X, weight = unit_rows(), np.random.default_rng(6).uniform(0.1, 3, 40)
    moments = Moments(6).add(X[:3], weight[:3]).add(X[3:], weight[3:])
    assert moments.gram is not None
    expected = naive.second_moments(X, weight)
    np.testing.assert_allclose(moments.gram / moments.weight, expected, atol=1e-14)


@pytest.mark.parametrize("weighted", [False, True])
def test_few_rows_and_their_gram_matrix_have_the_same_spectrum(weighted):
    X = unit_rows(n_rows=5, n_inputs=12)
    weight = np.random.default_rng(7).uniform(0.5, 2, 5) if weighted else None
    kept, condensed = Moments(12).add(X, weight), Moments(12).add(X, weight)
    condensed._condense()
    assert kept.gram is None and condensed.rows is None
    values, V = kept.decompose()
    gram_values, gram_V = condensed.decompose()
    assert len(values) == len(gram_values) == 5
    np.testing.assert_allclose(values, gram_values, atol=1e-13)
    np.testing.assert_allclose((V * values) @ V.T, (gram_V * gram_values) @ gram_V.T, atol=1e-13)
    np.testing.assert_allclose(V.T @ V, np.eye(5), atol=1e-10)
    assert kept.trace() == pytest.approx(condensed.trace())


def test_rows_are_kept_until_they_outnumber_columns():
    X = unit_rows(n_rows=9, n_inputs=8)
    moments = Moments(8)
    for i in range(8):
        moments.add(X[i : i + 1])
        assert len(moments.rows) == i + 1 and moments.gram is None
    moments.add(X[8:])
    assert moments.rows is None
    np.testing.assert_allclose(moments.gram, X.T @ X, atol=1e-14)


def _gram_of(moments):
    return moments.rows.T @ moments.rows if moments.gram is None else moments.gram


def _assert_same_moments(a, b, rtol=1e-10):
    np.testing.assert_allclose(a.weight, b.weight, rtol=rtol)
    gram = _gram_of(b)
    np.testing.assert_allclose(_gram_of(a), gram, atol=rtol * np.abs(gram).max())


@pytest.mark.parametrize("n_rows", [4, 30])
def test_weights_equal_repeated_rows(n_rows):
    X = unit_rows(n_rows=n_rows, n_inputs=20)
    times = np.random.default_rng(8).integers(1, 4, n_rows)
    weighted = Moments(20).add(X, times.astype(float))
    repeated = Moments(20).add(np.repeat(X, times, axis=0))
    _assert_same_moments(weighted, repeated)
    np.testing.assert_allclose(weighted.decompose()[0], repeated.decompose()[0], atol=1e-13)


@pytest.mark.parametrize("sizes", [(2, 3, 2), (2, 30, 3), (30, 20, 40), (5, 5, 30), (0, 4, 9)])
def test_merge_is_associative_and_equals_one_pass(sizes):
    """Whether parts kept their rows or condensed them."""
    X = 100 * unit_rows(n_rows=sum(sizes), n_inputs=8)
    weight = np.random.default_rng(9).uniform(0.1, 5, len(X))
    cuts = np.cumsum(sizes)[:-1]

    def parts():
        pairs = zip(np.split(X, cuts), np.split(weight, cuts), strict=True)
        return [Moments(8).add(x, w) for x, w in pairs]

    a, b, c = parts()
    left = a.merge(b).merge(c)
    a, b, c = parts()
    right = a.merge(b.merge(c))
    _assert_same_moments(left, right)
    _assert_same_moments(left, Moments(8).add(X, weight))


def test_merge_leaves_the_other_as_it_was():
    X = unit_rows()
    for n in (3, 30):
        other = Moments(6).add(X[:n])
        before = _gram_of(other).copy()
        Moments(6).add(X[n:]).merge(other).merge(other)
        np.testing.assert_array_equal(_gram_of(other), before)
        assert other.weight == n


@pytest.mark.parametrize("n_first, n_second", [(3, 2), (30, 2), (30, 25)])
def test_without_undoes_add(n_first, n_second):
    X = unit_rows(n_rows=n_first + n_second)
    weight = np.random.default_rng(10).uniform(0.5, 2, len(X))
    first = Moments(6).add(X[:n_first], weight[:n_first])
    second = Moments(6).add(X[n_first:], weight[n_first:])
    everything = Moments(6).add(X, weight)
    before = _gram_of(everything).copy()
    _assert_same_moments(everything.without(second), first)
    np.testing.assert_array_equal(_gram_of(everything), before)


def test_state_restores_moments():
    X = unit_rows()
    for n in (3, 30):
        moments = Moments(6).add(X[:n])
        restored = Moments(**moments.state).add(X[n:])
        _assert_same_moments(restored, Moments(6).add(X))


def test_float32_rows_add_up_in_float64():
    X = unit_rows(n_rows=500)
    moments = Moments(6)
    for block in np.split(X.astype(np.float32), 50):
        moments.add(block, np.ones(len(block)))
    assert moments.gram.dtype == np.float64
    np.testing.assert_allclose(moments.gram / 500, naive.second_moments(X), atol=1e-7)


@pytest.mark.parametrize("n_rows", [5, 200])
def test_directions_without_energy_are_left_out(n_rows):
    X = unit_rows(n_rows=n_rows, n_inputs=12, rank=3)
    values, V = Moments(12).add(X).decompose()
    assert len(values) == V.shape[1] == 3
    assert (np.diff(values) <= 0).all()


def test_rounding_in_float32_is_no_direction():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 5)) @ rng.normal(size=(5, 50))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    for dtype in (np.float64, np.float32):
        values, _ = Moments(50).add(X.astype(dtype)).decompose()
        assert len(values) == 5


def test_standards_are_the_moments_of_absolute_outputs():
    rng = np.random.default_rng(11)
    Y, weight = rng.normal(size=(30, 4)), rng.integers(1, 4, 30)
    repeated = np.abs(np.repeat(Y, weight, axis=0))
    mean, variance = absolute_moments(Y, weight.astype(float))
    np.testing.assert_allclose(mean, repeated.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(variance, repeated.var(axis=0), rtol=1e-10)
    parts = [absolute_sums_of(Y[part], weight[part]) for part in (slice(10), slice(10, None))]
    np.testing.assert_allclose(mean_and_variance(parts[0] + parts[1], np.float64)[0], mean)


@pytest.mark.parametrize("single_is_first", [False, True])
def test_merged_moments_have_the_coarser_precision(single_is_first):
    """What rounding of single precision adds is no direction of the rows."""
    X = unit_rows(n_rows=400, rank=2)
    double, single = Moments(6).add(X), Moments(6).add(X.astype(np.float32))
    pair = (single, double) if single_is_first else (double, single)
    assert len(single.decompose()[0]) == 2
    assert len(pair[0].merge(pair[1]).decompose()[0]) == 2
