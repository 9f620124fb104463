"""Pages of waiting lanes for as many threads as there are cores, and what comes of them.

Each thread has a block of its own and takes the next page when it needs one; which lanes share a block changes no
lane. Calls of the compiled loop are kept to a fraction of a second, since Ctrl-C does not reach Python inside one.
Memory is bounded by the blocks, the pages and the results.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from downslope.engines.lanes.block import EMPTY, Block, Budget, Page, outcomes
from downslope.engines.lanes.cores import n_cores
from downslope.engines.lanes.results import Lanes
from downslope.patience import ask
from downslope.stopping import Status

SECONDS_A_CALL = 0.1
"""Ctrl-C and the progress bar wait at most about this long."""
_MOST_STEPS = 2**30


@dataclass
class Feeder:
    """The lanes of a sweep, on their way through the blocks."""

    block: Block
    shared: Any
    starts: np.ndarray
    """Shape (m, n)."""
    numbers: Any
    """Arrays of shape (m, ...)."""
    results: Lanes
    n_threads: int = field(default_factory=n_cores)
    _n_paged: int = 0
    _n_finished: int = 0
    _over: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def loss_at(self, start: np.ndarray) -> float:
        """The loss at a start: a call of one step, which also compiles the loop."""
        with jax.enable_x64(True):
            page = self._page(0, 1)
            page.starts[:, 0] = start
            slots = self.block.empty_slots(page, self.shared)
            slots, *_ = self.block.run(self.shared, slots, page, np.asarray(0), _budget(1, 1, drain=True))
            return float(np.asarray(slots.lanes.first_loss)[0])

    def run(self, progress: Callable[[int], None] | None) -> None:
        """All lanes to their ends; the results are in `results` then, and when Ctrl-C raises KeyboardInterrupt."""
        with ThreadPoolExecutor(self.n_threads) as pool:
            threads = {pool.submit(self._work) for _ in range(self.n_threads)}
            try:
                while threads:
                    done, threads = wait(threads, SECONDS_A_CALL, FIRST_EXCEPTION)
                    for thread in done:
                        thread.result()
                    ask()
                    if progress is not None:
                        progress(self._n_finished)
            finally:  # Ctrl-C among others: the threads write down what is under way, and end
                self._over.set()

    def _work(self) -> None:
        """One thread: page after page, until there are none and its slots are empty."""
        with jax.enable_x64(True):
            page, n_waiting = self._next_page()
            if not n_waiting:
                return
            slots, taken, steps = self.block.empty_slots(page, self.shared), np.asarray(0), 1
            while not self._over.is_set():
                budget = _budget(steps, n_waiting, drain=not n_waiting)
                began = time.perf_counter()
                slots, taken, made, finished = self.block.run(self.shared, slots, page, taken, budget)
                self._put(finished)  # waits for the call
                seconds_a_step = (time.perf_counter() - began) / max(1, int(made))
                steps = int(np.clip(SECONDS_A_CALL / seconds_a_step, 1, min(8 * steps, _MOST_STEPS)))
                running = np.asarray(slots.lanes.status)[self.block.usable] == Status.RUNNING
                if not n_waiting and (np.asarray(slots.index) == EMPTY).all():
                    return
                if n_waiting and int(taken) == n_waiting and not running.all():
                    (page, n_waiting), taken = self._next_page(), np.asarray(0)
            self._put(self.block.interrupted(self.shared, slots))

    def _put(self, finished: Any) -> None:
        index, told = outcomes(finished)
        self.results.put(index, told)
        with self._lock:
            self._n_finished += len(index)

    def _next_page(self) -> tuple[Page, int]:
        """The next lanes and their number, which is 0 when all have been given out."""
        # Several pages a thread, as far as they fill a block, so that no thread ends long before another.
        length = -(-len(self.starts) // (4 * self.n_threads))
        length = int(np.clip(length, self.block.n_slots, self.block.page_length))
        with self._lock:
            first = self._n_paged
            self._n_paged = last = min(first + length, len(self.starts))
        return self._page(first, last), last - first

    def _page(self, first: int, last: int) -> Page:
        def lanes_last(array: np.ndarray) -> np.ndarray:
            page = np.zeros((*array.shape[1:], self.block.page_length), array.dtype)
            page[..., : last - first] = np.moveaxis(array[first:last], 0, -1)
            return page

        index = np.full(self.block.page_length, EMPTY)
        index[: last - first] = np.arange(first, last)
        return Page(index, lanes_last(self.starts), jax.tree.map(lanes_last, self.numbers))


def _budget(n_steps: int, n_waiting: int, drain: bool) -> Budget:
    return Budget(*(np.asarray(number) for number in (n_steps, n_waiting, drain)))
