"""The state of an estimator changes all at once, and each answer comes from one state.

One thread may fit an estimator again while other threads ask it. Each answer then comes from the
old model or from the new model, never from a mixture. A method that learns works on a twin of the
estimator, and a single assignment makes the estimator equal to its twin. A method that reads works
on a twin, too, and drops the twin at the end.
"""

from functools import wraps


def twin_of(estimator):
    """Return a twin: a new estimator in the same state as this one.

    If the estimator is a twin already, the estimator itself is returned.
    """
    if "_twin_of" in vars(estimator):
        return estimator
    before = vars(estimator).copy()
    twin = object.__new__(type(estimator))
    twin.__dict__ = {**before, "_twin_of": (estimator, before)}
    return twin


def original_of(estimator):
    """Return the estimator of the user, whose twin this estimator is."""
    return vars(estimator).get("_twin_of", (estimator,))[0]


def learned_by(estimator):
    """Return the attributes that a twin has changed since it was made.

    An attribute that the twin has deleted has the value None.
    """
    now = vars(estimator)
    _, before = now.get("_twin_of", (estimator, {}))
    gone = dict.fromkeys(before.keys() - now.keys())
    changed = {k: v for k, v in now.items() if k not in before or before[k] is not v}
    changed.pop("_twin_of", None)
    return gone | changed


def learns(method):
    """Let a method learn on a twin, and make the estimator equal to the twin at the end.

    Parameters that another thread sets during the training stay. The method returns the
    estimator.
    """

    @wraps(method)
    def learn(self, *args, **kwargs):
        twin = twin_of(self)
        method(twin, *args, **kwargs)
        learned = learned_by(twin)
        state = {**vars(self), **learned}
        self.__dict__ = {k: v for k, v in state.items() if k not in learned or k in vars(twin)}
        return self

    return learn


def reads(method):
    """Let a method read a single state from its beginning to its end."""

    @wraps(method)
    def read(self, *args, **kwargs):
        return method(twin_of(self), *args, **kwargs)

    return read


def reads_in(*names):
    """Let each of the named methods of a class read a single state."""

    def decorate(cls):
        for name in names:
            setattr(cls, name, reads(getattr(cls, name)))
        return cls

    return decorate
