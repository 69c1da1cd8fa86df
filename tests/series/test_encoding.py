"""The input that windows become: level, roughness, frequencies, against plain NumPy."""

import numpy as np
import pytest

from sklearn_activation._series.encoding import (
    WindowEncoding,
)
from sklearn_activation._series.windows import Windows

WIDTH = 16


def windows_of(n=300, n_channels=2, seed=0):
    rng = np.random.default_rng(seed)
    X = np.cumsum(rng.normal(size=(n, n_channels)), axis=0) * [1.0, 50.0, 3.0][:n_channels]
    return Windows(X, [(0, n)], WIDTH)


def fitted(windows, **options):
    given = {
        "bandwidth": "auto",
        "n_frequencies": 24,
        "standardize": True,
        "factors": (0.5, 1.0, 2.0, 4.0),
        "seed": 0,
        "relative_to": "level",
        "level_weight": 0.0,
        **options,
    }
    return WindowEncoding.fitted_to(windows, np.ones(len(windows)), windows.evenly(200), **given)


def naive_columns(encoding, x):
    """The columns of one window of shape (width, n_channels)."""
    z = (x - encoding.location) / encoding.scale
    own, levels = z, []
    if encoding.relative_to is not None:
        own, levels = z - z.mean(axis=0), [z.mean(axis=0)]
    if encoding.relative_to == "scale":
        deviation = own.std(axis=0) + WindowEncoding.added_deviation
        own, levels = own / deviation, [*levels, np.log(deviation)]
    parts = [own.ravel()]
    if encoding.relative_to is not None and encoding.level_weight:
        parts.append(encoding.level_weight * np.sqrt(WIDTH) * np.concatenate(levels))
    if encoding.roughness is not None:
        change, part = np.abs(z[1:] - z[:-1]), int(WIDTH / 8)
        least = np.min([change[i : i + part].mean(axis=0) for i in range(WIDTH - part)], axis=0)
        rough = np.concatenate([change.mean(axis=0), change.max(axis=0), least])
        usual = encoding.roughness
        rough = (np.log(rough + np.tile(usual.floor, 3)) - usual.center) / usual.spread
        parts.append(np.sqrt(WIDTH) / 4 * np.clip(rough, -20, 20))
    return np.concatenate(parts)


CASES = [
    {},
    {"relative_to": None},
    {"relative_to": "scale"},
    {"level_weight": 0.5},
    {"relative_to": "scale", "level_weight": 0.5},
    {"standardize": False, "bandwidth": 3.0},
]


@pytest.mark.parametrize("options", CASES, ids=str)
def test_columns_are_those_of_each_window_by_itself(options):
    windows = windows_of()
    encoding = fitted(windows, **options)
    naive = np.array([naive_columns(encoding, x.reshape(WIDTH, 2)) for x in np.asarray(windows)])
    assert naive.shape[1] == encoding.n_columns
    np.testing.assert_allclose(encoding.columns(windows), naive, atol=1e-8)
    apart = np.array([200, 3, 77])
    np.testing.assert_allclose(encoding.columns(windows[apart]), naive[apart], atol=1e-8)
    np.testing.assert_allclose(encoding.columns(np.asarray(windows)), naive, atol=1e-8)
    np.testing.assert_allclose(encoding.standardise(windows), naive[:, : 2 * WIDTH], atol=1e-8)


@pytest.mark.parametrize("options", CASES, ids=str)
def test_encoded_windows_are_cosines_and_sines(options):
    windows = windows_of()
    encoding = fitted(windows, **options)
    out = np.empty((len(windows), encoding.n_outputs))
    encoding.write(windows, out)
    phase = encoding.columns(windows) @ encoding.frequencies
    naive = np.concatenate([np.cos(phase), np.sin(phase)], axis=1) / np.sqrt(24)
    np.testing.assert_allclose(out, naive, atol=1e-4)
    np.testing.assert_allclose((out**2).sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("options", CASES, ids=str)
def test_gradients_are_slopes_with_roughness_held(options):
    windows = windows_of()
    encoding = fitted(windows, **options)
    encoding.frequencies = encoding.frequencies.copy()
    if encoding.roughness is not None:
        encoding.frequencies[-6:] = 0.0
    x = np.asarray(windows[[40]])
    G = np.random.default_rng(1).normal(size=(1, encoding.n_outputs))

    def value(x):
        phase = encoding.columns(x) @ encoding.frequencies
        return (np.concatenate([np.cos(phase), np.sin(phase)], axis=1) / np.sqrt(24) * G).sum()

    step = 1e-5
    slopes = [(value(x + step * e) - value(x - step * e)) / (2 * step) for e in np.eye(x.shape[1])]
    Z = np.empty((1, encoding.n_outputs))
    encoding.write(windows[[40]], Z)
    np.testing.assert_allclose(encoding.pull_back(x, Z, G)[0], slopes, rtol=1e-3, atol=1e-5)


def test_a_level_counts_only_where_it_is_asked_for():
    windows = windows_of()
    x = np.asarray(windows[[10]])
    up = x + np.tile([30.0, -700.0], WIDTH)
    for options, alike in (({}, True), ({"level_weight": 0.5}, False), ({"relative_to": None}, 0)):
        encoding = fitted(windows, **options)
        columns = encoding.columns(np.concatenate([x, up]))
        assert np.allclose(columns[0], columns[1], atol=1e-6) == alike
    larger = 5 * x
    for relative_to, alike in (("scale", True), ("level", False)):
        encoding = fitted(windows, relative_to=relative_to)
        columns = encoding.standardise(np.concatenate([x, larger]))
        assert np.allclose(columns[0], columns[1], atol=0.02) == alike


@pytest.mark.parametrize("fault", ["frozen", "spike", "burst", "frozen for a quarter"])
def test_faults_move_a_roughness_by_many_deviations(fault):
    rng = np.random.default_rng(0)
    windows = Windows(rng.normal(size=(2000, 1)), [(0, 2000)], 40)
    encoding = fitted(windows)
    x = rng.normal(size=(40, 1))
    if fault == "frozen":
        x[:] = 0.1
    elif fault == "spike":
        x[20] += 20
    elif fault == "burst":
        x[10:30] *= 6
    else:
        x[20:30] = 0.1
    change = encoding.columns(x.reshape(1, -1))[0, -3:] / (np.sqrt(40) / 4)
    assert np.abs(change).max() > 5


def test_single_precision_is_kept():
    windows = windows_of()
    encoding = fitted(windows)
    single = Windows(windows.X.astype(np.float32), windows.bounds, WIDTH)
    columns = encoding.columns(single)
    assert columns.dtype == np.float32
    np.testing.assert_allclose(columns, encoding.columns(windows), atol=1e-3)
