"""Features of images: rectified outputs at all places, pooled over regions."""

from math import prod

import numpy as np

from .._blocks import map_blocks
from ..kernels.patches import pool_outputs


def pool(X, cutting, W, grid, threshold, n_jobs):
    """Return the features of images, ndarray of shape (n_images, n_regions * n_units).

    The features are the square roots of the means of max(0, y - threshold) over the places of each
    region, for the outputs y = z W of the patches z. All units of a region stand together, and the
    regions stand row by row.

    Parameters
    ----------
    X : ndarray of shape (n_images, n_pixels)
    cutting : Cutting
    W : ndarray of shape (n_entries, n_units)
    grid : tuple of int
        Rows and columns of regions.
    threshold : float
    n_jobs : int or None
    """
    out = np.empty((len(X), prod(grid) * W.shape[1]), dtype=W.dtype)

    def of_block(block):
        Z = cutting.cut(X[block])
        # Features keep the precision of the training.
        Y = np.matmul(Z.astype(W.dtype, copy=False), W)
        pool_outputs(Y, cutting.places, grid, threshold, out[block])

    # Blocks of an eighth of the usual size fit the cache of one core.
    for _ in map_blocks(of_block, len(X), 8 * cutting.n_places * max(W.shape), n_jobs):
        pass
    return out
