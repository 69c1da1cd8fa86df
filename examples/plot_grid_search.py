"""
=====================================
Tune a detector by a few known faults
=====================================

Twenty known faults are enough for ``GridSearchCV`` to find out which columns help a detector. A
roastery weighs its coffee before and after roasting. The weight that a faulty batch loses does not
fit the heat and the time of its roasting. The batches are simulated.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.metrics import average_precision_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import Pipeline

from sklearn_activation import ActivationAnomalyDetector
from sklearn_activation.metrics import make_outlier_scorer

plt.rcParams["font.size"] = 12

# %%
# Batches of coffee
# -----------------
# Three of the six columns have no relation to the faults: the humidity, the temperature outside
# and the waiting time.


def batches(n, n_faults, rng):
    heat, minutes = rng.normal(210, 8, n), rng.normal(12, 1.5, n)
    loss = 15 + 0.12 * (heat - 210) + 0.9 * (minutes - 12) + rng.normal(0, 0.25, n)
    is_fault = np.arange(n) < n_faults
    loss += np.where(is_fault, rng.choice([-2.6, 2.6], n), 0)
    table = pd.DataFrame(
        {
            "heat": heat,
            "minutes": minutes,
            "weight loss": loss,
            "humidity": rng.uniform(30, 70, n),
            "outside": rng.normal(12, 7, n),
            "waited": rng.exponential(20, n),
        }
    )
    return table.round(2), is_fault


rng = np.random.default_rng(0)
X, is_fault = batches(500, 20, rng)
X_new, is_fault_new = batches(2000, 80, rng)

# %%
# The search
# ----------
# The detector uses no labels. The scorer uses the labels to measure how well a detector ranks
# faults before other batches. ``outlier_label=1`` means that True stands for a fault. The batches
# that the detector learns include faults. ``contamination`` is the approximate share of faults.
pipeline = Pipeline(
    [
        ("columns", ColumnTransformer([("keep", "passthrough", list(X))])),
        ("detect", ActivationAnomalyDetector(contamination=0.04, random_state=0)),
    ]
)
columns = {
    "all six": list(X),
    "roasting": ["heat", "minutes", "weight loss"],
    "weight loss": ["weight loss"],
}
bandwidths = [0.5, 1.0, 2.0]
search = GridSearchCV(
    pipeline,
    {
        "columns__transformers": [[("keep", "passthrough", names)] for names in columns.values()],
        "detect__bandwidth": bandwidths,
    },
    scoring=make_outlier_scorer("average_precision", outlier_label=1),
    cv=StratifiedKFold(3, shuffle=True, random_state=0),
)
search.fit(X, is_fault)
best = search.best_estimator_
print("columns of the best detector:", best["columns"].transformers[0][2])
print("bandwidth of the best detector:", best["detect"].bandwidth)

# %%
# The example compares two detectors on new batches: the best detector of the search and the
# pipeline without a search. The average precision is 1 if all faults rank before all other
# batches.
for name, detector in {"without a search": pipeline.fit(X), "best of the search": best}.items():
    precision = average_precision_score(is_fault_new, -detector.score_samples(X_new))
    print(f"{name:<19} average precision on new batches {precision:.2f}")

# %%
# All nine detectors
# ------------------
# A line belongs to one choice of columns. The average precision is a mean over three folds.
found = np.reshape(search.cv_results_["mean_test_score"], (len(columns), len(bandwidths)))
figure, ax = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
for name, scores, marker in zip(columns, found, "os^", strict=True):
    ax.plot(bandwidths, scores, marker=marker, label=name)
ax.set(xscale="log", xlabel="bandwidth", ylabel="average precision", ylim=(0, 1.3))
ax.set_xticks(bandwidths, bandwidths)
ax.set_yticks([0, 0.5, 1])
ax.minorticks_off()
ax.legend(title="columns", ncols=3, loc="upper left")
plt.show()
