"""What an encoding is: rows of known norm, and what the estimators ask of them."""

import numpy as np

from .sample import Sample
from .scales import column_scales

# Scales, distances and thresholds are taken from this many rows, and a model keeps as many.
SAMPLE_SIZE = 2048

# Entries further from the mean than this many bandwidths count as equally far.
CLIP = 1e6

# Entries are rounded to this many steps a bandwidth where rows are recognised.
ROUNDED = 2.0**16

# One entry adds at most this many deviations to the typical distance of rows.
LIMIT = 10.0


class Encoding:
    """Base of the encodings: what they say of themselves, with what most of them share.

    An encoding is made by ``fitted_to``, writes rows by ``write``, and is saved as its
    ``state``: the arguments of its constructor.
    """

    # The value of the parameter ``encoding``.
    name = None
    # Whether columns may hold the codes of categories.
    takes_categories = False
    # Whether columns can count more or less than others in a classifier.
    takes_relevances = False
    # Whether gaps of a detector's rows are filled in before they are encoded; if not, the
    # encoding makes a gap count for nothing.
    wants_complete_rows = False
    # Whether encoded rows tell how long a row is, so that rows can be sampled.
    knows_length = False
    # A detector's hidden layers learn directions with this share of the mean eigenvalue.
    detector_cut_off = 0.2
    # How many layers a classifier tries on rows that are so encoded.
    depths = (2,)
    # The largest entry that is handled, over ``magnitude``.
    largest = np.inf

    @classmethod
    def robustly_fitted_to(cls, X, weight, *, bent, categorical, **options):
        """An encoding whose scales survive junk among all rows ``X``; here that of a sample."""
        return cls.fitted_to(Sample.of(X, None, weight, SAMPLE_SIZE), **options)

    @classmethod
    def suits(cls, sample, categorical):
        """Whether the encoding is worth trying on a ``Sample`` of these columns."""
        return cls.takes_categories or categorical is None

    @classmethod
    def fitted_to_labels(cls, sample, n_labels, *, categorical, **options):
        """An encoding that may look at the labels of a ``Sample``; here none does."""
        return cls.fitted_to(sample, **options)

    def narrowed(self, n_frequencies):
        """The encoding with fewer outputs, for a quick look, if it can have fewer."""
        return self

    def write_between(self, start, end, at, out):
        """Encode the rows that lie at shares ``at`` of the way between two, each on its own."""
        self.write(_between(start, end, at), out)

    def slopes_between(self, start, end, at, Z, G):
        """What each column adds on that way, per share, to a function of encoded rows ``Z``.

        ``G`` is the function's gradient by the encoded rows. Missing entries count as zeros.
        """
        n, start, end = self.n_outputs, np.nan_to_num(start), np.nan_to_num(end)
        return self.pull_back(_between(start, end, at), Z[:, :n], G) * (end - start)

    def to_hash(self, X):
        """Stamps of a series as windows are recognised by them: as they are."""
        return X

    def magnitude(self, X):
        """The number that rows are divided by for entries of order 1: none is needed."""
        return 1.0

    def with_lengths(self, X, lengths):
        """The rows as they are: nothing about them is forgotten."""
        return X

    def in_deviations(self, X, sample):
        """Rows in standard deviations of the columns of a ``Sample``."""
        location, scale = column_scales(sample.X, sample.weight)
        with np.errstate(over="ignore"):
            return (X - location) / scale


def _between(start, end, at):
    """Rows at shares ``at`` (n_rows,) of the way from some rows to others."""
    return start + (end - start) * at[:, None].astype(end.dtype)


def known_products(X, known, kept):
    """Products of rows and kept rows on the known entries, and the kept rows' squares there."""
    return np.where(known, X, 0) @ kept.T, known.astype(np.float64) @ (kept * kept).T
