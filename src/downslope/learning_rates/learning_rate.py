"""What a learning rate is: a number for each step, chosen from where the descent stands.

    state = rate.init(x)
    choice = rate.choose(state, here)        choice.rate, choice.state, choice.found, choice.n_trials

A schedule looks at the step's count alone; the others look at the loss, the gradient or trial points. All
are written once for NumPy and JAX: `here.xp` is the array namespace, `here.while_loop` its loop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple


class Here(NamedTuple):
    """Where a descent stands when it chooses a rate; x and gradient have shape (n,)."""

    step: Any
    x: Any
    loss: Any
    gradient: Any
    move: Callable[[Any], Any]
    """The point that a rate would lead to, inside the bounds."""
    value: Callable[[Any], Any]
    """The loss at a point."""
    running: Any
    """False where the descent has already ended, so that no trial is worth its cost."""
    xp: Any
    while_loop: Callable[[Callable[[Any], Any], Callable[[Any], Any], Any], Any]


class Choice(NamedTuple):
    """A rate, the rule's next state, whether a rate was found at all, and the trial evaluations it took."""

    rate: Any
    state: Any
    found: Any = True
    n_trials: Any = 0


class LearningRate:
    """Base of every learning rate; subclass `Schedule` for one that depends on the step alone."""

    needs_downhill: ClassVar[bool] = False
    """Works only with methods whose step is the rate times a downhill direction."""
    needs_plain_gradient: ClassVar[bool] = False
    """Derived for steps of plain gradient descent, and wrong with any other."""

    def init(self, x: Any) -> Any:
        """The state before the first step, shaped after the point `x`."""
        return ()

    def choose(self, state: Any, here: Here) -> Choice:
        """The rate of the step that leaves `here`."""
        raise NotImplementedError
