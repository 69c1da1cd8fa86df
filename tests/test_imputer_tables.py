"""The imputer of tables with categories: what it fills, and what kind of table comes back."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.base import clone
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from sklearn_activation import ActivationImputer

from .tables import CITIES, KINDS, arrow, people
from .tasks import columns_of_votes

FEW = {"n_frequencies": 64, "random_state": 0}
GIVEN = {"n_frequencies": 32, "bandwidth": 1.0, "learning_time": 300.0, "random_state": 0}


def gappy(frame, share=0.15, seed=0):
    """A frame without some entries, booleans of a type that has room for that."""
    frame = frame.astype({"member": "boolean"})
    hidden = np.random.default_rng(seed).random(frame.shape) < share
    return frame.mask(hidden), hidden


def as_kind(kind, frame):
    if kind.startswith("polars"):  # it knows None only
        frame = frame.astype(object).where(frame.notna(), None)
    return KINDS[kind](frame)


def values(table):
    """Rows of a table of any kind as lists of Python values."""
    if hasattr(table, "to_pylist"):
        return [list(row.values()) for row in table.to_pylist()]
    if hasattr(table, "rows"):
        return [list(row) for row in table.rows()]
    return (table.astype(object).to_numpy() if hasattr(table, "iloc") else table).tolist()


@pytest.fixture(scope="module")
def crowd():
    full = people(300)
    gaps, hidden = gappy(full)
    return full, gaps, hidden, ActivationImputer(**FEW).fit(gaps)


# -- what is filled in ---------------------------------------------------------------------


def test_categories_follow_what_they_belong_to(crowd):
    """The rent tells the city, and the city the rent."""
    full, gaps, hidden, imputer = crowd
    filled = imputer.transform(gaps)
    assert not filled.isna().any(axis=None)
    at = hidden[:, 2] & ~hidden[:, 1]
    assert (filled["city"][at] == full["city"][at]).mean() > 0.95
    at = hidden[:, 1] & ~hidden[:, 2]
    assert np.abs(filled["rent"] - full["rent"])[at].mean() < 60  # of a deviation of 250
    assert 0 < imputer.validation_error_ < 1
    np.testing.assert_array_equal(imputer.is_categorical_, [False, False, True, True, True])


def test_known_entries_stay(crowd):
    _, gaps, hidden, imputer = crowd
    filled = imputer.transform(gaps)
    for j, name in enumerate(gaps):
        known = ~hidden[:, j]
        assert filled[name][known].tolist() == gaps[name][known].tolist()


def test_the_network_decides_where_it_knows_better_than_a_vote():
    """Three kinds of rows in six columns, which three numbers and much noise make."""
    rng = np.random.default_rng(0)
    mixing, t = rng.normal(size=(3, 6)), rng.normal(size=(500, 3))
    frame = pd.DataFrame(t @ mixing + 0.5 * rng.normal(size=(500, 6))).add_prefix("x")
    frame["kind"] = np.where(t[:, 0] > 0.3, "a", np.where(t[:, 1] > 0, "b", "c"))
    gaps = frame.copy()
    gaps.loc[::4, "kind"] = None
    able, unable = (ActivationImputer(n_frequencies=n, random_state=0).fit(gaps) for n in (64, 1))
    assert columns_of_votes(able) == () and columns_of_votes(unable) == (6,)
    right, of_vote = (
        (imputer.transform(gaps)["kind"] == frame["kind"])[::4].mean()
        for imputer in (able, unable)
    )
    assert right > of_vote + 0.02


def test_the_vote_decides_where_the_network_is_no_better():
    """One frequency tells next to nothing, and neighbours in rent live in one city."""
    full = people(300)[["rent", "city"]]
    gaps = full.copy()
    gaps.loc[::4, "city"] = None
    imputer = ActivationImputer(n_frequencies=1, random_state=0).fit(gaps)
    assert columns_of_votes(imputer) == (1,)
    assert (imputer.transform(gaps)["city"] == full["city"]).all()


def test_a_category_that_is_new_is_kept_and_as_far_as_any(crowd):
    imputer = crowd[3]
    rows = people(6, seed=3).astype({"member": "boolean"})
    rows["plan"] = rows["plan"].cat.add_categories(["gold", "free"])
    rows.loc[:2, "city"], rows.loc[:2, "rent"] = "Bern", np.nan
    rows.loc[3:, "plan"], rows.loc[3:, "height"] = "gold", np.nan
    filled = imputer.transform(rows)
    assert filled["city"][:3].tolist() == ["Bern"] * 3
    assert not filled.isna().any(axis=None)
    others = rows.replace({"city": {"Bern": "Brno"}})
    others["plan"] = others["plan"].where(others["plan"] != "gold", "free")
    again = imputer.transform(others)
    pd.testing.assert_series_equal(again["rent"], filled["rent"])
    pd.testing.assert_series_equal(again["height"], filled["height"])


def test_a_column_of_categories_that_was_never_known_stays_missing_and_counts_for_nothing(crowd):
    _, gaps, *_ = crowd
    blank = gaps.assign(plan=gaps["plan"].where(gaps["plan"].isna()))
    imputer = ActivationImputer(**GIVEN).fit(blank)
    filled, with_it = imputer.transform(blank), imputer.transform(gaps)
    assert filled["plan"].isna().all()
    assert with_it["plan"].isna().tolist() == gaps["plan"].isna().tolist()
    for name in ("height", "rent", "city", "member"):
        assert filled[name].tolist() == with_it[name].tolist()


def test_many_categories():
    """More than are tried one by one: the nearest rows' vote is tried, too."""
    place = np.arange(600) % 60
    rng = np.random.default_rng(0)
    x = place + rng.normal(0, 0.1, 600)
    frame = pd.DataFrame({"x": x, "y": x + rng.normal(0, 0.1, 600)})
    frame["street"] = [f"street {p}" for p in place]
    gaps = frame.copy()
    gaps.loc[::7, "street"] = None
    filled = ActivationImputer(**FEW).fit(gaps).transform(gaps)
    assert (filled["street"] == frame["street"])[::7].mean() > 0.8


def test_a_row_of_which_nothing_is_known_gets_the_most_frequent_categories(crowd):
    _, gaps, _, imputer = crowd
    nothing = gaps.iloc[[0]].mask(np.ones((1, 5), dtype=bool))
    filled = imputer.transform(nothing).iloc[0]
    for name in ("city", "plan", "member"):
        assert filled[name] == gaps[name].mode()[0]
    assert filled["height"] == pytest.approx(gaps["height"].mean(), rel=1e-3)


@pytest.mark.parametrize("declared", [[1], ["kind"], [False, True]])
def test_numbers_that_are_categories_can_be_declared(declared):
    kind = np.arange(200) % 3 * 10
    frame = pd.DataFrame({"x": kind + np.random.default_rng(0).normal(size=200), "kind": kind})
    gaps = frame.astype({"kind": "Int64"})
    gaps.loc[::5, "kind"] = None
    imputer = ActivationImputer(categorical_features=declared, **FEW).fit(gaps)
    filled = imputer.transform(gaps)
    assert (filled["kind"] == frame["kind"]).mean() > 0.95
    assert str(filled["kind"].dtype) == "Int64" and set(filled["kind"]) == {0, 10, 20}


def test_without_categories_strings_are_refused():
    frame = people(40)
    with pytest.raises(ValueError, match="'city' holds strings"):
        ActivationImputer(categorical_features=None).fit(frame)


# -- kinds of tables -----------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:X (has|does not have valid) feature names")
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_table_gets_the_same_values(kind):
    gaps, _ = gappy(people(80))
    expected = values(ActivationImputer(**GIVEN).fit(gaps).transform(gaps))
    table = as_kind(kind, gaps)
    before = copy.deepcopy(table)
    imputer = ActivationImputer(**GIVEN).fit(table)
    filled = imputer.transform(table)
    for found in (filled, ActivationImputer(**GIVEN).fit(gaps).transform(table)):
        for row, others in zip(values(found), expected, strict=True):
            assert row[2:] == others[2:]
            np.testing.assert_allclose(row[:2], others[:2], rtol=1e-4)
    if kind == "lists":
        assert filled.dtype == object
        return
    assert type(filled) is type(table)
    for name in ("dtypes", "schema", "dtype", "column_names"):
        if hasattr(table, name):
            assert str(getattr(filled, name)) == str(getattr(table, name))
    assert repr(before) == repr(table)  # as it was


@pytest.mark.parametrize("container", ["pandas", "polars", "default"])
def test_set_output(crowd, container):
    _, gaps, _, imputer = crowd
    if container == "polars":
        pytest.importorskip("polars")
    expected = values(imputer.transform(gaps))
    imputer = copy.deepcopy(imputer).set_output(transform=container)
    found = imputer.transform(gaps)
    assert type(found).__module__.startswith("pandas" if container == "default" else container)
    assert list(found.columns) == list(gaps)
    assert [row[2:] for row in values(found)] == [row[2:] for row in expected]
    if container != "polars":
        assert (found.index == gaps.index).all()


@pytest.mark.parametrize(
    "types", [["float32", "Int16"], ["Float32", "Int64"], ["float64", "Int8"]]
)
def test_frames_of_numbers_keep_their_types_if_frames_are_asked_for(types):
    frame = pd.DataFrame({"x": np.arange(50) % 7, "n": np.arange(50) % 5})
    frame = frame.astype(dict(zip(frame, types, strict=True)))
    gaps = frame.mask(np.random.default_rng(0).random(frame.shape) < 0.2)
    imputer = ActivationImputer(**GIVEN)
    plain = imputer.fit_transform(gaps)
    assert isinstance(plain, np.ndarray) and plain.dtype.kind == "f"
    filled = imputer.set_output(transform="pandas").fit_transform(gaps)
    assert [str(t) for t in filled.dtypes] == types
    np.testing.assert_allclose(filled["x"].astype(float), plain[:, 0], rtol=1e-5)
    np.testing.assert_array_equal(filled["n"].astype(float), np.round(plain[:, 1]))


def test_whole_numbers_beside_categories_stay_whole():
    gaps, _ = gappy(people(60))
    gaps["age"] = pd.array(np.arange(60) % 40 + 20, dtype="Int64")
    gaps.loc[::6, "age"] = None
    filled = ActivationImputer(**GIVEN).fit_transform(gaps)
    assert filled.dtypes.astype(str).to_dict() == gaps.dtypes.astype(str).to_dict()
    assert filled["age"].between(20, 59).all()


def test_numbers_among_objects_stay_an_array_of_floats():
    X = np.random.default_rng(0).normal(size=(40, 3)).astype(object)
    X[::5, 1] = None
    filled = ActivationImputer(**GIVEN).fit_transform(X)
    assert filled.dtype == np.float64 and np.isfinite(filled).all()


# -- in the company of scikit-learn --------------------------------------------------------


def test_pipelines_of_categories(crowd):
    full, gaps, *_ = crowd
    y = full["city"] == CITIES[0]
    pipeline = make_pipeline(
        ActivationImputer(**GIVEN),
        make_column_transformer(
            (OneHotEncoder(sparse_output=False), ["city", "plan", "member"]),
            remainder="passthrough",
        ),
        LogisticRegression(max_iter=2000),
    )
    assert pipeline.fit(gaps, y).score(gaps, y) > 0.9
    assert clone(pipeline).fit(gaps, y).score(gaps, y) > 0.9


def test_column_transformers(crowd):
    _, gaps, *_ = crowd
    numbers = make_column_selector(dtype_include="number")
    categories = make_column_selector(dtype_exclude="number")
    each = make_column_transformer(
        (ActivationImputer(**GIVEN), numbers), (ActivationImputer(**GIVEN), categories)
    )
    filled = each.set_output(transform="pandas").fit_transform(gaps)
    assert filled.shape == gaps.shape and not filled.isna().any(axis=None)
    assert {name.split("__")[1] for name in each.get_feature_names_out()} == set(gaps)


def test_copies_of_models_of_categories(crowd, tmp_path):
    _, gaps, _, imputer = crowd
    skops.io.dump(imputer, tmp_path / "imputer.skops")
    trusted = skops.io.get_untrusted_types(file=tmp_path / "imputer.skops")
    expected = imputer.transform(gaps)
    for other in (
        pickle.loads(pickle.dumps(imputer)),
        skops.io.load(tmp_path / "imputer.skops", trusted=trusted),
    ):
        pd.testing.assert_frame_equal(other.transform(gaps), expected)
    assert list(imputer.get_feature_names_out()) == list(gaps)


def test_other_columns_are_refused(crowd):
    _, gaps, _, imputer = crowd
    with pytest.raises(ValueError, match="feature names should match"):
        imputer.transform(gaps.rename(columns={"city": "town"}))


def test_arrow_tables_of_dictionaries():
    pyarrow = arrow()
    gaps, _ = gappy(people(60))
    table = pyarrow.Table.from_pandas(gaps, preserve_index=False)
    assert str(table.schema.field("plan").type).startswith("dictionary")
    filled = ActivationImputer(**GIVEN).fit(table).transform(table)
    assert filled.schema == table.schema
    assert all(column.null_count == 0 for column in filled.columns)
