"""Formulas as pictures inside the page, drawn when the site is built.

No script sets them, no font is fetched and no other site is asked; they have the text's colour, light or dark.
"""

from __future__ import annotations

import functools
import re
from typing import Any

import ziamath
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)
SIZE = 17.0
"""Pixels, which the text's own letters of 16 look as high as."""


@functools.cache
def drawn(formula: str, inline: bool) -> tuple[str, float]:
    """The SVG, and by how many pixels it reaches below the line (negative)."""
    picture = ziamath.Latex(formula, size=SIZE, inline=inline, color="currentColor")
    return picture.svg(), picture.getyofst()


def latex(node: nodes.Element) -> str:
    """As the renderer takes it: lines that are aligned stand in `align*`."""
    formula = node.astext().strip()
    if r"\\" in formula and r"\begin" not in formula:
        formula = rf"\begin{{aligned}}{formula}\end{{aligned}}"
    return re.sub(r"\{(aligned|split|gathered)\}", "{align*}", formula)


def picture(writer: Any, node: nodes.Element, inline: bool) -> str:
    """With the formula itself as its text alternative; as it was typed where it cannot be drawn, which is told."""
    try:
        svg, below = drawn(latex(node), inline)
    except Exception as error:  # whatever the two libraries behind it raise
        LOGGER.warning("formula cannot be drawn: %r: %s", error, node.astext(), location=node)
        return f"<code>{writer.encode(node.astext())}</code>"
    label = writer.attval(" ".join(node.astext().split()))
    attributes = f'<svg role="img" aria-label="{label}" style="vertical-align: {below:.2f}px" '
    return svg.replace("<svg ", attributes, 1)


def visit_inline(writer: Any, node: nodes.math) -> None:
    """Within a line."""
    writer.body.append(picture(writer, node, True))
    raise nodes.SkipNode


def visit_block(writer: Any, node: nodes.math_block) -> None:
    """On a line of its own, which scrolls where it is wider than the page."""
    writer.body.append(f'<div class="formula">{picture(writer, node, False)}</div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx's way in; `html_math_renderer` names it."""
    app.add_html_math_renderer("pictures", (visit_inline, None), (visit_block, None))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
