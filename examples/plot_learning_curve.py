"""
=========================================
Accuracy over training rows and over time
=========================================

How many labelled rows does a classifier need, and how many seconds does its fit take? Both
on the 8 x 8 digits that scikit-learn ships, with rows drawn four times, beside
``MLPClassifier`` and ``LogisticRegression`` with their defaults.
"""

import time
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from threadpoolctl import threadpool_limits

from sklearn_activation import ActivationLearningClassifier

# NumPy and SciPy bring a BLAS each, and their threads wait for one another on small problems.
threadpool_limits(1)

X, y = load_digits(return_X_y=True)
SIZES = (50, 100, 200, 400, 1200)
N_DRAWS = 4

# %%
# Fit them all
# ------------
# Every draw takes other rows for training and 500 others to judge, in the same proportions of
# classes. All classifiers see the same rows. The network of the activation learner chooses its
# encoding, its learning times and whether to learn from mistakes; that time is included.
classifiers = {
    "ActivationLearningClassifier": lambda seed: ActivationLearningClassifier(random_state=seed),
    "MLPClassifier": lambda seed: make_pipeline(MinMaxScaler(), MLPClassifier(random_state=seed)),
    "LogisticRegression": lambda seed: make_pipeline(MinMaxScaler(), LogisticRegression()),
}
ActivationLearningClassifier().fit(X[:50], y[:50])  # loads compiled code, which is no learning

accuracy = {name: np.empty((len(SIZES), N_DRAWS)) for name in classifiers}
seconds = {name: np.empty((len(SIZES), N_DRAWS)) for name in classifiers}
for i, size in enumerate(SIZES):
    for draw in range(N_DRAWS):
        X_train, X_test, y_train, y_test = train_test_split(
            X, y, train_size=size, test_size=500, stratify=y, random_state=draw
        )
        for name, make in classifiers.items():
            started = time.perf_counter()
            with warnings.catch_warnings():
                # 200 epochs are MLPClassifier's default, whether or not they are enough
                warnings.simplefilter("ignore", ConvergenceWarning)
                model = make(draw).fit(X_train, y_train)
            seconds[name][i, draw] = time.perf_counter() - started
            accuracy[name][i, draw] = model.score(X_test, y_test)

for i, size in enumerate(SIZES):
    for name in classifiers:
        found, took = accuracy[name][i], seconds[name][i]
        print(
            f"{size:5d} rows  {name:<29} {found.mean():6.1%} +- {found.std(ddof=1):.1%}"
            f"{np.median(took):8.2f} s"
        )

# %%
# Rows, and seconds
# -----------------
# Left, the curve to read from left to right: bars are one standard deviation over draws. Right,
# the same accuracies over the seconds of a fit: the further up and to the left, the better.
# Where two curves lie within each other's bars, the draws do not tell them apart.
figure, axes = plt.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")
for name in classifiers:
    mean, spread = 100 * accuracy[name].mean(axis=1), 100 * accuracy[name].std(axis=1, ddof=1)
    axes[0].errorbar(SIZES, mean, yerr=spread, marker="o", capsize=3, label=name)
    axes[1].plot(np.median(seconds[name], axis=1), mean, marker="o", label=name)
axes[0].set(xscale="log", xlabel="training rows", ylabel="accuracy on held-out rows (%)")
axes[0].set_xticks(SIZES, SIZES)
axes[0].minorticks_off()
axes[1].set(xscale="log", xlabel="seconds of one fit, median")
axes[0].legend(loc="lower right")
for ax in axes:
    ax.grid(alpha=0.3)
plt.show()
