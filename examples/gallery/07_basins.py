"""
Which minimum a start leads to
==============================

The plane of starts, in one colour for each of the four minima of Himmelblau's function, with contours over it; starts
near a minimum lead to it, and the borders run between them.

A descent whose steps were short enough would follow the slope, and the borders would be smooth.
"""

from downslope import basins, plots

plots.basins(basins("himmelblau", resolution=400, learning_rate=0.01))
