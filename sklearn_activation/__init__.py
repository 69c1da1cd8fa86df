"""Activation learning: forward-only estimators for scikit-learn on Numba kernels."""

from ._classifier import ActivationLearningClassifier
from ._detector import ActivationAnomalyDetector
from ._transformer import CompetitiveHebbianTransformer

__version__ = "0.1.0"

__all__ = [
    "ActivationAnomalyDetector",
    "ActivationLearningClassifier",
    "CompetitiveHebbianTransformer",
]
