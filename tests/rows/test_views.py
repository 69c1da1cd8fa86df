"""Views of rows: what goes into a function of the user, and what may come out of it."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_activation._rows.encoded import EncodedRows
from sklearn_activation._rows.unit import UnitEncoding
from sklearn_activation._rows.views import view_rows

from .. import naive


def rng():
    return np.random.default_rng(0)


def add_noise(X, rng):
    return X + rng.normal(size=X.shape)


class Half:
    """Random columns in training, and the first ones in a prediction."""

    def __call__(self, X, rng):
        return X[:, rng.permutation(X.shape[1])[: X.shape[1] // 2]]

    def for_prediction(self, X):
        return X[:, : X.shape[1] // 2]


def test_a_training_sees_the_function_and_a_prediction_the_rows():
    X = np.arange(12.0).reshape(3, 4)
    assert_array_equal(view_rows(add_noise, X, rng(), 4), add_noise(X, rng()))
    assert_array_equal(view_rows(add_noise, X, None, 4), X)


def test_a_method_says_what_a_prediction_sees():
    X = np.arange(12.0).reshape(3, 4)
    assert_array_equal(view_rows(Half(), X), X[:, :2])
    assert_array_equal(view_rows(Half(), X, rng(), 2), Half()(X, rng()))


def test_missing_entries_count_as_zeros():
    X = np.array([[1.0, np.nan], [np.nan, np.nan]])
    assert_array_equal(view_rows(lambda X, rng: X + 1, X, rng(), 2), [[2, 1], [1, 1]])
    assert_array_equal(view_rows(add_noise, X), [[1, 0], [0, 0]])
    assert np.isnan(X).sum() == 3


def test_type_and_order_are_those_of_tables():
    X = np.ones((3, 2), np.float32)
    found = view_rows(lambda X, rng: np.asfortranarray(X, dtype=np.float64), X, rng(), 2)
    assert found.dtype == np.float32 and found.flags.c_contiguous


def test_no_rows_have_no_views():
    def fail(X, rng):
        raise AssertionError

    assert view_rows(fail, np.empty((0, 4), np.float32), rng(), 2).shape == (0, 2)


def test_the_rows_of_the_user_cannot_be_changed():
    def in_place(X, rng):
        X += 1
        return X

    X = np.ones((3, 2))
    with pytest.raises(ValueError, match="changes rows in place"):
        view_rows(in_place, X, rng(), 2)
    assert (X == 1).all() and X.flags.writeable


def last_is_nan(X, rng):
    X = X.copy()
    X[-1, 1:] = np.nan
    return X


WRONG = {
    "fewer rows": (lambda X, rng: X[1:], r"shape \(4, 6\) for 5 rows of 6 columns"),
    "images": (lambda X, rng: X.reshape(5, 2, 3), r"shape \(5, 2, 3\) for 5 rows of 6"),
    "nothing": (lambda X, rng: None, r"shape \(1,\) for 5 rows"),
    "fewer columns": (lambda X, rng: X[:, 2:], "rows of 4 columns, .* reads 6.*for_prediction"),
    "NaN": (last_is_nan, "returned 5 entries of 30 that are NaN or infinite"),
    "infinite": (lambda X, rng: X / 0.0, "returned 30 entries of 30"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_wrong_results_are_named_with_their_numbers(fault):
    function, message = WRONG[fault]
    with np.errstate(divide="ignore"), pytest.raises(ValueError, match=message):
        view_rows(function, np.ones((5, 6)), rng(), 6)


@pytest.mark.filterwarnings("error")
def test_entries_beyond_single_precision_are_counted():
    with pytest.raises(ValueError, match="returned 4 entries of 4"):
        view_rows(lambda X, rng: X * np.float64(1e300), np.ones((2, 2), np.float32), rng(), 2)


def test_wrong_rows_of_a_prediction_are_named_too():
    half = Half()
    half.for_prediction = lambda X: X[:2, :3]
    with pytest.raises(ValueError, match=r"shape \(2, 3\) for 5 rows of 6 columns"):
        view_rows(half, np.ones((5, 6)), None, 3)


# -- rows as input of a network ----------------------------------------------------------


@pytest.fixture
def encoded():
    X = np.random.default_rng(1).normal(size=(5, 6))
    encoding = UnitEncoding(3).with_augment(Half())
    return EncodedRows(X, encoding, labels=np.array([0, 1, 1, 0, 1]), n_labels=2)


@pytest.mark.parametrize("index", [slice(None), slice(1, 4), np.array([3, 0])])
def test_encoded_rows_are_views_with_a_generator_only(encoded, index):
    X, labels = encoded.X[index], np.eye(2)[encoded.labels[index]]
    for seed, rows in (({}, X[:, :3]), ({"rng": rng()}, Half()(X, rng()))):
        Z = naive.scale_to_unit(rows, 3)
        np.testing.assert_allclose(encoded.encode(index, **seed), np.hstack([Z, labels]))
        seed = {"rng": rng()} if seed else {}
        np.testing.assert_allclose(encoded.data(index, **seed), Z)


def test_every_call_draws_another_view(encoded):
    draw = np.random.default_rng(3)
    assert np.abs(encoded.encode(rng=draw) - encoded.encode(rng=draw)).max() > 0.1


def test_an_encoding_with_an_augmentation_is_another_one():
    plain = UnitEncoding(3)
    assert plain.with_augment(add_noise).augment is add_noise
    assert plain.augment is None
    X = np.ones((2, 3))
    assert plain.view(X, rng()) is X
