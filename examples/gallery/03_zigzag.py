r"""
Contours and a path
===================

Contours of a bowl that is five times as steep upwards as sideways; the path crosses the valley at each step and still
creeps along its floor.

One rate has to serve both directions: here :math:`1 - 2 \cdot 0.8 = -0.6` across, and :math:`1 - 0.4 \cdot 0.8 =
0.68` along.
"""

from downslope import minimize, plots

run = minimize("0.2*x1^2 + x2^2", [9.0, -3.0], learning_rate=0.8, max_steps=100)
plots.paths(run, ((-10, 10), (-4, 4)))
