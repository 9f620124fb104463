"""The commands that draw: `plot`, `film` and `race`. Each registers itself with the program."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated

import typer

from downslope.cli import completing
from downslope.cli.command import Command, SeveralMethods
from downslope.cli.files import FILMS, PICTURES, check_place, say_saved, write
from downslope.cli.loading import loading
from downslope.cli.run_options import RunOptions, with_run_options

if TYPE_CHECKING:
    from downslope.run import Run

_View = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="line, contours, surface, projection or history; auto is what suits the number of variables.",
        autocompletion=completing.views,
    ),
]
_Region = Annotated[
    str | None,
    typer.Option(metavar="LOW:HIGH", help="What the picture shows; with commas, one a variable."),
]
_Step = Annotated[str | None, typer.Option(metavar="N", help="Draw up to this step.")]


def plot(
    asked: RunOptions,
    view: _View = "auto",
    region: _Region = None,
    step: _Step = None,
    save: Annotated[str, typer.Option(metavar="FILE", help="A .png, .svg, .pdf or .jpg.")] = "plot.png",
) -> None:
    """Draw a descent, or without --start a formula alone, into a file."""
    _load()
    check_place(save, PICTURES)
    _check_view(view)
    from downslope.cli import drawing, reading

    shown, at = reading.region(region), reading.whole("step", step)
    if asked.start is None and asked.objective().problem is None:
        write(drawing.function(asked.objective(), view, shown), save)
        return
    result = asked.minimized()
    figure = drawing.descent(result, view, shown, at)
    _tell_end(result)
    write(figure, save)
    raise typer.Exit(exit_status(result))


def film(
    asked: RunOptions,
    view: _View = "auto",
    region: _Region = None,
    fps: Annotated[
        str | None, typer.Option(metavar="NUMBER", help="Frames a second; 10, or fewer for a short film.")
    ] = None,
    step: Annotated[str | None, typer.Option(metavar="N", help="Draw this one frame alone, as a picture.")] = None,
    save: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="A .gif, .html or .mp4 (needs ffmpeg); film.gif. With --step a .png; film.png."
        ),
    ] = None,
) -> None:
    """Film a descent step by step, into a file."""
    _load()
    target = save or ("film.gif" if step is None else "film.png")
    check_place(target, FILMS if step is None else PICTURES)
    _check_view(view)
    from downslope.cli import reading
    from downslope.plots import film as film_of

    options = {"view": view, "region": reading.region(region), "fps": reading.number("fps", fps)}
    at = reading.whole("step", step)
    result = asked.minimized()
    made = film_of(result, **options)
    if at is not None:
        figure = made.frame(at)
        _tell_end(result)
        write(figure, target)
    else:
        _tell_end(result)
        made.save(target)
        say_saved(target)
    raise typer.Exit(exit_status(result))


def race(
    asked: RunOptions,
    methods: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="Names from `methods`, each with its own rate if need be: momentum:0.02 adam:0.5.",
            autocompletion=completing.several_methods,
        ),
    ] = "gradient_descent,momentum,adam",
    view: _View = "auto",
    region: _Region = None,
    save: Annotated[
        str, typer.Option(metavar="FILE", help="A picture (.png, .svg, .pdf, .jpg) or a film (.gif, .html, .mp4).")
    ] = "race.png",
) -> None:
    """Race several methods from one start, in one picture.

    A line each tells how they ended.
    """
    _load()
    suffix = check_place(save, (*PICTURES, *FILMS))
    _check_view(view)
    from downslope.cli import drawing, reading, showing

    shown = reading.region(region)
    entrants = reading.entrants(methods, asked.learning_rate)
    entries = {label: dataclasses.replace(asked, method=name, learning_rate=rate) for label, name, rate in entrants}
    for entry in entries.values():  # all of them are read before the first one runs
        entry.rules()
    runs = {label: entry.minimized() for label, entry in entries.items()}
    picture = drawing.race(runs, view, shown, moving=suffix in FILMS)
    showing.race(runs)
    if suffix in FILMS:
        picture.save(save)
        say_saved(save)
    else:
        write(picture, save)
    raise typer.Exit(max(map(exit_status, runs.values())))


def register(app: typer.Typer, epilog: str) -> None:
    """Add the commands to the program."""
    for command, kind, without in (
        (plot, Command, ()),
        (film, Command, ()),
        (race, SeveralMethods, ("method", "beta")),
    ):
        app.command(cls=kind, epilog=epilog)(with_run_options(without=without)(command))


def exit_status(result: Run) -> int:
    """What the program's exit status tells of a run."""
    from downslope.stopping import Status

    return {Status.NOT_FINITE: 3, Status.DIVERGED: 3, Status.INTERRUPTED: 130}.get(result.status, 0)


def _load() -> None:
    """What all three need, before anything is computed; MissingExtra where there is no matplotlib."""
    with loading():
        from downslope import disk_cache, minimization, plots  # noqa: F401

        disk_cache.switch_on()


def _check_view(view: str) -> None:
    from downslope.errors import UnknownName

    if view not in completing.VIEWS:
        raise UnknownName("view", view, completing.VIEWS)


def _tell_end(result: Run) -> None:
    from downslope.cli import showing

    showing.end(result)
