"""
=============
Grid searches
=============

The estimators work in pipelines and in ``GridSearchCV``. First a classifier and its preprocessing
are searched together. Then a detector: with a few labelled anomalies to judge by, and with a
criterion that needs none.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, PowerTransformer, StandardScaler

from sklearn_activation import ActivationAnomalyDetector, ActivationLearningClassifier
from sklearn_activation.metrics import make_outlier_scorer


def table_of(search, rows, columns, metric="score"):
    """Mean test scores, with the values of two parameters along rows and columns."""
    results = search.cv_results_
    keys = [list(map(str, search.param_grid[name])) for name in (rows, columns)]
    table = np.full([len(values) for values in keys], np.nan)
    for params, score in zip(results["params"], results[f"mean_test_{metric}"], strict=True):
        i, j = (keys[k].index(str(params[name])) for k, name in enumerate((rows, columns)))
        table[i, j] = score
    return table


# %%
# Preprocessing and width of a classifier
# ---------------------------------------
# ``encoding="unit"`` looks at directions from the origin, so where the origin lies matters: raw
# pixels and scaled ones keep it at black, standardised ones move it to the mean digit. Learning
# times are chosen inside every fit and need no axis of their own.
X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, train_size=600, stratify=y, random_state=0
)
pipeline = Pipeline(
    [
        ("scale", "passthrough"),
        ("classify", ActivationLearningClassifier(encoding="unit", random_state=0)),
    ]
)
scales = {"as is": "passthrough", "0 to 1": MinMaxScaler(), "standardised": StandardScaler()}
widths = [(64, 64), (128, 128), (256, 256)]
digits = GridSearchCV(
    pipeline, {"scale": list(scales.values()), "classify__layer_sizes": widths}, cv=3
)
digits.fit(X_train, y_train)
print(f"digits: best {digits.best_params_}")
print(f"    on folds {digits.best_score_:.1%}, on unseen rows {digits.score(X_test, y_test):.1%}")

# %%
# A detector, with few labels and with none
# -----------------------------------------
# Breast-cancer rows: 200 benign and 10 malignant ones to search on, the others to judge the
# outcome. ``make_outlier_scorer`` knows that scores of detectors are high for normal rows. The
# ten serve the scorer, and are among the rows that are learned, hence ``contamination``. With
# ``"excess_mass"`` the labels are not looked at.
X, y = load_breast_cancer(return_X_y=True)
y = np.where(y == 1, 1, -1)
rng = np.random.default_rng(0)
benign, malignant = (rng.permutation(np.flatnonzero(y == kind)) for kind in (1, -1))
searched = np.concatenate([benign[:200], malignant[:10]])
others = np.setdiff1d(np.arange(len(y)), searched)
detector = Pipeline(
    [
        ("scale", "passthrough"),
        (
            "detect",
            ActivationAnomalyDetector(contamination=0.05, n_frequencies=256, random_state=0),
        ),
    ]
)
transforms = {"as is": "passthrough", "power": PowerTransformer()}
bandwidths = ["auto", 2.0, 4.0, 8.0]
default = roc_auc_score(y[others], detector.fit(X[searched]).score_samples(X[others]))
print(f"cancer without a search: AUROC on the other rows {default:.1%}")
cancer = GridSearchCV(
    detector,
    {"scale": list(transforms.values()), "detect__bandwidth": bandwidths},
    scoring={
        "roc_auc": make_outlier_scorer("roc_auc"),
        "excess_mass": make_outlier_scorer("excess_mass"),
    },
    refit=False,
    cv=StratifiedKFold(5, shuffle=True, random_state=0),
)
cancer.fit(X[searched], y[searched])
for metric in ("roc_auc", "excess_mass"):
    best = cancer.cv_results_["params"][np.argmax(cancer.cv_results_[f"mean_test_{metric}"])]
    chosen = detector.set_params(**best).fit(X[searched])
    auroc = roc_auc_score(y[others], chosen.score_samples(X[others]))
    print(f"cancer by {metric}: {best}, AUROC on the other rows {auroc:.1%}")

# %%
# Maps
# ----
# Left, accuracy over scaling and width; in the middle and on the right, two opinions on the same
# detectors. Ten anomalies make the AUROC of a fold a coarse number, and the label-free criterion
# asks how tightly normal rows are held. That need not be what tells anomalies apart, and here it
# is not: without labels the defaults are the better choice.
figure, axes = plt.subplots(1, 3, figsize=(14, 4), layout="constrained")
maps = {
    "digits, accuracy": (digits, "scale", "classify__layer_sizes", "score", scales, widths),
    "cancer, AUROC": (cancer, "scale", "detect__bandwidth", "roc_auc", transforms, bandwidths),
    "cancer, excess mass": (
        *(cancer, "scale", "detect__bandwidth", "excess_mass", transforms, bandwidths),
    ),
}
for ax, (title, (search, rows, columns, metric, names, values)) in zip(
    axes, maps.items(), strict=True
):
    table = table_of(search, rows, columns, metric)
    ax.imshow(table, cmap="viridis", aspect="auto")
    for (i, j), value in np.ndenumerate(table):
        middle = (table.min() + table.max()) / 2
        color = "black" if value > middle else "white"
        ax.text(j, i, f"{value:.3f}", ha="center", va="center", color=color)
    ax.set_xticks(range(len(values)), [str(value) for value in values])
    ax.set_yticks(range(len(names)), names)
    ax.set(title=title, xlabel=columns.split("__")[1])
plt.show()
