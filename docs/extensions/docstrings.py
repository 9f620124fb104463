"""Docstrings as the library writes them, for Sphinx.

They are read at a prompt first, so they follow Markdown's habits where reStructuredText has others: an indented block
is code, a paragraph at the margin ends a list of parameters, and a name in single backticks is code, or a link where it
is public.
"""

from __future__ import annotations

import dataclasses
import importlib
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from downslope.coefficients import coefficients

if TYPE_CHECKING:
    from sphinx.application import Sphinx

AREAS = ("downslope", *(f"downslope.{name}" for name in ("learning_rates", "methods", "plots", "training", "torch")))
_UNDERLINE = re.compile(r"-{3,}$")
_NAME = re.compile(r"(?<![`:])`([^`]+)`(?!`)")


def homes() -> dict[str, str]:
    """Where each public name has its entry: `downslope` itself before its modules."""
    found: dict[str, str] = {}
    for area in reversed(AREAS):
        if area != "downslope.torch":  # its classes have the names of ours
            found |= {name: f"{area}.{name}" for name in importlib.import_module(area).__all__}
    return found | {"lab": "downslope.lab.opening.lab"}  # the package of this name is called in its place


HOMES = homes()


def mend(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Before napoleon reads them, which takes what stands before a colon in an attribute's first line for its type."""
    found = [*with_coefficients(obj, lines)] if what == "class" else lines
    found = [*marked_up(with_ended_sections(found), name)]
    lines[:] = ["..", "", *found] if what in ("attribute", "data", "property") else found


def with_coefficients(kind: Any, lines: list[str]) -> Iterator[str]:
    """The coefficients of a method or learning rate, with their intervals, before the example."""
    intervals = coefficients(kind)
    example = next((k for k, line in enumerate(lines) if line.startswith(">>>")), len(lines))
    yield from lines[:example]
    if intervals:
        yield from ("Parameters", "----------")
        for field in dataclasses.fields(kind):
            if field.name in intervals:
                meaning = field.metadata.get("meaning", "").rstrip(".")
                yield from (field.name, f"    {meaning[:1].upper()}{meaning[1:]}; in {intervals[field.name]}.")
        yield ""
    yield from lines[example:]


def with_ended_sections(lines: list[str]) -> Iterator[str]:
    """Napoleon takes what follows a section for more of it, unless two blank lines stand between."""
    inside = False
    for k, line in enumerate(lines):
        is_title = k + 1 < len(lines) and _UNDERLINE.match(lines[k + 1])
        if inside and line and not line[0].isspace() and not lines[k - 1] and not is_title:
            yield ""
            inside = False
        inside = inside or bool(is_title)
        yield line


def marked_up(lines: Iterable[str], name: str) -> Iterator[str]:
    """Examples as they are, indented blocks as code, and names elsewhere as code or links."""
    inside, before = "text", ""
    for line in lines:
        indented = line[:1].isspace()
        if inside == "block" and line and not indented:
            inside = "text"
        if inside == "example" and not line:
            inside = "text"
        if inside == "text" and line.startswith(">>>"):
            inside = "example"
        if inside == "text" and indented and not before:
            yield from ("::", "")
            inside = "block"
        before = line
        yield line if inside != "text" else _NAME.sub(lambda found: linked(found[1], name), line.replace("|", r"\|"))


def linked(text: str, inside: str) -> str:
    """A link to the public name, unless that is the one being told; else code."""
    home = HOMES.get(text.removeprefix("downslope.").removesuffix("()"))
    return f":py:obj:`{text} <{home}>`" if home and home != inside else f"``{text}``"


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx's way in."""
    app.connect("autodoc-process-docstring", mend, priority=400)  # napoleon's is 500
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
