"""Backpropagation in plain NumPy: layers, the log-loss of a softmax, and Adam.

Layers keep what they need for the way back. All arrays have the precision of the weights.
"""

import numpy as np

BLOCK = 16_384  # entries that Adam changes at a time, so that they stay in the cache
TINY = 1e-30  # below any squared norm, and still a number in single precision


class Squares:
    """Squared outputs, scaled to a mean square of 1: s = (x W)^2, f = sqrt(n_units) s / ||s||.

    These are the features of ``CompetitiveHebbianTransformer`` with ``activation="square"``, but
    for the factor sqrt(n_units).
    """

    def __init__(self, W):
        self.parameters = [W]

    @classmethod
    def random(cls, n_inputs, n_units, rng):
        """Weights that keep the mean square of inputs."""
        return cls(normal(n_inputs, n_units, 1 / n_inputs, rng))

    def forward(self, X):
        (W,) = self.parameters
        self.X, self.Y = X, X @ W
        S = self.Y * self.Y
        norm = np.sqrt(np.maximum(np.einsum("ij,ij->i", S, S), TINY))[:, None]
        self.factor = np.sqrt(W.dtype.type(W.shape[1])) / norm
        self.out = S * self.factor
        return self.out

    def backward(self, G, inputs=True):
        """Gradients by the parameters, and by the inputs, of a loss with gradient G by outputs."""
        (W,) = self.parameters
        along = np.einsum("ij,ij->i", G, self.out)[:, None] / W.shape[1]
        D = 2 * self.Y * self.factor * (G - self.out * along)
        return [self.X.T @ D], (D @ W.T if inputs else None)


class Linear:
    """Outputs x W + b."""

    def __init__(self, W, b):
        self.parameters = [W, b]

    @classmethod
    def random(cls, n_inputs, n_units, rng):
        """Weights after He et al. (2015), and biases of zero."""
        return cls(normal(n_inputs, n_units, 2 / n_inputs, rng), np.zeros(n_units, np.float32))

    def forward(self, X):
        W, b = self.parameters
        self.X = X
        self.out = X @ W
        self.out += b
        return self.out

    def backward(self, G, inputs=True):
        """Gradients by the parameters, and by the inputs, of a loss with gradient G by outputs."""
        W, _ = self.parameters
        return [self.X.T @ G, G.sum(axis=0)], (G @ W.T if inputs else None)


class Rectified(Linear):
    """Outputs max(x W + b, 0)."""

    def forward(self, X):
        return np.maximum(super().forward(X), 0, out=self.out)

    def backward(self, G, inputs=True):
        """Gradients by the parameters, and by the inputs, of a loss with gradient G by outputs."""
        return super().backward(G * (self.out > 0), inputs)


def normal(n_inputs, n_units, variance, rng):
    weights = rng.standard_normal((n_inputs, n_units), dtype=np.float32)
    weights *= np.sqrt(variance)
    return weights


class Network:
    """Layers one after the other; the outputs of the last one are logarithms of chances."""

    def __init__(self, layers):
        self.layers = layers

    @property
    def parameters(self):
        return [P for layer in self.layers for P in layer.parameters]

    def forward(self, X):
        for layer in self.layers:
            X = layer.forward(X)
        return X

    def outputs(self, X, n_rows=2000):
        """Outputs for many rows, block by block."""
        return np.concatenate([self.forward(X[i : i + n_rows]) for i in range(0, len(X), n_rows)])

    def gradients(self, X, y):
        """Gradients of the mean log-loss by all parameters."""
        P = chances(self.forward(X))
        P[np.arange(len(y)), y] -= 1
        P /= len(y)
        found = []
        for i in reversed(range(len(self.layers))):
            here, P = self.layers[i].backward(P, inputs=i > 0)
            found = here + found
        return found


def chances(logits):
    """Softmax of each row."""
    P = np.exp(logits - logits.max(axis=1, keepdims=True))
    P /= P.sum(axis=1, keepdims=True)
    return P


def log_loss(logits, y):
    """Mean of -log p(label)."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    each = np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(y)), y]
    return float(each.mean())


class Adam:
    """Steps of Adam (Kingma & Ba 2015), with decoupled weight decay (Loshchilov & Hutter 2019).

    Parameters change in place. Only matrices decay, and not biases.
    """

    def __init__(self, parameters, rate, decay=0.0, betas=(0.9, 0.999), epsilon=1e-8):
        self.parameters = parameters
        self.rate, self.decay, self.betas, self.epsilon = rate, decay, betas, epsilon
        self.moments = [(np.zeros(P.size, P.dtype), np.zeros(P.size, P.dtype)) for P in parameters]
        self.n_steps = 0

    def step(self, gradients):
        self.n_steps += 1
        first, second = self.betas
        # Both corrections for moments that start at zero, moved into the rate and into epsilon.
        grown = np.sqrt(1 - second**self.n_steps)
        rate = self.rate * grown / (1 - first**self.n_steps)
        epsilon = self.epsilon * grown
        for P, G, (m, v) in zip(self.parameters, gradients, self.moments, strict=True):
            kept = 1 - self.rate * self.decay if P.ndim > 1 else 1
            flat, G = P.reshape(-1), G.reshape(-1)
            for start in range(0, P.size, BLOCK):
                part = slice(start, start + BLOCK)
                g = G[part]
                m[part] *= first
                m[part] += (1 - first) * g
                v[part] *= second
                g *= g
                g *= 1 - second
                v[part] += g
                np.sqrt(v[part], out=g)
                g += epsilon
                np.divide(m[part], g, out=g)
                g *= rate
                if kept < 1:
                    flat[part] *= kept
                flat[part] -= g
