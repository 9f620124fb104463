"""
Regions of stability
====================

A map of 8,000 runs, learning rate across and momentum up: straight descents at rates below about 0.5, zigzags between
there and a slanted line, the largest stable rate, and divergence beyond it.

Multipliers tell it beforehand: those inside the unit circle come closer, real and negative or complex ones by turning
back, and the line is where the first of them leaves the circle.
"""

import numpy as np

from downslope import plots, sweep

found = sweep(
    "x^2",
    starts=[5.0],
    learning_rates=np.linspace(0.01, 2.2, 100),
    methods="momentum",
    coefficients={"beta": np.linspace(0, 0.95, 80)},
    max_steps=1000,
)
plots.sweep_map(found, colour="behaviour")
