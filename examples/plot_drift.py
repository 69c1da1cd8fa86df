"""
===========================
Follow a machine as it ages
===========================

A detector that forgets old readings keeps its false alarms near 1 % while normal values drift. A
detector that forgets nothing raises false alarms as long as the drift lasts. The example simulates
the log of a cooling machine. The filter of the machine gets dirty from the end of April to the
end of May.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sklearn_activation import ActivationAnomalyDetector

plt.rcParams["font.size"] = 12

# %%
# Eighty days of readings
# -----------------------
# A day has a hundred readings. While the filter gets dirty, the power rises a little every day,
# and the flow of air falls a little every day.
days = pd.date_range("2026-04-01", periods=80, freq="D")
dirt = np.interp(np.arange(80), [20, 60], [0, 1])
rng = np.random.default_rng(0)
log = {
    day: pd.DataFrame(
        {
            "power (kW)": rng.normal(4 + 1.6 * level, 0.2, 100),
            "air (m³/h)": rng.normal(900 - 200 * level, 50, 100),
        }
    )
    for day, level in zip(days, dirt, strict=True)
}

# %%
# Judge a day, then learn it
# --------------------------
# Every reading is normal, so every alarm is a false alarm. With ``forget=0.005``, a reading loses
# 0.5 % of its weight with each reading that follows. With this setting, the detector remembers
# about two days.
false_alarms = {}
for forget in (0, 0.005):
    detector = ActivationAnomalyDetector(forget=forget, n_frequencies=96, random_state=0)
    detector.partial_fit(log[days[0]])
    rates = []
    for day in days[1:]:
        rates.append(100 * np.mean(detector.predict(log[day]) == -1))
        detector.partial_fit(log[day])
    rates = pd.Series(rates, index=days[1:])
    false_alarms[forget] = rates
    print(
        f"forget={forget:<6} false alarms in April {rates[:'2026-04-20'].mean():4.1f} %, "
        f"in May {rates['2026-05'].mean():4.1f} %, in June {rates['2026-06'].mean():4.1f} %"
    )

# %%
# A short memory has a disadvantage: readings that were normal in April raise alarms in June.
as_in_april = log[days[5]]
reported = np.mean(detector.predict(as_in_april) == -1)
print(f"readings of 6 April, judged in June: {reported:.0%} alarms")

# %%
# False alarms day by day
# -----------------------
figure, ax = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
ax.axvspan(days[20], days[60], color="0.92", label="the filter gets dirty")
for forget, rates in false_alarms.items():
    ax.plot(rates.rolling(5, center=True).mean(), label=f"forget={forget}")
ax.set(ylabel="false alarms (%),\nmean of five days", ylim=(0, None))
ticks = pd.to_datetime(["2026-04-01", "2026-05-01", "2026-06-01"])
ax.set_xticks(ticks, ticks.strftime("%d %b"))
ax.legend()
plt.show()
