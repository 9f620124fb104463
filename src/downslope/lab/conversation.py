"""One page's conversation: requests come in as text, answers go out in any order, and none can end the server.

Requests run in threads. One that runs longer than the limit is answered `too_long` at once; its thread ends at the
next look, which the loops of this package take about every tenth of a second. Code of the user's own that never comes
back keeps its thread; there are only so many, and when all are taken, that is the answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

from downslope.lab.laboratory import Laboratory, error_of
from downslope.lab.limits import LIMITS
from downslope.lab.messages import packed
from downslope.patience import LostPatience

N_THREADS = 8


class Workers:
    """The threads that requests run in, shared by all pages."""

    def __init__(self, laboratory: Laboratory, *, seconds: float = LIMITS.seconds, n_threads: int = N_THREADS):
        self.laboratory, self.seconds = laboratory, seconds
        self._pool = ThreadPoolExecutor(n_threads, thread_name_prefix="downslope-request")

    def close(self) -> None:
        """Take no more; what runs goes on to its next look."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def answer(self, identifier: Any, method: Any, params: Any, cancelled: threading.Event) -> bytes:
        """The packed answer to one request, an error among them; never raises, but where it is itself cancelled."""
        began = time.monotonic()

        def check() -> None:
            if cancelled.is_set():
                raise LostPatience("cancelled")
            if time.monotonic() - began > self.seconds:
                raise LostPatience("too_long")

        def work() -> bytes:
            try:
                check()  # it may have waited long for a thread
                return packed({"id": identifier, "result": self.laboratory.call(method, params, check)})
            except BaseException as error:
                return packed({"id": identifier, "error": error_of(error)})

        loop = asyncio.get_running_loop()
        running = asyncio.wrap_future(self._pool.submit(work), loop=loop)
        waiting_for: set[asyncio.Future[Any]] = {running, asyncio.ensure_future(_is_set(cancelled))}
        try:
            done, _ = await asyncio.wait(waiting_for, timeout=self.seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for future in waiting_for:
                future.cancel()
        if running in done:
            return running.result()
        kind = "cancelled" if done else "too_long"
        cancelled.set()
        return packed({"id": identifier, "error": error_of(LostPatience(kind))})


async def _is_set(event: threading.Event) -> None:
    while not event.is_set():
        await asyncio.sleep(0.02)


class Conversation:
    """What one page has asked for and has not been told yet."""

    def __init__(self, workers: Workers, send: Callable[[bytes], Awaitable[None]]):
        self._workers, self._send = workers, send
        self._open: dict[asyncio.Task[None], tuple[Any, threading.Event]] = {}

    async def hear(self, message: str | bytes) -> None:
        """Take one message; malformed ones are answered with an error."""
        try:
            asked = read(message)
        except ValueError as error:
            await self._send(packed({"id": None, "error": {"kind": "message", "message": str(error)}}))
            return
        if "cancel" in asked:
            for identifier, event in self._open.values():
                if identifier == asked["cancel"]:
                    event.set()
            return
        identifier = asked["id"]
        if len(self._open) >= LIMITS.waiting:
            told = {"kind": "busy", "message": f"more than {LIMITS.waiting} requests wait already"}
            await self._send(packed({"id": identifier, "error": told}))
            return
        event = threading.Event()
        task = asyncio.create_task(self._answer(identifier, asked, event))
        self._open[task] = (identifier, event)
        task.add_done_callback(self._open.pop)

    async def _answer(self, identifier: Any, asked: dict[str, Any], event: threading.Event) -> None:
        answer = await self._workers.answer(identifier, asked.get("method"), asked.get("params", {}), event)
        with contextlib.suppress(Exception):  # the page has gone in the meantime
            await self._send(answer)

    async def close(self) -> None:
        """The page has gone: nobody waits for its answers."""
        for task, (_, event) in list(self._open.items()):
            event.set()
            task.cancel()


def read(message: str | bytes) -> dict[str, Any]:
    """A request, or the wish to cancel one; ValueError where it is neither.

    >>> read('{"id": 7, "method": "hello", "params": {}}')
    {'id': 7, 'method': 'hello', 'params': {}}
    """
    if not isinstance(message, str):
        raise ValueError("messages are text")
    if len(message) > LIMITS.message_bytes:
        raise ValueError("the message is too long")
    try:
        asked = json.loads(message, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the message is not JSON: {str(error)[:100]}") from None
    return valid(asked)


def valid(asked: Any) -> dict[str, Any]:
    """The same of what has been read; ValueError where it is no message."""
    if not isinstance(asked, dict):
        raise ValueError("a message is an object")
    key = asked.get("cancel", asked.get("id"))
    if isinstance(key, bool) or not isinstance(key, int | str) or len(str(key)[:50]) > 40:
        raise ValueError("a message has an `id`, a whole number or a short text, or the one to `cancel`")
    return asked


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"JSON has no {name}")
