"""Activations of a layer as if it had not learned some rows, by formulas and without training.

With the averaged flow, the activation without one row is a formula (Sherman & Morrison 1950). The
activation without several rows is a formula, too (Woodbury 1950). With the stopped flow, the
activation without one row is a quadrature.
"""

from dataclasses import dataclass, field

import numpy as np

from .._learning.layer import Spectrum
from .._network import product_energies, row_energies


@dataclass(frozen=True)
class Downdate:
    """A layer, and its activations as if it had not learned the weight of some input rows.

    Parameters
    ----------
    spectrum : Spectrum
    total : float
        The weight of all rows that were learned.
    t : float
        The learning time.
    """

    # Number of steps of the quadrature. 30 steps give five digits for learning times up to 1,000.
    lanczos_steps = 30
    # A share of the weight below this value counts as 0.
    no_share = 1e-9

    spectrum: Spectrum
    total: float
    t: float
    _roots: dict = field(default_factory=dict, repr=False, compare=False)

    def common_root(self, removed, dtype):
        """Return the triangular root of (total C + rest mu)^-1, if it is the same for all rows.

        Here mu = 1 / t, and rest is the weight that remains without a row. If the root differs
        between rows, the result is None.
        """
        spectrum = self.spectrum
        total, rest = self.total, self.total - removed[0]
        if not spectrum.averaged or spectrum.n_units < spectrum.n_inputs:
            return None
        if np.ptp(removed) > 0 or rest <= self.no_share * total:
            return None
        key = float(removed[0]), np.dtype(dtype)
        if key not in self._roots:
            self._roots[key] = self._root(rest).astype(dtype)
        return self._roots[key]

    def _root(self, rest):
        spectrum, ridge = self.spectrum, rest / self.t
        inverse = 1 / (self.total * np.maximum(spectrum.values, 0) + ridge)
        return spectrum.triangular(inverse, 1 / ridge)

    def one_out(self, H, removed, root):
        """Return the activation of each row of ``H`` as if it had not been learned.

        ``removed`` is the learned weight of each row. ``root`` is the result of ``common_root``.
        """
        total = self.total
        rest = np.maximum(total - removed, self.no_share * total)
        if root is not None:  # ``leverage`` is z^T (total C + rest mu)^-1 z
            leverage = product_energies(H, root).astype(np.float64)
            lost = rest / self.t * leverage / np.maximum(1 - removed * leverage, 1e-12)
            energy = row_energies(H).astype(np.float64)
            return energy - (1 - self.spectrum.epsilon) * np.minimum(lost, energy)
        q, inside, beside = self._project(H)
        values = self.spectrum.values[: q.shape[1]]
        if not self.spectrum.averaged:
            filtered = self._quadrature(q, values, removed, rest)
            return filtered + beside
        # The leverage of z is a = z^T (total C + rest mu)^-1 z.
        # The leverage without z is a / (1 - removed a).
        mu = 1 / self.t
        leverage = np.sum(q * q / (total * values + (rest * mu)[:, None]), axis=1)
        lost = rest * mu * leverage / np.maximum(1 - removed * leverage, 1e-12)
        lost[rest <= self.no_share * total] = np.inf  # all that was learned is this row
        return inside - (1 - self.spectrum.epsilon) * np.minimum(lost, inside) + beside

    def group_out(self, H, weight):
        """Return the activation of a group's rows as if none of them had been learned.

        The formula is that of Woodbury (1950).
        """
        q, inside, beside = self._project(H)
        total, values = self.total, self.spectrum.values[: q.shape[1]]
        rest = max(total - weight.sum(), self.no_share * total)
        mu = 1 / self.t
        q /= np.sqrt(total * values + rest * mu)
        learned = np.sqrt(weight)[:, None] * q
        if len(q) <= q.shape[1]:
            cross = learned @ q.T
            kernel = np.eye(len(q)) - learned @ learned.T
            leverage = np.einsum("ij,ij->i", q, q)
            leverage += np.einsum("ij,ij->j", cross, np.linalg.solve(kernel, cross))
        else:
            kernel = np.eye(q.shape[1]) - learned.T @ learned
            leverage = np.einsum("ij,ji->i", q, np.linalg.solve(kernel, q.T))
        lost = np.clip(rest * mu * leverage, 0, inside)
        return inside - (1 - self.spectrum.epsilon) * lost + beside

    def _project(self, H):
        """Return the rows' coordinates along the eigenvectors in use, and two activations.

        The first activation is the squared norm of the coordinates. The second activation is the
        part of the remaining squared norm that the layer passes.
        """
        n = min(self.spectrum.n_units, len(self.spectrum.values))
        q = (H @ self.spectrum.vectors[:, :n].astype(H.dtype)).astype(np.float64)
        inside = np.einsum("ij,ij->i", q, q)
        beside = np.maximum(np.einsum("ij,ij->i", H, H, dtype=np.float64) - inside, 0)
        base = self.spectrum.epsilon if self.spectrum.n_units >= self.spectrum.n_inputs else 0.0
        return q, inside, base * beside

    def _quadrature(self, q, values, removed, rest):
        """Return q^T f(C') q with C' = (total C - removed q q^T) / rest, in the eigenbasis of C.

        The method is Gauss quadrature by the Lanczos recurrence from q (Golub & Meurant 2010).
        """
        inside = np.einsum("ij,ij->i", q, q)
        v = q / np.sqrt(np.maximum(inside, 1e-300))[:, None]
        n_steps = min(self.lanczos_steps, q.shape[1])
        T = np.zeros((len(q), n_steps, n_steps))
        before, beta = np.zeros_like(v), np.zeros(len(q))
        for k in range(n_steps):
            x = self.total * values * v
            x -= (removed * np.einsum("ij,ij->i", q, v))[:, None] * q
            x /= rest[:, None]
            T[:, k, k] = np.einsum("ij,ij->i", x, v)
            x -= T[:, k, k, None] * v + beta[:, None] * before
            beta = np.linalg.norm(x, axis=1)
            beta[beta < 1e-10] = 0.0
            if k + 1 < n_steps:
                T[:, k, k + 1] = T[:, k + 1, k] = beta
            before, v = v, x / np.where(beta > 0, beta, np.inf)[:, None]
        nodes, U = np.linalg.eigh(T)
        return inside * np.einsum("ij,ij->i", self.spectrum.filter(nodes, self.t), U[:, 0] ** 2)


def activation_with(moments, H, t, epsilon, dtype):
    """Return the activation of rows ``H`` by an averaged layer with the statistics ``moments``.

    The layer has as many units as inputs. The activation is the squared norm without the part that
    the triangular root of mu (C + mu)^-1 passes. No eigenvectors are needed.
    """
    gram = moments.rows.T @ moments.rows if moments.gram is None else moments.gram
    C = gram / moments.weight
    C[np.diag_indices_from(C)] += 1 / t
    root = np.linalg.cholesky(np.linalg.inv(C) / t).astype(dtype)
    lost = product_energies(H, root).astype(np.float64)
    return row_energies(H).astype(np.float64) - (1 - epsilon) * lost
