"""What inference raises, and its gradients."""

import numpy as np
import pytest
from sklearn.datasets import load_iris

from sklearn_activation._inference.objective import LostActivation, Objective
from sklearn_activation._rows.encodings import ENCODINGS

from ..cases import small_classifier
from ..tasks import encoding_of, network_of

ACTIVATIONS = ["abs", "std_abs", "layer_std_abs", "square"]


@pytest.mark.parametrize("kind", [Objective, LostActivation])
@pytest.mark.parametrize("layers", [(20,), (20, 16)])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_gradients_are_finite_differences(kind, layers, activation, encoding):
    X, y = load_iris(return_X_y=True)
    classifier = small_classifier(encoding, activation, layers, X, y)
    objective = kind(network_of(classifier), encoding_of(classifier), 3, sharpness=0.01)
    rng = np.random.default_rng(0)
    rows, labels = X[::30] + 0.04, y[::30]  # none of them within a step of a kink
    gains = 1 + 0.1 * rng.normal(size=(len(rows), layers[-1]))
    direction = rng.normal(size=rows.shape)
    step = 1e-3  # Fourier features are in single precision
    up, down = (objective(rows + s * step * direction, labels, gains)[0] for s in (1, -1))
    _, gradient = objective(rows, labels, gains)
    np.testing.assert_allclose(
        (gradient * direction).sum(axis=1), (up - down) / (2 * step), rtol=2e-2, atol=1e-3
    )
