"""
====================================
Complete half a digit, draw new ones
====================================

A fitted classifier can also fill missing values and draw new rows. In this example, the classifier
completes digits whose lower half is missing, and draws digits of given labels. Both tasks need no
model besides the classifier.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.impute import KNNImputer
from sklearn.model_selection import train_test_split
from sklearn.svm import SVC

from sklearn_activation import ActivationLearningClassifier

plt.rcParams["font.size"] = 12

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, train_size=900, stratify=y, random_state=0
)
classifier = ActivationLearningClassifier(encoding="unit", random_state=0).fit(X_train, y_train)
judge = SVC().fit(X_train, y_train)
print(f"digits recognised by the classifier: {classifier.score(X_test, y_test):.1%}")

# %%
# Complete
# --------
# NaN stands for a missing pixel. An SVC that learned whole digits classifies the completed digits.
# The classifier completes digits about as well as ``KNNImputer``, which can only fill missing
# values.
half = np.where(np.arange(64) < 32, X_test, np.nan)
completed = {
    "classifier": classifier.complete(half),
    "KNNImputer": KNNImputer().fit(X_train).transform(half),
}
for name, rows in completed.items():
    error = np.sqrt(np.mean((rows - X_test)[:, 32:] ** 2))
    print(
        f"completed by {name}: recognised by the SVC {judge.score(rows, y_test):.1%}, "
        f"typical error {error:.1f} of 16 grey levels"
    )


def picture(ax, lines):
    """Draw each item of ``lines`` as a row of digits, with missing pixels in light grey."""
    rows = [np.pad(line.reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1))) for line in lines]
    image = np.concatenate([np.concatenate(list(row), axis=1) for row in rows])
    ax.imshow(np.where(np.isnan(image), 3, image), cmap="gray_r", vmin=0, vmax=16)
    ax.set(xticks=[], yticks=[])


figure, ax = plt.subplots(figsize=(6.4, 2.2), layout="constrained")
picture(ax, [half[:10], completed["classifier"][:10], X_test[:10]])
ax.set_yticks(5 + 10 * np.arange(3), ["known", "completed", "true"])

# %%
# Generate
# --------
# ``generate`` draws new digits of given labels. The picture shows two new digits of each label.
generated = classifier.generate(range(10), n_samples=4, random_state=0)
labels = np.repeat(np.arange(10), 4)
print(f"drawn digits that the SVC recognises: {judge.score(generated, labels):.0%}")
figure, ax = plt.subplots(figsize=(6.4, 1.8), layout="constrained")
picture(ax, [generated[::4], generated[1::4]])
plt.show()
