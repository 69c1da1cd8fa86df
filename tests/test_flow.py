"""The closed-form solver against the flow it integrates, and the paper's properties."""

import numpy as np
import pytest

from sklearn_activation import CompetitiveHebbianTransformer, _learning_time
from sklearn_activation._learning.layer import (
    Spectrum,
    activation_curve,
    logistic_filter,
    random_rotation,
)
from sklearn_activation._learning.moments import Moments, absolute_moments
from sklearn_activation._learning.time_rules import kaiser_time

from . import naive

EPSILON = 0.1


def _rows(n_rows=40, n_inputs=6, rank=None, seed=0):
    """Unit rows with a decaying spectrum and a mean that is not zero."""
    rng = np.random.default_rng(seed)
    rank = n_inputs if rank is None else rank
    basis, _ = np.linalg.qr(rng.normal(size=(n_inputs, rank)))
    codes = rng.normal(size=(n_rows, rank)) * 0.7 ** np.arange(rank) + 0.2
    X = codes @ basis.T
    return X / np.linalg.norm(X, axis=1, keepdims=True)


def _spectrum(X, n_units, weight=None, epsilon=EPSILON):
    moments = Moments(X.shape[1]).add(X, weight)
    return Spectrum(*moments.spectrum(), n_units, epsilon)


def _rotation(n_inputs, n_units, seed=1):
    return random_rotation(n_inputs, n_units, seed, np.float64)


def _solved(X, n_units, t, weight=None, epsilon=EPSILON):
    """W(0) and W(t)."""
    spectrum = _spectrum(X, n_units, weight, epsilon)
    Q = _rotation(X.shape[1], n_units)
    return spectrum.weights(0.0, Q), spectrum.weights(t, Q)


# -- the solution ------------------------------------------------------------------


@pytest.mark.parametrize("t", [0.0, 0.3, 10.0, 1e4, 1e300])
@pytest.mark.parametrize("epsilon", [1e-6, 0.1, 0.9])
def test_logistic_filter_is_its_formula(t, epsilon):
    values = np.array([0.0, 1e-9, 0.02, 0.5, 1.0])
    expected = [naive.logistic_filter(value, t, epsilon) for value in values]
    np.testing.assert_allclose(logistic_filter(values, t, epsilon), expected, rtol=1e-12)


def test_logistic_filter_ignores_rounding_below_zero():
    assert logistic_filter(np.array([-1e-3]), 1e6, EPSILON)[0] == pytest.approx(EPSILON)


@pytest.mark.parametrize("shape", [(5, 5), (5, 9), (9, 5), (1, 4), (4, 1)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_rotation_is_orthonormal_and_seeded(shape, dtype):
    Q = random_rotation(*shape, 3, dtype)
    assert Q.shape == shape and Q.dtype == dtype and Q.flags.c_contiguous
    small = Q @ Q.T if shape[0] <= shape[1] else Q.T @ Q
    np.testing.assert_allclose(small, np.eye(min(shape)), atol=1e-5)
    np.testing.assert_array_equal(Q, random_rotation(*shape, 3, dtype))
    assert not np.allclose(Q, random_rotation(*shape, 4, dtype))


@pytest.mark.parametrize("n_units", [6, 7, 20])
def test_start_is_the_rotation(n_units):
    """W(0) = sqrt(epsilon) Q as soon as units suffice."""
    start, _ = _solved(_rows(), n_units, 1.0)
    np.testing.assert_allclose(start, np.sqrt(EPSILON) * _rotation(6, n_units), atol=1e-15)


@pytest.mark.parametrize("n_units", [1, 3, 5])
def test_start_with_fewer_units_spans_the_leading_eigenvectors(n_units):
    X = _rows()
    start, _ = _solved(X, n_units, 1.0)
    _, V = np.linalg.eigh(naive.second_moments(X))
    leading = V[:, ::-1][:, :n_units]
    np.testing.assert_allclose(start @ start.T, EPSILON * leading @ leading.T, atol=1e-13)


@pytest.mark.parametrize("n_units", [6, 9])
@pytest.mark.parametrize("t", [0.5, 5.0, 100.0])
def test_energy_is_a_filter_on_the_spectrum(n_units, t):
    """W W^T = V f(lambda) V^T."""
    X = _rows()
    _, W = _solved(X, n_units, t)
    values, V = np.linalg.eigh(naive.second_moments(X))
    f = np.array([naive.logistic_filter(value, t, EPSILON) for value in values])
    np.testing.assert_allclose(W @ W.T, (V * f) @ V.T, atol=1e-12)


# Units against inputs, and rows that leave directions empty.
CASES = [(6, None), (9, None), (3, None), (1, None), (6, 2), (9, 4), (4, 2), (2, 4)]


@pytest.mark.parametrize("n_units, rank", CASES)
@pytest.mark.parametrize("t", [0.5, 4.0, 12.0])  # the twin needs exp(2 C t) well conditioned
@pytest.mark.parametrize("epsilon", [0.01, 0.1, 0.7])
def test_energy_equals_the_general_closed_form(n_units, rank, t, epsilon):
    X = _rows(rank=rank)
    start, W = _solved(X, n_units, t, epsilon=epsilon)
    expected = naive.projector(naive.second_moments(X), start, t)
    np.testing.assert_allclose(W @ W.T, expected, atol=1e-10)


@pytest.mark.parametrize("n_units, rank", CASES)
@pytest.mark.parametrize("t", [1.0, 8.0])
def test_weights_equal_runge_kutta(n_units, rank, t):
    """W(t) itself, not only W W^T, follows dW/dt = (I - W W^T) C W."""
    X = _rows(rank=rank)
    start, W = _solved(X, n_units, t)
    expected = naive.runge_kutta(naive.second_moments(X), start, t)
    np.testing.assert_allclose(W, expected, atol=1e-10)


def test_general_closed_form_equals_runge_kutta_from_any_start():
    """The twin itself, from a start that is not isotropic."""
    C = naive.second_moments(_rows())
    W0 = np.random.default_rng(2).normal(0, 0.3, (6, 4))
    W = naive.runge_kutta(C, W0, 5.0)
    np.testing.assert_allclose(W @ W.T, naive.projector(C, W0, 5.0), atol=1e-10)


def test_weights_keep_the_precision_of_the_rotation():
    X = _rows()
    for n_units in (4, 6, 9):
        spectrum = _spectrum(X, n_units)
        Q = random_rotation(6, n_units, 1, np.float32)
        W = spectrum.weights(5.0, Q)
        assert W.dtype == np.float32
        np.testing.assert_allclose(W, spectrum.weights(5.0, Q.astype(float)), atol=2e-6)


@pytest.mark.parametrize("n_units", [3, 6, 9])
def test_order_and_sign_of_rows_do_not_matter(n_units):
    X = _rows()
    rng = np.random.default_rng(3)
    other = rng.permutation(X) * rng.choice([-1, 1], (len(X), 1))
    _, W = _solved(X, n_units, 5.0)
    _, same = _solved(other, n_units, 5.0)
    np.testing.assert_allclose(same, W, atol=1e-12)


@pytest.mark.parametrize("n_units", [3, 6, 9])
def test_signs_of_eigenvectors_do_not_matter(n_units):
    values, V = Moments(6).add(_rows()).spectrum()
    Q = _rotation(6, n_units)
    flipped = V * np.array([1, -1, -1, 1, -1, 1])
    one, other = (Spectrum(values, v, n_units, EPSILON).weights(5.0, Q) for v in (V, flipped))
    np.testing.assert_allclose(one, other, atol=1e-14)


def test_basis_of_a_degenerate_eigenspace_does_not_matter():
    """Rows with C = I / 6: any basis is one of eigenvectors."""
    values, Q = np.full(6, 1 / 6), _rotation(6, 8)
    one = Spectrum(values, np.eye(6), 8, EPSILON).weights(5.0, Q)
    other = Spectrum(values, _rotation(6, 6, seed=4), 8, EPSILON).weights(5.0, Q)
    np.testing.assert_allclose(one, other, atol=1e-14)


@pytest.mark.parametrize("n_units, rank", CASES)
def test_energies_equal_those_of_the_weights(n_units, rank):
    """||z W(t)||^2 for many times from one product, rows outside the span included."""
    X = _rows(rank=rank)
    Z = np.vstack([X, _rows(seed=5)])
    times = [0.0, 0.7, 12.0, 1e5]
    spectrum = _spectrum(X, n_units)
    result = spectrum.energies(Z, times)
    Q = _rotation(6, n_units)
    if n_units < 6 and rank is not None and n_units > rank:
        # Spare units start on directions without energy, which energies() leaves out.
        Z, result = X, result[: len(X)]
    for t, column in zip(times, result.T, strict=True):
        np.testing.assert_allclose(column, naive.energies(Z @ spectrum.weights(t, Q)), atol=1e-12)


# -- moments -------------------------------------------------------------------------


def _gram_of(moments):
    return moments.rows.T @ moments.rows if moments.gram is None else moments.gram


def _assert_same_moments(a, b, rtol=1e-10):
    np.testing.assert_allclose(a.weight, b.weight, rtol=rtol)
    gram = _gram_of(b)
    np.testing.assert_allclose(_gram_of(a), gram, atol=rtol * np.abs(gram).max())


def test_moments_are_the_weighted_mean_of_outer_products():
    X, weight = _rows(), np.random.default_rng(6).uniform(0.1, 3, 40)
    moments = Moments(6).add(X[:3], weight[:3]).add(X[3:], weight[3:])
    assert moments.gram is not None
    expected = naive.second_moments(X, weight)
    np.testing.assert_allclose(moments.gram / moments.weight, expected, atol=1e-14)


@pytest.mark.parametrize("weighted", [False, True])
def test_few_rows_and_their_gram_matrix_have_the_same_spectrum(weighted):
    X = _rows(n_rows=5, n_inputs=12)
    weight = np.random.default_rng(7).uniform(0.5, 2, 5) if weighted else None
    kept, condensed = Moments(12).add(X, weight), Moments(12).add(X, weight)
    condensed._condense()
    assert kept.gram is None and condensed.rows is None
    values, V = kept.spectrum()
    gram_values, gram_V = condensed.spectrum()
    assert len(values) == len(gram_values) == 5
    np.testing.assert_allclose(values, gram_values, atol=1e-13)
    np.testing.assert_allclose((V * values) @ V.T, (gram_V * gram_values) @ gram_V.T, atol=1e-13)
    np.testing.assert_allclose(V.T @ V, np.eye(5), atol=1e-10)
    assert kept.trace() == pytest.approx(condensed.trace())


def test_rows_are_kept_until_they_outnumber_columns():
    X = _rows(n_rows=9, n_inputs=8)
    moments = Moments(8)
    for i in range(8):
        moments.add(X[i : i + 1])
        assert len(moments.rows) == i + 1 and moments.gram is None
    moments.add(X[8:])
    assert moments.rows is None
    np.testing.assert_allclose(moments.gram, X.T @ X, atol=1e-14)


@pytest.mark.parametrize("n_rows", [4, 30])
def test_weights_equal_repeated_rows(n_rows):
    X = _rows(n_rows=n_rows, n_inputs=20)
    times = np.random.default_rng(8).integers(1, 4, n_rows)
    weighted = Moments(20).add(X, times.astype(float))
    repeated = Moments(20).add(np.repeat(X, times, axis=0))
    _assert_same_moments(weighted, repeated)
    np.testing.assert_allclose(weighted.spectrum()[0], repeated.spectrum()[0], atol=1e-13)


@pytest.mark.parametrize("sizes", [(2, 3, 2), (2, 30, 3), (30, 20, 40), (5, 5, 30), (0, 4, 9)])
def test_merge_is_associative_and_equals_one_pass(sizes):
    """Whether parts kept their rows or condensed them."""
    X = 100 * _rows(n_rows=sum(sizes), n_inputs=8)
    weight = np.random.default_rng(9).uniform(0.1, 5, len(X))
    cuts = np.cumsum(sizes)[:-1]

    def parts():
        pairs = zip(np.split(X, cuts), np.split(weight, cuts), strict=True)
        return [Moments(8).add(x, w) for x, w in pairs]

    a, b, c = parts()
    left = a.merge(b).merge(c)
    a, b, c = parts()
    right = a.merge(b.merge(c))
    _assert_same_moments(left, right)
    _assert_same_moments(left, Moments(8).add(X, weight))


def test_merge_leaves_the_other_as_it_was():
    X = _rows()
    for n in (3, 30):
        other = Moments(6).add(X[:n])
        before = _gram_of(other).copy()
        Moments(6).add(X[n:]).merge(other).merge(other)
        np.testing.assert_array_equal(_gram_of(other), before)
        assert other.weight == n


@pytest.mark.parametrize("n_first, n_second", [(3, 2), (30, 2), (30, 25)])
def test_without_undoes_add(n_first, n_second):
    X = _rows(n_rows=n_first + n_second)
    weight = np.random.default_rng(10).uniform(0.5, 2, len(X))
    first = Moments(6).add(X[:n_first], weight[:n_first])
    second = Moments(6).add(X[n_first:], weight[n_first:])
    everything = Moments(6).add(X, weight)
    before = _gram_of(everything).copy()
    _assert_same_moments(everything.without(second), first)
    np.testing.assert_array_equal(_gram_of(everything), before)


def test_state_restores_moments():
    X = _rows()
    for n in (3, 30):
        moments = Moments(6).add(X[:n])
        restored = Moments(**moments.state).add(X[n:])
        _assert_same_moments(restored, Moments(6).add(X))


def test_float32_rows_add_up_in_float64():
    X = _rows(n_rows=500)
    moments = Moments(6)
    for block in np.split(X.astype(np.float32), 50):
        moments.add(block, np.ones(len(block)))
    assert moments.gram.dtype == np.float64
    np.testing.assert_allclose(moments.gram / 500, naive.second_moments(X), atol=1e-7)


@pytest.mark.parametrize("n_rows", [5, 200])
def test_directions_without_energy_are_left_out(n_rows):
    X = _rows(n_rows=n_rows, n_inputs=12, rank=3)
    values, V = Moments(12).add(X).spectrum()
    assert len(values) == V.shape[1] == 3
    assert (np.diff(values) <= 0).all()


def test_standards_are_the_moments_of_absolute_outputs():
    rng = np.random.default_rng(11)
    Y, weight = rng.normal(size=(30, 4)), rng.integers(1, 4, 30)
    repeated = np.abs(np.repeat(Y, weight, axis=0))
    blocks = [(Y[part], weight[part].astype(float)) for part in (slice(10), slice(10, None))]
    mean, variance = absolute_moments(blocks, np.float64)
    np.testing.assert_allclose(mean, repeated.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(variance, repeated.var(axis=0), rtol=1e-10)


# -- learning time ---------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.1, 1.0, 1.4])
@pytest.mark.parametrize("n_dead", [0, 5])
def test_kaiser_time_puts_the_cut_off_at_a_share_of_the_mean_eigenvalue(share, n_dead):
    """f = 1/2 there; inputs that are always zero don't count."""
    X = np.hstack([3 * _rows(), np.zeros((40, n_dead))])
    t = kaiser_time(Moments(6 + n_dead).add(X), share)
    mean_eigenvalue = (X**2).sum() / len(X) / 6
    assert naive.logistic_filter(share * mean_eigenvalue, t, EPSILON) == pytest.approx(0.5)


@pytest.mark.parametrize("n_inputs", [1, 2, 6])
def test_kaiser_time_of_few_inputs_has_a_quarter_of_all_energy_learned(n_inputs):
    X = _rows()[:, :n_inputs]
    t = kaiser_time(Moments(n_inputs).add(X), 2.0)
    energy = (X**2).sum() / len(X)
    assert naive.logistic_filter(energy / 4, t, EPSILON) == pytest.approx(0.5)


def test_kaiser_time_of_zero_rows_is_finite():
    assert kaiser_time(Moments(4).add(np.zeros((3, 4)))) == 1.0


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
        def grown(self, t):
            return t

    monkeypatch.setattr(_learning_time, "choose_last_time", loss)
    found, grown = _learning_time._search([Fold()])
    assert asked == pytest.approx(tried)
    assert np.log10(found) == pytest.approx(best)
    assert grown == [found]
    asked.clear()
    found, grown = _learning_time._search([Fold(), Fold()])
    decade = round(min(tried[:-1], key=lambda t: abs(t - optimum)))
    assert asked == pytest.approx([*tried[:-1], decade - 0.5, decade + 0.5])
    assert len(grown) == 2


# -- the paper's properties (section II.C, appendix A) ----------------------------------


def _principal_error(X, n_components):
    """PCA's, not centred: the energy in the other singular values."""
    singular = np.linalg.svd(X, compute_uv=False)
    return (singular[n_components:] ** 2).sum() / len(X)


def _reconstruction_error(X, W):
    return naive.energies(X - X @ W @ W.T).mean()


@pytest.mark.parametrize("n_units", [1, 2, 4])
def test_properties_1_and_2_reconstruction_approaches_that_of_pca(n_units):
    X = _rows()
    times = [1, 10, 100, 1e3, 1e4]
    errors = [_reconstruction_error(X, _solved(X, n_units, t)[1]) for t in times]
    best = _principal_error(X, n_units)
    assert best > 1e-3
    assert (np.diff(errors) <= 1e-12).all() and errors[0] > best + 1e-3
    assert errors[-1] == pytest.approx(best, abs=1e-10)


def test_property_2_components_are_not_orthogonal():
    X = _rows()
    spectrum = _spectrum(X, 8)
    W = spectrum.weights(1e4, _rotation(6, 8))
    products = W.T @ W
    assert np.abs(products - np.diag(np.diag(products))).max() > 0.1


@pytest.mark.parametrize("n_units, rank", [(1, 6), (4, 6), (6, 6), (3, 3), (2, 4)])
def test_property_3_squared_weights_converge_to_the_number_of_units(n_units, rank):
    X = _rows(rank=rank)
    _, W = _solved(X, n_units, 1e5)
    assert (W**2).sum() == pytest.approx(n_units, abs=1e-8)


@pytest.mark.parametrize("n_units", [2, 6, 10])
def test_property_3_long_trained_weights_are_stable(n_units):
    """C W = W W^T C W (eq. 21), which weights on their way do not satisfy."""
    X = _rows()
    C = naive.second_moments(X)
    _, early = _solved(X, n_units, 2.0)
    _, late = _solved(X, n_units, 1e5)
    assert np.abs(naive.velocity(C, early)).max() > 1e-3
    assert np.abs(naive.velocity(C, late)).max() < 1e-10


def test_property_3_rotating_the_units_of_a_solution_gives_another():
    X = _rows()
    _, W = _solved(X, 3, 1e5)
    turned = W @ _rotation(3, 3, seed=12)
    assert np.abs(turned - W).max() > 0.1
    assert np.abs(naive.velocity(naive.second_moments(X), turned)).max() < 1e-10


@pytest.mark.parametrize("n_units", [2, 6, 10])
@pytest.mark.parametrize("t", [0.5, 10, 1e6])
def test_property_4_activation_is_bounded_by_the_input(n_units, t):
    """||y||^2 <= ||x||^2 for any x, typical or not."""
    _, W = _solved(_rows(), n_units, t)
    Z = 3 * np.random.default_rng(13).normal(size=(200, 6))
    assert (naive.energies(Z @ W) <= naive.energies(Z) * (1 + 1e-12)).all()


def test_property_4_activation_tells_how_well_a_row_is_reconstructed():
    X = _rows(n_rows=300)
    _, W = _solved(X, 3, 1e5)
    error = naive.energies(X - X @ W @ W.T)
    np.testing.assert_allclose(naive.energies(X @ W), 1 - error, atol=1e-8)


def test_property_5_activation_measures_the_distance_to_the_typical_space():
    """||y||^2 = ||x||^2 - d(x, V)^2 with V the leading eigenvectors' span (eq. 30)."""
    X = _rows()
    _, V = np.linalg.eigh(naive.second_moments(X))
    leading = V[:, -3:]
    Z = np.random.default_rng(14).normal(size=(50, 6))
    distance = np.linalg.norm(Z - Z @ leading @ leading.T, axis=1)
    _, W = _solved(X, 3, 1e6)
    np.testing.assert_allclose(naive.energies(Z @ W), naive.energies(Z) - distance**2, atol=1e-9)


@pytest.mark.parametrize("n_units", [2, 6])
@pytest.mark.parametrize("t", [1.0, 5.0, 50.0])
def test_property_5_typical_rows_activate_more(n_units, t):
    """Rows of the training distribution against directions drawn at random."""
    _, W = _solved(_rows(), n_units, t)
    typical = naive.energies(_rows(n_rows=400, seed=0)[40:] @ W)
    atypical = np.random.default_rng(15).normal(size=(400, 6))
    atypical /= np.linalg.norm(atypical, axis=1, keepdims=True)
    more = typical[:, None] > naive.energies(atypical @ W)[None]
    assert more.mean() > 0.65


@pytest.mark.parametrize("n_units", [2, 6, 10])
def test_mean_activation_grows_with_learning_time(n_units):
    X = _rows()
    times = np.geomspace(0.01, 1e3, 30)
    means = _spectrum(X, n_units).energies(X, times).mean(axis=0)
    assert (np.diff(means) > -1e-14).all() and means[-1] > means[0] + 0.3


@pytest.mark.parametrize("n_units, rank", CASES)
def test_activation_curve_is_the_mean_activation(n_units, rank):
    X = _rows(rank=rank)
    spectrum = _spectrum(X, n_units)
    curve = activation_curve(spectrum, 20.0)
    assert len(curve) == 20
    expected = spectrum.energies(X, np.linspace(1, 20, 20)).mean(axis=0)
    np.testing.assert_allclose(curve, expected, atol=1e-12)


def test_estimator_ends_at_the_flow_of_its_unit_rows():
    """Weighted rows of any length, through the public interface."""
    rng = np.random.default_rng(16)
    X = _rows() * rng.uniform(0.1, 50, (40, 1))
    weight = rng.uniform(0.5, 2, 40)
    flow = CompetitiveHebbianTransformer(9, learning_time=6.0, random_state=0)
    W = flow.fit(X, sample_weight=weight).coefs_[0]
    C = naive.second_moments(_rows(), weight)
    expected = naive.projector(C, np.sqrt(EPSILON) * np.eye(6), 6.0)
    np.testing.assert_allclose(W @ W.T, expected, atol=1e-12)
    assert flow.activation_curve_[-1] == pytest.approx(np.trace(C @ expected))
