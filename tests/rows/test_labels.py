"""Labels of which some stand for none, and weights of classes."""

import numpy as np
import pandas as pd
import pytest
from sklearn.utils.class_weight import compute_class_weight

from sklearn_activation._rows.labels import class_weights, is_missing, replace_missing

NAN = float("nan")

# -- is_missing --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value, missing, expected",
    [
        (-1, -1, True),
        (-1.0, -1, True),
        (np.int64(-1), -1, True),
        (0, -1, False),
        ("?", "?", True),
        ("", "?", False),
        (0, "?", False),
        (None, None, True),
        (0, None, False),
        ("None", None, False),
        (NAN, NAN, True),
        (np.float32("nan"), NAN, True),
        (None, NAN, True),
        (pd.NA, NAN, True),
        (NAN, pd.NA, True),
        (None, pd.NA, True),
        (pd.NA, pd.NA, True),
        (0, NAN, False),
        (0, pd.NA, False),
        ("nan", NAN, False),
        (NAN, -1, False),
        (pd.NA, -1, False),
        (NAN, "?", False),
        (None, -1, False),
        (False, 0, True),
    ],
)
def test_which_labels_stand_for_none(value, missing, expected):
    assert is_missing(value, missing) is expected


# -- replace_missing ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "y, missing, unknown, known",
    [
        ([2, -1, 0, -1], -1, [0, 1, 0, 1], [2, 2, 0, 2]),
        ([-1, 5, -1], -1, [1, 0, 1], [5, 5, 5]),
        (["?", "b", "a"], "?", [1, 0, 0], ["b", "b", "a"]),
        ([NAN, 1.0, 2.0], NAN, [1, 0, 0], [1.0, 1.0, 2.0]),
        ([None, 1, 2], None, [1, 0, 0], [1, 1, 2]),
        ([None, "x", NAN], NAN, [1, 0, 1], ["x", "x", "x"]),
        ([[0], [-1]], -1, [0, 1], [0, 0]),
    ],
)
def test_missing_labels_are_stood_in_for_by_the_first_that_is_known(y, missing, unknown, known):
    found, mask = replace_missing(y, missing)
    np.testing.assert_array_equal(found, known)
    np.testing.assert_array_equal(mask, np.array(unknown, bool))


def test_mixed_labels_do_not_become_strings():
    found, _ = replace_missing([0, "?", 1], "?")
    assert found.dtype.kind == "i"


@pytest.mark.parametrize("y", [None, [0, 1], [], [[0, 1], [1, 0]], 3])
def test_what_lacks_no_label_goes_back_as_it_is(y):
    """What is not a list of labels, too: validation says what is wrong with it."""
    found, mask = replace_missing(y, -1)
    assert found is y and mask is None


def test_rows_of_which_none_is_labelled_need_a_stand_in():
    with pytest.raises(ValueError, match="missing_label=-1: all 3 rows are unlabelled"):
        replace_missing([-1, -1, -1], -1)
    found, mask = replace_missing([-1, -1, -1], -1, stand_in=[7, 8])
    assert found.tolist() == [7, 7, 7] and mask.all()


@pytest.mark.parametrize(
    "y, missing, place",
    [
        ([0.0, NAN, 1.0], None, 1),
        (["a", "b", NAN], None, 2),
        (pd.array(["a", None, "b"], dtype="string"), None, 1),
        ([None, "a", "?"], "?", 0),
        ([0, 1, NAN], -1, 2),
    ],
)
def test_labels_that_are_missing_without_the_marker_are_refused(y, missing, place):
    with pytest.raises(ValueError, match=rf"^y\[{place}\] is .*set missing_label to"):
        replace_missing(y, missing)


@pytest.mark.parametrize(
    "y, missing", [(["-1", "0", "1"], -1), ([0, -1, 1], "-1"), ([0.5, np.float64(-1.5)], "-1.5")]
)
def test_a_marker_of_another_type_is_doubted(y, missing):
    with pytest.warns(UserWarning, match="differs in its type from missing_label="):
        _, unknown = replace_missing(y, missing)
    assert unknown is None


@pytest.mark.parametrize("y, missing", [([0, 1], -1), (["a", "b"], "?"), ([{}, 1], -1)])
def test_a_marker_that_no_row_has_is_no_doubt(y, missing, recwarn):
    assert replace_missing(y, missing) == (y, None)
    assert not recwarn.list


def test_a_missing_label_is_a_single_one():
    with pytest.raises(ValueError, match="must be a single label"):
        replace_missing([0, 1], [0, 1])


# -- class_weights -----------------------------------------------------------------------


def test_classes_have_equal_weight_unless_told():
    weights = class_weights(None, np.array([0, 1, 2]), None, None)
    np.testing.assert_array_equal(weights, [1, 1, 1])


def test_weights_of_a_dictionary_go_to_its_classes():
    found = class_weights({"b": 3.0}, np.array(["a", "b"]), None, None)
    np.testing.assert_array_equal(found, [1, 3])


def test_balanced_weights_are_those_of_scikit_learn():
    labels = np.repeat([0, 1, 2], [5, 10, 35])
    found = class_weights("balanced", np.arange(3), labels, np.ones(50))
    expected = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    np.testing.assert_allclose(found, expected)


def test_balanced_weights_give_every_class_the_same_share():
    """Of the rows' own weights, too; a class without rows weighs nothing, but is no division."""
    rng = np.random.default_rng(0)
    labels, weight = rng.integers(3, size=60), rng.uniform(0.1, 4, 60)
    found = class_weights("balanced", np.arange(4), labels, weight)
    assert np.isfinite(found).all()
    share = np.bincount(labels, weights=weight * found[labels], minlength=4)
    np.testing.assert_allclose(share[:3], weight.sum() / 4)


def test_balanced_weights_need_all_rows():
    with pytest.raises(ValueError, match="class_weight='balanced' needs all rows"):
        class_weights("balanced", np.arange(2), None, np.ones(3))


@pytest.mark.parametrize("weights", [{0: -1.0}, {0: np.nan}, {0: np.inf}, {0: 0.0, 1: 0.0}])
def test_bad_weights_are_refused(weights):
    with pytest.raises(ValueError, match="must hold finite weights of 0 or more, and a positive"):
        class_weights(weights, np.arange(2), None, None)
