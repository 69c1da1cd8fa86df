"""One network turned round: digits generated and completed, judged by an SVC.

The classifier is the default of two layers of 1064 units, with feedback, and the same without;
the judge an RBF SVC on the first 10,000 training images. Started by ``mnist.py --inference``;
with matplotlib it draws ``results/mnist_inference.png``.
"""

import numpy as np
from _common import RESULTS, timed
from sklearn.impute import KNNImputer
from sklearn.svm import SVC

from sklearn_activation import ActivationLearningClassifier

WIDTH = 1064
N_JUDGE, N_NEIGHBOURS, N_COMPLETED = 10_000, 5_000, 500
HALF = 392  # pixels of the upper half


def inference(report, data, quick):
    """Generated digits, lower halves completed, and upper halves classified."""
    X, y, X_test, y_test = data
    judge, of_top = (SVC(C=10).fit(X[:N_JUDGE, :n], y[:N_JUDGE]) for n in (X.shape[1], HALF))
    real, truth = X_test[:N_COMPLETED], y_test[:N_COMPLETED]
    half = real.copy()
    half[:, HALF:] = np.nan
    labels = np.repeat(np.arange(10), 20)
    spread = np.mean([X[y == c].std(axis=0).sum() for c in range(10)])

    def right(judge, X):
        return 100 * judge.score(X, truth)

    def lost(X):
        return float(((X - real)[:, HALF:] ** 2).mean())

    report.add("real digits", "SVC", right(judge, real), "% recognised")
    report.add("lower half blank", "SVC", right(judge, np.nan_to_num(half)), "% recognised")
    report.add("upper half", "SVC of upper halves", right(of_top, real[:, :HALF]), "% right")
    mean = np.broadcast_to(X.mean(axis=0), real.shape)
    report.add("lower half completed, squared error", "mean image", lost(mean), "a pixel")
    neighbours = KNNImputer().fit(X[:N_NEIGHBOURS])
    completed, seconds = timed(neighbours.transform, half)
    report.add("lower half completed, squared error", "KNNImputer", lost(completed), "a pixel")
    report.add("lower half completed", "KNNImputer", right(judge, completed), "% recognised")
    report.add("500 completed", "KNNImputer", seconds, "s")
    for method, options in {"flow": {"feedback": False}, "default": {}}.items():
        found = {}
        for seed in range(1 if quick else 3):
            model = ActivationLearningClassifier((WIDTH, WIDTH), random_state=seed, **options)
            model.fit(X, y)
            made, making = timed(model.generate, range(10), n_samples=20, random_state=seed)
            filled, filling = timed(model.complete, half)
            for name, value in {
                ("200 generated", "% recognised"): 100 * judge.score(made, labels),
                ("200 generated, spread", "of real digits'"): np.mean(
                    [made[labels == c].std(axis=0).sum() for c in range(10)]
                )
                / spread,
                ("200 generated", "s"): making,
                ("lower half completed", "% recognised"): right(judge, filled),
                ("lower half completed, squared error", "a pixel"): lost(filled),
                ("upper half", "% right"): right(model, half),
                ("500 completed", "s"): filling,
            }.items():
                found.setdefault(name, []).append(value)
        for (work, unit), values in found.items():
            report.add(work, f"ActivationLearningClassifier, {method}", values, unit)
    draw(made[::5], half[:40], filled[:40], real[:40])


def draw(made, half, filled, real):
    """Generated digits; below them halves, their completions, and what they were."""
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        print("matplotlib is not installed: no figure")
        return
    figure, axes = plt.subplots(2, figsize=(9, 2.9), layout="constrained", height_ratios=[2, 3])
    for ax, title, rows in (
        (axes[0], "generated", (made[:20], made[20:])),
        (axes[1], "upper half, completed, real", (half[:20], filled[:20], real[:20])),
    ):
        images = np.concatenate(
            [np.concatenate(list(row.reshape(-1, 28, 28)), axis=1) for row in rows]
        )
        ax.imshow(np.where(np.isnan(images), 0.15, images), cmap="gray_r", vmin=0, vmax=1)
        ax.set_title(title)
        ax.axis("off")
    figure.savefig(RESULTS / "mnist_inference.png", dpi=110)
