"""How a run can end, and the one place that decides it.

The statuses are tried in the order in which `Status` lists them; the first that holds is the run's.
"""

from __future__ import annotations

import enum
from typing import Any, NamedTuple


class Status(enum.IntEnum):
    """The one reason why a run ended.

    >>> Status.TARGET_REACHED.converged, Status.MAX_STEPS.converged
    (True, False)
    """

    RUNNING = 0
    NOT_FINITE = 1
    DIVERGED = 2
    TARGET_REACHED = 3
    GRADIENT_SMALL = 4
    LINE_SEARCH_FAILED = 5
    STALLED = 6
    STOPPED_BY_CALLBACK = 7
    INTERRUPTED = 8
    MAX_STEPS = 9

    @property
    def converged(self) -> bool:
        """True where the run reached what it was asked for."""
        return self in (Status.TARGET_REACHED, Status.GRADIENT_SMALL)

    @property
    def reason(self) -> str:
        """The status in words."""
        return _REASONS[self]


_REASONS = {
    Status.RUNNING: "the run has not ended",
    Status.NOT_FINITE: "the loss or its gradient is no longer finite",
    Status.DIVERGED: "the loss passed the limit",
    Status.TARGET_REACHED: "the loss reached the target",
    Status.GRADIENT_SMALL: "the gradient is within the tolerance",
    Status.LINE_SEARCH_FAILED: "no learning rate lowered the loss enough",
    Status.STALLED: "a step changed nothing, to the last bit",
    Status.STOPPED_BY_CALLBACK: "the callback asked to stop",
    Status.INTERRUPTED: "interrupted from the keyboard",
    Status.MAX_STEPS: "all steps were made",
}


class Limits(NamedTuple):
    """What ends a run; every entry is a number, so that a new value never recompiles."""

    target_loss: Any
    """-inf where there is none."""
    gradient_tolerance: Any
    """-1 where there is none: no size is below it."""
    loss_limit: Any
    """inf where there is none."""
    max_steps: Any


def status_at_point(limits: Limits, finite: Any, loss: Any, stationarity: Any) -> Any:
    """The status that a point has by itself, before a step from it is considered.

    `stationarity` is the largest component of the gradient, with bounds that of P(x - g) - x. The arguments
    are Python or NumPy values, or JAX's under tracing.
    """
    return _first(
        (Status.NOT_FINITE, 1 - finite * 1),
        (Status.DIVERGED, loss > limits.loss_limit),
        (Status.TARGET_REACHED, loss <= limits.target_loss),
        (Status.GRADIENT_SMALL, stationarity <= limits.gradient_tolerance),
    )


def status_after_step(
    at_point: Any, limits: Limits, step: Any, at_rest: Any, found: Any, stalled: Any, stopped: Any = False
) -> Any:
    """The status once the step from the point has been computed; a status of the point itself comes first.

    `at_rest` says that the gradient is exactly zero and nothing else moves the point, `found` that a
    learning rate was found, `stalled` that the step changes no bit of point or state, `stopped` that the
    callback asked to stop.
    """
    after = _first(
        (Status.GRADIENT_SMALL, at_rest),
        (Status.LINE_SEARCH_FAILED, 1 - found * 1),
        (Status.STALLED, stalled),
        (Status.STOPPED_BY_CALLBACK, stopped),
        (Status.MAX_STEPS, step >= limits.max_steps),
    )
    return at_point + (at_point == Status.RUNNING) * after


def _first(*conditions: tuple[Status, Any]) -> Any:
    """The first status that holds, by operators alone: the same line serves numbers and traced arrays."""
    status: Any = int(Status.RUNNING)
    for candidate, holds in reversed(conditions):
        status = holds * int(candidate) + (1 - holds * 1) * status
    return status
