"""Numba kernels: arrays in, arrays out, one concept a file.

Kernels are serial and release the GIL; callers run blocks of rows in threads.
A kernel file imports nothing of the package but the decorator, and no other kernel
file: Numba's on-disk cache does not notice an edit in another file.
"""
