"""
===============================
Rare labels: who will leave us?
===============================

A phone company has 6,000 customers. About 5 of 100 customers leave within three months. A customer
who leaves costs the company 300 euros. A discount of 20 euros keeps a customer who wanted to
leave. The company must decide which customers get the discount.

Accuracy does not help the company: a model that predicts "everyone stays" is right for 95 % of the
customers. This example compares the costs of four ways to decide. The customers are simulated.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.calibration import calibration_curve
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import make_scorer
from sklearn.model_selection import StratifiedKFold, TunedThresholdClassifierCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, SplineTransformer

from sklearn_activation import ActivationLearningClassifier

DISCOUNT, LOSS = 20, 300


def make_customers(n_rows, seed):
    """Return a table of customers, and 1 for each customer who left within three months."""
    rng = np.random.default_rng(seed)
    contract = rng.choice(["monthly", "yearly"], n_rows, p=[0.45, 0.55])
    paid_by = rng.choice(["card", "direct debit", "invoice"], n_rows, p=[0.4, 0.4, 0.2])
    months = 1 + rng.gamma(1.5, 20, n_rows)
    calls = rng.poisson(0.6, n_rows)
    fee = rng.lognormal(3.4, 0.5, n_rows)
    # Customers leave more often if they use very few or very many gigabytes for their fee.
    misfit = rng.normal(size=n_rows)
    gigabytes = np.exp(1.2 * np.log(fee) - 1 + 0.7 * misfit)
    odds = (
        -5.8
        + 1.1 * misfit**2
        + 0.9 * (contract == "monthly")
        + 0.4 * (paid_by == "invoice")
        + 0.4 * calls
        - 0.01 * months
    )
    left = (rng.random(n_rows) < 1 / (1 + np.exp(-odds))).astype(int)
    customers = pd.DataFrame(
        {
            "contract": contract,
            "paid_by": paid_by,
            "months": months.round(),
            "monthly_fee": fee.round(2),
            "gigabytes": gigabytes.round(1),
            "calls_to_support": calls,
        }
    )
    customers.loc[rng.random(n_rows) < 0.05, "gigabytes"] = np.nan
    return customers, left


customers, left = make_customers(6000, seed=0)
X_train, X_test, y_train, y_test = train_test_split(
    customers, left, train_size=2000, stratify=left, random_state=0
)
print(customers.head(3).to_string(index=False))
print(f"{left.mean():.1%} of {len(left):,} customers left")

# %%
# Three models
# ------------
# ``ActivationLearningClassifier`` takes the data frame without preparation.
# ``HistGradientBoostingClassifier`` needs columns of type "category". ``LogisticRegression`` needs
# one column for each category and no missing values. With splines, logistic regression can fit a
# curve to each column of numbers.
categories = ["contract", "paid_by"]
numbers = [name for name in customers if name not in categories]
X_train, X_test = (X.astype(dict.fromkeys(categories, "category")) for X in (X_train, X_test))
as_numbers = make_column_transformer(
    (OneHotEncoder(), categories), (make_pipeline(SimpleImputer(), SplineTransformer()), numbers)
)
models = {
    "activation learning": ActivationLearningClassifier(random_state=0),
    "gradient boosting": HistGradientBoostingClassifier(random_state=0),
    "logistic regression": make_pipeline(as_numbers, LogisticRegression(max_iter=1000)),
}


def balanced(model):
    """Return a copy of the model with ``class_weight="balanced"``."""
    name = "logisticregression__class_weight" if hasattr(model, "steps") else "class_weight"
    return clone(model).set_params(**{name: "balanced"})


def cost(y, gets_discount):
    """Return the euros that a decision costs for each 1,000 customers."""
    lost = (y == 1) & (gets_discount == 0)
    return 1000 * np.mean(LOSS * lost + DISCOUNT * (gets_discount == 1))


# %%
# Four ways to decide
# -------------------
# The first way is ``predict``, which returns the more likely label. Few customers are more likely
# to leave than to stay, so few customers get the discount.
#
# The second way is ``class_weight="balanced"``, which gives both labels the same total weight in
# training. With class weights, ``predict`` gives the discount to many more customers. Class
# weights ignore the costs, so the result can be cheap or expensive.
#
# The third way is a formula: a discount pays for itself if ``p * 300 > 20``. The probability ``p``
# comes from ``predict_proba`` of the model without class weights.
#
# The fourth way is ``TunedThresholdClassifierCV`` of scikit-learn.
# ``TunedThresholdClassifierCV`` tries thresholds on held-out folds of the training rows, and
# chooses the threshold with the lowest cost. The fourth way works even if the probabilities are
# wrong. The example tunes the threshold of the model with class weights.
tuning = {
    "scoring": make_scorer(cost, greater_is_better=False),
    "cv": StratifiedKFold(3, shuffle=True, random_state=0),
}
costs, probabilities = {}, {}
for name, model in models.items():
    plain, weighted = clone(model).fit(X_train, y_train), balanced(model).fit(X_train, y_train)
    p = probabilities[name] = plain.predict_proba(X_test)[:, 1]
    probabilities[name, "balanced"] = weighted.predict_proba(X_test)[:, 1]
    by_cost = TunedThresholdClassifierCV(balanced(model), **tuning).fit(X_train, y_train)
    decisions = {
        "predict": plain.predict(X_test),
        "weights": weighted.predict(X_test),
        "p > 20 / 300": (p > DISCOUNT / LOSS).astype(int),
        "weights, tuned": by_cost.predict(X_test),
    }
    costs[name] = {way: cost(y_test, decision) for way, decision in decisions.items()}
    print(f"{name}: tuned threshold {by_cost.best_threshold_:.3f}")
print("\nEuros for each 1,000 customers")
print(pd.DataFrame(costs).T.round(-1).astype(int).to_string())
print(f"a discount for nobody {cost(y_test, np.zeros_like(y_test)):,.0f}")
print(f"a discount for everyone {cost(y_test, np.ones_like(y_test)):,.0f}")

# %%
# The columns of the printed table are the four ways. ``predict`` without class weights is
# expensive for all three models. The two ways that use the costs are cheaper for all three models.
# Class weights can improve or harm the ranking of the customers. Use cross-validation to compare a
# model with class weights and a model without class weights.
#
# What a threshold costs
# ----------------------
# The curves show models without class weights. The dotted line is the threshold of the formula. If
# the probabilities of a model are calibrated, its lowest cost lies near the dotted line. The right
# edge of the picture is 0.5, the threshold of ``predict``.
plt.rcParams["font.size"] = 12
colors = dict(zip(models, ("tab:orange", "tab:blue", "tab:green"), strict=True))
lines = dict(zip(models, ("-", "--", "-."), strict=True))
thresholds = np.geomspace(0.003, 0.5, 80)
figure, ax = plt.subplots(figsize=(5, 4.2), layout="constrained")
for name in models:
    curve = [cost(y_test, (probabilities[name] > t).astype(int)) for t in thresholds]
    ax.plot(thresholds, curve, lines[name], color=colors[name], linewidth=2, label=name)
ax.axvline(DISCOUNT / LOSS, color="black", linestyle=":")
ax.text(DISCOUNT / LOSS * 1.08, 15_000, "20 / 300")
ax.set(
    xscale="log",
    xlabel="discount if the probability is above",
    ylabel="euros for each 1,000 customers",
    title="What a threshold costs",
)
ax.legend(fontsize=11)

# %%
# Are the probabilities true?
# ---------------------------
# The example sorts the customers into eight groups by their predicted probability to leave. A
# point shows the mean prediction of a group and the share of the group that left. On the diagonal,
# the prediction equals the share. Class weights make the predicted probabilities far too high. Use
# probabilities for calculations only if the model has no class weights.
figure, ax = plt.subplots(figsize=(5, 4.2), layout="constrained")
ours = "activation learning"
shown = {
    "no class weights": (probabilities[ours], "o-", "tab:orange"),
    'class_weight="balanced"': (probabilities[ours, "balanced"], "s--", "tab:purple"),
}
for name, (p, line, color) in shown.items():
    happened, said = calibration_curve(y_test, p, n_bins=8, strategy="quantile")
    ax.plot(said, happened, line, color=color, linewidth=2, label=name)
    print(f"{name}: mean probability {p.mean():.1%}, {y_test.mean():.1%} left")
ax.plot([0, 0.7], [0, 0.7], ":", color="black", label="as said")
ax.set(
    xlabel="probability to leave, as predicted",
    ylabel="share that left",
    title="Activation learning, eight groups",
)
ax.legend(fontsize=11)
plt.show()
