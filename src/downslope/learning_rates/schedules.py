"""Schedules: the rate as a function of the step's count k = 0, 1, 2, ...

    Constant        a
    GeometricDecay  a f^k                                the rates add up to a / (1 - f) at most
    InverseTime     a / (1 + d k)
    StepDecay       a f^floor(k / every)
    Cosine          from a to `final` over n_steps       Loshchilov and Hutter 2017, without restarts
    Cyclical        low, up to high and back             Smith 2017, "triangular"
    WarmRestarts    Cosine again and again, each `growth` times longer           Loshchilov and Hutter 2017
    WarmUp          a straight rise to another schedule  Goyal et al. 2017

Each is a function of k, for an int or an array of ints, so that `schedule(np.arange(100))` can be drawn.
A rate may be an array, one entry a coordinate, when k is one number.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from downslope.coefficients import coefficient
from downslope.learning_rates.learning_rate import Choice, Here, LearningRate


class Schedule(LearningRate):
    """A rate that depends on the step's count alone; subclasses define `__call__(step)`.

    >>> import dataclasses, downslope
    >>> @dataclasses.dataclass(frozen=True)
    ... class Halved(Schedule):  # halved from step 3 on
    ...     def __call__(self, step):
    ...         return 0.2 - 0.1 * (step >= 3)
    >>> downslope.minimize("x^2", 5.0, learning_rate=Halved(), max_steps=5).learning_rates
    array([0.2, 0.2, 0.2, 0.1, 0.1, nan])
    """

    def __call__(self, step: Any) -> Any:
        """The rate of step `step`, counted from 0."""
        raise NotImplementedError

    def choose(self, state: Any, here: Here) -> Choice:
        """The schedule's value at this step."""
        return Choice(self(here.step), state)


@dataclass(frozen=True, eq=False)
class Constant(Schedule):
    """The same rate at each step: a number, or an array with one rate a coordinate.

    >>> Constant(0.1)(7)
    0.1
    """

    rate: Any = coefficient("(0, inf)")

    def __call__(self, step: Any) -> Any:
        """A."""
        return self.rate


class UnusableRateError(Exception):
    """Carries a rate function's failure out of the loop; `rate` is what it gave, if anything.

    >>> Custom(lambda k: -1.0)(0)
    Traceback (most recent call last):
    ...
    downslope.learning_rates.schedules.UnusableRateError: gave -1.0 for step 0, where rates are positive and finite
    """

    def __init__(self, message: str, rate: Any = None):
        self.rate = rate
        super().__init__(message)


@dataclass(frozen=True, eq=False)
class Custom(Schedule):
    """Any function of the step's count; what `learning_rate=lambda k: ...` becomes.

    >>> Custom(lambda k: 1 / (k + 1))(3)
    0.25
    """

    function: Callable[[Any], Any]

    def __call__(self, step: Any) -> Any:
        """function(k); UnusableRateError where it raises, or gives other than numbers from 0 on."""
        try:
            rate = self.function(step)
            usable = bool(np.all(np.isfinite(rate)) and np.all(np.asarray(rate) >= 0))
        except Exception as error:
            raise UnusableRateError(f"raised {type(error).__name__}: {error}, for step {step}") from error
        if not usable:
            raise UnusableRateError(f"gave {rate} for step {step}, where rates are positive and finite", rate)
        return rate


@dataclass(frozen=True, eq=False)
class GeometricDecay(Schedule):
    """Shrinks by the same factor at each step; travels `rate / (1 - factor)` in all, so it can stop short.

    >>> GeometricDecay(0.8, factor=0.5)(2)
    0.2
    """

    rate: Any = coefficient("(0, inf)")
    factor: float = coefficient("(0, 1]")

    def __call__(self, step: Any) -> Any:
        """A f^k."""
        return self.rate * self.factor**step


@dataclass(frozen=True, eq=False)
class InverseTime(Schedule):
    """Falls like 1 / k: slow enough to reach any minimum, fast enough to average noise away.

    >>> InverseTime(0.8, decay=0.5)(2)
    0.4
    """

    rate: Any = coefficient("(0, inf)")
    decay: float = coefficient("[0, inf)", 0.01)

    def __call__(self, step: Any) -> Any:
        """A / (1 + d k)."""
        return self.rate / (1 + self.decay * step)


@dataclass(frozen=True, eq=False)
class StepDecay(Schedule):
    """Falls by a factor every so many steps.

    >>> [StepDecay(0.8, factor=0.5, every=10)(k) for k in (0, 9, 10, 25)]
    [0.8, 0.8, 0.4, 0.2]
    """

    rate: Any = coefficient("(0, inf)")
    factor: float = coefficient("(0, 1]", 0.5)
    every: float = coefficient("[1, inf)", 100)

    def __call__(self, step: Any) -> Any:
        """A f^floor(k / every)."""
        return self.rate * self.factor ** (step // self.every)


@dataclass(frozen=True, eq=False)
class Cosine(Schedule):
    """Half a cosine from `rate` to `final` over `n_steps`, then `final`.

    >>> [round(float(Cosine(0.8, n_steps=10)(k)), 6) for k in (0, 5, 10, 11)]
    [0.8, 0.4, 0.0, 0.0]
    """

    rate: Any = coefficient("(0, inf)")
    n_steps: float = coefficient("[1, inf)", 1000)
    final: Any = coefficient("[0, inf)", 0.0)

    def __call__(self, step: Any) -> Any:
        """Final + (a - final) (1 + cos(pi k / n)) / 2."""
        return _half_cosine(self.rate, self.final, step / self.n_steps)


@dataclass(frozen=True, eq=False)
class Cyclical(Schedule):
    """A triangle wave between `low` and `high`; a rise and a fall take `half_period` steps each.

    >>> [round(float(Cyclical(0.1, 0.5, half_period=4)(k)), 6) for k in (0, 2, 4, 6, 8)]
    [0.1, 0.3, 0.5, 0.3, 0.1]
    """

    low: Any = coefficient("(0, inf)")
    high: Any = coefficient("(0, inf)")
    half_period: float = coefficient("[1, inf)", 100)

    def __call__(self, step: Any) -> Any:
        """Low + (high - low) times the triangle's height."""
        position = (step / self.half_period) % 2
        return self.low + (self.high - self.low) * (1 - abs(1 - position))


@dataclass(frozen=True, eq=False)
class WarmRestarts(Schedule):
    """A cosine fall over `n_steps`, restarted at `rate`; each cycle is `growth` times longer.

    >>> [round(float(WarmRestarts(0.8, n_steps=10, growth=2)(k)), 6) for k in (0, 5, 10, 20, 30)]
    [0.8, 0.4, 0.8, 0.4, 0.8]
    """

    rate: Any = coefficient("(0, inf)")
    n_steps: float = coefficient("[1, inf)", 100)
    growth: float = coefficient("[1, 100]", 1.0)
    final: Any = coefficient("[0, inf)", 0.0)

    def __call__(self, step: Any) -> Any:
        """The cosine's value at the share of the present cycle that is over."""
        xp = _namespace(step, self.growth)
        # Cycle c starts at n (growth^c - 1) / (growth - 1), which for growth = 1 is n c.
        equal = self.growth == 1
        growth = xp.where(equal, 2.0, self.growth)
        stretched = xp.floor(xp.log1p((growth - 1) * step / self.n_steps) / xp.log(growth) + 1e-9)
        cycle = xp.where(equal, xp.floor(step / self.n_steps), stretched)
        start = self.n_steps * xp.where(equal, cycle, (growth**stretched - 1) / (growth - 1))
        share = (step - start) / (self.n_steps * xp.where(equal, 1.0, growth**stretched))
        return _half_cosine(self.rate, self.final, xp.maximum(share, 0.0))


@dataclass(frozen=True, eq=False)
class WarmUp(Schedule):
    """Rises in `n_steps` equal steps to the first rate of `schedule`, which starts after the rise.

    >>> [round(float(WarmUp(Constant(0.4), n_steps=3)(k)), 6) for k in range(5)]
    [0.1, 0.2, 0.3, 0.4, 0.4]
    """

    schedule: Schedule
    n_steps: float = coefficient("[0, inf)", 10)

    def __call__(self, step: Any) -> Any:
        """schedule(max(k - n, 0)) times (k + 1) / (n + 1), which is at most 1."""
        xp = _namespace(step, self.n_steps)
        return self.schedule(xp.maximum(step - self.n_steps, 0)) * xp.minimum((step + 1) / (self.n_steps + 1), 1.0)


def _half_cosine(rate: Any, final: Any, share: Any) -> Any:
    xp = _namespace(share)
    return final + (rate - final) * (1 + xp.cos(math.pi * xp.minimum(share, 1.0))) / 2


def _namespace(*values: Any) -> Any:
    """NumPy, or jax.numpy where a value is JAX's."""
    spaces = [value.__array_namespace__() for value in values if hasattr(value, "__array_namespace__")]
    return next((space for space in spaces if space is not np), np)
