"""Scores of rows without themselves: formula and quadrature against training anew."""

import warnings

import numpy as np
import pytest

from sklearn_activation import ActivationAnomalyDetector
from sklearn_activation._detection.copies import copy_weight
from sklearn_activation._detection.leave_out import LEAVE_OUT_FOLDS
from sklearn_activation._rows.encoded import EncodedRows
from sklearn_activation._rows.sample import hash_rows, mix_hashes
from sklearn_activation._rows.unit import UnitEncoding

from ..encodings import fourier_encoding
from ..tasks import activation_without, last_layer, without_rows


def encoding_of(X):
    options = {"bandwidth": 1.5, "n_frequencies": 12, "standardize": False, "bent": False}
    return fourier_encoding(X.astype(float), **options)


def tables():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    copies = X[rng.integers(20, size=60)]
    weight = rng.uniform(0.2, 3, size=60)
    return {
        "rows": (X, np.ones(60)),
        "weighted rows": (X, weight),
        "counted copies": (X, rng.integers(1, 5, size=60).astype(float)),
        "duplicates": (copies, np.ones(60)),
        "fewer rows than inputs": (X[:15], np.ones(15)),
        "wide": (rng.normal(size=(20, 50)), np.ones(20)),
        "discrete": ((rng.random((60, 3)) < 0.2) * 1.0, np.ones(60)),
    }


@pytest.mark.parametrize("name", tables())
@pytest.mark.parametrize("n_units", [24, 30])
@pytest.mark.parametrize("encoding", ["fourier", "unit"])
def test_formula_equals_training_anew(name, n_units, encoding):
    X, weight = tables()[name]
    if encoding == "unit":
        n_units += X.shape[1] - 24
    kind = encoding_of(X) if encoding == "fourier" else UnitEncoding(X.shape[1])
    rows = EncodedRows(X, kind, weight=weight)
    found = last_layer(rows, n_units, 300.0, True).scores_without(rows)
    removed = copy_weight(weight)
    for i in range(0, len(X), 7):
        out = np.where(np.arange(len(X)) == i, removed, 0)
        expected = activation_without(rows, n_units, 300.0, True, out, i)
        assert found[i] == pytest.approx(expected, abs=1e-8)


def test_formula_in_single_precision():
    X, weight = tables()["rows"]
    kind = encoding_of(X)
    double = EncodedRows(X.astype(np.float32), kind, weight=weight)
    single = EncodedRows(X.astype(np.float32), kind, weight=weight, dtype=np.float32)
    found, expected = (last_layer(r, 24, 300.0, True).scores_without(r) for r in (single, double))
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("averaged", [True, False])
def test_folds_are_left_out_where_units_are_fewer_than_directions(averaged):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(200, 2))
    rows = EncodedRows(X, encoding_of(X))
    layer = last_layer(rows, 12, 300.0, averaged)
    fold_of = mix_hashes(hash_rows(X, np.zeros(200))) % LEAVE_OUT_FOLDS
    found = layer.scores_without(rows)
    for i in range(0, 200, 37):
        out = (fold_of == fold_of[i]) * 1.0
        assert found[i] == pytest.approx(
            activation_without(rows, 12, 300.0, averaged, out, i), abs=1e-8
        )


@pytest.mark.parametrize("t", [3.0, 30.0, 300.0])
@pytest.mark.parametrize("name", ["rows", "weighted rows", "duplicates"])
def test_quadrature_of_the_stopped_flow(name, t):
    X, weight = tables()[name]
    rows = EncodedRows(X, encoding_of(X), weight=weight)
    found = last_layer(rows, 24, t, False).scores_without(rows)
    removed = copy_weight(weight)
    for i in range(0, len(X), 7):
        out = np.where(np.arange(len(X)) == i, removed, 0)
        expected = activation_without(rows, 24, t, False, out, i)
        assert found[i] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("averaged", [True, False])
@pytest.mark.parametrize("unit_size", [4, 30])
def test_units_are_left_out_whole(unit_size, averaged):
    X, weight = tables()["weighted rows"]
    rows = EncodedRows(X, encoding_of(X), weight=weight)
    units = np.arange(60) // unit_size
    found = last_layer(rows, 24, 30.0, averaged).scores_without(rows, units)
    for unit in np.unique(units):
        out = np.where(units == unit, weight, 0)
        for i in np.flatnonzero(units == unit)[::3]:
            expected = activation_without(rows, 24, 30.0, averaged, out, i)
            assert found[i] == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("averaged", [True, False])
def test_rows_that_left_the_statistics_do_not_leave_with_their_unit_again(averaged):
    X, weight = tables()["weighted rows"]
    rows = EncodedRows(X, encoding_of(X), weight=weight)
    units, gone = np.arange(60) // 5, np.arange(60) % 4 == 0
    layer = without_rows(last_layer(rows, 24, 30.0, averaged), rows, gone)
    found = layer.scores_without(rows, units, unlearned=gone)
    for i in range(0, 60, 7):
        out = np.where((units == units[i]) | gone, weight, 0)
        expected = activation_without(rows, 24, 30.0, averaged, out, i)
        assert found[i] == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("n_units", [24, 3])
@pytest.mark.parametrize("averaged", [True, False])
def test_a_unit_of_all_rows_that_are_known_has_finite_scores(averaged, n_units):
    """All others have left the statistics: nothing would be known without it."""
    X, weight = tables()["rows"]
    rows = EncodedRows(X, encoding_of(X), weight=weight)
    gone = np.arange(60) >= 5
    layer = without_rows(last_layer(rows, n_units, 30.0, averaged), rows, gone)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = layer.scores_without(rows, gone.astype(int), unlearned=gone)
    assert np.isfinite(found).all()


def test_rows_that_left_the_statistics_are_scored_as_they_are():
    X, weight = tables()["rows"]
    rows = EncodedRows(X, encoding_of(X), weight=weight)
    layer, gone = last_layer(rows, 24, 300.0, True), np.arange(60) < 5
    layer = without_rows(layer, rows, gone)
    found = layer.scores_without(rows, unlearned=gone)
    rest = rows.take(~gone)
    alone = last_layer(rest, 24, 300.0, True)
    np.testing.assert_allclose(found[~gone], alone.scores_without(rest), atol=1e-8)
    np.testing.assert_allclose(found[gone], alone.scores(rows, np.flatnonzero(gone)), atol=1e-8)


def test_rows_that_are_gone_from_a_sample_are_no_rows_of_a_batch():
    """A first batch with copies: the sample has merged them, and the batch has not."""
    X = np.zeros((18, 1))
    X[[16, 17], 0] = 1, 2
    detector = ActivationAnomalyDetector(
        contamination=0.1, layer_sizes=1, n_frequencies=9, standardize=False, random_state=0
    ).partial_fit(X)
    assert np.isfinite(detector.training_scores_).all() and len(detector.training_scores_) == 18
