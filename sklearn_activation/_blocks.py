"""Blocks of rows in threads: kernels and BLAS release the GIL."""

from joblib import Parallel, delayed, effective_n_jobs
from sklearn.utils import gen_batches

# A block of rows has this many entries at most: enough for products at full speed, few enough
# for the cache that the cores share.
BLOCK_ENTRIES = 1 << 22


def block_slices(n_rows, n_columns):
    """Slices that cut ``n_rows`` rows of ``n_columns`` entries into blocks."""
    size = max(1, BLOCK_ENTRIES // max(1, n_columns))
    if n_rows <= size:  # few rows are not worth the checks of ``gen_batches``
        return [slice(0, n_rows)] if n_rows else []
    return list(gen_batches(n_rows, size))


def map_blocks(function, n_rows, n_columns, n_jobs=None):
    """Yield ``function(block)`` for every block of rows, in their order.

    This is the package's one loop over blocks. Its results do not depend on ``n_jobs``, and no
    more than two of them a thread wait to be taken: they may be large.

    Parameters
    ----------
    function : callable
        It takes a slice of rows.
    n_rows : int
    n_columns : int
        Entries that a row has where it is widest; blocks hold fewer rows the more it has.
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
