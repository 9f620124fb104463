"""What sphinx-gallery takes from a script of examples/gallery/: the picture or film that its last line gives.

Its text alternative is the second paragraph of the script's docstring, which tells what is seen.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import matplotlib as mpl
from docutils import nodes
from sphinx.application import Sphinx
from sphinx_gallery.scrapers import figure_rst

from downslope.plots import Film

_THUMB = re.compile(r"sphx_glr_(\w+)_thumb\.")


def seen(script: Path) -> str:
    """The second paragraph of its docstring, on one line."""
    docstring = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))) or ""
    return " ".join(docstring.split("\n\n")[1].split())


def scrape(block: Any, block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    """Called after each block of a script; what it shows, as reStructuredText."""
    found = block_vars["example_globals"].get("___")
    if found is None:
        return ""
    path = Path(next(block_vars["image_path_iterator"]))
    if isinstance(found, Film):
        path = path.with_suffix(".gif")
        found.save(path)
    else:
        with mpl.rc_context({"savefig.dpi": 120}):
            found.get_figure().savefig(path)
    return figure_rst([str(path)], gallery_conf["src_dir"], seen(Path(block_vars["src_file"])))


def describe(app: Sphinx, doctree: nodes.document) -> None:
    """The small pictures of the gallery's front page have the text alternatives of the large ones."""
    for image in doctree.findall(nodes.image):
        thumb = _THUMB.search(image["uri"])
        if thumb:
            image["alt"] = seen(Path(app.confdir, app.config.sphinx_gallery_conf["examples_dirs"], f"{thumb[1]}.py"))


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx's way in."""
    app.connect("doctree-read", describe)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def _get_sg_image_scraper() -> Any:
    """By which sphinx-gallery finds it, from the name of this module."""
    return scrape
