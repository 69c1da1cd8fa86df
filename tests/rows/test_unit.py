"""Rows of norm 1, and what is asked of rows of any length."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine

from sklearn_activation._rows.sample import Sample
from sklearn_activation._rows.unit import UnitEncoding

from .. import naive


def rows(n=9, seed=0):
    return np.random.default_rng(seed).normal(size=(n, 4)) * [1, 5, 0.2, 30]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_map_equals_its_twin(dtype):
    """Missing entries are zeros, and columns beside the block stay as they were."""
    X = rows()
    X[2], X[3, 1] = 0, np.nan
    out = np.full((9, 6), 7.0, dtype)
    UnitEncoding(4).write(X.astype(dtype), out)
    expected = naive.scale_to_unit(np.nan_to_num(X.astype(dtype)), 4)
    np.testing.assert_allclose(out[:, :4], expected, rtol=1e-6)
    assert (out[:, 4:] == 7).all() and not out[2, :4].any()


@pytest.mark.parametrize("scale", [1e300, 1e-300])
def test_rows_that_float32_cannot_hold_are_mapped(scale):
    out = np.empty((9, 4), np.float32)
    UnitEncoding(4).write(rows() * scale, out)
    np.testing.assert_allclose(out, naive.scale_to_unit(rows(), 4), rtol=1e-5)


def test_gradient_is_a_central_difference():
    X, G = rows(), np.random.default_rng(1).normal(size=(9, 4))
    encoding = UnitEncoding(4)

    def product(x, g):
        out = np.empty((1, 4))
        encoding.write(x[None], out)
        return out[0] @ g

    Z = np.empty((9, 4))
    encoding.write(X, Z)
    for x, g, slope in zip(X, G, encoding.pull_back(X, Z, G), strict=True):
        expected = naive.central_differences(lambda v, g=g: product(v, g), x)
        np.testing.assert_allclose(slope, expected, rtol=1e-4, atol=1e-8)


def test_length_is_the_l1_norm_of_unit_rows():
    X = rows()
    found, slope = UnitEncoding(4).length(X)
    np.testing.assert_allclose(found, np.abs(X).sum(axis=1) / np.linalg.norm(X, axis=1))
    for i, x in enumerate(X):
        expected = naive.central_differences(
            lambda v: np.abs(v).sum() / np.linalg.norm(v), x, step=1e-5
        )
        np.testing.assert_allclose(slope[i], expected, rtol=1e-4, atol=1e-8)


def test_energy_is_the_squared_norm():
    X = rows()
    energy, slope = UnitEncoding(4).energy(X)
    np.testing.assert_allclose(energy, naive.energies(X))
    np.testing.assert_allclose(slope, 2 * X)
    np.testing.assert_allclose(UnitEncoding(4).size(X) ** 2, energy)


def test_distances_are_to_the_nearest_multiple_of_kept_rows():
    rng = np.random.default_rng(0)
    kept, X = rows(7, 1), rows(5, 2)
    known = rng.random((5, 4)) < 0.7
    known[:, 0] = True
    distance, factor = UnitEncoding(4).distances(X, known, kept, np.ones(7))
    for i in range(5):
        x, others = X[i, known[i]], kept[:, known[i]]
        expected = np.maximum(others @ x, 0) / (others**2).sum(axis=1)
        np.testing.assert_allclose(factor[i], expected, rtol=1e-12)
        exact = ((x - expected[:, None] * others) ** 2).sum(axis=1)
        np.testing.assert_allclose(distance[i] + x @ x, exact, rtol=1e-9, atol=1e-9)


def test_rows_get_the_lengths_that_unit_rows_do_not_tell():
    X = np.array([[3.0, 4.0], [-600.0, 800.0], [0.0, 0.0]])
    found = UnitEncoding(2).with_lengths(X, np.array([1.0, 2, 3]))
    np.testing.assert_allclose(found, X * [[0.2], [0.002], [0]])


def test_magnitude_is_a_power_of_two_that_keeps_squares_finite():
    X, encoding = np.array([[3.0, 4.0], [-600.0, 800.0]]), UnitEncoding(2)
    assert encoding.magnitude(X) == 512
    assert encoding.magnitude(1e-310 * X) > 0 and encoding.magnitude(0 * X) == 1
    for scale in (1e300, 1e-300):
        assert np.isfinite((scale * X / encoding.magnitude(scale * X)) ** 2).all()


def test_rounded_rows_are_alike_whatever_their_length():
    X = rows()
    X[3, 1] = np.nan
    found = UnitEncoding(4).rounded(X)
    np.testing.assert_allclose(found / 2**16, naive.scale_to_unit(np.nan_to_num(X), 4), atol=1e-5)
    np.testing.assert_array_equal(UnitEncoding(4).rounded(4 * X), found)


# -- whether rows of norm 1 suit ---------------------------------------------------------------


def suits(X, weight=None, categorical=None):
    weight = np.ones(len(X)) if weight is None else weight
    return UnitEncoding.suits(Sample.of(X, None, weight, 2048), categorical)


@pytest.mark.parametrize("n_rows", [3, 30, 178])
@pytest.mark.parametrize(
    "load, expected",
    [(load_digits, True), (load_iris, True), (load_wine, False), (load_breast_cancer, False)],
)
def test_unit_rows_suit_columns_of_one_unit(load, expected, n_rows):
    """In wine and breast cancer a column or two are nearly all of a row's length."""
    X, _ = load(return_X_y=True)
    for seed in range(3):
        rows = X[np.random.default_rng(seed).permutation(len(X))[:n_rows]]
        assert suits(rows) == expected


@pytest.mark.parametrize("n_features, n_large", [(2, 1), (8, 1), (8, 2), (8, 3), (20, 4), (20, 6)])
def test_a_quarter_of_the_columns_must_make_up_the_length(n_features, n_large):
    """Columns of equal squares count whole, and those of tiny ones not."""
    X = np.full((10, n_features), 1e-3)
    X[:, :n_large] = [[5.0]]
    assert suits(X) == (n_large >= n_features / 4)
    assert not suits(X[:, :1])


def test_unit_rows_suit_no_categories():
    X = np.random.default_rng(0).normal(size=(20, 4))
    assert suits(X) and not suits(X, categorical=np.array([False, False, True, False]))


@pytest.mark.parametrize("factor", [1e-300, 1e-5, 1e300])
def test_whether_unit_rows_suit_does_not_depend_on_size_order_or_copies(factor):
    """Near the border, where a quarter of the squares' participation is just reached or missed."""
    rng = np.random.default_rng(1)
    answers = []
    for _ in range(40):
        X = rng.lognormal(0, 1, (12, 6)) * rng.lognormal(0, 1.2, 6)
        X[rng.random(X.shape) < 0.1] = np.nan
        answers.append(suits(X))
        assert suits(factor * X) == answers[-1]
        assert suits(X[rng.permutation(12)][:, rng.permutation(6)]) == answers[-1]
        weight = rng.integers(1, 4, 12)
        assert suits(X, weight.astype(float)) == suits(np.repeat(X, weight, axis=0))
        assert suits(X, 1e-9 * weight) == suits(X, weight.astype(float))
    assert 5 < sum(answers) < 35


def test_rows_of_zeros_and_of_gaps_suit():
    assert suits(np.zeros((5, 3))) and suits(np.full((5, 3), np.nan))
