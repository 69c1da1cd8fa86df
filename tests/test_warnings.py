"""Warnings point at the line that called the package, at every depth."""

import runpy
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_activation import (
    ActivationAnomalyDetector,
    ActivationLearningClassifier,
    CompetitiveHebbianTransformer,
    _warnings,
)

ROWS = np.random.default_rng(0).normal(size=(60, 4)) + 3
LABELS = np.arange(60) % 2
SERIES = np.sin(np.arange(400) / 5)[:, None] + 0.1 * np.random.default_rng(1).normal(size=(400, 1))
ONE_EPOCH = {"solver": "hebbian", "max_iter": 1, "learning_time": 500.0, "random_state": 0}
FEW = {"n_frequencies": 16, "random_state": 0}


def fit_at_a_far_rate():
    """Fit a classifier whose feedback diverges."""
    X, y = load_digits(return_X_y=True)
    classifier = ActivationLearningClassifier(
        (32, 32), encoding="unit", feedback=True, max_iter=3, learning_rate=1e4, random_state=0
    )
    return classifier.fit(X[:600], y[:600])


def dead_stamps():
    X = SERIES.copy()
    X[100:160] = np.nan
    return X


def with_missing_stamps():
    pd = pytest.importorskip("pandas")
    index = pd.date_range("2026-01-01", periods=400, freq="min")
    return pd.DataFrame(SERIES, index=index, columns=["a"]).drop(index[200:300])


def fitted_detector(window=None):
    X = ROWS if window is None else SERIES
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ActivationAnomalyDetector(window=window, **FEW).fit(X)


def rows_of_nothing():
    X = ROWS.copy()
    X[3] = np.nan
    return X


# Name: a call, and what its warning says.
CALLS = {
    "transformer, epochs": (
        lambda: CompetitiveHebbianTransformer(4, **ONE_EPOCH).fit(ROWS),
        "max_iter=1",
    ),
    "transformer in a pipeline": (
        lambda: make_pipeline(
            StandardScaler(), CompetitiveHebbianTransformer(4, **ONE_EPOCH)
        ).fit_transform(ROWS),
        "max_iter=1",
    ),
    "classifier, epochs": (
        lambda: ActivationLearningClassifier(8, encoding="unit", feedback=False, **ONE_EPOCH).fit(
            ROWS, LABELS
        ),
        "max_iter=1",
    ),
    "classifier, rows of nothing": (
        lambda: ActivationLearningClassifier(8).fit(rows_of_nothing(), LABELS),
        "NaN throughout",
    ),
    "classifier, feedback": (fit_at_a_far_rate, "diverged"),
    "detector, epochs": (
        lambda: ActivationAnomalyDetector(n_frequencies=8, **ONE_EPOCH).fit(ROWS),
        "max_iter=1",
    ),
    "detector, few rows": (
        lambda: ActivationAnomalyDetector(**FEW).fit(ROWS[:10]),
        "too few for a threshold",
    ),
    "detector, fit_predict": (
        lambda: ActivationAnomalyDetector(**FEW).fit_predict(ROWS[:10]),
        "too few for a threshold",
    ),
    "detector, rows of nothing": (
        lambda: fitted_detector().predict(rows_of_nothing()),
        "NaN throughout",
    ),
    "detector, threshold": (lambda: fitted_detector().set_threshold(-1.0), "hardly any row"),
    "series, few stamps": (
        lambda: ActivationAnomalyDetector(window=60, **FEW).fit(SERIES),
        "too few for a threshold",
    ),
    "series, dead stamps": (
        lambda: fitted_detector(20).p_values(dead_stamps()),
        "NaN throughout",
    ),
    "series, gaps in the index": (
        lambda: ActivationAnomalyDetector(window=20, **FEW).fit(with_missing_stamps()),
        "index lacks time steps",
    ),
    "series, events": (lambda: fitted_detector(20).events(with_missing_stamps()), "index lacks"),
    "series, short ones": (
        lambda: fitted_detector(20).score_samples(SERIES[:50], groups=[0] * 40 + [1] * 10),
        "shorter than window",
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_warning_is_at_the_callers_line(name):
    call, message = CALLS[name]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    found = [w for w in caught if message in str(w.message)]
    assert found, [str(w.message) for w in caught]
    assert {Path(w.filename) for w in found} == {Path(__file__)}


@pytest.mark.parametrize("name", ["sklearn_activation_demo.py", "contextlib.py", "joblib_x.py"])
def test_files_with_names_like_ours_are_the_users(name, tmp_path, monkeypatch):
    path = tmp_path / name
    path.write_text(
        "import sys\nrows, kind = sys.rows_and_kind\nkind.fit(rows)\n",
        encoding="utf-8",
    )
    detector = ActivationAnomalyDetector(**FEW)
    monkeypatch.setattr("sys.rows_and_kind", (ROWS[:10], detector), raising=False)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        runpy.run_path(str(path))
    assert [(Path(w.filename), w.lineno) for w in caught] == [(path, 3)]


def test_a_folder_beside_the_package_is_the_users():
    inner = str(Path(_warnings.__file__).parent)
    assert _warnings._is_inner(inner + "/_base.py", (inner + "/",))
    assert not _warnings._is_inner(inner + "_demo/user.py", (inner + "/",))
