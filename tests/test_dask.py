"""Fits and answers on a cluster of two worker processes, one of which may die."""

import logging
import os
import pickle
import signal
import warnings
from contextlib import contextmanager

import dask
import dask.array as da
import numpy as np
import pandas as pd
import pytest
from distributed import Client, LocalCluster, get_worker
from threadpoolctl import threadpool_info

from sklearn_activation import ActivationAnomalyDetector, ActivationImputer
from sklearn_activation._detection.training import DetectorTraining
from sklearn_activation._distributed.pieces import Pieces
from sklearn_activation.dask import fit, predict, score_samples
from tests.distributed.cases import (
    ESTIMATORS,
    SIZES,
    array,
    assert_same_fit,
    cut,
    frames,
    given,
    labels,
    rows,
)


@contextmanager
def two_workers(folder):
    """The client of a new cluster of two processes."""
    settings = {
        "temporary-directory": str(folder),
        "distributed.logging.distributed": "critical",
    }
    with (
        dask.config.set(settings),
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address=":0",
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with two_workers(tmp_path_factory.mktemp("dask")) as client:
        yield client


@pytest.fixture
def doomed_cluster(tmp_path):
    """A cluster for one test alone, because a worker that was killed may not come back."""
    with two_workers(tmp_path / "dask") as client:
        yield client


@pytest.mark.parametrize("name", ESTIMATORS)
def test_seven_unequal_partitions(cluster, name):
    X, new = rows(), ESTIMATORS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = fit(new(), array(X), **given(name, X))
    assert_same_fit(found, new().fit(X, **given(name, X)), X)
    assert_same_fit(pickle.loads(pickle.dumps(found)), found, X)


def test_labels_and_weights_in_the_workers(cluster):
    X, y, weight = rows(), labels(rows()), np.random.default_rng(0).gamma(1, size=400)
    new = ESTIMATORS["classifier"]
    found = fit(new(), array(X).persist(), array(y).persist(), array(weight))
    assert_same_fit(found, new().fit(X, y, weight), X)


def test_the_client_knows_how_many_rows_are_drawn(cluster, monkeypatch):
    X = np.round(rows())
    monkeypatch.setattr(DetectorTraining, "most_rows", 150)
    monkeypatch.setattr(ActivationImputer, "_most_rows", 100)
    for name in ("detector", "imputer"):
        found, wanted = fit(ESTIMATORS[name](), array(X)), ESTIMATORS[name]().fit(X)
        for ours, theirs in zip(found.coefs_, wanted.coefs_, strict=True):
            np.testing.assert_allclose(ours @ ours.T, theirs @ theirs.T, rtol=0, atol=1e-8)


def test_a_data_frame(cluster):
    dd, frame = frames(), pd.DataFrame(rows(), columns=list("abcd"))
    frame["e"] = np.where(frame["a"] > 3, "yes", "no")
    pieces = dd.from_pandas(frame, npartitions=5)
    detector = fit(ESTIMATORS["detector"](), pieces)
    assert_same_fit(detector, ESTIMATORS["detector"]().fit(frame), frame)
    found = predict(detector, pieces).compute()
    assert found.tolist() == detector.predict(frame).tolist()


def test_an_error_names_the_partition(cluster):
    X = rows()
    X[-1, 2] = np.inf
    with pytest.raises(ValueError, match=r"Partition 6: .*inf"):
        fit(ESTIMATORS["transformer"](), array(X))


def kill_once(block, marker):
    """Return the block, but kill the process of the worker that comes here first."""
    try:
        open(marker, "x").close()
    except FileExistsError:
        return block
    os.kill(os.getpid(), signal.SIGKILL)


def kill_in_pass(n_pass, marker, folder):
    """Return a function of a block that kills its worker the ``n_pass``-th time it is read."""

    def read(block):
        for n in range(100):
            try:
                open(os.path.join(folder, f"{n}"), "x").close()
            except FileExistsError:
                continue
            return kill_once(block, marker) if n == n_pass else block

    return read


@pytest.mark.parametrize("n_pass", [0, 1, 3])
def test_a_worker_that_dies_changes_nothing(doomed_cluster, n_pass, tmp_path):
    X, new = rows(), ESTIMATORS["classifier"]
    marker, parts = tmp_path / "killed", cut(X)
    read = kill_in_pass(n_pass, str(marker), str(tmp_path))
    parts[4] = dask.delayed(read, pure=False)(parts[4])
    found = fit(new(), parts, cut(labels(X)))
    assert marker.exists()
    assert_same_fit(found, new().fit(X, labels(X)), X)


def test_a_dead_worker_takes_labels_along_that_were_in_memory(doomed_cluster, tmp_path):
    X, new, n = rows(), ESTIMATORS["classifier"], SIZES[4]
    marker = tmp_path / "killed"
    read = kill_in_pass(2, str(marker), str(tmp_path))
    blocks = [
        da.from_delayed(part, (size, 4), float) for part, size in zip(cut(X), SIZES, strict=True)
    ]
    blocks[4] = da.from_delayed(dask.delayed(read, pure=False)(cut(X)[4]), (n, 4), float)
    found = fit(new(), da.concatenate(blocks), labels(X))
    assert marker.exists()
    assert_same_fit(found, new().fit(X, labels(X)), X)


class Counted(ActivationAnomalyDetector):
    """A detector that counts in each process how many times it arrives."""

    arrived = 0

    def __setstate__(self, state):
        super().__setstate__(state)
        type(self).arrived += 1


def arrivals():
    return Counted.arrived


def test_each_worker_gets_a_model_once(cluster):
    X = array(rows(), (10,) * 40)
    detector = Counted(n_frequencies=20, random_state=0).fit(rows())
    before = cluster.run(arrivals)
    found = score_samples(detector, X).compute()
    np.testing.assert_allclose(found, detector.score_samples(rows()), atol=1e-8)
    after = cluster.run(arrivals)
    # A worker may receive the model from the scheduler, and again from the worker to which Dask
    # has moved the key in the meantime. The number of blocks is 40.
    assert 1 <= sum(after.values()) - sum(before.values()) <= 4


def threads_of_blas(piece):
    return {get_worker().address}, [
        lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"
    ]


def join(ours, theirs):
    return ours[0] | theirs[0], [*ours[1], *theirs[1]]


def test_each_task_has_one_blas_thread(cluster):
    workers, threads = Pieces([(part, None, None) for part in cut(rows())]).reduce(
        threads_of_blas, join, "test"
    )
    assert workers
    assert set(threads) == {1}


def test_large_functions_cause_no_warning(cluster):
    """A network of several layers is larger than the graphs of which Dask warns."""
    pieces = Pieces([(part, None, None) for part in cut(rows())])
    network = np.random.default_rng(0).normal(size=(2, 1000, 1000))

    def count(piece, of=network):
        return len(piece.X) + 0 * len(of)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert pieces.reduce(count, np.add, "test") == 400
