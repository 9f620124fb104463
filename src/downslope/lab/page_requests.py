"""What the page asks for when it opens with a setting: an exported page has to hold exactly these answers.

The page completes a setting in `frontend/src/state/setting_for.ts` and asks in `requests.ts`, as is done here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from downslope.coefficients import coefficients
from downslope.lab.settings import Setting

Request = tuple[str, dict[str, Any]]

_N_RATES = 256
_POINTS = {1: 801, 2: 101}
"""Along each side of what is drawn, by how many variables are drawn."""


def whole(chosen: Setting, ranges: Sequence[Sequence[float]]) -> dict[str, Any]:
    """The setting with all that the page gives it; `ranges` are drawn where it has none of its own."""
    many = len(chosen.start) > 2
    return {
        "fun": chosen.function.name,
        "ranges": [list(pair) for pair in chosen.ranges or (ranges if many else _with_start(ranges, chosen.start))],
        "start": list(chosen.start),
        "method": chosen.method_name,
        "coefficients": {name: getattr(chosen.method, name) for name in coefficients(chosen.method)},
        "learning_rate": chosen.learning_rate,
        "decay": chosen.decay,
        "cosine": chosen.cosine,
        "noise": chosen.noise,
        "seed": chosen.seed,
        "max_steps": chosen.max_steps,
        "gradient_tolerance": chosen.gradient_tolerance,
        **({"slice": chosen.slice or {"principal": True}} if many else {}),
    }


def _with_start(ranges: Sequence[Sequence[float]], start: Sequence[float]) -> list[tuple[float, float]]:
    """Ranges in which the start is seen, with some room beside it.

    >>> _with_start([(-5.0, 5.0)], [15.0]), _with_start([(-5.0, 5.0)], [2.0])
    ([(-5.0, 16.0)], [(-5.0, 5.0)])
    """
    wide = [(min(low, x), max(high, x)) for (low, high), x in zip(ranges, start, strict=True)]
    room = [(high - low) / 20 for low, high in wide]
    return [
        (low - (low == x) * beside, high + (high == x) * beside)
        for (low, high), x, beside in zip(wide, start, room, strict=True)
    ]


def function_request(chosen: Setting) -> Request:
    """What is asked first: what the function is like."""
    function = chosen.function
    any_size = function.kind == "formula" or (function.kind == "gallery" and function.takes_any_size)
    size = {"n_variables": len(chosen.start)} if any_size else {}
    cut = {"slice": chosen.slice or {"principal": True}} if len(chosen.start) > 2 else {}
    return "function", {"fun": function.name, **size, **cut}


def requests_of(chosen: Setting, shown: dict[str, Any]) -> list[Request]:
    """All that the page asks for; `shown` is the whole setting. The fan is last, since it is thinned to fit."""
    cut = {"slice": shown["slice"], "n_variables": len(shown["start"])} if "slice" in shown else {}
    drawn = {"fun": shown["fun"], "ranges": shown["ranges"], "resolution": _POINTS[len(shown["ranges"])], **cut}
    fan = {**shown, "n_rates": _N_RATES}
    return [
        ("hello", {}),
        function_request(chosen),
        ("surface", drawn),
        ("run", {**shown, "explain": False}),
        ("run", shown),
        ("limits", fan),
        ("code", shown),
        ("fan", fan),
    ]
