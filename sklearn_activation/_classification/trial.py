"""The trial of feedback: feedback is used if it pays on held-out rows."""

from dataclasses import replace

import numpy as np

from .._learning.energies import label_energies
from .._learning.sharpness import fit_certainty, log_losses
from .._progress import Progress
from .._rows.sample import is_picked


def share_to_hold_out(
    estimator, n, on_trial, *, trial_rows=(250, 2000), probability_share=0.1, probability_rows=1000
):
    """Return the share of ``n`` rows that training with feedback holds out.

    Parameters
    ----------
    estimator : ActivationLearningClassifier
        With ``early_stopping``, the share is its ``validation_fraction``.
    n : int
    on_trial : bool
        Whether feedback is on trial. A trial holds out a tenth of the rows.
    trial_rows : (int, int)
        Least and largest number of rows that a trial holds out.
    probability_share : float
        Share of the rows that is held out without a trial. Probabilities are fitted to these rows.
    probability_rows : int
        Largest number of rows that is held out without a trial.
    """
    if estimator.early_stopping:
        return estimator.validation_fraction
    if on_trial:
        return np.clip(n / 10, *trial_rows) / n
    return min(probability_share, probability_rows / n)


def hold_out(estimator, rows, hashes, share, known=None, fewest_rows=50):
    """Return the rows to train on, and the held-out rows or None.

    Held-out rows serve a trial, early stopping and probabilities. The ``hashes`` of the rows
    before gaps were filled select the held-out rows. Only ``known`` rows, which have a label of
    their own, are held out. If fewer than ``fewest_rows`` rows were selected, none is held out,
    except for early stopping.
    """
    is_held = is_picked(hashes, share)
    if known is not None:
        is_held &= known
    n_left = len(np.unique(rows.labels[~is_held]))
    enough = is_held.any() and n_left > 1
    if estimator.early_stopping and not enough:
        raise ValueError(
            f"validation_fraction={estimator.validation_fraction} holds out {is_held.sum()} of "
            f"{len(rows)} rows and leaves {n_left} classes to train on. Hold out at least one row "
            "and leave two classes or more: change validation_fraction, or give more rows."
        )
    few = np.count_nonzero(is_held) < fewest_rows or n_left < len(np.unique(rows.labels))
    if few and not estimator.early_stopping:
        return rows, None
    return rows.take(~is_held), rows.take(is_held)


def run_trial(training, train, task, rule):
    """Return the solution with feedback if feedback pays on held-out rows, else None.

    The rival solution has no feedback, and ``rule`` chooses its learning times. Feedback pays if
    its log-loss is lower by more than a standard error of the differences between rows. If the
    log-loss with feedback is higher after a fifth of the epochs, feedback is given up.

    Parameters
    ----------
    training : ClassifierTraining
        The training, whose ``held`` rows decide.
    train : EncodedRows
        The rows to train on.
    task : Task
    rule : TimeRule
    """
    held, verbose = training.held, training.estimator.verbose
    rival = training.solver.solve(train, replace(task, rule=rule, progress=Progress()))
    _, without = held_out_losses(rival.network, held, task.n_jobs)
    if verbose:
        print(f"Trial of feedback on {len(held)} held-out rows")

    def promises(network):
        _, so_far = held_out_losses(network, held, task.n_jobs)
        return held.weight @ so_far < held.weight @ without

    solution = training.feed_back(train, task, promises)
    if solution is None:
        if verbose:
            print("Feedback is given up: the held-out log-loss is lower without feedback")
        return None
    certainty, losses = held_out_losses(solution.network, held, task.n_jobs)
    gain = without - losses
    mean = np.average(gain, weights=held.weight)
    error = np.sqrt(held.weight**2 @ (gain - mean) ** 2) / held.weight.sum()
    if verbose:
        with_, without = (np.average(v, weights=held.weight) for v in (losses, without))
        print(f"Held-out log-loss {with_:.4f} with feedback, {without:.4f} without")
    return replace(solution, certainty=certainty) if mean > error else None


def held_out_losses(network, held, n_jobs):
    """Return the ``Certainty`` that held-out rows give, and the log-loss of each of these rows."""
    energies = label_energies(network, held, n_jobs=n_jobs)
    certainty = fit_certainty(energies, held.labels, held.weight)
    return certainty, log_losses(certainty.sharpness, energies, held.labels)
