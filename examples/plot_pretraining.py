"""
=======================================
Few labels, many images without a label
=======================================

Units that have seen many images without labels help a network that has few labels. A layer learns
features from all training images first. A network then learns from 30 to 400 labelled images, in
three ways: from the pixels, from the features, and from features that it changes itself.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, normalize

from sklearn_activation import CompetitiveHebbianTransformer

plt.rcParams["font.size"] = 12
WIDTH = 256

# %%
# Features without labels
# -----------------------
# The transformer sees 1,297 images and no label, and so does the scaler. The other 500 images are
# the test.
X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X, y, test_size=500, stratify=y, random_state=0)
features = CompetitiveHebbianTransformer(WIDTH, activation="square", random_state=0).fit(X)
scaler = StandardScaler().fit(features.transform(X))


# %%
# A network that goes on from the features
# ----------------------------------------
# The features of an image are the squares of its products with the weights ``W`` of the layer,
# scaled to length 1. On top stands logistic regression with the weights ``U``. Steps against the
# gradient of the log-loss change ``W`` and ``U`` together.
def squares(X, W):
    """Return the products y with W, the lengths of y ** 2, and y ** 2 scaled to length 1."""
    Y = normalize(X) @ W
    length = np.linalg.norm(Y * Y, axis=1, keepdims=True)
    return Y, length, Y * Y / length


def chances(X, W, U):
    logits = (squares(X, W)[2] - scaler.mean_) / scaler.scale_ @ U.T
    P = np.exp(logits - logits.max(axis=1, keepdims=True))
    return P / P.sum(axis=1, keepdims=True)


def fine_tuned(X, y, W, U, n_steps=100, rate=2e-2, rate_of_features=2e-4):
    """Return the weights of the features and of the top after steps of gradient descent."""
    W, U = W.copy(), U.copy()
    for _ in range(n_steps):
        Y, length, F = squares(X, W)
        G = (chances(X, W, U) - np.eye(10)[y]) / len(y)
        G_features = (G @ U) / scaler.scale_
        G_squares = (G_features - F * (G_features * F).sum(axis=1, keepdims=True)) / length
        U -= rate * G.T @ ((F - scaler.mean_) / scaler.scale_)
        W -= rate_of_features * normalize(X).T @ (2 * Y * G_squares)
    return W, U


# %%
# Three ways to use the labels
# ----------------------------
# Each number of labels has three draws of the labelled images.
sizes = (30, 50, 100, 200, 400)
errors = {"pixels": [], "features": [], "features, fine-tuned": []}
for size in sizes:
    draws = []
    for seed in range(3):
        A, _, b, _ = train_test_split(X, y, train_size=size, stratify=y, random_state=seed)
        network = MLPClassifier(WIDTH, solver="lbfgs", max_iter=1000, random_state=seed)
        of_pixels = make_pipeline(StandardScaler(), network).fit(A, b)
        linear = LogisticRegression(C=0.1, fit_intercept=False, max_iter=1000)
        linear.fit(scaler.transform(features.transform(A)), b)
        start = features.coefs_[0], linear.coef_
        right = [of_pixels.score(X_test, y_test)]
        for weights in (start, fine_tuned(A, b, *start)):
            right.append(np.mean(chances(X_test, *weights).argmax(axis=1) == y_test))
        draws.append(100 - 100 * np.array(right))
    for found, values in zip(errors.values(), np.transpose(draws), strict=True):
        found.append(values)
for name, found in errors.items():
    print(f"{name:<21} mistakes on new digits, %: {np.mean(found, axis=1).round(1)}")

# %%
# Mistakes on new digits
# ----------------------
# With few labels, the features are well ahead of the pixels. Steps that change the features as
# well gain next to nothing here: a few labels do not say how to better them. A line goes through
# the means of three draws, and a bar is their standard deviation.
figure, ax = plt.subplots(figsize=(6.4, 4), layout="constrained")
styles = {"pixels": ("tab:gray", "s"), "features": ("tab:orange", "o")}
styles["features, fine-tuned"] = ("tab:blue", "^")
for name, (color, marker) in styles.items():
    mean, spread = np.mean(errors[name], axis=1), np.std(errors[name], axis=1)
    ax.errorbar(sizes, mean, spread, color=color, marker=marker, capsize=4, label=name)
ax.set(xlabel="labelled images", ylabel="mistakes on new digits (%)", xscale="log", ylim=(0, None))
ax.set_xticks(sizes, [str(size) for size in sizes])
ax.minorticks_off()
ax.legend()
plt.show()
