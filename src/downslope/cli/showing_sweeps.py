"""What the command line prints of many runs, for people. No times: they go to the standard error, on a terminal."""

from __future__ import annotations

import numbers
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from downslope.cli.terminal import bold, print_table, table, wrapped
from downslope.engines.specification import rule_in_words
from downslope.sweeps.rates import are_constant, numbers_alone
from downslope.wording import counted, in_words, number, rule, schedule, short

if TYPE_CHECKING:
    from downslope.cli.sweep_options import SweepOptions
    from downslope.sweeps.basins import Basins
    from downslope.sweeps.multistart import Multistart
    from downslope.sweeps.results import Results
    from downslope.sweeps.tally import Tally

_MOST_VARIABLES = 5
_MOST_MINIMA = 12
_MOST_VALUES = 8
_HEADINGS = {"n_steps": "steps", "learning_rate": "learning rate"}


def sweep(found: Results, asked: SweepOptions) -> None:
    """What was swept, how the runs ended, at which rates, and how the best of them is made again."""
    print(f"{found.objective.name}: {counted(found.n_runs, 'run')}")
    swept = _swept(found)
    longest = max(map(len, swept))
    for name, told in swept.items():
        print(wrapped(f"  {name:{longest}}  {told}", indent=longest + 4))
    tally = found.tally
    n_finished = sum(tally.statuses.values())
    print()
    if n_finished < found.n_runs:
        print(f"{n_finished:,} of {counted(found.n_runs, 'run')} are finished; the same command makes the others.")
    share = f" ({short(100 * tally.n_converged / n_finished)} %)" if n_finished else ""
    print(bold(f"{tally.n_converged:,} of {counted(n_finished, 'run')} converged{share}."))
    for sentence in _converging(tally):
        print(wrapped(sentence))
    for note in found.notes:
        print(wrapped(f"note: {note}"))
    for heading, counts in (("status", tally.statuses), ("behaviour", tally.behaviours)):
        rows = [[word, f"{n:,}", f"{100 * n / n_finished:.1f} %"] for word, n in counts.items()]
        if rows:  # where all were interrupted, none has a behaviour
            print(f"\n{table([[heading, 'runs', 'share'], *rows])}")
    picked = {"lowest loss": tally.lowest, "fewest steps": tally.quickest}
    lanes = {what: lane for what, lane in picked.items() if lane is not None}
    if lanes:
        runs = np.array(list(lanes.values()))
        shown = _rows(found, runs, found.columns(runs))
        print(f"\n{table([[what, *row] for what, row in zip(['', *lanes], shown, strict=True)])}\n")
    for lane in dict.fromkeys(lanes.values()):
        print(f"{' and '.join(what for what in lanes if lanes[what] == lane)}, step by step:")
        print(f"  {asked.command(found, lane)}")


def every_run(found: Results) -> None:
    """A line a run."""

    def parts() -> Iterator[list[Sequence[str]]]:
        first = 0
        for named in found.chunks():
            runs = np.arange(first, first + len(named["loss"]))
            yield _rows(found, runs, named)[1 if first else 0 :]
            first += len(runs)

    print()
    print_table(parts)


def seconds(found: Results) -> None:
    """How long it took, for whoever waited for it: the standard output is the same each time."""
    if sys.stderr.isatty():
        pace = found.n_runs / found.seconds
        print(f"{found.n_runs:,} runs in {found.seconds:.2f} s, {pace:,.0f} a second", file=sys.stderr)


def multistart(found: Multistart) -> None:
    """The minima, lowest first, and what may have been missed."""
    print(wrapped(f"{found.sweep.objective.name}: {found.message}"))
    for note in found.sweep.notes:
        print(wrapped(f"note: {note}"))
    if found.minima:
        names = found.sweep.variables[:_MOST_VARIABLES]
        rows = [
            [
                *map(number, np.ravel(minimum.x)[: len(names)]),
                number(minimum.loss),
                f"{minimum.n_starts:,}",
                f"{100 * minimum.share:.2f} %",
                "at a bound" if minimum.at_bound else "",
            ]
            for minimum in found.minima[:_MOST_MINIMA]
        ]
        print(f"\n{table([[*names, 'loss', 'starts', 'share', ''], *rows])}")
    if len(found) > _MOST_MINIMA:
        print(f"and {len(found) - _MOST_MINIMA} more; --json lists them all")


def basins(found: Basins) -> None:
    """The minima of a region, each with its share of it."""
    print(wrapped(f"{found.sweep.objective.name}: {found.message}"))
    for note in found.sweep.notes:
        print(wrapped(f"note: {note}"))
    rows = [[found.place(m), number(m.loss), f"{100 * m.share:.2f} %"] for m in found.minima]
    if rows:
        print(f"\n{table([['x', 'loss', 'share'], *rows])}")


def _swept(found: Results) -> dict[str, str]:
    """Each dimension, and what all runs share, in words."""
    grid = found.grid
    words = {"method": ", ".join(_methods(found))}
    alone = numbers_alone(grid.rates)
    words["learning rate"] = ", ".join(_rates(found)) if alone is None else _values(alone)
    if alone is not None and not are_constant(grid.rates):
        words["learning rate"] += f"; {schedule(rule_in_words(grid.rates[0]))}"
    words |= {name: _values(values) for name, values in grid.coefficients.items()}
    if found.options["noise"]:
        words["seed"] = _values(np.asarray(grid.seeds))
    words["start"] = _starts(found)
    return words


def _starts(found: Results) -> str:
    """The values of each variable; of several variables how many combinations there are as well."""
    n, n_variables = found.starts.shape
    sides = [_values(np.unique(found.starts[:, k])) for k in range(min(n_variables, _MOST_VARIABLES))]
    if n_variables == 1:
        return sides[0]
    named = "; ".join(f"{name} {side}" for name, side in zip(found.variables, sides, strict=False))
    more = f"; and {counted(n_variables - len(sides), 'more variable')}" if n_variables > len(sides) else ""
    return (f"{n:,}: " if n > 1 else "") + named + more


def _methods(found: Results) -> list[str]:
    """Each method, without the coefficients that were swept."""
    told = [rule_in_words(method) for method in found.grid.methods]
    return [rule({key: v for key, v in words.items() if key not in found.grid.coefficients}) for words in told]


def _rates(found: Results) -> list[str]:
    """Each learning rate; of a search its name alone, for the command line sets nothing else of one."""
    return ["its default" if rate is None else _rate(rate) for rate in found.grid.rates]


def _rate(rate: Any) -> str:
    return number(rate) if isinstance(rate, numbers.Real) else in_words(type(rate).__name__)


def _values(values: np.ndarray) -> str:
    """One value, a few of them, or how many there are from which to which."""
    if values.size <= _MOST_VALUES:
        return ", ".join(map(number, values.tolist()))
    return f"{values.size:,} from {number(values.min())} to {number(values.max())}"


def _converging(tally: Tally) -> list[str]:
    """At which learning rates the runs converged."""
    spans = tally.converging_rates
    if spans is None or spans["some"] is None:
        return []
    if spans["some"] == spans["all"]:
        return [f"All converged at {_stretch(spans['all'])}, and none elsewhere."]
    all_ = f"All converged at {_stretch(spans['all'])}" if spans["all"] else "At no learning rate did all converge"
    return [f"{all_}; at least one did at {_stretch(spans['some'])}."]


def _stretch(found: dict[str, Any]) -> str:
    low, high, more = short(found["lowest"]), short(found["highest"]), found["n_elsewhere"]
    words = f"learning rate {low}" if found["n"] == 1 else f"learning rates from {low} to {high}"
    return words + (f" and at {counted(more, 'other')}" if more else "")


def _rows(found: Results, lanes: np.ndarray, named: dict[str, np.ndarray]) -> list[Sequence[str]]:
    """Headings, and a line for each of these runs, from its columns: its labels, where it began and how it ended."""
    if "method" in named:
        named["method"] = np.array(_methods(found))[np.unravel_index(lanes, found.grid.full_shape)[0]]
    if "learning_rate" in named and named["learning_rate"].dtype.kind != "f":
        named["learning_rate"] = np.array(_rates(found))[np.unravel_index(lanes, found.grid.full_shape)[1]]
    points = [f"{side} {name}" for side in ("start", "end") for name in found.variables]
    points = points if len(found.variables) <= _MOST_VARIABLES else []
    labels = [name for name in found.dimensions if name != "start"]
    shown = [*labels, *points, "loss", "n_steps", "status", "behaviour"]
    headings = [_HEADINGS.get(name, name) for name in shown]
    return [headings, *zip(*([_cell(value) for value in named[name].tolist()] for name in shown), strict=True)]


def _cell(value: Any) -> str:
    return str(value) if isinstance(value, str | int) else number(value)
