"""How far columns count, against refits, finite differences and loops."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_activation._rows.fourier import FourierEncoding
from sklearn_activation._rows.relevance import (
    PENALTIES,
    Readout,
    column_slopes,
    column_spread,
    read_out,
)
from sklearn_activation._rows.sample import Sample

from .. import naive
from ..encodings import fourier_encoding


def problem(n=60, n_features=5, seed=0):
    """Columns of a normal law, of which the first two say what label a row has."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, n_features))
    return X, np.digitize(X[:, 0] + X[:, 1], [-0.6, 0.6])


def fitted(X, labels, weight=None, *, relevances="auto", categorical=None, **options):
    """The encoding that is fitted to rows and labels."""
    weight = np.ones(len(X)) if weight is None else weight
    usual = {"bandwidth": "auto", "n_frequencies": 32, "standardize": True, "seed": 0}
    return FourierEncoding.fitted_to_labels(
        Sample.of(X, labels, weight, 8000),
        labels.max() + 1,
        relevances=relevances,
        categorical=categorical,
        **{**usual, **options},
    )


# -- the read-out ------------------------------------------------------------------------


@pytest.mark.parametrize("n_labels", [2, 3, 5])
@pytest.mark.parametrize("n_rows", [12, 40])
@pytest.mark.parametrize("weighted", [False, True])
def test_rows_are_left_out_as_if_they_had_never_been(n_rows, n_labels, weighted):
    """Also where there are hardly more rows than columns, and for weights of any sum."""
    rng = np.random.default_rng(n_labels)
    Z = rng.normal(size=(n_rows, 9))
    labels = np.r_[np.arange(n_labels), rng.integers(n_labels, size=n_rows - n_labels)]
    weight = rng.uniform(0.2, 3, n_rows) if weighted else np.ones(n_rows)
    found = read_out(Z, labels, weight, n_labels)
    Y = naive.centred_indicators(labels, weight, n_labels)
    errors = [naive.left_out_error(Z, Y, weight, penalty) for penalty in PENALTIES]
    assert found.loss == pytest.approx(min(errors), rel=1e-8)
    coefs = naive.ridge(Z, Y, weight / weight.sum(), PENALTIES[np.argmin(errors)])
    assert_allclose(found.coefs @ found.coefs.T, coefs @ coefs.T, rtol=1e-8, atol=1e-12)
    assert found.coefs.shape == (9, n_labels - 1)


def test_few_outputs_are_those_of_the_largest_slopes():
    rng = np.random.default_rng(1)
    Z, labels = rng.normal(size=(80, 9)), rng.integers(6, size=80)
    every, few = (read_out(Z, labels, np.ones(80), 6, most_outputs=n) for n in (8, 2))
    assert every.loss == few.loss and few.coefs.shape == (9, 2)
    values, vectors = np.linalg.eigh(every.coefs @ every.coefs.T)
    best = (vectors * values)[:, -2:] @ vectors[:, -2:].T
    assert_allclose(few.coefs @ few.coefs.T, best, atol=1e-12)


def test_labels_that_the_rows_do_not_tell_have_an_error_of_one():
    rng = np.random.default_rng(2)
    Z, labels = rng.normal(size=(400, 9)), rng.integers(3, size=400)
    assert read_out(Z, labels, np.ones(400), 3).loss == pytest.approx(1, abs=0.06)
    Z[np.arange(400), labels] += 20
    assert read_out(Z, labels, np.ones(400), 3).loss < 0.2


# -- slopes ------------------------------------------------------------------------------


@pytest.mark.parametrize("relevances", [None, [0.5, 2.0, 1.0]])
@pytest.mark.parametrize("bandwidth", [1.0, 3.0])
def test_slopes_of_numbers_are_finite_differences(bandwidth, relevances):
    """By the deviations of columns, one of which is read as logarithms."""
    rng = np.random.default_rng(3)
    X = np.column_stack([rng.uniform(-1, 1, 50), rng.uniform(0, 900, 50), rng.lognormal(0, 2, 50)])
    weight = rng.uniform(0.5, 2, 50)
    encoding = fourier_encoding(X, weight, bandwidth=bandwidth)
    assert np.isfinite(encoding.decades).tolist() == [False, False, True]
    encoding.bend = np.full(3, np.inf)
    if relevances is not None:
        encoding = encoding.with_relevances(np.array(relevances))
    coefs = rng.normal(size=(16, 2))
    found = column_slopes(Readout(0.5, coefs), encoding, X, weight, seed=0)
    step, unit = 1e-4, encoding.decades[2]
    for j in range(3):
        outputs = []
        for sign in (-1, 1):
            moved, far = X.copy(), sign * step * encoding.scale[j] / bandwidth
            if j == 2:
                moved[:, j] = unit * np.sinh(np.arcsinh(X[:, j] / unit) + far)
            else:
                moved[:, j] += far
            outputs.append(naive.fourier(moved, **encoding.state) @ coefs)
        slopes = (outputs[1] - outputs[0]) / (2 * step)
        expected = np.sqrt(np.average((slopes**2).sum(axis=1), weights=weight))
        assert found[j] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("relevances", [None, [0.5, 2.0, 0.0]])
def test_slopes_of_categories_are_what_an_exchange_changes(relevances):
    """Each row gets the category of another, on average over all others if there are many."""
    rng = np.random.default_rng(4)
    n = 120
    X = np.column_stack([rng.normal(size=n), rng.integers(4, size=(n, 2))])
    X[5, 1] = np.nan
    is_code = np.array([False, True, True])
    encoding = fourier_encoding(X, categorical=is_code)
    if relevances is not None:
        encoding = encoding.with_relevances(np.array(relevances))
    coefs, weight = rng.normal(size=(16, 2)), rng.uniform(0.5, 2, n)
    found = [column_slopes(Readout(0.5, coefs), encoding, X, weight, seed=s) for s in range(12)]
    before = naive.fourier(X, **encoding.state) @ coefs
    for j in (1, 2):
        changes, others = np.zeros(n), range(0, n, 4)
        for other in others:
            exchanged = X.copy()
            exchanged[:, j] = X[other, j]
            changes += ((naive.fourier(exchanged, **encoding.state) @ coefs - before) ** 2).sum(1)
        expected = np.average(changes / len(others), weights=weight) / 2
        assert np.mean([slopes[j] ** 2 for slopes in found]) == pytest.approx(
            expected, rel=0.15, abs=1e-9
        )


def test_spread_is_the_deviation_of_what_enters():
    rng = np.random.default_rng(5)
    X = np.column_stack([rng.normal(3, 7, 400), rng.integers(4, size=400), np.full(400, 5.0)])
    weight = rng.uniform(0.5, 2, 400)
    encoding = fourier_encoding(X, weight, categorical=np.array([False, True, False]))
    spread = column_spread(encoding, Sample.of(X, None, weight, 400))
    assert spread[0] == pytest.approx(1, abs=0.1) and spread[2] == 0
    share = np.bincount(X[:, 1].astype(int), weight) / weight.sum()
    assert spread[1] == pytest.approx(np.sqrt(1 - (share**2).sum()))


# -- relevances ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["linear", "even", "categories"])
def test_columns_that_say_nothing_get_little(kind):
    """Of labels by a sum, by a distance from the middle, or by categories."""
    rng = np.random.default_rng(6)
    X, categorical = rng.normal(size=(400, 10)), None
    if kind == "linear":
        labels = (X[:, 0] + X[:, 1] > 0).astype(int)
    elif kind == "even":
        labels = (X[:, 0] ** 2 + X[:, 1] ** 2 > 1.4).astype(int)
    else:
        X = rng.integers(3, size=(400, 10)).astype(float)
        labels, categorical = (X[:, 0] == X[:, 1]).astype(int), np.ones(10, dtype=bool)
    found = fitted(X, labels, categorical=categorical, n_frequencies=128).relevances
    assert found[2:].max() < 0.5 * found[:2].min()
    assert found[:2].min() > 1


@pytest.mark.parametrize("n_labels", [2, 4])
def test_columns_count_alike_if_labels_are_at_random(n_labels):
    rng = np.random.default_rng(7)
    X, labels = rng.normal(size=(300, 6)), rng.integers(n_labels, size=300)
    assert_array_equal(fitted(X, labels).relevances, np.ones(6))


@pytest.mark.parametrize("n_rows", [9, 60, 300])
def test_rows_are_as_far_apart_as_before(n_rows):
    X, labels = problem(n_rows)
    encoding = fitted(X, labels)
    spread = column_spread(
        encoding.with_relevances(None), Sample.of(X, labels, np.ones(n_rows), 8000)
    )
    squares = encoding.relevances**2 * spread**2
    assert squares.sum() == pytest.approx((spread**2).sum())


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_relevances_do_not_depend_on_the_order_of_rows(seed):
    X, labels = problem(seed=seed)
    order = np.random.default_rng(8).permutation(len(X))
    ours, theirs = fitted(X, labels), fitted(X[order], labels[order])
    assert_allclose(ours.relevances, theirs.relevances, rtol=1e-9)
    assert not np.array_equal(ours.relevances, np.ones(5))


@pytest.mark.parametrize("units", [[1000.0] * 5, [1000, 1, 1e-3, 1e6, 1]])
def test_relevances_do_not_depend_on_units(units):
    X, labels = problem()
    ours, theirs = fitted(X, labels), fitted(X * np.array(units), labels)
    assert ours.bandwidth == pytest.approx(theirs.bandwidth)
    assert_allclose(ours.relevances, theirs.relevances, rtol=1e-3)


def test_copies_of_rows_are_weights():
    X, labels = problem()
    times = np.random.default_rng(9).integers(1, 4, len(X))
    ours = fitted(X, labels, times.astype(float))
    theirs = fitted(np.repeat(X, times, axis=0), np.repeat(labels, times))
    assert_allclose(ours.relevances, theirs.relevances, rtol=1e-9)
    shared = fitted(X, labels, 1e12 * times)
    assert_allclose(ours.relevances, shared.relevances, rtol=1e-6)


@pytest.mark.parametrize("column", [3.0, 0.0, np.nan], ids=["constant", "zero", "unknown"])
@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("category", [False, True])
def test_a_column_that_says_nothing_has_no_relevance(column, category, standardize):
    """Whatever it holds later, and the others are what they are without it."""
    X, labels = problem()
    weight = np.random.default_rng(10).uniform(0.5, 2, len(X))
    with_column = np.column_stack([X, np.full(len(X), column)])
    is_code = np.array([False] * 5 + [True]) if category else None
    options = {"categorical": is_code, "standardize": standardize}
    encoding = fitted(with_column, labels, weight, **options)
    assert encoding.relevances[5] == 0
    assert encoding.relevances[:2].min() > 1.1 > 0.8 > encoding.relevances[2:].max()
    Z, changed = np.empty((2, len(X), encoding.n_outputs))
    encoding.write(with_column, Z)
    with_column[:, 5] = np.arange(len(X))
    encoding.write(with_column, changed)
    assert_array_equal(Z, changed)


@pytest.mark.parametrize("entry", [6.0, 1e9])
@pytest.mark.parametrize("n_rows", [100, 300])
def test_a_column_with_a_single_other_entry_changes_little(entry, n_rows):
    """That entry is far from all others, but rows are as far apart as its limit lets them be."""
    X, labels = problem(n_rows)
    lone = np.full(n_rows, 5.0)
    lone[3] = entry
    found = fitted(np.column_stack([X, lone]), labels, n_frequencies=128).relevances
    expected = fitted(X, labels, n_frequencies=128).relevances
    assert_allclose(found[:2], expected[:2], rtol=0.4)


def test_rows_without_any_difference_are_encoded():
    """All columns are constant, or a single one is."""
    for n_features in (1, 4):
        X, labels = np.ones((20, n_features)), np.arange(20) % 2
        encoding = fitted(X, labels)
        Z = np.empty((20, encoding.n_outputs))
        encoding.write(X, Z)
        assert np.isfinite(Z).all()


@pytest.mark.parametrize("given", [None, [1.0, 2.0, 0.0, 0.5, 3.0]])
def test_given_relevances_are_taken_as_they_are(given):
    X, labels = problem()
    found = fitted(X, labels, relevances=given if given is None else np.array(given)).relevances
    assert found is None if given is None else found.tolist() == given


@pytest.mark.parametrize("n_rows", [200, 2500])
def test_the_same_relevances_are_found_by_few_and_many_rows(n_rows):
    """Two columns of five count, and a sample of rows says so as well."""
    X, labels = problem(n_rows)
    found = fitted(X, labels).relevances
    assert_allclose(found[:2], np.sqrt(2.5), rtol=0.15)
    assert found[2:].max() < 0.5
