"""What the page on large data says: few bytes a row, so many passes, and lost workers."""

import os
import re
import tracemalloc
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone

from sklearn_activation import (
    ActivationAnomalyDetector,
    ActivationImputer,
    ActivationLearningClassifier,
    CompetitiveHebbianTransformer,
    _blocks,
)

from .test_site import LARGE

DETECTOR = ActivationAnomalyDetector(n_frequencies=8, random_state=0)
CLASSIFIER = ActivationLearningClassifier(
    encoding="fourier", n_frequencies=8, layer_sizes=16, feedback=False, random_state=0
)
TRANSFORMER = CompetitiveHebbianTransformer(random_state=0)
IMPUTER = ActivationImputer(n_frequencies=8, random_state=0)


def estimator_id(estimator):
    return type(estimator).__name__


def peak_of_fit(estimator, path, y):
    """The largest memory in bytes that a fit takes on top of an array on disk."""
    X = np.load(path, mmap_mode="r")
    clone(estimator).fit(X[:4000], y[:4000])  # compiles what is not yet compiled
    return peak_of(lambda: clone(estimator).fit(X, y))


def peak_of(function):
    """The largest memory in bytes that a call takes."""
    tracemalloc.start()
    function()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize("estimator", [DETECTOR, CLASSIFIER, TRANSFORMER], ids=estimator_id)
def test_fit_of_an_array_on_disk_takes_some_tens_of_bytes_a_row(estimator, tmp_path, monkeypatch):
    monkeypatch.setattr(_blocks, "BLOCK_ENTRIES", 2**16)  # then 60,000 rows are many blocks
    n_columns, n_rows, peaks = 40, (60_000, 120_000), []
    rng = np.random.default_rng(0)
    for n in n_rows:
        path = tmp_path / f"{n}.npy"
        X = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(n, n_columns))
        X[:] = rng.normal(size=X.shape)
        X.flush()
        y = (X[:, 0] > 0).astype(np.int8)
        peaks.append(peak_of_fit(estimator, path, y))
    growth = (peaks[1] - peaks[0]) / (n_rows[1] - n_rows[0])
    assert growth < 64 < 4 * n_columns


@pytest.mark.parametrize("estimator, has_gaps", [(DETECTOR, True), (CLASSIFIER, False)])
def test_a_look_for_gaps_takes_no_array_of_the_size_of_the_table(estimator, has_gaps, monkeypatch):
    """The model itself answers, because scikit-learn's check takes a byte for each entry."""
    monkeypatch.setattr(_blocks, "BLOCK_ENTRIES", 2**16)
    n_columns, n_rows = 120, (30_000, 60_000)
    X = np.random.default_rng(0).normal(size=(n_rows[1], n_columns)).astype(np.float32)
    if has_gaps:
        X[::50, 3] = np.nan
    model = clone(estimator).fit(X[:4000], (X[:4000, 0] > 0).astype(np.int8))._model()
    answer = model.judge if has_gaps else model.predict
    answer(X[:4000])
    peaks = [peak_of(partial(answer, X[:n])) for n in n_rows]
    assert (peaks[1] - peaks[0]) / (n_rows[1] - n_rows[0]) < 64


# -- on Dask ---------------------------------------------------------------------------

LAYERS = {"layer_sizes": (8, 8)}
DRAW = ["draw_candidates", "draw_weights", "draw_rows"]
PASSES = [
    (CLASSIFIER, 600, ["look", "sample", "layer1_products"]),
    (
        ActivationLearningClassifier(**{**CLASSIFIER.get_params(), **LAYERS}),
        600,
        ["look", "sample", "layer1_products", "layer1_outputs", "layer2_products"],
    ),
    (TRANSFORMER, 600, ["look", "sample", "layer1_products", "layer1_outputs"]),
    (
        CompetitiveHebbianTransformer(**LAYERS, random_state=0),
        600,
        ["look", "sample"] + [f"layer{i}_{of}" for i in (1, 2) for of in ("products", "outputs")],
    ),
    (DETECTOR, 600, ["look", "gather"]),
    (DETECTOR, 51_000, ["look", *DRAW]),
    (IMPUTER, 21_000, ["look", "sample", *DRAW]),
]


@pytest.mark.parametrize(
    "estimator, n_rows, expected",
    PASSES,
    ids=[f"{estimator_id(e)}-{n}-{len(names)}" for e, n, names in PASSES],
)
def test_passes_are_those_on_the_page(estimator, n_rows, expected, monkeypatch):
    array = pytest.importorskip("dask.array", exc_type=ImportError)
    from sklearn_activation._distributed.pieces import Pieces
    from sklearn_activation.dask import fit

    names, reduce = [], Pieces.reduce

    def spied(pieces, function, merge, name, *rest):
        names.append(name)
        return reduce(pieces, function, merge, name, *rest)

    monkeypatch.setattr(Pieces, "reduce", spied)
    X = np.random.default_rng(0).normal(size=(n_rows, 3))
    fit(clone(estimator), array.from_array(X, chunks=(n_rows // 3, 3)), X[:, 0] > 0)
    assert names == expected
    on_page = LARGE.read_text(encoding="utf-8")
    for name in names:
        assert f"``{re.sub('layer[0-9]', 'layer1', name)}``" in on_page


class LoadOrDie:
    """A loader of rows that ends its process when it is called for the ``fatal`` time."""

    def __init__(self, folder, fatal):
        self.folder, self.fatal = Path(folder), fatal

    def __call__(self, seed):
        if seed == 3:
            call = len(list(self.folder.iterdir()))
            (self.folder / f"call_{call}").touch()
            if call == self.fatal:
                os._exit(1)
        return np.random.default_rng(seed).normal(size=(200, 3))


@pytest.mark.filterwarnings("ignore:.*:UserWarning")
def test_result_is_the_same_if_a_worker_is_lost(tmp_path):
    distributed = pytest.importorskip("distributed", exc_type=ImportError)
    delayed = pytest.importorskip("dask", exc_type=ImportError).delayed
    from sklearn_activation.dask import fit

    load = LoadOrDie(tmp_path, fatal=2)  # the third pass adds up products
    cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0")
    with cluster, distributed.Client(cluster):
        found = fit(clone(TRANSFORMER), [delayed(load)(seed) for seed in range(6)])
    assert len(list(tmp_path.iterdir())) == 5  # in four passes
    rows = np.concatenate([np.random.default_rng(seed).normal(size=(200, 3)) for seed in range(6)])
    expected = clone(TRANSFORMER).fit(rows)
    np.testing.assert_allclose(found.transform(rows), expected.transform(rows), rtol=1e-8)
