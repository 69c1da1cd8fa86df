"""Random draws of rows that a detector finds typical."""

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from .._inference.langevin import sample_langevin
from .._inference.objective import LostActivation
from .._rows.scales import column_scales
from .._validation import check_count, new_seed
from .._warnings import warn


def draw_rows(model, row, n_samples, n_steps, random_state, verbose, least_acceptance=0.2):
    """Return copies of a row in which NaN are replaced by random draws (paper, eq. 8).

    The result has shape (n_samples, n_columns).

    Parameters
    ----------
    model : DetectorModel
    row : ndarray of shape (n_columns,)
    n_samples : int
    n_steps : int
        Number of steps of the random walk.
    random_state : int, RandomState instance or None
    verbose : int
    least_acceptance : float
        If a smaller share of the proposals is accepted, a warning is given.
    """
    if not model.encoding.knows_length:
        raise ValueError(
            "Sampling needs encoding='fourier', but the detector was fitted with encoding='unit', "
            "which ignores the length of rows."
        )
    if model.is_categorical is not None:
        raise ValueError(
            "Sampling draws numbers only, but the detector was fitted to columns of categories. "
            "Fit a detector to columns of numbers."
        )
    check_count("n_samples", n_samples, 1)
    check_count("n_steps", n_steps, 3)
    rng = np.random.default_rng(new_seed(random_state))
    sample, calibration = model.sample, model.calibration
    mean, _ = column_scales(sample.X, sample.weight)
    kept = np.where(np.isnan(sample.X), mean, sample.X).astype(np.float64)
    expected = np.average(calibration.scores, weights=calibration.mass)
    share = sample.weight / sample.weight.sum()
    trained = share @ model.activation(sample.X)
    found, acceptance = sample_langevin(
        LostActivation(model.network, model.encoding),
        kept,
        share,
        np.tile(np.nan_to_num(row), (n_samples, 1)),
        np.isnan(row),
        max(1.0, (1 - expected) / max(1 - trained, 1e-9)),
        rng,
        n_steps=n_steps,
    )
    if verbose:
        print(f"Acceptance rate {acceptance:.2f}")
    if acceptance < least_acceptance:
        warn(
            f"Only {acceptance:.0%} of the sampling steps were accepted: the drawn rows have "
            "hardly moved from their start. Give more steps (n_steps).",
            ConvergenceWarning,
        )
    return found
