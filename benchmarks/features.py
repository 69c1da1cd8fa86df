"""Features for a linear model: which activation, and whether features help at all.

Splits of each table, 70 % of the rows to learn. Every method ends in StandardScaler and
LogisticRegression, whose penalty is the one with the least log-loss on a quarter of the training
rows. Features of the CompetitiveHebbianTransformer come from columns scaled to [0, 1], ten units
for each column, 512 at most. Nystroem gets standardised columns and as many components.
"""

import warnings

import numpy as np
from _common import Report, argument_parser, load_mnist
from _tables import load_table
from scipy.stats import rankdata
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, StratifiedShuffleSplit, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, PolynomialFeatures, StandardScaler

from sklearn_activation import CompetitiveHebbianTransformer

# Rows of a table at most, and images.
MOST_ROWS, N_IMAGES = 2_000, 5_000
MNIST = "MNIST, 5,000 rows"
IMAGES = ("digits", MNIST)
TABLES = (
    "iris",
    "wine",
    "breast cancer",
    "make_hastie_10_2",
    "make_classification, 4 classes",
    "exclusive or",
    "linear",
    "quantiles and 6 noise columns",
    "2_annthyroid",
    "12_fault",
    "22_magic.gamma",
    "28_pendigits",
    "47_yeast",
)
ACTIVATIONS = ("abs", "std_abs", "layer_std_abs", "square")
WITH_CONSTANT = ("std_abs", "square")
UNITS_PER_COLUMN, MOST_UNITS = 10, 512
PENALTIES = [0.001, 0.01, 0.1, 1.0, 10.0]


def load(name):
    """Rows and labels."""
    if name != MNIST:
        X, y = load_table(name)
        return X[:MOST_ROWS], y[:MOST_ROWS]
    X, y, _, _ = load_mnist()
    drawn = np.random.default_rng(0).permutation(len(X))[:N_IMAGES]
    return X[drawn].astype(np.float64), y[drawn]


def methods(n_columns, seed):
    """The steps before the last scaler and the linear model."""
    width = min(UNITS_PER_COLUMN * n_columns, MOST_UNITS)
    found = {
        "LogisticRegression": [],
        "PCA": [StandardScaler(), PCA(0.95, random_state=seed)],
        "Nystroem": [StandardScaler(), Nystroem(n_components=width, random_state=seed)],
    }
    for activation in ACTIVATIONS:
        hebbian = CompetitiveHebbianTransformer(width, activation=activation, random_state=seed)
        found[activation] = [MinMaxScaler(), hebbian]
        if activation in WITH_CONSTANT:
            found[f"constant, {activation}"] = [MinMaxScaler(), PolynomialFeatures(1), hebbian]
    return found


def judge(steps, X_train, X_test, y_train, y_test, seed):
    """Error in % and log-loss on test rows."""
    model = GridSearchCV(
        make_pipeline(*steps, StandardScaler(), LogisticRegression()),
        {"logisticregression__C": PENALTIES},
        scoring="neg_log_loss",
        cv=StratifiedShuffleSplit(1, test_size=0.25, random_state=seed),
    ).fit(X_train, y_train)
    p = model.predict_proba(X_test)
    return 100 * np.mean(model.classes_[p.argmax(axis=1)] != y_test), log_loss(y_test, p)


def try_table(report, name, n_splits):
    """Mean error and log-loss of every method."""
    X, y = load(name)
    found = {}
    for seed in range(n_splits):
        split = train_test_split(X, y, test_size=0.3, stratify=y, random_state=seed)
        for method, steps in methods(X.shape[1], seed).items():
            found.setdefault(method, []).append(judge(steps, *split, seed))
    for method, values in found.items():
        errors, losses = np.transpose(values)
        report.add(name, method, errors, "% error")
        report.add(name, f"{method}, log-loss", losses, "log-loss")
    return {method: np.mean(values, axis=0) for method, values in found.items()}


def summarise(report, work, tables):
    """Means over tables, and the mean ranks by error and by log-loss."""
    names = list(tables[0])
    values = np.array([[table[method] for method in names] for table in tables])
    ranks = rankdata(values.round(6), axis=1)
    for i, (unit, suffix) in enumerate((("% error", ""), ("log-loss", ", log-loss"))):
        for j, method in enumerate(names):
            report.add(f"{work}, mean", method + suffix, values[:, j, i].mean(), unit)
        for j, method in enumerate(names):
            rank = ranks[:, j, i].mean()
            report.add(f"{work}, mean rank", method + suffix, rank, f"of {len(names)}")


def main():
    args = argument_parser(__doc__, "digits and two tables, one split").parse_args()
    report = Report("features", quick=args.quick)
    warnings.simplefilter(
        "ignore", ConvergenceWarning
    )  # The penalty is searched, so a fit need not converge.
    warnings.filterwarnings("ignore", "n_components > n_samples")  # Nystroem on small tables
    everything = []
    for work, names, few in (("tables", TABLES, 2), ("images", IMAGES, 1)):
        names = names[:few] if args.quick else names
        tables = [try_table(report, name, 1 if args.quick else 2) for name in names]
        summarise(report, f"{len(tables)} {work}", tables)
        everything += tables
    summarise(report, f"all {len(everything)}", everything)


if __name__ == "__main__":
    main()
