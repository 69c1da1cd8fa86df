"""Numba kernels. Each kernel takes arrays and writes to arrays, and each file has one purpose.

Kernels are serial and release the global lock, so callers run blocks of rows in threads. A kernel
file imports only the decorator from this package, and no other kernel file: Numba's cache on disk
does not notice an edit in another file.
"""
