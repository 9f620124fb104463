"""Our methods as PyTorch optimizers, with the very rules that `minimize` steps.

    from downslope.torch import Momentum

    optimizer = Momentum(model.parameters(), lr=0.05, beta=0.9)

They are used as those of torch.optim are: parameter groups, closures, `state_dict`, schedulers. All take

    lr              a number or a tensor without dimensions, zero or positive; it may change between steps
    weight_decay    w: the gradient becomes g + w x, as in torch.optim.SGD and Adam (coupled, not AdamW's)
    maximize        True walks uphill: the gradient becomes -g, before the weight decay

and raise InvalidInput, which is a ValueError, for a setting outside its interval, at construction and in
`add_param_group`, and for sparse or complex gradients, in `step`, before any parameter has moved.

A setting of a group is taken anew at each step, so schedulers work as on any optimizer; OneCycleLR and CyclicLR
with `cycle_momentum=False`, since they change torch's "momentum" and "betas" alone. Half precision is computed
in single and stored in half: epsilon = 1e-8 is zero in float16, and beta2 = 0.999 is one in bfloat16.

Where `minimize` would search for a rate (Backtracking), the default here is torch's own: 0.001 for gradient
descent, 0.01 for AdaGrad and RMSProp. Newton is not offered: it needs the Hessian, which a `step` cannot see.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from downslope import methods
from downslope.adapters.torch_optimizer import TorchOptimizer

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim.optimizer import ParamsT

__all__ = ["AdaGrad", "Adam", "GradientDescent", "Momentum", "Nesterov", "RMSProp", "SignDescent"]


class SignDescent(TorchOptimizer):
    """Steps of constant length: x <- x - lr sign(g).

    >>> import torch
    >>> x = torch.tensor([3.0, -3.0], requires_grad=True)
    >>> optimizer = SignDescent([x], lr=0.5)
    >>> (x**2).sum().backward()
    >>> optimizer.step()
    >>> x.tolist()
    [2.5, -2.5]
    """

    _method = methods.SignDescent

    def __init__(
        self, params: ParamsT, lr: float | Tensor = 1e-3, *, weight_decay: float = 0.0, maximize: bool = False
    ) -> None:
        super().__init__(params, lr, weight_decay, maximize)


class GradientDescent(TorchOptimizer):
    """x <- x - lr g.

    >>> import torch
    >>> x = torch.tensor([3.0, -3.0], requires_grad=True)
    >>> optimizer = GradientDescent([x], lr=0.25)
    >>> (x**2).sum().backward()
    >>> optimizer.step()
    >>> x.tolist()
    [1.5, -1.5]
    """

    _method = methods.GradientDescent

    def __init__(
        self, params: ParamsT, lr: float | Tensor = 1e-3, *, weight_decay: float = 0.0, maximize: bool = False
    ) -> None:
        super().__init__(params, lr, weight_decay, maximize)


class Momentum(TorchOptimizer):
    """Heavy-ball momentum: v <- beta v - lr g, x <- x + v.

    The velocity is in units of x, so that a change of `lr` acts from the next gradient on; in torch.optim.SGD
    the velocity sums gradients, and a new `lr` scales the old ones too. At a constant `lr` they are the same.

    >>> import torch
    >>> x = torch.tensor(3.0, requires_grad=True)
    >>> optimizer = Momentum([x], lr=0.25, beta=0.5)
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = x**2
    ...     loss.backward()
    ...     return loss
    >>> [optimizer.step(closure).item() for _ in range(3)]
    [9.0, 2.25, 0.0]
    """

    _method = methods.Momentum

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 0.01,
        beta: float = 0.9,
        *,
        weight_decay: float = 0.0,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, weight_decay, maximize, beta=beta)


class Nesterov(TorchOptimizer):
    """Nesterov's momentum: v <- beta v + g, x <- x - lr (g + beta v).

    >>> import torch
    >>> x = torch.tensor([3.0, -3.0], requires_grad=True)
    >>> optimizer = Nesterov([x], lr=0.25, beta=0.5)
    >>> (x**2).sum().backward()
    >>> optimizer.step()
    >>> [round(v, 4) for v in x.tolist()]
    [0.75, -0.75]
    """

    _method = methods.Nesterov

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 0.01,
        beta: float = 0.9,
        *,
        weight_decay: float = 0.0,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, weight_decay, maximize, beta=beta)


class AdaGrad(TorchOptimizer):
    """Per-coordinate rates that only shrink: s <- s + g^2, x <- x - lr g / (sqrt(s) + epsilon).

    >>> import torch
    >>> x = torch.tensor([3.0, -3.0], requires_grad=True)
    >>> optimizer = AdaGrad([x], lr=0.5)
    >>> (x**2).sum().backward()
    >>> optimizer.step()
    >>> [round(v, 4) for v in x.tolist()]
    [2.5, -2.5]
    """

    _method = methods.AdaGrad

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 0.01,
        epsilon: float = 1e-10,
        *,
        weight_decay: float = 0.0,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, weight_decay, maximize, epsilon=epsilon)


class RMSProp(TorchOptimizer):
    """Per-coordinate rates from the recent gradients: s <- rho s + (1 - rho) g^2, x <- x - lr g / (sqrt(s) + epsilon).

    `rho` is torch.optim.RMSprop's `alpha`.

    >>> import torch
    >>> x = torch.tensor([3.0, -3.0], requires_grad=True)
    >>> optimizer = RMSProp([x], lr=0.05, rho=0.99)
    >>> (x**2).sum().backward()
    >>> optimizer.step()
    >>> [round(v, 4) for v in x.tolist()]
    [2.5, -2.5]
    """

    _method = methods.RMSProp

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 0.01,
        rho: float = 0.99,
        epsilon: float = 1e-8,
        *,
        weight_decay: float = 0.0,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, weight_decay, maximize, rho=rho, epsilon=epsilon)


class Adam(TorchOptimizer):
    """Adaptive moments; the formula is in `downslope.methods.Adam`, and torch.optim.Adam's `betas` are two numbers.

    >>> import torch
    >>> x = torch.tensor([3.0, -3.0], requires_grad=True)
    >>> optimizer = Adam([x], lr=0.5)
    >>> (x**2).sum().backward()
    >>> optimizer.step()
    >>> [round(v, 4) for v in x.tolist()]
    [2.5, -2.5]
    """

    _method = methods.Adam

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        *,
        weight_decay: float = 0.0,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, weight_decay, maximize, beta1=beta1, beta2=beta2, epsilon=epsilon)


def __getattr__(name: str) -> Any:
    if name == "Newton":
        raise AttributeError(
            "downslope.torch has no Newton: it needs the Hessian, which a torch optimizer's step cannot see; "
            'downslope.minimize(fun, x0, method="newton") takes a loss written in PyTorch'
        )
    raise AttributeError(f"module 'downslope.torch' has no attribute {name!r}")
