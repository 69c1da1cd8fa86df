"""Kernels of the Fourier map against their plain twins."""

import numpy as np
import pytest

from sklearn_activation.kernels import fourier as kernels

from .. import naive

# -- standardised columns ------------------------------------------------------------


def columns(n, rng):
    """A location, a scale and a bend of each column. Some are infinite."""
    location, scale = rng.normal(size=n), rng.lognormal(size=n)
    scale[::4] = np.inf
    return location, scale, np.where(np.arange(n) % 3 == 0, np.inf, 0.7)


def rows(dtype, rng, n=30, n_columns=11):
    """Rows with gaps, and with numbers far out and at the end of the range."""
    X = rng.normal(size=(n, n_columns)).astype(dtype)
    X[rng.random(X.shape) < 0.1] = np.nan
    X[rng.random(X.shape) < 0.1] = -1e9
    X[rng.random(X.shape) < 0.1] = np.finfo(dtype).max
    X[3], X[4] = np.nan, 0
    return X


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("result", [np.float64, np.float32])
def test_standardised_columns_equal_twin(dtype, result):
    rng = np.random.default_rng(3)
    X, relevances = rows(dtype, rng), rng.uniform(0, 2, 11)
    location, scale, bend = columns(11, rng)
    out = np.full(X.shape, 7, result)
    with np.errstate(over="ignore"):
        kernels.standardise(X, location, scale, 1e6, bend, relevances, out)
        expected = naive.standardise(X, location, scale, np.full(11, np.inf), bend)
    np.testing.assert_allclose(
        out, relevances * expected, rtol=1e-6 if result is np.float32 else 1e-12, atol=1e-300
    )
    assert np.isfinite(out).all()
    assert not out[:, ::4].any() and not out[3].any()


@pytest.mark.parametrize("bend", [1e-300, 1e-30, 1e-3, 0.7, 1.0, 3.0, 1e5, 2e6])
def test_bends_of_any_size_equal_twin(bend):
    """From numbers just beyond the bend to the clip, on both sides."""
    beyond = np.array([1, 1 + 1e-12, 1.5, 2, 7.9, 8, 8.1, 1e3, 1e7, 1e40, 1e200])
    x = np.concatenate([[0.0], bend * beyond, -bend * beyond, [5e5, -1e6, 1e9]])
    one, out = np.ones(len(x)), np.empty((1, len(x)))
    kernels.standardise(x[None], 0 * one, one, 1e6, bend * one, one, out)
    expected = naive.standardise(x[None], 0 * one, one, np.inf * one, bend * one)
    np.testing.assert_allclose(out, expected, rtol=1e-12)


def test_a_bend_beyond_the_clip_has_no_effect_beside_a_far_column():
    x, bend, one = np.array([[5.0, 3e6]]), np.array([2.0, 2e6]), np.ones(2)
    out = np.empty((1, 2))
    kernels.standardise(x, 0 * one, one, 1e6, bend, one, out)
    expected = naive.standardise(x, 0 * one, one, np.inf * one, bend)
    np.testing.assert_allclose(out, expected, rtol=1e-14)


def test_infinite_differences_are_clipped():
    """A location may be as far from a number as no number can say."""
    largest = np.finfo(np.float64).max
    X, one, out = np.array([[largest, -largest, largest]]), np.ones(3), np.empty((1, 3))
    location, scale = np.array([-largest, largest, -largest]), np.array([2.0, 1e-300, np.inf])
    with np.errstate(over="ignore", invalid="ignore"):
        kernels.standardise(X, location, scale, 1e6, np.inf * one, one, out)
        np.testing.assert_array_equal(out, [[1e6, -1e6, 0]])
        kernels.round_standardised(X, location, scale, 1e6, 8.0, out)
    np.testing.assert_array_equal(out, [[8e6, -8e6, 0]])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("steps", [1.0, 2.0**16])
def test_rounded_columns_equal_twin(dtype, steps):
    """To the last bit, because rows are recognised by them."""
    rng = np.random.default_rng(4)
    X, (location, scale, _) = rows(dtype, rng), columns(11, rng)
    out = np.full(X.shape, 7.0)
    with np.errstate(over="ignore", invalid="ignore"):
        kernels.round_standardised(X, location, scale, 1e6, steps, out)
        expected = naive.round_standardised(X, location, scale, 1e6, steps)
    np.testing.assert_array_equal(out, expected)
    assert np.isnan(out).any() and not out[:, ::4].any()


# -- waves ---------------------------------------------------------------------------


def write_waves(phase, dtype=np.float64):
    out = np.empty((len(phase), 2 * phase.shape[1]), dtype)
    with np.errstate(invalid="ignore"):  # NumPy's scalars warn when Numba is disabled
        kernels.write_waves(phase, out)
    return out


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n", [1, 7, 33])
@pytest.mark.parametrize("magnitude", [0.0, 1e-40, 1e-3, 1.0, 50.0, 1e4, 1e6, 1e8])
def test_waves_equal_twin(dtype, n, magnitude):
    """The error of a cosine is at most 1e-7, whatever its phase."""
    phase = np.random.default_rng(n).uniform(-magnitude, magnitude, (20, n)).astype(np.float32)
    found = write_waves(phase, dtype)
    expected = naive.waves(phase.astype(np.float64))
    np.testing.assert_allclose(found * np.sqrt(n), expected * np.sqrt(n), rtol=0, atol=1.8e-7)
    np.testing.assert_allclose(write_waves(phase), expected, rtol=0, atol=1e-7 / np.sqrt(n))


def test_waves_at_multiples_of_a_quarter_turn():
    """Beside a multiple, rounding decides from which side a phase is reduced."""
    turns = np.concatenate([np.arange(-50, 50), 2 ** np.arange(6, 25), 3 * 2 ** np.arange(6, 25)])
    exact = (turns * (np.pi / 4)).astype(np.float32)
    phase = np.stack([np.nextafter(exact, np.float32(-np.inf)), exact, exact + np.spacing(exact)])
    expected = naive.waves(phase.astype(np.float64)) * np.sqrt(len(turns))
    found = write_waves(phase) * np.sqrt(len(turns))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-7)


def test_waves_of_small_phases_keep_their_digits():
    phase = np.array([[1e-30, -1e-20, 1e-10, -1e-5, 1e-3, 0.1]], np.float32)
    sines = write_waves(phase)[:, 6:] * np.sqrt(6)
    np.testing.assert_allclose(sines, np.sin(phase.astype(np.float64)), rtol=3e-7)


@pytest.mark.parametrize("magnitude", [1e12, 1e16, 1e25, 3e38])
def test_waves_of_enormous_phases_have_norm_1(magnitude):
    """Phases without a fraction have any angle, but no wave is larger than 1."""
    phase = np.array([[magnitude, -magnitude, 0.7 * magnitude]], np.float32)
    np.testing.assert_allclose(np.linalg.norm(write_waves(phase)), 1, atol=3e-7)


def test_waves_of_undefined_phases_are_undefined():
    phase = np.array([[np.nan, np.inf, -np.inf, 0.0]], np.float32)
    found = write_waves(phase).reshape(2, 4)
    np.testing.assert_array_equal(np.isnan(found), [[True, True, True, False]] * 2)
    np.testing.assert_array_equal(found[:, 3], [0.5, 0])


def test_waves_leave_other_columns_unchanged():
    out = np.full((3, 9), 7.0)
    kernels.write_waves(np.zeros((3, 2), np.float32), out)
    np.testing.assert_allclose(out[:, :4], [[0.5**0.5, 0.5**0.5, 0, 0]] * 3)
    assert (out[:, 4:] == 7).all()


def test_no_rows_have_no_waves():
    assert write_waves(np.empty((0, 3), np.float32)).shape == (0, 6)
