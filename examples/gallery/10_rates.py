"""
Where a rate stops working
==========================

The final loss after 100 steps against the learning rate: it falls to its lowest just before the largest stable rate,
where it shoots up to the edge of the picture.
"""

import numpy as np

from downslope import plots, sweep

found = sweep("ravine", learning_rates=np.geomspace(0.002, 0.4, 120), max_steps=100, gradient_tolerance=None)
plots.loss_by_rate(found)
