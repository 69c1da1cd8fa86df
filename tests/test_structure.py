"""The tree of the package: its layers, its map, the paper's numbers, names and constants."""

import ast
import io
import re
import tokenize
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path

import pytest

import sklearn_activation

PACKAGE = Path(sklearn_activation.__file__).parent
ROOT = Path(__file__).resolve().parents[1]

# From the ground up: a module imports from its own layer and from those before it.
LAYERS = [
    {"kernels"},
    {"_threads"},
    {"_blocks", "_progress", "_state", "_warnings"},
    {"_local"},
    {"_network"},
    {"_rows"},
    {"_validation"},
    {"_learning"},
    {"_inference"},
    {"_model", "_training"},
    {"_classification", "_detection", "_imputation", "_patches"},
    {"_series"},
    {"_base"},
    {"_transformer", "_patch_transformer", "_classifier", "_detector", "_imputer"},
    {"_distributed"},
    {"augmentation", "metrics", "plotting", "dask", "__init__"},
]
# Numbers of the paper's equations that are implemented.
EQUATIONS = [4, 6, 7, 8, 9, 10, 12, 13, 14, 15, 16, 19, 20]
# What solvers and encodings are called: they say themselves what they can.
NAMES = {"flow", "hebbian", "fourier", "unit"}
MOST_CONSTANTS = 10  # in 1,000 lines of code
WIDEST_RANGE = 3  # equations: more of them tell of a chapter, not of a formula


def modules():
    """Paths of all modules by their names, "_rows.columns" or "__init__"."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts)] = path
    return found


MODULES = modules()
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in MODULES.items()}


# -- imports -----------------------------------------------------------------------------


def module_named(parts):
    """The module that an import path leads to, or None for a name within one."""
    for name in (".".join(parts), ".".join([*parts, "__init__"])):
        if name in MODULES:
            return name
    return None


def imports_of(name):
    """Modules of the package that a module imports, wherever in it."""
    here, found = name.split("."), set()
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Import):
            paths = [alias.name.split(".") for alias in node.names]
            paths = [path[1:] for path in paths if path[0] == PACKAGE.name]
        elif isinstance(node, ast.ImportFrom):
            module = node.module.split(".") if node.module else []
            if node.level:
                base = here[: len(here) - node.level] + module
            elif module[0] == PACKAGE.name:
                base = module[1:]
            else:
                continue
            paths = [[*base, alias.name] for alias in node.names]
        else:
            continue
        for path in paths:
            target = module_named(path) or module_named(path[:-1])
            assert target, f"{name} imports {'.'.join(path)}, which is not there."
            found.add(target)
    return found - {name}


IMPORTS = {name: imports_of(name) for name in MODULES}


def layer_of(name):
    top = name.split(".")[0]
    found = [number for number, layer in enumerate(LAYERS) if top in layer]
    assert len(found) == 1, f"{name} stands in no layer: add it to LAYERS."
    return found[0]


def test_imports_are_found():
    assert {"_network", "_learning.moments"} <= IMPORTS["_learning.flow"]
    assert "kernels.rows" in IMPORTS["_network"]
    assert sum(len(found) for found in IMPORTS.values()) > 50


def test_no_modules_import_each_other_in_a_circle():
    try:
        TopologicalSorter(IMPORTS).prepare()
    except CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


@pytest.mark.parametrize("name", MODULES)
def test_modules_import_from_their_own_layer_and_those_before(name):
    climbs = [other for other in IMPORTS[name] if layer_of(other) > layer_of(name)]
    assert not climbs


def test_no_kernel_imports_another():
    """Numba's cache does not see edits in other files."""
    kernels = [name for name in MODULES if name.startswith("kernels.")]
    for name in kernels:
        if name != "kernels.__init__":
            assert IMPORTS[name] <= {"kernels._jit"}


# -- numbers of equations ------------------------------------------------------------------


def equations_cited(text):
    """Numbers in "eq. 8", "eqs. 4 and 19", "eq. 12-14", "eq. 4, 9"; not of long ranges."""
    found = set()
    for cited in re.findall(r"eqs?\. (\d+ and \d+|[\d ,to-]+)", text):
        for part in re.split(r",| and ", cited):
            ends = [int(number) for number in re.findall(r"\d+", part)]
            if len(ends) == 2 and ends[1] - ends[0] < WIDEST_RANGE:
                found.update(range(ends[0], ends[1] + 1))
            elif len(ends) == 1:
                found.update(ends)
    return found


def test_citations_are_read():
    assert equations_cited("(paper, eq. 8)") == {8}
    assert equations_cited("eqs. 4 and 19, eq. 12-14") == {4, 12, 13, 14, 19}
    assert equations_cited("eq. 4, 9 of the paper") == {4, 9}
    assert equations_cited("eq. 12 to 14") == {12, 13, 14}
    assert equations_cited("the sequel. 3, and eq. 10 to 17") == set()


@pytest.mark.parametrize("number", EQUATIONS)
def test_equations_are_cited_where_they_are(number):
    cited = [
        name
        for name, path in MODULES.items()
        if number in equations_cited(path.read_text(encoding="utf-8"))
    ]
    assert cited, f"eq. {number} stands at no formula."


# -- the map -------------------------------------------------------------------------------


def names_on_the_map():
    """Names in double backquotes of the table "Where things are", and the rooms among them.

    A name without a folder is a module at the top, or else one of the room named last.
    """
    text = (ROOT / "CONTRIBUTING.rst").read_text(encoding="utf-8")
    section = re.search(r"^Where things are\n-+\n(.*?)(?=^\S[^\n]*\n-+\n|\Z)", text, re.S | re.M)
    table = re.search(r"^=+ +=+\n(.*?)^=+ +=+\n", section.group(1), re.S | re.M).group(1)
    rooms, names = set(), set()
    room = None
    for name in re.findall(r"``([^`]+)``", table):
        if name.endswith("/"):
            room = name[:-1]
            rooms.add(room)
        elif "/" in name:
            names.add(name.replace("/", "."))
        elif name in MODULES or room is None:
            names.add(name)
        else:
            names.add(f"{room}.{name}")
    return rooms, names


def test_the_map_names_every_module_and_nothing_else():
    rooms, names = names_on_the_map()
    there = {name for name in MODULES if not name.endswith("__init__")}
    assert sorted(there - names) == []
    assert sorted(names - there) == []
    folders = {name.split(".")[0] for name in there if "." in name}
    assert rooms <= folders


# -- names of solvers, encodings and types -------------------------------------------------


def texts_in(node):
    """Strings that stand for themselves in a comparison, or in a tuple, list or set there."""
    if isinstance(node, ast.Constant):
        return {node.value}
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        return set().union(*map(texts_in, node.elts))
    return set()


def comparisons_with_names(tree):
    """Lines that compare something with the name of a solver or an encoding."""
    for node in ast.walk(tree):
        sides = []
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
        elif isinstance(node, ast.MatchValue):
            sides = [node.value]
        if any(texts_in(side) & NAMES for side in sides):
            yield node.lineno if hasattr(node, "lineno") else node.value.lineno


def checks_of_types(tree):
    """Lines that ask whether something is an instance of windows, rows or an encoding."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "isinstance":
            kind = ast.unparse(node.args[1])
            if re.search("Windows|Encoding|Rows", kind):
                yield node.lineno


def test_comparisons_and_checks_are_found():
    code = 'a = solver == "flow"\nb = isinstance(X, (int, Windows))\nc = d in ("unit", 1)\n'
    code += 'e = state["unit"] == 3\nmatch a:\n    case "hebbian":\n        pass\n'
    assert sorted(comparisons_with_names(ast.parse(code))) == [1, 3, 6]
    assert list(checks_of_types(ast.parse(code))) == [2]


@pytest.mark.parametrize("name", MODULES)
def test_nothing_hangs_on_the_name_of_a_solver_or_an_encoding(name):
    assert list(comparisons_with_names(TREES[name])) == []


@pytest.mark.parametrize("name", MODULES)
def test_nothing_hangs_on_the_type_of_rows_or_of_an_encoding(name):
    assert list(checks_of_types(TREES[name])) == []


# -- constants -----------------------------------------------------------------------------


def constants_of(tree):
    """Pairs of name and statement of the constants of a module."""
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        targets = [node.target] if isinstance(node, ast.AnnAssign) else targets
        for target in targets:
            for part in ast.walk(target):
                if isinstance(part, ast.Name) and re.fullmatch(r"_?[A-Z][A-Z0-9_]*", part.id):
                    yield part.id, node


CONSTANTS = [(module, *pair) for module, tree in TREES.items() for pair in constants_of(tree)]


def code_lines(text):
    """Numbers of the lines that hold code: no comments, docstrings, or blanks."""
    lines = set()
    beside = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in beside | {tokenize.ENDMARKER}:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(
            node
        ):
            lines -= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    return lines


def test_constants_and_lines_of_code_are_counted():
    text = '"""Two\nlines."""\n\nA, b = 1, 2  # why\n\n# Not code.\n'
    text += 'def f():\n    """Nor this."""\n    return A\n'
    assert code_lines(text) == {4, 7, 9}
    assert [name for name, _ in constants_of(ast.parse(text))] == ["A"]


def test_constants_are_few():
    n_lines = sum(len(code_lines(path.read_text(encoding="utf-8"))) for path in MODULES.values())
    share = 1000 * len(CONSTANTS) / n_lines
    assert share <= MOST_CONSTANTS, f"{len(CONSTANTS)} constants in {n_lines} lines of code."


def test_no_constant_has_the_name_of_another():
    homes = sorted((name, module) for module, name, _ in CONSTANTS)
    twice = [(one, other) for one, other in pairwise(homes) if one[0] == other[0]]
    assert twice == []


def test_constants_say_what_they_are():
    """In a comment on their own line or on the one above."""
    silent = []
    for module, name, node in CONSTANTS:
        lines = MODULES[module].read_text(encoding="utf-8").splitlines()
        above = lines[node.lineno - 2].strip() if node.lineno > 1 else ""
        if not above.startswith("#") and "#" not in lines[node.lineno - 1]:
            silent.append(f"{module}.{name}")
    assert silent == []


# -- tests ---------------------------------------------------------------------------------


def test_files_of_tests_outlive_no_module():
    """tests/rows/test_columns.py is for _rows/columns.py, in every room."""
    tests = Path(__file__).parent
    bare = {".".join(part.lstrip("_") for part in name.split(".")) for name in MODULES}
    homes = [path.relative_to(tests).with_suffix("") for path in tests.glob("*/test_*.py")]
    assert homes
    assert [str(p) for p in homes if f"{p.parts[0]}.{p.parts[1][5:]}" not in bare] == []
