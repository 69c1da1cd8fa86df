"""scikit-learn's own checks: all those it yields, and those it has but never yields."""

from itertools import product
from unittest import SkipTest

import numpy as np
import pytest
import sklearn
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import estimator_checks_generator

from sklearn_activation import (
    ActivationAnomalyDetector,
    ActivationImputer,
    ActivationLearningClassifier,
    CompetitiveHebbianPatchTransformer,
    CompetitiveHebbianTransformer,
)

# The checks of column names mix data with and without names on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:X (has|does not have valid) feature names")

SOLVERS = ("flow", "hebbian")
DEFAULTS = [
    CompetitiveHebbianTransformer(),
    CompetitiveHebbianPatchTransformer(),
    ActivationLearningClassifier(),
    ActivationAnomalyDetector(),
    ActivationImputer(),
]
SMALL = [
    *(
        CompetitiveHebbianTransformer(8, output=output, solver=solver, max_iter=20)
        for output, solver in product(("activated", "linear"), SOLVERS)
    ),
    *(
        ActivationLearningClassifier(
            (32, 32), encoding=encoding, n_frequencies=32, solver=solver, max_iter=50
        )
        for encoding, solver in product(("auto", "unit", "fourier"), SOLVERS)
    ),
    ActivationLearningClassifier(16, encoding="fourier", n_frequencies=16, learning_time=10.0),
    *(
        ActivationAnomalyDetector(encoding=encoding, n_frequencies=16, solver=solver, max_iter=20)
        for encoding, solver in product(("unit", "fourier"), SOLVERS)
    ),
    ActivationAnomalyDetector((16, 8), n_frequencies=16, contamination=0.1),
    ActivationImputer(n_frequencies=16, bandwidth=2.0, learning_time=50.0),
    CompetitiveHebbianPatchTransformer(n_units=8, patch_size=1, learning_time=20.0),
]

# Checks yielded, by version of scikit-learn. Fewer would mean that a tag hides some.
N_CHECKS = {
    (1, 9): {
        "CompetitiveHebbianTransformer": 54,
        "CompetitiveHebbianPatchTransformer": 54,
        "ActivationLearningClassifier": 62,
        "ActivationAnomalyDetector": 53,  # NaN is allowed
        "ActivationImputer": 46,
    },
}
LEAST_CHECKS = 40  # of any other version

NEVER_YIELDED = {
    "transformers": [
        "check_set_output_transform",
        "check_set_output_transform_pandas",
        "check_set_output_transform_polars",
        "check_global_output_transform_pandas",
        "check_transformer_get_feature_names_out",
        "check_transformer_get_feature_names_out_pandas",
        "check_get_feature_names_out_error",
    ],
    "all": [
        "check_dataframe_column_names_consistency",
        "check_param_validation",
        "check_inplace_ensure_writeable",
    ],
}

# A check that skips itself for want of these is no fault of ours.
MAY_BE_MISSING = ("array_api", "pandas", "polars", "dataframe")


def check_name(check):
    return getattr(check, "func", check).__name__


def short_name(estimator):
    """The estimator with the parameters that are not default."""
    return " ".join(repr(estimator).split())


def yielded_checks():
    for estimator in DEFAULTS + SMALL:
        for instance, check in estimator_checks_generator(estimator, mark=None):
            options = ",".join(str(v) for v in getattr(check, "keywords", {}).values())
            name = f"{short_name(estimator)}-{check_name(check)}({options})"
            yield pytest.param(instance, check, id=name)


def run(check, *args):
    """Run a check; let it skip itself only if what it needs is an optional package.

    Some checks leave ``random_state=None``. With one seed in twenty, two probabilities of 80 rows
    are below 1e-10, and ``check_decision_proba_consistency`` then takes them for equal.
    """
    np.random.seed(0)  # noqa: NPY002, an estimator without random_state draws from it
    try:
        check(*args)
    except SkipTest as reason:
        assert any(word in check_name(check) for word in MAY_BE_MISSING), reason
        pytest.skip(str(reason))


@pytest.mark.parametrize("estimator, check", list(yielded_checks()))
def test_yielded_check(estimator, check):
    run(check, estimator)


@pytest.mark.parametrize("estimator", DEFAULTS + SMALL, ids=short_name)
def test_number_of_yielded_checks(estimator):
    n_checks = len(list(estimator_checks_generator(estimator, mark=None)))
    version = tuple(int(part) for part in sklearn.__version__.split(".")[:2])
    if version in N_CHECKS:
        assert n_checks == N_CHECKS[version][type(estimator).__name__]
    else:
        assert n_checks >= LEAST_CHECKS


@pytest.mark.parametrize("estimator", DEFAULTS, ids=short_name)
def test_no_check_is_expected_to_fail(estimator):
    for cls in type(estimator).__mro__:  # scikit-learn 1.6 has one of its own
        assert "_more_tags" not in vars(cls) or cls.__module__.startswith("sklearn.")
    tags = estimator.__sklearn_tags__()
    assert not tags._skip_test
    assert not tags.no_validation
    assert not tags.non_deterministic
    if tags.classifier_tags is not None:
        assert not tags.classifier_tags.poor_score


@pytest.mark.parametrize("name", NEVER_YIELDED["all"])
@pytest.mark.parametrize("estimator", DEFAULTS + SMALL, ids=short_name)
def test_check_never_yielded(estimator, name):
    run(getattr(estimator_checks, name), type(estimator).__name__, estimator)


@pytest.mark.parametrize("name", NEVER_YIELDED["transformers"])
@pytest.mark.parametrize(
    "transformer", [e for e in DEFAULTS + SMALL if hasattr(e, "transform")], ids=short_name
)
def test_transformer_check_never_yielded(transformer, name):
    run(getattr(estimator_checks, name), type(transformer).__name__, transformer)
