"""
A race in a ravine (film)
=========================

Gradient descent and momentum start side by side; gradient descent drops to the floor and creeps along it, momentum
swings from wall to wall and runs ahead.
"""

from downslope import Momentum, minimize, plots

options = {"learning_rate": 0.11, "max_steps": 40, "gradient_tolerance": None}
runs = [minimize("ravine", [-4.5, 1.5], method=method, **options) for method in ("gradient_descent", Momentum(0.85))]
plots.film(runs)
