"""What a run was asked for, in names, numbers and arrays: to be read, compared, stored and repeated."""

from __future__ import annotations

import dataclasses
import numbers
import re
from typing import Any

import numpy as np

from downslope import learning_rates, methods
from downslope.engines.step import Rules
from downslope.objectives import gallery
from downslope.objectives.objective import Objective
from downslope.objectives.structure import Structure


def describe(objective: Objective, rules: Rules, structure: Structure, x0: np.ndarray, record: str) -> dict[str, Any]:
    """The specification of a run: all that it takes to repeat it, apart from code. Arrays are whole and read-only."""
    limits = rules.limits
    return {
        "fun": objective.name,
        "kind": kind_of(objective),
        "variables": list(objective.formula.variables if objective.formula else objective.own_names(structure)) or None,
        "call": objective.call,
        "jac": objective.jac is not None,
        "x0": _kept(x0),
        "method": rule_in_words(rules.method),
        "learning_rate": rule_in_words(rules.learning_rate),
        "bounds": None if rules.bounds is None else [_kept(side) for side in rules.bounds],
        "max_steps": limits.max_steps,
        "target_loss": None if limits.target_loss == -np.inf else limits.target_loss,
        "gradient_tolerance": None if limits.gradient_tolerance < 0 else limits.gradient_tolerance,
        "loss_limit": None if limits.loss_limit == np.inf else limits.loss_limit,
        "noise": rules.noise or 0.0,
        "seed": rules.seed if rules.noise else None,
        "record": record,
    }


def rule_in_words(rule: Any) -> dict[str, Any]:
    """A method or learning rate as its type's name and its coefficients.

    >>> from downslope.methods import Momentum
    >>> rule_in_words(Momentum(beta=0.5))
    {'name': 'Momentum', 'beta': 0.5}
    """
    if isinstance(getattr(rule, "in_words", None), dict):  # another library's, which no dataclass describes
        return dict(rule.in_words)
    fields = dataclasses.fields(rule) if dataclasses.is_dataclass(rule) else ()
    return {"name": _name(type(rule)), **{f.name: _value(getattr(rule, f.name)) for f in fields}}


def _name(kind: type) -> str:
    """A type's name; in full where it could be taken for one of downslope's own."""
    name = kind.__name__
    known = getattr(methods, name, None) or getattr(learning_rates, name, None)
    return name if known in (None, kind) else f"{kind.__module__}.{kind.__qualname__}"


def _value(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return rule_in_words(value)
    if hasattr(value, "__array__") and np.asarray(value).dtype.kind in "biuf":
        return _kept(value)  # NumPy's numbers too: their precision takes part in the arithmetic
    if isinstance(value, numbers.Real):
        return float(value)
    return value if value is None else name_of(value)


def name_of(value: Any) -> str:
    """Its name; without one what Python writes for it, but for its address, which another process would not have.

    >>> name_of(len), name_of("a"), name_of(object())
    ('len', 'a', '<object object>')
    """
    return str(getattr(value, "__name__", None) or re.sub(r" at 0x[0-9a-fA-F]+", "", str(value)))


def _kept(array: Any) -> Any:
    """A copy that nobody writes into: the user's own array may change later."""
    copy = np.array(array)
    copy.setflags(write=False)
    return copy[()]


def kind_of(objective: Objective) -> str:
    """Gallery, formula or function: what `fun` is the name of."""
    if objective.problem is not None and gallery.PROBLEMS.get(objective.name) is objective.problem:
        return "gallery"
    return "formula" if objective.formula else "function"
