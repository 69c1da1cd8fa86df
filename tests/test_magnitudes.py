"""Numbers of any size and precision, in training and later: finite answers, and no warnings."""

import numpy as np
import pytest

from sklearn_activation import (
    ActivationAnomalyDetector,
    ActivationImputer,
    ActivationLearningClassifier,
    CompetitiveHebbianTransformer,
)

pytestmark = [
    pytest.mark.filterwarnings("error"),
    pytest.mark.filterwarnings("ignore:.*too few for a threshold:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*sampling steps were accepted"),
    pytest.mark.filterwarnings("ignore:The latest values of some channels lie far outside"),
]

N = 40
ROWS = np.random.default_rng(0).normal(size=(N, 3))
ROWS[::2] += 1.5
LABELS = np.arange(N) % 2
SMALL = {"n_frequencies": 6, "random_state": 0}
AS_IS = {"standardize": False, "bandwidth": 1.0}
UNIT = {"encoding": "unit", "random_state": 0}
SHORT = {"n_steps": 3, "random_state": 0}

KINDS = {
    "transformer": CompetitiveHebbianTransformer(4, random_state=0),
    "transformer-linear": CompetitiveHebbianTransformer(3, output="linear", random_state=0),
    "transformer-deep": CompetitiveHebbianTransformer((4, 3), activation="square", random_state=0),
    "classifier-unit": ActivationLearningClassifier(6, **UNIT),
    "classifier-fourier": ActivationLearningClassifier(6, encoding="fourier", **SMALL),
    "classifier-as-is": ActivationLearningClassifier(6, encoding="fourier", **AS_IS, **SMALL),
    "detector": ActivationAnomalyDetector(**SMALL),
    "detector-as-is": ActivationAnomalyDetector(**AS_IS, **SMALL),
    "detector-unit": ActivationAnomalyDetector(**UNIT),
    "detector-share": ActivationAnomalyDetector(contamination=0.1, **SMALL),
    "series": ActivationAnomalyDetector(window=6, **SMALL),
    "series-scale": ActivationAnomalyDetector(
        window=6, relative_to="scale", level_weight=1.0, **SMALL
    ),
    "series-as-is": ActivationAnomalyDetector(window=6, relative_to=None, **SMALL),
    "series-unit": ActivationAnomalyDetector(window=6, **UNIT),
    "imputer": ActivationImputer(bandwidth=1.0, learning_time=9.0, **SMALL),
}


def with_gap(X):
    X = X.copy()
    X[1, 1] = np.nan
    return X


def readers(estimator, X):
    """Calls of all methods that read rows or draw some, by their names."""
    of_rows = ["transform", "score_samples", "decision_function", "predict", "predict_proba"]
    of_rows += ["p_values", "explain", "layer_activations"]
    if isinstance(estimator, ActivationImputer):
        of_rows = []  # see test_imputer.py
    for name in of_rows:
        if hasattr(estimator, name):
            yield name, lambda name=name: getattr(estimator, name)(X)
            if not isinstance(estimator, CompetitiveHebbianTransformer):
                if name != "layer_activations":
                    yield name, lambda name=name: getattr(estimator, name)(with_gap(X))
    if hasattr(estimator, "inverse_transform"):
        yield "inverse_transform", lambda: estimator.inverse_transform(X)
    if isinstance(estimator, ActivationAnomalyDetector):
        if estimator.window is not None:
            yield "monitor", lambda: estimator.monitor(X).update(X[:3])["score"]
            yield "events", lambda: estimator.events(X)["score"]
            yield "sample_future", lambda: estimator.sample_future(X, 2, 2, random_state=0)
            for asked in (X, with_gap(X), X[:1]):
                yield "forecast", lambda asked=asked: estimator.forecast_quantiles(asked, 2)
        elif estimator.encoding != "unit":
            yield "sample", lambda: estimator.sample(2, **SHORT)
            yield "sample given", lambda: estimator.sample(2, given=with_gap(X)[1], **SHORT)


def assert_answers(kind, learned, asked):
    estimator = type(kind)(**kind.get_params()).fit(learned, LABELS)
    for name, read in readers(estimator, asked):
        found = np.asarray(read())
        assert found.dtype.kind not in "fc" or np.isfinite(found).all(), name


def times(X, scale, precision):
    """Rows times a number in a precision that holds them, or None."""
    if scale * np.abs(X).max() > np.finfo(precision).max:
        return None
    with np.errstate(under="ignore"):
        return (X * scale).astype(precision)


SCALES = 1e300, 1e-300, 1e38, 1e-310


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", KINDS)
def test_rows_of_any_size_in_any_precision(name, scale):
    """Training and question may differ in size and precision."""
    double, single, n_asked = np.float64, np.float32, 0
    for of_learned, learned_in, of_asked, asked_in in (
        (1, double, scale, double),
        (1, single, scale, double),
        (1, double, scale, single),
        (scale, double, 1, single),
        (scale, single, scale, single),
    ):
        learned = times(ROWS, of_learned, learned_in)
        asked = times(ROWS[:9], of_asked, asked_in)
        if learned is not None and asked is not None:
            assert_answers(KINDS[name], learned, asked)
            n_asked += 1
    assert n_asked >= 3


@pytest.mark.parametrize("name", KINDS)
def test_columns_of_unlike_sizes(name):
    X = ROWS * [1e300, 1e-300, 1]
    assert_answers(KINDS[name], X, X[:9])


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("spread", [5e-324, 1e-310])
def test_columns_whose_spread_is_hardly_a_number(name, spread):
    X = ROWS.copy()
    X[:, 1] = spread * (np.arange(N) % 3)
    asked = X[:9].copy()
    asked[0, 1], asked[1, 1] = 1, 1e-309
    assert_answers(KINDS[name], X, asked)


def test_codes_beyond_single_precision_are_the_largest():
    """They keep their signs, and come back as the largest rows that there are."""
    X = ROWS.astype(np.float32)
    transformer = CompetitiveHebbianTransformer(3, output="linear", random_state=0).fit(X)
    codes = transformer.transform(1e300 * ROWS)
    largest = np.finfo(np.float32).max
    assert codes.dtype == np.float32
    np.testing.assert_array_equal(codes, largest * np.sign(transformer.transform(ROWS)))
    assert np.isfinite(transformer.inverse_transform(codes)).all()
    small = transformer.transform(X)
    np.testing.assert_allclose(
        transformer.inverse_transform(small.astype(float)),
        transformer.inverse_transform(small),
        rtol=1e-5,
        atol=1e-6,
    )
