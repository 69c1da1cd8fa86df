"""
==================================
Bursts and hum in a real recording
==================================

Ten seconds of an electroencephalogram, four channels at 80 stamps a second, the file ``eeg.dat``
that comes with Matplotlib. Nobody has marked anomalies in it. The detector learns the first six
seconds, finds what stands out in the rest, and says by which channel; then mains hum of known
strength is planted to see what it takes to be found.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.cbook import get_sample_data

from sklearn_activation import ActivationAnomalyDetector
from sklearn_activation.plotting import AnomalyScoreDisplay

with get_sample_data("eeg.dat") as file:
    X = np.frombuffer(file.read(), dtype=float).reshape(800, 4)
seconds = np.arange(800) / 80
n_learned = 480


# %%
# What it finds by itself
# -----------------------
# ``window="auto"`` takes a tenth of the series at most, here 48 stamps or 0.6 s. Bursts are
# shorter, so windows of a quarter of a second are learned as well. A burst lowers the score of
# every stamp within a window of it. Stretches below the threshold are alarms.
def stretches(alarm):
    """First and last stamp of every run of alarms."""
    return np.flatnonzero(np.diff(np.concatenate([[0], alarm, [0]]))).reshape(-1, 2) - [0, 1]


for window in ("auto", 20):
    detector = ActivationAnomalyDetector(window=window, random_state=0).fit(X[:n_learned])
    found = stretches(detector.predict(X) == -1)
    times = ", ".join(f"{a:.2f} to {b:.2f} s" for a, b in seconds[found])
    print(f"windows of {detector.window_} stamps: alarms at {times or 'no time'}")

explained = detector.explain(X)
for first, last in found:
    loss = explained[first : last + 1].mean(axis=0)
    parts = ", ".join(f"{value / loss.sum():.0%}" for value in loss)
    print(f"alarm from {seconds[first]:.2f} s: channels' shares of the loss are {parts}")

# %%
# Top to bottom the channels, then the activation with its threshold as a dashed line. What was
# learned, left of 6 s, scores higher than what follows: a row always looks typical to what has
# learned it. That is why the threshold comes from stamps scored without their own part of the
# series. It rests on few windows here, and is set low with that in mind.
display = AnomalyScoreDisplay.from_estimator(detector, X, times=seconds)
for channel, ax in enumerate(display.axes_[:-1], 1):
    ax.set_ylabel(f"channel {channel}")
display.axes_[-1].set_xlabel("seconds; the first six are learned")

# %%
# What it takes to be found
# -------------------------
# Hum of 50 Hz, heard as 30 Hz at 80 stamps a second, in the third channel from 7.25 to 8 s. The
# first column is its amplitude, in deviations of the channel; the third is what a limit at the
# largest value of each channel in the first six seconds would find. Weak hum stays below the
# threshold, though the explanation shifts to its channel. Strong hum is found while most of its
# values are still within the channel's range.
planted = slice(580, 640)
limit = np.abs(X[:n_learned]).max(axis=0)
print("hum   stamps in alarm   beyond the largest value   blamed on its channel")
for strength in (0, 0.5, 1, 1.5, 2, 3):
    noisy = X.copy()
    noisy[planted, 2] += strength * np.sin(2 * np.pi * 50 * seconds[planted])
    alarm = (detector.predict(noisy) == -1)[planted].mean()
    beyond = (np.abs(noisy) > limit).any(axis=1)[planted].mean()
    loss = detector.explain(noisy)[planted].mean(axis=0)
    print(f"{strength:3.1f}{alarm:18.0%}{beyond:27.0%}{loss[2] / loss.sum():24.0%}")
    if strength == 2:
        display = AnomalyScoreDisplay.from_estimator(detector, noisy, times=seconds, channels=[2])
        display.axes_[0].set(ylabel="channel 3", title="hum of 2 deviations from 7.25 to 8 s")
        display.axes_[-1].set_xlabel("seconds")
plt.show()
