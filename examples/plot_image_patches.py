"""
===========================
One network for all patches
===========================

A digit stays the same digit when it moves by a pixel, but a linear model of raw pixels has to
learn each position by itself. ``CompetitiveHebbianPatchTransformer`` looks at all small patches of
an image with the same units, and says how strongly each unit responds in each region of the image.
A linear model of these features makes fewer mistakes. The units learn without labels, in one pass
over the images.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits, load_sample_images
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_activation import CompetitiveHebbianPatchTransformer

plt.rcParams["font.size"] = 12

# %%
# What the units look for
# -----------------------
# Two photos are cut into 260 small images of 32 x 32 pixels in three colours. The integers of the
# photos stay integers. The transformer learns all patches of 8 x 8 pixels of these images.
photos = load_sample_images().images
small = [
    photo[i : i + 32, j : j + 32].ravel()
    for photo in photos
    for i in range(0, 416, 32)
    for j in range(0, 640, 64)
]
X = np.array(small)
units = CompetitiveHebbianPatchTransformer((32, 32, 3), n_units=256, patch_size=8, random_state=0)
patterns = units.fit(X).patterns_
print(f"{len(X)} images of type {X.dtype}, {len(patterns)} units")

# %%
# Each small picture shows what one unit looks for: the mean of all patches, each times the unit's
# response to the patch. Most units look for an edge or a line, and others for a colour.
figure, axes = plt.subplots(5, 12, figsize=(6.4, 2.9), layout="constrained")
for ax, pattern in zip(axes.flat, patterns, strict=False):
    ax.imshow(0.5 + pattern / (2 * np.abs(pattern).max()))
    ax.set_axis_off()
plt.show()

# %%
# Mistakes on new digits
# ----------------------
# The digits have 8 x 8 grey pixels, so the patches are smaller. All other parameters have their
# defaults, and each region of the image is a ninth of it.
X, y = load_digits(return_X_y=True)
features = {
    "raw pixels": [],
    "patches": [CompetitiveHebbianPatchTransformer((8, 8), patch_size=4, random_state=0)],
}
sizes = [50, 100, 200, 400, 800]
errors = {name: [] for name in features}
for n in sizes:
    for name, steps in features.items():
        found = []
        for split in range(3):
            X_train, X_test, y_train, y_test = train_test_split(
                X, y, train_size=n, stratify=y, random_state=split
            )
            model = make_pipeline(*steps, StandardScaler(), LogisticRegression(C=0.1))
            found.append(100 * (1 - model.fit(X_train, y_train).score(X_test, y_test)))
        errors[name].append(np.mean(found))
for name, found in errors.items():
    print(f"{name:<12} mistakes on new digits {np.round(found, 1)} %")

# %%
# A point is the mean of three draws of training images.
figure, ax = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
for (name, found), colour, mark in zip(
    errors.items(), ("tab:gray", "tab:orange"), "so", strict=True
):
    ax.plot(sizes, found, f"-{mark}", color=colour, label=name)
ax.set(xscale="log", xlabel="training images", ylabel="mistakes on new digits (%)", ylim=(0, None))
ax.set_xticks(sizes, labels=sizes)
ax.minorticks_off()
ax.legend()
plt.show()
