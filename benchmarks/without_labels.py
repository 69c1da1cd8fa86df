"""Does a criterion without labels choose a good detector? Beside the default and a few labels.

The detector learns at most 400 rows of a table: normal rows only, or with one anomaly for each 19
normal rows. Every candidate of a small grid, the default among them, is rated on two folds of
these rows; the one rated best learns all of them. Its AUROC is that on rows that no rating saw.
Label-free criteria are those of ``make_outlier_scorer`` and, as their author runs them (normal
rows only), of detectors that are trained anew on five columns at a time. Few labels are ten or
fifty other anomalies (half of those there are, if that is less), which the rating sees beside the
fold. With scalings, three candidates more learn columns that a PowerTransformer made normal.
"""

from itertools import product

import numpy as np
from _common import Report, argument_parser
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PowerTransformer
from tabular_anomaly import tables as adbench_tables

from sklearn_activation import ActivationAnomalyDetector
from sklearn_activation.metrics import excess_mass_score, make_outlier_scorer, mass_volume_loss

# At most so many rows are learned and judged, and so many anomalies have a label.
MOST_ROWS, MOST_UNSEEN, N_LABELLED = 400, 2_000, (10, 50)
N_COLUMNS, N_DRAWS, N_UNIFORM = 5, 2, 2_000  # for detectors that are trained anew
ADBENCH = (
    "fault",
    "letter",
    "magic.gamma",
    "pendigits",
    "annthyroid",
    "satimage-2",
    "Stamps",
    "WDBC",
    "yeast",
    "breastw",
)
DEFAULT, MEAN, BEST = "default", "mean of the candidates", "best candidate"
SETTINGS = {"normal rows": 0.0, "one anomaly in 20": 0.05}  # share of anomalies that are learned
EXCESS_MASS, MASS_VOLUME = "excess_mass", "mass_volume"
ANEW = ", trained anew on columns"
SCALED = ", with scalings"
METRICS = {"roc_auc": roc_auc_score, "average_precision": average_precision_score}
# The first candidate is the default.
GRID = [
    *(
        {"bandwidth": bandwidth, "learning_time": time}
        for bandwidth, time in product(("auto", 0.5, 1.0, 2.0, 4.0), ("auto", 300.0))
    ),
    {"n_frequencies": 64},
    {"n_frequencies": 384},
    {"layer_sizes": 128},
]
SCALED_GRID = [{"bandwidth": bandwidth} for bandwidth in ("auto", 2.0, 4.0)]


def clusters(n_columns, seed):
    """Four correlated clusters; anomalies have half of their columns from another row."""
    rng = np.random.default_rng(seed)
    n_rows, kinds = 1_500, 4
    kind = rng.integers(kinds, size=n_rows)
    factors = rng.normal(size=(kinds, n_columns, 3))[kind]
    X = 3 * rng.normal(size=(kinds, n_columns))[kind] + 0.4 * rng.normal(size=(n_rows, n_columns))
    X += np.einsum("npk,nk->np", factors, rng.normal(size=(n_rows, 3)))
    y = (np.arange(n_rows) < 150).astype(int)
    for i in np.flatnonzero(y):
        columns = rng.choice(n_columns, n_columns // 2, replace=False)
        X[i, columns] = X[rng.integers(150, n_rows), columns]
    return X, y


def spikes(n_columns, seed):
    """Independent heavy-tailed columns; anomalies are shifted by 4 in two of them."""
    rng = np.random.default_rng(seed)
    X, y = rng.standard_t(5, size=(1_500, n_columns)), (np.arange(1_500) < 150).astype(int)
    for i in np.flatnonzero(y):
        X[i, rng.choice(n_columns, 2, replace=False)] += rng.choice([-4, 4])
    return X, y


def tables():
    """Names, rows, and labels that are 1 for anomalies."""
    X, y = load_breast_cancer(return_X_y=True)
    yield "breast cancer", X, 1 - y
    yield "clusters, 8 columns", *clusters(8, 1)
    yield "clusters, 20 columns", *clusters(20, 2)
    yield "spikes, 15 columns", *spikes(15, 4)
    X, y = load_digits(return_X_y=True)
    yield "digit 3 among digits", X, (y != 3).astype(int)
    for name, X, y in adbench_tables():
        if name in ADBENCH:
            yield name, X, y


def drawn_rows(X, y, share, rng):
    """Rows to learn, labelled anomalies, and rows to judge with 1 for anomalies."""
    normal, odd = (rng.permutation(np.flatnonzero(y == kind)) for kind in (0, 1))
    n_train, n_labelled = min(MOST_ROWS, len(normal) // 2), min(max(N_LABELLED), len(odd) // 2)
    labelled, odd = odd[:n_labelled], odd[n_labelled:]
    n_mixed = min(round(share * n_train), len(odd) // 2)
    learned = np.concatenate([normal[: n_train - n_mixed], odd[:n_mixed]])
    unseen = np.concatenate([normal[n_train:][:MOST_UNSEEN], odd[n_mixed:][:MOST_UNSEEN]])
    return X[learned], X[labelled], X[unseen], y[unseen]


def rate(candidate, train, held, labelled, seed, retrained):
    """What every criterion says of a candidate that learned ``train``; higher is better."""
    detector = clone(candidate).fit(train)
    scores, uniform, _ = make_outlier_scorer(EXCESS_MASS)._against_uniform(detector, held, None)
    found = {
        EXCESS_MASS: excess_mass_score(scores, uniform),
        MASS_VOLUME: -mass_volume_loss(scores, uniform),
    }
    of_labelled = detector.score_samples(labelled)
    for n in N_LABELLED:
        is_odd = np.repeat([0, 1], [len(held), len(of_labelled[:n])])
        both = -np.concatenate([scores, of_labelled[:n]])
        for name, metric in METRICS.items():
            found[f"{name} of {n} anomalies"] = metric(is_odd, both)
    if retrained:
        anew = list(rate_anew(candidate, train, held, np.random.default_rng(seed)))
        found[EXCESS_MASS + ANEW], found[MASS_VOLUME + ANEW] = np.mean(anew, axis=0)
    return found


def rate_anew(candidate, train, held, rng):
    """Excess mass and mass volume of detectors of few columns, in the box of these columns."""
    for _ in range(N_DRAWS):
        columns = rng.permutation(train.shape[1])[:N_COLUMNS]
        detector = clone(candidate).fit(train[:, columns])
        rows = held[:, columns]
        box = rng.uniform(rows.min(axis=0), rows.max(axis=0), (N_UNIFORM, len(columns)))
        scores, uniform = detector.score_samples(rows), detector.score_samples(box)
        yield excess_mass_score(scores, uniform), -mass_volume_loss(scores, uniform)


def try_table(X, y, share, n_candidates):
    """AUROC in % of the default, of the candidates, and of those that criteria choose."""
    train, labelled, unseen, is_odd = drawn_rows(X, y, share, np.random.default_rng(1))
    folds = list(KFold(2, shuffle=True, random_state=0).split(train))
    candidates = [ActivationAnomalyDetector(random_state=0, **kw) for kw in GRID[:n_candidates]]
    n_own = len(candidates)
    for parameters in SCALED_GRID[:n_candidates]:
        detector = ActivationAnomalyDetector(random_state=0, **parameters)
        candidates.append(make_pipeline(PowerTransformer(), detector))
    areas, ratings = [], []
    for candidate in candidates:
        scores = clone(candidate).fit(train).score_samples(unseen)
        areas.append(100 * roc_auc_score(is_odd, -scores))
        of_folds = [
            rate(candidate, train[learned], train[held], labelled, seed, retrained=share == 0)
            for seed, (learned, held) in enumerate(folds)
        ]
        ratings.append({name: np.mean([of[name] for of in of_folds]) for name in of_folds[0]})
    own = areas[:n_own]
    found = {DEFAULT: own[0], MEAN: np.mean(own), BEST: max(own)}
    for name in ratings[0]:
        values = [rating[name] for rating in ratings]
        found[name] = areas[np.argmax(values[:n_own])]
        found[name + SCALED] = areas[np.argmax(values)]
    return found


def summarise(report, setting, areas_of):
    """Means over tables, and how far the choice is ahead of the default."""
    for method in next(iter(areas_of.values())):
        areas = {name: float(found[method]) for name, found in areas_of.items()}
        ahead = {name: area - areas_of[name][DEFAULT] for name, area in areas.items()}
        work = f"{setting}, {len(areas_of)} tables"
        report.add(f"{work}, mean AUROC", method, np.mean(list(areas.values())), "%")
        if method == DEFAULT:
            continue
        worst = min(ahead, key=ahead.get)
        behind = max(-ahead[worst], 0)
        report.add(f"{work}, behind the default at worst", method, behind, "points", table=worst)
        worse = sum(value < -1 for value in ahead.values())
        report.add(f"{work}, behind the default by over 1", method, worse, "tables")
        better = sum(value > 1 for value in ahead.values())
        report.add(f"{work}, ahead of the default by over 1", method, better, "tables")


def main():
    parser = argument_parser(__doc__, "two tables, three candidates", SETTINGS)
    args = parser.parse_args()
    report = Report("without_labels", quick=args.quick)
    for setting in args.only or SETTINGS:
        found = {}
        for name, X, y in tables():
            n_candidates = 3 if args.quick else len(GRID)
            found[name] = try_table(X, y, SETTINGS[setting], n_candidates)
            for method, area in found[name].items():
                report.add(f"{setting}, {name}", method, area, "% AUROC")
            if args.quick and len(found) == 2:
                break
        summarise(report, setting, found)


if __name__ == "__main__":
    main()
