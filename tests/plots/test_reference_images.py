"""A few pictures as a whole, against those that people have looked at and found right.

To make them anew: delete the file in reference/, run this test twice, and look at what the first run wrote.
"""

from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.testing.compare import compare_images

import downslope
from downslope import plots
from downslope.methods import Momentum

REFERENCE = Path(__file__).parent / "reference"
TOLERANCE = 5.0
"""Root mean square over the pixels' 0 to 255. The same versions give 0; a tangent at another point gives 9, a surface
without its path 15, a race without one of its paths 45. Another default font gives 8 to 15: the default is set here."""


def ravine():
    methods = ("gradient_descent", Momentum(0.85))
    return [
        downslope.minimize("ravine", [-4.5, 1.5], method=m, learning_rate=0.11, max_steps=120, gradient_tolerance=None)
        for m in methods
    ]


def rates():
    return [
        downslope.minimize("x^2 - 4x + 5", -1.0, learning_rate=rate, max_steps=10, gradient_tolerance=None)
        for rate in (0.2, 0.02, 0.8, 1.01)
    ]


PICTURES = {
    "tangent": lambda: plots.tangent("x^2 - 4x + 5", 0, (-1, 5)),
    "rates": lambda: plots.descents(rates()),
    "ravine": lambda: plots.paths(ravine()),
    "surface": lambda: plots.surface(
        downslope.minimize("0.2*x1^2 + x2^2", [9.0, -3.0], learning_rate=0.2, max_steps=100), ((-10, 10), (-4, 4))
    ),
    "runaway": lambda: downslope.minimize("x^2", 5.0, learning_rate=1.1, max_steps=40).plot(),
    "sweep": lambda: plots.sweep_map(
        downslope.sweep(
            "ravine",
            starts=[[-4.5, 1.5]],
            learning_rates=np.linspace(0.01, 0.6, 40),
            methods="momentum",
            coefficients={"beta": np.linspace(0, 0.9, 30)},
            max_steps=500,
        ),
        colour="behaviour",
    ),
    "basins": lambda: plots.basins(downslope.basins("himmelblau", resolution=100, learning_rate=0.01)),
    "darts": lambda: plots.dart(
        downslope.minimize("dart", learning_rate=0.01, target_loss=1e-3, bounds=(-np.pi / 2, np.pi / 2))
    ),
}


@pytest.mark.sampled
@pytest.mark.parametrize("name", PICTURES)
def test_it_looks_as_it_did(name, tmp_path):
    with matplotlib.rc_context(matplotlib.rcParamsDefault):
        picture = PICTURES[name]()
        figure = picture.figure if hasattr(picture, "get_title") else picture
        figure.savefig(tmp_path / f"{name}.png", dpi=50)
    reference = REFERENCE / f"{name}.png"
    if not reference.exists():
        reference.write_bytes((tmp_path / f"{name}.png").read_bytes())
        pytest.fail(f"there was no {reference.name}; this is it: look at it, and run again")
    assert reference.stat().st_size < 50_000
    assert compare_images(str(reference), str(tmp_path / f"{name}.png"), tol=TOLERANCE) is None
