"""What the command line prints; plain text where it is piped."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from downslope.coefficients import coefficients
from downslope.methods import METHODS
from downslope.objectives import gallery

if TYPE_CHECKING:
    from downslope.run import Run

_FIRST, _LAST = 6, 3
_MOST_VARIABLES = 5


def run(result: Run, whole_table: bool) -> None:
    """The end, the reason, where the gradient came from, and a table of steps."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(_title(result), markup=False)
    console.print(result.message, style="bold", markup=False)
    console.print(f"  {_point(result)}   loss = {_number(result.loss)}", markup=False)
    source = result.gradient_source.name.lower().replace("_", " ")
    console.print(f"  gradient: {source} ({result.gradient_reason}); {result.engine} engine", markup=False)
    console.print(
        f"  {_counted(result.n_evaluations, 'evaluation')}, {_counted(result.n_gradients, 'gradient')}", markup=False
    )
    for note in result.notes:
        console.print(f"  note: {note}", markup=False)
    console.print()
    _print_whole(_steps(result, whole_table))


def _counted(n: int, what: str) -> str:
    return f"{n} {what}{'s' * (n != 1)}"


def problems() -> None:
    """One line a problem, and how to see one whole."""
    console = Console(highlight=False, soft_wrap=True)
    width = max(map(len, gallery.PROBLEMS))
    for name, problem in sorted(gallery.PROBLEMS.items()):
        line = Text(f"{name:{width}}  {problem.title}")
        if console.is_terminal:
            line.truncate(console.width, overflow="ellipsis")
        console.print(line)
    console.print("\ndownslope problems NAME tells a problem's formula, start, minima, domain and source.")


def problem(name: str) -> None:
    """One problem whole."""
    chosen = gallery.get(name)
    console = Console(highlight=False)
    lines = [f"{chosen.name}: {chosen.title}", f"  formula  {chosen.formula}" if chosen.formula else ""]
    lines += [f"  start    {_numbers(chosen.start)}"]
    lines += [f"  minimum  {_numbers(m.x)}, loss {_number(m.loss)}" for m in chosen.minima]
    lines += [f"  domain   {', '.join(f'[{low:g}, {high:g}]' for low, high in chosen.domain)}"]
    lines += [f"  source   {chosen.source}", f"  notes    {chosen.notes}" if chosen.notes else ""]
    for line in filter(None, lines):
        console.print(line, markup=False)


def methods() -> None:
    """One line a method, with its coefficients."""
    table = _table("name", "coefficients", "what it does")
    for name, method in METHODS.items():
        default = method()
        words = [f"{key} = {getattr(default, key):g} in {interval}" for key, interval in coefficients(method).items()]
        table.add_row(name, "\n".join(words), (inspect.getdoc(method) or "").splitlines()[0])
    Console(highlight=False).print(table)


def _title(result: Run) -> str:
    asked = result.specification
    method, rate = asked["method"], asked["learning_rate"]
    default = METHODS.get(_in_words(method["name"]).replace(" ", "_"))
    told = [f"{key} {_number(v)}" for key, v in method.items() if key != "name" and _is_special(default, key, v)]
    words = _in_words(method["name"]) + (f" ({', '.join(told)})" if told else "")
    return f"{asked['fun']} from {_numbers(asked['x0'])} by {words}, {_rate(rate)}"


def _is_special(default: Any, key: str, value: Any) -> bool:
    """Whether a coefficient is worth the room: it is the method's own momentum, or was changed."""
    return key == "beta" or default is None or getattr(default(), key) != value


def _rate(rate: dict[str, Any]) -> str:
    if rate["name"] == "Constant":
        return f"learning rate {_numbers(rate['rate'])}"
    if "rate" not in rate:
        return f"learning rate by {_in_words(rate['name'])}"
    words = ", ".join(f"{key} {_numbers(value)}" for key, value in rate.items() if key not in ("name", "rate"))
    return f"learning rate {_numbers(rate['rate'])}, {_in_words(rate['name'])} ({words})"


def _in_words(name: str) -> str:
    """GradientDescent as gradient descent, RMSProp as rmsprop."""
    known = {type(method()).__name__: key.replace("_", " ") for key, method in METHODS.items()}
    return known.get(name, re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower())


def _point(result: Run) -> str:
    point = list(result.to_dict()["x"].items())
    shown = [f"{name} = {_number(value)}" for name, value in point[: 2 * _MOST_VARIABLES]]
    left_out = len(point) - len(shown)
    return ", ".join(shown) + (f", and {left_out} more" if left_out else "")


def _steps(result: Run, whole: bool) -> Table:
    rows = result.rows()
    names = list(rows[0])
    hidden = names[1 + _MOST_VARIABLES : -3] if len(names) > _MOST_VARIABLES + 4 else []
    names = [name for name in names if name not in hidden]
    headings = {"gradient_norm": "gradient", "learning_rate": "rate"}
    table = _table(*(headings.get(name, name) for name in names), justify="right")
    few = whole or len(rows) <= _FIRST + _LAST + 1
    for row in rows if few else rows[:_FIRST]:
        table.add_row(*(_cell(name, row[name]) for name in names))
    if not few:
        table.add_row(*("..." for _ in names))
        for row in rows[-_LAST:]:
            table.add_row(*(_cell(name, row[name]) for name in names))
    return table


def _cell(name: str, value: float) -> str:
    if name == "step":
        return str(int(value))
    return "" if name.startswith("learning_rate") and math.isnan(value) else _number(value)


def _print_whole(table: Table) -> None:
    """Print a table as wide as it is: rich would cut numbers in half where the terminal is narrow or a pipe."""
    console, endless = Console(highlight=False), Console(width=10**6)
    width = Measurement.get(endless, endless.options, table).maximum
    Console(highlight=False, width=max(console.width, width)).print(table)


def _table(*headings: str, justify: Any = "left") -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(heading, justify=justify)
    return table


def _numbers(values: Any) -> str:
    if isinstance(values, dict):
        return f"{values['size']} numbers"
    if isinstance(values, Sequence) and not isinstance(values, str):
        shown = ", ".join(_number(value) for value in values[:8]) + (", ..." if len(values) > 8 else "")
        return f"({shown})" if len(values) > 1 else shown
    return _number(values)


def _number(value: Any) -> str:
    return f"{float(value):.6g}"
