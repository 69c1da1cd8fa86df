"""Without Dask, or beside a NumPy that is too old for it, there is nothing to test here."""

try:
    import dask.array  # noqa: F401
    import distributed  # noqa: F401
except ImportError:
    collect_ignore_glob = ["test_*.py"]
