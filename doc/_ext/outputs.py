"""What the Python blocks of a page print, below each of them.

Blocks of a page run in order in one namespace and in a temporary folder, when the page is
read; one that fails is a warning. Nothing printed on this site was typed in.
"""

import contextlib
import io
import os
import tempfile
import traceback
from fnmatch import fnmatch

from docutils import nodes
from sphinx.util import logging

logger = logging.getLogger(__name__)


def run_blocks(app, doctree):
    docname = app.env.docname
    if any(fnmatch(docname, pattern) for pattern in app.config.outputs_exclude):
        return
    # Blocks with a source are literal includes: lines of a file, not a program.
    blocks = [
        block
        for block in doctree.findall(nodes.literal_block)
        if block.get("language") == "python" and "source" not in block
    ]
    namespace = {}
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for block in blocks:
            printed = io.StringIO()
            try:
                with contextlib.redirect_stdout(printed):
                    exec(compile(block.astext(), f"<{docname}>", "exec"), namespace)
            except Exception:
                logger.warning("code block fails:\n%s", traceback.format_exc(), location=block)
                return
            text = printed.getvalue().replace(folder + os.sep, "").rstrip()
            if text:
                output = nodes.literal_block(text, text, language="none", classes=["output"])
                block.parent.insert(block.parent.index(block) + 1, output)


def setup(app):
    app.add_config_value("outputs_exclude", [], "env", list)
    app.connect("doctree-read", run_blocks)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}
