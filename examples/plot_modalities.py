"""
=======================================
Two modalities, and rows that lack one
=======================================

The upper and the lower half of a digit stand for two kinds of measurement, say a picture and a
sound. Of the training rows a third lack the first, a third lack the second. One network learns
them all with their labels, tells the label from either half, and retrieves one half from the
other (paper, section VI.B).
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from sklearn_activation import ActivationLearningClassifier

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
halves = {"upper": np.arange(64) < 32, "lower": np.arange(64) >= 32}


def known_only(X, half):
    return np.where(halves[half], X, np.nan)


lacking = np.random.default_rng(0).integers(3, size=len(X_train))
gaps = X_train.copy()
gaps[lacking == 1] = known_only(gaps[lacking == 1], "lower")
gaps[lacking == 2] = known_only(gaps[lacking == 2], "upper")
network = ActivationLearningClassifier(random_state=0).fit(gaps, y_train)
print(f"rows with both halves: {np.sum(lacking == 0)} of {len(gaps)}")

# %%
# Labels from either half
# -----------------------
# An SVC after an imputer is the alternative for labels. With both halves known nothing needs to be
# imputed in the test rows, and only the training rows differ.
classifiers = {
    "network": network,
    "KNNImputer, SVC": make_pipeline(KNNImputer(), SVC()).fit(gaps, y_train),
    "mean, SVC": make_pipeline(SimpleImputer(), SVC()).fit(gaps, y_train),
}
for name, classifier in classifiers.items():
    parts = {"both": X_test, **{half: known_only(X_test, half) for half in halves}}
    right = ", ".join(f"{part} {classifier.score(R, y_test):.1%}" for part, R in parts.items())
    print(f"labels right, {name:<16} {right}")

# %%
# One half from the other
# -----------------------
# The error is that of the retrieved half alone, in grey levels of 0 to 16. With the label given
# the network knows more than the imputers, which have no use for it. Whether the result is a digit
# at all, an SVC of complete rows says: its share of retrieved digits in the right class.
judge = SVC().fit(X_train, y_train)
imputers = {
    "KNNImputer": KNNImputer().fit(gaps).transform,
    "mean": SimpleImputer().fit(gaps).transform,
}
retrieved = {}
for half, known in halves.items():
    partly = known_only(X_test, half)
    found = {
        "network": network.complete(partly),
        "network, label given": network.complete(partly, y_test),
        **{name: impute(partly) for name, impute in imputers.items()},
    }
    for name, rows in found.items():
        error = np.sqrt(np.mean((rows - X_test)[:, ~known] ** 2))
        print(
            f"from the {half} half, {name:<21} RMSE {error:.2f}, "
            f"recognised {judge.score(rows, y_test):.1%}"
        )
    retrieved[half] = partly, found["network"], found["KNNImputer"], X_test

# %%
# Pictures
# --------
# Top to bottom: what is known, what the network adds, what the mean of five neighbours adds, and
# the digit itself. Look for strokes that go on across the seam.
figure, axes = plt.subplots(2, figsize=(8, 5.6), layout="constrained")
for ax, (half, lines) in zip(axes, retrieved.items(), strict=True):
    pictures = [
        np.concatenate(np.pad(R[:12].reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1))), axis=1)
        for R in lines
    ]
    pictures = np.concatenate(pictures)
    ax.imshow(np.where(np.isnan(pictures), 3, pictures), cmap="gray_r", vmin=0, vmax=16)
    ax.set_yticks(5 + 10 * np.arange(4), ["known", "network", "KNNImputer", "real"])
    ax.set(xticks=[], title=f"{half} half known")
plt.show()
