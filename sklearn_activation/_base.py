"""What the estimators share: parameters, the order of steps in a fit, and their state."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from ._learning.solvers import SOLVERS
from ._learning.task import Solution
from ._learning.time_rules import TIME_RULES
from ._model import Model
from ._network import ACTIVATIONS, Network
from ._progress import CallbackSupportMixin
from ._rows.encodings import ENCODINGS
from ._rows.rows import Rows
from ._rows.sample import Sample
from ._state import learns, twin_of
from ._validation import (
    N_JOBS,
    are_equal,
    check_weight,
    leave_out_weightless,
    validate_rows,
)

# The home of the site that ``doc/`` builds: estimators in notebooks link there.
DOCUMENTATION = "https://sklearn-activation.readthedocs.io/en/latest"


class DocumentationLinkMixin:
    """The link from an estimator's picture in a notebook to its page of the documentation.

    The class stands left of ``BaseEstimator``, whose own link leads to scikit-learn.
    """

    _doc_link_module = "sklearn_activation"
    _doc_link_template = DOCUMENTATION + "/api/generated/{estimator_module}.{estimator_name}.html"


class ActivationLearningBase(CallbackSupportMixin, DocumentationLinkMixin, BaseEstimator):
    """Base class of the estimators, which is not used by itself.

    A fit validates the rows, and a ``Training`` turns them into a ``Model``. A twin of the
    estimator adopts the model, and the estimator therefore changes all at once (see ``_state``).
    Only this class makes attributes from a model, and a model from attributes.
    """

    _parameter_constraints = {
        "layer_sizes": [Interval(Integral, 1, None, closed="left"), tuple, list, None],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "solver": [StrOptions(set(SOLVERS))],
        "learning_time": [
            StrOptions(set(TIME_RULES)),
            Interval(Real, 0, None, closed="neither"),
            tuple,
            list,
        ],
        "init_activation": [Interval(Real, 0, 1, closed="neither")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "warm_start": ["boolean"],
        "n_jobs": N_JOBS,
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }
    # These are constraints of the estimators that may have local connections.
    _image_constraints = {
        "image_shape": [tuple, list, None],
        "receptive_field": [Interval(Integral, 1, None, closed="left"), tuple, list, None],
    }
    # These are constraints of the estimators that have an ``encoding``.
    _encoding_constraints = {
        "n_frequencies": [Interval(Integral, 1, None, closed="left")],
        "standardize": ["boolean"],
        "bandwidth": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
    }
    _allow_nan = False
    # Estimators without these parameters have full layers, and learn rows as they are. So do
    # estimators that were pickled by versions without the parameters.
    image_shape = None
    receptive_field = None
    augment = None
    # Models that were pickled by versions before ``augment`` have no such attribute of their own.
    _augment = None

    # -- input -----------------------------------------------------------------

    def _validate(self, X, *, reset, **options):
        if self._allow_nan:
            options["ensure_all_finite"] = "allow-nan"
        return validate_rows(self, X, reset=reset, **options)

    def _declared_categories(self):
        """Return the columns of categories that the parameters name.

        The result is None if the encoding takes no categories.
        """
        declared = self.categorical_features
        if self.encoding in ENCODINGS:
            kinds = [ENCODINGS[self.encoding]]
        else:
            kinds = [k for k in ENCODINGS.values() if k.suits_fields(self.receptive_field)]
        if any(kind.takes_categories for kind in kinds):
            return declared
        if declared is not None and not isinstance(declared, str):
            able = [name for name, kind in ENCODINGS.items() if kind.takes_categories]
            given = f"encoding={self.encoding!r}"
            if self.receptive_field is not None:
                given += f" with receptive_field={self.receptive_field!r}"
            raise ValueError(
                f"{given} takes no categories, but categorical_features names columns. Set "
                f"encoding={' or '.join(map(repr, able))} without receptive_field, or leave "
                "categorical_features at 'from_dtype'."
            )
        return None

    def _fitted_rows(self, X):
        check_is_fitted(self)
        return self._validate(X, reset=False)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self._allow_nan
        return tags

    # -- training --------------------------------------------------------------

    def _training(self, previous, partial):
        """Return the ``Training`` that starts anew, or goes on from a model."""
        raise NotImplementedError

    def _learn_unlabelled(self, X, sample_weight, *, partial):
        previous = self._model()
        X = self._validate(X, reset=not (partial and previous is not None))
        X, weight = leave_out_weightless(check_weight(X, sample_weight), X)
        self._adopt(self._training(previous, partial).run(Rows(X, None, weight)))

    def _learn_pieces(self, rows):
        """Train on ``RowsInPieces``, and adopt the model."""
        self._adopt(self._training(self._model(), False).run(rows.counted()))

    # -- state -----------------------------------------------------------------

    def _adopt(self, model):
        """Take over the attributes of a fitted model."""
        vars(self).update(self._attributes_of(model))

    def _attributes_of(self, model):
        """Return the attributes of an estimator that is fitted with a model."""
        solution, network = model.solution, model.network
        return {
            "coefs_": network.coefs,
            "n_layers_": len(network),
            "learning_times_": np.array(solution.times),
            "n_iter_": solution.n_iter,
            "activation_curve_": solution.curve,
            "_standards": network.standards,
            "_activation": network.activation,
            "_epsilon": model.epsilon,
            "_solver": model.solver,
            "_state": solution.state,
            "_seed": model.seed,
            "_encoding_state": model.encoding.state,
            "_encoding_name": model.encoding.name,
            "_augment": model.encoding.augment,
            "_sample": vars(model.sample),
            "_n_seen": model.n_seen,
        }

    def _model(self):
        """Return the model that belongs to the attributes, or None before a fit."""
        if not self.__sklearn_is_fitted__():
            return None
        solution = Solution(
            network=Network(self.coefs_, self._activation, self._standards),
            times=list(self.learning_times_),
            n_iter=self.n_iter_,
            curve=self.activation_curve_,
            state=self._state,
        )
        return Model(
            solution,
            self._encoding(),
            Sample(**self._sample),
            self._seed,
            self._epsilon,
            self._solver,
            self._n_seen,
            n_jobs=self.n_jobs,
        )

    def _encoding(self):
        encoding = ENCODINGS[self._encoding_name](**self._encoding_state)
        return encoding if self._augment is None else encoding.with_augment(self._augment)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "coefs_")

    @learns
    def merge(self, other):
        """Add what another estimator has learned from other rows.

        Fit one estimator on each part of the rows, for example on different machines, and merge
        them into one. With one layer and a given ``learning_time``, the weights equal the weights
        after one ``fit`` on all rows. With several layers, the result is close to one ``fit``,
        because the two networks have computed different features for the upper layers. See the
        :doc:`user guide </guide/streams>`.

        Parameters
        ----------
        other : estimator of the same class
            An estimator that was fitted on the same columns with ``solver="flow"`` and the same
            parameters. Random encodings must be equal: give both estimators the same
            ``random_state`` and ``bandwidth``, and ``standardize=False``. Instead of
            ``standardize=False``, both estimators may start with the same first batch in
            ``partial_fit``. The rows of this batch then count twice. The threshold and the
            p-values of a detector with ``window`` then belong to the time steps of both.

        Returns
        -------
        self : object
            This estimator, which now knows both parts.

        Raises
        ------
        ValueError
            If the two estimators differ, or if one has no statistics left to merge.
        """
        check_is_fitted(self)
        check_is_fitted(other)
        other = twin_of(other)
        self._check_mergeable(other)
        self._adopt(self._training(self._model(), partial=True).merge(other._model()))

    def _check_mergeable(self, other):
        if type(self) is not type(other):
            raise ValueError(
                f"Cannot merge {type(other).__name__} into {type(self).__name__}. Both must be "
                "estimators of the same class."
            )
        if any(SOLVERS[e._solver].keeps_moments and not e._state for e in (self, other)):
            raise ValueError(
                "Cannot merge: compact() dropped the statistics that merge adds up. Fit again, "
                "and merge before compact()."
            )
        keeps = SOLVERS[self.solver].keeps_moments
        if not (keeps and all("moments" in estimator._state for estimator in (self, other))):
            raise ValueError(
                "Cannot merge: only solver='flow' without feedback keeps the statistics that "
                "merge adds up. Fit both estimators with solver='flow' and, for a classifier, "
                "feedback=False."
            )
        names = ["n_features_in_", "classes_", "_encoding_name", "_encoding_state", "_activation"]
        names += ["_augment"]
        names += ["_epsilon"] if self.n_layers_ == 1 else ["_epsilon", "_seed"]
        for name in names:
            if not are_equal(getattr(self, name, None), getattr(other, name, None)):
                hint = {
                    "_seed": "Give both the same random_state.",
                    "_encoding_state": "Their Fourier maps are not the same. Give both the same "
                    "random_state and bandwidth, and standardize=False or the same first batch in "
                    "partial_fit.",
                    "_epsilon": "Give both the same init_activation.",
                    "_augment": "Give both the same augment.",
                }.get(name, "Fit both with the same parameters and the same columns and classes.")
                raise ValueError(
                    f"Cannot merge: the estimators differ in {name.strip('_')}. {hint}"
                )
        fields, others = ([getattr(W, "grid", None) for W in e.coefs_] for e in (self, other))
        if fields != others:
            raise ValueError(
                "Cannot merge: the estimators differ in the fields that their units read. Give "
                "both the same image_shape, receptive_field and layer_sizes."
            )
        sizes, others = ([W.shape[1] for W in e.coefs_] for e in (self, other))
        if sizes != others:
            raise ValueError(
                f"Cannot merge: the estimators differ in layer sizes, {sizes} and {others}. Give "
                "both the same layer_sizes."
            )
