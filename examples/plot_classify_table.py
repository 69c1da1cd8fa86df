"""
=========================================
Name the faults of pumps, with few labels
=========================================

The classifier learns to name the fault of a pump from a data frame with a category and missing
values. The classifier needs fewer labelled rows than three classifiers of scikit-learn with their
defaults. A fault changes the relations between the measurements. No single measurement is enough
to name the fault. The rows are simulated.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import KNNImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC

from sklearn_activation import ActivationLearningClassifier

plt.rcParams["font.size"] = 12

# %%
# Inspections of pumps
# --------------------
# A blocked filter lowers the flow and raises the pressure. The speed and the model of the pump
# change the flow and the pressure more than a blocked filter does. A worn bearing is warmer than
# the speed and the room explain. One number in twenty is missing in every column except the model
# and the speed.
states = np.array(["healthy", "blocked filter", "worn bearing", "air in the pipe"])


def inspections(n, rng):
    state, model = rng.integers(4, size=n), rng.integers(3, size=n)
    speed = rng.uniform(900, 3000, n)
    share = speed / 3000
    room = rng.normal(20, 5, n)

    def measured(value, spread=0.05):
        return value * np.exp(rng.normal(0, spread, n))

    table = pd.DataFrame(
        {
            "model": np.array(["P40", "P60", "P85"])[model],
            "speed": speed,
            "flow": measured(np.array([40, 60, 85])[model] * share)
            * np.array([1, 0.72, 0.98, 0.86])[state],
            "pressure": measured(np.array([6, 4, 3])[model] * share**2)
            * np.array([1, 1.12, 1, 0.88])[state],
            "power": measured(np.array([5, 6, 7])[model] * share**2.5)
            * np.array([1, 0.95, 1.1, 0.85])[state],
            "vibration": measured(0.6 + 2.2 * share**2, 0.12)
            * np.array([1, 1.05, 1.6, 1.35])[state],
            "room": room,
            "bearing": room + 18 * share + np.array([0, 2, 9, 0])[state] + rng.normal(0, 1.5, n),
        }
    )
    gaps = rng.random(table.shape) < 0.05
    gaps[:, :2] = False
    return table.mask(gaps).round(2), states[state]


X, y = inspections(1500, np.random.default_rng(0))
X_new, y_new = X[500:], y[500:]
print(X.assign(fault=y).head(4).to_string(index=False))

# %%
# Four classifiers
# ----------------
# ``ActivationLearningClassifier`` takes the data frame without preparation.
# ``HistGradientBoostingClassifier`` accepts missing values, but needs a column of type "category".
# ``LogisticRegression`` and ``SVC`` get standardised numbers and one-hot categories. For these two
# classifiers, ``KNNImputer`` fills the missing values.
numbers = list(X.columns[1:])


def encoded(classifier):
    encode = make_column_transformer(
        (make_pipeline(StandardScaler(), KNNImputer()), numbers),
        (OneHotEncoder(), ["model"]),
    )
    return make_pipeline(encode, classifier)


classifiers = {
    "ActivationLearning": ActivationLearningClassifier(random_state=0),
    "HistGradientBoosting": HistGradientBoostingClassifier(random_state=0),
    "LogisticRegression": encoded(LogisticRegression(max_iter=1000)),
    "SVC": encoded(SVC()),
}
typed = X.astype({"model": "category"})
counts = [60, 120, 240, 480]
right = {name: [] for name in classifiers}
for name, classifier in classifiers.items():
    table = typed if name == "HistGradientBoosting" else X
    for count in counts:
        classifier.fit(table[:count], y[:count])
        right[name].append(100 * classifier.score(table[500:], y_new))

print(f"{'labelled inspections':<22}" + "".join(f"{count:>7}" for count in counts))
for name, values in right.items():
    print(f"{name:<22}" + "".join(f"{value:6.0f}%" for value in values))

# %%
# An expert who knows that faults change ratios may take logarithms of the measurements first.
# Logistic regression on logarithms with a tuned penalty recognises as many faults as our
# classifier, or slightly more.
figure, ax = plt.subplots(figsize=(6.4, 4), layout="constrained")
for (name, values), marker in zip(right.items(), "os^D", strict=True):
    ax.plot(counts, values, marker=marker, label=name)
ax.set(xscale="log", xlabel="labelled inspections", ylabel="faults recognised (%)", ylim=(35, 100))
ax.set_xticks(counts, counts)
ax.minorticks_off()
ax.legend(loc="lower right")

# %%
# Why this fault
# --------------
# ``explain`` returns how strongly each measurement supports the fault that the classifier names.
# The bars are means over 100 pumps for which the classifier names a worn bearing.
model = classifiers["ActivationLearning"]
worn = X_new[model.predict(X_new) == "worn bearing"].dropna().head(100)
speaks = pd.Series(model.explain(worn).mean(axis=0), index=X.columns).sort_values()
figure, ax = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
ax.barh(speaks.index, 100 * speaks / speaks.abs().sum())
ax.set(xlabel="share of the reasons (%)", title="Why a bearing is worn")
plt.show()
