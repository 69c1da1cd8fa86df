"""The loop over blocks of rows, in threads. Kernels and BLAS release Python's global lock."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from joblib import effective_n_jobs
from sklearn.utils import gen_batches

from ._threads import take_blas_threads

# A block of rows has this many entries at most. Blocks of this size are large enough for matrix
# products at full speed, and small enough for the cache that the cores share.
BLOCK_ENTRIES = 1 << 22

# With this many blocks or more, blocks run in the threads that BLAS would use.
MANY_BLOCKS = 4


def block_slices(n_rows, n_columns):
    """Return slices that cut ``n_rows`` rows of ``n_columns`` entries into blocks."""
    size = max(1, BLOCK_ENTRIES // max(1, n_columns))
    if n_rows <= size:  # ``gen_batches`` checks its arguments, which takes longer than few rows do
        return [slice(0, n_rows)] if n_rows else []
    return list(gen_batches(n_rows, size))


def map_blocks(function, n_rows, n_columns, n_jobs=None):
    """Yield ``function(block)`` for each block of rows, in the order of the rows.

    All loops over blocks in this package call this function. The results do not depend on
    ``n_jobs``. Because a result may be large, at most two results per thread wait for the caller.

    Parameters
    ----------
    function : callable
        A function of a slice of rows.
    n_rows : int
    n_columns : int
        Number of entries of a row at the step of ``function`` where rows are widest. Blocks of
        wider rows hold fewer rows.
    n_jobs : int or None
        Number of threads. With None, many blocks run in the threads that BLAS would use. BLAS has
        fewer threads while blocks run in several threads, so ``function`` should do all products.
    """
    blocks = block_slices(n_rows, n_columns)
    with _threads_for(len(blocks), n_jobs) as n_threads:
        if n_threads == 1:
            yield from map(function, blocks)
            return
        with ThreadPoolExecutor(n_threads) as pool:
            waiting = deque()
            try:
                for block in blocks:
                    if len(waiting) == 2 * n_threads:
                        yield waiting.popleft().result()
                    waiting.append(pool.submit(function, block))
                while waiting:
                    yield waiting.popleft().result()
            finally:  # After an error, or if the caller stops early, the rest is not computed.
                for future in waiting:
                    future.cancel()


@contextmanager
def _threads_for(n_blocks, n_jobs):
    """Yield the number of threads in which blocks run."""
    n_threads = effective_n_jobs(n_jobs)
    is_open = n_jobs is None and n_threads == 1
    if n_blocks <= 1 or (n_threads == 1 and not (is_open and n_blocks >= MANY_BLOCKS)):
        yield 1
        return
    with take_blas_threads(None if is_open else n_threads) as n_threads:
        yield n_threads
