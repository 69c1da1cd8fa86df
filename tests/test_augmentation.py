"""Augmentation: the ready objects, and what it changes in trainings and in predictions."""

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sklearn_activation import (
    ActivationLearningClassifier,
    CompetitiveHebbianTransformer,
    _blocks,
)
from sklearn_activation._classification import training
from sklearn_activation._learning.held_out import choose_on_sample
from sklearn_activation.augmentation import Chain, RandomCrop, RandomFlip, RandomShift

from . import naive
from .cases import IdleCallback
from .tables import digits_split

SHIFT, CROP = RandomShift((8, 8)), RandomCrop((8, 8), 7)
READY = [
    RandomCrop((5, 4, 2), 3),
    RandomFlip((5, 4, 2)),
    RandomShift((5, 4, 2), 2),
    Chain(RandomShift((5, 4, 2)), RandomCrop((5, 4, 2), 4), RandomFlip((4, 4, 2))),
]
ready = pytest.mark.parametrize("augment", READY, ids=lambda a: type(a).__name__)


def images(n=200, shape=(5, 4, 2), seed=0):
    return np.random.default_rng(seed).normal(size=(n, int(np.prod(shape))))


def rng(seed=0):
    return np.random.default_rng(seed)


# -- twins ---------------------------------------------------------------------------------


def assert_rows_are_among(found, choices):
    """Every row is one of its choices, and all choices occur, none much more often."""
    n_choices = len(choices)
    same = np.array([(choice == found).all(axis=1) for choice in choices])
    assert (same.sum(axis=0) == 1).all()
    share = same.mean(axis=1) * n_choices
    assert share.min() > 0.5 and share.max() < 1.6


@pytest.mark.parametrize("shape", [(5, 4, 2), (5, 4)])
def test_crops_are_squares_of_the_image(shape):
    X = images(2000, shape)
    found = RandomCrop(shape, 3)(X, rng())
    choices = [
        np.array([naive.crop(x, shape, top, left, 3) for x in X])
        for top in range(3)
        for left in range(2)
    ]
    assert_rows_are_among(found, choices)


@pytest.mark.parametrize(("size", "top", "left"), [(3, 1, 0), (4, 0, 0), (2, 1, 1), (1, 2, 1)])
def test_a_prediction_sees_the_centre(size, top, left):
    X = images(3)
    expected = [naive.crop(x, (5, 4, 2), top, left, size) for x in X]
    assert_array_equal(RandomCrop((5, 4, 2), size).for_prediction(X), expected)


@pytest.mark.parametrize("pixels", [1, 2])
@pytest.mark.parametrize("shape", [(5, 4, 2), (5, 4)])
def test_shifts_move_the_image_and_let_zeros_in(shape, pixels):
    X = images(4000, shape)
    found = RandomShift(shape, pixels)(X, rng())
    steps = range(-pixels, pixels + 1)
    choices = [
        np.array([naive.shift(x, shape, down, right) for x in X])
        for down in steps
        for right in steps
    ]
    assert_rows_are_among(found, choices)


@pytest.mark.parametrize("shape", [(5, 4, 2), (5, 4)])
def test_half_of_the_images_are_mirrored(shape):
    X = images(2000, shape)
    found = RandomFlip(shape)(X, rng())
    assert_rows_are_among(found, [X, np.array([naive.mirror(x, shape) for x in X])])


def test_a_chain_goes_through_its_steps():
    X, draw = images(), rng()
    shift, crop = RandomShift((5, 4, 2)), RandomCrop((5, 4, 2), 3)
    expected = crop(shift(X, draw), draw)
    assert_array_equal(Chain(shift, crop)(X, rng()), expected)
    assert_array_equal(Chain(shift, crop).for_prediction(X), crop.for_prediction(X))
    double = Chain(lambda X, rng: 2 * X, crop)
    assert_array_equal(double(X, rng()), crop(2 * X, rng()))
    assert_array_equal(double.for_prediction(X), crop.for_prediction(X))


@pytest.mark.parametrize("augment", [RandomFlip((5, 4, 2)), RandomShift((5, 4, 2))])
def test_a_prediction_sees_whole_images(augment):
    X = images()
    assert_array_equal(augment.for_prediction(X), X)


# -- objects that searches can handle ------------------------------------------------------


@ready
def test_the_generator_decides_alone(augment):
    X = images()
    before = X.copy()
    X.flags.writeable = False
    assert_array_equal(augment(X, rng(1)), augment(X, rng(1)))
    assert (augment(X, rng(1)) != augment(X, rng(2))).any()
    assert_array_equal(X, before)
    assert augment(X.astype(np.float32), rng()).dtype == np.float32


@ready
def test_copies_are_equal_and_others_are_not(augment):
    for same in (pickle.loads(pickle.dumps(augment)), copy.deepcopy(augment)):
        assert same == augment and hash(same) == hash(augment)
        assert_array_equal(same(images(), rng()), augment(images(), rng()))
    assert all(other != augment for other in READY if other is not augment)


@ready
def test_the_repr_makes_the_object_again(augment):
    assert eval(repr(augment)) == augment


def test_shapes_may_be_lists_and_numpy_numbers():
    assert RandomCrop([np.int64(5), 4, 2], 3) == RandomCrop((5, 4, 2), 3)
    assert repr(RandomFlip(np.array([5, 4]))) == "RandomFlip(image_shape=(5, 4))"


BAD = [
    (RandomCrop, ((28, 28), 29), "size=29 must be a whole number from 1 to 28"),
    (RandomCrop, ((28, 20), 24), "from 1 to 20 for images of 28 x 20"),
    (RandomCrop, ((28, 28), 0), "size=0"),
    (RandomCrop, ((28, 28), 2.5), "size=2.5"),
    (RandomShift, ((28, 28), 0), "pixels=0 must be a whole number from 1 to 28"),
    (RandomShift, ((28, 28), 29), "pixels=29"),
    (RandomShift, ((28, 28), 1.5), "pixels=1.5"),
    (RandomFlip, ((0,),), r"image_shape=\(0,\) must be \(height, width\)"),
    (RandomFlip, ((28, 0),), r"image_shape=\(28, 0\)"),
    (RandomFlip, ((28.0, 28.0),), "image_shape="),
    (RandomFlip, ((1, 28, 28, 3),), "image_shape="),
    (RandomFlip, ("28x28",), "image_shape='28x28'"),
    (Chain, (), r"Chain\(\) must have one step or more"),
    (Chain, (SHIFT, 3), r"each must be a function \(X, rng\)"),
]


@pytest.mark.parametrize(("kind", "arguments", "message"), BAD)
def test_impossible_objects_are_refused(kind, arguments, message):
    with pytest.raises(ValueError, match=message):
        kind(*arguments)


@ready
def test_rows_that_are_no_such_images_are_refused(augment):
    message = r"image_shape=\(5, 4, 2\) has 40 numbers, but X has shape \(200, 45\)"
    X = images(shape=(5, 9))
    for call in (lambda: augment(X, rng()), lambda: augment.for_prediction(X)):
        with pytest.raises(ValueError, match=message):
            call()


# -- estimators ----------------------------------------------------------------------------

# One epoch of the rule takes batches of few rows, so that few epochs are enough.
WAYS = {
    "flow": {"feedback": False},
    "fourier": {"feedback": False, "encoding": "fourier"},
    "feedback": {"feedback": True, "max_iter": 10},
    "hebbian": {"feedback": False, "solver": "hebbian", "batch_size": 20, "max_iter": 60},
}


def classifier(augment=None, way="feedback", **changes):
    parameters = {"encoding": "unit", "learning_time": 100.0, "random_state": 0, **WAYS[way]}
    return ActivationLearningClassifier((60, 50), augment=augment, **{**parameters, **changes})


@pytest.fixture(scope="module")
def digits():
    """Training rows, labels, and the test rows as they are, shifted by up to one pixel."""
    X, X_test, y, y_test = digits_split(5)
    return X, y, SHIFT(X_test, rng(7)), y_test


@pytest.fixture(scope="module")
def cropping(digits):
    X, y, _, _ = digits
    return classifier(CROP).fit(X, y)


ways = pytest.mark.parametrize("way", WAYS)
quiet = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@ways
@quiet
def test_shifted_rows_teach_the_labels_of_shifted_rows(digits, way):
    X, y, shifted, y_test = digits
    plain, augmented = classifier(None, way).fit(X, y), classifier(SHIFT, way).fit(X, y)
    assert plain.score(shifted, y_test) < 0.65
    assert augmented.score(shifted, y_test) > 0.75


@quiet
@pytest.mark.parametrize("way", ["feedback", "hebbian"])
def test_epochs_learn_other_views(digits, way):
    X, y, _, _ = digits
    views = []
    for n_epochs in (1, 8):
        seen = []

        def record(X, rng, seen=seen):
            seen.append(SHIFT(X, rng))
            return seen[-1]

        classifier(record, way, max_iter=n_epochs).fit(X, y)
        views.append(len(np.unique(np.concatenate(seen), axis=0)))
    assert views[1] - views[0] > len(X)


def test_one_view_of_each_row_costs_the_closed_form_some_rows_in_their_place(digits):
    X, y, _, _ = digits
    plain, augmented = (classifier(augment, "flow").fit(X, y) for augment in (None, SHIFT))
    assert plain.score(X, y) - augmented.score(X, y) > 0.01


@quiet
@pytest.mark.parametrize(("way", "n_times"), [("flow", 3), ("feedback", 3), ("hebbian", 20)])
def test_streams_learn_views_of_their_batches(digits, way, n_times):
    X, y, shifted, y_test = digits
    scores = []
    for augment in (None, SHIFT):
        model = classifier(augment, way, batch_size=5 if way == "hebbian" else 100)
        for _ in range(n_times):
            for batch in np.array_split(np.arange(len(X)), 2):
                model.partial_fit(X[batch], y[batch], classes=np.arange(5))
        scores.append(model.score(shifted, y_test))
    assert scores[0] < 0.65 and scores[1] > 0.8


def test_the_same_batch_has_other_views_when_it_comes_again(digits):
    """Also if every batch is a single row, whose block is always the first."""
    X, y, _, _ = digits
    model = classifier(SHIFT, "flow")
    for _ in range(6):
        model.partial_fit(X[:1], y[:1], classes=np.arange(5))
    learned = model._state["moments"][0]["rows"]
    assert len(learned) == 6 and len(np.unique(learned, axis=0)) > 3


@quiet
@ways
def test_a_seed_makes_the_same_model_again(digits, way):
    X, y, shifted, _ = digits
    one, same, other = (
        classifier(SHIFT, way, random_state=seed).fit(X, y).decision_function(shifted)
        for seed in (0, 0, 1)
    )
    assert_array_equal(one, same)
    assert np.abs(one - other).max() > 1e-6


@pytest.mark.parametrize("way", ["flow", "feedback"])
def test_views_do_not_depend_on_threads(digits, monkeypatch, way):
    monkeypatch.setattr(_blocks, "BLOCK_ENTRIES", 50 * 69)
    X, y, shifted, _ = digits
    one, two = (classifier(SHIFT, way, n_jobs=n).fit(X, y) for n in (1, 2))
    assert_array_equal(one.decision_function(shifted), two.decision_function(shifted))


def test_every_block_has_views_of_its_own(digits, monkeypatch):
    monkeypatch.setattr(_blocks, "BLOCK_ENTRIES", 50 * 69)
    X, y, _, _ = digits
    starts = []

    def record(X, rng):
        starts.append(rng.integers(2**60))
        return X

    classifier(record, "flow").fit(X, y)
    n_blocks = -(-len(X) // 50)
    # All passes over a block see the same views, and the two folds have views of their own.
    assert len(starts) >= 3 * n_blocks and n_blocks <= len(set(starts)) <= n_blocks + 2


@quiet
@ways
def test_a_function_that_changes_nothing_changes_nothing(digits, way):
    X, y, shifted, _ = digits
    plain = classifier(None, way).fit(X, y)
    same = classifier(lambda X, rng: X, way).fit(X, y)
    assert_array_equal(plain.predict_proba(shifted), same.predict_proba(shifted))


@quiet
@ways
def test_a_prediction_sees_the_centre_of_the_image(digits, way):
    X, y, shifted, _ = digits
    model = classifier(CROP, way).fit(X, y)
    assert model.n_features_in_ == 64
    if model.encoding_ == "unit":
        assert model.coefs_[0].shape[0] == 49 + 5
    beside = shifted.reshape(-1, 8, 8).copy()
    beside[:, 7], beside[:, :, 7] = 99.0, -5.0  # the centre of 8 x 8 begins at 0
    beside = beside.reshape(len(shifted), 64)
    for method in ("decision_function", "predict_proba", "score_samples", "layer_activations"):
        answer = getattr(model, method)
        assert_array_equal(answer(shifted), answer(beside))
    beside[:, 18] = 99.0
    assert np.abs(model.decision_function(shifted) - model.decision_function(beside)).max() > 1e-3


@pytest.mark.parametrize("n_labels", [2, 5])
def test_automatic_choices_with_augmentation(digits, n_labels):
    X, y, _, _ = digits
    keep = y < n_labels
    model = ActivationLearningClassifier(augment=CROP, n_frequencies=32, random_state=0)
    model.fit(X[keep], y[keep])
    assert model.score(X[keep], y[keep]) > 0.9


def test_views_of_held_out_rows_are_never_subtracted(digits, monkeypatch):
    """With many rows, a plain training subtracts held-out rows from its statistics."""
    X, y, _, _ = digits
    called = []

    def record(*args):
        called.append(args)
        return choose_on_sample(*args)

    monkeypatch.setattr(training, "SEARCH_SIZE", 100)
    monkeypatch.setattr(training, "choose_on_all_rows", record)
    for augment, n_calls in ((SHIFT, 0), (None, 1)):
        classifier(augment, "flow", learning_time="auto").fit(X, y)
        assert len(called) == n_calls


@quiet
@pytest.mark.parametrize("way", ["feedback", "flow"])
def test_gaps_are_filled_before_rows_are_cut(digits, way):
    X, y, shifted, y_test = digits
    X = np.where(rng(3).random(X.shape) < 0.05, np.nan, X)
    X[:, 11] = np.nan  # no training row knows this column
    X[:3] = np.nan
    seen = []

    def record(X, rng):
        seen.append(np.isnan(X).any())
        return SHIFT(X, rng)

    model = classifier(record, way).fit(X, y)
    assert seen and not any(seen)
    shifted = np.where(rng(4).random(shifted.shape) < 0.05, np.nan, shifted)
    assert model.score(shifted, y_test) > 0.75


@pytest.mark.parametrize(
    "options",
    [
        {"early_stopping": True},
        {"warm_start": True},
        {"missing_label": -1},
        {"class_weight": "balanced"},
        {"verbose": 1},
    ],
    ids=str,
)
@pytest.mark.parametrize("way", ["flow", "feedback"])
def test_other_parameters_work_with_augmentation(digits, way, options):
    X, y, shifted, y_test = digits
    if "missing_label" in options:
        y = np.where(rng(5).random(len(y)) < 0.5, -1, y)
    model = classifier(SHIFT, way, **options)
    weight = rng(6).uniform(0.5, 2, len(X))
    for _ in range(1 + ("warm_start" in options)):
        model.fit(X, y, sample_weight=weight)
    assert model.score(shifted, y_test) > 0.75


@pytest.mark.parametrize("solver", ["flow", "hebbian"])
@quiet
def test_a_warm_start_takes_another_augmentation(digits, solver):
    X, y, _, _ = digits
    way = "flow" if solver == "flow" else "hebbian"
    model = classifier(SHIFT, way, warm_start=True, max_iter=2).fit(X, y)
    model.set_params(augment=RandomFlip((8, 8))).fit(X, y)
    assert model._model().encoding.augment == RandomFlip((8, 8))
    model.set_params(augment=None).fit(X, y)
    assert model._model().encoding.augment is None


def test_a_fitted_model_keeps_its_augmentation(digits, cropping):
    _, _, shifted, _ = digits
    model = copy.deepcopy(cropping)
    before = model.predict_proba(shifted)
    model.set_params(augment=None)
    assert_array_equal(model.predict_proba(shifted), before)


def test_pickles_and_clones(digits, cropping):
    X, y, shifted, _ = digits
    loaded = pickle.loads(pickle.dumps(cropping))
    assert_array_equal(loaded.predict_proba(shifted), cropping.predict_proba(shifted))
    again = clone(cropping)
    assert again.augment == CROP and again.augment is not CROP
    again.fit(X, y)
    assert_array_equal(again.predict_proba(shifted), cropping.predict_proba(shifted))


def test_skops_saves_augmentations(digits, cropping):
    io = pytest.importorskip("skops.io")
    _, _, shifted, _ = digits
    saved = io.dumps(cropping)
    trusted = io.get_untrusted_types(data=saved)
    assert "sklearn_activation.augmentation.RandomCrop" in trusted
    loaded = io.loads(saved, trusted=trusted)
    assert loaded.augment == CROP
    assert_array_equal(loaded.predict_proba(shifted), cropping.predict_proba(shifted))


def test_searches_choose_an_augmentation(digits):
    X, y, shifted, y_test = digits
    search = GridSearchCV(
        classifier(None, "flow"),
        {"augment": [None, SHIFT]},
        cv=2,
        scoring=lambda model, *_: model.score(shifted, y_test),
    )
    assert search.fit(X, y).best_params_ == {"augment": SHIFT}
    assert search.best_estimator_.score(shifted, y_test) > 0.75


class Scores(IdleCallback):
    """Callback that keeps the score of the model after every epoch."""

    def __init__(self, X, y):
        self.rows, self.found = (X, y), []

    def on_fit_task_end(self, estimator, context, *, fitted_estimator):
        if context.task_name == "epoch":
            self.found.append(fitted_estimator.score(*self.rows))


@pytest.mark.parametrize("augment", [SHIFT, CROP])
def test_callbacks_get_models_with_augmentation(digits, augment):
    X, y, shifted, y_test = digits
    model, scores = classifier(augment, max_iter=3), Scores(shifted, y_test)
    if not hasattr(model, "set_callbacks"):
        pytest.skip("before scikit-learn 1.9")
    model.set_callbacks(scores).fit(X, y)
    assert len(scores.found) == 3
    assert scores.found[-1] == model.score(shifted, y_test)


# -- merges --------------------------------------------------------------------------------


def test_parts_with_the_same_augmentation_merge(digits):
    X, y, shifted, y_test = digits
    augment = Chain(SHIFT, CROP)
    a, b = (classifier(augment, "flow").fit(X[k::2], y[k::2]) for k in range(2))
    assert a.merge(b).score(shifted, y_test) > 0.75
    assert a.coefs_[0].shape[0] == 49 + 5


def test_parts_with_other_augmentations_do_not(digits):
    X, y, _, _ = digits
    a, b = (classifier(augment, "flow").fit(X, y) for augment in (None, SHIFT))
    for one, other in ((a, b), (b, a)):
        with pytest.raises(ValueError, match=r"differ in augment\. Give both the same augment"):
            one.merge(other)


# -- what cannot be done -------------------------------------------------------------------


@pytest.mark.parametrize("augment", [RandomCrop((8, 8), 7), lambda X, rng: X[:, :49]])
def test_a_plain_function_must_not_change_the_width(digits, augment):
    X, y, _, _ = digits
    with pytest.raises(ValueError, match=r"rows of 49 columns, but the network reads 64"):
        classifier(lambda X, rng: augment(X, rng)).fit(X, y)


@quiet
@pytest.mark.parametrize("way", ["flow", "feedback", "hebbian"])
def test_a_network_of_crops_cannot_go_on_with_whole_images(digits, way):
    X, y, _, _ = digits
    model = classifier(CROP, way, max_iter=2).partial_fit(X, y, classes=np.arange(5))
    message = r"augment=None leaves rows of 64 columns, but the network reads 49.*RandomCrop"
    with pytest.raises(ValueError, match=message):
        model.set_params(augment=None).partial_fit(X, y)
    if way == "hebbian":
        with pytest.raises(ValueError, match=message):
            model.set_params(warm_start=True).fit(X, y)


def test_models_of_earlier_versions_learn(digits):
    """They were pickled without the parameters of images."""
    X, y, _, _ = digits
    model = classifier(None, "flow").fit(X, y)
    for name in ("augment", "_augment", "image_shape", "receptive_field"):
        del vars(model)[name]
    assert "augment" not in repr(model)
    before = model.coefs_[0].copy()
    assert_array_equal(clone(model).fit(X, y).coefs_[0], before)
    assert model.partial_fit(X, y).score(X, y) > 0.9


def test_images_of_another_size_are_refused_before_the_training(digits):
    X, y, _, _ = digits
    model = classifier(RandomShift((9, 8)))
    with pytest.raises(ValueError, match=r"image_shape=\(9, 8\) has 72 numbers"):
        model.fit(X, y)
    assert not hasattr(model, "coefs_")


def test_categories_are_refused():
    pd = pytest.importorskip("pandas")
    X = pd.DataFrame({"a": np.arange(20.0), "b": list("xy") * 10})
    with pytest.raises(ValueError, match=r"augment changes numbers, but columns \['b'\].*augment"):
        ActivationLearningClassifier(augment=RandomFlip((1, 2))).fit(X, np.arange(20) % 2)


@pytest.mark.parametrize("augment", [3, "shift"])
def test_what_is_no_function_is_refused(digits, augment):
    X, y, _, _ = digits
    for model in (classifier(augment), CompetitiveHebbianTransformer(augment=augment)):
        with pytest.raises(ValueError, match="The 'augment' parameter"):
            model.fit(X, y)


@pytest.mark.parametrize("method", ["explain", "complete", "generate"])
def test_answers_in_columns_need_whole_rows(digits, cropping, method):
    X, y, _, _ = digits
    argument = [0, 1] if method == "generate" else X[:2]
    with pytest.raises(ValueError, match=f"{method} works .* 64 columns, .* 49 columns"):
        getattr(cropping, method)(argument)
    whole = classifier(SHIFT, "flow").fit(X, y)
    assert np.isfinite(getattr(whole, method)(argument)).all()


# -- the transformer -----------------------------------------------------------------------


@quiet
@pytest.mark.parametrize("solver", ["flow", "hebbian"])
def test_features_of_crops(digits, solver):
    X, _, shifted, _ = digits
    options = {"solver": solver, "max_iter": 3, "random_state": 0}
    model = CompetitiveHebbianTransformer(30, augment=CROP, **options).fit(X)
    assert model.coefs_[0].shape == (49, 30)
    beside = shifted.copy()
    beside[:, 56:] = 9.0
    assert_array_equal(model.transform(shifted), model.transform(beside))
    assert_array_equal(model.score_samples(shifted), model.score_samples(beside))
    plain = CompetitiveHebbianTransformer(30, **options).fit(CROP.for_prediction(X))
    assert np.abs(model.coefs_[0] - plain.coefs_[0]).max() > 1e-3
    model.partial_fit(X)
    assert model.coefs_[0].shape == (49, 30)


def test_codes_of_crops_are_at_the_scale_of_crops(digits):
    X, _, _, _ = digits
    crops = CROP.for_prediction(X)
    model = CompetitiveHebbianTransformer(49, output="linear", augment=CROP, learning_time=1e6)
    rows = model.fit(X).inverse_transform(model.transform(X))
    np.testing.assert_allclose(rows, crops, atol=1e-6 * crops.max())
