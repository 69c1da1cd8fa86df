"""Futures sampled by a detector of windows, as forecasts of five NAB series.

Trained on the first 60 % of a series, 24 stamps ahead from 20 times in the rest; pinball loss
of the deciles over that of seasonal-naive (the last period's values with the deciles of past
errors), beside a linear autoregression with Gaussian intervals on the same windows.
"""

import warnings
from pathlib import Path

import numpy as np
from _common import Report, argument_parser, data_folder
from scipy.stats import norm
from sklearn.exceptions import ConvergenceWarning

from sklearn_activation import ActivationAnomalyDetector

SERIES = {  # stamps of a period: a day, or 24 where stamps are uneven
    "realKnownCause/nyc_taxi.csv": 48,
    "realKnownCause/ambient_temperature_system_failure.csv": 24,
    "realTraffic/speed_6005.csv": 24,
    "realTraffic/occupancy_6005.csv": 24,
    "realAWSCloudwatch/ec2_cpu_utilization_5f5533.csv": 24,
}
HORIZON = 24
LEVELS = np.arange(1, 10) / 10
SHARP = {"n_frequencies": 512, "learning_time": 10_000.0}  # a sharper density than alarms want


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


def sampled(detector, seed):
    def forecast(past):
        futures = detector.sample_future(past[:, None], HORIZON, 100, random_state=seed)
        return np.quantile(futures[:, :, 0], LEVELS, axis=0)

    return forecast


def main():
    args = argument_parser(__doc__, "one seed, 5 times").parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    report = Report("forecast", quick=args.quick)
    for name, period in SERIES.items():
        path = data_folder() / "nab" / "data" / name
        x = np.loadtxt(path, delimiter=",", skiprows=1, dtype=str)[:, 1].astype(float)
        train = x[: int(0.6 * len(x))]
        seeds = range(1 if args.quick else 3)
        times = np.linspace(len(train), len(x) - HORIZON, 5 if args.quick else 20).astype(int)
        losses, inside = {}, []
        for seed in seeds:
            detector = ActivationAnomalyDetector(window="auto", **SHARP, random_state=seed)
            detector.fit(train[:, None])
            for method, forecast in {
                "ActivationAnomalyDetector": sampled(detector, seed),
                "seasonal-naive": seasonal_naive(train, period),
                "linear autoregression": autoregression(train, detector.window_),
            }.items():
                quantiles = [forecast(x[:t]) for t in times]
                futures = [x[t : t + HORIZON] for t in times]
                loss = np.mean([pinball(y, q) for y, q in zip(futures, quantiles, strict=True)])
                losses.setdefault(method, []).append(loss)
                if method.startswith("Activation"):
                    pairs = zip(futures, quantiles, strict=True)
                    inside.append(np.mean([(y > q[0]) & (y < q[-1]) for y, q in pairs]))
        for method, values in losses.items():
            ratio = np.array(values) / losses["seasonal-naive"]
            report.add(f"{Path(name).stem}, pinball loss", method, ratio, "x naive's")
        report.add(
            f"{Path(name).stem}, inside 80 %",
            "ActivationAnomalyDetector",
            100 * np.array(inside),
            "%",
        )


if __name__ == "__main__":
    main()
