"""One run, with every step of it, and why it went so."""

from __future__ import annotations

from typing import Any

import numpy as np

from downslope.coefficients import coefficients
from downslope.explanation import Explanation, explain
from downslope.explanation.suggestion import Suggestion
from downslope.lab.descents import one, slopes_of
from downslope.lab.functions import Functions
from downslope.lab.limits import LIMITS
from downslope.lab.settings import Setting, setting
from downslope.lab.slices import plane
from downslope.learning_rates import Constant, Cosine, GeometricDecay
from downslope.methods import METHODS
from downslope.run import Run


def run(functions: Functions, params: dict[str, Any]) -> dict[str, Any]:
    """The run of a setting, as copied code makes it; with `explain`, why it went so."""
    asked = setting(params, functions, ("explain",))
    made = one(asked)
    return {**record(made, asked), **(explained(made) if params.get("explain", True) else {})}


def record(made: Run, asked: Setting) -> dict[str, Any]:
    """Every row of a run and its end."""
    points = made.structure.flatten_rows(made.path)
    cut = plane(asked.slice, asked.function, points.shape[1])
    slopes = {"slopes": slopes_of(made)} if points.shape[1] == 1 else {}
    return {
        "path": points,
        **({} if cut is None else {"drawn": cut.coordinates(points)}),
        "losses": made.losses,
        "gradient_norms": made.gradient_norms,
        "learning_rates": made.learning_rates,
        **slopes,
        "x": made.structure.flatten(made.x),
        "loss": made.loss,
        "n_steps": made.n_steps,
        "status": made.status.name,
        "converged": made.converged,
        "message": made.message,
        "notes": list(made.notes),
        "engine": made.engine,
    }


def explained(made: Run) -> dict[str, Any]:
    """Why, in words and facts; `suggestion.change` is a piece of setting."""
    found = explain(made)
    told = found.to_dict()
    keys = ("behaviour", "kind", "shape", "observed_multiplier", "stationary_point", "stability", "no_stability")
    return {
        "sentences": told["sentences"],
        **{key: told[key] for key in keys},
        "multiplier": _multiplier(found),
        "suggestion": _suggestion(found.suggestion),
        "quicker": _suggestion(found.trials.quicker),
    }


def _multiplier(found: Explanation) -> dict[str, float] | None:
    """By what a step multiplies a small distance from the minimum, in the direction that shrinks least."""
    stability, rules = found.stability, found.run.rules
    if rules is None or not isinstance(rules.learning_rate, Constant):
        return None  # of one step, and not of each
    if stability is None or not np.any(stability.curvatures > 0):
        return None
    leading = stability.leading
    return {"real": leading.real, "imaginary": leading.imag, "size": abs(leading)}


def _suggestion(one: Suggestion | None) -> dict[str, Any] | None:
    if one is None:
        return None
    return {
        "words": one.words,
        "change": change(one.run, one.change.arguments),
        "status": one.run.status.name,
        "n_steps": one.run.n_steps,
        "loss": one.run.loss,
    }


def change(made: Run, arguments: dict[str, Any]) -> dict[str, Any] | None:
    """Arguments of `minimize` as a piece of setting; null where a setting cannot say them."""
    piece: dict[str, Any] = {}
    if "method" in arguments:
        method = arguments["method"]
        piece["method"] = next(name for name, kind in METHODS.items() if type(method) is kind)
        piece["coefficients"] = {name: getattr(method, name) for name in coefficients(method)}
    if "learning_rate" in arguments:
        rate = made.rules.learning_rate
        piece |= {"learning_rate": None, "decay": None, "cosine": None}
        if isinstance(rate, Constant | GeometricDecay | Cosine):
            if np.ndim(rate.rate):
                return None
            piece["learning_rate"] = float(rate.rate)
        if isinstance(rate, GeometricDecay):
            piece["decay"] = float(rate.factor)
        if isinstance(rate, Cosine):
            piece["cosine"] = float(rate.n_steps)
    if "x0" in arguments:
        piece["start"] = np.ravel(arguments["x0"]).tolist()
    if "gradient_tolerance" in arguments:
        piece["gradient_tolerance"] = float(arguments["gradient_tolerance"])
    if "max_steps" in arguments:
        piece["max_steps"] = min(int(arguments["max_steps"]), LIMITS.steps)
    return piece
