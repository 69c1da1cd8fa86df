"""
=====================================
Choose how many alarms you can afford
=====================================

``set_threshold(p=...)`` sets the share of normal rows that the detector reports. The detector
reports about the same share of new normal rows. In this example, a parcel service looks for wrong
declarations of goods. If the service accepts more false alarms, the detector finds more wrong
declarations. The parcels are simulated.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.ensemble import IsolationForest

from sklearn_activation import ActivationAnomalyDetector

plt.rcParams["font.size"] = 12

# %%
# Parcels
# -------
# The goods in a parcel determine its weight per litre and its price per kilogram.
goods = pd.DataFrame(
    {"heavy": [0.15, 0.45, 0.25, 0.9], "dear": [35, 18, 160, 8]},
    index=["clothes", "books", "electronics", "tools"],
)


def parcels(n, rng):
    kind = rng.choice(goods.index, size=n, p=[0.4, 0.25, 0.2, 0.15])
    litres = rng.uniform(4, 40, n)
    weight = litres * goods.loc[kind, "heavy"].to_numpy() * np.exp(rng.normal(0, 0.15, n))
    price = weight * goods.loc[kind, "dear"].to_numpy() * np.exp(rng.normal(0, 0.3, n))
    return pd.DataFrame({"goods": kind, "litres": litres, "weight": weight, "price": price})


rng = np.random.default_rng(0)
learned = parcels(2000, rng)
days = pd.date_range("2026-06-01", periods=28, freq="D")
new = parcels(28 * 300, rng)
new.index = np.repeat(days, 300)

# %%
# Every day, three parcels have a wrong declaration of their goods.
is_wrong = np.tile(np.arange(300) < 3, 28)
truth = new.loc[is_wrong, "goods"].map(list(goods.index).index)
new.loc[is_wrong, "goods"] = goods.index[(truth + rng.integers(1, 4, len(truth))) % 4].to_numpy()
print(new.round(2).head(4).to_string())

# %%
# Three thresholds
# ----------------
# The detector learns once. ``predict`` always uses the newest threshold. A day has 300 parcels, so
# 1 % of false alarms means about three parcels a day.
detector = ActivationAnomalyDetector(random_state=0).fit(learned)
shares = [0.002, 0.01, 0.05]
print("share asked for   share of normal parcels   wrong declarations found")
alarms = {}
for share in shares:
    detector.set_threshold(p=share)
    alarms[share] = detector.predict(new) == -1
    false, found = alarms[share][~is_wrong].mean(), alarms[share][is_wrong].mean()
    print(f"{share:15.1%}{false:26.1%}{found:27.0%}")

# %%
# ``IsolationForest`` promises no share of false alarms by default. The first row of the next table
# shows the alarms of ``IsolationForest`` with its defaults. The second row shows its alarms with
# ``contamination=0.01``, which asks for 1 %.
encoded, new_encoded = pd.get_dummies(learned), pd.get_dummies(new)
print("  contamination   share of normal parcels   wrong declarations found")
for contamination in ("auto", 0.01):
    forest = IsolationForest(contamination=contamination, random_state=0).fit(encoded)
    reported = forest.predict(new_encoded) == -1
    false, found = reported[~is_wrong].mean(), reported[is_wrong].mean()
    print(f"{contamination:>15}{false:26.1%}{found:27.0%}")

# %%
# False alarms day by day
# -----------------------
# Dotted lines show how many false alarms a day the threshold asks for.
figure, ax = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
for share in shares[1:]:
    false = pd.Series(alarms[share] & ~is_wrong, index=new.index).groupby(level=0).sum()
    ax.plot(false, marker="o", label=f"p={share:g}")
    ax.axhline(297 * share, color=ax.lines[-1].get_color(), linestyle=":")
ax.set(ylabel="false alarms a day", ylim=(0, 32))
ax.set_xticks(days[::9], days[::9].strftime("%d %b"))
ax.legend(loc="upper right", ncols=2)
plt.show()
