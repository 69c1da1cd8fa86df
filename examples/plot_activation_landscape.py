"""
========================
A map of what is typical
========================

The picture shows which places of the plane a detector takes for typical, and where its threshold
lies. The detector learns deliveries of two kinds: short trips of a bicycle and long trips of a
van. The deliveries are made up.
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
# A bicycle takes four minutes for a kilometre, and a van one and a half.
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
# Colours show the activation, and white dots are the deliveries that were learned. The red line is
# the threshold. The slow bicycle has a common distance and a common time, but no delivery has
# both.
figure, ax = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
ActivationLandscapeDisplay.from_estimator(detector, trips, ax=ax)
odd = new.iloc[2:]
ax.plot(odd["distance (km)"], odd["time (minutes)"], "X", color="white", markersize=11)
for name, place in odd.iterrows():
    ax.annotate(name, place, (9, 6), textcoords="offset points", color="white")

# %%
# The encoding decides what is typical
# ------------------------------------
# ``encoding="unit"`` looks at the proportion of the columns only. That suits spectra or counts of
# words. For deliveries it is wrong: whatever has a usual speed is typical, however far it goes.
figure, ax = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
by_proportion = ActivationAnomalyDetector(encoding="unit", random_state=0).fit(trips)
ActivationLandscapeDisplay.from_estimator(by_proportion, trips, ax=ax)
ax.set_title('encoding="unit"')
plt.show()
