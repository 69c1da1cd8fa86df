"""Hashes of rows, and the samples built on them."""

import numpy as np
import pytest

from sklearn_activation._rows.sample import (
    Sample,
    draw_evenly,
    even_keys,
    hash_rows,
    is_picked,
    match_hashes,
    space_evenly,
)
from sklearn_activation.kernels import rows as kernels

from ..tables import digits_split

# -- hashes ----------------------------------------------------------------------------


def test_hashes_depend_on_the_row_alone():
    rng = np.random.default_rng(3)
    X, labels = rng.normal(size=(50, 4)), rng.integers(3, size=50)
    order = rng.permutation(50)
    hashes = hash_rows(X, labels)
    np.testing.assert_array_equal(hash_rows(X[order], labels[order]), hashes[order])
    np.testing.assert_array_equal(hash_rows(X[7:8], labels[7:8]), hashes[7:8])
    assert len(np.unique(hashes)) == 50


def test_hashes_tell_values_columns_and_labels_apart():
    X = np.array([[1.0, 2.0], [2.0, 1.0], [1.0, 2.0], [np.nextafter(1, 2), 2.0]])
    hashes = hash_rows(X, np.array([0, 0, 1, 0]))
    assert len(np.unique(hashes)) == 4


def test_negative_zero_hashes_as_zero():
    X = np.array([[0.0, 1.0], [-0.0, 1.0]])
    first, second = hash_rows(X, np.zeros(2))
    assert first == second


def test_precision_does_not_change_the_hash_of_a_value():
    X = np.random.default_rng(4).normal(size=(6, 3)).astype(np.float32)
    labels = np.zeros(6, np.intp)
    np.testing.assert_array_equal(hash_rows(X, labels), hash_rows(X.astype(float), labels))


def test_hashing_in_blocks_changes_nothing():
    """Wide rows are hashed a few at a time: here 3 blocks."""
    X = np.zeros((5, 1 << 19))
    X[:, 0] = np.arange(5)
    if not hasattr(kernels.hashes, "py_func"):  # NUMBA_DISABLE_JIT=1: too slow
        pytest.skip("needs compiled kernels")
    labels = np.zeros(5, np.intp)
    alone = [hash_rows(X[i : i + 1], labels[:1])[0] for i in range(5)]
    np.testing.assert_array_equal(hash_rows(X, labels), alone)


# -- samples ---------------------------------------------------------------------------


def _data(n=60, seed=5):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    return X, rng.integers(2, size=n), rng.integers(1, 5, n).astype(float)


@pytest.mark.parametrize("size", [7, 60, 1000])
def test_sample_keeps_the_smallest_hashes(size):
    X, labels, weight = _data()
    sample = Sample.of(X, labels, weight, size)
    hashes = hash_rows(X, labels)
    chosen = np.argsort(hashes)[:size]
    np.testing.assert_array_equal(sample.hashes, hashes[chosen])
    np.testing.assert_array_equal(sample.X, X[chosen])
    np.testing.assert_array_equal(sample.labels, labels[chosen])
    np.testing.assert_array_equal(sample.weight, weight[chosen])


def _assert_same(a, b):
    for name in ("X", "labels", "weight", "hashes"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


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


def test_folds_belong_to_the_rows_and_not_to_their_order():
    X, labels, weight = _data(n=300)
    order = np.random.default_rng(0).permutation(len(X))
    one = Sample.of(X, labels, weight, 200)
    other = Sample.of(X[order], labels[order], weight[order], 200)
    np.testing.assert_array_equal(one.stratified_folds(), other.stratified_folds())


def test_the_rival_does_not_see_held_out_rows():
    X, _, y, _ = digits_split()
    sample = Sample.of(X, y, np.ones(len(X)), 600)
    picked = is_picked(hash_rows(X, y), 0.2)
    assert 0.15 < picked.mean() < 0.25
    kept = set(sample.without(0.2).hashes)
    assert kept == set(sample.hashes) - set(hash_rows(X[picked], y[picked]))


@pytest.mark.parametrize("size", [5, 60])
def test_heaviest_rows_keep_their_order(size):
    sample = Sample.of(*_data(), 60)
    kept = sample.heaviest(size)
    assert len(kept.X) == min(size, len(sample.X))
    rest = ~np.isin(sample.hashes, kept.hashes)
    assert kept.weight.min() >= sample.weight[rest].max(initial=0)
    np.testing.assert_array_equal(kept.hashes, np.sort(kept.hashes))


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_a_share_of_all_rows_is_picked_by_hashes(share):
    """As many as the share says, whichever rows there are besides."""
    X = np.random.default_rng(7).normal(size=(4000, 2))
    hashes = hash_rows(X, np.zeros(4000))
    picked = is_picked(hashes, share)
    assert abs(picked.mean() - share) < 4 * np.sqrt(share * (1 - share) / 4000)
    np.testing.assert_array_equal(is_picked(hashes[::7], share), picked[::7])


@pytest.mark.parametrize("n_folds", [2, 5])
@pytest.mark.parametrize("n_labels", [2, 7, 40])
def test_folds_have_the_same_share_of_every_label(n_labels, n_folds):
    """As nearly as numbers of rows can be divided, of rare labels, too."""
    rng = np.random.default_rng(9)
    labels = np.minimum(rng.geometric(2 / n_labels, size=300), n_labels) - 1
    sample = Sample.of(rng.normal(size=(300, 2)), labels, np.ones(300), 300)
    folds = sample.stratified_folds(n_folds)
    assert set(folds) == set(range(n_folds))
    counts = np.array(
        [np.bincount(folds[sample.labels == c], minlength=n_folds) for c in range(n_labels)]
    )
    assert (np.ptp(counts, axis=1) <= 1).all()
    assert np.ptp(counts.sum(axis=0)) <= 1


@pytest.mark.parametrize("n_rows", [1, 7, 50])
def test_each_of_few_rows_is_a_fold_of_its_own(n_rows):
    rng = np.random.default_rng(10)
    sample = Sample.of(rng.normal(size=(n_rows, 2)), np.arange(n_rows) % 3, np.ones(n_rows), 99)
    folds = sample.stratified_folds()
    np.testing.assert_array_equal(folds, np.arange(n_rows))
    twice = Sample.of(
        np.tile(sample.X, (2, 1)), np.tile(sample.labels, 2), np.ones(2 * n_rows), 99
    )
    np.testing.assert_array_equal(twice.stratified_folds(), folds)


def test_copies_of_a_row_share_a_fold():
    rng = np.random.default_rng(11)
    X, labels = rng.normal(size=(120, 2)), np.arange(120) % 3
    rows = np.concatenate([np.arange(120), rng.integers(120, size=200)])
    rng.shuffle(rows)
    hashes = hash_rows(X, labels)[rows]
    folds = Sample(X[rows], labels[rows], np.ones(320), hashes).stratified_folds()
    of_row = np.empty(120, dtype=int)
    of_row[rows] = folds
    np.testing.assert_array_equal(of_row[rows], folds)
    assert np.ptp(np.bincount(of_row)) <= 1


# -- even samples ------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_rows_are_drawn_evenly_whatever_their_order(dtype):
    rng = np.random.default_rng(8)
    X = rng.normal(size=(900, 2)).astype(dtype)
    index = draw_evenly(X, 300)
    assert abs(len(index) - 300) < 4 * np.sqrt(300) and len(np.unique(index)) == len(index)
    order = rng.permutation(900)
    again = X[order][draw_evenly(X[order], 300)]
    np.testing.assert_array_equal(np.sort(again, axis=0), np.sort(X[index], axis=0))
    low = (X[:, 0] < 0).mean()
    assert abs((X[index, 0] < 0).mean() - low) < 4 * 0.5 / np.sqrt(300)
    np.testing.assert_array_equal(draw_evenly(X[:10], 300), np.arange(10))


def test_copies_are_drawn_as_often_as_others():
    X = np.repeat([[0.0], [1.0]], [900, 100], axis=0)
    assert len(np.unique(even_keys(X))) == 1000  # each copy has a key of its own
    drawn = X[draw_evenly(X, 300)]
    assert abs((drawn == 0).sum() - 270) <= 1 and abs((drawn == 1).sum() - 30) <= 1


def test_a_weight_counts_as_copies_in_a_draw():
    rng = np.random.default_rng(5)
    X, weight = rng.normal(size=(600, 2)), rng.integers(0, 4, 600)
    drawn = X[draw_evenly(X, 200, weight.astype(float))]
    copies = np.repeat(X, weight, axis=0)
    again = copies[draw_evenly(copies, 200)]
    np.testing.assert_array_equal(np.sort(drawn, axis=0), np.sort(again, axis=0))


@pytest.mark.parametrize("n_rows", [0, 10, 3000])
@pytest.mark.parametrize("n_wanted", [0, 1, 60])
def test_hashes_are_matched(n_rows, n_wanted):
    rng = np.random.default_rng(7)
    hashes = rng.integers(0, 2**64, n_rows, dtype=np.uint64)
    others = rng.integers(0, 2**64, n_wanted, dtype=np.uint64)
    wanted = np.unique(np.concatenate([others, hashes[::100]]))[: n_wanted + 30]
    for n_bits in (10, 20):  # with and without the table of leading bits
        rows, at = match_hashes(hashes, wanted, n_bits=n_bits)
        expected = [(i, list(wanted).index(h)) for i, h in enumerate(hashes) if h in wanted]
        assert list(zip(rows, at, strict=True)) == expected


def test_a_draw_keeps_the_mean_of_a_heavy_tail():
    """Rows of large weight are drawn as often as their weight says, to within one copy."""
    rng = np.random.default_rng(6)
    X, weight = rng.normal(size=(5000, 1)), rng.pareto(1.2, 5000) + 0.01
    places, n = np.unique(draw_evenly(X, 1000, weight), return_counts=True)
    expected = weight * 1000 / weight.sum()
    assert (np.abs(n - expected[places]) < 1).all()
    assert set(np.flatnonzero(expected >= 1)) <= set(places)


@pytest.mark.parametrize("n, size", [(1, 5), (10, 10), (10, 3), (1000, 7), (5, 1)])
def test_places_are_spaced_evenly(n, size):
    places = space_evenly(n, size)
    assert len(places) == min(n, size) and places[0] == 0
    assert places[-1] == (n - 1 if min(n, size) > 1 else 0)
    assert len(set(np.diff(places))) <= 2
