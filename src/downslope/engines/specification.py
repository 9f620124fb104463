"""What a run was asked for, as plain numbers and words: to be read, compared and stored."""

from __future__ import annotations

import dataclasses
import numbers
from typing import Any

import numpy as np

from downslope.engines.step import Rules
from downslope.objectives.objective import Objective

_MOST_NUMBERS = 1000


def describe(objective: Objective, rules: Rules, x0: np.ndarray) -> dict[str, Any]:
    """The specification of a run, fit for JSON."""
    limits = rules.limits
    kind = "gallery" if objective.problem else "formula" if objective.formula else "function"
    return {
        "fun": objective.name,
        "kind": kind,
        "x0": _numbers(x0),
        "method": rule_in_words(rules.method),
        "learning_rate": rule_in_words(rules.learning_rate),
        "bounds": None if rules.bounds is None else [_numbers(side) for side in rules.bounds],
        "max_steps": limits.max_steps,
        "target_loss": None if limits.target_loss == -np.inf else limits.target_loss,
        "gradient_tolerance": None if limits.gradient_tolerance < 0 else limits.gradient_tolerance,
        "loss_limit": None if limits.loss_limit == np.inf else limits.loss_limit,
        "noise": rules.noise or 0.0,
        "seed": rules.seed if rules.noise else None,
    }


def rule_in_words(rule: Any) -> dict[str, Any]:
    """A method or learning rate as its type's name and its coefficients.

    >>> from downslope.methods import Momentum
    >>> rule_in_words(Momentum(beta=0.5))
    {'name': 'Momentum', 'beta': 0.5}
    """
    fields = dataclasses.fields(rule) if dataclasses.is_dataclass(rule) else ()
    return {"name": type(rule).__name__, **{f.name: _value(getattr(rule, f.name)) for f in fields}}


def _value(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return rule_in_words(value)
    if isinstance(value, np.ndarray):
        return _numbers(value)
    if isinstance(value, numbers.Real | np.generic):
        return float(value)
    return getattr(value, "__name__", str(value))


def _numbers(vector: np.ndarray) -> Any:
    """A list of numbers; of a long vector, its length and a few of them."""
    if vector.size <= _MOST_NUMBERS:
        return [float(v) if np.isfinite(v) else str(float(v)) for v in vector]
    return {"size": int(vector.size), "first": [float(v) for v in vector[:3]]}
