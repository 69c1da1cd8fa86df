"""Seconds and memory of a call, in this process and in the workers of Dask. Linux only."""

import ctypes
import os
from pathlib import Path
from threading import Event, Thread

from _common import timed


def measured(function, client=None):
    """The result of a call, and its seconds, CPU seconds and peak memory in MiB.

    With a Dask client, CPU seconds include those of its workers, and the memory of the worker
    that needs most stands beside that of this process.
    """
    pids = [os.getpid()]
    give_back()
    if client is not None:
        pids += client.run(os.getpid).values()
        client.run(give_back)
    start = [anonymous(pid) for pid in pids]
    cpu, peak, done = sum(map(cpu_seconds, pids)), list(start), Event()

    def watch():
        while not done.wait(0.02):
            peak[:] = [max(most, anonymous(pid)) for most, pid in zip(peak, pids, strict=True)]

    watcher = Thread(target=watch)
    watcher.start()
    try:
        result, seconds = timed(function)
    finally:
        done.set()
        watcher.join()
    cpu = sum(map(cpu_seconds, pids)) - cpu
    memory = [most - least for most, least in zip(peak, start, strict=True)]
    found = {"seconds": seconds, "cpu_seconds": cpu, "memory": memory[0]}
    return result, found | ({"worker_memory": max(memory[1:])} if client else {})


def give_back():
    """Return memory that is free to the system, or it would hide what is allocated next."""
    ctypes.CDLL(None).malloc_trim(0)


def anonymous(pid):
    """MiB of memory of a process that no file stands behind."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
