"""The command that opens the laboratory in a browser."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from downslope.cli import completing
from downslope.cli.command import Command
from downslope.cli.loading import loading

if TYPE_CHECKING:
    from downslope.lab.functions import Own

_STATUSES = "Exit status: 0 ended by Ctrl-C; 2 bad input, or the page is not built; 1 anything else."
_DEFAULT_PORT = "8765"


def lab(
    fun: Annotated[
        str | None,
        typer.Argument(
            metavar="[FUNCTION]",
            help='"x cos(x) + 9", a name from `problems`, or a Python function: module.py:loss.',
            autocompletion=completing.problems,
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(metavar="NUMBERS", help="Where it begins: 9,-3; how many of a Python function."),
    ] = None,
    box: Annotated[
        str | None,
        typer.Option("--range", metavar="LOW:HIGH", help="What is drawn: one for all, or one a variable."),
    ] = None,
    port: Annotated[
        str | None, typer.Option(metavar="N", help=f"Where to listen; left out, {_DEFAULT_PORT} or any free one.")
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address.")] = False,
) -> None:
    """Open the laboratory in the browser: click a start, drag the learning rate, watch the descent."""
    from downslope.cli import reading
    from downslope.errors import InvalidInput
    from downslope.lab import starting
    from downslope.lab.page_files import check_page

    wanted = reading.whole("port", port)
    if wanted is not None and not 0 <= wanted < 2**16:
        raise InvalidInput("port", "must be from 0 to 65535", wanted)
    check_page()
    with loading():
        from downslope import disk_cache
        from downslope.lab.laboratory import Laboratory

        disk_cache.switch_on()
    own, opening = _chosen(fun, start, box)
    laboratory = Laboratory(own, opening=opening)

    def ready(url: str) -> None:
        print(f"The laboratory is at {url}\nCtrl-C ends it.", flush=True)
        if not no_browser:
            starting.open_browser(url)

    starting.serve(laboratory, _free(wanted), ready=ready)
    from downslope.cli.entry import leave_at_once

    leave_at_once(0)  # a request that still runs, perhaps for ever, is not waited for


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(cls=Command, epilog=_STATUSES)(lab)


def _free(wanted: int | None) -> int:
    """The port asked for; else the usual one, so that an address in the history works again, or any that is free."""
    from downslope.errors import InvalidInput
    from downslope.lab.starting import listening

    if wanted is not None:
        return wanted
    try:
        listening(int(_DEFAULT_PORT)).close()
    except InvalidInput:
        return 0
    return int(_DEFAULT_PORT)


def _chosen(fun: str | None, start: str | None, box: str | None) -> tuple[dict[str, Own], dict[str, Any] | None]:
    """The Python function, if there is one, by its name; and the piece of setting that the page shows first."""
    from downslope.cli import reading
    from downslope.errors import InvalidInput
    from downslope.lab.functions import PREFIX, Functions, Own
    from downslope.lab.settings import setting

    if fun is None:
        for option, given in (("start", start), ("range", box)):
            if given is not None:
                raise InvalidInput(option, "needs a function beside it", given)
        return {}, None
    if fun.endswith(".py"):
        raise InvalidInput("fun", f"must say which function of the file: {fun}:loss, say", fun)
    numbers, ranges = reading.start(start), reading.box(box)
    begin = numbers if isinstance(numbers, list | None) else [numbers]
    pairs = [ranges] if isinstance(ranges, tuple) else ranges
    path, colon, name = fun.rpartition(":")
    if colon and path.endswith(".py"):
        own = {name: Own(function_in(path, name), begin, pairs, fun)}
        Functions(own)  # raises where it gives no number
        return own, {"fun": PREFIX + name}
    opening: dict[str, Any] = {"fun": fun}
    if begin is not None:
        opening["start"] = begin
    functions = Functions()
    if pairs is not None:
        drawn = min(2, len(begin or functions.find(fun).start))
        pairs = pairs * drawn if len(pairs) == 1 else pairs
        if len(pairs) != drawn:
            raise InvalidInput("range", f"must be a pair for each of the {drawn} variables drawn, or one for all", box)
        opening["ranges"] = [list(pair) for pair in pairs]
    setting(opening, functions)  # raises where it cannot be read, before a server starts
    return {}, opening


def function_in(path: str, name: str) -> Any:
    """The function of that name in a Python file; its folder is on the path, as where Python runs the file."""
    from downslope.errors import InvalidFile, InvalidInput, UnknownName

    file = Path(path)
    if not file.is_file():
        raise InvalidFile(path, "does not exist, or is no file", parameter="fun")
    sys.path.insert(0, str(file.resolve().parent))
    specification = importlib.util.spec_from_file_location(file.stem, file)
    if specification is None or specification.loader is None:
        raise InvalidFile(path, "is no Python file", parameter="fun")
    module = importlib.util.module_from_spec(specification)
    sys.modules[file.stem] = module
    try:
        specification.loader.exec_module(module)
    except Exception as error:
        raise InvalidInput(
            "fun", f"must be in a file that runs; it raised {type(error).__name__}: {error}", path
        ) from error
    if not hasattr(module, name):
        raise UnknownName("fun", name, [key for key, value in vars(module).items() if callable(value)])
    found = getattr(module, name)
    if not callable(found):
        raise InvalidInput("fun", "must be a function", found)
    return found
