"""What `make demo` runs: real functions, minimised; the records are written to demo/ and the ends printed."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import numpy as np

import downslope
from downslope import methods

OUT = Path("demo")

# A cup of tea in a room: minutes, and temperature in degrees Celsius.
MINUTES = np.array([0.0, 2, 4, 6, 8, 10, 15, 20, 25, 30])
DEGREES = np.array([92.0, 86.1, 80.8, 76.1, 71.9, 68.2, 60.5, 54.7, 50.3, 47.0])


def cooling_error(room, excess, rate):
    """Mean squared error of Newton's law of cooling, with the rate in 1 / (100 minutes)."""
    predicted = room + excess * np.exp(-rate / 100 * MINUTES)
    return np.mean((predicted - DEGREES) ** 2)


def runs():
    """The demonstrations: a title and a run."""
    for rate in (0.1, 0.5, 0.9, 1.1):
        yield f"x^2 from 5 at rate {rate}", downslope.minimize("x^2", 5.0, learning_rate=rate, max_steps=25)
    yield "a dart thrower finds the angle", downslope.minimize("dart", learning_rate=0.01, target_loss=1e-3)
    for method in ("gradient_descent", "momentum", "newton"):
        rate = 1e-3 if method == "momentum" else None
        run = downslope.minimize("rosenbrock", method=method, learning_rate=rate, max_steps=50_000)
        yield f"rosenbrock by {method}", run
    yield "tea cooling, a NumPy function", downslope.minimize(cooling_error, [20.0, 70.0, 3.0])
    run = downslope.minimize(cooling_error, [20.0, 70.0, 3.0], method=methods.Adam(), learning_rate=0.5)
    yield "the same by adam", run


def write(number, title, run):
    """One CSV with every step, and one JSON with the outcome."""
    stem = OUT / f"{number:02d}-{''.join(c if c.isalnum() else '-' for c in title)}"
    rows = run.rows()
    with stem.with_suffix(".csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    stem.with_suffix(".json").write_text(json.dumps({"title": title, **run.to_dict()}, indent=2) + "\n")


def main():
    """Run, write and print."""
    OUT.mkdir(exist_ok=True)
    for number, (title, run) in enumerate(runs(), start=1):
        write(number, title, run)
        point = ", ".join(f"{name} = {value:.6g}" for name, value in run.to_dict()["x"].items())
        print(f"{title}\n    {run.message}\n    {point}, loss = {run.loss:.6g}")
    print(f"\nEvery step is in {OUT}/: one CSV and one JSON a run.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
