"""The table of encodings."""

from .fourier import FourierEncoding
from .unit import UnitEncoding

# Each key is a value of the estimators' parameter ``encoding``.
ENCODINGS = {kind.name: kind for kind in (UnitEncoding, FourierEncoding)}
