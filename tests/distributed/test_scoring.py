"""Lazy answers equal the answers of the estimator for the whole table."""

import warnings

import dask
import dask.array as da
import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

import sklearn_activation.dask as lazy
from sklearn_activation import CompetitiveHebbianTransformer
from sklearn_activation._distributed.scoring import without_statistics
from tests.distributed.cases import (
    ESTIMATORS,
    SIZES,
    array,
    cut,
    frames,
    given,
    labels,
    of_unknown_size,
    rows,
)
from tests.tables import as_polars, people


def frame_of(X):
    return frames().from_pandas(pd.DataFrame(X, columns=list("abcd")), npartitions=5, sort=False)


METHODS = {
    "detector": ["predict", "decision_function", "score_samples", "p_values"],
    "classifier": ["predict", "predict_proba", "decision_function", "score_samples"],
    "transformer": ["transform", "score_samples"],
    "imputer": ["transform", "impute"],
}
CASES = [(name, method) for name, methods in METHODS.items() for method in methods]


def fitted(name, X=None):
    X = rows() if X is None else X
    return ESTIMATORS[name]().fit(X, **given(name, X))


def wanted(estimator, method, X):
    return getattr(estimator, {"impute": "transform"}.get(method, method))(X)


def assert_same(found, right):
    assert np.shape(found) == np.shape(right)
    if np.asarray(right).dtype.kind == "f":
        np.testing.assert_allclose(found, right, rtol=0, atol=1e-8)
    else:
        np.testing.assert_array_equal(found, right)


@pytest.mark.parametrize("make", [array, lambda X: of_unknown_size(array(X))])
@pytest.mark.parametrize("name, method", CASES)
def test_arrays(name, method, make):
    X, estimator = rows(), fitted(name)
    X_ = make(X)
    result, right = getattr(lazy, method)(estimator, X_), wanted(estimator, method, X)
    assert isinstance(result, da.Array)
    assert result.numblocks[0] == len(SIZES)
    np.testing.assert_array_equal(result.chunks[0], X_.chunks[0])
    assert (result.dtype, result.ndim) == (right.dtype, right.ndim)
    assert result._meta.dtype == right.dtype
    found = result.compute()
    assert found.dtype == right.dtype
    assert_same(found, right)


@pytest.mark.parametrize("name, method", CASES)
def test_single_precision(name, method):
    X = rows().astype(np.float32)
    estimator = fitted(name, X)
    result, right = getattr(lazy, method)(estimator, array(X)), wanted(estimator, method, X)
    assert result.dtype == right.dtype == result.compute().dtype
    if right.dtype.kind == "f":
        np.testing.assert_allclose(result, right, rtol=0, atol=1e-3)


@pytest.mark.parametrize("name, method", CASES)
def test_lists(name, method):
    X, estimator = rows(), fitted(name)
    result = getattr(lazy, method)(estimator, cut(X))
    assert isinstance(result, list)
    found = np.concatenate(dask.compute(*result))
    assert_same(found, wanted(estimator, method, X))


@pytest.mark.parametrize("name, method", CASES)
@pytest.mark.parametrize("names", ["words", "numbers"])
def test_data_frames(name, method, names):
    dd = frames()
    frame = pd.DataFrame(rows(), index=np.arange(400) * 3)
    if names == "words":
        frame.columns = list("abcd")
    estimator, pieces = fitted(name, frame), dd.from_pandas(frame, npartitions=4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = getattr(lazy, method)(estimator, pieces)
        found = result.compute()
    assert result.divisions == pieces.divisions
    assert type(found) is (pd.Series if found.ndim == 1 else pd.DataFrame)
    pd.testing.assert_index_equal(found.index, frame.index)
    assert_same(found, wanted(estimator, method, frame))
    if found.ndim == 1:
        assert (found.name, found.dtype) == (method, result._meta.dtype)
    else:
        assert list(found) == list(result.columns)
        pd.testing.assert_series_equal(found.dtypes, result._meta.dtypes)
    if method == "predict_proba":
        assert list(found) == list(estimator.classes_)
    if method == "transform":
        assert list(found) == list(estimator.get_feature_names_out())


def table():
    frame = people(200)
    frame["age"] = (frame["height"] // 10).astype(np.int16)
    frame["weight"] = frame["rent"].astype(np.float32)
    frame.loc[::9, "city"] = None
    frame.loc[4::11, "height"] = np.nan
    frame.loc[5::11, "plan"] = None
    return frame


def test_filled_columns_keep_their_types():
    dd, frame = frames(), table()
    pieces = dd.from_pandas(frame, npartitions=3)
    imputer = ESTIMATORS["imputer"]().fit(frame)
    result = lazy.impute(imputer, pieces)
    found = result.compute()
    pd.testing.assert_series_equal(found.dtypes, result._meta.dtypes)
    pd.testing.assert_series_equal(found.dtypes, pieces.compute().dtypes)
    assert not found.isna().any(axis=None)
    known = frame.notna()
    right = imputer.transform(frame)
    for column in frame:
        where = known[column]
        assert found[column][where].tolist() == frame[column][where].tolist()
        same = found[column].to_numpy(object) == right[column].to_numpy(object)
        assert same.mean() > 0.9  # the search of a gap ends when it gains little
    numbers = frame[["age", "height", "weight"]]
    result = lazy.impute(ESTIMATORS["imputer"]().fit(numbers), pieces[list(numbers)])
    pd.testing.assert_series_equal(result.compute().dtypes, numbers.dtypes)
    pd.testing.assert_series_equal(result._meta.dtypes, numbers.dtypes)


@pytest.mark.parametrize("kind", ["string", "object"])
@pytest.mark.parametrize("name, method", CASES)
def test_numbers_that_are_strings(name, method, kind):
    frame = pd.DataFrame(np.round(rows(), 3), columns=list("abcd"))
    frame["b"] = frame["b"].astype(str).astype(kind)
    estimator = ESTIMATORS[name]().fit(frame, **given(name, rows()))
    pieces = frames().from_pandas(frame, npartitions=4)
    result = getattr(lazy, method)(estimator, pieces)
    found = result.compute()
    if name != "imputer":
        assert_same(found, wanted(estimator, method, frame))
        return
    pd.testing.assert_series_equal(found.dtypes, result._meta.dtypes)
    assert found["b"].tolist() == frame["b"].tolist()


@pytest.mark.parametrize("name", ["detector", "imputer"])
def test_empty_partitions_of_a_frame_with_categories(name):
    dd, frame = frames(), table()
    pieces = dd.from_pandas(frame, npartitions=4)
    pieces = pieces.map_partitions(lambda part: part[part.index > 60], meta=pieces._meta)
    assert (pieces.map_partitions(len).compute() == 0).any()
    estimator = ESTIMATORS[name]().fit(frame)
    for method in METHODS[name]:
        result = getattr(lazy, method)(estimator, pieces)
        found = result.compute()
        assert len(found) == len(pieces)
        if found.ndim == 1:
            assert found.dtype == result._meta.dtype
        empty = dask.compute(*getattr(lazy, method)(estimator, [dask.delayed(frame[:0])]))[0]
        assert len(empty) == 0


@pytest.mark.parametrize("name, method", CASES)
def test_empty_blocks(name, method):
    frame = pd.DataFrame(np.round(rows()).astype(int), columns=list("abcd"))
    estimator = fitted(name, frame)
    empties = [frame[:0], frame.astype(np.float32)[:0], frame.to_numpy()[:0]]
    for nothing in empties:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            (found,) = dask.compute(*getattr(lazy, method)(estimator, [dask.delayed(nothing)]))
        right = wanted(estimator, method, frame[:3])
        assert np.shape(found) == (0, *np.shape(right)[1:])
        assert isinstance(found, np.ndarray) == isinstance(nothing, np.ndarray)


def test_polars():
    polars = pytest.importorskip("polars")
    frame = as_polars(people(60))
    for name in ("detector", "imputer"):
        estimator = ESTIMATORS[name]().fit(frame)
        parts = [dask.delayed(part) for part in (frame[:50], frame[:0], frame[50:])]
        for method in METHODS[name]:
            found = dask.compute(*getattr(lazy, method)(estimator, parts))
            assert [len(part) for part in found] == [50, 0, 10]
        assert isinstance(found[0], polars.DataFrame) == (name == "imputer")


def test_containers_that_the_user_has_set():
    X, frame = rows(), pd.DataFrame(rows(), columns=list("abcd"))
    transformer = fitted("transformer", frame)
    for container in ("pandas", "polars", "default"):
        if container == "polars":
            pytest.importorskip("polars")
        transformer.set_output(transform=container)
        right = np.asarray(transformer.transform(frame))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "X does not have valid feature names")
            assert_same(lazy.transform(transformer, array(X)).compute(), right)
    pieces = frames().from_pandas(frame, npartitions=3)
    for container in ("pandas", "polars", "default"):
        transformer.set_output(transform=container)
        assert_same(lazy.transform(transformer, pieces).compute(), right)
    assert transformer._sklearn_output_config == {"transform": "default"}


@pytest.mark.parametrize("name, method", CASES)
def test_blocks_can_be_mapped_without_this_module(name, method):
    X, estimator = rows(), fitted(name)
    answers = getattr(estimator, {"impute": "transform"}.get(method, method))
    right = answers(X)
    shape = {"drop_axis": 1} if right.ndim == 1 else {"chunks": (SIZES, right.shape[1:])}
    X_ = array(X, [n for n in SIZES if n])  # an estimator refuses a block without rows
    if right.ndim == 2:
        shape = {"chunks": (X_.chunks[0], right.shape[1:])}
    assert_same(X_.map_blocks(answers, dtype=right.dtype, **shape).compute(), right)


def test_two_labels_and_many():
    X = rows()
    for y in (labels(X) > 0, labels(X), np.array(["x", "y", "z"])[labels(X)]):
        classifier = ESTIMATORS["classifier"]().fit(X, y)
        for method in METHODS["classifier"]:
            result = getattr(lazy, method)(classifier, array(X))
            assert_same(result.compute(), getattr(classifier, method)(X))
            assert result.dtype == getattr(classifier, method)(X).dtype


def test_columns_in_several_blocks():
    X, detector = rows(), fitted("detector")
    result = lazy.score_samples(detector, da.from_array(X, chunks=(90, 3)))
    assert_same(result.compute(), detector.score_samples(X))


def test_nothing_is_computed_before_it_is_needed():
    def fail():
        raise RuntimeError("read")

    parts = [dask.delayed(fail)()]
    blocks = da.from_delayed(parts[0], (10, 4), float)
    for X in (parts, blocks):
        result = lazy.score_samples(fitted("detector"), X)
        with pytest.raises(RuntimeError, match="read"):
            dask.compute(result)


def test_the_model_is_one_key_of_the_graph():
    detector = fitted("detector")
    X = array(rows(), (20,) * 20)
    frame = frames().from_pandas(pd.DataFrame(rows()), npartitions=20)
    for pieces in (X, frame):
        (result,) = dask.optimize(lazy.score_samples(detector, pieces))
        graph = dict(result.dask)
        models = [key for key in graph if "ActivationAnomalyDetector" in str(key)]
        assert len(models) == 1


def test_the_model_carries_no_statistics():
    transformer = CompetitiveHebbianTransformer((300,), random_state=0)
    transformer.fit(np.random.default_rng(0).normal(size=(700, 300)))
    light = without_statistics(transformer)
    assert light._state == {}
    assert transformer._state


REFUSED = {
    "in memory": (lambda: rows(), ValueError, "call ActivationAnomalyDetector.score_samples"),
    "a frame in memory": (
        lambda: pd.DataFrame(rows()),
        ValueError,
        "call ActivationAnomalyDetector.score_samples",
    ),
    "one axis": (lambda: da.ones(4), ValueError, "X has 1 axes"),
    "too few columns": (lambda: array(rows()[:, :3]), ValueError, "X has 3 columns"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused(what):
    make, error, message = REFUSED[what]
    with pytest.raises(error, match=message):
        lazy.score_samples(fitted("detector"), make())


def test_a_frame_with_other_columns_is_refused_at_once():
    frame = pd.DataFrame(rows(), columns=list("abcd"))
    pieces = frames().from_pandas(frame, npartitions=2)
    with pytest.raises(ValueError, match="feature names"):
        lazy.score_samples(fitted("detector", frame), pieces[["b", "a", "c", "d"]])


def test_a_series_is_refused_at_once():
    pieces = frames().from_pandas(pd.DataFrame(rows(), columns=list("abcd")), npartitions=2)
    with pytest.raises(ValueError, match="X is a Series"):
        lazy.score_samples(fitted("detector"), pieces["a"])


def test_an_estimator_that_cannot_answer():
    with pytest.raises(AttributeError, match="transform"):
        lazy.impute(fitted("detector"), array(rows()))
    with pytest.raises(NotFittedError):
        lazy.predict(ESTIMATORS["detector"](), array(rows()))


@pytest.mark.parametrize("make, partition", [(array, 6), (frame_of, 4), (cut, 6)])
def test_an_error_names_the_partition(make, partition):
    X, wrong = rows(), rows()
    wrong[-1, 2] = np.inf
    estimator = fitted("detector", pd.DataFrame(X, columns=list("abcd")))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about names of columns, which arrays do not have
        with pytest.raises(ValueError, match=rf"^Partition {partition}: .*inf"):
            dask.compute(lazy.score_samples(estimator, make(wrong)))


def test_a_single_delayed_is_no_list():
    with pytest.raises(ValueError, match=r"X is a single Delayed object\. Give the list \[X\]"):
        lazy.score_samples(fitted("detector"), cut(rows())[0])


def test_workers_answer_with_one_thread_each():
    estimator = fitted("detector").set_params(n_jobs=2)
    assert without_statistics(estimator).n_jobs is None
    assert estimator.n_jobs == 2
