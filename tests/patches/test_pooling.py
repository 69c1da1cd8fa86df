"""Features of images, block by block."""

import numpy as np
import pytest

from sklearn_activation import _blocks
from sklearn_activation._patches.cutting import Cutting
from sklearn_activation._patches.pooling import pool

from .. import naive


@pytest.mark.parametrize("block_entries", [1 << 22, 1, 3_000])
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_features_equal_twin(block_entries, n_jobs, monkeypatch):
    monkeypatch.setattr(_blocks, "BLOCK_ENTRIES", block_entries)
    rng = np.random.default_rng(0)
    X, W = rng.normal(size=(15, 60)), rng.normal(size=(12, 7))
    cutting = Cutting((5, 6, 2), (2, 3))
    found = pool(X, cutting, W, (2, 3), 0.1, n_jobs)
    assert found.shape == (15, 42)
    for one, row in zip(found, X, strict=True):
        Z = naive.standardised_patches(row.reshape(5, 6, 2), (2, 3), 0.1)
        expected = naive.pooled((Z @ W).reshape(4, 4, 7), (2, 3), 0.1)
        np.testing.assert_allclose(one, expected.ravel(), atol=1e-10)


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_features_have_the_precision_of_the_weights(dtype):
    X = np.random.default_rng(0).integers(0, 256, size=(3, 16)).astype(dtype)
    W = np.eye(4, dtype=np.float32)
    assert pool(X, Cutting((4, 4, 1), (2, 2)), W, (1, 1), 0.0, None).dtype == np.float32
