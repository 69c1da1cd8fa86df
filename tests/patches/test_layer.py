"""The layer of all patches: statistics, drawn patches, weights."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_activation import _blocks
from sklearn_activation._learning.layer import random_rotation
from sklearn_activation._learning.moments import Moments
from sklearn_activation._patches.cutting import Cutting
from sklearn_activation._patches.layer import (
    RANDOM_SHARE,
    Learned,
    draw_patches,
    moments_of,
    sample_size,
    solve,
)
from sklearn_activation._rows.sample import Sample

from .. import naive

CUTTING = Cutting((5, 6, 2), (3, 3))


def images(n=20, seed=0):
    return np.random.default_rng(seed).normal(size=(n, 60))


@pytest.mark.parametrize("block_entries", [1 << 22, 1, 5_000])
@pytest.mark.parametrize("n", [1, 20])
def test_moments_are_those_of_all_patches(n, block_entries, monkeypatch):
    """One image has fewer patches than a patch has entries."""
    monkeypatch.setattr(_blocks, "BLOCK_ENTRIES", block_entries)
    X, weight = images(n), np.arange(1.0, n + 1)
    Z = CUTTING.cut(X)
    moments = moments_of(X, weight, CUTTING, None)
    gram = moments.rows.T @ moments.rows if moments.gram is None else moments.gram
    assert moments.weight == 12 * weight.sum()
    assert_allclose(gram, Z.T @ (Z * np.repeat(weight, 12)[:, None]), atol=1e-10)


@pytest.mark.parametrize("n_units", [1, 7, 20, 50])
def test_drawn_patches_are_patches_of_the_images(n_units):
    X = images()
    drawn = draw_patches(Sample.of(X, None, np.ones(20), 99), n_units, CUTTING, 0)
    Z = CUTTING.cut(X)
    found = [np.flatnonzero((Z == patch).all(axis=1))[0] for patch in drawn]
    of_image = np.bincount(np.array(found) // 12, minlength=20)
    assert len(drawn) == n_units and np.ptp(of_image) <= 1


def test_drawn_patches_depend_on_images_and_seed_alone():
    X = images()
    sample, other = (
        Sample.of(rows, None, np.ones(len(rows)), 99) for rows in (X, np.tile(X[::-1], (2, 1)))
    )
    drawn = draw_patches(sample, 30, CUTTING, 0)
    assert_array_equal(draw_patches(other, 30, CUTTING, 0), drawn)
    assert not np.array_equal(draw_patches(sample, 30, CUTTING, 1), drawn)


def test_places_of_drawn_patches_are_even():
    X = images(400)
    cutting = Cutting((5, 6, 2), (4, 5))  # four places
    drawn = draw_patches(Sample.of(X, None, np.ones(400), 999), 400, cutting, 0)
    Z = cutting.cut(X)
    place = [np.flatnonzero((Z == patch).all(axis=1))[0] % 4 for patch in drawn]
    assert np.bincount(place, minlength=4).min() > 70


@pytest.mark.parametrize("t", [1.0, 30.0])
@pytest.mark.parametrize("n_units", [18, 40])
def test_weights_equal_twin(n_units, t):
    """Patches without standardisation, so that C has full rank."""
    rng = np.random.default_rng(0)
    Z, patches = (
        rng.normal(size=(300, 18)) * np.linspace(0.2, 1, 18),
        rng.normal(size=(n_units, 18)),
    )
    W, patterns = solve(Moments(18).add(Z), patches, t, 7)
    random = RANDOM_SHARE * random_rotation(18, n_units, (7, 0), np.float64)
    assert_allclose(W, naive.whitened_start(Z.T @ Z / 300, t, patches, random), atol=1e-8)
    assert_allclose(patterns, Z.T @ (Z @ W) / 300, atol=1e-10)


@pytest.mark.parametrize("n_units", [1, 5, 18, 60])
def test_outputs_have_deviation_1(n_units):
    X = images()
    W = Learned.of(X, np.ones(20), CUTTING, None).layer(10.0, n_units, CUTTING, 0)[0]
    assert_allclose(np.mean((CUTTING.cut(X) @ W) ** 2, axis=0), 1, rtol=1e-8)


@pytest.mark.parametrize(
    "n_pixels, expected", [(1, 2048), (3072, 2048), (1 << 16, 128), (1 << 20, 32)]
)
def test_samples_of_large_images_are_small(n_pixels, expected):
    assert sample_size(n_pixels) == expected


def test_long_learning_whitens():
    """All directions that patches have count alike, whatever their eigenvalues are."""
    X = np.cumsum(images(200), axis=1)
    learned = Learned.of(X, np.ones(200), CUTTING, None)
    W = learned.layer(1e6, 400, CUTTING, 0)[0]
    values = np.linalg.svd(CUTTING.cut(X) @ W, compute_uv=False)[:17]
    assert values[0] / values[-1] < 1.3
    values = np.linalg.svd(CUTTING.cut(X), compute_uv=False)[:17]
    assert values[0] / values[-1] > 2


def test_images_without_contrast_have_weights_of_zero():
    X = np.ones((4, 60))
    W, patterns = Learned.of(X, np.ones(4), CUTTING, None).layer(10.0, 6, CUTTING, 0)
    assert W.shape == (18, 6) and np.isfinite(W).all()
    assert patterns.shape == (6, 3, 3, 2) and not patterns.any()


def test_joined_knowledge_is_that_of_all_images():
    X, weight = images(30), np.arange(1.0, 31)
    whole = Learned.of(X, weight, CUTTING, None)
    one, other = (Learned.of(X[b], weight[b], CUTTING, None) for b in (slice(1), slice(1, None)))
    before = one.moments.state
    both = one.join(other)
    assert_allclose(both.moments.gram, whole.moments.gram, atol=1e-10)
    assert_array_equal(both.sample.X, whole.sample.X)
    assert one.moments.weight == before["weight"]
    for found, expected in zip(
        both.layer(10.0, 25, CUTTING, 3), whole.layer(10.0, 25, CUTTING, 3), strict=True
    ):
        assert_allclose(found, expected, atol=1e-10)
