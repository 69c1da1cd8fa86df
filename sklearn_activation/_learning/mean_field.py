"""The mean field of the learning rule in a layer with local connections.

The weights between inputs and units that are not connected are fixed at zero, and all units that
read an input compete for it. The mean change of the weights is

    dW/dt = M * (C W - W W^T C W)

where M is 1 at connections and 0 elsewhere (paper, eq. 20 with weights fixed at zero). C = E[x
x^T] is not centred. Fields overlap, and no closed form is known. The equation is therefore
integrated in ``N_STEPS`` equal steps of the midpoint method. It depends on the rows by C alone, so
its cost does not grow with their number.

The largest eigenvalues of C would ask for far smaller steps. But a direction whose eigenvalue
exceeds 1 / t many times is learned completely after time t, however large its eigenvalue is. All
eigenvalues are therefore limited to ``LARGEST_EXPONENT`` / t.
"""

import numpy as np

from .._local import turned
from .time_rules import kaiser_time

# The number of steps. A step covers a third of the reciprocal of the largest eigenvalue.
N_STEPS = 24

# The largest product of an eigenvalue and the learning time.
LARGEST_EXPONENT = 8.0


class MeanFieldLayer:
    """A layer with local connections, whose weights follow from the statistics of its inputs.

    Parameters
    ----------
    moments : Moments
        Statistics of the inputs.
    grid : Grid
    epsilon : float
        The layer starts from random weights in which W W^T is about epsilon I.
    seed : tuple of int
    dtype : numpy dtype of the weights
    """

    def __init__(self, moments, grid, epsilon, seed, dtype):
        self.moments = moments
        self.grid = grid
        self.epsilon = epsilon
        self.seed = seed
        self.dtype = dtype
        self._last = None

    def own_time(self):
        """Return the learning time whose cut-off is the mean eigenvalue."""
        return float(kaiser_time(self.moments))

    def weights(self, t):
        """Return the weights after learning time ``t``."""
        return self._integrate(t)[0]

    def curve(self, t):
        """Return the mean activation of the training rows after each step up to time ``t``."""
        return self._integrate(t)[1]

    def _integrate(self, t):
        if self._last is None or self._last[0] != t:
            C, limited = self._matrices(LARGEST_EXPONENT / t)
            W = self.grid.random(self.epsilon, np.random.default_rng(self.seed), self.dtype)
            curve = []
            for _ in range(N_STEPS):
                half = self._slope(W, limited)
                half *= t / N_STEPS / 2
                half += W
                slope = self._slope(half, limited)
                slope *= t / N_STEPS
                W += slope
                curve.append(mean_activation(W, C))
            self._last = t, W, np.array(curve)
        return self._last[1:]

    def _matrices(self, largest):
        """Return C, and C with its eigenvalues limited to ``largest``."""
        C = self.moments.mean().astype(self.dtype)
        values, V = np.linalg.eigh(C)
        above = values > largest
        V, excess = V[:, above], values[above] - largest
        return C, C - (V * excess) @ V.T

    def _slope(self, W, C):
        """Return dW/dt, the weights of M * (C W - W W^T C W)."""
        P = C @ W
        S = P.T @ W
        P -= turned(S @ W.T)
        return self.grid.pick(P)


def mean_activation(W, C):
    """Return the trace of W^T C W, the mean activation of rows with second moments C."""
    return float(
        sum(np.vdot(A, B) for A, B in zip(W.arrays, W.grid.pick(C @ W).arrays, strict=True))
    )
