"""The commands that descend from all over a range, `multistart` and `basins`. Each registers itself."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from downslope.cli import completing
from downslope.cli.command import Command
from downslope.cli.files import write
from downslope.cli.run_options import RunOptions, with_run_options
from downslope.cli.sweeping import STATUSES, AsJson, exit_status, load

_NOT_OF_A_BOX = ("start", "target_loss", "loss_limit", "bounds", "noise", "seed", "engine")
"""What they do without: their starts are all over a box."""

_Range = Annotated[
    str | None,
    typer.Option(
        "--range",
        metavar="LOW:HIGH",
        help="Where to start from: for all variables, or with commas, one a variable. A problem brings its own.",
    ),
]


def multistart(
    asked: RunOptions,
    box: _Range = None,
    starts: Annotated[str, typer.Option(metavar="N", help="Starts in the range.")] = "1024",
    sampler: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="sobol, latin_hypercube, uniform or grid.", autocompletion=completing.samplers
        ),
    ] = "sobol",
    seed: Annotated[str, typer.Option(metavar="N", help="Of the starts.")] = "0",
    outside: Annotated[
        bool, typer.Option("--outside", help="Let runs leave the range; without it, steps are projected into it.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Descend from all over a range: which minima there are, how many starts lead to each, what may be missed."""
    load(None)
    from downslope.cli import as_json as json_of
    from downslope.cli import reading
    from downslope.cli import showing_sweeps as showing
    from downslope.sweeps.multistart import multistart as multistart_of

    with _range_in_place_of_bounds():
        found = multistart_of(
            asked.objective(),
            reading.box(box),
            reading.whole("n_starts", starts),  # type: ignore[arg-type]  # it has a default
            sampler=sampler,
            seed=reading.whole("seed", seed),  # type: ignore[arg-type]
            inside=not outside,
            **_descents(asked, quiet=as_json),
        )
    if as_json:
        json_of.print_multistart(found)
    else:
        showing.multistart(found)
        showing.seconds(found.sweep)
    raise typer.Exit(exit_status(found.sweep))


def basins(
    asked: RunOptions,
    box: _Range = None,
    resolution: Annotated[str, typer.Option(metavar="N", help="Starts along each variable.")] = "512",
    inside: Annotated[
        bool, typer.Option("--inside", help="Project steps into the range; without it, runs may leave it.")
    ] = False,
    plot: Annotated[str | None, typer.Option(metavar="FILE", help="Draw a .png, .svg, .pdf or .jpg.")] = None,
    as_json: AsJson = False,
) -> None:
    """Map which minimum a descent ends in, from every point of a range of one or two variables."""
    load(plot)
    from downslope.cli import as_json as json_of
    from downslope.cli import reading
    from downslope.cli import showing_sweeps as showing
    from downslope.sweeps.basins import basins as basins_of

    with _range_in_place_of_bounds():
        found = basins_of(
            asked.objective(),
            reading.box(box),
            resolution=reading.whole("resolution", resolution),  # type: ignore[arg-type]  # it has a default
            inside=inside,
            **_descents(asked, quiet=as_json),
        )
    if as_json:
        json_of.print_basins(found)
    else:
        showing.basins(found)
        showing.seconds(found.sweep)
    if plot is not None:
        from downslope import plots

        write(plots.basins(found).figure, plot)
    raise typer.Exit(exit_status(found.sweep))


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    for command in (basins, multistart):
        app.command(cls=Command, epilog=STATUSES)(with_run_options(without=_NOT_OF_A_BOX)(command))


def _descents(asked: RunOptions, *, quiet: bool) -> dict[str, Any]:
    """What the library's functions share."""
    from downslope.cli import reading

    return {
        **asked.rules(),
        "max_steps": reading.whole("max_steps", asked.steps),
        "gradient_tolerance": reading.tolerance(asked.tolerance),
        "progress": sys.stderr.isatty() and not quiet,
    }


@contextmanager
def _range_in_place_of_bounds() -> Iterator[None]:
    """Errors about the library's `bounds`, and about the starts inside them, name the option that sets both here."""
    from downslope.errors import InvalidInput

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a sweep's notes say the same
        try:
            yield
        except InvalidInput as error:
            if error.parameter not in ("bounds", "x0", "starts"):
                raise
            raise InvalidInput("range", error.rule, error.value) from None
