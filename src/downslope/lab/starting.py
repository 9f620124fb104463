"""Starting the local server: it listens before its address is told, and ends with Ctrl-C."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from downslope.errors import InvalidInput, MissingExtra
from downslope.lab.laboratory import Laboratory
from downslope.lab.limits import LIMITS
from downslope.lab.page_files import PAGE, check_page

ADDRESS = "127.0.0.1"
_FIRST = "bowl_2d"
"""What the page begins with, where it is told nothing."""


def listening(port: int) -> socket.socket:
    """A socket that listens at 127.0.0.1; port 0 is any free one. InvalidInput where the port is taken.

    Its protocol is told: asyncio turns Nagle's algorithm off only where it is, and small answers would wait 40 ms.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if sys.platform != "win32":  # there it would let two servers have one port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((ADDRESS, port))
        listener.listen(128)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or error
        raise InvalidInput("port", f"must be free: {reason}", port) from None
    return listener


def serve(
    laboratory: Laboratory,
    port: int = 0,
    *,
    page: Path | None = None,
    seconds: float = LIMITS.seconds,
    ready: Callable[[str], None] = lambda url: None,
) -> None:
    """Serve until Ctrl-C; `ready` is called with the URL once it listens."""
    server, listener, url = _server(laboratory, port, page, seconds)
    ready(url)
    threading.Thread(target=_warm, args=(laboratory,), daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listener])


@contextlib.contextmanager
def serving(
    laboratory: Laboratory, port: int = 0, *, page: Path | None = None, seconds: float = LIMITS.seconds
) -> Iterator[str]:
    """Serve from a thread as long as the context lasts; gives the URL."""
    server, listener, url = _server(laboratory, port, page, seconds)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield url
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


def _server(laboratory: Laboratory, port: int, page: Path | None, seconds: float) -> tuple[Any, socket.socket, str]:
    try:
        import uvicorn

        from downslope.lab import server as pages
    except ImportError as error:
        raise MissingExtra("downslope lab", error.name or "Starlette and uvicorn", extra="lab") from None
    check_page(page)
    listener = listening(port)
    from downslope.lab.guard import Guard

    guard = Guard(listener.getsockname()[1])
    app = pages.application(guard, laboratory, page or PAGE, seconds=seconds)
    return uvicorn.Server(uvicorn.Config(app, **pages.settings())), listener, guard.url


def _warm(laboratory: Laboratory) -> None:
    """What the page asks for first, while the browser starts: loading and compiling take a second or two."""
    params = laboratory.opening or {"fun": _FIRST}
    for method in ("function", "surface", "fan", "limits", "run"):
        with contextlib.suppress(Exception):  # then the page is told
            laboratory.call(method, {"fun": params["fun"]} if method in ("function", "surface") else params)


def open_browser(url: str) -> None:
    """In a thread: some browsers do not come back before they are closed."""
    threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
