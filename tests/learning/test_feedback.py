"""Learning from mistakes: one step, its shortcuts, and what the solver reports."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from sklearn_activation._learning import feedback as _feedback
from sklearn_activation._learning.energies import label_energies
from sklearn_activation._local import Grid
from sklearn_activation._progress import Progress
from sklearn_activation._rows.encoded import EncodedRows
from sklearn_activation._rows.unit import UnitEncoding

from .. import naive
from ..cases import unit_classifier
from ..tables import digits_split
from ..tasks import (
    N_DATA,
    N_LABELS,
    labelled_rows,
    learner,
    local_network,
    masks,
    network_of,
    network_within_one,
    solution,
    solve_with_feedback,
)

# -- one step --------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [(9,), (9, 6), (9, 6, 8), (20, 30)])
def test_step_is_the_rule_on_pairs_of_labels(sizes):
    rows, network = labelled_rows(6), network_within_one(sizes)
    learning = learner(network, rows, 0.5)
    Z, right = rows.data(), rows.labels
    wrong = (right + 1 + np.arange(6) % (N_LABELS - 1)) % N_LABELS
    rates = np.linspace(0.01, 0.06, 6)
    before = [W.copy() for W in network.coefs]
    standards = [
        (mean.copy(), naive.scale_of(mean, variance)) for mean, variance in network.standards
    ]
    A = Z @ before[0][:N_DATA]
    both = np.concatenate([right, wrong])
    layers = learning.forward(np.concatenate([A, A]), both)
    learning.learn(Z, A, both, layers, rates)
    expected = [
        sum(steps)
        for steps in zip(
            *(
                naive.feedback_step(before, standards, "std_abs", z, c, d, r, 0.9)
                for z, c, d, r in zip(Z, right, wrong, rates, strict=True)
            ),
            strict=True,
        )
    ]
    for W, start, step in zip(network.coefs, before, expected, strict=True):
        assert np.abs(step).max() > 1e-4
        assert_allclose(W - start, step, rtol=1e-9, atol=1e-12)


def test_step_with_local_connections_is_the_rule_with_weights_fixed_at_zero():
    rows, network = labelled_rows(6), local_network()
    learning = learner(network, rows, 0.5)
    Z, right = rows.data(), rows.labels
    wrong = (right + 1 + np.arange(6) % (N_LABELS - 1)) % N_LABELS
    rates = np.linspace(0.01, 0.06, 6)
    before = [W.toarray() for W in network.coefs[:2]] + [network.coefs[2].copy()]
    standards = [(mean, naive.scale_of(mean, variance)) for mean, variance in network.standards]
    standards = [tuple(moment.copy() for moment in pair) for pair in standards]
    A = Z @ network.coefs[0][:N_DATA]
    both = np.concatenate([right, wrong])
    layers = learning.forward(np.concatenate([A, A]), both)
    learning.learn(Z, A, both, layers, rates)
    steps = [
        naive.feedback_step(before, standards, "std_abs", z, c, d, r, 0.9)
        for z, c, d, r in zip(Z, right, wrong, rates, strict=True)
    ]
    after = [W.toarray() for W in network.coefs[:2]] + [network.coefs[2]]
    for layer, connected in enumerate(masks()):
        step = np.where(connected, sum(of_row[layer] for of_row in steps), 0)
        assert np.abs(step).max() > 1e-4
        assert_allclose(after[layer] - before[layer], step, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("largest", [1.2, 1.5, 2.0, 5.0, 8.0])
def test_directions_of_local_weights_are_brought_back_towards_one(largest, seed):
    """Only the connections change, and the largest singular values come near to 1."""
    W = Grid(9, 9, 2, (5, 5), 2, n_labels=3).random(0.5, np.random.default_rng(seed), np.float64)
    connected = W.toarray() != 0
    W *= largest / np.linalg.norm(W.toarray(), 2)
    before = np.linalg.svd(W.toarray(), compute_uv=False)
    _feedback._shorten(W)
    after = np.linalg.svd(W.toarray(), compute_uv=False)
    assert before[0] > 0.99 * largest and after[0] < 1.03
    assert_array_equal(W.toarray() != 0, connected)
    # The others move little: they shrink at most as far as the largest one asks, and do not grow.
    assert 0.9 * min(1, 1.2 / largest) < np.median(after) / np.median(before) < 1.01


def image_of(units):
    """A row of inputs or of units at 9 x 9 places, with ones at ``units``."""
    row = np.zeros((9, 9, 2))
    row[units] = 1
    return row.ravel()


@pytest.mark.parametrize("largest", [1.5, 3.0, 50.0])
@pytest.mark.parametrize(
    "inputs, units",
    [
        # One of three labels, and the units that it moves.
        (np.r_[np.zeros(162), 1, 0, 0], np.random.default_rng(2).normal(size=162)),
        # A field and the units in its centre.
        (np.r_[image_of(np.s_[2:7, 2:7]), 0, 0, 0], image_of(np.s_[4, 4])),
    ],
)
def test_one_large_direction_of_local_weights_leaves_the_others(inputs, units, largest):
    """What the network knows in the other directions stays."""
    W = Grid(9, 9, 2, (5, 5), 2, n_labels=3).random(0.5, np.random.default_rng(0), np.float64)
    W *= 0.9 / np.linalg.norm(W.toarray(), 2)
    before = np.linalg.svd(W.toarray(), compute_uv=False)
    grown = W.empty_like()
    grown.write_products(inputs[None], units[None])
    grown *= largest / np.linalg.norm(grown.toarray(), 2)
    W += grown
    assert np.linalg.norm(W.toarray(), 2) > 0.99 * largest
    _feedback._shorten(W)
    after = np.linalg.svd(W.toarray(), compute_uv=False)
    assert after[0] < 1.03
    assert_allclose(after[1:], before[1:], atol=0.1)
    assert 0.98 < np.linalg.norm(after[1:]) / np.linalg.norm(before[1:]) < 1.01


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("largest", [1.5, 3.0, 8.0, 50.0])
def test_a_large_direction_over_the_whole_image_leaves_the_median(largest, seed):
    """Most of such a direction does not lie on connections, and its parts overlap with others."""
    W = Grid(9, 9, 2, (5, 5), 2, n_labels=3).random(0.5, np.random.default_rng(seed), np.float64)
    W *= 0.9 / np.linalg.norm(W.toarray(), 2)
    before = np.linalg.svd(W.toarray(), compute_uv=False)
    grown = W.empty_like()
    grown.write_products(np.r_[np.ones(162), 0, 0, 0][None], np.ones(162)[None])
    grown *= largest / np.linalg.norm(grown.toarray(), 2)
    W += grown
    _feedback._shorten(W)
    after = np.linalg.svd(W.toarray(), compute_uv=False)
    assert after[0] < 1.03
    assert 0.98 < np.median(after) / np.median(before) < 1.2


def test_all_local_weights_are_divided_if_too_many_directions_are_large():
    W = Grid(9, 9, 2, (5, 5), 2, n_labels=3).random(0.5, np.random.default_rng(0), np.float64)
    W *= 200 / np.linalg.norm(W.toarray(), 2)
    _feedback._shorten(W)
    assert_allclose(np.linalg.norm(W.toarray(), 2), 1.2, atol=0.05)


def test_labels_of_a_local_layer_do_not_grow_beyond_one():
    """A label beyond 1 would grow the more it is unlearned."""
    rows, network = labelled_rows(6), local_network()
    labels = network.coefs[0].labels
    U, sizes, V = np.linalg.svd(labels, full_matrices=False)
    labels[:] = U * np.array([1.4, 0.8, *sizes[2:]]) @ V
    learning = learner(network, rows, 0.5)
    fields = network.coefs[0].fields.copy()
    learning.looked[:] = 0
    learning.rivals[:] = (rows.labels[:, None] + 1) % N_LABELS
    learning.visit(np.arange(6), 1e-5, 0)
    after = np.linalg.svd(learning.network.coefs[0].labels, compute_uv=False)
    assert_allclose(after[:2], [1, 0.8], atol=1e-3)
    assert_allclose(learning.network.coefs[0].fields, fields, atol=1e-3)
    assert learning.n_active > 0


def test_a_visit_goes_on_if_weights_cannot_be_brought_back_fully(monkeypatch):
    rows, network = labelled_rows(6), local_network()
    learning = learner(network, rows, 0.5)
    learning.looked[:] = 0
    learning.rivals[:] = (rows.labels[:, None] + 1) % N_LABELS
    n_tries = []
    monkeypatch.setattr(_feedback, "_shorten", n_tries.append)
    energies = network.label_energies(rows.data())
    pairs = np.concatenate([rows.labels[:, None], learning.rivals[:, :1]], axis=1)
    learning.input_energy = 0.9 * np.take_along_axis(energies, pairs, axis=1).max()
    learning.visit(np.arange(6), 1e-3, 0)
    assert len(n_tries) == len(network) + 1  # and the labels after the update
    assert learning.learned > 0 and learning.n_divergences == 0


@pytest.mark.parametrize("learning_rate", [1e6, 1e10, 1e14, 1e20, 1e37])
@pytest.mark.parametrize("is_local", [True, False])
def test_weights_that_diverge_are_never_kept(learning_rate, is_local):
    """150 rows are one update an epoch: ``hold`` sees the weights before any other row does."""
    X, _, y, _ = digits_split(10)
    X, y = X[:150].astype(np.float32), y[:150]
    shape = dict(image_shape=(8, 8), receptive_field=3) if is_local else {}
    sizes = (3, 20) if is_local else (64, 20)
    model = unit_classifier(layer_sizes=sizes, feedback=True, max_iter=3, **shape)
    model.set_params(learning_rate=learning_rate)
    with pytest.warns(ConvergenceWarning, match="diverged"):
        model.fit(X, y)
    start = clone(model).set_params(feedback=False).fit(X, y)
    assert model.score(X, y) > start.score(X, y) - 0.1


@pytest.fixture(scope="module")
def on_digits():
    """A model that tells most digits up to 4 apart, and its rows."""
    X, _, y, _ = digits_split(5)
    return unit_classifier(layer_sizes=(40, 30), feedback=True, max_iter=4).fit(X, y), X, y


@pytest.fixture
def trained(on_digits):
    """Rows of digits and a network that tells most of them apart, free to be changed."""
    model, X, y = on_digits
    rows = EncodedRows(X[:200], UnitEncoding(64), labels=y[:200], n_labels=5)
    return rows, network_of(model).copy(np.float64)


def test_gaps_gains_and_rivals_of_a_visit(trained):
    rows, network = trained
    learning = learner(network, rows, 0.5, batch_size=200)
    index = np.arange(200)
    energies = network.label_energies(rows.data())
    learning.look_around(index, 6, np.random.default_rng(0))
    assert_array_equal(learning.looked, 6)
    right = energies[index, rows.labels]
    gaps = right[:, None] - energies
    gaps[index, rows.labels] = np.inf
    expected = _feedback.draw_rivals(gaps, 0.2, 6, np.random.default_rng(0))
    assert_array_equal(learning.rivals, expected)
    learning.visit(index, 0.7, 6)
    gap = gaps[index, expected[:, 0]]
    assert_allclose(learning.gap, gap)
    assert_allclose(learning.energy, right)
    gain = np.clip(1 - gap / 0.2, 0, 1)
    assert learning.n_active == np.count_nonzero(gain)
    assert 0 < learning.n_active < 200
    assert_allclose(learning.mean_gain, 0.5 + 0.01 * (gain.mean() - 0.5))


def test_rivals_are_drawn_by_how_far_they_come_within_the_gap():
    gaps = np.array([[np.inf, 0.1, -0.1, 0.3], [0.05, 0.9, np.inf, 0.0], [0.7, np.inf, 0.6, 0.9]])
    rivals = _feedback.draw_rivals(gaps, 0.2, 20_000, np.random.default_rng(0))
    shares = [np.bincount(row, minlength=4) / 20_000 for row in rivals]
    assert_allclose(shares[0], [0, 0.25, 0.75, 0], atol=0.02)
    assert_allclose(shares[1], [0.15 / 0.35, 0, 0, 0.2 / 0.35], atol=0.02)
    assert_array_equal(shares[2], [0, 0, 1, 0])


def test_each_epoch_has_a_rival_of_its_own(trained):
    rows, network = trained
    learning = learner(network, rows, 0.5, batch_size=200)
    learning.feedback = replace(learning.feedback, gap=50.0)
    index = np.arange(200)
    learning.look_around(index, 3, np.random.default_rng(0))
    energies = network.label_energies(rows.data())
    for epoch in (3, 5):
        learning.visit(index, 0.0, epoch)
        wrong = learning.rivals[:, epoch - 3]
        gap = energies[index, rows.labels] - energies[index, wrong]
        assert_allclose(learning.gap, gap, atol=1e-9)
    assert (learning.rivals[:, 0] != learning.rivals[:, 2]).mean() > 0.5
    assert (learning.rivals != rows.labels[:, None]).all()


def test_rows_are_looked_at_in_different_epochs(trained):
    """Also where no row rests, so that each epoch sees what has become of all labels."""
    rows, network = trained
    learning = learner(network, rows, learning_rate=1e-9)
    learning.feedback = replace(learning.feedback, gap=50.0)
    rng, shares = np.random.default_rng(0), []
    for epoch in range(13):
        before = learning.looked.copy()
        learning.learn_epoch(epoch, 13, rng)
        shares.append(np.mean(learning.looked != before))
    assert shares[0] == 1
    assert_allclose(shares[1:], 1 / 6, atol=0.08)


def test_rows_with_a_wide_gap_rest_but_not_for_long(trained):
    rows, network = trained
    learning = learner(network, rows, learning_rate=1e-9)
    visits, looks = [], []
    visit_rows = learning._visit

    def recorded(index, rate, epoch):
        visits.append((epoch, index))
        visit_rows(index, rate, epoch)

    learning._visit = recorded
    rng = np.random.default_rng(0)
    for epoch in range(20):
        learning.learn_epoch(epoch, 20, rng)
        looks.append(learning.looked.copy())
    last, longest = np.zeros(200), np.zeros(200)
    for epoch, index in visits:
        longest[index] = np.maximum(longest[index], epoch - last[index])
        last[index] = epoch
    wide = learning.gap > 0.25
    assert 0 < wide.sum() < 200
    shortest, most = _feedback._Learner.rest_epochs
    assert (longest[wide] > shortest).all() and longest.max() == most
    # The moments of |y| move, and a gap near 0.2 may pass this limit.
    assert (longest[learning.gap < 0.15] == 1).mean() > 0.95
    assert 19 - last.min() < most
    stale = max((epoch - looked).max() for epoch, looked in enumerate(looks))
    assert stale < _feedback._Learner.epochs_to_look + most


def test_outline_finds_the_rivals(trained, monkeypatch):
    rows, network = trained
    learning = learner(network, rows)
    outlined, exact = learning.outline()(rows.data()), network.label_energies(rows.data())
    assert 0 < np.abs(outlined - exact).max() < 2 * _feedback._Learner.outlined
    monkeypatch.setattr(_feedback._Learner, "pairs_scored_exactly", 0)
    learning.feedback = replace(learning.feedback, gap=-10.0)  # rivals are the nearest labels
    learning.look_around(np.arange(200), 0, np.random.default_rng(0))
    exact[np.arange(200), rows.labels] = -np.inf
    assert np.mean(learning.rivals == exact.argmax(axis=1)[:, None]) > 0.9


@pytest.mark.parametrize("shape", [(9, 6), (6, 9)])
def test_shorten_sets_singular_values_above_1_to_1(shape):
    rng = np.random.default_rng(0)
    U, s, Vt = np.linalg.svd(rng.normal(size=shape), full_matrices=False)
    s = np.array([1.7, 1.2, 1.01, 1.0, 0.6, 0.1])
    W = (U * s) @ Vt
    _feedback._shorten(W)
    assert_allclose(W, (U * np.minimum(s, 1)) @ Vt, atol=1e-12)


# -- what the solver reports -----------------------------------------------------------


def test_solver_reports_to_progress():
    rows, stops = labelled_rows(60), []

    class Stop(Progress):
        def end(self, line, solution=None):
            stops.append(solution().network.coefs[0])
            return len(stops) == 2

    start = solution(network_within_one(), [1.0, 1.0])
    found = solve_with_feedback(rows, start, progress=Stop())
    assert len(stops) == 2 and found.n_iter == 2
    assert_array_equal(found.network.coefs[0], stops[1])
    assert np.abs(stops[1] - stops[0]).max() > 0


# -- rates and shortcuts -------------------------------------------------------------------


@pytest.mark.parametrize("mean_gain", [0.1, 0.9])
def test_rates_of_a_batch_add_up_to_the_rate_at_most(mean_gain):
    """Also where its rows have more to learn than those so far."""
    rows = labelled_rows(40)
    learning = learner(network_within_one(), rows, mean_gain)
    learning.feedback = replace(learning.feedback, gap=50.0)  # all rows have much to learn
    learning.look_around(np.arange(40), 0, np.random.default_rng(0))
    learning.visit(np.arange(20), 1e-3, 0)
    assert learning.n_active == 20
    assert 0.5e-3 < learning.learned < 1.001e-3


@pytest.mark.parametrize("least", [0.1, 0.6])
def test_outlines_are_exact_where_all_least_eigenvalues_are_equal(least):
    """The least ones become their mean, and are not left out."""
    rows, network = labelled_rows(20), network_within_one((9, 9))
    Q, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(9, 9)))
    network.coefs[1] = Q * np.sqrt(np.where(np.arange(9) < 3, [1.0] * 9, [least] * 9))
    learning = learner(network, rows)
    exact = label_energies(network, rows)
    outlined = label_energies(network, rows, score=learning.outline())
    assert_allclose(outlined, exact, rtol=1e-9)
