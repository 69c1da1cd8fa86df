"""Probabilities from activations, against plain loops and a search by SciPy."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from sklearn_activation._learning.sharpness import fit_sharpness, log_losses

from .. import naive


def problem(n=60, n_labels=4, seed=0, gap=0.2):
    """Activations of held-out rows with every label, of which the right one is higher by ``gap``.

    With less noise than that in some rows, and more in others, so that some are mistaken.
    """
    rng = np.random.default_rng(seed)
    labels = rng.integers(n_labels, size=n)
    energies = 1.5 + 0.2 * rng.normal(size=(n, n_labels))
    energies[np.arange(n), labels] += gap
    return energies, labels, rng.uniform(0.2, 3, n)


def searched(energies, labels, weight):
    """Sharpness and log-loss by Brent's search over the logarithm."""
    found = minimize_scalar(
        lambda log: naive.log_loss(np.exp(log), energies, labels, weight),
        bounds=(-12, 18),
        method="bounded",
        options={"xatol": 1e-9},
    )
    return np.exp(found.x), found.fun


@pytest.mark.parametrize("n_labels", [2, 4, 11])
@pytest.mark.parametrize("gap", [0.05, 0.2, 0.5])
def test_sharpness_is_that_of_a_search(n_labels, gap):
    energies, labels, weight = problem(n_labels=n_labels, gap=gap, seed=1)
    a, loss = fit_sharpness(energies, labels, weight)
    best, least = searched(energies, labels, weight)
    assert a == pytest.approx(best, rel=1e-4)
    assert loss == pytest.approx(least, rel=1e-8)
    assert loss == pytest.approx(naive.log_loss(a, energies, labels, weight), rel=1e-10)


def test_problems_that_are_solved_together_are_solved_as_alone():
    """Of several learning times at once, and with activations of any magnitude."""
    parts = [problem(seed=seed, gap=gap) for seed, gap in ((0, 0.1), (1, 0.3), (2, 0.6))]
    labels, weight = parts[0][1:]
    energies = np.stack([e for e, *_ in parts], axis=2)
    for k in range(3):
        energies[np.arange(60), labels, k] = parts[k][0].max(axis=1)
    energies[:, :, 2] *= 1e-6
    a, loss = fit_sharpness(energies, labels, weight)
    assert a.shape == loss.shape == (3,)
    for k in range(3):
        alone = fit_sharpness(energies[:, :, k], labels, weight)
        assert (a[k], loss[k]) == pytest.approx(alone, rel=1e-9)
    both = fit_sharpness(energies.reshape(60, 4, 3, 1), labels, weight)
    np.testing.assert_array_equal(both[0][:, 0], a)


def test_weights_are_repetitions():
    energies, labels, _ = problem()
    times = np.random.default_rng(3).integers(1, 4, 60)
    ours = fit_sharpness(energies, labels, times.astype(float))
    repeated = np.repeat(np.arange(60), times)
    theirs = fit_sharpness(energies[repeated], labels[repeated], np.ones(len(repeated)))
    assert ours == pytest.approx(theirs, rel=1e-10)


def test_activations_that_say_nothing_leave_uniform_probabilities():
    energies, labels, weight = problem(n=4000, gap=0.0)
    _, loss = fit_sharpness(energies, labels, np.ones(4000))
    assert np.log(4) - 0.01 < loss <= np.log(4)
    _, loss = fit_sharpness(np.ones((60, 4)), labels[:60], weight[:60])
    assert loss == pytest.approx(np.log(4))


def test_activations_that_mislead_count_for_nothing():
    """The best sharpness that is not negative is 0, of uniform probabilities."""
    energies, labels, weight = problem(gap=-0.3)
    a, loss = fit_sharpness(energies, labels, weight)
    assert 0 <= a < 1e-3
    assert loss == pytest.approx(np.log(4), abs=1e-3)


def test_rows_without_a_mistake_have_no_finite_best_sharpness():
    energies, labels, weight = problem(n_labels=3, gap=5.0)
    a, loss = fit_sharpness(energies, labels, weight)
    assert np.isfinite(a) and 0 <= loss < 1e-3


@pytest.mark.parametrize("a", [0.0, 1.0, 30.0, 1e5])
def test_log_losses_are_their_definition(a):
    energies, labels, _ = problem()
    found = log_losses(a, energies, labels)
    with np.errstate(divide="ignore"):  # the plain softmax is 0 where the sharp one is tiny
        one_by_one = [naive.log_loss(a, energies[[i]], labels[[i]], [1]) for i in range(60)]
    expected = np.array(one_by_one)
    finite = np.isfinite(expected)
    np.testing.assert_allclose(found[finite], expected[finite], rtol=1e-9, atol=1e-12)
    assert np.isfinite(found).all() and (found[~finite] > 700).all()
