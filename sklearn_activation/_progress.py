"""Progress of a fit: printed lines, and callbacks of scikit-learn versions that have them."""

from functools import wraps
from inspect import signature

try:
    from sklearn.callback import CallbackSupportMixin
    from sklearn.callback import with_callbacks as torn_down
except ImportError:  # scikit-learn is older than 1.9.
    torn_down = None

    class CallbackSupportMixin:
        """A stand-in without callbacks."""


def with_callbacks(fit):
    """Tell scikit-learn's callbacks when a whole fit begins and ends, if they exist."""
    if torn_down is None:
        return fit
    names = signature(fit)

    @torn_down
    @wraps(fit)
    def tell(self, *args, **kwargs):
        given = names.bind(self, *args, **kwargs).arguments
        weight = given.get("sample_weight")
        metadata = None if weight is None else {"sample_weight": weight}
        data = {"estimator": self, "X": given["X"], "y": given.get("y"), "metadata": metadata}
        root = self._init_callback_context(max_subtasks=None)
        root.call_on_fit_task_begin(**data)
        fit(self, *args, **kwargs)
        root.call_on_fit_task_end(**data, reconstruction_attributes=lambda: vars(self))
        return self

    return tell


class Progress:
    """Reports of a solver: it calls ``begin`` and ``end`` once for each epoch or layer.

    Parameters
    ----------
    verbose : int
        A positive number prints a line at each ``end``.
    estimator : estimator whose callbacks are called, or None
    data : dict
        The X, y and metadata that callbacks get.
    fitted : callable or None
        A function that takes the solution so far, and returns the attributes of an estimator that
        is fitted with this solution.
    """

    def __init__(self, verbose=0, estimator=None, data=None, fitted=None):
        self.verbose = verbose
        self.estimator = estimator
        self.data = data or {}
        self.fitted = fitted
        self.root = getattr(estimator, "_callback_fit_ctx", None)
        self.context = None

    def begin(self, name):
        """Announce an epoch or a layer."""
        if self.root is not None:
            self.context = self.root.subcontext(task_name=name)
            self.context.call_on_fit_task_begin(estimator=self.estimator, **self.data)

    def end(self, line, solution=None):
        """Report the end of an epoch or a layer; return True if a callback asks to stop.

        ``solution`` is a function that returns the solution so far. The function is called only if
        a callback wants the estimator that training would return now.
        """
        if self.verbose:
            print(line)
        if self.context is None:
            return False
        attributes = None if solution is None else lambda: self.fitted(solution())
        return self.context.call_on_fit_task_end(
            estimator=self.estimator, reconstruction_attributes=attributes, **self.data
        )
