"""Runs as files: the Parquet file that `Run.save` writes, and one opened again."""

from __future__ import annotations

import base64
import binascii
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from downslope.coefficients import coefficients
from downslope.errors import InvalidFile, InvalidInput
from downslope.lab import reading
from downslope.lab.descents import one, slopes_of
from downslope.lab.functions import Functions
from downslope.lab.limits import LIMITS
from downslope.lab.settings import setting
from downslope.learning_rates import Backtracking, Constant, Cosine, GeometricDecay
from downslope.methods import METHODS
from downslope.run import Run
from downslope.storage import load
from downslope.storage.rules import learning_rate_of, method_of
from downslope.wording import title

_NAME = "downslope-run.parquet"
_MOST_ROWS = 100_000
_MOST_BYTES = 2**28


def save(functions: Functions, params: dict[str, Any]) -> dict[str, Any]:
    """The run of a setting as a file, in base64."""
    made = one(setting(params, functions))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / _NAME
        made.save(path)
        content = path.read_bytes()
    return {"content": base64.b64encode(content).decode(), "name": _NAME}


def open_(functions: Functions, params: dict[str, Any]) -> dict[str, Any]:
    """What a file of a run holds, and the setting that makes it again."""
    reading.only(params, ("content",), "open")
    try:
        content = base64.b64decode(reading.text("content", params.get("content"), LIMITS.message_bytes), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInput("content", "must be a file in base64", "what was sent") from None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / _NAME
        path.write_bytes(content)
        try:
            _check_size(path)
            found = load(path)
        except InvalidFile as error:
            raise InvalidInput("content", "must be the file of a run", message=f"`content` {_plain(error)}.") from None
    if hasattr(found, "epochs"):
        rule = "holds a training, which `downslope.load(...).show()` opens"
        raise InvalidInput("content", rule, message=f"The file {rule}.")
    return opened(found, functions)


def opened(found: Run, functions: Functions) -> dict[str, Any]:
    """A run as the page shows it, and its setting."""
    if found.structure.size > LIMITS.variables or found.path is None:
        raise InvalidInput("content", f"must hold a path of at most {LIMITS.variables} variables", found.structure.size)
    piece = setting_of(found, functions)
    points = found.structure.flatten_rows(found.path)
    at_hand = piece is not None
    return {
        "title": title(found),
        "setting": piece,
        "path": points,
        "losses": found.losses[found.path_steps],
        "gradient_norms": found.gradient_norms[found.path_steps],
        "learning_rates": found.learning_rates[found.path_steps].reshape(len(points), -1)[:, 0],
        **({"slopes": slopes_of(found)} if points.shape[1] == 1 and at_hand else {}),
        "x": found.structure.flatten(found.x),
        "loss": found.loss,
        "n_steps": found.n_steps,
        "status": found.status.name,
        "converged": found.converged,
        "message": found.message,
        "notes": list(found.notes),
        "engine": found.engine,
    }


def setting_of(found: Run, functions: Functions) -> dict[str, Any] | None:
    """The setting that makes a run again; None where a setting cannot say it."""
    asked = found.specification
    if asked["kind"] == "function":
        own = [key for key, one in functions.own.items() if one.source is found.objective.fun]
        name = f"own:{own[0]}" if own else None
    else:
        name = asked["fun"]
    beyond = ("bounds", "target_loss", "loss_limit", "jac")
    if name is None or any(asked[key] not in (None, False) for key in beyond) or asked["max_steps"] > LIMITS.steps:
        return None
    try:
        method = method_of(asked["method"])
        rate = learning_rate_of(asked["learning_rate"])
        known = functions.find(name)
    except InvalidInput:
        return None
    falls: dict[str, Any] = {}
    if isinstance(rate, GeometricDecay):
        falls["decay"] = float(rate.factor)
    elif isinstance(rate, Cosine) and not np.any(rate.final):
        falls["cosine"] = float(rate.n_steps)
    elif not isinstance(rate, Constant) and not (isinstance(rate, Backtracking) and method.always_downhill):
        return None
    number = getattr(rate, "rate", None)
    x0 = np.ravel(asked["x0"]).tolist()
    if np.ndim(number or 0.0) or (len(x0) != known.n_variables and not known.takes_any_size):
        return None
    return {
        "fun": name,
        "start": x0,
        "method": next(key for key, kind in METHODS.items() if type(method) is kind),
        "coefficients": {key: getattr(method, key) for key in coefficients(method)},
        "learning_rate": None if number is None else float(number),
        **falls,
        "noise": asked["noise"],
        "seed": asked["seed"] or 0,
        "max_steps": asked["max_steps"],
        "gradient_tolerance": asked["gradient_tolerance"],
    }


def safe_name(title: str, suffix: str) -> str:
    """A file's name made of a title: letters, digits and hyphens.

    >>> safe_name("Zigzag on x^2 / lecture 3", ".html")
    'zigzag-on-x-2-lecture-3.html'
    """
    words = "".join(letter if letter.isascii() and letter.isalnum() else " " for letter in title.lower()).split()
    return ("-".join(words)[:60] or "downslope") + suffix


def _check_size(path: Path) -> None:
    """Raise where a small file would become something huge."""
    from pyarrow import ArrowException, parquet

    try:
        told = parquet.read_metadata(path)
        n_bytes = sum(told.row_group(k).total_byte_size for k in range(told.num_row_groups))
    except (ArrowException, OSError, ValueError) as error:
        raise InvalidFile(path, "holds no run") from error
    if told.num_rows > _MOST_ROWS or n_bytes > _MOST_BYTES:
        raise InvalidFile(path, f"is too long to be shown: it has {told.num_rows:,} rows")


def _plain(error: InvalidFile) -> str:
    """The rule without what a library said of it, which may name folders."""
    return error.rule.partition(":")[0]
