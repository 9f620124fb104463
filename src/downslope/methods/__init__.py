"""Which way and how far a step goes; one short file each.

>>> sorted(METHODS)
['adagrad', 'adam', 'gradient_descent', 'momentum', 'nesterov', 'newton', 'rmsprop', 'sign_descent']
"""

from __future__ import annotations

from typing import Any

from downslope.coefficients import check_coefficients
from downslope.errors import InvalidInput, UnknownName
from downslope.methods.adagrad import AdaGrad
from downslope.methods.adam import Adam
from downslope.methods.foreign import as_foreign
from downslope.methods.gradient_descent import GradientDescent
from downslope.methods.method import Method, Surroundings
from downslope.methods.momentum import Momentum, Nesterov
from downslope.methods.newton import Newton
from downslope.methods.rmsprop import RMSProp
from downslope.methods.sign_descent import SignDescent

METHODS: dict[str, type[Method]] = {
    "sign_descent": SignDescent,
    "gradient_descent": GradientDescent,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "adagrad": AdaGrad,
    "rmsprop": RMSProp,
    "adam": Adam,
    "newton": Newton,
}
"""What `minimize` knows by name."""


def method_named(name: str) -> Method:
    """The method of that name with its default coefficients; UnknownName otherwise.

    >>> method_named("momentum")
    Momentum(beta=0.9)
    """
    if name not in METHODS:
        raise UnknownName("method", name, METHODS)
    return METHODS[name]()


def as_method(method: Any) -> Method:
    """A method from its name or instance, with its coefficients checked.

    `method` is what `minimize` takes, an optax transformation or a torch.optim class included.

    >>> as_method("adam") == as_method(Adam) == Adam()
    True
    >>> as_method(Momentum(beta=1.5))
    Traceback (most recent call last):
    ...
    downslope.errors.InvalidInput: `Momentum.beta` must be in [0, 1); got 1.5.
    """
    if isinstance(method, str):
        return method_named(method)
    if isinstance(method, type) and issubclass(method, Method):
        method = method()
    method = as_foreign(method) or method
    if not isinstance(method, Method):
        known = ", ".join(sorted(METHODS))
        rule = f"must be a Method, an optax transformation, a torch.optim class or one of {known}"
        raise InvalidInput("method", rule, method)
    check_coefficients(method, type(method).__name__)
    return method


__all__ = [
    "METHODS",
    "AdaGrad",
    "Adam",
    "GradientDescent",
    "Method",
    "Momentum",
    "Nesterov",
    "Newton",
    "RMSProp",
    "SignDescent",
    "Surroundings",
    "as_method",
    "method_named",
]
