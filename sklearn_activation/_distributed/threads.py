"""One BLAS thread for each task, so that the threads of BLAS and of Dask do not multiply."""

from contextlib import contextmanager
from functools import cache
from threading import Lock

from threadpoolctl import ThreadpoolController

_lock = Lock()
_running = {"tasks": 0, "limits": None}


@cache
def _controller():
    """Return the controller of the BLAS libraries, whose search takes as long as a small task."""
    return ThreadpoolController()


@contextmanager
def one_blas_thread():
    """Limit BLAS to one thread while any task of this process runs.

    The limit belongs to the process. Tasks in several threads therefore share one limit, which the
    first task sets and the last task removes.
    """
    with _lock:
        if _running["tasks"] == 0:
            _running["limits"] = _controller().limit(limits=1, user_api="blas")
        _running["tasks"] += 1
    try:
        yield
    finally:
        with _lock:
            _running["tasks"] -= 1
            if _running["tasks"] == 0:
                _running["limits"].restore_original_limits()
