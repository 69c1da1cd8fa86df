"""The base class of encodings, which turn rows of a table into network input of known norm."""

from copy import copy

import numpy as np

from .sample import Sample
from .scales import column_scales
from .views import view_rows

# A model keeps a sample of this many rows. Scales and distances are measured on the sample.
SAMPLE_SIZE = 2048

# Entries are clipped at this many bandwidths from the mean.
CLIP = 1e6

# To recognise rows, entries are rounded to this many steps per bandwidth.
ROUNDED = 2.0**16

# An entry adds at most this many deviations to the typical distance between rows.
LIMIT = 10.0


class Encoding:
    """Base class of the encodings: their abilities, and the methods that most of them share.

    ``fitted_to`` makes an encoding, and ``write`` encodes rows. ``state`` holds the arguments of
    the constructor, from which an encoding is restored.
    """

    # The value of the estimators' parameter ``encoding`` that selects this class.
    name = None
    # Whether entry j of an encoded row depends on column j and the length of the row alone.
    keeps_columns = False
    # Whether columns may hold the codes of categories.
    takes_categories = False
    # Whether columns can count more or less than others in a classifier.
    takes_relevances = False
    # Whether a detector fills gaps of its rows before it encodes them. Without filling, a missing
    # entry contributes nothing to the encoded row.
    wants_complete_rows = False
    # Whether an encoded row determines the length of the row. Only then can rows be sampled.
    knows_length = False
    # A detector's hidden layers learn directions whose eigenvalue exceeds this share of the mean.
    detector_cut_off = 0.2
    # The numbers of layers that a classifier tries with this encoding.
    depths = (2,)
    # The largest entry that the encoding handles, in multiples of ``magnitude``.
    largest = np.inf
    # A function that changes rows at random in training, or None. ``write`` gets rows as ``view``
    # returns them.
    augment = None

    def with_augment(self, augment):
        """Return the same encoding, with a function ``augment`` that rows pass first."""
        encoding = copy(self)
        encoding.augment = augment
        return encoding

    def view(self, X, rng=None):
        """Return the rows that are encoded in place of ``X``: see ``view_rows``."""
        if self.augment is None:
            return X
        return view_rows(self.augment, X, rng, self.n_columns)

    @classmethod
    def robustly_fitted_to(cls, X, weight, *, bent, categorical, **options):
        """Return an encoding whose scales survive gross errors in the rows ``X``.

        The base class fits to a sample of the rows.
        """
        return cls.fitted_to(Sample.of(X, None, weight, SAMPLE_SIZE), **options)

    @classmethod
    def suits_fields(cls, receptive_field):
        """Whether layers with this ``receptive_field`` can read encoded rows."""
        return receptive_field is None or cls.keeps_columns

    @classmethod
    def suits(cls, sample, categorical):
        """Whether a classifier should try the encoding on a ``Sample`` of these columns."""
        return cls.takes_categories or categorical is None

    @classmethod
    def fitted_to_labels(cls, sample, n_labels, *, categorical, **options):
        """Return an encoding that may depend on the labels of a ``Sample``.

        The base class ignores the labels.
        """
        return cls.fitted_to(sample, **options)

    def narrowed(self, n_frequencies):
        """Return the encoding with fewer outputs for quick trials, if it can have fewer."""
        return self

    def write_between(self, start, end, at, out):
        """Encode points on the straight lines from the rows of ``start`` to those of ``end``.

        ``at`` (n_rows,) gives the place of the point on each line, from 0 to 1.
        """
        self.write(_between(start, end, at), out)

    def slopes_between(self, start, end, at, Z, G):
        """Return each column's part of the slope of a function along a line.

        The lines lead from the rows of ``start`` to those of ``end``, and ``at`` gives the place
        on each line, from 0 to 1. The function takes encoded rows ``Z``, and ``G`` is its gradient
        by these rows. Missing entries count as zeros.
        """
        n, start, end = self.n_outputs, np.nan_to_num(start), np.nan_to_num(end)
        return self.pull_back(_between(start, end, at), Z[:, :n], G) * (end - start)

    def to_hash(self, X):
        """Return the time steps of a series in the form in which windows are recognised.

        The base class returns the stamps unchanged.
        """
        return X

    def magnitude(self, X):
        """Return a number by which rows can be divided to have entries of order 1.

        The base class needs no such number and returns 1.
        """
        return 1.0

    def with_lengths(self, X, lengths):
        """Return rows with the given lengths, if the encoding forgets lengths.

        The base class forgets nothing and returns the rows unchanged.
        """
        return X

    def in_deviations(self, X, sample):
        """Return rows with each column in standard deviations of the rows of a ``Sample``."""
        location, scale = column_scales(sample.X, sample.weight)
        with np.errstate(over="ignore"):
            return (X - location) / scale


def _between(start, end, at):
    """Return the points at shares ``at`` (n_rows,) of the way from ``start`` to ``end``."""
    return start + (end - start) * at[:, None].astype(end.dtype)


def known_products(X, known, kept):
    """Return two arrays over the known entries of each row, for each kept row.

    The first is the scalar product of row and kept row, and the second the squared norm of the
    kept row.
    """
    return np.where(known, X, 0) @ kept.T, known.astype(np.float64) @ (kept * kept).T
