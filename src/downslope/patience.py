"""Computations that somebody waits for: whoever asked may lose patience, and then they end early.

Ctrl-C reaches the main thread alone. Elsewhere, as in the threads of a server, the loops of this package ask here
about every tenth of a second, where they also draw their progress; the answer is an exception.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_CHECK: ContextVar[Callable[[], None] | None] = ContextVar("downslope_patience", default=None)


class LostPatience(BaseException):
    """Nobody waits any more. Not an Exception, as KeyboardInterrupt is none: code that tries things must not go on."""


@contextmanager
def asking(check: Callable[[], None]) -> Iterator[None]:
    """While this lasts, loops in this thread call `check`, which raises LostPatience to end them.

    >>> def check():
    ...     raise LostPatience("too long")
    >>> with asking(check):
    ...     ask()
    Traceback (most recent call last):
    ...
    downslope.patience.LostPatience: too long
    """
    token = _CHECK.set(check)
    try:
        yield
    finally:
        _CHECK.reset(token)


def ask() -> None:
    """Go on, or raise LostPatience; without anybody who waits, go on."""
    check = _CHECK.get()
    if check is not None:
        check()
