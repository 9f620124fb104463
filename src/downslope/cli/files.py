"""Where pictures and films go: checked before anything is computed, and written whole or not at all."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

PICTURES = (".png", ".svg", ".pdf", ".jpg")
FILMS = (".gif", ".html", ".mp4")


def check_place(place: str, suffixes: tuple[str, ...], parameter: str = "save") -> str:
    """The suffix; raises where no such file can be written there."""
    from downslope.plots.film_files import ffmpeg
    from downslope.plots.moving_picture import check_suffix
    from downslope.storage.atomic_file import check_writable

    check_writable(place, parameter)
    suffix = check_suffix(Path(place), suffixes, parameter)
    if suffix == ".mp4":
        ffmpeg()
    return suffix


def write(figure: Figure | SubFigure, place: str) -> None:
    """Write a picture in the format that its suffix tells."""
    from downslope.storage.atomic_file import replacing

    with replacing(Path(place)) as file:
        figure.figure.savefig(file, format=Path(place).suffix[1:].lower())
    say_saved(place)


def say_saved(place: Any) -> None:
    """On the standard error, so that the standard output is the same with and without a file."""
    print(f"saved to {place}", file=sys.stderr)
