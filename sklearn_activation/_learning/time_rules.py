"""For how long a layer learns."""

import numpy as np

MOST = 0.25  # of all energy that an automatic cut-off asks of a direction


def kaiser_time(moments, share=1.0, least=0.0):
    """Learning time whose cut-off is ``share`` of the mean eigenvalue.

    There f / (1 - f) has grown ninefold, to f = 1/2 from epsilon = 0.1. The mean is
    taken over the inputs in use: those that are zero in every row don't count; if they are
    few, the cut-off is no more than a quarter of all energy. With
    share 1, a direction is learned if it carries more than its even share of the
    rows' energy (Guttman 1954; Kaiser 1960). The cut-off is no less than ``least`` of
    all energy.
    """
    energy, n_used = moments.trace()
    cut_off = energy * max(min(share / max(n_used, 1), MOST), least)
    return np.log(9) / 2 / cut_off if energy > 0 else 1.0
