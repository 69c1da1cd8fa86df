"""
===========================================
Units that read a part of the image, or all
===========================================

Two classifiers learn to read handwritten digits. The units of the first one read the whole image.
The units of the second one stand at the places of the image and read a field of 3 x 3 pixels
around their place. The pictures show what the units of both have learned.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklearn_activation import ActivationLearningClassifier

plt.rcParams["font.size"] = 12

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.5, random_state=0)

# %%
# Two classifiers
# ---------------
# ``image_shape`` says how the columns of a row form an image, and ``receptive_field`` is the width
# of a field. ``layer_sizes`` then counts the units at each place: three units at each of 64 places
# are as many as the 192 units of the other classifier. The layer above reads all units.
full = ActivationLearningClassifier((192, 256), encoding="unit", feedback=True, random_state=0)
local = ActivationLearningClassifier(
    (3, 256), image_shape=(8, 8), receptive_field=3, feedback=True, random_state=0
)
for name, classifier in {"whole image": full, "fields of 3 x 3": local}.items():
    right = classifier.fit(X_train, y_train).score(X_test, y_test)
    stored = classifier.coefs_[0].fields if classifier is local else classifier.coefs_[0]
    print(f"{name:<16} {right:.1%} correct, {stored.size:,} weights of pixels in the first layer")

# %%
# What the units read
# -------------------
# Each small picture shows the weights of one unit to the 64 pixels. Units that read the whole
# image mix all of it. Units with a field look for dark next to bright in their part of the image.
# ``coefs_[0]`` stores the weights of connections only, and ``toarray`` returns all of them, with
# zeros in between.


def show(W, title, units):
    figure, axes = plt.subplots(4, 8, figsize=(6.4, 3.5), layout="constrained")
    figure.suptitle(title)
    for ax, unit in zip(axes.flat, units, strict=True):
        largest = np.abs(W[:64, unit]).max()
        ax.imshow(W[:64, unit].reshape(8, 8), cmap="RdBu", vmin=-largest, vmax=largest)
        ax.set(xticks=[], yticks=[])


rng = np.random.default_rng(0)
show(full.coefs_[0], "Units that read the whole image", rng.permutation(192)[:32])
# %%
# Units with a field are shown in the order of their places: every second place of every second
# line, one unit at each place.
places = (np.arange(0, 8, 2)[:, None] * 8 + np.arange(8)).ravel()
show(local.coefs_[0].toarray(), "Units that read a field of 3 x 3 pixels", 3 * places)
plt.show()
