"""Rows that are held out from feedback, and how many."""

from types import SimpleNamespace

import numpy as np
import pytest

from sklearn_activation._classification.trial import hold_out, share_to_hold_out
from sklearn_activation._rows.encoded import EncodedRows
from sklearn_activation._rows.sample import hash_rows
from sklearn_activation._rows.unit import UnitEncoding

from ..tasks import labelled_rows

PLAIN = SimpleNamespace(early_stopping=False, validation_fraction=0.3)
STOPPING = SimpleNamespace(early_stopping=True, validation_fraction=0.3)


def hashes_of(rows):
    return hash_rows(rows.X, rows.labels)


def rows_of(labels):
    """Random rows with the given labels."""
    X = np.random.default_rng(0).normal(size=(len(labels), 3))
    return EncodedRows(X, UnitEncoding(3), labels=labels, n_labels=labels.max() + 1)


@pytest.mark.parametrize(
    "n, on_trial, n_held",
    [
        (1000, True, 250),
        (8000, True, 800),
        (60_000, True, 2000),
        (500, False, 50),
        (10**5, False, 1000),
    ],
)
def test_how_many_rows_are_held_out(n, on_trial, n_held):
    assert share_to_hold_out(PLAIN, n, on_trial) * n == pytest.approx(n_held)
    assert share_to_hold_out(STOPPING, n, on_trial) == 0.3


def test_copies_of_a_row_stay_together():
    rows = labelled_rows(400)
    twice = rows.take(np.tile(np.arange(400), 2))
    train, held = hold_out(PLAIN, twice, hashes_of(twice), 0.25)
    assert len(train) + len(held) == 800
    assert not set(map(tuple, train.X)) & set(map(tuple, held.X))
    assert 120 < len(held) < 280


def test_rows_without_a_label_of_their_own_are_not_held_out():
    rows, known = labelled_rows(1000), np.arange(1000) < 600
    train, held = hold_out(PLAIN, rows, hashes_of(rows), 0.25, known)
    assert not set(map(tuple, held.X)) & set(map(tuple, rows.X[~known]))
    assert len(train) == 1000 - len(held)


@pytest.mark.parametrize("share", [0.1, 0.25, 0.9])
@pytest.mark.parametrize("n_copies", [1, 2])
def test_a_rare_label_keeps_most_of_its_rows(share, n_copies):
    """Otherwise the network does not know the label, and feedback looks better than it is."""
    n_rows = np.r_[np.tile([1, 2, 4, 12], 50), 2000]
    labels = np.repeat(np.arange(len(n_rows)), n_rows)
    rows = rows_of(labels)
    rng = np.random.default_rng(1)
    rows = rows.take(rng.permutation(np.tile(np.arange(len(labels)), n_copies)))
    train, held = hold_out(PLAIN, rows, hashes_of(rows), share)
    n_held = np.bincount(held.labels, minlength=len(n_rows)) / n_copies
    most = np.minimum(np.maximum(np.floor(2 * share * n_rows), 1), n_rows - 1)
    assert (n_held <= most).all() and (n_held[:-1] == most[:-1]).any()
    assert abs(n_held[-1] - share * 2000) < 90  # a frequent label loses its share
    assert len(train) + len(held) == len(rows)


def test_few_rows_are_not_held_out_unless_to_stop_by():
    rows = labelled_rows(60)
    hashes, two = hashes_of(rows), rows_of(np.arange(2))
    assert hold_out(PLAIN, rows, hashes, 0.3)[1] is None
    assert 0 < len(hold_out(STOPPING, rows, hashes, 0.3)[1]) < 50
    with pytest.raises(ValueError, match=r"validation_fraction=0\.3 holds out none of 2 rows"):
        hold_out(STOPPING, two, hashes_of(two), 0.999999)
