"""The commands that make many runs: `sweep`, `basins` and `multistart`. Each registers itself with the program."""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from downslope.cli import completing
from downslope.cli.command import Command, SeveralMethods
from downslope.cli.files import PICTURES, check_place, say_saved, write
from downslope.cli.loading import loading
from downslope.cli.run_options import RunOptions, with_run_options
from downslope.cli.sweep_options import SweepOptions

if TYPE_CHECKING:
    from downslope.sweeps.sweep import Sweep

_STATUSES = (
    "Exit status: 0 finished, however the runs ended; 2 bad input; 130 interrupted by Ctrl-C (what was finished is "
    "shown); 1 anything else."
)
_NOT_OF_A_BOX = ("start", "target_loss", "loss_limit", "bounds", "noise", "seed", "engine")
"""What `multistart` and `basins` do without: their starts are all over a box."""

_Range = Annotated[
    str | None,
    typer.Option(
        "--range",
        metavar="LOW:HIGH",
        help="Where to start from: for all variables, or with commas, one a variable. A problem brings its own.",
    ),
]
_AsJson = Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")]


def sweep(
    asked: SweepOptions,
    save: Annotated[str | None, typer.Option(metavar="FILE", help="Keep a row a run in this Parquet file.")] = None,
    plot: Annotated[str | None, typer.Option(metavar="FILE", help="Draw a .png, .svg, .pdf or .jpg.")] = None,
    colour: Annotated[
        str,
        typer.Option(metavar="NAME", help="Of the map: steps, behaviour or loss.", autocompletion=completing.colours),
    ] = "steps",
    table: Annotated[bool, typer.Option("--table", help="Print every run.")] = False,
    as_json: _AsJson = False,
) -> None:
    """Run every combination of starts, learning rates, betas, methods and seeds, all at once.

    Options that take VALUES take a number, LOW:HIGH:COUNT (evenly spaced, the ends included), LOW:HIGH:log:COUNT
    (by equal factors), or several of these with commas between; in --start the commas stand between variables.
    """
    _load(plot)
    _check_colour(colour)
    if plot is not None:
        _check_drawable(asked)
    if save is not None:
        from downslope.storage.atomic_file import check_writable

        check_writable(save, "save")
    from downslope.cli import as_json as json_of
    from downslope.cli import showing_sweeps as showing

    found = asked.swept(quiet=as_json)
    if as_json:
        json_of.print_sweep(found, table)
    else:
        showing.sweep(found, asked)
        if table:
            showing.every_run(found)
        showing.seconds(found)
    if save is not None:
        found.save(save)
        say_saved(save)
    if plot is not None:
        rates_alone = asked.several() == ["learning_rate"]
        ax = _plots().loss_by_rate(found) if rates_alone else _plots().sweep_map(found, colour=colour)
        write(ax.figure, plot)
    raise typer.Exit(_exit_status(found))


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
    as_json: _AsJson = False,
) -> None:
    """Descend from all over a range: which minima there are, how many starts lead to each, what may be missed."""
    _load(None)
    from downslope.cli import as_json as json_of
    from downslope.cli import reading
    from downslope.cli import showing_sweeps as showing
    from downslope.sweeps.multistart import multistart as multistart_of

    with warnings.catch_warnings(), _range_in_place_of_bounds():
        warnings.simplefilter("ignore")  # the notes say the same
        found = multistart_of(
            asked.objective(),
            reading.box(box),
            reading.whole("n_starts", starts),  # type: ignore[arg-type]  # it has a default
            sampler=sampler,
            seed=reading.whole("seed", seed),  # type: ignore[arg-type]
            progress=sys.stderr.isatty() and not as_json,
            **asked.rules(),
            max_steps=reading.whole("max_steps", asked.steps),  # type: ignore[arg-type]
            gradient_tolerance=reading.tolerance(asked.tolerance),  # type: ignore[arg-type]  # checked there
        )
    if as_json:
        json_of.print_multistart(found)
    else:
        showing.multistart(found)
        showing.seconds(found.sweep)
    raise typer.Exit(_exit_status(found.sweep))


def basins(
    asked: RunOptions,
    box: _Range = None,
    resolution: Annotated[str, typer.Option(metavar="N", help="Starts along each variable.")] = "512",
    plot: Annotated[str | None, typer.Option(metavar="FILE", help="Draw a .png, .svg, .pdf or .jpg.")] = None,
    as_json: _AsJson = False,
) -> None:
    """Map which minimum a descent ends in, from every point of a range of one or two variables."""
    _load(plot)
    from downslope.cli import as_json as json_of
    from downslope.cli import reading
    from downslope.cli import showing_sweeps as showing

    library: Any = importlib.import_module("downslope")
    objective = asked.objective()
    with warnings.catch_warnings(), _range_in_place_of_bounds():
        warnings.simplefilter("ignore")
        found = library.basins(
            objective,
            reading.box(box),
            resolution=reading.whole("resolution", resolution),
            max_steps=reading.whole("max_steps", asked.steps),
            gradient_tolerance=reading.tolerance(asked.tolerance),
            progress=sys.stderr.isatty() and not as_json,
            **asked.rules(),
        )
    if as_json:
        json_of.print_basins(found)
    else:
        showing.basins(objective.name, found)
        showing.seconds(found.sweep)
    if plot is not None:
        write(_plots().basins(found).figure, plot)
    raise typer.Exit(_exit_status(found.sweep))


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command(cls=SeveralMethods, epilog=_STATUSES)(
        with_run_options(SweepOptions, without=("decay", "engine"))(sweep)
    )
    app.command(cls=Command, epilog=_STATUSES)(with_run_options(without=_NOT_OF_A_BOX)(basins))
    app.command(cls=Command, epilog=_STATUSES)(with_run_options(without=_NOT_OF_A_BOX)(multistart))


def _load(plot: str | None) -> None:
    """What all three need, before anything is computed; with a plot, matplotlib and a place for it too."""
    with loading():
        from downslope import disk_cache
        from downslope.sweeps import sweeping  # noqa: F401

        if plot is not None:
            _plots()
        disk_cache.switch_on()
    if plot is not None:
        check_place(plot, PICTURES, "plot")


def _plots() -> Any:
    return importlib.import_module("downslope.plots")


def _check_colour(colour: str) -> None:
    from downslope.errors import UnknownName

    if colour not in completing.COLOURS:
        raise UnknownName("colour", colour, completing.COLOURS)


def _check_drawable(asked: SweepOptions) -> None:
    """A picture has two dimensions: of a map, or of the loss against the rate."""
    from downslope.errors import InvalidInput

    several = asked.several()
    if len(several) != 2 and several != ["learning_rate"]:
        rule = "needs many learning rates alone, or many values of two of method, learning rate, beta, seed and start"
        raise InvalidInput("plot", rule, " x ".join(name.replace("_", " ") for name in several) or "one run")


def _exit_status(found: Sweep) -> int:
    from downslope.stopping import Status

    return 130 if bool((found.lanes.status == Status.INTERRUPTED).any()) else 0


@contextmanager
def _range_in_place_of_bounds() -> Iterator[None]:
    """Errors about the library's `bounds`, and about the starts inside them, name the option that sets both here."""
    from downslope.errors import InvalidInput

    try:
        yield
    except InvalidInput as error:
        if error.parameter not in ("bounds", "x0", "starts"):
            raise
        raise InvalidInput("range", error.rule, error.value) from None
