"""Estimators that learn pieces, tables in pieces, and comparisons of what was learned."""

import dask
import dask.array as da
import numpy as np
import pytest

from sklearn_activation import (
    ActivationAnomalyDetector,
    ActivationImputer,
    ActivationLearningClassifier,
    CompetitiveHebbianTransformer,
)
from tests.tables import correlated

ESTIMATORS = {
    "detector": lambda: ActivationAnomalyDetector(n_frequencies=20, random_state=0),
    "classifier": lambda: ActivationLearningClassifier(
        feedback=False, n_frequencies=20, layer_sizes=(24, 16), random_state=0
    ),
    "transformer": lambda: CompetitiveHebbianTransformer((12, 8), random_state=0),
    "imputer": lambda: ActivationImputer(n_frequencies=12, bandwidth=2.0, random_state=0),
}

# The rows of seven partitions.
SIZES = 1, 90, 40, 0, 129, 60, 80


def rows(n=400, seed=0):
    return correlated(n, 4, seed)


def labels(X):
    return (X[:, 0] > 3).astype(int) + (X[:, 1] > 4)


def given(name, X):
    """The arguments that an estimator learns from ``X``."""
    return {"y": labels(np.nan_to_num(X))} if name == "classifier" else {}


def cut(values, sizes=SIZES):
    """The values as delayed pieces of some sizes."""
    values = values if hasattr(values, "iloc") else np.asarray(values)
    ends = np.cumsum(sizes)
    return [
        dask.delayed(values[start:end], traverse=False)
        for start, end in zip([0, *ends[:-1]], ends, strict=True)
    ]


def array(values, sizes=SIZES):
    """The values as a Dask array."""
    rest = [(n,) for n in values.shape[1:]]
    return da.from_array(values, chunks=(tuple(sizes), *rest))


def of_unknown_size(X):
    """The same Dask array with numbers of rows that nobody knows."""
    return da.map_blocks(lambda block: block, X, chunks=((np.nan,) * X.numblocks[0], X.chunks[1]))


def frames():
    """Dask's module for data frames, skipped where pyarrow cannot be imported."""
    return pytest.importorskip("dask.dataframe", exc_type=ImportError)


def assert_same_fit(found, wanted, X):
    """Two estimators have learned the same, apart from rounding and signs of the units."""
    assert vars(found).keys() == vars(wanted).keys()
    for ours, theirs in zip(found.coefs_, wanted.coefs_, strict=True):
        np.testing.assert_allclose(ours @ ours.T, theirs @ theirs.T, rtol=0, atol=1e-8)
    np.testing.assert_allclose(found.learning_times_, wanted.learning_times_, rtol=1e-10)
    for name in ("n_features_in_", "classes_", "is_categorical_", "feature_names_in_"):
        ours, theirs = (getattr(e, name, None) for e in (found, wanted))
        np.testing.assert_array_equal(ours, theirs)
    for name in ("offset_", "_n_seen", "validation_error_"):
        if hasattr(wanted, name):
            assert getattr(found, name) == pytest.approx(getattr(wanted, name), abs=1e-8)
    for name in ("score_samples", "predict_proba", "p_values"):
        if hasattr(wanted, name):
            ours, theirs = (getattr(e, name)(X) for e in (found, wanted))
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-8)
