"""Rows with gaps: what fills them, and thresholds that hold with and without."""

import numpy as np
import pytest

from sklearn_activation import ActivationAnomalyDetector
from sklearn_activation._rows.gaps import N_DRAWN, N_NEAREST, completed

from .encodings import fourier_encoding


def scaled(X):
    return fourier_encoding(X, n_frequencies=4)


def line(n=300, seed=0):
    """Three columns that hang together."""
    rng = np.random.default_rng(seed)
    t = rng.normal(size=n)
    return np.column_stack([t, 2 * t, -t]) + 0.05 * rng.normal(size=(n, 3))


@pytest.mark.parametrize("drawn", [False, True])
def test_gaps_are_filled_from_the_nearest_that_know(drawn):
    donors, X = line(), line(40, seed=1)
    donors[::3, 2] = np.nan
    full = X.copy()
    X[:, 2] = np.nan
    X[0] = [np.nan, 1.0, np.nan]
    encoding = scaled(donors)
    found = completed(X, donors, encoding, drawn=drawn)
    np.testing.assert_array_equal(found[:, :2][1:], full[1:, :2])
    assert np.abs(found[1:, 2] - full[1:, 2]).max() < 1.0
    Z, D = encoding.standardise(X), encoding.standardise(donors)
    for i in range(1, 40):
        known = np.flatnonzero(~np.isnan(donors[:, 2]))
        nearest = known[
            np.argsort(((Z[i, :2] - D[known, :2]) ** 2).sum(axis=1))[
                : N_DRAWN if drawn else N_NEAREST
            ]
        ]
        if drawn:
            assert found[i, 2] in donors[nearest, 2]
        else:
            assert found[i, 2] == pytest.approx(donors[nearest, 2].mean())


def test_entries_that_no_donor_knows_stay_missing():
    donors, X = line(20), line(5, seed=1)
    donors[:, 1] = np.nan
    X[:, 1] = np.nan
    found = completed(X, donors, scaled(donors), drawn=False)
    assert np.isnan(found[:, 1]).all() and not np.isnan(found[:, [0, 2]]).any()


@pytest.mark.parametrize("correlated", [False, True])
@pytest.mark.parametrize("missing", [0.1, 0.5])
def test_alarms_after_training_with_gaps(missing, correlated):
    rates = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        mixing = rng.normal(size=(5, 5)) if correlated else np.eye(5)
        X, new = rng.normal(size=(1000, 5)) @ mixing, rng.normal(size=(1500, 5)) @ mixing
        X[rng.random(X.shape) < missing] = np.nan
        gaps = np.where(rng.random(new.shape) < missing, np.nan, new)
        gaps = gaps[~np.isnan(gaps).all(axis=1)]
        detector = ActivationAnomalyDetector(random_state=seed).fit(X)
        for rows in (new, gaps):
            p = detector.p_values(rows)
            rates.append([(detector.predict(rows) == -1).mean(), (p <= 0.05).mean()])
    complete, with_gaps = np.mean(rates[::2], axis=0), np.mean(rates[1::2], axis=0)
    assert complete[0] < 0.02 and 0.02 < complete[1] < 0.07
    assert with_gaps[0] < 0.015 and with_gaps[1] < 0.06


def test_correlations_are_seen_through_gaps():
    rng = np.random.default_rng(0)
    X = line(800)
    X[rng.random(X.shape) < 0.3] = np.nan
    X = X[~np.isnan(X).all(axis=1)]
    detector = ActivationAnomalyDetector(random_state=0).fit(X)
    wrong = np.array([[1.0, -2.0, np.nan], [np.nan, 2.0, 1.0], [1.0, -2.0, 1.0]])
    right = np.array([[1.0, 2.0, np.nan], [np.nan, 2.0, -1.0], [1.0, 2.0, -1.0]])
    assert (detector.predict(wrong) == -1).all()
    assert (detector.predict(right) == 1).all()


def test_rows_of_which_nothing_is_known_are_not_typical():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    X[7] = np.nan
    detector = ActivationAnomalyDetector(random_state=0).fit(X)
    assert detector.training_scores_[7] == 0
    nothing = np.full((2, 3), np.nan)
    with pytest.warns(UserWarning, match="2 of 2 rows are NaN throughout"):
        assert (detector.score_samples(nothing) == 0).all()
    with pytest.warns(UserWarning):
        assert (detector.predict(nothing) == -1).all()
    with pytest.warns(UserWarning):
        assert (detector.p_values(nothing) <= 1 / 300).all()
    assert (detector.explain(nothing) == 0).all()


def test_order_of_rows_does_not_matter_with_gaps():
    rng = np.random.default_rng(0)
    X = line(900)
    X[rng.random(X.shape) < 0.2] = np.nan
    X = X[~np.isnan(X).all(axis=1)]
    order = rng.permutation(len(X))
    ours = ActivationAnomalyDetector(random_state=0).fit(X)
    theirs = ActivationAnomalyDetector(random_state=0).fit(X[order])
    np.testing.assert_allclose(theirs.training_scores_, ours.training_scores_[order], atol=1e-9)
