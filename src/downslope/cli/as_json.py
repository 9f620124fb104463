"""What the command line prints for programs; docs/json.md tells every key, and a test holds the two together."""

from __future__ import annotations

import inspect
import json
import textwrap
from typing import TYPE_CHECKING, Any

from downslope.coefficients import coefficients
from downslope.methods import METHODS
from downslope.objectives import gallery
from downslope.plain import plain

if TYPE_CHECKING:
    from downslope.disk_cache import CacheState
    from downslope.explanation import Explanation
    from downslope.run import Run
    from downslope.storage import Replay
    from downslope.sweeps.basins import Basins
    from downslope.sweeps.multistart import Multistart
    from downslope.sweeps.results import Results

FORMAT = 1
"""Goes up where a key goes or changes its meaning; new keys may come at any time."""


def print_run(result: Run, whole_table: bool, again: Replay | None = None) -> None:
    """The outcome; with the table every row of the record; and how a replay went, where there was one."""
    more: dict[str, Any] = {"rows": result.rows()} if whole_table else {}
    if again is not None:
        more["replay"] = {key: getattr(again, key) for key in ("identical", "differences", "message")}
    _print(result.to_dict() | more)


def print_explanation(found: Explanation) -> None:
    """The explanation, and the end of the run in one sentence."""
    _print({"message": found.run.message, **found.to_dict()})


def print_sweep(found: Results, whole_table: bool) -> None:
    """What the runs came to; with the table, every run."""
    told = _text(found.to_dict())
    if not whole_table:
        print(told)
        return
    # Row by row, for memory may not hold all of them as text.
    print(told.removesuffix("\n}") + ',\n  "rows": [', end="")
    separator = "\n"
    for named in found.chunks():
        for row in zip(*(values.tolist() for values in named.values()), strict=True):
            text = json.dumps(plain(dict(zip(named, row, strict=True))), indent=2, allow_nan=False, default=str)
            print(separator + textwrap.indent(text, "    "), end="")
            separator = ",\n"
    print("\n  ]\n}")


def print_multistart(found: Multistart) -> None:
    """The minima, and what may have been missed."""
    _print(found.to_dict())


def print_basins(found: Basins) -> None:
    """The minima of a region, each with its share of it."""
    _print(found.to_dict())


def print_problems(name: str | None) -> None:
    """All problems, or the one of that name."""
    chosen = list(gallery.PROBLEMS.values()) if name is None else [gallery.get(name)]
    _print({"problems": [_problem(problem) for problem in sorted(chosen, key=lambda problem: problem.name)]})


def print_methods() -> None:
    """All methods with their coefficients."""
    _print({"methods": [_method(name) for name in METHODS]})


def print_cache(now: CacheState, n_deleted: int | None) -> None:
    """Where compiled programs are kept, and how many."""
    facts = {"is_on": now.is_on, "reason": now.reason, "folder": None if now.folder is None else str(now.folder)}
    sizes = {"n_entries": now.n_entries, "n_bytes": now.n_bytes, "max_bytes": now.max_bytes}
    _print({**facts, **sizes, "n_deleted": n_deleted})


def _problem(problem: gallery.Problem) -> dict[str, Any]:
    minima = [{"x": _point(m.x), "loss": m.loss, "curvatures": m.curvatures} for m in problem.minima]
    words = {key: getattr(problem, key) for key in ("name", "title", "formula", "formula_parses", "variables")}
    facts = {key: getattr(problem, key) for key in ("minima_complete", "domain", "any_size", "smooth")}
    told = {key: getattr(problem, key) for key in ("source", "notes")}
    return {**words, "start": _point(problem.start), "minima": minima, **facts, **told}


def _method(name: str) -> dict[str, Any]:
    method = METHODS[name]
    own = [
        {"name": key, "default": getattr(method(), key), "interval": interval}
        for key, interval in coefficients(method).items()
    ]
    return {
        "name": name,
        "summary": (inspect.getdoc(method) or "").splitlines()[0],
        "coefficients": own,
        "default_learning_rate": method.default_rate,
        "needs_hessian": method.needs_hessian,
    }


def _point(x: Any) -> list[float]:
    return [x] if isinstance(x, float) else list(x)


def _print(outcome: dict[str, Any]) -> None:
    print(_text(outcome))


def _text(outcome: dict[str, Any]) -> str:
    return json.dumps(plain({"format": FORMAT, **outcome}), indent=2, allow_nan=False, default=str)
