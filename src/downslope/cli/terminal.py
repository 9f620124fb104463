"""Text laid out for whoever reads it: for a terminal's width, and line by line as it is for a pipe."""

from __future__ import annotations

import itertools
import math
import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence

_GAP = "  "


def is_terminal() -> bool:
    """Whether a person looks at the standard output, and no pipe or file takes it."""
    return sys.stdout.isatty()


def width() -> int:
    """Columns of the terminal, or what COLUMNS says, or 80."""
    return shutil.get_terminal_size().columns


def bold(text: str) -> str:
    """Bold on a terminal that can, as it is elsewhere. (https://no-color.org asks for no colour; this goes further.)"""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM", "dumb") == "dumb"
    return text if plain or not is_terminal() else f"\x1b[1m{text}\x1b[0m"


def wrapped(text: str, indent: int = 2) -> str:
    """On a terminal, broken between words, the later lines indented."""
    if not is_terminal() or len(text) <= width():
        return text
    later = " " * indent
    return textwrap.fill(text, width(), subsequent_indent=later, break_long_words=False, break_on_hyphens=False)


def shortened(text: str) -> str:
    """On a terminal, cut to one line, between words."""
    if not is_terminal() or len(text) <= width():
        return text
    return text[: text.rfind(" ", 0, width() - 1)].rstrip() + "…"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Columns flush right, the first row their headings.

    What does not fit on a terminal goes into a second table below, with the first column again: a terminal
    would break its lines anywhere, also inside a number.
    """
    widths = _widths(rows)
    return "\n\n".join(_lines(rows, columns, widths) for columns in _fitting(widths))


def print_table(parts: Callable[[], Iterable[Sequence[Sequence[str]]]]) -> None:
    """The same of rows that come in parts, each of which is made anew whenever it is needed: memory holds one."""
    widths: Sequence[int] = []
    for rows in parts():
        widths = [max(pair) for pair in itertools.zip_longest(widths, _widths(rows), fillvalue=0)]
    for k, columns in enumerate(_fitting(widths)):
        if k:
            print()
        for rows in parts():
            print(_lines(rows, columns, widths))


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(len, column)) for column in zip(*rows, strict=True)]


def _lines(rows: Sequence[Sequence[str]], columns: Sequence[int], widths: Sequence[int]) -> str:
    return "\n".join(_GAP.join(row[c].rjust(widths[c]) for c in columns).rstrip() for row in rows)


def _fitting(widths: Sequence[int]) -> Iterator[list[int]]:
    """The columns of each table that fits on a terminal; elsewhere there is one."""
    room = width() if is_terminal() else math.inf
    columns, used = [0], widths[0]
    for c in range(1, len(widths)):
        if used + len(_GAP) + widths[c] > room and len(columns) > 1:
            yield columns
            columns, used = [0], widths[0]
        columns.append(c)
        used += len(_GAP) + widths[c]
    yield columns
