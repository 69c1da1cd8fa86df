"""The Fourier map of columns against its formula."""

import warnings

import numpy as np
import pandas as pd
import pytest

from sklearn_activation._rows.columns import read_table
from sklearn_activation._rows.fourier import FourierEncoding
from sklearn_activation._rows.scales import PAIR, column_scales, robust_scales

from .. import naive
from ..encodings import fourier_encoding
from ..tables import normal


def encoding_of(X, *, bandwidth=1.0, **options):
    """A robustly fitted map; an automatic bandwidth is a mixture of four."""
    factors = (0.5, 1.0, 2.0, 4.0) if bandwidth == "auto" else (1.0,)
    return fourier_encoding(X, bandwidth=bandwidth, factors=factors, **options)


def encoded(encoding, X):
    Z = np.empty((len(X), encoding.n_outputs), X.dtype)
    encoding.write(X, Z)
    return Z


def independent(X, n_frequencies, seed):
    """A map of independent frequencies, in units of the columns' deviations."""
    frequencies = np.random.default_rng(seed).normal(size=(X.shape[1], n_frequencies))
    return FourierEncoding(*column_scales(X, np.ones(len(X))), frequencies)


# -- the map -------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_map_equals_its_twin(dtype):
    """Numbers beside logarithms, bends, gaps, and a column that is constant."""
    rng = np.random.default_rng(0)
    X = np.hstack([rng.normal(size=(200, 2)), rng.lognormal(0, 3, (200, 1)), np.ones((200, 1))])
    X[0, 0], X[1, 1], X[2, 3] = 60.0, np.nan, 1.5
    encoding = encoding_of(X, bandwidth="auto")
    assert np.isfinite(encoding.decades).sum() == 1 and np.isfinite(encoding.bend).sum() == 3
    Z = encoded(encoding, X.astype(dtype))
    expected = naive.fourier(X.astype(dtype), **encoding.state)
    rows = np.arange(200) != 2  # a change of the constant column has any phase
    np.testing.assert_allclose(Z[rows], expected[rows], atol=3e-4 if dtype is np.float32 else 1e-5)
    np.testing.assert_allclose(np.linalg.norm(Z, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("bandwidth", ["auto", 0.8])
def test_map_of_categories_equals_its_twin(dtype, bandwidth):
    """Codes beside a number and a bent logarithm; some unknown, and one that is new."""
    rng = np.random.default_rng(1)
    codes = np.array([3, 11, 2**23])
    X = np.column_stack(
        [rng.normal(size=120), codes[rng.integers(3, size=120)], rng.lognormal(0, 3, 120)]
    )
    X[5, 1] = X[7, 0] = np.nan
    is_code = np.array([False, True, False])
    encoding = encoding_of(X, bandwidth=bandwidth, categorical=is_code, seed=4)
    X[9, 1] = 12345.0
    X = X.astype(dtype)
    Z = encoded(encoding, X)
    expected = naive.fourier(X, **encoding.state)
    np.testing.assert_allclose(Z, expected, atol=3e-4 if dtype is np.float32 else 2e-5)
    np.testing.assert_allclose(np.linalg.norm(Z, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("relevances", [[1.0, 1.0, 1.0], [2.0, 0.5, 0.0], [0.0, 0.0, 3.0]])
def test_columns_count_as_far_as_they_are_relevant(relevances):
    """Distances of numbers, of logarithms and of categories are multiplied by that."""
    rng = np.random.default_rng(6)
    X = np.column_stack([rng.normal(size=90), rng.integers(4, size=90), rng.lognormal(0, 3, 90)])
    X[5, 1] = X[7, 0] = np.nan
    relevances, is_code = np.array(relevances), np.array([False, True, False])
    plain = encoding_of(X, categorical=is_code)
    encoding = plain.with_relevances(relevances)
    assert plain.relevances is None
    Z = encoded(encoding, X)
    np.testing.assert_allclose(Z, naive.fourier(X, **encoding.state), atol=2e-5)
    same = np.array_equal(relevances, np.ones(3))
    assert np.allclose(Z, encoded(plain, X), atol=1e-6) == same
    # A column without relevance may hold anything.
    X[:, relevances == 0] = [[7.0]]
    np.testing.assert_array_equal(encoded(encoding, X), Z)


def test_gradients_of_relevant_columns_are_central_differences():
    rng = np.random.default_rng(7)
    X = np.column_stack([rng.normal(size=(30, 2)), rng.lognormal(0, 3, 30)])
    encoding = encoding_of(X).with_relevances(np.array([2.0, 0.0, 0.7]))
    state, G = encoding.state, rng.normal(size=(30, 16))
    slopes = encoding.pull_back(X, naive.fourier(X, **state), G)
    for x, g, slope in zip(X, G, slopes, strict=True):

        def product(v, g=g):
            return naive.fourier(v[None], **state)[0] @ g

        expected = [
            naive.central_differences(
                lambda u, j=j, x=x: product(np.r_[x[:j], u, x[j + 1 :]]), x[[j]], 1e-6 * abs(x[j])
            )[0]
            for j in range(3)
        ]
        np.testing.assert_allclose(slope, expected, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("bent", [True, False])
def test_standardised_rows_equal_their_twin(standardize, bent):
    rng = np.random.default_rng(2)
    X = np.hstack([normal(80), rng.lognormal(0, 3, (80, 1)), rng.integers(2, size=(80, 1))])
    X[3, 0], X[4, 1], X[5, 2] = np.nan, 1e9, -40.0
    encoding = encoding_of(X, standardize=standardize, bent=bent)
    decades = np.full(3, np.inf) if encoding.decades is None else encoding.decades
    expected = naive.standardise(X, encoding.location, encoding.scale, decades, encoding.bend)
    np.testing.assert_allclose(encoding.standardise(X), expected, rtol=1e-12, atol=1e-12)


# -- the kernel ------------------------------------------------------------------------------


def test_products_are_the_gaussian_kernel_with_a_monte_carlo_error():
    """cos(d w) with normal w has the mean k = exp(-d^2 / 2) and the variance (1 - k^2)^2 / 2."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(24, 3)) * [1, 10, 0.1]
    n, standard_errors = 400, []
    for seed in range(24):
        encoding = independent(X, n, seed)
        Z = encoded(encoding, X)
        z = (X - encoding.location) / encoding.scale
        kernel = np.exp(-((z[::2] - z[1::2]) ** 2).sum(axis=1) / 2)
        products = np.einsum("ij,ij->i", Z[::2], Z[1::2])
        standard_errors.append((products - kernel) / ((1 - kernel**2) / np.sqrt(2 * n)))
    standard_errors = np.array(standard_errors)
    # 24 independent maps: a mean of 1 / sqrt(24) and, by chi^2, a root mean square of 1 +- 0.15.
    assert np.abs(standard_errors.mean(axis=0)).max() < 4 / np.sqrt(24)
    rms = np.sqrt((standard_errors**2).mean(axis=0))
    assert rms.mean() == pytest.approx(1, abs=0.15)
    assert (rms > 0.4).all() and (rms < 1.7).all()


def test_orthogonal_frequencies_err_less_than_independent_ones():
    """Yu et al. 2016: the same kernel, with a smaller error for rows that are near each other."""
    rng = np.random.default_rng(4)
    X = 0.3 * rng.normal(size=(30, 8))
    errors = []
    for seed in range(12):
        given = {"standardize": False, "bent": False, "n_frequencies": 64, "seed": seed}
        orthogonal, plain = encoding_of(X, **given), independent(X, 64, seed)
        plain.location, plain.scale = orthogonal.location, orthogonal.scale
        distances = ((X[:, None] - X) ** 2).sum(axis=2)
        for encoding in (orthogonal, plain):
            Z = encoded(encoding, X)
            errors.append(np.mean((Z @ Z.T - np.exp(-distances / 2)) ** 2))
    assert np.mean(errors[::2]) < 0.6 * np.mean(errors[1::2])


def test_categories_are_a_typical_pair_apart():
    """phi(x).phi(x') = exp(-d^2 / (2 bandwidth^2)) with d = PAIR, however rare either is."""
    codes, _ = read_table(pd.DataFrame({"c": ["a"] * 97 + ["b"] * 2 + ["c"]}), "from_dtype")
    options = {"bandwidth": 1.3, "n_frequencies": 40_000, "categorical": np.array([True])}
    encoding = fourier_encoding(codes, **options)
    Z = encoded(encoding, np.vstack([codes[[0, 97, 99]], [[12345.0]], [[np.nan]]]))
    squared = np.full((5, 5), PAIR**2)
    squared[4, :] = squared[:, 4] = PAIR**2 / 2  # missing: half as far
    np.fill_diagonal(squared, 0)
    expected = np.exp(-squared / (2 * 1.3**2))
    np.testing.assert_allclose(Z @ Z.T, expected, atol=4 / np.sqrt(2 * 40_000))


def test_far_entries_are_bent():
    X = normal()
    encoding = encoding_of(X)
    deviations = np.array([0.0, 1, FourierEncoding.bend_deviations, 10, 100, 1e4])[:, None]
    rows = encoding.location + np.vstack([deviations, -deviations]) * encoding.scale
    far = np.maximum(deviations, FourierEncoding.bend_deviations)
    bend = FourierEncoding.bend_deviations
    expected = np.minimum(deviations, bend) + 3 * bend * ((far / bend) ** (1 / 3) - 1)
    np.testing.assert_allclose(encoding.standardise(rows), np.vstack([expected, -expected]))
    plain = encoding_of(X, bent=False).standardise(rows)
    np.testing.assert_allclose(plain, np.vstack([deviations, -deviations]))


def test_columns_without_known_entries_count_for_nothing():
    X = np.hstack([normal(50), np.full((50, 1), np.nan)])
    assert np.isinf(robust_scales(X, np.ones(50))["scale"][1])
    encoding = encoding_of(X)
    other = X.copy()
    other[:, 1] = 12.0
    np.testing.assert_array_equal(encoding.standardise(X), encoding.standardise(other))
    np.testing.assert_array_equal(encoding.rounded(X), encoding.rounded(other))


def test_gradient_through_bend_and_logarithm():
    rng = np.random.default_rng(0)
    X = np.hstack([normal(300), rng.lognormal(0, 3, (300, 1))])
    encoding = encoding_of(X, bandwidth=2.0)
    rows = X[:20].copy()
    rows[:4, 0] = encoding.location[0] + np.array([4, -4, 9, -9]) * encoding.scale[0] * 2
    G = rng.normal(size=(20, 16))
    found, Z = encoding.pull_back(rows, encoded(encoding, rows), G), np.empty((2, 20, 16))
    for j in range(2):
        step = 1e-3 * np.where(j == 0, 1, np.abs(rows[:, j]))
        for side, sign in enumerate((1, -1)):
            moved = rows.copy()
            moved[:, j] += sign * step
            encoding.write(moved, Z[side])
        slope = ((Z[0] - Z[1]) * G).sum(axis=1) / (2 * step)
        np.testing.assert_allclose(found[:, j], slope, rtol=2e-2, atol=2e-3)


def test_automatic_bandwidth_is_half_the_root_mean_squared_distance():
    X = np.random.default_rng(0).normal(size=(300, 5))
    encoding = encoding_of(X, bandwidth="auto", bent=False)
    Z = (X - encoding.location) / encoding.scale * encoding.bandwidth
    squared = ((Z[:, None] - Z[None]) ** 2).sum(axis=2)
    assert encoding.bandwidth == pytest.approx(0.5 * np.sqrt(squared.mean()), rel=1e-9)


@pytest.mark.parametrize("bandwidth", [1e-310, 1e300])
def test_extreme_bandwidths_are_finite(bandwidth):
    X = normal(50)
    Z = np.empty((50, 16))
    encoding_of(X, bandwidth=bandwidth).write(X, Z)
    assert np.isfinite(Z).all()


@pytest.mark.parametrize(
    "mean",
    [0.0, [0, 1e9, 0, 0], [1e9, 5e9, 2e8, 3e10], [-1e9, 0, -1e8, 0]],
    ids=["centred", "one", "all", "below"],
)
def test_distances_to_kept_rows_are_in_deviations_on_known_entries(mean):
    """Wherever the columns lie: a mean of 1e9 deviations leaves six digits of the entries."""
    rng = np.random.default_rng(0)
    kept, X = (rng.normal(size=(n, 4)) * [1, 5, 0.2, 30] + mean for n in (7, 5))
    known = rng.random((5, 4)) < 0.7
    known[:, 0] = True
    deviation = kept.std(axis=0)
    for far in (0.0, 1e7):  # from zero
        distance, factor = independent(kept, 8, 0).distances(
            X + far, known, kept + far, np.ones(7)
        )
        assert (factor == 1).all()
        for i in range(5):
            x, rows = (X[i] / deviation)[known[i]], (kept / deviation)[:, known[i]]
            left_out = ((x - rows) ** 2).sum(axis=1) - distance[i]
            np.testing.assert_allclose(left_out, left_out[0], atol=1e-5)


@pytest.mark.parametrize("spread", [5e-324, 1e-300, 1e300])
def test_distances_of_any_magnitude_are_finite(spread):
    kept = np.array([[0.0], [1.0], [1.0]]) * spread
    X = np.array([[0.0], [1.0], [-1e300]])
    known = np.ones((3, 1), dtype=bool)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        distance, _ = independent(X, 8, 0).distances(X, known, kept, np.ones(3))
    assert np.isfinite(distance).all()
    assert distance[0].argmin() == 0


def test_a_wider_map_is_one_of_a_wider_bandwidth():
    rng = np.random.default_rng(8)
    X = np.column_stack(
        [rng.normal(size=60) * 4, rng.lognormal(0, 3, 60), rng.integers(3, size=60)]
    )
    is_code = np.array([False, False, True])
    narrow, wide = (encoding_of(X, bandwidth=b, categorical=is_code) for b in (0.7, 2.1))
    X[0, 0] = 1e4  # bent
    np.testing.assert_allclose(encoded(narrow.widened(3.0), X), encoded(wide, X), atol=1e-5)
    assert narrow.widened(3.0).bandwidth == pytest.approx(2.1)


@pytest.mark.parametrize("factor", [1 / 3, 1.0, 3.0, 7.0, 1e9])
def test_a_wider_map_keeps_what_is_constant_and_what_was_never_known_apart(factor):
    X = np.column_stack([np.arange(30.0), np.full(30, np.nan), np.full(30, 2.0)])
    narrow = encoding_of(X, bandwidth=0.7)
    narrow.scale = np.array([1.0, np.inf, np.finfo(np.float64).max])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scale = narrow.widened(factor).scale
    np.testing.assert_array_equal(np.isinf(scale), [False, True, False])


def test_nothing_is_forgotten_of_lengths():
    X = np.array([[3.0, 4.0], [-600.0, 800.0], [0.0, 0.0]])
    encoding = independent(X, 8, 0)
    np.testing.assert_array_equal(encoding.with_lengths(X, np.array([1.0, 2, 3])), X)
    assert encoding.magnitude(X) == 1
    energy, slope = encoding.energy(X)
    assert (energy == 1).all() and not slope.any()


def test_length_is_the_l1_norm_of_standardised_rows():
    rng = np.random.default_rng(6)
    X = np.hstack([normal(50), rng.lognormal(0, 3, (50, 1))])
    encoding = encoding_of(X, bandwidth=2.0)
    found, slope = encoding.length(X)
    np.testing.assert_allclose(found, np.abs(encoding.standardise(X)).sum(axis=1))
    direction = rng.normal(size=X.shape) * X
    up, down = (encoding.length(X + step * direction)[0] for step in (1e-6, -1e-6))
    smooth = (np.abs(encoding.standardise(X)) > 1e-3).all(axis=1)
    expected = ((up - down) / 2e-6)[smooth]
    np.testing.assert_allclose((slope * direction).sum(axis=1)[smooth], expected, rtol=1e-4)


def test_rounded_rows_are_alike_but_for_rounding():
    """What recognises training rows: 2^16 steps a bandwidth, codes and gaps as they are."""
    rng = np.random.default_rng(7)
    X = np.column_stack([rng.normal(size=40), rng.integers(3, size=40)])
    X[3, 0] = X[4, 1] = np.nan
    encoding = encoding_of(X, categorical=np.array([False, True]))
    rounded = encoding.rounded(X)
    moved = X + [1e-9, 0]
    assert (np.abs(encoding.rounded(moved) - rounded)[~np.isnan(rounded)] <= 1).all()
    np.testing.assert_array_equal(np.isnan(rounded), np.isnan(X))
    np.testing.assert_array_equal(rounded[:, 1], X[:, 1])
    known = ~np.isnan(X[:, 0])
    z = (X[known, 0] - encoding.location[0]) / encoding.scale[0]
    np.testing.assert_allclose(rounded[known, 0] / 2**16, z, atol=1e-5)


@pytest.mark.parametrize("counts", [(50, 50), (90, 10), (25, 25, 25, 25), (100,)])
def test_categories_count_for_the_distance_of_rows_as_often_as_they_differ(counts):
    """Two that differ are a typical pair of numbers apart: 2, squared, as two normal numbers."""
    codes = np.repeat(np.arange(len(counts)), counts).astype(float)
    numbers = np.random.default_rng(0).normal(size=100)
    X, is_code = np.column_stack([codes, numbers]), np.array([True, False])
    encoding = fourier_encoding(X, categorical=is_code, bandwidth="auto")
    Z = (numbers - robust_scales(X, np.ones(100))["location"][1]) / robust_scales(X, np.ones(100))[
        "scale"
    ][1]
    differ = 1 - np.sum((np.array(counts) / 100) ** 2)
    bent = encoding.standardise(X)[:, 1] * encoding.bandwidth
    expected = 0.5 * np.sqrt(2 * Z.var() + PAIR**2 * differ)
    assert encoding.bandwidth == pytest.approx(expected, rel=0.02)
    assert np.abs(bent).max() < 4


@pytest.mark.parametrize("bandwidth", [0.2, 1.0, 5.0])
def test_columns_bend_at_the_same_deviations_whatever_the_bandwidth(bandwidth):
    X = normal(200)
    X[:3] += [[30.0], [-30.0], [8.0]]
    wide, plain = (fourier_encoding(X, bandwidth=b) for b in (bandwidth, 1.0))
    np.testing.assert_allclose(
        wide.in_deviations(X, None), plain.in_deviations(X, None), rtol=1e-9, atol=1e-12
    )
