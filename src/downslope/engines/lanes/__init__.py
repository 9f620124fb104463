"""Many runs at once, as lanes of one compiled program.

Every lane has its own start, its own numbers of the method and of the learning rate, and its own seed; the types of
method and rate, the limits, the bounds and the noise are shared. A lane stops on its own and ends as `minimize`
would end there, up to rounding: a vectorised kernel and a scalar one can differ in the last bit. What a lane's
result does not depend on, to the last bit, is which others run beside it.

    lane.py          one lane: its step, and what is told of it
    block.py         the compiled loop over a block of lanes, with waiting ones in the place of finished ones
    side_by_side.py  how lanes lie in memory, for speed
    feeding.py       threads, pages, Ctrl-C
    cores.py         how many threads and processes
    one_by_one.py    the same for what does not compile
    processes.py     which then run on all cores
    results.py       Lanes
    running.py       run_lanes: which of the two
"""

from downslope.engines.lanes.results import OF_EACH_LANE, Lanes
from downslope.engines.lanes.running import run_lanes

__all__ = ["OF_EACH_LANE", "Lanes", "run_lanes"]
