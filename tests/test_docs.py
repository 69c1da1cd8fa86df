"""README, docstrings and what they promise."""

import doctest
import inspect
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from numpydoc.docscrape import ClassDoc
from numpydoc.validate import validate
from sklearn.datasets import load_iris

import sklearn_activation
import sklearn_activation.augmentation
import sklearn_activation.metrics
import sklearn_activation.plotting
from sklearn_activation import (
    ActivationAnomalyDetector,
    ActivationImputer,
    ActivationLearningClassifier,
    CompetitiveHebbianPatchTransformer,
    CompetitiveHebbianTransformer,
)

try:
    import sklearn_activation.dask
except ImportError:  # Dask is an extra.
    pass

ROOT = Path(__file__).resolve().parents[1]
MODULES = [
    sklearn_activation,
    sklearn_activation.augmentation,
    sklearn_activation.metrics,
    sklearn_activation.plotting,
]
ON_DASK = getattr(sklearn_activation, "dask", None)
ESTIMATORS = [
    ActivationAnomalyDetector,
    ActivationLearningClassifier,
    CompetitiveHebbianTransformer,
]
OPTIONAL = {  # of numpydoc's checks
    "ES01",  # an extended summary
    "SA01",  # See Also
    "RT02",  # results without a name
}


def public():
    """Names of public classes and functions, and of the classes' own methods."""
    tops, methods = [], []
    for module in MODULES if ON_DASK is None else [*MODULES, ON_DASK]:
        for name in module.__all__:
            item = getattr(module, name)
            if getattr(item, "__module__", "").startswith("sklearn_activation"):
                tops.append(f"{module.__name__}.{name}")
                for method, function in inspect.getmembers(item, callable):
                    home = getattr(function, "__module__", None) or ""
                    if home.startswith("sklearn_activation") and not method.startswith("_"):
                        methods.append(f"{tops[-1]}.{method}")
    return tops, methods


TOPS, METHODS = public()


def readme():
    return (ROOT / "README.rst").read_text(encoding="utf-8")


def readme_block(head, text):
    """The first block of the README after ``head``, and its lines without the indent."""
    block = re.search(rf"{head}\n\n((?:(?:    .*)?\n)+)", text).group(1)
    return [line[4:] for line in block.strip("\n").splitlines()]


def test_readme_example_is_ten_lines_and_prints_what_is_shown(capsys):
    lines = readme_block("code-block:: python", readme())
    assert sum(bool(line.strip()) for line in lines) <= 10
    exec("\n".join(lines), {})
    printed, shown = capsys.readouterr().out.splitlines(), readme_block("It prints::", readme())
    number = r"[\d.]+(?=%)"
    assert [re.sub(number, "", line) for line in printed] == [
        re.sub(number, "", line) for line in shown
    ]
    found, promised = (
        [float(value) for line in text for value in re.findall(number, line)]
        for text in (printed, shown)
    )
    # Other versions of the libraries move single rows.
    np.testing.assert_allclose(found, promised, atol=2)


def test_readme_is_short_enough_to_read():
    assert len(readme().splitlines()) <= 120


@pytest.mark.parametrize("title", ["Run it", "Test it"])
def test_readme_section_has_one_command_that_sets_itself_up(title):
    section = re.search(rf"^{title}\n-+\n(.*?)(?=^\S[^\n]*\n-+\n)", readme(), re.S | re.M).group(1)
    blocks = re.findall(r"code-block:: bash\n\n((?:    [^\n]*\n)+)", section)
    assert len(blocks) == 1
    assert len(blocks[0].splitlines()) == 1
    assert "python3 -m venv .venv && " in blocks[0]


def test_public_names_are_found():
    assert len(TOPS) == 17 + (0 if ON_DASK is None else 8)
    assert len(METHODS) > 30


@pytest.mark.parametrize("name", TOPS)
def test_docstring_examples(name):
    module, _, item = name.rpartition(".")
    item = getattr(sys.modules[module], item)
    finder, runner = doctest.DocTestFinder(), doctest.DocTestRunner()
    tests = [t for t in finder.find(item, name, globs={}) if t.examples]
    assert tests
    for test in tests:
        runner.run(test)
    assert runner.failures == 0


@pytest.mark.parametrize("name", TOPS + METHODS)
def test_docstrings_are_valid(name):
    optional = OPTIONAL | ({"EX01"} if name in METHODS else set())
    errors = [error for error in validate(name)["errors"] if error[0] not in optional]
    assert not errors


@pytest.mark.parametrize(
    "estimator", [*ESTIMATORS, ActivationImputer, CompetitiveHebbianPatchTransformer]
)
def test_parameters_are_documented_in_their_order(estimator):
    documented = [p.name for p in ClassDoc(estimator)["Parameters"]]
    signature = [name for name in estimator.__init__.__code__.co_varnames if name != "self"]
    assert documented == signature[: len(documented)]
    assert set(documented) == set(estimator().get_params())


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("solver", ["flow", "hebbian"])
def test_fitted_attributes_are_those_documented(estimator, solver):
    X, y = load_iris(return_X_y=True, as_frame=True)
    fitted = estimator(solver=solver, max_iter=2, random_state=0).fit(X, y)
    computed = {n for n, item in inspect.getmembers(estimator) if isinstance(item, property)}
    names = {name for name in {*vars(fitted), *computed} if name.endswith("_")}
    present = {name for name in names if not name.startswith("_")}
    documented = {p.name for p in ClassDoc(estimator)["Attributes"]}
    assert present == documented


def test_fitted_attributes_of_patches_are_those_documented():
    X, _ = load_iris(return_X_y=True, as_frame=True)
    fitted = CompetitiveHebbianPatchTransformer(n_units=2).fit(X)
    documented = {p.name for p in ClassDoc(type(fitted))["Attributes"]}
    assert {name for name in vars(fitted) if name.endswith("_")} == documented


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_public_methods_have_docstrings_with_shapes(estimator):
    own = [
        name
        for name in vars(estimator)
        if not name.startswith("_") and callable(getattr(estimator, name))
    ]
    assert own
    for name in [*own, "merge"]:
        text = getattr(estimator, name).__doc__
        takes = len(inspect.signature(getattr(estimator, name)).parameters) > 1
        assert text and "Returns" in text and ("Parameters" in text or not takes), name


def test_public_names():
    assert sorted(sklearn_activation.__all__) == sorted(
        e.__name__ for e in [*ESTIMATORS, ActivationImputer, CompetitiveHebbianPatchTransformer]
    )
    assert re.fullmatch(r"\d+\.\d+\.\d+", sklearn_activation.__version__)


# -- shared parameters -----------------------------------------------------------------

DETECTOR, CLASSIFIER, TRANSFORMER = ESTIMATORS

# Left out, because estimators differ on purpose:
# - layer_sizes, encoding, bandwidth, standardize, n_frequencies and learning_time have defaults
#   of their own, and "auto" chooses by what each estimator is for;
# - max_iter and verbose of the classifier are those of feedback, too, as are its n_iter_ and
#   activation_curve_;
# - random_state of the transformer draws no frequencies, and that of the imputer hides entries;
# - learning_times_ of the detector are means of the averaged flow;
# - init_activation, n_jobs, coefs_ and learning_times_ of the imputer speak of its one layer.
ALIKE = [
    (ESTIMATORS, ["activation", "solver", "init_activation", "warm_start", "n_jobs"]),
    ([DETECTOR, TRANSFORMER], ["learning_rate", "max_iter", "batch_size", "verbose"]),
    ([DETECTOR, CLASSIFIER], ["random_state"]),
]
ALIKE_ATTRIBUTES = [
    (
        [*ESTIMATORS, ActivationImputer, CompetitiveHebbianPatchTransformer],
        ["n_features_in_", "feature_names_in_"],
    ),
    (ESTIMATORS, ["n_layers_"]),
    ([DETECTOR, TRANSFORMER], ["n_iter_", "activation_curve_"]),
    ([CLASSIFIER, TRANSFORMER], ["learning_times_", "coefs_"]),
]
# The classifier adds something about feedback to what the others say.
ADDED_TO = ["learning_rate", "batch_size"]


def assert_alike(*args, **options):
    """scikit-learn's check, of the versions that have it."""
    testing = pytest.importorskip("sklearn.utils._testing")
    check = getattr(testing, "assert_docstring_consistency", None)
    if check is None:
        pytest.skip("scikit-learn has no assert_docstring_consistency")
    check(*args, **options)


@pytest.mark.parametrize("estimators, names", ALIKE)
def test_shared_parameters_are_documented_alike(estimators, names):
    for estimator in estimators:
        assert set(names) <= set(estimator().get_params())
    assert_alike(estimators, include_params=names)


@pytest.mark.parametrize("estimators, names", ALIKE_ATTRIBUTES)
def test_shared_attributes_are_documented_alike(estimators, names):
    assert_alike(estimators, include_attrs=names)


@pytest.mark.parametrize("name", ADDED_TO)
def test_what_the_classifier_adds_follows_what_the_others_say(name):
    """The others' words first, then its own."""
    said = {p.name: " ".join(p.desc) for p in ClassDoc(TRANSFORMER)["Parameters"]}
    words = r"\s+".join(re.escape(word) for word in said[name].split())
    assert_alike([CLASSIFIER, TRANSFORMER], include_params=[name], descr_regex_pattern=words)
