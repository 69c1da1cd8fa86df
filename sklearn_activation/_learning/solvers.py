"""The solvers that there are."""

from .flow import Flow
from .hebbian import Hebbian

# The key is a value of the parameter ``solver``.
SOLVERS = {"flow": Flow(), "hebbian": Hebbian()}
