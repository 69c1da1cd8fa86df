"""Kernels of the Fourier map against their plain twins."""

import numpy as np
import pytest

from sklearn_activation.kernels import fourier as kernels

from .. import naive

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
