"""The commands, their options, and how an error leaves the program.

Exit status: 0 where the run converged or finished its steps, 2 for bad input, 3 where it diverged or met
a value that is not finite.
"""

from __future__ import annotations

import json
import math
import sys
import warnings
from typing import Annotated, Any

import typer

from downslope.cli import reading, showing
from downslope.errors import DownslopeError
from downslope.stopping import Status

app = typer.Typer(
    help="Gradient descent you can run, see, explain and scale.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
_OPTIONS = {
    "x0": "--start",
    "learning_rate": "--learning-rate",
    "max_steps": "--steps",
    "target_loss": "--target-loss",
    "gradient_tolerance": "--tolerance",
    "loss_limit": "--loss-limit",
    **{
        name: f"--{name}"
        for name in ("start", "method", "bounds", "noise", "seed", "engine", "decay", "beta", "tolerance")
    },
}
"""The option that sets a parameter, by which an error names it here."""
_FAILED = (Status.NOT_FINITE, Status.DIVERGED)


@app.command()
def run(
    fun: Annotated[str, typer.Argument(metavar="FORMULA_OR_NAME", help='"x cos(x) + 9", or a name from `problems`.')],
    start: Annotated[str | None, typer.Option(help="Numbers with commas between: 9,-3.")] = None,
    method: Annotated[str, typer.Option(help="A name from `methods`.")] = "gradient_descent",
    learning_rate: Annotated[
        str | None,
        typer.Option(help="A number, one a coordinate (0.1,0.2), backtracking, barzilai_borwein or polyak."),
    ] = None,
    decay: Annotated[float | None, typer.Option(help="Multiply the rate by this after each step.")] = None,
    beta: Annotated[float | None, typer.Option(help="The momentum that is kept (momentum, nesterov).")] = None,
    steps: Annotated[int, typer.Option(help="Steps at most.")] = 10_000,
    target_loss: Annotated[float | None, typer.Option(help="End at this loss.")] = None,
    tolerance: Annotated[str, typer.Option(help="End at this gradient component; none for never.")] = "1e-6",
    loss_limit: Annotated[float | None, typer.Option(help="End as diverged above this loss.")] = None,
    bounds: Annotated[str | None, typer.Option(help="LOW:HIGH for all, or with commas, one a variable.")] = None,
    noise: Annotated[float, typer.Option(help="Standard deviation added to each gradient component.")] = 0.0,
    seed: Annotated[int | None, typer.Option(help="Of the noise.")] = None,
    variables: Annotated[str | None, typer.Option(help="The formula's names, in order: theta,b.")] = None,
    engine: Annotated[str, typer.Option(help="auto, compiled or eager.")] = "auto",
    table: Annotated[bool, typer.Option("--table", help="Print every step.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
) -> None:
    """Minimise a formula or a named problem, and say how it went."""
    from downslope.minimization import minimize
    from downslope.objectives.objective import Objective

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a run's notes say the same
        result = minimize(
            Objective(fun, variables=reading.names(variables)),
            reading.start(start),
            method=reading.method(method, beta),
            learning_rate=reading.learning_rate(learning_rate, decay),
            bounds=reading.bounds(bounds),
            max_steps=steps,
            target_loss=target_loss,
            gradient_tolerance=reading.tolerance(tolerance),
            loss_limit=loss_limit,
            noise=noise,
            seed=seed,
            engine=engine,  # type: ignore[arg-type]  # checked there, with a better message
            progress=sys.stderr.isatty() and not as_json,
        )
    if as_json:
        outcome: dict[str, Any] = result.to_dict()
        rows = {"rows": [_fit_for_json(row) for row in result.rows()]} if table else {}
        print(json.dumps({**outcome, **rows}, indent=2, default=str))
    else:
        showing.run(result, whole_table=table)
    raise typer.Exit(3 if result.status in _FAILED else 0)


@app.command()
def problems(
    name: Annotated[str | None, typer.Argument(help="Show one problem whole.")] = None,
) -> None:
    """List the named problems."""
    showing.problem(name) if name else showing.problems()


@app.command()
def methods() -> None:
    """List the methods, their coefficients and intervals."""
    showing.methods()


def _formula_last(arguments: list[str]) -> list[str]:
    """`run "-x^2" --start 1` as `run --start 1 -- "-x^2"`: no option here has one dash."""
    if (
        len(arguments) > 1
        and arguments[0] == "run"
        and arguments[1][:1] == "-"
        and arguments[1][:2] not in ("--", "-h")
    ):
        return ["run", *arguments[2:], "--", arguments[1]]
    return arguments


def main() -> None:
    """Run the command line; errors of downslope become one message and exit status 2."""
    try:
        app(_formula_last(sys.argv[1:]))
    except DownslopeError as error:
        print(f"error: {_with_options(error)}", file=sys.stderr)
        sys.exit(2)


def _with_options(error: DownslopeError) -> str:
    """The message with the option's name in place of the parameter's: `--start` for `x0`."""
    parameter = getattr(error, "parameter", "")
    return str(error).replace(f"`{parameter}`", _OPTIONS.get(parameter, f"`{parameter}`"), 1)


def _fit_for_json(row: dict[str, Any]) -> dict[str, Any]:
    """JSON has no NaN and no infinity; they become text, as in `Run.to_dict`."""
    return {name: str(v) if isinstance(v, float) and not math.isfinite(v) else v for name, v in row.items()}
