"""
==========
Quickstart
==========

The quickstart solves three tasks with the package. The first task finds wrong payments. The second
task finds faults in a log without labels. The third task trains a classifier with few labelled
rows. For each task, the quickstart compares the package with usual methods on the same columns.
The tables are simulated, so the program knows the correct answers. The program prints its results
and saves ``quickstart.png``.
"""

# %%
print("Quickstart of sklearn_activation: payments, a log, a few labels.", flush=True)

import matplotlib

matplotlib.use("Agg")
import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sklearn_activation import ActivationAnomalyDetector, ActivationLearningClassifier

try:
    from tqdm import tqdm as progress
except ImportError:

    def progress(items, desc):
        """Print one line for every item if tqdm is not installed."""
        for number, item in enumerate(items, 1):
            print(f"{desc}: {number} of {len(items)}", flush=True)
            yield item


# %%
# Payments: which ones should somebody look at?
# ---------------------------------------------
# Every kind of shop has its usual amounts and opening hours. The table has dates, categories and
# amounts. All payments of January and February are right. In March, 24 payments are wrong in one
# of three ways.
SHOPS = pd.DataFrame(
    {
        "shop": ["grocery", "fuel", "restaurant", "travel", "electronics"],
        "share": [0.40, 0.20, 0.25, 0.05, 0.10],
        "usual_amount": [35, 50, 28, 400, 160],
        "opens": [8, 6, 12, 9, 10],
        "closes": [20, 22, 23, 18, 19],
        "online": [0.05, 0.0, 0.1, 0.8, 0.6],
    }
)
WRONG = ("right", "eight times the amount", "at night", "fuel bought online")


def make_payments(n, first_day, n_days, n_wrong, rng):
    """Return a data frame of payments, and the position in WRONG for each payment."""
    kind = rng.permutation(np.where(np.arange(n) < n_wrong, 1 + np.arange(n) % 3, 0))
    at = np.where(kind == 3, 1, rng.choice(5, n, p=SHOPS["share"]))
    shop = SHOPS.iloc[at].reset_index(drop=True)
    amount = shop["usual_amount"] * rng.lognormal(0, 0.5, n) * np.where(kind == 1, 8, 1)
    hour = np.where(kind == 2, rng.uniform(1, 5, n), rng.uniform(shop["opens"], shop["closes"]))
    online = (rng.random(n) < shop["online"]) | (kind == 3)
    day = pd.Timestamp(first_day) + pd.to_timedelta(rng.integers(n_days, size=n), unit="D")
    payments = pd.DataFrame(
        {
            "time": day + pd.to_timedelta((60 * hour).astype(int), unit="min"),
            "shop": shop["shop"],
            "country": rng.choice(["AT", "DE", "IT", "CH"], n, p=[0.8, 0.1, 0.06, 0.04]),
            "paid": np.where(online, "online", "chip"),
            "amount": amount.round(2),
        }
    )
    return payments, kind


def without_dates(payments):
    """Replace the time by the hour of the day, because the date does not matter."""
    time = payments["time"].dt
    return payments.drop(columns="time").assign(hour=time.hour + time.minute / 60)


rng = np.random.default_rng(0)
checked, _ = make_payments(3000, "2026-01-01", 59, 0, rng)
march, wrong = make_payments(1000, "2026-03-01", 31, 24, rng)
known, new = without_dates(checked), without_dates(march)

# %%
# ``ActivationAnomalyDetector`` takes the data frame with categories and amounts. The two detectors
# of scikit-learn get one-hot categories and standardised numbers.
detector = ActivationAnomalyDetector(random_state=0).fit(known)
alarms = {"ActivationAnomalyDetector": detector.predict(new) == -1}
for other in (
    LocalOutlierFactor(novelty=True, contamination=0.01),
    IsolationForest(contamination=0.01, random_state=0),
):
    encoder = make_column_transformer(
        (OneHotEncoder(sparse_output=False), ["shop", "country", "paid"]),
        (StandardScaler(), ["amount", "hour"]),
    )
    model = make_pipeline(encoder, other).fit(known)
    alarms[type(other).__name__] = model.predict(new) == -1

print("\nPayments: 24 of 1,000 are wrong, and each method may raise 1 % of false alarms.")
for name, alarm in alarms.items():
    found, false = alarm[wrong > 0].sum(), alarm[wrong == 0].sum()
    print(f"  {name:<27} finds {found:2d} of 24 and raises {false:2d} false alarms")

# %%
# ``p_values`` ranks the payments, and ``explain`` shows which column makes a payment unusual.
p = detector.p_values(new)
top = np.argsort(p, kind="stable")[:5]
columns = new.columns[detector.explain(new.iloc[top]).argmax(axis=1)]
print("\nThe five most unusual payments, with the column to blame and the truth:")
print(march.iloc[top].assign(blamed=columns, truth=np.take(WRONG, wrong[top])).to_string())

# %%
# A log: when was it odd, and which sensor?
# -----------------------------------------
# An office building records three sensors every hour. The detector learns the first ten weeks. The
# next four weeks contain four faults. The ventilation runs for a night, and water leaks for a day.
# A thermometer is stuck for a day, and the power fails for two hours.
FAULTS = {
    "ventilation at night": ("power", "2026-03-24 20:00", "2026-03-25 05:00"),
    "water leak": ("water", "2026-03-28 10:00", "2026-03-29 12:00"),
    "frozen thermometer": ("heating", "2026-04-02 06:00", "2026-04-03 06:00"),
    "power cut": ("power", "2026-04-08 11:00", "2026-04-08 13:00"),
}


def make_log(rng):
    """Return 14 weeks of hourly power (kW), water (m3) and heating (degrees)."""
    times = pd.date_range("2026-01-05", periods=14 * 7 * 24, freq="h")
    hour, day = times.hour.to_numpy(), times.day_of_week.to_numpy()
    busy = np.exp(-(((hour - 13) / 4) ** 2)) * np.where(day < 5, 1.0, 0.25)
    noise = rng.normal(size=(3, len(times)))
    cold = -3 * np.cos(2 * np.pi * (hour - 4) / 24)
    log = pd.DataFrame(
        {
            "power": 40 + 120 * busy + 4 * noise[0],
            "water": 0.3 + 2.5 * busy + 0.15 * noise[1],
            "heating": 55 - 0.8 * cold + 0.5 * noise[2],
        },
        index=times,
    )
    log.loc[slice(*FAULTS["ventilation at night"][1:]), "power"] += 60
    log.loc[slice(*FAULTS["water leak"][1:]), "water"] += 1.2
    log.loc[slice(*FAULTS["frozen thermometer"][1:]), "heating"] = 55.0
    log.loc[slice(*FAULTS["power cut"][1:]), "power"] = 5.0
    return log


log = make_log(np.random.default_rng(1))
learned, later = log[:"2026-03-15"], log["2026-03-16":]

# %%
# With ``window=48``, the detector judges each hour by windows of two days.
print("\nThe log: the detector needs some seconds to learn ten weeks of hours.", flush=True)
watch = ActivationAnomalyDetector(window=48, random_state=0).fit(learned)
events = watch.events(later)
print(events.assign(p=events["p"].round(4))[["start", "end", "p", "channels"]].to_string())

# %%
# The usual method compares each reading with the mean of its hour of the week.
hour_of_week = [learned.index.day_of_week, learned.index.hour]
rows = list(zip(later.index.day_of_week, later.index.hour, strict=True))
usual = learned.groupby(hour_of_week)
far = (later.to_numpy() - usual.mean().loc[rows]).abs() > 4 * usual.std().loc[rows]
alarm_at = np.flatnonzero(far.any(axis=1))
runs = np.split(alarm_at, np.flatnonzero(np.diff(alarm_at) > 6) + 1)
others_events = pd.DataFrame(
    {"start": later.index[[run[0] for run in runs]], "end": later.index[[run[-1] for run in runs]]}
)


def judge(events):
    """Count the faults with an event within a day, and the events without a fault."""
    day = pd.Timedelta("1D")
    near = np.array(
        [
            [
                event.start <= pd.Timestamp(end) + day and event.end >= pd.Timestamp(start) - day
                for _, start, end in FAULTS.values()
            ]
            for event in events.itertuples()
        ]
    )
    return near.any(axis=0).sum(), (~near.any(axis=1)).sum()


for name, found in {
    "ActivationAnomalyDetector": events,
    "hour of the week": others_events,
}.items():
    n_found, n_false = judge(found)
    print(f"  {name:<27} finds {n_found} of 4 faults and reports {n_false} false events")

# %%
# A few labels: which pumps need a repair?
# ----------------------------------------
# A technician has labelled 300 pumps. A pump needs a repair if its temperature is too high *or too
# low* for its load and model. A strong vibration also makes a repair more likely. No single column
# is enough to decide about a repair. The site and the age have no influence. One number in twenty
# is missing in the temperature, the vibration and the age. The classifier takes the table without
# preparation.
NUMBERS, CATEGORIES = ["load", "temperature", "vibration", "age"], ["model", "site"]


def make_pumps(n, rng):
    """Return a data frame of pumps, and True for each pump that needs a repair."""
    model = rng.integers(3, size=n)
    load, excess = rng.uniform(20, 100, n), rng.normal(0, 7, n)
    log_vibration = rng.normal(0.5, 0.4, n)
    pumps = pd.DataFrame(
        {
            "model": np.take(["A20", "B35", "C50"], model),
            "site": rng.choice(["Graz", "Linz", "Wels", "Steyr"], n),
            "load": load.round(1),
            "temperature": (30 + 0.4 * load + np.take([0, 8, 15], model) + excess).round(1),
            "vibration": np.exp(log_vibration).round(2),
            "age": rng.uniform(0, 15, n).round(1),
        }
    )
    trouble = np.abs(excess) / 7 + (log_vibration - 0.5) / 0.8 + rng.normal(0, 0.3, n)
    for name in ("temperature", "vibration", "age"):
        pumps.loc[rng.random(n) < 0.05, name] = np.nan
    return pumps.astype(dict.fromkeys(CATEGORIES, "category")), trouble > 1.1


def prepared(classifier):
    """Return a pipeline that fills and scales numbers, encodes categories and classifies."""
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    return make_pipeline(
        make_column_transformer((numbers, NUMBERS), (OneHotEncoder(), CATEGORIES)), classifier
    )


classifiers = {
    "ActivationLearningClassifier": ActivationLearningClassifier(random_state=0),
    "HistGradientBoosting": HistGradientBoostingClassifier(
        categorical_features="from_dtype", random_state=0
    ),
    "RandomForest": prepared(RandomForestClassifier(random_state=0)),
    "LogisticRegression": prepared(LogisticRegression()),
}
accuracy = {name: [] for name in classifiers}
print(flush=True)
for seed in progress(range(3), desc="Pumps, three draws of 300 labelled pumps"):
    pumps, repair = make_pumps(1300, np.random.default_rng(seed))
    for name, classifier in classifiers.items():
        classifier.fit(pumps[:300], repair[:300])
        accuracy[name].append(100 * classifier.score(pumps[300:], repair[300:]))
print("Each classifier judges this share of 1,000 new pumps right:")
for name, found in accuracy.items():
    print(f"  {name:<29} {np.mean(found):.1f} %, standard deviation {np.std(found, ddof=1):.1f}")
relevance = pd.Series(
    classifiers["ActivationLearningClassifier"].relevances_, index=pumps.columns
).round(2)
print("Relevance of each column:", relevance.to_dict())

# %%
# A picture of the three tasks
# ----------------------------
# The first panel shows the payments of March and the alarms. The second panel shows the power of
# the building and the events of all sensors. The third panel shows the share of pumps that each
# classifier judges right.
figure, axes = plt.subplots(3, figsize=(6.4, 9), layout="constrained")
alarm = alarms["ActivationAnomalyDetector"]
for rows, style, label in (
    (~alarm, {"color": "0.6", "s": 8}, "payment"),
    (alarm & (wrong > 0), {"color": "tab:red", "s": 30}, "alarm, wrong"),
    (alarm & (wrong == 0), {"color": "tab:red", "s": 30, "marker": "x"}, "false alarm"),
    (~alarm & (wrong > 0), {"color": "black", "s": 30, "marker": "^"}, "wrong, no alarm"),
):
    axes[0].scatter(new["hour"][rows], new["amount"][rows], label=label, **style)
axes[0].set(yscale="log", ylim=(3, 3e4), xlabel="hour of the day", ylabel="amount (euros)")
axes[0].set_title("Payments of March")
axes[0].legend(ncols=2)

axes[1].plot(later.index, later["power"], color="tab:blue", linewidth=0.8)
for event in events.itertuples():
    axes[1].axvspan(event.start, event.end, color="tab:red", alpha=0.3)
    axes[1].text(event.end, 205, f" {event.channels[0]}", color="tab:red", va="top")
axes[1].set(ylabel="power (kW)", ylim=(0, 215))
axes[1].xaxis.set_major_formatter(mdates.DateFormatter("%d %b"))
axes[1].xaxis.set_major_locator(mdates.WeekdayLocator(mdates.MO))
axes[1].set_title("Building: events, and the sensor to blame")

means = [np.mean(found) for found in accuracy.values()]
bars = axes[2].barh(list(accuracy), means, color=["tab:red", "0.6", "0.6", "0.6"])
axes[2].bar_label(bars, fmt="%.0f %%", padding=3)
axes[2].invert_yaxis()
axes[2].set(xlabel="pumps judged right (%)", xlim=(0, 100))
axes[2].set_title("Pumps: 300 labels")
figure.savefig("quickstart.png", dpi=120)
print("\nPicture: quickstart.png")
