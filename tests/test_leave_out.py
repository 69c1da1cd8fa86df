"""Scores of rows without themselves: formula and quadrature against training anew."""

import numpy as np
import pytest

from sklearn_activation import ActivationAnomalyDetector, _flow
from sklearn_activation._detection.leave_out import N_FOLDS, LastLayer, copy_weight, mass_of
from sklearn_activation._learning.task import Solution
from sklearn_activation._network import Network, product_energies
from sklearn_activation._rows.encoded import EncodedRows
from sklearn_activation._rows.sample import mixed_hashes, row_hashes
from sklearn_activation._rows.unit import UnitEncoding

from .encodings import fourier_encoding

EPSILON = 0.1


class Plan:
    """What a ``LastLayer`` asks of a task."""

    n_jobs = None

    def __init__(self, size, dtype):
        self.sizes, self.dtype = [size], np.dtype(dtype)


def encoding_of(X):
    options = {"bandwidth": 1.5, "n_frequencies": 12, "standardize": False, "bent": False}
    return fourier_encoding(X.astype(float), **options)


def solved(rows, n_units, t, averaged):
    """The last layer of a solution for encoded rows, without weights."""
    moments = _flow.Moments(rows.n_inputs).add(rows.encode(), rows.weight)
    spectrum = _flow.Spectrum(*moments.spectrum(), n_units, EPSILON, averaged)
    network = Network([np.eye(rows.n_inputs, n_units)], "abs", [])
    state = {"moments": [moments.state]}
    solution = Solution(network, [t], 1, np.empty(0), state, spectrum)
    return LastLayer.of(solution, Plan(n_units, rows.dtype))


def refitted(rows, n_units, t, averaged, removed, index):
    """Activation of row ``index`` after training anew, less the weight ``removed`` of each."""
    weight = rows.weight - removed
    kept = weight > 1e-12
    rest = EncodedRows(rows.X[kept], rows.encoding, weight=weight[kept], dtype=rows.dtype)
    layer = solved(rest, n_units, t, averaged)
    return layer.scores(rows, np.array([index]))[0]


def tables():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    copies = X[rng.integers(20, size=60)]
    weight = rng.uniform(0.2, 3, size=60)
    return {
        "rows": (X, np.ones(60)),
        "weighted rows": (X, weight),
        "counted copies": (X, rng.integers(1, 5, size=60).astype(float)),
        "duplicates": (copies, np.ones(60)),
        "fewer rows than inputs": (X[:15], np.ones(15)),
        "wide": (rng.normal(size=(20, 50)), np.ones(20)),
        "discrete": ((rng.random((60, 3)) < 0.2) * 1.0, np.ones(60)),
    }


@pytest.mark.parametrize("name", tables())
@pytest.mark.parametrize("n_units", [24, 30])
@pytest.mark.parametrize("encoding", ["fourier", "unit"])
def test_formula_equals_training_anew(name, n_units, encoding):
    X, weight = tables()[name]
    if encoding == "unit":
        n_units += X.shape[1] - 24
    kind = encoding_of(X) if encoding == "fourier" else UnitEncoding(X.shape[1])
    rows = EncodedRows(X, kind, weight=weight)
    found = solved(rows, n_units, 300.0, True).scores_without(rows)
    removed = copy_weight(weight)
    for i in range(0, len(X), 7):
        out = np.where(np.arange(len(X)) == i, removed, 0)
        expected = refitted(rows, n_units, 300.0, True, out, i)
        assert found[i] == pytest.approx(expected, abs=1e-8)


def test_formula_in_single_precision():
    X, weight = tables()["rows"]
    kind = encoding_of(X)
    double = EncodedRows(X.astype(np.float32), kind, weight=weight)
    single = EncodedRows(X.astype(np.float32), kind, weight=weight, dtype=np.float32)
    found, expected = (solved(r, 24, 300.0, True).scores_without(r) for r in (single, double))
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("averaged", [True, False])
def test_folds_are_left_out_where_units_are_fewer_than_directions(averaged):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(200, 2))
    rows = EncodedRows(X, encoding_of(X))
    layer = solved(rows, 12, 300.0, averaged)
    fold_of = mixed_hashes(row_hashes(X, np.zeros(200))) % N_FOLDS
    found = layer.scores_without(rows)
    for i in range(0, 200, 37):
        out = (fold_of == fold_of[i]) * 1.0
        assert found[i] == pytest.approx(refitted(rows, 12, 300.0, averaged, out, i), abs=1e-8)


@pytest.mark.parametrize("t", [3.0, 30.0, 300.0])
@pytest.mark.parametrize("name", ["rows", "weighted rows", "duplicates"])
def test_quadrature_of_the_stopped_flow(name, t):
    X, weight = tables()[name]
    rows = EncodedRows(X, encoding_of(X), weight=weight)
    found = solved(rows, 24, t, False).scores_without(rows)
    removed = copy_weight(weight)
    for i in range(0, len(X), 7):
        out = np.where(np.arange(len(X)) == i, removed, 0)
        expected = refitted(rows, 24, t, False, out, i)
        assert found[i] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("averaged", [True, False])
@pytest.mark.parametrize("unit_size", [4, 30])
def test_units_are_left_out_whole(unit_size, averaged):
    X, weight = tables()["weighted rows"]
    rows = EncodedRows(X, encoding_of(X), weight=weight)
    units = np.arange(60) // unit_size
    found = solved(rows, 24, 30.0, averaged).scores_without(rows, units)
    for unit in np.unique(units):
        out = np.where(units == unit, weight, 0)
        for i in np.flatnonzero(units == unit)[::3]:
            expected = refitted(rows, 24, 30.0, averaged, out, i)
            assert found[i] == pytest.approx(expected, abs=1e-8)


def test_rows_that_left_the_statistics_are_scored_as_they_are():
    X, weight = tables()["rows"]
    rows = EncodedRows(X, encoding_of(X), weight=weight)
    layer, gone = solved(rows, 24, 300.0, True), np.arange(60) < 5
    layer.leave_out = lambda *_: None  # its network has no weights here
    layer.moments = layer._moments_without(rows, gone)
    layer.spectrum = layer._spectrum_of(layer.moments)
    found = layer.scores_without(rows, unlearned=gone)
    rest = rows.take(~gone)
    alone = solved(rest, 24, 300.0, True)
    np.testing.assert_allclose(found[~gone], alone.scores_without(rest), atol=1e-8)
    np.testing.assert_allclose(found[gone], alone.scores(rows, np.flatnonzero(gone)), atol=1e-8)


# -- weights ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "weight, expected",
    [
        ([1, 1, 1], [1, 1, 1]),
        ([1, 2, 3], [1, 1, 1]),
        ([2, 3], [1, 1]),
        ([2, 4, 6], [2, 2, 2]),
        ([0.5, 1.5], [0.5, 0.5]),
        ([0.3, 1.0, 2.0], [0.3, 1.0, 2.0]),
        ([1e200, 3e200], [1e200, 1e200]),
        ([1e-46, 1e-46], [1e-46, 1e-46]),
    ],
)
def test_weight_of_one_copy(weight, expected):
    np.testing.assert_allclose(copy_weight(np.array(weight, float)), expected)


def test_mass_is_the_number_of_independent_rows():
    np.testing.assert_allclose(mass_of(np.array([1.0, 2, 3]), None), [1, 2, 3])
    np.testing.assert_allclose(mass_of(np.array([5.0, 10, 15]), None), [1, 2, 3])
    weight = np.array([1.0, 0.3, 0.7])
    mass = mass_of(weight, None)
    assert mass.sum() == pytest.approx(weight.sum() ** 2 / (weight**2).sum())
    np.testing.assert_allclose(mass / mass.sum(), weight / weight.sum())
    units = np.array([0, 0, 0, 1, 1, 1])
    assert mass_of(np.ones(6), units).sum() == pytest.approx(2)


# -- the detector ------------------------------------------------------------------------

GIVEN = {"standardize": False, "bandwidth": 1.5, "n_frequencies": 24, "random_state": 0}


@pytest.mark.parametrize("weighted", [False, True])
def test_training_scores_are_those_of_detectors_that_lack_the_row(weighted):
    rng = np.random.default_rng(0)
    X, weight = rng.normal(size=(50, 3)), rng.uniform(0.5, 2, 50) if weighted else np.ones(50)
    detector = ActivationAnomalyDetector(**GIVEN).fit(X, sample_weight=weight)
    assert detector.training_scores_.shape == (50,)
    for i in range(0, 50, 9):
        rest = np.arange(50) != i
        other = ActivationAnomalyDetector(**GIVEN).fit(X[rest], sample_weight=weight[rest])
        expected = other.score_samples(X[i : i + 1])[0]
        assert detector.training_scores_[i] == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_training_rows_are_recognised(dtype):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4)).astype(dtype)
    X[5:9, 1] = np.nan
    X[10] = X[11]
    detector = ActivationAnomalyDetector(random_state=0).fit(X)
    order = rng.permutation(300)
    np.testing.assert_array_equal(
        detector.score_samples(X[order]), detector.training_scores_[order]
    )
    moved = detector.score_samples(X + dtype(0.01))
    assert (moved[20:] > detector.training_scores_[20:]).mean() > 0.9
    noisy = detector.score_samples(X.astype(float) + 1e-13 * rng.normal(size=X.shape))
    if dtype == np.float64:
        np.testing.assert_allclose(noisy, detector.training_scores_, atol=1e-9)


def test_streams_recognise_the_rows_of_their_sample():
    X = np.random.default_rng(0).normal(size=(300, 3))
    whole = ActivationAnomalyDetector(**GIVEN).fit(X)
    stream = ActivationAnomalyDetector(**GIVEN).partial_fit(X[:100]).partial_fit(X[100:])
    np.testing.assert_allclose(stream.score_samples(X), whole.training_scores_, atol=1e-8)
    np.testing.assert_allclose(stream.training_scores_, whole.training_scores_[100:], atol=1e-8)


def test_more_rows_than_are_learned(monkeypatch):
    monkeypatch.setattr("sklearn_activation._detector.N_LEARNED", 400)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 3))
    detector = ActivationAnomalyDetector(**GIVEN).fit(X)
    order = rng.permutation(2000)
    shuffled = ActivationAnomalyDetector(**GIVEN).fit(X[order])
    np.testing.assert_allclose(
        shuffled.training_scores_, detector.training_scores_[order], atol=1e-10
    )
    assert 0.002 < (detector.predict(X) == -1).mean() < 0.025
    assert 0.002 < (detector.predict(rng.normal(size=(4000, 3))) == -1).mean() < 0.025
    both = detector.merge(ActivationAnomalyDetector(**GIVEN).fit(X[:300] + 3))
    assert both._state["moments"][0]["weight"] == pytest.approx(2300)


def test_more_discrete_rows_than_are_learned(monkeypatch):
    monkeypatch.setattr("sklearn_activation._detector.N_LEARNED", 400)
    X = np.random.default_rng(0).integers(4, size=(2000, 3)).astype(float)
    detector = ActivationAnomalyDetector(**GIVEN).fit(X)
    assert np.isfinite(detector.training_scores_).all()
    assert detector._state["moments"][0]["weight"] == pytest.approx(2000)


@pytest.mark.parametrize("n", [4, 9, 40])
def test_products_with_a_triangular_matrix(n):
    rng = np.random.default_rng(0)
    H, W = rng.normal(size=(100, n)), rng.normal(size=(n, n))
    for matrix in (np.tril(W), W, np.tril(W)[:, : n - 1], np.triu(W)):
        expected = ((H @ matrix) ** 2).sum(axis=1)
        np.testing.assert_allclose(product_energies(H, matrix), expected, rtol=1e-12)
        np.testing.assert_allclose(product_energies(H[:2], matrix), expected[:2], rtol=1e-12)


def test_averaged_weights_pass_the_averaged_share():
    """||y||^2 = sum f (v.z)^2 with f = (lambda t + epsilon) / (lambda t + 1), also beside C."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 6)) @ np.diag([3, 2, 1, 0.5, 0.1, 0])
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    values, V = np.linalg.eigh(X.T @ X / 100)
    share = (np.maximum(values, 0) * 50 + EPSILON) / (np.maximum(values, 0) * 50 + 1)
    moments = _flow.Moments(6).add(X)
    Q = _flow.random_rotation(6, 6, 0, np.float64)
    spectrum = _flow.Spectrum(*moments.spectrum(), 6, EPSILON, True)
    W = spectrum.weights(50.0, Q)
    np.testing.assert_allclose(W @ W.T, (V * share) @ V.T, atol=1e-12)
    Z = rng.normal(size=(9, 6))
    expected = ((Z @ V) ** 2) @ share
    np.testing.assert_allclose(spectrum.energies(Z, [50.0])[:, 0], expected, rtol=1e-12)


def test_averaged_share_is_the_mean_of_stopped_linear_flows():
    t, rate = np.arange(0.0, 4000, 0.002), 1 / 40
    density = rate * np.exp(-rate * t)
    for value in (0.001, 0.02, 0.5):
        stopped = 1 - (1 - EPSILON) * np.exp(-value * t)
        mean = (stopped * density).sum() * 0.002
        assert _flow.averaged_filter(value, 40, EPSILON) == pytest.approx(mean, abs=1e-4)
