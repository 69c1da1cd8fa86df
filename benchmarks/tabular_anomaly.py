"""Anomalies in tables (ADBench's and made ones), rates of false alarms, and speed.

ADBench's tables are those of SKLEARN_ACTIVATION_DATA. One-class: train on half of the normal
rows, score the others and the anomalies. Unsupervised: train on all rows and score the same
ones. At most 5,000 rows are trained on and 10,000 scored, drawn anew for each seed. Neighbours
and the SVM see standardised columns. Rates of false alarms are of rows that are exchangeable
with those trained on. Every part can be run alone with ``--only``.
"""

import pickle
import warnings
from functools import partial

import numpy as np
from _common import (
    Report,
    argument_parser,
    best_time,
    data_folder,
    timed,
    triangular_products,
)
from _made import transactions
from scipy.stats import rankdata
from sklearn.base import BaseEstimator
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_digits
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import OneClassSVM

from sklearn_activation import ActivationAnomalyDetector
from sklearn_activation._blocks import block_slices

N_TRAIN, N_TEST = 5_000, 10_000
N_UNSEEN = 1_500  # normal rows that a rate of false alarms is taken from
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


def of_pyod():
    """PyOD's detectors, new; none if it is not installed."""
    try:
        from pyod.models.ecod import ECOD
        from pyod.models.hbos import HBOS
        from pyod.models.pca import PCA
    except ImportError:
        return {}
    return {
        "ECOD": OfPyod(ECOD()),
        "HBOS": OfPyod(HBOS()),
        "PCA": make_pipeline(StandardScaler(), OfPyod(PCA())),
    }


def detectors(n, seed):
    """Every detector, new, for ``n`` training rows."""
    return {
        OURS: ActivationAnomalyDetector(random_state=seed),
        ROBUST: ActivationAnomalyDetector(contamination=0.1, random_state=seed),
        "kNN": make_pipeline(StandardScaler(), Neighbours()),
        "LOF": make_pipeline(StandardScaler(), LocalOutlierFactor(min(20, n - 1), novelty=True)),
        "IsolationForest": IsolationForest(random_state=seed),
        "OneClassSVM": make_pipeline(StandardScaler(), OneClassSVM()),
        **of_pyod(),
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


def measured(detector, X_train, X_test, y_test):
    """AUROC and AUC-PR in %, seconds to fit and to score."""
    _, fitting = timed(detector.fit, X_train)
    scores, scoring = timed(detector.score_samples, X_test)
    values = roc_auc_score(y_test, -scores), average_precision_score(y_test, -scores)
    return *(100 * v for v in values), fitting, scoring


def quality(report, setting, draw, quick):
    """AUROC and AUC-PR of all detectors on all tables."""
    found = {}
    for name, X, y in tables():
        for seed in range(1 if quick else 5):
            train, test = draw(y, np.random.default_rng(seed))
            for method, detector in detectors(len(train), seed).items():
                values = measured(detector, X[train], X[test], y[test])
                found.setdefault(method, {}).setdefault(name, []).append(values)
    names = list(next(iter(found.values())))
    # (method, table, seed, measure)
    values = np.array([[of_table[name] for name in names] for of_table in found.values()])
    ranks = rankdata(-values[..., 0].mean(axis=2), axis=0).mean(axis=1)
    for method, of_method, rank in zip(found, values, ranks, strict=True):
        add_quality(report, setting, method, names, of_method, rank)


def add_quality(report, setting, method, names, values, rank):
    """Rows of one method, of ``values`` (table, seed, measure)."""
    auroc = values[..., 0].mean(axis=1)
    worst = int(auroc.argmin())
    by_table = {name: round(float(v), 2) for name, v in zip(names, auroc, strict=True)}
    report.add(f"{setting}, mean AUROC", method, values[..., 0].mean(0), "%", tables=by_table)
    report.add(f"{setting}, worst table", method, auroc[worst], "%", table=names[worst])
    report.add(f"{setting}, mean AUC-PR", method, values[..., 1].mean(0), "%")
    report.add(f"{setting}, mean rank by AUROC", method, rank, "")
    report.add(f"{setting}, fit", method, values[..., 2].mean(), "s a table")
    report.add(f"{setting}, score", method, values[..., 3].mean(), "s a table")


def one_class(report, quick):
    quality(report, "one-class", one_class_rows, quick)


def unsupervised(report, quick):
    quality(report, "unsupervised", unsupervised_rows, quick)


def false_alarms(report, quick):
    """Share of clean held-out rows with p <= 0.05, over the tables with 1,000 normal rows."""
    shares = []
    for _, X, y in tables():
        normal = np.flatnonzero(y == 0)
        if len(normal) < 1000:
            continue
        normal = np.random.default_rng(0).permutation(normal)
        half = min(len(normal) // 2, N_TRAIN)
        detector = ActivationAnomalyDetector(random_state=0).fit(X[normal[:half]])
        shares.append((detector.p_values(X[normal[half : half + N_TEST]]) <= 0.05).mean())
    report.add(
        "clean held-out rows with p < 0.05",  # the name by which pages quote it
        OURS,
        100 * np.mean(shares),
        "%",
        tables=[round(100 * float(s), 2) for s in shares],
    )


def gaussian_rows(rng, n, p):
    """Normal rows to train on, and unseen ones."""
    return rng.normal(size=(n, p)), rng.normal(size=(N_UNSEEN, p))


def factor_rows(rng, n, p):
    """Rows of five factors plus noise to train on, and unseen ones."""
    loadings = rng.normal(size=(5, p))
    factors = rng.normal(size=(n + N_UNSEEN, 5))
    X = factors @ loadings + 0.5 * rng.normal(size=(n + N_UNSEEN, p))
    return X[:n], X[n:]


def digit_rows(rng, label):
    """90 images of a digit to train on, and the other ones."""
    X, y = load_digits(return_X_y=True)
    X = rng.permutation(X[y == label])
    return X[:90], X[90:]


def rows_with_gaps(rng):
    """Normal rows with half of the entries missing to train on, and unseen complete ones."""
    train, unseen = gaussian_rows(rng, 1_000, 5)
    train[rng.random(train.shape) < 0.5] = np.nan
    return train, unseen


def repeated_readings(rng):
    """20 readings of each of 50 units to train on, and one reading of each of the new units."""
    units = rng.normal(size=(50, 4)).repeat(20, axis=0)
    X = np.concatenate([units, rng.normal(size=(N_UNSEEN, 4))])
    X += 0.05 * rng.normal(size=X.shape)
    return X[: len(units)], X[len(units) :]


GAUSSIAN = (
    (50, 2),
    (100, 10),
    (200, 30),
    (1_000, 5),
    (100, 200),
    (300, 300),
    (100, 1_000),
    (1_000, 300),
    (2_500, 1_000),
)
FACTORS = ((100, 50), (500, 100), (200, 1_000))
SHAPES = {
    **{f"Gaussian {n:,} x {p:,}": partial(gaussian_rows, n=n, p=p) for n, p in GAUSSIAN},
    **{f"five factors {n:,} x {p:,}": partial(factor_rows, n=n, p=p) for n, p in FACTORS},
    **{f"digits, class {label}": partial(digit_rows, label=label) for label in (0, 8)},
}


def alarm_rates(report, quick):
    """False alarms on unseen rows that are exchangeable with those trained on."""
    means = {}
    for shape, draw in SHAPES.items():
        n_seeds = 3 if shape == "Gaussian 2,500 x 1,000" else 10
        means[shape] = add_alarms(report, shape, draw, 1 if quick else n_seeds)
    for method in ("predict", "p <= 0.05"):
        shares = [of_shape[method] for of_shape in means.values()]
        report.add(f"false alarms, mean of {len(SHAPES)} shapes", method, np.mean(shares), "%")
    units = np.repeat(np.arange(50), 20)
    add_alarms(report, "gaps in training", rows_with_gaps, 1 if quick else 5)
    add_alarms(report, "new units", repeated_readings, 1 if quick else 10, groups=units)


def add_alarms(report, work, draw, n_seeds, groups=None):
    """Rows of the alarms on what ``draw(rng)`` leaves unseen, and their means by method."""
    shares = {"predict": [], "p <= 0.05": []}
    for seed in range(n_seeds):
        train, unseen = draw(np.random.default_rng(seed))
        detector = ActivationAnomalyDetector(random_state=seed).fit(train, groups=groups)
        shares["predict"].append(100 * (detector.predict(unseen) == -1).mean())
        shares["p <= 0.05"].append(100 * (detector.p_values(unseen) <= 0.05).mean())
    for method, values in shares.items():
        report.add(f"false alarms, {work}", method, values, "%")
    return {method: float(np.mean(values)) for method, values in shares.items()}


def corrupted(report, quick):
    """Rows whose corrupted column ``explain`` puts first."""
    corrupted_numbers(report)
    corrupted_transactions(report)


def corrupted_numbers(report):
    """Rows of five tables, one column 6 deviations from its mean."""
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


def corrupted_transactions(report):
    """Made transactions, one number 6 deviations above its mean or one category never seen."""
    X, kind = transactions(seed=0)
    numeric = X.columns.isin(X.select_dtypes("number").columns)
    normal, rng = X[kind == 0], np.random.default_rng(0)
    rows = rng.permutation(len(normal))
    train = normal.iloc[rows[:2000]]
    bad = normal.iloc[rows[-100:]].astype({"shop": object})  # its type lists what was seen
    column = rng.choice(X.shape[1], size=len(bad))
    for i, j in enumerate(column):
        of_column = train.iloc[:, j]
        bad.iat[i, j] = of_column.mean() + 6 * of_column.std() if numeric[j] else "unseen"
    detector = ActivationAnomalyDetector(random_state=0).fit(train)
    found = detector.explain(bad).argmax(axis=1) == column
    report.add(
        "corrupted column found, with categories",
        OURS,
        100 * found.mean(),
        "% of rows",
        numbers=float(found[numeric[column]].mean()),
        categories=float(found[~numeric[column]].mean()),
    )


def made_transactions(report, quick):
    """Made transactions of five kinds of anomalies, trained on and scored."""
    found = {}
    for seed in range(1 if quick else 5):
        X, kind = transactions(seed=seed)
        odd = kind > 0
        for method, scores in (own_scores(X, seed) | peers_scores(X, seed)).items():
            values = average_precision_score(odd, -scores), roc_auc_score(odd, -scores)
            found.setdefault(method, []).append(values)
    for k, measure in enumerate(("AP", "AUROC")):
        for method, values in found.items():
            report.add(f"transactions, {measure}", method, 100 * np.array(values)[:, k], "%")


def own_scores(X, seed):
    """Scores of the training rows by the detector, which takes the data frame as it is."""
    scores = {}
    for method, share in ((OURS, "auto"), (f"{OURS}, contamination=0.006", 0.006)):
        detector = ActivationAnomalyDetector(contamination=share, random_state=seed).fit(X)
        scores[method] = detector.training_scores_
    return scores


def peers_scores(X, seed):
    """Scores of the training rows by the others, after scaling and one-hot encoding."""
    numeric = X.select_dtypes("number").columns
    encoder = make_column_transformer(
        (StandardScaler(), numeric),
        (
            OneHotEncoder(sparse_output=False, handle_unknown="ignore"),
            X.columns.difference(numeric, sort=False),
        ),
    )
    Z = encoder.fit_transform(X)
    few = np.random.default_rng(seed).permutation(len(Z))[:5_000]
    fitted = {
        "IsolationForest": IsolationForest(random_state=seed).fit(Z),
        "OneClassSVM": OneClassSVM(nu=0.1).fit(Z[few]),
    }
    fitted |= {name: d.fit(Z) for name, d in of_pyod().items() if name in ("ECOD", "HBOS")}
    lof = LocalOutlierFactor().fit(Z).negative_outlier_factor_
    return {"LOF": lof} | {name: detector.score_samples(Z) for name, detector in fitted.items()}


def speed(report, quick):
    """Seconds to fit and to score over IsolationForest's, and what else scoring costs."""
    n = 5_000 if quick else 50_000
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3 * n, 20)) @ rng.normal(size=(20, 20))
    speed_of(report, X, n, "")
    speed_of(report, X.astype(np.float32), n, ", float32")
    scoring_parts(report, X[:n], X[n:])
    many_rows(report, 6 * n)
    one_row(report)


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


def scoring_parts(report, X, new):
    """The products, and the sines and cosines, that scoring takes, over its seconds."""
    detector = ActivationAnomalyDetector(random_state=0).fit(X)
    W, blocks = detector.coefs_[0], block_slices(len(new), detector._model().widest)
    rng, shape = np.random.default_rng(0), (blocks[0].stop, W.shape[0])
    Z = rng.normal(size=shape).astype(W.dtype)
    phases = rng.normal(size=(shape[0], shape[1] // 2)).astype(np.float32)
    out = np.empty_like(phases)

    def products():
        for block in blocks:
            triangular_products(Z[: block.stop - block.start], W)

    def waves():
        for block in blocks:
            rows = slice(block.stop - block.start)
            np.cos(phases[rows], out=out[rows])
            np.sin(phases[rows], out=out[rows])

    scoring = best_time(lambda: detector.score_samples(new), 3)
    for method, part in (("the products alone", products), ("sine and cosine alone", waves)):
        seconds = best_time(part, 3)
        work = f"score {len(new):,} x {new.shape[1]}"
        report.add(work, method, seconds / scoring, "x the scoring", seconds=seconds)


def many_rows(report, n):
    """Seconds to fit more rows than the detector learns from, over IsolationForest's."""
    X = np.random.default_rng(0).normal(size=(n, 10))
    compared = {
        OURS: ActivationAnomalyDetector(random_state=0),
        f"{OURS}, contamination=0.01": ActivationAnomalyDetector(
            contamination=0.01, random_state=0
        ),
        "IsolationForest": IsolationForest(random_state=0),
    }
    seconds = {
        method: best_time(partial(detector.fit, X), 3) for method, detector in compared.items()
    }
    for method, value in seconds.items():
        ratio = value / seconds["IsolationForest"]
        report.add(f"fit {n:,} x 10", method, ratio, "x IsoForest's", seconds=value)


def one_row(report):
    """Milliseconds to score one row, and the size of a pickle, after a fit to 1,000 x 5 rows."""
    X = np.random.default_rng(0).normal(size=(1_001, 5))
    X, new = X[:1000], X[1000:]
    fitted = {
        OURS: ActivationAnomalyDetector(random_state=0).fit(X),
        "IsolationForest": IsolationForest(random_state=0).fit(X),
    }
    for method, detector in fitted.items():
        seconds = best_time(partial(detector.score_samples, new), 30)
        report.add("score one row", method, 1000 * seconds, "ms", trained_on="1,000 x 5")
    detector = fitted[OURS]
    report.add("pickle of 1,000 x 5", OURS, pickled_size(detector), "MiB")
    report.add(
        "pickle of 1,000 x 5", f"{OURS}, compact()", pickled_size(detector.compact()), "MiB"
    )


def pickled_size(detector):
    """MiB of a pickle."""
    return len(pickle.dumps(detector)) / 2**20


PARTS = {
    f.__name__: f
    for f in (
        one_class,
        unsupervised,
        false_alarms,
        alarm_rates,
        corrupted,
        made_transactions,
        speed,
    )
}


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
