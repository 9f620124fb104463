"""
Many variables on one plane
===========================

A descent in four variables, drawn on the plane of its path's two main directions with the loss on it; beside it the
loss, which falls steeply at first and then stays near 7.9.
"""

from downslope import minimize

minimize("wood", max_steps=2000).plot()
