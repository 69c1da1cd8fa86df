"""Probabilities from activations, against plain loops and a search by SciPy."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from sklearn_activation._learning.sharpness import (
    Certainty,
    fit_certainty,
    fit_sharpness,
    log_losses,
)

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


def searched(energies, labels, weight, unknown_rows):
    """Sharpness by Brent's search over the logarithm."""
    found = minimize_scalar(
        lambda log: naive.penalised_log_loss(np.exp(log), energies, labels, weight, unknown_rows),
        bounds=(-5, 8),
        method="bounded",
        options={"xatol": 1e-7},
    )
    return np.exp(found.x)


@pytest.mark.parametrize("n_labels", [2, 3, 6])
@pytest.mark.parametrize("gap, unknown_rows", [(0.05, 1.0), (0.2, 0.0), (0.5, 0.0), (0.5, 20.0)])
def test_sharpness_is_that_of_a_search(n_labels, gap, unknown_rows):
    energies, labels, weight = problem(n_labels=n_labels, gap=gap, seed=1)
    a, loss = fit_sharpness(energies, labels, weight, unknown_rows=unknown_rows)
    assert a == pytest.approx(searched(energies, labels, weight, unknown_rows), rel=1e-4)
    assert loss == pytest.approx(naive.log_loss(a, energies, labels, weight), rel=1e-10)


def test_one_more_row_of_an_unknown_label_is_the_default():
    energies, labels, weight = problem(gap=0.5)
    a, _ = fit_sharpness(energies, labels, weight)
    assert a == pytest.approx(searched(energies, labels, weight, 1.0), rel=1e-4)
    assert fit_certainty(energies, labels, weight).sharpness == a
    many, _ = fit_sharpness(np.tile(energies, (50, 1)), np.tile(labels, 50), np.tile(weight, 50))
    without, _ = fit_sharpness(energies, labels, weight, unknown_rows=0.0)
    # The more rows there are, the less the one counts.
    assert a < 0.9 * without and 0.99 * without < many < without


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
    """Of likelihoods; how much the prior counts is a matter of the rows that differ."""
    energies, labels, _ = problem()
    times = np.random.default_rng(3).integers(1, 4, 60)
    ours = fit_sharpness(energies, labels, times.astype(float), unknown_rows=0.0)
    repeated = np.repeat(np.arange(60), times)
    ones = np.ones(len(repeated))
    theirs = fit_sharpness(energies[repeated], labels[repeated], ones, unknown_rows=0.0)
    assert ours == pytest.approx(theirs, rel=1e-10)


@pytest.mark.parametrize("factor", [1e-15, 3.0, 1e15])
def test_a_factor_that_all_weights_share_changes_nothing(factor):
    energies, labels, weight = problem()
    ours = fit_certainty(energies, labels, factor * weight)
    assert ours == pytest.approx(fit_certainty(energies, labels, weight), rel=1e-10)


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


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_the_prior_keeps_the_sharpness_of_rows_without_a_mistake_finite(scale):
    """Each row's mistake is as likely as the prior says, whatever the size of activations."""
    energies, labels, _ = problem(n=30, n_labels=3, gap=5.0)
    a, loss = fit_sharpness(scale * energies, labels, np.ones(30))
    assert scale * a == pytest.approx(searched(energies, labels, np.ones(30), 1.0), rel=1e-4)
    assert 1e-4 < loss < 0.05
    without, nothing = fit_sharpness(scale * energies, labels, np.ones(30), unknown_rows=0.0)
    assert np.isfinite(without) and without > 3 * a and 0 <= nothing < 1e-4


@pytest.mark.parametrize("n_labels", [2, 5])
def test_the_least_typical_fiftieth_of_rows_lies_below(n_labels):
    rng = np.random.default_rng(4)
    energies, weight = rng.random((1000, n_labels)), rng.uniform(0.5, 2, 1000)
    certainty = Certainty.of(energies, weight, 3)
    assert certainty.sharpness == 3
    below = energies.max(axis=1) < certainty.typical
    assert weight[below].sum() / weight.sum() == pytest.approx(0.02, abs=0.002)


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
