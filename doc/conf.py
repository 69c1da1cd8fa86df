"""Sphinx site: ``python -m sphinx -W --keep-going -b html doc doc/_build/html``.

``-D plot_gallery=0`` leaves the examples out, which take most of the time.
"""

import inspect
import shutil
import sys
from pathlib import Path

import matplotlib

import sklearn_activation
import sklearn_activation.augmentation
import sklearn_activation.plotting

matplotlib.use("Agg")
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "_ext"))

import inventories  # noqa: E402

project = "sklearn_activation"
author = "the sklearn_activation developers"
project_copyright = author
release = version = sklearn_activation.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.viewcode",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
    "sphinx_copybutton",
    "matplotlib.sphinxext.plot_directive",
    "charts",
    "mathml",
    "measured",
    "outputs",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "_ext", "_templates", "api/backreferences"]
default_role = "literal"

html_math_renderer = "mathml"
outputs_exclude = ["auto_examples/*", "api/*"]
intersphinx_mapping = inventories.write(HERE / "_build" / "inventories")
autosummary_generate = True
autosummary_context = {
    "first_lines": {
        f"{module.__name__}.{name}": inspect.getdoc(getattr(module, name)).splitlines()[0]
        for module in (
            sklearn_activation,
            sklearn_activation.augmentation,
            sklearn_activation.plotting,
        )
        for name in module.__all__
    }
}
autodoc_typehints = "none"
add_module_names = False
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

plot_include_source = True
plot_html_show_formats = False
plot_html_show_source_link = False
plot_formats = [("png", 120)]
plot_rcparams = {"figure.figsize": (9, 4.2), "font.size": 10}
plot_apply_rcparams = True


def copied_examples():
    """A copy of ../examples: the pictures that examples save then lie in _build."""
    copy = HERE / "_build" / "examples"
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir(parents=True)
    for path in sorted((HERE.parent / "examples").glob("*")):
        if path.suffix in {".py", ".rst"}:
            shutil.copy2(path, copy)
    return str(copy)


sphinx_gallery_conf = {
    "examples_dirs": copied_examples(),
    "gallery_dirs": "auto_examples",
    "within_subsection_order": "order.ReadingOrder",
    "filename_pattern": r"plot_",
    "backreferences_dir": "api/backreferences",
    "doc_module": ("sklearn_activation",),
    "reference_url": {},
    "capture_repr": (),
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "min_reported_time": 1,
    "write_computation_times": False,  # that page would load scripts from elsewhere
    "remove_config_comments": True,
}

html_theme = "pydata_sphinx_theme"
html_title = "sklearn_activation"
html_logo = "_static/logo.svg"
html_favicon = "_static/logo.svg"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_show_sphinx = False
html_sidebars = {
    "index": [],
    "install": [],
    "choosing": [],
    "cheat_sheet": [],
    "faq": [],
    "glossary": [],
    "benchmarks": [],
    "compatibility": [],
    "changes": [],
    "cite": [],
}
html_theme_options = {
    "logo": {"text": "sklearn_activation"},
    "icon_links": [],
    "navbar_end": ["theme-switcher"],
    "header_links_before_dropdown": 6,
    "navbar_align": "left",
    "navbar_persistent": ["search-button"],
    "secondary_sidebar_items": {"**": ["page-toc"], "index": [], "choosing": []},
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_prev_next": True,
    "search_bar_text": "Search",
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
