"""What tests ask of the package's private parts, in one place.

Tests of a solver, of held-out rows or of fitted estimators take their tasks, layers and
statistics from here, so that a change of those parts is a change of this file.
"""

from itertools import pairwise

import numpy as np

from sklearn_activation import _imputer
from sklearn_activation._classification.explain import best_labels, nearest_with_label
from sklearn_activation._detection.contamination import judge_rows
from sklearn_activation._detection.explain import nearest_references
from sklearn_activation._detection.leave_out import LastLayer
from sklearn_activation._detection.table import TableTraining
from sklearn_activation._detection.training import DetectorTraining
from sklearn_activation._imputation import choice
from sklearn_activation._imputation.columns import Columns
from sklearn_activation._imputation.filling import Filler, fill_from_nearest
from sklearn_activation._learning import feedback, hebbian
from sklearn_activation._learning.feedback import Feedback, learn_from_mistakes
from sklearn_activation._learning.flow import Flow
from sklearn_activation._learning.held_out import Fold
from sklearn_activation._learning.layer import ClosedLayer, Spectrum, random_rotation
from sklearn_activation._learning.moments import Moments
from sklearn_activation._learning.task import Solution, Task
from sklearn_activation._learning.time_rules import GivenTimes, MeanEigenvalue
from sklearn_activation._local import Grid
from sklearn_activation._network import Network
from sklearn_activation._progress import Progress
from sklearn_activation._rows.encoded import EncodedRows
from sklearn_activation._rows.unit import UnitEncoding

from . import naive

EPSILON = 0.1
N_DATA, N_LABELS = 7, 5

# -- tasks and solutions -----------------------------------------------------------------


def task(sizes=(9, 6), **changes):
    """A task for layers of these sizes."""
    values = {
        "sizes": list(sizes),
        "activation": "std_abs",
        "epsilon": EPSILON,
        "rule": MeanEigenvalue(),
        "seed": 0,
        "dtype": np.dtype(float),
        "learning_rate": 0.1,
        "max_iter": 3,
        "batch_size": 10,
        "progress": Progress(),
        "n_jobs": None,
    }
    return Task(**{**values, **changes})


# How feedback learns where a test says nothing else.
FEEDBACK = Feedback(unlearning_factor=0.9, gap=0.2, max_iter=3, n_iter_no_change=10)


def solution(network, times):
    """A solution from which a solver goes on."""
    return Solution(network, list(times), 1, np.array([0.5]))


def labelled_rows(n=40, seed=0, weight=None):
    """Encoded rows of random numbers with random labels."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, N_DATA))
    labels = rng.integers(N_LABELS, size=n)
    return EncodedRows(X, UnitEncoding(N_DATA), labels=labels, n_labels=N_LABELS, weight=weight)


def network_within_one(sizes=(9, 6), seed=0):
    """Weights without a direction beyond 1."""
    rng = np.random.default_rng(seed)
    widths = [N_DATA + N_LABELS, *sizes]
    coefs = [rng.normal(size=shape) for shape in pairwise(widths)]
    coefs = [W / np.linalg.norm(W, 2) for W in coefs]
    standards = [
        (rng.uniform(0.1, 0.2, n), rng.uniform(0.1, 0.3, n)) for n in sizes[: len(sizes) - 1]
    ]
    return Network(coefs, "std_abs", standards)


# The layers of a network with local connections, of which the last is full.
GRIDS = [
    Grid(1, N_DATA, 1, (1, 3), 2, n_labels=N_LABELS),
    Grid(1, N_DATA, 2, (1, 5), 3),
    None,
]


def local_network(seed=0):
    """Two layers with local connections below a full one, no direction far beyond 1."""
    rng = np.random.default_rng(seed)
    n_last = GRIDS[1].n_outputs
    coefs = [grid.random(0.3, rng, np.float64) for grid in GRIDS[:2]]
    coefs.append(rng.normal(0, 0.2, (n_last, 8)))
    sizes = [GRIDS[0].n_outputs, n_last]
    standards = [(rng.uniform(0.1, 0.2, n), rng.uniform(0.1, 0.3, n)) for n in sizes]
    return Network(coefs, "std_abs", standards)


def masks():
    """True where the inputs and units of ``GRIDS`` are connected, one array a layer."""
    found = [
        naive.connections(g.height, g.width, g.channels, g.field, g.n_units, g.n_labels)
        for g in GRIDS[:2]
    ]
    return [*found, np.ones((GRIDS[1].n_outputs, 8), dtype=bool)]


# -- one layer in closed form ------------------------------------------------------------


def spectrum_of(X, n_units, weight=None, epsilon=EPSILON, averaged=False):
    """The layer that has learned rows, ready for any learning time."""
    moments = Moments(X.shape[1]).add(X, weight)
    return Spectrum(*moments.decompose(), n_units, epsilon, averaged)


def spectrum_from(values, vectors, n_units, epsilon=EPSILON, averaged=False):
    """The layer of given eigenvalues and eigenvectors."""
    return Spectrum(values, vectors, n_units, epsilon, averaged)


def rotation(n_inputs, n_units, seed=1):
    return random_rotation(n_inputs, n_units, seed, np.float64)


def solved(X, n_units, t, weight=None, epsilon=EPSILON):
    """W(0) and W(t)."""
    spectrum = spectrum_of(X, n_units, weight, epsilon)
    Q = rotation(X.shape[1], n_units)
    return spectrum.weights(0.0, Q), spectrum.weights(t, Q)


def solve_flow(rows, **changes):
    """The closed-form solution of encoded rows."""
    return Flow().solve(rows, task(**changes))


# -- the rule ------------------------------------------------------------------------------


def hebbian_start(estimator, n_inputs=6):
    """The network that the training of a fitted estimator began with, and its random order."""
    asked = task(
        [W.shape[1] for W in estimator.coefs_],
        epsilon=estimator.init_activation,
        activation=estimator.activation,
        seed=seed_of(estimator),
    )
    rng = np.random.default_rng([seed_of(estimator), 1, 0])  # of the order of rows
    return hebbian.start(n_inputs, asked), rng


def schedule(n_rows, times, sizes=(9, 6), **changes):
    """Updates and rates of a training of ``n_rows`` rows."""
    return hebbian.Schedule(n_rows, task(sizes, **changes), times)


def learn_batchwise(network, shares):
    """The function that learns a batch of rows in products."""
    return hebbian._Batchwise(network, shares)


def learn_one_by_one(network, shares):
    """The function that learns rows one after the other."""
    return hebbian._OneByOne(network, shares)


def record_rates(monkeypatch):
    """A list that gets the sum of the rates of every update from now on."""
    rates = []

    class Recorder(hebbian._Batchwise):
        def __call__(self, X, rate):
            rates.append(float(rate.sum()))
            return super().__call__(X, rate)

    monkeypatch.setattr(hebbian, "_Batchwise", Recorder)
    return rates


def record_least_weights(monkeypatch, one_by_one):
    """A list that gets the least weight that is not 0 before every update."""
    least, kind = [], "_OneByOne" if one_by_one else "_Batchwise"

    class Watched(getattr(hebbian, kind)):
        def __call__(self, X, rate):
            W = np.abs(self.weights[0])
            least.append(W[W > 0].min())
            return super().__call__(X, rate)

    monkeypatch.setattr(hebbian, kind, Watched)
    return least


# -- feedback ------------------------------------------------------------------------------


def learner(network, rows, mean_gain=None, **changes):
    """A network in training with feedback on rows."""
    sizes = [W.shape[1] for W in network.coefs]
    return feedback._Learner(network, rows, task(sizes, **changes), FEEDBACK, mean_gain)


def solve_with_feedback(rows, start, **changes):
    """The solution that feedback on rows makes of ``start``."""
    sizes = [W.shape[1] for W in start.network.coefs]
    return learn_from_mistakes(rows, task(sizes, **changes), FEEDBACK, start)


# -- held-out rows ---------------------------------------------------------------------------


def fold_of(train, held, sizes, **changes):
    """A fold without layers: rows that teach, and rows that choose."""
    return Fold.start(train, held, task(sizes, **changes))


# -- rows without themselves -----------------------------------------------------------------


def last_layer(rows, n_units, t, averaged):
    """The last layer of a solution for encoded rows, without weights."""
    moments = Moments(rows.n_inputs).add(rows.encode(), rows.weight)
    spectrum = Spectrum(*moments.decompose(), n_units, EPSILON, averaged)
    network = Network([np.eye(rows.n_inputs, n_units)], "abs", [])
    state = {"moments": [moments.state]}
    asked = task([n_units], dtype=np.dtype(rows.dtype))
    layer = ClosedLayer(spectrum, lambda: asked.rotation(0, rows.n_inputs), asked.dtype)
    found = Solution(network, [t], 1, np.empty(0), state, layer)
    return LastLayer.of(found, asked)


def without_rows(layer, rows, gone):
    """The layer whose statistics the rows of the mask ``gone`` have left."""
    return layer.leave_out(rows, gone)


def activation_without(rows, n_units, t, averaged, removed, index):
    """Activation of row ``index`` after training anew, less the weight ``removed`` of each."""
    weight = rows.weight - removed
    kept = weight > 1e-12
    rest = EncodedRows(rows.X[kept], rows.encoding, weight=weight[kept], dtype=rows.dtype)
    return last_layer(rest, n_units, t, averaged).scores(rows, np.array([index]))[0]


def calibrated(rows, t, contamination, sizes, of_rows=None, **changes):
    """Solution of rows and its calibration: (solution, calibration, scores of the rows).

    ``of_rows`` says which unit each row belongs to, if whole units are to be left out.
    """
    asked = task(sizes, rule=GivenTimes([t] * len(sizes), rate=1 / t), **changes)
    judged = judge_rows(Flow().solve(rows, asked), rows, asked, contamination, of_rows)
    return judged.solution, judged.calibration, judged.scores


# -- fitted estimators ---------------------------------------------------------------------


def network_of(estimator):
    return estimator._model().network


def encoding_of(estimator):
    return estimator._encoding()


def seed_of(estimator):
    return estimator._seed


def weight_seen(estimator):
    """The weight of all rows that a stream has brought."""
    return estimator._n_seen


def sharpen(classifier, a):
    """Give a fitted classifier another factor of eq. 8."""
    classifier._certainty = (a, *classifier._certainty[1:])


def label_activations(classifier, X):
    """Output activation of rows with every label, however typical the rows are."""
    return classifier._model().label_energies(X)


def statistics_of(estimator, layer=0):
    """Sums over the rows that a layer has learned, as a dictionary."""
    return estimator._state["moments"][layer]


def standards_of(estimator):
    """Running mean and variance of |y| of every layer."""
    return estimator._standards


def activation_of(detector, rows):
    """What the network activates on rows, or on windows, none of them recognised."""
    return detector._model().activation(rows)


def scores_of_rows(detector, rows):
    """The same, but rows and windows that were learned are scored without themselves."""
    return detector._model().score(rows)


def calibration_of(detector):
    """Scores of normal rows, as a dictionary."""
    return detector._calibration


def series_of(detector):
    """What a detector of series knows of its stamps, as a dictionary."""
    return detector._series


def typical_rows(detector):
    return detector._model().typical_rows()


def references_of(detector, rows, typical):
    """Rows in the place of each column's entry, of which explanations are differences."""
    return nearest_references(detector._model(), rows, typical)


def scores_by_others(detector, X):
    """Scores of rows by what all others teach."""
    return detector._model().score_of_others(X)(X)


def filled_for_training(detector, X):
    """Rows as a detector of numbers learns them: with their gaps filled."""
    detector.is_categorical_ = None
    return TableTraining(detector)._fill_to_learn(X, np.ones(len(X)))


def learn_at_most(monkeypatch, n_rows):
    """Have detectors learn no more rows than that."""
    monkeypatch.setattr(DetectorTraining, "most_rows", n_rows)


def activation_gained(monkeypatch, imputer, gaps):
    """How much activation each row gains when an imputer fills it, and which have gaps."""
    seen, fill = [], Filler.fill

    def watched(self, start, missing, n_steps, voted):
        filled = fill(self, start, missing, n_steps, voted)
        gained = self.objective(filled)[0] - self.objective(start)[0]
        seen.append((gained, missing.any(axis=1)))
        return filled

    monkeypatch.setattr(Filler, "fill", watched)
    imputer.transform(gaps)
    return seen[0]


def gaps_of_labels(classifier, X):
    """Differences of the activations of the predicted label and of the next one."""
    model = classifier._model()
    energies, rows = model.label_energies(classifier._fitted_rows(X)), np.arange(len(X))
    best, second = best_labels(model, classifier._fitted_rows(X))
    return energies[rows, best] - energies[rows, second]


def explained_ways(classifier, X):
    """Starts, ends, the best label and the next one of the ways that explain rows."""
    model = classifier._model()
    X = model.fill(model.prepare(classifier._fitted_rows(X)))
    best, second = best_labels(model, X)
    kept = model.sample.X.astype(X.dtype)
    return nearest_with_label(model, X, second, kept, model.predict(kept)), X, best, second


def nearest_rows(classifier, X, labels, kept, kept_labels):
    """For each row the nearest of some kept ones that have its label."""
    return nearest_with_label(classifier._model(), X, labels, kept, kept_labels)


def familiarity_of(classifier, X):
    """How far rows activate a classifier's network as typical ones do, from 0 to 1."""
    return classifier._model().beliefs(X)[1]


def nearest_means(imputer, gaps):
    """Rows of numbers with the mean of the nearest rows that an imputer keeps in their gaps."""
    columns = Columns(**imputer._columns)
    return columns.write(fill_from_nearest(columns.read(gaps), imputer._kept, columns))


def columns_of_votes(imputer):
    """Columns of categories in which an imputer leaves the choice to the nearest rows."""
    return imputer._voted


def impute_from_at_most(monkeypatch, n_rows):
    """Have the layers of imputers learn no more rows than that."""
    monkeypatch.setattr(_imputer.ActivationImputer, "_most_rows", n_rows)


def learn_all_rows_alike(monkeypatch):
    """Have imputers learn rows of which little is known like all others."""
    monkeypatch.setattr(_imputer, "row_weights", lambda Z: np.ones(len(Z)))
    monkeypatch.setattr(choice, "row_weights", lambda Z: np.ones(len(Z)))
