"""
===============================
Learning time as regularisation
===============================

The rule of activation learning has a closed form in which one number decides how much is
learned: the learning time t. It acts as a soft cut-off on the eigenvalues of the input's second
moments. Here is the filter, and what it does to a classifier of digits with some wrong labels.
"""

import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import normalize

from sklearn_activation import ActivationLearningClassifier

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, train_size=300, stratify=y, random_state=0
)
rng = np.random.default_rng(0)
given = np.where(rng.random(300) < 0.2, rng.integers(10, size=300), y_train)
print(f"training labels that are wrong: {np.mean(given != y_train):.1%}")

# %%
# The filter
# ----------
# After time t a direction of eigenvalue lambda has the strength
# f(lambda) = 1 / (1 + (1/epsilon - 1) exp(-2 lambda t)), and epsilon = ``init_activation`` before
# any learning. One layer of as many units as inputs shows it: the squared singular values of the
# weights are the f of the eigenvalues, those of rows with their labels, each part of norm 1.
inputs = np.hstack([normalize(X_train), np.eye(10)[given]])
eigenvalues = np.linalg.eigvalsh(inputs.T @ inputs / len(inputs))[::-1]


def fitted(t):
    classifier = ActivationLearningClassifier(
        (inputs.shape[1],), encoding="unit", learning_time=t, random_state=0
    )
    return classifier.fit(X_train, given)


def learned(eigenvalue, t, epsilon=0.1):
    return 1 / (1 + (1 / epsilon - 1) * np.exp(-2 * eigenvalue * t))


shown = {t: np.linalg.svd(fitted(t).coefs_[0])[1] ** 2 for t in (3.0, 30.0, 300.0, 3000.0)}
gap = max(np.abs(strengths - learned(eigenvalues, t)).max() for t, strengths in shown.items())
print(f"largest difference between the formula and the weights: {gap:.1e}")

# %%
# Many times
# ----------
# A fit with a given time takes some milliseconds, so a path of 25 is soon walked. To choose one,
# ``learning_time="auto"`` holds out rows and needs one decomposition a fold for the whole path
# of the last layer. It sees the wrong labels only, as one would in practice.
times = np.logspace(0, 4, 25)
started = time.perf_counter()
path = [fitted(t) for t in times]
print(f"{len(times)} fits, each with a time of its own: {time.perf_counter() - started:.2f} s")
started = time.perf_counter()
chosen = fitted("auto")
print(f"one fit that chooses its time: {time.perf_counter() - started:.2f} s")

on_given = [1 - classifier.score(X_train, given) for classifier in path]
held_out = [1 - classifier.score(X_test, y_test) for classifier in path]
best = int(np.argmin(held_out))
print(f"least error on unseen rows: {held_out[best]:.1%} at t = {times[best]:.0f}")
print(
    f"chosen from the training rows: {1 - chosen.score(X_test, y_test):.1%} "
    f"at t = {chosen.learning_times_[0]:.0f}"
)

# %%
# Too short, too long
# -------------------
# Left, points are the directions of the digits: the longer the time, the more of them are learned.
# Right, after a short time the mean digit is known and little else. After a long one, directions
# of noise weigh as much as those that tell digits apart, and the error on unseen rows rises. In
# the end everything is learned, all labels activate alike, and even training rows are mistaken.
figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
grid = np.logspace(-5, 0, 200)
for (t, strengths), color in zip(shown.items(), plt.cm.viridis([0, 0.3, 0.6, 0.9]), strict=True):
    axes[0].plot(grid, learned(grid, t), color=color, label=f"t = {t:g}")
    seen = eigenvalues > grid[0]
    axes[0].plot(eigenvalues[seen], strengths[seen], ".", color=color)
axes[0].set(xscale="log", xlabel="eigenvalue", ylabel="share of activation f", title="Filter")
axes[0].legend()
axes[1].plot(times, 100 * np.array(on_given), label="training rows, labels as given")
axes[1].plot(times, 100 * np.array(held_out), label="unseen rows, true labels")
axes[1].axvline(chosen.learning_times_[0], color="black", linestyle=":", label='"auto"')
axes[1].set(xscale="log", xlabel="learning time t", ylabel="error (%)", title="Classifier")
axes[1].set_ylim(0, 125)
axes[1].legend(loc="upper right")
plt.show()
