"""
A dart finds the bullseye
=========================

Four panels of throws from pale to dark, the last one in red: at rate 0.0001 the angle creeps up for 1,000 throws, at
0.001 and 0.01 it is there after 188 and 16, and at 0.02 it overshoots and comes back in 7.
"""

from downslope import minimize, plots

rates = (1e-4, 1e-3, 1e-2, 2e-2)
plots.dart([minimize("dart", learning_rate=rate, max_steps=1000, target_loss=1e-3) for rate in rates])
