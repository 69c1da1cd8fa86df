"""Imputation: what it fills in, and what it leaves alone."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import skops.io
from numpydoc.docscrape import ClassDoc
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.exceptions import NotFittedError
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_activation import ActivationImputer, _blocks

from .tables import correlated
from .tasks import (
    activation_gained,
    impute_from_at_most,
    learn_all_rows_alike,
    nearest_means,
)
from .test_input import AWKWARD, data


def gappy(X, share=0.3, seed=0):
    hidden = np.random.default_rng(seed).random(X.shape) < share
    return np.where(hidden, np.nan, X), hidden


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    gaps, hidden = gappy(X)
    return X, y, gaps, hidden, ActivationImputer(random_state=0).fit(gaps)


@pytest.mark.parametrize("load", [load_iris, load_wine, load_breast_cancer])
def test_it_is_nearer_than_neighbours(load):
    X = StandardScaler().fit_transform(load().data)
    gaps, hidden = gappy(X)
    errors = [
        np.sqrt(np.mean((imputer.fit_transform(gaps) - X)[hidden] ** 2))
        for imputer in (ActivationImputer(random_state=0), KNNImputer())
    ]
    assert errors[0] < errors[1]


def test_new_rows_are_filled_in_as_well():
    X = load_breast_cancer().data
    scale = X.std(axis=0)
    gaps, hidden = gappy(X)
    filled = ActivationImputer(random_state=0).fit(gaps[:400]).transform(gaps[400:])
    error = ((filled - X[400:]) / scale)[hidden[400:]]
    of_means = ((X[:400].mean(axis=0) - X[400:]) / scale)[hidden[400:]]
    assert np.mean(error**2) < 0.35 * np.mean(of_means**2)


def test_nonlinear_relations_are_found():
    rng = np.random.default_rng(0)
    x = rng.uniform(-2, 2, 600)
    X = np.column_stack([x, x**2, np.sin(2 * x)]) + rng.normal(0, 0.05, (600, 3))
    gaps = X[400:].copy()
    gaps[:, 1] = np.nan
    filled = ActivationImputer(random_state=0).fit(X[:400]).transform(gaps)
    assert np.mean((filled - X[400:])[:, 1] ** 2) < 0.05 * X[:, 1].var()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_known_entries_keep_their_values_and_type(iris, dtype):
    gaps = iris[2].astype(dtype)
    filled = ActivationImputer(random_state=0).fit_transform(gaps)
    assert filled.dtype == dtype
    known = ~np.isnan(gaps)
    np.testing.assert_array_equal(filled[known], gaps[known])
    assert np.isfinite(filled).all()
    low, high = np.nanmin(gaps, axis=0), np.nanmax(gaps, axis=0)
    assert ((filled >= low) & (filled <= high)).all()


def test_rows_without_gaps_come_back(iris):
    X, *_, imputer = iris
    np.testing.assert_array_equal(imputer.transform(X), X)


def test_activation_rises_from_the_neighbours_mean(iris, monkeypatch):
    *_, gaps, _, imputer = iris
    gain, free = activation_gained(monkeypatch, imputer, gaps)
    assert (gain >= -1e-6).all()
    assert gain[free].mean() > 1e-4


def test_nothing_known_of_a_row_or_a_column(iris):
    X, _, gaps, *_ = iris
    gaps = gaps.copy()
    gaps[5] = np.nan
    gaps = np.column_stack([gaps, np.full(len(X), np.nan)])
    filled = ActivationImputer(random_state=0).fit_transform(gaps)
    assert (filled[:, 4] == 0).all()
    np.testing.assert_allclose(filled[5, :4], np.nanmean(gaps[:, :4], axis=0), rtol=1e-3)


@pytest.mark.parametrize("column", [0, 1, 3])
@pytest.mark.parametrize("n_known", [0, 1])
def test_a_column_of_which_nothing_was_learned_counts_for_nothing(iris, column, n_known):
    """One entry says where a column lies, and nothing of what a deviation from it means."""
    X, _, gaps, *_ = iris
    trained, others = X.copy(), np.arange(4) != column
    trained[n_known:, column] = np.nan
    unknown = gaps[np.isnan(gaps[:, others]).any(axis=1)]  # Batches are the same then.
    known = unknown.copy()
    unknown[:, column], known[:, column] = np.nan, np.linspace(0, 9, len(known))
    imputer = ActivationImputer(n_frequencies=64, random_state=0).fit(trained)
    without, with_it = imputer.transform(unknown), imputer.transform(known)
    np.testing.assert_allclose(with_it[:, others], without[:, others], atol=1e-4)
    np.testing.assert_array_equal(with_it[:, column], known[:, column])


def test_a_column_of_which_little_is_known_is_trusted_little(iris):
    """With three entries of a column that says nothing, others are filled as without it."""
    X, *_ = iris
    rng = np.random.default_rng(0)
    noisy = np.column_stack([X, rng.normal(size=len(X))])
    trained = noisy.copy()
    trained[3:, 4] = np.nan
    gaps, hidden = gappy(noisy)
    gaps[:, 4], hidden[:, 4] = noisy[:, 4], False
    blank = np.where(np.arange(5) == 4, np.nan, gaps)
    imputer = ActivationImputer(n_frequencies=64, random_state=0).fit(trained)
    with_it, without = (
        np.mean(((imputer.transform(rows) - noisy) / noisy.std(axis=0))[hidden] ** 2)
        for rows in (gaps, blank)
    )
    assert with_it < 2.5 * without


@pytest.mark.parametrize("wild", [1e5, -1e12, 1e300])
def test_one_wild_entry_moves_nothing(wild):
    X = correlated(600)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    gaps, hidden = gappy(X, 0.2)
    hidden[7, 2], plain = False, gaps.copy()
    gaps[7, 2] = wild
    errors = []
    for rows in (plain, gaps):
        filled = ActivationImputer(n_frequencies=64, random_state=0).fit_transform(rows)
        errors.append(np.abs(filled - X)[:, 2][hidden[:, 2]])
    assert filled[7, 2] == wild
    assert np.median(errors[1]) < 1.2 * np.median(errors[0])
    assert errors[1].max() < 4


def test_a_tenth_of_junk_is_survived():
    X = correlated(600)
    gaps, hidden = gappy(X, 0.2)
    rows = np.flatnonzero(~hidden[:, 2])[::10]
    gaps[rows, 2] = 1e6
    filled = ActivationImputer(n_frequencies=64, random_state=0).fit_transform(gaps)
    errors = (np.abs(filled - X) / X.std(axis=0))[:, 2][hidden[:, 2]]
    assert np.median(errors) < 0.6


def test_columns_may_have_any_units(iris):
    X, _, gaps, *_ = iris
    filled = []
    for units in (1.0, np.array([1e-6, 1.0, 1e6, 1e3])):
        imputer = ActivationImputer(bandwidth=1.0, learning_time=50.0, random_state=0)
        filled.append(imputer.fit_transform(gaps * units) / units)
    difference = np.abs(filled[1] - filled[0]) / X.std(axis=0)
    assert (difference > 0.3).mean() < 0.02
    assert difference.mean() < 0.02


@pytest.mark.parametrize(
    "offset, scale", [(1e8, 1.0), (0.0, 1e200), (0.0, 1e-200), (-1e300, 1e290)]
)
def test_any_magnitude(iris, offset, scale):
    X, _, gaps, hidden, _ = iris
    imputer = ActivationImputer(bandwidth=1.0, learning_time=50.0, random_state=0)
    plain = imputer.fit_transform(gaps)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        filled = (imputer.fit_transform(gaps * scale + offset) - offset) / scale
        imputer.transform([[1e300, np.nan, 0.0, -1e300]])
    # Neighbours at equal distances may be others, and a row then goes to another maximum.
    errors = [np.mean(np.abs(rows - X)[hidden]) for rows in (plain, filled)]
    assert errors[1] == pytest.approx(errors[0], rel=0.25)


def test_copies_of_rows_count():
    X = np.array([[0.0, 0.0]] * 97 + [[1.0, 5.0]] * 3 + [[np.nan, np.nan]])
    filled = ActivationImputer(random_state=0).fit_transform(X)
    np.testing.assert_allclose(filled[-1], [0.03, 0.15])


def test_it_keeps_to_neighbours_where_those_are_better(iris):
    """One wave far wider than the data tells next to nothing: gaps get the mean of near rows."""
    *_, gaps, _, able = iris
    imputer = ActivationImputer(n_frequencies=1, bandwidth=100.0, random_state=0).fit(gaps)
    np.testing.assert_allclose(
        imputer.transform(gaps), nearest_means(imputer, gaps), rtol=1e-12, atol=1e-12
    )
    assert np.abs(able.transform(gaps) - nearest_means(able, gaps)).max() > 0.1


def test_large_tables_teach_by_some_of_their_rows(monkeypatch):
    X = correlated(600)
    gaps, hidden = gappy(X, 0.2)
    options = {"n_frequencies": 64, "bandwidth": 2.0, "learning_time": 100.0, "random_state": 0}
    found = []
    for most in (600, 300):
        impute_from_at_most(monkeypatch, most)
        imputer = ActivationImputer(**options).fit(gaps)
        error = (imputer.transform(gaps) - X)[hidden]
        found.append((imputer.coefs_[0], np.mean(error**2)))
    assert found[0][0].shape != found[1][0].shape or (found[0][0] != found[1][0]).any()
    assert found[1][1] == pytest.approx(found[0][1], rel=0.15)


def test_rows_of_which_little_is_known_teach_little(monkeypatch):
    """Their neighbours' means, as good as constant, would drown what whole rows say."""
    X = correlated(500)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    gaps, truth = X.copy(), X[:100].copy()
    gaps[100:][np.arange(5) != np.arange(400)[:, None] % 5] = np.nan
    errors = []
    for weighed in (True, False):
        if not weighed:
            learn_all_rows_alike(monkeypatch)
        imputer = ActivationImputer(
            n_frequencies=64, bandwidth=2.0, learning_time=100.0, random_state=0
        ).fit(gaps)
        rows = truth.copy()
        rows[np.arange(100), np.arange(100) % 5] = np.nan
        errors.append(np.mean((imputer.transform(rows) - truth)[np.isnan(rows)] ** 2))
    assert errors[0] < 0.9 * errors[1]


def test_a_failed_fit_changes_nothing(iris):
    *_, gaps, _, imputer = iris
    with pytest.raises(ValueError, match="every entry"):
        imputer.fit(np.full((3, 2), np.nan))
    assert np.isfinite(imputer.transform(gaps)).all()


def test_threads_do_not_matter(iris, monkeypatch):
    *_, gaps, _, imputer = iris
    monkeypatch.setattr(_blocks, "BLOCK_ENTRIES", 60_000)  # some 30 rows
    filled = imputer.transform(gaps)
    again = clone(imputer).set_params(n_jobs=3).fit(gaps)
    np.testing.assert_allclose(again.transform(gaps), filled, atol=0.02)


def test_order_of_rows_does_not_matter(iris):
    *_, gaps, _, imputer = iris
    again = ActivationImputer(random_state=0).fit(gaps[::-1])
    difference = np.abs(again.transform(gaps) - imputer.transform(gaps))
    assert (difference > 0.05).mean() < 0.02  # equal distances again


@pytest.mark.parametrize(
    "params",
    [
        {"bandwidth": 0.2},
        {"learning_time": 3.0},
        {"n_frequencies": 8},
        {"init_activation": 0.9},
        {"random_state": 1},
    ],
    ids=str,
)
def test_every_parameter_counts(iris, params):
    *_, gaps, _, imputer = iris
    other = ActivationImputer(random_state=0).set_params(**params).fit(gaps)
    assert np.abs(other.transform(gaps) - imputer.transform(gaps)).max() > 1e-3


def test_nothing_to_choose(iris):
    *_, gaps, _, imputer = iris
    assert 0.2 < imputer.validation_error_ < 1
    fixed = ActivationImputer(bandwidth=1.0, learning_time=50.0, random_state=0).fit(gaps)
    assert np.isnan(fixed.validation_error_)
    assert fixed.learning_times_ == [50.0]


def test_copies(iris, tmp_path):
    *_, gaps, _, imputer = iris
    skops.io.dump(imputer, tmp_path / "imputer.skops")
    trusted = skops.io.get_untrusted_types(file=tmp_path / "imputer.skops")
    for copy in (
        pickle.loads(pickle.dumps(imputer)),
        skops.io.load(tmp_path / "imputer.skops", trusted=trusted),
    ):
        np.testing.assert_array_equal(copy.transform(gaps), imputer.transform(gaps))


def test_pipelines_searches_and_frames(iris):
    _, y, gaps, *_ = iris
    pipeline = make_pipeline(ActivationImputer(random_state=0), LogisticRegression(max_iter=500))
    # Of four seeds 0.07 to 0.13 more than with means.
    plain = make_pipeline(SimpleImputer(), LogisticRegression(max_iter=500))
    of_means = cross_val_score(plain, gaps, y, cv=3).mean()
    assert cross_val_score(pipeline, gaps, y, cv=3).mean() > of_means + 0.04
    search = GridSearchCV(pipeline, {"activationimputer__n_frequencies": [32, 64]}, cv=2)
    assert search.fit(gaps, y).best_score_ > of_means + 0.04
    frame = pd.DataFrame(gaps, columns=list("abcd"), index=np.arange(len(gaps)) + 7)
    imputer = ActivationImputer(random_state=0).set_output(transform="pandas")
    filled = imputer.fit_transform(frame)
    assert list(filled.columns) == list("abcd")
    assert (filled.index == frame.index).all()
    assert not filled.isna().any(axis=None)
    assert list(imputer.get_feature_names_out()) == list("abcd")


def test_attributes_are_those_documented(iris):
    fitted = ActivationImputer(random_state=0).fit(pd.DataFrame(iris[2]).add_prefix("x"))
    present = {name for name in vars(fitted) if name.endswith("_") and not name.startswith("_")}
    assert present == {p.name for p in ClassDoc(ActivationImputer)["Attributes"]}


@pytest.mark.parametrize(
    "X, message",
    [
        (np.full((4, 3), np.nan), "every entry is NaN"),
        ([[1.0, np.inf], [2.0, 3.0]], "infinity"),
        ([1.0, np.nan], "2D array"),
        (pd.DataFrame({"a": [1.0] * 3, "b": ["7", "8", "y"]}), "strings such as"),
        (np.empty((0, 3)), "0 sample"),
    ],
)
def test_bad_input_is_refused(X, message):
    with pytest.raises(ValueError, match=message):
        ActivationImputer().fit(X)


def test_unfitted():
    with pytest.raises(NotFittedError):
        ActivationImputer().transform([[1.0, np.nan]])


@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_rows(n):
    gaps = np.array([[1.0, np.nan, 2.0], [np.nan, 3.0, 2.5], [1.5, 2.0, np.nan]])[:n]
    filled = ActivationImputer(random_state=0).fit_transform(gaps)
    assert np.isfinite(filled).all()


@pytest.mark.parametrize("spoil", AWKWARD)
def test_awkward_values(spoil):
    ordinary, _ = data(seed=1)
    rows, _ = gappy(spoil(data()[0].copy()), 0.2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        imputer = ActivationImputer(n_frequencies=12, random_state=0).fit(rows)
        for X in (rows, gappy(ordinary, 0.2)[0]):
            assert np.isfinite(imputer.transform(X)).all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("size", [1e300, 1e-300, 1e-310])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_huge_and_tiny_numbers_leak_no_warning(size, dtype):
    """Of what a float32 cannot hold a gap gets the most that it holds."""
    X = correlated(60) * size
    gaps, _ = gappy(X, 0.2)
    gaps[:, 0] = np.arange(60)
    imputer = ActivationImputer(n_frequencies=12, random_state=0).fit(gaps)
    rows = gappy(correlated(40), 0.5)[0].astype(dtype)
    for X in (rows, np.where(np.isnan(rows), rows, dtype(3e38)), rows * dtype(1e-38)):
        filled = imputer.transform(X)
        assert filled.dtype == dtype and np.isfinite(filled).all()
        np.testing.assert_array_equal(filled[~np.isnan(X)], X[~np.isnan(X)])


@pytest.mark.parametrize("layout", [np.asfortranarray, lambda X: X[::-1][::-1], pd.DataFrame])
def test_layouts_of_memory(iris, layout):
    *_, gaps, _, imputer = iris
    rows = layout(gaps.copy())
    if isinstance(rows, np.ndarray):
        rows.flags.writeable = False
    again = ActivationImputer(random_state=0).fit(rows)
    np.testing.assert_array_equal(again.transform(rows), imputer.transform(gaps))
    np.testing.assert_array_equal(np.asarray(rows), gaps)


@pytest.mark.parametrize(
    "name, value",
    [
        ("n_frequencies", 0),
        ("bandwidth", 0),
        ("bandwidth", np.inf),
        ("bandwidth", "wide"),
        ("learning_time", -1.0),
        ("learning_time", (1.0, 2.0)),
        ("init_activation", 1.0),
        ("n_jobs", 1.5),
        ("random_state", "seed"),
    ],
)
def test_bad_parameters_are_refused(iris, name, value):
    with pytest.raises(ValueError, match=name):
        ActivationImputer(**{name: value}).fit(iris[2])


# -- as other imputers -----------------------------------------------------------------------


@pytest.mark.parametrize("rank", [1, 3])
def test_rows_of_low_rank_are_recovered(rank):
    """New ones as well, better than by neighbours' means."""
    rng = np.random.default_rng(0)
    X = rng.uniform(size=(300, rank)) @ rng.uniform(size=(rank, 8))
    gaps, hidden = gappy(X, 0.2)
    errors = [
        np.sqrt(
            np.mean((imputer.fit(gaps[:200]).transform(gaps[200:]) - X[200:])[hidden[200:]] ** 2)
        )
        for imputer in (ActivationImputer(n_frequencies=64, random_state=0), KNNImputer())
    ]
    assert errors[0] < errors[1] < X.std()


def test_columns_without_gaps_in_training_are_filled_as_well(iris):
    X, _, gaps, *_ = iris
    train = gaps.copy()
    train[:, 0] = X[:, 0]
    asked = X[:20].copy()
    asked[:, 0] = np.nan
    imputer = ActivationImputer(n_frequencies=32, random_state=0).fit(train)
    filled = imputer.transform(asked)
    assert np.abs(filled - X[:20])[:, 0].mean() < np.abs(X[:, 0].mean() - X[:20, 0]).mean()


def test_answers_come_again_and_rows_given_are_not_changed(iris):
    *_, gaps, _, imputer = iris
    before = gaps.copy()
    first = imputer.transform(gaps)
    np.testing.assert_array_equal(imputer.transform(gaps), first)
    np.testing.assert_array_equal(gaps, before)


@pytest.mark.parametrize("n_rows", [2, 3])
def test_the_smallest_tables_are_filled(n_rows):
    X = np.arange(1.0, n_rows + 1)[:, None]
    imputer = ActivationImputer(n_frequencies=8, random_state=0).fit(X)
    found = imputer.transform([[3.0], [np.nan]])
    assert found[0] == 3 and 1 <= found[1] <= n_rows


def test_missing_integers_of_pandas_are_gaps(iris):
    X = np.rint(10 * iris[0])
    frame = pd.DataFrame(X).astype("Int64")
    frame.iloc[::7, 1] = pd.NA
    gaps = X.copy()
    gaps[::7, 1] = np.nan
    imputer = ActivationImputer(n_frequencies=16, random_state=0)
    np.testing.assert_array_equal(imputer.fit_transform(frame), imputer.fit_transform(gaps))
