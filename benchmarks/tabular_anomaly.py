"""Anomalies in tables (ADBench's, of SKLEARN_ACTIVATION_DATA) with defaults, and speed.

One-class: train on half of the normal rows, score the others and the anomalies.
Unsupervised: train on all rows and score the same ones. At most 5,000 rows are trained on
and 10,000 scored, drawn anew for each seed. Neighbours and the SVM see standardised columns.
"""

import warnings

import numpy as np
from _common import Report, argument_parser, data_folder, timed
from scipy.stats import rankdata
from sklearn.base import BaseEstimator, clone
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM

from sklearn_activation import ActivationAnomalyDetector

N_TRAIN, N_TEST = 5_000, 10_000
OURS = "ActivationAnomalyDetector"
ROBUST = f"{OURS}, contamination=0.1"


class Neighbours(BaseEstimator):
    """Distance to the fifth nearest training row, as in PyOD's KNN."""

    def fit(self, X, y=None):
        self.tree_ = NearestNeighbors(n_neighbors=min(5, len(X))).fit(X)
        return self

    def score_samples(self, X):
        return -self.tree_.kneighbors(X)[0][:, -1]


class OfPyod(BaseEstimator):
    """A PyOD detector with scikit-learn's sign."""

    def __init__(self, detector):
        self.detector = detector

    def fit(self, X, y=None):
        self.fitted_ = self.detector.fit(X)
        return self

    def score_samples(self, X):
        return -np.nan_to_num(self.fitted_.decision_function(X))  # HBOS may say infinity


def detectors(n, seed):
    """Every detector, new, for ``n`` training rows."""
    found = {
        OURS: ActivationAnomalyDetector(random_state=seed),
        "kNN": make_pipeline(StandardScaler(), Neighbours()),
        "LOF": make_pipeline(StandardScaler(), LocalOutlierFactor(min(20, n - 1), novelty=True)),
        "IsolationForest": IsolationForest(random_state=seed),
        "OneClassSVM": make_pipeline(StandardScaler(), OneClassSVM()),
    }
    try:
        from pyod.models.ecod import ECOD
        from pyod.models.hbos import HBOS
        from pyod.models.pca import PCA
    except ImportError:
        return found
    return found | {
        "ECOD": OfPyod(ECOD()),
        "HBOS": OfPyod(HBOS()),
        "PCA": make_pipeline(StandardScaler(), OfPyod(PCA())),
    }


def tables():
    for path in sorted((data_folder() / "adbench").glob("*.npz")):
        with np.load(path, allow_pickle=True) as f:
            yield path.stem.split("_", 1)[1], f["X"].astype(np.float64), f["y"].astype(int)


def one_class_rows(y, rng):
    """Rows to train on and to score; the share of anomalies in the latter is kept."""
    normal = rng.permutation(np.flatnonzero(y == 0))
    half = len(normal) // 2
    rest = rng.permutation(np.concatenate([normal[half:], np.flatnonzero(y == 1)]))
    return normal[:half][:N_TRAIN], with_anomalies(rest, y)


def unsupervised_rows(y, rng):
    rows = with_anomalies(rng.permutation(len(y)), y, N_TRAIN)
    return rows, rows


def with_anomalies(rows, y, n=N_TEST):
    """The first ``n`` rows; if they hold fewer than ten anomalies, up to ten for the last."""
    chosen, rest = rows[:n], rows[n:]
    missing = rest[y[rest] == 1][: max(0, 10 - y[chosen].sum())]
    return np.concatenate([chosen[: len(chosen) - len(missing)], missing])


def quality(report, setting, draw, quick, robust=False):
    """AUROC and AUC-PR of all detectors on all tables."""
    found = {}
    for name, X, y in tables():
        for seed in range(1 if quick else 5):
            train, test = draw(y, np.random.default_rng(seed))
            compared = detectors(len(train), seed)
            if robust:
                compared[ROBUST] = clone(compared[OURS]).set_params(contamination=0.1)
            for method, detector in compared.items():
                _, fitting = timed(detector.fit, X[train])
                scores, scoring = timed(detector.score_samples, X[test])
                values = roc_auc_score(y[test], -scores), average_precision_score(y[test], -scores)
                found.setdefault(method, {}).setdefault(name, []).append(
                    (*(100 * v for v in values), fitting, scoring)
                )
    names = list(next(iter(found.values())))
    # (method, table, seed, measure)
    values = np.array([[of_table[name] for name in names] for of_table in found.values()])
    ranks = rankdata(-values[..., 0].mean(axis=2), axis=0).mean(axis=1)
    for method, of_method, rank in zip(found, values, ranks, strict=True):
        by_table = {
            n: round(float(v), 2) for n, v in zip(names, of_method[..., 0].mean(1), strict=True)
        }
        report.add(
            f"{setting}, mean AUROC", method, of_method[..., 0].mean(0), "%", tables=by_table
        )
        report.add(f"{setting}, mean AUC-PR", method, of_method[..., 1].mean(0), "%")
        report.add(f"{setting}, mean rank by AUROC", method, rank, "")
        report.add(f"{setting}, fit", method, of_method[..., 2].mean(), "s a table")
        report.add(f"{setting}, score", method, of_method[..., 3].mean(), "s a table")


def one_class(report, quick):
    quality(report, "one-class", one_class_rows, quick)


def unsupervised(report, quick):
    quality(report, "unsupervised", unsupervised_rows, quick, robust=True)


def false_alarms(report, quick):
    """Share of clean held-out rows with p < 0.05, over the tables with 1,000 normal rows."""
    shares = []
    for _, X, y in tables():
        normal = np.flatnonzero(y == 0)
        if len(normal) < 1000:
            continue
        normal = np.random.default_rng(0).permutation(normal)
        half = min(len(normal) // 2, N_TRAIN)
        detector = ActivationAnomalyDetector(random_state=0).fit(X[normal[:half]])
        shares.append((detector.p_values(X[normal[half : half + N_TEST]]) < 0.05).mean())
    report.add(
        "clean held-out rows with p < 0.05",
        OURS,
        100 * np.mean(shares),
        "%",
        tables=[round(100 * float(s), 2) for s in shares],
    )


def corrupted(report, quick):
    """Rows whose corrupted column (6 deviations from its mean) ``explain`` puts first."""
    shares = {}
    for name, X, y in tables():
        if len(shares) == 5:
            break
        normal = X[y == 0]
        varied = [j for j in range(X.shape[1]) if len(np.unique(normal[:5000, j])) > 10]
        if len(varied) < 3:
            continue
        rng = np.random.default_rng(0)
        rows = rng.permutation(len(normal))
        train = normal[rows[: min(len(rows) // 2, 2000)]]
        bad = normal[rows[-100:]].copy()
        column, sign = rng.choice(varied, size=len(bad)), rng.choice([-1, 1], size=len(bad))
        shift = 6 * sign * train.std(axis=0)[column]
        bad[np.arange(len(bad)), column] = train.mean(axis=0)[column] + shift
        detector = ActivationAnomalyDetector(random_state=0).fit(train)
        shares[name] = float((detector.explain(bad).argmax(axis=1) == column).mean())
    report.add(
        "corrupted column found",
        OURS,
        100 * np.mean(list(shares.values())),
        "% of rows",
        tables=shares,
    )


def speed(report, quick):
    """50,000 x 20 rows to fit, 100,000 to score, and seconds over IsolationForest's."""
    n = 5_000 if quick else 50_000
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3 * n, 20)) @ rng.normal(size=(20, 20))
    speed_of(report, X, n, "")
    speed_of(report, X.astype(np.float32), n, ", float32")


def speed_of(report, X, n, suffix):
    X, new = X[:n], X[n:]
    seconds = {}
    for method in (OURS, "IsolationForest", "kNN", "LOF"):
        few = new if method in (OURS, "IsolationForest") else new[: len(new) // 20]
        runs = []
        for _ in range(3):
            detector, fitting = timed(detectors(n, 0)[method].fit, X)
            runs.append((fitting, timed(detector.score_samples, few)[1] / len(few) * len(new)))
        seconds[method] = np.min(runs, axis=0)
    for k, part in enumerate((f"fit {n:,} x 20", f"score {2 * n:,} x 20")):
        for method, values in seconds.items():
            ratio = values[k] / seconds["IsolationForest"][k]
            report.add(part + suffix, method, ratio, "x IsoForest's", seconds=float(values[k]))


PARTS = {f.__name__: f for f in (one_class, unsupervised, false_alarms, corrupted, speed)}


def main():
    args = argument_parser(__doc__, "one seed, smaller speed test", PARTS).parse_args()
    if data_folder() is None:
        raise SystemExit("Set SKLEARN_ACTIVATION_DATA to a folder with adbench/*.npz.")
    warnings.simplefilter("ignore")  # of the others, on constant columns
    report = Report("tabular_anomaly", quick=args.quick)
    for name in args.only or PARTS:
        PARTS[name](report, args.quick)


if __name__ == "__main__":
    main()
