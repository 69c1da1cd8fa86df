"""Warnings that point at the line of the user."""

import contextlib
import os
import sys
import warnings
from pathlib import Path


def warn(message, category=UserWarning):
    """Warn at the line from which the package was called, however deep the warning arises.

    Frames of this package, of scikit-learn and joblib, which call methods on users' behalf, and
    of ``contextlib`` are passed over.
    """
    modules = [sys.modules[name] for name in (__package__, "sklearn", "joblib")]
    inner = tuple(str(Path(module.__file__).parent) + os.sep for module in modules)
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and _is_inner(frame.f_code.co_filename, inner):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def _is_inner(path, folders):
    return path.startswith(folders) or path == contextlib.__file__
