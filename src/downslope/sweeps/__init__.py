"""Many runs over a grid of starts, methods, rates and seeds, and what they show together.

grid.py        what was asked for as named dimensions, checked before anything runs
sweeping.py    sweep: the grid as lanes
sweep.py       Sweep: the result
behaviour.py   how each lane moved, in a word
multistart.py  multistart: the distinct minima of a box
samplers.py    where its starts are
basins.py      basins: which minimum each start of a grid leads to
limits.py      what theory says of the rates of a sweep
minima.py      the distinct minima among the ends
clusters.py    which end points are one minimum
"""
