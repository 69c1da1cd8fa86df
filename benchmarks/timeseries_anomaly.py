"""Anomalies in time series: NAB, SKAB, a made sensor log, faults, live logs and speed.

``nab``: a method sees a whole series without labels, is fitted to it and scores it, as TSB-AD
does with 14 series (Liu and Paparrizos, "The Elephant in the Room", NeurIPS 2024). Published
means are those of the file tsbad_nab_vuspr.csv (``--anchors``). ``nab58``: all 58 series of NAB,
but for those without anomalies.

``skab``: of each of the 34 files the first 400 rows are for training, the rest is judged, all
files together. That is the strict leaderboard of https://github.com/waico/SKAB; the older one
judges the 400 rows, too. In other/2.csv 296 of those 400 rows are anomalous. Every other file
is kept aside: what is to be chosen is chosen on the half that remains.

``log``: a year of hourly readings with seven events (``_made.sensor_log``), fitted to its clean
half or to all of it. Baselines see it with straight lines across gaps, and call a stamp
anomalous beyond the 99 % quantile of their training scores. They, too, give a stamp the mean
over all windows that cover it, so every method sees beyond a stamp when it judges it.

``faults``: a frozen sensor, how exactly a spike and bursts are located, and false alarms on
series without anomalies. ``stream``: what an update of a monitor costs. ``speed``: time, model
size and memory of ``fit`` and ``score_samples``.
"""

import pickle
import subprocess
import sys
import warnings

import numpy as np
from _common import Report, argument_parser, best_time, data_folder, timed
from _made import CLEAN_WEEKS, WEEK, autoregressive, normal_series, sensor_log
from _series import (
    BASELINES,
    MATRIX_PROFILE,
    NAB,
    SEASONAL,
    SEEDED,
    TABLE_METHODS,
    cut,
    nab_labels,
    nab_series,
    of_windows,
    published_nab,
    skab_files,
)
from _vus import best_f1, find_length, vus_pr
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score, confusion_matrix

from sklearn_activation import ActivationAnomalyDetector
from sklearn_activation._series.width import choose_width

OURS = "ActivationAnomalyDetector"
ROBUST = f"{OURS}, contamination=0.1"  # for series that hold anomalies
LEVELS = f"{OURS}, window=10, level_weight=1"  # SKAB_CHOSEN
METRICS = ("VUS-PR", "AUC-PR", "best F1")
QUANTILE = 0.99  # of training scores: the threshold of the baselines
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


def detector(seed, window="auto", **options):
    return ActivationAnomalyDetector(window=window, random_state=seed, **options)


def seeds(method, quick):
    return range((2 if quick else 5) if method in SEEDED | {OURS, ROBUST, LEVELS} else 1)


# -- nab, nab58 ------------------------------------------------------------------------


def own_width(X):
    """Stamps of a window that ``window="auto"`` takes for a whole series."""
    return choose_width(X, [(0, len(X))])[0]


def series_scores(method, X, seed, width):
    """Scores of a series' stamps by a method fitted to it, higher is more anomalous.

    ``width`` is the window, or the period, of a baseline.
    """
    if method in BASELINES:
        return BASELINES[method](X, width, seed)[0]
    options = {"contamination": 0.1} if method == ROBUST else {}
    return -detector(seed, **options).fit(X).score_samples(X)


def measures(y, score, length):
    """Values of ``METRICS``."""
    return vus_pr(y, score, length), average_precision_score(y, score), best_f1(y, score)


def nab(report, quick, anchors=None):
    """VUS-PR, AUC-PR and best F1 by series, and their means."""
    names, found = NAB[::4] if quick else NAB, {}
    for name, X, y in nab_series(names):
        length = find_length(X)
        for method in (ROBUST, OURS, *BASELINES):
            scores = [series_scores(method, X, seed, length) for seed in seeds(method, quick)]
            values = np.transpose([measures(y, score, length) for score in scores])
            found.setdefault(method, []).append(values)
            for metric, row in zip(METRICS, values, strict=True):
                report.add(f"{name.split('/')[1][:-4]}, {metric}", method, row, "")
        for method in (name for name in BASELINES if name != SEASONAL):
            values = measures(y, series_scores(method, X, 0, own_width(X)), length)
            found.setdefault(f"{method}, our windows", []).append(np.transpose([values]))
        check_published(name, y, anchors)
    work = f"NAB, mean of {len(names)} series"
    for method, values in found.items():
        for metric, row in zip(METRICS, np.mean(values, axis=0), strict=True):
            report.add(f"{work}, {metric}", method, row, "")
    add_published(report, work, names, anchors)


def check_published(name, y, anchors):
    """Say so if a series is not the one that published figures are of."""
    figures = published_nab(anchors).get(name)
    if figures and (figures["ts_len"], figures["anomaly_len"]) != (len(y), y.sum()):
        print(f"{name}: length or labels differ from TSB-AD's")


def add_published(report, work, names, anchors):
    """Means of published figures over the same series."""
    table = published_nab(anchors)
    if not all(name in table for name in names):
        print("nab: published figures skipped, tsbad_nab_vuspr.csv not found")
        return
    for method in sorted(table[names[0]].keys() - {"ts_len", "anomaly_len"}):
        mean = np.mean([table[name][method] for name in names])
        report.add(f"{work}, VUS-PR", f"{method}, published", mean, "")


def nab58(report, quick, anchors=None):
    """Mean VUS-PR over all series of NAB that hold anomalies, baselines on our windows."""
    labels = nab_labels()
    names = [name for name in sorted(labels) if labels[name]]
    print(f"nab58: {len(labels) - len(names)} of {len(labels)} series left out, no anomalies")
    if quick:
        names = names[::10]
    methods = [OURS, ROBUST, *(name for name in BASELINES if not name.startswith("PCA"))]
    found = {method: [] for method in methods}
    for _, X, y in nab_series(names):
        length = find_length(X)
        for method in methods:
            width = length if method == SEASONAL else own_width(X)
            score = series_scores(method, X, 0, width)
            found[method].append(vus_pr(y, score, length))
    for method, values in found.items():
        by_series = dict(zip(names, values, strict=True))
        label = f"{method}, our windows" if method in (*TABLE_METHODS, MATRIX_PROFILE) else method
        work = f"NAB, mean of {len(names)} series, VUS-PR"
        report.add(work, label, np.mean(values), "", by_series=by_series)


# -- skab ------------------------------------------------------------------------------


SKAB_CHOSEN = {
    "window": 10,
    "level_weight": 1.0,
}  # of widths and weights


def skab(report, quick, anchors=None):
    """F1, false and missed alarms over the test rows of all files, and of either half.

    Faults of valves are changes of level, which our default does not look at: our second row
    does, with a window and a weight of the level that were chosen on the first half of the files.
    """
    truth, found = [], {}
    for X_train, X_test, y in skab_files():
        truth.append(y)
        for seed in seeds(OURS, quick):
            model = detector(seed).fit(X_train)
            found.setdefault((OURS, seed), []).append(model.predict(X_test) == -1)
            chosen = detector(seed, **SKAB_CHOSEN).fit(X_train)
            found.setdefault((LEVELS, seed), []).append(chosen.predict(X_test) == -1)
        for method in TABLE_METHODS:
            for seed in seeds(method, quick):
                scores, score = BASELINES[method](X_train, model.window_, seed)
                called = score(X_test) > np.quantile(scores, QUANTILE)
                found.setdefault((method, seed), []).append(called)
    files = {f"SKAB, {len(truth)} files": slice(None)}
    files |= {"SKAB, half chosen on": slice(0, None, 2)}
    files |= {"SKAB, half kept aside": slice(1, None, 2)}
    for work, some in files.items():
        for method in (OURS, LEVELS, *TABLE_METHODS):
            rates = [
                alarm_rates(truth[some], found[method, seed][some])
                for seed in seeds(method, quick)
            ]
            add_rates(report, work, method, np.transpose(rates))
    for method, rates in SKAB_PUBLISHED.items():
        add_rates(report, f"SKAB, {len(truth)} files", f"{method}, published", rates)


def add_rates(report, work, method, rates):
    for what, unit, values in zip(("F1", "FAR", "MAR"), ("", "%", "%"), rates, strict=True):
        report.add(f"{work}, {what}", method, values, unit)


def alarm_rates(truth, called):
    """F1, false alarms among normal stamps in %, missed among anomalous ones in %."""
    (tn, fp), (fn, tp) = confusion_matrix(np.concatenate(truth), np.concatenate(called))
    return 2 * tp / (2 * tp + fp + fn), 100 * fp / (fp + tn), 100 * fn / (fn + tp)


# -- log -------------------------------------------------------------------------------

MAX_GAP = 15  # stamps between alarms of one event, an eighth of our window of 120
LATE = 3  # stamps beside an event where an alarm has still found it
NEAR = 60  # stamps beside an event, or a gap, where an alarm is not a false one
DAY = 24  # stamps of the baselines' windows
LOG_ROWS = {
    "events found of 7": "",
    "false events a week": "",
    "median delay": "stamps",
    "flagged before an event": "stamps",
    "flagged after an event": "stamps",
}


def log_baselines():
    """Fit functions and widths in stamps; windows less their level, too, as ours are seen."""
    found = {}
    for name in ("IsolationForest", "LocalOutlierFactor", "OneClassSVM"):
        found[name] = BASELINES[name], DAY
        found[f"{name}, less level"] = of_windows(TABLE_METHODS[name], less_level=True), DAY
    found[SEASONAL] = BASELINES[SEASONAL], WEEK
    if MATRIX_PROFILE in BASELINES:
        found[MATRIX_PROFILE] = BASELINES[MATRIX_PROFILE], DAY
    return found


def log(report, quick, anchors=None):
    """Events of the made log: found, false, how late and how widely flagged."""
    half = CLEAN_WEEKS * WEEK
    for name, train, judged in (
        ("log, clean half", slice(half), slice(half, None)),
        ("log, whole year", slice(None), slice(None)),
    ):
        found = {}
        for seed in range(3 if quick else 10):
            X, events = sensor_log(seed)
            for method, runs in log_runs(X[train], X[judged], seed):
                row = event_rates(runs, X[judged], events)
                found.setdefault(method, []).append(row)
        for method, rows in found.items():
            for (what, unit), values in zip(LOG_ROWS.items(), np.transpose(rows), strict=True):
                if np.isfinite(values).any():
                    report.add(f"{name}, {what}", method, values[np.isfinite(values)], unit)


def log_runs(X_train, X, seed):
    """Yield the name of a method, and first and last stamps of its events in ``X``.

    The one gap that is too long to fill in is alarmed by ours, with a warning.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".* time stamps are NaN throughout", UserWarning)
        events = detector(seed).fit(X_train).events(X, max_gap=MAX_GAP)
    yield OURS, X.index.get_indexer(np.ravel(events[["start", "end"]])).reshape(-1, 2)
    A_train, A = (
        table.interpolate(limit_direction="both").to_numpy(copy=True) for table in (X_train, X)
    )
    for method, (fit, width) in log_baselines().items():
        scores, score = fit(A_train, width, seed)
        threshold = np.quantile(scores, QUANTILE)
        if not X.index.equals(X_train.index):  # rows that were learned are scored by the others
            scores = score(A)
        yield method, joined(np.flatnonzero(scores > threshold))


def joined(stamps):
    """First and last stamps of runs of alarms, shape (n_runs, 2)."""
    parts = np.split(stamps, np.flatnonzero(np.diff(stamps) > MAX_GAP + 1) + 1)
    return np.array([(part[0], part[-1]) for part in parts if len(part)]).reshape(-1, 2)


def event_rates(runs, X, events):
    """Values of ``LOG_ROWS``; NaN for those of found events if none is."""
    spans = X.index.get_indexer(np.ravel(events[["start", "end"]])).reshape(-1, 2)
    gaps = joined(np.flatnonzero(X.isna().all(axis=1)))
    hits = touching(runs, spans, LATE)
    near = touching(runs, np.concatenate([spans, gaps]), NEAR).any(axis=1)
    found = hits.any(axis=0)
    false = np.count_nonzero(~near) / (len(X) / WEEK)
    if not found.any():
        return 0, false, np.nan, np.nan, np.nan
    beyond = np.array([(runs[hit].min(), runs[hit].max()) for hit in hits.T[found]])
    starts, ends = spans[found].T
    return (
        np.count_nonzero(found),
        false,
        np.median(np.maximum(beyond[:, 0] - starts, 0)),
        np.mean(np.maximum(starts - beyond[:, 0], 0)),
        np.mean(np.maximum(beyond[:, 1] - ends, 0)),
    )


def touching(runs, spans, slack):
    """Whether runs come within ``slack`` stamps of spans, shape (n_runs, n_spans)."""
    return (runs[:, :1] <= spans[:, 1] + slack) & (runs[:, 1:] >= spans[:, 0] - slack)


# -- faults ----------------------------------------------------------------------------

FROZEN_WINDOW = 20  # stamps
FROZEN_TRAIN = 2000  # stamps
FROZEN = slice(500, 600)  # stamps, of the 1,000 after the training series
FROZEN_KINDS = ("white noise", "AR(0.7)", "AR(0.95)", "noisy season")
LOCAL_WINDOW = 50  # stamps, and the period of the sine
LOCAL_TRAIN = 3000  # stamps
BURSTS = {"spike": 1, "burst of 20": 20, "burst of 60": 60}  # stamps
CLEAN = 3000  # stamps to learn from, and as many to judge


def add_with_worst(report, work, values, unit, worst):
    """The mean over seeds, and the worst of them."""
    report.add(work, OURS, values, unit)
    report.add(f"{work}, worst", OURS, worst(values), unit)


def faults(report, quick, anchors=None):
    """A frozen sensor, a spike and bursts, and series without anomalies."""
    few = range(2 if quick else 5)
    for kind in FROZEN_KINDS:
        shares = [frozen_share(kind, seed) for seed in few]
        add_with_worst(report, f"frozen, {kind}, flagged", shares, "%", min)
    for kind, length in BURSTS.items():
        inside, beyond = np.transpose([located(length, seed) for seed in few])
        add_with_worst(report, f"{kind}, flagged inside", inside, "%", min)
        add_with_worst(report, f"{kind}, flagged beyond on a side", beyond, "windows", max)
    rates = [clean_rates(seed) for seed in few]
    for kind in rates[0]:
        values = [rate[kind] for rate in rates]
        add_with_worst(report, f"clean, {kind}, alarms", values, "%", max)
    means = [np.mean(list(rate.values())) for rate in rates]
    add_with_worst(report, "clean, mean of 12 kinds, alarms", means, "%", max)


def frozen_share(kind, seed):
    """Percent of the stamps flagged while a sensor repeats its last value, less a window."""
    x = normal_series(FROZEN_TRAIN + 1000, seed)[kind]
    model = detector(seed, FROZEN_WINDOW).fit(x[:FROZEN_TRAIN])
    later = x[FROZEN_TRAIN:].copy()
    later[FROZEN] = later[FROZEN.start - 1]
    called = model.predict(later) == -1
    return 100 * called[FROZEN][FROZEN_WINDOW:].mean()


def located(length, seed):
    """Percent of the stamps flagged inside, and stamps beyond on the worse side in windows.

    Beyond are the flagged stamps within two windows of the first or of the last stamp.
    """
    rng = np.random.default_rng(seed)
    n = LOCAL_TRAIN + 1000
    x = np.sin(2 * np.pi * np.arange(n) / LOCAL_WINDOW) + rng.normal(0, 0.1, n)
    model = detector(seed, LOCAL_WINDOW).fit(x[:LOCAL_TRAIN, None])
    later, start = x[LOCAL_TRAIN:], 500
    end = start + length
    later[start:end] += 1.2 if length == 1 else rng.normal(0, 0.6, length)
    called = model.predict(later[:, None]) == -1
    reach = 2 * LOCAL_WINDOW
    sides = called[start - reach : start].sum(), called[end : end + reach].sum()
    return 100 * called[start:end].mean(), max(sides) / LOCAL_WINDOW


def clean_rates(seed):
    """Percent of the stamps flagged in the later half of series without anomalies, by kind."""
    rates = {}
    for kind, x in normal_series(2 * CLEAN, seed).items():
        model = detector(seed).fit(x[:CLEAN])
        rates[kind] = 100 * np.mean(model.predict(x[CLEAN:]) == -1)
    return rates


# -- stream, speed ---------------------------------------------------------------------

WIDE = 290, 19  # stamps of a window, channels
LIVE = 100, 3  # stamps of a window, channels
UPDATES = 200  # timed together
LONG = 1_000_000  # stamps


def readings(n, n_channels, seed=0):
    """Noisy sines with a period of 48 stamps, each channel with its own noise and phase."""
    rng = np.random.default_rng(seed)
    t = np.arange(n)
    return np.column_stack(
        [
            np.sin(2 * np.pi * t / 48 + phase) + 0.5 * autoregressive(n, 0.7, rng)
            for phase in rng.uniform(0, 2 * np.pi, n_channels)
        ]
    )


def stream(report, quick, anchors=None):
    """An update of a monitor by one stamp beside its two products of matrices alone."""
    width, n_channels = LIVE
    X = readings(4000, n_channels)
    model = detector(0, width).fit(X[:2000])
    monitor = model.monitor(X[2000:2500])
    W = model.coefs_[0]
    frequencies = model._encoding().frequencies.astype(W.dtype)
    rng = np.random.default_rng(0)
    columns, encoded = (rng.random((1, len(A))).astype(W.dtype) for A in (frequencies, W))

    def updates():
        for stamp in X[2500 : 2500 + UPDATES]:
            monitor.update(stamp)

    def products():
        for _ in range(UPDATES):
            columns @ frequencies
            encoded @ W

    repeats = 2 if quick else 5
    ours, alone = (1000 * best_time(f, repeats) / UPDATES for f in (updates, products))
    work = f"monitor, window={width}, {n_channels} channels, a stamp"
    report.add(work, OURS, ours, "ms")
    report.add(work, "products alone", alone, "ms")
    report.add(work, f"{OURS} over products", ours / alone, "x products")


def speed(report, quick, anchors=None):
    """Time beside IsolationForest, model size beside the data's, and a very long series."""
    wide(report, 3000 if quick else 8000)
    long(report, LONG // 10 if quick else LONG)


def wide(report, n):
    """``fit`` and ``score_samples`` of many channels; windows are made before the forest's."""
    width, n_channels = WIDE
    X = readings(n, n_channels)
    W = cut(X, width)
    detector(0, 20).fit(X[:500]).score_samples(X[:500])  # kernels compile outside of what is timed
    model = detector(0, width)
    _, ours = timed(lambda: model.fit(X).score_samples(X))
    _, forest = timed(lambda: IsolationForest(random_state=0).fit(W).score_samples(W))
    work = f"window={width}, {n_channels} channels, {n:,} stamps"
    report.add(work, f"{OURS}, fit and score", ours, "s")
    report.add(work, "IsolationForest, fit and score", forest, "s")
    report.add(work, f"{OURS} over IsolationForest", ours / forest, "x forest")
    size = len(pickle.dumps(model)) / X.nbytes
    report.add(work, f"{OURS}, pickled", size, "x data")


CHILD = """
import resource, sys
sys.path.insert(0, {folder!r})
from _common import timed
from timeseries_anomaly import detector, readings
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
X = readings({n}, 1)
detector(0).fit(X[:2000]).score_samples(X[:2000])
before = peak()
_, seconds = timed(lambda: detector(0).fit(X).score_samples(X))
print(seconds, before, peak())
"""


def long(report, n):
    """Seconds and peak resident memory of a process that fits and scores one long channel."""
    code = CHILD.format(folder=sys.path[0], n=n)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    seconds, before, after = map(float, done.stdout.split()[-3:])
    work = f'window="auto", {n:,} x 1'
    report.add(work, f"{OURS}, fit and score", seconds, "s")
    report.add(work, f"{OURS}, peak memory", after, "GiB", with_data_alone=before)


# -- all parts -------------------------------------------------------------------------

NEED_DATA = {"nab": nab, "nab58": nab58, "skab": skab}
PARTS = {**NEED_DATA, "log": log, "faults": faults, "stream": stream, "speed": speed}


def main():
    parser = argument_parser(__doc__, "fewer seeds, series and stamps", PARTS)
    parser.add_argument("--anchors", help="folder of tsbad_nab_vuspr.csv")
    args = parser.parse_args()
    report = Report("timeseries_anomaly", quick=args.quick)
    for name in args.only or PARTS:
        if name in NEED_DATA and data_folder() is None:
            print(f"{name}: skipped, needs the folders nab and skab of the data")
            continue
        PARTS[name](report, args.quick, args.anchors)


if __name__ == "__main__":
    main()
