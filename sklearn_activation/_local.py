"""Weights of a layer whose units read a field of the image around their own place.

A ``LocalWeights`` stands where a full layer has an array: ``X @ W``, ``Y @ W.T``, slices of data
and label inputs, and steps of learning work alike. Only the weights of connections are stored and
multiplied.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import prod
from numbers import Integral

import numpy as np

from ._threads import n_free_threads
from .kernels import local

# Kernels multiply this many rows together, which then fit into the cache of a core.
ROWS_TOGETHER = 256

# A thread gets this many rows at least.
FEWEST_ROWS = 16


@dataclass(frozen=True)
class Grid:
    """The places of a layer's units, and the fields that they read.

    Parameters
    ----------
    height, width : int
        Number of places. Inputs and units have the same places.
    channels : int
        Number of inputs at a place.
    field : (int, int)
        Height and width of a field, both odd.
    n_units : int
        Number of units at a place.
    n_labels : int
        Number of inputs behind those of the image, which all units read.
    """

    height: int
    width: int
    channels: int
    field: tuple
    n_units: int
    n_labels: int = 0

    @property
    def n_data(self):
        return self.height * self.width * self.channels

    @property
    def n_inputs(self):
        return self.n_data + self.n_labels

    @property
    def n_outputs(self):
        return self.height * self.width * self.n_units

    def pick(self, P):
        """Return the weights that an array (n_inputs, n_outputs) holds at the connections."""
        lines, columns = self.field
        shape = (self.height, self.width, self.n_units, lines, columns * self.channels)
        fields = np.zeros(shape, P.dtype)
        local.pick(np.ascontiguousarray(P[: self.n_data]), fields)
        return LocalWeights(fields, self.channels, P[self.n_data :].copy())

    def random(self, epsilon, rng, dtype):
        """Return random weights, with which an input far from the border keeps ``epsilon``.

        The diagonal entries of W W^T are near ``epsilon``, and smaller at the border.
        """
        W = self.pick(np.ones((self.n_inputs, self.n_outputs), dtype=np.float32)).astype(dtype)
        readers = [prod(self.field) * self.n_units, self.n_outputs]  # of an input, and of a label
        for array, n in zip(W.arrays, readers, strict=True):
            array *= rng.normal(0, np.sqrt(epsilon / n), array.shape)
        return W


class LocalWeights:
    """Weights of shape (n_inputs, n_units), of which only those of connections are stored.

    The inputs are those of an image, and behind them those of labels, which all units read.

    Parameters
    ----------
    fields : ndarray of shape (height, width, n_units, field_height, field_width * channels)
        The weights of each unit to the image. Weights that would read beyond the image are zero.
    channels : int
        Number of inputs at a place of the grid.
    labels : ndarray of shape (n_labels, height * width * n_units)
        The weights to the labels.

    Attributes
    ----------
    shape : (int, int)
        Number of inputs and number of units, as of the array that ``toarray`` returns.
    dtype : numpy dtype
    """

    # With this attribute, ``array @ weights`` calls ``__rmatmul__`` below.
    __array_ufunc__ = None

    def __init__(self, fields, channels, labels):
        self.fields = fields
        self.channels = channels
        self.labels = labels

    @property
    def grid(self):
        height, width, n_units, lines, columns = self.fields.shape
        field = lines, columns // self.channels
        return Grid(height, width, self.channels, field, n_units, len(self.labels))

    @property
    def shape(self):
        return self.grid.n_inputs, self.grid.n_outputs

    @property
    def dtype(self):
        return self.fields.dtype

    @property
    def T(self):
        return _Transposed(self)

    @property
    def arrays(self):
        """The arrays that hold the weights."""
        return [self.fields, self.labels]

    def __len__(self):
        return self.grid.n_inputs

    def __getitem__(self, index):
        """Return the weights to the image, or those to the labels."""
        n = self.grid.n_data
        if index == slice(None, n):
            return LocalWeights(self.fields, self.channels, self.labels[:0])
        if index == slice(n, None):
            return self.labels
        raise IndexError(f"Only [:{n}] and [{n}:] select inputs of local weights, not {index}.")

    def astype(self, dtype, **options):
        """Return the weights in another precision; ``options`` are those of arrays."""
        fields, labels = (array.astype(dtype, **options) for array in self.arrays)
        return LocalWeights(fields, self.channels, labels)

    def toarray(self):
        """Return the weights as an ndarray of shape (n_inputs, n_units), mostly zeros."""
        return np.eye(len(self), dtype=self.dtype) @ self

    def empty_like(self):
        return LocalWeights(np.empty_like(self.fields), self.channels, np.empty_like(self.labels))

    def __iadd__(self, other):
        for array, added in zip(self.arrays, other.arrays, strict=True):
            array += added
        return self

    def __imul__(self, factor):
        for array in self.arrays:
            array *= factor
        return self

    def __rmatmul__(self, X):
        """Return the outputs ``X @ W`` of rows ``X`` (n_rows, n_inputs)."""
        n = self.grid.n_data

        def multiply(inputs, outputs):
            local.multiply(*self._on_grid(inputs, outputs), self.fields)

        Y = _by_rows(multiply, X[..., :n], self.shape[1], self.dtype)
        if len(self.labels):
            Y += X[..., n:] @ self.labels
        return Y

    def multiply_back(self, Y):
        """Return the reconstruction ``Y @ W.T`` of rows ``Y`` (n_rows, n_units)."""

        def multiply(outputs, inputs):
            local.multiply_back(*self._on_grid(inputs, outputs), self.fields)

        X = _by_rows(multiply, Y, self.grid.n_data, self.dtype)
        if len(self.labels):
            X = np.concatenate([X, Y @ self.labels.T], axis=-1)
        return X

    def write_products(self, X, Y):
        """Write X^T Y to the weights, for rows ``X`` of inputs and ``Y`` of outputs."""
        n, height = self.grid.n_data, len(self.fields)
        n_threads = min(n_free_threads(), height)
        edges = np.linspace(0, height, n_threads + 1).astype(int)
        self.fields[:] = 0
        for first in range(0, len(X), 2 * ROWS_TOGETHER):
            block = slice(first, first + 2 * ROWS_TOGETHER)
            inputs, outputs = self._on_grid(turned(X[block, :n]), turned(Y[block]))

            def add(i, inputs=inputs, outputs=outputs):
                local.add_products(inputs, outputs, edges[i], edges[i + 1], self.fields)

            _in_threads(add, n_threads, n_threads)
        np.matmul(X[:, n:].T, Y, out=self.labels)

    def _on_grid(self, inputs, outputs):
        """Return arrays with a row in each column in the shapes that kernels take."""
        height, width, n_units = self.fields.shape[:3]
        n = inputs.shape[1]
        lines = inputs.reshape(height, width * self.channels, n)
        return lines, outputs.reshape(height, width, n_units, n)


class _Transposed:
    """The transpose of ``LocalWeights``."""

    __array_ufunc__ = None

    def __init__(self, weights):
        self.weights = weights

    def __rmatmul__(self, Y):
        return self.weights.multiply_back(Y)


def lay_out_grids(image_shape, receptive_field, n_local, n_units, n_labels):
    """Return the ``Grid`` of each layer, or None for a full layer.

    Parameters
    ----------
    image_shape : (int, int, int)
        Height, width and channels of the images.
    receptive_field : int, or tuple of int or None
        Width of the fields of all layers that may be local, or of each of these layers. None
        stands for a full layer.
    n_local : int
        Number of layers that may be local. Full layers may follow.
    n_units : list of int
        Units at each place of a local layer, or all units of a full layer.
    n_labels : int
        Number of label inputs of the first layer.
    """
    height, width, channels = image_shape
    given = f"receptive_field={receptive_field!r}"
    is_list = isinstance(receptive_field, (tuple, list))
    fields = list(receptive_field) if is_list else [receptive_field] * n_local
    if len(fields) != n_local:
        raise ValueError(
            f"{given} has {len(fields)} entries, but {n_local} of the layers may be local. Give "
            "one odd number for all of them, or one number or None for each."
        )
    grids, is_grid = [], True
    for size, n in zip(fields, n_units, strict=False):
        if size is None:
            grids.append(None)
            is_grid = False
            continue
        if not isinstance(size, Integral) or size < 1 or size % 2 == 0:
            raise ValueError(
                f"{given} must hold odd numbers of 1 or more, so that a field has a centre, but "
                f"holds {size!r}."
            )
        if size > max(height, width):
            field, image = f"{size} x {size}", f"image of {height} x {width}"
            if min(height, width) == 1:
                field, image = f"{size}", f"series of {max(height, width)}"
            raise ValueError(
                f"{given}: a field of {field} is larger than the {image} places. Give a smaller "
                "field, or None for a full layer."
            )
        if not is_grid:
            raise ValueError(
                f"{given}: a layer with local connections follows a full layer, whose units have "
                "no places. Give None for all layers that follow."
            )
        # A field of 2 n - 1 places reaches from each of n places to all others.
        field = (min(int(size), 2 * height - 1), min(int(size), 2 * width - 1))
        grids.append(Grid(height, width, channels, field, n, n_labels))
        channels, n_labels = n, 0
    return grids + [None] * (len(n_units) - n_local)


def empty_like(W):
    """Return new weights of the same kind and shape as ``W``."""
    return np.empty_like(W) if isinstance(W, np.ndarray) else W.empty_like()


def arrays_of(W):
    """Return the arrays that hold weights, whichever kind they are."""
    return [W] if isinstance(W, np.ndarray) else W.arrays


def write_products(X, Y, out):
    """Write X^T Y to weights of any kind, for rows of inputs and rows of outputs."""
    if isinstance(out, np.ndarray):
        np.matmul(X.T, Y, out=out)
    else:
        out.write_products(X, Y)


def _by_rows(kernel, X, n_outputs, dtype):
    """Return rows with ``n_outputs`` entries, which a kernel computes from rows ``X``.

    Blocks of rows run in the threads that BLAS would use.

    Parameters
    ----------
    kernel : callable
        A function of two arrays with a row in each column. The first array holds rows of ``X``,
        and the function writes to the second array.
    X : ndarray of shape (n_rows, n_columns) or (n_columns,)
    n_outputs : int
    dtype : numpy dtype
    """
    if X.ndim == 1:
        return _by_rows(kernel, X[None], n_outputs, dtype)[0]
    X = X.astype(dtype, copy=False)
    out = np.empty((len(X), n_outputs), dtype=dtype)
    n_threads = n_free_threads()
    n_blocks = max(-(-len(X) // ROWS_TOGETHER), min(n_threads, len(X) // FEWEST_ROWS), 1)
    edges = np.linspace(0, len(X), n_blocks + 1).astype(int)

    def multiply(i):
        block = slice(edges[i], edges[i + 1])
        columns = turned(X[block])
        found = np.empty((n_outputs, columns.shape[1]), dtype=dtype)
        kernel(columns, found)
        local.turn(found, out[block])

    _in_threads(multiply, n_blocks, n_threads)
    return out


def turned(X):
    """Return the transpose of rows ``X`` as an array in C order."""
    if X.strides[0] < X.strides[1]:
        return np.ascontiguousarray(X.T)
    out = np.empty(X.shape[::-1], dtype=X.dtype)
    local.turn(np.ascontiguousarray(X), out)
    return out


def _in_threads(function, n, n_threads):
    """Call ``function(i)`` for i from 0 to n - 1, in threads."""
    if min(n, n_threads) <= 1:
        for i in range(n):
            function(i)
        return
    with ThreadPoolExecutor(min(n, n_threads)) as pool:
        list(pool.map(function, range(n)))
