"""Learning from mistakes: the rule, its shortcuts, and when training ends."""

import warnings
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits, make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from sklearn_activation import ActivationLearningClassifier, _feedback
from sklearn_activation._learning.task import Feedback, Solution, Task
from sklearn_activation._network import Network
from sklearn_activation._progress import Progress
from sklearn_activation._rows.encoded import EncodedRows
from sklearn_activation._rows.sample import Sample, is_picked, row_hashes
from sklearn_activation._rows.unit import UnitEncoding

from . import naive

N_DATA, N_LABELS = 7, 5


def _digits(n_labels=10):
    X, y = load_digits(return_X_y=True)
    keep = y < n_labels
    return train_test_split(X[keep], y[keep], random_state=0)


def _classifier(**parameters):
    defaults = {"layer_sizes": 32, "encoding": "unit", "feedback": True, "random_state": 0}
    return ActivationLearningClassifier(**{**defaults, **parameters})


def _rows(n=40, seed=0, weight=None):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, N_DATA))
    labels = rng.integers(N_LABELS, size=n)
    return EncodedRows(X, UnitEncoding(N_DATA), labels=labels, n_labels=N_LABELS, weight=weight)


def _network(sizes=(9, 6), seed=0):
    """Weights without a direction beyond 1."""
    rng = np.random.default_rng(seed)
    widths = [N_DATA + N_LABELS, *sizes]
    coefs = [rng.normal(size=shape) for shape in pairwise(widths)]
    coefs = [W / np.linalg.norm(W, 2) for W in coefs]
    standards = [
        (rng.uniform(0.1, 0.2, n), rng.uniform(0.1, 0.3, n)) for n in sizes[: len(sizes) - 1]
    ]
    return Network(coefs, "std_abs", standards)


def _trained():
    """Rows of digits and a network that tells most of them apart."""
    X, _, y, _ = _digits(5)
    model = _classifier(layer_sizes=(40, 30), feedback=True, max_iter=4).fit(X, y)
    rows = EncodedRows(X[:200], UnitEncoding(64), labels=y[:200], n_labels=5)
    return rows, model._network()


def _task(sizes=(9, 6), **changes):
    feedback = Feedback(0.9, 0.2, 3, n_iter_no_change=10, choose_time=None)
    values = {
        "sizes": list(sizes),
        "activation": "std_abs",
        "epsilon": 0.1,
        "times": None,
        "choose_time": None,
        "seed": 0,
        "dtype": np.dtype(float),
        "learning_rate": 0.1,
        "max_iter": 3,
        "batch_size": 10,
        "progress": Progress(),
        "n_jobs": None,
        "feedback": feedback,
    }
    return Task(**{**values, **changes})


# -- one step ------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [(9,), (9, 6), (9, 6, 8), (20, 30)])
def test_step_is_the_rule_on_pairs_of_labels(sizes):
    rows, network = _rows(6), _network(sizes)
    learner = _feedback._Learner(network, rows, _task(sizes), 0.5)
    Z, right = rows.data(), rows.labels
    wrong = (right + 1 + np.arange(6) % (N_LABELS - 1)) % N_LABELS
    rates = np.linspace(0.01, 0.06, 6)
    before = [W.copy() for W in network.coefs]
    standards = [network._standard(layer, float) for layer in range(len(sizes) - 1)]
    A = Z @ before[0][:N_DATA]
    both = np.concatenate([right, wrong])
    layers = learner.forward(np.concatenate([A, A]), both)
    learner.learn(Z, A, both, layers, rates)
    expected = [
        sum(steps)
        for steps in zip(
            *(
                naive.feedback_step(before, standards, "std_abs", z, c, d, r, 0.9)
                for z, c, d, r in zip(Z, right, wrong, rates, strict=True)
            ),
            strict=True,
        )
    ]
    for W, start, step in zip(network.coefs, before, expected, strict=True):
        assert np.abs(step).max() > 1e-4
        assert_allclose(W - start, step, rtol=1e-9, atol=1e-12)


def test_gaps_gains_and_rivals_of_a_visit():
    rows, network = _trained()
    learner = _feedback._Learner(network, rows, _task(batch_size=200), 0.5)
    index = np.arange(200)
    energies = network.label_energies(rows.data())
    learner.look_around(index, 0)
    assert_array_equal(learner.looked, 0)
    right = energies[index, rows.labels]
    others = energies.copy()
    others[index, rows.labels] = -np.inf
    assert_array_equal(learner.rivals, others.argmax(axis=1))
    learner.visit(index, 0.7, 0)
    gap = right - others.max(axis=1)
    assert_allclose(learner.gap, gap)
    assert_allclose(learner.energy, right)
    gain = np.clip(1 - gap / 0.2, 0, 1)
    assert learner.n_active == np.count_nonzero(gain)
    assert 0 < learner.n_active < 200
    assert_allclose(learner.mean_gain, 0.5 + 0.01 * (gain.mean() - 0.5))


def test_rows_with_a_wide_gap_rest_but_not_for_long():
    rows, network = _trained()
    learner = _feedback._Learner(network, rows, _task(learning_rate=1e-9), None)
    visits, looks = [], []
    visit = learner._visit

    def recorded(index, rate, epoch):
        visits.append((epoch, index))
        visit(index, rate, epoch)

    learner._visit = recorded
    rng = np.random.default_rng(0)
    for epoch in range(20):
        learner.learn_epoch(epoch, 20, rng)
        looks.append(learner.looked.copy())
    last, longest = np.zeros(200), np.zeros(200)
    for epoch, index in visits:
        longest[index] = np.maximum(longest[index], epoch - last[index])
        last[index] = epoch
    wide = learner.gap > 0.25
    assert 0 < wide.sum() < 200
    shortest, most = _feedback.REST
    assert (longest[wide] > shortest).all() and longest.max() == most
    assert (longest[learner.gap < 0.15] == 1).all()
    assert 19 - last.min() < most
    stale = max((epoch - looked).max() for epoch, looked in enumerate(looks))
    assert stale < _feedback.LOOK_EVERY + most


def test_outline_finds_the_rivals(monkeypatch):
    rows, network = _trained()
    learner = _feedback._Learner(network, rows, _task(), None)
    outlined, exact = learner.outline()(rows.data()), network.label_energies(rows.data())
    assert 0 < np.abs(outlined - exact).max() < 2 * _feedback.OUTLINED
    monkeypatch.setattr(_feedback, "FEW_TO_OUTLINE", 0)
    learner.look_around(np.arange(200), 0)
    exact[np.arange(200), rows.labels] = -np.inf
    assert np.mean(learner.rivals == exact.argmax(axis=1)) > 0.9


@pytest.mark.parametrize("shape", [(9, 6), (6, 9)])
def test_shorten_sets_singular_values_above_1_to_1(shape):
    rng = np.random.default_rng(0)
    U, s, Vt = np.linalg.svd(rng.normal(size=shape), full_matrices=False)
    s = np.array([1.7, 1.2, 1.01, 1.0, 0.6, 0.1])
    W = (U * s) @ Vt
    _feedback._shorten(W)
    assert_allclose(W, (U * np.minimum(s, 1)) @ Vt, atol=1e-12)


def test_directions_never_stay_beyond_1():
    X, _, y, _ = _digits()
    model = _classifier(layer_sizes=(48, 48), learning_rate=0.5).fit(X, y)
    largest = max(np.linalg.norm(W, 2) ** 2 for W in model.coefs_)
    assert largest < 1.1
    energies = model.decision_function(X)
    assert energies.max() <= 2 * 1.05


# -- training ------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["flow", "hebbian"])
@pytest.mark.parametrize("sizes", [32, (48, 48)])
def test_feedback_learns_what_the_closed_form_missed(solver, sizes):
    X_train, X_test, y_train, y_test = _digits()
    n_epochs = {"flow": 40, "hebbian": 150}[solver]
    model = _classifier(layer_sizes=sizes, solver=solver, max_iter=n_epochs).fit(X_train, y_train)
    plain = _classifier(layer_sizes=sizes, feedback=False).fit(X_train, y_train)
    assert model.feedback_ and not plain.feedback_
    assert model.score(X_train, y_train) > plain.score(X_train, y_train) + 0.01
    assert model.score(X_test, y_test) > 0.93
    assert model.n_iter_ == n_epochs
    assert np.isfinite(model.activation_curve_).all()


def test_auto_decides_on_held_out_rows():
    X, y = make_classification(
        6000, 10, n_informative=8, n_clusters_per_class=8, flip_y=0, random_state=0
    )
    assert ActivationLearningClassifier((64, 64), random_state=0).fit(X, y).feedback_
    X, _, y, _ = _digits()
    default = ActivationLearningClassifier(random_state=0).fit(X, y)
    assert not default.feedback_  # the closed form of two layers is better there


def test_auto_without_feedback_is_the_plain_fit():
    X, _, y, _ = _digits()
    auto = ActivationLearningClassifier(random_state=0).fit(X, y)
    plain = ActivationLearningClassifier(random_state=0, feedback=False).fit(X, y)
    for a, b in zip(auto.coefs_, plain.coefs_, strict=True):
        assert_array_equal(a, b)


def test_random_labels_go_without_feedback():
    X, y = make_classification(3000, 10, n_informative=4, random_state=0)
    y = np.random.default_rng(0).permutation(y)
    assert not ActivationLearningClassifier((64, 64), random_state=0).fit(X, y).feedback_


def test_same_seed_same_result_whatever_n_jobs(monkeypatch):
    monkeypatch.setattr("sklearn_activation._network.BLOCK_ENTRIES", 1 << 15)  # several blocks
    X, _, y, _ = _digits()
    models = [_classifier(n_jobs=n, max_iter=3).fit(X, y) for n in (None, 2)]
    assert_array_equal(models[0].coefs_[0], models[1].coefs_[0])
    other = _classifier(random_state=1, max_iter=3).fit(X, y)
    assert np.abs(models[0].coefs_[0] - other.coefs_[0]).max() > 1e-3


def test_early_stopping_returns_the_best_epoch(capsys):
    X, _, y, _ = _digits()
    model = _classifier(
        early_stopping=True, max_iter=60, n_iter_no_change=3, validation_fraction=0.3, verbose=1
    ).fit(X, y)
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Epoch")]
    errors = [float(line.split("held-out error ")[1].rstrip("%")) for line in lines]
    assert len(errors) < 60
    assert min(errors[-3:]) >= min(errors[:-3])
    assert model.n_iter_ == 1 + int(np.argmin(errors))


def test_verbose_prints_a_line_an_epoch(capsys):
    X, _, y, _ = _digits()
    _classifier(verbose=1, max_iter=4).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == [f"Epoch {k} of 4" for k in range(1, 5)]
    assert all("training error" in line and "active" in line for line in lines[1:])


def test_divergence_is_undone():
    X, _, y, _ = _digits()
    with pytest.warns(ConvergenceWarning, match="learning_rate=10000: the activation diverged"):
        model = _classifier(layer_sizes=(32, 32), learning_rate=1e4).fit(X, y)
    assert all(np.isfinite(W).all() for W in model.coefs_)
    assert model.score(X, y) > 0.5


def test_probabilities_fit_rows_that_were_not_trained_on():
    X_train, X_test, y_train, y_test = _digits()
    model = _classifier(layer_sizes=(64, 64)).fit(X_train, y_train)
    p = model.predict_proba(X_test)
    assert_allclose(p.sum(axis=1), 1)
    loss = log_loss(y_test, p)
    sharper, blunter = (
        log_loss(y_test, p**a / (p**a).sum(axis=1, keepdims=True)) for a in (3.0, 0.33)
    )
    assert loss < sharper and loss < blunter


def test_weights():
    X, _, y, _ = _digits()
    rng = np.random.default_rng(0)
    spoiled = np.concatenate([y, rng.permutation(y)])
    weight = np.repeat([1.0, 0.0], len(y))
    a = _classifier(max_iter=3).fit(np.concatenate([X, X]), spoiled, weight)
    b = _classifier(max_iter=3).fit(X, y)
    assert_allclose(a.coefs_[0], b.coefs_[0])
    c = _classifier(max_iter=3).fit(X, y, np.full(len(y), 7.0))
    assert_allclose(c.coefs_[0], b.coefs_[0], rtol=1e-6, atol=1e-8)


def test_class_weight():
    X, _, y, _ = _digits()
    of_class = {c: 1.0 + c for c in range(10)}
    a = _classifier(max_iter=3, class_weight=of_class).fit(X, y)
    b = _classifier(max_iter=3).fit(X, y, 1.0 + y)
    assert_allclose(a.coefs_[0], b.coefs_[0])
    keep = (y != 3) | (np.arange(len(y)) % 10 == 0)
    balanced = _classifier(feedback=False, class_weight="balanced").fit(X[keep], y[keep])
    count = np.bincount(y[keep])
    same = _classifier(feedback=False).fit(X[keep], y[keep], (1 / count)[y[keep]])
    assert_allclose(balanced.decision_function(X), same.decision_function(X), rtol=1e-6)
    with pytest.raises(ValueError, match="class_weight='balanced' needs all rows"):
        _classifier(class_weight="balanced").partial_fit(X, y, classes=range(10))
    with pytest.raises(ValueError, match=r"class_weight=.*-1"):
        _classifier(class_weight={0: -1.0}).fit(X, y)


# -- streams -------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["flow", "hebbian"])
def test_stream(solver):
    X_train, X_test, y_train, y_test = _digits()
    model = _classifier(layer_sizes=(64, 64), solver=solver)
    scores = []
    for start in range(0, len(X_train), 200):
        part = slice(start, start + 200)
        model.partial_fit(X_train[part], y_train[part], classes=range(10))
        scores.append(model.score(X_test, y_test))
    for _ in range({"flow": 5, "hebbian": 20}[solver]):
        model.partial_fit(X_train, y_train)
    assert model.feedback_
    assert model.score(X_test, y_test) > {"flow": 0.93, "hebbian": scores[0] + 0.3}[solver]
    p = model.predict_proba(X_test)
    sharper, blunter = (p**a / (p**a).sum(axis=1, keepdims=True) for a in (4.0, 0.25))
    if solver == "flow":  # the other still learns fast
        assert log_loss(y_test, p) < min(log_loss(y_test, sharper), log_loss(y_test, blunter))


def test_stream_of_single_rows():
    X_train, X_test, y_train, y_test = _digits(3)
    model = _classifier().partial_fit(X_train[:30], y_train[:30], classes=range(3))
    for x, label in zip(X_train[30:150], y_train[30:150], strict=True):
        model.partial_fit(x[None], [label])
    assert model.n_iter_ == 121
    assert model.score(X_test, y_test) > 0.9


def test_stream_goes_on_the_way_it_began():
    X, _, y, _ = _digits()
    model = _classifier(feedback="auto").partial_fit(X, y, classes=range(10))
    assert not model.feedback_
    coefs = model.coefs_[0].copy()
    with pytest.raises(ValueError, match="feedback=True differs from the False"):
        model.set_params(feedback=True).partial_fit(X, y)
    assert_array_equal(model.coefs_[0], coefs)
    fitted = _classifier().fit(X, y)
    fitted.set_params(feedback="auto").partial_fit(X, y)
    assert fitted.feedback_
    with pytest.raises(ValueError, match="merge"):
        fitted.merge(_classifier().fit(X, y))


# -- bad input -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "parameters",
    [
        {"feedback_gap": 0.0},
        {"feedback_gap": -1.0},
        {"unlearning_factor": 1.5},
        {"unlearning_factor": -0.1},
        {"feedback": "yes"},
        {"n_iter_no_change": 0},
        {"validation_fraction": 1.0},
        {"max_iter": 0},
        {"early_stopping": True, "validation_fraction": 1e-9},
    ],
    ids=str,
)
def test_bad_parameters_leave_the_model_as_it_was(parameters):
    X, _, y, _ = _digits(2)
    model = _classifier().fit(X, y)
    before = model.decision_function(X)
    name = list(parameters)[-1]
    with pytest.raises(ValueError, match=name):
        model.set_params(**parameters).fit(X, y)
    assert_array_equal(model.decision_function(X), before)


@pytest.mark.parametrize("n", [2, 3, 5])
def test_few_rows(n):
    X, _, y, _ = _digits(2)
    rows = np.r_[np.flatnonzero(y == 0)[: n // 2], np.flatnonzero(y == 1)[: n - n // 2]]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = _classifier(layer_sizes=(8, 8)).fit(X[rows], y[rows])
    assert np.isfinite(model.predict_proba(X)).all()


def test_zero_rows_and_copies():
    X = np.zeros((40, 3))
    X[20:] = [1.0, 2.0, 3.0]
    y = np.repeat(["a", "b"], 20)
    model = _classifier(layer_sizes=(8, 8)).fit(X, y)
    assert_array_equal(model.predict(X), y)


# -- layers --------------------------------------------------------------------------


def test_layer_activations():
    X_train, X_test, y_train, y_test = _digits()
    model = _classifier(layer_sizes=(48, 32, 16), max_iter=2).fit(X_train, y_train)
    right = model.layer_activations(X_test, y_test)
    assert right.shape == (len(X_test), 3)
    energies = model.decision_function(X_test)
    assert_allclose(right[:, -1], energies[np.arange(len(X_test)), y_test], rtol=1e-6)
    best = model.layer_activations(X_test)
    assert_allclose(best[:, -1], model.score_samples(X_test), rtol=1e-6)
    unfed = _classifier(layer_sizes=(48, 32, 16), feedback=False).fit(X_train, y_train)
    found = unfed.layer_activations(X_test, y_test)
    assert (np.diff(found, axis=1) <= 1e-9).all() and (found <= 2 + 1e-9).all()
    with pytest.raises(ValueError, match="not in classes: \\[11\\]"):
        model.layer_activations(X_test, np.full(len(X_test), 11))
    with pytest.raises(ValueError, match="inconsistent"):
        model.layer_activations(X_test, y_test[:3])


# -- callbacks -----------------------------------------------------------------------


def test_solver_reports_to_progress():
    rows, stops = _rows(60), []

    class Stop(Progress):
        def end(self, line, solution=None):
            stops.append(solution().network.coefs[0])
            return len(stops) == 2

    task = _task(progress=Stop())
    start = Solution(_network(), [1.0, 1.0], 1, np.array([0.5]))
    solution = _feedback.solve(rows, task, start)
    assert len(stops) == 2 and solution.n_iter == 2
    assert_array_equal(solution.network.coefs[0], stops[1])
    assert np.abs(stops[1] - stops[0]).max() > 0


def test_callbacks_of_scikit_learn():
    callback = pytest.importorskip("sklearn.callback", reason="scikit-learn 1.9")

    class Recorder:
        def __init__(self):
            self.began, self.scores = [], []

        def setup(self, estimator, context):
            pass

        def teardown(self, estimator, context):
            self.done = True

        def on_fit_task_begin(self, estimator, context):
            self.began.append(context.task_name)

        def on_fit_task_end(self, estimator, context, *, X, y, fitted_estimator):
            self.scores.append(fitted_estimator.score(X, y) if fitted_estimator else None)
            return len(self.scores) == 4  # the layer and three epochs

    X, _, y, _ = _digits()
    recorder = Recorder()
    assert isinstance(recorder, callback.FitCallback)
    model = _classifier(max_iter=10)
    model.set_callbacks(recorder)
    model.fit(X, y)
    assert recorder.began == ["fit", "layer", "epoch", "epoch", "epoch"]
    assert model.n_iter_ == 3
    assert recorder.done
    assert recorder.scores[-1] == model.score(X, y)
    assert 0.8 < recorder.scores[1] <= 1


# -- rows without labels -------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "missing"),
    [(int, -1), (float, np.nan), (str, "?"), (object, None), (str, None)],
    ids=["int", "nan", "str", "None", "str and None"],
)
def test_unlabelled_rows_help(kind, missing):
    X_train, X_test, y_train, y_test = _digits()
    y = y_train.astype(kind).astype(object)
    y[60:] = missing
    if missing is not None:
        y = y.astype(kind)
    model = _classifier(layer_sizes=None, feedback="auto", missing_label=missing).fit(X_train, y)
    alone = _classifier(layer_sizes=None, feedback="auto").fit(X_train[:60], y_train[:60])
    assert len(model.classes_) == 10
    assert model.classes_.dtype.kind == np.dtype(kind).kind or kind is object
    truth = y_test.astype(kind)
    found = model.predict(X_test).astype(truth.dtype)
    assert np.mean(found == truth) > alone.score(X_test, y_test) + 0.02


def test_unlabelled_rows_are_those_labelled_by_the_round_before():
    X, _, y, _ = _digits(4)
    partly = np.where(np.arange(len(y)) < 40, y, -1)
    model = _classifier(feedback=False, missing_label=-1).fit(X, partly)
    again = _classifier(feedback=False).fit(X[:40], y[:40])
    labels = None
    for _ in range(2):
        found = np.concatenate([y[:40], again.predict(X[40:])])
        if labels is not None and np.mean(found[40:] != labels[40:]) < 0.001:
            break
        labels = found
        weight = np.where(np.arange(len(y)) < 40, 0.5 * (len(y) - 40) / 40, 1.0)
        again = _classifier(feedback=False).fit(X, labels, weight)
    assert_allclose(model.decision_function(X), again.decision_function(X), rtol=1e-6)


def test_unlabelled_rows_with_feedback(capsys):
    X, X_test, y, y_test = _digits(4)
    partly = np.where(np.arange(len(y)) < 40, y, -1)
    model = _classifier(missing_label=-1, max_iter=50, verbose=1).fit(X, partly)
    assert model.feedback_ and model.score(X_test, y_test) > 0.9
    assert "Epoch 10 of 10" in capsys.readouterr().out


def test_unlabelled_rows_in_a_stream():
    X, X_test, y, y_test = _digits(4)
    partly = np.where(np.arange(len(y)) % 5 == 0, y, -1)
    model = _classifier(feedback=False, missing_label=-1)
    for start in range(0, len(X), 100):
        part = slice(start, start + 100)
        model.partial_fit(X[part], partly[part], classes=range(4))
    assert model.score(X_test, y_test) > 0.85
    assert model._n_seen == len(X) - np.count_nonzero(partly[:100] == -1)


def test_labels_must_not_all_be_missing():
    X, _, y, _ = _digits(3)
    model = _classifier(missing_label=-1).fit(X, y)
    before = model.decision_function(X)
    with pytest.raises(ValueError, match=r"missing_label=-1: all .* rows are unlabelled"):
        model.fit(X, np.full(len(y), -1))
    with pytest.raises(ValueError, match="needs at least 2 classes"):
        model.fit(X, np.where(y == 1, 1, -1))
    weight = (np.arange(len(y)) >= 30).astype(float)
    with pytest.raises(ValueError, match="every row with a label has weight zero"):
        model.fit(X, np.where(np.arange(len(y)) < 30, y, -1), weight)
    assert_array_equal(model.decision_function(X), before)


# -- found in review -------------------------------------------------------------------


class _Probabilities:
    """Callback that asks the model for probabilities after every epoch."""

    def __init__(self, X):
        self.X, self.found = X, []

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, fitted_estimator):
        if context.task_name == "epoch":
            self.found.append(fitted_estimator.predict_proba(self.X))


@pytest.mark.parametrize("parameters", [{"feedback": "auto"}, {"feedback": True}])
@pytest.mark.parametrize("solver", ["flow", "hebbian"])
def test_callbacks_can_ask_for_probabilities(parameters, solver):
    X, _, y, _ = _digits(4)
    model = _classifier(**parameters, solver=solver, max_iter=3)
    if not hasattr(model, "set_callbacks"):
        pytest.skip("before scikit-learn 1.9")
    X, y = np.concatenate([X, X + 1]), np.concatenate([y, y])
    callback = _Probabilities(X[:20])
    model.set_callbacks(callback).fit(X, y)
    assert len(callback.found) >= 3
    assert_allclose([p.sum(axis=1) for p in callback.found], 1)
    assert np.abs(callback.found[0] - callback.found[-1]).max() > 1e-6


def test_warm_start_of_the_rule_with_a_trial():
    X, _, y, _ = _digits()
    model = _classifier(solver="hebbian", feedback="auto", warm_start=True, max_iter=3)
    first = model.fit(X, y).score(X, y)
    assert model.fit(X, y).score(X, y) > first - 0.05


def test_learning_time_of_the_rule_with_feedback():
    X, y = load_digits(n_class=3, return_X_y=True)
    model = _classifier(solver="hebbian").fit(X[:150], y[:150])
    assert (model.learning_times_ > 0).all()
    p = model.predict_proba(X[150:]).max(axis=1)
    assert np.mean((p > 0.35) & (p < 0.999)) > 0.1


def test_probabilities_after_missing_labels_are_fitted_to_given_ones():
    X, y = make_classification(3000, 10, n_informative=6, n_classes=3, flip_y=0.2, random_state=0)
    partly = np.where(np.arange(3000) < 700, y, -1)[:2000]
    model = _classifier(layer_sizes=(40, 40), missing_label=-1, encoding="fourier")
    p = model.fit(X[:2000], partly).predict_proba(X[2000:])
    accuracy = np.mean(p.argmax(axis=1) == y[2000:])
    assert abs(p.max(axis=1).mean() - accuracy) < 0.1


def test_the_rival_does_not_see_held_out_rows():
    X, _, y, _ = _digits()
    sample = Sample.of(X, y, np.ones(len(X)), 600)
    picked = is_picked(row_hashes(X, y), 0.2)
    assert 0.15 < picked.mean() < 0.25
    kept = set(sample.without(0.2).hashes)
    assert kept == set(sample.hashes) - set(row_hashes(X[picked], y[picked]))


def test_missing_labels_of_any_type():
    X, _, y, _ = _digits(3)
    unknown = np.arange(len(y)) % 3 == 1
    expected = _classifier(feedback=False, missing_label=-1).fit(X, np.where(unknown, -1, y))
    energies = expected.decision_function(X)
    cases = [
        (-1, np.where(unknown, -1, y).reshape(-1, 1)),
        ("?", ["?" if u else v for u, v in zip(unknown, y.tolist(), strict=True)]),
        (np.nan, np.where(unknown, np.nan, y)),
        (None, [None if u else v for u, v in zip(unknown, y.tolist(), strict=True)]),
    ]
    try:
        import pandas as pd
    except ImportError:
        pass
    else:
        nullable = pd.array([None if u else v for u, v in zip(unknown, y.tolist(), strict=True)])
        cases += [(pd.NA, pd.Series(nullable)), (np.nan, pd.Series(nullable))]
    for missing, labels in cases:
        model = _classifier(feedback=False, missing_label=missing).fit(X, labels)
        assert list(model.classes_) == [0, 1, 2]
        assert_allclose(model.decision_function(X), energies)


@pytest.mark.parametrize("feedback", [False, True])
def test_stream_with_rows_without_a_label(feedback):
    X, _, y, _ = _digits(3)
    model = _classifier(feedback=feedback, missing_label=-1)
    with pytest.raises(ValueError, match="missing_label=-1: all 5 rows are unlabelled"):
        model.partial_fit(X[:5], np.full(5, -1), classes=range(3))
    model.partial_fit(X[:100], y[:100], classes=range(3))
    before = model.coefs_[0].copy()
    for row in X[100:110]:
        model.partial_fit(row[None], [-1])
    assert np.abs(model.coefs_[0] - before).max() > 0
    assert model.score(X, y) > 0.9


def test_weights_count_in_batches_of_one():
    X, _, y, _ = _digits(3)
    steps = []
    for weight in (1.0, 0.1):
        model = _classifier(feedback_gap=2.0).partial_fit(X[:100], y[:100], classes=range(3))
        before = model.coefs_[0].copy()
        model.partial_fit(X[100:101], y[100:101], sample_weight=[weight])
        steps.append(np.abs(model.coefs_[0] - before).max())
    assert steps[0] > 1.5 * steps[1] > 0


def test_warm_start_does_not_leak_between_rounds():
    X, _, y, _ = _digits(4)
    partly = np.where(np.arange(len(y)) < 100, y, -1)
    cold, warm = (
        _classifier(feedback=False, missing_label=-1, warm_start=warm).fit(X, partly)
        for warm in (False, True)
    )
    assert_array_equal(cold.coefs_[0], warm.coefs_[0])


@pytest.mark.parametrize(
    "parameter",
    [{"feedback_gap": 0.0}, {"unlearning_factor": -3.0}, {"learning_rate": -1.0}],
)
def test_streams_check_parameters_that_have_changed(parameter):
    X, _, y, _ = _digits(3)
    model = _classifier().fit(X, y).set_params(**parameter)
    before = model.coefs_[0].copy()
    with pytest.raises(ValueError, match=next(iter(parameter))):
        model.partial_fit(X[:10], y[:10])
    assert_array_equal(model.coefs_[0], before)


def test_missing_label_is_no_class():
    X, _, y, _ = _digits(3)
    partly = np.where(np.arange(len(y)) % 3 == 1, "", y.astype(str))
    model = _classifier(missing_label="").partial_fit(X, partly, classes=np.unique(partly))
    assert list(model.classes_) == ["0", "1", "2"]
    some = [None if v == "" else v for v in partly.tolist()]
    assert list(_classifier(missing_label=np.nan).fit(X, some).classes_) == ["0", "1", "2"]
    with pytest.raises(ValueError, match=r"missing_label=.*must be a single label"):
        _classifier(missing_label=["", "x"]).fit(X, partly)
