"""How the pages are built: Sphinx, MyST-NB, furo, and what is ours in `made/`."""

import os
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

# The notebook has a folder of its own beside this one; Sphinx reads only what lies below here.
(HERE / "notebooks").mkdir(exist_ok=True)
shutil.copyfile(HERE.parent / "notebooks" / "cifar10.ipynb", HERE / "notebooks" / "cifar10.ipynb")

project = "deepres"
author = "The deepres developers"
copyright = "The deepres developers, MIT licence"
html_title = "deepres"
extensions = ["myst_nb", "docs.made.site"]
exclude_patterns = ["made", "_static"]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb"}
suppress_warnings: list[str] = []
nitpicky = True

myst_enable_extensions = ["colon_fence", "attrs_block", "attrs_inline"]
myst_heading_anchors = 3

# The notebook is stored without outputs and runs here, at the scale of a minute; DOCS_NOTEBOOK=off
# leaves it as it is, for a quick look at the pages.
nb_execution_mode = os.environ.get("DOCS_NOTEBOOK", "force")
nb_execution_timeout = 600
nb_execution_raise_on_error = True
nb_merge_streams = True

templates_path: list[str] = []
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#1f5fa8",
        "color-brand-content": "#1f5fa8",
        "font-stack": "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif",
    },
    "dark_css_variables": {
        "color-brand-primary": "#7fb4f0",
        "color-brand-content": "#7fb4f0",
    },
}
