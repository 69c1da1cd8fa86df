"""For how long a layer learns."""

import numpy as np
import pytest

from sklearn_activation._learning.moments import Moments
from sklearn_activation._learning.time_rules import kaiser_time

from .. import naive
from ..tables import unit_rows
from ..tasks import EPSILON


@pytest.mark.parametrize("share", [0.1, 1.0, 1.4])
@pytest.mark.parametrize("n_dead", [0, 5])
def test_kaiser_time_puts_the_cut_off_at_a_share_of_the_mean_eigenvalue(share, n_dead):
    """f = 1/2 there; inputs that are always zero don't count."""
    X = np.hstack([3 * unit_rows(), np.zeros((40, n_dead))])
    t = kaiser_time(Moments(6 + n_dead).add(X), share)
    mean_eigenvalue = (X**2).sum() / len(X) / 6
    assert naive.logistic_filter(share * mean_eigenvalue, t, EPSILON) == pytest.approx(0.5)


@pytest.mark.parametrize("n_inputs", [1, 2, 6])
def test_kaiser_time_of_few_inputs_has_a_quarter_of_all_energy_learned(n_inputs):
    X = unit_rows()[:, :n_inputs]
    t = kaiser_time(Moments(n_inputs).add(X), 2.0)
    energy = (X**2).sum() / len(X)
    assert naive.logistic_filter(energy / 4, t, EPSILON) == pytest.approx(0.5)


def test_kaiser_time_of_zero_rows_is_finite():
    assert kaiser_time(Moments(4).add(np.zeros((3, 4)))) == 1.0


@pytest.mark.parametrize("least", [0.05, 0.2, 0.9])
def test_kaiser_time_cuts_off_no_less_than_a_share_of_all_energy(least):
    X = unit_rows()
    t = kaiser_time(Moments(6).add(X), 0.1, least)
    share = max(0.1 / 6, least)
    assert naive.logistic_filter(share, t, EPSILON) == pytest.approx(0.5)


def test_kaiser_time_falls_with_the_rows_energy():
    """Rows twice as long have four times the energy: learning takes a quarter of the time."""
    X = unit_rows()
    short, long = (kaiser_time(Moments(6).add(scale * X)) for scale in (1, 2))
    assert short == pytest.approx(4 * long)
