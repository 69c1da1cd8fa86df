"""
=======================
One network, many tasks
=======================

A fitted classifier turned round: it generates digits of given labels, completes digits of
which the lower half is missing, classifies those, and learns from rows with gaps. Offline, on
the 8 x 8 digits that scikit-learn ships. Saves ``inference.png``.
"""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.impute import KNNImputer
from sklearn.model_selection import train_test_split
from sklearn.svm import SVC

from sklearn_activation import ActivationLearningClassifier

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
classifier = ActivationLearningClassifier(random_state=0).fit(X_train, y_train)
judge = SVC().fit(X_train, y_train)

# %%
# Generate
# --------
# Each row is a local maximum of the output activation, given the label.
labels = np.repeat(np.arange(10), 4)
generated = classifier.generate(range(10), n_samples=4, random_state=0)
print(f"generated digits that an SVC recognises: {judge.score(generated, labels):.0%}")

# %%
# Complete
# --------
# NaN stands for missing. Labels are found from what is known.
half = X_test.copy()
half[:, 32:] = np.nan
completed = classifier.complete(half)
by_neighbours = KNNImputer().fit(X_train).transform(half)
for name, rows in {"completed": completed, "KNNImputer": by_neighbours}.items():
    error = np.sqrt(((rows - X_test)[:, 32:] ** 2).mean())
    print(f"{name}: RMSE {error:.2f}, recognised by the SVC {judge.score(rows, y_test):.1%}")
print(f"labels found from the upper half alone: {classifier.score(half, y_test):.1%}")

# %%
# Learn from rows with gaps
# -------------------------
gaps = np.where(np.random.default_rng(0).random(X_train.shape) < 0.4, np.nan, X_train)
learned = ActivationLearningClassifier(random_state=0).fit(gaps, y_train)
print(f"trained with 40 % of all entries missing: {learned.score(X_test, y_test):.1%}")

# %%
# What it looks like
# ------------------
figure, axes = plt.subplots(2, figsize=(8, 4.2), layout="constrained", height_ratios=[2, 3])
for ax, title, rows in (
    (axes[0], "generated", (generated[::4], generated[1::4])),
    (axes[1], "upper half, completed, real", (half[:10], completed[:10], X_test[:10])),
):
    pictures = [np.pad(row.reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1))) for row in rows]
    pictures = np.concatenate([np.concatenate(list(row), axis=1) for row in pictures])
    ax.imshow(np.where(np.isnan(pictures), 3, pictures), cmap="gray_r", vmin=0, vmax=16)
    ax.set_title(title)
    ax.axis("off")
figure.savefig("inference.png", dpi=100)
