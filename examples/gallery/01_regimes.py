"""
Four learning rates on a parabola
=================================

Four panels show the same parabola: at rate 0.2 the steps walk down one side, at 0.02 they crawl, at 0.8 they zigzag
across the minimum, and at 1.01 each step lands a little higher than the one before.

On :math:`x^2 - 4x + 5` a step multiplies the distance to the minimum by :math:`1 - 2a`.
"""

from downslope import minimize, plots

rates = (0.2, 0.02, 0.8, 1.01)
runs = [minimize("x^2 - 4x + 5", -1.0, learning_rate=a, max_steps=10, gradient_tolerance=None) for a in rates]
plots.descents(runs)
