"""Classifiers with their defaults on tables that people have, beside what they use today.

Two splits of each table, 70 % of the rows to learn. Others get numbers: gaps filled with means,
one column for each category, and (but for trees) standardised columns; ours gets tables as they
are. Nothing is chosen by test rows; the tables of ``KEPT_ASIDE`` were not looked at before.
"""

import time
import warnings

import numpy as np
import pandas as pd
from _common import Report, argument_parser
from _tables import KEPT_ASIDE, TUNED, load_table
from scipy.stats import rankdata
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC

from sklearn_activation import ActivationLearningClassifier

OURS = "ActivationLearningClassifier"


def methods(seed):
    """Fresh classifiers by name, and whether each one wants standardised columns."""
    return {
        OURS: (ActivationLearningClassifier(random_state=seed), False),
        "LogisticRegression": (LogisticRegression(max_iter=1000), True),
        "SVC": (SVC(probability=True, random_state=seed), True),
        "RandomForestClassifier": (RandomForestClassifier(random_state=seed), False),
        "HistGradientBoostingClassifier": (
            HistGradientBoostingClassifier(random_state=seed),
            False,
        ),
        "MLPClassifier": (MLPClassifier(max_iter=1000, random_state=seed), True),
    }


def as_numbers(classifier, standardised):
    """A classifier behind what it takes to read a table."""
    text = make_column_selector(dtype_include=["object", "string"])
    number = make_column_selector(dtype_include="number")
    read = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), text),
        (SimpleImputer(), number),
    )
    return make_pipeline(read, *([StandardScaler()] if standardised else []), classifier)


def calibration_error(p, y, n_bins=10):
    """Mean gap between the probability of the predicted label and how often it is right."""
    top, right = p.max(axis=1), p.argmax(axis=1) == y
    bins = np.clip((top * n_bins).astype(int), 0, n_bins - 1)
    return sum(abs(np.sum(top[bins == b] - right[bins == b])) for b in range(n_bins)) / len(y)


def judge(p, y):
    """Accuracy, area under the curve (one against the rest), log-loss, calibration error."""
    if p.shape[1] == 2:
        area = roc_auc_score(y, p[:, 1])
    else:
        area = roc_auc_score(y, p, multi_class="ovr")
    return {
        "% accuracy": 100 * np.mean(p.argmax(axis=1) == y),
        "AUROC": area,
        "log-loss": log_loss(y, p),
        "calibration": calibration_error(p, y),
    }


def try_table(name, n_splits):
    """Every figure of every method: dict of unit to dict of method to values."""
    X, y = load_table(name)
    found = {}
    for seed in range(n_splits):
        X_train, X_test, y_train, y_test = train_test_split(
            X, y, test_size=0.3, random_state=seed, stratify=y
        )
        for method, (classifier, standardised) in methods(seed).items():
            if method != OURS:
                frame = pd.DataFrame(X_train), pd.DataFrame(X_test)
                classifier = as_numbers(classifier, standardised)
            else:
                frame = X_train, X_test
            started = time.perf_counter()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                warnings.simplefilter("ignore", FutureWarning)  # SVC(probability=True)
                classifier.fit(frame[0], y_train)
            seconds = time.perf_counter() - started
            figures = {**judge(classifier.predict_proba(frame[1]), y_test), "s": seconds}
            for unit, value in figures.items():
                found.setdefault(unit, {}).setdefault(method, []).append(value)
    return found


def summarise(report, work, tables):
    """Means over tables, and mean ranks of accuracy and of log-loss."""
    names = list(tables[0]["s"])
    for unit in ("% accuracy", "AUROC", "log-loss", "calibration", "s"):
        for method in names:
            values = [np.mean(table[unit][method]) for table in tables]
            report.add(f"{work}, mean", f"{method}, {unit}", [np.mean(values)], unit)
    for unit, sign in (("% accuracy", -1), ("log-loss", 1)):
        means = np.array([[np.mean(t[unit][m]) for m in names] for t in tables])
        ranks = rankdata(sign * means.round(6), axis=1).mean(axis=0)
        for method, rank in zip(names, ranks, strict=True):
            report.add(f"{work}, mean rank", f"{method}, {unit}", [rank], "rank of 6")
    behind = [
        max(np.mean(t["% accuracy"][m]) for m in ("LogisticRegression", "SVC"))
        - np.mean(t["% accuracy"][OURS])
        for t in tables
    ]
    report.add(f"{work}, worst table", "behind the best of two", [max(behind)], "points")


def main():
    args = argument_parser(__doc__, "three tables, one split").parse_args()
    report = Report("classification", quick=args.quick)
    everything = []
    for work, names in (("tried while made", TUNED), ("kept aside", KEPT_ASIDE)):
        tables = []
        for name in names[:3] if args.quick else names:
            found = try_table(name, 1 if args.quick else 2)
            tables.append(found)
            for unit, of_method in found.items():
                for method, values in of_method.items():
                    report.add(name, f"{method}, {unit}", values, unit)
        summarise(report, f"{len(tables)} tables {work}", tables)
        everything += tables
    summarise(report, f"all {len(everything)} tables", everything)


if __name__ == "__main__":
    main()
