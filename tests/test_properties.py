"""The contract of all four estimators, on small tables and parameters that hypothesis makes up.

Examples are the same in every run. Tables whose answers are compared number for number have
entries that a table may well have; those of which finite answers are asked may have any.
"""

import copy
import pickle
import warnings
from contextlib import contextmanager
from unittest import mock

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from sklearn_activation import (
    ActivationAnomalyDetector,
    ActivationImputer,
    ActivationLearningClassifier,
    CompetitiveHebbianTransformer,
    _blocks,
)

METHODS = ("transform", "predict", "predict_proba", "decision_function", "score_samples")
CLASSES = np.array(["a", "b", "c"])
KINDS = {
    "transformer": CompetitiveHebbianTransformer,
    "classifier": ActivationLearningClassifier,
    "detector": ActivationAnomalyDetector,
    "imputer": ActivationImputer,
}
LEARNERS = ("transformer", "classifier", "detector")  # with weights and streams
TAKING_GAPS = ("classifier", "detector", "imputer")


def examples(n):
    """Settings of a test of ``n`` examples, which are the same in every run."""
    return settings(
        derandomize=True,
        deadline=None,
        database=None,
        max_examples=n,
        suppress_health_check=list(HealthCheck),
    )


def each(*names):
    return pytest.mark.parametrize("name", names)


# -- tables and parameters ---------------------------------------------------------------

SHAPES = st.tuples(st.integers(5, 24), st.integers(1, 6))
EXTREMES = (0.0, -0.0, 1.0, -1.0, 5e-324, 1e-300, -1e-300, 1e9, 1e150, 1e300, -1e300)
ENTRIES = st.floats(-8, 8, width=32) | st.sampled_from(EXTREMES)
SEEDS = st.integers(0, 10_000)


def tables(shapes=SHAPES):
    """Any finite numbers."""
    return hnp.arrays(np.float64, shapes, elements=ENTRIES, fill=st.nothing())


@st.composite
def ordinary_tables(draw, shapes=SHAPES, integers=True):
    """Numbers as a table has them: clusters, and perhaps counts, constants and copies of rows."""
    n_rows, n_columns = draw(shapes)
    rng = np.random.default_rng(draw(SEEDS))
    X = rng.normal(size=(n_rows, n_columns)) + 3 * rng.integers(2, size=(n_rows, 1))
    scale = draw(st.sampled_from([1.0, 1e-3, 1e4]))
    X *= scale
    spoiled = draw(st.sampled_from(["", "", "constant", "copies", "counts"]))
    if spoiled == "constant":
        # Not so large that rows of norm 1 are all the same but for rounding.
        X[:, rng.integers(n_columns)] = 7.25 * scale
    elif spoiled == "copies":
        X[n_rows // 2 :] = X[: n_rows - n_rows // 2]
    elif spoiled == "counts" and integers:
        X = np.rint(X / np.abs(X).max() * 20)
    return X


def labels(X, seed=0):
    """Labels of all classes, in any order."""
    return CLASSES[np.random.default_rng([seed, len(X)]).permutation(len(X)) % len(CLASSES)]


def with_gaps(X, seed, share=0.25):
    """Rows with NaN, none of them wholly unknown."""
    rng = np.random.default_rng([seed, 1])
    hidden = rng.random(X.shape) < share
    hidden[np.arange(len(X)), rng.integers(X.shape[1], size=len(X))] = False
    return np.where(hidden, np.nan, X)


SIZES = st.integers(1, 12) | st.tuples(st.integers(1, 12), st.integers(1, 8))
TIMES = st.just("auto") | st.floats(0.1, 1e3)
STARTS = st.sampled_from([0.1, 0.02, 0.5])
ACTIVATIONS = st.sampled_from(["abs", "std_abs", "layer_std_abs", "square"])
FLOW = st.just({"solver": "flow"})
RULE = st.fixed_dictionaries(
    {
        "solver": st.just("hebbian"),
        "max_iter": st.integers(1, 3),
        "batch_size": st.sampled_from([1, 4, 100]),
        "learning_rate": st.sampled_from([0.05, 0.2]),
    }
)
FOURIER = {
    "n_frequencies": st.integers(8, 32),
    "bandwidth": st.just("auto") | st.floats(0.3, 5),
    "standardize": st.booleans(),
}


@st.composite
def estimators(draw, name, solvers=FLOW | RULE, sizes=SIZES, times=TIMES, **given_parameters):
    """An estimator with any valid parameters, small enough to fit in milliseconds."""
    asked = {"random_state": draw(st.integers(0, 5)), "init_activation": draw(STARTS)}
    if name == "imputer":
        asked |= {"n_frequencies": draw(st.integers(4, 16)), "learning_time": draw(times)}
        asked["bandwidth"] = draw(FOURIER["bandwidth"])
        return ActivationImputer(**asked | given_parameters)
    asked |= draw(solvers)
    asked |= {"layer_sizes": draw(sizes), "learning_time": draw(times)}
    asked["activation"] = draw(ACTIVATIONS)
    if name == "transformer":
        asked["output"] = draw(st.sampled_from(["activated", "linear"]))
    else:
        asked["encoding"] = draw(st.sampled_from(["unit", "fourier"]))
        asked |= draw(st.fixed_dictionaries(FOURIER))
    if name == "classifier":
        asked["class_weight"] = draw(st.sampled_from([None, {"a": 2.5, "b": 1.0, "c": 0.5}]))
        asked["feedback"] = False
    if name == "detector":
        asked["contamination"] = draw(st.sampled_from(["auto", 0.1, 0.5]))
        asked["layer_sizes"] = draw(st.none() | sizes)
    return KINDS[name](**asked | given_parameters)


# -- what is asked of them -----------------------------------------------------------------


@contextmanager
def quiet():
    """Only what the estimators themselves warn of may be warned of."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", category=UserWarning)
        yield


def learn(estimator, X, y=None, **options):
    with quiet():
        return estimator.fit(X, labels(X) if y is None else y, **options)


def learn_on(estimator, X, y, **options):
    """One more batch of a stream."""
    if isinstance(estimator, ActivationLearningClassifier):
        options["classes"] = CLASSES
    with quiet():
        return estimator.partial_fit(X, y, **options)


def answers(estimator, X):
    with quiet():
        return {m: getattr(estimator, m)(X) for m in METHODS if hasattr(estimator, m)}


def assert_same(ours, theirs, X, atol=0.0, aside=()):
    """Labels aside, which small differences may change, within ``atol`` of the largest answer."""
    expected = answers(theirs, X)
    for method, values in answers(ours, X).items():
        if method in aside:
            continue
        if not atol:
            assert_array_equal(values, expected[method], err_msg=method)
        elif method != "predict":
            largest = max(1.0, np.abs(expected[method]).max())
            assert_allclose(values, expected[method], atol=atol * largest, err_msg=method)


def assert_sound(estimator, X):
    """Answers are finite, of their shape and type, and agree with each other."""
    found = answers(estimator, X)
    for method, values in found.items():
        assert len(values) == len(X), method
        if method != "predict":
            assert np.isfinite(values).all(), method
    if "transform" in found:
        assert found["transform"].dtype == X.dtype
        assert found["transform"].shape[1] == len(estimator.get_feature_names_out())
    if "predict_proba" in found:
        assert (found["predict_proba"] >= 0).all()
        assert_allclose(found["predict_proba"].sum(axis=1), 1, rtol=1e-5)
        assert set(found["predict"]) <= set(estimator.classes_)
    if hasattr(estimator, "offset_"):
        decision = found["decision_function"]
        assert found["score_samples"].dtype == decision.dtype == np.float64
        assert_array_equal(found["score_samples"] - estimator.offset_, decision)
        assert_array_equal(found["predict"], np.where(decision >= 0, 1, -1))


# -- finite answers --------------------------------------------------------------------------


@each(*KINDS)
@examples(40)
@given(data=st.data())
def test_any_numbers_and_parameters_give_sound_answers(name, data):
    X, new = data.draw(tables()), data.draw(tables(st.just((6, 1))))
    dtype = data.draw(st.sampled_from([np.float64, np.float32]))
    X, new = (np.clip(rows, -3e38, 3e38).astype(dtype) for rows in (X, new))
    new = np.resize(new, (6, X.shape[1]))
    before = X.copy()
    estimator = learn(data.draw(estimators(name)), X)
    assert_sound(estimator, X)
    assert_sound(estimator, new)
    assert_array_equal(X, before)


@each(*LEARNERS)
@examples(20)
@given(data=st.data())
def test_any_numbers_in_a_stream_give_sound_answers(name, data):
    X, estimator = data.draw(tables()), data.draw(estimators(name))
    cut = data.draw(st.integers(1, len(X) - 1))
    for rows in (slice(cut), slice(cut, None)):
        learn_on(estimator, X[rows], labels(X)[rows])
    assert_sound(estimator, X)


@each(*TAKING_GAPS)
@examples(40)
@given(data=st.data())
def test_any_gaps_give_sound_answers(name, data):
    X = data.draw(tables() | ordinary_tables())
    hidden = data.draw(hnp.arrays(bool, X.shape, fill=st.nothing()))
    hidden[0, 0] = False
    if name == "classifier":  # refuses rows of which nothing is known
        hidden[:, 0] = False
    gaps = np.where(hidden, np.nan, X)
    estimator = learn(data.draw(estimators(name)), gaps)
    assert_sound(estimator, gaps)
    assert_sound(estimator, X)
    if name == "imputer":
        filled = estimator.transform(gaps)
        assert_array_equal(filled[~hidden], X[~hidden])
        low, high = np.fmin.reduce(gaps, axis=0), np.fmax.reduce(gaps, axis=0)
        inside = (filled >= low) & (filled <= high)
        assert (inside | np.isnan(low)).all()


# -- the same rows in another form -------------------------------------------------------------

FORMS = {
    "Fortran order": np.asfortranarray,
    "every other entry": lambda X: np.repeat(np.repeat(X, 2, axis=0), 2, axis=1)[::2, ::2],
    "backwards": lambda X: np.ascontiguousarray(X[::-1, ::-1])[::-1, ::-1],
    "other bytes": lambda X: X.astype(X.dtype.newbyteorder()),
    "objects": lambda X: X.astype(object),
    "lists": lambda X: X.tolist(),
}


@each(*KINDS)
@examples(12)
@given(data=st.data())
def test_memory_and_container_do_not_matter(name, data):
    X, estimator = data.draw(tables() | ordinary_tables()), data.draw(estimators(name))
    if name in TAKING_GAPS:
        X = with_gaps(X, data.draw(SEEDS))
    form = FORMS[data.draw(st.sampled_from(sorted(FORMS)))]
    ours, theirs = learn(clone(estimator), form(X), labels(X)), learn(clone(estimator), X)
    assert_same(ours, theirs, X)
    expected = answers(theirs, X)
    for method, values in answers(ours, form(X)).items():
        assert_array_equal(values, expected[method], err_msg=method)


@each(*KINDS)
@examples(10)
@given(data=st.data())
def test_frames_are_tables_with_names(name, data):
    pandas = pytest.importorskip("pandas")
    X, estimator = data.draw(ordinary_tables()), data.draw(estimators(name))
    columns = [f"column {j}" for j in range(X.shape[1])]
    frame = pandas.DataFrame(X, columns=columns, index=np.arange(len(X))[::-1] * 3)
    ours, theirs = learn(clone(estimator), frame, labels(X)), learn(clone(estimator), X)
    assert_array_equal(ours.feature_names_in_, columns)
    expected = answers(theirs, X)
    for method, values in answers(ours, frame).items():
        assert_array_equal(values, expected[method], err_msg=method)


@each(*KINDS)
@examples(12)
@given(data=st.data())
def test_threads_do_not_matter(name, data):
    X, estimator = data.draw(ordinary_tables()), data.draw(estimators(name))
    if name in TAKING_GAPS:
        X = with_gaps(X, data.draw(SEEDS))
    with mock.patch.object(_blocks, "BLOCK_ENTRIES", 64):  # many blocks of few rows
        ours = learn(clone(estimator).set_params(n_jobs=2), X)
        theirs = learn(clone(estimator).set_params(n_jobs=1), X)
        assert_same(ours, theirs, X)


@each(*KINDS)
@examples(15)
@given(data=st.data())
def test_rows_are_judged_one_by_one(name, data):
    """What is said of a row does not hang on the rows beside it."""
    X, estimator = data.draw(ordinary_tables()), data.draw(estimators(name))
    learn(estimator, X)
    together = answers(estimator, X)
    order = np.random.default_rng(data.draw(SEEDS)).permutation(len(X))[:4]
    for method, values in together.items():
        if method == "predict":
            continue
        one_by_one = np.concatenate([answers(estimator, X[[i]])[method] for i in order])
        largest = max(1.0, np.abs(values).max())
        assert_allclose(one_by_one, values[order], atol=1e-5 * largest, err_msg=method)


# -- order, weights, batches -------------------------------------------------------------------


@each(*KINDS)
@examples(25)
@given(data=st.data())
def test_order_of_rows_does_not_matter_to_the_flow(name, data):
    X, estimator = data.draw(ordinary_tables()), data.draw(estimators(name, FLOW))
    if name == "detector":
        X = with_gaps(X, data.draw(SEEDS))
    order, y = np.random.default_rng(data.draw(SEEDS)).permutation(len(X)), labels(X)
    ours = learn(clone(estimator), X[order], y[order])
    assert_same(ours, learn(clone(estimator), X, y), X, atol=1e-5)


@each(*LEARNERS)
@examples(25)
@given(data=st.data())
def test_weights_are_repeats(name, data):
    X, estimator = data.draw(ordinary_tables()), data.draw(estimators(name, FLOW))
    weight = np.random.default_rng(data.draw(SEEDS)).integers(0, 4, len(X))
    weight[:3] = 1  # of every class one
    y = np.concatenate([CLASSES, labels(X)[3:]])
    ours = learn(clone(estimator), X, y, sample_weight=weight)
    theirs = learn(clone(estimator), np.repeat(X, weight, axis=0), np.repeat(y, weight))
    assert_same(ours, theirs, X, atol=1e-5)


def assert_weights_are_repeats_but_for_the_order_of_steps(seed, **parameters):
    """Two fits are then never the same number for number.

    Weights and repeats differ by no more than repeats in two orders do, with some room.
    """
    rng = np.random.default_rng(seed)
    points, heavy = rng.normal(size=(30, 3)), rng.random(30) < 0.5
    X, y = np.repeat(points, 2, axis=0), np.tile(CLASSES[:2], 30)  # both labels at every point
    weight = np.column_stack([np.where(heavy, 20, 1), np.where(heavy, 1, 20)]).ravel()
    repeated = np.repeat(X, weight, axis=0), np.repeat(y, weight)
    fits = [
        ActivationLearningClassifier(
            (16,),
            encoding="fourier",
            n_frequencies=16,
            bandwidth=1.0,
            random_state=s,
            **parameters,
        )
        for s in range(3)
    ]
    ours = [learn(clone(f), X, y, sample_weight=weight).predict_proba(points) for f in fits]
    theirs = [learn(clone(f), *repeated).predict_proba(points) for f in fits]
    spread = np.mean([np.abs(p - np.mean(theirs, axis=0)).mean() for p in theirs])
    assert np.abs(np.mean(ours, axis=0) - np.mean(theirs, axis=0)).mean() < 0.02 + 2 * spread


@examples(6)
@given(seed=SEEDS)
def test_weights_are_repeats_to_the_rule(seed):
    assert_weights_are_repeats_but_for_the_order_of_steps(
        seed, solver="hebbian", batch_size=1, max_iter=50, learning_time=20.0
    )


@each(*LEARNERS)
@examples(25)
@given(data=st.data())
def test_batches_of_a_stream_do_not_matter_to_one_layer(name, data):
    closed = {"encoding": "unit"} if name != "transformer" else {}
    times = st.floats(0.1, 1e3)
    estimator = data.draw(estimators(name, FLOW, st.integers(1, 12), times, **closed))
    X = data.draw(ordinary_tables())
    y = labels(X)
    cuts = data.draw(st.lists(st.integers(1, len(X) - 1), unique=True, max_size=4).map(sorted))
    whole, parts = learn_on(clone(estimator), X, y), clone(estimator)
    for rows in np.split(np.arange(len(X)), cuts):
        learn_on(parts, X[rows], y[rows])
    # Probabilities are fitted again when the rows have doubled, not with every batch.
    assert_same(parts, whole, X, atol=1e-6, aside=["predict_proba"])


@each(*LEARNERS)
@examples(25)
@given(data=st.data())
def test_merging_is_learning_both(name, data):
    """Whichever way three parts are merged."""
    closed = {"encoding": "unit"} if name != "transformer" else {}
    times = st.floats(0.1, 1e3)
    estimator = data.draw(estimators(name, FLOW, st.integers(1, 12), times, **closed))
    X = data.draw(ordinary_tables(st.tuples(st.integers(9, 30), st.integers(1, 6))))
    y = np.resize(CLASSES, len(X))
    third = len(X) // 9 * 3  # of every class one at least
    parts = [slice(third), slice(third, 2 * third), slice(2 * third, None)]
    a, b, c, d, e, f = (learn_on(clone(estimator), X[p], y[p]) for p in parts * 2)
    with quiet():
        left, right = a.merge(b).merge(c), d.merge(e.merge(f))
    for W, V in zip(left.coefs_, right.coefs_, strict=True):
        assert_allclose(W @ W.T, V @ V.T, rtol=0, atol=1e-9)
    whole = learn_on(clone(estimator), X, y)
    for W, V in zip(left.coefs_, whole.coefs_, strict=True):
        assert_allclose(W @ W.T, V @ V.T, rtol=0, atol=1e-9)


@each("classifier", "detector")
@examples(15)
@given(data=st.data(), factor=st.sampled_from([1e-9, 0.3, 1e12]))
def test_length_of_a_row_does_not_matter_to_unit_rows(name, data, factor):
    X = data.draw(ordinary_tables())
    estimator = learn(data.draw(estimators(name, encoding="unit")), X)
    new = X + 0.5  # none of them is recognised
    method = "decision_function" if name == "classifier" else "score_samples"
    scaled, plain = (answers(estimator, rows)[method] for rows in (factor * new, new))
    assert_allclose(scaled, plain, rtol=1e-8, atol=1e-8)


# -- copies, and fits that fail ------------------------------------------------------------------


@each(*KINDS)
@examples(15)
@given(data=st.data())
def test_copies_go_on_as_the_original(name, data):
    X, estimator = data.draw(ordinary_tables()), data.draw(estimators(name))
    learn(estimator, X)
    for copied in (pickle.loads(pickle.dumps(estimator)), copy.deepcopy(estimator)):
        assert_same(copied, estimator, X)
        if name in LEARNERS:
            before = answers(estimator, X)
            learn_on(copied, X[:3] + 1, CLASSES)
            theirs = learn_on(copy.deepcopy(estimator), X[:3] + 1, CLASSES)
            assert_same(copied, theirs, X)
            for method, values in answers(estimator, X).items():
                assert_array_equal(values, before[method], err_msg=method)


def state(estimator):
    return pickle.dumps(vars(estimator))


@each(*KINDS)
@examples(15)
@given(data=st.data())
def test_failed_fits_leave_the_state_as_it_was(name, data):
    X, estimator = data.draw(ordinary_tables()), data.draw(estimators(name))
    y = labels(X)
    bad = X.copy()
    bad[data.draw(st.integers(0, len(X) - 1)), -1] = data.draw(st.sampled_from([np.inf, -np.inf]))
    questions = [(bad, y, {}), (X[:, :0], y, {}), (X[:0], y[:0], {}), (X[0], y, {})]
    if name in LEARNERS:
        questions += [
            (X, y, {"sample_weight": np.zeros(len(X))}),
            (X, y, {"sample_weight": np.ones(len(X) + 1)}),
            (X, y, {"sample_weight": -np.ones(len(X))}),
        ]
    if name == "classifier":
        questions += [(X, y[1:], {}), (X, np.full(len(X), "a"), {})]
    for is_fitted in (False, True):
        if is_fitted:
            learn(estimator, X)
        for rows, of_rows, options in questions:
            before = state(estimator)
            for call in ("fit", "partial_fit"):
                if not hasattr(estimator, call) or (
                    call == "partial_fit" and set(of_rows) == {"a"}
                ):
                    continue
                with pytest.raises(ValueError), quiet():
                    getattr(estimator, call)(rows, of_rows, **options)
                assert state(estimator) == before


# -- what waits for the classifier ---------------------------------------------------------------


@examples(25)
@given(data=st.data())
def test_order_of_rows_with_gaps_does_not_matter_to_the_classifier(data):
    X, estimator = data.draw(ordinary_tables()), data.draw(estimators("classifier", FLOW))
    gaps, y = with_gaps(X, data.draw(SEEDS)), labels(X)
    order = np.random.default_rng(data.draw(SEEDS)).permutation(len(X))
    ours = learn(clone(estimator), gaps[order], y[order])
    assert_same(ours, learn(clone(estimator), gaps, y), X, atol=1e-5)


@examples(20)
@given(data=st.data())
def test_probabilities_are_never_saturated(data):
    """Rows far apart are told with certainty, but not with a probability of 0 or 1."""
    X = data.draw(ordinary_tables(st.tuples(st.integers(15, 40), st.integers(3, 5))))
    X = X / max(np.abs(X).max(), 1e-300) + 100 * np.eye(X.shape[1])[np.arange(len(X)) % 3]
    estimator = data.draw(estimators("classifier", FLOW))
    learn(estimator, X, np.resize(CLASSES, len(X)))
    p = answers(estimator, X)["predict_proba"]
    assert (p > 0).all() and (p < 1).all()
    assert np.isfinite(np.log(p)).all()
