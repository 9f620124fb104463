"""Many runs over a grid of starts, methods, rates and seeds, and what they show together.

grid.py        what was asked for as named dimensions, checked before anything runs
sweeping.py    sweep: the front door
lots.py        the grid as lanes, any stretch of which runs by itself
rates.py       which rates differ in a number alone
results.py     Results: what both kinds of result have in common
sweep.py       Sweep: the result in memory
columns.py     the result as a table
saving.py      the result as one Parquet file
tally.py       counts, the best run, the rates that converged
summary.py     all of that in plain numbers and words
selecting.py   one lane as a full Run
behaviour.py   how each lane moved, in a word
streaming.py   the same written to disk block by block
tasks.py       the blocks as tasks of a Dask cluster
workers.py     its workers: those that are there, or some started here
sweep_file.py  SweepFile: the result of that
parts.py       the folder
specification.py   what was asked for, to go on only with the same
multistart.py  multistart: the distinct minima of a box
boxes.py       what multistart and basins share
samplers.py    where its starts are
basins.py      basins: which minimum each start of a grid leads to
limits.py      what theory says of the rates of a sweep
minima.py      the distinct minima among the ends
clusters.py    which end points are one minimum
"""
