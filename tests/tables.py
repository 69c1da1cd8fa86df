"""Rows that several test files learn from."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits, make_blobs
from sklearn.model_selection import train_test_split

# -- rows of numbers -------------------------------------------------------------------


def blobs(n_rows=150, n_features=7, n_classes=3, seed=0):
    """Clusters with their labels."""
    return make_blobs(
        n_rows, n_features, centers=n_classes, cluster_std=2.0, random_state=seed, shuffle=True
    )


def digits_split(n_labels=10):
    """Training and test rows of the first digits."""
    X, y = load_digits(return_X_y=True)
    keep = y < n_labels
    return train_test_split(X[keep], y[keep], random_state=0)


def unit_rows(n_rows=40, n_inputs=6, rank=None, seed=0):
    """Unit rows with a decaying spectrum and a mean that is not zero."""
    rng = np.random.default_rng(seed)
    rank = n_inputs if rank is None else rank
    basis, _ = np.linalg.qr(rng.normal(size=(n_inputs, rank)))
    codes = rng.normal(size=(n_rows, rank)) * 0.7 ** np.arange(rank) + 0.2
    X = codes @ basis.T
    return X / np.linalg.norm(X, axis=1, keepdims=True)


def correlated(n_rows, n_features=5, seed=0):
    """Rows of a normal law, whose columns hang together in the same way for every seed."""
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(99).normal(size=(n_features, n_features))
    return rng.normal(size=(n_rows, n_features)) @ mixing + 3


def normal(n=2000, seed=0):
    """One column of a normal law."""
    return np.random.default_rng(seed).normal(5, 2, size=(n, 1))


def line(n=300, seed=0):
    """Three columns that hang together."""
    rng = np.random.default_rng(seed)
    t = rng.normal(size=n)
    return np.column_stack([t, 2 * t, -t]) + 0.05 * rng.normal(size=(n, 3))


def alarms(detector, X):
    """The share of rows that are called outliers."""
    return (detector.predict(X) == -1).mean()


# -- series ----------------------------------------------------------------------------


def series(n=600, n_channels=2, seed=0):
    """Waves of 25 stamps, a channel after the other."""
    rng = np.random.default_rng(seed)
    t = np.arange(n)[:, None] + np.array([0, 5, 9])[:n_channels]
    return np.sin(t * 2 * np.pi / 25) + 0.1 * rng.normal(size=(n, n_channels))


def noisy(n=1500, seed=0):
    """One channel with waves of 25 stamps and more noise."""
    rng = np.random.default_rng(seed)
    return (np.sin(np.arange(n) * 2 * np.pi / 25) + 0.2 * rng.normal(size=n))[:, None]


def dated(n=600, step="h"):
    """A data frame of ``series`` with its times."""
    index = pd.date_range("2024-01-01", periods=n, freq=step)
    return pd.DataFrame(series(n), index=index, columns=["a", "b"])


# -- tables with categories --------------------------------------------------------------

CITIES = np.array(["Graz", "Linz", "Wien"], dtype=object)


def people(n=400, seed=0):
    """Two numbers and three categories, one of which belongs to the number."""
    rng = np.random.default_rng(seed)
    city = rng.integers(3, size=n)
    return pd.DataFrame(
        {
            "height": rng.normal(170, 8, n),
            "rent": 300 * (1 + city) + rng.normal(0, 20, n),
            "city": CITIES[city],
            "plan": pd.Categorical.from_codes(rng.choice(2, n, p=(0.9, 0.1)), ["basic", "plus"]),
            "member": rng.random(n) < 0.5,
        }
    )


def as_polars(frame):
    polars = pytest.importorskip("polars")
    return polars.DataFrame(
        {name: frame[name].astype(frame[name].dtype).tolist() for name in frame}
    )


def as_polars_enum(frame):
    polars = pytest.importorskip("polars")
    return as_polars(frame).with_columns(
        polars.col("plan").cast(polars.Categorical),
        polars.col("city").cast(polars.Enum(list(CITIES))),
    )


def arrow():
    """The package, skipped where it cannot be imported beside an old NumPy."""
    try:
        import pyarrow
    except ImportError as reason:
        pytest.skip(str(reason))
    return pyarrow


KINDS = {
    "pandas": lambda frame: frame,
    "pandas object": lambda frame: frame.astype({"city": object, "member": object}),
    "pandas arrow": lambda frame: arrow() and frame.convert_dtypes(dtype_backend="pyarrow"),
    "pandas nullable": lambda frame: frame.convert_dtypes(),
    "polars": as_polars,
    "polars categories": as_polars_enum,
    "arrow": lambda frame: arrow().Table.from_pandas(frame),
    "objects": lambda frame: frame.astype(object).to_numpy(),
    "lists": lambda frame: frame.astype(object).to_numpy().tolist(),
}
