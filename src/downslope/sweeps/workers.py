"""The workers of a sweep: those of a Dask cluster that exists, or processes started on this machine for it.

Dask's own programs are the scheduler and the workers. Those started here listen on the loopback interface alone, have
one thread each, and end with the sweep, however it ends: a worker whose scheduler is gone leaves by itself.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from downslope.errors import InvalidInput, MissingExtra, WorkersFailed

LOOPBACK = "127.0.0.1"
SECONDS_TO_ANSWER = 5
"""That a scheduler has."""
_SECONDS_TO_START = 60
_SECONDS_TO_LEAVE = 15
_SECONDS_WITHOUT_SCHEDULER = 20
"""After which a worker started here leaves, where the process that asked for it was killed."""


@contextlib.contextmanager
def connected(scheduler: Any, n_workers: int | None) -> Iterator[Any]:
    """A dask.distributed.Client of the cluster with that address, or of so many workers that end afterwards.

    `scheduler` may be a Client as well, which stays as it is. InvalidInput where no scheduler answers or no number of
    workers can be meant, MissingExtra without Dask.
    """
    if scheduler is not None and n_workers is not None:
        rule = "must be None beside a `scheduler`, which has its own"
        raise InvalidInput("workers", rule, n_workers)
    if n_workers is not None and (isinstance(n_workers, bool) or not isinstance(n_workers, int) or n_workers < 1):
        raise InvalidInput("workers", "must be a whole number, 1 or more", n_workers)
    try:
        import dask
        from distributed import Client
    except ImportError:
        raise MissingExtra("a sweep in workers", "Dask", extra="dask") from None
    with contextlib.ExitStack() as stack:
        # What a function captures is sent once, as Dask would have it; it warns beyond 10 MB nevertheless.
        stack.enter_context(dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 GB"}))
        if isinstance(scheduler, Client):
            yield scheduler
            return
        address = scheduler if n_workers is None else stack.enter_context(_workers_here(n_workers))
        client = stack.enter_context(_client(address, direct=n_workers is not None))
        if n_workers is not None:
            _wait_for_workers(client, n_workers)
        yield client


def _client(address: Any, *, direct: bool) -> Any:
    """A client, which asks workers for their results directly where it surely reaches them."""
    from distributed import Client

    if not isinstance(address, str) or not address.rpartition(":")[2].isdecimal():
        rule = "must be an address with its port, such as tcp://host:8786, or a Client"
        raise InvalidInput("scheduler", rule, address)
    try:
        return Client(address, timeout=SECONDS_TO_ANSWER, set_as_default=False, direct_to_workers=direct)
    except (OSError, ValueError, TypeError) as error:  # no answer; no address; a TLS one without certificates
        rule = f"must be the address of a Dask scheduler that answers within {SECONDS_TO_ANSWER} s ({error})"
        raise InvalidInput("scheduler", rule, address) from error


def _wait_for_workers(client: Any, n_workers: int) -> None:
    try:
        client.wait_for_workers(n_workers, timeout=_SECONDS_TO_START)
    except TimeoutError:
        n = len(client.nthreads())
        raise WorkersFailed(f"of {n_workers} workers {n} started within {_SECONDS_TO_START} s") from None


@contextlib.contextmanager
def _workers_here(n_workers: int) -> Iterator[str]:
    """The address of a scheduler in this process, whose workers are processes of their own.

    They are started as a program and not by multiprocessing, which would run the user's script in each once more.
    """
    from distributed import LocalCluster

    http = f"{LOOPBACK}:0"  # also without a dashboard there is a port, else on all interfaces
    with LocalCluster(n_workers=0, host=LOOPBACK, dashboard_address=http, silence_logs="ERROR") as cluster:
        program = [sys.executable, "-P", "-m", "distributed.cli.dask_worker", cluster.scheduler_address]
        options = {
            "host": LOOPBACK,
            "dashboard-address": http,
            "nworkers": n_workers,
            "nthreads": 1,
            "death-timeout": _SECONDS_WITHOUT_SCHEDULER,
        }
        environment = {
            "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path)),  # they import what this process can
            "DASK_LOGGING__DISTRIBUTED": "critical",
        }
        process = subprocess.Popen(
            [*program, *(f"--{name}={value}" for name, value in options.items()), "--no-dashboard"],
            env=os.environ | environment,
            start_new_session=True,  # Ctrl-C in a terminal is for this process, which decides what becomes of them
        )
        try:
            yield cluster.scheduler_address
        finally:
            process.terminate()
            try:
                process.wait(_SECONDS_TO_LEAVE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
