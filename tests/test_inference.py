"""Generating, completing, and classifying rows that are known in part."""

import warnings
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.svm import SVC

from sklearn_activation import ActivationAnomalyDetector, ActivationLearningClassifier, _network
from sklearn_activation._inference.ascent import maximise
from sklearn_activation._inference.langevin import sampled
from sklearn_activation._inference.objective import LostActivation, Objective
from sklearn_activation._rows.encodings import ENCODINGS

ACTIVATIONS = ["abs", "std_abs", "layer_std_abs", "square"]


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(X))
    X, y = X[order], y[order]
    classifier = ActivationLearningClassifier((256, 256), encoding="unit", random_state=0)
    return classifier.fit(X[:1200], y[:1200]), X[1200:], y[1200:]


@pytest.fixture(scope="module")
def wine():
    X, y = load_wine(return_X_y=True)
    return ActivationLearningClassifier(encoding="fourier", random_state=0).fit(X, y), X, y


def small(encoding, activation, layers, X, y):
    return ActivationLearningClassifier(
        layers, encoding=encoding, activation=activation, n_frequencies=24, random_state=0
    ).fit(X, y)


# -- what encodings say of raw rows ------------------------------------------------------


def _encodings(X):
    sample = SimpleNamespace(X=X, weight=np.ones(len(X)), smallest=lambda n: sample)
    options = {"bandwidth": 1.0, "n_frequencies": 8, "standardize": True, "factors": (1.0,)}
    return {name: kind.fitted_to(sample, seed=0, **options) for name, kind in ENCODINGS.items()}


def test_distances_to_kept_rows_on_known_entries():
    """To the nearest multiple of them where lengths don't count, else in deviations."""
    rng = np.random.default_rng(0)
    kept, X = rng.normal(size=(7, 4)) * [1, 5, 0.2, 30], rng.normal(size=(5, 4)) * [1, 5, 0.2, 30]
    known = rng.random((5, 4)) < 0.7
    known[:, 0] = True
    deviation = kept.std(axis=0)
    for name, encoding in _encodings(kept).items():
        distance, factor = encoding.distances(X, known, kept, np.ones(7))
        for i in range(5):
            x, rows = X[i, known[i]], kept[:, known[i]]
            if name == "unit":
                expected = np.maximum(rows @ x, 0) / (rows**2).sum(axis=1)
            else:
                expected, x, rows = np.ones(7), x / deviation[known[i]], rows / deviation[known[i]]
            np.testing.assert_allclose(factor[i], expected, rtol=1e-12)
            exact = ((x - expected[:, None] * rows) ** 2).sum(axis=1)
            np.testing.assert_allclose(distance[i] + x @ x, exact, atol=1e-9)


def test_lengths_and_magnitudes_belong_to_unit_rows():
    X = np.array([[3.0, 4.0], [-600.0, 800.0], [0.0, 0.0]])
    unit, fourier = _encodings(X).values()
    np.testing.assert_allclose(
        unit.with_lengths(X, np.array([1.0, 2, 3])), X * [[0.2], [0.002], [0]]
    )
    np.testing.assert_array_equal(fourier.with_lengths(X, np.array([1.0, 2, 3])), X)
    assert (unit.magnitude(X), fourier.magnitude(X)) == (512, 1)
    assert unit.magnitude(1e-310 * X) > 0 and unit.magnitude(0 * X) == 1
    assert np.isfinite((1e300 * X / unit.magnitude(1e300 * X)) ** 2).all()


# -- objectives ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Objective, LostActivation])
@pytest.mark.parametrize("layers", [(20,), (20, 16)])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_gradients_are_finite_differences(kind, layers, activation, encoding):
    X, y = load_iris(return_X_y=True)
    classifier = small(encoding, activation, layers, X, y)
    objective = kind(classifier._network(), classifier._encoding(), 3, sharpness=0.01)
    rng = np.random.default_rng(0)
    rows, labels = X[::30] + 0.05, y[::30]
    gains = 1 + 0.1 * rng.normal(size=(len(rows), layers[-1]))
    direction = rng.normal(size=rows.shape)
    step = 1e-3  # Fourier features are in single precision
    up, down = (objective(rows + s * step * direction, labels, gains)[0] for s in (1, -1))
    _, gradient = objective(rows, labels, gains)
    np.testing.assert_allclose(
        (gradient * direction).sum(axis=1), (up - down) / (2 * step), rtol=2e-2, atol=1e-3
    )


@pytest.mark.parametrize("kind", [Objective, LostActivation])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_objective_never_falls(kind, encoding):
    X, y = load_breast_cancer(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    classifier = small(encoding, "std_abs", (24, 24), X, y)
    objective = kind(classifier._network(), classifier._encoding(), 2)
    rng = np.random.default_rng(0)
    free = rng.random(X.shape) < 0.5
    value, _ = objective(X, y)
    for n_steps in (1, 2, 5, 50):
        found, reached = maximise(objective, X, free, labels=y, max_iter=n_steps)
        assert (reached >= value - 1e-12).all()
        np.testing.assert_allclose(reached, objective(found, y)[0], rtol=1e-6)
        np.testing.assert_array_equal(found[~free], X[~free])
        value = reached
    assert (value > objective(X, y)[0] + 1e-4).mean() > 0.9


def test_bounds_are_kept():
    X, y = load_iris(return_X_y=True)
    classifier = small("unit", "abs", (8,), X, y)
    objective = Objective(classifier._network(), classifier._encoding(), 3)
    low, high = X.min(axis=0), X.max(axis=0)
    found, _ = maximise(objective, X, np.ones(X.shape, bool), labels=y, bounds=(low, high))
    assert (found >= low).all() and (found <= high).all()
    assert not np.allclose(found, X)


# -- generate --------------------------------------------------------------------------


def test_generated_digits_are_recognised_and_differ(digits):
    classifier, X, y = digits
    labels = np.repeat(np.arange(10), 20)
    generated = classifier.generate(np.arange(10), n_samples=20, random_state=0)
    assert generated.shape == (200, 64)
    assert (generated >= 0).all()
    assert (SVC().fit(X, y).predict(generated) == labels).mean() >= 0.95
    spread = sum(generated[labels == c].std(axis=0).sum() for c in range(10))
    assert spread > 0.4 * sum(X[y == c].std(axis=0).sum() for c in range(10))
    norms = [
        np.linalg.norm(A[labels_ == 3], axis=1) for A, labels_ in ((generated, labels), (X, y))
    ]
    assert norms[0].mean() == pytest.approx(norms[1].mean(), rel=0.05)
    again = classifier.generate(np.arange(10), n_samples=20, random_state=0)
    np.testing.assert_array_equal(again, generated)
    assert not np.allclose(classifier.generate([3], random_state=1), generated[60:61])


def test_generated_rows_activate_more_than_real_ones(digits):
    classifier, X, y = digits
    generated = classifier.generate(y[:50], random_state=0)
    real = classifier.layer_activations(X[:50], y[:50])[:, -1]
    assert classifier.layer_activations(generated, y[:50])[:, -1].mean() > real.mean()


def test_sharpness_and_noise_do_what_they_say(digits):
    classifier, _, _ = digits

    def generate(**options):
        return classifier.generate(np.repeat(np.arange(10), 10), random_state=0, **options)

    def length(X):
        return (np.abs(X).sum(axis=1) / np.linalg.norm(X, axis=1)).mean()

    assert length(generate(sharpness=0.05)) < length(generate(sharpness=0.0)) - 0.3
    typical = [classifier.score_samples(generate(noise=noise)).mean() for noise in (0.0, 0.3)]
    assert typical[1] < typical[0]


def test_generated_rows_of_a_table_stay_in_its_range(wine):
    classifier, X, _ = wine
    generated = classifier.generate([0, 1, 2], n_samples=10, random_state=0)
    assert (generated >= X.min(axis=0)).all() and (generated <= X.max(axis=0)).all()
    assert (classifier.predict(generated) == np.repeat([0, 1, 2], 10)).mean() > 0.9


def test_labels_may_be_strings():
    X, y = load_iris(return_X_y=True, as_frame=True)
    names = np.array(["setosa", "versicolor", "virginica"])
    classifier = ActivationLearningClassifier(16, random_state=0).fit(X, names[y])
    assert classifier.generate(["virginica"], n_samples=2, random_state=0).shape == (2, 4)
    rows = X.iloc[[0, 149]].copy()
    rows.iloc[:, 1] = np.nan
    assert classifier.complete(rows, ["setosa", "virginica"]).shape == (2, 4)


# -- complete and predict --------------------------------------------------------------


def test_lower_halves_are_completed(digits):
    classifier, X, y = digits
    half = X[:200].copy()
    half[:, 32:] = np.nan
    completed = classifier.complete(half)
    np.testing.assert_array_equal(completed[:, :32], X[:200, :32])
    recogniser = SVC().fit(X[200:], y[200:])
    blank = recogniser.score(np.nan_to_num(half), y[:200])
    assert recogniser.score(completed, y[:200]) > blank + 0.1
    top = SVC().fit(X[200:, :32], y[200:]).score(X[:200, :32], y[:200])
    assert recogniser.score(completed, y[:200]) > top - 0.05
    assert classifier.score(half, y[:200]) > top - 0.05
    mean = np.broadcast_to(X[200:].mean(axis=0), (200, 64))
    error, of_mean = (((A - X[:200])[:, 32:] ** 2).mean() for A in (completed, mean))
    assert error < 0.8 * of_mean


def test_random_pixels_are_completed(digits):
    classifier, X, y = digits
    rows = np.where(np.random.default_rng(0).random((200, 64)) < 0.5, np.nan, X[:200])
    completed = classifier.complete(rows)
    assert np.isfinite(completed).all()
    of_mean = SimpleImputer().fit(X[200:]).transform(rows)
    assert ((completed - X[:200]) ** 2).sum() < 0.6 * ((of_mean - X[:200]) ** 2).sum()
    assert classifier.score(rows, y[:200]) > 0.9


def test_columns_of_a_table_are_completed(wine):
    classifier, X, y = wine
    rows = X.copy()
    rows[:, [2, 6, 9]] = np.nan
    completed = classifier.complete(rows)
    known = ~np.isnan(rows)
    np.testing.assert_array_equal(completed[known], X[known])
    of_mean = np.broadcast_to(X.mean(axis=0), X.shape)
    errors = [
        (((A - X)[:, [2, 6, 9]] / X.std(axis=0)[[2, 6, 9]]) ** 2).mean()
        for A in (completed, of_mean)
    ]
    assert errors[0] < 0.8 * errors[1]
    assert classifier.score(rows, y) > 0.9


def test_columns_may_have_any_units(wine):
    _, X, y = wine
    rows = X.copy()
    rows[::3, 5:8] = np.nan
    completed = []
    for units in (1.0, 10.0 ** np.linspace(-6, 6, X.shape[1])):
        classifier = ActivationLearningClassifier(
            32,
            encoding="fourier",
            n_frequencies=64,
            bandwidth=2.5,  # rows in other units fall into other folds, which choose another
            learning_time=100.0,
            random_state=0,
        )
        completed.append(classifier.fit(X * units, y).complete(rows * units, y) / units)
    np.testing.assert_allclose(*(rows / X.std(axis=0) for rows in completed), atol=0.05)


@pytest.mark.parametrize("scale", [1e-200, 1e-30, 1e30, 1e200])
def test_rows_of_any_magnitude(digits, scale):
    _, X, y = digits
    rows = np.where(np.arange(64) < 32, X[:20], np.nan)
    classifier = ActivationLearningClassifier(
        32, encoding="unit", learning_time=100.0, random_state=0
    )
    plain = classifier.fit(X[:500], y[:500]).complete(rows, y[:20])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        classifier.fit(X[:500] * scale, y[:500])
        filled = classifier.complete(rows * scale, y[:20]) / scale
        generated = classifier.generate([3], n_samples=4, random_state=0) / scale
        assert classifier.score(rows * scale, y[:20]) > 0.4
    np.testing.assert_allclose(filled, plain, atol=0.5)
    assert 1 < generated.max() <= 32


def test_a_row_far_from_all_others(digits):
    classifier, X, _ = digits
    row = np.where(np.arange(64) < 32, X[0] * 1e300, np.nan)[None]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isfinite(classifier.complete(row)).all()
        assert np.isfinite(classifier.decision_function(row)).all()


def test_a_given_label_is_taken(digits):
    classifier, X, _ = digits
    half = X[:20].copy()
    half[:, 32:] = np.nan
    as_zero, as_seven = (classifier.complete(half, np.full(20, c)) for c in (0, 7))
    assert np.abs(as_zero - as_seven).mean() > 0.5


def test_rows_without_known_energy_become_the_mean_of_the_label(digits):
    classifier, _, _ = digits
    row = np.full((1, 64), np.nan)
    row[0, 0] = 0  # blank in all digits
    completed = classifier.complete(row, [3])
    assert np.isfinite(completed).all()
    assert classifier.predict(completed) == [3]


def test_scores_of_whole_rows_do_not_depend_on_rows_with_nan(digits):
    classifier, X, _ = digits
    mixed = X[:20].copy()
    mixed[::2, :5] = np.nan
    for method in ("decision_function", "predict_proba", "score_samples"):
        whole, found = (getattr(classifier, method)(A) for A in (X[:20], mixed))
        np.testing.assert_allclose(found[1::2], whole[1::2], rtol=1e-6)
        assert np.isfinite(found).all()
    np.testing.assert_array_equal(
        classifier.predict(mixed), classifier.decision_function(mixed).argmax(axis=1)
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_known_entries_keep_their_values_and_type(digits, dtype):
    classifier, X, _ = digits
    rows = X[:5].astype(dtype)
    rows[:, ::3] = np.nan
    completed = classifier.complete(rows)
    assert completed.dtype == dtype
    np.testing.assert_array_equal(completed[~np.isnan(rows)], rows[~np.isnan(rows)])


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("solver", ["flow", "hebbian"])
def test_rows_with_nan_are_learned(encoding, solver):
    X, y = load_iris(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    X[np.random.default_rng(0).random(X.shape) < 0.15] = np.nan
    X[np.isnan(X).all(axis=1), 0] = 0
    classifier = ActivationLearningClassifier(
        encoding=encoding, n_frequencies=32, solver=solver, random_state=0
    )
    assert classifier.fit(X, y).score(X, y) > 0.75
    assert classifier.partial_fit(X[:50], y[:50]).score(X, y) > 0.6


def test_learning_from_rows_with_gaps_beats_zeros_in_their_place():
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(X))
    X, y = X[order], y[order]
    gaps = np.where(np.random.default_rng(1).random(X.shape) < 0.4, np.nan, X)
    learned, zeros = (
        ActivationLearningClassifier((128, 128), encoding="unit", random_state=0).fit(
            rows[:1000], y[:1000]
        )
        for rows in (gaps, np.nan_to_num(gaps))
    )
    assert learned.score(X[1000:], y[1000:]) > zeros.score(X[1000:], y[1000:]) + 0.01
    assert learned.score(gaps[1000:], y[1000:]) > zeros.score(gaps[1000:], y[1000:]) + 0.01


def test_two_modalities_are_associated():
    """Either half of a digit is found by the other, learned from pairs and single halves."""
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(X))
    X, y = X[order], y[order]
    train = X[:1200].copy()
    train[200:700, :32] = np.nan
    train[700:1200, 32:] = np.nan
    classifier = ActivationLearningClassifier((256, 256), encoding="unit", random_state=0)
    classifier.fit(train, y[:1200])
    for half in (slice(0, 32), slice(32, 64)):
        asked = X[1200:1500].copy()
        asked[:, half] = np.nan
        found, real = classifier.complete(asked)[:, half], X[1200:1500, half]
        found, real = (A - real.mean(axis=0) for A in (found, real))
        found, real = (A / np.linalg.norm(A, axis=1, keepdims=True) for A in (found, real))
        likeness = found @ real.T
        rank = (likeness > np.diag(likeness)[:, None]).sum(axis=1)
        assert (rank < 10).mean() > 0.4  # by chance 0.033
        assert classifier.score(asked, y[1200:1500]) > 0.8


def test_a_wholly_unknown_row_among_whole_ones():
    X, y = load_iris(return_X_y=True)
    X[2] = np.nan
    assert small("unit", "abs", (8,), X, y).score(X[3:], y[3:]) > 0.6


def test_gaps_unlabelled_rows_and_weights_together():
    X, y = load_digits(return_X_y=True)
    rows = np.where(np.random.default_rng(0).random(X.shape) < 0.2, np.nan, X)
    rows[5] = np.nan
    labels = np.where(np.arange(len(y)) % 3 == 0, y, -1)
    classifier = ActivationLearningClassifier((64, 64), missing_label=-1, random_state=0)
    classifier.fit(rows[:900], labels[:900], sample_weight=np.arange(900) % 4)
    assert classifier.score(X[900:], y[900:]) > 0.85
    assert np.isfinite(classifier.predict_proba(rows[900:])).all()


def test_frames_and_threads(digits, monkeypatch):
    classifier, X, _ = digits
    monkeypatch.setattr(_network, "BLOCK_ENTRIES", 12_000)  # some ten rows
    rows = pd.DataFrame(X[:40].copy())
    rows.iloc[:, 40:] = np.nan
    alone = classifier.complete(rows.to_numpy())
    classifier.n_jobs = 2
    np.testing.assert_array_equal(classifier.complete(rows.to_numpy()), alone)
    generated = classifier.generate(range(10), n_samples=4, random_state=0)
    classifier.n_jobs = None
    again = classifier.generate(range(10), n_samples=4, random_state=0)
    np.testing.assert_array_equal(again, generated)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda c, X: c.generate([11]), "not in classes: .11"),
        (lambda c, X: c.generate([]), "y is empty"),
        (lambda c, X: c.generate([1], n_samples=0), "n_samples=0"),
        (lambda c, X: c.generate([1], n_samples=1.5), "n_samples=1.5 must be an integer"),
        (lambda c, X: c.generate([1], sharpness=-0.1), "sharpness=-0.1"),
        (lambda c, X: c.generate([1], noise=-1), "noise=-1"),
        (lambda c, X: c.generate([1], noise=np.nan), "noise=nan"),
        (lambda c, X: c.generate([[1, 2]]), "1d array"),
        (lambda c, X: c.complete(X[:3]), "no NaN"),
        (lambda c, X: c.complete(np.full((2, 64), np.nan)), "Row 0 of X is wholly NaN"),
        (lambda c, X: c.predict(np.vstack([X[:1], np.full((1, 64), np.nan)])), "Row 1"),
        (lambda c, X: c.complete(X[:3] * np.nan, [1, 2]), "wholly|inconsistent"),
        (lambda c, X: c.complete(with_nan(X), [1, 2]), "inconsistent"),
        (lambda c, X: c.complete(with_nan(X), [1, 2, 77]), "77"),
        (lambda c, X: c.complete(with_nan(X) + np.inf), "infinity"),
        (lambda c, X: c.fit(X * np.nan, np.arange(len(X)) % 2), "every entry is NaN"),
    ],
)
def test_bad_input_is_refused(digits, call, message):
    classifier, X, y = digits
    with pytest.raises(ValueError, match=message):
        call(classifier, X)
    assert classifier.score(X[:50], y[:50]) > 0.9  # as it was


def with_nan(X):
    rows = X[:3].copy()
    rows[:, 7] = np.nan
    return rows


def test_unfitted():
    for call in (lambda c: c.generate([0]), lambda c: c.complete([[np.nan, 1.0]])):
        with pytest.raises(NotFittedError):
            call(ActivationLearningClassifier())


# -- sample ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def gaussian():
    """A detector of correlated columns of different scale, and its rows."""
    rng = np.random.default_rng(0)
    X = rng.multivariate_normal([3, -1], [[1, 0.8], [0.8, 1]], size=1500) * [1, 10]
    return ActivationAnomalyDetector(n_frequencies=128, random_state=0).fit(X), X


def test_samples_are_distributed_like_the_rows(gaussian):
    detector, X = gaussian
    sample = detector.sample(400, random_state=0)
    assert (np.abs(sample.mean(axis=0) - X.mean(axis=0)) < 0.25 * X.std(axis=0)).all()
    np.testing.assert_allclose(sample.std(axis=0), X.std(axis=0), rtol=0.3)
    assert np.corrcoef(sample.T)[0, 1] == pytest.approx(0.8, abs=0.12)
    np.testing.assert_array_equal(sample, detector.sample(400, random_state=0))


def test_samples_keep_both_clusters_and_the_gap_between():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1000, 2)) + 8 * rng.integers(2, size=(1000, 1))
    sample = ActivationAnomalyDetector(random_state=0).fit(X).sample(300, random_state=0)
    assert 0.3 < (sample[:, 0] > 4).mean() < 0.7
    assert (np.abs(sample.sum(axis=1) - 8) < 3).mean() < 0.1


def test_constant_and_unknown_columns_are_not_sampled(gaussian):
    X = gaussian[1][:800]
    X = np.column_stack([X, np.zeros(800), np.full(800, 5.0), np.full(800, np.nan)])
    detector = ActivationAnomalyDetector(n_frequencies=64, random_state=0).fit(X)
    sample = detector.sample(50, random_state=0)  # warns if the walk stays where it is
    assert (sample[:, 2] == 0).all()
    assert (sample[:, 3] == 5).all()
    assert np.isfinite(sample).all()
    assert np.ptp(sample[:, 0]) > 1
    row = np.r_[X[0, :2], np.nan, np.nan, np.nan]
    assert (detector.sample(2, given=row)[:, 2] == 0).all()


@pytest.mark.parametrize("units", [[1e200, 1e200], [1e-300, 1e-300], [1, 1e6], [1e200, 1e-200]])
def test_samples_of_any_units(gaussian, units):
    X = gaussian[1]
    detector = ActivationAnomalyDetector(n_frequencies=64, random_state=0).fit(X * units)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sample = detector.sample(300, random_state=0) / units
    np.testing.assert_allclose(sample.std(axis=0), X.std(axis=0), rtol=0.35)
    assert np.corrcoef(sample.T)[0, 1] > 0.5


def test_no_walk_stays_where_it_starts():
    rng = np.random.default_rng(0)
    x = rng.gamma(3, 2, 1500)
    X = np.column_stack([x, 250 + 30 * x + 15 * rng.normal(size=1500), rng.beta(2, 5, 1500)])
    detector = ActivationAnomalyDetector(n_frequencies=256, random_state=0).fit(X)
    short, long = (detector.sample(300, n_steps=n, random_state=0) for n in (3, 150))
    assert (short == long).all(axis=1).mean() < 0.02
    assert (detector.p_values(long) < 0.05).mean() < 0.1
    assert (long[:, 0] < 0).mean() < 0.02


def test_given_by_names(gaussian):
    detector, X = gaussian
    frame = pd.DataFrame(X[:400], columns=["a", "b"])
    detector = ActivationAnomalyDetector(n_frequencies=32, random_state=0).fit(frame)
    for given in (pd.Series({"a": 3.0, "b": np.nan}), pd.DataFrame({"a": [3.0], "b": [np.nan]})):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            drawn = detector.sample(5, given=given, random_state=0)
        assert (drawn[:, 0] == 3).all()
    with pytest.raises(ValueError, match="same order"):
        detector.sample(5, given=pd.Series({"b": 3.0, "a": np.nan}))


def test_samples_given_known_entries(gaussian):
    detector, _ = gaussian
    sample = detector.sample(400, given=[4.5, np.nan], random_state=0)
    assert (sample[:, 0] == 4.5).all()
    assert sample[:, 1].mean() == pytest.approx(2, abs=3)  # 10 (-1 + 0.8 * 1.5)
    assert sample[:, 1].std() == pytest.approx(6, rel=0.35)


def test_the_walk_leaves_the_density_as_it_is():
    """Metropolis: rows from the density stay so, along a column of a known density."""

    class Quadratic:
        encoding = SimpleNamespace(unit=1.0, size=lambda X: np.linalg.norm(X, axis=1))

        def __call__(self, X, labels=None, gains=None):
            return -((X - 1) ** 2).sum(axis=1), -2 * (X - 1)

    rng = np.random.default_rng(0)
    kept = 1 + rng.normal(size=(500, 2))
    free = np.array([True, True])
    share = np.full(500, 1 / 500)
    start = np.zeros((3000, 2))
    found, acceptance = sampled(Quadratic(), kept, share, start, free, 1.0, rng, n_steps=90)
    assert acceptance == pytest.approx(0.574, abs=0.08)
    np.testing.assert_allclose(found.mean(axis=0), 1, atol=0.08)
    np.testing.assert_allclose(found.std(axis=0), kept.std(axis=0), rtol=0.1)


def waves(n, seed=0):
    t = np.arange(n)[:, None] + np.array([0, 6])
    noise = np.random.default_rng(seed).normal(size=(n, 2))
    return np.sin(2 * np.pi * t / 25) + 0.1 * noise


def test_futures_go_on_with_the_series():
    X = waves(1500)
    detector = ActivationAnomalyDetector(window=50, n_frequencies=128, random_state=0)
    detector.fit(X[:1200])
    futures = detector.sample_future(X[:1300], 10, 50, random_state=0)
    assert futures.shape == (50, 10, 2)
    error = np.abs(np.median(futures, axis=0) - X[1300:1310]).mean()
    assert error < 0.3
    assert error < 0.5 * np.abs(X[1299] - X[1300:1310]).mean()
    low, high = np.quantile(futures, [0.05, 0.95], axis=0)
    assert ((low < X[1300:1310]) & (X[1300:1310] < high)).mean() > 0.4
    gap = X[:1300].copy()
    gap[1290, 0] = np.nan
    assert np.isfinite(detector.sample_future(gap, 10, 5, random_state=0)).all()


def test_acceptance_is_told(gaussian, capsys):
    detector, _ = gaussian
    detector.verbose = 1
    detector.sample(20, random_state=0)
    detector.verbose = 0
    assert "Acceptance rate 0." in capsys.readouterr().out


@pytest.mark.parametrize(
    "window, call, message",
    [
        (None, lambda d, X: d.sample(0), "n_samples=0"),
        (None, lambda d, X: d.sample(2, n_steps=2), "n_steps=2"),
        (None, lambda d, X: d.sample(2, given=[1.0, 2.0]), "no NaN"),
        (None, lambda d, X: d.sample(2, given=[np.nan]), "1 features"),
        (None, lambda d, X: d.sample_future(X, 3), "needs a detector with window"),
        (20, lambda d, X: d.sample(2), "sample_future"),
        (20, lambda d, X: d.sample_future(X, 20), "horizon=20 must be less than the window, 20"),
        (20, lambda d, X: d.sample_future(X, 0), "horizon=0"),
        (20, lambda d, X: d.sample_future(X[:9], 10), "9 time stamps; .* needs 10"),
    ],
)
def test_bad_questions_to_a_sampler(window, call, message):
    X = waves(200)
    detector = ActivationAnomalyDetector(window=window, n_frequencies=16, random_state=0).fit(X)
    with pytest.raises(ValueError, match=message):
        call(detector, X)


def test_unit_rows_cannot_be_sampled():
    detector = ActivationAnomalyDetector(encoding="unit").fit(waves(100))
    with pytest.raises(ValueError, match="fourier"):
        detector.sample(2)
