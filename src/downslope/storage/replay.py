"""A run made again from its specification, and the difference.

On the same machine and versions a run is repeated to the last bit. Elsewhere it need not be: JAX compiles for the
processor at hand, and sums in another order round otherwise.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from downslope.minimization import minimize
from downslope.objectives.arrays import Kind
from downslope.objectives.objective import Objective
from downslope.objectives.structure import Layout, Structure
from downslope.run import Run
from downslope.stopping import Status
from downslope.storage.comparison import columns_of, in_words
from downslope.storage.not_stored import NotStored, needed
from downslope.storage.rules import learning_rate_of, method_of
from downslope.storage.table import kept_steps

_CUT_SHORT = (Status.STOPPED_BY_CALLBACK, Status.INTERRUPTED)


@dataclass(frozen=True, eq=False, repr=False)
class Replay:
    """What `run.replay()` returns: the run made again, and how far it is from the first.

    >>> import downslope
    >>> replay = downslope.minimize("x^2", 5.0, learning_rate=0.1).replay()
    >>> replay, replay.identical, replay.run.n_steps
    (<Replay: bit-identical over 74 rows>, True, 73)
    """

    run: Run
    """The run made again."""
    identical: bool
    """Whether points, losses, gradient norms, learning rates and status are equal, to the last bit."""
    differences: dict[str, float]
    """The largest absolute difference in each column, over the rows that both have; inf where only one is finite."""
    message: str
    """The same in words."""

    @property
    def largest_difference(self) -> float:
        """The largest of `differences`."""
        return max(self.differences.values())

    def __repr__(self) -> str:
        return f"<Replay: {self.message}>"


def replay(
    run: Run,
    fun: Any = None,
    *,
    jac: Callable[..., Any] | None = None,
    method: Any = None,
    learning_rate: Any = None,
) -> Replay:
    """What `Run.replay` documents."""
    told = run.specification
    objective = _objective(run, fun, jac)
    if method is None:
        method = method_of(told["method"]) if run.rules is None else run.rules.method
    if learning_rate is None:
        learning_rate = learning_rate_of(told["learning_rate"]) if run.rules is None else _rate(run.rules)
    again = minimize(
        objective,
        start_of(run.structure, told["x0"]),
        method=method,
        learning_rate=learning_rate,
        bounds=None if told["bounds"] is None else bounds_of(run.structure, *told["bounds"]),
        # As many steps as were made: nobody is there to stop it again.
        max_steps=run.n_steps if run.status in _CUT_SHORT else told["max_steps"],
        target_loss=told["target_loss"],
        gradient_tolerance=told["gradient_tolerance"],
        loss_limit=told["loss_limit"],
        noise=told["noise"],
        seed=told["seed"],
        record=told["record"],
        engine="eager" if run.engine == "eager" else "auto",  # compiled, if it still can be
    )
    return compared(run, again)


def _rate(rules: Any) -> Any:
    return None if rules.method.brings_rate else rules.learning_rate


def _objective(run: Run, fun: Any, jac: Any) -> Objective:
    told, stored = run.specification, run.objective
    if fun is None and isinstance(stored.fun, NotStored):
        raise needed("fun", told["fun"])
    if told["jac"] and jac is None and not isinstance(fun, Objective):
        if fun is not None or isinstance(stored.jac, NotStored):
            raise needed("jac", f"the gradient of {told['fun']}")
        return stored
    if fun is not None:
        is_plain = callable(fun) and not isinstance(fun, Objective)
        return Objective(fun, jac, call=told["call"]) if is_plain else Objective.of(fun, jac)
    if jac is None:
        return stored
    given = copy.copy(stored)
    given.jac = jac
    return given


def start_of(structure: Structure, x0: np.ndarray) -> Any:
    """The start as it was given. A number keeps its precision, which `restore` leaves to the user's float."""
    if structure.layout is Layout.NUMBER and structure.kind is Kind.NUMPY:
        return x0[0]
    return structure.restore(x0)


def bounds_of(structure: Structure, low: np.ndarray, high: np.ndarray) -> Any:
    """As `minimize` takes them: for a container one pair an array, as they were given."""
    if structure.layout is not Layout.TREE:
        from scipy.optimize import Bounds  # late, since it takes longer to load than all else here

        return Bounds(low, high)
    sizes = [int(np.prod(shape)) for shape in structure.shapes]
    firsts = np.cumsum([0, *sizes[:-1]])
    pairs = [(low[i], high[i]) if size else (None, None) for i, size in zip(firsts, sizes, strict=True)]
    return structure.treedef.unflatten(pairs)


def compared(before: Run, now: Run) -> Replay:
    columns = columns_of(before, now)
    ended_alike = before.status in _CUT_SHORT or before.status is now.status
    as_many = before.n_steps == now.n_steps and np.array_equal(kept_steps(before), kept_steps(now))
    identical = ended_alike and as_many and all(column.has_equal_bits for column in columns)
    message = in_words(before, now, columns, ended_alike, identical)
    return Replay(now, identical, {column.name: column.largest for column in columns}, message)
