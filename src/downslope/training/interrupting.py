"""Ctrl-C in several processes: it reaches each at another moment, and all must stop at the same step.

So it is noted, and before the next steps all are asked whether it reached one of them. A second Ctrl-C ends the process
at once, and the others with it.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

from downslope.training.cluster import Cluster
from downslope.training.leaving import leave


class Interrupts:
    """While it lasts, the first Ctrl-C is noted; does nothing where a process is alone."""

    def __init__(self, cluster: Cluster):
        self.cluster = cluster
        self._is_noted = False
        self._before: Any = None

    def __enter__(self) -> Interrupts:
        """Begin."""
        if not self.cluster.is_alone and threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *error: object) -> None:
        """Let Ctrl-C be what it was."""
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def check(self) -> None:
        """Raise KeyboardInterrupt, in all processes, where one has noted it."""
        if self.cluster.any_says(self._is_noted):
            raise KeyboardInterrupt

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._is_noted:
            leave(self.cluster, KeyboardInterrupt("for the second time"))
        self._is_noted = True
