"""A run in words, as the command line and a notebook tell it: from where, by which method, at which rate, to where."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from downslope.columns import MOST_NAMED
from downslope.methods import METHODS
from downslope.plain import plain
from downslope.run import Run

_MOST_SHOWN = 10


def title(run: Run) -> str:
    """What was asked for, in one line.

    >>> import downslope
    >>> title(downslope.minimize("x^2", 5.0, method="momentum", learning_rate=0.1))
    'x^2 from 5 by momentum (beta 0.9), learning rate 0.1'
    """
    asked = plain(run.specification)
    return f"{asked['fun']} from {numbers(asked['x0'])} by {method(run)}, {rate(run)}"


def method(run: Run) -> str:
    """The method, with those of its coefficients that are worth the room."""
    return rule(plain(run.specification)["method"])


def rule(asked: dict[str, Any]) -> str:
    """A method that is told by its type's name and its coefficients.

    >>> rule({"name": "Adam", "beta1": 0.5, "beta2": 0.999})
    'adam (beta1 0.5)'
    """
    default = METHODS.get(in_words(asked["name"]).replace(" ", "_"))
    told = [
        v if isinstance(v, str) else f"{key} {number(v)}"
        for key, v in asked.items()
        if key != "name" and _is_special(default, key, v)
    ]
    return in_words(asked["name"]) + (f" ({', '.join(told)})" if told else "")


def _is_special(default: Any, key: str, value: Any) -> bool:
    """Whether a coefficient is worth the room: it is the method's own momentum, or was changed."""
    return key == "beta" or default is None or getattr(default(), key) != value


def rate(run: Run) -> str:
    """The learning rate."""
    asked = plain(run.specification)["learning_rate"]
    if asked["name"] == "Constant":
        return f"learning rate {numbers(asked['rate'])}"
    if "rate" not in asked:
        return "its own learning rate" if asked["name"] == "OwnRate" else f"learning rate by {in_words(asked['name'])}"
    return f"learning rate {numbers(asked['rate'])}, {schedule(asked)}"


def schedule(asked: dict[str, Any]) -> str:
    """A schedule that is told by its type's name and its numbers, without the rate that it begins with.

    >>> schedule({"name": "GeometricDecay", "rate": 0.1, "factor": 0.99})
    'geometric decay (factor 0.99)'
    """
    words = ", ".join(f"{key} {numbers(value)}" for key, value in asked.items() if key not in ("name", "rate"))
    return f"{in_words(asked['name'])} ({words})"


def in_words(name: str) -> str:
    """GradientDescent as gradient descent, RMSProp as rmsprop."""
    known = {type(method()).__name__: key.replace("_", " ") for key, method in METHODS.items()}
    return known.get(name, re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower())


def point(run: Run) -> str:
    """The last point, each number with its name; beyond ten, how many more there are.

    >>> import downslope
    >>> point(downslope.minimize("(x - 1)^2 + y^2", [3.0, 1.0], learning_rate=0.5))
    'x = 1, y = 0'
    """
    flat = run.structure.flatten(run.x)
    if flat.size > MOST_NAMED:  # too many for names
        return f"x = {numbers(flat[: _MOST_SHOWN - 1].tolist())}"
    shown = [f"{name} = {number(value)}" for name, value in zip(run.variables, flat[:_MOST_SHOWN], strict=False)]
    return ", ".join(shown) + (f", and {flat.size - len(shown)} more" if flat.size > len(shown) else "")


def numbers(values: Any) -> str:
    """A number, or several in brackets, the first eight of them."""
    if isinstance(values, dict):
        return f"{values['size']} numbers"
    if isinstance(values, Sequence) and not isinstance(values, str):
        shown = ", ".join(number(value) for value in values[:8]) + (", ..." if len(values) > 8 else "")
        return f"({shown})" if len(values) > 1 else shown
    return number(values)


def number(value: Any) -> str:
    """Six digits."""
    try:
        return f"{float(value):.6g}"
    except (TypeError, ValueError):  # a word among the coefficients of another library's rule
        return str(value)


def short(value: float) -> str:
    """Four digits, for sentences."""
    return f"{value + 0.0:.4g}"


def share(value: float) -> str:
    """Four digits of what a step leaves; two of its distance from 1 or -1, where it is close to that.

    >>> share(0.95), share(0.99999987), share(-0.99999987)
    ('0.95', '1 - 1.3e-07', '-1 + 1.3e-07')
    """
    if not 0.9999 < abs(value) < 1:
        return short(value)
    return f"1 - {1 - value:.2g}" if value > 0 else f"-1 + {1 + value:.2g}"


def capital(text: str) -> str:
    """For the first word of a sentence; RMSProp and AdaGrad are written as their authors do."""
    for name in ("RMSProp", "AdaGrad"):
        if text.startswith(name.lower()):
            return name + text[len(name) :]
    return text[:1].upper() + text[1:]


def counted(n: int, what: str) -> str:
    """1 step, 2 steps."""
    return f"{n:,} {what}{'s' * (n != 1)}"
