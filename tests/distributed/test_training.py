"""A fit of pieces equals the fit of the whole table, or names the partition that is wrong."""

import pickle
import warnings

import dask
import dask.array as da
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_activation import (
    ActivationAnomalyDetector,
    ActivationImputer,
    ActivationLearningClassifier,
    CompetitiveHebbianTransformer,
)
from sklearn_activation._blocks import map_blocks
from sklearn_activation._detection.training import DetectorTraining
from sklearn_activation.augmentation import RandomShift
from sklearn_activation.dask import fit, impute, score_samples
from tests.distributed.cases import (
    ESTIMATORS,
    SIZES,
    array,
    assert_same_fit,
    cut,
    frames,
    given,
    labels,
    of_unknown_size,
    rows,
)
from tests.tables import as_polars, people, series

CLASSIFIER, DETECTOR = ESTIMATORS["classifier"], ESTIMATORS["detector"]
TRANSFORMER, IMPUTER = ESTIMATORS["transformer"], ESTIMATORS["imputer"]
NAMES = ["a", "b", "c", "d"]


def with_gaps(X, seed=1):
    return np.where(np.random.default_rng(seed).random(X.shape) < 0.15, np.nan, X)


def changed(values, place, value):
    """A copy in which one entry has changed."""
    values = values.copy()
    values[place] = value
    return values


# -- equal to the whole table ------------------------------------------------------------


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_list_of_blocks(name):
    X, new = rows(), ESTIMATORS[name]
    y = {key: cut(values) for key, values in given(name, X).items()}
    assert_same_fit(fit(new(), cut(X), **y), new().fit(X, **given(name, X)), X)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_unknown_numbers_of_rows(name):
    X, new = rows(), ESTIMATORS[name]
    y = {key: of_unknown_size(array(v[:, None])) for key, v in given(name, X).items()}
    found = fit(new(), of_unknown_size(array(X)), **y)
    assert_same_fit(found, new().fit(X, **given(name, X)), X)


@pytest.mark.parametrize("new", [CLASSIFIER, TRANSFORMER])
def test_local_connections(new):
    """The four columns are images of two by two pixels."""
    X = rows()
    parameters = {"image_shape": (2, 2), "receptive_field": 1, "layer_sizes": (3, 16)}
    estimator = new().set_params(**parameters)
    if new is CLASSIFIER:
        estimator.set_params(encoding="unit")
    y = given("classifier" if new is CLASSIFIER else "transformer", X)
    found = fit(clone(estimator), cut(X), **{key: cut(v) for key, v in y.items()})
    expected = estimator.fit(X, **y)
    assert found.coefs_[0].grid == expected.coefs_[0].grid
    assert_allclose(found.coefs_[0].fields, expected.coefs_[0].fields, atol=1e-8)
    assert_allclose(found.score_samples(X), expected.score_samples(X), atol=1e-8)


WEIGHTS = {
    "random": lambda n: np.random.default_rng(3).gamma(1, size=n),
    "sums overflow": lambda n: 1.5e308 * np.random.default_rng(3).uniform(0.5, 1, size=n),
    "huge": lambda n: 1e200 * np.random.default_rng(3).gamma(1, size=n),
    "whole numbers, many zeros": lambda n: np.random.default_rng(3).integers(0, 3, n),
    "partitions of zeros": lambda n: (np.arange(n) > 140).astype(float),
}


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("name", ["detector", "classifier", "transformer"])
def test_weights(name, weights):
    X, new = rows(), ESTIMATORS[name]
    weight, y = WEIGHTS[weights](len(X)), given(name, X)
    found = fit(new(), array(X), **y, sample_weight=weight)
    assert_same_fit(found, new().fit(X, **y, sample_weight=weight), X)


CHUNKS = {
    "one row a partition": (1,) * 60,
    "one partition": (60,),
    "an empty one first and last": (0, 30, 0, 0, 30, 0),
    "many": tuple([4, 2] * 10),
}


@pytest.mark.parametrize("chunks", CHUNKS)
@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.filterwarnings("ignore:.*NaN throughout")
def test_partitions_of_any_size(name, chunks):
    X, new = rows(60), ESTIMATORS[name]
    found = fit(new(), array(X, CHUNKS[chunks]), **given(name, X))
    assert_same_fit(found, new().fit(X, **given(name, X)), X)


@pytest.mark.parametrize("new", [DETECTOR, CLASSIFIER, IMPUTER])
@pytest.mark.parametrize("from_row", [100, 131])
@pytest.mark.filterwarnings("ignore:.*NaN throughout")
def test_gaps_and_a_partition_that_is_missing(new, from_row):
    X = with_gaps(rows())
    X[from_row:260] = np.nan
    y = {"y": labels(rows())} if new is CLASSIFIER else {}
    assert_same_fit(fit(new(), array(X), **y), new().fit(X, **y), X)


@pytest.mark.parametrize("limit", [30, 120, 399, 400])
@pytest.mark.parametrize("weights", [None, *WEIGHTS])
def test_a_detector_draws_rows(limit, weights, monkeypatch):
    monkeypatch.setattr(DetectorTraining, "most_rows", limit)
    X = rows()
    X[250:] = X[100:250]
    weight = None if weights is None else WEIGHTS[weights](len(X))
    found, wanted = DETECTOR(), DETECTOR()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*independent rows")
        fit(found, array(X), sample_weight=weight)
        wanted.fit(X, sample_weight=weight)
    np.testing.assert_allclose(found.score_samples(X), wanted.score_samples(X), atol=1e-8)
    np.testing.assert_allclose(found.p_values(X), wanted.p_values(X), atol=1e-8)
    assert found.offset_ == pytest.approx(wanted.offset_, abs=1e-8)
    assert found.n_features_in_ == 4


@pytest.mark.parametrize("limit", [30, 399])
def test_an_imputer_draws_rows(limit, monkeypatch):
    monkeypatch.setattr(ActivationImputer, "_most_rows", limit)
    X = with_gaps(np.round(rows()))
    assert_same_fit(fit(IMPUTER(), array(X)), IMPUTER().fit(X), X)


@pytest.mark.parametrize("width", [1, 3, 4])
def test_columns_in_several_blocks(width):
    X = da.from_array(rows(), chunks=(90, width))
    assert_same_fit(fit(DETECTOR(), X), DETECTOR().fit(rows()), rows())


@pytest.mark.parametrize("kind", ["float32", "int8", "int64", "int8, then float32", "mixed"])
@pytest.mark.parametrize("name", ESTIMATORS)
def test_types_of_numbers(name, kind):
    kinds = {
        "int8, then float32": ["int8", "float32"],
        "mixed": ["float32", "float64", "int16"],
    }.get(kind, [kind])
    X, new = np.round(3 * rows()), ESTIMATORS[name]
    ends = [0, *np.cumsum(SIZES)]
    parts = [X[ends[i] : ends[i + 1]].astype(kinds[i % len(kinds)]) for i in range(len(SIZES))]
    whole, y = np.concatenate(parts), given(name, X)
    y_parts = {key: cut(values) for key, values in y.items()}
    found = fit(new(), [dask.delayed(part) for part in parts], **y_parts)
    wanted = new().fit(whole, **y)
    assert found.coefs_[0].dtype == wanted.coefs_[0].dtype
    tolerance = 5e-4 if whole.dtype == np.float32 else 1e-8
    for ours, theirs in zip(found.coefs_, wanted.coefs_, strict=True):
        np.testing.assert_allclose(ours @ ours.T, theirs @ theirs.T, rtol=0, atol=tolerance)


def test_types_of_columns():
    frame = pd.DataFrame(np.round(3 * rows()), columns=NAMES)
    for kinds in (["float32"] * 4, ["float32", "int8", "float32", "int8"], ["float32", "int32"]):
        typed = frame.astype(dict(zip(NAMES, kinds, strict=False)))
        found, wanted = fit(DETECTOR(), cut(typed)), DETECTOR().fit(typed)
        assert found.coefs_[0].dtype == wanted.coefs_[0].dtype


# -- labels --------------------------------------------------------------------------------


LABELS = {
    "numbers": lambda y: y,
    "fractions": lambda y: y / 1.0,
    "booleans": lambda y: y > 0,
    "words": lambda y: np.array(["no", "perhaps", "yes"])[y],
    "objects": lambda y: np.array(["no", "perhaps", "yes"], dtype=object)[y],
    "small numbers": lambda y: y.astype(np.int8),
    "sorted": lambda y: np.sort(y),
    "one row differs": lambda y: changed(np.zeros_like(y), 395, 1),
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels(kind):
    X = rows()
    y = LABELS[kind](labels(X))
    found, wanted = fit(CLASSIFIER(), array(X), array(y)), CLASSIFIER().fit(X, y)
    assert_same_fit(found, wanted, X)
    assert found.classes_.dtype == wanted.classes_.dtype


@pytest.mark.parametrize("weight", ["balanced", {0: 1.0, 1: 2.5, 2: 0.0}])
def test_weights_of_classes(weight):
    X = rows()
    new = clone(CLASSIFIER()).set_params(class_weight=weight)
    weights = np.random.default_rng(0).gamma(1, size=len(X))
    found = fit(clone(new), array(X), labels(X), sample_weight=weights)
    assert_same_fit(found, clone(new).fit(X, labels(X), weights), X)


@pytest.mark.parametrize("cuts", [(200, 200), (400,), (1,) * 400])
def test_labels_that_are_cut_at_other_known_rows(cuts):
    X = rows()
    found = fit(CLASSIFIER(), array(X), array(labels(X), cuts))
    assert_same_fit(found, CLASSIFIER().fit(X, labels(X)), X)


@pytest.mark.parametrize("make", [list, np.asarray, pd.Series, lambda y: y[:, None]])
def test_labels_in_memory(make):
    X = rows()
    found = fit(CLASSIFIER(), array(X), make(labels(X)))
    assert_same_fit(found, CLASSIFIER().fit(X, labels(X)), X)


def test_other_estimators_ignore_labels():
    assert_same_fit(fit(DETECTOR(), array(rows()), "nothing"), DETECTOR().fit(rows()), rows())


# -- data frames -----------------------------------------------------------------------------


def parted(frame, sizes=SIZES):
    """Pieces of a data frame with the index and the types of their own."""
    ends = [0, *np.cumsum(sizes)]
    return [frame.iloc[ends[i] : ends[i + 1]].reset_index(drop=True) for i in range(len(sizes))]


def delayed(parts):
    return [dask.delayed(part) for part in parts]


def table():
    frame = people(400)
    frame.loc[::9, "city"] = None
    frame.loc[4::11, "height"] = np.nan
    return frame


@pytest.mark.parametrize("name", ["detector", "classifier", "imputer"])
def test_a_data_frame_with_categories(name):
    dd, frame, new = frames(), table(), ESTIMATORS[name]
    X = frame.drop(columns="member")
    y = {"y": frame["member"]} if name == "classifier" else {}
    pieces = dd.from_pandas(frame, npartitions=5)
    y_pieces = {key: pieces["member"] for key in y}
    found = fit(new(), pieces[list(X)], **y_pieces)
    assert_same_fit(found, new().fit(X, **y), X)


def all_missing(frame):
    return frame.assign(city=np.nan)


def as_objects(frame):
    return frame.astype(object)


def of_one_city(frame):
    return frame.assign(city=pd.Categorical(["Wien"] * len(frame)))


def in_polars(frame):
    return as_polars(frame.astype(object).where(frame.notna(), None))


ODD = {
    "a column of strings is missing": all_missing,
    "all columns are objects": as_objects,
    "a category type": of_one_city,
    "polars": in_polars,
}


@pytest.mark.parametrize("place", [1, 4])
@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("name", ["detector", "imputer"])
def test_one_piece_of_other_types(name, odd, place):
    parts, new = parted(table()), ESTIMATORS[name]
    as_read = [part.copy() for part in parts]
    parts[place] = ODD[odd](parts[place])
    if odd != "polars":
        as_read[place] = parts[place]
    whole = pd.concat([part.astype(object) for part in as_read], ignore_index=True)
    whole = whole.astype({"height": float, "rent": float})
    assert_same_fit(fit(new(), delayed(parts)), new().fit(whole), whole)


def test_a_piece_of_whole_numbers_among_codes():
    frame = pd.DataFrame({"code": [f"{i % 7:03}" for i in range(400)], "x": rows()[:, 0]})
    parts = parted(frame)
    parts[1] = parts[1].assign(code=np.arange(len(parts[1])) % 7)
    found = fit(DETECTOR(), delayed(parts))
    whole = pd.concat(parts, ignore_index=True)
    assert_same_fit(found, DETECTOR().fit(whole), whole)


def test_an_array_of_numbers_among_arrays_of_objects():
    X = people(400)[["height", "city"]].astype(object).to_numpy()
    X[:91, 1] = np.nan
    parts = [part.compute() for part in cut(X)]
    parts[1] = parts[1].astype(float)
    for order in (1, -1):
        whole = np.concatenate([part.astype(object) for part in parts[::order]])
        assert_same_fit(fit(DETECTOR(), delayed(parts[::order])), DETECTOR().fit(whole), whole)


def test_named_categories():
    X = np.column_stack([rows()[:, :2], labels(rows())])
    for declared in ([2], [False, False, True]):
        new = DETECTOR().set_params(categorical_features=declared)
        assert_same_fit(fit(clone(new), array(X)), clone(new).fit(X), X)
    frame = pd.DataFrame(X, columns=["a", "b", "code"])
    new = DETECTOR().set_params(categorical_features=["code"])
    assert_same_fit(fit(clone(new), cut(frame)), clone(new).fit(frame), frame)


@pytest.mark.parametrize("new", [DETECTOR, CLASSIFIER, IMPUTER])
def test_categories_in_single_precision(new):
    X = np.column_stack([rows()[:, :2], labels(rows())]).astype(np.float32)
    new, y = new().set_params(categorical_features=[2]), {}
    if isinstance(new, ActivationLearningClassifier):
        new.set_params(encoding="fourier")
        y = {"y": labels(rows())}
    found, wanted = fit(clone(new), array(X), **y), clone(new).fit(X, **y)
    assert_same_fit(found, wanted, X)
    assert found.coefs_[0].dtype == wanted.coefs_[0].dtype


def test_polars():
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame(rows(), schema=NAMES, orient="row")
    parts = [frame[i : i + 80] for i in range(0, 400, 80)]
    parts.append(frame.clear())
    found = fit(DETECTOR(), delayed(parts))
    assert_same_fit(found, DETECTOR().fit(frame), frame)
    scores = dask.compute(*score_samples(found, delayed(parts)))
    np.testing.assert_allclose(np.concatenate(scores), found.score_samples(frame))
    filled = dask.compute(*impute(fit(IMPUTER(), delayed(parts)), delayed(parts)))
    assert sum(map(len, filled)) == 400


# -- what is refused ------------------------------------------------------------------------


def of_parts(change, place=4, X=None):
    """Pieces of which one has changed."""
    parts = [part.compute() for part in cut(rows() if X is None else X)]
    parts[place] = change(parts[place])
    return delayed(parts)


def framed(change, place=4):
    return of_parts(change, place, pd.DataFrame(rows(), columns=NAMES))


def y_of(change, place=4):
    return of_parts(change, place, labels(rows()))


def ones_but(value):
    return of_parts(lambda weight: changed(weight, 7, value), 4, np.ones(400))


FAULTS = {
    "infinity": (lambda: of_parts(lambda X: changed(X, (3, 1), np.inf)), {}, "Partition 4: .*inf"),
    "a column is missing": (
        lambda: of_parts(lambda X: X[:, :3]),
        {},
        "Partition 0 has 4 columns, but partition 4 has 3",
    ),
    "a named column is missing": (
        lambda: framed(lambda X: X.drop(columns=["b", "d"])),
        {},
        "Partition 4 lacks the columns 'b', 'd', which partition 0 has",
    ),
    "a column too many": (
        lambda: framed(lambda X: X.assign(e=1.0)),
        {},
        "Partition 0 lacks the columns 'e', which partition 4 has",
    ),
    "another order": (
        lambda: framed(lambda X: X[["b", "a", "c", "d"]]),
        {},
        "Partition 0 has the columns in the order 'a', 'b', 'c', 'd', but partition 4 .*'b', 'a'",
    ),
    "another name": (
        lambda: framed(lambda X: X.rename(columns={"a": "A"})),
        {},
        "Partition 4 lacks the columns 'a', which partition 0 has",
    ),
    "numbered columns in another order": (
        lambda: of_parts(lambda X: X[[1, 0, 2, 3]], 4, pd.DataFrame(rows())),
        {},
        "Partition 0 has columns without names, but partition 4 has .*'1', '0', '2', '3'",
    ),
    "no names": (
        lambda: framed(lambda X: X.to_numpy()),
        {},
        "Partition 0 has the columns .* partition 4 has columns without names",
    ),
    "the first differs": (
        lambda: framed(lambda X: X.rename(columns={"a": "A"}), 0),
        {},
        "Partition 1 lacks the columns 'A', which partition 0 has",
    ),
    "one axis": (lambda: of_parts(lambda X: X[:, 0]), {}, "Partition 4: X has the shape"),
    "three axes": (lambda: of_parts(lambda X: X[:, :, None]), {}, "Partition 4: X is an array"),
    "a series": (
        lambda: framed(lambda X: X["a"]),
        {},
        "Partition 4: X is a Series",
    ),
    "dates": (
        lambda: framed(lambda X: X.assign(a=pd.Timestamp("2024-01-01"))),
        {},
        "Partition 4: Column 'a' holds dates",
    ),
    "nothing": (lambda: of_parts(lambda X: None), {}, "Partition 4: "),
    "a negative weight": (
        lambda: cut(rows()),
        {"sample_weight": lambda: ones_but(-1.0)},
        r"Partition 4: sample_weight\[7\] is -1.0",
    ),
    "a weight of NaN": (
        lambda: cut(rows()),
        {"sample_weight": lambda: ones_but(np.nan)},
        r"Partition 4: sample_weight\[7\] is nan",
    ),
    "too few weights": (
        lambda: cut(rows()),
        {"sample_weight": lambda: of_parts(lambda w: w[1:], 4, np.ones(400))},
        "Partition 4: sample_weight has 128 entries, but X has 129 rows",
    ),
    "weights of zero": (
        lambda: cut(rows()),
        {"sample_weight": lambda: cut(np.zeros(400))},
        "every row of 400 has weight zero",
    ),
    "too few partitions of weights": (
        lambda: cut(rows()),
        {"sample_weight": lambda: cut(np.ones(400))[:-1]},
        "sample_weight has 6 partitions, but X has 7",
    ),
    "weights in memory": (
        lambda: cut(rows()),
        {"sample_weight": lambda: np.ones(400)},
        "sample_weight is in memory",
    ),
    "too few weights in memory": (
        lambda: array(rows()),
        {"sample_weight": lambda: np.ones(399)},
        "sample_weight has 399 entries, but X has 400 rows",
    ),
    "one weight": (
        lambda: array(rows()),
        {"sample_weight": lambda: 2.0},
        "sample_weight is 2.0, but one entry",
    ),
    "no rows": (lambda: cut(rows()[:0], (0, 0)), {}, "X has no rows"),
    "no partitions": (lambda: [], {}, "X has no partitions"),
    "only gaps": (lambda: cut(np.full((400, 4), np.nan)), {}, "NaN"),
    "in memory": (lambda: rows(), {}, "call fit of the estimator"),
    "a data frame in memory": (lambda: pd.DataFrame(rows()), {}, "call fit of the estimator"),
    "a Dask array of one axis": (lambda: da.ones(5), {}, "X has 1 axes"),
    "junk": (
        lambda: framed(lambda X: X.assign(a="?")),
        {},
        "Column 'a' holds numbers, and strings such as '\\?'",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults(fault):
    make, others, message = FAULTS[fault]
    with pytest.raises(ValueError, match=message):
        fit(DETECTOR(), make(), **{name: values() for name, values in others.items()})


def test_words_for_an_estimator_of_numbers():
    with pytest.raises(ValueError, match=r"Partition 4: .*'a' holds strings such as 'x'"):
        fit(TRANSFORMER(), framed(lambda X: X.assign(a="x")))
    with pytest.raises(ValueError, match=r"Partition 4: .*NaN"):
        fit(TRANSFORMER(), of_parts(lambda X: X * np.nan))


WRONG_LABELS = {
    "none": (lambda: None, "y is missing"),
    "too few": (
        lambda: y_of(lambda y: y[1:]),
        "Partition 4: y has 128 entries, but X has 129 rows",
    ),
    "cut at other rows": (
        lambda: cut(labels(rows()), (2, 89, *SIZES[2:])),
        r"Partition [01]: y has (2|89) entries",
    ),
    "too few partitions": (lambda: cut(labels(rows()))[1:], "y has 6 partitions, but X has 7"),
    "NaN": (lambda: y_of(lambda y: y * np.nan), "Partition 4: .*NaN"),
    "one is missing": (
        lambda: y_of(lambda y: changed(y.astype(object), 2, None)),
        r"Partition 4: y\[2\] is missing",
    ),
    "measurements": (lambda: y_of(lambda y: y + 0.5), "Partition 4: .*continuous"),
    "words among numbers": (
        lambda: y_of(lambda y: y.astype(str)),
        "y holds .* in partition 0, but .* in partition 4",
    ),
    "one label": (lambda: cut(np.ones(400, int)), "only one class"),
    "two columns": (lambda: y_of(lambda y: np.column_stack([y, y])), "Partition 4: "),
}


@pytest.mark.parametrize("fault", WRONG_LABELS)
def test_wrong_labels(fault):
    make, message = WRONG_LABELS[fault]
    with pytest.raises(ValueError, match=message):
        fit(CLASSIFIER(), cut(rows()), make())


REFUSED = {
    "feedback": (ActivationLearningClassifier(feedback=True), "feedback=True .*feedback=False"),
    "trial": (ActivationLearningClassifier(), "feedback='auto' .*Set feedback=False"),
    "solver": (CompetitiveHebbianTransformer(solver="hebbian"), "Set solver='flow'"),
    "labels": (
        ActivationLearningClassifier(feedback=False, missing_label=-1),
        "missing_label=-1 .*Leave the rows without a label out",
    ),
    "augmentation": (
        CompetitiveHebbianTransformer(augment=RandomShift((2, 2))),
        r"augment=RandomShift\(image_shape=\(2, 2\), pixels=1\) would .*Set augment=None",
    ),
    "window": (ActivationAnomalyDetector(window=20), "window=20: .*partial_fit"),
    "auto window": (ActivationAnomalyDetector(window="auto"), "window='auto': .*partial_fit"),
    "another estimator": (StandardScaler(), "StandardScaler cannot learn pieces"),
    "pipeline": (make_pipeline(StandardScaler(), DETECTOR()), "Pipeline cannot .*the last step"),
    "wrong parameter": (CompetitiveHebbianTransformer(learning_time=-1), "learning_time"),
    "class weights": (
        CLASSIFIER().set_params(class_weight={0: 0.0, 1: 0.0, 2: 0.0}),
        "class_weight",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_learn_pieces_says_so(what):
    estimator, message = REFUSED[what]
    with pytest.raises(ValueError, match=message):
        fit(estimator, array(rows()), labels(rows()))
    assert not hasattr(estimator, "coefs_")


def test_a_single_delayed_is_no_list():
    with pytest.raises(ValueError, match=r"X is a single Delayed object\. Give the list \[X\]"):
        fit(DETECTOR(), cut(rows())[0])
    with pytest.raises(ValueError, match="y is a single Delayed object"):
        fit(CLASSIFIER(), cut(rows()), cut(labels(rows()))[0])


def threads_of(new, monkeypatch):
    """The numbers of threads in which blocks of a fit on pieces run."""
    seen = []

    def note(function, n_rows, n_columns, n_jobs=None):
        seen.append(n_jobs)
        return map_blocks(function, n_rows, n_columns, n_jobs)

    monkeypatch.setattr("sklearn_activation._rows.encoded.map_blocks", note)
    fit(new.set_params(n_jobs=2), array(rows()))
    return seen


def test_threads_of_a_fit_do_not_multiply_by_workers(monkeypatch):
    assert set(threads_of(TRANSFORMER(), monkeypatch)) == {None}


def test_an_imputer_takes_no_weights():
    with pytest.raises(ValueError, match="takes no sample_weight"):
        fit(IMPUTER(), array(rows()), sample_weight=np.ones(400))


def test_a_classifier_refuses_weights_of_zero_for_all_labels_that_occur():
    X, y = rows(), labels(rows())
    weight = (y == 1).astype(float)
    new = CLASSIFIER().set_params(class_weight={0: 1.0, 1: 0.0, 2: 1.0})
    with pytest.raises(ValueError, match="weight zero"):
        fit(new, array(X), y, sample_weight=weight)


@pytest.mark.parametrize("new", ESTIMATORS.values(), ids=ESTIMATORS)
def test_a_failed_fit_leaves_the_estimator_unchanged(new):
    estimator = new()
    X = rows()
    y = {"y": labels(X)} if hasattr(estimator, "predict_proba") else {}
    before = vars(estimator.fit(X, **y)).copy()
    wrong = {key: cut(values) for key, values in y.items()}
    with pytest.raises(ValueError):
        fit(estimator, of_parts(lambda X: changed(X, (3, 1), np.inf)), **wrong)
    assert vars(estimator).keys() == before.keys()
    assert all(vars(estimator)[key] is value for key, value in before.items())


# -- estimators as they come ---------------------------------------------------------------


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_fitted_estimator_can_be_copied_saved_and_fitted_again(name):
    X, new = rows(), ESTIMATORS[name]
    found = fit(new(), array(X), **given(name, X))
    saved = pickle.loads(pickle.dumps(found))
    assert_same_fit(saved, found, X)
    assert not hasattr(clone(found), "coefs_")
    assert "_twin_of" not in vars(found)
    other = rows(300, seed=9)
    again = fit(found, array(other, (150, 150)), **given(name, other))
    assert again is found
    assert_same_fit(again, new().fit(other, **given(name, other)), other)


@pytest.mark.parametrize("name", ["detector", "classifier", "transformer"])
def test_warm_start(name):
    X, Z = rows(), rows(300, seed=9)
    found, wanted = (ESTIMATORS[name]().set_params(warm_start=True) for _ in range(2))
    for table in (X, Z):
        fit(found, array(table, (len(table),)), **given(name, table))
        wanted.fit(table, **given(name, table))
    assert_same_fit(found, wanted, X)


def test_a_fit_goes_on_with_partial_fit_and_merge():
    X, Z = rows(), rows(200, seed=4)
    found, wanted = fit(TRANSFORMER(), array(X)), TRANSFORMER().fit(X)
    for estimator in (found, wanted):
        estimator.partial_fit(Z)
    assert_same_fit(found, wanted, X)
    found.merge(fit(TRANSFORMER(), array(Z, (200,))))
    wanted.merge(TRANSFORMER().fit(Z))
    assert_same_fit(found, wanted, X)


def test_a_detector_of_series_can_learn_a_table():
    detector = ActivationAnomalyDetector(window=10, random_state=0).fit(series())
    with pytest.raises(ValueError, match="window=10: "):
        score_samples(detector, da.from_array(series()))
    detector.set_params(window=None, n_frequencies=20)
    assert_same_fit(fit(detector, array(rows())), DETECTOR().fit(rows()), rows())


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("n_jobs", [2, -1])
def test_threads(name, n_jobs):
    X, new = rows(), ESTIMATORS[name]
    found = fit(new().set_params(n_jobs=n_jobs), array(X), **given(name, X))
    assert_same_fit(found, new().fit(X, **given(name, X)), X)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_random_states(name):
    X, new = rows(), ESTIMATORS[name]
    found, wanted = (new().set_params(random_state=np.random.RandomState(3)) for _ in range(2))
    fit(found, array(X), **given(name, X))
    assert_same_fit(found, wanted.fit(X, **given(name, X)), X)
    fit(new().set_params(random_state=None), array(X), **given(name, X))


def test_names_of_columns_that_were_there_before_are_dropped():
    detector = DETECTOR().fit(pd.DataFrame(rows(), columns=NAMES))
    assert not hasattr(fit(detector, array(rows())), "feature_names_in_")


def test_layers_are_printed(capsys):
    fit(TRANSFORMER().set_params(verbose=1), array(rows()))
    lines = capsys.readouterr().out.splitlines()
    assert [line[:12] for line in lines] == ["Layer 1 of 2", "Layer 2 of 2"]


def test_a_fit_warns_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name, new in ESTIMATORS.items():
            fit(new(), array(rows()), **given(name, rows()))


def test_many_labels_in_a_small_piece_are_no_measurements():
    X, y = rows(90), np.tile(np.arange(30), 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(CLASSIFIER(), cut(X, (30,) * 3), cut(y, (30,) * 3))


def test_a_detector_needs_two_rows():
    with pytest.raises(ValueError, match="X has 1 row"):
        fit(DETECTOR(), cut(rows(1), (1, 0)))


def test_identifiers_are_warned_of():
    table = pd.DataFrame({"id": [f"order {i}" for i in range(200)], "amount": np.arange(200.0)})
    blocks = [dask.delayed(table[:120]), dask.delayed(table[120:])]
    with pytest.warns(UserWarning, match="'id' holds 200 different values in 200 rows"):
        fit(DETECTOR(), blocks)


def test_a_name_of_a_column_is_no_column():
    with pytest.raises(ValueError, match=r"y is 'late'\. Give the column itself, such as df\["):
        fit(CLASSIFIER(), cut(rows()), "late")


def test_columns_of_one_frame_of_files_have_the_same_pieces(tmp_path):
    """Dask reads several Parquet files at once if few columns are needed, such as labels alone."""
    dd = frames()
    pytest.importorskip("pyarrow", exc_type=ImportError)
    table = pd.DataFrame(rows(), columns=NAMES).assign(
        y=labels(rows()), weight=np.random.default_rng(0).gamma(1, size=400)
    )
    for i, part in enumerate(np.split(np.arange(400), 8)):
        table.iloc[part].to_parquet(tmp_path / f"{i}.parquet")
    pieces = dd.read_parquet(tmp_path)
    found = fit(CLASSIFIER(), pieces[NAMES], pieces["y"], pieces["weight"])
    wanted = CLASSIFIER().fit(table[NAMES], table["y"], table["weight"])
    assert_same_fit(found, wanted, table[NAMES])


def test_parameters_are_refused_before_pieces():
    with pytest.raises(ValueError, match=r"feedback=.auto. .* Set feedback=False"):
        fit(ActivationLearningClassifier(), cut(rows()), cut(labels(rows()))[:3])
