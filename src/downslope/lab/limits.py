"""How much a request to the laboratory may ask for: all such numbers, in one place.

They keep any request, also a hostile one, to bounded memory and about bounded time. What they bound is told to the
page by `hello`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Limits:
    """Of one request."""

    formula_characters: int = 1_000
    formula_parts: int = 300
    """Numbers, names, operations and functions: what the compiler's time grows with."""
    variables: int = 100
    """Numbers in a start."""
    largest: float = 1e100
    """Of a number in a start or range, in absolute value; its square is still far from overflow."""
    resolution: int = 256
    """Points along each side of a surface or a map of basins."""
    line_resolution: int = 4_096
    """Points along a curve of one variable."""
    rates: int = 256
    """Learning rates of a fan."""
    fan_steps: int = 500
    """Steps of a fan's or marble's run, of which all are sent."""
    fan_numbers: int = 2_000_000
    """Numbers in all rows of a fan, or of all marbles: with many variables there are fewer rates."""
    steps: int = 10_000
    """Steps of a single run."""
    starts: int = 256
    """Marbles dropped at once."""
    entrants: int = 8
    """Of a race."""
    baked: int = 64
    """Requests whose answers an exported page holds."""
    export_bytes: int = 3_000_000
    message_bytes: int = 8 * 2**20
    """Of what the page sends: a file to be opened, in base64."""
    title_characters: int = 200
    seconds: float = 15.0
    """A request."""
    waiting: int = 16
    """Requests of one page that wait or run."""


LIMITS = Limits()


def told() -> dict[str, float]:
    """The limits by name.

    >>> told()["fan_steps"]
    500
    """
    return asdict(LIMITS)
