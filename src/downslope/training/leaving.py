"""How a process leaves a cluster where something fails: at once, with a message, and not by JAX's way out.

Whoever ends in the ordinary way waits for all others (98 s in a probe), who wait for it in their next step. So a
process that fails tells the others why, by the coordinator, and ends. Theirs fail then, too: each asks what was told,
and where nothing was, who is missing. Of a process that hangs JAX's heartbeat tells; it ends the others by SIGABRT.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

import jax

from downslope.errors import DownslopeError

if TYPE_CHECKING:
    from downslope.training.cluster import Cluster

STATUS = 1
_KEY = "downslope/failure"
_SECONDS_FOR_ANSWERS = 2
"""That those who are left are given to say that they are."""


@contextlib.contextmanager
def at_once(cluster: Cluster) -> Iterator[None]:
    """Whatever is raised within ends this process, if there are others."""
    try:
        yield
    except BaseException as error:
        if cluster.is_alone:
            raise
        leave(cluster, error)


def where_nobody_catches(cluster: Cluster) -> None:
    """End this process so where an exception reaches the top of the program."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        leave(cluster, error)

    sys.excepthook = hook


def leave(cluster: Cluster, error: BaseException) -> NoReturn:
    """Tell the others and the standard error why, and end."""
    with contextlib.suppress(Exception):
        sys.stdout.flush()
    cause = _of_others(cluster, error) if isinstance(error, jax.errors.JaxRuntimeError) else None
    if cause is None:
        cause = f"process {cluster.rank}: {type(error).__name__}: {error}"
        with contextlib.suppress(Exception):
            client().key_value_set(_KEY, cause, allow_overwrite=False)
        if not isinstance(error, DownslopeError | KeyboardInterrupt):
            traceback.print_exception(error)
    told = f"downslope: process {cluster.rank} of {cluster.n_processes} leaves; the cause is in {cause}\n"
    with contextlib.suppress(Exception):
        sys.stderr.write(told)
        sys.stderr.flush()
    os._exit(130 if isinstance(error, KeyboardInterrupt) else STATUS)


def client() -> Any:
    """What JAX's processes tell each other by; it has no public name."""
    from jax._src import distributed

    return distributed.global_state.client


def _of_others(cluster: Cluster, error: Exception) -> str | None:
    """What another process told, or which are missing; None where all are there, and the error is our own."""
    with contextlib.suppress(Exception):
        return str(client().key_value_try_get(_KEY))
    try:
        client().wait_at_barrier("downslope/left", 1000 * _SECONDS_FOR_ANSWERS)
    except Exception as answer:
        missing = re.findall(r"^(\d+)$", str(answer), re.MULTILINE)
        if missing:
            return f"process {', '.join(missing)}: it is gone, killed or crashed, with no word ({error})"
        if not cluster.is_first:
            return f"process 0: it is gone, and with it the coordinator ({error})"
    return None
