"""A picture of a long run, and films of a hundred frames.

Goals: a run of 10,000 steps in two variables in at most 1 s, 100 frames at 100 dpi in at most 15 s.
"""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

from timing import interleaved, print_machine, print_table

import downslope
from downslope import plots

FOREVER = {"gradient_tolerance": None}


def main():
    """Draw and write, landscape included, and print the times."""
    print(__doc__)
    print_machine("matplotlib", "pillow", "jax", "numpy")
    long = downslope.minimize("rosenbrock", learning_rate=1e-3, max_steps=10_000, **FOREVER)
    short = downslope.minimize("bowl_2d", learning_rate=0.02, max_steps=99, **FOREVER)
    with tempfile.TemporaryDirectory() as folder:
        candidates = {
            "paths, 10,000 steps": lambda: plots.paths(long).figure.savefig(io.BytesIO()),
            "run.plot(), 10,000 steps": lambda: long.plot().savefig(io.BytesIO()),
            "film, contours, 100 frames": lambda: short.animate().save(Path(folder) / "film.gif", dpi=100),
            "film, surface, 100 frames": lambda: short.animate(view="surface").save(Path(folder) / "film.gif", dpi=100),
        }
        print_table(interleaved(candidates, rounds=5), unit="s", scale=1)


if __name__ == "__main__":
    main()
