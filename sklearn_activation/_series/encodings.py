"""The encodings of windows: those of rows that windows have a version of their own of."""

from .encoding import WindowEncoding

# The key is a name in ``ENCODINGS``; windows take all other encodings as they are.
WINDOW_ENCODINGS = {WindowEncoding.name: WindowEncoding}
