"""
=====================================
Rows in batches, on machines, and old
=====================================

``partial_fit`` adds rows to what has been learned, ``merge`` adds up what two machines have
learned, and ``forget`` lets a detector follow rows that change with time. All three work on sums
over rows, so where they are exact can be told beforehand.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklearn_activation import ActivationAnomalyDetector, ActivationLearningClassifier

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
batches = np.array_split(np.arange(len(y_train)), 12)

# %%
# One layer: exact. Two layers: close
# -----------------------------------
# With one layer, a fixed encoding and a given learning time, the batches add up to the model of
# all rows, to rounding. Upper layers add up features as they were when their rows came, which
# differ from those of the finished layer below.
settings = {
    "one layer": {"layer_sizes": 74, "learning_time": 200.0},
    "two layers": {"layer_sizes": (256, 256), "learning_time": (300.0, 1000.0)},
    'two layers, "auto"': {},
}
curves = {}
for name, options in settings.items():
    options = {**options, "encoding": "unit", "feedback": False, "random_state": 0}
    at_once = ActivationLearningClassifier(**options).fit(X_train, y_train)
    stream = ActivationLearningClassifier(**options)
    curves[name] = []
    for batch in batches:
        stream.partial_fit(X_train[batch], y_train[batch], classes=range(10))
        curves[name].append(stream.score(X_test, y_test))
    gap = np.abs(stream.decision_function(X_test) - at_once.decision_function(X_test)).max()
    print(
        f"{name:<19} batches {stream.score(X_test, y_test):.1%}, "
        f"at once {at_once.score(X_test, y_test):.1%}, largest difference {gap:.1e}"
    )

# %%
# Two machines
# ------------
# Each half of the rows is learned on its own. The merged model is that of all rows.
options = {**settings["one layer"], "encoding": "unit", "feedback": False, "random_state": 0}
at_once = ActivationLearningClassifier(**options).fit(X_train, y_train)
halves = [
    ActivationLearningClassifier(**options).fit(X_train[half], y_train[half])
    for half in np.array_split(np.arange(len(y_train)), 2)
]
alone = [half.score(X_test, y_test) for half in halves]
merged = halves[0].merge(halves[1])
gap = np.abs(merged.decision_function(X_test) - at_once.decision_function(X_test)).max()
print(f"halves {alone[0]:.1%} and {alone[1]:.1%}, merged {merged.score(X_test, y_test):.1%}")
print(f"largest difference between merged and at once {gap:.1e}")

# %%
# Drift
# -----
# Rows of two columns whose mean moves, in batches of 100. Before a batch is learned, the detector
# says how many of its rows are alarms, all of them false. Without ``forget`` old rows count as
# much as new ones for ever; with ``forget=0.005`` the memory is some 200 rows. Ten anomalies a
# batch, where the stream began, show the other side: what was normal once has to be forgotten.
means = np.concatenate([np.zeros(20), np.linspace(0, 8, 40), np.full(20, 8.0)])
alarms = {}
for forget in (0.0, 0.005):
    detector = ActivationAnomalyDetector(forget=forget, n_frequencies=128, random_state=0)
    rng = np.random.default_rng(0)
    false, found = [], []
    for mean in means:
        rows = rng.normal((mean, -mean / 2), 1, size=(100, 2))
        if hasattr(detector, "offset_"):
            false.append(np.mean(detector.predict(rows) == -1))
            found.append(np.mean(detector.predict(rng.normal(0, 1, size=(10, 2))) == -1))
        detector.partial_fit(rows)
    alarms[forget] = np.array(false), np.array(found)
    print(
        f"forget={forget:g}: false alarms {np.mean(false[:19]):.1%} before the drift, "
        f"{np.mean(false[19:59]):.1%} during it, {np.mean(false[59:]):.1%} after it; "
        f"rows of the start are alarms in {np.mean(found[59:]):.0%} after it"
    )

# %%
# What to look at
# ---------------
# Left, the first batches teach most. Right, a detector that keeps everything raises false alarms
# for as long as the mean moves, and then has learned the new place beside the old one. The one
# that forgets stays near its 1 % throughout.
figure, axes = plt.subplots(1, 2, figsize=(12, 4), layout="constrained")
seen = np.cumsum([len(batch) for batch in batches])
for name, curve in curves.items():
    axes[0].plot(seen, 100 * np.array(curve), marker="o", label=name)
axes[0].set(xlabel="rows seen", ylabel="accuracy on unseen digits (%)", title="partial_fit")
axes[0].legend()
for (forget, (false, _)), color in zip(alarms.items(), ("tab:gray", "tab:orange"), strict=True):
    smooth = np.convolve(false, np.ones(5) / 5, mode="valid")
    axes[1].plot(np.arange(len(smooth)) + 3, 100 * smooth, color=color, label=f"forget={forget:g}")
axes[1].axvspan(20, 60, color="0.92", label="the mean moves")
axes[1].set(xlabel="batch", ylabel="false alarms (%), mean of 5 batches", title="Drift")
axes[1].legend()
plt.show()
