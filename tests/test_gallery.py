"""The examples of the gallery: each runs, says what it is about, and draws pictures to be read.

The blocks of an example run one after the other, as sphinx-gallery runs them. The figures that are
open at the end of a block are its pictures, and they are closed before the next block begins.
"""

import ast
import contextlib
import io
import re
import warnings
from itertools import combinations
from pathlib import Path

import pytest

matplotlib = pytest.importorskip("matplotlib")
pytest.importorskip("pandas")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")

EXAMPLES = sorted((Path(__file__).resolve().parents[1] / "examples").glob("plot_*.py"))
BLOCK = re.compile(r"(?m)^# %%.*$")
WIDTH = 6.4  # inches of a picture, to which sizes of letters refer
LEAST_SIZE = 9.5  # points in a picture of that width


def example_id(path):
    return path.stem


def prose(text):
    """Paragraphs of reStructuredText without titles, lists and directives."""
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        lines = paragraph.splitlines()
        underlined = any(re.fullmatch(r"(=|-)\1{2,}", line) for line in lines)
        if underlined:
            last = max(i for i, line in enumerate(lines) if re.fullmatch(r"(=|-)\1{2,}", line))
            lines = lines[last + 1 :]
        if lines:
            yield " ".join(lines)


def texts(source):
    """The docstring, and the comment at the head of each block."""
    yield ast.get_docstring(ast.parse(source))
    for block in BLOCK.split(source)[1:]:
        comment = re.match(r"\n((?:#.*\n)+)", block)
        if comment:
            yield re.sub(r"(?m)^# ?", "", comment[1])


def pictures(path, monkeypatch, folder):
    """Figures of a run of the example, block by block."""
    monkeypatch.chdir(folder)
    plt.close("all")
    namespace = {"__name__": "__main__"}
    source = path.read_text(encoding="utf-8")
    lines_before = 0
    pieces = BLOCK.split(source)
    for piece in pieces:
        code = compile("\n" * lines_before + piece, str(path), "exec")
        with contextlib.redirect_stdout(io.StringIO()), matplotlib.rc_context():
            exec(code, namespace)
            for number in plt.get_fignums():
                yield plt.figure(number)
        plt.close("all")
        lines_before += piece.count("\n")


def curves(ax):
    """Lines that are drawn from point to point, guides across the whole axis left out."""
    for line in ax.lines:
        across = line.get_transform() != ax.transData
        if line.get_visible() and line.get_linestyle() != "None" and not across:
            yield line


def faults_of(figure):
    """What is wrong with a picture, in words."""
    figure.canvas.draw()
    frame = figure.bbox
    scale = WIDTH / figure.get_figwidth()
    panels = [ax for ax in figure.axes if ax.get_label() != "<colorbar>"]
    if not panels:
        yield "a figure has no axis"
    for ax in panels:
        name = ax.get_title() or ax.get_ylabel() or ax.get_xlabel()
        if not ax.has_data():
            yield f"the axis {name!r} is empty"
        colors = [matplotlib.colors.to_rgba(line.get_color()) for line in curves(ax)]
        if len(set(colors)) < len(colors):
            yield f"the axis {name!r} has two curves of one colour"
        legend = ax.get_legend()
        words = [*ax.texts, ax.title, ax.xaxis.label, ax.yaxis.label]
        words += legend.get_texts() if legend else []
        ticks = {
            "x": [tick for tick in ax.get_xticklabels() if tick.get_text()],
            "y": [tick for tick in ax.get_yticklabels() if tick.get_text()],
        }
        for text in [*words, *ticks["x"], *ticks["y"]]:
            if not text.get_text().strip() or not text.get_visible():
                continue
            if text.get_fontsize() * scale < LEAST_SIZE:
                yield f"{text.get_text()!r} is too small"
        for text in words:
            if text.get_text().strip() and text.get_visible():
                box = text.get_window_extent()
                if not (frame.x0 - 1 <= box.x0 and box.x1 <= frame.x1 + 1):
                    yield f"{text.get_text()!r} is cut"
        # Matplotlib keeps labels of ticks outside of the axis: 30 pixels around the panel count.
        for labels in ticks.values():
            inside = [tick.get_window_extent() for tick in labels if tick.get_visible()]
            shown = [box for box in inside if ax.bbox.padded(30).overlaps(box)]
            if any(one.overlaps(other) for one, other in combinations(shown, 2)):
                yield f"labels of the axis {name!r} overlap"


@pytest.mark.parametrize("path", EXAMPLES, ids=example_id)
def test_pictures_can_be_read(path, monkeypatch, tmp_path):
    n_pictures = 0
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.filterwarnings("ignore", "FigureCanvasAgg is non-interactive")
        for figure in pictures(path, monkeypatch, tmp_path):
            n_pictures += 1
            assert list(faults_of(figure)) == []
    assert 1 <= n_pictures <= 3


@pytest.mark.parametrize("path", EXAMPLES, ids=example_id)
def test_texts_are_full_sentences(path):
    source = path.read_text(encoding="utf-8")
    title = ast.get_docstring(ast.parse(source)).splitlines()
    assert title[0] == title[2] == "=" * len(title[1])
    written = [paragraph for text in texts(source) for paragraph in prose(text)]
    assert len(written) > 1
    for paragraph in written:
        assert paragraph[-1] in ".:", paragraph
        assert paragraph[0].isupper() or paragraph[0] == "`", paragraph
        for sentence in re.split(r"(?<=[.?:]) ", paragraph):
            assert len(sentence.split()) <= 30, sentence


def test_half_of_the_examples_are_on_tables_and_logs():
    with_frames = [path for path in EXAMPLES if "import pandas" in path.read_text("utf-8")]
    assert len(with_frames) >= len(EXAMPLES) / 2


@pytest.mark.parametrize(
    "draw, fault",
    [
        (lambda ax: None, "is empty"),
        (lambda ax: [ax.plot([0, 1, 2], [0, i, 1], color="red") for i in (1, 2)], "one colour"),
        (lambda ax: ax.plot([0, 1]) and ax.set_xlabel("x", fontsize=6), "too small"),
        (lambda ax: ax.plot([0, 1]) and ax.set_xticks([0, 0.01], ["long name"] * 2), "overlap"),
        (lambda ax: ax.plot([0, 1]) and ax.set_title("long title " * 20), "is cut"),
    ],
)
def test_faults_of_pictures_are_found(draw, fault):
    figure, ax = plt.subplots(figsize=(WIDTH, 4))
    draw(ax)
    found = list(faults_of(figure))
    plt.close(figure)
    assert len(found) == 1 and fault in found[0]


def test_figures_close_between_blocks(tmp_path, monkeypatch):
    path = tmp_path / "plot_later.py"
    path.write_text(
        "import matplotlib.pyplot as plt\n\nfigure, axes = plt.subplots(1, 2)\n"
        "axes[0].plot([0, 1])\n\n# %%\naxes[1].plot([0, 1])\n"
    )
    found = [list(faults_of(figure)) for figure in pictures(path, monkeypatch, tmp_path)]
    assert found == [["the axis '' is empty"]]
