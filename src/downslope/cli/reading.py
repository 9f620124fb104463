"""Options as text, read into what `minimize` takes."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from downslope.coefficients import check_in_interval
from downslope.errors import InvalidInput
from downslope.learning_rates import Backtracking, BarzilaiBorwein, GeometricDecay, Polyak
from downslope.methods import Method, method_named

SEARCHES = {"backtracking": Backtracking, "barzilai_borwein": BarzilaiBorwein, "polyak": Polyak}


def start(text: str | None) -> Any:
    """A number, a list of numbers, or None.

    >>> start("5"), start("9,-3")
    (5.0, [9.0, -3.0])
    """
    return None if text is None else _numbers("start", text)


def names(text: str | None) -> list[str] | None:
    """Names with commas between.

    >>> names("theta, b")
    ['theta', 'b']
    """
    return None if text is None else [name.strip() for name in text.split(",")]


def method(name: str, beta: float | None) -> Method:
    """The method of that name, with its beta where one is given."""
    chosen = method_named(name)
    if beta is None:
        return chosen
    if not any(field.name == "beta" for field in dataclasses.fields(chosen)):  # type: ignore[arg-type]
        raise InvalidInput("beta", f"is for momentum and nesterov, and {name} has none", beta)
    return dataclasses.replace(chosen, beta=beta)  # type: ignore[type-var]


def learning_rate(text: str | None, decay: float | None) -> Any:
    """A number or list, a search, or a decaying rate.

    >>> learning_rate("0.1", None), learning_rate("0.1", 0.99)
    (0.1, GeometricDecay(rate=0.1, factor=0.99))
    """
    if text in SEARCHES:
        if decay is not None:
            raise InvalidInput("decay", f"needs a number as the learning rate, and {text} finds its own", decay)
        return SEARCHES[text]()
    if text is None and decay is None:
        return None
    if text is None:
        raise InvalidInput("decay", "needs a learning rate to start from: --learning-rate 0.1", decay)
    rate = _numbers("learning_rate", text)
    if decay is None:
        return rate
    return decaying(rate, decay)


def decaying(rate: float | list[float], decay: float) -> GeometricDecay:
    """The schedule; errors name the options."""
    rates = rate if isinstance(rate, float) else np.array(rate)
    check_in_interval("learning_rate", rates, "(0, inf)")
    check_in_interval("decay", decay, "(0, 1]")
    return GeometricDecay(rates, factor=decay)


def tolerance(text: str) -> float | None:
    """A number, or None for "none"."""
    return None if text.lower() == "none" else number("tolerance", text)


def number(parameter: str, text: str | None) -> float | None:
    """A number, or None where there is no text."""
    return None if text is None else _number(parameter, text, "must be a number")


def whole(parameter: str, text: str | None) -> int | None:
    """A whole number, or None where there is no text.

    >>> whole("max_steps", "1e6"), whole("max_steps", "-1")
    (1000000, -1)
    """
    value = number(parameter, text)
    if text is None or value is None:
        return None
    if not value.is_integer():
        raise InvalidInput(parameter, "must be a whole number", text)
    return int(text) if text.strip().lstrip("+-").isdecimal() else int(value)


def bounds(text: str | None) -> Any:
    """(low, high), or a list of such pairs; an empty side is no bound.

    >>> bounds("-1:1"), bounds("0:,-2:2")
    ((-1.0, 1.0), [(0.0, None), (-2.0, 2.0)])
    """
    if text is None:
        return None
    pairs = [_pair(part) for part in text.split(",")]
    return pairs[0] if len(pairs) == 1 else pairs


def region(text: str | None) -> Any:
    """(low, high), or two such pairs, or None: what a picture shows.

    >>> region("-5.1:14.1"), region("-10:10,-4:4")
    ((-5.1, 14.1), ((-10.0, 10.0), (-4.0, 4.0)))
    """
    if text is None:
        return None
    pairs = tuple(_pair(part, "region") for part in text.split(","))
    return pairs[0] if len(pairs) == 1 else pairs


def box(text: str | None) -> Any:
    """(low, high), or a list of such pairs, or None: where the starts of a search are.

    >>> box("-5:5"), box("-5:5,0:1")
    ((-5.0, 5.0), [(-5.0, 5.0), (0.0, 1.0)])
    """
    if text is None:
        return None
    pairs = [_pair(part, "range") for part in text.split(",")]
    for low, high in pairs:
        if low is None or high is None or not -math.inf < low < high < math.inf:
            raise InvalidInput("range", "must have LOW below HIGH, both finite", text)
    return pairs[0] if len(pairs) == 1 else pairs


def entrants(text: str, rate: str | None) -> list[tuple[str, str, str | None]]:
    """Methods in a race, each as its label, its name and its rate: the one after its colon, or `rate`.

    >>> entrants("momentum:0.02,adam", "0.1")
    [('momentum 0.02', 'momentum', '0.02'), ('adam', 'adam', '0.1')]
    """
    found: list[tuple[str, str, str | None]] = []
    for word in text.split(","):
        name, colon, own = (part.strip() for part in word.partition(":"))
        label = name.replace("_", " ")
        entrant = (f"{label} {own}" if colon else label, name, own if colon else rate)
        if entrant in found:
            raise InvalidInput("methods", "must differ from each other: a method, or its rate", text)
        found.append(entrant)
    return found


def _pair(text: str, parameter: str = "bounds") -> tuple[float | None, float | None]:
    sides = text.split(":")
    if len(sides) != 2:
        raise InvalidInput(parameter, "must be LOW:HIGH, with commas between variables", text)
    low, high = (None if not side.strip() else _number(parameter, side) for side in sides)
    return low, high


def _numbers(parameter: str, text: str) -> float | list[float]:
    values = [_number(parameter, part) for part in text.split(",")]
    return values[0] if len(values) == 1 else values


def _number(parameter: str, text: str, rule: str = "must be a number, or numbers with commas between") -> float:
    try:
        return float(text)
    except ValueError:
        raise InvalidInput(parameter, rule, text) from None
