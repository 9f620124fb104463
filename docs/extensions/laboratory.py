"""The directive `laboratory`: a page of the laboratory that works without Python, inside a page of the documentation.

    ```{laboratory} x**2
    :start: 5
    :learning-rate: 0.3
    :title: The marble on x squared
    ```

The argument is a formula or the name of a gallery problem. The library's own exporter makes one file for each set of
options, which is kept between builds, since it takes seconds.
"""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from library import fingerprint
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.osutil import relative_uri

from downslope.errors import DownslopeError
from downslope.lab.laboratory import Laboratory
from downslope.lab.settings import setting

FOLDER = "_static/laboratory"


def numbers(text: str) -> list[float]:
    """The option `start`: one number a variable, with commas between."""
    return [float(part) for part in text.split(",")]


class LaboratoryPage(nodes.General, nodes.Element):
    """Where a page of the laboratory stands: `setting` and `title`."""


class LaboratoryDirective(SphinxDirective):
    """Checks the options, so that a wrong one is told with its line."""

    required_arguments = 1
    final_argument_whitespace = True
    option_spec = {  # noqa: RUF012  # docutils' own form
        "start": numbers,
        "learning-rate": float,
        "method": directives.unchanged_required,
        "max-steps": int,
        "title": directives.unchanged_required,
    }

    def run(self) -> list[nodes.Node]:
        """The place of the page."""
        options = dict(self.options)
        title = options.pop("title", f"Gradient descent on {self.arguments[0]}")
        asked = {"fun": self.arguments[0]} | {name.replace("-", "_"): value for name, value in options.items()}
        try:
            setting(asked, Laboratory().functions)
        except DownslopeError as error:
            raise self.error(str(error)) from error
        page = LaboratoryPage(setting=asked, title=title)
        self.set_source_info(page)
        return [page]


def visit_html(writer: Any, node: LaboratoryPage) -> None:
    """A lazy frame, and a link that gives the page the whole window."""
    builder = writer.builder
    name = exported(Path(builder.outdir), node["setting"], node["title"])
    address = relative_uri(builder.get_target_uri(writer.docnames[-1]), posixpath.join(FOLDER, name))
    title = writer.attval(node["title"])
    writer.body.append(
        f'<figure class="laboratory">\n<iframe src="{address}" title="Laboratory: {title}" loading="lazy"></iframe>\n'
        f'<figcaption><span>{writer.encode(node["title"])}</span> <a href="{address}" target="_blank">'
        "Open it alone</a></figcaption>\n</figure>\n"
    )
    raise nodes.SkipNode


def visit_text(writer: Any, node: LaboratoryPage) -> None:
    """Elsewhere only what it is about."""
    writer.add_text(f"[{node['title']}]")
    raise nodes.SkipNode


def exported(site: Path, asked: dict[str, Any], title: str) -> str:
    """The file's name in the site's static files; made where it is not there yet."""
    told = json.dumps([asked, title, fingerprint()], sort_keys=True)
    name = hashlib.sha256(told.encode()).hexdigest()[:16] + ".html"
    path = site / FOLDER / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}")  # two processes may make the same page
        # Sphinx writes in processes that are forked, where JAX, which the gallery has started before, hangs.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
            partial.write_text(fresh.submit(content, asked, title).result(), encoding="utf-8")
        partial.replace(path)
    return name


def content(asked: dict[str, Any], title: str) -> str:
    """The page itself."""
    return str(Laboratory().call("export", {**asked, "title": title})["content"])


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx's way in."""
    app.add_node(LaboratoryPage, html=(visit_html, None), text=(visit_text, None))
    app.add_directive("laboratory", LaboratoryDirective)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
