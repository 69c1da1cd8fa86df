"""Benchmark results as the pages quote them. Needs nothing but the standard library."""

import ast
import json
import math
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results"
DIGITS = 3  # significant ones of a figure, at most
NOTHING = 1e-9  # share of a mean below which a deviation is rounding errors
SHORT_UNITS = {"": "", "a pixel": "", "of real digits'": "", "share": "", "us a row": "µs a row"}
SEPARATOR = "|"


HEADINGS = {
    "cifar10": "CIFAR-10",
    "classification": "Classification of tables",
    "features": "Features for a linear model",
    "forecast": "Forecasts of series",
    "forward_forward": "The Forward-Forward algorithm",
    "imputation": "Gaps filled in",
    "mnist": "MNIST without feedback",
    "mnist_feedback": "MNIST with feedback",
    "mnist_inference": "MNIST: images generated and completed",
    "pretraining": "Features learned first, then backpropagation",
    "scale": "Many rows",
    "small": "Classification of four small data sets",
    "speed": "Speed",
    "tabular_anomaly": "Anomalies in tables",
    "timeseries_anomaly": "Anomalies in time series",
    "without_labels": "A detector chosen without labels",
}


class UnknownRow(LookupError):
    """No row of that name, or more than one."""


def names():
    """Names of the results files there are, without the suffix."""
    return sorted(path.stem for path in RESULTS.glob("*.json") if not path.stem.endswith("-quick"))


def path_of(name):
    return RESULTS / f"{name}.json"


def load(name):
    """Rows of a file; each has ``file``, ``versions`` and an ``anchor`` of its own."""
    content = json.loads(path_of(name).read_text(encoding="utf-8"))
    taken, rows = set(), []
    for row in content["rows"]:
        anchor = slug(f"{name} {row['work']} {row['method']}")
        if anchor in taken:
            anchor = slug(f"{anchor} {row['unit']}")
        while anchor in taken:
            anchor += "-more"
        taken.add(anchor)
        rows.append({"versions": content["versions"], **row, "anchor": anchor, "file": name})
    return rows


def slug(text):
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def find(reference):
    """The row of ``file|work|method``, or ``file|work|method|unit`` where units differ."""
    parts = [part.strip() for part in reference.split(SEPARATOR)]
    if len(parts) not in (3, 4):
        raise UnknownRow(f"{reference!r} is not file|work|method or file|work|method|unit")
    name, work, method, *unit = parts
    if name not in names():
        raise UnknownRow(f"{reference!r}: there is no results file {name}.json")
    found = [row for row in load(name) if (row["work"], row["method"]) == (work, method)]
    if unit:
        found = [row for row in found if row["unit"] == unit[0]]
    if len(found) != 1:
        units = f" (units {[row['unit'] for row in found]})" if found else ""
        raise UnknownRow(f"{reference!r} names {len(found)} rows{units}, not one")
    return found[0]


def figure(row):
    """Mean of a row with its unit, rounded to what its spread leaves meaningful."""
    number = rounded(row["mean"], row["sd"])
    unit = row["unit"]
    if unit.startswith("%"):
        return f"{number} %"
    if unit.startswith("x "):
        return f"{number} ×"  # noqa: RUF001
    unit = SHORT_UNITS.get(unit, unit)
    return f"{number} {unit}" if unit else number


def rounded(value, spread=None, digits=DIGITS):
    """So many significant digits at most, and none below the first digit of the spread."""
    if not value or not math.isfinite(value):
        return f"{value:g}"
    decimals = digits - 1 - math.floor(math.log10(abs(value)))
    if spread and spread > NOTHING * abs(value):
        decimals = min(decimals, -math.floor(math.log10(spread)))
    given = len(repr(float(value)).partition(".")[2])  # a published 0.78 is not 0.780
    decimals = max(min(decimals, given), 0)
    text = f"{value:.{decimals}f}"
    return str(round(value)) if float(text) == round(value) else text


def spread(row):
    """Standard deviation of a row; empty for a single run, 0 for rounding errors."""
    if row["sd"] is None:
        return ""
    return rounded(row["sd"], digits=2) if row["sd"] > NOTHING * abs(row["mean"]) else "0"


def heading(name):
    """Heading of a file's table: what was measured, in words."""
    return HEADINGS.get(name) or purpose(name)


def purpose(name):
    """First line of the program that makes a file, without its full stop."""
    source = ROOT / "benchmarks" / f"{name}.py"
    if not source.exists():
        return name
    text = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or name
    return text.splitlines()[0].rstrip(".")
