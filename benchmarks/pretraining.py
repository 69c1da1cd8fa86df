"""Features learned without labels, then backpropagation with few labels or many, on MNIST.

One or two layers of 784 squared features learn from all training images without their labels.
On top stands a softmax of ten units, or 784 rectified units and the softmax (paper, appendix B
and Fig. 18). Three methods train the network: backpropagation of all weights from random ones;
backpropagation of the top, on features that stay; and backpropagation of all weights, from what
the second method found. Part of the labelled rows is held out. They choose the rate, the weight
decay and the epoch. Test rows are looked at once a model. ``--quick`` takes 4,000 images, and
``--only`` names some of the numbers of labels. The figure goes to ``results/pretraining.png``.
"""

import copy

import matplotlib
import numpy as np
from _backprop import Adam, Linear, Network, Rectified, Squares, log_loss
from _common import RESULTS, Report, argument_parser, load_mnist, timed
from sklearn.preprocessing import normalize

from sklearn_activation import CompetitiveHebbianTransformer

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.ticker import NullFormatter

WIDTH = 784
RANDOM, FROZEN, TUNED = "all from random weights", "features frozen", "fine-tuned"
STYLES = {RANDOM: "C1^-", FROZEN: "C2s--", TUNED: "C0o-"}
# Number of labels: held-out rows, rows of a batch, most epochs, draws.
SIZES = {
    600: (100, 50, 60, 3),
    6000: (1000, 100, 25, 3),
    60_000: (5000, 250, 15, 1),
}
# Rate and weight decay of Adam; the first fifth of the epochs chooses among them.
CHOICES = {
    RANDOM: [(3e-4, 0.0), (1e-3, 0.0), (1e-3, 1.0)],
    FROZEN: [(1e-3, 0.0), (1e-3, 1.0), (5e-3, 0.0), (5e-3, 1.0)],
    TUNED: [(3e-5, 0.0), (1e-4, 0.0), (3e-4, 0.0), (3e-4, 1.0)],
}


class Training:
    """A network on its way, and the best one so far on held-out rows."""

    def __init__(self, network, data, batch_size, rate, decay, seed):
        self.network, self.data, self.batch_size = copy.deepcopy(network), data, batch_size
        self.adam = Adam(self.network.parameters, rate, decay)
        self.rng = np.random.default_rng(seed)
        self.n_epochs, self.best_epoch = 0, 0
        self.settings = {"rate": rate, "decay": decay}
        self.judge()

    def judge(self):
        """Keep the weights if error and then log-loss on held-out rows are the lowest so far."""
        _, _, X, y = self.data
        logits = self.network.outputs(X)
        found = float(np.mean(logits.argmax(axis=1) != y)), log_loss(logits, y)
        if self.n_epochs == 0 or found < self.best:
            self.best, self.best_epoch = found, self.n_epochs
            self.kept = [P.copy() for P in self.network.parameters]

    def run(self, n_epochs):
        """Train until so many epochs are over, or a third of them without a better one."""
        X, y, _, _ = self.data
        while self.n_epochs < min(n_epochs, self.best_epoch + 1 + n_epochs // 3):
            order = self.rng.permutation(len(X))
            for start in range(0, len(X), self.batch_size):
                rows = order[start : start + self.batch_size]
                self.adam.step(self.network.gradients(X[rows], y[rows]))
            self.n_epochs += 1
            self.judge()

    def result(self):
        """The network with the weights that were kept."""
        for P, kept in zip(self.network.parameters, self.kept, strict=True):
            P[...] = kept
        return self.network


def best_training(network, data, method, n_labels, seed):
    """Try every choice for a fifth of the epochs, and go on with the best one."""
    _, batch_size, n_epochs, _ = SIZES[n_labels]
    tried = [Training(network, data, batch_size, *choice, seed) for choice in CHOICES[method]]
    for training in tried:
        training.run(n_epochs // 5)
    best = min(tried, key=lambda training: training.best)
    best.run(n_epochs)
    return best


def top(n_layers, rng):
    """Layers of the classification network, for inputs whose mean square is one."""
    hidden = [Rectified.random(WIDTH, WIDTH, rng) for _ in range(n_layers - 1)]
    last = Linear.random(WIDTH, 10, rng)
    last.parameters[0] *= np.float32(0.1)  # the first chances are nearly alike
    return [*hidden, last]


def three_methods(data, features, n_top, n_labels, seed):
    """The chosen training of every method; ``features`` are weights learned without labels."""
    X, y, X_held, y_held = data
    rng = np.random.default_rng(seed)
    layers = [Squares.random(WIDTH, WIDTH, rng) for _ in features] + top(n_top, rng)
    found = {RANDOM: best_training(Network(layers), data, RANDOM, n_labels, seed)}
    below = Network([Squares(W.copy()) for W in features])
    on_features = below.outputs(X), y, below.outputs(X_held), y_held
    above = Network(top(n_top, rng))
    found[FROZEN] = best_training(above, on_features, FROZEN, n_labels, seed)
    whole = Network(below.layers + found[FROZEN].result().layers)
    found[TUNED] = best_training(whole, data, TUNED, n_labels, seed)
    networks = {method: training.result() for method, training in found.items()}
    networks[FROZEN] = Network(below.layers + networks[FROZEN].layers)
    return found, networks


def learned_features(X, n_layers, seed):
    """Weights of feature layers that have learned all images without their labels."""
    model = CompetitiveHebbianTransformer(
        (WIDTH,) * n_layers, activation="square", random_state=seed
    )
    return model.fit(X).coefs_


def compare(report, data, n_labels):
    """Errors of the three methods, for one and two layers of features and on top."""
    X, y, X_test, y_test = data
    n_held, _, _, n_draws = SIZES[n_labels]
    features = {depth: learned_features(X, depth, 0) for depth in (1, 2)}
    for depth, coefs in features.items():
        for n_top in (1, 2):
            errors, chosen, seconds = {}, {}, []
            for draw in range(n_draws):
                rows = np.random.default_rng(draw).permutation(len(X))[:n_labels]
                held, kept = rows[:n_held], rows[n_held:]
                rows_of = X[kept], y[kept], X[held], y[held]
                (found, networks), spent = timed(
                    three_methods, rows_of, coefs, n_top, n_labels, draw
                )
                seconds.append(spent)
                for method, network in networks.items():
                    wrong = network.outputs(X_test).argmax(axis=1) != y_test
                    errors.setdefault(method, []).append(100 * np.mean(wrong))
                    training = found[method]
                    settings = {**training.settings, "epoch": training.best_epoch}
                    chosen.setdefault(method, []).append(settings)
            work = work_of(n_labels, len(X), depth, n_top)
            for method, values in errors.items():
                report.add(work, method, values, "% error", chosen=chosen[method])
            print(f"{work}: {sum(seconds):.0f} s", flush=True)


def work_of(n_labels, n_images, depth, n_top):
    return f"{n_labels:,} labels of {n_images:,} images, {depth} + {n_top} layers"


def draw_figure(report, n_images, quick):
    """Errors over labels, in the manner of the paper's Fig. 18; results/pretraining.png."""
    rows = {(row["work"], row["method"]): row for row in report.all_rows()}
    fig, axes = plt.subplots(2, 2, figsize=(8, 6), sharex=True, layout="constrained")
    for depth in (1, 2):
        for n_top in (1, 2):
            ax = axes[depth - 1, n_top - 1]
            for method, style in STYLES.items():
                works = {n: work_of(n, n_images, depth, n_top) for n in SIZES}
                found = {n: rows[w, method] for n, w in works.items() if (w, method) in rows}
                means = [row["mean"] for row in found.values()]
                spread = [row["sd"] or 0 for row in found.values()]
                ax.errorbar(list(found), means, spread, fmt=style, label=method, capsize=3)
            ax.set(xscale="log", yscale="log", xlim=(min(SIZES) / 1.5, max(SIZES) * 1.5))
            ax.set_xticks(list(SIZES), [f"{n:,}" for n in SIZES])
            ax.set_yticks([1, 2, 5, 10, 20], ["1", "2", "5", "10", "20"])
            for axis in (ax.xaxis, ax.yaxis):
                axis.set_minor_formatter(NullFormatter())
            features = "one layer of features" if depth == 1 else "two layers of features"
            above = "one layer on top" if n_top == 1 else "two layers on top"
            ax.set_title(f"{features}, {above}", fontsize=10)
            ax.grid(alpha=0.3, which="both")
    fig.supxlabel("labelled images")
    fig.supylabel("error on test images, %")
    axes[0, 0].legend()
    RESULTS.mkdir(exist_ok=True)
    fig.savefig(RESULTS / f"pretraining{'-quick' if quick else ''}.png", dpi=150)
    plt.close(fig)


def main():
    parts = {str(n): n for n in SIZES}
    parser = argument_parser(__doc__, "4,000 images, 600 labels, one draw", parts)
    args = parser.parse_args()
    if args.quick and args.only:
        parser.error("--quick always takes 600 labels: leave --only out.")
    X_train, y_train, X_test, y_test = load_mnist()
    labels = [parts[name] for name in args.only or parts]
    if args.quick:
        X_train, y_train, labels = X_train[:4000], y_train[:4000], [600]
        SIZES[600] = (100, 50, 30, 1)
    X_train, X_test = normalize(X_train, copy=False), normalize(X_test, copy=False)
    data = X_train, y_train.astype(int), X_test, y_test.astype(int)
    report = Report("pretraining", quick=args.quick)
    for n in labels:
        compare(report, data, n)
    draw_figure(report, len(X_train), args.quick)


if __name__ == "__main__":
    main()
