"""
========================
A map of what is typical
========================

The pictures show which combinations of distance and time a detector treats as typical. The
pictures also show the threshold of the detector. The detector learns short deliveries by bicycle
and long deliveries by van. The deliveries are simulated.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sklearn_activation import ActivationAnomalyDetector
from sklearn_activation.plotting import ActivationLandscapeDisplay

plt.rcParams["font.size"] = 12

# %%
# Four hundred deliveries
# -----------------------
# A bicycle needs four minutes for a kilometre, and a van needs one and a half minutes.
rng = np.random.default_rng(0)
by_van = rng.random(400) < 0.5
distance = np.where(by_van, rng.normal(22, 3, 400), rng.normal(5, 1.2, 400))
minutes = np.where(by_van, 12 + 1.5 * distance, 5 + 4 * distance) + rng.normal(0, 3, 400)
trips = pd.DataFrame({"distance (km)": distance, "time (minutes)": minutes})
detector = ActivationAnomalyDetector(random_state=0).fit(trips)

new = pd.DataFrame(
    {"distance (km)": [5, 22, 5, 22], "time (minutes)": [25, 45, 46, 25]},
    index=["usual bicycle", "usual van", "slow bicycle", "fast van"],
)
for name, p, label in zip(new.index, detector.p_values(new), detector.predict(new), strict=True):
    print(f"{name:<14} p-value {p:.4f}  {'alarm' if label == -1 else 'normal'}")

# %%
# The landscape
# -------------
# Colours show the activation, and white dots are the deliveries that the detector learned. The
# red line is the threshold. The distance of the slow bicycle is common, and the time of the slow
# bicycle is common. No learned delivery combines this distance with this time.
figure, ax = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
ActivationLandscapeDisplay.from_estimator(detector, trips, ax=ax)
odd = new.iloc[2:]
ax.plot(odd["distance (km)"], odd["time (minutes)"], "X", color="white", markersize=11)
for name, place in odd.iterrows():
    ax.annotate(name, place, (9, 6), textcoords="offset points", color="white")

# %%
# The encoding decides what is typical
# ------------------------------------
# With ``encoding="unit"``, the detector uses only the ratios between the columns of a row. Ratios
# are enough for spectra or for counts of words. Ratios are not enough for deliveries: every
# delivery at a usual speed becomes typical, whatever its distance.
figure, ax = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
by_proportion = ActivationAnomalyDetector(encoding="unit", random_state=0).fit(trips)
ActivationLandscapeDisplay.from_estimator(by_proportion, trips, ax=ax)
ax.set_title('encoding="unit"')
plt.show()
