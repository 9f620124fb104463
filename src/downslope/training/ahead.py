"""A loop that runs ahead in a thread of its own, in memory that is used again and again.

    with Ahead(fill, new, most=4) as items:
        for item in items: ...

`fill(room)` is a generator: it gets an item by `room()`, fills it, and yields it. There are at most so many items; the
one that was got last and those that `held` tells are left alone, the others are filled meanwhile.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")
NAME = "downslope reads ahead"


class Ahead(Generic[Item]):
    """Items, filled by a thread before they are asked for; an error in it is raised where its item would have come.

    >>> def fill(room):
    ...     for i in range(3):
    ...         item = room()
    ...         item.append(i)
    ...         yield item
    >>> with Ahead(fill, list, most=2) as items:
    ...     [list(item) for item in items]
    [[0], [1], [0, 2]]
    """

    def __init__(
        self, fill: Callable[[Callable[[], Item]], Iterator[Item]], new: Callable[[], Item], most: int, held: int = 1
    ):
        self._fill, self._new, self._most, self._held = fill, new, most, held
        self.made: list[Item] = []
        self._free: queue.SimpleQueue[Item | None] = queue.SimpleQueue()
        self._full: queue.SimpleQueue[Item | BaseException | None] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=NAME, daemon=True)

    def __enter__(self) -> Ahead[Item]:
        """Start the thread."""
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        """End the thread, and wait for it."""
        self._stopped.set()
        self._free.put(None)
        self._full.put(None)
        self._thread.join()

    def __iter__(self) -> Iterator[Item]:
        """The items, until the thread is done."""
        given: list[Item] = []
        while not self._stopped.is_set():
            item = self._full.get()
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            given.append(item)
            yield item
            if len(given) >= self._held:
                self._free.put(given.pop(0))

    def _run(self) -> None:
        try:
            for item in self._fill(self._room):
                self._full.put(item)
            self._full.put(None)
        except _StoppedError:
            pass
        except BaseException as error:
            self._full.put(error)

    def _room(self) -> Item:
        """An item to fill: a new one while there may be more, else one that was given back."""
        if len(self.made) < self._most and self._free.empty():
            self.made.append(self._new())
            return self.made[-1]
        item = self._free.get()
        if item is None or self._stopped.is_set():
            raise _StoppedError
        return item


class _StoppedError(Exception):
    """Nobody waits for more items."""
