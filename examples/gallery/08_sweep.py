r"""
A sweep over rates and momentum
===============================

A map of 8,000 runs, learning rate across and momentum up, coloured by the steps to converge; it is grey beyond a
slanted line, the largest stable rate, and at the smallest rates, which take too long.

The line is :math:`2 (1 + \beta) / 8`, which the library reads off the method's own update rule.
"""

import numpy as np

from downslope import plots, sweep

found = sweep(
    "ravine",
    learning_rates=np.linspace(0.005, 0.6, 100),
    methods="momentum",
    coefficients={"beta": np.linspace(0, 0.98, 80)},
    max_steps=1000,
)
plots.sweep_map(found)
