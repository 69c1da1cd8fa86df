"""Errors on MNIST without feedback, beside the paper's and scikit-learn's.

Learning times and all other hyper-parameters are chosen on training rows; test rows
are looked at once a model. ``--quick`` takes fewer rows and seeds, ``--full`` adds
the stochastic solver's 60,000 steps, ``--only`` names some of the parts, ``--inference``
runs ``mnist_inference.py`` instead.
"""

import warnings

import numpy as np
from _common import Report, argument_parser, data_folder, load_mnist, timed
from mnist_inference import inference
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, Normalizer
from sklearn.svm import SVC

from sklearn_activation import ActivationLearningClassifier, CompetitiveHebbianTransformer

WIDTH = 1064


def error(model, X, y):
    return 100 * (1 - model.score(X, y))


def all_labels(report, data, quick):
    """Error with all labels by depth (paper: 13.6, 3.30 and 2.95 %)."""
    X_train, y_train, X_test, y_test = data
    seeds = range(1 if quick else 3)
    for depth in (1, 2) if quick else (1, 2, 4):
        errors, seconds = [], []
        for seed in seeds:
            model = ActivationLearningClassifier(
                (WIDTH,) * depth, feedback=False, random_state=seed
            )
            seconds.append(timed(model.fit, X_train, y_train)[1])
            errors.append(error(model, X_test, y_test))
        times = [float(t) for t in np.round(model.learning_times_, 1)]
        work = f"{len(X_train):,} labels, {depth} x {WIDTH}"
        report.add(work, "flow", errors, "% error", learning_times=times, fit_seconds=seconds)


def few_labels(report, data, quick):
    """Error with few labels beside the best RBF SVC on the same rows."""
    X_train, y_train, X_test, y_test = data
    grid = {"svc__C": [1, 3, 10, 30, 100], "svc__gamma": [0.1, 0.3, 1, 2, 4, 8]}
    svc = GridSearchCV(make_pipeline(Normalizer(), SVC()), grid, cv=5)
    for n in (600, 1000):
        ours, theirs = [], []
        for draw in range(2 if quick else 5):
            rows = np.random.default_rng(draw).permutation(len(X_train))[:n]
            model = ActivationLearningClassifier((WIDTH, WIDTH), random_state=draw)
            model.fit(X_train[rows], y_train[rows])
            ours.append(error(model, X_test, y_test))
            theirs.append(error(clone(svc).fit(X_train[rows], y_train[rows]), X_test, y_test))
        report.add(f"{n:,} labels, 2 x {WIDTH}", "flow", ours, "% error")
        report.add(f"{n:,} labels, 2 x {WIDTH}", "RBF SVC, best of grid", theirs, "% error")


def few_shots(report, data, quick):
    """Accuracy on the paper's fixed few-shot set (paper: 48.4, 60.2, 77.6, 85.0 %)."""
    X_train, y_train, X_test, y_test = data
    folder = data_folder()
    path = folder and folder / "mnist_fewshot_indices.csv"
    if not path or not path.exists() or quick:
        print("few shots: skipped, needs the whole MNIST and the file of row numbers")
        return
    index = np.loadtxt(path, delimiter=",", dtype=int)
    for shots in (1, 2, 5, 10):
        rows = index[:, :shots].ravel()
        accuracy = []
        for seed in range(5):
            model = ActivationLearningClassifier((WIDTH, WIDTH), random_state=seed)
            model.fit(X_train[rows], y_train[rows])
            accuracy.append(100 * model.score(X_test, y_test))
        report.add(f"{shots} shots, 2 x {WIDTH}", "flow", accuracy, "% accuracy")


def features(report, data, quick):
    """LogisticRegression on squared features and on raw unit rows (paper: 2.56, 7.23 %)."""
    X_train, y_train, X_test, y_test = data
    work = f"{len(X_train):,} labels, linear model"
    held, kept = slice(0, 5000), slice(5000, None)
    # Entries of size one: the linear model's stopping rule looks at its gradient.
    size = FunctionTransformer(lambda Z: Z * np.float32(np.sqrt(Z.shape[1])))

    def chosen(transformers):
        """Test error of the transformer and C that do best on held-out rows."""
        tried = {}
        for transformer in transformers:
            Z = make_pipeline(transformer, size).fit_transform(X_train)
            for C in (0.01, 0.03, 0.1, 0.3):
                linear = LogisticRegression(C=C, max_iter=200)
                held_out = error(linear.fit(Z[kept], y_train[kept]), Z[held], y_train[held])
                tried[held_out] = transformer, C
        transformer, C = tried[min(tried)]
        model = make_pipeline(transformer, size, LogisticRegression(C=C, max_iter=200))
        return error(model.fit(X_train, y_train), X_test, y_test)

    def hebbian(seed, width, t):
        return CompetitiveHebbianTransformer(
            width, activation="square", learning_time=t, random_state=seed
        )

    report.add(work, "unit rows", chosen([Normalizer()]), "% error")
    seeds = range(1 if quick else 3)
    for name, width, times in (
        ("features", 784, ["auto"]),
        ("features, t on held-out rows", 784, [100, 300]),
        ("features, 4 x 784 units", 3136, ["auto"]),
    ):
        errors = [chosen([hebbian(seed, width, t) for t in times]) for seed in seeds]
        report.add(work, name, errors, "% error")


def stochastic(report, data, quick):
    """The rule itself from random weights: at most 100 epochs of 600 steps of 100 rows."""
    X_train, y_train, X_test, y_test = data
    errors, epochs = [], []
    for seed in range(1 if quick else 3):
        model = ActivationLearningClassifier(
            (WIDTH, WIDTH),
            encoding="unit",
            feedback=False,
            solver="hebbian",
            max_iter=2 if quick else 100,
            random_state=seed,
            verbose=1,
        ).fit(X_train, y_train)
        errors.append(error(model, X_test, y_test))
        epochs.append(model.n_iter_)
    times = [float(t) for t in np.round(model.learning_times_, 1)]
    work = f"{len(X_train):,} labels, 2 x {WIDTH}, the rule itself"
    report.add(work, "hebbian", errors, "% error", learning_times=times, epochs=epochs)


PARTS = {
    "all_labels": all_labels,
    "few_labels": few_labels,
    "few_shots": few_shots,
    "features": features,
    "stochastic": stochastic,
}


def main():
    parser = argument_parser(__doc__, "10,000 rows, fewer seeds", PARTS)
    parser.add_argument("--full", action="store_true", help="the stochastic solver, too")
    parser.add_argument("--inference", action="store_true", help="generate and complete instead")
    args = parser.parse_args()
    data = load_mnist()
    if args.quick:
        data = (data[0][:10_000], data[1][:10_000], *data[2:])
    if args.inference:
        inference(Report("mnist_inference", quick=args.quick), data, args.quick)
        return
    report = Report("mnist", quick=args.quick)
    warnings.simplefilter("ignore", ConvergenceWarning)  # 200 steps are enough
    parts = args.only or [name for name in PARTS if name != "stochastic" or args.full]
    for name in parts:
        PARTS[name](report, data, args.quick)


if __name__ == "__main__":
    main()
