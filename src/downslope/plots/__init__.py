"""Pictures and films of functions and of runs, by matplotlib.

    one variable      curve, tangent, descent, descents
    two variables     contours, paths, surface
    many variables    projection
    any number        losses, distances, gradients, rates; history, compare, plot
    the dart problem  dart
    many runs         sweep_map, loss_by_rate, basins
    films             film, tangent_film; a Film saves itself, and plays in a notebook

What draws one picture takes `ax`, and returns the axes: yours, or its own in a figure of its own. What draws
several returns the figure. Nothing opens a window, and pyplot is not used: figures are freed as other objects are.
In a notebook, what is returned shows itself; in a script, `ax.figure.savefig("picture.png")` writes it. For a
window, make the axes by `matplotlib.pyplot.subplots()` and give them.
"""

from __future__ import annotations

import importlib

from downslope.errors import MissingExtra

try:
    importlib.import_module("matplotlib")
except ImportError:
    raise MissingExtra("downslope.plots", "matplotlib", extra="plots") from None

from downslope.plots.basins import basins
from downslope.plots.dart import dart
from downslope.plots.films import film, tangent_film
from downslope.plots.history import distances, gradients, losses, rates
from downslope.plots.line import curve, descent, descents, tangent
from downslope.plots.moving_picture import Film
from downslope.plots.plane import contours, paths
from downslope.plots.projection import projection
from downslope.plots.rate_curve import loss_by_rate
from downslope.plots.surface import surface
from downslope.plots.sweeps import sweep_map
from downslope.plots.together import compare, history, plot

__all__ = [
    "Film",
    "basins",
    "compare",
    "contours",
    "curve",
    "dart",
    "descent",
    "descents",
    "distances",
    "film",
    "gradients",
    "history",
    "loss_by_rate",
    "losses",
    "paths",
    "plot",
    "projection",
    "rates",
    "surface",
    "sweep_map",
    "tangent",
    "tangent_film",
]
