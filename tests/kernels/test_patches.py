"""Kernels of patches against their plain twins."""

import numpy as np
import pytest

from sklearn_activation.kernels import patches as kernels

from .. import naive


def cut(images, size, share=0.1):
    n, height, width, channels = images.shape
    n_places = (height - size[0] + 1) * (width - size[1] + 1)
    out = np.full((n * n_places, size[0] * size[1] * channels), np.nan, dtype=images.dtype)
    X = images.reshape(n, -1).copy()
    kernels.cut_patches(X, images.shape[1:], size, share, out)
    return out.reshape(n, n_places, -1)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    "shape, size",
    [((5, 6, 3), (2, 3)), ((4, 4, 1), (4, 4)), ((1, 7, 1), (1, 3)), ((3, 2, 2), (1, 1))],
)
def test_cut_patches_equals_twin(shape, size, dtype):
    images = np.random.default_rng(0).normal(3, 1, size=(4, *shape)).astype(dtype)
    images[1, :2, :2] = 5  # a flat corner
    found = cut(images, size)
    assert found.dtype == dtype
    for one, image in zip(found, images, strict=True):
        expected = naive.standardised_patches(image, size, 0.1)
        np.testing.assert_allclose(one, expected, atol=1e-5 if dtype == np.float32 else 1e-12)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("level", [0.0, 1.0, 0.1, 255.0])
def test_flat_images_have_patches_of_zeros(level, dtype):
    """The patches hold nothing but rounding."""
    assert np.abs(cut(np.full((1, 6, 6, 3), level, dtype=dtype), (3, 3))).max() < 0.1


@pytest.mark.parametrize(
    "dtype, magnitude",
    [
        (np.float64, 1e308),
        (np.float64, 1e-300),
        (np.float64, 1e-310),
        (np.float32, 3e38),
        (np.float32, 1e-40),
    ],
)
def test_patches_do_not_depend_on_the_unit_of_the_images(dtype, magnitude):
    images = np.random.default_rng(0).integers(-9, 10, size=(3, 5, 5, 1)) / 16
    expected = cut(images, (3, 2))
    found = cut((images * magnitude).astype(dtype), (3, 2))
    np.testing.assert_allclose(found, expected, atol=1e-3)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("places, grid", [((5, 7), (2, 3)), ((4, 4), (4, 4)), ((1, 5), (1, 1))])
def test_pool_outputs_equals_twin(places, grid, dtype):
    Y = np.random.default_rng(0).normal(size=(3, *places, 4)).astype(dtype)
    Y[0, ..., 1] = 0.5  # this output equals the threshold
    out = np.full((3, grid[0] * grid[1] * 4), np.nan, dtype=dtype)
    kernels.pool_outputs(Y.reshape(-1, 4), places, grid, 0.5, out)
    expected = [naive.pooled(one, grid, 0.5).ravel() for one in Y]
    np.testing.assert_allclose(out, expected, rtol=1e-5, atol=1e-7)
