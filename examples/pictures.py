"""Every picture of the texts that this program grew from, each by one call, written into demo/.

`python examples/pictures.py FOLDER NAME ...` writes some of them elsewhere, as those of the README:
`python examples/pictures.py docs/pictures ravine rates`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from downslope import basins, minimize, plots, sweep
from downslope.methods import Momentum

RAVINE = {"max_steps": 120, "learning_rate": 0.11, "gradient_tolerance": None}


def shifted_parabola(rate):
    return minimize("x^2 - 4x + 5", -1.0, learning_rate=rate, max_steps=10, gradient_tolerance=None)


def bowl(rate):
    return minimize("0.2*x1^2 + x2^2", [9.0, -3.0], learning_rate=rate, max_steps=100, gradient_tolerance=None)


def many_minima(start):
    return minimize("x cos(x) + 9", start, learning_rate=0.1, max_steps=10, gradient_tolerance=None)


def throws(method, rates, bounds=(-np.pi / 2, np.pi / 2)):
    """The dart thrower's runs: (learning rate, most steps, loss that is good enough) each."""
    return [
        minimize("dart", method=method, learning_rate=rate, max_steps=n, target_loss=target, bounds=bounds)
        for rate, n, target in rates
    ]


def rates_by_momentum():
    betas, rates = np.linspace(0, 0.98, 99), np.linspace(0.005, 0.6, 120)
    return sweep("ravine", learning_rates=rates, methods="momentum", coefficients={"beta": betas}, max_steps=1000)


def rates_by_start():
    starts, rates = np.linspace(-5.1, 14.1, 160), np.geomspace(1e-3, 1, 120)
    return sweep("x cos(x) + 9", starts=starts, learning_rates=rates, max_steps=1000)


RATES = [(1.0, 1, 1e-3), (0.1, 10, 1e-3), (1e-2, 100, 1e-3), (1e-3, 1000, 1e-3), (1e-4, 10**4, 1e-3)]
RATES.append((1e-5, 10**5, 1e-3))
FIRST = [(0.5, 2, None), (0.25, 4, None), (0.2, 10, 0.01), (0.1, 100, 1e-3), (0.05, 1000, 1e-3), (0.01, 1000, 1e-4)]


def pictures():
    """A name, and the figure or axes."""
    region = ((-10, 10), (-4, 4))
    for x in (-1.0, 0.0, 2.0, 5.0):
        yield f"tangent-at-{x:g}", plots.tangent("x^2 - 4x + 5", x, (-2, 6))
    yield "rates", plots.descents([shifted_parabola(rate) for rate in (0.2, 0.02, 0.8, 1.01)])
    yield "surface", plots.surface("0.2*x1^2 + x2^2", region)
    yield "surface-with-a-descent", plots.surface(bowl(0.2), region)
    for rate in (0.2, 0.8):
        yield f"bowl-at-{rate}", plots.paths(bowl(rate), region, levels=30)
    yield "curve", plots.curve("x cos(x) + 9", (-5.1, 14.1))
    for start in (12.0, -3.0):
        yield f"minimum-from-{start:g}", plots.descent(many_minima(start), interval=(-5.1, 14.1))
    yield "dart-first-tries", plots.dart(throws("sign_descent", FIRST, bounds=None))
    yield "dart-gradient-descent", plots.dart(throws("gradient_descent", RATES))
    yield "dart-sign-descent", plots.dart(throws("sign_descent", RATES))
    ravine = [minimize("ravine", [-4.5, 1.5], method=m, **RAVINE) for m in ("gradient_descent", Momentum(0.85))]
    yield "ravine", plots.paths(ravine)
    yield "ravine-compared", plots.compare(ravine)
    yield "ravine-history", plots.history(ravine)
    yield "four-variables", minimize("wood", max_steps=2000).plot()
    yield "diverging", minimize("x^2", 5.0, learning_rate=1.1, max_steps=25).plot()

    yield "rates-by-momentum", plots.sweep_map(rates_by_momentum())
    yield "rates-by-start", plots.sweep_map(rates_by_start(), colour="behaviour")
    yield "basins", plots.basins(basins("himmelblau", resolution=512, learning_rate=0.01))
    yield "basins-of-one-variable", plots.basins(basins("x cos(x) + 9", (-5.1, 14.1), learning_rate=0.1))


def main(folder="demo", *names):
    """Draw and write."""
    Path(folder).mkdir(exist_ok=True)
    for name, picture in pictures():
        if names and name not in names:
            continue
        figure = picture.figure if hasattr(picture, "get_title") else picture
        figure.savefig(Path(folder) / f"{name}.png")
        print(Path(folder) / f"{name}.png")


if __name__ == "__main__":
    main(*sys.argv[1:])
