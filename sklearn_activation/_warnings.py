"""Warnings that point at the line of code that the user has written."""

import contextlib
import os
import sys
import warnings
from pathlib import Path


def warn(message, category=UserWarning):
    """Raise a warning that points at the line from which the user called the package.

    The warning skips the frames of this package and of ``contextlib``. The warning also skips the
    frames of scikit-learn and joblib, which call methods on behalf of the user.
    """
    modules = [sys.modules[name] for name in (__package__, "sklearn", "joblib")]
    inner = tuple(str(Path(module.__file__).parent) + os.sep for module in modules)
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and _is_inner(frame.f_code.co_filename, inner):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def _is_inner(path, folders):
    return path.startswith(folders) or path == contextlib.__file__
