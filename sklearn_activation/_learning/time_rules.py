"""Rules that choose the learning time of a layer from the statistics of its inputs.

``TIME_RULES`` lists the names that the estimators' parameter ``learning_time`` takes.
"""

from typing import NamedTuple

import numpy as np

from .sharpness import Certainty


class Choice(NamedTuple):
    """The learning time of a layer, and the ``Certainty`` that was found on the way."""

    time: float
    # Numbers by which activations become probabilities, if the rule has asked held-out rows.
    certainty: Certainty | None = None


class TimeRule:
    """Base class of the rules. A solver asks the rule once per layer, from the bottom up."""

    # The learning times of all layers, if they are known before the training.
    times = None
    # The reciprocal of the mean learning time of the last layer, if its flow is averaged.
    rate = None
    # True if the rows decide the times, False if the user has given the times.
    are_chosen = True
    # Whether a classifier may replace this rule by one that asks held-out rows.
    yields_to_held_out_rows = False

    def choose(self, layer, moments, network):
        """Return the ``Choice`` for a layer.

        Parameters
        ----------
        layer : int
            Number of the layer, from 0.
        moments : Moments
            Statistics of the inputs of the layer.
        network : Network
            The layers below.
        """
        raise NotImplementedError


class GivenTimes(TimeRule):
    """The rule that returns given times, whatever the statistics are.

    Parameters
    ----------
    times : list of float
        One learning time per layer.
    certainty : Certainty or None
        Numbers by which activations become probabilities, for these times.
    are_chosen : bool
        True if the rows have decided the times, False if the user has given the times.
    rate : float or None
        The reciprocal of the last time, if the flow of the last layer is averaged.
    """

    yields_to_held_out_rows = True

    def __init__(self, times, certainty=None, are_chosen=False, rate=None):
        self.times = [float(t) for t in times]
        self.certainty = certainty
        self.are_chosen = are_chosen
        self.rate = rate

    def choose(self, layer, moments, network):
        is_last = layer == len(self.times) - 1
        return Choice(self.times[layer], self.certainty if is_last else None)


class MeanEigenvalue(TimeRule):
    """The rule that puts the cut-off at a share of the mean eigenvalue: see ``kaiser_time``."""

    yields_to_held_out_rows = True

    def __init__(self, share=1.0, least=0.0):
        self.share = share
        self.least = least

    def choose(self, layer, moments, network):
        return Choice(float(kaiser_time(moments, self.share, self.least)))


class AveragedLast(TimeRule):
    """The rule for networks whose last layer averages its flow over learning times.

    Parameters
    ----------
    below : TimeRule
        The rule for all layers below the last one.
    n_layers : int
    rate : float
        The reciprocal of the last layer's mean learning time.
    """

    def __init__(self, below, n_layers, rate):
        self.below = below
        self.n_layers = n_layers
        self.rate = rate

    def choose(self, layer, moments, network):
        if layer == self.n_layers - 1:
            return Choice(1 / self.rate)
        return self.below.choose(layer, moments, network)


def kaiser_time(moments, share=1.0, least=0.0, most=0.25):
    """Return the learning time whose cut-off is ``share`` of the mean eigenvalue.

    At the cut-off the filter f has grown from epsilon = 0.1 to 1/2, so f / (1 - f) has grown
    ninefold. With ``share=1``, a direction is learned if it carries more than the mean energy of a
    direction (Guttman 1954; Kaiser 1960).

    Parameters
    ----------
    moments : Moments
        Statistics of the inputs. Inputs that are zero in all rows do not count in the mean.
    share : float
    least : float
        Lower limit of the cut-off, as a share of the total energy.
    most : float
        Upper limit of the cut-off, as a share of the total energy. The limit matters if few inputs
        are in use.
    """
    energy, n_used = moments.trace()
    cut_off = energy * max(min(share / max(n_used, 1), most), least)
    return np.log(9) / 2 / cut_off if energy > 0 else 1.0


def take_own(own):
    """Return the rule that the estimator makes itself."""
    return own()


# Each value maps the function ``own``, which makes the estimator's own rule, to a rule.
TIME_RULES = {"auto": take_own}
