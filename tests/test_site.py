"""The pages of doc/: their code runs, their figures are measured, their sources are there."""

import importlib.util
import os
import re
import shutil
import subprocess
import textwrap
from pathlib import Path

import pytest
import sklearn

sklearn_version = tuple(int(part) for part in sklearn.__version__.split(".")[:2])
ROOT = Path(__file__).resolve().parents[1]
DOC = ROOT / "doc"
MADE = ("_build", "auto_examples", "generated", "backreferences")  # by a build of the site
PAGES = sorted(p for p in DOC.rglob("*.rst") if not set(MADE) & set(p.relative_to(DOC).parts))
NEWCOMER = DOC / "start" / "first_model.rst"
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


def run_in_order(path, folder, monkeypatch):
    monkeypatch.chdir(folder)
    namespace = {}
    for block in blocks(path):
        exec(compile(block, page_id(path), "exec"), namespace)
    return namespace


@pytest.fixture
def results():
    spec = importlib.util.spec_from_file_location("results", DOC / "_ext" / "results.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.filterwarnings("error::UserWarning")  # a fit that fails in a search is one
@pytest.mark.parametrize("path", [p for p in PAGES if blocks(p) and p != NEWCOMER], ids=page_id)
def test_code_of_pages_runs(path, tmp_path, monkeypatch):
    if path.stem == "compatibility" and sklearn_version < (1, 9):
        pytest.skip("the page says what holds with scikit-learn 1.9")
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


def test_landing_page_has_ten_lines_of_code():
    (block,) = blocks(DOC / "index.rst")
    assert len([line for line in block.splitlines() if line.strip()]) <= 10


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


def test_pages_name_no_script_or_font_elsewhere():
    for path in [*PAGES, *(DOC / "_static").glob("*"), DOC / "conf.py"]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"(?:src|@import|url\()\s*=?\s*[\"']?https?:", text), path
