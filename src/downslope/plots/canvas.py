"""Figures and axes that belong to nobody else: no window, no display, none kept open.

pyplot keeps every figure until it is closed, warns after twenty, and may open windows. These figures are plain
objects, freed with their last reference; a notebook shows them, and their axes, by `_repr_png_`.
"""

from __future__ import annotations

import io
import math
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from mpl_toolkits.mplot3d import Axes3D

from downslope.errors import InvalidInput

WIDTH, HEIGHT = 6.4, 4.8
"""Inches of one picture."""
DPI = 100
LINE = 0.17
"""Inches of a legend's line."""


class Picture(Figure):
    """A figure that a notebook shows where it is the last line of a cell."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png")
        return buffer.getvalue()


class PictureAxes(Axes):
    """Axes that a notebook shows with their figure."""

    def _repr_png_(self) -> bytes:
        return _png_of(self)


class PictureAxes3D(Axes3D):
    """The same in three dimensions."""

    def _repr_png_(self) -> bytes:
        return _png_of(self)


def _png_of(ax: Axes) -> bytes:
    figure = ax.figure
    assert isinstance(figure, Picture)  # these classes are made below alone
    return figure._repr_png_()


def figure(width: float = WIDTH, height: float = HEIGHT) -> Picture:
    """An empty figure of so many inches, whose layout keeps labels apart."""
    return Picture(figsize=(width, height), dpi=DPI, layout="constrained")


def axes(ax: Axes | None, n_lines: int = 0) -> Axes:
    """`ax`, or axes in a figure of their own, with room for so many lines of a legend below."""
    return figure(height=HEIGHT + LINE * n_lines).add_subplot(axes_class=PictureAxes) if ax is None else ax


def make_room(ax: Axes, n_lines: int) -> None:
    """The same for axes that are already drawn in a figure of their own, once the legend's length is known."""
    drawn: Any = ax.figure
    drawn.set_figheight(drawn.get_figheight() + LINE * n_lines)


def axes_3d(ax: Axes | None) -> Axes3D:
    """`ax`, which must be three-dimensional, or such axes in a figure of their own."""
    if ax is None:
        made: Any = figure().add_subplot(axes_class=PictureAxes3D)
        return made
    if not isinstance(ax, Axes3D):
        raise InvalidInput("ax", 'must be three-dimensional, made with projection="3d"', ax)
    return ax


def grid(n_panels: int, width: float = WIDTH, height: float = HEIGHT) -> tuple[Picture, list[Axes]]:
    """A figure with so many panels in rows of nearly equal length, each of so many inches."""
    n_columns = math.ceil(math.sqrt(n_panels)) if n_panels != 3 else 3
    n_rows = math.ceil(n_panels / n_columns)
    drawn = figure(width * n_columns, height * n_rows)
    return drawn, [drawn.add_subplot(n_rows, n_columns, k + 1) for k in range(n_panels)]
