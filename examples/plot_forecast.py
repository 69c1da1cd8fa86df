"""
==========================================
Forecast the visitors of the next two days
==========================================

A detector that has learned a series also forecasts it. The forecast is a fan of quantiles: half
of the later hours should lie in the dark band, and nine of ten in the light one. The series is
simulated, so the example knows what came.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sklearn_activation import ActivationAnomalyDetector
from sklearn_activation.plotting import ForecastDisplay

plt.rcParams["font.size"] = 12

# %%
# Visitors of a growing site
# --------------------------
# The number of visitors has a daily pattern, and grows by about 300 an hour in each week. A slow
# disturbance, such as the weather, lasts for some hours.
rng = np.random.default_rng(0)
hours = pd.date_range("2026-03-02", periods=10 * 7 * 24, freq="h")
disturbance = np.zeros(len(hours))
for t in range(1, len(hours)):
    disturbance[t] = 0.85 * disturbance[t - 1] + rng.normal(0, 90)
day = 1500 * np.cos(2 * np.pi * (hours.hour - 15) / 24)
visitors = 4000 + 300 / 168 * np.arange(len(hours)) + day + disturbance
log = pd.DataFrame({"visitors an hour": visitors}, index=hours)
known, later = log[:-48], log[-48:]

# %%
# Some hours of the log are missing. The detector does not mind.
known = known.copy()
known.iloc[-60:-55] = np.nan
known.iloc[-3] = np.nan

# %%
# The fan
# -------
# A window of four days leaves two days of past for a forecast of two days. ``ForecastDisplay``
# calls ``forecast_quantiles`` and draws its answer. The red line is what came.
detector = ActivationAnomalyDetector(window=96, random_state=0).fit(known)
display = ForecastDisplay.from_estimator(detector, known, 48)
display.ax_.plot(later.index, later["visitors an hour"], color="tab:red", linewidth=1.2)

low, high = detector.forecast_quantiles(known, 48, (0.05, 0.95))
inside = (low <= later.to_numpy()) & (later.to_numpy() <= high)
print(f"hours inside the light band: {inside.mean():.0%}, meant for 90 %")

# %%
# Whole continuations
# -------------------
# A quantile speaks about one hour. A question about several hours needs whole continuations, for
# example how many visitors the busiest hour of the next day will have.
paths = detector.sample_future(known, 24, n_samples=500, random_state=0)
busiest = paths[:, :, 0].max(axis=1)
low, high = np.quantile(busiest, (0.05, 0.95))
came = later["visitors an hour"][:24].max()
print(f"busiest hour: {low:.0f} to {high:.0f} with 90 %, and {came:.0f} came")

figure, ax = plt.subplots(figsize=(6.4, 3), layout="constrained")
ax.hist(busiest, bins=30, color="tab:blue", alpha=0.5)
ax.axvline(came, color="tab:red")
ax.set(xlabel="visitors in the busiest hour", ylabel="continuations")
ax.set_title("the busiest hour of the next day, and what came (red)", fontsize=12)
plt.show()
