"""The encodings that there are."""

from .fourier import FourierEncoding
from .unit import UnitEncoding

ENCODINGS = {kind.name: kind for kind in (UnitEncoding, FourierEncoding)}
