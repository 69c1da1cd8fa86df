"""A table of payments, its oddest row, and what made that row odd."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sklearn_activation import ActivationAnomalyDetector

rng = np.random.default_rng(0)
n = 1200
shop = rng.choice(["grocery", "fuel", "hotel"], n, p=[0.6, 0.3, 0.1])
price = pd.Series(shop).map({"grocery": 35, "fuel": 60, "hotel": 180}).to_numpy()
payments = pd.DataFrame(
    {
        "shop": shop,
        "amount": price * rng.lognormal(0, 0.2, n),
        "hour": np.where(shop == "hotel", rng.normal(16, 1.5, n), rng.normal(12, 2.5, n)),
    }
)
payments.loc[700] = ["grocery", 190.0, 16.0]  # usual for a hotel, not for a grocery

detector = ActivationAnomalyDetector(random_state=0).fit(payments)
worst = detector.training_scores_.argmin()
why = detector.explain(payments[worst : worst + 1])[0]

figure, axes = plt.subplots(2, figsize=(4.8, 4.2), height_ratios=(3, 1), layout="constrained")
colors = {"grocery": "#4c8f5b", "fuel": "#5b7688", "hotel": "#8a6fb0"}
markers = {"grocery": "o", "fuel": "^", "hotel": "s"}
for name, rows in payments.groupby("shop", sort=False):
    axes[0].plot(rows["hour"], rows["amount"], markers[name], color=colors[name], ms=3, label=name)
odd = payments.loc[worst]
axes[0].plot(odd["hour"], odd["amount"], "o", mfc="white", mec="#b35c00", ms=16, mew=2.5)
axes[0].plot(odd["hour"], odd["amount"], markers[odd["shop"]], color=colors[odd["shop"]], ms=7)
axes[0].annotate(
    f"the oddest row:\na {odd['shop']} for {odd['amount']:.0f}",
    (odd["hour"], odd["amount"]),
    (5, 210),
    color="#b35c00",
    arrowprops={"arrowstyle": "->", "color": "#b35c00", "shrinkB": 10},
)
axes[0].set_xlabel("hour of the payment")
axes[0].set_ylabel("amount")
axes[0].legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3, frameon=False)
axes[1].barh(payments.columns, why, color="#b35c00")
axes[1].invert_yaxis()
axes[1].set_xlabel("how much each column makes the row odd")
axes[1].set_xticks([])
