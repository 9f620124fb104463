"""What the command line prints for people."""

from __future__ import annotations

import inspect
import itertools
import math
import textwrap
from typing import TYPE_CHECKING, Any

from downslope import wording
from downslope.cli.terminal import bold, shortened, table, width, wrapped
from downslope.coefficients import coefficients
from downslope.methods import METHODS
from downslope.objectives import gallery
from downslope.plain import plain
from downslope.wording import counted, number, numbers

if TYPE_CHECKING:
    from downslope.disk_cache import CacheState
    from downslope.explanation import Explanation
    from downslope.run import Run
    from downslope.training import TrainingRun

_FIRST, _LAST = 6, 3
_MOST_VARIABLES = 5
_NARROWEST = 20
"""Columns for a sentence; where there are fewer, it stands below."""


def run(result: Run, whole_table: bool) -> None:
    """The end, the reason, where the gradient came from, and a table of steps."""
    end(result)
    source = result.gradient_source.name.lower().replace("_", " ")
    print(wrapped(f"  gradient: {source} ({result.gradient_reason}); {result.engine} engine", indent=4))
    print(f"  {counted(result.n_evaluations, 'evaluation')}, {counted(result.n_gradients, 'gradient')}")
    for note in result.notes:
        print(wrapped(f"  note: {note}", indent=4))
    print(f"\n{table(_steps(result, whole_table))}")


def explanation(found: Explanation) -> None:
    """A sentence a line, the first one bold."""
    first, *rest = found.sentences
    print(bold(wrapped(first)))
    for sentence in rest:
        print(wrapped(sentence))


def end(result: Run) -> None:
    """The end and the reason."""
    print(wrapped(wording.title(result)))
    print(bold(wrapped(result.message)))
    print(wrapped(f"  {wording.point(result)}   loss = {number(result.loss)}", indent=4))


def training(result: TrainingRun, data: str | None) -> None:
    """What was trained on what (None where a file does not tell), the end, and a table of epochs."""
    told = result.specification["training"]
    what = f"{counted(told['n_rows'], 'row')} of {counted(told['n_features'], 'feature')}"
    how = f"{wording.method(result)}, {wording.rate(result)}, batches of {told['batch_size']:,}"
    of_data = "" if data is None else f" of {data}"
    print(wrapped(f"{result.specification['fun']} on {what}{of_data} by {how}"))
    print(bold(wrapped(result.message)))
    scores = "".join(f"   {name} = {number(value)}" for name, value in result.score.items())
    print(wrapped(f"  {wording.point(result)}   loss = {number(result.loss)}{scores}", indent=4))
    for note in result.notes:
        print(wrapped(f"  note: {note}", indent=4))
    names = ["epoch", "steps", "training loss", "validation loss", "rate", "sharpness", "rows/s"]
    rows = [
        [str(e.epoch), str(e.n_steps), *map(_or_nothing, e[2:6]), f"{e.rows_per_second:,.0f}"] for e in result.epochs
    ]
    kept = [k for k in range(len(names)) if any(row[k] for row in rows)]
    if len(rows) > _FIRST + _LAST + 1:
        rows = [*rows[:_FIRST], ["..."] * len(names), *rows[-_LAST:]]
    if rows:
        print(f"\n{table([[row[k] for k in kept] for row in [names, *rows]])}")


def _or_nothing(value: float) -> str:
    return "" if math.isnan(value) else number(value)


def race(results: dict[str, Run]) -> None:
    """The end of each of several runs from one start, in a line."""
    first = next(iter(results.values()))
    print(wrapped(f"{first.specification['fun']} from {numbers(plain(first.specification['x0']))}"))
    names = first.variables[:_MOST_VARIABLES]
    rows = [["method", "end", "steps", "loss", *names]]
    for label, result in results.items():
        point = result.structure.flatten(result.x)[: len(names)]
        rows.append([label, result.status.name, str(result.n_steps), number(result.loss), *map(number, point)])
    print(table(rows))


def problems() -> None:
    """One line a problem, and how to see one whole."""
    longest = max(map(len, gallery.PROBLEMS))
    for name, problem in sorted(gallery.PROBLEMS.items()):
        print(shortened(f"{name:{longest}}  {problem.title}"))
    print(wrapped("\ndownslope problems NAME tells a problem's formula, start, minima, domain and source.", indent=0))


def problem(name: str) -> None:
    """One problem whole."""
    chosen = gallery.get(name)
    lines = [f"{chosen.name}: {chosen.title}", f"  formula  {chosen.formula}" if chosen.formula else ""]
    lines += [f"  start    {numbers(chosen.start)}"]
    lines += [f"  minimum  {numbers(m.x)}, loss {number(m.loss)}" for m in chosen.minima]
    lines += [f"  domain   {', '.join(f'[{low:g}, {high:g}]' for low, high in chosen.domain)}"]
    lines += [f"  source   {chosen.source}", f"  notes    {chosen.notes}" if chosen.notes else ""]
    for line in filter(None, lines):
        print(wrapped(line, indent=11))


def methods() -> None:
    """A method's name, its coefficients and what it does, in three columns where there is room for them."""
    told = {
        name: [f"{key} = {getattr(method(), key):g} in {interval}" for key, interval in coefficients(method).items()]
        for name, method in METHODS.items()
    }
    left, middle = max(map(len, told)) + 2, max(len(word) for words in told.values() for word in words) + 2
    room = width() - left - middle
    if room >= _NARROWEST:
        print(f"{'name':{left}}{'coefficients':{middle}}what it does")
    for name, words in told.items():
        summary = (inspect.getdoc(METHODS[name]) or "").splitlines()[0]
        if room < _NARROWEST:
            print("\n  ".join([name, *words, *textwrap.wrap(summary, max(width() - 2, _NARROWEST))]))
            continue
        lines = itertools.zip_longest([name], words, textwrap.wrap(summary, room), fillvalue="")
        for first, second, third in lines:
            print(f"{first:{left}}{second:{middle}}{third}".rstrip())


def cache(now: CacheState, n_deleted: int | None) -> None:
    """Where compiled programs are kept, and how many."""
    if n_deleted is not None:
        print(f"{counted(n_deleted, 'program')} deleted")
    print(f"the disk cache is {'on' if now.is_on else wrapped(f'off: {now.reason}')}")
    if now.folder is not None:
        print(f"  folder   {now.folder}")
        print(f"  holds    {counted(now.n_entries, 'program')}, {now.n_bytes / 1e6:.2f} of {now.max_bytes / 1e6:g} MB")


def _steps(result: Run, whole: bool) -> list[list[str]]:
    few = whole or len(result.path_steps) <= _FIRST + _LAST + 1
    first, last = (result.rows(), []) if few else (result.rows(slice(_FIRST)), result.rows(slice(-_LAST, None)))
    names = list(first[0])
    hidden = names[1 + _MOST_VARIABLES : -3] if len(names) > _MOST_VARIABLES + 4 else []
    names = [name for name in names if name not in hidden]
    headings = {"gradient_norm": "gradient", "learning_rate": "rate"}
    return [
        [headings.get(name, name) for name in names],
        *([_cell(name, row[name]) for name in names] for row in first),
        *([] if few else [["..."] * len(names)]),
        *([_cell(name, row[name]) for name in names] for row in last),
    ]


def _cell(name: str, value: Any) -> str:
    if name == "step":
        return str(int(value))
    first = value[0] if isinstance(value, list) else value  # beyond 100 variables a cell holds them all
    return "" if name.startswith("learning_rate") and math.isnan(first) else numbers(value)
