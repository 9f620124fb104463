"""The commands and their options."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING, Annotated, Any

import typer

from downslope.cli import boxes, completing, laboratory, pictures, sweeping, training
from downslope.cli.command import Command, Group
from downslope.cli.loading import loading
from downslope.cli.run_options import RunOptions, with_run_options
from downslope.errors import InvalidInput

if TYPE_CHECKING:
    from downslope.run import Run
    from downslope.storage import Replay

_STATUSES = (
    "Exit status: 0 finished, converged or not; 2 bad input; 3 diverged, or met a value that is not finite; "
    "130 interrupted by Ctrl-C (what was done is shown); 1 anything else."
)

app = typer.Typer(
    cls=Group,
    help="Gradient descent you can run, see, explain and scale.",
    epilog=_STATUSES,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        import downslope

        print(f"downslope {downslope.__version__}")
        raise typer.Exit


@app.callback()
def _program(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Gradient descent you can run, see, explain and scale."""


@app.command(cls=Command, epilog=_STATUSES)
@with_run_options()
def run(
    asked: RunOptions,
    table: Annotated[bool, typer.Option("--table", help="Print every step.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
    save: Annotated[str | None, typer.Option(metavar="FILE", help="Keep the run in this Parquet file.")] = None,
    brief: Annotated[bool, typer.Option("--brief", help="Leave out why it went so, and what to try.")] = False,
) -> None:
    """Minimise a formula or a named problem, and say how it went and why."""
    with loading():
        from downslope import disk_cache, minimization  # noqa: F401  # what `minimized` needs

        disk_cache.switch_on()
    if save is not None:
        from downslope.storage.atomic_file import check_writable

        check_writable(save, "save")
    result = asked.minimized(quiet=as_json)
    _print(result, table, as_json, brief=brief)
    if save is not None:
        result.save(save)
        print(f"saved to {save}", file=sys.stderr)  # the standard output is the same with and without --save
    raise typer.Exit(pictures.exit_status(result))


@app.command(cls=Command, epilog=_STATUSES)
def show(
    path: Annotated[str, typer.Argument(metavar="FILE", help="What `run --save` or Run.save wrote.")],
    table: Annotated[bool, typer.Option("--table", help="Print every step.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
    replay: Annotated[bool, typer.Option("--replay", help="Make the run again, and tell the difference.")] = False,
    brief: Annotated[bool, typer.Option("--brief", help="Leave out why it went so, and what to try.")] = False,
) -> None:
    """Show a run that was saved, as it was shown after `run`."""
    with loading():
        from downslope import disk_cache
        from downslope.storage import load

        disk_cache.switch_on()
    result: Any = load(path)
    again = None
    is_training = hasattr(result, "epochs")
    if replay and is_training:
        rule = "needs the rows, which the file of a training does not hold; `run.replay(data)` in Python takes them"
        raise InvalidInput("replay", rule, path)
    if is_training and not table:
        training.tell(result, None, as_json=as_json, brief=brief)
        raise typer.Exit(pictures.exit_status(result))
    if replay:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the run's notes say the same
            again = result.replay()
    _print(result, table, as_json, again, brief=brief)
    raise typer.Exit(pictures.exit_status(result))


@app.command(cls=Command, epilog=_STATUSES)
@with_run_options()
def explain(
    asked: RunOptions,
    as_json: Annotated[bool, typer.Option("--json", help="Print all facts as JSON.")] = False,
) -> None:
    """Say why a descent goes as it does, and what to try; of a formula, a named problem, or a file of `run --save`."""
    with loading():
        from downslope import disk_cache, minimization  # noqa: F401
        from downslope.cli import as_json as json_of
        from downslope.cli import showing
        from downslope.storage import load

        disk_cache.switch_on()
    if asked.fun.endswith(".parquet"):
        asked.check_alone()
        result = load(asked.fun)
    else:
        result = asked.minimized(quiet=as_json)
    found = result.explain()
    if as_json:
        json_of.print_explanation(found)
    else:
        showing.end(result)
        print()
        showing.explanation(found)
    raise typer.Exit(pictures.exit_status(result))


pictures.register(app, _STATUSES)
sweeping.register(app)
boxes.register(app)
laboratory.register(app)
training.register(app, _STATUSES)


@app.command(cls=Command)
def problems(
    name: Annotated[
        str | None, typer.Argument(help="Show one problem whole.", autocompletion=completing.problems)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print them whole, as JSON.")] = False,
) -> None:
    """List the named problems."""
    from downslope.cli import as_json as json_of
    from downslope.cli import showing

    if as_json:
        json_of.print_problems(name)
    elif name:
        showing.problem(name)
    else:
        showing.problems()


@app.command(cls=Command)
def methods(as_json: Annotated[bool, typer.Option("--json", help="Print them as JSON.")] = False) -> None:
    """List the methods, their coefficients and intervals."""
    from downslope.cli import as_json as json_of
    from downslope.cli import showing

    if as_json:
        json_of.print_methods()
    else:
        showing.methods()


@app.command(cls=Command)
def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Delete what is kept.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Show or clear the compiled programs kept on disk, which let later runs start sooner."""
    from downslope import disk_cache
    from downslope.cli import as_json as json_of
    from downslope.cli import showing

    n_deleted = disk_cache.clear() if clear else None
    if as_json:
        json_of.print_cache(disk_cache.state(), n_deleted)
    else:
        showing.cache(disk_cache.state(), n_deleted)


def _print(result: Run, table: bool, as_json: bool, again: Replay | None = None, *, brief: bool) -> None:
    from downslope.cli import as_json as json_of
    from downslope.cli import showing
    from downslope.stopping import Status

    if as_json:
        json_of.print_run(result, table, again)
        return
    showing.run(result, whole_table=table)
    if not brief and result.status is not Status.INTERRUPTED:
        from downslope.explanation import explain as explained

        print()
        showing.explanation(explained(result))
    if again is not None:
        print(f"\nreplay: {again.message}")
