"""The pages of doc/: their code runs, their figures are measured, their sources are there."""

import importlib
import os
import re
import shutil
import subprocess
import textwrap
import tomllib
from pathlib import Path

import pytest
import sklearn

import sklearn_activation
from sklearn_activation._base import DOCUMENTATION

sklearn_version = tuple(int(part) for part in sklearn.__version__.split(".")[:2])
ROOT = Path(__file__).resolve().parents[1]
DOC = ROOT / "doc"
MADE = ("_build", "_templates", "auto_examples", "generated", "backreferences")  # no pages
PAGES = sorted(p for p in DOC.rglob("*.rst") if not set(MADE) & set(p.relative_to(DOC).parts))
NEWCOMER = DOC / "start" / "first_model.rst"
LARGE = DOC / "guide" / "large.rst"
INSTALL = "SKLEARN_ACTIVATION_SITE_INSTALL"  # set to run the installation, too: it downloads


def page_id(path):
    return path.relative_to(DOC).with_suffix("").as_posix()


def blocks(path, language="python"):
    """Code of a page's blocks in their order."""
    head = {"python": r"(?:code-block:: python|plot::)", "bash": "code-block:: bash"}[language]
    option = r"[ ]+:[a-z-]+:[^\n]*\n(?:[ ]+[^:\s][^\n]*\n)*"
    pattern = rf"^\.\. {head}\n((?:{option})*\n(?:[ ]+[^\n]*\n|\n)+)"
    found = re.findall(pattern, path.read_text(encoding="utf-8") + "\n", re.M)
    code = [re.sub(rf"\A(?:{option})*", "", block) for block in found]
    return [textwrap.dedent(block) for block in code]


def extension(name):
    """A module of doc/_ext."""
    spec = importlib.util.spec_from_file_location(name, DOC / "_ext" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def roles(text, *kinds):
    """Targets of roles such as :doc:`title <target>`."""
    found = re.findall(rf":(?:{'|'.join(kinds)}):`([^`]+)`", text)
    return [
        re.sub(r".*<(.*)>\Z", r"\1", " ".join(target.split())).lstrip("~!") for target in found
    ]


def toctree(path):
    """Pages that a page's toctree lists, as paths."""
    listed = re.findall(
        r"^\.\. toctree::\n(?:[ ]+:[^\n]*\n)*\n((?:[ ]+\S+\n)+)", path.read_text() + "\n", re.M
    )
    return [path.parent / f"{name}.rst" for block in listed for name in block.split()]


def run_in_order(path, folder, monkeypatch):
    monkeypatch.chdir(folder)
    namespace = {}
    for block in blocks(path):
        exec(compile(block, page_id(path), "exec"), namespace)
    return namespace


@pytest.fixture
def results():
    return extension("results")


@pytest.fixture
def charts(monkeypatch):
    pytest.importorskip("sphinx")
    pytest.importorskip("matplotlib").use("Agg")
    monkeypatch.syspath_prepend(DOC / "_ext")
    return extension("charts")


@pytest.mark.filterwarnings("error::UserWarning")  # a fit that fails in a search is one
@pytest.mark.parametrize("path", [p for p in PAGES if blocks(p) and p != NEWCOMER], ids=page_id)
def test_code_of_pages_runs(path, tmp_path, monkeypatch):
    if path.stem == "compatibility" and sklearn_version < (1, 9):
        pytest.skip("the page says what holds with scikit-learn 1.9")
    if path == LARGE:
        for module in ("dask", "distributed", "pyarrow"):
            pytest.importorskip(module, exc_type=ImportError)
    pytest.importorskip("matplotlib").use("Agg")
    pyplot = pytest.importorskip("matplotlib.pyplot")
    run_in_order(path, tmp_path, monkeypatch)
    pyplot.close("all")


@pytest.mark.filterwarnings("error::UserWarning")
def test_newcomers_path_runs(tmp_path, monkeypatch, capsys):
    pytest.importorskip("pandas")
    pytest.importorskip("skops")
    names = run_in_order(NEWCOMER, tmp_path, monkeypatch)
    assert (tmp_path / "pumps.csv").exists()
    assert (tmp_path / "pumps.skops").exists()
    later, alarm = names["later"], names["alarm"]
    assert later["fault"][alarm].sum() > 0.8 * later["fault"].sum()
    assert names["ranked"]["fault"].iloc[0] == 1
    assert "same answers: True" in capsys.readouterr().out


@pytest.mark.skipif(not os.environ.get(INSTALL), reason=f"{INSTALL} is not set")
def test_newcomers_path_from_the_wheel(tmp_path):
    """The shell blocks in a copy of the sources, then the Python blocks with what they made."""
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    for name in ("pyproject.toml", "setup.py", "README.rst", "LICENSE"):
        shutil.copy(ROOT / name, checkout)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "sklearn_activation", checkout / "sklearn_activation", ignore=ignored)
    for block in blocks(NEWCOMER, "bash"):
        subprocess.run(["bash", "-euc", block], cwd=checkout, check=True)
    program = tmp_path / "path.py"
    program.write_text("\n".join(blocks(NEWCOMER)), encoding="utf-8")
    python = checkout / ".venv" / "bin" / "python"
    done = subprocess.run(
        [python, program], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert "same answers: True" in done.stdout


def test_landing_page_has_ten_lines_of_code_and_three_pictures():
    landing = DOC / "index.rst"
    (block,) = [block for block in blocks(landing) if "import" in block]
    assert len([line for line in block.splitlines() if line.strip()]) <= 10
    assert [line for line in blocks(landing, "bash") if "pip install" in line]
    text = landing.read_text(encoding="utf-8")
    assert len(re.findall(r"^\s+\.\. (?:plot|benchmark-chart)::", text, re.M)) == 3


@pytest.mark.filterwarnings("error::UserWarning")
def test_picture_of_payments_shows_what_its_caption_says():
    names = run_picture("payments")
    columns = list(names["payments"].columns)
    assert names["payments"].loc[names["worst"], "shop"] == "grocery"
    assert names["payments"].loc[names["worst"], "amount"] == 190
    assert columns[names["why"].argmax()] == "amount"
    assert all(ax.lines or ax.patches for ax in names["figure"].axes)


@pytest.mark.filterwarnings("error::UserWarning")
def test_picture_of_a_cold_room_shows_what_its_caption_says():
    names = run_picture("cold_room")
    (event,) = names["events"].itertuples()
    stuck = names["log"].index[55 * 24 + 2 : 55 * 24 + 14]
    assert event.start < stuck[-1] and event.end > stuck[0]  # they overlap
    assert event.channels == ("°C",)
    assert all(ax.lines or ax.patches for ax in names["figure"].axes)


def run_picture(name):
    pytest.importorskip("pandas")
    pytest.importorskip("matplotlib").use("Agg")
    pyplot = pytest.importorskip("matplotlib.pyplot")
    path = DOC / "pictures" / f"{name}.py"
    names = {}
    exec(compile(path.read_text(encoding="utf-8"), path.name, "exec"), names)
    pyplot.close("all")
    return names


def test_pictures_are_all_on_pages():
    text = "".join(path.read_text(encoding="utf-8") for path in PAGES)
    for path in (DOC / "pictures").glob("*.py"):
        assert f"pictures/{path.name}" in text


def test_every_page_is_in_a_toctree():
    listed = {page.resolve() for path in PAGES for page in toctree(path)}
    assert {path.resolve() for path in PAGES} - listed == {DOC / "index.rst"}
    made = [page for page in listed if set(MADE) & set(page.relative_to(DOC).parts)]
    assert listed - set(made) <= {path.resolve() for path in PAGES}


def test_guide_says_a_sentence_about_each_page():
    index = DOC / "guide" / "index.rst"
    described = re.findall(r"^- :doc:`(\w+)`: [^\n]{20,}", index.read_text(encoding="utf-8"), re.M)
    pages = {path.stem for path in index.parent.glob("*.rst")} - {"index"}
    assert sorted(described) == sorted(pages)
    assert {path.stem for path in toctree(index)} == pages


@pytest.mark.parametrize("path", PAGES, ids=page_id)
def test_linked_pages_exist(path):
    for target in roles(path.read_text(encoding="utf-8"), "doc"):
        page = (DOC / target[1:] if target[0] == "/" else path.parent / target).resolve()
        page = page.with_name(f"{page.name}.rst")
        parts = page.relative_to(DOC).parts
        if parts[0] == "auto_examples":
            name = page.with_suffix(".py").name
            assert name == "index.py" or (ROOT / "examples" / name).exists(), target
        else:
            assert page.exists(), target


def glossary_terms():
    text = (DOC / "glossary.rst").read_text(encoding="utf-8")
    sections = re.findall(r"^\.\. glossary::\n((?:[ ]+[^\n]*\n|\n)+)", text, re.M)
    return [term for block in sections for term in re.findall(r"^   (\w[^\n]*)", block, re.M)]


def test_glossary_terms_are_unique_and_linked_terms_are_there():
    terms = glossary_terms()
    assert len(terms) > 30
    assert len({term.lower() for term in terms}) == len(terms)
    assert {"activation", "flow", "learning time", "p-value", "stamp", "time step", "unit"} <= set(
        terms
    )
    for path in PAGES:
        for target in roles(path.read_text(encoding="utf-8"), "term"):
            assert target in terms, (path, target)


def test_first_examples_of_the_gallery_exist():
    order = extension("order")
    for stem in order.FIRST:
        assert (ROOT / "examples" / f"{stem}.py").exists()
    sort = order.ReadingOrder("")
    names = sorted((f"{stem}.py" for stem in ["plot_aaa", *order.FIRST]), key=sort)
    assert names == [*(f"{stem}.py" for stem in order.FIRST), "plot_aaa.py"]


def test_linked_names_of_other_projects_are_in_the_inventories():
    inventories = extension("inventories")
    known = {name for names in inventories.NAMES.values() for name in names}
    for path in PAGES:
        for target in roles(path.read_text(encoding="utf-8"), "class", "func", "meth", "obj"):
            if target.split(".")[0] in inventories.PROJECTS:
                assert target in known, (path, target)


def test_names_in_the_inventories_exist():
    pytest.importorskip("pandas")
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401

    for names in extension("inventories").NAMES.values():
        for name in names:
            module, _, attribute = name.rpartition(".")
            try:
                found = getattr(importlib.import_module(module), attribute)
            except ModuleNotFoundError:  # a method of a class
                module, _, owner = module.rpartition(".")
                found = getattr(getattr(importlib.import_module(module), owner), attribute)
            assert callable(found), name


def test_inventories_can_be_read(tmp_path):
    inventory = pytest.importorskip("sphinx.util.inventory").InventoryFile
    inventories = extension("inventories")
    for project, (address, path) in inventories.write(tmp_path).items():
        with open(path, "rb") as file:
            objects = inventory.load(file, address, lambda base, end: f"{base}/{end}")
        names = {name for kind in ("py:class", "py:function") for name in objects[kind]}
        assert names and all(name.startswith(project) for name in names)
        assert objects["py:class"][next(iter(objects["py:class"]))].uri.startswith(address)


@pytest.mark.parametrize("name", sklearn_activation.__all__)
def test_help_link_of_an_estimator_leads_to_its_page(name):
    estimator = getattr(sklearn_activation, name)()
    text = (DOC / "api" / "index.rst").read_text(encoding="utf-8")
    section = text.partition(".. currentmodule:: sklearn_activation\n")[2].partition("\n\n\n")[0]
    assert ":toctree: generated\n" in section and f"   {name}\n" in f"{section}\n"
    page = f"api/generated/sklearn_activation.{name}.html"  # as autosummary calls it
    assert estimator._get_doc_link() == f"{DOCUMENTATION}/{page}"
    assert f'href="{DOCUMENTATION}/{page}"' in estimator._repr_html_()


@pytest.mark.parametrize("name", ["ranks", "detection", "mnist", "false_alarms", "imputation"])
def test_charts_have_their_rows(name, charts):
    import matplotlib.pyplot as plt

    figure, rows, about = charts.CHARTS[name]()
    assert rows and about
    assert any(
        charts.is_ours(row["method"]) or "flow" in row["method"] or row["method"] == "predict"
        for row in rows
    )
    for row in rows:
        assert row in charts.results.load(row["file"])
    drawn = sum(
        len(ax.patches) + sum(len(line.get_xdata()) for line in ax.lines) for ax in figure.axes
    )
    assert drawn >= len(rows)
    plt.close(figure)


def test_charts_are_all_on_the_page_of_benchmarks(charts):
    text = (DOC / "benchmarks.rst").read_text(encoding="utf-8")
    assert re.findall(r"^\.\. benchmark-chart:: (\w+)$", text, re.M)
    assert set(re.findall(r"^\.\. benchmark-chart:: (\w+)$", text, re.M)) == set(charts.CHARTS)
    assert text.index("benchmark-chart") < text.index("benchmark-tables")


def test_tables_of_results_have_readable_headings(results):
    headings = [results.heading(name) for name in results.names()]
    assert len(set(headings)) == len(headings)
    for name, heading in zip(results.names(), headings, strict=True):
        assert heading != name and "_" not in heading and heading[0].isupper()
    assert set(results.HEADINGS) <= set(results.names())


@pytest.mark.parametrize("path", PAGES, ids=page_id)
def test_figures_are_measured(path, results):
    text = path.read_text(encoding="utf-8")
    references = re.findall(r":measured:`([^`]*)`", text)
    for reference in references:
        assert results.figure(results.find(" ".join(reference.split())))


def test_figures_are_on_some_pages():
    assert sum(p.read_text(encoding="utf-8").count(":measured:`") for p in PAGES) > 20


@pytest.mark.parametrize("reference", ["mnist|no such work|flow", "nothing|a|b", "mnist|a"])
def test_unknown_figures_are_errors(reference, results):
    with pytest.raises(results.UnknownRow):
        results.find(reference)


def test_rows_have_anchors_of_their_own(results):
    rows = [row for name in results.names() for row in results.load(name)]
    assert rows
    assert len({row["anchor"] for row in rows}) == len(rows)


@pytest.mark.parametrize(
    "value, spread, text",
    [
        (83.8723, 0.3, "83.9"),
        (1.2733, 0.0289, "1.27"),
        (52.58, 0.31, "52.6"),
        (0.8273, 0.042, "0.83"),
        (2.1643, 0.247, "2.2"),
        (0.6727, 0.0, "0.673"),
        (0.78, None, "0.78"),
        (100.0, None, "100"),
        (1234.5, None, "1234"),
        (0.0, 0.0, "0"),
    ],
)
def test_rounding(value, spread, text, results):
    assert results.rounded(value, spread) == text


@pytest.mark.parametrize("path", PAGES, ids=page_id)
def test_included_lines_of_sources_exist(path):
    """What ``literalinclude`` asks for, so that a moved line fails here, too."""
    text = path.read_text(encoding="utf-8")
    pattern = r"^\.\. literalinclude:: (\S+)\n((?:[ ]+:[^\n]*\n)*)"
    for name, options in re.findall(pattern, text, re.M):
        source = (path.parent / name).resolve().read_text(encoding="utf-8")
        wanted = dict(re.findall(r":([a-z-]+): ([^\n]+)", options))
        for option in ("start-at", "end-at", "start-after", "end-before"):
            if option in wanted:
                assert wanted[option] in source, (name, option)
        if "pyobject" in wanted:
            last = wanted["pyobject"].split(".")[-1]
            assert re.search(rf"^\s*(?:def|class) {last}\b", source, re.M), (name, last)


def test_project_urls_lead_to_pages():
    with open(ROOT / "pyproject.toml", "rb") as file:
        urls = tomllib.load(file)["project"]["urls"]
    assert urls["Documentation"] == DOCUMENTATION
    for name in ("Changes", "Citation"):
        page = urls[name].removeprefix(f"{DOCUMENTATION}/").removesuffix(".html")
        assert (DOC / f"{page}.rst").exists()


def test_pages_name_no_script_or_font_elsewhere():
    static = [path for path in (DOC / "_static").glob("*") if path.suffix != ".png"]
    for path in [*PAGES, *static, DOC / "conf.py"]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"(?:src|@import|url\()\s*=?\s*[\"']?https?:", text), path
