"""The built page: where its files are, and what is said where they are not."""

from __future__ import annotations

from pathlib import Path

from downslope.errors import PageNotBuilt

PAGE = Path(__file__).parent / "page"
"""Where Vite builds to."""


def check_page(page: Path | None = None) -> None:
    """Raise PageNotBuilt where there is none."""
    if not ((page or PAGE) / "index.html").is_file():
        raise PageNotBuilt


def script(name: str) -> str:
    """One of the built scripts; PageNotBuilt where it is not there."""
    path = PAGE / name
    if not path.is_file():
        raise PageNotBuilt
    return path.read_text(encoding="utf-8")
