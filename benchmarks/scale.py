"""Many rows: speed and memory on one machine and on Dask, streams, and a model of the cost.

Rows are 8 factors with noise in 50 columns of single precision, read from a memory-mapped file.
Each measurement runs in a fresh process, after a fit of a few thousand rows. Memory is the peak of
anonymous memory (RssAnon, Linux only) above its value at the start, so that pages of the file do
not count. Run it on an idle machine. The full run takes 25 minutes on two cores
and 2.1 GB of disk in the temporary folder. ``--quick`` takes about a minute.
"""

import argparse
import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from _common import Report, argument_parser, best_time, timed, triangular_products
from _cost import by, cost, multiply, one_pass, passes
from _process import measured
from sklearn.decomposition import IncrementalPCA
from sklearn.ensemble import IsolationForest

from sklearn_activation import (
    ActivationAnomalyDetector,
    ActivationLearningClassifier,
    CompetitiveHebbianTransformer,
)
from sklearn_activation._detection.table import TableTraining
from sklearn_activation._network import N_STRIPS

N_COLUMNS, N_FACTORS, N_LABELS = 50, 8, 10
CHUNK = 10_000  # rows that share a seed
WARM_UP = 3_000  # rows of a fit that compiles kernels and starts threads
PART = 100_000  # rows that are transformed at once
N_PARTITIONS = 20


class Method(NamedTuple):
    """What is fitted, and then used by the method ``use``; ours with the sizes of the model."""

    make: Callable
    use: str
    widths: tuple = ()  # of the layers, from the input on
    n_frequencies: int = 0
    piece: int = 0  # rows of a piece of a stream


DETECTOR, TRANSFORMER, CLASSIFIER, PCA, FOREST = (
    "ActivationAnomalyDetector",
    "CompetitiveHebbianTransformer",
    "ActivationLearningClassifier",
    "IncrementalPCA",
    "IsolationForest",
)
METHODS = {
    DETECTOR: Method(
        lambda: ActivationAnomalyDetector(random_state=0),
        *("score_samples", (384, 384), 192, 10_000),
    ),
    TRANSFORMER: Method(
        lambda: CompetitiveHebbianTransformer((200, 200), random_state=0),
        *("transform", (N_COLUMNS, 200, 200), 0, 2_000),
    ),
    CLASSIFIER: Method(
        lambda: ActivationLearningClassifier(
            (256, 256), encoding="fourier", feedback=False, random_state=0
        ),
        *("predict", (512 + N_LABELS, 256, 256), 256, 2_000),
    ),
    PCA: Method(lambda: IncrementalPCA(batch_size=CHUNK), "transform"),
    FOREST: Method(lambda: IsolationForest(n_jobs=2, random_state=0), "score_samples"),
}
OURS = DETECTOR, TRANSFORMER, CLASSIFIER
NETWORK = 1.25e9  # bytes a second between 100 workers, as the model of the cost assumes


# -- rows --------------------------------------------------------------------------


def make_rows(start, stop):
    """Rows ``start`` to ``stop`` of the endless table, and their labels."""
    rng = np.random.default_rng(0)
    loadings, directions = (
        rng.standard_normal((N_FACTORS, n), dtype=np.float32) for n in (N_COLUMNS, N_LABELS)
    )
    rows, labels = [], []
    for chunk in range(start // CHUNK, -(-stop // CHUNK)):
        rng = np.random.default_rng([1, chunk])
        factors = rng.standard_normal((CHUNK, N_FACTORS), dtype=np.float32)
        noise = rng.standard_normal((CHUNK, N_COLUMNS), dtype=np.float32)
        part = slice(max(start - chunk * CHUNK, 0), stop - chunk * CHUNK)
        rows.append((factors @ loadings + noise / 2)[part])
        labels.append((factors @ directions).argmax(axis=1)[part])
    return np.concatenate(rows), np.concatenate(labels)


def write_rows(folder, n_rows):
    """Write X.npy and y.npy in pieces."""
    shapes = {"X": ((n_rows, N_COLUMNS), np.float32), "y": ((n_rows,), np.int64)}
    X, y = (
        np.lib.format.open_memmap(Path(folder) / f"{name}.npy", "w+", dtype, shape)
        for name, (shape, dtype) in shapes.items()
    )
    for part in parts_of(n_rows, PART):
        X[part], y[part] = make_rows(part.start, part.stop)


def read_rows(folder, name, rows):
    """Some rows of X or y, as a read-only array on the file."""
    return np.load(Path(folder) / f"{name}.npy", mmap_mode="r")[rows]


def parts_of(n_rows, size):
    return [slice(start, min(start + size, n_rows)) for start in range(0, n_rows, size)]


# -- measurements, each in a fresh process ---------------------------------------------


def fresh(**spec):
    """The result of one of ``MEASUREMENTS`` in a new process."""
    command = [sys.executable, __file__, "--measure", json.dumps(spec)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def fit(method, X, y):
    model = METHODS[method].make()
    if method != PCA:
        return model.fit(X, y)
    for part in parts_of(len(X), CHUNK):
        model.partial_fit(X[part])
    return model


def use(method, model, X):
    """Score, transform or label all rows. Features are made for a part of the rows at a time."""
    size = PART if METHODS[method].use == "transform" else len(X)
    for part in parts_of(len(X), size):
        getattr(model, METHODS[method].use)(X[part])


def measure_alone(folder, method, n_rows):
    """A fit and a use of the model on one machine, and the bare products of both."""
    X, y = (read_rows(folder, name, slice(n_rows)) for name in "Xy")
    use(method, fit(method, X[:WARM_UP], y[:WARM_UP]), X[:WARM_UP])
    model, fitted = measured(lambda: fit(method, X, y))
    jobs = products(method, model, n_rows) if method in OURS else ()
    # The speed of a machine drifts, so the products follow at once.
    if jobs:
        fitted["products"] = timed(multiply, jobs[0])[1]
    used = measured(lambda: use(method, model, X))[1]
    if jobs:
        used["products"] = timed(multiply, jobs[1])[1]
    return {"fit": fitted, METHODS[method].use: used}


def measure_dask(folder, method, n_rows, n_workers):
    """A fit through Dask and, for a detector, the scores of all rows.

    Without ``n_workers``, the threads of this process work.
    """
    import dask

    from sklearn_activation import dask as distributed

    def delayed(name, n_rows):
        parts = parts_of(n_rows, -(-n_rows // N_PARTITIONS))
        return [dask.delayed(read_rows)(folder, name, part) for part in parts]

    def fit_all(n):
        labels = delayed("y", n) if method == CLASSIFIER else None
        return distributed.fit(METHODS[method].make(), delayed("X", n), labels)

    def score_all(model, n):
        parts = distributed.score_samples(model, delayed("X", n))
        dask.compute([dask.delayed(np.mean)(part) for part in parts])

    with scheduler(folder, n_workers) as client:
        model = fit_all(WARM_UP)
        if method == DETECTOR:
            score_all(model, WARM_UP)
        model, found = measured(lambda: fit_all(n_rows), client)
        found = {"fit": found}
        if method == DETECTOR:
            found["score_samples"] = measured(lambda: score_all(model, n_rows), client)[1]
    return found


@contextmanager
def scheduler(folder, n_workers):
    """The client of workers with one thread each, or None for Dask's threads in this process."""
    import dask
    from distributed import Client, LocalCluster

    if n_workers is None:
        with dask.config.set(scheduler="threads", num_workers=os.cpu_count()):
            yield None
        return
    options = {"threads_per_worker": 1, "memory_limit": 0, "dashboard_address": None}
    options |= {"local_directory": folder, "silence_logs": logging.ERROR}
    with LocalCluster(n_workers=n_workers, **options) as cluster, Client(cluster) as client:
        yield client


def measure_stream(folder, method, n_pieces, piece):
    """``partial_fit`` piece by piece, and one fit of the same rows."""
    X, y = (read_rows(folder, name, slice(n_pieces * piece)) for name in "Xy")
    options = {"classes": np.arange(N_LABELS)} if method == CLASSIFIER else {}

    def learn(n_rows):
        model = METHODS[method].make()
        for part in parts_of(n_rows, piece):
            model.partial_fit(X[part], y[part], **options)

    learn(2 * piece)
    fit(method, X[:WARM_UP], y[:WARM_UP])
    found = {
        "partial_fit": measured(lambda: learn(len(X)))[1],
        "fit": measured(lambda: fit(method, X, y))[1],
    }
    if method == DETECTOR:  # partial_fit learns every row, and fit draws some rows
        TableTraining.most_rows = len(X)
        found["fit of every row"] = measured(lambda: fit(method, X, y))[1]
    return found


def measure_machine(folder):
    """Floating-point operations and bytes a second of one thread."""
    from threadpoolctl import threadpool_limits

    n, n_times, X = 2048, 20, read_rows(folder, "X", slice(PART))
    A = np.random.default_rng(0).random((n, n), dtype=np.float32)
    with threadpool_limits(1, user_api="blas"):
        A @ A
        seconds = timed(lambda: [A @ A for _ in range(n_times)])[1]
        return {
            "flops": 2 * n**3 * n_times / seconds,
            "bandwidth": X.nbytes / best_time(lambda: np.array(X)),
        }


MEASUREMENTS = {
    "alone": measure_alone,
    "dask": measure_dask,
    "stream": measure_stream,
    "machine": measure_machine,
}


# -- bare products ------------------------------------------------------------------


def products(method, model, n_rows):
    """The products of a fit and of a use of the fitted model: two lists of jobs for ``multiply``.

    The choices on samples of rows, whose time does not grow with the number of rows, are left out.
    """
    coefs, frequencies = model.coefs_, model._encoding_state.get("frequencies")
    widths = [len(coefs[0]), *(W.shape[1] for W in coefs)]
    encode = [] if frequencies is None else [by(frequencies.astype(np.float32))]
    learned = min(n_rows, TableTraining.most_rows) if method == DETECTOR else n_rows
    of_fit = []
    for n_forward, is_squared in passes(len(coefs), method == TRANSFORMER):
        squared = [(lambda Z: Z.T @ Z, widths[n_forward], 1)] if is_squared else []
        of_fit.append((learned, max(widths), encode + [*map(by, coefs[:n_forward])] + squared))
    if method == TRANSFORMER:
        return of_fit, [(n_rows, max(widths), [*map(by, coefs)])]
    if method == CLASSIFIER:
        W1, W2 = coefs
        labelled = [*encode, by(W1[:-N_LABELS]), by(W2, N_LABELS)]
        return of_fit, [(n_rows, max(widths) * N_LABELS, labelled)]
    scored = [*encode, (lambda Z: triangular_products(Z, coefs[0]), widths[0], 1)]
    of_fit.append((learned, 4 * max(widths), scored))
    if n_rows > learned:
        of_fit.append((n_rows, 4 * max(widths), scored))
    return of_fit, [(n_rows, 4 * max(widths), scored)]


# -- the model of the cost ------------------------------------------------------------


def predicted(method, n_rows, n_workers, n_partitions, machine):
    """Seconds by the model of each work that ``measure_dask`` measures."""
    _, _, widths, n_frequencies, _ = METHODS[method]
    options = {"n_frequencies": n_frequencies, "last": method == TRANSFORMER}
    if method != DETECTOR:
        machines = n_workers, n_partitions, machine
        return {"fit": cost(n_rows, N_COLUMNS, widths, *machines, **options)}
    # Four passes look at all rows and draw some, and the client learns the drawn rows.
    drawn = min(n_rows, TableTraining.most_rows)
    reading = 4 * one_pass(n_rows, N_COLUMNS, 0, n_workers, machine)
    learning = cost(drawn, N_COLUMNS, widths, 1, 1, machine, **options)
    triangle = (N_STRIPS + 1) / (2 * N_STRIPS) * widths[0] * widths[1]
    scoring = N_COLUMNS * n_frequencies + triangle
    entries = N_COLUMNS + sum(widths)
    return {
        "fit": reading + learning,
        "score_samples": one_pass(n_rows, entries, scoring, n_workers, machine),
    }


# -- parts of the report -----------------------------------------------------------------


def add(report, work, method, n_rows, found, model=None):
    """The rows of one measurement: speed, memory, ratios to the products and to the model."""
    report.add(work, method, n_rows / found["seconds"], "rows/s", **found)
    report.add(work, f"{method}, memory", found["memory"], "MiB")
    if "worker_memory" in found:
        report.add(work, f"{method}, memory of a worker", found["worker_memory"], "MiB")
    if "products" in found:
        ratio = found["seconds"] / found["products"]
        report.add(work, f"{method}, beside its products", ratio, "x products")
    if model is not None:
        ratio = found["seconds"] / model
        report.add(work, f"{method}, beside the model", ratio, "x model", predicted=model)


def alone(report, folder, args):
    """Fits and uses on one machine."""
    for n_rows in args.sizes:
        for method in METHODS:
            n = n_of(method, n_rows, args)
            found = fresh(measure="alone", folder=folder, method=method, n_rows=n)
            for what, of in found.items():
                add(report, f"{what} {n:,} x {N_COLUMNS}", method, n, of)


def n_of(method, n_rows, args):
    return min(n_rows, args.most) if method in (TRANSFORMER, CLASSIFIER) else n_rows


def dask(report, folder, args):
    """Fits through Dask beside the model of the cost, and the prediction for 1e9 rows."""
    machine = fresh(measure="machine", folder=folder)
    report.add("one thread", "product in single precision", machine["flops"] / 1e9, "GFLOP/s")
    report.add("one thread", "reading", machine["bandwidth"] / 1e9, "GB/s")
    with ThreadPoolExecutor(2) as pool:  # Two cores may share their clock and their memory.
        both = list(pool.map(lambda _: fresh(measure="machine", folder=folder), range(2)))
    flops = sum(one["flops"] for one in both) / machine["flops"]
    report.add("two processes", "product in single precision", flops, "x one process")
    local = machine | {"network": machine["bandwidth"]}
    for method in args.methods:
        n, seconds = n_of(method, max(args.sizes), args), {}
        for n_workers in (None, 1, 2):
            spec = {"folder": folder, "method": method, "n_rows": n, "n_workers": n_workers}
            model = predicted(method, n, n_workers or os.cpu_count(), N_PARTITIONS, local)
            for what, of in fresh(measure="dask", **spec).items():
                name = f"{method}, {'threads' if n_workers is None else f'workers: {n_workers}'}"
                add(report, f"Dask {what} {n:,} x {N_COLUMNS}", name, n, of, model[what])
                seconds[what, n_workers] = of["seconds"]
        for what in model:
            ratio = seconds[what, 1] / seconds[what, 2]
            work = f"Dask {what} {n:,} x {N_COLUMNS}"
            report.add(work, f"{method}, two workers over one", ratio, "x one worker")
            billion(report, method, what, machine, seconds[what, 2] / model[what])


def billion(report, method, what, machine, ratio):
    """The prediction for many rows, as it is and times ``ratio``, which is measured / model."""
    n_rows, n_workers, n_partitions = 10**9, 100, 10_000
    remote = machine | {"network": NETWORK}
    seconds = predicted(method, n_rows, n_workers, n_partitions, remote)[what]
    work = f"Dask {what} {n_rows:,} x {N_COLUMNS}, workers: {n_workers}"
    report.add(work, f"{method}, model", seconds, "s")
    report.add(work, f"{method}, model times measured / model", seconds * ratio, "s")


def stream(report, folder, args):
    """``partial_fit`` over many pieces beside one fit of the same rows."""
    for method in args.methods:
        pieces = {"n_pieces": args.pieces, "piece": METHODS[method].piece}
        found = fresh(measure="stream", folder=folder, method=method, **pieces)
        work = f"{args.pieces:,} pieces of {pieces['piece']:,} x {N_COLUMNS}"
        for what, of in found.items():
            add(report, work, f"{method}, {what}", args.pieces * pieces["piece"], of)
        streamed = found.pop("partial_fit")["seconds"]
        for what, of in found.items():
            name = f"{method}, partial_fit beside {what}"
            report.add(work, name, streamed / of["seconds"], "x fit")


PARTS = {"alone": alone, "dask": dask, "stream": stream}


def main():
    about = "60,000 rows and 3 pieces, Dask and streams with the detector alone"
    parser = argument_parser(__doc__, about, PARTS)
    parser.add_argument("--pieces", type=int, help="pieces of a stream, 1,000 if not given")
    parser.add_argument("--measure", type=json.loads, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure is not None:
        print(json.dumps(MEASUREMENTS[args.measure.pop("measure")](**args.measure)))
        return
    args.pieces = args.pieces or (3 if args.quick else 1_000)
    args.sizes = (60_000,) if args.quick else (100_000, 1_000_000, 10_000_000)
    args.most = 20_000 if args.quick else 2_000_000  # for models that learn each row
    args.methods = OURS[:1] if args.quick else OURS
    report = Report("scale", quick=args.quick)
    with tempfile.TemporaryDirectory() as folder:
        longest = args.pieces * max(METHODS[method].piece for method in args.methods)
        write_rows(folder, max(*args.sizes, longest))
        for name in args.only or PARTS:
            PARTS[name](report, folder, args)


if __name__ == "__main__":
    main()
