"""Random changes of images that leave their labels as they are.

The parameter ``augment`` of an estimator takes one of these objects, or any function ``(X, rng) ->
X`` of rows. A training then never sees a row twice alike, and the network learns that a shifted
or mirrored image has the same label. The rows are images, one in each row: pixel after pixel, and
the channels of a pixel side by side, as ``images.reshape(len(images), -1)`` makes them.

Each object is a function of rows and of a NumPy generator. Its method ``for_prediction`` returns
the rows that a prediction sees. The objects can be compared, copied and pickled, so that
searches such as ``GridSearchCV`` can choose among them.
"""

from dataclasses import dataclass
from math import prod
from numbers import Integral

import numpy as np

__all__ = ["Chain", "RandomCrop", "RandomFlip", "RandomShift"]


@dataclass(frozen=True)
class RandomCrop:
    """Cut a square at a random place out of each image, or a segment out of each series.

    A prediction sees the square in the centre of the image. The network therefore reads rows of
    ``size * size * channels`` columns, which are fewer than those of the table.

    Parameters
    ----------
    image_shape : tuple of int
        Height and width of the images, or height, width and number of channels. A series is an
        image of height 1: (length,), or (1, length, channels).
    size : int
        Height and width of the square.

    Raises
    ------
    ValueError
        If ``image_shape`` has no one to three positive numbers, or if the square is larger than
        the image.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_activation.augmentation import RandomCrop
    >>> crop = RandomCrop((4, 4), 2)
    >>> X = np.arange(16.0).reshape(1, 16)
    >>> crop(X, np.random.default_rng(0))
    array([[ 9., 10., 13., 14.]])
    >>> crop.for_prediction(X)
    array([[ 5.,  6.,  9., 10.]])
    """

    image_shape: tuple
    size: int

    def __post_init__(self):
        _set_shape(self)
        _check_pixels(self, "size")

    def __call__(self, X, rng):
        """Return the rows of a square at a random place of each image.

        Parameters
        ----------
        X : ndarray of shape (n_images, height * width * channels)
            One image in each row.
        rng : numpy Generator
            Source of the places.

        Returns
        -------
        X : ndarray of shape (n_images, size * size * channels)
            One square in each row.
        """
        images = _images(self, X)
        sides = _within(images, self.size)
        top, left = (
            rng.integers(length - side + 1, size=len(X))
            for length, side in zip(images.shape[1:3], sides, strict=True)
        )
        return _cut(images, top, left, *sides)

    def for_prediction(self, X):
        """Return the rows of the square in the centre of each image.

        If the margins cannot be equal, the square is nearer to the top and to the left.

        Parameters
        ----------
        X : ndarray of shape (n_images, height * width * channels)
            One image in each row.

        Returns
        -------
        X : ndarray of shape (n_images, size * size * channels)
            One square in each row.
        """
        images = _images(self, X)
        rows, columns = _within(images, self.size)
        top, left = (images.shape[1] - rows) // 2, (images.shape[2] - columns) // 2
        return images[:, top : top + rows, left : left + columns].reshape(len(X), -1)


class _WholeImages:
    """Base class of augmentations with which a prediction sees images as they are."""

    def for_prediction(self, X):
        """Return the images unchanged.

        Parameters
        ----------
        X : ndarray of shape (n_images, height * width * channels)
            One image in each row.

        Returns
        -------
        X : ndarray of shape (n_images, height * width * channels)
            The same rows.
        """
        return _rows(self, X)


@dataclass(frozen=True)
class RandomFlip(_WholeImages):
    """Exchange left and right of half of the images, chosen at random.

    A prediction sees the images as they are. Digits and letters change their meaning when they
    are mirrored, so ``RandomFlip`` suits photographs only.

    Parameters
    ----------
    image_shape : tuple of int
        Height and width of the images, or height, width and number of channels. A series is an
        image of height 1: (length,), or (1, length, channels).

    Raises
    ------
    ValueError
        If ``image_shape`` has no one to three positive numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_activation.augmentation import RandomFlip
    >>> X = np.array([[1, 2, 3], [4, 5, 6]])
    >>> RandomFlip((1, 3))(X, np.random.default_rng(0))
    array([[1, 2, 3],
           [6, 5, 4]])
    """

    image_shape: tuple

    def __post_init__(self):
        _set_shape(self)

    def __call__(self, X, rng):
        """Return the images, about half of them mirrored.

        Parameters
        ----------
        X : ndarray of shape (n_images, height * width * channels)
            One image in each row.
        rng : numpy Generator
            Source of the choice.

        Returns
        -------
        X : ndarray of shape (n_images, height * width * channels)
            One image in each row.
        """
        images = _images(self, X).copy()
        mirrored = rng.random(len(X)) < 0.5
        images[mirrored] = images[mirrored, :, ::-1]
        return images.reshape(X.shape)


@dataclass(frozen=True)
class RandomShift(_WholeImages):
    """Shift each image by some pixels to a side, and up or down.

    All shifts from ``-pixels`` to ``pixels`` are equally frequent in both directions. A series, an
    image of height 1, is shifted along its time only. Pixels that leave the image are lost, and
    zeros come in on the other side. A prediction sees the images as they are.

    Parameters
    ----------
    image_shape : tuple of int
        Height and width of the images, or height, width and number of channels. A series is an
        image of height 1: (length,), or (1, length, channels).
    pixels : int, default=1
        Largest shift in each direction.

    Raises
    ------
    ValueError
        If ``image_shape`` has no one to three positive numbers, or if ``pixels`` is not a whole
        number from 1 to the shorter side of the image.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_activation.augmentation import RandomShift
    >>> X = np.array([[1.0, 2.0, 3.0, 4.0]])
    >>> RandomShift((2, 2))(X, np.random.default_rng(0))
    array([[3., 4., 0., 0.]])
    """

    image_shape: tuple
    pixels: int = 1

    def __post_init__(self):
        _set_shape(self)
        _check_pixels(self, "pixels")

    def __call__(self, X, rng):
        """Return the images, each shifted at random.

        Parameters
        ----------
        X : ndarray of shape (n_images, height * width * channels)
            One image in each row.
        rng : numpy Generator
            Source of the shifts.

        Returns
        -------
        X : ndarray of shape (n_images, height * width * channels)
            One image in each row.
        """
        images, n = _images(self, X), self.pixels
        _, height, width, _ = images.shape
        padded = np.pad(images, ((0, 0), (n, n), (n, n), (0, 0)))
        top, left = rng.integers(2 * n + 1, size=(2, len(X)))
        if height == 1:
            top[:] = n
        if width == 1:
            left[:] = n
        return _cut(padded, top, left, height, width)


@dataclass(frozen=True, init=False, repr=False)
class Chain:
    """Apply several augmentations one after another.

    Parameters
    ----------
    *steps : callable
        Objects of this module, or functions ``(X, rng) -> X``. If a step changes the size of the
        images, the ``image_shape`` of the next step is the new size.

    Raises
    ------
    ValueError
        If there is no step, or if a step cannot be called.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_activation.augmentation import Chain, RandomCrop, RandomFlip
    >>> augment = Chain(RandomCrop((4, 4), 2), RandomFlip((2, 2)))
    >>> X = np.arange(16.0).reshape(1, 16)
    >>> augment.for_prediction(X)
    array([[ 5.,  6.,  9., 10.]])
    """

    steps: tuple

    def __init__(self, *steps):
        if not steps or not all(map(callable, steps)):
            raise ValueError(
                f"Chain{steps!r} must have one step or more, and each must be a function (X, rng) "
                "-> X."
            )
        object.__setattr__(self, "steps", steps)

    def __repr__(self):
        return f"Chain({', '.join(map(repr, self.steps))})"

    def __call__(self, X, rng):
        """Return the rows after all steps.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_columns)
            Rows as the first step needs them.
        rng : numpy Generator
            Source of random numbers of all steps.

        Returns
        -------
        X : ndarray of shape (n_rows, n_columns_after)
            Rows as the last step returns them.
        """
        for step in self.steps:
            X = step(X, rng)
        return X

    def for_prediction(self, X):
        """Return the rows that a prediction sees after all steps.

        A step without the method ``for_prediction`` leaves rows unchanged.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_columns)
            Rows as the first step needs them.

        Returns
        -------
        X : ndarray of shape (n_rows, n_columns_after)
            Rows as the last step returns them.
        """
        for step in self.steps:
            if hasattr(step, "for_prediction"):
                X = step.for_prediction(X)
        return X


def _set_shape(augmentation):
    """Check ``image_shape``, and set it as a tuple of height, width and perhaps channels."""
    shape = np.atleast_1d(np.asarray(augmentation.image_shape))
    are_whole = shape.ndim == 1 and shape.dtype.kind in "iu"
    if not (are_whole and len(shape) in (1, 2, 3) and shape.min() >= 1):
        raise ValueError(
            f"image_shape={augmentation.image_shape!r} must be (height, width), (height, width, "
            "channels) or (length,), whole numbers from 1."
        )
    shape = tuple(shape.tolist())
    object.__setattr__(augmentation, "image_shape", (1, *shape) if len(shape) == 1 else shape)


def _check_pixels(augmentation, name):
    """Raise a ValueError unless the attribute ``name`` is a length within the image."""
    height, width = augmentation.image_shape[:2]
    most = max(height, width) if min(height, width) == 1 else min(height, width)
    value = getattr(augmentation, name)
    if not (isinstance(value, Integral) and 1 <= value <= most):
        raise ValueError(
            f"{name}={value!r} must be a whole number from 1 to {most} for images of {height} x "
            f"{width} pixels."
        )


def _within(images, size):
    """Return the height and width of a square of ``size`` pixels, or of a segment of a series."""
    return tuple(min(size, side) if side == 1 else size for side in images.shape[1:3])


def _rows(augmentation, X):
    """Return rows unchanged, or raise a ValueError if they are no images of the right size."""
    shape = augmentation.image_shape
    if np.ndim(X) != 2 or X.shape[1] != prod(shape):
        raise ValueError(
            f"image_shape={shape} has {prod(shape)} numbers, but X has shape {np.shape(X)}. Give "
            "rows of one image each, and their height, width and number of channels."
        )
    return X


def _images(augmentation, X):
    """Return rows as images of shape (n_images, height, width, channels)."""
    height, width, channels = (*augmentation.image_shape, 1)[:3]
    return _rows(augmentation, X).reshape(-1, height, width, channels)


def _cut(images, top, left, height, width):
    """Return the rectangle of each image that begins at its ``top`` and ``left``, as rows."""
    n, n_rows, _, channels = images.shape
    lines = images.reshape(n, n_rows, -1)  # a line of pixels with all their channels
    shape = height, width * channels
    rectangles = np.lib.stride_tricks.sliding_window_view(lines, shape, axis=(1, 2))
    return rectangles[np.arange(n), top, left * channels].reshape(n, -1)
