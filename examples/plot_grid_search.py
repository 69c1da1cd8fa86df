"""
================================
Search a pipeline like any other
================================

The estimators work in pipelines and in ``GridSearchCV``, and a search shows what matters: here the
scaling of the pixels, and hardly the width of the network. The images are the 8 x 8 digits of
scikit-learn.
"""

import matplotlib.pyplot as plt
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sklearn_activation import ActivationLearningClassifier

plt.rcParams["font.size"] = 12

# %%
# Scaling and width
# -----------------
# ``encoding="unit"`` looks at directions from the origin, so black has to be 0. Raw pixels and
# ``MinMaxScaler`` leave black at 0, and ``StandardScaler`` moves it. Learning times are chosen
# within every fit, and the search need not try them.
X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, train_size=300, stratify=y, random_state=0
)
pipeline = Pipeline(
    [
        ("scale", "passthrough"),
        ("classify", ActivationLearningClassifier(encoding="unit", random_state=0)),
    ]
)
scalings = {"raw": "passthrough", "0 to 1": MinMaxScaler(), "standardised": StandardScaler()}
widths = [32, 64, 128]
search = GridSearchCV(
    pipeline,
    {
        "scale": list(scalings.values()),
        "classify__layer_sizes": [(width, width) for width in widths],
    },
    cv=3,
)
search.fit(X_train, y_train)
print("best:", search.best_params_)
print(f"right in the folds: {search.best_score_:.1%}")
print(f"right on new digits: {search.score(X_test, y_test):.1%}")

# %%
# All nine settings
# -----------------
results = pd.DataFrame(search.cv_results_)
names = {str(scaling): name for name, scaling in scalings.items()}
results["scaling"] = results["param_scale"].map(lambda scaling: names[str(scaling)])
results["width"] = results["param_classify__layer_sizes"].map(lambda sizes: sizes[0])
right = 100 * results.pivot(index="width", columns="scaling", values="mean_test_score")
figure, ax = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
for name, marker in zip(scalings, "os^", strict=True):
    ax.plot(right.index, right[name], marker=marker, label=name)
ax.set(xscale="log", xlabel="units in each of two layers", ylabel="right in the folds (%)")
ax.set_xticks(widths, widths)
ax.minorticks_off()
ax.legend()
plt.show()
