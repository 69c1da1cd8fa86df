"""Kernels of patches: images are cut into standardised patches, and outputs are pooled."""

import numpy as np

from ._jit import kernel


@kernel
def cut_patches(X, shape, size, share, out):
    """Write the standardised patches of images to ``out``.

    The patch p at a place becomes z = (p - mean(p)) / sqrt(D (var(p) + share * v)). D is the
    number of entries of a patch, and v is the mean of var(p) over all places of the image.
    Differences that rounding can explain count as zero. The kernel overwrites ``X``: each image is
    divided by its largest entry first, so that images of any magnitude stay finite.

    Parameters
    ----------
    X : ndarray of shape (n_images, height * width * channels)
    shape : tuple (height, width, channels)
    size : tuple (rows, columns) of a patch
    share : float
    out : ndarray of shape (n_images * n_places, D)
        Patches of one image stand together, place by place along the rows of the image.
    """
    height, width, channels = shape
    n_rows, n_columns = size
    n_places = (height - n_rows + 1) * (width - n_columns + 1)
    run = n_columns * channels
    one = X.dtype.type(1)
    n_entries = X.dtype.type(n_rows * run)
    # The factor ``lift`` makes the reciprocal of a denormal number finite: see ``scale_to_unit``.
    tiny, lift = 2.0**-64, 2.0**62
    for i in range(X.shape[0]):
        image = X[i]
        largest = X.dtype.type(0)
        for j in range(image.size):
            largest = max(largest, abs(image[j]))
        if 0 < largest < tiny:
            largest *= X.dtype.type(lift)
            for j in range(image.size):
                image[j] *= X.dtype.type(lift)
        if largest > 0:
            for j in range(image.size):
                image[j] /= largest
        of_image = out[i * n_places : (i + 1) * n_places]
        total = X.dtype.type(0)
        for place in range(n_places):
            top, left = divmod(place, width - n_columns + 1)
            patch = of_image[place]
            mean = X.dtype.type(0)
            for row in range(n_rows):
                start = ((top + row) * width + left) * channels
                for j in range(run):
                    patch[row * run + j] = image[start + j]
                    mean += image[start + j]
            mean /= n_entries
            for j in range(patch.size):
                patch[j] -= mean
                total += patch[j] * patch[j]
        rounding = X.dtype.type(16 * np.finfo(X.dtype).eps)
        added = X.dtype.type(share) * total / X.dtype.type(n_places)
        added += n_entries * rounding * rounding
        for place in range(n_places):
            patch = of_image[place]
            squares = added
            for j in range(patch.size):
                squares += patch[j] * patch[j]
            factor = one / np.sqrt(squares)
            for j in range(patch.size):
                patch[j] *= factor


@kernel
def pool_outputs(Y, places, grid, threshold, out):
    """Write the square root of the mean of max(0, y - threshold) over each region to ``out``.

    The regions are a grid of equal rectangles of places. Where the number of places cannot be
    divided, regions differ by one row or column of places.

    Parameters
    ----------
    Y : ndarray of shape (n_images * n_places, n_units)
        Outputs of the units at the places of each image.
    places : tuple (rows, columns) of places in an image
    grid : tuple (rows, columns) of regions
    threshold : float
    out : ndarray of shape (n_images, n_regions * n_units)
    """
    n_units = Y.shape[1]
    n_places = places[0] * places[1]
    zero, least = Y.dtype.type(0), Y.dtype.type(threshold)
    for i in range(out.shape[0]):
        for region in range(grid[0] * grid[1]):
            a, b = divmod(region, grid[1])
            first, last = a * places[0] // grid[0], (a + 1) * places[0] // grid[0]
            left, right = b * places[1] // grid[1], (b + 1) * places[1] // grid[1]
            pooled = out[i, region * n_units : (region + 1) * n_units]
            pooled[:] = zero
            for row in range(first, last):
                for column in range(left, right):
                    y = Y[i * n_places + row * places[1] + column]
                    for j in range(n_units):
                        pooled[j] += max(y[j] - least, zero)
            count = Y.dtype.type((last - first) * (right - left))
            for j in range(n_units):
                pooled[j] = np.sqrt(pooled[j] / count)
