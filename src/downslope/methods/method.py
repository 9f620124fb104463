"""What a method is: a direction and a memory.

A method is a frozen dataclass of coefficients with two functions:

    state = method.init(x)                                        the memory before the first step
    step, state = method.update(gradient, state, learning_rate)   x <- x + step

Both are written with Python's operators alone, so the same code steps a float, a Fraction, a NumPy array,
a PyTorch tensor and a JAX array. (Newton, which needs linear algebra and the Hessian, is the exception.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

if TYPE_CHECKING:
    from downslope.objectives.structure import Structure


class Surroundings(NamedTuple):
    """What rules of other libraries ask for beyond the gradient; all of it on flat vectors of shape (n,).

    >>> there = Surroundings(x=3.0, loss=9.0, gradient=6.0, value=lambda x: x**2, value_and_gradient=None,
    ...                      traceable=None)
    >>> there.value(there.x - 0.1 * there.gradient) < there.loss
    True
    """

    x: Any
    """The point."""
    loss: Any
    """The loss there."""
    gradient: Any
    """The gradient there, without noise."""
    value: Callable[[Any], Any]
    """The loss at a point, taken into the bounds first."""
    value_and_gradient: Callable[[Any], tuple[Any, Any]]
    """The loss at a point and its gradient, shape (n,)."""
    traceable: Callable[[Any], Any] | None
    """`value` for JAX's own arrays, where the loss can be compiled."""


class Method:
    """Base of every method; subclass it as a frozen dataclass to add one.

    >>> from fractions import Fraction
    >>> from downslope.methods import Momentum
    >>> rule, x = Momentum(beta=Fraction(1, 2)), Fraction(5)
    >>> state = rule.init(x)
    >>> for _ in range(2):
    ...     step, state = rule.update(2 * x, state, Fraction(1, 10))
    ...     x = x + step
    >>> x
    Fraction(27, 10)
    """

    always_downhill: ClassVar[bool] = False
    """The step is `learning_rate` times a direction that never points uphill, so a line search can set it."""
    default_rate: ClassVar[float | None] = 0.01
    """The rate when none is given; None stands for Armijo backtracking."""
    needs_hessian: ClassVar[bool] = False
    """`update` takes the Hessian as a fourth argument."""
    brings_rate: ClassVar[bool] = False
    """Another library's rule: it has its own rate, `update` takes the `Surroundings` as a fourth argument, and
    `report(state)` tells the rate and the number of trials of the step that led to a state."""
    runs_as_python: ClassVar[bool] = False
    """It cannot be compiled."""
    scaling: ClassVar[tuple[str, ...]] = ()
    """The entries of the state that `scale` reads: what an analysis holds still to see the rest of the rule."""

    def on(self, structure: Structure) -> Method:
        """The method for starts of that structure; ours see the flat vector alone."""
        return self

    def init(self, x: Any) -> Any:
        """The state before the first step, shaped after the point `x`."""
        raise NotImplementedError

    def update(self, gradient: Any, state: Any, learning_rate: Any) -> tuple[Any, Any]:
        """The step to add to the point, and the next state."""
        raise NotImplementedError

    def scale(self, state: Any) -> Any:
        """What each coordinate's step is divided by, as `state` has it; only where there is a `scaling`."""
        raise NotImplementedError

    def loss_changed(self) -> None:
        """The function reads something that was changed while it ran: nothing compiled of it holds any more."""

    def report(self, state: Any) -> tuple[Any, Any]:
        """The learning rate and the trial evaluations of the step that led to `state`, where `brings_rate`."""
        raise NotImplementedError
