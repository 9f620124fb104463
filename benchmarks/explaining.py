"""What explaining a run costs, warm, with the suggestion tried: 1,000 steps in two variables, and 100,000 variables.

Goals: at most 50 ms; at most 200 Hessian-vector products.
"""

from __future__ import annotations

import warnings

import jax.numpy as jnp
import numpy as np
from timing import interleaved, print_machine, print_table

import downslope

RUNS = {
    "ravine, gradient descent": ("ravine", {"learning_rate": 0.01}),
    "ravine, momentum": ("ravine", {"method": "momentum", "learning_rate": 0.01}),
    "Rosenbrock, gradient descent": ("rosenbrock", {"learning_rate": 0.001}),
    "Rosenbrock, Adam": ("rosenbrock", {"method": "adam", "learning_rate": 0.01}),
    "Himmelblau, gradient descent": ("himmelblau", {"learning_rate": 0.0001}),
}


def main() -> None:
    """Medians over rounds in which each run is explained once."""
    warnings.simplefilter("ignore")
    print_machine("jax", "numpy")
    options = {"max_steps": 1000, "gradient_tolerance": None}
    runs = {name: downslope.minimize(fun, **given, **options) for name, (fun, given) in RUNS.items()}
    print_table(interleaved({name: run.explain for name, run in runs.items()}, rounds=15))

    curvatures = jnp.asarray(np.geomspace(1e-2, 1.0, 100_000))
    run = downslope.minimize(
        lambda x: jnp.sum(curvatures * x**2) / 2, np.ones(100_000), learning_rate=1.0, max_steps=100
    )
    print_table(interleaved({"100,000 variables, 100 steps": run.explain}, rounds=3))
    print(f"{run.explain().evidence.end.spectrum.n_products} Hessian-vector products")


if __name__ == "__main__":
    main()
