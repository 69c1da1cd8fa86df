"""Rows that are encoded when they are needed, with their label blocks."""

import numpy as np
import pytest

from sklearn_activation import _blocks
from sklearn_activation._rows.encoded import EncodedRows
from sklearn_activation._rows.sample import Sample
from sklearn_activation._rows.unit import UnitEncoding

from .. import naive


@pytest.fixture
def labelled():
    rng = np.random.default_rng(0)
    X, labels = rng.normal(size=(12, 4)), rng.integers(3, size=12)
    weight = rng.uniform(0.5, 2, 12)
    encoding = UnitEncoding(4)
    return EncodedRows(X, encoding, labels=labels, n_labels=3, weight=weight)


@pytest.mark.parametrize("index", [slice(None), slice(3, 9), np.array([7, 2, 2])])
def test_a_row_is_its_data_block_and_its_label(labelled, index):
    """Class c lights unit n_data + c."""
    assert (labelled.n_data, labelled.n_inputs, len(labelled)) == (4, 7, 12)
    expected = naive.scale_to_unit(labelled.X[index], 4)
    np.testing.assert_allclose(labelled.data(index), expected, rtol=1e-12)
    one_hot = np.eye(3)[labelled.labels[index]]
    np.testing.assert_allclose(labelled.encode(index), np.hstack([expected, one_hot]), rtol=1e-12)


def test_rows_without_labels_are_their_data_block():
    rows = EncodedRows(np.random.default_rng(1).normal(size=(5, 4)), UnitEncoding(4))
    assert rows.n_inputs == 4 and (rows.weight == 1).all()
    np.testing.assert_array_equal(rows.encode(), rows.data())


def test_rows_are_encoded_in_the_type_they_are_asked_for():
    rows = EncodedRows(np.ones((2, 4)), UnitEncoding(4), dtype=np.float32)
    assert rows.encode().dtype == np.float32


def test_taken_rows_keep_labels_and_weights(labelled):
    index = np.array([8, 1, 5])
    taken = labelled.take(index)
    np.testing.assert_array_equal(taken.encode(), labelled.encode(index))
    np.testing.assert_array_equal(taken.weight, labelled.weight[index])
    np.testing.assert_array_equal(taken.labels, labelled.labels[index])


def test_rows_of_a_sample_are_those_of_its_hashes(labelled):
    sample = Sample.of(labelled.X, labelled.labels, labelled.weight, 6)
    rows = EncodedRows.of_sample(sample, labelled.encoding, 3, np.float64)
    at = [int(np.flatnonzero((labelled.X == x).all(axis=1))[0]) for x in sample.X]
    np.testing.assert_array_equal(rows.encode(), labelled.encode(np.array(at)))
    np.testing.assert_array_equal(rows.weight, labelled.weight[at])


@pytest.mark.parametrize(("most", "times"), [(1 << 22, 1), (10, 2)], ids=["few", "many"])
def test_few_rows_are_encoded_once(monkeypatch, most, times):
    calls = []

    class Counting(UnitEncoding):
        def write(self, X, out):
            calls.append(len(X))
            super().write(X, out)

    monkeypatch.setattr(_blocks, "BLOCK_ENTRIES", most)
    X = np.arange(1.0, 13.0).reshape(4, 3)
    rows = EncodedRows(X, Counting(3))
    first, second = rows.encode(slice(0, 2)), rows.encode(np.array([3, 1]))
    expected = X / np.linalg.norm(X, axis=1, keepdims=True)
    np.testing.assert_allclose(first, expected[:2])
    np.testing.assert_allclose(second, expected[[3, 1]])
    assert len(calls) == times
