"""A setting as code that makes its run again, to the last bit: in Python, and for the command line."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from downslope.coefficients import coefficients
from downslope.lab.functions import Functions
from downslope.lab.settings import Setting, setting
from downslope.methods import METHODS


def code(functions: Functions, params: dict[str, Any]) -> dict[str, Any]:
    """`python`, and `command` or the reason why there is none."""
    asked = setting(params, functions)
    command, why_not = _command(asked)
    return {"python": python(asked), "command": command, "no_command": why_not}


def python(asked: Setting) -> str:
    """Code that ends with the run in `run`."""
    function = asked.function
    lines = ["import downslope"]
    fun = repr(function.name)
    if function.kind == "own":
        name = function.title
        path, _, attribute = function.origin.rpartition(":")
        module = Path(path).stem
        if path and module.isidentifier() and attribute.isidentifier():
            lines.append(f"from {module} import {attribute}  # of {Path(path).name}")
            fun = attribute
        else:
            lines.append(f"# {name}: the function that this laboratory was given")
            fun = name
    options = [fun, repr(asked.x0)]
    changed = _changed(asked)
    kind = METHODS[asked.method_name].__name__
    if changed:
        inside = ", ".join(f"{key}={value!r}" for key, value in changed.items())
        options.append(f"method=downslope.{kind}({inside})")
    elif asked.method_name != "gradient_descent":
        options.append(f"method={asked.method_name!r}")
    rate = asked.learning_rate
    if asked.decay is not None:
        options.append(f"learning_rate=downslope.learning_rates.GeometricDecay({rate!r}, factor={asked.decay!r})")
    elif asked.cosine is not None:
        options.append(f"learning_rate=downslope.learning_rates.Cosine({rate!r}, n_steps={asked.cosine!r})")
    elif rate is not None:
        options.append(f"learning_rate={rate!r}")
    options += [f"max_steps={asked.max_steps}", f"gradient_tolerance={asked.gradient_tolerance!r}"]
    if asked.noise:
        options += [f"noise={asked.noise!r}", f"seed={asked.seed}"]
    arguments = "".join(f"    {option},\n" for option in options)
    return "\n".join([*lines, "", f"run = downslope.minimize(\n{arguments})", "print(run)", "print(run.explain())", ""])


def _changed(asked: Setting) -> dict[str, float]:
    """The coefficients that are not as they come."""
    default = METHODS[asked.method_name]()
    names = coefficients(asked.method)
    return {
        name: getattr(asked.method, name) for name in names if getattr(asked.method, name) != getattr(default, name)
    }


def _command(asked: Setting) -> tuple[str | None, str]:
    function, changed = asked.function, _changed(asked)
    if function.kind == "own":
        return None, "the command line takes formulas and named problems, and no Python function"
    if set(changed) - {"beta"}:
        return None, f"the command line has no option for {', '.join(sorted(set(changed) - {'beta'}))}"
    if asked.cosine is not None:
        return None, "the command line has no option for a rate that falls as a cosine"
    if len(asked.start) == 1 and not function.is_number:
        return None, "the command line reads one number as a number, and this formula takes a vector"
    words = ["downslope", "run", function.name, "--start", ",".join(repr(float(v)) for v in asked.start)]
    if asked.method_name != "gradient_descent":
        words += ["--method", asked.method_name]
    for option, value in (("--learning-rate", asked.learning_rate), ("--decay", asked.decay)):
        if value is not None:
            words += [option, repr(value)]
    if changed:
        words += ["--beta", repr(changed["beta"])]
    tolerance = "none" if asked.gradient_tolerance is None else repr(asked.gradient_tolerance)
    words += ["--steps", str(asked.max_steps), "--tolerance", tolerance]
    if asked.noise:
        words += ["--noise", repr(asked.noise), "--seed", str(asked.seed)]
    return shlex.join(words), ""
