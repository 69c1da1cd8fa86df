"""A log of a cold room, and the event that the detector finds in it."""

import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sklearn_activation import ActivationAnomalyDetector

rng = np.random.default_rng(0)
n = 60 * 24
phase = 2 * np.pi * np.arange(n) / 24
log = pd.DataFrame(
    {
        "°C": 4 + np.sin(phase) + rng.normal(0, 0.15, n),
        "kW": 3 + np.cos(phase) + rng.normal(0, 0.15, n),
    },
    index=pd.date_range("2026-03-02", periods=n, freq="h"),
)
log.iloc[55 * 24 + 2 : 55 * 24 + 14, 0] = log.iloc[55 * 24 + 2, 0]  # the thermometer is stuck

history, week = log[: 50 * 24], log[50 * 24 : 58 * 24]
detector = ActivationAnomalyDetector(window=24, random_state=0).fit(history)
events = detector.events(week)

figure, axes = plt.subplots(2, figsize=(4.8, 4.2), sharex=True, layout="constrained")
for ax, name in zip(axes, week.columns, strict=True):
    ax.plot(week.index, week[name], color="#5b7688", linewidth=1.2)
    ax.set_ylabel(name)
for event in events.itertuples():
    for ax in axes:
        ax.axvspan(event.start, event.end, color="#f39c3d", alpha=0.35, linewidth=0)
    axes[0].set_title(
        f"{event.start:%d %B, %H:%M} to {event.end:%H:%M}: {', '.join(event.channels)}",
        fontsize=11,
        color="#b35c00",
    )
axes[-1].xaxis.set_major_locator(mdates.DayLocator(interval=2))
axes[-1].xaxis.set_major_formatter(mdates.DateFormatter("%d %b"))
