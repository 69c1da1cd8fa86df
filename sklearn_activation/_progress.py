"""Progress of a fit: printed lines, and scikit-learn's callbacks where there are any."""

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # before scikit-learn 1.9

    class CallbackSupportMixin:
        """Nothing to support."""

    def with_callbacks(method):
        return method


class Progress:
    """What a solver tells about a training: one ``begin`` and one ``end`` an epoch or layer.

    Parameters
    ----------
    verbose : int
        Print a line at every ``end`` if positive.
    estimator : estimator whose callbacks are called, or None
    data : dict
        X, y and metadata as callbacks get to see them.
    fitted : callable or None
        It takes what a solver has reached, and returns the attributes of an estimator that is
        fitted with it.
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
        """Report it done; True if a callback asks to stop.

        ``solution`` is a function without arguments, called only if a callback wants
        the estimator as it would be had training ended here.
        """
        if self.verbose:
            print(line)
        if self.context is None:
            return False
        attributes = None if solution is None else lambda: self.fitted(solution())
        return self.context.call_on_fit_task_end(
            estimator=self.estimator, reconstruction_attributes=attributes, **self.data
        )
