"""Estimators whose units read a field of the image, as users call them."""

import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split

from sklearn_activation import ActivationLearningClassifier, CompetitiveHebbianTransformer
from sklearn_activation.augmentation import RandomCrop

from . import naive


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return train_test_split(X, y, random_state=0)


def classifier(**parameters):
    values = {"image_shape": (8, 8), "receptive_field": 3, "random_state": 0}
    return ActivationLearningClassifier(**{**values, **parameters})


def transformer(**parameters):
    values = {"image_shape": (8, 8), "receptive_field": 3, "random_state": 0}
    return CompetitiveHebbianTransformer(**{**values, **parameters})


@pytest.mark.parametrize(
    "parameters, least, shapes",
    [
        ({}, 0.95, [(74, 192), (192, 256)]),
        ({"feedback": False}, 0.9, [(74, 192), (192, 256)]),
        ({"feedback": True, "layer_sizes": (3, 2, 99)}, 0.94, [(74, 192), (192, 128), (128, 99)]),
        ({"receptive_field": (5, None), "layer_sizes": (2, 80, 90)}, 0.9, None),
        ({"solver": "hebbian", "learning_time": 30.0, "feedback": False}, 0.75, None),
    ],
)
@pytest.mark.filterwarnings("ignore:learning_time=30")
def test_digits_are_told_apart(digits, parameters, least, shapes):
    X, X_test, y, y_test = digits
    model = classifier(**parameters).fit(X, y)
    assert model.score(X_test, y_test) > least
    assert shapes is None or [W.shape for W in model.coefs_] == shapes
    first = model.coefs_[0].toarray()
    sides = model.coefs_[0].grid.field[0]
    connected = naive.connections(8, 8, 1, (sides, sides), first.shape[1] // 64, 10)
    assert_array_equal(first[~connected], 0)
    assert (first[connected] != 0).mean() > 0.9


def test_unlabelled_answers_agree_with_a_full_network_of_the_same_weights(digits):
    X, X_test, y, _ = digits
    model = classifier(feedback=False, learning_time=100.0).fit(X, y)
    full = pickle.loads(pickle.dumps(model))
    full.coefs_ = [model.coefs_[0].toarray(), model.coefs_[1]]
    for method in ("decision_function", "predict_proba", "score_samples"):
        assert_allclose(getattr(model, method)(X_test), getattr(full, method)(X_test), atol=1e-9)
    rows = X_test[:3].copy()
    rows[:, 20:40] = np.nan
    assert_allclose(model.complete(rows), full.complete(rows), atol=1e-5)
    made, expected = model.generate([3, 5]), full.generate([3, 5])
    assert np.corrcoef(made.ravel(), expected.ravel())[0, 1] > 0.95
    assert_allclose(model.explain(X_test[:2]), full.explain(X_test[:2]), atol=1e-8)


def test_streams_merges_and_one_fit_agree(digits):
    X, X_test = digits[:2]
    whole = transformer(learning_time=50.0).fit(X)
    stream = transformer(learning_time=50.0)
    for first in range(0, len(X), 300):
        stream.partial_fit(X[first : first + 300])
    assert_allclose(stream.coefs_[0].toarray(), whole.coefs_[0].toarray(), atol=1e-8)
    one, other = (transformer(learning_time=50.0).fit(part) for part in (X[:500], X[500:]))
    one.merge(other)
    assert_allclose(one.coefs_[0].toarray(), whole.coefs_[0].toarray(), atol=1e-8)
    assert_allclose(one.score_samples(X_test), whole.score_samples(X_test), atol=1e-8)
    with pytest.raises(ValueError, match="fields that their units read"):
        one.merge(transformer(learning_time=50.0, receptive_field=5).fit(X[:500]))


def test_classifiers_with_layers_above_local_ones_merge(digits):
    X, X_test, y, y_test = digits
    one, other = (classifier(feedback=False).fit(X[k::2], y[k::2]) for k in range(2))
    assert one.merge(other).score(X_test, y_test) > 0.9


@pytest.mark.parametrize("parameters", [{"feedback": True}, {}])
def test_classifiers_learn_streams(digits, parameters):
    X, X_test, y, y_test = digits
    model = classifier(layer_sizes=(3, 100), **parameters)
    for first in range(0, len(X), 150):
        part = slice(first, first + 150)
        model.partial_fit(X[part], y[part], classes=np.arange(10))
    assert model.score(X_test, y_test) > 0.9
    with pytest.raises(ValueError, match="differs from the layers"):
        model.set_params(receptive_field=5).partial_fit(X[:150], y[:150])


def test_features_have_a_column_for_each_unit_and_codes_lead_back(digits):
    X, X_test = digits[:2]
    model = transformer(layer_sizes=(4, 5)).fit(X)
    assert model.transform(X_test).shape == (450, 320)
    assert len(model.get_feature_names_out()) == 320
    codes = transformer(output="linear", layer_sizes=4, learning_time=1e3).fit(X)
    back = codes.inverse_transform(codes.transform(X_test))
    assert np.linalg.norm(back - X_test) < 0.3 * np.linalg.norm(X_test)


def test_series_with_channels():
    """A grid of one dimension: fields are segments."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 30, 2)).cumsum(axis=1).reshape(300, 60)
    model = CompetitiveHebbianTransformer(
        4, image_shape=(1, 30, 2), receptive_field=7, random_state=0
    ).fit(X)
    expected = naive.connections(1, 30, 2, (1, 7), 4)
    assert_array_equal(model.coefs_[0].toarray() != 0, expected)
    assert model.score(X) > 0.8


def test_single_precision_and_copies_of_a_fitted_model(digits, tmp_path):
    X, X_test, y, _ = digits
    X, X_test = X.astype(np.float32), X_test.astype(np.float32)
    model = classifier(feedback=True, max_iter=3).fit(X, y)
    assert {W.dtype for W in model.coefs_} == {np.dtype(np.float32)}
    expected = model.predict_proba(X_test)
    assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(X_test), expected)
    joblib.dump(model, tmp_path / "model")
    mapped = joblib.load(tmp_path / "model", mmap_mode="r")  # arrays that cannot be written to
    assert_allclose(mapped.predict_proba(X_test), expected, atol=1e-6)
    with joblib.parallel_backend("threading", n_jobs=4):
        found = joblib.Parallel()(joblib.delayed(model.predict_proba)(X_test) for _ in range(4))
    for probabilities in found:
        assert_allclose(probabilities, expected, atol=1e-6)
    again = clone(model).fit(X, y)
    assert_array_equal(again.predict_proba(X_test), expected)


def test_fields_are_searched_on_a_grid(digits):
    X, _, y, _ = digits
    search = GridSearchCV(
        classifier(layer_sizes=(3, 60), feedback=False, learning_time=100.0),
        {"receptive_field": [3, (5,)]},
        cv=2,
        error_score="raise",
    ).fit(X[:400], y[:400])
    assert (search.cv_results_["mean_test_score"] > 0.6).all()


def test_columns_of_booleans_are_numbers_and_strings_are_refused(digits):
    """As with ``encoding="unit"``, which local layers take by themselves."""
    X, X_test, y, y_test = digits
    frame, frame_test = (pd.DataFrame(rows).astype({20: bool}) for rows in (X, X_test))
    model = classifier(feedback=False).fit(frame, y)
    assert model.is_categorical_ is None
    assert model.score(frame_test, y_test) > 0.85
    with pytest.raises(ValueError, match="20"):
        classifier().fit(frame.astype({20: str}), y)
    with pytest.raises(ValueError, match="with receptive_field=3 takes no categories"):
        classifier(categorical_features=[0]).fit(X, y)
    with pytest.raises(ValueError, match="receptive_field=3 cannot weigh columns"):
        classifier(relevances=np.ones(64)).fit(X, y)


def test_skops_needs_two_trusted_types(digits, tmp_path):
    X, X_test, y, _ = digits
    model = classifier(feedback=False).fit(X[:400], y[:400])
    skops.io.dump(model, tmp_path / "model.skops")
    trusted = skops.io.get_untrusted_types(file=tmp_path / "model.skops")
    assert len(trusted) == 2
    again = skops.io.load(tmp_path / "model.skops", trusted=trusted)
    assert_array_equal(again.predict_proba(X_test), model.predict_proba(X_test))


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"image_shape": None}, "receptive_field=3 needs image_shape"),
        ({"image_shape": (8, 9)}, "has 72 entries, but X has 64"),
        ({"image_shape": (8, 8, 3)}, "has 192 entries, but X has 64"),
        ({"image_shape": (8, -8)}, "tuple of positive integers"),
        ({"receptive_field": 4}, "must hold odd numbers"),
        ({"receptive_field": 9}, "a field of 9 x 9 is larger than the image of 8 x 8"),
        ({"receptive_field": (3, 3)}, "has 2 entries, but 1 of the layers"),
        ({"receptive_field": ((3, 5), None), "layer_sizes": None}, r"but holds \(3, 5\)"),
        ({"layer_sizes": 3}, "layer_sizes=3 leaves no layer for receptive_field=3"),
        ({"receptive_field": (), "layer_sizes": None}, "leaves no layer"),
        ({"receptive_field": None, "image_shape": (0, 64)}, "tuple of positive integers"),
        ({"receptive_field": None, "image_shape": (99, 99)}, "has 9801 entries, but X has 64"),
        ({"encoding": "fourier"}, "encoding='fourier' mixes all columns"),
        ({"receptive_field": 0}, "receptive_field"),
        ({"receptive_field": "3"}, "receptive_field"),
    ],
)
def test_what_cannot_be_laid_out_is_refused(digits, parameters, message):
    X, _, y, _ = digits
    values = {"layer_sizes": (3, 50), **parameters}
    with pytest.raises(ValueError, match=message):
        classifier(**values).fit(X, y)


def test_images_have_the_shape_after_a_crop(digits):
    X, X_test, y, y_test = digits
    crop = {"augment": RandomCrop((8, 8), 7), "layer_sizes": (3, 100)}
    with pytest.raises(ValueError, match="64 entries, but X as augment changes it has 49 columns"):
        classifier(**crop).fit(X, y)
    model = classifier(image_shape=(7, 7), feedback=True, **crop).fit(X, y)
    assert model.coefs_[0].shape == (59, 147)
    assert model.score(X_test, y_test) > 0.8


@pytest.mark.parametrize("field", [2, 11, (3, 3)])
def test_transformers_refuse_the_same(digits, field):
    with pytest.raises(ValueError, match="receptive_field"):
        transformer(receptive_field=field, layer_sizes=2).fit(digits[0])
