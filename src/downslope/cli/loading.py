"""Modules loaded without the garbage collector: a quarter of the time that JAX takes to load and to end."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """For the imports of a command: half a million objects, all of which live to the end.

    The collector would look through them again and again on the way, and once more when the process ends.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
