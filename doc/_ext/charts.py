"""Charts of benchmark results: ``.. benchmark-chart:: name`` draws one when its page is read.

Each function of ``CHARTS`` returns a figure, the lines of results that it shows, and a
description for those who cannot see the figure. Nothing is typed in: a row that is not in the
results files is an error.
"""

from pathlib import Path

import results
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

FOLDER = Path("_build") / "charts"  # below the sources, so that the builder copies the pictures
OURS, OTHERS = "#b35c00", "#5b7688"
STYLE = {"font.size": 11, "axes.spines.top": False, "axes.spines.right": False}
# Names of methods that are too long for a chart, or that a reader may not know.
SHORT = {
    "ActivationAnomalyDetector": "this detector",
    "ActivationLearningClassifier": "this classifier",
    "ActivationImputer": "this imputer",
    "HistGradientBoostingClassifier": "HistGradientBoosting",
    "RandomForestClassifier": "RandomForest",
    "LOF": "LocalOutlierFactor",
    "kNN": "nearest neighbours",
}


def row(name, work, method):
    return results.find(results.SEPARATOR.join((name, work, method)))


def rows_of(name, work):
    found = [row for row in results.load(name) if row["work"] == work]
    if not found:
        raise results.UnknownRow(f"{name}.json has no rows of {work!r}")
    return found


def is_ours(method):
    return method.startswith("Activation")


def new_figure(height=3.2, n_axes=1, **options):
    import matplotlib.pyplot as plt

    with plt.rc_context(STYLE):
        return plt.subplots(n_axes, figsize=(4.8, height), layout="constrained", **options)


def draw_bars(ax, rows, label, *, start=0):
    """Horizontal bars, the first row on top, each with its number."""
    values = [row["mean"] for row in rows]
    names = [SHORT.get(row["method"], row["method"]) for row in rows]
    colors = [OURS if is_ours(row["method"]) else OTHERS for row in rows]
    ax.barh(range(len(rows)), values, color=colors)
    ax.set_yticks(range(len(rows)), names)
    ax.invert_yaxis()
    ax.set_xlim(start, max(values) + 0.17 * (max(values) - start))
    for i, value in enumerate(values):
        ax.annotate(f"{value:.1f}", (value, i), (4, 0), textcoords="offset points", va="center")
    ax.set_xlabel(label)


def ranks():
    """Mean ranks by accuracy on the tables with labels."""
    work = "all 38 tables, mean rank"
    rows = [row for row in rows_of("classification", work) if "accuracy" in row["method"]]
    rows.sort(key=lambda row: row["mean"])
    shown = [{**row, "method": row["method"].split(",")[0]} for row in rows]
    figure, ax = new_figure(3.4)
    draw_bars(ax, shown, f"mean rank of {len(rows)} by accuracy (1 is best)")
    return figure, rows, "Bars of mean ranks by accuracy on 38 tables, the best on top."


def detection():
    """Mean AUROC of detectors, trained on normal rows only and on all rows."""
    figure, axes = new_figure(5.6, 2)
    shown = []
    titles = {"one-class": "Trained on normal rows only", "unsupervised": "Trained on all rows"}
    for ax, (kind, title) in zip(axes, titles.items(), strict=True):
        rows = rows_of("tabular_anomaly", f"{kind}, mean AUROC")
        rows = [row for row in rows if "contamination" not in row["method"]]
        rows.sort(key=lambda row: -row["mean"])
        draw_bars(ax, rows, "mean AUROC, %; 50 is chance", start=50)
        ax.set_title(title, loc="left", fontsize=12)
        shown += rows
    return figure, shown, "Bars of mean AUROC of eight detectors on 21 tables, the best on top."


def mnist():
    """Test error over seconds of training."""
    ours = row("mnist_feedback", "60,000 labels, curve, fit", "flow, feedback='auto'")
    other = row("mnist_feedback", "60,000 labels, curve, 8 epochs", "MLPClassifier")
    figure, ax = new_figure()
    for line, name, color, style in (
        (ours, "this classifier", OURS, "o-"),
        (other, "MLPClassifier", OTHERS, "s--"),
    ):
        seconds, error = zip(*line["points"], strict=True)
        ax.plot(seconds, error, style, color=color, markersize=4)
        place = {"xytext": (0, 9), "textcoords": "offset points", "ha": "right"}
        ax.annotate(name, (seconds[-1], error[-1]), color=color, **place)
    ax.set_xlim(0)
    ax.set_ylim(0)
    ax.set_xlabel("seconds of training on two cores")
    ax.set_ylabel("error on test images, %")
    return figure, [ours, other], "Lines of test error over seconds for two classifiers."


def false_alarms():
    """Shares of normal rows, and of time steps of normal series, that raise an alarm."""
    works = sorted({row["work"] for row in results.load("tabular_anomaly")})
    left_out = ("mean of 14 shapes", "gaps in training", "new units")
    works = [work for work in works if work.startswith("false alarms, ")]
    works = [work for work in works if not work.endswith(left_out)]
    tables = [row("tabular_anomaly", work, "predict") for work in works]
    series = [
        row
        for row in results.load("timeseries_anomaly")
        if row["work"].startswith("clean, ")
        and row["work"].endswith(", alarms")
        and "mean of" not in row["work"]
    ]
    figure, axes = new_figure(7.6, 2, gridspec_kw={"height_ratios": (len(tables), len(series))})
    for ax, rows, title in (
        (axes[0], tables, "New rows of normal tables"),
        (axes[1], series, "Time steps of normal series"),
    ):
        rows.sort(key=lambda row: row["mean"])
        names = [row["work"].split(", ", 1)[1].removesuffix(", alarms") for row in rows]
        ax.axvline(1, color="black", linewidth=1, linestyle="--")
        ax.plot([row["mean"] for row in rows], range(len(rows)), "o", color=OURS)
        ax.set_yticks(range(len(rows)), names)
        ax.set_xlim(0, 1.05 * max(row["mean"] for row in tables + series))
        ax.set_title(title, loc="left", fontsize=12)
    axes[-1].set_xlabel("alarms, %; the promise is 1 %")
    about = "Dots of false-alarm rates on 14 normal tables and 12 kinds of normal series."
    return figure, tables + series, about


def imputation():
    """Error of imputers over the share of entries that are missing."""
    figure, ax = new_figure(3.4)
    methods = {
        "SimpleImputer": ("column means", ":^"),
        "IterativeImputer": ("IterativeImputer", "--s"),
        "ActivationImputer": ("this imputer", "-o"),
    }
    shares = (10, 30, 50)
    shown = []
    for method, (name, style) in methods.items():
        rows = [row("imputation", f"{share} % missing, error", method) for share in shares]
        values = [line["mean"] for line in rows]
        color = OURS if is_ours(method) else OTHERS
        ax.plot(shares, values, style, color=color)
        at = 2 if method == "IterativeImputer" else 1  # where its name crosses no other line
        place = {"xytext": (0, 8), "textcoords": "offset points", "ha": "center"}
        ax.annotate(name, (shares[at], values[at]), color=color, **place)
        shown += rows
    ax.axhline(1, color="black", linewidth=1)
    ax.annotate("KNNImputer", (10, 1), (0, 5), textcoords="offset points")
    ax.set_xticks(shares)
    ax.set_xlabel("entries missing, %")
    ax.set_xlim(6, 58)
    ax.set_ylabel("error (KNNImputer: 1)")
    return figure, shown, "Lines of the error of three imputers over the share of missing entries."


CHARTS = {chart.__name__: chart for chart in (ranks, detection, mnist, false_alarms, imputation)}


class BenchmarkChart(SphinxDirective):
    """A chart by its name; the content of the directive is its caption."""

    required_arguments = 1
    has_content = True

    def run(self):
        import matplotlib.pyplot as plt

        name = self.arguments[0]
        if name not in CHARTS:
            raise self.error(f"there is no chart {name!r}; there are {', '.join(CHARTS)}")
        figure, rows, about = CHARTS[name]()
        folder = Path(self.env.srcdir) / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        figure.savefig(folder / f"{name}.png", dpi=200)
        plt.close(figure)
        for file in {row["file"] for row in rows}:
            self.env.note_dependency(str(results.path_of(file)))
        self.env.note_dependency(__file__)
        picture = nodes.image(uri=f"/{(FOLDER / name).as_posix()}.png", alt=about)
        drawn = nodes.figure("", picture, classes=["chart"])
        if self.content:
            caption = nodes.caption()
            children, messages = self.state.inline_text(" ".join(self.content), self.lineno)
            caption += [*children, *messages]
            drawn += caption
        return [drawn]


def setup(app):
    app.add_directive("benchmark-chart", BenchmarkChart)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
