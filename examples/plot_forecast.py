"""
============
Forecast fan
============

A detector of windows knows which windows are typical, so it can say how a series may go on: it
draws futures that make the window typical, given the stamps that are known (paper, section VI.A).
Their quantiles are a forecast, judged here on a made-up series of days of 24 hours.
"""

import time

import matplotlib.pyplot as plt
import numpy as np

from sklearn_activation import ActivationAnomalyDetector

DAY, N_DAYS, N_LEARNED = 24, 105, 90
LEVELS = np.arange(1, 10) / 10

rng = np.random.default_rng(0)
hour = np.arange(DAY)
profile = np.sin(2 * np.pi * hour / DAY) + 0.5 * np.sin(4 * np.pi * hour / DAY)
strength = np.ones(N_DAYS)
for day in range(1, N_DAYS):  # days that follow each other are alike
    strength[day] = 1 + 0.8 * (strength[day - 1] - 1) + 0.15 * rng.normal()
series = (strength[:, None] * profile + 0.15 * rng.normal(size=(N_DAYS, DAY))).ravel()
learned = series[: N_LEARNED * DAY]

# %%
# Draw futures
# ------------
# Windows are three days, two of them known. Each of the last 15 days is drawn 100 times, from the
# two before it; the deciles of the draws are the forecast.
started = time.perf_counter()
detector = ActivationAnomalyDetector(window=3 * DAY, n_frequencies=256, random_state=0)
detector.fit(learned[:, None])
print(f"fit {time.perf_counter() - started:.1f} s")


def sampled(past):
    futures = detector.sample_future(past[:, None], DAY, n_samples=100, random_state=0)
    return np.quantile(futures[:, :, 0], LEVELS, axis=0)


# %%
# Alternatives
# ------------
# Seasonal-naive repeats the last day and adds deciles of its errors on the learned days, hour by
# hour. The linear model regresses 24 hours on the 48 before them, with a little ridge, on all
# windows of the learned series, and adds deciles of its errors there.
days = learned.reshape(-1, DAY)
naive_errors = np.quantile(days[1:] - days[:-1], LEVELS, axis=0)
windows = np.lib.stride_tricks.sliding_window_view(learned, 3 * DAY)
inputs = np.column_stack([windows[:, : 2 * DAY], np.ones(len(windows))])
ridge = inputs.T @ inputs + np.eye(inputs.shape[1])
coefs = np.linalg.solve(ridge, inputs.T @ windows[:, 2 * DAY :])
linear_errors = np.quantile(windows[:, 2 * DAY :] - inputs @ coefs, LEVELS, axis=0)
forecasters = {
    "sampled futures": sampled,
    "seasonal-naive": lambda past: past[-DAY:] + naive_errors,
    "linear model": lambda past: np.append(past[-2 * DAY :], 1) @ coefs + linear_errors,
}

# %%
# Judge
# -----
# Pinball loss punishes quantiles for their distance from what came, and the interval between the
# outer deciles ought to hold 80 % of all hours: fewer, and it is too narrow; more, too wide. This
# series is nearly linear in its past, so a linear model is hard to beat, and costs nothing.
# Sampling assumes nothing of the kind, takes a second or more a forecast, and needs no other
# model than the one that raises alarms.
found = {}
for name, forecast in forecasters.items():
    started = time.perf_counter()
    found[name] = np.stack(
        [forecast(series[: day * DAY]) for day in range(N_LEARNED, N_DAYS)], axis=1
    )
    seconds = (time.perf_counter() - started) / (N_DAYS - N_LEARNED)
    truth = series[N_LEARNED * DAY :].reshape(-1, DAY)
    error = truth - found[name]
    loss = np.maximum(LEVELS[:, None, None] * error, (LEVELS[:, None, None] - 1) * error).mean()
    held = np.mean((truth >= found[name][0]) & (truth <= found[name][-1]))
    median = np.abs(error[4]).mean()
    print(
        f"{name:<16} pinball loss {loss:.4f}, absolute error of the median {median:.3f}, "
        f"80 % interval holds {held:.1%}, {seconds:.3f} s a forecast"
    )

# %%
# The fan
# -------
# Four days, each forecast from the two before it. The bands hold the middle 80 % and 40 % of the
# draws, the line is their median, and the dots are what came.
figure, axes = plt.subplots(2, 1, figsize=(10, 5), sharex=True, sharey=True, layout="constrained")
shown = slice(0, 4)
hours = np.arange(4 * DAY)
for ax, name in zip(axes, ("sampled futures", "linear model"), strict=True):
    quantiles = found[name][:, shown].reshape(len(LEVELS), -1)
    ax.fill_between(hours, quantiles[0], quantiles[-1], color="tab:orange", alpha=0.25)
    ax.fill_between(hours, quantiles[2], quantiles[-3], color="tab:orange", alpha=0.4)
    ax.plot(hours, quantiles[4], color="tab:orange")
    ax.plot(hours, truth[shown].ravel(), ".", color="black", markersize=4)
    ax.set(title=name, ylabel="value")
axes[-1].set(xlabel="hours; every day is forecast at its beginning")
plt.show()
