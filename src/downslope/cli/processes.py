"""Several processes on this machine that run the same command and train together, for trying that out.

As torchrun does it: each is told by its environment which it is; the first that fails ends all. They talk over the
loopback interface, and end where this process is gone. On several machines torchrun, mpirun or srun start the same
command.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

SECONDS_TO_LEAVE = 15.0
"""That the others have after the first one ended, to end by themselves and say why."""
_PROGRAM = "from downslope.cli import main, processes; processes.end_with_parent(); main()"


def run_in_processes(n: int) -> int:
    """Run this very command in n processes; gives the exit status of the first that failed, 0 where none did."""
    environment = os.environ | {"WORLD_SIZE": str(n), "JAX_COORDINATOR_ADDRESS": f"127.0.0.1:{_free_port()}"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-P", "-c", _PROGRAM, *sys.argv[1:]],
            env=environment | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdin=subprocess.PIPE,  # closed by the system where this process is killed
        )
        for rank in range(n)
    ]
    failed: tuple[int, int] | None = None
    try:
        with _signals():
            for rank, status in _endings(processes):
                failed = failed or ((rank, status) if status else None)
    finally:
        for process in processes:
            process.kill()
            process.wait()
    if failed is None:
        return 0
    rank, status = failed
    if status < 0:
        print(f"error: process {rank} of {n} was ended by {signal.Signals(-status).name}", file=sys.stderr)
    return status if status > 0 else 1


def end_with_parent() -> None:
    """End this process where the one that started it is gone."""

    def wait() -> None:
        while os.read(0, 1):  # of the descriptor: a lock of `sys.stdin` would be held when Python ends
            pass
        os._exit(1)

    threading.Thread(target=wait, name="downslope waits for its parent", daemon=True).start()


def _endings(processes: list[subprocess.Popen[bytes]]) -> Iterator[tuple[int, int]]:
    """Ranks and exit statuses, as the processes end; no more, some time after the first one ended."""
    left, deadline = dict(enumerate(processes)), float("inf")
    while left and time.monotonic() < deadline:
        ended = [(rank, process.returncode) for rank, process in left.items() if process.poll() is not None]
        for rank, status in ended:
            del left[rank]
            if status:
                deadline = min(deadline, time.monotonic() + SECONDS_TO_LEAVE)
            yield rank, status
        time.sleep(0.05)


@contextlib.contextmanager
def _signals() -> Iterator[None]:
    """Ctrl-C is left to those that train: it reaches all processes of a terminal. SIGTERM ends them with this one."""
    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, signal.SIG_IGN),
        signal.SIGTERM: signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number)),
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
