"""Every kind of input gets the answer that users of scikit-learn expect."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from sklearn_activation import (
    ActivationAnomalyDetector,
    ActivationLearningClassifier,
    CompetitiveHebbianTransformer,
)
from sklearn_activation._learning import layer

# Nothing may leak a warning, least of all one of NumPy's.
pytestmark = [
    pytest.mark.filterwarnings("error"),
    # The stochastic solver's few epochs here are over before its learning time is.
    pytest.mark.filterwarnings("ignore:.*too few for a threshold:UserWarning"),
    pytest.mark.filterwarnings("ignore:learning_time=:sklearn.exceptions.ConvergenceWarning"),
]

N_ROWS, N_FEATURES = 60, 4
CASES = {
    "transformer": CompetitiveHebbianTransformer(6),
    "transformer-deep": CompetitiveHebbianTransformer((6, 5), learning_time=10.0),
    "transformer-linear": CompetitiveHebbianTransformer(3, output="linear"),
    "transformer-hebbian": CompetitiveHebbianTransformer(6, solver="hebbian", max_iter=3),
    "classifier": ActivationLearningClassifier((12, 8), n_frequencies=12),
    "classifier-unit": ActivationLearningClassifier(12, encoding="unit"),
    "classifier-fourier": ActivationLearningClassifier(
        (30, 8), encoding="fourier", n_frequencies=12, learning_time=20.0
    ),
    "classifier-hebbian": ActivationLearningClassifier(
        (12, 8), n_frequencies=12, solver="hebbian", max_iter=3
    ),
    "detector": ActivationAnomalyDetector(n_frequencies=12),
    "detector-unit": ActivationAnomalyDetector(encoding="unit"),
    "detector-share": ActivationAnomalyDetector((12, 8), n_frequencies=12, contamination=0.1),
    "detector-hebbian": ActivationAnomalyDetector(
        n_frequencies=12, solver="hebbian", max_iter=3, batch_size=1
    ),
}
METHODS = (
    "transform",
    "score_samples",
    "decision_function",
    "predict_proba",
    "predict",
)
CLASSIFIERS = [name for name in CASES if name.startswith("classifier")]
TRANSFORMERS = [name for name in CASES if name.startswith("transformer")]
DETECTORS = [name for name in CASES if name.startswith("detector")]


@pytest.fixture(autouse=True)
def silent(capfd):
    """No call prints anything."""
    yield
    printed = capfd.readouterr()
    assert printed.out == ""
    assert printed.err == ""


@pytest.fixture(params=CASES)
def estimator(request):
    return new(request.param)


@pytest.fixture(params=CLASSIFIERS)
def classifier(request):
    return new(request.param)


def new(name):
    return clone(CASES[name]).set_params(random_state=0)


def data(n_rows=N_ROWS, n_features=N_FEATURES, seed=0):
    """Two unlike groups of rows, alternating."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, n_features))
    X[::2] += 1.5
    return X, labels(n_rows)


def labels(n_rows):
    return np.arange(n_rows) % 2


def fit(estimator, X):
    return estimator.fit(X, labels(np.shape(X)[0]))


def partial_fit(estimator, X, y=None):
    if y is None:
        y = labels(np.shape(X)[0])
    if isinstance(estimator, ActivationLearningClassifier):
        return estimator.partial_fit(X, y, classes=[0, 1])
    return estimator.partial_fit(X, y)


def outputs(estimator, X):
    """What every method of the estimator says about ``X``."""
    return {name: getattr(estimator, name)(X) for name in METHODS if hasattr(estimator, name)}


def assert_same(ours, theirs, **tolerance):
    assert ours.keys() == theirs.keys()
    for name, values in ours.items():
        if tolerance:
            assert_allclose(values, theirs[name], err_msg=name, **tolerance)
        else:
            assert_array_equal(values, theirs[name], err_msg=name)


def assert_finite(estimator, X):
    for name, values in outputs(estimator, X).items():
        assert len(values) == len(X), name
        assert np.isfinite(values).all(), name


# -- refused ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "value, message", [(np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "infinity")]
)
def test_not_finite(estimator, value, message):
    X, y = data()
    bad = X.copy()
    bad[3, 1] = value
    if np.isnan(value) and estimator.__sklearn_tags__().input_tags.allow_nan:
        pytest.skip("NaN is a missing unit: test_detector.py, test_inference.py")
    for call in (lambda: fit(estimator, bad), lambda: partial_fit(estimator, bad)):
        with pytest.raises(ValueError, match=message):
            call()
        with pytest.raises(NotFittedError):
            estimator.score_samples(X)
    estimator.fit(X, y)
    for name in outputs(estimator, X):
        with pytest.raises(ValueError, match=message):
            getattr(estimator, name)(bad)


@pytest.mark.parametrize(
    "kind", [sparse.csr_matrix, sparse.csc_array, sparse.csr_array, sparse.coo_array]
)
def test_sparse(estimator, kind):
    X, y = data()
    with pytest.raises(TypeError, match=r"(?i)dense|toarray"):
        fit(estimator, kind(X))
    with pytest.raises(TypeError, match=r"(?i)dense|toarray"):
        partial_fit(estimator, kind(X))
    estimator.fit(X, y)
    for name in outputs(estimator, X):
        with pytest.raises(TypeError, match=r"(?i)dense|toarray"):
            getattr(estimator, name)(kind(X))


def with_strings(kind):
    """Rows with a column "colour" of strings, and how an error should call it."""
    X, _ = data()
    colours = np.where(labels(N_ROWS), "red", "blue")
    if kind == "object":
        X = X.astype(object)
        X[:, 2] = colours
        return X, "Column 2 "
    if kind == "unicode":
        X = X.astype(str)
        X[:, 2] = colours
        return X, "Column 2 "
    if kind == "polars":
        polars = pytest.importorskip("polars")
        frame = polars.DataFrame(X, schema=["a", "b", "c", "d"])
        return frame.with_columns(polars.Series("colour", colours)), "Column 'colour'"
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=["a", "b", "c", "d"])
    frame["colour"] = colours
    if kind == "pandas object":
        frame["colour"] = frame["colour"].astype(object)
    elif kind == "pandas category":
        frame["colour"] = frame["colour"].astype("category")
    return frame, "Column 'colour'"


@pytest.mark.parametrize(
    "kind", ["object", "unicode", "pandas", "pandas object", "pandas category", "polars"]
)
def test_categorical_strings(estimator, kind):
    X, message = with_strings(kind)
    takes = getattr(estimator, "encoding", "fourier") != "unit"
    if getattr(estimator, "categorical_features", None) and takes:
        pytest.skip("strings are categories: test_columns.py")
    for call in (fit, partial_fit):
        with pytest.raises(ValueError, match=message):
            call(estimator, X)


@pytest.mark.parametrize(
    "X, message",
    [
        (np.ones(5), "2D array"),
        (np.ones((2, 3, 4)), "one in each row"),
        (np.empty((0, 4)), "0 sample"),
        (np.empty((5, 0)), "0 feature"),
        (np.ones((5, 4), dtype=complex), "Complex"),
    ],
    ids=["1d", "3d", "no rows", "no columns", "complex"],
)
def test_not_a_table(estimator, X, message):
    with pytest.raises(ValueError, match=message):
        fit(estimator, X)


def test_other_number_of_columns(estimator):
    X, _ = data()
    fit(estimator, X)
    for name in outputs(estimator, X):
        with pytest.raises(ValueError, match=r"3 features.*4 features"):
            getattr(estimator, name)(X[:, :3])
    with pytest.raises(ValueError, match=r"3 features.*4 features"):
        partial_fit(estimator, X[:, :3])


# -- taken, with finite answers ----------------------------------------------------


def huge_and_tiny(X):
    return X * np.array([1e300, 1e-300, 1, 1e150])


def constant_columns(X):
    X[:, 1] = 0
    X[:, 2] = 3
    return X


def constant_rows(X):
    X[:] = [0.1, -2, 3, 1e6]
    return X


def zero_rows(X):
    X[::3] = 0
    return X


def nothing_but_zeros(X):
    return np.zeros_like(X)


def duplicated_rows(X):
    return np.repeat(X[:6], 10, axis=0)


def collinear_columns(X):
    return X[:, [0, 0, 0, 0]] * [1, 2, -1, 1e-9]


def denormal(X):
    return X * 1e-310


def far_from_zero(X):
    return X + 1e9


AWKWARD = [
    huge_and_tiny,
    constant_columns,
    constant_rows,
    zero_rows,
    nothing_but_zeros,
    duplicated_rows,
    collinear_columns,
    denormal,
    far_from_zero,
]


@pytest.mark.parametrize("spoil", AWKWARD)
def test_awkward_values(estimator, spoil):
    ordinary, _ = data(seed=1)
    X = spoil(data()[0])
    fit(estimator, X)
    assert_finite(estimator, X)
    assert_finite(estimator, ordinary)
    partial_fit(estimator, X)
    assert_finite(estimator, X)


@pytest.mark.parametrize("spoil", AWKWARD)
def test_awkward_values_after_ordinary_ones(estimator, spoil):
    X, _ = data()
    fit(estimator, X)
    assert_finite(estimator, spoil(X.copy()))


@pytest.mark.parametrize("magnitude", [1e38, 1e-38, 1e-44])
def test_extreme_float32(estimator, magnitude):
    X = (data()[0] * [magnitude, 1, 1, 1]).clip(-3e38, 3e38).astype(np.float32)
    fit(estimator, X)
    assert_finite(estimator, X)


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_features_of_a_zero_row_are_zero(name):
    X, _ = data()
    X[5] = 0
    F = fit(new(name), X).transform(X)
    assert_array_equal(F[5], 0)
    assert np.all(np.linalg.norm(np.delete(F, 5, axis=0), axis=1) > 0)


def test_one_sample(estimator):
    X, _ = data(1)
    if isinstance(estimator, (ActivationLearningClassifier, ActivationAnomalyDetector)):
        with pytest.raises(ValueError, match=r"1 sample|one class"):
            fit(estimator, X)
    else:
        assert_finite(fit(estimator, X), X)


def test_one_sample_in_partial_fit(estimator):
    X, _ = data()
    for i in range(4):
        partial_fit(estimator, X[[i]], labels(N_ROWS)[[i]])
        assert_finite(estimator, X)


def test_two_samples(estimator):
    X, _ = data(2)
    assert_finite(fit(estimator, X), X)


def test_one_feature(estimator):
    X, _ = data(n_features=1)
    assert_finite(fit(estimator, X), X)


def test_fewer_rows_than_units(estimator):
    X, _ = data(5, 30)
    assert_finite(fit(estimator, X), X)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint8, np.int64, np.float16, object, str])
def test_cast(estimator, dtype):
    X = np.round(3 * data()[0])
    if dtype is bool or np.dtype(dtype).kind == "u":
        X = np.abs(X)
    X = X.astype(dtype)
    as_floats = X.astype(np.float64)
    expected = outputs(fit(clone(estimator), as_floats), as_floats)
    assert_same(outputs(fit(estimator, X), X), expected)
    strings = as_floats.astype(str).astype(object)
    assert_same(outputs(fit(estimator, strings), strings), expected)


def test_lists(estimator):
    X, _ = data()
    expected = outputs(fit(clone(estimator), X), X)
    assert_same(outputs(fit(estimator, X.tolist()), X.tolist()), expected)


# -- memory ------------------------------------------------------------------------


def strided(X, _):
    wide = np.zeros((2 * len(X), 3 * X.shape[1]), dtype=X.dtype)
    wide[::2, ::3] = X
    return wide[::2, ::3]


def reversed_view(X, _):
    return X[::-1].copy()[::-1]


def read_only(X, _):
    X = X.copy()
    X.flags.writeable = False
    return X


def memmap(mode):
    def store(X, folder):
        path = folder / "X.npy"
        np.save(path, X)
        return np.load(path, mmap_mode=mode)

    return store


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    "arranged",
    [lambda X, _: np.asfortranarray(X), strided, reversed_view, read_only]
    + [memmap("r"), memmap("r+"), memmap("c")],
    ids=["Fortran", "strides", "reversed", "read-only", "memmap r", "memmap r+", "memmap c"],
)
def test_memory_does_not_matter(estimator, arranged, dtype, tmp_path):
    X = data()[0].astype(dtype)
    expected = outputs(fit(clone(estimator), X), X)
    X_arranged = arranged(X, tmp_path)
    assert_same(outputs(fit(estimator, X_arranged), X_arranged), expected)
    partial_fit(estimator, X_arranged)
    assert_array_equal(X_arranged, X)


def test_input_unchanged(estimator):
    X, y = data()
    weight = np.linspace(0, 1, len(X))
    before = X.copy(), y.copy(), weight.copy()
    estimator.fit(X, y, sample_weight=weight)
    if isinstance(estimator, ActivationLearningClassifier):
        estimator.partial_fit(X, y, sample_weight=weight)
    else:
        estimator.partial_fit(X, sample_weight=weight)
    outputs(estimator, X)
    for ours, theirs in zip((X, y, weight), before, strict=True):
        assert_array_equal(ours, theirs)


def test_answers_are_no_views_of_the_model(estimator):
    """Writing into what a method returned changes no later answer."""
    X, _ = data()
    fit(estimator, X)
    first = outputs(estimator, X)
    kept = {name: values.copy() for name, values in first.items()}
    for values in first.values():
        values[:] = 0
    assert_same(outputs(estimator, X), kept)


# -- precision ---------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", TRANSFORMERS)
def test_precision_of_features(name, dtype):
    X = data()[0].astype(dtype)
    transformer = fit(new(name), X)
    assert transformer.transform(X).dtype == dtype
    assert transformer.fit_transform(X).dtype == dtype
    assert all(W.dtype == dtype for W in transformer.coefs_)
    if transformer.output == "linear":
        assert transformer.inverse_transform(transformer.transform(X)).dtype == dtype


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", DETECTORS)
def test_detector_scores_are_double(name, dtype):
    X = data()[0].astype(dtype)
    detector = fit(new(name), X)
    assert detector.score_samples(X).dtype == np.float64
    assert detector.decision_function(X).dtype == np.float64
    assert detector.predict(X).dtype.kind == "i"


def test_single_precision_is_near_double(estimator):
    if estimator.solver == "hebbian":
        pytest.skip("Random starts differ between precisions.")
    X = data()[0].astype(np.float32)
    single = outputs(fit(clone(estimator), X), X)
    double = outputs(fit(estimator, X.astype(np.float64)), X.astype(np.float64))
    if isinstance(estimator, CompetitiveHebbianTransformer):
        del single["transform"], double["transform"]  # other rotations
    assert_same({"score": single["score_samples"]}, {"score": double["score_samples"]}, atol=2e-3)


# -- labels and weights ------------------------------------------------------------


@pytest.mark.parametrize("y", [np.ones(N_ROWS), np.array(["a"] * N_ROWS)], ids=["float", "str"])
def test_one_class(classifier, y):
    X, _ = data()
    with pytest.raises(ValueError, match="class"):
        classifier.fit(X, y)
    with pytest.raises(ValueError, match="2 classes"):
        classifier.partial_fit(X, y, classes=y[:1])
    with pytest.raises(NotFittedError):
        classifier.predict(X)


def test_unseen_label_in_partial_fit(classifier):
    X, y = data()
    classifier.partial_fit(X, y, classes=[0, 1, 7])
    before = outputs(classifier, X)
    for later in (2, -1, 8):
        with pytest.raises(ValueError, match=str(later)):
            classifier.partial_fit(X, np.full(N_ROWS, later))
    assert_same(outputs(classifier, X), before)
    classifier.partial_fit(X[:1], [7])
    assert_array_equal(classifier.classes_, [0, 1, 7])


def test_classes_in_partial_fit(classifier):
    X, y = data()
    with pytest.raises(ValueError, match="classes"):
        classifier.partial_fit(X, y)
    with pytest.raises(ValueError, match=r"not in classes: \[1\]"):
        classifier.partial_fit(X, y, classes=[0, 3])
    classifier.partial_fit(X, y, classes=[1, 0])
    with pytest.raises(ValueError, match="differ"):
        classifier.partial_fit(X, y, classes=[0, 1, 2])
    classifier.partial_fit(X, y, classes=[0, 1])
    assert_array_equal(classifier.classes_, [0, 1])


@pytest.mark.parametrize(
    "y, message",
    [
        (None, "y"),
        (np.linspace(0, 1, N_ROWS), "Unknown label type"),
        (np.arange(N_ROWS - 1) % 2, "inconsistent numbers of samples"),
        (np.full(N_ROWS, np.nan), "NaN"),
    ],
    ids=["none", "continuous", "too few", "NaN"],
)
def test_labels_that_are_none(classifier, y, message):
    X, _ = data()
    with pytest.raises(ValueError, match=message):
        classifier.fit(X, y)
    with pytest.raises(NotFittedError):
        classifier.predict(X)


@pytest.mark.parametrize("y", [None, "abc", np.array(["a", None]), np.ones((3, 2)), {"a": 1}])
@pytest.mark.parametrize("name", TRANSFORMERS + DETECTORS)
def test_labels_are_ignored(name, y):
    X, _ = data()
    expected = outputs(new(name).fit(X), X)
    assert_same(outputs(new(name).fit(X, y), X), expected)
    first = outputs(new(name).partial_fit(X), X)
    assert_same(outputs(new(name).partial_fit(X, y), X), first)


@pytest.mark.parametrize(
    "weight, message",
    [
        (np.zeros(N_ROWS), r"(?i)sample.weight.*zero"),
        (np.r_[-1.0, np.ones(N_ROWS - 1)], "(?i)negative.*sample_weight"),
        (np.r_[np.nan, np.ones(N_ROWS - 1)], "NaN"),
        (np.r_[np.inf, np.ones(N_ROWS - 1)], "infinity"),
        (np.ones(N_ROWS - 1), "sample_weight"),
        (np.ones((N_ROWS, 1)), "(?i)sample.weight.*1D"),
    ],
    ids=["all zero", "negative", "NaN", "inf", "too few", "2d"],
)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_bad_weights(estimator, weight, message, method):
    X, y = data()
    is_classifier = isinstance(estimator, ActivationLearningClassifier)
    classes = {"classes": [0, 1]} if is_classifier and method == "partial_fit" else {}
    with pytest.raises(ValueError, match=message):
        getattr(estimator, method)(X, y, sample_weight=weight, **classes)
    with pytest.raises(NotFittedError):
        estimator.score_samples(X)


def test_weight_zero_is_no_row(estimator):
    X, y = data()
    weight = np.ones(N_ROWS)
    weight[[0, 3, 10, 59]] = 0
    expected = outputs(clone(estimator).fit(X[weight > 0], y[weight > 0]), X)
    assert_same(outputs(estimator.fit(X, y, sample_weight=weight), X), expected)


@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_scale_of_weights(estimator, scale):
    """Only the weights' proportions matter, and weights may be of any size."""
    X, y = data()
    weight = np.random.default_rng(0).uniform(0.5, 1.5, size=N_ROWS)
    expected = outputs(clone(estimator).fit(X, y, sample_weight=weight), X)
    estimator.fit(X, y, sample_weight=scale * weight)
    ours = outputs(estimator, X)
    for values in (ours, expected):
        values.pop("predict", None)
    assert_same(ours, expected, rtol=1e-6, atol=1e-6)


# -- failures leave no trace -------------------------------------------------------


def fit_other_columns(estimator, X, y):
    bad = np.hstack([X, X])
    bad[0, 0] = np.inf
    estimator.fit(bad, y)


def fit_one_class(estimator, X, y):
    if not isinstance(estimator, ActivationLearningClassifier):
        pytest.skip("Classifiers only.")
    estimator.fit(np.hstack([X, X]), np.zeros(len(X)))


def fit_no_weight(estimator, X, y):
    estimator.fit(np.hstack([X, X]), y, sample_weight=np.zeros(len(X)))


def fit_bad_parameter(estimator, X, y):
    estimator.set_params(learning_time=(1.0, 2.0, 3.0)).fit(np.hstack([X, X]), 1 - y)


def fit_bad_size(estimator, X, y):
    estimator.set_params(layer_sizes=(4, -1)).fit(np.hstack([X, X]), y + 3)


def partial_fit_nan(estimator, X, y):
    estimator.partial_fit(np.full_like(X, np.nan), y)


def partial_fit_other_size(estimator, X, y):
    estimator.set_params(layer_sizes=(4, 3, 2)).partial_fit(X, y)


@pytest.mark.parametrize(
    "fail",
    [
        fit_other_columns,
        fit_one_class,
        fit_no_weight,
        fit_bad_parameter,
        fit_bad_size,
        partial_fit_nan,
        partial_fit_other_size,
    ],
)
def test_failure_keeps_the_old_state(estimator, fail):
    X, y = data()
    estimator.fit(X, y)
    params = estimator.get_params()
    before, state = outputs(estimator, X), {**vars(estimator)}
    with pytest.raises(ValueError):
        fail(estimator, X, y)
    assert estimator.n_features_in_ == N_FEATURES
    assert_same(outputs(estimator, X), before)
    estimator.set_params(**params)
    assert vars(estimator).keys() == state.keys()
    partial_fit(estimator, X)  # and it goes on as if nothing had been


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt])
@pytest.mark.parametrize("name", [name for name in CASES if "hebbian" not in name])
def test_failure_half_way(name, error, monkeypatch):
    """An exception after the statistics have been added up does not add them."""
    X, y = data()
    once = fit(new(name), X)
    tried = fit(new(name), X)

    def fail(*_):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(layer, "activation_curve", fail)
        for call in (tried.fit, tried.partial_fit):
            with pytest.raises(error):
                call(X[::-1] + 1, y)
    assert_same(outputs(tried, X), outputs(once, X))
    for model in (once, tried):
        partial_fit(model, X + 1)
    assert_same(outputs(tried, X), outputs(once, X))


@pytest.mark.parametrize("method", METHODS)
def test_not_fitted(estimator, method):
    X, _ = data()
    if not hasattr(estimator, method):
        pytest.skip("No such method.")
    with pytest.raises(NotFittedError):
        getattr(estimator, method)(X)


# -- parameters --------------------------------------------------------------------

EVERY = "transformer", "classifier", "detector"
FOURIER = "classifier", "detector"
BAD_PARAMETERS = [
    (EVERY, {"layer_sizes": ()}, r"layer_sizes=\(\)"),
    (EVERY, {"layer_sizes": []}, r"layer_sizes=\[\]"),
    (EVERY, {"layer_sizes": (0,)}, r"layer_sizes=\(0,\)"),
    (EVERY, {"layer_sizes": (5, -3)}, r"layer_sizes=\(5, -3\)"),
    (EVERY, {"layer_sizes": (5, 2.5)}, r"layer_sizes=\(5, 2.5\)"),
    (EVERY, {"layer_sizes": (5, "6")}, r"layer_sizes=\(5, '6'\)"),
    (EVERY, {"layer_sizes": 2.5}, "layer_sizes"),
    (EVERY, {"layer_sizes": 0}, "layer_sizes"),
    (EVERY, {"layer_sizes": "10"}, "layer_sizes"),
    (EVERY, {"activation": "relu"}, "activation"),
    (EVERY, {"activation": None}, "activation"),
    (EVERY, {"solver": "adam"}, "solver"),
    (EVERY, {"learning_time": 0}, "learning_time"),
    (EVERY, {"learning_time": -1}, "learning_time"),
    (EVERY, {"learning_time": np.inf}, "learning_time"),
    (EVERY, {"learning_time": np.nan}, "learning_time"),
    (EVERY, {"learning_time": "soon"}, "learning_time"),
    (EVERY, {"learning_time": None}, "learning_time"),
    (EVERY, {"layer_sizes": (5, 5), "learning_time": (1,)}, r"learning_time=\(1,\).*1.*2 layers"),
    (EVERY, {"layer_sizes": (5, 5), "learning_time": (1, 2, 3)}, r"learning_time.*3.*2 layers"),
    (EVERY, {"layer_sizes": (5, 5), "learning_time": (1, -1)}, "learning_time"),
    (EVERY, {"layer_sizes": (5, 5), "learning_time": (1, np.inf)}, "learning_time"),
    (EVERY, {"layer_sizes": (5, 5), "learning_time": (1, np.nan)}, "learning_time"),
    (EVERY, {"layer_sizes": (5, 5), "learning_time": (1, "auto")}, "learning_time"),
    (EVERY, {"init_activation": 0}, "init_activation"),
    (EVERY, {"init_activation": 1}, "init_activation"),
    (EVERY, {"init_activation": np.nan}, "init_activation"),
    (EVERY, {"learning_rate": 0}, "learning_rate"),
    (EVERY, {"learning_rate": -0.1}, "learning_rate"),
    (EVERY, {"learning_rate": np.inf}, "learning_rate"),
    (EVERY, {"max_iter": 0}, "max_iter"),
    (EVERY, {"max_iter": 2.5}, "max_iter"),
    (EVERY, {"batch_size": 0}, "batch_size"),
    (EVERY, {"batch_size": "auto"}, "batch_size"),
    (EVERY, {"warm_start": "yes"}, "warm_start"),
    (EVERY, {"n_jobs": 1.5}, "n_jobs"),
    (EVERY, {"n_jobs": 0}, "n_jobs"),
    (EVERY, {"random_state": "seed"}, "random_state"),
    (EVERY, {"verbose": -1}, "verbose"),
    (FOURIER, {"encoding": "onehot"}, "encoding"),
    (FOURIER, {"n_frequencies": 0}, "n_frequencies"),
    (FOURIER, {"bandwidth": 0}, "bandwidth"),
    (FOURIER, {"bandwidth": -1.0}, "bandwidth"),
    (FOURIER, {"bandwidth": np.inf}, "bandwidth"),
    (FOURIER, {"bandwidth": "small"}, "bandwidth"),
    (FOURIER, {"standardize": "yes"}, "standardize"),
    (("transformer",), {"output": "codes"}, "output"),
    (("detector",), {"encoding": "auto"}, "encoding"),
    (("detector",), {"contamination": 0}, "contamination"),
    (("detector",), {"contamination": -0.1}, "contamination"),
    (("detector",), {"contamination": 0.7}, "contamination"),
    (("detector",), {"contamination": np.nan}, "contamination"),
    (("detector",), {"contamination": "some"}, "contamination"),
]


@pytest.mark.parametrize(
    "name, params, message",
    [(name, params, text) for names, params, text in BAD_PARAMETERS for name in names],
)
def test_bad_parameter(name, params, message):
    X, y = data()
    estimator = new(name).set_params(**params)
    with pytest.raises(ValueError, match=message):
        estimator.fit(X, y)
    if params.get("solver") != "hebbian":  # whose partial_fit needs no learning time
        with pytest.raises(ValueError, match=message):
            partial_fit(estimator, X, y)
    with pytest.raises(NotFittedError):
        estimator.score_samples(X)


@pytest.mark.parametrize("cls", [type(CASES[name]) for name in EVERY])
def test_parameters_are_keywords(cls):
    cls(3)
    with pytest.raises(TypeError, match="positional"):
        cls(3, "abs")
