"""Blocks of rows in threads: kernels and BLAS release the GIL."""

from joblib import Parallel, delayed, effective_n_jobs


def map_blocks(function, blocks, n_jobs):
    """Yield ``function(block)`` in the order of ``blocks``, whatever ``n_jobs``."""
    if effective_n_jobs(n_jobs) == 1 or len(blocks) == 1:
        return map(function, blocks)
    parallel = Parallel(n_jobs=n_jobs, require="sharedmem", return_as="generator")
    return parallel(delayed(function)(block) for block in blocks)
