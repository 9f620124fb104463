"""`downslope lab` in a process of its own: one for all workers of pytest, so that a function is compiled once."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # where there is none, each worker has its own
    fcntl = None  # type: ignore[assignment]


@contextlib.contextmanager
def started(*words: str) -> Iterator[str]:
    """The address that the command prints."""
    code = "from downslope.cli import main; main()"
    command = [sys.executable, "-c", code, "lab", *words, "--no-browser", "--port", "0"]
    # In a group of its own: Ctrl-C of the tests ends it by the signal below.
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            yield process.stdout.readline().split()[-1]
        finally:
            process.send_signal(signal.SIGINT if os.name != "nt" else signal.SIGTERM)
            assert process.wait(20) == 0 or os.name == "nt"


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
