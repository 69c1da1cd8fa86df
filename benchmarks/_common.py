"""Data, results files and tables shared by the benchmarks."""

import argparse
import json
import os
import platform
import sys
import time
from itertools import pairwise
from pathlib import Path

import joblib
import numba
import numpy as np
import scipy
import sklearn

import sklearn_activation
from sklearn_activation._network import N_STRIPS

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"


def data_folder():
    """The folder of ``SKLEARN_ACTIVATION_DATA``, or shared/data beside the checkout, or None."""
    for folder in (os.environ.get("SKLEARN_ACTIVATION_DATA"), HERE.parents[1] / "shared" / "data"):
        if folder and Path(folder).is_dir():
            return Path(folder)
    return None


def load_mnist():
    """Images as float32 rows of 784 pixels in [0, 1]: X_train, y_train, X_test, y_test."""
    folder = data_folder()
    if folder is not None and (folder / "mnist.npz").exists():
        with np.load(folder / "mnist.npz") as f:
            arrays = [f[name] for name in ("X_train", "y_train", "X_test", "y_test")]
    else:
        from sklearn.datasets import fetch_openml

        X, y = fetch_openml("mnist_784", version=1, return_X_y=True, as_frame=False)
        y = y.astype(np.uint8)
        arrays = [X[:60_000], y[:60_000], X[60_000:], y[60_000:]]
    X_train, y_train, X_test, y_test = arrays
    X_train, X_test = (
        (X.reshape(len(X), -1) / np.float32(255)).astype(np.float32) for X in (X_train, X_test)
    )
    return X_train, y_train, X_test, y_test


def argument_parser(doc, quick, parts=None):
    """Options that benchmarks share; ``parts`` are the names that ``--only`` knows."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help=quick)
    if parts is not None:
        parser.add_argument("--only", nargs="+", choices=parts, help="some of the parts")
    return parser


def timed(function, *args, **kwargs):
    """The result of a call, and its seconds."""
    started = time.perf_counter()
    result = function(*args, **kwargs)
    return result, time.perf_counter() - started


class Report:
    """Rows of one benchmark: printed as they come, written to results/<name>.json."""

    def __init__(self, name, *, quick):
        self.name = name + ("-quick" if quick else "")
        self.rows = []
        print(f"{'work':<52}{'method':<44}{'result':>12}  {'unit':<14}{'of':>3}{'sd':>9}")

    def add(self, work, method, values, unit, **details):
        """One row: the mean and deviation of ``values`` over seeds or draws."""
        values = np.atleast_1d(np.asarray(values, dtype=float))
        row = {
            "work": work,
            "method": method,
            "mean": float(values.mean()),
            "sd": float(values.std(ddof=1)) if len(values) > 1 else None,
            "values": values.tolist(),
            "unit": unit,
            **details,
        }
        self.rows.append(row)
        sd = "" if row["sd"] is None else f"{row['sd']:9.3f}"
        print(
            f"{work:<52}{method:<44}{row['mean']:>12.3f}  {unit:<14}{len(values):>3}{sd}",
            flush=True,
        )
        self.write()

    def write(self):
        """Replace the rows of this run; rows of work not run this time stay."""
        RESULTS.mkdir(exist_ok=True)
        content = {"versions": versions(), "rows": self.all_rows()}
        (RESULTS / f"{self.name}.json").write_text(json.dumps(content, indent=1) + "\n")

    def all_rows(self):
        """Rows of earlier runs that this run has not replaced, and the rows of this run."""
        path = RESULTS / f"{self.name}.json"
        done = {(row["work"], row["method"]) for row in self.rows}
        kept = []
        if path.exists():
            old = json.loads(path.read_text())
            kept = [
                {**row, "versions": row.get("versions", old["versions"])}
                for row in old["rows"]
                if (row["work"], row["method"]) not in done
            ]
        return kept + self.rows


def versions():
    modules = (sklearn_activation, sklearn, np, scipy, numba, joblib)
    return {
        "date": time.strftime("%Y-%m-%d"),
        "python": platform.python_version(),
        **{module.__name__: module.__version__ for module in modules},
        "processor": processor(),
        "cores": os.cpu_count(),
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
    }


def processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def best_time(function, repeats=5):
    """Least seconds of several calls, after one that is not counted."""
    function()
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def triangular_products(Z, W):
    """``Z @ W`` in the strips that the detector takes, as its ``W`` is lower triangular."""
    edges = np.linspace(0, len(W), N_STRIPS + 1).astype(int)
    return [Z[:, first:] @ W[first:, first:end] for first, end in pairwise(edges)]
