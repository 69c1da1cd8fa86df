"""Rows that go uphill."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_iris

from sklearn_activation._inference.ascent import maximise
from sklearn_activation._inference.objective import LostActivation, Objective
from sklearn_activation._rows.encodings import ENCODINGS

from ..cases import small_classifier
from ..tasks import encoding_of, network_of


@pytest.mark.parametrize("kind", [Objective, LostActivation])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_objective_never_falls(kind, encoding):
    X, y = load_breast_cancer(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    classifier = small_classifier(encoding, "std_abs", (24, 24), X, y)
    objective = kind(network_of(classifier), encoding_of(classifier), 2)
    rng = np.random.default_rng(0)
    free = rng.random(X.shape) < 0.5
    value, _ = objective(X, y)
    for n_steps in (1, 2, 5, 50):
        found, reached = maximise(objective, X, free, labels=y, max_iter=n_steps)
        assert (reached >= value - 1e-12).all()
        np.testing.assert_allclose(reached, objective(found, y)[0], rtol=1e-6)
        np.testing.assert_array_equal(found[~free], X[~free])
        value = reached
    assert (value > objective(X, y)[0] + 1e-4).mean() > 0.9


def test_bounds_are_kept():
    X, y = load_iris(return_X_y=True)
    classifier = small_classifier("unit", "abs", (8,), X, y)
    objective = Objective(network_of(classifier), encoding_of(classifier), 3)
    low, high = X.min(axis=0), X.max(axis=0)
    found, _ = maximise(objective, X, np.ones(X.shape, bool), labels=y, bounds=(low, high))
    assert (found >= low).all() and (found <= high).all()
    assert not np.allclose(found, X)
