"""Films of the texts that this program grew from, each by one call, written into demo/."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from pictures import RAVINE, bowl, many_minima, shifted_parabola

from downslope import minimize, plots
from downslope.methods import Momentum

OUT = Path("demo")


def films():
    """A file's name, and the film."""
    region = ((-10, 10), (-4, 4))
    tangent = plots.tangent_film("x^2 - 4x + 5", np.arange(-1, 5.5, 0.5), (-1.5, 5.5))
    yield "tangent.gif", tangent
    yield "tangent.html", tangent  # with buttons and a slider
    yield "rates.gif", plots.film([shifted_parabola(rate) for rate in (0.2, 0.02, 0.8, 1.01)], region=(-2.5, 6.5))
    yield "minimum.gif", plots.film([many_minima(start) for start in (12.0, -3.0)], region=(-5.1, 14.1))
    for rate in (0.2, 0.8):
        yield f"bowl-at-{rate}.gif", bowl(rate).animate(region=region)
    yield "surface.gif", bowl(0.8).animate(view="surface", region=region)
    ravine = [minimize("ravine", [-4.5, 1.5], method=m, **RAVINE) for m in ("gradient_descent", Momentum(0.85))]
    yield "race.gif", plots.film(ravine)


def main():
    """Render and write."""
    OUT.mkdir(exist_ok=True)
    for name, film in films():
        film.save(OUT / name)
        print(OUT / name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
