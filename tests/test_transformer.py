"""The transformer: features, linear codes and the way back from them."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_activation import CompetitiveHebbianTransformer

from . import naive
from .tables import blobs, unit_rows
from .tasks import EPSILON

# -- features --------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["abs", "std_abs", "layer_std_abs", "square"])
@pytest.mark.parametrize("layer_sizes", [3, 12, (9, 5)])
def test_features_are_unit_rows(layer_sizes, activation):
    X, _ = blobs()
    transformer = CompetitiveHebbianTransformer(layer_sizes, activation=activation, random_state=0)
    F = transformer.fit_transform(X)
    assert F.shape == (len(X), np.atleast_1d(layer_sizes)[-1])
    assert_allclose(np.linalg.norm(F, axis=1), 1, rtol=1e-12)


@pytest.mark.parametrize("layer_sizes", [None, 3, (9, 4)])
def test_names_of_features(layer_sizes):
    X, _ = blobs()
    transformer = CompetitiveHebbianTransformer(layer_sizes).fit(X)
    n_features = {None: 7, 3: 3, (9, 4): 4}[layer_sizes]
    assert_array_equal(
        transformer.get_feature_names_out(),
        [f"competitivehebbiantransformer{j}" for j in range(n_features)],
    )


@pytest.mark.parametrize("activation", ["abs", "std_abs", "layer_std_abs", "square"])
@pytest.mark.parametrize("layer_sizes", [12, (9, 5)])
@pytest.mark.parametrize("options", [{}, {"solver": "hebbian", "max_iter": 2}])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_transform_follows_from_documented_attributes(layer_sizes, activation, options):
    """The formula of the docstring gives what ``transform`` returns, row by row."""
    X, _ = blobs()
    model = CompetitiveHebbianTransformer(
        layer_sizes, activation=activation, random_state=0, **options
    ).fit(X)
    features, codes = [], []
    for row in X:
        z = row / np.linalg.norm(row)
        for W, (mean, scale) in zip(model.coefs_, model.standards_, strict=True):
            y = z @ W
            z = naive.activate_row(activation, y, mean, scale)
        features.append(z / np.linalg.norm(z))
        codes.append(y * np.linalg.norm(row))
    assert_allclose(model.transform(X), features, rtol=1e-9, atol=1e-12)
    model.set_params(output="linear")
    assert_allclose(model.transform(X), codes, rtol=1e-9, atol=1e-12)


def test_standards_belong_to_the_absolute_outputs():
    X, _ = blobs()
    model = CompetitiveHebbianTransformer(9, random_state=0)
    assert not hasattr(model, "standards_")
    Z = X / np.linalg.norm(X, axis=1, keepdims=True)
    Y = np.abs(Z @ model.fit(X).coefs_[0])
    ((mean, scale),) = model.standards_
    assert_allclose(mean, Y.mean(axis=0), rtol=1e-9)
    assert_allclose(scale, 1 / Y.std(axis=0), rtol=1e-9)


def test_features_help_a_linear_model():
    """On digits, the features of one layer beat unit rows in a linear model."""
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    features = make_pipeline(
        CompetitiveHebbianTransformer(200, activation="square", random_state=0),
        RidgeClassifier(alpha=1e-3),
    ).fit(X_train, y_train)
    plain = RidgeClassifier().fit(X_train, y_train)
    assert features.score(X_test, y_test) > plain.score(X_test, y_test) + 0.01


# -- linear codes ----------------------------------------------------------------------


def test_linear_codes_are_projections():
    X, _ = blobs()
    transformer = CompetitiveHebbianTransformer(4, output="linear", random_state=0)
    assert_allclose(transformer.fit_transform(X), X @ transformer.coefs_[0], rtol=1e-10)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_linear_codes_of_rows_longer_than_any_number_are_finite(dtype):
    """Two entries near the largest number there is have a norm beyond it."""
    rng = np.random.default_rng(0)
    X = (0.9 * np.finfo(dtype).max * rng.choice([-1.0, 1.0, 0.5], size=(20, 4))).astype(dtype)
    transformer = CompetitiveHebbianTransformer(3, output="linear", random_state=0).fit(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        codes = transformer.transform(X)
    assert codes.dtype == dtype and np.isfinite(codes).all()
    assert (np.abs(codes).max(axis=1) > 0).all()


def test_score_samples_is_the_squared_norm_of_the_code():
    X, _ = blobs()
    transformer = CompetitiveHebbianTransformer(4, output="linear", random_state=0).fit(X)
    energy = (transformer.transform(X) ** 2).sum(axis=1) / (X**2).sum(axis=1)
    assert_allclose(transformer.score_samples(X), energy, rtol=1e-10)
    assert transformer.score(X) == pytest.approx(energy.mean())
    assert np.all(energy <= 1)


@pytest.mark.parametrize("n_units", [7, 12])
def test_inverse_transform_of_a_long_trained_layer(n_units):
    X, _ = blobs()
    X *= np.geomspace(1e-3, 1e3, len(X))[:, None]
    transformer = CompetitiveHebbianTransformer(
        n_units, output="linear", learning_time=1e6, random_state=0
    )
    assert_allclose(transformer.inverse_transform(transformer.fit_transform(X)), X, rtol=1e-6)


def test_inverse_transform_is_as_good_as_principal_components():
    X, _ = load_digits(return_X_y=True)
    Z = X / np.linalg.norm(X, axis=1, keepdims=True)
    _, _, Vt = np.linalg.svd(Z, full_matrices=False)
    best = ((Z - Z @ Vt[:10].T @ Vt[:10]) ** 2).sum(axis=1).mean()
    transformer = CompetitiveHebbianTransformer(
        10, output="linear", learning_time=1e5, random_state=0
    )
    rows = transformer.inverse_transform(transformer.fit_transform(Z))
    assert ((Z - rows) ** 2).sum(axis=1).mean() == pytest.approx(best, rel=1e-6)


@pytest.mark.parametrize(
    "params, error, message",
    [
        ({"output": "activated"}, AttributeError, "inverse_transform"),
        ({"layer_sizes": (5, 4)}, ValueError, "one layer"),
    ],
)
def test_inverse_transform_is_refused(params, error, message):
    X, _ = blobs()
    transformer = CompetitiveHebbianTransformer(5, output="linear").set_params(**params)
    F = transformer.fit_transform(X)
    with pytest.raises(error, match=message):
        transformer.inverse_transform(F)


def test_inverse_transform_of_other_codes_is_refused():
    X, _ = blobs()
    transformer = CompetitiveHebbianTransformer(5, output="linear").fit(X)
    with pytest.raises(ValueError, match=r"4 columns.*5 units"):
        transformer.inverse_transform(X[:, :4])


# -- training --------------------------------------------------------------------------


def test_estimator_ends_at_the_flow_of_its_unit_rows():
    """Weighted rows of any length, through the public interface."""
    rng = np.random.default_rng(16)
    X = unit_rows() * rng.uniform(0.1, 50, (40, 1))
    weight = rng.uniform(0.5, 2, 40)
    flow = CompetitiveHebbianTransformer(9, learning_time=6.0, random_state=0)
    W = flow.fit(X, sample_weight=weight).coefs_[0]
    C = naive.second_moments(unit_rows(), weight)
    expected = naive.projector(C, np.sqrt(EPSILON) * np.eye(6), 6.0)
    np.testing.assert_allclose(W @ W.T, expected, atol=1e-12)
    assert flow.activation_curve_[-1] == pytest.approx(np.trace(C @ expected))


@pytest.mark.parametrize(
    "layer_sizes, learning_time, expected",
    [(5, 3, [3]), ((5, 4), 3, [3, 3]), ((5, 4), (3, 7.5), [3, 7.5]), ([5], [2], [2])],
)
def test_given_learning_times(layer_sizes, learning_time, expected):
    X, _ = blobs()
    transformer = CompetitiveHebbianTransformer(layer_sizes, learning_time=learning_time)
    assert_array_equal(transformer.fit(X).learning_times_, expected)


@pytest.mark.parametrize("scale", [1.0, 300.0])
@pytest.mark.parametrize("output, share", [("activated", 2), ("linear", 1)])
def test_the_transformer_cuts_off_at_twice_the_mean_eigenvalue(output, share, scale):
    """Of unit rows, counting the columns in use; there f / (1 - f) grows ninefold."""
    X = np.random.default_rng(0).normal(size=(50, 9))
    X = scale * np.hstack([X, np.zeros((50, 3))])
    transformer = CompetitiveHebbianTransformer(output=output, random_state=0).fit(X)
    assert_allclose(transformer.learning_times_, np.log(9) / 2 * 9 / share, rtol=1e-6)


def test_convergence_warning():
    X, _ = blobs()
    transformer = CompetitiveHebbianTransformer(
        5, solver="hebbian", learning_time=50.0, max_iter=3, random_state=0
    )
    with pytest.warns(ConvergenceWarning, match="max_iter=3"):
        transformer.fit(X)
    assert transformer.n_iter_ == 3
    assert transformer.learning_times_[0] < 50
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        transformer.set_params(max_iter=1000).fit(X)
    assert_allclose(transformer.learning_times_, 50, rtol=0.02)


@pytest.fixture(scope="module")
def digits():
    return load_digits(return_X_y=True)


def test_merging_layers_with_other_rotations_is_refused(digits):
    X, _ = digits
    one, other = (CompetitiveHebbianTransformer((8, 8), random_state=s).fit(X) for s in (0, 1))
    with pytest.raises(ValueError, match="random_state"):
        one.merge(other)


@pytest.mark.parametrize("scale", [1e300, 1e-300])
def test_float32_models_take_float64_rows_of_any_size(digits, scale):
    X, _ = digits
    transformer = CompetitiveHebbianTransformer(8, random_state=0).fit(X.astype(np.float32))
    np.testing.assert_allclose(
        transformer.score_samples(X[1:50] * scale), transformer.score_samples(X[1:50]), atol=1e-5
    )


# -- as other decompositions -------------------------------------------------------------------


@pytest.mark.parametrize("n_units", [3, 10])
def test_a_layer_that_has_learned_long_spans_the_leading_directions(n_units):
    """Those of the rows as they are, scaled to norm 1 and not centred."""
    X = unit_rows(200, 10)
    transformer = CompetitiveHebbianTransformer(n_units, learning_time=1e6, random_state=0).fit(X)
    W = transformer.coefs_[0]
    _, _, V = np.linalg.svd(X, full_matrices=False)
    assert_allclose(W @ W.T, V[:n_units].T @ V[:n_units], atol=1e-3)


@pytest.mark.parametrize("other", [3, 7])
def test_a_stream_keeps_its_number_of_units(other):
    X, _ = blobs()
    transformer = CompetitiveHebbianTransformer(5, random_state=0).partial_fit(X)
    before = transformer.transform(X)
    with pytest.raises(ValueError, match=r"layer_sizes"):
        transformer.set_params(layer_sizes=other).partial_fit(X)
    assert_array_equal(transformer.transform(X), before)
    transformer.set_params(layer_sizes=5).partial_fit(X)


def test_batches_of_fewer_rows_than_units_learn():
    X, _ = blobs(30)
    whole = CompetitiveHebbianTransformer(6, learning_time=20.0, random_state=0).fit(X)
    parts = clone(whole)
    for rows in np.split(X, [1, 3, 5, 9]):
        parts.partial_fit(rows)
    assert_allclose(parts.transform(X), whole.transform(X), atol=1e-8)


@pytest.mark.parametrize("n_units", [1, 4])
def test_features_of_training_rows_are_those_of_transform(n_units):
    X, _ = blobs()
    for output in ("linear", "activated"):
        transformer = CompetitiveHebbianTransformer(n_units, output=output, random_state=0)
        assert_array_equal(transformer.fit_transform(X), transformer.transform(X))
