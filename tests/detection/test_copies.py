"""How many rows a weight stands for."""

import numpy as np
import pytest

from sklearn_activation._detection.copies import copy_weight, mass_of


@pytest.mark.parametrize(
    "weight, expected",
    [
        ([1, 1, 1], 1),
        ([1, 2, 3], 1),
        ([2, 3], 1),
        ([2, 4, 6], 2),
        ([4, 6, 10], 2),  # multiples of 2, which the least weight does not divide
        ([0.5, 1.5], 0.5),
        ([0.3, 1.0, 2.0], [0.3, 1.0, 2.0]),  # no counts of copies
        ([1e200, 3e200], 1e200),
        ([1e-46, 1e-46], 1e-46),
    ],
)
def test_weight_of_one_copy(weight, expected):
    np.testing.assert_allclose(copy_weight(np.array(weight, dtype=float)), expected)


@pytest.mark.parametrize("weight", [[1.0, 2.0, 3.0], [5.0, 10.0, 15.0]])
def test_copies_count_as_often_as_they_occur(weight):
    np.testing.assert_allclose(mass_of(np.array(weight), None), [1, 2, 3])


def test_unequal_weights_count_for_fewer_rows():
    """As many equal ones as give means of the same variance."""
    weight = np.random.default_rng(0).uniform(0.1, 5, 40)
    mass = mass_of(weight, None)
    assert mass.sum() == pytest.approx(weight.sum() ** 2 / (weight @ weight))
    np.testing.assert_allclose(mass / mass[0], weight / weight[0])


def test_rows_of_a_unit_share_what_it_counts_for():
    units, weight = np.repeat([0, 1, 2], [5, 3, 1]), np.ones(9)
    mass = mass_of(weight, units)
    assert mass.sum() == pytest.approx(81 / (25 + 9 + 1))
    np.testing.assert_allclose(mass, mass[0])
