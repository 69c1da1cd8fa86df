"""A copy of the package gets what the pages under "How to add" say, and all estimators run."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import sklearn_activation

SOLVER = '''
"""A solver that stops half-way: the closed form of half the learning time."""

from dataclasses import replace

from .flow import Flow
from .task import Solver
from .time_rules import GivenTimes


class HalfWay(Solver):
    """It keeps no statistics, and says nothing else of itself."""

    def solve(self, rows, task):
        whole = Flow().solve(rows, replace(task, previous=None, partial=False))
        times = [t / 2 for t in whole.times]
        half = replace(task, previous=None, partial=False, rule=GivenTimes(times))
        return replace(Flow().solve(rows, half), state={}, layer=None)
'''

RULE = '''
"""A rule that has the largest direction learned, whatever the others are."""

import numpy as np

from .time_rules import Choice, TimeRule


class LargestEigenvalue(TimeRule):
    def choose(self, layer, moments, network):
        values, _ = moments.decompose()
        return Choice(float(5 / values[0]) if len(values) else 1.0)
'''

ENCODING = '''
"""Square roots of the entries, with their signs, scaled to norm 1 (Hellinger)."""

import numpy as np

from .unit import UnitEncoding


class RootEncoding(UnitEncoding):
    name = "root"

    def write(self, X, out):
        super().write(self._root(X), out)

    def rounded(self, X):
        return super().rounded(self._root(X))

    def standardise(self, X):
        return super().standardise(self._root(X))

    def pull_back(self, X, Z, G):
        slope = 0.5 / np.sqrt(np.maximum(np.abs(X), 1e-12))
        return super().pull_back(self._root(X), Z, G) * slope

    def _root(self, X):
        X = np.asarray(X)
        return np.sign(X) * np.sqrt(np.abs(X))
'''

KERNELS = '''

@kernel
def cube_forward(A, B, mean, scale, out, energy):
    """u = |y| ** 3."""
    n_labels = B.shape[0]
    for i in range(A.shape[0]):
        for c in range(n_labels):
            row = i * n_labels + c
            total = A.dtype.type(0)
            square_norm = A.dtype.type(0)
            for j in range(A.shape[1]):
                y = A[i, j] + B[c, j]
                u = abs(y) ** 3
                total += y * y
                square_norm += u * u
                out[row, j] = u
            energy[row] = total
            _restore_norm(A[i], B[c], out[row], total, square_norm)


@kernel
def cube_gradient(Y, G, mean, scale, out):
    """Of f(y) = ||y|| u / ||u|| with u = |y| ** 3, by the chain rule."""
    for i in range(Y.shape[0]):
        energy, square_norm, product = 0.0, 0.0, 0.0
        for j in range(Y.shape[1]):
            u = abs(Y[i, j]) ** 3
            energy += Y[i, j] ** 2
            square_norm += u * u
            product += u * G[i, j]
        for j in range(Y.shape[1]):
            if square_norm == 0:
                out[i, j] = 0.0
                continue
            factor = np.sqrt(energy / square_norm)
            y, slope = Y[i, j], 3 * Y[i, j] * abs(Y[i, j])
            u = abs(y) ** 3
            own = factor * G[i, j] - factor * product * u / square_norm
            out[i, j] = slope * own + product * y / np.sqrt(energy * square_norm)
'''

# File, text that stands there, and the text with the line that lists what was added.
LINES = [
    ("_learning/solvers.py", "from .hebbian", "from .halfway import HalfWay\nfrom .hebbian"),
    ("_learning/solvers.py", 'Flow(), "', 'Flow(), "halfway": HalfWay(), "'),
    (
        "_learning/time_rules.py",
        'TIME_RULES = {"auto": take_own}',
        "from .largest import LargestEigenvalue\n\n"
        'TIME_RULES = {"auto": take_own, "own": take_own, '
        '"largest": lambda own: LargestEigenvalue()}',
    ),
    ("_rows/encodings.py", "from .unit", "from .root import RootEncoding\nfrom .unit"),
    ("_rows/encodings.py", "(UnitEncoding, ", "(UnitEncoding, RootEncoding, "),
    (
        "_network.py",
        "ACTIVATIONS = {\n",
        'ACTIVATIONS = {\n    "cube": (activations.cube_forward, activations.cube_gradient),\n',
    ),
]

SCRIPT = """
import json
import sys
import traceback
import warnings
import numpy as np
import sklearn_activation
from sklearn.base import clone
from sklearn_activation import *

assert sklearn_activation.__file__.startswith(sys.argv[1])
warnings.simplefilter("ignore")
rng = np.random.default_rng(0)
y = np.arange(60) % 2
X = np.abs(rng.normal(size=(60, 4)) + 4 * y[:, None] * [1, 0, 0, 1] + 1)
gaps = np.where(rng.random(X.shape) < 0.1, np.nan, X)
series = np.abs(np.sin(np.arange(160) / 3)[:, None] + 0.1 * rng.normal(size=(160, 2)) + 2)
SMALL = {"random_state": 0}


def same(a, b):
    return np.array_equal(np.asarray(a), np.asarray(b))


def parameters(kind, values):
    return {k: v for k, v in values.items() if k in kind().get_params()}


def run(added, plain):
    # Names of the estimators that ran with what was added, and differently.
    seen = []
    for kind, options in {
        CompetitiveHebbianTransformer: {"layer_sizes": (5, 4)},
        ActivationLearningClassifier: {"layer_sizes": (8, 6), "n_frequencies": 8, "max_iter": 2},
        ActivationAnomalyDetector: {"layer_sizes": (8, 6), "n_frequencies": 8},
        ActivationImputer: {"n_frequencies": 8},
    }.items():
        ours, theirs = parameters(kind, added), parameters(kind, plain)
        if not ours:
            continue
        seen.append(kind.__name__)
        estimator = kind(**options, **ours, **SMALL)
        usual = kind(**options, **theirs, **SMALL)
        if kind is ActivationImputer:
            assert np.isfinite(estimator.fit_transform(gaps)).all()
            assert not same(estimator.coefs_[0], usual.fit(gaps).coefs_[0])
            continue
        for rows in (X, gaps) if kind is not CompetitiveHebbianTransformer else (X,):
            found = clone(estimator).fit(rows, y).score_samples(X)
            assert np.isfinite(found).all(), kind
            assert not same(found, clone(usual).fit(rows, y).score_samples(X)), kind
        going_on = clone(estimator)
        classes = {"classes": [0, 1]} if kind is ActivationLearningClassifier else {}
        going_on.partial_fit(X[:30], y[:30], **classes).partial_fit(X[30:], y[30:])
        assert np.isfinite(going_on.score_samples(X)).all(), kind
        again = clone(estimator).set_params(warm_start=True).fit(X, y).fit(X, y)
        assert np.isfinite(again.score_samples(X)).all(), kind
        if kind is ActivationLearningClassifier:
            fitted = clone(estimator).fit(X, y)
            assert fitted.score(X, y) > 0.8, fitted.score(X, y)
            assert np.isfinite(fitted.generate([0, 1], random_state=0)).all()
            assert np.isfinite(fitted.complete(gaps[np.isnan(gaps).any(axis=1)])).all()
            fed = clone(estimator).set_params(feedback=True).fit(X, y)
            assert np.isfinite(fed.predict_proba(X)).all() and fed.feedback_
            labels = np.where(np.arange(60) % 3, y, -1)
            partly = clone(estimator).set_params(missing_label=-1).fit(X, labels)
            assert partly.score(X, y) > 0.8
        if kind is ActivationAnomalyDetector:
            fitted = clone(estimator).set_params(contamination=0.1).fit(X)
            assert np.isfinite(fitted.explain(X[:5])).all()
            assert 0 < np.mean(fitted.predict(X) == -1) < 0.3
            windowed = clone(estimator).set_params(window=8).fit(series)
            assert np.isfinite(windowed.score_samples(series)).all()
            windowed.events(series)
    return seen


def named_rule_is_own():
    # A rule that takes the estimator's own is the automatic one.
    for kind, options, rows in (
        (CompetitiveHebbianTransformer, {"layer_sizes": 5}, X),
        (ActivationLearningClassifier, {"layer_sizes": (8, 6), "n_frequencies": 8}, X),
        (ActivationAnomalyDetector, {"n_frequencies": 8}, X),
        (ActivationAnomalyDetector, {"n_frequencies": 8, "layer_sizes": (12, 9)}, X),
        (ActivationImputer, {"n_frequencies": 8}, gaps),
    ):
        named, usual = (
            kind(**options, learning_time=name, random_state=0).fit(rows, np.arange(60) % 2)
            for name in ("own", "auto")
        )
        np.testing.assert_array_equal(named.learning_times_, usual.learning_times_)
        np.testing.assert_array_equal(named.coefs_[-1], usual.coefs_[-1])


found = {}
for name, (added, plain) in json.loads(sys.argv[2]).items():
    try:
        found[name] = run(added, plain)
    except Exception:
        found[name] = traceback.format_exc()
try:
    named_rule_is_own()
except Exception:
    found["own rule"] = traceback.format_exc()
print(json.dumps(found))
"""


def copied_package(folder):
    """A copy of the package with four things added as the pages say."""
    package = folder / "sklearn_activation"
    shutil.copytree(
        Path(sklearn_activation.__file__).parent,
        package,
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    for name, text in (
        ("_learning/halfway.py", SOLVER),
        ("_learning/largest.py", RULE),
        ("_rows/root.py", ENCODING),
    ):
        (package / name).write_text(text.lstrip(), encoding="utf-8")
    kernels = package / "kernels" / "activations.py"
    kernels.write_text(kernels.read_text(encoding="utf-8") + KERNELS, encoding="utf-8")
    for name, before, after in LINES:
        text = (package / name).read_text(encoding="utf-8")
        assert text.count(before) == 1, (name, before)
        (package / name).write_text(text.replace(before, after), encoding="utf-8")
    return folder


# What is added, what it is compared with, and how many estimators have the parameter.
CASES = {
    "solver": ({"solver": "halfway"}, {"solver": "flow"}, 3),
    "time rule": ({"learning_time": "largest"}, {"learning_time": "auto"}, 4),
    "encoding": ({"encoding": "root"}, {"encoding": "unit"}, 2),
    "activation": ({"activation": "cube"}, {"activation": "std_abs"}, 3),
}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What each addition leads to: names of estimators, or a traceback."""
    folder = copied_package(tmp_path_factory.mktemp("copy"))
    cases = {name: case[:2] for name, case in CASES.items()}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder), json.dumps(cases)],
        cwd=folder,
        env={**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", CASES)
def test_all_estimators_run_with_what_is_added(name, found):
    """One file and its line in a dictionary are enough, and make a difference."""
    assert isinstance(found[name], list), found[name]
    assert len(found[name]) == CASES[name][2]


def test_a_rule_that_takes_the_estimators_own_is_the_automatic_one(found):
    assert "own rule" not in found, found.get("own rule")
