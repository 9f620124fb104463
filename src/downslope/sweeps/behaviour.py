"""How each lane moved, in a word, from the little that a lane remembers of its path.

A single run is read from all of its record (`analysis/behaviour.py`); a lane keeps its last two steps, how often its
loss rose, and its first, best and last loss. So these words are coarser, and tell of the end of the way.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from downslope.analysis.behaviour import Behaviour
from downslope.engines.lanes import Lanes
from downslope.stopping import Status

_SAME = 1e-3
"""Steps whose lengths differ by less than this share neither grow nor shrink."""
_STRAIGHT = 0.5
"""The cosine between two steps above which they go on, and below whose negative they turn back."""
_WANDERS = (0.15, 0.9)
"""The share of steps that raise the loss where a lane gets nowhere: fewer, and it goes down; more, and it grows."""
_MIN_STEPS = 24
"""Before that, rises tell little."""
_FAR = 100.0
"""Times what its start was above its best: a lane that is so far up grows, however often it came down."""
_NEAR = 1e-4
"""The share of that within which a lane without noise is at its best, and so still on its way down."""
WORDS = np.array(["", *(word.value for word in Behaviour)])
"""Behaviours by their numbers; 0 is for runs that were interrupted."""
_NUMBERS = {word: k for k, word in enumerate([None, *Behaviour])}


def behaviour_of_lane(
    lanes: Lanes, box: tuple[np.ndarray, np.ndarray] | None, *, noisy: bool = False, fading: Any = False
) -> np.ndarray:
    """Each lane's entry of `WORDS`, shape (m,).

    `box` holds the lower and the upper bounds, where there are any; `noisy` tells that the gradients
    were, and `fading`, for all or for each, that the learning rate falls towards zero.
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
        (Behaviour.DIVERGING, (status == Status.DIVERGED) | (higher & grows & (status == Status.NOT_FINITE))),
        (Behaviour.FALLING, (status == Status.NOT_FINITE) & grows & on),
        (Behaviour.LEFT_DOMAIN, status == Status.NOT_FINITE),
        (Behaviour.STOPPED_SHORT, (status == Status.STALLED) & fading),
        (Behaviour.LIMIT_OF_PRECISION, np.isin(status, (Status.STALLED, Status.LINE_SEARCH_FAILED))),
        (Behaviour.BOUNCING, back & steady),
        (Behaviour.NOISE_FLOOR if noisy else Behaviour.ERRATIC, _wanders(lanes, 0.0 if noisy else _NEAR)),
        (Behaviour.DIVERGING, higher),
        (Behaviour.ZIGZAG, back & (lanes.growth < 1) & (lanes.n_rises == 0)),
        (Behaviour.CRAWLING, np.ones(len(lanes), bool)),
    )
    found = np.empty(len(lanes), np.int8)
    for word, holds in reversed(words):
        found[holds] = _NUMBERS[word]
    return found


def _wanders(lanes: Lanes, near: float) -> np.ndarray:
    """Where the loss goes up and down without getting anywhere, and without growing beyond all bounds."""
    with np.errstate(invalid="ignore", over="ignore"):
        fewest, most = (share * lanes.n_steps for share in _WANDERS)
        above, begun = lanes.loss - lanes.best_loss, lanes.first_loss - lanes.best_loss
        far = (begun > 0) & (above > _FAR * begun)
        up_and_down = (lanes.n_rises >= fewest) & (lanes.n_rises <= most)
        held: np.ndarray = (lanes.n_steps >= _MIN_STEPS) & up_and_down & (above > near * begun) & ~far
    return held
