"""What is descended: a formula, a problem of the gallery, or a Python function given by who started the laboratory.

A page can name functions and type formulas. It can never send code: formulas go through the project's own parser, and
`own:NAME` finds what is already there.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from downslope.errors import FormulaError, InvalidInput, InvalidObjective, UnknownName
from downslope.lab.limits import LIMITS
from downslope.lab.reading import ranges as read_ranges
from downslope.lab.reading import text
from downslope.objectives import gallery
from downslope.objectives.calling import n_required
from downslope.objectives.formula.checking import parts_of
from downslope.objectives.objective import Objective

PREFIX = "own:"
_MOST_KEPT = 256
_RANGE = (-5.0, 5.0)


@dataclass(frozen=True, eq=False)
class Own:
    """A Python function that who started the laboratory has given."""

    fun: Callable[..., Any]
    start: Sequence[float] | None = None
    """Numbers where it begins; None for 1, as many as the function takes."""
    ranges: Sequence[tuple[float, float]] | None = None
    origin: str = ""
    """Where it comes from, such as "module.py:loss"; what copied code says."""
    jac: Callable[..., Any] | None = None


@dataclass(frozen=True, eq=False)
class Function:
    """What is descended, and what is known of it before anything was computed."""

    name: str
    """As the page has it: the formula, the gallery's name, or own:NAME."""
    source: Any
    """What `Objective` takes."""
    kind: str
    """formula, gallery or own."""
    start: tuple[float, ...]
    ranges: tuple[tuple[float, float], ...] | None
    is_number: bool
    """Whether a start is one number, and no vector."""
    variables: tuple[str, ...]
    title: str = ""
    origin: str = ""
    jac: Callable[..., Any] | None = None

    @property
    def n_variables(self) -> int:
        """Of the default start."""
        return len(self.start)

    @property
    def takes_any_size(self) -> bool:
        """Whether a start of another length is taken too."""
        problem = self.objective().problem
        if problem is not None:
            return problem.any_size
        return bool(getattr(self.source, "is_vector", self.kind == "own" and not self.is_number))

    def objective(self) -> Objective:
        """A new one, which no other thread has; what is compiled is shared all the same."""
        return Objective(self.source, self.jac)

    def x0(self, start: Sequence[float] | np.ndarray) -> Any:
        """A list of numbers as `minimize` takes it."""
        return float(start[0]) if self.is_number else [float(v) for v in start]


class Functions:
    """Finds functions by what the page calls them, and keeps those used last."""

    def __init__(self, own: Mapping[str, Any] | None = None):
        given = {name: fun if isinstance(fun, Own) else Own(fun) for name, fun in (own or {}).items()}
        self.own = {name: _own(name, one) for name, one in given.items()}
        self._kept: OrderedDict[str, Function] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, name: Any) -> Function:
        """The function; FormulaError or InvalidInput where there is none."""
        name = text("fun", name, LIMITS.formula_characters)
        if name.startswith(PREFIX):
            return self._given(name)
        with self._lock:
            if name in self._kept:
                self._kept.move_to_end(name)
                return self._kept[name]
        found = _problem(gallery.PROBLEMS[name]) if name in gallery.PROBLEMS else _formula(name)
        with self._lock:
            # Another thread may have been first; that all use one object keeps what is compiled of it alive.
            found = self._kept.setdefault(name, found)
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return found

    def _given(self, name: str) -> Function:
        chosen = name.removeprefix(PREFIX)
        if chosen in self.own:
            return self.own[chosen]
        if self.own:
            raise UnknownName("fun", chosen, self.own)
        raise InvalidInput("fun", "must be a formula or a gallery name: no function was given to this laboratory", name)


def _formula(name: str) -> Function:
    objective = Objective(name)
    formula = objective.formula
    assert formula is not None  # a gallery name was looked for before
    n_parts = len(list(parts_of(formula._tree)))
    if n_parts > LIMITS.formula_parts:
        raise FormulaError(name, f"is too long: it has {n_parts:,} parts of {LIMITS.formula_parts:,} allowed here")
    n = 2 if formula.is_vector else len(formula.variables)
    if n > LIMITS.variables:
        raise FormulaError(name, f"has {n:,} variables of {LIMITS.variables:,} allowed here")
    variables = tuple(f"{formula.variables[0]}{k + 1}" for k in range(n)) if formula.is_vector else formula.variables
    is_number = n == 1 and not formula.is_vector
    start = _finite_start(objective, n, is_number)
    return Function(name, formula, "formula", start, (_RANGE,) * min(n, 2), is_number, variables)


def _finite_start(objective: Objective, n: int, is_number: bool) -> tuple[float, ...]:
    """Somewhere in the default ranges where the loss is finite, off the middle; the first place where none is."""
    places = [[v * (-0.5) ** k for k in range(n)] for v in (3.0, 1.5, 0.5, -3.0, 4.5)]
    with np.errstate(all="ignore"):
        for place in places:
            try:
                value = objective.fun(place[0] if is_number else np.array(place))
            except InvalidInput:
                break
            if np.isfinite(value):
                return tuple(place)
    return tuple(places[0])


def _problem(problem: gallery.Problem) -> Function:
    start = problem.start if isinstance(problem.start, tuple) else (problem.start,)
    is_number = not isinstance(problem.start, tuple)
    variables, domain = problem.variables, problem.domain[:2] if len(start) <= 2 else None
    return Function(problem.name, problem, "gallery", start, domain, is_number, variables, problem.title)


def _own(name: str, own: Own) -> Function:
    objective = Objective(own.fun, own.jac)
    n = n_required(own.fun) if objective.call == "numbers" else 1
    start = tuple(float(v) for v in own.start) if own.start is not None else (1.0,) * n
    is_number = len(start) == 1 and objective.call != "numbers" and _takes_a_number(objective, start[0])
    if len(start) == 1 and not is_number:
        objective.bind(list(start))  # raises where it takes no vector either
    _, flat, _ = objective.bind(start[0] if is_number else list(start))
    variables = objective.variable_names(objective.structure)
    if len(flat) > LIMITS.variables:
        raise InvalidInput("fun", f"must be of at most {LIMITS.variables} variables here", len(flat))
    ranges = _own_ranges(own.ranges, start)
    return Function(PREFIX + name, own.fun, "own", start, ranges, is_number, variables, name, own.origin, own.jac)


def _own_ranges(given: Any, start: tuple[float, ...]) -> tuple[tuple[float, float], ...] | None:
    """What is drawn: what was asked for, one pair for both variables if there is but one; None for a plane's own."""
    if len(start) > 2:
        return None
    if given is None:
        reach = max(4.0, *(2.0 * abs(v) for v in start))
        return tuple((v - reach, v + reach) for v in start)
    pairs = read_ranges([[float(low), float(high)] for low, high in given])
    if len(pairs) == 1:
        pairs *= len(start)
    if len(pairs) != len(start):
        raise InvalidInput("ranges", f"must be {len(start)} pairs, one a variable, or one for all", given)
    return tuple(pairs)


def _takes_a_number(objective: Objective, value: float) -> bool:
    try:
        objective.bind(value)
    except InvalidObjective:
        return False
    return True
