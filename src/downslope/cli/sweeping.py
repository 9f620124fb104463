"""The command that makes many runs, `sweep`, and what it shares with those in `boxes`. It registers itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from downslope.cli import completing
from downslope.cli.command import SeveralMethods
from downslope.cli.files import PICTURES, check_place, say_saved, write
from downslope.cli.loading import loading
from downslope.cli.run_options import with_run_options
from downslope.cli.sweep_options import SweepOptions

if TYPE_CHECKING:
    from downslope.sweeps.results import Results

STATUSES = (
    "Exit status: 0 finished, however the runs ended; 2 bad input; 130 interrupted by Ctrl-C (what was finished is "
    "shown); 1 anything else."
)
AsJson = Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")]


def sweep(
    asked: SweepOptions,
    save: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Keep a row a run in this Parquet file; with a slash at the end in a folder, block by block: for "
            "sweeps larger than memory, and to go on after an interruption.",
        ),
    ] = None,
    plot: Annotated[str | None, typer.Option(metavar="FILE", help="Draw a .png, .svg, .pdf or .jpg.")] = None,
    colour: Annotated[
        str,
        typer.Option(metavar="NAME", help="Of the map: steps, behaviour or loss.", autocompletion=completing.colours),
    ] = "steps",
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Run it in the workers of this Dask cluster: tcp://host:8786."),
    ] = None,
    workers: Annotated[
        str | None, typer.Option(metavar="N", help="Run it in N workers, started here with Dask for the time.")
    ] = None,
    table: Annotated[bool, typer.Option("--table", help="Print every run.")] = False,
    as_json: AsJson = False,
) -> None:
    """Run every combination of starts, learning rates, betas, methods and seeds, all at once.

    Options that take VALUES take a number, LOW:HIGH:COUNT (evenly spaced, the ends included), LOW:HIGH:log:COUNT
    (by equal factors), or several of these with commas between; in --start the commas stand between variables.
    """
    load(plot)
    _check_colour(colour)
    if plot is not None:
        _check_drawable(asked)
    folder = save if save is not None and _is_folder(save) else None
    if save is not None and folder is None:
        from downslope.storage.atomic_file import check_writable

        check_writable(save, "save")
    from downslope.cli import as_json as json_of
    from downslope.cli import showing_sweeps as showing

    with _options_in_place_of_path():
        found = asked.swept(folder, scheduler=scheduler, workers=workers, quiet=as_json)
    if as_json:
        json_of.print_sweep(found, table)
    else:
        showing.sweep(found, asked)
        if table:
            showing.every_run(found)
        showing.seconds(found)
    if save is not None:
        if folder is None:
            found.save(save)
        say_saved(save)
    if plot is not None:
        from downslope import plots

        found = found.in_memory()
        rates_alone = asked.several() == ["learning_rate"]
        ax = plots.loss_by_rate(found) if rates_alone else plots.sweep_map(found, colour=colour)  # type: ignore[arg-type]  # checked
        write(ax.figure, plot)
    raise typer.Exit(exit_status(found))


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(cls=SeveralMethods, epilog=STATUSES)(with_run_options(SweepOptions, without=("engine",))(sweep))


def load(plot: str | None) -> None:
    """What all three need, before anything is computed; with a plot, matplotlib and a place for it too."""
    with loading():
        from downslope import disk_cache
        from downslope.sweeps import sweeping  # noqa: F401

        if plot is not None:
            from downslope import plots  # noqa: F401
        disk_cache.switch_on()
    if plot is not None:
        check_place(plot, PICTURES, "plot")


def _is_folder(place: str) -> bool:
    return place.endswith(("/", os.sep)) or os.path.isdir(place)


@contextmanager
def _options_in_place_of_path() -> Iterator[None]:
    """Errors about the library's `path` name the option that sets it here."""
    from downslope.errors import InvalidFile, InvalidInput

    try:
        yield
    except InvalidFile as error:
        raise InvalidFile(error.path, error.rule, parameter="save") from None
    except InvalidInput as error:
        if "a `path`" not in error.rule:
            raise
        raise InvalidInput(error.parameter, error.rule.replace("a `path`", "--save FOLDER/"), error.value) from None


def _check_colour(colour: str) -> None:
    from downslope.errors import UnknownName

    if colour not in completing.COLOURS:
        raise UnknownName("colour", colour, completing.COLOURS)


def _check_drawable(asked: SweepOptions) -> None:
    """A picture has two dimensions, of several the best over the others; or it is of the loss against the rate."""
    from downslope.errors import InvalidInput

    several = asked.several()
    if len(several) < 2 and several != ["learning_rate"]:
        rule = "needs many learning rates, or many values of two of method, learning rate, beta, seed and start"
        raise InvalidInput("plot", rule, several[0] if several else "one run")


def exit_status(found: Results) -> int:
    """130 where Ctrl-C left runs undone."""
    statuses = found.tally.statuses
    return 130 if "INTERRUPTED" in statuses or sum(statuses.values()) < found.n_runs else 0
