"""Series of NAB and SKAB, and what scores the stamps of a series beside the detector.

A baseline is fitted by ``fit(X, width, seed)`` to a series of shape (n_stamps, n_channels). It
returns the scores of the stamps of ``X``, higher is more anomalous, and a function that scores
those of another series.
"""

import csv
import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from _common import data_folder
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import LocalOutlierFactor
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM

NAB = [  # series that TSB-AD has published figures of
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
N_TRAIN = 400  # rows of a SKAB file
LARGEST_SVM = 2000  # windows that OneClassSVM is fitted to
NORMAL_MAD = 1.4826  # deviations of a normal variable in its median absolute deviation
MATRIX_PROFILE = "matrix profile"
SEASONAL = "seasonal z-score"


# -- data ------------------------------------------------------------------------------


def nab_labels():
    """First and last stamps of the label windows by series, all 58 of the folder."""
    path = data_folder() / "nab" / "labels" / "combined_windows.json"
    return json.loads(path.read_text())


def nab_series(names):
    """Yield name, X of shape (n_stamps, 1), y (1 = anomalous).

    A label window holds its first stamp but not its last, and the last stamp of a series is
    left out, as in TSB-AD.
    """
    windows = nab_labels()
    for name in names:
        path = data_folder() / "nab" / "data" / name
        table = np.loadtxt(path, delimiter=",", skiprows=1, dtype=str)[:-1]
        stamps = table[:, 0].astype("datetime64[us]")
        y = np.zeros(len(stamps), dtype=int)
        for start, end in np.array(windows[name], dtype="datetime64[us]"):
            y[(stamps >= start) & (stamps < end)] = 1
        yield name, table[:, 1:].astype(np.float64), y


def published_nab(anchors=None):
    """Rows of tsbad_nab_vuspr.csv by series, numbers by column; {} without that file.

    It lies in the folder ``anchors``, by default the one beside the data folder.
    """
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
    """Yield X_train, X_test, y_test (1 = anomalous) of every file: 8 channels, as measured."""
    folder = data_folder() / "skab" / "data"
    for part in ("valve1", "valve2", "other"):
        for path in sorted((folder / part).glob("*.csv"), key=lambda path: int(path.stem)):
            table = np.loadtxt(path, delimiter=";", skiprows=1, usecols=range(1, 10))
            X, y = table[:, :8], table[:, 8].astype(int)
            yield X[:N_TRAIN], X[N_TRAIN:], y[N_TRAIN:]


# -- windows as rows of a table --------------------------------------------------------


def cut(X, width, less_level=False):
    """All windows of ``width`` stamps, one a row; ``less_level`` takes their means away."""
    windows = np.lib.stride_tricks.sliding_window_view(X, width, axis=0)
    if less_level:
        windows = windows - windows.mean(axis=2, keepdims=True)
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


def of_windows(table_method, less_level=False):
    """The baseline that scores windows by a method for tables, and stamps by their mean."""

    def fit(X, width, seed):
        scaler = StandardScaler().fit(X)
        W = cut(scaler.transform(X), width, less_level)
        scores, score = table_method(W, seed)

        def of_another(Z):
            return to_stamps(score(cut(scaler.transform(Z), width, less_level)), width)

        return to_stamps(scores, width), of_another

    return fit


# -- series as they are ----------------------------------------------------------------


def matrix_profile(X, width, seed=None):
    """Distance of each standardised window to the nearest in training, of the worst channel."""
    from stumpy import stump

    def profile(Z, known=None):
        channels = []
        for j in range(Z.shape[1]):
            other = None if known is None else known[:, j]
            channels.append(stump(Z[:, j], width, other, ignore_trivial=known is None)[:, 0])
        return to_stamps(np.max(np.array(channels, dtype=np.float64), axis=0), width)

    return profile(X), lambda Z: profile(Z, X)


def seasonal_zscore(X, period, seed=None):
    """Deviation from the median of the same phase, over its usual size, of the worst channel.

    Another series begins at the phase at which ``X`` began.
    """
    phases = [np.median(X[phase::period], axis=0) for phase in range(min(period, len(X)))]

    def deviation(Z):
        return np.abs(Z - np.take(phases, np.arange(len(Z)), axis=0, mode="wrap"))

    own = deviation(X)
    usual = NORMAL_MAD * np.median(own, axis=0)
    usual = np.where(usual > 0, usual, np.maximum(own.std(axis=0), np.finfo(float).tiny))
    return (own / usual).max(axis=1), lambda Z: (deviation(Z) / usual).max(axis=1)


TABLE_METHODS = {
    "IsolationForest": isolation_forest,
    "LocalOutlierFactor": lof,
    "PCA, reconstruction error": pca,
    "OneClassSVM": one_class_svm,
}
SEEDED = {"IsolationForest", "OneClassSVM"}
BASELINES = {name: of_windows(method) for name, method in TABLE_METHODS.items()}
BASELINES[SEASONAL] = seasonal_zscore
if find_spec("stumpy"):
    BASELINES[MATRIX_PROFILE] = matrix_profile
else:
    print("matrix profile left out: it needs the package stumpy")
