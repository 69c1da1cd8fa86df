"""Errors on the test images of CIFAR-10.

The penalty of the linear model is chosen on 5,000 training images, and the test images are looked
at once a model. The images are read from cifar10.npz in the folder of data: X_train and X_test
hold images of 32 x 32 pixels in three colours (uint8), and y_train and y_test their labels.
"""

import warnings

import numpy as np
from _common import Report, argument_parser, data_folder, timed
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_activation import CompetitiveHebbianPatchTransformer

SHAPE = (32, 32, 3)
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


def error(model, X, y):
    return 100 * (1 - model.score(X, y))


def choose_penalty(F, y, held):
    """The C with the least error on the first ``held`` rows of features, and this error."""
    found = {}
    for C in PENALTIES:
        model = linear_model(C).fit(F[held:], y[held:])
        found[error(model, F[:held], y[:held])] = C
    return found[min(found)], min(found)


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


PARTS = {"shared_patches": shared_patches, "patch_parameters": patch_parameters}


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
