"""The trial of feedback: feedback is used if it pays on held-out rows."""

from dataclasses import replace

import numpy as np

from .._learning.energies import label_energies
from .._learning.sharpness import fit_certainty, log_losses
from .._progress import Progress
from .._rows.sample import is_picked, mix_hashes


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
    their own, are held out, and no label loses more rows than ``may_be_held_out`` allows. If fewer
    than ``fewest_rows`` rows were selected, none is held out, except for early stopping.
    """
    is_held = is_picked(hashes, share) & may_be_held_out(rows.labels, hashes, share)
    if known is not None:
        is_held &= known
    if estimator.early_stopping and not is_held.any():
        raise ValueError(
            f"validation_fraction={estimator.validation_fraction} holds out none of {len(rows)} "
            "rows. The last row of a class is never held out. Give a larger validation_fraction, "
            "or more rows."
        )
    if np.count_nonzero(is_held) < fewest_rows and not estimator.early_stopping:
        return rows, None
    return rows.take(~is_held), rows.take(is_held)


def may_be_held_out(labels, hashes, share):
    """Return the mask of the rows that may be held out if their label is not to become rare.

    At most twice the ``share`` of a label's distinct rows may be held out, or one row if that is
    less than one, but never all of them. The rows that `is_picked` selects first come first.

    Parameters
    ----------
    labels : ndarray of int of shape (n_rows,)
    hashes : ndarray of uint64 of shape (n_rows,)
        Copies of a row have the same hash.
    share : float
    """
    mixed = mix_hashes(hashes)
    order = np.lexsort((mixed, labels))
    labels, mixed = labels[order], mixed[order]
    is_new = np.concatenate([[True], (labels[1:] != labels[:-1]) | (mixed[1:] != mixed[:-1])])
    n_distinct = np.bincount(labels[is_new])
    n_before = np.cumsum(n_distinct) - n_distinct  # distinct rows of the labels before this one
    place = np.cumsum(is_new) - 1 - n_before[labels]
    most = np.minimum(np.maximum(2 * share * n_distinct, 1), n_distinct - 1)
    result = np.empty(len(labels), dtype=bool)
    result[order] = place < np.floor(most)[labels]
    return result


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
