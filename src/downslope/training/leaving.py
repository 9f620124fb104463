"""How a process leaves a cluster where something fails: at once, with a message, and not by JAX's way out.

Whoever ends in the ordinary way waits for all others (98 s in a probe), who wait for it in their next step. So a
process that fails tells the others why, by the coordinator, and ends; they listen, and end, too. Where one was killed
nothing is told: then the others' next step fails, and they ask who is missing. Of a process that hangs JAX's heartbeat
tells, as where the coordinator is killed: then JAX ends the others by SIGABRT, with its own message.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

import jax

from downslope.errors import DownslopeError, InvalidInput

if TYPE_CHECKING:
    from downslope.training.cluster import Cluster

STATUS = 1
_KEY = "downslope/failure"
_SECONDS_BETWEEN_QUESTIONS = 0.5
_SECONDS_FOR_ANSWERS = 2
"""That the others are given to say that they are there."""
_SECONDS_TO_GO_FIRST = 0.2
_ending = threading.Lock()


@contextlib.contextmanager
def at_once(cluster: Cluster) -> Iterator[None]:
    """Whatever is raised within ends this process, if there are others."""
    try:
        yield
    except BaseException as error:
        if cluster.is_alone:
            raise
        leave(cluster, error)


def listen(cluster: Cluster) -> None:
    """From now on, end this process where another tells that it fails, or where nobody here catches an exception."""
    is_over = threading.Event()

    def wait() -> None:
        while not is_over.wait(_SECONDS_BETWEEN_QUESTIONS):
            told = _told()
            if told is not None:
                _end(cluster, told)

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        leave(cluster, error)

    def end() -> None:
        is_over.set()
        listener.join(_SECONDS_FOR_ANSWERS)

    sys.excepthook = hook
    listener = threading.Thread(target=wait, name="downslope listens to the other processes", daemon=True)
    listener.start()
    atexit.register(end)  # a thread that comes back from JAX to an interpreter that is gone takes the process with it


def leave(cluster: Cluster, error: BaseException) -> NoReturn:
    """Tell the others and the standard error why, and end."""
    is_from_jax = isinstance(error, jax.errors.JaxRuntimeError) or "Gloo" in str(error)
    cause = _of_others(cluster, error) if is_from_jax else None
    if cause is None:
        cause = f"process {cluster.rank}: {type(error).__name__}: {error}"
        with contextlib.suppress(Exception):
            client().key_value_set(_KEY, cause)
        if not isinstance(error, DownslopeError | KeyboardInterrupt):
            traceback.print_exception(error)
    statuses = {KeyboardInterrupt: 130, InvalidInput: 2}
    _end(cluster, cause, next((status for kind, status in statuses.items() if isinstance(error, kind)), STATUS))


def _end(cluster: Cluster, cause: str, status: int = STATUS) -> NoReturn:
    """With one message; the coordinator gives the others a moment to hear it."""
    _ending.acquire()  # never given back: of two threads that come here the first one ends the process
    with contextlib.suppress(Exception):
        sys.stdout.flush()
        told = f"process {cluster.rank} of {cluster.n_processes} leaves; the cause is in {cause}"
        sys.stderr.write(f"downslope: {told}\n")
        sys.stderr.flush()
    with contextlib.suppress(Exception):
        client().wait_at_barrier("downslope/heard", 1000 * _SECONDS_FOR_ANSWERS)
    if cluster.is_first:
        time.sleep(_SECONDS_TO_GO_FIRST)
    os._exit(status)


def client() -> Any:
    """What JAX's processes tell each other by; it has no public name."""
    from jax._src import distributed

    return distributed.global_state.client


def _told() -> str | None:
    """What a process that fails has told."""
    with contextlib.suppress(Exception):
        return str(client().key_value_try_get(_KEY))
    return None


def _of_others(cluster: Cluster, error: BaseException) -> str | None:
    """What another process told, or which are missing; None where all are there, and the error is our own."""
    told = _told()
    if told is not None:
        return told
    try:
        client().wait_at_barrier("downslope/left", 1000 * _SECONDS_FOR_ANSWERS)
    except Exception as answer:  # JAX's own kind of error, which has had several names
        missing = re.findall(r"^(\d+)$", str(answer), re.MULTILINE)
        if missing:
            return f"process {', '.join(missing)}: killed or crashed, without a word ({error})"
        if not cluster.is_first:
            return f"process 0: killed or crashed, and with it the coordinator ({error})"
    return None
