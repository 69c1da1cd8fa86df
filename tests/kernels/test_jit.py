"""The kernel decorator: caches that are damaged or cannot be written cost time only.

Arrays in the form that kernels read are tested here, too.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest

from sklearn_activation import kernels
from sklearn_activation.kernels import _jit


@pytest.fixture
def package(tmp_path):
    """A copy of the package's kernels without any cache.

    Kernels import nothing else of the package, so that a process starts in a second.
    """
    source = Path(kernels.__file__).parent
    copy = tmp_path / "site" / "sklearn_activation"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(source, copy / source.name, ignore=ignored)
    (copy / "__init__.py").touch()
    return copy


# Where the package is, what cache kernels have, how often each finds itself there, and a number
# that they compute.
PROGRAM = """
import numpy as np
import sklearn_activation
from sklearn_activation.kernels import rows
X = np.arange(1.0, 13.0).reshape(3, 4)
energy, sums, mixed = np.empty(3), np.zeros((2, 4)), np.empty(3, np.uint64)
rows.scale_to_unit(X, 4)
rows.energies(2 * X, energy)
rows.absolute_sums(X, energy, *sums)
rows.hashes(X, energy, mixed)
kernels = rows.scale_to_unit, rows.energies, rows.absolute_sums, rows.hashes
print(sklearn_activation.__file__)
print(*{type(kernel._cache).__name__ for kernel in kernels})
print(*(sum(kernel.stats.cache_hits.values()) for kernel in kernels), sep=",")
print(repr(float(sums.sum() + (mixed % 1000).sum())))
"""
KERNELS = ["scale_to_unit", "energies", "absolute_sums", "hashes"]


def _run(package, **variables):
    """Run ``PROGRAM`` in a new process: (kind of cache, cache hits of every kernel, number)."""
    environment = os.environ | {"PYTHONPATH": str(package.parent), "NUMBA_DISABLE_JIT": "0"}
    environment.pop("NUMBA_CACHE_DIR", None)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment | {name: str(value) for name, value in variables.items()},
        cwd=package.parent,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    path, cache, hits, number = done.stdout.split()
    assert Path(path).parent == package
    return cache, [int(n) for n in hits.split(",")], float(number)


def _cache_files(folder, kernel):
    """The index and the machine code of a kernel."""
    index, code = (sorted(folder.rglob(f"rows.{kernel}-*.{kind}")) for kind in ("nbi", "nbc"))
    assert index and code
    return {"nbi": index, "nbc": code, "both": index + code}


def _halve(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _empty(path):
    path.write_bytes(b"")


def _scramble(path):
    path.write_bytes(b"\x80nonsense" * 20)


def test_damaged_cache_files_cost_a_compilation(package, tmp_path):
    """Truncated, empty or overwritten: a new process compiles, and repairs the cache.

    Each kernel has files of its own, which are damaged in another way.
    """
    folder = tmp_path / "cache"
    cache, hits, number = _run(package, NUMBA_CACHE_DIR=folder)
    assert cache == "FunctionCache" and hits == [0, 0, 0, 0]
    ways = [("both", _halve), ("nbi", _empty), ("nbc", _halve), ("both", _scramble)]
    for kernel, (kind, damage) in zip(KERNELS, ways, strict=True):
        for path in _cache_files(folder, kernel)[kind]:
            damage(path)
    assert _run(package, NUMBA_CACHE_DIR=folder) == ("FunctionCache", [0, 0, 0, 0], number)
    assert _run(package, NUMBA_CACHE_DIR=folder) == ("FunctionCache", [1, 1, 1, 1], number)


def test_no_folder_to_write_to_means_no_cache(package, tmp_path):
    """Files where folders would have to be made stop even root."""
    obstacle = tmp_path / "file"
    obstacle.touch()
    (package / "kernels" / "__pycache__").touch()
    nowhere = obstacle / "cache"
    cache, hits, number = _run(
        package,
        NUMBA_CACHE_DIR=nowhere,
        HOME=nowhere,
        XDG_CACHE_HOME=nowhere,
        LOCALAPPDATA=nowhere,
        APPDATA=nowhere,
    )
    assert cache == "NullCache" and hits == [0, 0, 0, 0]
    assert number == _run(package, NUMBA_CACHE_DIR=tmp_path / "cache")[2]


def test_kernel_without_a_locator_is_compiled_without_cache(monkeypatch):
    """Numba raises RuntimeError when it finds no folder."""
    attempts = []

    def njit(cache=False, **options):
        attempts.append(cache)
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return numba.njit(**options)

    monkeypatch.setattr(_jit, "njit", njit)

    @_jit.kernel
    def double(X, out):
        for i in range(X.size):
            out[i] = 2 * X[i]

    X, out = np.arange(3.0), np.empty(3)
    double(X, out)
    np.testing.assert_array_equal(out, [0, 2, 4])
    assert attempts == [True, False]


@pytest.mark.parametrize("failing", ["load_overload", "save_overload", "flush"])
def test_a_cache_that_raises_is_ignored(monkeypatch, failing):
    """Such as a full disk, or a folder that vanished."""

    class Cache:
        def load_overload(self, *args):
            return "loaded"

        def save_overload(self, *args):
            return "saved"

        def flush(self):
            pass

    def fail(self, *args):
        raise OSError("No space left on device")

    if failing == "flush":
        monkeypatch.setattr(Cache, "load_overload", fail)
    monkeypatch.setattr(Cache, failing, fail)
    cache = Cache()
    load, save = (_jit._forgiving(m, cache) for m in (cache.load_overload, cache.save_overload))
    assert load("signature", None) == (None if failing != "save_overload" else "loaded")
    assert save("signature", None) == (None if failing == "save_overload" else "saved")


def test_read_only_rows_are_copied_only_if_they_must():
    X = np.arange(6.0).reshape(2, 3)
    for rows in (X, X.astype(np.float32), X[:1]):
        found = _jit.read_only(rows)
        assert not found.flags.writeable and rows.flags.writeable
        assert np.shares_memory(found, rows) and found.dtype == rows.dtype
    for rows in (X.T, X[:, ::2], X.astype(np.int64), X.astype(np.float16)):
        found = _jit.read_only(rows)
        assert found.flags.c_contiguous and found.dtype == np.float64
        np.testing.assert_array_equal(found, rows)


def test_one_compilation_serves_rows_from_memory_and_from_disk(tmp_path):
    @_jit.kernel
    def double(X, out):
        for i in range(X.size):
            out[i] = 2 * X[i]

    if not hasattr(double, "signatures"):
        pytest.skip("needs compiled kernels")
    path, out = tmp_path / "rows", np.empty(3)
    np.arange(3.0).tofile(path)
    for mode in ("r", "r+", "c"):
        double(_jit.read_only(np.memmap(path, np.float64, mode)), out)
    double(_jit.read_only(np.arange(3.0)), out)
    assert len(double.signatures) == 1


def test_kernels_see_nan_and_infinity():
    """Flags that assume there are none would make np.isnan(nan) False."""

    @_jit.kernel
    def classify(X, out):
        for i in range(X.size):
            out[i] = 1 if np.isnan(X[i]) else 2 if np.isinf(X[i]) else 0

    X, out = np.array([1.0, np.nan, np.inf, -np.inf]), np.empty(4)
    classify(X, out)
    np.testing.assert_array_equal(out, [0, 1, 2, 2])
