"""The decorator of all kernels, and arrays in the form that kernels read."""

import numpy as np
from numba import njit


def kernel(function):
    """Compile ``function`` on first use and keep the machine code on disk.

    If no folder can be written to (for instance, a read-only installation without a home folder),
    each process compiles the kernel again. If a cache file cannot be read or written (for
    instance, a truncated file), the kernel is compiled again, and no error is raised.
    """
    # With these flags LLVM may reorder sums and contract multiply-adds, so that it can vectorise
    # reductions. The flags "nnan" and "ninf" are left out: with them np.isnan(nan) is False.
    fastmath = {"reassoc", "contract", "nsz", "arcp"}
    options = {"nogil": True, "fastmath": fastmath, "error_model": "numpy"}
    try:
        compiled = njit(cache=True, **options)(function)
    except RuntimeError:  # Numba has found no folder that it can write to.
        return njit(**options)(function)
    cache = getattr(compiled, "_cache", None)  # The function has no cache if NUMBA_DISABLE_JIT=1.
    if cache is not None:
        cache.load_overload = _forgiving(cache.load_overload, cache)
        cache.save_overload = _forgiving(cache.save_overload, cache)
    return compiled


def read_only(X):
    """Return rows as a read-only array in C order, of single or double precision.

    Numba compiles a kernel again for arrays that cannot be written to, such as those of a file
    that is mapped to memory. A kernel whose input is always read-only is compiled once. Rows that
    have the right order and type already are not copied.
    """
    dtype = np.float32 if X.dtype == np.float32 else np.float64
    X = np.ascontiguousarray(X, dtype=dtype).view()
    X.flags.writeable = False
    return X


def _forgiving(method, cache):
    """Return a version of a cache's method that empties the cache and returns None on errors."""

    def call(*args, **kwargs):
        try:
            return method(*args, **kwargs)
        # A damaged file may raise errors of pickle, of zlib or of the operating system.
        except Exception:
            try:
                cache.flush()
            except OSError:
                pass
            return None

    return call
