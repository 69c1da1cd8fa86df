"""The encodings that there are."""

from .fourier import FourierEncoding
from .unit import UnitEncoding

# The key is a value of the parameter ``encoding``.
ENCODINGS = {kind.name: kind for kind in (UnitEncoding, FourierEncoding)}
