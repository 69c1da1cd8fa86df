"""The first look at pieces, merged in any grouping, is the look at the whole table."""

from copy import deepcopy
from functools import reduce

import numpy as np
import pandas as pd
import pytest

from sklearn_activation._distributed.look import Look, common_type, look_at
from sklearn_activation._distributed.pieces import Piece
from sklearn_activation._rows.columns import Kind
from tests.tables import as_polars, people

COLUMNS = {
    "numbers": lambda rng: rng.normal(size=90),
    "numbers with gaps": lambda rng: np.where(rng.random(90) < 0.5, np.nan, 1.0),
    "words": lambda rng: rng.choice(["a", "b"], 90).astype(object),
    "words with gaps": lambda rng: rng.choice(np.array(["a", None, np.nan], object), 90),
    "postcodes": lambda rng: rng.choice(["0123", "4567"], 90).astype(object),
    "numbers as words": lambda rng: rng.choice(["1", "2.5"], 90).astype(object),
    "booleans": lambda rng: rng.random(90) < 0.5,
    "booleans with gaps": lambda rng: rng.choice(np.array([True, False, None], object), 90),
    "booleans and numbers": lambda rng: rng.choice(np.array([True, 2, 3.5], object), 90),
    "few words among numbers": lambda rng: np.array([*range(80), *"abcdefghij"], object),
    "few numbers among words": lambda rng: np.array([*range(10), *("ab" * 40)], object),
    "lists": lambda rng: np.array([*range(89), [1]], dtype=object),
    "missing": lambda rng: np.full(90, np.nan),
    "missing objects": lambda rng: np.full(90, None),
}


def answer_of(kind):
    """What a kind says in the end, with or without booleans as numbers."""
    found = []
    for booleans_are_numbers in (False, True):
        try:
            found.append(kind.is_category(booleans_are_numbers))
        except ValueError as error:
            found.append(str(error))
    return found


@pytest.mark.parametrize("cuts", [(30, 60), (1, 2), (0, 89), (10, 80)])
@pytest.mark.parametrize("name", COLUMNS)
def test_kinds_of_parts_make_the_kind_of_the_column(name, cuts):
    values = COLUMNS[name](np.random.default_rng(0))
    parts = [Kind.of("x", part) for part in np.split(values, cuts)]
    whole = Kind.of("x", values)
    for order in (parts, parts[::-1]):
        left = reduce(Kind.merge, order)
        right = order[0].merge(order[1].merge(order[2]))
        assert left == right
    assert answer_of(reduce(Kind.merge, parts)) == answer_of(whole)


@pytest.mark.parametrize("cuts", [(30, 60), (1, 2), (10, 80)])
@pytest.mark.parametrize("name", [name for name in COLUMNS if "lists" not in name])
def test_parts_that_are_read_on_their_own(name, cuts):
    """As if a part came from a file of its own: a part has the narrowest type of its values."""
    values = COLUMNS[name](np.random.default_rng(0))
    parts = [pd.Series(part.tolist()) for part in np.split(values, cuts)]
    merged = reduce(Kind.merge, [Kind.of("x", part) for part in parts])
    whole = pd.Series(np.concatenate([part.astype(object) for part in parts]))
    assert answer_of(merged)[0] == answer_of(Kind.of("x", whole))[0]


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("name", COLUMNS)
def test_a_type_of_categories_decides(name, order):
    parts = [
        Kind.of("x", COLUMNS[name](np.random.default_rng(0))),
        Kind.of("x", pd.Series(["a"], dtype="category")),
    ][::order]
    assert parts[0].merge(parts[1]).is_category(False)


def piece(X, y=None, weight=None, number=0):
    return Piece(X, y, weight, number)


def looks(parts):
    rng = np.random.default_rng(1)
    return [
        look_at(piece(part, rng.integers(0, 4, len(part)), rng.random(len(part)), i), True)
        for i, part in enumerate(parts)
    ]


def summary(look):
    """What matters of a look, but for rounding."""
    return (
        look.number,
        look.n_rows,
        look.n_columns,
        look.dtype,
        str(look.kinds),
        look.labels.tolist(),
        np.round(look.totals, 9).tolist(),
        look.largest.tolist(),
    )


TABLES = {
    "arrays": lambda: np.array_split(np.random.default_rng(0).normal(size=(90, 3)), 5),
    "frames": lambda: [people(20, seed) for seed in range(5)],
    "polars": lambda: [as_polars(people(20, seed)) for seed in range(5)],
    "some objects": lambda: [
        np.ones((9, 2)),
        np.array([[1.0, "a"], [2, "b"]], dtype=object),
        np.full((3, 2), np.nan),
        np.ones((2, 2), dtype=int),
    ],
}


@pytest.mark.parametrize("table", TABLES)
def test_looks_merge_in_any_grouping(table):
    parts = TABLES[table]()
    one_by_one = reduce(Look.merge, looks(parts))
    late = looks(parts)
    right = reduce(lambda ours, theirs: theirs.merge(ours), late[::-1])
    a, b = looks(parts)[:2], looks(parts)[2:]
    halves = reduce(Look.merge, a).merge(reduce(Look.merge, b))
    assert summary(one_by_one) == summary(right) == summary(halves)


def test_a_merge_leaves_the_other_look_as_it_was():
    ours, theirs = looks(TABLES["some objects"]())[:2]
    before = deepcopy(summary(theirs))
    ours.merge(theirs)
    assert summary(theirs) == before


def test_weights_are_counted_by_label():
    look = look_at(piece(np.ones((4, 2)), ["b", "a", "b", "b"], [1.0, 5, 2, 0.5]), True)
    assert look.labels.tolist() == ["a", "b"]
    assert (look.totals.tolist(), look.largest.tolist()) == ([5, 3.5], [5, 2])


def test_nobody_looks_at_a_piece_without_rows():
    assert look_at(piece(np.ones((0, 2)), "nonsense"), True) is None


TYPES = {
    "float32": (np.ones((2, 2), np.float32), np.float32),
    "int": (np.ones((2, 2), int), np.int64),
    "objects": (np.ones((2, 2), object), np.float64),
    "lists": ([[1, 2]], np.float64),
    "a frame of float32": (pd.DataFrame({"a": [1], "b": [2]}, dtype=np.float32), np.float32),
    "a frame of two types": (
        pd.DataFrame({"a": [1], "b": [2]}).astype({"a": "float32", "b": "int8"}),
        np.float32,
    ),
    "a frame with words": (pd.DataFrame({"a": [1.0], "b": ["x"]}), np.float64),
    "a frame of nullable numbers": (pd.DataFrame({"a": [1]}, dtype="Float32"), np.float64),
}


@pytest.mark.parametrize("kind", TYPES)
def test_types(kind):
    X, wanted = TYPES[kind]
    assert common_type(X) == wanted
