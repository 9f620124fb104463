"""`downslope lab` in a process of its own: one for all workers of pytest, so that a function is compiled once."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # where there is none, each worker has its own
    fcntl = None  # type: ignore[assignment]


# It ends with its input: also where who started it was killed.
CODE = """
import os, sys, threading
from downslope.cli import main

def end_with_input():
    sys.stdin.read()
    os._exit(0)

threading.Thread(target=end_with_input, daemon=True).start()
main()
"""


@contextlib.contextmanager
def started(*words: str) -> Iterator[str]:
    """The address that the command prints."""
    command = [sys.executable, "-c", CODE, "lab", *words, "--no-browser", "--port", "0"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        yield process.stdout.readline().split()[-1]


@contextlib.contextmanager
def shared(folder: Path, *words: str) -> Iterator[str]:
    """The same for all processes that name this folder; who started it waits for the others, and ends it."""
    if fcntl is None:
        with started(*words) as address:
            yield address
        return
    with contextlib.ExitStack() as own:
        starting, note = (own.enter_context((folder / name).open("a+")) for name in ("starting", "laboratory"))
        fcntl.flock(starting, fcntl.LOCK_EX)
        fcntl.flock(note, fcntl.LOCK_SH)  # as long as it is used; waits where it is being ended
        note.seek(0)
        address = note.read()
        if not address:
            address = own.enter_context(started(*words))
            own.callback(note.truncate, 0)  # who comes now starts another
            own.callback(fcntl.flock, note, fcntl.LOCK_EX)  # a process that died has let go
            note.write(address)
            note.flush()
        fcntl.flock(starting, fcntl.LOCK_UN)
        yield address
