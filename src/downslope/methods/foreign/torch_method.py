"""Any torch.optim class as a method; it runs as Python, in the eager engine.

The class, a functools.partial of it, or a function gets the start as its list of parameters: one tensor, or one
for each array of a container. It is stepped with a closure, which gives the loss and gradient wherever it has
moved its parameters to, as LBFGS does: one row of the record is one `step` of the optimizer.
"""

from __future__ import annotations

import functools
import inspect
import numbers
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from downslope.errors import InvalidInput
from downslope.methods.method import Method, Surroundings
from downslope.objectives.structure import Structure


class Torch(Method):
    """An optimizer that is made anew for each run."""

    brings_rate: ClassVar[bool] = True
    runs_as_python: ClassVar[bool] = True

    def __init__(self, make: Callable[..., Any], structure: Structure | None = None):
        self.make, self.structure = make, structure

    def on(self, structure: Structure) -> Torch:
        """The same for starts of that structure."""
        return Torch(self.make, structure)

    @functools.cached_property
    def in_words(self) -> dict[str, Any]:
        """The class and its options."""
        made_by = self.make.func if isinstance(self.make, functools.partial) else self.make
        given = self.make.keywords if isinstance(self.make, functools.partial) else {}
        name = f"torch.optim.{made_by.__name__}" if inspect.isclass(made_by) else f"torch.optim by {made_by.__name__}"
        numbers_given = {k: v for k, v in given.items() if isinstance(v, numbers.Real | str | None)}
        return {"name": name, **numbers_given}

    def init(self, x: Any) -> Optimizer:
        """A new optimizer around the start."""
        import torch

        assert self.structure is not None  # `minimize` puts it on the start first
        shapes = self.structure.shapes
        ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
        parts = [part.reshape(shape) for part, shape in zip(np.split(x, ends[:-1]), shapes, strict=True)]
        parameters = [torch.nn.Parameter(torch.from_numpy(part.copy())) for part in parts]
        made = self.make(parameters)
        if not isinstance(made, torch.optim.Optimizer):
            raise InvalidInput("method", "must be a torch.optim class, or a function that makes an optimizer", made)
        return Optimizer(made, parameters)

    def update(  # type: ignore[override]  # foreign rules see where they stand
        self, gradient: Any, state: Optimizer, learning_rate: Any, around: Surroundings
    ) -> tuple[Any, Optimizer]:
        """One `step`, as the difference of the parameters."""
        import torch

        parameters = state.parameters
        tilt = gradient - around.gradient  # the noise of this step, the same wherever the closure looks
        state.n_trials = 0

        def closure() -> Any:
            x = _flat(parameters)
            if np.array_equal(x, around.x):
                loss, slope = around.loss, gradient
            else:
                loss, slope = around.value_and_gradient(x)
                state.n_trials, slope = state.n_trials + 1, slope + tilt
            _give(parameters, slope, "grad")
            return torch.tensor(float(loss), dtype=parameters[0].dtype)

        _give(parameters, around.x, "data")  # bounds may have moved it
        closure()
        state.optimizer.step(closure)
        return _flat(parameters) - around.x, state.remembered()

    def report(self, state: Optimizer) -> tuple[Any, Any]:
        """The rate of the first parameter group, and how often the closure was asked at a new point."""
        return float(state.optimizer.param_groups[0].get("lr", np.nan)), state.n_trials


class Optimizer:
    """A torch optimizer as a method's state: equal to another where it remembers the same, to the last bit."""

    def __init__(self, optimizer: Any, parameters: list[Any], memory: bytes = b"", n_trials: int = 0):
        self.optimizer, self.parameters, self.memory, self.n_trials = optimizer, parameters, memory, n_trials

    def remembered(self) -> Optimizer:
        """The state after a step. The optimizer itself changes in place; its tensors are copied.

        Plain numbers are left out: LBFGS counts its calls in them, and would never be found to stand still.
        """
        import torch
        from jax import tree_util

        leaves = tree_util.tree_leaves([list(kept.values()) for kept in self.optimizer.state.values()])
        tensors = [leaf.detach().numpy() for leaf in leaves if isinstance(leaf, torch.Tensor)]
        memory = b"".join(tensor.tobytes() for tensor in tensors)
        return Optimizer(self.optimizer, self.parameters, memory, self.n_trials)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Optimizer) and self.memory == other.memory

    __hash__ = None  # type: ignore[assignment]  # it changes


def _flat(parameters: list[Any]) -> np.ndarray:
    return np.concatenate([p.detach().numpy().ravel() for p in parameters])


def _give(parameters: list[Any], flat: np.ndarray, what: str) -> None:
    """Set each parameter's `data` or `grad` to its part of a flat vector."""
    import torch

    start = 0
    for parameter in parameters:
        end = start + parameter.numel()
        part = torch.from_numpy(flat[start:end].reshape(tuple(parameter.shape)).copy())
        setattr(parameter, what, part)
        start = end
