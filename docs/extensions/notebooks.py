"""Each page that is a notebook can be taken along as one: a link under its title gives the .ipynb.

Sphinx's directives become what JupyterLab and marimo show: answers are unfolded, and a page of the laboratory becomes
the line of Python that opens it.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

import jupytext
import nbformat

_FENCE = re.compile(r"(?P<fence>`{3,}|:{3,})\{(?P<name>[\w-]+)\} *(?P<title>.*)$")
_OPTION = re.compile(r":([\w-]+): *(.*)$")
_LINK = re.compile(r"\[([^\]]*)\]\((?!\w+:)([^)#]+\.md)(#[^)]*)?\)")


def is_notebook(path: Path) -> bool:
    """Whether the page says so of itself."""
    return path.suffix == ".md" and path.read_text(encoding="utf-8").startswith("---\nfile_format: mystnb\n")


def notebook(path: Path) -> nbformat.NotebookNode:
    """The page as a notebook."""
    page = jupytext.read(path, fmt="md:myst")
    for k, cell in enumerate(page.cells):
        cell["id"] = f"cell-{k}"  # the same in every build
        if cell.cell_type == "markdown":
            cell.source = linked(plain(cell.source), path)
    return page


def plain(text: str) -> str:
    """Markdown without directives."""
    lines, out = text.split("\n"), []
    while lines:
        line = lines.pop(0)
        opening = _FENCE.match(line)
        if opening is None:
            out.append(line)
            continue
        end = lines.index(opening["fence"])
        out += told(opening["name"], opening["title"], lines[:end])
        del lines[: end + 1]
    return "\n".join(out)


def told(name: str, title: str, body: list[str]) -> list[str]:
    """One directive as Markdown: its title in bold, and what it holds."""
    options: dict[str, str] = {}
    while body and (option := _OPTION.match(body[0])):
        options[option[1]] = option[2]
        body = body[1:]
    if name == "laboratory":
        return laboratory(title, options)
    if name in ("eval-rst", "toctree"):  # of the site alone
        return []
    if name == "math":
        return ["$$", *body, "$$"]
    return [f"**{title or name.capitalize()}**", "", *plain("\n".join(body)).strip("\n").split("\n")]


def laboratory(fun: str, options: dict[str, str]) -> list[str]:
    """How to open what the page of the site shows."""
    arguments = [repr(fun)]
    if "start" in options:
        numbers = [float(part) for part in options["start"].split(",")]
        arguments.append(repr(numbers[0] if len(numbers) == 1 else numbers))
    for name in ("method", "learning-rate", "max-steps"):
        if name in options:
            value = repr(options[name]) if name == "method" else options[name]
            arguments.append(f"{name.replace('-', '_')}={value}")
    title = options.get("title", f"gradient descent on {fun}")
    return [f"**In the laboratory: {title}.** A cell with this line opens it:", "", "```python",
            f"downslope.lab({', '.join(arguments)})", "```"]  # fmt: skip


def linked(text: str, path: Path) -> str:
    """Links to other notebooks lead to their files; those to other pages, which a notebook has not beside it, go."""

    def link(found: re.Match[str]) -> str:
        words, target = found[1], found[2]
        if not is_notebook(path.parent / target):
            return words or Path(target).stem
        return f"[{words}]({posixpath.splitext(target)[0]}.ipynb)"

    return _LINK.sub(link, text)


def write(app: Any, error: Exception | None) -> None:
    """Beside their pages, when the site is built."""
    if error is None and app.builder.format == "html":
        for name in app.env.found_docs:
            path = Path(app.env.doc2path(name))
            if is_notebook(path):
                there = Path(app.outdir, f"{name}.ipynb")
                there.parent.mkdir(parents=True, exist_ok=True)
                nbformat.write(notebook(path), there)


def offer(app: Any, name: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """The link, under the page's title."""
    if doctree is not None and is_notebook(Path(app.env.doc2path(name))):
        file = f"{posixpath.basename(name)}.ipynb"
        link = (
            f'<p class="notebook"><a href="{file}" download>This page as a notebook</a>, for JupyterLab or marimo</p>'
        )
        context["body"] = context["body"].replace("</h1>", f"</h1>\n{link}", 1)


def setup(app: Any) -> dict[str, Any]:
    """Sphinx's way in."""
    app.connect("html-page-context", offer)
    app.connect("build-finished", write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
