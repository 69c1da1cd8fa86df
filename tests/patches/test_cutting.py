"""Shapes of images, sizes of patches, and the cutting of images of any type."""

import re

import numpy as np
import pytest

from sklearn_activation._patches.cutting import Cutting, precision_of, read_pair, shape_of_images

from .. import naive


@pytest.mark.parametrize(
    "image_shape, n_features, expected",
    [
        (None, 1, (1, 1, 1)),
        (None, 3, (1, 3, 1)),
        (None, 64, (8, 8, 1)),
        (None, 3072, (1, 3072, 1)),
        ((4, 6), 24, (4, 6, 1)),
        ([2, 4, 3], 24, (2, 4, 3)),
        ((np.int64(24), 1), 24, (24, 1, 1)),
        ((24,), 24, (1, 24, 1)),
    ],
)
def test_shapes_of_images(image_shape, n_features, expected):
    found = shape_of_images(image_shape, n_features)
    assert found == expected
    assert all(type(n) is int for n in found)


@pytest.mark.parametrize(
    "image_shape, message",
    [
        ((8,), "image_shape=(8,) has 8 entries, but X has 16 columns"),
        ((2, 2, 2, 2), "must be a tuple of positive integers"),
        ((4.0, 4), "must be a tuple of positive integers"),
        ((-4, -4), "must be a tuple of positive integers"),
        ((8, 8, 3), "image_shape=(8, 8, 3) has 192 entries, but X has 16 columns"),
    ],
)
def test_bad_shapes(image_shape, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        shape_of_images(image_shape, 16)


@pytest.mark.parametrize(
    "value, expected", [(None, (3, 2)), (1, (1, 1)), ((4, 1), (4, 1)), ([2, np.int32(2)], (2, 2))]
)
def test_pairs(value, expected):
    assert read_pair("patch_size", value, (4, 2), 3, "pixels") == expected


@pytest.mark.parametrize(
    "value, message",
    [
        (3, "patch_size=3 is too large: an image has 4 x 2 pixels. Give a smaller patch_size."),
        ((5, 1), "patch_size=(5, 1) is too large: an image has 4 x 2 pixels"),
        ((1, 1, 1), "patch_size=(1, 1, 1) must be a positive integer, or two of them"),
        ((0, 1), "patch_size=(0, 1) must be a positive integer"),
        ((1.5, 1), "patch_size=(1.5, 1) must be a positive integer"),
    ],
)
def test_bad_pairs(value, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        read_pair("patch_size", value, (4, 2), 3, "pixels")


@pytest.mark.parametrize(
    "dtype, expected",
    [
        ("bool", "float32"),
        ("uint8", "float32"),
        ("int16", "float32"),
        ("float16", "float32"),
        ("float32", "float32"),
        ("int32", "float64"),
        ("int64", "float64"),
        ("float64", "float64"),
        ("longdouble", "float64"),
    ],
)
def test_types_of_images(dtype, expected):
    X = np.random.default_rng(0).integers(0, 2, size=(2, 12)).astype(dtype)
    before = X.copy()
    assert precision_of(X) == expected
    Z = Cutting((2, 6, 1), (2, 2)).cut(X)
    assert Z.dtype == expected
    np.testing.assert_array_equal(X, before)
    for one, row in zip(Z.reshape(2, 5, 4), X, strict=True):
        image = row.reshape(2, 6, 1).astype(expected)
        np.testing.assert_allclose(one, naive.standardised_patches(image, (2, 2), 0.1), atol=1e-6)


def test_numbers_of_places():
    cutting = Cutting((5, 7, 3), (2, 4))
    assert (cutting.places, cutting.n_places, cutting.n_entries) == ((4, 4), 16, 24)


@pytest.mark.parametrize("order", ["F", "strided", "read-only"])
def test_rows_may_lie_in_memory_in_any_way(order):
    X = np.random.default_rng(0).normal(size=(3, 16))
    other = {
        "F": lambda: np.asfortranarray(X),
        "strided": lambda: np.repeat(X, 2, axis=1)[:, ::2],
        "read-only": lambda: X.copy(),
    }[order]()
    other.flags.writeable = False
    cutting = Cutting((4, 4, 1), (3, 3))
    np.testing.assert_array_equal(cutting.cut(other), cutting.cut(X))
