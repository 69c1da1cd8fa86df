"""
===================================
How long to learn from wrong labels
===================================

The learning time decides how much detail a network learns. The classifier chooses the learning
time automatically. If nearly a fifth of the labels are wrong, a network with too long a learning
time also learns the wrong labels. The images are the 8 x 8 digits of scikit-learn.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklearn_activation import ActivationLearningClassifier

plt.rcParams["font.size"] = 12

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, train_size=300, stratify=y, random_state=0
)
rng = np.random.default_rng(0)
given = np.where(rng.random(300) < 0.2, rng.integers(10, size=300), y_train)
print(f"training labels that are wrong: {np.mean(given != y_train):.0%}")

# %%
# Fifteen times, and a choice
# ---------------------------
# The example fits networks with fifteen learning times, and one network with
# ``learning_time="auto"``. With "auto", the classifier compares learning times on training rows
# that it holds out. The classifier never gets the true labels, as in practice.


def fitted(learning_time):
    classifier = ActivationLearningClassifier(
        (74,), encoding="unit", feedback=False, learning_time=learning_time, random_state=0
    )
    return classifier.fit(X_train, given)


times = np.logspace(0, 4, 15)
path = [fitted(learning_time) for learning_time in times]
chosen = fitted("auto")
on_training = [100 * (1 - classifier.score(X_train, given)) for classifier in path]
on_new = [100 * (1 - classifier.score(X_test, y_test)) for classifier in path]
best = int(np.argmin(on_new))
print(f"least error on new digits: {on_new[best]:.1f} % at t = {times[best]:.0f}")
print(
    f"error of the choice: {100 * (1 - chosen.score(X_test, y_test)):.1f} % "
    f"at t = {chosen.learning_times_[0]:.0f}"
)

# %%
# Too short and too long
# ----------------------
# After a short learning time, a network has learned little more than the mean digit. After a long
# learning time, noise has as much influence as the strokes that distinguish digits.
figure, ax = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
ax.plot(times, on_new, marker="o", label="new digits, true labels")
ax.plot(times, on_training, marker="s", label="training digits, given labels")
ax.axvline(chosen.learning_times_[0], color="black", linestyle=":", label='"auto"')
ax.set(xscale="log", xlabel="learning time t", ylabel="error (%)", ylim=(0, 105))
ax.legend(loc="upper right")
plt.show()
