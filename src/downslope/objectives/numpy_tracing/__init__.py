"""Plain NumPy and SciPy code, run on JAX values, so that it is differentiated exactly, compiled and batched.

    memory      numbers that change in place, over JAX values that do not
    array       TracedArray, which the code sees in place of an ndarray
    numbers     what happens when the code asks for plain numbers
    indexing    what an index means, by asking NumPy
    conversion  between what NumPy code holds and what JAX takes
    names       which function needs which treatment
    dispatch    NumPy's functions -> JAX's, by name
    stand_ins   for what NumPy does not hand over: np.zeros, np.array([...]), math.cos, max
    copies      the user's function with the stand-ins in place

Nothing is patched and nothing is global. Code that needs plain numbers raises `LeftNumPy` with the reason;
code that branches on its values raises JAX's own concretization error under jit, and runs without jit.
Callers that want float64 enter `jax.enable_x64(True)` around the call.
"""

from __future__ import annotations

import linecache
import sysconfig
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from downslope.objectives.numpy_tracing.array import TracedArray
from downslope.objectives.numpy_tracing.conversion import is_traced, plain
from downslope.objectives.numpy_tracing.copies import CodeFacts, Copies
from downslope.objectives.numpy_tracing.memory import LeftNumPy, Memory

__all__ = ["LeftNumPy", "TracedArray", "run_on_jax", "where_it_left"]

LIBRARIES = frozenset({"jax", "jaxlib", "numpy", "scipy", "downslope"})


def run_on_jax(fun: Callable[..., Any]) -> Callable[..., Any]:
    """`fun`, plain NumPy code, as a function of JAX values.

    Arrays in the arguments, also inside lists, tuples and dicts, are traced; other arguments reach `fun` as
    they are. What does not depend on the arguments becomes a constant. Raises `LeftNumPy` where `fun` asks
    for plain numbers, and JAX's concretization errors where, under jit, it branches on a value.

    >>> import jax, numpy as np
    >>> def rosenbrock(x):
    ...     residuals = np.zeros(2)
    ...     residuals[0] = 10 * (x[1] - x[0] ** 2)
    ...     residuals[1] = 1 - x[0]
    ...     return np.sum(residuals**2)
    >>> with jax.enable_x64(True):
    ...     gradient = jax.jit(jax.grad(run_on_jax(rosenbrock)))(np.array([-1.0, 2.0]))
    >>> [float(g) for g in gradient]
    [396.0, 200.0]
    """
    known: dict[types.CodeType, CodeFacts] = {}

    def on_jax(*args: Any, **kwargs: Any) -> Any:
        args, kwargs = jax.tree.map(_wrapped_argument, (args, kwargs))
        try:
            return _unwrapped(Copies(known).of(fun)(*args, **kwargs))
        except (TypeError, ValueError) as error:
            # NumPy puts an error of its own around ours: "setting an array element with a sequence".
            if isinstance(error.__cause__, LeftNumPy):
                raise error.__cause__.with_traceback(error.__traceback__) from None
            raise

    return on_jax


def where_it_left(error: BaseException) -> str | None:
    """The line of the user's code that raised, as "file.py:12: `if x[0] > 0:`"; None if there is none.

    The user's code is what is not JAX, NumPy, SciPy, downslope or Python's own library.
    """
    found = None
    traceback = error.__traceback__
    while traceback is not None:
        if _is_users(traceback.tb_frame):
            found = traceback.tb_frame.f_code.co_filename, traceback.tb_lineno
        traceback = traceback.tb_next
    if found is None:
        return None
    source = linecache.getline(*found).strip()
    return f"{Path(found[0]).name}:{found[1]}" + (f": `{source}`" if source else "")


def _wrapped_argument(leaf: Any) -> Any:
    if not isinstance(leaf, jax.Array | np.ndarray):
        return leaf
    value = np.array(leaf) if isinstance(leaf, np.ndarray) else leaf
    return TracedArray(Memory(value, contiguous=True), is_scalar=value.ndim == 0)


def _unwrapped(result: Any) -> Any:
    def as_jax(leaf: Any) -> Any:
        number = isinstance(leaf, np.ndarray | np.generic | int | float | complex) or is_traced(leaf)
        return jax.numpy.asarray(plain(leaf)) if number else leaf

    return jax.tree.map(as_jax, result)


def _is_users(frame: types.FrameType) -> bool:
    package = frame.f_globals.get("__name__", "").split(".")[0]
    file = frame.f_code.co_filename
    folder = sysconfig.get_path("stdlib")
    is_standard = file.startswith(("<frozen", folder)) and "site-packages" not in file
    return package not in LIBRARIES and not is_standard
