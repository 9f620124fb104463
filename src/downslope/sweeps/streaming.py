"""A sweep that is written to disk block by block, and goes on after its last whole part.

Memory holds the starts, one block of lanes and nothing of what is finished.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from downslope.engines.lanes import Lanes
from downslope.stopping import Status
from downslope.sweeps import parts
from downslope.sweeps.behaviour import WORDS
from downslope.sweeps.columns import behaviour_of, columns_of
from downslope.sweeps.grid import Grid
from downslope.sweeps.lots import Work
from downslope.sweeps.parts import Part
from downslope.sweeps.specification import check_same, losses_at_starts, specification

MOST_LANES = 2**18
"""Of a block."""
_BLOCK_BYTES = 2**26
"""What the points and numbers of a block may take, where points are long."""
_BYTES_A_LANE = 120
SECONDS_A_PART = 20.0
"""A part of slow runs is smaller: this is about what an interruption costs."""
FIRST_LANES = 256
"""The first block shows how fast the runs are."""
_GROWTH = 8


def drawn_seed(folder: Path) -> int | None:
    """The seed that was drawn when the sweep in this folder was begun, if one was."""
    begun = parts.read_specification(folder)
    return None if begun is None else begun.get("seed drawn")


Blocks = Callable[[Work, int, Callable[[int], None]], Generator[Lanes, None, None]]
"""Runs lanes from one on, a block at a time in their order; none follows one cut short. Tells how many are finished."""


def blocks_here(work: Work, first: int, progress: Callable[[int], None]) -> Generator[Lanes, None, None]:
    """Run in this process, one after the other."""
    grid = work.grid
    n_lanes = FIRST_LANES
    while first < grid.n_lanes:
        end = min(first + n_lanes, grid.n_lanes)
        began = time.perf_counter()
        lanes = work.run(first, end, _counted_from(first, progress))
        yield lanes
        if lanes.is_cut_short:
            return
        n_lanes = next_length(len(lanes), time.perf_counter() - began, grid)
        first = end


def stream(
    blocks: Blocks,
    folder: Path,
    work: Work,
    box: tuple[np.ndarray, np.ndarray] | None,
    options: Mapping[str, Any],
    is_drawn: bool,
    progress: Callable[[int], None],
) -> tuple[tuple[Part, ...], str]:
    """Run what is not yet in the folder; the parts, and why runs were made one by one.

    Ctrl-C keeps the parts, and of the block under way all lanes before the first that is not finished.
    """
    objective, grid = work.objective, work.grid
    losses, sound = losses_at_starts(objective, grid, box)
    asked = specification(objective, grid, {**options, "bounds": box}, losses, is_drawn)
    with parts.held(folder), contextlib.ExitStack() as stack:
        begun = parts.read_specification(folder)
        if begun is None:
            parts.write_specification(folder, asked)
        else:
            check_same(asked, begun, folder)
        done, reason = parts.parts_in(folder), ""
        variables = objective.variable_names(grid.structure)
        try:
            first = done[-1].end if done else 0
            running = blocks(work._replace(sound=sound), first, progress)
            for lanes in stack.enter_context(contextlib.closing(running)):
                unfinished = np.flatnonzero(lanes.status == Status.INTERRUPTED)
                n = int(unfinished[0]) if unfinished.size else len(lanes)
                reason = max(reason, lanes.reason, key=len)  # the longest also tells of processes
                if n:
                    behaviour = WORDS[behaviour_of(grid, lanes, box, options["noise"], first)]
                    columns = columns_of(grid, variables, lanes, behaviour, first + np.arange(len(lanes)))
                    kept = {name: values[:n] for name, values in columns.items()}
                    done.append(parts.write(folder, len(done), first, kept))
                first += len(lanes)
        except KeyboardInterrupt:
            # Between two blocks, or in the writing of one, which may just have come to its name.
            done = parts.parts_in(folder)
    return tuple(done), reason


def next_length(n_lanes: int, seconds: float, grid: Grid) -> int:
    """How many lanes the block after one of so many that took so long should have."""
    most = min(MOST_LANES, _BLOCK_BYTES // (_BYTES_A_LANE + 4 * grid.starts[0].nbytes))
    return int(max(1, min(SECONDS_A_PART * n_lanes / seconds, _GROWTH * n_lanes, most)))


def _counted_from(n_before: int, progress: Callable[[int], None]) -> Callable[[int], None]:
    return lambda n: progress(n_before + n)
