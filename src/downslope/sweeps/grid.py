"""The grid of a sweep: what was asked for as named dimensions, checked before anything runs.

    method x learning_rate x each coefficient x seed x start

What is given as a list is a dimension, even where it has one entry; what is given as one value is none. Lanes are
numbered with the last dimension fastest, as NumPy does.
"""

from __future__ import annotations

import dataclasses
import math
import numbers
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from downslope.coefficients import check_in_interval, coefficients
from downslope.engines.specification import name_of, rule_in_words
from downslope.errors import InvalidInput
from downslope.learning_rates import as_learning_rate
from downslope.methods import Method, as_method
from downslope.objectives.objective import Objective
from downslope.objectives.structure import Layout, Structure
from downslope.sweeps.rates import numbers_alone

MOST_BYTES = 16 * 2**30
"""A sweep whose results would take more is refused, unless they go to disk."""
MOST_LANES = 2**62
"""Lanes are counted in 64 bits."""
_BYTES_A_LANE = 90


@dataclass(frozen=True)
class Grid:
    """Every combination of some methods, coefficients, rates, seeds and starts."""

    methods: list[Method]
    coefficients: dict[str, np.ndarray]
    rates: list[Any]
    """As given to `minimize`: numbers, or schedules, searches and None."""
    seeds: list[int | None]
    structure: Structure
    starts: np.ndarray
    """Flat, shape (m, n)."""
    dimensions: dict[str, np.ndarray]
    """The labels of each dimension, in the order of the results' axes."""

    @property
    def full_shape(self) -> tuple[int, ...]:
        """The lengths of all of these, those that are no dimension among them."""
        lengths = (len(values) for values in self.coefficients.values())
        return (len(self.methods), len(self.rates), *lengths, len(self.seeds), len(self.starts))

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the dimensions."""
        return tuple(len(labels) for labels in self.dimensions.values())

    @property
    def n_lanes(self) -> int:
        """How many runs there are."""
        return math.prod(self.full_shape)


def grid_of(
    objective: Objective,
    starts: Any,
    learning_rates: Any,
    methods: Any,
    named_coefficients: Mapping[str, Any] | None,
    seeds: Any,
    *,
    on_disk: bool = False,
) -> Grid:
    """The grid that these span; InvalidInput where one of them is empty or breaks a rule, or it is too large.

    `on_disk` tells that the results need not fit in memory.
    """
    chosen, many_methods = _listed("methods", methods)
    chosen = [as_method(method) for method in chosen]
    if not isinstance(named_coefficients, Mapping | None):
        raise InvalidInput("coefficients", 'must be lists of numbers by name: {"beta": [0.5, 0.9]}', named_coefficients)
    numbers_of = {name: _coefficient(name, values, chosen) for name, values in (named_coefficients or {}).items()}
    rates, many_rates = _listed("learning_rates", learning_rates)
    for method in chosen:
        _check_rates(rates, method)
    every_seed, many_seeds = _listed("seeds", seeds)
    structure, flat = _starts(objective, starts)
    dimensions = {
        **({"method": labels_of(chosen)} if many_methods else {}),
        **({"learning_rate": rate_labels(rates)} if many_rates else {}),
        **numbers_of,
        **({"seed": np.asarray(every_seed)} if many_seeds else {}),
        "start": np.arange(len(flat)),
    }
    grid = Grid(chosen, numbers_of, rates, every_seed, structure, flat, dimensions)
    if grid.n_lanes > MOST_LANES:
        lengths = " x ".join(map(str, grid.full_shape))
        raise InvalidInput("starts", f"must span at most {MOST_LANES} runs: {lengths} are more", f"{grid.n_lanes} runs")
    if not on_disk:
        check_fits(grid)
    return grid


def check_fits(grid: Grid) -> None:
    """InvalidInput where the results would take too much memory."""
    if grid.n_lanes * (_BYTES_A_LANE + 2 * grid.starts[0].nbytes) > MOST_BYTES:
        lengths = " x ".join(map(str, grid.full_shape))
        rule = f"must span a grid whose results fit in {MOST_BYTES / 2**30:.0f} GiB: {lengths} runs take more"
        raise InvalidInput("starts", f"{rule}, and need a `path` to be written to", f"{grid.n_lanes} runs")


def _listed(parameter: str, values: Any) -> tuple[list[Any], bool]:
    """The values as a list, and whether they were one."""
    # A named tuple is one value: optax's transformations are such.
    is_list = isinstance(values, list | tuple | range) and not hasattr(values, "_fields")
    if not is_list and not (isinstance(values, np.ndarray) and values.ndim):
        return [values], False
    if len(values) == 0:
        raise InvalidInput(parameter, "must hold at least one entry", values)
    return list(values), True


def labels_of(values: list[Any]) -> np.ndarray:
    """Methods or rates as labels: the numbers themselves, or each rule in words, numbered where words are the same.

    >>> labels_of([0.1, None, None]).tolist()
    ['0.1', 'default', 'default (2)']
    """
    if _are_numbers(values):
        return np.asarray(values, dtype=float)
    words, seen = [_in_words(value) for value in values], Counter[str]()
    for k, word in enumerate(words):
        seen[word] += 1
        words[k] = word if seen[word] == 1 else f"{word} ({seen[word]})"
    return np.asarray(words)


def rate_labels(rates: list[Any]) -> np.ndarray:
    """The same of learning rates: numbers as well for schedules that differ in the rate that they begin with alone.

    >>> from downslope.learning_rates import GeometricDecay
    >>> rate_labels([GeometricDecay(0.1, 0.9), GeometricDecay(0.2, 0.9)]).tolist()
    [0.1, 0.2]
    """
    alone = numbers_alone(rates)
    return labels_of(rates) if alone is None else alone


def _are_numbers(values: list[Any]) -> bool:
    return all(isinstance(value, numbers.Real) and not isinstance(value, bool) for value in values)


def _in_words(rule: Any) -> str:
    """The same in every process: a rule that only its object's address tells from others goes by its name."""
    if rule is None:
        return "default"
    if isinstance(rule, numbers.Real | np.ndarray | list | tuple):
        return str(rule)
    if not isinstance(rule, Method) and not dataclasses.is_dataclass(rule):
        return name_of(rule)
    words = rule_in_words(rule)
    name = words.pop("name")
    told = ", ".join(value if isinstance(value, str) else f"{key}={value}" for key, value in words.items())
    return f"{name}({told})" if told else str(name)


def _coefficient(name: str, values: Any, methods: list[Method]) -> np.ndarray:
    for method in methods:
        known = coefficients(method)
        if name not in known:
            owner = type(method).__name__
            raise InvalidInput("coefficients", f"must be named as {owner} does ({', '.join(known) or 'none'})", name)
        try:
            array = np.atleast_1d(np.asarray(values, dtype=float))
        except (TypeError, ValueError):
            raise InvalidInput(name, "must be numbers", values) from None
        if array.ndim != 1 or not array.size:
            raise InvalidInput(name, "must be a list of at least one number", values)
        check_in_interval(name, array, known[name])
    return array


def _check_rates(rates: list[Any], method: Method) -> None:
    if _are_numbers(rates):
        check_in_interval("learning_rates", np.asarray(rates), "(0, inf)")
        rates = rates[:1]  # what holds for one number holds for all
    for rate in rates:
        as_learning_rate(rate, method)


def _starts(objective: Objective, starts: Any) -> tuple[Structure, np.ndarray]:
    """The structure that all starts share, and the starts as flat vectors."""
    if starts is None:
        if objective.problem is None:
            raise InvalidInput("starts", "must be given (only gallery problems bring a start)", None)
        starts = [objective.problem.start]
    if not isinstance(starts, list | tuple | np.ndarray) or (isinstance(starts, np.ndarray) and starts.ndim == 0):
        raise InvalidInput("starts", "must be a list or array of starts, one an entry", starts)
    if len(starts) == 0:
        raise InvalidInput("starts", "must hold at least one start", starts)
    structure, _ = Structure.of(_entry(starts, 0))
    if isinstance(starts, np.ndarray) and starts.dtype.kind in "iuf":
        flat = starts.reshape(len(starts), -1).astype(structure.dtype)
    else:
        flat = np.stack([_flat(structure, start, k) for k, start in enumerate(starts)])
    if structure.layout is Layout.NUMBER and objective.call == "numbers":
        raise InvalidInput("starts", "must be vectors, one number a parameter of the function", starts)
    bad = np.flatnonzero(~np.isfinite(flat).all(axis=1))
    if bad.size:
        raise InvalidInput("starts", f"must be finite, and start {bad[0]} is not", flat[bad[0]].tolist())
    return structure, flat


def _entry(starts: Any, k: int) -> Any:
    entry = starts[k]
    return entry.item() if isinstance(entry, np.generic) else entry


def _flat(structure: Structure, start: Any, k: int) -> np.ndarray:
    own, flat = Structure.of(start)
    if (own.layout, own.shapes, own.treedef) != (structure.layout, structure.shapes, structure.treedef):
        raise InvalidInput("starts", f"must all be arranged as the first is, and start {k} is not", start)
    return flat.astype(structure.dtype)
