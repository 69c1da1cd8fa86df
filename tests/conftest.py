"""Processes that test side by side share the cores: each has a BLAS of one thread."""

import os
from importlib.util import find_spec

if "PYTEST_XDIST_WORKER" in os.environ:
    for library in ("OPENBLAS", "OMP", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")

if find_spec("distributed") is None:
    collect_ignore = ["test_dask.py"]
