"""Anomalies in time series: 14 series of NAB as TSB-AD scores them, and SKAB.

``nab``: a method sees a whole series without labels, is fitted to it and scores it (Liu and
Paparrizos, "The Elephant in the Room", NeurIPS 2024). Published means are those of the file
tsbad_nab_vuspr.csv (``--anchors``).

``skab``: of each of the 34 files the first 400 rows are for training, the rest is judged, all
files together. That is the strict leaderboard of https://github.com/waico/SKAB; the older one
judges the 400 rows, too. In other/2.csv 296 of those 400 rows are anomalous.
"""

import csv
import json
from pathlib import Path

import numpy as np
from _common import Report, argument_parser, data_folder
from _vus import best_f1, find_length, vus_pr
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score, confusion_matrix
from sklearn.neighbors import LocalOutlierFactor
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM

from sklearn_activation import ActivationAnomalyDetector
from sklearn_activation._windows import automatic_width

OURS = "ActivationAnomalyDetector"
ROBUST = f"{OURS}, contamination=0.1"  # for series that hold anomalies
NAB = [
    "artificialWithAnomaly/art_increase_spike_density.csv",
    "artificialWithAnomaly/art_load_balancer_spikes.csv",
    "realAWSCloudwatch/ec2_cpu_utilization_5f5533.csv",
    "realAdExchange/exchange-3_cpm_results.csv",
    "realKnownCause/ambient_temperature_system_failure.csv",
    "realKnownCause/cpu_utilization_asg_misconfiguration.csv",
    "realKnownCause/ec2_request_latency_system_failure.csv",
    "realKnownCause/nyc_taxi.csv",
    "realKnownCause/rogue_agent_key_hold.csv",
    "realTraffic/TravelTime_451.csv",
    "realTraffic/occupancy_6005.csv",
    "realTraffic/speed_6005.csv",
    "realTraffic/speed_t4013.csv",
    "realTweets/Twitter_volume_FB.csv",
]
METRICS = ("VUS-PR", "AUC-PR", "best F1")
N_TRAIN = 400  # rows of a SKAB file
QUANTILE = 0.99  # of training scores: the threshold of the baselines
LARGEST_SVM = 2000  # windows that OneClassSVM is fitted to
SKAB_PUBLISHED = {  # F1, FAR %, MAR %: strict leaderboard
    "Conv-AE": (0.78, 13.55, 28.02),
    "MSET": (0.78, 39.73, 14.13),
    "T-squared+Q (PCA-based)": (0.76, 26.62, 24.92),
    "LSTM-AE": (0.74, 29.96, 25.92),
    "T-squared": (0.66, 19.21, 42.6),
    "LSTM-VAE": (0.56, 9.13, 55.03),
    "Vanilla LSTM": (0.54, 12.54, 59.53),
    "Isolation forest": (0.29, 2.56, 82.89),
}


# -- data ------------------------------------------------------------------------------


def nab_series(anchors=None):
    """Yield name, X of shape (n_stamps, 1), y (1 = anomalous), published figures by method.

    A label window holds its first stamp but not its last, and the last stamp of a series is
    left out, as in TSB-AD. Figures are those of tsbad_nab_vuspr.csv in the folder ``anchors``
    (by default beside the data folder), with ts_len and anomaly_len; {} where that is absent.
    """
    folder = data_folder() / "nab"
    published = published_nab(anchors)
    windows = json.loads((folder / "labels" / "combined_windows.json").read_text())
    for name in NAB:
        table = np.loadtxt(folder / "data" / name, delimiter=",", skiprows=1, dtype=str)[:-1]
        stamps = table[:, 0].astype("datetime64[us]")
        y = np.zeros(len(stamps), dtype=int)
        for start, end in np.array(windows[name], dtype="datetime64[us]"):
            y[(stamps >= start) & (stamps < end)] = 1
        yield name, table[:, 1:].astype(np.float64), y, published.get(name, {})


def published_nab(anchors=None):
    """Rows of tsbad_nab_vuspr.csv by series, numbers by column; {} without that file."""
    path = Path(anchors or data_folder().parent / "anchors") / "tsbad_nab_vuspr.csv"
    if not path.exists():
        return {}
    with open(path, newline="") as f:
        rows = list(csv.DictReader(f))
    texts = ("raw_file", "file")
    return {
        row["raw_file"]: {name: float(row[name]) for name in row if name not in texts}
        for row in rows
    }


def skab_files():
    """Yield name, X_train, X_test, y_test (1 = anomalous): 8 channels, as measured."""
    folder = data_folder() / "skab" / "data"
    for part in ("valve1", "valve2", "other"):
        for path in sorted((folder / part).glob("*.csv"), key=lambda path: int(path.stem)):
            table = np.loadtxt(path, delimiter=";", skiprows=1, usecols=range(1, 10))
            X, y = table[:, :8], table[:, 8].astype(int)
            yield f"{part}/{path.name}", X[:N_TRAIN], X[N_TRAIN:], y[N_TRAIN:]


# -- methods ---------------------------------------------------------------------------


def cut(X, width):
    """All windows of ``width`` stamps, one a row."""
    windows = np.lib.stride_tricks.sliding_window_view(X, width, axis=0)
    return windows.reshape(len(windows), -1)


def to_stamps(scores, width):
    """Mean over the windows that cover a stamp."""
    ones = np.ones(width)
    return np.convolve(scores, ones) / np.convolve(np.ones(len(scores)), ones)


def isolation_forest(W, seed):
    model = IsolationForest(random_state=seed).fit(W)
    return -model.score_samples(W), lambda Z: -model.score_samples(Z)


def lof(W, seed):
    model = LocalOutlierFactor(novelty=True).fit(W)
    return -model.negative_outlier_factor_, lambda Z: -model.score_samples(Z)


def pca(W, seed):
    model = PCA(0.9, svd_solver="full").fit(W)

    def error(Z):
        return ((Z - model.inverse_transform(model.transform(Z))) ** 2).sum(axis=1)

    return error(W), error


def one_class_svm(W, seed):
    rows = np.random.default_rng(seed).permutation(len(W))[:LARGEST_SVM]
    model = OneClassSVM().fit(W[rows])
    return -model.score_samples(W), lambda Z: -model.score_samples(Z)


# From windows and a seed to their scores, higher is more anomalous, and what scores others.
BASELINES = {
    "IsolationForest": isolation_forest,
    "LocalOutlierFactor": lof,
    "PCA, reconstruction error": pca,
    "OneClassSVM": one_class_svm,
}
METHODS = (OURS, *BASELINES)
SEEDED = {OURS, ROBUST, "IsolationForest", "OneClassSVM"}


def seeds(method, quick):
    return range((2 if quick else 5) if method in SEEDED else 1)


def series_scores(method, X, seed, width=None):
    """Scores of a series' stamps by a method fitted to it, higher is more anomalous.

    ``width`` is the baselines' window, by default the period as TSB-AD finds it.
    """
    if method in (OURS, ROBUST):
        detector = ActivationAnomalyDetector(window="auto", random_state=seed)
        if method == ROBUST:
            detector.set_params(contamination=0.1)
        return -detector.fit(X).score_samples(X)
    width = width or find_length(X)
    scores, _ = BASELINES[method](cut(StandardScaler().fit_transform(X), width), seed)
    return to_stamps(scores, width)


def alarms(method, X_train, X_test, width, seed):
    """1 for every stamp of ``X_test`` that a baseline calls anomalous."""
    scaler = StandardScaler().fit(X_train)
    W_train, W_test = (cut(scaler.transform(X), width) for X in (X_train, X_test))
    scores, score = BASELINES[method](W_train, seed)
    threshold = np.quantile(to_stamps(scores, width), QUANTILE)
    return (to_stamps(score(W_test), width) > threshold).astype(int)


# -- parts -----------------------------------------------------------------------------


def measures(y, score, length):
    """Values of ``METRICS``."""
    return vus_pr(y, score, length), average_precision_score(y, score), best_f1(y, score)


def nab(report, quick, anchors=None):
    """VUS-PR, AUC-PR and best F1 by series, and their means."""
    found, published = {}, []
    for name, X, y, figures in nab_series(anchors):
        length = find_length(X)
        for method in (ROBUST, *METHODS):
            scores = [series_scores(method, X, seed) for seed in seeds(method, quick)]
            values = np.transpose([measures(y, score, length) for score in scores])
            found.setdefault(method, []).append(values)
            for metric, row in zip(METRICS, values, strict=True):
                report.add(f"{Path(name).stem}, {metric}", method, row, "")
        width = automatic_width(X, [(0, len(X))])
        for method in BASELINES:
            values = measures(y, series_scores(method, X, 0, width), length)
            found.setdefault(f"{method}, our windows", []).append(np.transpose([values]))
        if figures and (figures["ts_len"], figures["anomaly_len"]) != (len(y), y.sum()):
            print(f"{name}: length or labels differ from TSB-AD's")
        published.append(figures)
    work = f"NAB, mean of {len(published)} series"
    for method, values in found.items():
        for metric, row in zip(METRICS, np.mean(values, axis=0), strict=True):
            report.add(f"{work}, {metric}", method, row, "")
    if not all(published):
        print("nab: published figures skipped, tsbad_nab_vuspr.csv not found")
        return
    for method in sorted(published[0].keys() - {"ts_len", "anomaly_len"}):
        mean = np.mean([figures[method] for figures in published])
        report.add(f"{work}, VUS-PR", f"{method}, published", mean, "")


def skab(report, quick, anchors=None):
    """F1, false and missed alarms over the test rows of all files."""
    truth, found = [], {}
    for _, X_train, X_test, y in skab_files():
        truth.append(y)
        for seed in seeds(OURS, quick):
            model = ActivationAnomalyDetector(window="auto", random_state=seed).fit(X_train)
            found.setdefault((OURS, seed), []).append(model.predict(X_test) == -1)
        for method in BASELINES:
            for seed in seeds(method, quick):
                called = alarms(method, X_train, X_test, model.window_, seed)
                found.setdefault((method, seed), []).append(called)
    rates = {key: alarm_rates(truth, called) for key, called in found.items()}
    results = {
        method: np.transpose([rates[method, seed] for seed in seeds(method, quick)])
        for method in METHODS
    }
    results |= {f"{method}, published": row for method, row in SKAB_PUBLISHED.items()}
    for method, rows in results.items():
        for what, unit, values in zip(("F1", "FAR", "MAR"), ("", "%", "%"), rows, strict=True):
            report.add(f"SKAB, 34 files, {what}", method, values, unit)


def alarm_rates(truth, called):
    """F1, false alarms among normal stamps in %, missed among anomalous ones in %."""
    (tn, fp), (fn, tp) = confusion_matrix(np.concatenate(truth), np.concatenate(called))
    return 2 * tp / (2 * tp + fp + fn), 100 * fp / (fp + tn), 100 * fn / (fn + tp)


PARTS = {"nab": nab, "skab": skab}


def main():
    parser = argument_parser(__doc__, "two seeds instead of five", PARTS)
    parser.add_argument("--anchors", help="folder of tsbad_nab_vuspr.csv")
    args = parser.parse_args()
    if data_folder() is None:
        print("timeseries_anomaly: skipped, needs the folders nab and skab of the data")
        return
    report = Report("timeseries_anomaly", quick=args.quick)
    for name in args.only or PARTS:
        PARTS[name](report, args.quick, args.anchors)


if __name__ == "__main__":
    main()
