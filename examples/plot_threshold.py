"""
=======================
Thresholds and p-values
=======================

Most people take the threshold of a detector from the scores of its training rows: the lowest
5 % are alarms, and 5 % of normal rows to come should be, too. A detector that scores rows which
it has learned breaks that promise. This one scores every training row by what all others teach.
How do the promises of three detectors hold on clean rows of four tables?
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.ensemble import IsolationForest
from sklearn.model_selection import train_test_split
from sklearn.neighbors import LocalOutlierFactor

from sklearn_activation import ActivationAnomalyDetector

cancer, digits, iris, wine = (
    load(return_X_y=True) for load in (load_breast_cancer, load_digits, load_iris, load_wine)
)
tables = {
    "benign": cancer[0][cancer[1] == 1],
    "digits": digits[0],
    "iris": iris[0],
    "wine": wine[0],
}
LEVELS = np.array([0.01, 0.02, 0.05, 0.1, 0.2, 0.3])
N_SPLITS = 10

# %%
# Promised and raised
# -------------------
# Half of the rows are learned, and the other half is just as normal, so every alarm is a false
# one. For each method the threshold is the quantile of the scores of the training rows; for
# ActivationAnomalyDetector p-values are there, too.
rates = {}
uniform, learned_scores, unseen_scores = [], None, None
for name, X in tables.items():
    for split in range(N_SPLITS):
        normal, unseen = train_test_split(X, test_size=0.5, random_state=split)
        detector = ActivationAnomalyDetector(random_state=split).fit(normal)
        p = detector.p_values(unseen)
        forest = IsolationForest(random_state=split).fit(normal)
        factor = LocalOutlierFactor(novelty=True).fit(normal)
        scores = {
            "activation, training rows": [detector.score_samples(R) for R in (normal, unseen)],
            "IsolationForest, training rows": [forest.score_samples(R) for R in (normal, unseen)],
            "LocalOutlierFactor, training rows": [
                factor.negative_outlier_factor_,
                factor.score_samples(unseen),
            ],
        }
        found = {"activation, p_values": [np.mean(p <= level) for level in LEVELS]}
        for method, (own, other) in scores.items():
            found[method] = [np.mean(other < np.quantile(own, level)) for level in LEVELS]
        for method, values in found.items():
            rates.setdefault((method, name), []).append(values)
        if name == "benign":
            uniform.append(p)
            learned_scores, unseen_scores = scores["activation, training rows"]

methods = list(dict.fromkeys(method for method, _ in rates))
print(f"false alarms at a promised 5 %{'':<12}" + "".join(f"{name:>9}" for name in tables))
for method in methods:
    row = [np.mean(rates[method, name], axis=0)[2] for name in tables]
    print(f"{method:<42}" + "".join(f"{rate:9.1%}" for rate in row))

# %%
# What it looks like
# ------------------
# Left, scores of the benign rows that were learned and of those that were not, in one
# split: their distributions agree, so a quantile of the first is one of the second. In the middle,
# p-values of unseen rows of all splits, which ought to be even. Right, false alarms over the
# promised level, the mean of the four tables: on the dotted line a method keeps its word, above it
# it raises more.
figure, axes = plt.subplots(1, 3, figsize=(14, 4), layout="constrained")
axes[0].hist([learned_scores, unseen_scores], 30, label=["learned", "unseen"])
axes[0].axvline(np.quantile(learned_scores, 0.05), color="black", linestyle=":")
axes[0].set(xlabel="activation", ylabel="benign rows", title="dotted: 5 % of learned rows")
axes[0].legend(loc="upper left")
axes[1].hist(np.concatenate(uniform), np.linspace(0, 1, 21), density=True)
axes[1].axhline(1, color="black", linestyle=":")
axes[1].set(xlabel="p-value of unseen benign rows", ylabel="density", title="p_values")
for method in methods:
    mean = np.mean([np.mean(rates[method, name], axis=0) for name in tables], axis=0)
    axes[2].loglog(100 * LEVELS, 100 * mean, marker="o", label=method)
axes[2].loglog(100 * LEVELS, 100 * LEVELS, "k:")
axes[2].set(xlabel="promised (%)", ylabel="false alarms (%)", title="mean of four tables")
axes[2].set_xticks(100 * LEVELS, [f"{100 * level:g}" for level in LEVELS])
axes[2].set_yticks([1, 2, 5, 10, 20, 50, 100], [1, 2, 5, 10, 20, 50, 100])
axes[2].minorticks_off()
axes[2].legend(fontsize="small")
plt.show()
