"""
===========================
Features for a linear model
===========================

Logistic regression makes fewer mistakes on images of digits if a layer of units computes its
features. The layer learns from the images without their labels. A linear model of raw pixels
cannot learn how pixels act together. Each feature of the layer is a non-linear function of many
pixels.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sklearn_activation import CompetitiveHebbianTransformer

plt.rcParams["font.size"] = 12

# %%
# Three pipelines
# ---------------
# For every pipeline, cross-validation on the training images chooses the penalty of the logistic
# regression.
features = {
    "raw pixels": [],
    "PCA, 40": [PCA(40, random_state=0)],
    "256 units": [CompetitiveHebbianTransformer(256, random_state=0), StandardScaler()],
}
X, y = load_digits(return_X_y=True)
errors = {name: [] for name in features}
for split in range(3):
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, train_size=500, stratify=y, random_state=split
    )
    for name, steps in features.items():
        model = make_pipeline(MinMaxScaler(), *steps, LogisticRegression(max_iter=1000))
        search = GridSearchCV(model, {"logisticregression__C": [0.1, 1, 10]}, cv=3)
        errors[name].append(100 * (1 - search.fit(X_train, y_train).score(X_test, y_test)))
for name, found in errors.items():
    print(f"{name:<12} mistakes on new digits {np.mean(found):.1f} %, draws {np.round(found, 1)}")

# %%
# Mistakes on new digits
# ----------------------
# A bar is the mean of three draws of 500 training images. The black line on a bar goes from the
# smallest to the largest result of the three draws.
figure, ax = plt.subplots(figsize=(6.4, 2.8), layout="constrained")
mean = np.array([np.mean(found) for found in errors.values()])
low, high = (np.array([end(found) for found in errors.values()]) for end in (min, max))
ax.barh(
    list(errors),
    mean,
    xerr=[mean - low, high - mean],
    color=["tab:gray", "tab:gray", "tab:orange"],
    capsize=4,
)
ax.invert_yaxis()
ax.set(xlabel="mistakes on new digits (%)")
plt.show()
