"""Activation learning: forward-only estimators for scikit-learn on Numba kernels."""

from ._classifier import ActivationLearningClassifier
from ._detector import ActivationAnomalyDetector
from ._imputer import ActivationImputer
from ._transformer import CompetitiveHebbianTransformer

__version__ = "0.1.0"

__all__ = [
    "ActivationAnomalyDetector",
    "ActivationImputer",
    "ActivationLearningClassifier",
    "CompetitiveHebbianTransformer",
]
