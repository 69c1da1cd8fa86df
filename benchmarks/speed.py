"""Speed as ratios within one run: against MLPClassifier, bare products, NumPy loops.

Run it on an idle machine. ``--quick`` takes fewer rows, ``--only`` names some of the parts.
"""

import subprocess
import sys
import warnings

import numpy as np
from _common import Report, argument_parser, best_time, load_mnist, timed
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from sklearn_activation import ActivationLearningClassifier
from sklearn_activation._blocks import block_slices
from sklearn_activation._learning.feedback import _Learner
from sklearn_activation._learning.hebbian import on_cache_lines
from sklearn_activation._network import ACTIVATIONS
from sklearn_activation.kernels.online import learn_rows

WIDTH = 1064


def fitting(report, data):
    """Closed-form fit beside one epoch of backpropagation on the same rows."""
    X, y = data[:2]
    work = f"fit {len(X):,} x 784, 2 x {WIDTH}"
    # Kernels compile and threads start outside of what is timed.
    ActivationLearningClassifier((WIDTH, WIDTH)).fit(X[:2000], y[:2000])
    mlp = MLPClassifier((WIDTH, WIDTH), max_iter=1, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        _, epoch = timed(lambda: mlp.fit(X, y))
    report.add(work, "MLPClassifier, one epoch", epoch, "s")
    for name, options in {
        "flow, t given": {"learning_time": (1000, 6000), "encoding": "unit"},
        "flow, t given, encoding chosen": {"learning_time": (1000, 6000)},
        "flow, everything chosen": {},
    }.items():
        seconds = []
        for seed in range(3):
            model = ActivationLearningClassifier(
                (WIDTH, WIDTH), feedback=False, random_state=seed, **options
            )
            seconds.append(timed(lambda m=model: m.fit(X, y))[1])
        report.add(work, name, seconds, "s", of_one_mlp_epoch=float(np.mean(seconds) / epoch))
    predicting(report, data, model)


PEAK = """
import resource, sys
sys.path.insert(0, {folder!r})
from _common import load_mnist
from sklearn_activation import ActivationLearningClassifier
X, y, _, _ = load_mnist()
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
before = peak()
ActivationLearningClassifier((1064, 1064), feedback=False, random_state=0).fit(X[:{n}], y[:{n}])
print(before, peak())
"""


def memory(report, data):
    """Peak resident memory of a process that loads MNIST and fits."""
    n = len(data[0])
    code = PEAK.format(folder=sys.path[0], n=n)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    before, after = map(float, done.stdout.split())
    work = f"fit {n:,} x 784, 2 x {WIDTH}"
    report.add(work, "peak memory", after, "GiB", with_data_alone=before)


def predicting(report, data, model):
    """Labels of 10,000 images beside the products that they take."""
    X = data[2]
    W1, W2 = model.coefs_
    n_data, n_labels = 784, 10
    blocks = block_slices(len(X), WIDTH * n_labels)
    Z = [np.ascontiguousarray(X[block]) for block in blocks]
    H = np.random.default_rng(0).random((len(Z[0]) * n_labels, WIDTH), dtype=np.float32)

    def products():
        for rows in Z:
            rows @ W1[:n_data]
            H[: len(rows) * n_labels] @ W2

    alone = best_time(products)
    work = f"predict {len(X):,} x 10 labels, 2 x {WIDTH}"
    report.add(work, "products alone", alone, "s")
    for n_jobs in (None, 2):
        model.set_params(n_jobs=n_jobs)
        ours = best_time(lambda: model.predict(X))
        report.add(work, f"predict, n_jobs={n_jobs}", ours / alone, "x products", seconds=ours)
    model.set_params(n_jobs=None)


def stochastic_epoch(report, data):
    """An epoch of the rule in batches of 100 beside its products."""
    X, y = data[0][:20_000], data[1][:20_000]
    n_batches = len(X) // 100
    rng = np.random.default_rng(0)
    A = rng.normal(size=(100, 794)).astype(np.float32)
    layers = [rng.normal(size=(n, WIDTH)).astype(np.float32) for n in (794, WIDTH)]
    inputs = [A, A @ layers[0]]

    def products():
        for _ in range(n_batches):
            for rows, W in zip(inputs, layers, strict=True):
                Y = rows @ W
                residual = Y @ W.T
                residual.T @ Y

    alone = best_time(products, 3)

    def fit(n_epochs):
        model = ActivationLearningClassifier(
            (WIDTH, WIDTH),
            encoding="unit",
            solver="hebbian",
            feedback=False,
            max_iter=n_epochs,
            random_state=0,
        )
        return timed(lambda: model.fit(X, y))[1]

    fit(1)
    ratios = [(fit(4) - fit(1)) / 3 / alone for _ in range(3)]
    work = f"stochastic epoch, {len(X):,} rows by 100, 2 x {WIDTH}"
    report.add(work, "products alone", alone, "s")
    report.add(work, "hebbian", ratios, "x products")


def online(report, data):
    """Row by row, 30 features and 30 units, beside the same loop in NumPy."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20_000, 30)).astype(np.float32)
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    start = rng.normal(0, 0.05, (30, 30)).astype(np.float32)
    rates = np.full(len(X), 0.1, dtype=np.float32)

    def loop():
        W = start.copy()
        for x, rate in zip(X, rates, strict=True):
            y = x @ W
            W += rate * np.outer(x - W @ y, y)

    # Padded and placed as the solver does it.
    W = on_cache_lines((30, 32), np.float32)
    Y = on_cache_lines((len(X) + 2, 32), np.float32)

    def kernel():
        W[:, :30] = start
        learn_rows(X, rates, W, Y)

    theirs = best_time(loop, 20)
    ours = best_time(kernel, 100)
    work = "online update, 30 x 30"
    report.add(work, "NumPy loop", theirs / len(X) * 1e6, "us a row")
    report.add(work, "kernel", ours / len(X) * 1e6, "us a row", times_faster=theirs / ours)


def fused_pass(report, data):
    """Activation, label sum and norm in one pass beside NumPy's several."""
    rng = np.random.default_rng(0)
    A = rng.normal(size=(256, WIDTH)).astype(np.float32)
    B = rng.normal(size=(10, WIDTH)).astype(np.float32)
    mean, scale = np.ones(WIDTH, np.float32), np.ones(WIDTH, np.float32)
    out = np.empty((2560, WIDTH), np.float32)
    energy = np.empty(2560, np.float32)
    forward, _ = ACTIVATIONS["std_abs"]

    def separate():
        Y = (A[:, None] + B).reshape(-1, WIDTH)
        energy = np.einsum("ij,ij->i", Y, Y)
        U = (np.abs(Y) - mean) * scale
        U *= np.sqrt(energy / np.einsum("ij,ij->i", U, U))[:, None]

    theirs = best_time(separate)
    ours = best_time(lambda: forward(A, B, mean, scale, out, energy))
    work = f"std_abs of 256 x 10 labels, {WIDTH} units"
    report.add(work, "NumPy", theirs * 1e3, "ms")
    report.add(work, "kernel", ours * 1e3, "ms", times_faster=theirs / ours)


STARTING = """
import time
import numba, sklearn, sklearn.base, sklearn.utils.estimator_checks
started = time.perf_counter()
import sklearn_activation
imported = time.perf_counter() - started
from sklearn.datasets import load_iris
X, y = load_iris(return_X_y=True)
started = time.perf_counter()
sklearn_activation.ActivationLearningClassifier(random_state=0).fit(X, y)
print(imported, time.perf_counter() - started)
"""


def starting(report, data):
    """Import and first fit in a new process, kernels cached on disk."""
    runs = []
    for _ in range(4):
        done = subprocess.run(
            [sys.executable, "-c", STARTING], capture_output=True, text=True, check=True
        )
        runs.append([float(value) for value in done.stdout.split()])
    imports, fits = zip(*runs[1:], strict=True)
    report.add("import after scikit-learn and Numba", "sklearn_activation", imports, "s")
    report.add("first fit on iris, warm kernel cache", "flow, everything chosen", fits, "s")


def feedback(report, data):
    """Seconds of feedback with and without each of its shortcuts.

    Rows that rest, labels that are scored every sixth epoch only, by the largest
    eigenvalues, and the data block's reconstruction that both labels of a row share,
    switched off one at a time.
    """
    X, y = data[:2]
    X, y = X[:20_000], y[:20_000]
    plain_step = _Learner.first_step

    def unshared(self, Z, A, labels, Y, signed, step):
        inputs = np.zeros((len(Y), len(self.network.coefs[0])), dtype=Y.dtype)
        inputs[:, : Z.shape[1]] = np.concatenate([Z, Z])
        inputs[np.arange(len(Y)), Z.shape[1] + labels] = 1
        W = self.network.coefs[0]
        np.matmul((inputs - Y @ W.T).T, signed * Y, out=step)

    def seconds(first_step=plain_step, **constants):
        before = {name: getattr(_Learner, name) for name in constants}
        for name, value in constants.items():
            setattr(_Learner, name, value)
        _Learner.first_step = first_step
        try:
            model = ActivationLearningClassifier(
                (WIDTH, WIDTH), encoding="unit", feedback=True, random_state=0
            )
            return timed(lambda: model.fit(X, y))[1]
        finally:
            for name, value in before.items():
                setattr(_Learner, name, value)
            _Learner.first_step = plain_step

    work = f"fit with feedback, {len(X):,} rows, 2 x {WIDTH}"
    seconds()  # compiles
    ours, all_eigenvalues = seconds(), {"pairs_scored_exactly": 10**9}
    report.add(work, "as it is", ours, "s")
    for name, changes in {
        "no row rests": {"rest_epochs": (1, 1)},
        "all labels scored with all eigenvalues": all_eigenvalues,
        "the same, every epoch": {"epochs_to_look": 1, **all_eigenvalues},
        "no product shared": {"first_step": unshared},
        "none of these": {
            "rest_epochs": (1, 1),
            "epochs_to_look": 1,
            **all_eigenvalues,
            "first_step": unshared,
        },
    }.items():
        slow = seconds(**changes)
        report.add(work, name, slow, "s", times_slower=slow / ours)


PARTS = {
    "starting": starting,
    "online": online,
    "fused_pass": fused_pass,
    "memory": memory,
    "fitting": fitting,
    "stochastic_epoch": stochastic_epoch,
    "feedback": feedback,
}


def main():
    args = argument_parser(__doc__, "10,000 rows", PARTS).parse_args()
    data = load_mnist()
    if args.quick:
        data = (data[0][:10_000], data[1][:10_000], data[2][:2000], data[3][:2000])
    report = Report("speed", quick=args.quick)
    warnings.simplefilter("ignore", ConvergenceWarning)  # epochs are timed, not trained to the end
    for name in args.only or PARTS:
        PARTS[name](report, data)


if __name__ == "__main__":
    main()
