"""Find anomalies, classify rows, fill gaps and make features with scikit-learn estimators.

The estimators learn by activation learning: a local rule without backpropagation.
"""

from ._classifier import ActivationLearningClassifier
from ._detector import ActivationAnomalyDetector
from ._imputer import ActivationImputer
from ._patch_transformer import CompetitiveHebbianPatchTransformer
from ._transformer import CompetitiveHebbianTransformer

__version__ = "0.1.0"

__all__ = [
    "ActivationAnomalyDetector",
    "ActivationImputer",
    "ActivationLearningClassifier",
    "CompetitiveHebbianPatchTransformer",
    "CompetitiveHebbianTransformer",
]
