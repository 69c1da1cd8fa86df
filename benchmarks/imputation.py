"""Entries missing completely at random: imputers, and classifiers of rows with gaps.

13 tables, 70 % of their rows to train on. Errors are those of the hidden entries of test rows,
in units of the columns' deviation among the known training entries. What follows from them:
accuracy (AUROC on tables of anomalies, R2 of diabetes) of two models trained on imputed rows
and tested on imputed ones. A classifier's ``complete`` knows the labels of
training rows and infers those of test rows. The design of ``ActivationImputer`` was settled
looking at one seed of seven of these tables; "set aside" are ten others, one seed.
"""

import warnings

import numpy as np
from _common import Report, argument_parser, data_folder
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer, SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sklearn_activation import ActivationImputer, ActivationLearningClassifier

LOADERS = {
    "iris": load_iris,
    "wine": load_wine,
    "breast cancer": load_breast_cancer,
    "digits": load_digits,
    "diabetes": load_diabetes,
}
OF_ANOMALIES = [
    "2_annthyroid",
    "4_breastw",
    "12_fault",
    "20_letter",
    "22_magic.gamma",
    "28_pendigits",
    "31_satimage-2",
    "47_yeast",
]
SET_ASIDE = [
    "11_donors",
    "15_Hepatitis",
    "1_ALOI",
    "34_smtp",
    "37_Stamps",
    "39_vertebral",
    "46_WPBC",
    "8_celeba",
    "5_campaign",
    "26_optdigits",
]
SHARES = (10, 30, 50)  # % of entries
MANY_COLUMNS = 50
N_ROWS = 800  # of a table of anomalies
REFERENCE = "KNNImputer"
COMPLETE = "ActivationLearningClassifier.complete"


def tables():
    """Name, rows, targets and measure of every table."""
    for name, load in LOADERS.items():
        X, y = load(return_X_y=True)
        yield name, X, y, "R2" if name == "diabetes" else "accuracy"
    for stem in OF_ANOMALIES:
        yield *of_anomalies(stem), "AUROC"


def of_anomalies(stem):
    """Name, rows and labels of a table of ADBench."""
    with np.load(data_folder() / "adbench" / f"{stem}.npz") as f:
        X, y = f["X"].astype(np.float64), f["y"].astype(int)
    rows = np.random.default_rng(0).permutation(len(X))[:N_ROWS]
    return stem.split("_", 1)[1], X[rows], y[rows]


class Case:
    """One split of a table with gaps, in the units of its known training entries."""

    def __init__(self, X, y, measure, share, seed):
        self.measure = measure
        train, test = train_test_split(
            np.arange(len(X)),
            test_size=0.3,
            random_state=seed,
            stratify=None if measure == "R2" else y,
        )
        hidden = np.random.default_rng([seed, round(100 * share)]).random(X.shape) < share
        known = np.where(hidden, np.nan, X)
        varies = np.nanstd(known[train], axis=0) > 0
        scaler = StandardScaler().fit(known[train][:, varies])
        self.train, self.test = (scaler.transform(known[i][:, varies]) for i in (train, test))
        self.truth = scaler.transform(X[test][:, varies])
        self.y_train, self.y_test = y[train], y[test]

    def error(self, filled):
        """Root mean squared error of the hidden test entries."""
        return np.sqrt(np.mean((filled - self.truth)[np.isnan(self.test)] ** 2))

    def quality(self, model, test):
        """The table's measure, in %, of a model that is fitted already."""
        if self.measure != "AUROC":
            return 100 * model.score(test, self.y_test)
        return 100 * roc_auc_score(self.y_test, score_of(model)(test))

    def models(self, seed):
        if self.measure == "R2":
            return {
                "linear model": LinearRegression(),
                "random forest": RandomForestRegressor(50, random_state=seed),
            }
        return {
            "linear model": LogisticRegression(max_iter=1000),
            "random forest": RandomForestClassifier(50, random_state=seed),
        }


def score_of(model):
    """A function of rows that is higher for the second class."""
    if hasattr(model, "decision_function"):
        return model.decision_function
    return lambda X: model.predict_proba(X)[:, 1]


def known_somewhere(X):
    """``X`` with the columns' means, which are 0, in rows of which nothing is known."""
    return np.where(np.isnan(X).all(axis=1, keepdims=True), 0.0, X)


def imputers(seed):
    return {
        "SimpleImputer": SimpleImputer(),
        REFERENCE: KNNImputer(),
        "IterativeImputer": IterativeImputer(max_iter=10, random_state=seed),
        "ActivationImputer": ActivationImputer(random_state=seed),
    }


def measured(case, seed):
    """Every number of one case, by what it says and method."""
    found, filled = {}, {}
    for method, imputer in imputers(seed).items():
        filled[method] = imputer.fit_transform(case.train), imputer.transform(case.test)
    if case.measure != "R2":
        train, test = known_somewhere(case.train), known_somewhere(case.test)
        ours = ActivationLearningClassifier(random_state=seed).fit(train, case.y_train)
        found["classifier", "ActivationLearningClassifier"] = case.quality(ours, test)
        filled[COMPLETE] = ours.complete(train, case.y_train), ours.complete(test)
        train, test = filled[REFERENCE]
        for model in (ActivationLearningClassifier(random_state=seed), SVC()):
            model.fit(train, case.y_train)
            method = f"{REFERENCE}, {type(model).__name__}"
            found["classifier", method] = case.quality(model, test)
    for method, (train, test) in filled.items():
        found["error", method] = case.error(test)
        for name, model in case.models(seed).items():
            found[name, method] = case.quality(model.fit(train, case.y_train), test)
    return found


def errors_aside(share):
    """Errors of imputers on the tables set aside, one seed; labels are not looked at."""
    found = {}
    for name, X, _ in map(of_anomalies, SET_ASIDE):
        case = Case(X, np.zeros(len(X)), "R2", share, 0)
        for method, imputer in imputers(0).items():
            if method == "IterativeImputer" and X.shape[1] > MANY_COLUMNS:
                continue  # minutes a table
            filled = imputer.fit(case.train).transform(case.test)
            of_table = found.setdefault(("error, tables set aside", method), {})
            of_table[name] = [case.error(filled)]
    return found


def add_rows(report, share, found):
    """Means over tables; ``found`` maps (what, method) to {table: values of the seeds}."""
    for (what, method), of_table in found.items():
        work = f"{share} % missing, {what}"
        names = [name for name in of_table if what.startswith("error") or name != "diabetes"]
        values = np.array([of_table[name] for name in names])  # (table, seed)
        by_table = {n: round(float(v), 4) for n, v in zip(names, values.mean(1), strict=True)}
        if what.startswith("error"):
            reference = np.array([found[what, REFERENCE][name] for name in names])
            ratio = np.exp(np.log(values / reference).mean(axis=0))
            better = int((values.mean(axis=1) < reference.mean(axis=1)).sum())
            details = {"tables_better": better, "tables": by_table}
            report.add(work, method, ratio, "x KNNImputer's", **details)
            continue
        report.add(work, method, values.mean(axis=0), "%", tables=by_table)
        if "diabetes" in of_table:
            report.add(f"{work}, diabetes", method, of_table["diabetes"], "% R2")


def main():
    parts = [str(share) for share in SHARES]
    args = argument_parser(__doc__, "one seed, 10 % missing", parts).parse_args()
    warnings.simplefilter("ignore")  # linear models and imputers that have not converged
    report = Report("imputation", quick=args.quick)
    for share in args.only or (parts[:1] if args.quick else parts):
        found = {}
        for name, X, y, measure in tables():
            for seed in range(1 if args.quick else 3):
                case = Case(X, y, measure, int(share) / 100, seed)
                for key, value in measured(case, seed).items():
                    found.setdefault(key, {}).setdefault(name, []).append(value)
        add_rows(report, share, found | errors_aside(int(share) / 100))


if __name__ == "__main__":
    main()
