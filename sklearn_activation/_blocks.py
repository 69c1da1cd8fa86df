"""The loop over blocks of rows, in threads. Kernels and BLAS release Python's global lock."""

from joblib import Parallel, delayed, effective_n_jobs
from sklearn.utils import gen_batches

# A block of rows has this many entries at most. Blocks of this size are large enough for matrix
# products at full speed, and small enough for the cache that the cores share.
BLOCK_ENTRIES = 1 << 22


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
    """
    blocks, n_threads = block_slices(n_rows, n_columns), effective_n_jobs(n_jobs)
    if n_threads == 1 or len(blocks) == 1:
        yield from map(function, blocks)
        return
    with Parallel(n_jobs=n_jobs, require="sharedmem") as parallel:
        for start in range(0, len(blocks), 2 * n_threads):
            waiting = blocks[start : start + 2 * n_threads]
            yield from parallel(delayed(function)(block) for block in waiting)
