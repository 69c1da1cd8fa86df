"""Models in the company of other tools: copies, files, frames, searches, threads."""

import copy
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_activation import (
    ActivationAnomalyDetector,
    ActivationLearningClassifier,
    CompetitiveHebbianTransformer,
)

ESTIMATORS = {
    "transformer": CompetitiveHebbianTransformer((8, 5), random_state=0),
    "transformer-hebbian": CompetitiveHebbianTransformer(
        8, solver="hebbian", max_iter=3, random_state=0
    ),
    "classifier": ActivationLearningClassifier((16, 12), n_frequencies=16, random_state=0),
    "classifier-hebbian": ActivationLearningClassifier(
        (16, 12), n_frequencies=16, solver="hebbian", max_iter=3, random_state=0
    ),
    "detector": ActivationAnomalyDetector(n_frequencies=16, random_state=0),
    "detector-unit": ActivationAnomalyDetector(encoding="unit", contamination=0.1, random_state=0),
    "detector-hebbian": ActivationAnomalyDetector(
        n_frequencies=16, solver="hebbian", max_iter=3, random_state=0
    ),
}
TRANSFORMERS = [name for name in ESTIMATORS if name.startswith("transformer")]
NAMES = ["a", "b", "c", "d", "e", "f"]


@pytest.fixture(params=ESTIMATORS)
def estimator(request):
    return clone(ESTIMATORS[request.param])


def data(n_rows=120, seed=0):
    return make_blobs(n_rows, n_features=len(NAMES), centers=3, random_state=seed)


def answers(estimator, X):
    methods = "transform", "predict", "predict_proba", "decision_function", "score_samples"
    return {name: getattr(estimator, name)(X) for name in methods if hasattr(estimator, name)}


def assert_same_answers(ours, theirs, X):
    assert_equal(answers(ours, X), answers(theirs, X))


def assert_equal(ours, theirs):
    assert ours.keys() == theirs.keys()
    for name, values in ours.items():
        assert_array_equal(values, theirs[name], err_msg=name)


# -- copies and files ------------------------------------------------------------------


def through_joblib(estimator, folder):
    joblib.dump(estimator, folder / "model.joblib")
    return joblib.load(folder / "model.joblib")


def mapped_from_disk(estimator, folder):
    joblib.dump(estimator, folder / "model.joblib")
    mapped = joblib.load(folder / "model.joblib", mmap_mode="r")
    assert isinstance(mapped.coefs_[0], np.memmap)
    return mapped


def through_skops(estimator, folder):
    skops = pytest.importorskip("skops.io")
    stored = skops.dumps(estimator)
    untrusted = skops.get_untrusted_types(data=stored)
    cls = type(estimator)
    assert set(untrusted) <= {f"{cls.__module__}.{cls.__qualname__}"}
    return skops.loads(stored, trusted=untrusted)


COPIES = {
    "pickle": lambda estimator, _: pickle.loads(pickle.dumps(estimator)),
    "pickle protocol 2": lambda estimator, _: pickle.loads(pickle.dumps(estimator, protocol=2)),
    "deepcopy": lambda estimator, _: copy.deepcopy(estimator),
    "joblib": through_joblib,
    "joblib mmap": mapped_from_disk,
    "skops": through_skops,
}


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_copy_answers_alike(estimator, copied, dtype, tmp_path):
    X, y = data()
    X = X.astype(dtype)
    estimator.fit(X, y)
    twin = copied(estimator, tmp_path)
    assert twin.get_params() == estimator.get_params()
    assert_same_answers(twin, estimator, X)


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
def test_copy_learns_on(estimator, copied, tmp_path):
    """A copy has all that partial_fit needs, shares nothing, and may be read-only."""
    X, y = data()
    X_more, y_more = data(seed=1)
    estimator.fit(X, y)
    before = answers(estimator, X)
    twin = copied(estimator, tmp_path)
    twin.partial_fit(X_more[:50], y_more[:50])
    assert_equal(answers(estimator, X), before)
    estimator.partial_fit(X_more[:50], y_more[:50])
    assert_same_answers(twin, estimator, X)


@pytest.mark.parametrize("name", ["transformer", "classifier", "detector"])
@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
def test_copies_merge(name, copied, tmp_path):
    """Models learned elsewhere are sent here and merged."""
    X, y = data()
    estimator = clone(ESTIMATORS[name])
    estimator.set_params(learning_time=10.0)
    start = estimator.fit(X[:40], y[:40])
    ours, theirs = copy.deepcopy(start), copied(copy.deepcopy(start), tmp_path)
    expected = copy.deepcopy(start).merge(copy.deepcopy(start))
    assert_same_answers(ours.merge(theirs), expected, X)


def test_clone_is_unfitted_and_alike(estimator):
    X, y = data()
    estimator.fit(X, y)
    twin = clone(estimator)
    assert not hasattr(twin, "coefs_")
    assert twin.get_params() == estimator.get_params()
    assert_same_answers(twin.fit(X, y), estimator, X)


def test_models_hold_arrays_and_plain_python(estimator):
    X, y = data()
    plain = (bool, int, float, str, type(None), np.ndarray, np.generic)

    def check(value, where):
        if isinstance(value, dict):
            for key, item in value.items():
                assert isinstance(key, str), where
                check(item, f"{where}[{key!r}]")
        elif isinstance(value, (list, tuple)):
            for i, item in enumerate(value):
                check(item, f"{where}[{i}]")
        else:
            assert isinstance(value, plain), (where, type(value))
            assert not isinstance(value, np.ndarray) or value.dtype.kind in "biufU", where

    for name, value in vars(estimator.fit(X, y)).items():
        check(value, name)


# -- frames ----------------------------------------------------------------------------


def frame_of(library, X):
    module = pytest.importorskip(library)
    if library == "pandas":
        return module.DataFrame(X, columns=NAMES)
    return module.DataFrame(X, schema=NAMES)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_in(estimator, library):
    X, y = data()
    frame = frame_of(library, X)
    theirs = clone(estimator).fit(X, y)
    estimator.fit(frame, y)
    assert_array_equal(estimator.feature_names_in_, NAMES)
    assert_equal(answers(estimator, frame), answers(theirs, X))
    with pytest.raises(ValueError, match="feature names"):
        estimator.score_samples(frame[NAMES[::-1]])
    with pytest.raises(ValueError, match="feature names"):
        estimator.partial_fit(frame[NAMES[::-1]], y)


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize("name", TRANSFORMERS)
def test_frames_out(name, library):
    X, _ = data()
    frame = frame_of(library, X)
    module = sys.modules[library]
    plain = clone(ESTIMATORS[name]).fit(X)
    for method in ("transform", "fit_transform"):
        transformer = clone(ESTIMATORS[name]).set_output(transform=library).fit(frame)
        out = getattr(transformer, method)(frame)
        assert isinstance(out, module.DataFrame)
        assert list(out.columns) == list(plain.get_feature_names_out())
        assert_array_equal(out.to_numpy(), plain.transform(X))


def test_index_of_frames_is_kept():
    pandas = pytest.importorskip("pandas")
    X, _ = data()
    frame = pandas.DataFrame(X, columns=NAMES, index=np.arange(len(X))[::-1] * 2)
    transformer = clone(ESTIMATORS["transformer"]).set_output(transform="pandas")
    assert_array_equal(transformer.fit_transform(frame).index, frame.index)


def test_pandas_labels_and_nullable_columns():
    pandas = pytest.importorskip("pandas")
    X, y = data()
    classifier = clone(ESTIMATORS["classifier"])
    names = np.array(["ant", "bee", "cat"])[y]
    expected = clone(classifier).fit(np.round(X), names)
    frame = pandas.DataFrame(np.round(X), columns=NAMES)
    frame["a"] = frame["a"].astype("Int64")
    frame["b"] = frame["b"].astype("Float64")
    frame["c"] = frame["c"].astype("int32")
    for labels in (pandas.Series(names), pandas.Series(names, dtype="category")):
        classifier.fit(frame, labels)
        assert_array_equal(classifier.predict(frame), expected.predict(np.round(X)))
        assert_allclose(
            classifier.predict_proba(frame), expected.predict_proba(np.round(X)), rtol=1e-12
        )


# -- searches and cross-validation -------------------------------------------------------


def test_grid_search_over_a_pipeline():
    X, y = data()
    pipeline = make_pipeline(
        StandardScaler(),
        ActivationLearningClassifier((16, 12), encoding="unit", random_state=0),
    )
    grid = {"activationlearningclassifier__learning_time": [0.01, 10.0, (30.0, 100.0), "auto"]}
    search = GridSearchCV(pipeline, grid, cv=3, error_score="raise").fit(X, y)
    accuracy = search.cv_results_["mean_test_score"]
    assert len(set(accuracy)) > 1
    assert search.best_score_ > 0.97  # 1 of three seeds, as of a linear model
    assert_array_equal(search.predict(X), search.best_estimator_.predict(X))


def test_grid_search_of_features():
    X, y = data()
    pipeline = make_pipeline(
        CompetitiveHebbianTransformer(random_state=0),
        ActivationLearningClassifier(16, encoding="fourier", n_frequencies=16, random_state=0),
    )
    grid = {
        "competitivehebbiantransformer__layer_sizes": [2, 6, (8, 4)],
        "competitivehebbiantransformer__output": ["activated", "linear"],
    }
    search = GridSearchCV(pipeline, grid, cv=3, error_score="raise").fit(X, y)
    assert np.all(np.isfinite(search.cv_results_["mean_test_score"]))


def scoring_of(estimator):
    """How well a model does on held-out rows: only detectors have no ``score``."""
    return None if hasattr(estimator, "score") else mean_score


def mean_score(estimator, X, y=None):
    return estimator.score_samples(X).mean()


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_cross_validation_in_parallel(estimator, backend):
    X, y = data()
    options = {"cv": 4, "scoring": scoring_of(estimator), "error_score": "raise"}
    serial = cross_val_score(estimator, X, y, **options)
    assert np.all(np.isfinite(serial))
    with joblib.parallel_backend(backend, n_jobs=2):
        parallel = cross_val_score(estimator, X, y, n_jobs=2, **options)
    # A worker process may run its products with another number of BLAS threads.
    assert_allclose(parallel, serial, rtol=1e-6)


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_parallel_inside_and_outside(estimator, backend):
    """Cross-validation and the estimator both with two jobs."""
    X, y = data()
    options = {"cv": 3, "scoring": scoring_of(estimator), "error_score": "raise"}
    serial = cross_val_score(estimator, X, y, **options)
    estimator.set_params(n_jobs=2)
    with joblib.parallel_backend(backend, n_jobs=2):
        parallel = cross_val_score(estimator, X, y, n_jobs=2, **options)
    assert_allclose(parallel, serial, rtol=1e-6)


# -- threads and processes ---------------------------------------------------------------


def test_four_threads_predict(estimator):
    X, y = data(400)
    estimator.fit(X, y)
    expected = answers(estimator, X)
    with ThreadPoolExecutor(4) as pool:
        for result in pool.map(lambda _: answers(estimator, X), range(12)):
            assert_equal(result, expected)


def test_four_threads_fit(estimator):
    sets = [data(seed=seed) for seed in range(4)]

    def learn(X, y):
        return answers(clone(estimator).fit(X, y), X)

    serial = [learn(X, y) for X, y in sets]
    with ThreadPoolExecutor(4) as pool:
        parallel = list(pool.map(lambda xy: learn(*xy), 2 * sets))
    for ours, theirs in zip(parallel, 2 * serial, strict=True):
        assert_equal(ours, theirs)


SCRIPT = """
import sys
import numpy as np
from sklearn.datasets import make_blobs
from sklearn_activation import (
    ActivationAnomalyDetector,
    ActivationLearningClassifier,
    CompetitiveHebbianTransformer,
)

X, y = make_blobs(120, n_features=6, centers=3, random_state=0)
results = []
for estimator in (
    CompetitiveHebbianTransformer((8, 5), random_state=0),
    CompetitiveHebbianTransformer(8, solver="hebbian", max_iter=2, batch_size=1, random_state=0),
    ActivationLearningClassifier((16, 12), n_frequencies=16, n_jobs=2, random_state=0),
    ActivationAnomalyDetector(n_frequencies=16, random_state=0),
):
    results.append(estimator.fit(X, y).score_samples(X))
np.save(sys.argv[1], results)
"""


def test_two_processes_at_once(tmp_path):
    """Also with a cache of kernels that both of them fill at once."""
    paths = [tmp_path / f"{i}.npy" for i in range(2)]
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "error::RuntimeWarning", "-c", SCRIPT, path],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for path in paths
    ]
    for process in processes:
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
        assert (out, err) == ("", "")
    first, second = (np.load(path) for path in paths)
    assert_array_equal(first, second)
    assert np.all(np.isfinite(first))
