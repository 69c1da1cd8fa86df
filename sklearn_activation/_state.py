"""An estimator's state changes as a whole, and answers come from one state.

A thread may fit an estimator again while others ask it: each answer is that of the model before
or of the one after. Methods that learn work on a twin of the estimator, which the estimator
becomes by a single assignment. Methods that read work on a twin, too, and drop it.
"""

from functools import wraps


def twin_of(estimator):
    """Another estimator in the state of this one; a twin itself as it is."""
    if "_twin_of" in vars(estimator):
        return estimator
    before = vars(estimator).copy()
    twin = object.__new__(type(estimator))
    twin.__dict__ = {**before, "_twin_of": (estimator, before)}
    return twin


def original_of(estimator):
    """The user's estimator, of which another is the twin."""
    return vars(estimator).get("_twin_of", (estimator,))[0]


def learned_by(estimator):
    """Attributes that a twin has changed since it was made; None for those that are gone."""
    now = vars(estimator)
    _, before = now.get("_twin_of", (estimator, {}))
    gone = dict.fromkeys(before.keys() - now.keys())
    changed = {k: v for k, v in now.items() if k not in before or before[k] is not v}
    changed.pop("_twin_of", None)
    return gone | changed


def learns(method):
    """Have a method learn on a twin, which its estimator becomes when all is done.

    Parameters that are set meanwhile stay. The method returns the estimator.
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
    """Have a method read one state from its beginning to its end."""

    @wraps(method)
    def read(self, *args, **kwargs):
        return method(twin_of(self), *args, **kwargs)

    return read


def reads_in(*names):
    """Have these methods of a class read one state."""

    def decorate(cls):
        for name in names:
            setattr(cls, name, reads(getattr(cls, name)))
        return cls

    return decorate
