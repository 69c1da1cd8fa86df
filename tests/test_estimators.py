"""What all estimators promise beyond scikit-learn's interface."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from sklearn_activation import CompetitiveHebbianTransformer, _blocks

from .cases import (
    ALL,
    EXACT,
    HEBBIAN,
    ONE_LAYER,
    TWO_LAYERS,
    assert_same_answers,
    cases,
    learn,
    scores,
)
from .tables import blobs

# -- rows: order, weights, batches, merging --------------------------------------------


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


def assert_same_projection(ours, theirs):
    """P = W W^T, which the activation depends on, and W itself."""
    for W, V in zip(ours.coefs_, theirs.coefs_, strict=True):
        assert_allclose(W @ W.T, V @ V.T, **EXACT)
        assert_allclose(W, V, **EXACT)


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


# -- the same whatever -----------------------------------------------------------------


@pytest.mark.parametrize("estimator", ALL)
@pytest.mark.parametrize("n_jobs", [1, 2, 3, -1])
def test_same_result_whatever_n_jobs(estimator, n_jobs, monkeypatch):
    monkeypatch.setattr(_blocks, "BLOCK_ENTRIES", 300)  # many blocks of few rows
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


# -- fitted attributes -----------------------------------------------------------------


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


def test_activation_curve_ends_at_the_mean_activation():
    X, _ = blobs()
    for name in ("transformer", "transformer-wide", "transformer-auto"):
        transformer = clone(ONE_LAYER[name]).fit(X)
        assert_allclose(transformer.activation_curve_[-1], transformer.score(X), rtol=1e-10)


# -- going on --------------------------------------------------------------------------


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
