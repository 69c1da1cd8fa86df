"""One BLAS thread for each task, so that the threads of BLAS and of Dask do not multiply."""

from contextlib import contextmanager, nullcontext
from functools import cache
from threading import Event, Lock, Thread

from threadpoolctl import ThreadpoolController

_lock = Lock()
_running = {"tasks": 0, "limit": None}


@cache
def _controller():
    """Return the controller of the BLAS libraries, whose search takes as long as a small task."""
    return ThreadpoolController()


class _Limit(Thread):
    """A thread that limits BLAS to one thread until ``lift`` is called.

    In new versions of threadpoolctl, a limit of the process belongs to the thread that has set it,
    and no other thread can lift the limit. Tasks end in any order, so none of their threads can
    own the limit.
    """

    def __init__(self):
        super().__init__(daemon=True)
        self._is_set, self._is_over = Event(), Event()

    def run(self):
        try:
            with _controller().limit(limits=1, user_api="blas"):
                self._is_set.set()
                self._is_over.wait()
        finally:
            self._is_set.set()

    def impose(self):
        """Start the thread, and wait until the limit holds."""
        self.start()
        self._is_set.wait()

    def lift(self):
        """Restore the numbers of threads that were set before."""
        self._is_over.set()
        self.join()


@contextmanager
def one_blas_thread():
    """Limit BLAS to one thread while any task of this process runs.

    The limit belongs to the process. Tasks in several threads therefore share one limit, which the
    first task sets and the last task lifts. A BLAS library that runs on OpenMP has a limit for
    each thread, which each task sets and lifts for itself. A limit that the user has set around
    the tasks stays.
    """
    with _lock:
        if _running["tasks"] == 0:
            _running["limit"] = _Limit()
            _running["limit"].impose()
        _running["tasks"] += 1
    try:
        own = _controller().select(threading_layer="openmp")
        with own.limit(limits=1, user_api="blas") if len(own) else nullcontext():
            yield
    finally:
        with _lock:
            _running["tasks"] -= 1
            if _running["tasks"] == 0:
                _running["limit"].lift()
