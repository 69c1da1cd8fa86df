"""
==============================
Four faults of a heating plant
==============================

A heating plant logs its temperature and its pressure every ten minutes. The detector learns 40
days of the log without labels. In the next 15 days, the detector reports when the log is unusual
and which sensor is to blame. The log is simulated, so the example knows the faults.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sklearn_activation import ActivationAnomalyDetector

plt.rcParams["font.size"] = 12
DAY = 144  # readings

# %%
# The log
# -------
# The load of the plant has a daily cycle and slow random changes. Both sensors follow the load.
# The last 15 days contain four faults.
rng = np.random.default_rng(0)
n = 55 * DAY
wander = np.zeros(n)
for i, shock in enumerate(rng.normal(0, 0.008, n - 1)):
    wander[i + 1] = 0.98 * wander[i] + shock
load = 1 + 0.5 * np.sin(2 * np.pi * np.arange(n) / DAY) + wander
log = pd.DataFrame(
    {
        "water (°C)": 60 + 6 * load + rng.normal(0, 0.4, n),
        "pressure (bar)": 2 + 0.3 * load + rng.normal(0, 0.03, n),
    },
    index=pd.date_range("2026-01-05", periods=n, freq="10min"),
)
history, later = log[: 40 * DAY], log[40 * DAY :].copy()
faults = {
    "the temperature rises by 5 °C, and stays there": "2026-02-16 09:30",
    "the pressure is stuck for four hours": "2026-02-20 00:00",
    "one reading of the temperature is 5 °C too high": "2026-02-23 12:00",
    "the pressure is missing for ten hours": "2026-02-26 00:00",
}
shift, stuck, spike, lost = pd.to_datetime(list(faults.values()))
later.loc[shift:, "water (°C)"] += 5
later.loc[stuck : stuck + pd.Timedelta("4h"), "pressure (bar)"] = later.loc[
    stuck, "pressure (bar)"
]
later.loc[spike, "water (°C)"] += 5
later.loc[lost : lost + pd.Timedelta("10h"), "pressure (bar)"] = np.nan

# %%
# The events
# ----------
# With ``window="auto"``, the detector finds the period of the log, which is one day. Every event
# has a start, an end and a list of sensors. The list begins with the most unusual sensor.
detector = ActivationAnomalyDetector(window="auto", random_state=0).fit(history)
events = detector.events(later)
print(f"window: {detector.window_} readings")
for event in events.itertuples():
    print(f"{event.start:%d %b %H:%M} to {event.end:%d %b %H:%M}  {event.channels[0]}")
print()
for fault, begin in faults.items():
    print(f"{pd.Timestamp(begin):%d %b %H:%M}  {fault}")

# %%
# The usual alternative is a lower and an upper limit for every sensor. In this example, the limits
# are the smallest and the largest reading of the history. After the lasting shift, the temperature
# exceeds its limit every day. The stuck sensor never exceeds a limit.
beyond = (later < history.min()) | (later > history.max())
days_beyond = beyond["water (°C)"].groupby(later.index.date).any().sum()
print(f"temperature beyond its limits on {days_beyond} of 15 days")
four_hours = beyond.loc[stuck : stuck + pd.Timedelta("4h"), "pressure (bar)"]
print(f"readings of the stuck sensor beyond its limits: {four_hours.sum()}")

# %%
# Fifteen days
# ------------
# Events are red. The new level of the temperature is an event when the level begins. The detector
# raises no alarm for the new level afterwards.
figure, axes = plt.subplots(2, sharex=True, figsize=(6.4, 4.8), layout="constrained")
for ax, name in zip(axes, later, strict=True):
    ax.plot(later[name], linewidth=0.8)
    ax.set_ylabel(name)
    for event in events.itertuples():
        ax.axvspan(event.start, event.end, color="tab:red", alpha=0.3)
days = later.index[::DAY]
axes[-1].set_xticks(days[::3], days[::3].strftime("%d %b"))
figure.align_ylabels()

# %%
# The stuck sensor
# ----------------
# The picture shows the hours around the second fault. While the sensor is stuck, the pressure
# stays at a usual level. Only the lack of small changes is unusual.
closely = later.loc[stuck - pd.Timedelta("16h") : stuck + pd.Timedelta("20h"), "pressure (bar)"]
figure, ax = plt.subplots(figsize=(6.4, 3), layout="constrained")
ax.plot(closely)
for event in events.itertuples():
    if event.start <= closely.index[-1] and event.end >= closely.index[0]:
        ax.axvspan(event.start, event.end, color="tab:red", alpha=0.3)
ticks = pd.date_range(closely.index[0].ceil("8h"), closely.index[-1], freq="8h")
ax.set_xticks(ticks, ticks.strftime("%d %b\n%H:%M"))
ax.set_ylabel("pressure (bar)")
plt.show()
