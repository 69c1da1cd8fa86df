"""What the three estimators promise beyond scikit-learn's interface."""

import re
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine, make_blobs
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_activation import (
    ActivationAnomalyDetector,
    ActivationLearningClassifier,
    CompetitiveHebbianTransformer,
    _network,
)

EXACT = {"rtol": 1e-8, "atol": 1e-8}

# One layer and given learning times: closed-form statistics are all there is.
ONE_LAYER = {
    "transformer": CompetitiveHebbianTransformer(5, learning_time=20.0, random_state=0),
    "transformer-wide": CompetitiveHebbianTransformer(9, learning_time=20.0, random_state=0),
    "transformer-auto": CompetitiveHebbianTransformer(5, random_state=0),
    "classifier-unit": ActivationLearningClassifier(
        12, encoding="unit", learning_time=50.0, random_state=0
    ),
    "detector-unit": ActivationAnomalyDetector(
        encoding="unit", learning_time=20.0, contamination=0.1, random_state=0
    ),
    "detector-fourier": ActivationAnomalyDetector(
        encoding="fourier",
        bandwidth=1.0,
        standardize=False,
        n_frequencies=20,
        learning_time=100.0,
        contamination=0.1,
        random_state=0,
    ),
}
TWO_LAYERS = {
    "transformer": CompetitiveHebbianTransformer((6, 5), random_state=0),
    "classifier": ActivationLearningClassifier((24, 16), n_frequencies=20, random_state=0),
    "classifier-unit": ActivationLearningClassifier(
        (24, 16), encoding="unit", learning_time=(30.0, 100.0), random_state=0
    ),
    "detector": ActivationAnomalyDetector((30, 20), n_frequencies=20, random_state=0),
    "detector-share": ActivationAnomalyDetector(
        (30, 20), n_frequencies=20, contamination=0.1, random_state=0
    ),
}
HEBBIAN = {
    "transformer": CompetitiveHebbianTransformer(
        5, solver="hebbian", max_iter=6, batch_size=16, random_state=0
    ),
    "classifier": ActivationLearningClassifier(
        (16, 12),
        solver="hebbian",
        n_frequencies=20,
        max_iter=6,
        batch_size=16,
        random_state=0,
    ),
    "detector": ActivationAnomalyDetector(
        solver="hebbian", n_frequencies=20, max_iter=6, batch_size=16, random_state=0
    ),
}
ALL = [
    pytest.param(estimator, id=f"{group}-{name}")
    for group, members in (("one", ONE_LAYER), ("two", TWO_LAYERS), ("hebbian", HEBBIAN))
    for name, estimator in members.items()
]


def cases(estimators):
    return [pytest.param(estimator, id=name) for name, estimator in estimators.items()]


def blobs(n_rows=150, n_features=7, n_classes=3, seed=0):
    return make_blobs(
        n_rows, n_features, centers=n_classes, cluster_std=2.0, random_state=seed, shuffle=True
    )


def learn(estimator, X, y, partial=False, **options):
    if not partial:
        return estimator.fit(X, y, **options)
    if isinstance(estimator, ActivationLearningClassifier):
        options["classes"] = [0, 1, 2]
    return estimator.partial_fit(X, y, **options)


def scores(estimator, X):
    """The continuous answer that everything else follows from."""
    if isinstance(estimator, ActivationLearningClassifier):
        return estimator.decision_function(X)
    return estimator.score_samples(X)


def answers(estimator, X):
    methods = "transform", "predict", "predict_proba", "decision_function", "score_samples"
    return {name: getattr(estimator, name)(X) for name in methods if hasattr(estimator, name)}


def assert_same_answers(ours, theirs, X, **tolerance):
    expected = answers(theirs, X)
    for name, values in answers(ours, X).items():
        if tolerance:
            assert_allclose(values, expected[name], err_msg=name, **tolerance)
        else:
            assert_array_equal(values, expected[name], err_msg=name)


def assert_same_projection(ours, theirs):
    """P = W W^T, which the activation depends on, and W itself."""
    for W, V in zip(ours.coefs_, theirs.coefs_, strict=True):
        assert_allclose(W @ W.T, V @ V.T, **EXACT)
        assert_allclose(W, V, **EXACT)


# -- rows: order, weights, batches, merging -----------------------------------------


@pytest.mark.parametrize("estimator", cases(TWO_LAYERS))
def test_order_of_rows_does_not_matter(estimator):
    X, y = blobs()
    order = np.random.default_rng(1).permutation(len(X))
    ours = learn(clone(estimator), X, y)
    theirs = learn(clone(estimator), X[order], y[order])
    assert_same_answers(ours, theirs, X, rtol=1e-6, atol=1e-6)
    assert_allclose(ours.learning_times_, theirs.learning_times_, rtol=1e-10)


@pytest.mark.parametrize("estimator", cases(ONE_LAYER | TWO_LAYERS))
def test_weights_are_repetitions(estimator):
    X, y = blobs()
    weight = np.random.default_rng(2).integers(0, 4, size=len(X))
    ours = learn(clone(estimator), X, y, sample_weight=weight)
    theirs = learn(clone(estimator), np.repeat(X, weight, axis=0), np.repeat(y, weight))
    assert_same_answers(ours, theirs, X, rtol=1e-6, atol=1e-6)
    unweighted = learn(clone(estimator), X, y)
    assert np.abs(scores(ours, X) - scores(unweighted, X)).max() > 1e-4


@pytest.mark.parametrize("estimator", cases(ONE_LAYER))
def test_weights_are_repetitions_in_partial_fit(estimator):
    X, y = blobs()
    weight = np.random.default_rng(2).integers(1, 4, size=len(X))
    ours, theirs = clone(estimator), clone(estimator)
    for rows in (slice(0, 40), slice(40, None)):
        learn(ours, X[rows], y[rows], partial=True, sample_weight=weight[rows])
        repeated = np.repeat(np.arange(len(X))[rows], weight[rows])
        learn(theirs, X[repeated], y[repeated], partial=True)
    assert_same_projection(ours, theirs)


BATCHES = {  # where a stream of 150 rows is cut
    "one row": range(1, 150),
    "two halves": [75],
    "3 and the rest": [3],
    "various": [1, 4, 5, 25, 70, 149],
}


def learn_in_batches(estimator, X, y, batches):
    for rows in np.split(np.arange(len(X)), BATCHES[batches]):
        learn(estimator, X[rows], y[rows], partial=True)
    return estimator


@pytest.mark.parametrize("batches", BATCHES)
@pytest.mark.parametrize("estimator", cases(ONE_LAYER))
def test_partial_fit_equals_fit(estimator, batches):
    X, y = blobs()
    whole = learn(clone(estimator), X, y)
    parts = learn_in_batches(clone(estimator), X, y, batches)
    new = blobs(seed=1)[0]
    assert_same_projection(parts, whole)
    assert_allclose(scores(parts, new), scores(whole, new), **EXACT)
    assert_allclose(parts.activation_curve_, whole.activation_curve_, **EXACT)
    if hasattr(estimator, "contamination"):
        assert_allclose(parts.offset_, whole.offset_, **EXACT)


@pytest.mark.parametrize("batches", BATCHES)
@pytest.mark.parametrize("learning_time", ["auto", 20.0])
@pytest.mark.parametrize(
    "params",
    [
        {"output": "linear"},
        {"activation": "abs"},
        {"activation": "square"},
        {"activation": "layer_std_abs"},
        {"activation": "std_abs"},
    ],
    ids=lambda params: "-".join(params.values()),
)
def test_features_after_partial_fit_equal_those_after_fit(params, learning_time, batches):
    X, y = blobs()
    estimator = CompetitiveHebbianTransformer(
        5, learning_time=learning_time, random_state=0, **params
    )
    whole = clone(estimator).fit(X)
    parts = learn_in_batches(clone(estimator), X, y, batches)
    new = blobs(seed=1)[0]
    assert_allclose(parts.transform(new), whole.transform(new), **EXACT)


def test_partial_fit_of_one_row_at_a_time_learns():
    X, y = load_iris(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)
    classifier = ActivationLearningClassifier(
        40, n_frequencies=40, encoding="fourier", standardize=False, random_state=0
    )
    for x, label in zip(X_train, y_train, strict=True):
        classifier.partial_fit([x], [label], classes=[0, 1, 2])
    assert classifier.score(X_test, y_test) > 0.85


@pytest.mark.parametrize("estimator", cases(HEBBIAN))
@pytest.mark.parametrize("batch_size", [1, 16])
def test_stochastic_partial_fit(estimator, batch_size):
    X, y = blobs()
    estimator = clone(estimator).set_params(batch_size=batch_size)
    energies = []
    for n_batches in range(1, 6):
        learn(estimator, X, y, partial=True)
        energies.append(scores(estimator, X).max(axis=-1).mean())
        assert estimator.n_iter_ == n_batches
    assert energies[-1] > energies[0]  # learn more, activate more


@pytest.mark.parametrize("estimator", cases(ONE_LAYER))
def test_merge_equals_fit(estimator):
    X, y = blobs()
    whole = learn(clone(estimator), X, y)
    a, b = (learn(clone(estimator), X[rows], y[rows]) for rows in (slice(60), slice(60, None)))
    before = scores(b, X)
    assert a.merge(b) is a
    assert_same_projection(a, whole)
    assert_allclose(scores(a, X), scores(whole, X), **EXACT)
    assert_array_equal(scores(b, X), before)


@pytest.mark.parametrize("estimator", cases(ONE_LAYER))
def test_merge_is_associative(estimator):
    X, y = blobs()
    cuts = [slice(0, 30), slice(30, 100), slice(100, 150)]
    a, b, c = (learn(clone(estimator), X[rows], y[rows]) for rows in cuts)
    d, e, f = (learn(clone(estimator), X[rows], y[rows]) for rows in cuts)
    left = a.merge(b).merge(c)
    right = d.merge(e.merge(f))
    for W, V in zip(left.coefs_, right.coefs_, strict=True):
        assert_allclose(W @ W.T, V @ V.T, rtol=0, atol=1e-10)


@pytest.mark.parametrize("estimator", cases(TWO_LAYERS))
def test_merge_of_deep_networks(estimator):
    """Upper layers are approximate, but the first is exact and the rest is sensible."""
    X, y = blobs()
    estimator = clone(estimator)
    if hasattr(estimator, "encoding"):
        estimator.set_params(encoding="unit")
    estimator.set_params(learning_time=30.0)
    whole = learn(clone(estimator), X, y)
    a, b = (learn(clone(estimator), X[rows], y[rows]) for rows in (slice(75), slice(75, None)))
    a.merge(b)
    assert_allclose(a.coefs_[0], whole.coefs_[0], **EXACT)
    assert_allclose(scores(a, X), scores(whole, X), atol=0.25)


def fitted(estimator, n_features=7, **params):
    X, y = blobs(n_features=n_features)
    return learn(clone(estimator).set_params(**params), X, y)


@pytest.mark.parametrize(
    "ours, theirs, params, message",
    [
        ("transformer", "detector-unit", {}, "ActivationAnomalyDetector into Competitive"),
        ("classifier-unit", "transformer", {}, "CompetitiveHebbianTransformer into Activation"),
        ("transformer", "transformer", {"solver": "hebbian", "max_iter": 2}, "flow"),
        ("transformer", "transformer", {"n_features": 6}, "n_features_in"),
        ("transformer", "transformer", {"layer_sizes": 4}, "layer sizes"),
        ("transformer", "transformer", {"activation": "abs"}, "activation"),
        ("detector-unit", "detector-fourier", {}, "encoding"),
        ("detector-fourier", "detector-fourier", {"random_state": 1}, "encoding"),
        ("classifier-unit", "classifier-unit", {"encoding": "fourier"}, "encoding"),
    ],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_merge_errors(ours, theirs, params, message):
    a, b = fitted(ONE_LAYER[ours]), fitted(ONE_LAYER[theirs], **params)
    X, _ = blobs()
    before = scores(a, X)
    with pytest.raises(ValueError, match=message):
        a.merge(b)
    with pytest.raises(ValueError):
        b.merge(a)
    assert_array_equal(scores(a, X), before)


def test_merge_of_other_classes_is_an_error():
    X, y = blobs()
    estimator = ONE_LAYER["classifier-unit"]
    a = clone(estimator).fit(X, y)
    b = clone(estimator).fit(X, y + 1)
    with pytest.raises(ValueError, match="classes"):
        a.merge(b)


# -- the same whatever --------------------------------------------------------------


@pytest.mark.parametrize("estimator", ALL)
@pytest.mark.parametrize("n_jobs", [1, 2, 3, -1])
def test_same_result_whatever_n_jobs(estimator, n_jobs, monkeypatch):
    monkeypatch.setattr(_network, "BLOCK_ENTRIES", 300)  # many blocks of few rows
    X, y = blobs()
    ours = learn(clone(estimator).set_params(n_jobs=n_jobs), X, y)
    theirs = learn(clone(estimator), X, y)
    assert_same_answers(ours, theirs, X)
    for W, V in zip(ours.coefs_, theirs.coefs_, strict=True):
        assert_array_equal(W, V)


@pytest.mark.parametrize("estimator", ALL)
def test_random_state(estimator):
    X, y = blobs()
    ours = learn(clone(estimator), X, y)
    assert_same_answers(learn(clone(estimator), X, y), ours, X)
    drawn = clone(estimator).set_params(random_state=np.random.RandomState(3))
    assert_same_answers(learn(clone(drawn), X, y), learn(clone(drawn), X, y), X)
    other = learn(clone(estimator).set_params(random_state=1), X, y)
    assert not any(np.array_equal(W, V) for W, V in zip(ours.coefs_, other.coefs_, strict=True))


@pytest.mark.parametrize("factor", [1e-9, 0.3, 1e6])
@pytest.mark.parametrize("estimator", cases(ONE_LAYER))
def test_scale_of_a_row_does_not_matter_to_unit_encoding(estimator, factor):
    X, y = blobs()
    ours = learn(clone(estimator), X, y)
    scaled = scores(ours, factor * X)
    if getattr(estimator, "encoding", "unit") == "unit":
        assert_allclose(scaled, scores(ours, X), rtol=1e-10)
        if hasattr(estimator, "contamination"):
            return  # which rows are held out together depends on their values
        factors = np.random.default_rng(0).uniform(0.1, 9, size=(len(X), 1))
        theirs = learn(clone(estimator), factors * X, y)
        assert_allclose(scores(theirs, X), scores(ours, X), rtol=1e-9)
    else:
        assert np.abs(scaled - scores(ours, X)).max() > 0.01


# -- fitted attributes ----------------------------------------------------------------


@pytest.mark.parametrize("estimator", ALL)
def test_fitted_attributes(estimator):
    X, y = blobs()
    estimator = learn(clone(estimator), X, y)
    sizes = np.atleast_1d(estimator.layer_sizes or estimator.coefs_[0].shape[0])
    assert estimator.n_layers_ == len(estimator.coefs_) == len(sizes)
    assert [W.shape[1] for W in estimator.coefs_] == list(sizes)
    assert [W.shape[0] for W in estimator.coefs_[1:]] == list(sizes[:-1])
    assert estimator.learning_times_.shape == (len(sizes),)
    assert np.all(estimator.learning_times_ > 0)
    assert estimator.n_features_in_ == X.shape[1]
    assert np.all(np.isfinite(estimator.activation_curve_))
    if estimator.solver == "flow":
        assert estimator.n_iter_ == 1
        assert estimator.activation_curve_.shape == (20,)
    else:
        assert 1 <= estimator.n_iter_ <= estimator.max_iter
        assert estimator.activation_curve_.shape == (estimator.n_iter_,)


@pytest.mark.parametrize("estimator", cases(ONE_LAYER | TWO_LAYERS))
def test_activation_curve_of_the_flow(estimator):
    X, y = blobs()
    estimator = learn(clone(estimator), X, y)
    assert np.all(np.diff(estimator.activation_curve_) >= -1e-12)
    assert estimator.activation_curve_[-1] > estimator.activation_curve_[0]


def _board(rng):
    """Fields of a board of 5 x 5 that are black or white: fine structure, many rows."""
    X = rng.uniform(0, 5, (1500, 2))
    return X, np.floor(X).astype(int).sum(axis=1) % 2


def _ramp(rng):
    """One direction in 20 columns, few rows."""
    X = rng.normal(size=(150, 20))
    return X, (X.sum(axis=1) > 0).astype(int)


@pytest.mark.parametrize(
    "problem, bandwidth, width", [(_board, "auto", 1.0), (_ramp, "auto", 2.0), (_ramp, 3.0, 1.0)]
)
def test_the_classifier_chooses_a_bandwidth(problem, bandwidth, width):
    """Frequencies are those of half the median distance, or of all of it; a given one stays."""
    X, y = problem(np.random.default_rng(0))
    options = {"encoding": "fourier", "feedback": False, "random_state": 0}
    classifier = ActivationLearningClassifier(bandwidth=bandwidth, **options).fit(X, y)
    assert 1 / classifier._encoding_state["frequencies"].std() == pytest.approx(width, rel=0.1)


@pytest.mark.parametrize("scale, taken", [(0.0, "unit"), (1.0, "fourier")])
def test_the_classifier_tells_which_encoding_it_took(scale, taken):
    """Classes that differ in direction, or in length alone."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 100)
    directions = np.where(y[:, None] == 0, [1.0, 0.2], [0.2, 1.0]) if scale == 0 else 1.0
    X = (1 + scale * y[:, None]) * directions + 0.05 * rng.normal(size=(200, 2))
    assert ActivationLearningClassifier(random_state=0).fit(X, y).encoding_ == taken
    given = ActivationLearningClassifier(encoding="unit", random_state=0).fit(X, y)
    assert given.encoding_ == "unit"


def test_activation_curve_ends_at_the_mean_activation():
    X, _ = blobs()
    for name in ("transformer", "transformer-wide", "transformer-auto"):
        transformer = clone(ONE_LAYER[name]).fit(X)
        assert_allclose(transformer.activation_curve_[-1], transformer.score(X), rtol=1e-10)


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


@pytest.mark.parametrize("name", TWO_LAYERS)
def test_warm_start_of_the_flow_keeps_learning_times(name):
    (X, y), (X_new, y_new) = blobs(), blobs(40, seed=5)
    X_new = X_new * [1, 1, 1, 1, 9, 9, 9]
    warm = clone(TWO_LAYERS[name]).set_params(warm_start=True, learning_time="auto")
    cold = clone(warm).set_params(warm_start=False)
    times = learn(warm, X, y).learning_times_
    assert_array_equal(learn(warm, X_new, y_new).learning_times_, times)
    assert not np.array_equal(learn(cold, X_new, y_new).learning_times_, times)


@pytest.mark.parametrize("estimator", cases(HEBBIAN))
def test_warm_start_of_the_rule_goes_on(estimator):
    X, y = blobs()
    warm = learn(clone(estimator).set_params(warm_start=True), X, y)
    first, times = warm.activation_curve_, warm.learning_times_
    learn(warm, X, y)
    assert warm.n_iter_ == 2 * len(first)
    assert_allclose(warm.learning_times_, 2 * times)
    np.testing.assert_array_equal(warm.activation_curve_[: len(first)], first)
    assert warm.activation_curve_[len(first)] > first[0]
    cold = learn(learn(clone(estimator), X, y), X, y)
    assert_array_equal(cold.activation_curve_, first)


def test_the_rule_goes_on_from_the_flow():
    X, y = blobs()
    classifier = ActivationLearningClassifier(
        (24, 16), encoding="unit", learning_time=100.0, warm_start=True, random_state=0
    ).fit(X, y)
    before = [W.copy() for W in classifier.coefs_]
    classifier.set_params(solver="hebbian", max_iter=1, learning_rate=1e-9, learning_time="auto")
    classifier.fit(X, y)
    for W, V in zip(classifier.coefs_, before, strict=True):
        assert_allclose(W, V, atol=1e-6)


# -- messages --------------------------------------------------------------------------


@pytest.mark.parametrize("partial", [False, True])
@pytest.mark.parametrize("estimator", cases(HEBBIAN))
def test_verbose(estimator, partial, capfd):
    X, y = blobs()
    learn(clone(estimator), X, y, partial)
    assert capfd.readouterr() == ("", "")
    estimator = learn(clone(estimator).set_params(verbose=1), X, y, partial)
    lines = capfd.readouterr().out.splitlines()
    assert len(lines) == estimator.n_iter_
    for epoch, line in enumerate(lines, start=1):
        assert re.match(rf"Epoch {epoch}, \d+ of \d+ updates, activation \d\.\d+, \d+\.\d s", line)


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


# -- transformer -----------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["abs", "std_abs", "layer_std_abs", "square"])
@pytest.mark.parametrize("layer_sizes", [3, 12, (9, 5)])
def test_features_are_unit_rows(layer_sizes, activation):
    X, _ = blobs()
    transformer = CompetitiveHebbianTransformer(layer_sizes, activation=activation, random_state=0)
    F = transformer.fit_transform(X)
    assert F.shape == (len(X), np.atleast_1d(layer_sizes)[-1])
    assert_allclose(np.linalg.norm(F, axis=1), 1, rtol=1e-12)


def test_linear_codes_are_projections():
    X, _ = blobs()
    transformer = CompetitiveHebbianTransformer(4, output="linear", random_state=0)
    assert_allclose(transformer.fit_transform(X), X @ transformer.coefs_[0], rtol=1e-10)


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


@pytest.mark.parametrize("layer_sizes", [None, 3, (9, 4)])
def test_names_of_features(layer_sizes):
    X, _ = blobs()
    transformer = CompetitiveHebbianTransformer(layer_sizes).fit(X)
    n_features = {None: 7, 3: 3, (9, 4): 4}[layer_sizes]
    assert_array_equal(
        transformer.get_feature_names_out(),
        [f"competitivehebbiantransformer{j}" for j in range(n_features)],
    )


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


# -- classifier ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "load, floor", [(load_iris, 0.94), (load_wine, 0.96), (load_breast_cancer, 0.95)]
)
def test_accuracy_on_tables(load, floor):
    X, y = load(return_X_y=True)
    accuracies = []
    for seed in range(5):
        X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=seed, stratify=y)
        classifier = ActivationLearningClassifier(random_state=seed)
        model = make_pipeline(StandardScaler(), classifier).fit(X_train, y_train)
        accuracies.append(model.score(X_test, y_test))
        p = model.predict_proba(X_test)
        assert log_loss(y_test, p) < 0.4 * np.log(p.shape[1])
    assert np.mean(accuracies) > floor


@pytest.mark.parametrize("seed", [0, 1])
def test_accuracy_on_digits(seed):
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=seed, stratify=y)
    classifier = ActivationLearningClassifier((128, 128), n_frequencies=128, random_state=seed)
    classifier.fit(X_train, y_train)
    assert classifier.score(X_test, y_test) > 0.97
    assert log_loss(y_test, classifier.predict_proba(X_test)) < 0.2


@pytest.mark.parametrize("solver", ["flow", "hebbian"])
@pytest.mark.parametrize("n_classes", [2, 3, 12])
def test_probabilities(solver, n_classes):
    X, y = blobs(300, n_classes=n_classes)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)
    classifier = ActivationLearningClassifier(
        (32, 32),
        encoding="fourier",
        n_frequencies=32,
        solver=solver,
        max_iter=30,
        batch_size=10,
        random_state=0,
    ).fit(X_train, y_train)
    p = classifier.predict_proba(X_test)
    assert p.shape == (len(X_test), n_classes)
    assert np.all(p >= 0)
    assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
    assert_array_equal(classifier.classes_[p.argmax(axis=1)], classifier.predict(X_test))
    assert log_loss(y_test, p) < 0.8 * np.log(n_classes)


@pytest.mark.parametrize("learning_time", ["auto", 100.0])
def test_sharpness_is_fitted_to_held_out_rows(learning_time):
    """With labels that say nothing, honest probabilities are nearly uniform."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 10)), rng.integers(0, 2, size=200)
    X_new, y_new = rng.normal(size=(500, 10)), rng.integers(0, 2, size=500)
    classifier = ActivationLearningClassifier(
        (64, 64), encoding="fourier", n_frequencies=64, learning_time=learning_time, random_state=0
    ).fit(X, y)
    assert log_loss(y_new, classifier.predict_proba(X_new)) < np.log(2) + 0.05


@pytest.mark.parametrize("n_classes", [2, 3, 12])
@pytest.mark.parametrize("layer_sizes", [16, (16, 12)])
def test_shapes_of_decisions(layer_sizes, n_classes):
    X, y = blobs(n_classes=n_classes)
    classifier = ActivationLearningClassifier(layer_sizes, encoding="unit", random_state=0)
    classifier.fit(X, y)
    decision = classifier.decision_function(X)
    if n_classes == 2:
        assert decision.shape == (len(X),)
        assert_array_equal(classifier.predict(X), (decision > 0).astype(int))
    else:
        assert decision.shape == (len(X), n_classes)
        assert_array_equal(classifier.predict(X), decision.argmax(axis=1))
        assert_array_equal(classifier.score_samples(X), decision.max(axis=1))
        assert decision.max() <= 2 + 1e-9
    assert classifier.score_samples(X).shape == (len(X),)
    assert classifier.coefs_[0].shape[0] == X.shape[1] + n_classes


LABELS = {
    "str": np.array(["ant", "bee", "cat"]),
    "object": np.array(["ant", "bee", "a longer name"], dtype=object),
    "negative": np.array([-3, 5, 0]),
    "float": np.array([1.0, 2.0, -1.0]),
    "bool": np.array([True, False]),
    "uint8": np.array([250, 3, 7], dtype=np.uint8),
}


@pytest.mark.parametrize("solver", ["flow", "hebbian"])
@pytest.mark.parametrize("names", LABELS.values(), ids=LABELS)
def test_labels_of_any_type(names, solver):
    X, y = blobs(n_classes=len(names))
    classes, numbers = np.unique(names[y], return_inverse=True)
    estimator = ActivationLearningClassifier(
        (16, 12), encoding="unit", solver=solver, max_iter=20, random_state=0
    )
    named = clone(estimator).fit(X, names[y])
    numbered = clone(estimator).fit(X, numbers)
    assert_array_equal(named.classes_, classes)
    assert_array_equal(named.predict(X), classes[numbered.predict(X)])
    assert named.predict(X).dtype == classes.dtype
    assert_array_equal(named.predict_proba(X), numbered.predict_proba(X))
    assert named.score(X, names[y]) > 0.8
    batches = clone(estimator)
    for rows in np.array_split(np.arange(len(X)), 3):
        batches.partial_fit(X[rows], names[y][rows], classes=names)
    assert_array_equal(batches.classes_, classes)
    assert set(batches.predict(X)) <= set(classes)


def test_encoding_is_chosen():
    """Rows of two sizes need "fourier"; rows of two directions and any size "unit"."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, size=200)
    direction = rng.normal(size=8)
    X_size = direction * (1 + y[:, None]) + rng.normal(scale=0.05, size=(200, 8))
    spread = rng.lognormal(sigma=2, size=(200, 1))
    pair = rng.normal(size=(2, 8))
    X_direction = spread * (pair[y] + rng.normal(scale=0.5, size=(200, 8)))
    for X, name in ((X_size, "fourier"), (X_direction, "unit")):
        auto, given = (
            ActivationLearningClassifier(
                (32, 32), encoding=encoding, n_frequencies=32, random_state=0
            ).fit(X, y)
            for encoding in ("auto", name)
        )
        assert_same_answers(auto, given, X)
        assert auto.score(X, y) > 0.9


# -- detector --------------------------------------------------------------------------


def gaussian(n_rows, n_features=5, seed=0):
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(99).normal(size=(n_features, n_features))
    return rng.normal(size=(n_rows, n_features)) @ mixing + 3


DETECTORS = {
    "fourier": ActivationAnomalyDetector(n_frequencies=64, random_state=0),
    "unit": ActivationAnomalyDetector(encoding="unit", random_state=0),
    "deep": ActivationAnomalyDetector((64, 32), n_frequencies=64, random_state=0),
    "hebbian": ActivationAnomalyDetector(
        n_frequencies=32, solver="hebbian", max_iter=20, batch_size=10, random_state=0
    ),
}


@pytest.mark.parametrize("contamination", ["auto", 0.1])
@pytest.mark.parametrize("detector", cases(DETECTORS))
def test_decision_is_score_less_offset(detector, contamination):
    X, X_new = gaussian(300), gaussian(100, seed=1) * 1.5
    detector = clone(detector).set_params(contamination=contamination).fit(X)
    assert isinstance(detector.offset_, float)
    decision = detector.decision_function(X_new)
    assert_array_equal(decision, detector.score_samples(X_new) - detector.offset_)
    assert_array_equal(detector.predict(X_new), np.where(decision >= 0, 1, -1))
    assert_array_equal(clone(detector).fit_predict(X), detector.predict(X))


@pytest.mark.parametrize("n_rows", [200, 3000])
@pytest.mark.parametrize("contamination", [0.01, 0.1, 0.37, 0.5])
@pytest.mark.parametrize("detector", cases(DETECTORS))
def test_contamination_is_the_share_below_the_offset(detector, contamination, n_rows):
    X = gaussian(n_rows)
    detector = clone(detector).set_params(contamination=contamination, max_iter=1).fit(X)
    assert np.sum(detector.decision_function(X) < 0) == round(contamination * n_rows)
    assert np.sum(detector.predict(X) == -1) == round(contamination * n_rows)


def test_contamination_with_weights():
    X = gaussian(300)
    weight = np.random.default_rng(0).uniform(0.1, 3, size=len(X))
    detector = clone(DETECTORS["fourier"]).set_params(contamination=0.1)
    outliers = detector.fit(X, sample_weight=weight).predict(X) == -1
    share = weight[outliers].sum() / weight.sum()
    assert 0.1 - weight.max() / weight.sum() <= share <= 0.1


@pytest.mark.parametrize("n_rows", [500, 3000])
@pytest.mark.parametrize("name", ["fourier", "deep", "unit"])
def test_false_alarms(name, n_rows):
    """contamination="auto": about 1 % of normal rows to come."""
    rates = []
    for seed in range(6):
        detector = clone(DETECTORS[name]).set_params(random_state=seed)
        detector.fit(gaussian(n_rows, seed=2 * seed))
        rates.append(np.mean(detector.predict(gaussian(2000, seed=2 * seed + 1)) == -1))
    assert 0.002 < np.mean(rates) < 0.03


@pytest.mark.parametrize("name", ["fourier", "deep", "hebbian"])
def test_far_points_rank_lowest(name):
    X, X_new = gaussian(500), gaussian(200, seed=1)
    far = X_new[:20] + 40 * np.random.default_rng(0).choice([-1, 1], size=(20, 5))
    detector = clone(DETECTORS[name]).fit(X)
    typical, strange = detector.score_samples(X_new), detector.score_samples(far)
    assert strange.max() < np.quantile(typical, 0.02)
    if name != "hebbian":
        assert np.all(detector.predict(far) == -1)


def test_unit_encoding_finds_other_proportions():
    """Rows near a plane are normal at any size; rows off the plane are not."""
    rng = np.random.default_rng(0)
    plane = rng.normal(size=(2, 10))
    X = rng.normal(size=(300, 2)) @ plane + rng.normal(scale=0.02, size=(300, 10))
    off = rng.normal(size=(50, 10))
    detector = clone(DETECTORS["unit"]).fit(X)
    assert detector.score_samples(off).max() < np.quantile(detector.score_samples(X), 0.1)
    assert np.all(detector.predict(off) == -1)
    assert np.mean(detector.predict(100 * X) == 1) > 0.9


@pytest.mark.parametrize("contamination", ["auto", 0.05])
def test_outliers_among_the_training_rows_are_found(contamination):
    X = gaussian(400)
    X[:8] = 60 + gaussian(8, seed=7)
    X[:8:2] *= -1
    detector = ActivationAnomalyDetector(
        n_frequencies=64, contamination=contamination, random_state=0
    )
    labels = detector.fit_predict(X)
    assert np.all(labels[:8] == -1) or contamination == "auto"
    assert np.mean(labels[8:] == 1) > 0.9
    assert detector.score_samples(X[:8]).max() < np.median(detector.score_samples(X[8:]))


def test_scores_are_activations():
    X = gaussian(200)
    for detector in DETECTORS.values():
        values = clone(detector).fit(X).score_samples(X)
        assert values.min() >= 0
        assert values.max() <= 1 + 1e-6 or detector.solver == "hebbian"
