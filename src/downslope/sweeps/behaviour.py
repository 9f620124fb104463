"""How each lane moved, in a word, from the little that a lane remembers of its path.

A single run is read from all of its record (`analysis/behaviour.py`); a lane keeps its last two steps, how often its
loss rose, and its first, best and last loss. So these words are coarser, and tell of the end of the way.
"""

from __future__ import annotations

import numpy as np

from downslope.analysis.behaviour import Behaviour
from downslope.engines.lanes import Lanes
from downslope.stopping import Status

_SAME = 1e-3
"""Steps whose lengths differ by less than this share neither grow nor shrink."""
_STRAIGHT = 0.5
"""The cosine between two steps above which they go on, and below whose negative they turn back."""
_TEXT = f"U{max(len(word.value) for word in Behaviour)}"


def behaviour_of_lane(lanes: Lanes, box: tuple[np.ndarray, np.ndarray] | None) -> np.ndarray:
    """The words of a `Behaviour` for each lane, shape (m,); "" for those that were interrupted.

    `box` holds the lower and the upper bounds, where there are any.
    """
    status = lanes.status
    converged = np.isin(status, [s for s in Status if s.converged])
    back, on = lanes.turn < -_STRAIGHT, lanes.turn > _STRAIGHT
    steady = np.abs(lanes.growth - 1) <= _SAME
    grows = lanes.growth > 1 + _SAME
    higher = lanes.loss > lanes.first_loss
    lower, upper = (-np.inf, np.inf) if box is None else box
    held = ((lanes.x <= lower) | (lanes.x >= upper)).any(axis=1)
    # The first that holds, in this order.
    words: tuple[tuple[Behaviour | None, np.ndarray], ...] = (
        (None, status == Status.INTERRUPTED),
        (Behaviour.AT_REST, converged & (lanes.n_steps == 0)),
        (Behaviour.AT_BOUND, converged & held),
        (Behaviour.ZIGZAG, converged & back),
        (Behaviour.SPIRAL, converged & ~on & (lanes.n_steps > 1)),
        (Behaviour.STRAIGHT, converged),
        (Behaviour.DIVERGING, (status == Status.DIVERGED) | (higher & grows)),
        (Behaviour.FALLING, (status == Status.NOT_FINITE) & grows & on),
        (Behaviour.LEFT_DOMAIN, status == Status.NOT_FINITE),
        (Behaviour.LIMIT_OF_PRECISION, np.isin(status, (Status.STALLED, Status.LINE_SEARCH_FAILED))),
        (Behaviour.BOUNCING, back & steady),
        (Behaviour.DIVERGING, higher),
        (Behaviour.CRAWLING, np.ones(len(lanes), bool)),
    )
    found = np.empty(len(lanes), _TEXT)
    for word, holds in reversed(words):
        found[holds] = word.value if word else ""
    return found
