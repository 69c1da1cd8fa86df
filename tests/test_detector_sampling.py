"""Rows that a detector draws from what is typical."""

import warnings

import numpy as np
import pandas as pd
import polars
import pytest

from sklearn_activation import ActivationAnomalyDetector


@pytest.fixture(scope="module")
def gaussian():
    """A detector of correlated columns of different scale, and its rows."""
    rng = np.random.default_rng(0)
    X = rng.multivariate_normal([3, -1], [[1, 0.8], [0.8, 1]], size=1500) * [1, 10]
    return ActivationAnomalyDetector(n_frequencies=128, random_state=0).fit(X), X


# -- rows ------------------------------------------------------------------------------


def test_samples_are_distributed_like_the_rows(gaussian):
    detector, X = gaussian
    sample = detector.sample(400, random_state=0)
    assert (np.abs(sample.mean(axis=0) - X.mean(axis=0)) < 0.25 * X.std(axis=0)).all()
    np.testing.assert_allclose(sample.std(axis=0), X.std(axis=0), rtol=0.3)
    assert np.corrcoef(sample.T)[0, 1] == pytest.approx(0.8, abs=0.12)
    again = detector.sample(20, random_state=0)
    np.testing.assert_array_equal(again, detector.sample(20, random_state=0))


def test_samples_keep_both_clusters_and_the_gap_between():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1000, 2)) + 8 * rng.integers(2, size=(1000, 1))
    sample = ActivationAnomalyDetector(random_state=0).fit(X).sample(300, random_state=0)
    assert 0.3 < (sample[:, 0] > 4).mean() < 0.7
    assert (np.abs(sample.sum(axis=1) - 8) < 3).mean() < 0.1


@pytest.mark.parametrize(
    "n_rows, n_columns, n_frequencies", [(60, 3, 64), (30, 4, 32), (60, 4, 64)]
)
def test_samples_of_few_rows_are_no_copies_of_them(n_rows, n_columns, n_frequencies):
    """Rows that were learned lose less than new ones, which is made up for.

    New rows of the same law are further from the nearest row that was learned than samples are;
    samples that took the loss of learned rows for that of new ones would be nearer still.
    """
    rng = np.random.default_rng(0)
    X, new = rng.normal(size=(n_rows, n_columns)), rng.normal(size=(300, n_columns))
    detector = ActivationAnomalyDetector(n_frequencies=n_frequencies, random_state=0).fit(X)
    sample = detector.sample(300, random_state=0)
    of_sample, of_new = (
        np.median(np.linalg.norm(rows[:, None] - X, axis=2).min(axis=1)) for rows in (sample, new)
    )
    assert of_sample > 0.55 * of_new


def test_constant_and_unknown_columns_are_not_sampled(gaussian):
    X = gaussian[1][:800]
    X = np.column_stack([X, np.zeros(800), np.full(800, 5.0), np.full(800, np.nan)])
    detector = ActivationAnomalyDetector(n_frequencies=64, random_state=0).fit(X)
    sample = detector.sample(50, random_state=0)  # warns if the walk stays where it is
    assert (sample[:, 2] == 0).all()
    assert (sample[:, 3] == 5).all()
    assert np.isfinite(sample).all()
    assert np.ptp(sample[:, 0]) > 1
    row = np.r_[X[0, :2], np.nan, np.nan, np.nan]
    assert (detector.sample(2, given=row)[:, 2] == 0).all()


@pytest.mark.parametrize("units", [[1e200, 1e200], [1e-300, 1e-300], [1, 1e6], [1e200, 1e-200]])
def test_samples_of_any_units(gaussian, units):
    X = gaussian[1]
    detector = ActivationAnomalyDetector(n_frequencies=64, random_state=0).fit(X * units)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sample = detector.sample(300, random_state=0) / units
    np.testing.assert_allclose(sample.std(axis=0), X.std(axis=0), rtol=0.35)
    assert np.corrcoef(sample.T)[0, 1] > 0.5


def test_no_walk_stays_where_it_starts():
    rng = np.random.default_rng(0)
    x = rng.gamma(3, 2, 1500)
    X = np.column_stack([x, 250 + 30 * x + 15 * rng.normal(size=1500), rng.beta(2, 5, 1500)])
    detector = ActivationAnomalyDetector(n_frequencies=256, random_state=0).fit(X)
    short, long = (detector.sample(300, n_steps=n, random_state=0) for n in (3, 150))
    assert (short == long).all(axis=1).mean() < 0.02
    assert (detector.p_values(long) < 0.05).mean() < 0.1
    assert (long[:, 0] < 0).mean() < 0.02


def test_given_by_names(gaussian):
    detector, X = gaussian
    frame = pd.DataFrame(X[:400], columns=["a", "b"])
    detector = ActivationAnomalyDetector(n_frequencies=32, random_state=0).fit(frame)
    for given in (pd.Series({"a": 3.0, "b": np.nan}), pd.DataFrame({"a": [3.0], "b": [np.nan]})):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            drawn = detector.sample(5, given=given, random_state=0)
        assert (drawn[:, 0] == 3).all()
    with pytest.raises(ValueError, match="same order"):
        detector.sample(5, given=pd.Series({"b": 3.0, "a": np.nan}))


def test_samples_given_known_entries(gaussian):
    detector, _ = gaussian
    sample = detector.sample(400, given=[4.5, np.nan], random_state=0)
    assert (sample[:, 0] == 4.5).all()
    assert sample[:, 1].mean() == pytest.approx(2, abs=3)  # 10 (-1 + 0.8 * 1.5)
    assert sample[:, 1].std() == pytest.approx(6, rel=0.35)


def test_acceptance_is_told(gaussian, capsys):
    detector, _ = gaussian
    detector.verbose = 1
    detector.sample(20, random_state=0)
    detector.verbose = 0
    assert "Acceptance rate 0." in capsys.readouterr().out


def waves(n, seed=0):
    t = np.arange(n)[:, None] + np.array([0, 6])
    noise = np.random.default_rng(seed).normal(size=(n, 2))
    return np.sin(2 * np.pi * t / 25) + 0.1 * noise


# -- bad questions ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "window, call, message",
    [
        (None, lambda d, X: d.sample(0), "n_samples=0"),
        (None, lambda d, X: d.sample(2, n_steps=2), "n_steps=2"),
        (None, lambda d, X: d.sample(2, given=[1.0, 2.0]), "no NaN"),
        (None, lambda d, X: d.sample(2, given=[np.nan]), "1 features"),
        (None, lambda d, X: d.sample(2, given=X[:2]), "given has 2 rows"),
        (None, lambda d, X: d.sample(2, given=3.0), "2D array"),
        (None, lambda d, X: d.sample(2, given=[1.0, np.inf]), "infinity"),
        (20, lambda d, X: d.events(X, max_gap=-1), "max_gap=-1"),
        (20, lambda d, X: d.score_samples(X[:1]), "has 1 sample"),
        (20, lambda d, X: d.explain(X[:1], groups=[3]), "has 1 sample"),
        (20, lambda d, X: d.fit(X[:1]), "has 1 sample"),
        (None, lambda d, X: d.set_threshold("high"), "score='high' must be"),
        (None, lambda d, X: d.set_threshold(p="rare"), "p='rare' must be"),
        (20, lambda d, X: d.sample(2), "sample_future"),
    ],
)
def test_bad_questions_to_a_sampler(window, call, message):
    X = waves(200)
    detector = ActivationAnomalyDetector(window=window, n_frequencies=16, random_state=0).fit(X)
    with pytest.raises(ValueError, match=message):
        call(detector, X)


def test_unit_rows_cannot_be_sampled():
    detector = ActivationAnomalyDetector(encoding="unit").fit(waves(100))
    with pytest.raises(ValueError, match="fourier"):
        detector.sample(2)


@pytest.mark.filterwarnings("ignore:.*sampling steps", "ignore:X has feature names")
def test_a_row_may_be_given_in_any_shape():
    X = waves(200)
    detector = ActivationAnomalyDetector(n_frequencies=16, random_state=0).fit(X)
    row = [X[0, 0], None]
    expected = detector.sample(2, given=row, n_steps=3, random_state=0)
    shapes = [np.array(row, dtype=float), [row], pd.Series(row), polars.Series(row)]
    shapes += [polars.DataFrame([row], schema=["a", "b"], orient="row")]
    for given in shapes:
        found = detector.sample(2, given=given, n_steps=3, random_state=0)
        np.testing.assert_array_equal(found, expected)
