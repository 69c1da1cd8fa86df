"""Forecasts of 15 series by a detector of windows, of several channels, and their time.

Trained on the first 60 % of a series, 24 stamps ahead from 20 times in the rest; pinball loss
of the deciles over that of seasonal-naive (the last period's values with the deciles of past
errors), beside a linear autoregression with Gaussian intervals on the same windows. Nothing was
chosen on the ten series of the part "other". ``--only`` names some of the parts. Seconds need an
idle machine.
"""

import warnings
from pathlib import Path

import numpy as np
from _common import Report, argument_parser, best_time, data_folder
from scipy.stats import norm

from sklearn_activation import ActivationAnomalyDetector

FIVE = {  # stamps of a period: a day, or 24 where stamps are uneven
    "realKnownCause/nyc_taxi": 48,
    "realKnownCause/ambient_temperature_system_failure": 24,
    "realTraffic/speed_6005": 24,
    "realTraffic/occupancy_6005": 24,
    "realAWSCloudwatch/ec2_cpu_utilization_5f5533": 24,
}
OTHER = {
    "realTraffic/speed_7578": 24,
    "realTraffic/occupancy_t4013": 24,
    "realTraffic/TravelTime_451": 24,
    "realTweets/Twitter_volume_AAPL": 288,
    "realAWSCloudwatch/ec2_network_in_257a54": 288,
    "realAWSCloudwatch/rds_cpu_utilization_cc0c53": 288,
    "realKnownCause/ec2_request_latency_system_failure": 288,
    "realKnownCause/cpu_utilization_asg_misconfiguration": 288,
    "Pressure": 24,
    "Temperature": 24,
}
HORIZON = 24
LEVELS = np.arange(1, 10) / 10
NAME = "ActivationAnomalyDetector"


def read_skab():
    """The names of the channels of SKAB's anomaly-free recording, and its stamps."""
    path = data_folder() / "skab" / "data" / "anomaly-free" / "anomaly-free.csv"
    with path.open() as file:
        names = file.readline().strip().split(";")[1:]
    return names, np.loadtxt(path, delimiter=";", skiprows=1, dtype=str)[:, 1:].astype(float)


def read(name):
    """A series by its path in NAB, or a channel of SKAB by its name."""
    if "/" not in name:
        names, X = read_skab()
        return X[:, names.index(name)]
    path = data_folder() / "nab" / "data" / f"{name}.csv"
    return np.loadtxt(path, delimiter=",", skiprows=1, dtype=str)[:, 1].astype(float)


def pinball(y, quantiles):
    """Mean loss of quantiles (n_levels, n_stamps) at ``LEVELS``."""
    error = y - quantiles
    return np.maximum(LEVELS[:, None] * error, (LEVELS[:, None] - 1) * error).mean()


def seasonal_naive(x, period):
    """Function from the past to quantiles of the future."""
    steps = np.arange(0, len(x) - period - HORIZON)[:, None] + np.arange(HORIZON)
    errors = np.quantile(x[steps + period] - x[steps], LEVELS, axis=0)
    return lambda past: past[-period:][:HORIZON] + errors


def autoregression(x, width):
    windows = np.lib.stride_tricks.sliding_window_view(x, width)
    n = width - HORIZON
    A = np.column_stack([windows[:, :n], np.ones(len(windows))])
    gram = A.T @ A
    coef = np.linalg.solve(gram + 1e-3 * np.trace(gram) / n * np.eye(n + 1), A.T @ windows[:, n:])
    sd = (windows[:, n:] - A @ coef).std(axis=0)
    return lambda past: np.append(past[-n:], 1) @ coef + norm.ppf(LEVELS)[:, None] * sd


def detected(detector, channel=0):
    """Function from the past of all channels to quantiles of one channel's future."""
    return lambda past: detector.forecast_quantiles(past, HORIZON, LEVELS)[:, :, channel]


def fitted(X):
    return ActivationAnomalyDetector(window="auto", random_state=0).fit(X)


def judge(forecast, pasts, futures):
    """Pinball loss, and the share of values inside the interval that is meant for 80 %."""
    quantiles = [forecast(past) for past in pasts]
    pairs = list(zip(futures, quantiles, strict=True))
    loss = np.mean([pinball(y, q) for y, q in pairs])
    return loss, np.mean([(q[0] <= y) & (y <= q[-1]) for y, q in pairs])


def starts(n, quick):
    """Stamps from which forecasts of a series of ``n`` begin. Training ends at the first one."""
    return np.linspace(int(0.6 * n), n - HORIZON, 5 if quick else 20).astype(int)


def compare(report, series, quick):
    """Add the losses and shares of three methods on each series, and their means."""
    losses, shares = {}, {}
    for name, period in series.items():
        x = read(name)
        times = starts(len(x), quick)
        train = x[: times[0]]
        detector = fitted(train[:, None])
        learned = detected(detector)
        found = {
            method: judge(forecast, [x[:t] for t in times], [x[t : t + HORIZON] for t in times])
            for method, forecast in {
                NAME: lambda past, learned=learned: learned(past[:, None]),
                "seasonal-naive": seasonal_naive(train, period),
                "linear autoregression": autoregression(train, detector.window_),
            }.items()
        }
        stem = Path(name).stem
        for method, (loss, share) in found.items():
            ratio = loss / found["seasonal-naive"][0]
            losses.setdefault(method, []).append(ratio)
            shares.setdefault(method, []).append(100 * share)
            report.add(f"{stem}, pinball loss", method, ratio, "x naive's")
            report.add(f"{stem}, inside 80 %", method, 100 * share, "%")
    of = f"{len(series)} series"
    for method, values in losses.items():
        mean = np.exp(np.mean(np.log(values)))
        report.add(f"geometric mean of {of}, pinball loss", method, mean, "x naive's")
        report.add(f"worst of {of}, pinball loss", method, max(values), "x naive's")
        inside = shares[method]
        report.add(f"mean of {of}, inside 80 %", method, np.mean(inside), "%")
        report.add(f"least of {of}, inside 80 %", method, min(inside), "%")
        report.add(f"most of {of}, inside 80 %", method, max(inside), "%")


def channels(report, quick):
    """Eight channels of SKAB together, and each alone."""
    names, X = read_skab()
    times = starts(len(X), quick)
    train = X[: times[0]]
    joint, losses = fitted(train), {}
    for j in range(2 if quick else len(names)):
        x = X[:, j]
        futures = [x[t : t + HORIZON] for t in times]
        alone = fitted(train[:, [j]])
        both = {
            "all channels together": (detected(joint, j), X),
            "each channel alone": (detected(alone), X[:, [j]]),
        }
        naive = judge(seasonal_naive(train[:, j], HORIZON), [x[:t] for t in times], futures)[0]
        for method, (forecast, series) in both.items():
            loss = judge(forecast, [series[:t] for t in times], futures)[0]
            losses.setdefault(method, []).append(loss / naive)
    for method, values in losses.items():
        mean = np.exp(np.mean(np.log(values)))
        report.add("SKAB, 8 channels, pinball loss", method, mean, "x naive's")


def seconds(report, quick):
    """Seconds of 200 paths, 24 stamps ahead, after the longest record."""
    x = np.tile(read("realKnownCause/nyc_taxi"), 13)
    detector = fitted(x[: 20_000 if quick else 1 << 17, None])
    took = best_time(lambda: detector.sample_future(x[:, None], HORIZON, 200, random_state=0))
    report.add("200 paths, 24 time steps ahead", NAME, took, "s")


PARTS = {
    "five": lambda report, quick: compare(report, FIVE, quick),
    "other": lambda report, quick: compare(report, OTHER, quick),
    "channels": channels,
    "seconds": seconds,
}


def main():
    args = argument_parser(__doc__, "5 times of each series", PARTS).parse_args()
    warnings.simplefilter("ignore", UserWarning)
    report = Report("forecast", quick=args.quick)
    for name in args.only or PARTS:
        PARTS[name](report, args.quick)


if __name__ == "__main__":
    main()
