"""Blocks of rows: all of them, in order, whatever the threads."""

import gc
import weakref
from threading import Event, Semaphore, Timer

import numpy as np
import pytest
from sklearn.datasets import load_iris

from sklearn_activation import (
    ActivationAnomalyDetector,
    ActivationLearningClassifier,
    CompetitiveHebbianTransformer,
    _blocks,
)
from sklearn_activation._blocks import BLOCK_ENTRIES, block_slices, map_blocks
from sklearn_activation._rows.rows import Rows

# -- blocks ----------------------------------------------------------------------------


@pytest.mark.parametrize("n_rows", [0, 1, 7, 8, 100])
@pytest.mark.parametrize("n_columns", [0, 1, 3, 1000])
def test_blocks_cover_all_rows_in_order(monkeypatch, n_rows, n_columns):
    monkeypatch.setattr(_blocks, "BLOCK_ENTRIES", 20)
    blocks = block_slices(n_rows, n_columns)
    covered = [i for block in blocks for i in range(n_rows)[block]]
    assert covered == list(range(n_rows))
    most = max((block.stop - block.start for block in blocks), default=0)
    assert most * n_columns <= max(20, n_columns)


@pytest.mark.parametrize("n_jobs", [None, 1, 2, 5, -1])
def test_blocks_are_mapped_in_order(n_jobs):
    places = np.arange(50)
    found = list(map_blocks(lambda block: places[block] ** 2, 50, BLOCK_ENTRIES // 3, n_jobs))
    assert len(found) == 17
    np.testing.assert_array_equal(np.concatenate(found), places**2)


def test_blocks_wait_for_their_consumer():
    done = []
    blocks = map_blocks(lambda block: done.append(block) or block, 50, BLOCK_ENTRIES, 2)
    assert next(blocks) == slice(0, 1)
    assert len(done) <= 4
    assert [block.start for block in blocks] == list(range(1, 50))


def test_blocks_that_nobody_waits_for_are_not_computed():
    gate, begun, done = Event(), Semaphore(0), []

    def work(block):
        if block.start:
            begun.release()
            gate.wait(10)
        done.append(block.start)
        return block

    blocks = map_blocks(work, 50, BLOCK_ENTRIES, 2)
    assert next(blocks) == slice(0, 1)
    assert begun.acquire(timeout=10) and begun.acquire(timeout=10)
    Timer(0.3, gate.set).start()
    blocks.close()
    assert sorted(done) == [0, 1, 2]  # two threads had begun with the second and the third block


def test_no_rows_have_no_blocks():
    assert list(map_blocks(lambda block: block, 0, 3)) == []


# -- estimators that compute in blocks -------------------------------------------------


def _answers(estimator, X, y):
    """Everything an estimator computes in blocks, fitted weights included."""
    estimator.fit(X, y)
    methods = ("transform", "predict", "predict_proba", "decision_function", "score_samples")
    results = {name: getattr(estimator, name)(X) for name in methods if hasattr(estimator, name)}
    return results | {f"layer {i}": W for i, W in enumerate(estimator.coefs_)}


ESTIMATORS = {
    "linear features": lambda: CompetitiveHebbianTransformer(5, output="linear"),
    "deep features": lambda: CompetitiveHebbianTransformer((6, 5)),
    "classifier": lambda: ActivationLearningClassifier(
        (8, 6), encoding="unit", learning_time=(20.0, 100.0)
    ),
    "shallow classifier": lambda: ActivationLearningClassifier(
        (8,), encoding="fourier", n_frequencies=8, learning_time=50.0
    ),
}


def _iris():
    X, y = load_iris(return_X_y=True)
    return X[::2], y[::2]


@pytest.mark.parametrize("name", ESTIMATORS)
def test_threads_do_not_change_a_bit(monkeypatch, name):
    """Blocks are the same whatever n_jobs, and results keep their order."""
    monkeypatch.setattr(_blocks, "BLOCK_ENTRIES", 100)
    X, y = _iris()
    serial = _answers(ESTIMATORS[name]().set_params(random_state=0), X, y)
    for n_jobs in (1, 3):
        threaded = ESTIMATORS[name]().set_params(random_state=0, n_jobs=n_jobs)
        for key, result in _answers(threaded, X, y).items():
            np.testing.assert_array_equal(result, serial[key], err_msg=key)


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("entries", [1, 37, 500])
def test_block_boundaries_do_not_matter(monkeypatch, name, entries):
    X, y = _iris()
    whole = _answers(ESTIMATORS[name]().set_params(random_state=0), X, y)
    monkeypatch.setattr(_blocks, "BLOCK_ENTRIES", entries)
    cut = _answers(ESTIMATORS[name]().set_params(random_state=0), X, y)
    for key, result in cut.items():
        np.testing.assert_allclose(result, whole[key], rtol=1e-7, atol=1e-9, err_msg=key)


@pytest.mark.parametrize("name", [*ESTIMATORS, "detector"])
def test_no_encoded_rows_stay_after_a_fit(monkeypatch, name):
    """Without a circle of references, batches of a stream are freed at once."""
    made, encoded = [], Rows.encoded

    def record(rows, *args):
        result = encoded(rows, *args)
        made.append(weakref.ref(result))
        return result

    monkeypatch.setattr(Rows, "encoded", record)
    X, y = _iris()
    estimator = {**ESTIMATORS, "detector": ActivationAnomalyDetector}[name]()
    labels = {"classes": np.unique(y)} if hasattr(estimator, "predict_proba") else {}
    gc.disable()
    try:
        estimator.fit(X, y)
        estimator.partial_fit(X, y, **labels)
        assert [ref for ref in made if ref() is not None] == []
    finally:
        gc.enable()
    assert len(made) >= 2
