"""The one decorator of all kernels."""

from numba import njit


def kernel(function):
    """Compile ``function`` on first use and keep the machine code on disk.

    Where no folder can be written (a read-only install without a home) the
    kernel is compiled anew in every process. A cache file that cannot be read
    or written, a truncated one for instance, costs a compilation, never an error.
    """
    # These flags let LLVM vectorise reductions, as they allow it to reorder sums and to contract
    # multiply-adds. "nnan" and "ninf" are left out: with them np.isnan(nan) is False.
    fastmath = {"reassoc", "contract", "nsz", "arcp"}
    options = {"nogil": True, "fastmath": fastmath, "error_model": "numpy"}
    try:
        compiled = njit(cache=True, **options)(function)
    except RuntimeError:  # Numba has found no folder that it can write to.
        return njit(**options)(function)
    cache = getattr(compiled, "_cache", None)  # There is none with NUMBA_DISABLE_JIT=1.
    if cache is not None:
        cache.load_overload = _forgiving(cache.load_overload, cache)
        cache.save_overload = _forgiving(cache.save_overload, cache)
    return compiled


def _forgiving(method, cache):
    """A method of a cache that empties it, and returns None, where the original raises."""

    def call(*args, **kwargs):
        try:
            return method(*args, **kwargs)
        except Exception:  # A bad file may raise errors of pickle, zlib or the system.
            try:
                cache.flush()
            except OSError:
                pass
            return None

    return call
