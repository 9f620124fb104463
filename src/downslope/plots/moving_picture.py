"""A film: a figure whose foreground moves while its background stays, and the files and pages that it becomes.

A film is described, and nothing is drawn, until a frame or a file is asked for. Then the background is drawn once,
and each frame is the background's pixels with that frame's few artists on top.
"""

from __future__ import annotations

import numbers
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from downslope.errors import InvalidInput
from downslope.storage.atomic_file import check_writable, replacing

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

    from downslope.plots.shots import Shots

MOST_FRAMES = 120
"""Longer films are thinned evenly: 12 seconds at the usual speed, and a file that can be sent."""
DPI, MOST_DPI = 100, 1000
MOST_FPS = 50.0
"""A GIF counts in hundredths of a second, and browsers slow down what is faster than two of them."""
SUFFIXES = (".gif", ".html", ".mp4", ".png")

Scene = Callable[[], "tuple[Figure, Callable[[int], list[Artist]]]"]
"""Makes a figure with its background, and the function that draws a step's foreground and returns its artists."""


class Film:
    """Frames of one figure, made when they are asked for; what `tangent_film`, `film` and `Run.animate` return.

    `frames` are the steps shown, `fps` the frames a second, `title` the name of the page. In a notebook it plays by
    itself: as a video where ffmpeg is installed, else frame by frame in JavaScript.

    >>> import downslope
    >>> film = downslope.minimize("x^2", 5.0, learning_rate=0.1, max_steps=25).animate()
    >>> film, len(film), film.frames[:3]
    (<Film 'x^2 from 5 by gradient descent, learning rate 0.1': 26 frames at 5.2 a second>, 26, (0, 1, 2))
    """

    def __init__(self, scene: Scene, last: int, *, fps: float = 10.0, title: str = ""):
        check_number("fps", fps, MOST_FPS)
        self._scene, self._last = scene, last
        self.frames = thinned(last)
        self.fps, self.title = float(fps), title

    def __len__(self) -> int:
        return len(self.frames)

    def __repr__(self) -> str:
        return f"<Film {self.title!r}: {len(self)} frame{'s' * (len(self) != 1)} at {self.fps:g} a second>"

    def frame(self, step: int) -> Figure:
        """The figure at one step, from 0; also at a step that a thinned film leaves out."""
        whole = isinstance(step, numbers.Integral) and not isinstance(step, bool)
        if not whole or not 0 <= step <= self._last:
            raise InvalidInput("step", f"must be a whole number from 0 to {self._last}", step)
        stage = self._stage()
        stage.draw(int(step))
        return stage.figure

    def save(self, path: str | os.PathLike[str], *, dpi: float = DPI, progress: bool | None = None) -> None:
        """Write the film: .gif, .html (a page that plays it, and needs no other file), .mp4, or its last frame as .png.

        A file of that name is replaced as a whole or not at all. `progress` draws a bar on the standard error where
        rendering takes longer than half a second; None where that is a terminal. Raises InvalidInput for another
        suffix or a place that cannot be written, and MissingProgram for .mp4 without ffmpeg, before anything is drawn.

        >>> import downslope, tempfile
        >>> film = downslope.minimize("x^2", 5.0, learning_rate=0.5).animate()
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     film.save(f"{folder}/film.gif")
        """
        from downslope.plots import film_files

        target = check_writable(path)
        suffix = check_suffix(target, SUFFIXES)
        check_number("dpi", dpi, MOST_DPI)
        if suffix == ".mp4":
            film_files.ffmpeg()
        with replacing(target) as file:
            if suffix == ".png":
                self.frame(self._last).savefig(file, dpi=dpi)
            else:
                film_files.WRITERS[suffix](self._shots(dpi, progress), self, file)

    def _repr_html_(self) -> str:
        from downslope.plots import film_files

        return film_files.in_notebook(self._shots(DPI, None), self)

    def _shots(self, dpi: float, progress: bool | None) -> Shots:
        from downslope.plots.shots import Shots

        return Shots(self._stage(dpi), self.frames, progress)

    def _stage(self, dpi: float = DPI) -> Stage:
        """The figure with the limits and the layout that hold its last frame, so that none of the frames jumps."""
        figure, draw = self._scene()
        figure.set_dpi(dpi)
        artists = draw(self._last)
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        for axes in figure.axes:
            axes.autoscale(False)
        titles: list[Any] = [axes.title for axes in figure.axes]
        if (suptitle := getattr(figure, "_suptitle", None)) is not None:
            titles.append(suptitle)
        for artist in artists:
            artist.remove()
        return Stage(figure, draw, titles)


class Stage(NamedTuple):
    """A figure with its background, what draws a step's foreground, and the titles, which change as well."""

    figure: Figure
    draw: Callable[[int], list[Any]]
    titles: list[Any]


def thinned(last: int) -> tuple[int, ...]:
    """0 ... last, or 120 of them evenly, the first and the last among them.

    >>> thinned(3), len(thinned(10_000)), thinned(10_000)[:3], thinned(10_000)[-1]
    ((0, 1, 2, 3), 120, (0, 84, 168), 10000)
    """
    return tuple(np.linspace(0, last, min(last + 1, MOST_FRAMES)).round().astype(int).tolist())


def check_suffix(path: Path, known: tuple[str, ...], parameter: str = "path") -> str:
    """The end of a file's name, which says its format; InvalidInput where it is none of those known."""
    suffix = path.suffix.lower()
    if suffix not in known:
        raise InvalidInput(parameter, f"must end with {', '.join(known[:-1])} or {known[-1]}", str(path))
    return suffix


def check_number(parameter: str, value: Any, most: float) -> None:
    """InvalidInput where `value` is no number in (0, most]."""
    if not isinstance(value, numbers.Real) or isinstance(value, bool) or not 0 < float(value) <= most:
        raise InvalidInput(parameter, f"must be a number above 0, up to {most:g}", value)
