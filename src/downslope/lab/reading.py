"""Values of a request, read and checked; an InvalidInput names the parameter, the rule and the value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from downslope.errors import InvalidInput
from downslope.lab.limits import LIMITS


def number(name: str, value: Any, low: float = -LIMITS.largest, high: float = LIMITS.largest) -> float:
    """A finite number within low and high.

    >>> number("noise", 0.5, 0.0)
    0.5
    """
    if not _is_number(value) or not low <= value <= high:  # which NaN is not
        raise InvalidInput(name, f"must be a number from {low:g} to {high:g}", value)
    return float(value)


def whole(name: str, value: Any, low: int, high: int) -> int:
    """A whole number within low and high."""
    if not _is_number(value) or not low <= value <= high or value != int(value):
        raise InvalidInput(name, f"must be a whole number from {low} to {high}", value)
    return int(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def text(name: str, value: Any, most: int) -> str:
    """A text that is not too long."""
    if not isinstance(value, str) or len(value) > most:
        raise InvalidInput(name, f"must be a text of at most {most:,} characters", value)
    return value


def listed(name: str, value: Any, low: int, high: int) -> list[Any]:
    """A list of low to high entries."""
    if not isinstance(value, list) or not low <= len(value) <= high:
        raise InvalidInput(name, f"must be a list of {low} to {high} entries", value)
    return value


def point(name: str, value: Any, size: int | None = None) -> list[float]:
    """A list of finite numbers, `size` of them where that is known."""
    low, high = (1, LIMITS.variables) if size is None else (size, size)
    return [number(name, entry) for entry in listed(name, value, low, high)]


def ranges(value: Any, most: int = 2) -> list[tuple[float, float]]:
    """Pairs of a low and a high end with room between them.

    >>> ranges([[-1, 1]])
    [(-1.0, 1.0)]
    """
    pairs = []
    for pair in listed("ranges", value, 1, most):
        low, high = point("ranges", pair, 2)
        if not high - low > 1e-9 * max(abs(low), abs(high)):
            raise InvalidInput("ranges", "must have low below high, with room between them", pair)
        pairs.append((low, high))
    return pairs


def table(name: str, value: Any) -> dict[str, Any]:
    """An object of JSON."""
    if not isinstance(value, dict):
        raise InvalidInput(name, "must be an object", value)
    return value


def only(params: dict[str, Any], known: tuple[str, ...], what: str) -> None:
    """Raise where there is a parameter that nothing reads: it would be mistyped."""
    for name in params:
        if name not in known:
            raise InvalidInput(
                str(name)[:40], f"is no parameter of {what}, which takes {', '.join(known)}", params[name]
            )


def optional(read: Callable[..., Any], name: str, value: Any, *limits: Any) -> Any:
    """None, or what `read` makes of it."""
    return None if value is None else read(name, value, *limits)
