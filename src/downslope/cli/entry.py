"""How the program starts and ends: with a status for scripts and a message for people, whatever happens.

Exit status: 0 where the run finished, converged or not, 2 for bad input, 3 where it diverged or met a value
that is not finite, 130 after Ctrl-C, and 1 for all else (a fault of ours, a reader that has gone).
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sys
import traceback
from typing import NoReturn

from downslope.errors import DownslopeError, WorkersFailed

_OPTIONS = {
    "x0": "--start",
    "starts": "--start",
    "n_starts": "--starts",
    "learning_rate": "--learning-rate",
    "learning_rates": "--learning-rate",
    "seeds": "--seed",
    "Momentum.beta": "--beta",
    "Nesterov.beta": "--beta",
    "max_steps": "--steps",
    "target_loss": "--target-loss",
    "gradient_tolerance": "--tolerance",
    "loss_limit": "--loss-limit",
    "path": "FILE",
    "data": "DATA",
    "hidden_layer_sizes": "--hidden-layers",
    **{
        name: f"--{name.replace('_', '-')}"
        for name in (
            *("target", "weight", "features", "model", "activation", "batch_size", "epochs", "validation", "l1", "l2"),
            *("early_stopping", "clip_norm", "average_from", "sharpness", "checkpoint", "resume", "output"),
            "replay",
        )
    },
    **{
        name: f"--{name}"
        for name in (
            *("start", "method", "bounds", "noise", "seed", "engine", "decay", "beta", "tolerance", "save"),
            *("methods", "view", "region", "step", "fps", "plot", "colour", "range", "resolution", "sampler", "port"),
            *("processes", "scheduler", "workers"),
        )
    },
}
"""The option that sets a parameter, by which an error names it here."""


_TAKE_A_FORMULA = ("run", "explain", "plot", "film", "race", "sweep", "basins", "multistart", "lab")


def main() -> None:
    """Run the command line; errors of downslope become one message and exit status 2."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the shell: >&-
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115  # as long as the process
        getattr(sys, name).reconfigure(errors="backslashreplace")  # π in a terminal of ASCII
    try:
        from downslope.cli.app import app  # here, since Ctrl-C may come while it is loaded

        try:
            app(_formula_last(sys.argv[1:]), prog_name="downslope", terminal_width=_help_width())
        finally:
            sys.stdout.flush()  # here, where a reader that has gone can still be dealt with
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for Python flushes once more at its end
        sys.exit(1)
    except KeyboardInterrupt:
        leave_at_once(130)
    except SystemExit as ending:
        if ending.code == 130:  # the record of an interrupted run has been shown
            leave_at_once(130)
        raise
    except DownslopeError as error:
        _fail(_with_options(error), 1 if isinstance(error, WorkersFailed) else 2)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO) and error.filename is None:
            print(f"error: the output cannot be written: {error.strerror}", file=sys.stderr)
            leave_at_once(1)
        if error.filename is None:
            _unexpected(error)
        _fail(f"{error.filename}: {error.strerror}", 2)
    except Exception as error:
        _unexpected(error)


def leave_at_once(status: int) -> NoReturn:
    """End the process without Python's own end, in which JAX crashes where it was interrupted while it compiled."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    os._exit(status)


def _fail(message: str, status: int) -> None:
    print(f"error: {message}", file=sys.stderr)
    sys.exit(status)


def _unexpected(error: Exception) -> None:
    """What happened and where, without the hundred lines of what led to it."""
    if os.environ.get("DOWNSLOPE_TRACEBACK"):
        traceback.print_exception(error)
        sys.exit(1)
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if f"{os.sep}downslope{os.sep}" in frame.filename] or frames
    what = "\n".join(f"{type(error).__name__}: {error}".splitlines()[:4])
    where = f"{ours[-1].filename}:{ours[-1].lineno}, in {ours[-1].name}"
    _fail(f"unexpected {what}\n  at {where}\nDOWNSLOPE_TRACEBACK=1 shows the way there; please report it.", 1)


def _formula_last(arguments: list[str]) -> list[str]:
    """`run "-x^2" --start 1` as `run --start 1 -- "-x^2"`: no option here has one dash."""
    if (
        len(arguments) > 1
        and arguments[0] in _TAKE_A_FORMULA
        and arguments[1][:1] == "-"
        and arguments[1][:2] not in ("--", "-h")
    ):
        return [arguments[0], *arguments[2:], "--", arguments[1]]
    return arguments


def _help_width() -> int:
    """The terminal's, where it has from 30 to 100 columns; left to itself, the help is 50 to 80 wide."""
    return min(max(shutil.get_terminal_size().columns, 30), 100) - 2


def _with_options(error: DownslopeError) -> str:
    """The message with the option's name in place of the parameter's: `--start` for `x0`."""
    parameter, value = getattr(error, "parameter", ""), getattr(error, "value", "")
    text = str(error)
    if value is None or isinstance(value, bool):  # an option that was left out, or has no value: nobody wrote "True"
        text = text.replace(f"; got {value}.", ".")
    return text.replace(f"`{parameter}`", _OPTIONS.get(parameter, f"`{parameter}`"), 1)
