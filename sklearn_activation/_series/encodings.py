"""The table of encodings that have a version for windows."""

from .encoding import WindowEncoding

# Each key is a name in ``ENCODINGS``. With any other encoding, a window is encoded like a row of a
# table.
WINDOW_ENCODINGS = {WindowEncoding.name: WindowEncoding}
