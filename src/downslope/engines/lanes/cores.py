"""The cores that lanes are run on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_ONE_ALONE = ContextVar("downslope_one_core_alone", default=False)


def n_cores() -> int:
    """All that this process may use; in what is `on_one_core`, 1."""
    if _ONE_ALONE.get():
        return 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def on_one_core() -> Iterator[None]:
    """While this lasts, lanes that are begun in this thread keep to one core, since others run beside them.

    >>> with on_one_core():
    ...     n_cores()
    1
    """
    token = _ONE_ALONE.set(True)
    try:
        yield
    finally:
        _ONE_ALONE.reset(token)
