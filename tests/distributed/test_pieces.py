"""Passes over pieces, their names and their threads."""

import threading
from functools import partial

import dask
import numpy as np
import pytest
from dask.utils import key_split
from threadpoolctl import threadpool_info, threadpool_limits

from sklearn_activation._distributed import pieces as passes
from sklearn_activation._distributed.pieces import FAN_IN, Piece, Pieces, send
from sklearn_activation._threads import one_blas_thread
from sklearn_activation.dask import fit
from tests.distributed.cases import ESTIMATORS, array, given, rows


def in_parts(values):
    return Pieces([(dask.delayed(value), None, None) for value in values])


def as_list(piece):
    return None if piece.X is None else [piece.X]


def extend(ours, theirs):
    """Add in place, as statistics do."""
    ours.extend(theirs)
    return ours


@pytest.mark.parametrize("n", [1, 2, FAN_IN, FAN_IN + 1, FAN_IN**2, FAN_IN**2 + 1, 100])
def test_results_are_merged_in_the_order_of_the_pieces(n):
    assert in_parts(range(n)).reduce(as_list, extend, "test") == list(range(n))


def test_pieces_without_a_result_are_left_out():
    values = [None] * 30
    assert in_parts(values).reduce(as_list, extend, "test") is None
    values[3], values[29] = 3, 29
    assert in_parts(values).reduce(as_list, extend, "test") == [3, 29]


@pytest.mark.parametrize("n", [1, 2, 8, 9, 64, 65, 512])
def test_a_result_is_finished_once_a_level(n):
    pieces = in_parts(range(n))

    def finish(counts):
        return counts + 1

    counts = pieces.reduce(lambda piece: np.zeros(1), np.maximum, "test", finish)
    assert counts == [pieces.n_levels]


def test_sums():
    values = np.random.default_rng(0).normal(size=50)
    found = in_parts(values).reduce(lambda piece: piece.X, np.add, "test")
    assert found == pytest.approx(sum(values), abs=1e-12)


def test_a_merge_does_not_change_what_dask_keeps():
    kept = [[i] for i in range(20)]
    assert in_parts(kept).reduce(lambda piece: piece.X, extend, "test") == list(range(20))
    assert kept == [[i] for i in range(20)]


def test_errors_name_the_partition():
    def fail(piece):
        if piece.number == 13:
            raise TypeError("wrong")

    with pytest.raises(ValueError, match="Partition 13: wrong"):
        in_parts(range(20)).reduce(fail, extend, "test")


def test_a_piece_has_everything():
    pieces = Pieces([(dask.delayed("X"), dask.delayed("y"), dask.delayed("w"))])
    assert pieces.reduce(lambda piece: piece, None, "test") == Piece("X", "y", "w", 0)


def test_objects_are_sent_once(monkeypatch):
    first, second = send([np.arange(3), {"a": [dask.delayed(1)]}], "test")
    np.testing.assert_array_equal(first.compute(), [0, 1, 2])
    assert list(second.compute()) == ["a"]


def test_tasks_have_names_that_people_can_read(monkeypatch):
    names = set()
    compute = dask.compute

    def spy(result):
        names.update(key_split(key) for key in result.dask.keys())
        return compute(result)

    monkeypatch.setattr(passes.dask, "compute", spy)
    for name, new in ESTIMATORS.items():
        fit(new(), array(rows()), **given(name, rows()))
    names -= {name for name in names if name.startswith(("array", "original"))}
    assert {name.removesuffix("_merge").removesuffix("_function") for name in names} <= {
        "look",
        "gather",
        "sample",
        "draw_candidates",
        "draw_weights",
        "draw_rows",
        "layer1_products",
        "layer1_outputs",
        "layer2_products",
        "layer2_outputs",
        "y",
    }
    assert {"look", "layer1_products", "layer2_products", "layer1_products_merge"} <= names


# -- threads --------------------------------------------------------------------------------


def blas_threads():
    return [lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"]


def in_a_thread(function):
    """Call a function in a thread of its own, which owns no limit afterwards."""
    found = []
    thread = threading.Thread(target=lambda: found.append(function()))
    thread.start()
    thread.join()
    return found[0]


@pytest.fixture
def two_blas_threads():
    """BLAS has two threads, and no thread owns a limit."""
    limit = in_a_thread(lambda: threadpool_limits(limits=2, user_api="blas"))
    assert set(blas_threads()) == {2}
    yield
    in_a_thread(limit.restore_original_limits)


def test_a_task_has_one_blas_thread(two_blas_threads):
    seen = in_parts(range(10)).reduce(lambda piece: blas_threads(), np.maximum, "test")
    assert set(seen) == {1}
    assert set(blas_threads()) == {2}
    with pytest.raises(ValueError, match="Partition 0"):
        in_parts([0]).reduce(lambda piece: int("x"), extend, "test")
    assert set(blas_threads()) == {2}


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_threads_share_the_limit(order, two_blas_threads):
    """The first task sets the limit, and the last task lifts the limit, in any order."""
    inside, may_leave = [threading.Event() for _ in order], [threading.Event() for _ in order]
    seen = []

    def work(i):
        with one_blas_thread():
            inside[i].set()
            may_leave[i].wait()
            seen.append(max(blas_threads()))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
    for thread, is_inside in zip(threads, inside, strict=True):
        thread.start()
        is_inside.wait()
    for i in order:
        assert set(blas_threads()) == {1}
        may_leave[i].set()
        threads[i].join()
    assert seen == [1, 1, 1]
    assert set(blas_threads()) == {2}


def test_the_user_can_set_a_limit_after_a_task(two_blas_threads):
    with one_blas_thread():
        pass
    with threadpool_limits(limits=1, user_api="blas"):
        assert set(blas_threads()) == {1}
    assert set(blas_threads()) == {2}


@pytest.mark.parametrize("name", ["transformer", "detector"])
def test_threads_after_a_fit_with_several_workers(name, two_blas_threads):
    with dask.config.set(scheduler="threads", num_workers=4):
        fit(ESTIMATORS[name](), array(rows()))
    assert set(blas_threads()) == {2}


def test_partials_can_be_merged():
    found = in_parts(range(9)).reduce(as_list, partial(extend), "test")
    assert found == list(range(9))
