"""The one decorator of all kernels."""

from numba import njit

# Reordering sums and contracting multiply-adds lets LLVM vectorise reductions.
# "nnan" and "ninf" stay out: with them np.isnan(nan) is False.
FASTMATH = {"reassoc", "contract", "nsz", "arcp"}


def kernel(function):
    """Compile ``function`` on first use and keep the machine code on disk.

    Where no folder can be written (a read-only install without a home) the
    kernel is compiled anew in every process. A cache file that cannot be read
    or written, a truncated one for instance, costs a compilation, never an error.
    """
    options = {"nogil": True, "fastmath": FASTMATH, "error_model": "numpy"}
    try:
        compiled = njit(cache=True, **options)(function)
    except RuntimeError:  # Numba found no writable folder
        return njit(**options)(function)
    cache = getattr(compiled, "_cache", None)  # absent with NUMBA_DISABLE_JIT=1
    if cache is not None:
        cache.load_overload = _forgiving(cache.load_overload, cache)
        cache.save_overload = _forgiving(cache.save_overload, cache)
    return compiled


def _forgiving(method, cache):
    def call(*args, **kwargs):
        try:
            return method(*args, **kwargs)
        except Exception:  # pickle, zlib, EOF, OS errors: whatever a bad file gives
            try:
                cache.flush()
            except OSError:
                pass
            return None

    return call
