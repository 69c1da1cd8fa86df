"""Answers are those of one model, whatever a thread fits meanwhile."""

import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import sklearn_activation
from sklearn_activation import (
    ActivationAnomalyDetector,
    ActivationImputer,
    ActivationLearningClassifier,
    CompetitiveHebbianPatchTransformer,
    CompetitiveHebbianTransformer,
)

PACKAGE = str(Path(sklearn_activation.__file__).parent)
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*too few for a threshold:UserWarning"),
    pytest.mark.filterwarnings("ignore:learning_time="),
    pytest.mark.filterwarnings("ignore:.*sampling steps were accepted"),
]

rng = np.random.default_rng(0)
ROWS = rng.normal(size=(45, 4)) + 2
OTHER_ROWS = 3 * rng.normal(size=(48, 4)) - 1
SERIES = np.sin(np.arange(120) / 3)[:, None] + 0.1 * rng.normal(size=(120, 2))
OTHER_SERIES = np.cos(np.arange(150) / 2)[:, None] + 0.3 * rng.normal(size=(150, 2))
ASKED = np.concatenate([ROWS[:3], OTHER_ROWS[:3]])
GAPS = np.where(np.eye(6, 4, dtype=bool), np.nan, ASKED)
FOUR, THREE = np.arange(48) % 4, np.array(["a", "b", "c"])[np.arange(45) % 3]
SHORT = {"n_steps": 3, "random_state": 0}

TABLES = (ROWS, THREE), (OTHER_ROWS, FOUR)
# The second model takes rows of three columns, and the answer to rows of four is an error.
WIDTHS = (ROWS, THREE), (OTHER_ROWS[:, :3], FOUR)
SERIESES = (SERIES, None), (OTHER_SERIES, None)

TRANSFORMER = CompetitiveHebbianTransformer(random_state=0)
LINEAR = CompetitiveHebbianTransformer(3, output="linear", random_state=0)
PATCHES = CompetitiveHebbianPatchTransformer(n_units=3, random_state=0)
PIXELS = CompetitiveHebbianPatchTransformer(n_units=3, patch_size=1, random_state=0)
CLASSIFIER = ActivationLearningClassifier(8, encoding="unit", learning_time=9.0, random_state=0)
FOURIER = ActivationLearningClassifier(
    6, encoding="fourier", n_frequencies=6, learning_time=9.0, random_state=0
)
TABLE = ActivationAnomalyDetector(n_frequencies=6, random_state=0)
WINDOWS = ActivationAnomalyDetector(n_frequencies=6, window=8, random_state=0)
IMPUTER = ActivationImputer(n_frequencies=6, bandwidth=1.0, learning_time=9.0, random_state=0)


def framed(transformer):
    return transformer.set_output(transform="pandas").transform(ASKED).to_dict()


# Name: an estimator, two tables with labels, and what is asked.
READERS = {
    "transform": (TRANSFORMER, TABLES, lambda e: e.transform(ASKED)),
    "transform to frames": (TRANSFORMER, WIDTHS, framed),
    "transformer, widths": (TRANSFORMER, WIDTHS, lambda e: e.transform(ASKED)),
    "transformer, score_samples": (TRANSFORMER, TABLES, lambda e: e.score_samples(ASKED)),
    "transformer, score": (TRANSFORMER, TABLES, lambda e: e.score(ASKED)),
    "transformer, names": (TRANSFORMER, WIDTHS, lambda e: e.get_feature_names_out()),
    "patches": (PATCHES, TABLES, lambda e: e.transform(ASKED)),
    "patches, widths": (PATCHES, WIDTHS, lambda e: e.transform(ASKED)),
    "patches, names": (PIXELS, WIDTHS, lambda e: e.get_feature_names_out()),
    "inverse_transform": (LINEAR, TABLES, lambda e: e.inverse_transform(ASKED[:, :3])),
    "predict": (CLASSIFIER, TABLES, lambda e: e.predict(ASKED)),
    "predict, widths": (CLASSIFIER, WIDTHS, lambda e: e.predict(ASKED)),
    "predict, Fourier": (FOURIER, TABLES, lambda e: e.predict(ASKED)),
    "predict, gaps": (CLASSIFIER, TABLES, lambda e: e.predict(GAPS)),
    "decision_function": (CLASSIFIER, TABLES, lambda e: e.decision_function(ASKED)),
    "predict_proba": (CLASSIFIER, TABLES, lambda e: e.predict_proba(ASKED)),
    "score_samples": (FOURIER, TABLES, lambda e: e.score_samples(ASKED)),
    "score": (CLASSIFIER, TABLES, lambda e: e.score(ASKED, [0, 1, 2, 3, 0, 1])),
    "layer_activations": (CLASSIFIER, TABLES, lambda e: e.layer_activations(ASKED)),
    "generate": (CLASSIFIER, TABLES, lambda e: e.generate([1, 3], random_state=0)),
    "generate, Fourier": (FOURIER, TABLES, lambda e: e.generate(["a"], random_state=0)),
    "complete": (CLASSIFIER, TABLES, lambda e: e.complete(GAPS)),
    "detector, score_samples": (TABLE, TABLES, lambda e: e.score_samples(ASKED)),
    "detector, gaps": (TABLE, TABLES, lambda e: e.score_samples(GAPS)),
    "detector, decision_function": (TABLE, TABLES, lambda e: e.decision_function(ASKED)),
    "detector, widths": (TABLE, WIDTHS, lambda e: e.decision_function(ASKED)),
    "detector, predict": (TABLE, TABLES, lambda e: e.predict(ASKED)),
    "p_values": (TABLE, TABLES, lambda e: e.p_values(ASKED)),
    "explain": (TABLE, TABLES, lambda e: e.explain(ASKED)),
    "sample": (TABLE, TABLES, lambda e: e.sample(2, **SHORT)),
    "sample, widths": (TABLE, WIDTHS, lambda e: e.sample(2, given=GAPS[0], **SHORT)),
    "series, decision_function": (WINDOWS, SERIESES, lambda e: e.decision_function(SERIES[:30])),
    "series, p_values": (WINDOWS, SERIESES, lambda e: e.p_values(SERIES[:30])),
    "series, explain": (WINDOWS, SERIESES, lambda e: e.explain(SERIES[:30])),
    "events": (
        WINDOWS,
        SERIESES,
        lambda e: e.events(np.r_[SERIES[:20], SERIES[:20] + 5]).tolist(),
    ),
    "monitor": (WINDOWS, SERIESES, lambda e: e.monitor().update(SERIES[:12]).tolist()),
    "sample_future": (WINDOWS, SERIESES, lambda e: e.sample_future(SERIES, 3, 2, random_state=0)),
    "forecast_quantiles": (WINDOWS, SERIESES, lambda e: e.forecast_quantiles(SERIES, 3)),
    "impute": (IMPUTER, TABLES, lambda e: e.transform(GAPS)),
    "impute, widths": (IMPUTER, WIDTHS, lambda e: e.transform(GAPS)),
}


def copied(estimator, **changes):
    return type(estimator)(**{**estimator.get_params(), **changes})


def outcome(ask, estimator):
    """What an estimator answers, or the error that it raises."""
    try:
        return ask(estimator)
    except ValueError as error:
        return str(error)


def is_one_of(found, expected):
    for one in expected:
        try:
            np.testing.assert_equal(found, one)
        except AssertionError:
            continue
        return True
    return False


def at_calls(numbers, act, call):
    """The result of ``call``, with ``act`` done before some calls of the package's functions.

    ``numbers`` holds the numbers of these calls, and the second result is how many there were.
    """
    n = 0

    def profile(frame, event, _):
        nonlocal n
        if event == "call" and frame.f_code.co_filename.startswith(PACKAGE):
            n += 1
            if n in numbers:
                sys.setprofile(None)
                act()
                sys.setprofile(profile)

    sys.setprofile(profile)
    try:
        found = call()
    finally:
        sys.setprofile(None)
    return found, n


@pytest.mark.parametrize("name", READERS)
def test_a_fit_amid_an_answer_does_not_mix_models(name):
    kind, (first, second), ask = READERS[name]
    old, new = copied(kind).fit(*first), copied(kind).fit(*second)
    expected = outcome(ask, old), outcome(ask, new)
    assert not is_one_of(expected[0], expected[1:])
    _, n_calls = at_calls((), None, lambda: outcome(ask, old))
    for at in np.unique(np.linspace(1, n_calls, 5).astype(int)):
        estimator = copied(kind).fit(*first)
        if name == "transform to frames":
            estimator.set_output(transform="pandas")
        found, _ = at_calls(
            {at}, lambda e=estimator: e.fit(*second), lambda e=estimator: outcome(ask, e)
        )
        assert is_one_of(found, expected), (at, n_calls)


@pytest.mark.parametrize("name", READERS)
def test_an_answer_amid_a_fit_is_of_the_old_model(name):
    kind, (first, second), ask = READERS[name]
    old = copied(kind).fit(*first)
    _, n_calls = at_calls((), None, lambda: copied(kind).fit(*second))
    expected, found = outcome(ask, old), []
    numbers = set(np.linspace(1, n_calls - 1, 4).astype(int).tolist())
    at_calls(numbers, lambda: found.append(outcome(ask, old)), lambda: old.fit(*second))
    assert len(found) > 1
    assert all(is_one_of(one, [expected]) for one in found)


@pytest.mark.parametrize("name", ["predict, widths", "detector, widths", "transform to frames"])
def test_threads_ask_while_one_fits(name):
    kind, (first, second), ask = READERS[name]
    expected = [outcome(ask, copied(kind).fit(*data)) for data in (first, second)]
    estimator, found, done = copied(kind).fit(*first), [], threading.Event()

    def read():
        while not done.is_set():
            found.append(outcome(ask, estimator))

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for turn in range(20):
            estimator.fit(*(second, first)[turn % 2])
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert found
    assert all(is_one_of(one, expected) for one in found)


def change(kind):
    """Calls that change a fitted estimator of a kind, by their names."""
    labels = {"classes": [0, 1, 2, 3]} if kind is CLASSIFIER else {}
    yield "partial_fit", lambda e: e.partial_fit(OTHER_ROWS, FOUR, **labels)
    yield "merge", lambda e: e.merge(copied(kind).fit(OTHER_ROWS, FOUR))
    if kind is TABLE:
        yield "set_threshold", lambda e: e.set_threshold(p=0.2)
        yield "compact", lambda e: e.compact()


CHANGES = [
    pytest.param(kind, call, id=f"{type(kind).__name__}-{name}")
    for kind in (
        copied(TRANSFORMER, learning_time=9.0),
        CLASSIFIER,
        copied(TABLE, bandwidth=1.0, standardize=False),
    )
    for name, call in change(kind)
]


@pytest.mark.parametrize("kind, call", CHANGES)
def test_other_changes_are_whole_too(kind, call):
    """The dictionary that a reader has copied is not written to."""
    estimator = copied(kind).fit(OTHER_ROWS[::-1], FOUR)
    before, kept = vars(estimator), vars(estimator).copy()
    seen = []
    at_calls(
        set(range(1, 10_000, 25)), lambda: seen.append(vars(estimator)), lambda: call(estimator)
    )
    assert all(state is before for state in seen[:-1]) and len(seen) > 1
    assert before.keys() == kept.keys() and all(before[k] is kept[k] for k in kept)
    assert vars(estimator) is not before


@pytest.mark.parametrize("kind", [TRANSFORMER, CLASSIFIER, TABLE, WINDOWS, IMPUTER])
def test_what_is_set_during_a_fit_stays(kind):
    data = SERIESES[0] if kind is WINDOWS else TABLES[0]
    estimator = copied(kind)

    def act():
        estimator.set_params(n_jobs=2)
        estimator.note = "kept"

    at_calls({20}, act, lambda: estimator.fit(*data))
    assert estimator.n_jobs == 2 and estimator.note == "kept"
    assert hasattr(estimator, "coefs_")


def test_attributes_that_a_fit_takes_away_are_gone():
    pandas = pytest.importorskip("pandas")
    estimator = copied(TABLE).fit(pandas.DataFrame(ROWS, columns=list("abcd")))
    assert hasattr(estimator, "feature_names_in_")
    estimator.fit(ROWS)
    assert not hasattr(estimator, "feature_names_in_")


class _Callback:
    """What scikit-learn asks of a callback: it keeps what it is told."""

    def __init__(self):
        self.told, self.fitted = [], []

    def setup(self, estimator, context):
        self.told.append(estimator)

    def on_fit_task_begin(self, estimator, context):
        self.told.append(estimator)

    def on_fit_task_end(self, estimator, context, *, fitted_estimator):
        self.told.append(estimator)
        self.fitted.append(fitted_estimator)

    def teardown(self, estimator, context):
        self.told.append(estimator)


@pytest.mark.parametrize("kind", [TRANSFORMER, CLASSIFIER, TABLE, WINDOWS])
def test_callbacks_are_told_of_the_users_estimator(kind):
    pytest.importorskip("sklearn.callback", reason="scikit-learn 1.9")
    estimator, callback = copied(kind, solver="hebbian", max_iter=2), _Callback()
    data = SERIESES[0] if kind is WINDOWS else TABLES[0]
    estimator.set_callbacks(callback).fit(*data)
    assert len(callback.told) >= 6
    assert all(told is estimator for told in callback.told)
    whole = [fitted for fitted in callback.fitted if fitted is not None]
    assert len(whole) > 1
    for fitted in whole:
        assert fitted.n_features_in_ == data[0].shape[1]
        assert np.isfinite(fitted.score_samples(data[0])).all()
        told = {"_callback_fit_ctx", "_skl_callbacks_to_teardown"}
        assert vars(fitted).keys() - told == vars(estimator).keys()
