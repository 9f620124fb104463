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
    """Where a descent stands when it chooses a rate.

    >>> from downslope.learning_rates import GeometricDecay, Here
    >>> here = Here(step=2, x=None, loss=None, gradient=None, move=None, value=None, running=True, xp=None,
    ...             while_loop=None)
    >>> GeometricDecay(0.4, factor=0.5).choose((), here).rate
    0.1
    """

    step: Any
    """Updates made so far."""
    x: Any
    """The point, a flat vector of shape (n,)."""
    loss: Any
    """The loss there."""
    gradient: Any
    """The gradient there, shape (n,)."""
    move: Callable[[Any], Any]
    """The point that a rate would lead to, inside the bounds."""
    value: Callable[[Any], Any]
    """The loss at a point."""
    running: Any
    """False where the descent has already ended, so that no trial is worth its cost."""
    xp: Any
    """The namespace of its arrays: numpy or jax.numpy."""
    while_loop: Callable[[Callable[[Any], Any], Callable[[Any], Any], Any], Any]
    """A loop that works in both: while_loop(goes_on, body, state)."""


class Choice(NamedTuple):
    """What a learning rate answers: the rate, and the rule's next state.

    >>> Choice(rate=0.1, state=())
    Choice(rate=0.1, state=(), found=True, n_trials=0)
    """

    rate: Any
    """A number, or one a coordinate, shape (n,)."""
    state: Any
    """What `choose` is given at the next step."""
    found: Any = True
    """False where no rate lowers the loss enough, which ends the run."""
    n_trials: Any = 0
    """Evaluations that it took."""


class LearningRate:
    """Base of every learning rate; subclass `Schedule` for one that depends on the step alone.

    >>> import dataclasses, downslope
    >>> @dataclasses.dataclass(frozen=True)
    ... class Normalised(LearningRate):  # steps of length 0.1
    ...     def choose(self, state, here):
    ...         return Choice(0.1 / here.xp.linalg.norm(here.gradient), state)
    >>> run = downslope.minimize("x^2 + 4y^2", [3.0, 1.0], learning_rate=Normalised(), max_steps=20)
    >>> float(abs(run.path[1] - run.path[0]).max().round(6)) < 0.1
    True
    """

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
