"""For how long a layer learns: rules that choose a learning time when they see its statistics.

The values of ``learning_time`` that are names are listed in ``TIME_RULES``.
"""

from typing import NamedTuple

import numpy as np

from .sharpness import Certainty


class Choice(NamedTuple):
    """The learning time of a layer, with what was found beside it."""

    time: float
    # What held-out rows say of probabilities, if they were asked.
    certainty: Certainty | None = None


class TimeRule:
    """Base of the rules: the learning time of each layer, chosen when its turn comes."""

    # The times of all layers where they are known beforehand.
    times = None
    # The reciprocal of the mean learning time of the last layer, if its flow is averaged.
    rate = None
    # Whether the times follow from the rows, and not from what the user has said.
    are_chosen = True
    # Whether a classifier may ask held-out rows instead, or beside it.
    yields_to_held_out_rows = False

    def choose(self, layer, moments, network):
        """The ``Choice`` for a layer.

        Parameters
        ----------
        layer : int
            Its number, from 0.
        moments : Moments
            The statistics of its inputs.
        network : Network
            The layers below.
        """
        raise NotImplementedError


class GivenTimes(TimeRule):
    """The same times whatever the statistics are.

    Parameters
    ----------
    times : list of float
        One a layer.
    certainty : Certainty or None
        What held-out rows say with the last layer's time.
    are_chosen : bool
        Whether the times follow from the rows.
    rate : float or None
        The reciprocal of the last time, if the last layer's flow is averaged over learning times.
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
    """The cut-off is at a share of the mean eigenvalue: see ``kaiser_time``."""

    yields_to_held_out_rows = True

    def __init__(self, share=1.0, least=0.0):
        self.share = share
        self.least = least

    def choose(self, layer, moments, network):
        return Choice(float(kaiser_time(moments, self.share, self.least)))


class AveragedLast(TimeRule):
    """Another rule's times below a last layer whose flow is averaged over learning times.

    Parameters
    ----------
    below : TimeRule
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
    """Learning time whose cut-off is ``share`` of the mean eigenvalue.

    There f / (1 - f) has grown ninefold, to f = 1/2 from epsilon = 0.1. With share 1, a direction
    is learned if it carries more than its even share of the rows' energy (Guttman 1954; Kaiser
    1960).

    Parameters
    ----------
    moments : Moments
        The mean is taken over the inputs in use: an input that is zero in every row does not
        count.
    share : float
    least : float
        The cut-off is no less than this share of all energy.
    most : float
        The cut-off is no more than this share of all energy, where few inputs are in use.
    """
    energy, n_used = moments.trace()
    cut_off = energy * max(min(share / max(n_used, 1), most), least)
    return np.log(9) / 2 / cut_off if energy > 0 else 1.0


def take_own(own):
    """The rule of the estimator itself, as it is."""
    return own()


# Each value is a function of ``own``, itself a function that makes the estimator's own rule.
TIME_RULES = {"auto": take_own}
