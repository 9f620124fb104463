"""Real processes that train together, started as a launcher does it."""

import os
import socket
import subprocess
import sys
import time
from typing import NamedTuple


class Ended(NamedTuple):
    status: int
    told: str
    """Its standard error."""
    seconds: float
    """After the first of them ended."""


def run_together(program, *words, n=2, sizes=None, stopped=None, timeout=60):
    """Run a program in n processes, each with its rank and the same words; `sizes` are what each is told n is.

    One that is `stopped` is killed when the others have ended.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    sizes = sizes or [n] * n
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program, *map(str, words)],
            env=os.environ | {"RANK": str(r), "WORLD_SIZE": str(sizes[r]), "JAX_COORDINATOR_ADDRESS": address},
            stderr=subprocess.PIPE,
            text=True,
        )
        for r in range(n)
    ]
    ends, deadline = {}, time.monotonic() + timeout
    try:
        while len(ends) < n and time.monotonic() < deadline:
            for r, process in enumerate(started):
                if r not in ends and process.poll() is not None:
                    ends[r] = time.monotonic()
            if stopped is not None and len(ends) == n - 1:
                started[stopped].kill()
            time.sleep(0.05)
        assert len(ends) == n, f"of {n} processes {sorted(ends)} ended"
    finally:
        for process in started:
            process.kill()
    first = min(ends.values())
    told = [process.communicate()[1] for process in started]
    return [Ended(started[r].returncode, told[r], ends[r] - first) for r in range(n)]
