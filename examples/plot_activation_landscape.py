"""
===================================
What a second layer of units prunes
===================================

Two clusters in the plane and the activation all around them, after one layer and after two, as in
figure 4 of the paper (arXiv:2209.13400). With ``encoding="unit"`` a row counts by its direction
only, so typical regions are cones; with ``encoding="fourier"`` they are clusters.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import roc_auc_score

from sklearn_activation import ActivationAnomalyDetector
from sklearn_activation.plotting import ActivationLandscapeDisplay


def two_clusters(n, rng):
    """Rows around 15 and 85 degrees, at distances of 0.5 to 1.5 from the origin."""
    angle = np.deg2rad(np.repeat([15, 85], n // 2)) + 0.08 * rng.normal(size=n)
    distance = rng.uniform(0.5, 1.5, n)
    return distance[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])


rng = np.random.default_rng(0)
X, unseen = two_clusters(100, rng), two_clusters(1000, rng)
elsewhere = rng.uniform((-1, -0.2), (1.8, 1.8), size=(1000, 2))
between = np.array([[np.cos(np.deg2rad(50)), np.sin(np.deg2rad(50))]])

# %%
# One layer or two
# ----------------
# The times of the first layer are the same in both, so the second layer is all the difference. How
# well does the activation rank unseen rows of the clusters above points from all over the plane?
# And what is left of it half-way between the clusters?
settings = {
    ("unit", 1): {"layer_sizes": 16, "learning_time": 1.0},
    ("unit", 2): {"layer_sizes": (16, 16), "learning_time": (1.0, 10.0)},
    ("fourier", 1): {"layer_sizes": 64, "learning_time": 10.0, "bandwidth": 1.0},
    ("fourier", 2): {"layer_sizes": (64, 64), "learning_time": (10.0, 30.0), "bandwidth": 1.0},
}
detectors = {}
for (encoding, n_layers), options in settings.items():
    detector = ActivationAnomalyDetector(encoding=encoding, random_state=0, **options).fit(X)
    scores = [detector.score_samples(rows) for rows in (unseen, elsewhere)]
    auroc = roc_auc_score(np.repeat([1, 0], 1000), np.concatenate(scores))
    left = detector.score_samples(between)[0] / scores[0].mean()
    print(
        f"{encoding:<8} {n_layers} layer{'s' * (n_layers > 1):<2} "
        f"rows above points elsewhere {auroc:6.1%}   between the clusters {left:6.1%} of the rows'"
    )
    detectors[encoding, n_layers] = detector

# %%
# Landscapes
# ----------
# One layer is a quadratic form of its input, highest along one axis. For unit rows that axis
# lies between the clusters, where no row is: the layer mixes them. The function between layers
# folds the plane, and a second layer tells two cones apart. Fourier features fold it before the
# first layer: there one layer finds both clusters, and a second narrows them. Red is the
# detector's threshold.
figure, axes = plt.subplots(2, 2, figsize=(10, 7), layout="constrained")
for ax, ((encoding, n_layers), detector) in zip(axes.flat, detectors.items(), strict=True):
    ActivationLandscapeDisplay.from_estimator(detector, X, ax=ax, margin=0.4)
    ax.set_title(f'encoding="{encoding}", {n_layers} layer{"s" * (n_layers > 1)}')
plt.show()
