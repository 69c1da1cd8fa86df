"""Encodings that several test files fit."""

import numpy as np

from sklearn_activation._rows.fourier import FourierEncoding


def fourier_encoding(X, weight=None, **options):
    """A robustly fitted map of numbers: one bandwidth of 1, all of it else as in tables."""
    usual = {
        "bandwidth": 1.0,
        "n_frequencies": 8,
        "standardize": True,
        "factors": (1.0,),
        "seed": 0,
        "bent": True,
        "categorical": None,
    }
    weight = np.ones(len(X)) if weight is None else weight
    return FourierEncoding.robustly_fitted_to(X, weight, **{**usual, **options})
