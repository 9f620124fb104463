"""A method as a PyTorch optimizer: the base of those in `downslope.torch`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from downslope.coefficients import check_coefficients, check_in_interval, coefficients
from downslope.errors import InvalidInput, MissingExtra
from downslope.methods import Method

try:
    import torch
    from torch.optim import Optimizer
except ImportError as error:
    raise MissingExtra("downslope.torch", "torch", extra="torch") from error

if TYPE_CHECKING:
    from torch.optim.optimizer import ParamsT

_HALF = (torch.float16, torch.bfloat16)


class TorchOptimizer(Optimizer):
    """An optimizer around a method whose rule is elementwise."""

    _method: ClassVar[type[Method]]

    def __init__(self, params: ParamsT, lr: Any, weight_decay: float, maximize: bool, **coefficients: float):
        super().__init__(params, {"lr": lr, **coefficients, "weight_decay": weight_decay, "maximize": maximize})

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters with settings of their own, {"params": ..., "lr": ...}; the rest are the defaults."""
        if isinstance(param_group, dict):  # torch refuses anything else
            self._check({**self.defaults, **param_group})
        super().add_param_group(param_group)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a saved state; InvalidInput where another kind of optimizer saved it."""
        missing = {name for group in state_dict["param_groups"] for name in self.defaults.keys() - group.keys()}
        if missing:
            rule = f"must come from downslope.torch.{type(self).__name__}, and has no {', '.join(sorted(missing))}"
            raise InvalidInput("state_dict", rule, sorted(state_dict["param_groups"][0]))
        super().load_state_dict(state_dict)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move every parameter that has a gradient; returns the loss where `closure` computes it."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        moving = [(group, x, x.grad) for group in self.param_groups for x in group["params"] if x.grad is not None]
        for _, x, gradient in moving:
            self._check_gradient(x, gradient)
        for group, x, gradient in moving:
            self._move(group, x, gradient)
        return loss

    def _move(self, group: dict[str, Any], x: torch.Tensor, gradient: torch.Tensor) -> None:
        rule, memory = self._rule(group), self.state.get(x)
        dtype = torch.float32 if x.dtype in _HALF else x.dtype
        gradient = (-gradient if group["maximize"] else gradient).to(dtype)
        if group["weight_decay"] != 0:
            gradient = gradient + group["weight_decay"] * x.to(dtype)
        if memory:
            kind = type(rule.init(0.0))
            state = kind(**_in_precision(dtype, memory))
        else:
            state = rule.init(torch.zeros_like(x, dtype=dtype))
        step, state = rule.update(gradient, state, group["lr"])
        if state:  # () is no memory
            self.state[x] = _in_precision(x.dtype, state._asdict())
        x.add_(step)

    def _rule(self, group: dict[str, Any]) -> Method:
        return self._method(**{name: group[name] for name in coefficients(self._method)})

    def _check(self, group: dict[str, Any]) -> None:
        for name in ("lr", "weight_decay", *coefficients(self._method)):
            if getattr(group[name], "ndim", 0):
                raise InvalidInput(name, "must be one number", group[name])
        rate = group["lr"]
        check_in_interval("lr", rate.item() if isinstance(rate, torch.Tensor) else rate, "[0, inf)")
        check_in_interval("weight_decay", group["weight_decay"], "[0, inf)")
        if not isinstance(group["maximize"], bool):
            raise InvalidInput("maximize", "must be True or False", group["maximize"])
        check_coefficients(self._rule(group), type(self).__name__)

    def _check_gradient(self, x: torch.Tensor, gradient: torch.Tensor) -> None:
        kind = "complex" if x.is_complex() else "sparse" if gradient.layout != torch.strided else None
        if kind is not None:
            rule = f"must have dense, real gradients for {type(self).__name__}, and one is {kind}"
            raise InvalidInput("params", rule, message=f"`params` {rule}; got the shape {tuple(x.shape)}.")


def _in_precision(dtype: torch.dtype, memory: dict[str, Any]) -> dict[str, Any]:
    """The tensors in it as `dtype`; a count stays an int."""
    return {name: entry.to(dtype) if isinstance(entry, torch.Tensor) else entry for name, entry in memory.items()}
