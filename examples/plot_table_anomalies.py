"""
=================================
Anomalies in a table, and reasons
=================================

Breast-cancer rows: a detector learns from benign ones, ranks the others, and says which columns
made a row untypical. Beside ``IsolationForest``, and with a part of all entries missing.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

from sklearn_activation import ActivationAnomalyDetector
from sklearn_activation.plotting import ExplanationDisplay

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
benign, malignant = X[y == 1], X[y == 0]

# %%
# Ranking
# -------
# Half of the benign rows are learned; the other half and all malignant rows are judged, over ten
# splits. Columns are raw, and the detector scales them. Then three tenths of all entries, of
# training and judged rows alike, are lost: the detector takes NaN as it is, as does the forest.
gaps = X.mask(np.random.default_rng(0).random(X.shape) < 0.3)
for title, table in {"all entries": X, "30 % missing": gaps}.items():
    auroc = {"ActivationAnomalyDetector": [], "IsolationForest": []}
    for split in range(10):
        normal, unseen = train_test_split(table[y == 1], test_size=0.5, random_state=split)
        judged = np.vstack([unseen, table[y == 0]])
        is_normal = np.repeat([1, 0], [len(unseen), (y == 0).sum()])
        for detector in (
            ActivationAnomalyDetector(random_state=split),
            IsolationForest(random_state=split),
        ):
            scores = detector.fit(normal.to_numpy()).score_samples(judged)
            auroc[type(detector).__name__].append(roc_auc_score(is_normal, scores))
    for name, found in auroc.items():
        print(f"{title:<14}{name:<27} AUROC {np.mean(found):.1%} +- {np.std(found, ddof=1):.1%}")

# %%
# Which rows to look at
# ---------------------
# A p-value says how many benign rows would activate as little. Of rows with p < 0.01, about one
# in a hundred benign ones is a false alarm; the picture shows that malignant rows crowd near 0.
normal, unseen = train_test_split(benign, test_size=0.5, random_state=0)
detector = ActivationAnomalyDetector(random_state=0).fit(normal)
p_unseen, p_malignant = detector.p_values(unseen), detector.p_values(malignant)
for name, p in {"benign": p_unseen, "malignant": p_malignant}.items():
    print(f"p < 0.01: {np.mean(p < 0.01):.1%} of {len(p)} {name} rows")

figure, axes = plt.subplots(1, 3, figsize=(14, 3.6), layout="constrained")
bins = np.linspace(0, 1, 21)
axes[0].hist(
    [p_unseen, p_malignant],
    bins,
    weights=[np.full(len(p), 100 / len(p)) for p in (p_unseen, p_malignant)],
    label=["benign, unseen", "malignant"],
    color=["tab:blue", "tab:red"],
)
axes[0].set(xlabel="p-value", ylabel="rows of the kind (%)", title="p-values")
axes[0].legend()

# %%
# Why this row
# ------------
# ``explain`` compares a row with typical ones near it and splits the activation that it has lost
# among the columns. It costs some hundred scorings, so it is for alarms, such as the malignant
# row that activates least: one large tumour is large in several columns, which share the loss.
# Whether the bars can be trusted shows where the reason is known: in benign rows one entry, in a
# column drawn at random, gets its decimal point misplaced.
odd = malignant.iloc[[int(np.argmin(detector.score_samples(malignant)))]]
ExplanationDisplay.from_estimator(detector, odd, n_features=6, ax=axes[1])
axes[1].set_title("Least typical malignant row")

rng = np.random.default_rng(0)
wrong = unseen.sample(60, random_state=0)
columns = rng.integers(wrong.shape[1], size=len(wrong))
for i, column in enumerate(columns):
    wrong.iloc[i, column] *= 10
alarm = detector.p_values(wrong) < 0.05
blamed = detector.explain(wrong).argmax(axis=1)
print(f"rows with one entry ten times too large: {np.mean(alarm):.0%} have p < 0.05")
print(f"column named first is the wrong one: {np.mean(blamed == columns):.0%} of these rows,")
print(f"    {np.mean((blamed == columns)[alarm]):.0%} of those with p < 0.05")

first = int(np.argmin(detector.p_values(wrong)))
row = wrong.iloc[[first]]
ExplanationDisplay.from_estimator(detector, row, n_features=6, ax=axes[2])
axes[2].set_title(f"Benign, wrong: {row.columns[columns[first]]}")
plt.show()
