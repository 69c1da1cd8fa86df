"""Figures in the prose and tables of benchmarks, both read from the results files.

``:measured:`file|work|method``` inserts the mean of one row and links to that row on the
page of benchmarks. A row that is not there is a warning, and so breaks a build with ``-W``.
"""

import results
from docutils import nodes
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole
from sphinx.util.nodes import make_id

logger = logging.getLogger(__name__)
PAGE = "benchmarks"  # where ``benchmark-tables`` stands
PACKAGES = ("sklearn_activation", "sklearn", "numpy", "scipy", "numba", "joblib")
HEADER = ("work", "method", "mean", "sd", "runs", "unit", "where")


class figure_link(nodes.reference):
    """A quoted figure, until the address of the page of benchmarks is known."""


class MeasuredRole(SphinxRole):
    """``:measured:`` in the prose."""

    def run(self):
        reference = " ".join(self.text.split())
        try:
            row = results.find(reference)
        except results.UnknownRow as error:
            logger.warning("measured: %s", error, location=self.get_location())
            return [nodes.problematic(self.rawtext, self.rawtext)], []
        self.env.note_dependency(str(results.path_of(reference.split("|")[0].strip())))
        text = results.figure(row).replace(" ", "\N{NO-BREAK SPACE}")
        about = f"{row['work']}: {row['method']}"
        return [figure_link("", text, anchor=row["anchor"], reftitle=about)], []


def resolve(app, doctree, docname):
    for node in list(doctree.findall(figure_link)):
        address = app.builder.get_relative_uri(docname, PAGE) if docname != PAGE else ""
        link = nodes.reference(
            "",
            node.astext(),
            refuri=f"{address}#{node['anchor']}",
            internal=True,
            reftitle=node["reftitle"],
            classes=["measured"],
        )
        node.replace_self(link)


class BenchmarkTables(SphinxDirective):
    """A section for every results file, with all its rows."""

    def run(self):
        return [self.section(name) for name in results.names()]

    def section(self, name):
        self.env.note_dependency(str(results.path_of(name)))
        rows = results.load(name)
        runs = []
        for row in rows:
            if row["versions"] not in runs:
                runs.append(row["versions"])
        section = nodes.section(ids=[make_id(self.env, self.state.document, "", name)])
        section += nodes.title("", results.heading(name))
        file = nodes.literal("", f"benchmarks/results/{name}.json")
        program = nodes.literal("", f"benchmarks/{name}.py")
        lead = nodes.Text(f"{results.purpose(name)}: ")
        writes = nodes.Text(" writes ")
        section += nodes.paragraph("", "", lead, program, writes, file, nodes.Text("."))
        section += self.provenance(runs)
        section += self.table(rows, runs)
        return section

    def provenance(self, runs):
        """When, where and by which command; one line a run, lettered if there are more."""
        listed = nodes.bullet_list(classes=["provenance"])
        for letter, run in zip(letters(len(runs)), runs, strict=True):
            versions = ", ".join(f"{name} {run[name]}" for name in PACKAGES if name in run)
            lead = f"{letter}: " if letter else ""
            machine = f"{run['cores']} cores of {run['processor']}, Python {run['python']}"
            line = nodes.paragraph("", f"{lead}{run['date']}, {machine}, {versions}. Command: ")
            command = run["command"]
            if command.startswith("-"):
                line += nodes.emphasis("", "not recorded")
            else:
                line += nodes.literal("", f"python benchmarks/{command}")
            listed += nodes.list_item("", line)
        return listed

    def table(self, rows, runs):
        header = HEADER if len(runs) > 1 else HEADER[:-1]
        group = nodes.tgroup(cols=len(header))
        widths = (36, 28, 9, 9, 5, 12, 6)
        group += [nodes.colspec(colwidth=width) for width in widths[: len(header)]]
        group += nodes.thead("", table_row(header))
        body = nodes.tbody()
        letter = letters(len(runs))
        for row in rows:
            sd = results.spread(row)
            cells = [row["work"], row["method"], results.rounded(row["mean"]), sd]
            cells += [str(len(row["values"])), row["unit"], letter[runs.index(row["versions"])]]
            line = table_row(cells[: len(header)])
            line["ids"] = [row["anchor"]]
            body += line
        group += body
        table = nodes.table("", group, classes=["benchmark", "colwidths-auto"])
        return nodes.container("", table, classes=["long-table"])


def table_row(cells):
    entries = [nodes.entry("", nodes.paragraph("", cell)) for cell in cells]
    return nodes.row("", *entries)


def letters(n):
    return [""] if n == 1 else [chr(ord("a") + i) for i in range(n)]


def setup(app):
    app.add_node(figure_link)
    app.add_role("measured", MeasuredRole())
    app.add_directive("benchmark-tables", BenchmarkTables)
    app.connect("doctree-resolved", resolve)
    return {"version": "2", "parallel_read_safe": True, "parallel_write_safe": True}
