"""Tables with labels: scikit-learn's, ADBench's by their labels, and made ones."""

import numpy as np
import pandas as pd
from _common import data_folder
from sklearn import datasets

# Rows of a table at most; more are drawn from.
MOST_ROWS = 3000

# Tables on which the defaults were tried while they were made, and tables kept aside.
TUNED = (
    "iris",
    "wine",
    "breast cancer",
    "digits",
    "moons and 8 noise columns",
    "circles and 20 noise columns",
    "make_classification, 4 classes",
    "make_hastie_10_2",
    "churn",
    "mixed columns",
    "imbalance 1:50",
    "46_WPBC",
    "39_vertebral",
    "15_Hepatitis",
    "2_annthyroid",
    "22_magic.gamma",
    "26_optdigits",
)
KEPT_ASIDE = (
    "quantiles and 6 noise columns",
    "spirals and 5 noise columns",
    "make_classification, 3 classes",
    "exclusive or",
    "linear",
    "churn, other seed",
    "mixed columns, other seed",
    "imbalance 1:1000",
    "11_donors",
    "12_fault",
    "1_ALOI",
    "20_letter",
    "25_musk",
    "28_pendigits",
    "31_satimage-2",
    "37_Stamps",
    "43_WDBC",
    "47_yeast",
    "4_breastw",
    "5_campaign",
    "8_celeba",
)


def load_table(name):
    """Rows (an array, or a data frame with categories) and labels from 0."""
    if name in MADE:
        return MADE[name]()
    with np.load(data_folder() / "adbench" / f"{name}.npz") as f:
        X, y = f["X"].astype(np.float64), f["y"].astype(int)
    drawn = np.random.default_rng(0).permutation(len(X))[:MOST_ROWS]
    return X[drawn], y[drawn]


def with_noise(X, n_columns, seed):
    """Columns that say nothing beside those of ``X``."""
    return np.hstack([X, np.random.default_rng(seed).normal(size=(len(X), n_columns))])


def make_churn(n_rows, seed):
    """Customers who leave, about one of 25: numbers, categories, gaps, columns of no use."""
    rng = np.random.default_rng(seed)
    tenure, charge = rng.gamma(2, 15, n_rows), rng.normal(65, 25, n_rows)
    contract = rng.choice(["month", "year", "two years"], n_rows, p=[0.55, 0.25, 0.2])
    payment = rng.choice(["card", "check", "bank", "mail"], n_rows)
    regions = rng.normal(0, 0.5, 12)
    region, calls = rng.integers(12, size=n_rows), rng.poisson(1.5, n_rows)
    age = rng.integers(18, 80, n_rows).astype(float)
    score = (
        -4.7
        + 1.2 * (contract == "month")
        - 0.8 * (contract == "two years")
        + 0.6 * (payment == "check")
        + 0.35 * calls
        + 0.015 * (charge - 65)
        - 0.03 * tenure
        + regions[region]
        + 0.8 * ((age < 25) | (age > 70))
        + rng.normal(0, 0.5, n_rows)
    )
    y = (rng.random(n_rows) < 1 / (1 + np.exp(-score))).astype(int)
    X = pd.DataFrame(
        {
            "tenure": tenure,
            "charge": charge,
            "total": tenure * charge * rng.normal(1, 0.05, n_rows),
            "contract": contract,
            "payment": payment,
            "region": [f"region {r}" for r in region],
            "calls": calls.astype(float),
            "age": age,
            "visits": rng.lognormal(2, 1, n_rows),
            "noise": rng.normal(size=n_rows),
            "other noise": rng.exponential(size=n_rows),
        }
    )
    for column in ("charge", "total", "age", "visits"):
        X.loc[rng.random(n_rows) < 0.08, column] = np.nan
    X.loc[rng.random(n_rows) < 0.05, "payment"] = None
    return X, y


def make_mixed(n_rows, seed):
    """Three classes by two categories together, by numbers, and by logarithms; with gaps."""
    rng = np.random.default_rng(seed)
    first, second = rng.integers(5, size=n_rows), rng.integers(3, size=n_rows)
    of_pair = rng.normal(0, 1.5, (5, 3, 3))
    one, two, three = rng.normal(size=(3, n_rows))
    size = rng.lognormal(0, 1.5, n_rows)
    scores = of_pair[first, second]
    scores = scores + np.stack([1.5 * one, 1.5 * np.abs(two), np.log(size)], axis=1)
    y = (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)
    X = pd.DataFrame(
        {
            "first": np.array(list("abcde"))[first].astype(object),
            "second": np.array(list("xyz"))[second].astype(object),
            "third": [f"c{c}" for c in rng.integers(30, size=n_rows)],
            "one": one,
            "two": two,
            "three": three,
            "size": size,
        }
    )
    X.loc[rng.random(n_rows) < 0.1, "one"] = np.nan
    X.loc[rng.random(n_rows) < 0.1, "first"] = None
    return X, y


def make_imbalance(n_rows, ratio, seed):
    """Two classes, of which one has a row for ``ratio`` of the other."""
    return datasets.make_classification(
        n_rows,
        12,
        n_informative=5,
        n_redundant=2,
        weights=[1 - 1 / ratio],
        class_sep=1.5,
        flip_y=0,
        random_state=seed,
    )


def make_spirals(n_rows, seed):
    """Two spirals in a plane."""
    rng = np.random.default_rng(seed)
    y, radius = rng.integers(2, size=n_rows), 3 * np.sqrt(rng.random(n_rows))
    angle = 2.5 * radius + np.pi * y
    X = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return X + rng.normal(0, 0.15, X.shape), y


def make_exclusive_or(n_rows, seed):
    """The sign of a product of two columns out of twelve, five of a hundred labels wrong."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, 12))
    return X, ((X[:, 0] * X[:, 1] > 0) ^ (rng.random(n_rows) < 0.05)).astype(int)


def make_linear(n_rows, seed):
    """A logistic regression."""
    rng = np.random.default_rng(seed)
    X, w = rng.normal(size=(n_rows, 25)), rng.normal(size=25)
    return X, (X @ w + 2 * rng.logistic(size=n_rows) > 0).astype(int)


def _moons():
    X, y = datasets.make_moons(1000, noise=0.2, random_state=0)
    return with_noise(X, 8, 0), y


def _circles():
    X, y = datasets.make_circles(1000, noise=0.1, factor=0.5, random_state=0)
    return with_noise(X, 20, 0), y


def _hastie():
    X, y = datasets.make_hastie_10_2(3000, random_state=0)
    return X, (y > 0).astype(int)


def _quantiles():
    X, y = datasets.make_gaussian_quantiles(
        n_samples=1500, n_features=4, n_classes=3, random_state=1
    )
    return with_noise(X, 6, 1), y


def _spirals():
    X, y = make_spirals(1200, 3)
    return with_noise(X, 5, 2), y


MADE = {
    "iris": lambda: datasets.load_iris(return_X_y=True),
    "wine": lambda: datasets.load_wine(return_X_y=True),
    "breast cancer": lambda: datasets.load_breast_cancer(return_X_y=True),
    "digits": lambda: datasets.load_digits(return_X_y=True),
    "moons and 8 noise columns": _moons,
    "circles and 20 noise columns": _circles,
    "make_classification, 4 classes": lambda: datasets.make_classification(
        2000, 20, n_informative=6, n_classes=4, random_state=0
    ),
    "make_hastie_10_2": _hastie,
    "churn": lambda: make_churn(4000, 0),
    "mixed columns": lambda: make_mixed(2000, 0),
    "imbalance 1:50": lambda: make_imbalance(3000, 50, 0),
    "quantiles and 6 noise columns": _quantiles,
    "spirals and 5 noise columns": _spirals,
    "make_classification, 3 classes": lambda: datasets.make_classification(
        1500, 30, n_informative=8, n_classes=3, n_clusters_per_class=3, random_state=7
    ),
    "exclusive or": lambda: make_exclusive_or(1500, 4),
    "linear": lambda: make_linear(800, 5),
    "churn, other seed": lambda: make_churn(6000, 9),
    "mixed columns, other seed": lambda: make_mixed(3000, 5),
    "imbalance 1:1000": lambda: make_imbalance(20_000, 1000, 2),
}
