"""The setting that all requests share: what is descended, from where, how, and for how long.

A setting is an object of JSON, also what the page's URL holds. Here it is read and checked; `arguments` are those of
`minimize`, and what "copy as Python" writes out.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from downslope.coefficients import check_coefficients, coefficients
from downslope.errors import InvalidInput
from downslope.lab import reading
from downslope.lab.functions import Function, Functions
from downslope.lab.limits import LIMITS
from downslope.learning_rates import Cosine, GeometricDecay, as_learning_rate
from downslope.methods import METHODS, Method, method_named

KEYS = (
    "fun",
    "ranges",
    "start",
    "method",
    "coefficients",
    "learning_rate",
    "decay",
    "cosine",
    "noise",
    "seed",
    "max_steps",
    "gradient_tolerance",
    "slice",
)
MAX_STEPS = 300
TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class Setting:
    """One setting, checked."""

    function: Function
    start: tuple[float, ...]
    method: Method
    learning_rate: float | None
    """None is the method's own default: a line search, or a number."""
    decay: float | None
    """The rate is multiplied by it after each step."""
    cosine: float | None
    """The rate falls to 0 as half a cosine over so many steps."""
    noise: float
    seed: int
    max_steps: int
    gradient_tolerance: float | None
    ranges: tuple[tuple[float, float], ...] | None
    slice: dict[str, Any] | None

    @property
    def method_name(self) -> str:
        """As `minimize` takes it."""
        return next(name for name, kind in METHODS.items() if type(self.method) is kind)

    @property
    def x0(self) -> Any:
        """The start as `minimize` takes it."""
        return self.function.x0(self.start)

    @property
    def rate(self) -> Any:
        """The learning rate as `minimize` takes it."""
        if self.learning_rate is None or (self.decay is None and self.cosine is None):
            return self.learning_rate
        if self.cosine is not None:
            return Cosine(self.learning_rate, n_steps=self.cosine)
        return GeometricDecay(self.learning_rate, factor=self.decay)  # type: ignore[arg-type]  # one of them is there

    def arguments(self) -> dict[str, Any]:
        """What `minimize` gets beside the function and the start."""
        noisy = {"noise": self.noise, "seed": self.seed} if self.noise else {}
        return {
            "method": self.method,
            "learning_rate": self.rate,
            "max_steps": self.max_steps,
            "gradient_tolerance": self.gradient_tolerance,
            **noisy,
        }

    def with_rate(self, rate: float) -> Setting:
        """The same with another rate."""
        return dataclasses.replace(self, learning_rate=rate)


def setting(params: dict[str, Any], functions: Functions, more: tuple[str, ...] = ()) -> Setting:
    """The setting in a request's params, which may hold the keys in `more` as well; InvalidInput for a bad one."""
    reading.only(params, (*KEYS, *more), "this request")
    function = functions.find(params.get("fun"))
    start = _start(params.get("start"), function)
    method = _method(params.get("method", "gradient_descent"), params.get("coefficients"))
    rate = reading.optional(reading.number, "learning_rate", params.get("learning_rate"), 1e-100)
    decay = reading.optional(reading.number, "decay", params.get("decay"), 1e-9, 1.0)
    cosine = reading.optional(reading.number, "cosine", params.get("cosine"), 1.0)
    if decay is not None and cosine is not None:
        raise InvalidInput("decay", "must be null beside `cosine`: a rate falls in one way", decay)
    if rate is None and (decay is not None or cosine is not None):
        raise InvalidInput("learning_rate", "must be a number where it falls with the steps", rate)
    tolerance = params.get("gradient_tolerance", TOLERANCE)
    chosen = Setting(
        function=function,
        start=start,
        method=method,
        learning_rate=rate,
        decay=decay,
        cosine=cosine,
        noise=reading.number("noise", params.get("noise", 0), 0.0),
        seed=reading.whole("seed", params.get("seed", 0), 0, 2**32 - 1),
        max_steps=reading.whole("max_steps", params.get("max_steps", MAX_STEPS), 0, LIMITS.steps),
        gradient_tolerance=reading.optional(reading.number, "gradient_tolerance", tolerance, 0.0),
        ranges=None if params.get("ranges") is None else tuple(reading.ranges(params["ranges"])),
        slice=reading.optional(reading.table, "slice", params.get("slice")),
    )
    as_learning_rate(chosen.rate, chosen.method)  # a pair that cannot work is refused with its reason
    return chosen


def _start(given: Any, function: Function) -> tuple[float, ...]:
    if given is None:
        return function.start
    size = None if function.takes_any_size else function.n_variables
    return tuple(reading.point("start", given, size))


def _method(name: Any, given: Any) -> Method:
    method = method_named(reading.text("method", name, 40))
    known = coefficients(method)
    values = reading.table("coefficients", {} if given is None else given)
    reading.only(values, tuple(known), f"{name}: `coefficients`")
    numbers = {key: reading.number(key, value) for key, value in values.items()}
    chosen = dataclasses.replace(method, **numbers)  # type: ignore[type-var]  # every method is a dataclass
    check_coefficients(chosen, name)
    return chosen
