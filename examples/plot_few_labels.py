"""
==========
Few labels
==========

Where rows are many and labels few, the rows without a label still tell what the data look like.
With ``missing_label`` the classifier labels them itself, in rounds. Five ways to use between 20
and 300 labels among 897 digits, and when the extra rows pay.
"""

import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import MinMaxScaler
from sklearn.semi_supervised import LabelSpreading, SelfTrainingClassifier
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

from sklearn_activation import ActivationLearningClassifier

# NumPy and SciPy bring a BLAS each, and their threads wait for one another on small problems.
threadpool_limits(1)

X, y = load_digits(return_X_y=True)
X = MinMaxScaler().fit_transform(X)
COUNTS = (20, 50, 100, 300)
N_DRAWS = 3

# %%
# Who sees what
# -------------
# Two of the classifiers get the labelled rows only, three get all rows, with -1 for the labels
# that are missing. The 900 rows that judge are seen by none. Self-training needs probabilities,
# which an SVC has not: it takes logistic regression. Unit rows suit images, so no other encoding
# is tried.
given = {"encoding": "unit", "random_state": 0}
methods = {
    "labelled rows: activation": (False, lambda: ActivationLearningClassifier(**given)),
    "labelled rows: SVC": (False, SVC),
    "all rows: activation, missing_label=-1": (
        True,
        lambda: ActivationLearningClassifier(missing_label=-1, **given),
    ),
    "all rows: SelfTraining(LogisticRegression)": (
        True,
        lambda: SelfTrainingClassifier(LogisticRegression(C=10)),
    ),
    "all rows: LabelSpreading": (True, lambda: LabelSpreading(kernel="knn", n_neighbors=10)),
}
accuracy = {name: np.empty((len(COUNTS), N_DRAWS)) for name in methods}
seconds = dict.fromkeys(methods, 0.0)
for draw in range(N_DRAWS):
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=900, stratify=y, random_state=draw
    )
    for i, count in enumerate(COUNTS):
        labelled, _ = train_test_split(
            np.arange(len(y_train)), train_size=count, stratify=y_train, random_state=draw
        )
        partly = np.full(len(y_train), -1)
        partly[labelled] = y_train[labelled]
        for name, (all_rows, make) in methods.items():
            rows = slice(None) if all_rows else labelled
            started = time.perf_counter()
            with np.errstate(invalid="ignore"):  # LabelSpreading, of rows that no label reaches
                model = make().fit(X_train[rows], partly[rows])
            seconds[name] += time.perf_counter() - started
            accuracy[name][i, draw] = model.score(X_test, y_test)

print(" " * 44 + "".join(f"{count:>14d}" for count in COUNTS) + "   s a fit")
for name in methods:
    cells = [f"{row.mean():7.1%} ±{100 * row.std(ddof=1):4.1f}" for row in accuracy[name]]
    took = seconds[name] / (N_DRAWS * len(COUNTS))
    print(f"{name:<44}" + " ".join(f"{cell:>13}" for cell in cells) + f"{took:9.2f}")

# %%
# What the other rows are worth
# -----------------------------
# Dashed lines know the labelled rows only. What lies between the dashed and the full orange line
# is what rows without labels add, and it shrinks as labels are added. Bars are one standard
# deviation over draws of rows. A graph of neighbours is hard to beat where classes are islands, as
# these digits are: with 20 to 100 labels it is the best of the five.
figure, ax = plt.subplots(figsize=(7.5, 4.5), layout="constrained")
colors = ("tab:orange", "tab:gray", "tab:orange", "tab:green", "tab:blue")
for shift, (name, color) in enumerate(zip(methods, colors, strict=True)):
    found = 100 * accuracy[name]
    ax.errorbar(
        np.array(COUNTS) * 1.02 ** (shift - 2),
        found.mean(axis=1),
        yerr=found.std(axis=1, ddof=1),
        color=color,
        linestyle="-" if methods[name][0] else "--",
        marker="o",
        capsize=3,
        label=name,
    )
ax.set(xscale="log", xlabel="labelled rows", ylabel="accuracy on unseen digits (%)")
ax.set_xticks(COUNTS, COUNTS)
ax.minorticks_off()
ax.grid(alpha=0.3)
ax.legend(fontsize="small")
plt.show()
