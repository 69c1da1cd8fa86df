"""Images as rows of a table, and the patches of all their places."""

from dataclasses import dataclass
from math import isqrt, prod
from numbers import Integral

import numpy as np

from .._validation import read_image_shape
from ..kernels.patches import cut_patches

# This share of the mean variance of an image's patches is added to the variance of each patch.
ADDED_VARIANCE = 0.1


@dataclass(frozen=True)
class Cutting:
    """How images are cut into patches.

    Parameters
    ----------
    shape : tuple of int
        Height, width and channels of an image.
    size : tuple of int
        Rows and columns of a patch.
    """

    shape: tuple
    size: tuple

    @property
    def n_entries(self):
        """Number of entries of a patch."""
        return prod(self.size) * self.shape[2]

    @property
    def places(self):
        """Rows and columns of places at which a patch fits into an image."""
        return tuple(n - k + 1 for n, k in zip(self.shape[:2], self.size, strict=True))

    @property
    def n_places(self):
        return prod(self.places)

    def cut(self, X):
        """Return the standardised patches of all places of images.

        Parameters
        ----------
        X : ndarray of shape (n_images, n_pixels)
            Numbers of any type.

        Returns
        -------
        Z : ndarray of shape (n_images * n_places, n_entries)
            Patches of norm below 1, in the precision of ``precision_of``.
        """
        X = np.array(X, dtype=precision_of(X), order="C")  # The kernel overwrites the copy.
        Z = np.empty((len(X) * self.n_places, self.n_entries), dtype=X.dtype)
        cut_patches(X, self.shape, self.size, ADDED_VARIANCE, Z)
        return Z


def precision_of(X):
    """Return the type of the patches: float32 if it holds all numbers of the type of ``X``."""
    fits = np.result_type(X.dtype, np.float32) == np.float32
    return np.dtype(np.float32 if fits else np.float64)


def shape_of_images(image_shape, n_features):
    """Return height, width and channels of the images in rows of ``n_features`` entries.

    None stands for a square image with one channel. If ``n_features`` is no square number, None
    stands for an image of one row.
    """
    if image_shape is not None:
        return read_image_shape(image_shape, n_features)
    side = isqrt(n_features)
    return (side, side, 1) if side * side == n_features else (1, n_features, 1)


def read_pair(name, value, limits, default, of_what):
    """Return a parameter as a pair of numbers, of rows and of columns.

    Parameters
    ----------
    name : str
        Name of the parameter.
    value : int, tuple of two int, or None
        None stands for ``default``, or for the limit where it is smaller.
    limits : tuple of two int
        Largest numbers.
    default : int
    of_what : str
        What an image has as many of as ``limits`` say, for the error message.
    """
    if value is None:
        return tuple(min(default, limit) for limit in limits)
    if isinstance(value, Integral):  # One side of a series is 1.
        pair = tuple(min(value, 1) if limit == 1 else value for limit in limits)
    else:
        pair = tuple(value)
    if len(pair) != 2 or not _are_counts(pair):
        raise ValueError(f"{name}={value!r} must be a positive integer, or two of them.")
    if any(n > limit for n, limit in zip(pair, limits, strict=True)):
        raise ValueError(
            f"{name}={value!r} is too large: an image has {limits[0]} x {limits[1]} {of_what}. "
            f"Give a smaller {name}."
        )
    return tuple(int(n) for n in pair)


def _are_counts(values):
    """Whether all entries are positive integers."""
    return all(isinstance(n, Integral) and n >= 1 for n in values)
