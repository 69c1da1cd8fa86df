"""BLAS has fewer threads while others use its threads, and all threads again afterwards."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from sklearn_activation import _blocks, _threads
from sklearn_activation._blocks import BLOCK_ENTRIES, MANY_BLOCKS, map_blocks
from sklearn_activation._threads import MOST_THREADS, one_blas_thread, take_blas_threads


def blas_threads():
    """The largest number of threads that a BLAS library of this process uses."""
    np.ones((2, 2)) @ np.ones((2, 2))
    return max(lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas")


@pytest.fixture
def three_threads():
    with threadpool_limits(3, "blas"):
        if blas_threads() != 3:
            pytest.skip("This BLAS does not take a number of threads.")
        yield


def test_a_limit_ends_with_its_last_user(three_threads):
    with one_blas_thread():
        with one_blas_thread():
            assert blas_threads() == 1
        assert blas_threads() == 1
    assert blas_threads() == 3


def test_a_limit_ends_with_an_error(three_threads):
    with pytest.raises(KeyError), one_blas_thread():
        raise KeyError
    assert blas_threads() == 3


def test_a_failed_begin_is_no_user(three_threads, monkeypatch):
    def fail():
        raise OSError

    with monkeypatch.context() as patch:
        patch.setattr(_threads, "_libraries", fail)
        with pytest.raises(OSError), one_blas_thread():
            pass
    with one_blas_thread():
        assert blas_threads() == 1
    assert blas_threads() == 3


def test_users_in_several_threads_share_a_limit(three_threads):
    barrier = Barrier(4)

    def use(i):
        barrier.wait()
        for _ in range(20):
            with one_blas_thread():
                assert blas_threads() == 1
        return True

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(use, range(4)))
    assert blas_threads() == 3


def test_threads_are_taken_once(three_threads):
    with take_blas_threads() as n:
        assert n == 3 and blas_threads() == 1
        with take_blas_threads() as others:
            assert others == 1
    with take_blas_threads(2) as n:
        assert n == 2 and blas_threads() == 1
    with one_blas_thread(), take_blas_threads() as n:
        assert n == 1
    assert blas_threads() == 3


def test_blas_keeps_what_blocks_do_not_need():
    with threadpool_limits(4 * MOST_THREADS, "blas"):
        n_blas = blas_threads()
        with take_blas_threads() as n:
            assert n == min(n_blas, MOST_THREADS)
            assert blas_threads() == max(1, n_blas // MOST_THREADS)


@pytest.mark.parametrize("n_blocks", [1, MANY_BLOCKS - 1, MANY_BLOCKS, 3 * MANY_BLOCKS])
@pytest.mark.parametrize("n_jobs", [None, 1, 2])
def test_many_blocks_take_the_threads_of_blas(three_threads, n_blocks, n_jobs):
    seen = list(map_blocks(lambda block: blas_threads(), n_blocks, BLOCK_ENTRIES, n_jobs))
    shared = (n_jobs == 2 and n_blocks > 1) or (n_jobs is None and n_blocks >= MANY_BLOCKS)
    assert seen == [1 if shared else 3] * n_blocks
    assert blas_threads() == 3


def test_a_loop_that_ends_early_gives_the_threads_back(three_threads, monkeypatch):
    monkeypatch.setattr(_blocks, "BLOCK_ENTRIES", 10)
    blocks = map_blocks(lambda block: block, 50, 10)
    next(blocks)
    assert blas_threads() == 1
    blocks.close()
    assert blas_threads() == 3
