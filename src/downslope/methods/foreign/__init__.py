"""Methods of other libraries: any optax transformation, any torch.optim class.

They bring their own rate, so that a `learning_rate` beside one is an error. Only they see the structure of
the start; the engines see one flat vector.
"""

from __future__ import annotations

import functools
import sys
from typing import Any

from downslope.errors import InvalidInput
from downslope.methods.foreign.optax_method import Optax
from downslope.methods.foreign.torch_method import Torch
from downslope.methods.method import Method


def as_foreign(method: Any) -> Method | None:
    """The method for an optax transformation, a torch.optim class or a function that makes one; None otherwise."""
    if _is_transformation(method):
        return Optax(method.gradient_transformation() if hasattr(method, "gradient_transformation") else method)
    if (getattr(method, "__module__", None) or "").startswith("optax.") and not isinstance(method, type):
        rule = f"must be an optax transformation: call it, as in optax.{method.__name__}(0.1)"
        raise InvalidInput("method", rule, method.__name__)
    if isinstance(method, Method) or "torch" not in sys.modules:
        return None
    from torch.optim import Optimizer

    if isinstance(method, Optimizer):
        rule = "must be a torch.optim class, which gets the start as its parameters, and no finished optimizer"
        raise InvalidInput("method", rule, type(method).__name__)
    made_by = method.func if isinstance(method, functools.partial) else method
    makes_one = issubclass(made_by, Optimizer) if isinstance(made_by, type) else callable(made_by)
    return Torch(method) if makes_one else None


def _is_transformation(method: Any) -> bool:
    """A pair of init and update, or an object with both, such as optax.MultiSteps."""
    both = callable(getattr(method, "init", None)) and callable(getattr(method, "update", None))
    return both and not isinstance(method, Method | type)


__all__ = ["Optax", "Torch", "as_foreign"]
