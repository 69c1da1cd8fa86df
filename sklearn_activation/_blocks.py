"""Blocks of rows in threads: kernels and BLAS release the GIL."""

from joblib import Parallel, delayed, effective_n_jobs

# Hidden rows computed at once: enough for full-speed products, small enough for
# the cache that the cores share.
BLOCK_ENTRIES = 1 << 22


def block_slices(n_rows, n_columns):
    """Slices that cut ``n_rows`` rows of ``n_columns`` entries into blocks."""
    size = max(1, BLOCK_ENTRIES // max(1, n_columns))
    return [slice(i, min(i + size, n_rows)) for i in range(0, n_rows, size)]


def map_blocks(function, blocks, n_jobs):
    """Yield ``function(block)`` in the order of ``blocks``, whatever ``n_jobs``.

    No more than two results a thread wait to be taken: they may be large.
    """
    n_threads = effective_n_jobs(n_jobs)
    if n_threads == 1 or len(blocks) == 1:
        yield from map(function, blocks)
        return
    with Parallel(n_jobs=n_jobs, require="sharedmem") as parallel:
        for start in range(0, len(blocks), 2 * n_threads):
            window = blocks[start : start + 2 * n_threads]
            yield from parallel(delayed(function)(block) for block in window)
