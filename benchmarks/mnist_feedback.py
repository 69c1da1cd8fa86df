"""Learning from mistakes on MNIST, beside the paper and scikit-learn's MLPClassifier.

All models have two layers of 1064 units and their default parameters, but for the epochs
of MLPClassifier, which has ten output units on top, and for the parts ``augmented`` and
``local``. Test rows choose nothing. ``--quick`` takes few rows and one seed, ``--only`` names
some of the parts. Figures go to ``results/``. Seconds need an idle machine.
"""

import time
import warnings

import matplotlib
import numpy as np
from _common import RESULTS, Report, argument_parser, load_mnist, timed
from matplotlib.ticker import NullFormatter, ScalarFormatter
from mnist import WIDTH, error
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer
from sklearn.semi_supervised import LabelSpreading

from sklearn_activation import ActivationLearningClassifier
from sklearn_activation.augmentation import RandomShift

matplotlib.use("Agg")
import matplotlib.pyplot as plt

SIDE = 28
SIZES = (600, 1000, 2000, 4000, 8000, 20_000, 60_000)
EPSILONS = (0.02, 0.05, 0.1, 0.2)
N_EPOCHS = 80  # with shifted images, which never come twice alike
N_STEPS = 20  # of PGD, each of an eighth of epsilon
WITHOUT, WITH, AUTO = (f"flow, feedback={value!r}" for value in (False, True, "auto"))
MLP = "MLPClassifier"
STYLES = {WITHOUT: "C0s--", WITH: "C0o-", AUTO: "C0o-", MLP: "C1^-"}


def ours(seed, feedback="auto"):
    return ActivationLearningClassifier((WIDTH, WIDTH), feedback=feedback, random_state=seed)


def shifted(seed, n_epochs):
    return ours(seed, feedback=True).set_params(
        augment=RandomShift((SIDE, SIDE)), learning_rate=0.2, max_iter=n_epochs
    )


def mlp(seed, n_epochs):
    return MLPClassifier((WIDTH, WIDTH), max_iter=n_epochs, random_state=seed)


def calibration_error(p, y, n_bins=15):
    """Expected calibration error in %: |accuracy - confidence| over equal-width bins."""
    confidence, right = p.max(axis=1), p.argmax(axis=1) == y
    bins = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    return 100 * np.abs(np.bincount(bins, weights=right - confidence)).sum() / len(y)


def figure(name, lines, xlabel, scale, quick):
    """Save test errors {method: [(x, error), ...]} as results/<name>.png."""
    fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
    for method, points in lines.items():
        ax.plot(*zip(*points, strict=True), STYLES[method], label=method)
    ax.set(xscale=scale, yscale=scale, xlabel=xlabel, ylabel="test error, %")
    if scale == "log":
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_formatter(ScalarFormatter())
            axis.set_minor_formatter(NullFormatter())
        ax.set_xticks(SIZES, [f"{n:,}" for n in SIZES])
        ax.set_yticks([1, 2, 5, 10])
    ax.grid(alpha=0.3, which="both")
    ax.legend()
    RESULTS.mkdir(exist_ok=True)
    fig.savefig(RESULTS / f"{name}{'-quick' if quick else ''}.png", dpi=150)
    plt.close(fig)


# -- with all labels -------------------------------------------------------------------


def all_labels(report, data, quick):
    """Test error with all labels (paper: 1.36 %), probabilities, and what was chosen."""
    X_train, y_train, X_test, y_test = data
    found = []
    for seed in range(1 if quick else 3):
        model, seconds = timed(ours(seed).fit, X_train, y_train)
        p = model.predict_proba(X_test)
        values = {
            ("test error", "% error"): error(model, X_test, y_test),
            ("log-loss", "nats"): log_loss(y_test, p, labels=model.classes_),
            ("calibration error, 15 bins", "%"): calibration_error(p, y_test),
            ("fit", "s"): seconds,
            ("n_iter_", "epochs"): model.n_iter_,
            ("feedback_", "share"): model.feedback_,
        }
        for layer, t in enumerate(model.learning_times_, 1):
            values[f"learning time of layer {layer}", ""] = t
        found.append(values)
    for what, unit in found[0]:
        work = f"{len(X_train):,} labels, {what}"
        report.add(work, AUTO, [values[what, unit] for values in found], unit)


def augmented(report, data, quick):
    """Test error with views of the images that are shifted by up to one pixel.

    5,000 held-out training images chose the size of the shifts and the learning rate.
    """
    X_train, y_train, X_test, y_test = data
    model = shifted(0, 2 if quick else N_EPOCHS).fit(X_train, y_train)
    work, method = f"{len(X_train):,} labels, shifted", f"{WITH}, augment"
    settings = {"augment": repr(model.augment), "max_iter": model.max_iter}
    settings["learning_rate"] = model.learning_rate
    report.add(f"{work}, test error", method, error(model, X_test, y_test), "% error", **settings)


def local(report, data, quick):
    """Test error with 6 units at each place below a full layer, and fields of 9 x 9 pixels.

    Held-out training images chose the number of units from 3 and 6, and the gap from 0.07, 0.1 and
    0.15.
    """
    X_train, y_train, X_test, y_test = data
    model = ours(0, feedback=True).set_params(
        layer_sizes=(6, WIDTH), image_shape=(SIDE, SIDE), receptive_field=9, feedback_gap=0.1
    )
    _, seconds = timed(model.fit, X_train, y_train)
    work = f"{len(X_train):,} labels, fields of 9 x 9, test error"
    report.add(work, WITH, error(model, X_test, y_test), "% error", fit_seconds=seconds)


class Recorder:
    """scikit-learn callback: (seconds of training, test error) after every epoch.

    Seconds of evaluation are left out.
    """

    def __init__(self, X, y):
        self.X, self.y = X, y
        self.points = []
        self.evaluation = 0.0

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        if context.task_name == "fit":
            self.started = time.perf_counter()

    def on_fit_task_end(self, estimator, context, *, fitted_estimator):
        if context.task_name != "epoch":
            return
        now = time.perf_counter()
        seconds = now - self.started - self.evaluation
        self.points.append((seconds, error(fitted_estimator, self.X, self.y)))
        self.look(fitted_estimator)
        self.evaluation += time.perf_counter() - now

    def look(self, estimator):
        """Nothing here: a subclass may look at the estimator after every epoch."""


def followed(recorder, X, y):
    """Our model, fitted with a ``Recorder``, and the seconds without those of evaluation."""
    model = ours(0)
    model.set_callbacks(recorder)
    seconds = timed(model.fit, X, y)[1] - recorder.evaluation
    if not recorder.points:  # Without feedback there are no epochs.
        recorder.points.append((seconds, error(model, recorder.X, recorder.y)))
        recorder.look(model)
    return model, seconds


def our_curve(data):
    """Points of the learning curve, seconds of the whole fit."""
    X_train, y_train, X_test, y_test = data
    recorder = Recorder(X_test, y_test)
    _, seconds = followed(recorder, X_train, y_train)
    return recorder.points, seconds


def mlp_curve(model, data, n_epochs):
    """Points of the learning curve of an ``MLPClassifier``, seconds of all epochs."""
    X_train, y_train, X_test, y_test = data
    rng, classes = np.random.default_rng(0), np.unique(y_train)
    points, seconds = [], 0.0
    for _ in range(n_epochs):
        order = rng.permutation(len(X_train))  # with an int seed it repeats its own order
        X, y = X_train[order], y_train[order]
        seconds += timed(model.partial_fit, X, y, classes=classes)[1]
        points.append((seconds, error(model, X_test, y_test)))
    return points, seconds


def curve(report, data, quick):
    """Test error over seconds of training, after every epoch; results/mnist_curve.png."""
    if not hasattr(ActivationLearningClassifier, "set_callbacks"):
        print("curve: skipped, needs scikit-learn 1.9")
        return
    n_epochs = 2 if quick else 8
    results = {AUTO: our_curve(data), MLP: mlp_curve(mlp(0, 1), data, n_epochs)}
    labels = f"{len(data[0]):,} labels, curve"
    for method, (points, seconds) in results.items():
        what = f"{n_epochs} epochs" if method == MLP else "fit"
        report.add(f"{labels}, {what}", method, seconds, "s", points=points)
        reached = [at for at, percent in points if percent <= 2]
        report.add(f"{labels}, until 2 % error", method, reached[0] if reached else np.nan, "s")
        report.add(f"{labels}, last error", method, points[-1][1], "% error")
    lines = {method: points for method, (points, _) in results.items()}
    figure("mnist_curve", lines, "seconds of training", "linear", quick)


# -- with some labels ------------------------------------------------------------------


def errors_after(X, y, X_test, y_test, seed):
    """Test error of every method, and whether feedback="auto" takes feedback."""
    auto = ours(seed).fit(X, y)
    other = ours(seed, feedback=not auto.feedback_).fit(X, y)  # "auto" is one of the two
    errors = {
        (WITHOUT, WITH)[model.feedback_]: error(model, X_test, y_test) for model in (auto, other)
    }
    errors[AUTO] = errors[(WITHOUT, WITH)[auto.feedback_]]
    network = mlp(seed, 30 if len(X) <= 8000 else 8).fit(X, y)
    errors[MLP] = error(network, X_test, y_test)
    return errors, bool(auto.feedback_)


def sizes(report, data, quick):
    """Test error by number of labels (paper, Fig. 8a); results/mnist_sizes.png."""
    X_train, y_train, *test = data
    lines = {WITHOUT: [], WITH: [], MLP: []}
    for n in [n for n in SIZES if n <= len(X_train)]:
        draws = []
        for draw in range(3 if n == 600 and not quick else 1):
            rows = np.random.default_rng(draw).permutation(len(X_train))[:n]
            draws.append(errors_after(X_train[rows], y_train[rows], *test, draw))
        for method in (WITHOUT, WITH, AUTO, MLP):
            values = [errors[method] for errors, _ in draws]
            details = {"feedback_": [taken for _, taken in draws]} if method == AUTO else {}
            report.add(f"{n:,} labels, 2 x {WIDTH}", method, values, "% error", **details)
            lines.get(method, []).append((n, float(np.mean(values))))
    figure("mnist_sizes", lines, "training rows", "log", quick)


def unlabelled(report, data, quick):
    """Test error with 600 labels, alone and beside rows without a label."""
    X_train, y_train, X_test, y_test = data
    errors, seconds = {}, []
    for draw in range(1 if quick else 3):
        rows = np.random.default_rng(draw).permutation(len(X_train))
        X, y = X_train[rows], y_train[rows].astype(int)
        alone = ours(draw).fit(X[:600], y[:600])
        y[600:] = -1
        model = ours(draw).set_params(missing_label=-1)
        seconds.append(timed(model.fit, X, y)[1])
        partly = f"600 of {len(X):,} labels"
        spreading = make_pipeline(Normalizer(), LabelSpreading(kernel="knn", n_neighbors=10))
        for works, method, fitted in (
            ("600 labels", AUTO, alone),
            (partly, AUTO, model),
            (partly, "LabelSpreading", spreading.fit(X, y)),
        ):
            errors.setdefault((works, method), []).append(error(fitted, X_test, y_test))
    for (work, method), values in errors.items():
        report.add(f"{work}, partly labelled", method, values, "% error")
    report.add(f"600 of {len(X):,} labels, partly labelled, fit", AUTO, seconds, "s")


# -- disturbed images ------------------------------------------------------------------

MODELS = {
    WITHOUT: lambda quick: ours(0, feedback=False),
    WITH: lambda quick: ours(0, feedback=True),
    MLP: lambda quick: mlp(0, 2 if quick else 8),
}
FITTED = {}  # what the parts below share


def fitted_models(data, quick):
    """The models of ``MODELS`` fitted to all rows, once a process."""
    for method, make in MODELS.items():
        if method not in FITTED:
            FITTED[method] = make(quick).fit(*data[:2])
    return FITTED


def masked(report, data, quick):
    """Test error with the bottom rows of pixels black (paper, Fig. 10b)."""
    X_test, y_test = data[2:]
    for n_black in (0, 3, 5, 7, 9, 11, 14):
        images = X_test.reshape(-1, SIDE, SIDE).copy()
        images[:, SIDE - n_black :] = 0
        X = images.reshape(len(images), -1)
        for method, model in fitted_models(data, quick).items():
            report.add(
                f"bottom {n_black} of 28 rows black", method, error(model, X, y_test), "% error"
            )


def with_lines(X, n_lines, width):
    """Images with white lines through random points in random directions.

    Pixels are white whose centre is no further than half the width from a line. Points
    and directions do not depend on the width.
    """
    rng = np.random.default_rng(0)
    at = np.arange(SIDE) + 0.5
    down, across = at[:, None], at[None, :]
    images = X.reshape(-1, SIDE, SIDE).copy()
    for image in images:
        for _ in range(n_lines):
            (row, column), angle = rng.uniform(0, SIDE, size=2), rng.uniform(0, np.pi)
            distance = (down - row) * np.cos(angle) - (across - column) * np.sin(angle)
            image[np.abs(distance) <= width / 2] = 1
    return images.reshape(len(images), -1)


def random_lines(report, data, quick):
    """Test error with random lines (paper, Fig. 10d: 3.0 and 12.8 % at widths 1 and 2).

    The paper says neither how many lines an image gets nor how they run: here one, and
    then two, that run from border to border.
    """
    X_test, y_test = data[2:]
    for n_lines in (1, 2):
        for width in (1, 2, 3, 4):
            X = with_lines(X_test, n_lines, width)
            work = f"{n_lines} random line{'s' * (n_lines > 1)} of width {width}"
            for method, model in fitted_models(data, quick).items():
                report.add(work, method, error(model, X, y_test), "% error")


# -- adversarial images ----------------------------------------------------------------


def gap_gradient(model, X, y):
    """Gradient by the pixels of the strongest wrong label's activation less the right one's."""
    assert model._encoding_name == "unit", model._encoding_name
    each, right = np.arange(len(X)), np.searchsorted(model.classes_, y)
    energies = model.decision_function(X)
    energies[each, right] = -np.inf
    norms = np.linalg.norm(X, axis=1, keepdims=True)
    unit = X / np.maximum(norms, np.finfo(X.dtype).tiny)

    def by_unit_row(labels):
        one_hot = np.eye(len(model.classes_), dtype=X.dtype)[labels]
        Z = np.hstack([unit, one_hot])
        return model._model().network.energies_and_gradient(Z)[1][:, : X.shape[1]]

    G = by_unit_row(energies.argmax(axis=1)) - by_unit_row(right)
    G -= (G * unit).sum(axis=1, keepdims=True) * unit  # of x / ||x||
    return G / np.maximum(norms, np.finfo(X.dtype).tiny)


def loss_gradient(model, X, y):
    """Gradient by the pixels of an MLP's log-loss, divided by 1 - p(right label).

    That is a positive number a row, without which the gradient would vanish by rounding
    for rows that the model is sure of.
    """
    outputs = [X]
    for W, b in zip(model.coefs_[:-1], model.intercepts_[:-1], strict=True):
        outputs.append(np.maximum(outputs[-1] @ W + b, 0))
    logits = (outputs[-1] @ model.coefs_[-1] + model.intercepts_[-1]).astype(np.float64)
    each, right = np.arange(len(X)), np.searchsorted(model.classes_, y)
    logits[each, right] = -np.inf
    G = np.exp(logits - logits.max(axis=1, keepdims=True))
    G /= G.sum(axis=1, keepdims=True)
    G[each, right] = -1
    G = G.astype(X.dtype) @ model.coefs_[-1].T
    for W, output in zip(model.coefs_[-2::-1], outputs[:0:-1], strict=True):
        G = (G * (output > 0)) @ W.T
    return G


GRADIENTS = {WITHOUT: gap_gradient, WITH: gap_gradient, MLP: loss_gradient}


def attacked(model, gradient, X, y, epsilon, n_steps, step):
    """Images after steps along the gradient's sign, no pixel further than epsilon from X."""
    low, high = np.maximum(X - epsilon, 0), np.minimum(X + epsilon, 1)
    Z = X
    for _ in range(n_steps):
        Z = np.clip(Z + step * np.sign(gradient(model, Z, y)), low, high)
    return Z


def adversarial(report, data, quick):
    """Test error on images made to be mistaken, by FGSM and PGD with each model's gradient."""
    n = 100 if quick else 1000
    X, y = data[2][:n], data[3][:n]
    for method, model in fitted_models(data, quick).items():
        report.add(f"{n:,} images, no attack", method, error(model, X, y), "% error")
        for epsilon in map(np.float32, EPSILONS):
            for attack, steps in {"FGSM": (1, epsilon), "PGD": (N_STEPS, epsilon / 8)}.items():
                Z = attacked(model, GRADIENTS[method], X, y, epsilon, *steps)
                work = f"{n:,} images, {attack}, eps {epsilon:g}"
                report.add(work, method, error(model, Z, y), "% error")


PARTS = {
    "all_labels": all_labels,
    "augmented": augmented,
    "local": local,
    "curve": curve,
    "sizes": sizes,
    "unlabelled": unlabelled,
    "masked": masked,
    "lines": random_lines,
    "adversarial": adversarial,
}


def main():
    args = argument_parser(__doc__, "4,000 rows, one seed", PARTS).parse_args()
    data = load_mnist()
    if args.quick:
        data = tuple(array[:n] for array, n in zip(data, (4000, 4000, 1000, 1000), strict=True))
    warnings.filterwarnings("ignore", "Stochastic Optimizer")  # MLPClassifier's few epochs
    report = Report("mnist_feedback", quick=args.quick)
    for name in args.only or PARTS:
        PARTS[name](report, data, args.quick)


if __name__ == "__main__":
    main()
