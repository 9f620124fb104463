"""What the page needs to know before anything else: functions, methods and limits; and what one function is like."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

import downslope
from downslope.coefficients import coefficients
from downslope.lab import reading, sliders
from downslope.lab.functions import Function, Functions
from downslope.lab.limits import LIMITS, told
from downslope.lab.playing import QUESTIONS
from downslope.lab.slices import plane
from downslope.lab.surface import drawn_ranges
from downslope.methods import METHODS
from downslope.objectives import gallery
from downslope.wording import rule


def hello(functions: Functions, params: dict[str, Any]) -> dict[str, Any]:
    """Everything that does not depend on a setting."""
    reading.only(params, (), "hello")
    return {
        "version": downslope.__version__,
        "functions": [_problem(name) for name in gallery.PROBLEMS],
        "methods": [_method(name) for name in METHODS],
        "own": [_own(function) for function in functions.own.values()],
        "quiz": [{"name": name, "title": question.title} for name, question in QUESTIONS.items()],
        "limits": told(),
    }


@functools.cache
def _problem(name: str) -> dict[str, Any]:
    problem = gallery.PROBLEMS[name]
    minima = [{"x": np.ravel(m.x).tolist(), "loss": m.loss} for m in problem.minima]
    return {
        "name": name,
        "title": problem.title,
        "formula": problem.formula,
        "variables": list(problem.variables),
        "n_variables": len(problem.variables),
        "start": np.ravel(problem.start).tolist(),
        "ranges": [list(pair) for pair in problem.domain[:2]] if len(problem.variables) <= 2 else None,
        "minima": minima,
        "minima_complete": problem.minima_complete,
        "smooth": problem.smooth,
        "any_size": problem.any_size,
        "notes": problem.notes,
    }


def _method(name: str) -> dict[str, Any]:
    kind = METHODS[name]
    declared = kind.__dataclass_fields__  # type: ignore[attr-defined]
    return {
        "name": name,
        "title": rule({"name": kind.__name__}).split(" (")[0],
        "summary": (kind.__doc__ or "").strip().splitlines()[0],
        "coefficients": [
            {
                "name": key,
                "default": declared[key].default,
                "interval": interval,
                "meaning": declared[key].metadata["meaning"],
            }
            for key, interval in coefficients(kind).items()
        ],
        "default_learning_rate": kind.default_rate,
        "always_downhill": kind.always_downhill,
        "needs_hessian": kind.needs_hessian,
    }


def _own(function: Function) -> dict[str, Any]:
    return {
        "name": function.name,
        "title": function.title,
        "variables": list(function.variables),
        "n_variables": function.n_variables,
        "start": list(function.start),
        "ranges": None if function.ranges is None else [list(pair) for pair in function.ranges],
        "origin": function.origin,
    }


def function(functions: Functions, params: dict[str, Any]) -> dict[str, Any]:
    """What a function is like, and where sliders and starts stand at first."""
    reading.only(params, ("fun", "slice", "n_variables"), "function")
    chosen = functions.find(params.get("fun"))
    n = reading.whole("n_variables", params.get("n_variables", chosen.n_variables), 1, LIMITS.variables)
    start = np.resize(np.array(chosen.start), n)
    bound, flat, loss = chosen.objective().bind(chosen.x0(start))
    cut = plane(params.get("slice"), chosen, n)
    problem = chosen.objective().problem
    return {
        "name": chosen.name,
        "kind": chosen.kind,
        "title": chosen.title,
        "formula": problem.formula if problem is not None else chosen.name if chosen.kind == "formula" else "",
        "variables": list(chosen.objective().variable_names(bound.structure)),
        "n_variables": n,
        "start": flat.tolist(),
        "loss": loss,
        "ranges": [list(pair) for pair in drawn_ranges(chosen, n, None, params.get("slice"))],
        "slice": None if cut is None else cut.to_dict(),
        "learning_rates": sliders.of_every_method(chosen),
        "minima": _problem(problem.name)["minima"] if problem is not None else [],
        "minima_complete": problem is not None and problem.minima_complete,
        "gradient": bound.source.value,
        "gradient_reason": bound.reason,
    }
