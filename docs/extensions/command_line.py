"""The directive `command-line`: a section for each command of the program, made of what the program says of itself.

It asks the same objects that print `downslope COMMAND --help`, so a command or an option that is added is on the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import typer
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from downslope.cli.app import app as program

NAME = "downslope"


class CommandLine(SphinxDirective):
    """Writes reStructuredText, which Sphinx's own `option` directive makes findable."""

    def run(self) -> list[nodes.Node]:
        """Sections in the order of `downslope --help`."""
        return self.parse_text_to_nodes("\n".join(lines()), allow_section_headings=True)


def lines() -> Iterator[str]:
    """Of all commands."""
    group = typer.main.get_command(program)
    above = group.make_context(NAME, [], resilient_parsing=True)
    yield from (told(group.help), "")
    yield from options(group, above)
    for name, command in group.commands.items():
        context = command.make_context(name, [], parent=above, resilient_parsing=True)
        title = f"{NAME} {name}"
        usage = " ".join([title, *command.collect_usage_pieces(context)])
        yield from (title, "-" * len(title), "", told(command.help), "")
        yield from (".. code-block:: console", "", f"   $ {usage}", "", f".. program:: {title}", "")
        yield from options(command, context)
        if command.epilog:
            yield from (told(command.epilog), "")


def options(command: Any, context: Any) -> Iterator[str]:
    """Arguments and options, as `--help` has them."""
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            names, words = record
            yield from (f".. option:: {names}", "", f"   {told(words)}", "")


def told(text: str | None) -> str:
    """Plain words on one line: names in backticks become code, and nothing else is markup."""
    escaped = re.sub(r"([\\*|_])", r"\\\1", " ".join((text or "").split()))
    return re.sub(r"`([^`]+)`", lambda name: f"``{name[1].replace(chr(92), '')}``", escaped)


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx's way in."""
    app.add_directive("command-line", CommandLine)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
