"""VUS-PR: volume under the precision-recall surface of a series (Paparrizos et al. 2022).

Labels get a buffer of w / 2 points on both sides that falls from 1 as sqrt(1 - d / w).
For every w from 0 to the given length the area under precision and recall is taken, where
recall also counts the share of anomalies that were touched; VUS-PR is the mean over w.
``check`` compares with the PyPI package ``vus`` where that is installed.
"""

import numpy as np

N_THRESHOLDS = 250


def vus_pr(labels, score, length):
    """VUS-PR of ``score`` (higher is more anomalous) for 0/1 ``labels``."""
    labels = np.asarray(labels, dtype=int)
    score = np.asarray(score, dtype=np.float64)
    runs = runs_of_ones(labels)
    order = np.argsort(-score, kind="stable")
    ranked = score[order]
    at = np.linspace(0, len(score) - 1, N_THRESHOLDS).astype(int)
    thresholds = ranked[at]
    n_predicted = np.searchsorted(-ranked, -thresholds, side="right")
    n_true = labels.sum()
    areas = []
    for w in range(length + 1):
        soft = buffered(labels, runs, w)
        found = np.cumsum(soft[order])[n_predicted - 1]
        merged = joined(runs, w, len(labels))
        best = np.array([score[first : last + 1].max() for first, last in merged])
        touched = (best[:, None] >= thresholds).mean(axis=0)
        # All true points count, those of the buffer only where they were predicted.
        outside = found - np.cumsum(labels[order])[n_predicted - 1]
        recall = np.minimum(found / (n_true + outside / 2), 1) * touched
        steps = np.diff(np.concatenate([[0], recall]))
        areas.append(steps @ (found / n_predicted))
    return float(np.mean(areas))


def runs_of_ones(labels):
    """First and last index of every run of ones."""
    edges = np.diff(np.concatenate([[0], labels, [0]]))
    return list(zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1, strict=True))


def buffered(labels, runs, w):
    """Labels with a falling buffer of w // 2 points around every run."""
    soft = labels.astype(np.float64)
    for first, last in runs:
        after = np.arange(last + 1, min(last + w // 2 + 1, len(labels)))
        soft[after] += np.sqrt(1 - (after - last) / max(w, 1))
        before = np.arange(max(first - w // 2, 0), first)
        soft[before] += np.sqrt(1 - (first - before) / max(w, 1))
    return np.minimum(soft, 1)


def joined(runs, w, n):
    """Runs with their buffers, those that touch as one."""
    result = []
    for first, last in runs:
        first, last = max(first - w // 2, 0), min(last + w // 2, n - 1)
        if result and first <= result[-1][1]:
            result[-1] = (result[-1][0], last)
        else:
            result.append((first, last))
    return result


def check():
    """Largest difference to the package ``vus`` on random series."""
    from vus.analysis.robustness_eval import generate_curve

    worst = 0.0
    for seed in range(5):
        rng = np.random.default_rng(seed)
        labels = np.zeros(800, dtype=int)
        for start in rng.integers(50, 700, size=3):
            labels[start : start + rng.integers(5, 40)] = 1
        score = rng.normal(size=800) + labels
        score = (score - score.min()) / np.ptp(score)
        theirs = generate_curve(labels, score, 30, "opt", N_THRESHOLDS)[-1]
        worst = max(worst, abs(theirs - vus_pr(labels, score, 30)))
    return worst


if __name__ == "__main__":
    print(f"largest difference to the package vus: {check():.2e}")
