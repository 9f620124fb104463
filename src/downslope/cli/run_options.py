"""The options of a descent, defined once for every command that makes one or many.

A command that takes them is written with a RunOptions as its first parameter. What typer reads, the signature, has
the options in its place.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from downslope.cli import completing
from downslope.errors import InvalidInput

if TYPE_CHECKING:
    from downslope.objectives.objective import Objective
    from downslope.run import Run


@dataclass(frozen=True)
class RunOptions:
    """What was asked for, as text; each field is an argument or an option."""

    fun: Annotated[
        str,
        typer.Argument(
            metavar="FORMULA_OR_NAME",
            help='"x cos(x) + 9", or a name from `problems`.',
            autocompletion=completing.problems,
        ),
    ]
    start: Annotated[str | None, typer.Option(metavar="NUMBERS", help="Numbers with commas between: 9,-3.")] = None
    method: Annotated[
        str, typer.Option(metavar="NAME", help="A name from `methods`.", autocompletion=completing.methods)
    ] = "gradient_descent"
    learning_rate: Annotated[
        str | None,
        typer.Option(
            metavar="RATE",
            help="A number, one a coordinate (0.1,0.2), backtracking, barzilai_borwein or polyak.",
            autocompletion=completing.learning_rates,
        ),
    ] = None
    decay: Annotated[str | None, typer.Option(metavar="NUMBER", help="Multiply the rate by this after each step.")] = (
        None
    )
    beta: Annotated[
        str | None, typer.Option(metavar="NUMBER", help="The momentum that is kept (momentum, nesterov).")
    ] = None
    steps: Annotated[str, typer.Option(metavar="N", help="Steps at most.")] = "10000"
    target_loss: Annotated[str | None, typer.Option(metavar="NUMBER", help="End at this loss.")] = None
    tolerance: Annotated[
        str, typer.Option(metavar="NUMBER", help="End at this gradient component; none for never.")
    ] = "1e-6"
    loss_limit: Annotated[str | None, typer.Option(metavar="NUMBER", help="End as diverged above this loss.")] = None
    bounds: Annotated[str | None, typer.Option(metavar="LOW:HIGH", help="For all, or with commas, one a variable.")] = (
        None
    )
    noise: Annotated[
        str, typer.Option(metavar="NUMBER", help="Standard deviation added to each gradient component.")
    ] = "0"
    seed: Annotated[str | None, typer.Option(metavar="N", help="Of the noise.")] = None
    variables: Annotated[str | None, typer.Option(metavar="NAMES", help="The formula's names, in order: theta,b.")] = (
        None
    )
    engine: Annotated[
        str, typer.Option(metavar="NAME", help="auto, compiled or eager.", autocompletion=completing.engines)
    ] = "auto"

    def objective(self) -> Objective:
        """The function; raises where it cannot be read."""
        from downslope.cli import reading
        from downslope.objectives.objective import Objective

        return Objective(self.fun, variables=reading.names(self.variables))

    def check_alone(self) -> None:
        """Raise where options are given beside a saved run, which has its own."""
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name != "fun" and value != field.default:
                raise InvalidInput(field.name, "must be left out beside a saved run, which has its own", value)

    def rules(self) -> dict[str, Any]:
        """The method and its rate; raises where one cannot be read. `minimize` checks all else before it computes."""
        from downslope.cli import reading

        return {
            "method": reading.method(self.method, reading.number("beta", self.beta)),
            "learning_rate": reading.learning_rate(self.learning_rate, reading.number("decay", self.decay)),
        }

    def limits(self) -> dict[str, Any]:
        """Until when, and under what conditions: what the runs of a sweep share as well, as `minimize` takes it."""
        from downslope.cli import reading

        return {
            "bounds": reading.bounds(self.bounds),
            "max_steps": reading.whole("max_steps", self.steps),
            "target_loss": reading.number("target_loss", self.target_loss),
            "gradient_tolerance": reading.tolerance(self.tolerance),
            "loss_limit": reading.number("loss_limit", self.loss_limit),
            "noise": reading.number("noise", self.noise),
        }

    def minimized(self, *, quiet: bool = False) -> Run:
        """The run; with a progress bar on a terminal, unless it is to be quiet."""
        from downslope.cli import reading
        from downslope.minimization import minimize

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a run's notes say the same
            return minimize(
                self.objective(),
                reading.start(self.start),
                **self.rules(),
                **self.limits(),
                seed=reading.whole("seed", self.seed),
                engine=self.engine,  # type: ignore[arg-type]  # checked there, with a better message
                progress=sys.stderr.isatty() and not quiet,
            )


def with_run_options(
    kind: type[RunOptions] = RunOptions, *, without: tuple[str, ...] = ()
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """For a command whose first parameter is a RunOptions: typer sees its fields there, all but those left out."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        shared = [p for p in inspect.signature(kind, eval_str=True).parameters.values() if p.name not in without]
        own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
        parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in (*shared, *own)]

        @functools.wraps(command)
        def flat(**given: Any) -> None:
            asked = kind(**{p.name: given.pop(p.name) for p in shared})
            command(asked, **given)

        flat.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        flat.__annotations__ = {p.name: p.annotation for p in parameters}
        return flat

    return decorate
