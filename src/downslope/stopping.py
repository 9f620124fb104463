"""How a run can end, and the one place that decides it.

The first condition that holds, in the order of `_conditions`, is the run's status.
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
    STOPPED_EARLY = 10

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
    Status.STOPPED_EARLY: "the validation loss no longer falls",
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


class Facts(NamedTuple):
    """What the end of a run is decided from: Python or NumPy values, or JAX's under tracing."""

    step: Any
    """Updates made so far."""
    finite: Any
    """Whether the loss and every component of the gradient are finite."""
    loss: Any
    stationarity: Any
    """The largest component of the gradient; with bounds that of P(x - g) - x."""
    at_rest: Any = False
    """The gradient is exactly zero, and nothing else moves the point."""
    found: Any = True
    """A learning rate was found."""
    stalled: Any = False
    """The step changes no bit of point or state."""
    stopped: Any = False
    """The callback asked to stop."""


def goes_on(facts: Facts, limits: Limits) -> Any:
    """Whether nothing ends the run. Booleans alone: a compiled loop asks this at every step."""
    ends: Any = False
    for _, holds in _conditions(facts, limits):
        ends = ends | holds
    return ends ^ True


def status_of(facts: Facts, limits: Limits) -> Any:
    """The first status that holds, as an int; by operators alone, for numbers and traced arrays alike."""
    status: Any = int(Status.RUNNING)
    for candidate, holds in reversed(_conditions(facts, limits)):
        status = holds * int(candidate) + (holds ^ True) * status
    return status


def _conditions(facts: Facts, limits: Limits) -> tuple[tuple[Status, Any], ...]:
    """Every status with its condition, in order of precedence."""
    return (
        (Status.NOT_FINITE, facts.finite ^ True),
        (Status.DIVERGED, facts.loss > limits.loss_limit),
        (Status.TARGET_REACHED, facts.loss <= limits.target_loss),
        (Status.GRADIENT_SMALL, (facts.stationarity <= limits.gradient_tolerance) | facts.at_rest),
        (Status.LINE_SEARCH_FAILED, facts.found ^ True),
        (Status.STALLED, facts.stalled),
        (Status.STOPPED_BY_CALLBACK, facts.stopped),
        (Status.MAX_STEPS, facts.step >= limits.max_steps),
    )
