"""Threads of BLAS, NumPy's linear algebra, and who may use them.

BLAS uses several threads within each product. The steps between the products have one thread, so a
loop over blocks of rows is faster if whole blocks run in threads and BLAS has one thread for each
block. The limit belongs to the process: all users of this module share one limit, which the first
user sets and the last user removes.
"""

from contextlib import contextmanager
from functools import cache
from threading import Lock

from threadpoolctl import ThreadpoolController

# More threads than this would hold too many blocks in memory. BLAS keeps the other threads.
MOST_THREADS = 8

_lock = Lock()
_limit = {"users": 0, "limits": None}


@contextmanager
def one_blas_thread():
    """Limit BLAS to one thread until all users of the limit have ended.

    If another user has set the limit before, that limit stays.
    """
    _begin(lambda n: 1)
    try:
        yield
    finally:
        _end()


@contextmanager
def take_blas_threads(n_threads=None):
    """Take threads from BLAS, and yield the number of threads in which the caller runs blocks.

    With None, the number is 1 if BLAS has one thread, or if another user has taken the threads.
    """
    n_free = _begin(lambda n: max(1, n // (n_threads or MOST_THREADS)))
    try:
        yield n_threads or min(n_free, MOST_THREADS)
    finally:
        _end()


def n_free_threads():
    """Return the number of threads that BLAS would use for a product of the caller now."""
    return max((library["num_threads"] for library in _libraries().info()), default=1)


@cache
def _libraries():
    """Return the BLAS libraries of this process. A search takes some milliseconds."""
    return ThreadpoolController().select(user_api="blas")


def _begin(limit_for):
    """Begin to use the limit, and return how many threads the user may share out.

    The first user sets the limit, and gets the number of threads that BLAS had before.
    ``limit_for`` maps this number to the limit. All other users get 1.
    """
    with _lock:
        n = 1
        if _limit["users"] == 0:
            found = _libraries()
            n = max((library["num_threads"] for library in found.info()), default=1)
            if n > 1:
                _let_this_thread_decide(found)
                _limit["limits"] = found, found.limit(limits=limit_for(n))
        # An error above must not count as a user, because no end would follow.
        _limit["users"] += 1
        return n


def _end():
    """End to use the limit. The last user removes it."""
    with _lock:
        _limit["users"] -= 1
        if _limit["users"] == 0 and _limit["limits"] is not None:
            found, limiter = _limit["limits"]
            _let_this_thread_decide(found)
            limiter.restore_original_limits()
            _let_this_thread_decide(found)
            _limit["limits"] = None


def _let_this_thread_decide(found):
    """Let the calling thread set the limits of the libraries in a ``ThreadpoolController``.

    Since version 3.8, threadpoolctl lets only one thread set limits, and ignores others.
    """
    for library in found.lib_controllers:
        release = getattr(library, "clear_controlling_thread", None)
        if release is not None:
            release(force=True)
