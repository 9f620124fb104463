"""What a file tells of its run beside the table: one JSON text, of numbers and words alone.

Numbers that are not finite and arrays, which JSON does not have, are written as

    {"number": "inf"}
    {"array": [0.1, 0.2], "dtype": "float64"}
    {"zlib": "eNpj...", "shape": [2000], "dtype": "float64"}     the bytes, for arrays too long to be read by people
"""

from __future__ import annotations

import base64
import json
import math
import zlib
from typing import Any

import numpy as np

import downslope
from downslope.plain import MOST_NUMBERS, plain
from downslope.run import Run
from downslope.storage.environment import environment
from downslope.storage.structure_form import to_form
from downslope.storage.table import kept_steps, step_of_x

FORMAT = 1
"""The format that is written, and the newest that is read."""
KEY = "downslope"


def to_json(run: Run) -> str:
    """The text for a run."""
    x_step = step_of_x(run)
    told = {
        "format": FORMAT,
        "written_by": downslope.__version__,
        "status": run.status.name,
        "message": run.message,
        "loss": plain(run.loss),
        "n_steps": int(run.n_steps),
        "n_evaluations": int(run.n_evaluations),
        "gradient_source": run.gradient_source.name,
        "gradient_reason": run.gradient_reason,
        "engine": run.engine,
        "seconds": float(run.seconds),
        "notes": list(run.notes),
        "made_with": run.made_with or environment(),
        "x_step": x_step,
        "n_points": len(kept_steps(run)),
        "path": run.path is not None,
        "x_in_path": run.path is not None and bool(np.isin(x_step, run.path_steps)),
        "rate_shape": list(run.learning_rates.shape[1:]),
        "structure": to_form(run.structure),
        "specification": encoded(run.specification | {"x0": None}),  # which is the table's first row
    }
    if hasattr(run, "training_facts"):
        told["training"] = encoded(run.training_facts())
    # A word in place of what JSON cannot hold: an odd coefficient of another library's rule must not cost the run.
    return json.dumps(told, allow_nan=False, default=str)


def encoded(value: Any) -> Any:
    """A value of a specification as JSON has it.

    >>> encoded({"bounds": [np.array([-np.inf, 0.0]), None]})
    {'bounds': [{'array': ['-inf', 0.0], 'dtype': 'float64'}, None]}
    """
    if isinstance(value, dict):
        return {key: encoded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [encoded(inner) for inner in value]
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
        if array.size <= MOST_NUMBERS:
            return {"array": plain(array.tolist()), "dtype": array.dtype.name}
        data = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
        text = base64.b64encode(zlib.compress(data)).decode()
        return {"zlib": text, "shape": list(array.shape), "dtype": array.dtype.name}
    if isinstance(value, float) and not math.isfinite(value):
        return {"number": str(value)}
    return value


def decoded(value: Any) -> Any:
    """The inverse of `encoded`; arrays are read-only, as in every specification."""
    if isinstance(value, list):
        return [decoded(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"number"}:
        return float(value["number"])
    if "dtype" not in value:
        return {key: decoded(inner) for key, inner in value.items()}
    dtype = np.dtype(value["dtype"])
    if "zlib" in value:
        data = zlib.decompress(base64.b64decode(value["zlib"]))
        array = np.frombuffer(data, dtype.newbyteorder("<")).astype(dtype).reshape(value["shape"])
    else:
        array = np.array(value["array"], dtype=object).astype(dtype)  # which reads "inf", too
    array.setflags(write=False)
    return array[()]
