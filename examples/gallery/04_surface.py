"""
A surface and a path
====================

The banana-shaped valley of Rosenbrock's function in three dimensions; the path drops into it and follows its floor
round the bend.
"""

from downslope import Momentum, minimize, plots

run = minimize("rosenbrock", [-1.2, 1.0], method=Momentum(0.9), learning_rate=5e-4, max_steps=2000)
plots.surface(run, ((-1.6, 1.6), (-0.6, 1.8)))
