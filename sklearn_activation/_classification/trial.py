"""Feedback on trial: it is taken if it pays on rows that are held out."""

from dataclasses import replace

import numpy as np

from .._learning.energies import label_energies
from .._learning.sharpness import fit_certainty, log_losses
from .._progress import Progress
from .._rows.sample import is_picked


def share_to_hold_out(
    estimator, n, on_trial, *, trial_rows=(250, 2000), probability_share=0.1, probability_rows=1000
):
    """Share of ``n`` rows to hold out from feedback.

    Parameters
    ----------
    estimator : ActivationLearningClassifier
        With ``early_stopping`` its ``validation_fraction`` is held out.
    n : int
    on_trial : bool
        A trial holds out a tenth, within ``trial_rows``, to decide by.
    trial_rows : (int, int)
    probability_share : float
        Without a trial, this share is held out to fit probabilities to.
    probability_rows : int
        Without a trial, no more rows than this are held out.
    """
    if estimator.early_stopping:
        return estimator.validation_fraction
    if on_trial:
        return np.clip(n / 10, *trial_rows) / n
    return min(probability_share, probability_rows / n)


def hold_out(estimator, rows, hashes, share, known=None, fewest_rows=50):
    """Rows to train on, and rows for a trial, stopping and probabilities, or None.

    Held-out rows are picked by the ``hashes`` of rows as they came, among the ``known`` ones,
    which have a label of their own. Fewer than ``fewest_rows`` are not held out, unless to stop
    by.
    """
    is_held = is_picked(hashes, share)
    if known is not None:
        is_held &= known
    n_left = len(np.unique(rows.labels[~is_held]))
    enough = is_held.any() and n_left > 1
    if estimator.early_stopping and not enough:
        raise ValueError(
            f"validation_fraction={estimator.validation_fraction} holds out {is_held.sum()} of "
            f"{len(rows)} rows and leaves {n_left} classes to train on."
        )
    few = np.count_nonzero(is_held) < fewest_rows or n_left < len(np.unique(rows.labels))
    if few and not estimator.early_stopping:
        return rows, None
    return rows.take(~is_held), rows.take(is_held)


def run_trial(training, train, task, rule):
    """The solution with feedback if that pays on held-out rows, else None.

    Its rival goes without, with learning times by ``rule``: feedback must have less log-loss, by
    a standard error of the rows' differences. It is given up after a fifth of its epochs if it
    has more log-loss than the rival by then.

    Parameters
    ----------
    training : ClassifierTraining
        Its ``held`` rows decide.
    train : EncodedRows
        The rows to train on.
    task : Task
    rule : TimeRule
    """
    held, verbose = training.held, training.estimator.verbose
    rival = training.solver.solve(train, replace(task, rule=rule, progress=Progress()))
    _, without = held_out_losses(rival.network, held, task.n_jobs)
    if verbose:
        print(f"Trial of feedback, {len(held)} rows held out")

    def promises(network):
        _, so_far = held_out_losses(network, held, task.n_jobs)
        return held.weight @ so_far < held.weight @ without

    solution = training.feed_back(train, task, promises)
    if solution is None:
        if verbose:
            print("Feedback is given up: it has more held-out log-loss than without")
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
    """The ``Certainty`` by held-out rows, and the log-loss of each of them with it."""
    energies = label_energies(network, held, n_jobs=n_jobs)
    certainty = fit_certainty(energies, held.labels, held.weight)
    return certainty, log_losses(certainty.sharpness, energies, held.labels)
