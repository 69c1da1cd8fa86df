"""
==========
Quickstart
==========

The three estimators on data that scikit-learn ships, each beside what one would
pick instead: classification of digits by a grid search over a pipeline, features
for a linear model, and anomalies among breast-cancer rows with the benign ones as
normal. Prints a table and saves ``quickstart.png``.
"""

# %%
# Every task reports as it goes; nothing takes longer than some seconds.
import time

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from sklearn_activation import (
    ActivationAnomalyDetector,
    ActivationLearningClassifier,
    CompetitiveHebbianTransformer,
)

ROWS = []


def report(task, method, quality, value, seconds):
    ROWS.append((task, method, quality, value, seconds))
    print(f"  {task:<28}{method:<46}{quality:<10}{value:7.3f}{seconds:8.1f} s", flush=True)


def timed(fit):
    started = time.perf_counter()
    fitted = fit()
    return fitted, time.perf_counter() - started


print(f"  {'task':<28}{'method':<46}{'quality':<10}{'':>7}{'fit':>8}")

# %%
# Digits: a grid search over a pipeline
# -------------------------------------
# The classifier chooses its learning times by itself, so the search only has the
# widths of the layers to look at. Both searches use the same folds.
X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)

searches = {
    "ActivationLearningClassifier": (
        ActivationLearningClassifier(encoding="unit", random_state=0),
        {"activationlearningclassifier__layer_sizes": [(256, 256), (512, 512)]},
    ),
    "MLPClassifier": (
        MLPClassifier(max_iter=300, random_state=0),
        {"mlpclassifier__hidden_layer_sizes": [(256, 256), (512, 512)]},
    ),
}
for name, (classifier, grid) in searches.items():
    pipeline = make_pipeline(MinMaxScaler(), classifier)
    search, seconds = timed(
        lambda p=pipeline, g=grid: GridSearchCV(p, g, cv=3).fit(X_train, y_train)
    )
    report("digits, grid search", name, "accuracy", search.score(X_test, y_test), seconds)

# %%
# Features for a linear model
# ---------------------------
# Squared competitive features see products of pixels; principal components don't.
hebbian = CompetitiveHebbianTransformer(256, activation="square", random_state=0)
features = {
    "LogisticRegression": [],
    "PCA(40) > LogisticRegression": [PCA(40, random_state=0)],
    "CompetitiveHebbianTransformer(256) > LogisticRegression": [hebbian],
}
for name, steps in features.items():
    model = make_pipeline(MinMaxScaler(), *steps, LogisticRegression(C=100, max_iter=2000))
    model, seconds = timed(lambda m=model: m.fit(X_train, y_train))
    shown = name.replace("CompetitiveHebbianTransformer", "CompetitiveHebbian…")
    report("digits, features", shown, "accuracy", model.score(X_test, y_test), seconds)

# %%
# Anomalies in a table
# --------------------
# Half of the benign rows are what the detectors learn from; the other half and all
# malignant rows are what they judge. Raw columns: the detector scales them itself.
X, y = load_breast_cancer(return_X_y=True)
benign, malignant = X[y == 1], X[y == 0]
normal, unseen = train_test_split(benign, test_size=0.5, random_state=0)
judged = np.vstack([unseen, malignant])
is_normal = np.repeat([1, 0], [len(unseen), len(malignant)])

detectors = {
    "ActivationAnomalyDetector": ActivationAnomalyDetector(random_state=0),
    "IsolationForest": IsolationForest(random_state=0),
}
for name, detector in detectors.items():
    _, seconds = timed(lambda d=detector: d.fit(normal))
    auroc = roc_auc_score(is_normal, detector.score_samples(judged))
    false_alarms = np.mean(detector.predict(unseen) == -1)
    report("malignant among benign", name, "AUROC", auroc, seconds)
    report("malignant among benign", name, "false alarms", false_alarms, seconds)

# %%
# A picture
# ---------
# What the linear model gets to see, and how the detector tells rows apart.
fig, axes = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
scores = [row for row in ROWS if row[2] == "accuracy"]
labels = [row[1].replace(" > ", "\n> ") for row in scores]
colors = [
    "tab:orange" if "Activation" in row[1] or "Hebbian" in row[1] else "tab:gray" for row in scores
]
axes[0].barh(labels, [100 * (1 - row[3]) for row in scores], color=colors)
axes[0].invert_yaxis()
axes[0].set(xlabel="error on held-out digits (%)", title="Digits")

grid = hebbian.coefs_[0].T[:64].reshape(8, 8, 8, 8)
mosaic = np.pad(grid, ((0, 0), (0, 0), (0, 1), (0, 1)), constant_values=np.nan)
limit = np.abs(grid).max()
axes[1].imshow(
    mosaic.transpose(0, 2, 1, 3).reshape(72, 72), cmap="RdBu_r", vmin=-limit, vmax=limit
)
axes[1].set(title="64 of 256 units' weights", xticks=[], yticks=[])

detector = detectors["ActivationAnomalyDetector"]
lost = [np.log10(1 - detector.score_samples(rows)) for rows in (unseen, malignant)]
axes[2].hist(lost, bins=30, label=["benign, unseen", "malignant"], color=["tab:blue", "tab:red"])
axes[2].axvline(np.log10(1 - detector.offset_), color="black", linestyle=":", label="offset_")
axes[2].set(xlabel="lost activation, log10(1 - score)", ylabel="rows", title="Breast cancer")
axes[2].legend()
fig.savefig("quickstart.png", dpi=120)
print("\nPicture: quickstart.png")
