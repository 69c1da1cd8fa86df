"""Errors on the test images of CIFAR-10.

Hyper-parameters are chosen on 5,000 training images, and the test images are looked at once a
model. The images are read from cifar10.npz in the folder of data: X_train and X_test hold images
of 32 x 32 pixels in three colours (uint8), and y_train and y_test their labels. ``--quick`` takes
few images, and ``--only`` names some of the parts. Seconds need an idle machine.
"""

import warnings

import matplotlib
import numpy as np
from _common import RESULTS, Report, argument_parser, best_time, data_folder, timed
from mnist import error
from mnist_feedback import Recorder, mlp_curve
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_activation import ActivationLearningClassifier, CompetitiveHebbianPatchTransformer
from sklearn_activation._local import Grid, write_products
from sklearn_activation.augmentation import Chain, RandomCrop, RandomFlip

matplotlib.use("Agg")
import matplotlib.pyplot as plt

N_EPOCHS, N_AUGMENTED_EPOCHS, N_WIDE_EPOCHS = 20, 60, 40
SHAPE = (32, 32, 3)
CROPPED = (28, 28, 3)
PENALTIES = (0.001, 0.003, 0.01)
CHANGES = [
    {},
    *({"n_units": n} for n in (50, 100, 400, 800)),
    *({"patch_size": n} for n in (4, 5, 7, 8)),
    *({"grid": n} for n in (1, 2, 4)),
    {"grid": 2, "n_units": 400},
    *({"threshold": a} for a in (0.0, 0.5, 1.5)),
    *({"learning_time": t} for t in (100.0, 5000.0)),
]


def load_cifar10():
    """Images as rows of 3,072 integers, and labels: X_train, y_train, X_test, y_test."""
    folder = data_folder()
    if folder is None or not (folder / "cifar10.npz").exists():
        raise SystemExit("cifar10.npz is not in the folder SKLEARN_ACTIVATION_DATA.")
    with np.load(folder / "cifar10.npz") as f:
        X_train, y_train, X_test, y_test = (
            f[name] for name in ("X_train", "y_train", "X_test", "y_test")
        )
    return X_train.reshape(len(X_train), -1), y_train, X_test.reshape(len(X_test), -1), y_test


def centred(X):
    """Images as float32 rows less their own mean."""
    X = X.astype(np.float32) / 255
    return X - X.mean(axis=1, keepdims=True)


# -- local connections -----------------------------------------------------------------


def ours(layer_sizes, field, **parameters):
    """A classifier with local connections. Its numbers were chosen on held-out images."""
    values = {
        "image_shape": SHAPE,
        "receptive_field": field,
        "feedback": True,
        "feedback_gap": 0.05,
        "unlearning_factor": 1.0,
        "max_iter": N_EPOCHS,
        "random_state": 0,
        "verbose": 1,
    }
    return ActivationLearningClassifier(layer_sizes, **{**values, **parameters})


def evaluate(report, data, method, model):
    """Fit a model to all training images, and report its errors.

    The result is a list of seconds and test errors after each epoch of feedback.
    """
    X_train, y_train, X_test, y_test = data
    X_test = centred(X_test)
    recorder = Recorder(X_test, y_test)
    model.set_callbacks(recorder)
    _, seconds = timed(model.fit, centred(X_train), y_train)
    report.add(
        f"{len(X_train):,} labels",
        method,
        error(model, X_test, y_test),
        "% error",
        n_iter=int(model.n_iter_),
        fit_seconds=seconds - recorder.evaluation,
    )
    return recorder.points


def local_connections(report, data, quick):
    """Two layers, the first of them local, with feedback (paper, three layers: 37.14, 36.88 %).

    The start from statistics is compared with random weights, and with ``MLPClassifier`` of the
    same widths: results/cifar10_curve.png has test errors over seconds.
    """
    curves, epochs = {}, 2 if quick else N_EPOCHS
    for field in (5, 9):
        method = f"3 units a place, fields of {field} x {field}, feedback"
        curves[method] = evaluate(report, data, method, ours((3, 1000), field, max_iter=epochs))
    # After a tiny learning time, the weights are the random ones at the start.
    model = ours((3, 1000), 5, max_iter=epochs, learning_time=1e-6)
    method = "the same with 5 x 5 from random weights"
    curves[method] = evaluate(report, data, method, model)
    method, epochs = "MLPClassifier, 3072 and 1000 units", 2 if quick else 8
    X_train, y_train, X_test, y_test = data
    images = centred(X_train), y_train, centred(X_test), y_test
    model = MLPClassifier((3072, 1000), random_state=0)
    curves[method], seconds = mlp_curve(model, images, epochs)
    last = curves[method][-1][1]
    work = f"{len(X_train):,} labels"
    report.add(work, method, last, "% error", n_iter=epochs, fit_seconds=seconds)
    draw_curves(curves, quick)


def ten_units(report, data, quick):
    """Ten units at each place (paper, three layers with fields of 9 x 9: 35.6 %)."""
    method = "10 units a place, fields of 5 x 5, feedback"
    epochs = 2 if quick else N_WIDE_EPOCHS
    evaluate(report, data, method, ours((10, 1000), 5, max_iter=epochs))


def draw_curves(curves, quick):
    """Save test errors {method: [(seconds, error), ...]} as results/cifar10_curve.png."""
    fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
    for (method, points), marker in zip(curves.items(), "os^v", strict=True):
        ax.plot(*zip(*points, strict=True), marker=marker, label=method)
    ax.set(xlabel="seconds of training", ylabel="test error, %", ylim=(30, 80))
    ax.grid(alpha=0.3)
    ax.legend()
    RESULTS.mkdir(exist_ok=True)
    fig.savefig(RESULTS / f"cifar10_curve{'-quick' if quick else ''}.png", dpi=150)
    plt.close(fig)


def without_feedback(report, data, quick):
    """The closed form alone: full layers, and one or two local layers below a full one."""
    evaluate(report, data, "2 full layers", ours((1000, 1000), None, feedback=False))
    for depth, field in ((1, 5), (2, 5)):
        model = ours((3,) * depth + (1000,), field, feedback=False)
        places = "1 local layer" if depth == 1 else f"{depth} local layers"
        evaluate(report, data, f"{places} below a full one, fields of {field} x {field}", model)


def augmented(report, data, quick):
    """Random crops of 28 x 28 pixels and mirror images (paper, three layers of 9: 31.21 %)."""
    augment = Chain(RandomCrop(SHAPE, CROPPED[0]), RandomFlip(CROPPED))
    epochs = 2 if quick else N_AUGMENTED_EPOCHS
    model = ours((9, 1000), 5, image_shape=CROPPED, augment=augment, max_iter=epochs)
    evaluate(report, data, "9 units a place, fields of 5 x 5, crops and mirror images", model)


def products(report, data, quick):
    """Time and memory of local weights beside a full matrix with zeros."""
    for field in (9, 5):
        for what, ratio in product_ratios(field).items():
            work = f"layer of 3,072 units, fields of {field} x {field}"
            report.add(work, f"{what} over that of a full matrix", ratio, "ratio")


def product_ratios(field, n_rows=512):
    """The memory of local weights, and the time of each product, over those of a full matrix."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 3072)).astype(np.float32)
    W = Grid(32, 32, 3, (field, field), 3).random(0.1, rng, np.float32)
    dense = W.toarray()
    mask, full, step = dense != 0, np.empty_like(dense), W.empty_like()

    def masked_step():
        np.multiply(np.matmul(X.T, X, out=full), mask, out=full)

    return {
        "memory": W.fields.size / dense.size,
        "time of outputs": best_time(lambda: X @ W) / best_time(lambda: X @ dense),
        "time of reconstruction": best_time(lambda: X @ W.T) / best_time(lambda: X @ dense.T),
        "time of a step": best_time(lambda: write_products(X, X, step)) / best_time(masked_step),
    }


# -- shared patches --------------------------------------------------------------------


def choose_penalty(F, y, held):
    """The C with the least error on the first ``held`` rows of features, and this error."""
    found = []
    for C in PENALTIES:
        model = linear_model(C).fit(F[held:], y[held:])
        found.append((error(model, F[:held], y[:held]), C))
    held_out, C = min(found)
    return C, held_out


def linear_model(C):
    return make_pipeline(StandardScaler(), LogisticRegression(C=C))


def shared_patches(report, data, quick):
    """Shared patches, StandardScaler and LogisticRegression, with C chosen on held-out labels."""
    X_train, y_train, X_test, y_test = data
    patches = CompetitiveHebbianPatchTransformer(
        SHAPE, n_units=100 if quick else 1600, grid=2, random_state=0
    )
    F, seconds = timed(patches.fit_transform, X_train)
    C, held_out = choose_penalty(F, y_train, len(X_train) // 10)
    model, more = timed(linear_model(C).fit, F, y_train)
    report.add(
        f"{len(X_train):,} labels",
        "shared patches -> LogisticRegression",
        error(model, patches.transform(X_test), y_test),
        "% error",
        held_out_error=held_out,
        C=C,
        fit_seconds=seconds + more,
    )


def patch_parameters(report, data, quick):
    """Held-out error of shared patches with one parameter changed, on a tenth of the images."""
    X, y, _, _ = data
    n = len(X) // 10
    for change in CHANGES[:2] if quick else CHANGES:
        patches = CompetitiveHebbianPatchTransformer(SHAPE, n_units=200, random_state=0)
        F = patches.set_params(**change).fit(X[n : 2 * n]).transform(X[: 2 * n])
        C, held_out = choose_penalty(F, y[: 2 * n], n)
        name = ", ".join(f"{key}={value}" for key, value in change.items()) or "200 units"
        report.add(f"{n:,} labels, held-out images", name, held_out, "% error", C=C)


PARTS = {
    "shared_patches": shared_patches,
    "patch_parameters": patch_parameters,
    "products": products,
    "without_feedback": without_feedback,
    "local_connections": local_connections,
    "ten_units": ten_units,
    "augmented": augmented,
}


def main():
    parser = argument_parser(__doc__, "5,000 images and 100 units", PARTS)
    args = parser.parse_args()
    report = Report("cifar10", quick=args.quick)
    # The penalty is searched, so a fit need not converge.
    warnings.simplefilter("ignore", ConvergenceWarning)
    data = load_cifar10()
    if args.quick:
        data = data[0][:5_000], data[1][:5_000], data[0][-5_000:], data[1][-5_000:]
    for name in args.only or PARTS:
        PARTS[name](report, data, args.quick)


if __name__ == "__main__":
    main()
