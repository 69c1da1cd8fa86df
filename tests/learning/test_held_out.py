"""Learning times that are chosen on held-out rows."""

import numpy as np
import pytest

from sklearn_activation._learning import held_out
from sklearn_activation._learning.moments import Moments
from sklearn_activation._learning.sharpness import fit_sharpness
from sklearn_activation._learning.time_rules import GivenTimes
from sklearn_activation._rows.encoded import EncodedRows
from sklearn_activation._rows.unit import UnitEncoding

from .. import naive
from ..tables import blobs
from ..tasks import fold_of, solve_flow, task

SIZES = (8, 6)
NAMES = "labels", "weight"


def labelled(n=150, seed=0):
    """Unit rows of three clusters with their labels, of weights 1 to 3."""
    X, y = blobs(n, seed=seed)
    weight = np.random.default_rng(seed).integers(1, 4, n).astype(float)
    return EncodedRows(X, UnitEncoding(7), labels=y, n_labels=3, weight=weight)


@pytest.fixture(scope="module")
def halves():
    rows = labelled()
    is_held = np.arange(150) % 3 == 0
    return rows.take(~is_held), rows.take(is_held)


# -- folds -------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [(12,), SIZES, (8, 7, 6)])
@pytest.mark.parametrize("activation", ["abs", "std_abs"])
def test_activations_of_held_out_rows_are_those_of_a_network_of_the_others(
    halves, sizes, activation
):
    """Trained anew for each of several times of the last layer; every label tried."""
    train, held = halves
    hidden, last = (30.0, 60.0)[: len(sizes) - 1], np.array([2.0, 50.0, 1e4])
    fold = fold_of(train, held, sizes, activation=activation)
    for t in hidden:
        fold = fold.grow(t)
    found = fold.energies(last)
    assert found.shape == (len(held), 3, 3)
    for k, t in enumerate(last):
        times = (*hidden, t)
        network = solve_flow(
            train,
            sizes=sizes,
            activation=activation,
            rule=GivenTimes(times),
        ).network
        expected = naive.label_energies(network, held.data(), 3)
        np.testing.assert_allclose(found[:, :, k], expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("n, n_folds", [(150, 5), (500, 3), (2500, 1)])
def test_as_many_folds_as_it_takes_to_hold_out_300_rows(n, n_folds):
    rows = labelled(n)
    numbers = np.random.default_rng(1).integers(5, size=n)
    folds = held_out.cross_validate(rows, numbers, task(SIZES))
    assert len(folds) == n_folds
    for k, fold in enumerate(folds):
        held, learned = numbers == k, numbers != k
        np.testing.assert_array_equal(fold.held, rows.take(held).data())
        np.testing.assert_array_equal(fold.labels, rows.labels[held])
        np.testing.assert_array_equal(fold.rows, rows.take(learned).encode())


def test_folds_without_rows_are_left_out():
    rows = labelled(30)
    numbers = np.where(np.arange(30) < 15, 1, 3)
    folds = held_out.cross_validate(rows, numbers, task(SIZES))
    assert [len(fold.labels) for fold in folds] == [15, 15]
    assert held_out.cross_validate(rows, np.zeros(30, int), task(SIZES)) == []


def test_the_last_layer_forgets_held_out_rows(halves):
    """Its moments count all rows; those held out are taken away again."""
    train, held = halves
    asked = task(SIZES)
    everything = labelled()
    found = solve_flow(everything, sizes=SIZES)
    lower = found.network.without_last()
    moments = Moments(**found.state["moments"][-1])
    fold = held_out.last_layer_fold(held, moments, lower, asked)
    rest = Moments(SIZES[0]).add(lower.hidden(train.encode(), 1), train.weight)
    values, _ = rest.decompose()
    np.testing.assert_allclose(fold.layer.spectrum.values, values, rtol=1e-7, atol=1e-10)
    np.testing.assert_array_equal(fold.held, lower.label_rows(held.data()))
    np.testing.assert_array_equal(fold.labels, held.labels)


# -- times -------------------------------------------------------------------------------


def test_the_last_time_is_the_best_on_the_path(halves):
    """Of held-out log-losses by plain loops, with a sharpness of its own for each time."""
    train, held = halves
    fold = fold_of(train, held, SIZES).grow(30.0)
    path = 10.0 ** np.arange(0, 5)
    t, loss, (sharpness, typical) = held_out.choose_last_time([fold], path)
    energies = fold.energies(path)
    losses = [fit_sharpness(energies[:, :, k], held.labels, held.weight) for k in range(5)]
    assert t == path[np.argmin([found for _, found in losses])]
    at = list(path).index(t)
    assert (sharpness, loss) == pytest.approx(losses[at])
    expected = naive.log_loss(sharpness, energies[:, :, at], held.labels, held.weight)
    assert loss == pytest.approx(expected)
    # Nearly all held-out rows activate the network as much as a typical one.
    reached = energies[:, :, at].max(axis=1) >= typical
    assert 0.97 < held.weight @ reached / held.weight.sum() <= 1


def test_folds_are_judged_together(halves):
    train, held = halves
    folds = [fold_of(*pair, SIZES).grow(30.0) for pair in ((train, held), (held, train))]
    path = 10.0 ** np.arange(0, 5)
    t, loss, (sharpness, _) = held_out.choose_last_time(folds, path)
    energies = np.concatenate([fold.energies([t])[:, :, 0] for fold in folds])
    labels, weight = (np.concatenate([getattr(r, n) for r in (held, train)]) for n in NAMES)
    expected = naive.log_loss(sharpness, energies, labels, weight)
    assert loss == pytest.approx(expected)


def test_given_times_of_hidden_layers_are_taken(halves):
    fold = fold_of(*halves, (8, 7, 6))
    times, (grown,) = held_out.choose_hidden_times([fold], task((8, 7, 6)), [20.0, 40.0, None])
    assert times == [20.0, 40.0]
    for W, V in zip(grown.network.coefs, fold.grow(20.0).grow(40.0).network.coefs, strict=True):
        np.testing.assert_array_equal(W, V)


@pytest.mark.parametrize("n_folds", [1, 2])
def test_hidden_times_are_no_worse_than_their_neighbours(halves, n_folds):
    """The layer above, at its own best time, loses no less with a tenth or ten times as much."""
    train, held = halves
    folds = [fold_of(*pair, SIZES) for pair in ((train, held), (held, train))][:n_folds]
    (t,), grown = held_out.choose_hidden_times(folds, task(SIZES))
    path = held_out.PATH[::2]
    best = held_out.choose_last_time(grown, path)[1]
    assert len(grown) == n_folds and len(grown[0].network) == 1
    decades = 10.0 ** np.arange(6)
    for factor in (0.1, 10.0):
        if decades[0] <= factor * t <= decades[-1]:
            other = [fold.grow(factor * t) for fold in folds]
            assert held_out.choose_last_time(other, path)[1] >= best - 1e-9


@pytest.mark.parametrize(
    "optimum, tried, best",
    [
        (2.9, [3, 2, 4, 2.5], 3),
        (2.6, [3, 2, 4, 2.5], 2.5),
        (3.4, [3, 2, 4, 3.5], 3.5),
        (1.4, [3, 2, 1, 0, 1.5], 1.5),
        (-3, [3, 2, 1, 0, 0.5], 0),
        (9, [3, 2, 4, 5, 4.5], 5),
    ],
)
def test_hidden_times_are_searched_by_decades_then_halves(monkeypatch, optimum, tried, best):
    """As powers of ten: downhill from the middle, then towards the better neighbour."""
    asked = []

    def loss(grown, path):
        asked.append(np.log10(grown[0]))
        return None, (asked[-1] - optimum) ** 2

    class Fold:
        def grow(self, t):
            return t

    monkeypatch.setattr(held_out, "choose_last_time", loss)
    found, grown = held_out._search([Fold()])
    assert asked == pytest.approx(tried)
    assert np.log10(found) == pytest.approx(best)
    assert grown == [found]
    asked.clear()
    found, grown = held_out._search([Fold(), Fold()])
    decade = round(min(tried[:-1], key=lambda t: abs(t - optimum)))
    assert asked == pytest.approx([*tried[:-1], decade - 0.5, decade + 0.5])
    assert len(grown) == 2
