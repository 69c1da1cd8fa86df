"""
====================================
Watch the traffic of a web shop live
====================================

A monitor judges every hour of a log when the hour arrives. The monitor raises an alarm within the
first hours of an outage. The monitor uses a detector that has learned ten weeks of traffic without
labels. The log is simulated, so the example knows the incidents.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sklearn_activation import ActivationAnomalyDetector

plt.rcParams["font.size"] = 12

# %%
# Twelve weeks of traffic
# -----------------------
# The shop has the fewest visits at five in the morning and the most visits at 17:00. The shop has
# more visits at weekends than on other days.
rng = np.random.default_rng(0)
hours = pd.date_range("2026-03-02", periods=12 * 7 * 24, freq="h")
course = 1 + 0.6 * np.cos(2 * np.pi * (hours.hour - 17) / 24)
course *= np.where(hours.day_of_week >= 5, 1.25, 1)
log = pd.DataFrame(
    {
        "visits an hour": 4000 * course * np.exp(rng.normal(0, 0.04, len(hours))),
        "answer time (ms)": (180 + 60 * course) * np.exp(rng.normal(0, 0.04, len(hours))),
    },
    index=hours,
)
history, live = log[: 10 * 7 * 24], log[10 * 7 * 24 :].copy()

# %%
# Two incidents happen in the last two weeks. On 14 May, the payment page is down from 18:00 to
# 22:00, and half of the visitors leave. In the night of 19 May, a robot reads the catalogue from
# 02:00 to 05:00. The number of visits during an incident is not unusual by itself, because other
# hours of the week have as many visits.
outage = (live.index >= "2026-05-14 18:00") & (live.index < "2026-05-14 22:00")
robot = (live.index >= "2026-05-19 02:00") & (live.index < "2026-05-19 05:00")
live.loc[outage, "visits an hour"] *= 0.5
live.loc[robot, "visits an hour"] += 3500
lowest, highest = history["visits an hour"].min(), history["visits an hour"].max()
print(f"visits of the history: {lowest:.0f} to {highest:.0f} an hour")
for name, rows in {"outage": outage, "robot": robot}.items():
    least, most = live.loc[rows, "visits an hour"].agg(["min", "max"])
    print(f"visits during the {name}: {least:.0f} to {most:.0f} an hour")

# %%
# Hour by hour
# ------------
# ``update`` takes the newest hour, and returns its score, its p-value and whether the hour is an
# alarm. A monitor never uses later hours, so the alarms are the same as in live operation. The
# detector uses windows of twelve hours, because the incidents last a few hours.
detector = ActivationAnomalyDetector(window=12, random_state=0).fit(history)
monitor = detector.monitor(history)
judged = [monitor.update(live.iloc[[i]])[0] for i in range(len(live))]
alarm = np.array([hour["alarm"] for hour in judged])
for time in live.index[alarm & ~np.roll(alarm, 1)]:
    print(f"alarm at {time:%d %b %H:%M}")
print(f"hours in alarm: {alarm.sum()} of {len(live)}")

# %%
# What the monitor saw
# --------------------
# The line shows the visits, and red dots are the hours in alarm.
figure, ax = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
shown = slice("2026-05-13", "2026-05-20")
visits = live.loc[shown, "visits an hour"]
ax.plot(visits, label="visits")
red = live.loc[alarm, "visits an hour"].loc[shown]
ax.plot(red, "o", color="tab:red", label="alarm")
days = pd.date_range("2026-05-13", "2026-05-21", freq="2D")
ax.set_xticks(days, days.strftime("%d %b"))
ax.set(ylabel="visits an hour", ylim=(0, 10000))
ax.legend(loc="upper left", ncols=2)
plt.show()
