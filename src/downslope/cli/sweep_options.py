"""The options of a sweep: those of a run, of which some take many values."""

from __future__ import annotations

import dataclasses
import shlex
import sys
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from downslope.cli import completing
from downslope.cli.run_options import RunOptions

if TYPE_CHECKING:
    from downslope.methods import Method
    from downslope.sweeps.results import Results
    from downslope.sweeps.sweep import Sweep
    from downslope.sweeps.sweep_file import SweepFile

_SHARED = ("decay", "variables", "steps", "target_loss", "tolerance", "loss_limit", "bounds", "noise")
"""The options that `run` takes as they were given here."""


@dataclass(frozen=True)
class SweepOptions(RunOptions):
    """What was asked for, as text; `ranges` tells its grammar."""

    start: Annotated[
        str | None,
        typer.Option(
            metavar="VALUES",
            help="For each variable a number or LOW:HIGH:COUNT, with commas between: -5:5:20,-2:2:10 are all 200 "
            'combinations. Further starts follow a semicolon: "9,-3; 1,2".',
        ),
    ] = None
    learning_rate: Annotated[
        str | None,
        typer.Option(
            metavar="VALUES",
            help="LOW:HIGH:COUNT, LOW:HIGH:log:COUNT, a number, or backtracking, barzilai_borwein, polyak; several "
            "with commas.",
            autocompletion=completing.learning_rates,
        ),
    ] = None
    beta: Annotated[
        str | None,
        typer.Option(metavar="VALUES", help="The momentum that is kept (momentum, nesterov), written like the rates."),
    ] = None
    seed: Annotated[str | None, typer.Option(metavar="VALUES", help="Of the noise: 3, or 0:9:10.")] = None
    methods: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Several, in place of --method: momentum nesterov.",
            autocompletion=completing.several_methods,
        ),
    ] = None

    def swept(
        self, folder: str | None, *, scheduler: str | None, workers: str | None, quiet: bool
    ) -> Sweep | SweepFile:
        """The sweep, in memory or in a folder; with a progress bar on a terminal, unless it is to be quiet."""
        from downslope.cli import ranges, reading
        from downslope.sweeps.sweeping import sweep

        beta = ranges.values("beta", self.beta)
        methods = self._methods(beta)
        place: Any = folder  # which of the two is returned, its type would tell
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a sweep's notes say the same
            found: Sweep | SweepFile = sweep(
                self.objective(),
                starts=ranges.starts(self.start),
                learning_rates=ranges.learning_rates(self.learning_rate, reading.number("decay", self.decay)),
                methods=methods if self.methods is not None else methods[0],
                coefficients=None if beta is None or isinstance(beta, float) else {"beta": beta},
                seeds=ranges.whole_values("seed", self.seed),
                progress=sys.stderr.isatty() and not quiet,
                path=place,
                scheduler=scheduler,
                workers=reading.whole("workers", workers),
                **self.limits(),
            )
        return found

    def several(self) -> list[str]:
        """The dimensions along which there is more than one value."""
        from downslope.cli import ranges

        given = {
            "method": self._names(),
            "learning_rate": ranges.learning_rates(self.learning_rate),
            "beta": ranges.values("beta", self.beta),
            "seed": ranges.whole_values("seed", self.seed),
            "start": ranges.starts(self.start),
        }
        return [name for name, values in given.items() if hasattr(values, "__len__") and len(values) > 1]

    def _names(self) -> list[str]:
        return [self.method] if self.methods is None else [name.strip() for name in self.methods.split(",")]

    def _methods(self, beta: Any) -> list[Method]:
        """Each method; where there are several betas with the first, for the sweep sets them."""
        from downslope.cli import reading
        from downslope.errors import InvalidInput

        names = self._names()
        if self.methods is not None and self.method != "gradient_descent":
            raise InvalidInput("methods", f"takes the place of --method {self.method}: give one of them", self.methods)
        if len(set(names)) < len(names):
            raise InvalidInput("methods", "must differ from each other", self.methods)
        first = beta if beta is None or isinstance(beta, float) else float(beta[0])
        return [reading.method(name, first) for name in names]

    def command(self, found: Results, lane: int) -> str:
        """The `downslope run` that makes one of the runs again."""
        import numpy as np

        grid = found.grid
        method, rate, *coefficients, seed, start = map(int, np.unravel_index(lane, grid.full_shape))
        words = ["downslope", "run", self.fun, "--start", ",".join(map(_digits, grid.starts[start]))]
        name = self._names()[method]
        if name != "gradient_descent":
            words += ["--method", name]
        if grid.rates[rate] is not None:
            words += ["--learning-rate", _rate_in_words(grid.rates[rate])]
        for (coefficient, values), k in zip(grid.coefficients.items(), coefficients, strict=True):
            words += [f"--{coefficient}", _digits(values[k])]
        if self.beta is not None and "beta" not in grid.coefficients:
            words += ["--beta", self.beta]
        defaults = {field.name: field.default for field in dataclasses.fields(self)}
        for option in _SHARED:
            if getattr(self, option) != defaults[option]:
                words += [f"--{option.replace('_', '-')}", getattr(self, option)]
        if found.options["noise"]:
            words += ["--seed", str(grid.seeds[seed])]
        return shlex.join(words)


def _rate_in_words(rate: Any) -> str:
    from downslope.cli.reading import SEARCHES
    from downslope.sweeps.rates import number_of

    number = number_of(rate)
    if number is not None:
        return _digits(number)
    return next(name for name, search in SEARCHES.items() if isinstance(rate, search))


def _digits(value: Any) -> str:
    """As few as read back as the same number."""
    return repr(float(value)).removesuffix(".0")
