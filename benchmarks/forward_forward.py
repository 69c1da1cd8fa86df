"""The Forward-Forward algorithm beside activation learning on MNIST (paper, section VI.D).

Both have two layers of 1064 units. The part ``curve`` follows the error on test images over the
seconds of training, and what a layer makes of the strength of its input. ``scores`` tries other
ways to score labels with our network, and ``anomalies`` finds images unlike those learned.
Hyper-parameters of the Forward-Forward algorithm were chosen on training images that were held
out. ``--quick`` takes few rows and epochs, ``--rows`` some of the images, ``--only`` names some of
the parts. The figure goes to ``results/forward_forward.png``. Seconds need an idle machine.
"""

import time
from functools import cached_property

import matplotlib
import numpy as np
from _common import RESULTS, Report, argument_parser, load_mnist
from _forward_forward import ForwardForward, share_of_rate, to_unit_squares
from mnist import WIDTH
from mnist_feedback import AUTO, SIDE, WITHOUT, Recorder, followed, ours
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import normalize

from sklearn_activation import ActivationAnomalyDetector

matplotlib.use("Agg")
import matplotlib.pyplot as plt

SIZES = (WIDTH, WIDTH)
FF = "Forward-Forward"
N_EPOCHS = 35  # of the Forward-Forward algorithm
FF_SETTINGS = {"rate": 3e-3, "sharpness": 3, "label_norm": 0.3}
LEVELS = (5, 3, 2, 1.5)  # errors in % whose seconds are reported
N_ROWS = 5000  # normal images of the part "anomalies"


class Gains(Recorder):
    """After every epoch also the mean share of its input's strength that each layer passes on."""

    def __init__(self, X, y):
        super().__init__(X, y)
        self.gains = []

    def look(self, estimator):
        self.gains.append(shares(estimator, self.X, self.y).mean(axis=0).tolist())


def shares(model, X, y):
    """||y||^2 / ||x||^2 of every layer, for rows with labels (the filters of paper, eq. 9)."""
    strength = model.layer_activations(X, y)
    before = np.column_stack([np.full(len(X), 2.0), strength[:, :-1]])  # row and label: 1 + 1
    return strength / before


class Runs:
    """The two networks, trained when they are first asked for."""

    def __init__(self, data, quick):
        self.data, self.quick = data, quick
        self.n_epochs = 4 if quick else N_EPOCHS

    @cached_property
    def ours(self):
        """Our network, its ``Recorder`` and its seconds."""
        X, y, X_test, y_test = self.data
        recorder = Gains(X_test, y_test)
        model, seconds = followed(recorder, X, y)
        return model, recorder, seconds

    @cached_property
    def theirs(self):
        """The network, points of its curve, and gains of its layers after every epoch."""
        X, y, X_test, y_test = self.data
        X, X_test = normalize(X), normalize(X_test)
        network = ForwardForward(X.shape[1], SIZES, 10, **FF_SETTINGS)
        points, gains, seconds = [], [], 0.0
        for epoch in range(self.n_epochs):
            started = time.perf_counter()
            network.set_share(share_of_rate(epoch, self.n_epochs))
            network.fit_epoch(X, y)
            seconds += time.perf_counter() - started
            points.append((seconds, 100 * np.mean(network.predict(X_test) != y_test)))
            goodness = network.layer_goodness(X_test, y_test).mean(axis=0)
            widths = [layer.W.shape for layer in network.layers]
            gains.append(
                [float(g * out / n) for g, (n, out) in zip(goodness, widths, strict=True)]
            )
        return network, points, gains


# -- the race, and the strength of outputs -----------------------------------------------


def curve(report, runs):
    """Test error over seconds, and what each layer does to the strength of its input."""
    model, recorder, seconds = runs.ours
    network, points, gains = runs.theirs
    labels = f"{len(runs.data[0]):,} labels"
    settings = {**FF_SETTINGS, "epochs": runs.n_epochs}
    for method, spent, found, more in (
        (AUTO, seconds, recorder.points, {}),
        (FF, points[-1][0], points, settings),
    ):
        report.add(f"{labels}, training", method, spent, "s", points=found, **more)
        report.add(f"{labels}, last error", method, found[-1][1], "% error")
        for level in LEVELS:
            reached = [at for at, percent in found if percent <= level]
            work = f"{labels}, until {level:g} % error"
            report.add(work, method, reached[0] if reached else np.nan, "s")
    strengths(report, labels, AUTO, recorder.gains, model.coefs_)
    strengths(report, labels, FF, gains, [layer.W for layer in network.layers])
    draw_figure(runs)


def strengths(report, labels, method, gains, weights):
    """Gain of each layer after the first and the last epoch, and the largest there could be."""
    for layer, W in enumerate(weights):
        gain = f"{labels}, gain of layer {layer + 1}"
        report.add(f"{gain}, first epoch", method, gains[0][layer], "")
        of_layer = [values[layer] for values in gains]
        report.add(f"{gain}, last epoch", method, of_layer[-1], "", curve=of_layer)
        largest = np.linalg.norm(np.asarray(W, np.float64), 2) ** 2
        report.add(
            f"{labels}, largest eigenvalue of W W^T, layer {layer + 1}", method, largest, ""
        )


def draw_figure(runs):
    """Error over seconds, and gains over epochs; results/forward_forward.png."""
    _, recorder, _ = runs.ours
    _, points, gains = runs.theirs
    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
    for label, color, found, of_layers in (
        ("activation learning", "C0", recorder.points, recorder.gains),
        (FF, "C1", points, gains),
    ):
        left.plot(*zip(*found, strict=True), color=color, marker=".", label=label)
        for layer, (values, style) in enumerate(zip(np.transpose(of_layers), "o^", strict=True)):
            epochs = np.arange(1, len(values) + 1)
            name = f"layer {layer + 1}"
            right.plot(epochs, values, color=color, marker=style, markersize=3, label=name)
    left.set(xlabel="seconds of training", ylabel="error on test images, %", yscale="log")
    left.set_yticks([1, 2, 5, 10], ["1", "2", "5", "10"])
    right.axhline(1, color="black", linewidth=1)
    right.set(xlabel="epochs", ylabel="||output||² / ||input||² of a layer", ylim=(0, None))
    for ax in (left, right):
        ax.grid(alpha=0.3, which="both")
    left.legend(fontsize=9)
    right.legend(fontsize=9, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 0.15))
    RESULTS.mkdir(exist_ok=True)
    fig.savefig(RESULTS / f"forward_forward{'-quick' if runs.quick else ''}.png", dpi=150)
    plt.close(fig)


# -- scores of one network ---------------------------------------------------------------


def scores(report, runs):
    """Errors when the label maximises the product of the layers, their sum, or a single layer.

    A layer of our networks is scored by its share, and a layer of Forward-Forward by its goodness.
    """
    X, y, X_test, y_test = runs.data
    work = f"{len(X):,} labels"
    without = ours(0, feedback=False).fit(X, y)
    for method, model in {WITHOUT: without, AUTO: runs.ours[0]}.items():
        h = of_each_label(lambda rows, y, model=model: shares(model, rows, y), X_test)
        score_errors(report, work, method, h, y_test)
        right = h[np.arange(len(h)), y_test].mean(axis=0)
        for layer, share in enumerate(right):
            what = f"{work}, share that layer {layer + 1} passes on, right label"
            report.add(what, method, share, "")
    goodness = of_each_label(runs.theirs[0].layer_goodness, normalize(X_test))
    score_errors(report, work, FF, goodness, y_test)


def of_each_label(layer_scores, X):
    """Scores of every layer for rows with each of the ten labels, (n_rows, 10, n_layers)."""
    return np.stack([layer_scores(X, np.full(len(X), c)) for c in range(10)], axis=1)


def score_errors(report, work, method, h, y):
    """Report errors by scores ``h`` of two layers, shape (n_rows, n_labels, 2)."""
    found = {
        "h1 h2": h.prod(axis=2),
        "h1 + h2": h.sum(axis=2),
        "h1": h[:, :, 0],
        "h2": h[:, :, 1],
    }
    for name, score in found.items():
        wrong = score.argmax(axis=1) != y
        report.add(f"{work}, score {name}", method, 100 * wrong.mean(), "% error")


# -- anomalies -----------------------------------------------------------------------------


def hybrids(X, rng):
    """Parts of two images each, cut out by a blurred random mask (Hinton 2022, section 3.2)."""
    masks = rng.integers(0, 2, (len(X), SIDE, SIDE)).astype(np.float32)
    for _ in range(6):
        for axis in (1, 2):
            masks = (np.roll(masks, 1, axis) + np.roll(masks, -1, axis)) / 4 + masks / 2
    masks = (masks > 0.5).reshape(len(X), -1)
    return np.where(masks, X, X[rng.permutation(len(X))])


def unlabelled_network(X, with_negatives, n_epochs):
    """A Forward-Forward network of images without labels."""
    settings = {**FF_SETTINGS, "label_norm": 0}
    network = ForwardForward(X.shape[1], SIZES, **settings)
    for epoch in range(n_epochs):
        network.set_share(share_of_rate(epoch, n_epochs))
        order = network.rng.permutation(len(X))
        for start in range(0, len(X), 100):
            positive = X[order[start : start + 100]]
            negative = hybrids(positive, network.rng) if with_negatives else None
            network.learn(
                to_unit_squares(positive),
                None if negative is None else to_unit_squares(negative),
            )
    return network


def anomalies(report, runs):
    """AUROC of images of a digit that was left out, and of images with shuffled pixels."""
    X, y, X_test, y_test = runs.data
    n_epochs = 3 if runs.quick else 6
    detectors = {
        "ActivationAnomalyDetector": lambda X: (
            ActivationAnomalyDetector(random_state=0).fit(X).score_samples
        ),
        "ActivationAnomalyDetector, unit rows": lambda X: (
            ActivationAnomalyDetector(encoding="unit", random_state=0).fit(X).score_samples
        ),
        f"{FF}, hybrids as negatives": lambda X: goodness_score(X, True, n_epochs),
        f"{FF}, no negatives": lambda X: goodness_score(X, False, n_epochs),
    }
    rng = np.random.default_rng(0)
    shuffled = rng.permuted(X_test, axis=1)
    for method, fit in detectors.items():
        left_out, noise = [], []
        for digit in range(2 if runs.quick else 10):
            rows = np.flatnonzero(y != digit)[:N_ROWS]
            score = fit(X[rows])
            of_test, of_shuffled = score(X_test), score(shuffled)
            left_out.append(100 * roc_auc_score(y_test == digit, -of_test))
            normal = of_test[y_test != digit]
            is_noise = np.repeat([0, 1], [len(normal), len(of_shuffled)])
            both = np.concatenate([normal, of_shuffled])
            noise.append(100 * roc_auc_score(is_noise, -both))
        images = f"{len(rows):,} images"
        report.add(f"{images}, digit left out, AUROC", method, left_out, "% AUROC")
        report.add(f"{images}, shuffled pixels, AUROC", method, noise, "% AUROC")


def goodness_score(X, with_negatives, n_epochs):
    """The summed goodness of all layers but the first, as a function of rows."""
    network = unlabelled_network(X, with_negatives, n_epochs)
    return lambda rows: network.layer_goodness(rows)[:, 1:].sum(axis=1)


PARTS = {"curve": curve, "scores": scores, "anomalies": anomalies}


def main():
    parser = argument_parser(__doc__, "4,000 rows, few epochs", PARTS)
    parser.add_argument("--rows", type=int, help="so many training images, and not all of them")
    args = parser.parse_args()
    data = load_mnist()
    X, y = (array[: args.rows] for array in data[:2])
    data = X, y.astype(int), data[2], data[3].astype(int)
    if args.quick:
        data = tuple(array[:n] for array, n in zip(data, (4000, 4000, 1000, 1000), strict=True))
    report = Report("forward_forward", quick=args.quick)
    runs = Runs(data, args.quick)
    for name in args.only or PARTS:
        PARTS[name](report, runs)


if __name__ == "__main__":
    main()
