"""Row kernels against their plain twins, and the samples built on row hashes."""

import numpy as np
import pytest

from sklearn_activation._rows.sample import Sample, row_hashes
from sklearn_activation.kernels import rows as kernels

from . import naive

# -- scale_to_unit and energies ----------------------------------------------------


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


# -- hashes --------------------------------------------------------------------------


@pytest.mark.parametrize("n_words", [1, 2, 7])
def test_hashes_equal_twin(n_words):
    """Wrapping 64-bit arithmetic against Python's unbounded integers."""
    rng = np.random.default_rng(2)
    bits = rng.integers(0, 2**64, size=(20, n_words), dtype=np.uint64)
    bits[0] = 0
    bits[1] = 2**64 - 1
    out = np.empty(len(bits), np.uint64)
    with np.errstate(over="ignore"):  # NumPy's scalars warn when Numba is disabled
        kernels.hashes(bits, out)
    assert out.tolist() == naive.hashes(bits)


def test_hashes_depend_on_the_row_alone():
    rng = np.random.default_rng(3)
    X, labels = rng.normal(size=(50, 4)), rng.integers(3, size=50)
    order = rng.permutation(50)
    hashes = row_hashes(X, labels)
    np.testing.assert_array_equal(row_hashes(X[order], labels[order]), hashes[order])
    np.testing.assert_array_equal(row_hashes(X[7:8], labels[7:8]), hashes[7:8])
    assert len(np.unique(hashes)) == 50


def test_hashes_tell_values_columns_and_labels_apart():
    X = np.array([[1.0, 2.0], [2.0, 1.0], [1.0, 2.0], [np.nextafter(1, 2), 2.0]])
    hashes = row_hashes(X, np.array([0, 0, 1, 0]))
    assert len(np.unique(hashes)) == 4


def test_negative_zero_hashes_as_zero():
    X = np.array([[0.0, 1.0], [-0.0, 1.0]])
    first, second = row_hashes(X, np.zeros(2))
    assert first == second


def test_precision_does_not_change_the_hash_of_a_value():
    X = np.random.default_rng(4).normal(size=(6, 3)).astype(np.float32)
    labels = np.zeros(6, np.intp)
    np.testing.assert_array_equal(row_hashes(X, labels), row_hashes(X.astype(float), labels))


def test_hashing_in_blocks_changes_nothing():
    """Wide rows are hashed a few at a time: here 3 blocks."""
    X = np.zeros((5, 1 << 19))
    X[:, 0] = np.arange(5)
    if not hasattr(kernels.hashes, "py_func"):  # NUMBA_DISABLE_JIT=1: too slow
        pytest.skip("needs compiled kernels")
    labels = np.zeros(5, np.intp)
    alone = [row_hashes(X[i : i + 1], labels[:1])[0] for i in range(5)]
    np.testing.assert_array_equal(row_hashes(X, labels), alone)


# -- samples -------------------------------------------------------------------------


def _data(n=60, seed=5):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    return X, rng.integers(2, size=n), rng.integers(1, 5, n).astype(float)


def _assert_same(a, b):
    for name in ("X", "labels", "weight", "hashes"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


@pytest.mark.parametrize("size", [7, 60, 1000])
def test_sample_keeps_the_smallest_hashes(size):
    X, labels, weight = _data()
    sample = Sample.of(X, labels, weight, size)
    hashes = row_hashes(X, labels)
    chosen = np.argsort(hashes)[:size]
    np.testing.assert_array_equal(sample.hashes, hashes[chosen])
    np.testing.assert_array_equal(sample.X, X[chosen])
    np.testing.assert_array_equal(sample.labels, labels[chosen])
    np.testing.assert_array_equal(sample.weight, weight[chosen])


@pytest.mark.parametrize("size", [10, 1000])
def test_sample_merges_copies_into_their_weight(size):
    """A weight of 3 is three copies."""
    X, labels, weight = _data()
    times = weight.astype(int)
    repeated = Sample.of(
        np.repeat(X, times, axis=0), np.repeat(labels, times), np.ones(times.sum()), size
    )
    _assert_same(repeated, Sample.of(X, labels, weight, size))


def test_copies_with_different_labels_stay_apart():
    X = np.ones((4, 2))
    sample = Sample.of(X, np.array([0, 1, 1, 0]), np.array([1.0, 2.0, 3.0, 4.0]), 10)
    assert dict(zip(sample.labels.tolist(), sample.weight.tolist(), strict=True)) == {0: 5, 1: 5}
    assert len(sample.X) == 2


def test_sample_without_labels():
    X, _, weight = _data()
    sample = Sample.of(X, None, weight, 10)
    assert not sample.labels.any() and len(sample.labels) == 10


@pytest.mark.parametrize("size", [10, 1000])
def test_shuffling_does_not_change_the_sample(size):
    X, labels, weight = _data()
    order = np.random.default_rng(6).permutation(len(X))
    shuffled = Sample.of(X[order], labels[order], weight[order], size)
    _assert_same(shuffled, Sample.of(X, labels, weight, size))


@pytest.mark.parametrize("size", [10, 1000])
@pytest.mark.parametrize("cut", [1, 5, 30, 59])
def test_joined_samples_are_the_sample_of_all_rows(size, cut):
    X, labels, weight = _data()
    X[40:] = X[:20]  # copies on both sides
    labels[40:] = labels[:20]
    parts = [slice(0, cut), slice(cut, None)]
    one, other = (Sample.of(X[part], labels[part], weight[part], size) for part in parts)
    everything = Sample.of(X, labels, weight, size)
    _assert_same(one.joined(other, size), everything)
    _assert_same(other.joined(one, size), everything)


def test_folds_are_balanced_and_belong_to_the_rows():
    X, labels, weight = _data(n=500)
    sample = Sample.of(X, labels, weight, 400)
    folds = sample.folds(5)
    counts = np.bincount(folds.astype(int), minlength=5)
    assert counts.sum() == 400 and counts.min() > 50
    smaller = sample.smallest(100)
    np.testing.assert_array_equal(smaller.folds(5), folds[:100])
    assert np.bincount(smaller.folds(5).astype(int), minlength=5).min() > 5
