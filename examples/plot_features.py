"""
==============================
What a layer of features knows
==============================

A layer that learns by the competitive Hebbian rule finds the subspace in which digits vary, but
not a basis of its own in it. So single weights look different with every solver and every seed,
while what they tell together is the same. And are the features any use to a linear model?
"""

import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, normalize
from threadpoolctl import threadpool_limits

from sklearn_activation import CompetitiveHebbianTransformer

# NumPy and SciPy bring a BLAS each, and their threads wait for one another on small problems.
threadpool_limits(1)

X, y = load_digits(return_X_y=True)
X = MinMaxScaler().fit_transform(X)

# %%
# One subspace, three bases
# -------------------------
# Ten units each: the closed form, which mixes the leading directions by a random rotation, and
# the rule itself from small random weights. Both should fill the span of the ten leading
# eigenvectors of the second moments. The share of their squared weights within it says if they do.
inputs = normalize(X)
_, eigenvectors = np.linalg.eigh(inputs.T @ inputs)
leading = eigenvectors[:, ::-1][:, :10]
flow = CompetitiveHebbianTransformer(10, learning_time=1000, random_state=0).fit(X)
again = CompetitiveHebbianTransformer(10, learning_time=1000, random_state=1).fit(X)
rule = CompetitiveHebbianTransformer(
    10, solver="hebbian", learning_time=1000, learning_rate=0.5, max_iter=200, random_state=2
).fit(X)
for name, layer in {"closed form": flow, "another seed": again, "rule": rule}.items():
    W = layer.coefs_[0]
    inside = np.sum((leading.T @ W) ** 2) / np.sum(W**2)
    apart = np.abs(layer.score_samples(X) - flow.score_samples(X)).max()
    print(
        f"{name:<13} weights inside the leading subspace {inside:7.2%}, "
        f"activations differ from the first by {apart:.1e} at most"
    )

# %%
# Weights are not the message
# ---------------------------
# The first row shows the eigenvectors, ranked. Below it are mixtures of them: the strokes of
# digits show through, but no picture is special, and with another seed all are different. With 64
# units, as many as pixels, the rotation runs over directions that carry next to nothing as well,
# and single weights look like noise.
wide = CompetitiveHebbianTransformer(64, random_state=0).fit(X)
rows = {
    "leading eigenvectors": leading,
    "closed form, 10 units": flow.coefs_[0],
    "another seed": again.coefs_[0],
    "rule, 10 units": rule.coefs_[0],
    "closed form, 64 units": wide.coefs_[0],
}
figure, axes = plt.subplots(len(rows), 10, figsize=(9, 4.6), layout="constrained")
for line, (name, weights) in zip(axes, rows.items(), strict=True):
    limit = np.abs(weights[:, :10]).max()
    for ax, weight in zip(line, weights.T, strict=False):
        ax.imshow(weight.reshape(8, 8), cmap="RdBu_r", vmin=-limit, vmax=limit)
        ax.set(xticks=[], yticks=[])
    line[0].set_ylabel(name, rotation=0, ha="right", va="center")

# %%
# Features for a linear model
# ---------------------------
# A rotation of the input changes nothing for a linear model; the function after it does. Squares
# and absolute values of mixed directions hold products of pixels, which logistic regression does
# not see otherwise. Every model has its penalty chosen by cross-validation within training folds.
features = {
    "raw pixels": [],
    "PCA(40)": [PCA(40, random_state=0)],
    '256 units, "square"': [
        CompetitiveHebbianTransformer(256, activation="square", random_state=0)
    ],
    '256 units, "std_abs"': [CompetitiveHebbianTransformer(256, random_state=0)],
}
folds = StratifiedKFold(3, shuffle=True, random_state=0)
errors = {}
for name, steps in features.items():
    started = time.perf_counter()
    model = make_pipeline(*steps, LogisticRegression(max_iter=3000))
    search = GridSearchCV(model, {"logisticregression__C": [1, 10, 100, 1000]}, cv=3)
    errors[name] = 100 * (1 - cross_val_score(search, X, y, cv=folds))
    print(
        f"{name:<22} error {errors[name].mean():.1f} % +- {errors[name].std(ddof=1):.1f}, "
        f"{time.perf_counter() - started:.1f} s"
    )
figure, ax = plt.subplots(figsize=(7, 2.6), layout="constrained")
ax.barh(
    list(errors),
    [found.mean() for found in errors.values()],
    xerr=[found.std(ddof=1) for found in errors.values()],
    color=["tab:gray", "tab:gray", "tab:orange", "tab:orange"],
    capsize=3,
)
ax.invert_yaxis()
ax.set(xlabel="error of logistic regression (%), three folds and their deviation")
plt.show()
