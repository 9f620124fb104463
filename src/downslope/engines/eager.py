"""The reference loop: plain Python, one step at a time, for any function; callbacks live here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from downslope.engines.leaves import in_precision
from downslope.engines.recorder import Recorder
from downslope.engines.step import Library, Oracle, Rules, leave, look, same, start
from downslope.errors import InvalidInput
from downslope.learning_rates import UnusableRateError
from downslope.objectives.structure import Structure
from downslope.stopping import Status, goes_on, status_of


class Step(NamedTuple):
    """What a callback sees before each update: where the run stands, with its `loss` there.

    >>> import downslope
    >>> seen = []
    >>> run = downslope.minimize("x^2", 5.0, learning_rate=0.1, callback=lambda step: seen.append((step.n, step.loss)))
    >>> seen[:2]
    [(0, 25.0), (1, 16.0)]
    """

    n: int
    """Updates made so far."""
    x: Any
    """The point, with the structure of the start."""
    loss: float
    gradient: Any
    """The gradient, with the structure of the start."""
    gradient_norm: float
    """Its largest component, in absolute value."""


class CallbackRaised(Exception):
    """Carries a callback's error out of the loop, as its cause."""


class ObjectiveRaised(Exception):
    """Carries the objective's error out of the loop, as its cause."""


class MethodRaised(Exception):
    """Carries a method's or learning rate's error out of the loop, as its cause."""


def run_eager(
    oracle: Oracle,
    rules: Rules,
    x0: np.ndarray,
    structure: Structure,
    recorder: Recorder,
    callback: Callable[[Step], Any] | None,
    after_step: Callable[[], None],
) -> Status:
    """Run to the end; the rows go to the recorder, one at a time."""
    plain = {name: _guarded(getattr(oracle, name)) for name in ("value", "value_and_gradient", "hessian")}
    oracle = oracle._replace(**plain)
    library = Library(np, _while_loop, _unchanged)
    if x0.dtype != float:
        rules = rules._replace(
            method=in_precision(rules.method, x0.dtype), learning_rate=in_precision(rules.learning_rate, x0.dtype)
        )
    position = _guarded_rules(start)(rules, x0)
    with np.errstate(all="ignore"):
        while True:
            view = look(oracle, library, rules, position)
            rate, n_trials, facts, departure = np.nan, 0, view.facts, None
            if goes_on(facts, rules.limits):
                last = position.step >= rules.limits.max_steps
                stopped = not last and _called(callback, structure, position.step, position.x, view)
                departure = _guarded_rules(leave)(oracle, library, rules, position, view)
                rate, n_trials = departure.learning_rate, int(departure.n_trials)
                facts = departure.facts._replace(stopped=stopped)
            recorder.add_row(position.x, view.loss, view.gradient_size, rate, n_trials)
            recorder.method_state = position.method_state if rules.method.scaling else None
            if departure is None or not goes_on(facts, rules.limits):
                return Status(int(status_of(facts, rules.limits)))
            after_step()
            position = departure.position._replace(x=departure.position.x.astype(x0.dtype, copy=False))


def _unchanged(new: Any, old: Any, again: Callable[[], Any]) -> tuple[Any, Any]:
    unmoved = np.all(new[0] == old[0])
    return unmoved, unmoved and same(np, new[1], old[1])


def _while_loop(goes_on: Callable[[Any], Any], body: Callable[[Any], Any], carry: Any) -> Any:
    while goes_on(carry):
        carry = body(carry)
    return carry


def _called(callback: Callable[[Step], Any] | None, structure: Structure, n: int, x: np.ndarray, view: Any) -> bool:
    if callback is None:
        return False
    step = Step(n, structure.restore(x), float(view.loss), structure.restore(view.gradient), float(view.gradient_size))
    try:
        answer = callback(step)
        return isinstance(answer, bool | np.bool_) and bool(answer)
    except StopIteration:  # SciPy's way to stop
        return True
    except Exception as error:
        raise CallbackRaised from error


def _guarded_rules(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except (ObjectiveRaised, UnusableRateError, InvalidInput):
            raise
        except Exception as error:
            raise MethodRaised from error

    return call


def _guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except Exception as error:
            raise ObjectiveRaised from error

    return call
