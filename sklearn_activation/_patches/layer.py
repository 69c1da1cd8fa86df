"""The layer of all patches: its statistics, the patches from which it starts, and its weights.

The layer is in closed form. With C = V diag(lambda) V^T, the mean of z z^T over all patches z, the
averaged flow of learning time t passes the share f(lambda) = lambda t / (lambda t + 1) of each
direction (see ``averaged_filter``, with a start of activation 0). The outputs of the flow have the
energy f(lambda) lambda in each direction. Here each direction is measured in its own deviations,
sqrt(lambda), so that no direction drowns the others:

    W(t) = V diag(sqrt(f(lambda) / lambda)) V^T Q = V diag(1 / sqrt(lambda + 1 / t)) V^T Q.

These weights whiten the directions that were learned, and leave out the directions far below 1 /
t. W(t) holds for any start with Q Q^T = I. The start is made of drawn patches, and the units are
therefore tuned to edges and colours that occur.
"""

from copy import deepcopy
from dataclasses import dataclass
from functools import reduce

import numpy as np

from .._blocks import map_blocks
from .._learning.layer import averaged_filter, random_rotation
from .._learning.moments import Moments
from .._rows.encoding import SAMPLE_SIZE
from .._rows.sample import Sample, uniform_of
from .cutting import precision_of

# The images of a sample have at most this many entries in total. A sample may hold at least
# ``FEWEST_IMAGES`` images of any size.
SAMPLE_ENTRIES = 1 << 23

# See ``SAMPLE_ENTRIES``.
FEWEST_IMAGES = 32

# Of a start, this share is random, so that the start spans the space if drawn patches do not.
RANDOM_SHARE = 1e-3

# A direction of which a smaller share is learned is left out. Its outputs would be rounding.
LEAST_SHARE = 1e-4


@dataclass(frozen=True)
class Learned:
    """What is known about the patches of all images so far.

    Parameters
    ----------
    moments : Moments
        Moments of the patches.
    sample : Sample
        A sample of the images.
    """

    moments: Moments
    sample: Sample

    @classmethod
    def of(cls, X, weight, cutting, n_jobs):
        """Learn images.

        Parameters
        ----------
        X : ndarray of shape (n_images, n_pixels)
        weight : ndarray of shape (n_images,)
        cutting : Cutting
        n_jobs : int or None
        """
        sample = Sample.of(X, None, weight, sample_size(X.shape[1]))
        return cls(moments_of(X, weight, cutting, n_jobs), sample)

    def join(self, other):
        """Return what is known about the images of both."""
        moments = Moments(**deepcopy(self.moments.state)).merge(other.moments)
        size = sample_size(self.sample.X.shape[1])
        return Learned(moments, self.sample.joined(other.sample, size))

    def layer(self, t, n_units, cutting, seed):
        """Return the layer after learning time ``t``, in the precision of the images.

        Returns
        -------
        W : ndarray of shape (n_entries, n_units)
            Weights.
        patterns : ndarray of shape (n_units, rows, columns, channels)
            The mean of z y over all patches z, for the output y of each unit.
        """
        patches = draw_patches(self.sample, n_units, cutting, seed)
        W, patterns = solve(self.moments, patches, t, seed)
        dtype, shape = precision_of(self.sample.X), (n_units, *cutting.size, cutting.shape[2])
        return W.astype(dtype), patterns.T.reshape(shape).astype(dtype)


def sample_size(n_pixels):
    """Return how many images of ``n_pixels`` entries a sample holds."""
    return int(np.clip(SAMPLE_ENTRIES // n_pixels, FEWEST_IMAGES, SAMPLE_SIZE))


def moments_of(X, weight, cutting, n_jobs):
    """Return the ``Moments`` of the patches of all places of images.

    A block of images is cut when it is needed, so that the patches are never all in memory.
    """
    n_entries, n_places = cutting.n_entries, cutting.n_places

    def of_block(block):
        gram = np.zeros((n_entries, n_entries)) if len(X) * n_places > n_entries else None
        moments = Moments(n_entries, gram=gram)
        return moments.add(cutting.cut(X[block]), np.repeat(weight[block], n_places))

    parts = map_blocks(of_block, len(X), 4 * n_entries * n_places, n_jobs)
    return reduce(Moments.merge, parts)


def draw_patches(sample, n_units, cutting, seed):
    """Return ``n_units`` patches of the images of a ``Sample``, ndarray (n_units, n_entries).

    The place of a patch follows from the hash of its image. If there are fewer images than units,
    all images give about as many patches. The patches therefore depend on the set of images, and
    not on their order.
    """
    images, hashes = sample.X[:n_units], sample.hashes[:n_units]
    n_images = len(images)
    rounds = -(-n_units // n_images)
    keys = np.random.default_rng(seed).integers(2**64, size=(rounds, 1), dtype=np.uint64)
    places = (uniform_of(hashes ^ keys) * cutting.n_places).astype(np.intp)
    Z = np.empty((rounds, n_images, cutting.n_entries))
    for i, image in enumerate(images):
        Z[:, i] = cutting.cut(image[None])[places[:, i]]
    return Z.reshape(-1, cutting.n_entries)[:n_units]


def solve(moments, patches, t, seed):
    """Return the weights W after learning time ``t``, and C W, both (n_entries, n_units).

    The outputs of each unit have a root mean square of 1 over all patches, or 0 if no patch has
    energy. C W is the mean of z y over all patches z.

    Parameters
    ----------
    moments : Moments
    patches : ndarray of shape (n_units, n_entries)
        The patches from which the units start.
    t : float
        Learning time.
    seed : int
        Seed of the random share of the start.
    """
    values, V = moments.decompose()
    shares = averaged_filter(values, t, 0.0)
    learned = shares > LEAST_SHARE
    values, V = values[learned], V[:, learned]
    scale = np.sqrt(shares[learned] / values)
    start = scale[:, None] * (V.T @ patches.T)
    norms = np.linalg.norm(start, axis=0)
    start /= np.where(norms > 0, norms, 1)
    R = random_rotation(moments.n_inputs, len(patches), (seed, 0), np.float64)
    # The orthogonal matrix nearest to the start does not depend on the signs of V.
    left, _, right = np.linalg.svd(start + RANDOM_SHARE * (V.T @ R), full_matrices=False)
    along = scale[:, None] * (left @ right)  # V^T W
    deviation = np.sqrt(values @ along**2)
    along /= np.where(deviation > 0, deviation, 1)
    return V @ along, (V * values) @ along
