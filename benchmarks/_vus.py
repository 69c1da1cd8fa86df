"""VUS-PR: volume under the precision-recall surface of a series (Paparrizos et al. 2022).

Labels get a buffer of w / 2 points on both sides that falls from 1 as sqrt(1 - d / w).
For every w from 0 to the given length the area under precision and recall is taken, where
recall also counts the share of anomalies that were touched; VUS-PR is the mean over w.
TSB-AD (Liu and Paparrizos 2024) scales scores to [0, 1] before and goes up to the period of
the series: ``vus_pr(labels, score, find_length(series))``. Run this file where the PyPI
package ``vus`` is installed to compare with it.
"""

import numpy as np

N_THRESHOLDS = 250
N_LAGS = 400  # of the autocorrelation
SHORTEST = 3  # first lag that can be a period
NO_PERIOD = 125  # length where the autocorrelation has no clear peak


def vus_pr(labels, score, length):
    """VUS-PR of ``score`` (higher is more anomalous) for 0/1 ``labels``."""
    labels = np.asarray(labels, dtype=int)
    score = min_max(score)
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


def best_f1(labels, score):
    """Highest point-wise F1 of ``score >= threshold`` over all thresholds."""
    order = np.argsort(-np.asarray(score), kind="stable")
    ranked, hits = np.asarray(score)[order], np.cumsum(np.asarray(labels, dtype=int)[order])
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)  # of equal scores
    return float((2 * hits[last] / (last + 1 + hits[-1])).max())


def find_length(series):
    """Period of a series as TSB-AD finds it: the lag at the highest peak of its autocorrelation.

    125 where there is no peak, or where the highest is within three lags of the first that
    counts or more than 300 behind it.
    """
    series = np.asarray(series, dtype=np.float64).ravel()[:20_000]
    deviation = series - series.mean()
    power = np.abs(np.fft.rfft(deviation, 2 * len(series))) ** 2
    correlation = np.fft.irfft(power)[SHORTEST : min(N_LAGS + 1, len(series))]
    inner = correlation[1:-1]
    peaks = 1 + np.flatnonzero((inner > correlation[:-2]) & (inner > correlation[2:]))
    if not len(peaks):
        return NO_PERIOD
    highest = int(peaks[correlation[peaks].argmax()])
    return highest + SHORTEST if 3 <= highest <= 300 else NO_PERIOD


def min_max(score):
    """Scores scaled to [0, 1]; all 0 where they are constant."""
    score = np.asarray(score, dtype=np.float64)
    return (score - score.min()) / (np.ptp(score) or 1)


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


def check(n_series=20):
    """Largest difference to the package ``vus`` on random series.

    It gets scores in [0, 1], as TSB-AD makes them; ours are not scaled before. Some have ties.
    """
    from vus.utils.metrics import metricor

    worst = 0.0
    for seed in range(n_series):
        rng = np.random.default_rng(seed)
        labels = np.zeros(rng.integers(300, 900), dtype=int)
        for start in rng.integers(0, len(labels), size=3):
            labels[start : start + rng.integers(1, 40)] = 1
        score = 10 * rng.normal(size=len(labels)) + 5 * labels
        score = score.round(-1) if seed % 3 == 0 else score
        length = int(rng.integers(0, 60))
        theirs = metricor().RangeAUC_volume_opt(labels, min_max(score), length, N_THRESHOLDS)[-1]
        worst = max(worst, abs(theirs - vus_pr(labels, score, length)))
    return worst


if __name__ == "__main__":
    print(f"largest difference to the package vus: {check():.2e}")
