"""The table of solvers."""

from .flow import Flow
from .hebbian import Hebbian

# Each key is a value of the estimators' parameter ``solver``.
SOLVERS = {"flow": Flow(), "hebbian": Hebbian()}
