"""The transformer of images: features, streams, merging, bad input."""

import copy
import pickle
import re
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_activation import CompetitiveHebbianPatchTransformer, CompetitiveHebbianTransformer
from sklearn_activation._patches.cutting import Cutting

SMALL = CompetitiveHebbianPatchTransformer((5, 6, 2), n_units=7, patch_size=3, random_state=0)
EXACT = {"rtol": 1e-8, "atol": 1e-8}


def images(n=60, seed=0):
    """Rows of images of shape (5, 6, 2)."""
    return np.random.default_rng(seed).normal(size=(n, 60))


# -- features --------------------------------------------------------------------------


def test_features_are_pooled_outputs():
    X = images()
    fitted = clone(SMALL).set_params(grid=(1, 2), threshold=0.5).fit(X)
    Y = Cutting((5, 6, 2), (3, 3)).cut(X) @ fitted.coefs_[0]
    Y = np.maximum(0, Y - 0.5).reshape(60, 3, 4, 7)
    halves = [np.sqrt(half.mean(axis=(1, 2))) for half in (Y[:, :, :2], Y[:, :, 2:])]
    assert_allclose(fitted.transform(X), np.hstack(halves), atol=1e-12)


def test_patterns_are_mean_patches():
    X = images()
    fitted = clone(SMALL).fit(X)
    Z = Cutting((5, 6, 2), (3, 3)).cut(X)
    expected = (Z @ fitted.coefs_[0]).T @ Z / len(Z)
    assert_allclose(fitted.patterns_, expected.reshape(7, 3, 3, 2), atol=1e-10)


def test_features_help_a_linear_model():
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, train_size=500, random_state=0)
    linear = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
    patches = CompetitiveHebbianPatchTransformer(n_units=60, patch_size=4, random_state=0)
    plain = clone(linear).fit(X_train, y_train).score(X_test, y_test)
    assert (
        make_pipeline(patches, linear).fit(X_train, y_train).score(X_test, y_test) > plain + 0.02
    )


def test_brightness_and_contrast_do_not_matter():
    X = images()
    fitted = clone(SMALL).fit(X)
    assert_allclose(fitted.transform(3 * X + 5), fitted.transform(X), atol=1e-8)


def test_moved_images_have_the_same_features():
    """One region holds all places at which something stands."""
    image = np.zeros((9, 9))
    image[1:4, 2:4] = [[1, 2], [3, 1], [2, 2]]
    X = np.array([np.roll(image, shift, axis=(0, 1)).ravel() for shift in ((0, 0), (3, 2))])
    patches = CompetitiveHebbianPatchTransformer(n_units=9, patch_size=2, grid=1, random_state=0)
    F = patches.fit(np.r_[X, np.random.default_rng(0).normal(size=(50, 81))]).transform(X)
    assert_allclose(F[0], F[1], atol=1e-10)


@pytest.mark.parametrize(
    "image_shape, patch_size, n_features, expected",
    [
        (None, None, 64, ((8, 8, 1), (6, 6), (3, 3))),
        (None, None, 5, ((1, 5, 1), (1, 5), (1, 1))),
        (None, 2, 9, ((3, 3, 1), (2, 2), (2, 2))),
        ((20, 1), (4, 1), 20, ((20, 1, 1), (4, 1), (3, 1))),
    ],
)
def test_shapes_that_are_chosen(image_shape, patch_size, n_features, expected):
    patches = CompetitiveHebbianPatchTransformer(image_shape, patch_size=patch_size, n_units=5)
    patches.fit(images(9)[:, :1] + np.random.default_rng(0).normal(size=(9, n_features)))
    assert (patches.image_shape_, patches.patch_size_, patches.grid_) == expected
    n_inputs = np.prod(expected[1]) * expected[0][2]
    assert patches.coefs_[0].shape == (n_inputs, 5)
    n_out = 5 * np.prod(expected[2])
    assert_array_equal(
        patches.get_feature_names_out(),
        [f"competitivehebbianpatchtransformer{j}" for j in range(n_out)],
    )


# -- types of numbers ------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64", "int64", "bool"])
def test_types_of_images(dtype):
    X = np.random.default_rng(0).integers(0, 2, size=(40, 60)).astype(dtype)
    before = X.copy()
    fitted = clone(SMALL).fit(X)
    expected = "float32" if dtype in ("uint8", "int16", "float32", "bool") else "float64"
    assert fitted.transform(X).dtype == fitted.coefs_[0].dtype == expected
    assert fitted.transform(X.astype(float)).dtype == expected
    assert_array_equal(X, before)
    other = clone(SMALL).fit(X.astype(np.float64))
    assert_allclose(fitted.transform(X), other.transform(X), atol=2e-3)


def test_integers_are_kept_as_integers():
    """A copy in double precision would take eight times the memory."""
    X = np.random.default_rng(0).integers(0, 256, size=(40, 60), dtype=np.uint8)
    assert clone(SMALL)._validate(X, reset=True) is X
    assert clone(SMALL).fit(X)._sample["X"].dtype == np.uint8


def test_data_frames_and_lists():
    X = np.random.default_rng(0).integers(0, 256, size=(20, 60))
    fitted = clone(SMALL).fit(X)
    expected = fitted.transform(X)
    assert_allclose(fitted.transform(X.tolist()), expected, atol=1e-12)
    assert_allclose(fitted.transform(X.astype(object)), expected, atol=1e-12)
    frame = pd.DataFrame(X, columns=[f"p{j}" for j in range(60)])
    fitted = clone(SMALL).set_output(transform="pandas").fit(frame)
    assert_allclose(fitted.transform(frame), expected, atol=1e-12)
    assert list(fitted.feature_names_in_) == list(frame)


@pytest.mark.parametrize("scale", [1e300, 1e-300])
def test_images_of_any_magnitude(scale):
    X = images()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted = clone(SMALL).fit(X * scale)
        assert_allclose(fitted.transform(X), fitted.transform(X * scale), atol=1e-8)
        single = clone(SMALL).fit(X.astype(np.float32))
        assert_allclose(single.transform(X), single.transform(X * scale), atol=1e-3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_images_without_contrast(dtype):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for X in (np.zeros((5, 60), dtype), np.full((5, 60), 0.1, dtype)):
            assert np.isfinite(clone(SMALL).fit_transform(X)).all()
            assert not clone(SMALL).fit(images().astype(dtype)).transform(X).any()


# -- weights, batches, merging ---------------------------------------------------------


def assert_same(ours, theirs, **tolerance):
    X = images(20, seed=9)
    assert_allclose(ours.coefs_[0], theirs.coefs_[0], **tolerance or EXACT)
    assert_allclose(ours.transform(X), theirs.transform(X), **tolerance or EXACT)
    assert_allclose(ours.learning_times_, theirs.learning_times_, rtol=1e-8)


@pytest.mark.parametrize("n_units", [7, 80])
@pytest.mark.parametrize("learning_time", ["auto", 20.0])
@pytest.mark.parametrize("batches", [range(1, 60), [30], [1, 4, 59]])
def test_partial_fit_equals_fit(batches, learning_time, n_units):
    X = images()
    whole = clone(SMALL).set_params(learning_time=learning_time, n_units=n_units)
    parts = clone(whole)
    for rows in np.split(X, batches):
        parts.partial_fit(rows)
    assert_same(parts, whole.fit(X))


@pytest.mark.parametrize("n_units", [7, 80])
@pytest.mark.parametrize("cut", [1, 30])
def test_merge_equals_fit(cut, n_units):
    X = images()
    estimator = clone(SMALL).set_params(n_units=n_units)
    one, other = clone(estimator).fit(X[:cut]), clone(estimator).fit(X[cut:])
    before = copy.deepcopy(vars(other))
    assert one.merge(other) is one
    assert_same(one, clone(estimator).fit(X))
    assert_array_equal(vars(other)["_moments"]["gram"], before["_moments"]["gram"])
    assert_same(one.partial_fit(X[:9]), clone(estimator).fit(np.r_[X, X[:9]]))


def test_weights_are_repetitions():
    X = images()
    weight = np.random.default_rng(1).integers(0, 4, size=60)
    weighted = clone(SMALL).fit(X, sample_weight=weight)
    assert_same(weighted, clone(SMALL).fit(np.repeat(X, weight, axis=0)))
    parts = clone(SMALL)
    for rows in (slice(9), slice(9, None)):
        parts.partial_fit(X[rows], sample_weight=weight[rows])
    assert_same(parts, weighted)
    with pytest.raises(ValueError, match="zero"):
        clone(SMALL).fit(X, sample_weight=np.zeros(60))


def test_order_of_images_does_not_matter():
    X = images()
    assert_same(clone(SMALL).fit(X), clone(SMALL).fit(X[::-1]))


@pytest.mark.parametrize("n_jobs", [1, 2, -1])
def test_threads_do_not_matter(n_jobs):
    X = images()
    one, other = (clone(SMALL).set_params(n_jobs=n).fit(X) for n in (None, n_jobs))
    assert_array_equal(one.transform(X), other.transform(X))


def test_random_state_decides_on_the_start():
    X = images()
    one = clone(SMALL).fit_transform(X)
    assert_array_equal(clone(SMALL).fit_transform(X), one)
    other = clone(SMALL).set_params(random_state=1).fit_transform(X)
    assert not np.allclose(other, one)


# -- bad input -------------------------------------------------------------------------

BAD = [
    ({"image_shape": (5, 6)}, "image_shape=(5, 6) has 30 entries, but X has 60 columns"),
    ({"image_shape": (60, 0)}, "image_shape=(60, 0) must be a tuple of positive integers"),
    ({"patch_size": 6}, "patch_size=6 is too large: an image has 5 x 6 rows and columns of"),
    ({"patch_size": (2, 7)}, "patch_size=(2, 7) is too large: an image has 5 x 6 rows"),
    ({"patch_size": (2, 2, 2)}, "patch_size=(2, 2, 2) must be a positive integer, or two"),
    ({"grid": 4}, "grid=4 is too large: an image has 3 x 4 places of patches. Give a smaller"),
    ({"grid": (0, 1)}, "grid=(0, 1) must be a positive integer, or two of them"),
    ({"n_units": 0}, "'n_units' parameter"),
    ({"threshold": -1.0}, "'threshold' parameter"),
    ({"learning_time": 0.0}, "'learning_time' parameter"),
    ({"learning_time": "long"}, "'learning_time' parameter"),
]


@pytest.mark.parametrize("params, message", BAD)
def test_bad_parameters(params, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        clone(SMALL).set_params(**params).fit(images())


@pytest.mark.parametrize(
    "X, message",
    [
        (np.full((3, 60), np.nan), "NaN"),
        (np.full((3, 60), np.inf), "infinity"),
        (np.zeros((3, 5, 6, 2)), "one in each row"),
        (np.zeros((3, 59)), "has 60 entries, but X has 59 columns"),
        (np.full((3, 60), "a"), "strings"),
        (np.zeros((3, 60), dtype=complex), "Complex"),
    ],
)
def test_bad_images(X, message):
    with pytest.raises(ValueError, match=message):
        clone(SMALL).fit(X)


def test_a_failed_fit_changes_nothing():
    fitted = clone(SMALL).fit(images())
    before = fitted.transform(images())
    with pytest.raises(ValueError, match="patch_size=9"):
        fitted.set_params(patch_size=9).fit(images(seed=1))
    assert_array_equal(fitted.transform(images()), before)
    fresh = clone(SMALL)
    with pytest.raises(ValueError, match="59 columns"):
        fresh.fit(images()[:, 1:])
    with pytest.raises(NotFittedError):
        fresh.transform(images())


@pytest.mark.parametrize("params", [{"patch_size": 2}, {"image_shape": (6, 5, 2)}])
def test_a_stream_keeps_its_patches(params):
    fitted = clone(SMALL).fit(images())
    with pytest.raises(ValueError, match=r"Restore the parameters, or call fit"):
        fitted.set_params(**params).partial_fit(images())


@pytest.mark.parametrize("params", [{"n_units": 0}, {"learning_time": -1.0}])
def test_parameters_are_checked_in_each_batch(params):
    fitted = clone(SMALL).fit(images())
    with pytest.raises(ValueError, match=f"The '{next(iter(params))}' parameter"):
        fitted.set_params(**params).partial_fit(images())


@pytest.mark.parametrize(
    "other, message",
    [
        (CompetitiveHebbianTransformer(3), "Cannot merge CompetitiveHebbianTransformer into"),
        (clone(SMALL).set_params(patch_size=2), "differ in patch_size_, (3, 3) and (2, 2)"),
        (clone(SMALL).set_params(image_shape=(6, 5, 2)), "differ in image_shape_, (5, 6, 2)"),
    ],
)
def test_unlike_transformers_do_not_merge(other, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        clone(SMALL).fit(images()).merge(other.fit(images()))


# -- scikit-learn's tools --------------------------------------------------------------


def through_joblib(estimator, folder):
    joblib.dump(estimator, folder / "patches.joblib")
    return joblib.load(folder / "patches.joblib", mmap_mode="r")


def through_skops(estimator, folder):
    skops = pytest.importorskip("skops.io")
    skops.dump(estimator, folder / "patches.skops")
    trusted = skops.get_untrusted_types(file=folder / "patches.skops")
    assert len(trusted) <= 1
    return skops.load(folder / "patches.skops", trusted=trusted)


@pytest.mark.parametrize(
    "through", [lambda e, _: pickle.loads(pickle.dumps(e)), through_joblib, through_skops]
)
def test_models_come_back_from_files(through, tmp_path):
    X = images()
    fitted = through(clone(SMALL).fit(X), tmp_path)
    assert_same(fitted, clone(SMALL).fit(X))
    assert_same(fitted.partial_fit(X), clone(SMALL).fit(np.r_[X, X]))


def test_sparse_images_are_refused():
    with pytest.raises(TypeError, match="dense data is required"):
        clone(SMALL).fit(sparse.csr_array(images()))


def test_a_search():
    X, y = images(), np.arange(60) % 2
    model = make_pipeline(clone(SMALL), StandardScaler(), LogisticRegression())
    name = "competitivehebbianpatchtransformer"
    grid = {f"{name}__patch_size": [2, (3, 2)], f"{name}__grid": [1, None]}
    search = GridSearchCV(model, grid, cv=2).fit(X, y)
    assert search.predict(X).shape == (60,)
